"""Consoles and writers for answers and messages. All of them escape control characters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 - subclassed below to escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from skillgap.escaping import for_terminal, json_for_terminal
from skillgap.export.writers import as_json, write_csv
from skillgap.models import GapStability, TransitionStability

_MIN_WIDTH = 80
"""Minimum width in columns if the output is not a terminal."""
MIN_NAME_WIDTH = 7
"""Letters of a name that remain on a narrow terminal."""
MAX_NAMES = 10
"""Names listed before `and N more`."""


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with control characters escaped, including those in table cells."""
        return super().render(_escaped(renderable), options)

    def on_broken_pipe(self) -> None:
        """Raise the error for the command line to handle; Rich itself would exit with code 1."""
        raise BrokenPipeError


def _escaped(renderable: RenderableType) -> RenderableType:
    if isinstance(renderable, str):
        return for_terminal(renderable)
    if isinstance(renderable, Text) and (plain := for_terminal(renderable.plain)) != renderable.plain:
        escaped = renderable.blank_copy(plain)  # without the styles of its spans, whose offsets no longer match
        escaped.end = renderable.end
        return escaped
    return renderable


def plain_table(**style: Any) -> Table:
    """Return a table without borders."""
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), **style)


def notes_console() -> Console:
    """Return the console for messages, on standard error. Text is never interpreted as markup."""
    return _Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def answer_console() -> Console:
    """Return the console for answers, on standard output."""
    console = _Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, _MIN_WIDTH)
    return console


def write_json(value: Any) -> None:
    """Print an answer as JSON, indented."""
    sys.stdout.write(json_for_terminal(as_json(value).decode()))


def write_line(text: str = "") -> None:
    """Print a line on standard output, without styles or wrapping."""
    sys.stdout.write(f"{for_terminal(text)}\n")


def print_rows(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print rows as CSV on standard output."""
    write_csv(header, rows, sys.stdout, for_a_terminal=True)


def interval(stability: GapStability | TransitionStability | None) -> str:
    """Return the interval of a rank."""
    return f"{stability.rank_lower}-{stability.rank_upper}" if stability else ""


def some(names: Sequence[str], separator: str = ", ") -> str:
    """List the first names and the number of the others."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{separator.join(names[:MAX_NAMES])}{more}"
