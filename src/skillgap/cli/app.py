"""The command line: answers on standard output, everything else on standard error.

Commands import their modules when they run, so that the help does not wait for NumPy, pandas and SQLAlchemy.
Exit codes: 0 success, 1 failure (one line names the reason), 2 usage error.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from skillgap.cli import batch, data, llm, query, serve
from skillgap.cli.messages import note, note_error
from skillgap.errors import SkillgapError
from skillgap.escaping import message_for_terminal
from skillgap.version import __version__


class _Commands(TyperGroup):
    """All commands. A SkillgapError or OSError ends as one line on standard error and exit code 1."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _escaped_usage_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _escaped_usage_errors():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except SkillgapError as error:
            note_error(error)
            raise SystemExit(1) from None
        except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
            _discard_output()
            raise SystemExit(0) from None
        except OSError as error:
            place = error.filename or "the answer cannot be written"
            note(f"skillgap: {place}: {error.strerror or error}")
            if not error.filename:
                _discard_output()
            raise SystemExit(1) from None
        return result


@contextmanager
def _escaped_usage_errors() -> Iterator[None]:
    """Escape the arguments quoted in a usage error, which Typer prints."""
    try:
        yield
    except TyperException as error:
        error.message = message_for_terminal(error.message)
        raise


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="skillgap",
    cls=_Commands,
    help="Find the skill gaps between occupations in O*NET® data, and how certain each gap is.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (query.commands, batch.commands, data.commands, llm.commands, serve.commands):
    app.add_typer(commands)
app.add_typer(llm.llm)


def main() -> None:
    """Run the command line."""
    gc.set_threshold(50_000)  # loaded data live to the end: collecting among them took a quarter of the load time
    if sys.stdout is None:
        if sys.argv[1:2] != ["serve"]:  # the service writes nothing there
            raise SystemExit("skillgap: standard output is closed")
        sys.stdout = io.StringIO()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show the bar's blocks gets ? instead
    app()


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(__version__)  # noqa: TID251 - our own text
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Accept the options before a command."""
