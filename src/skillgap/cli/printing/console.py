"""Consoles and writers for answers and notes. All of them escape control characters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 - the one place
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from skillgap.escaping import CsvWriter, for_terminal, json_for_terminal
from skillgap.models import GapStability, TransitionStability

_NARROWEST = 80
"""Columns, where the output is no terminal."""
SHORTEST_NAME = 8
"""Letters that a narrow terminal leaves of a name."""
NAMED = 10
"""Occupations named in a sentence before it says `and N more`."""


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with control characters escaped, also in the cells of a table."""
        return super().render(_harmless(renderable), options)

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, as for what is printed without Rich, which would end with exit code 1."""
        raise BrokenPipeError


def _harmless(renderable: RenderableType) -> RenderableType:
    if isinstance(renderable, str):
        return for_terminal(renderable)
    if isinstance(renderable, Text) and (plain := for_terminal(renderable.plain)) != renderable.plain:
        escaped = renderable.blank_copy(plain)  # without the styles of its parts: their offsets no longer fit
        escaped.end = renderable.end
        return escaped
    return renderable


def plain_table(**look: Any) -> Table:
    """Return a table without lines."""
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), **look)


def notes_console() -> Console:
    """Return the console for what is said on standard error; text of others is never markup."""
    return _Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def answer_console() -> Console:
    """Return the console for answers, on standard output."""
    console = _Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def write_json(value: Any) -> None:
    """Print an answer as JSON, indented."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    sys.stdout.write(json_for_terminal(text))


def write_line(text: str = "") -> None:
    """Print a line on standard output, without styles or wrapping."""
    sys.stdout.write(f"{for_terminal(text)}\n")


def csv_output() -> CsvWriter:
    """Return a CSV writer to standard output."""
    return CsvWriter(sys.stdout, for_a_terminal=True)


def interval(stability: GapStability | TransitionStability | None) -> str:
    """Return between which places something moves."""
    return f"{stability.rank_lower}-{stability.rank_upper}" if stability else ""


def some(names: Sequence[str], separator: str = ", ") -> str:
    """Name the first of many, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{separator.join(names[:NAMED])}{more}"
