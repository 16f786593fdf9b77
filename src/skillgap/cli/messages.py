"""Messages on standard error, with control characters escaped. Imports nothing slow, so that the help stays fast."""

from __future__ import annotations

import typer

from skillgap.errors import SkillgapError
from skillgap.escaping import message_for_terminal

_HINTS = {
    "unknown-occupation": "`skillgap search WORDS` finds occupations by everyday job titles",
    "invalid-profile": "`skillgap profile-template` prints a profile to fill in",
}
"""Hints that only the command line gives, by error code."""


def note(text: str) -> None:
    """Print a message."""
    typer.echo(message_for_terminal(text), err=True)  # noqa: TID251 - escaped here for every command


def note_error(error: SkillgapError) -> None:
    """Print an error as one line, with a hint if the command line has one."""
    message, hint = str(error), _HINTS.get(error.code)
    separator = " " if message.endswith("?") else "; "
    note(f"skillgap: {message}{separator}{hint}" if hint else f"skillgap: {message}")
