"""Tables as a workbook of Excel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any, NamedTuple


class Sheet(NamedTuple):
    """A table: a name, headers with the widths of their columns, and lines of values."""

    name: str
    columns: Sequence[tuple[str, int]]
    lines: Sequence[Iterable[Any]]


def write_book(out: IO[bytes], sheets: Iterable[Sheet], facts: Iterable[tuple[str, Any]]) -> None:
    """Write tables, and behind them what is to be known of them; facts that are None are left out."""
    from xlsxwriter import Workbook

    # Text of a source is never a formula or a link, whatever it begins with.
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for name, columns, lines in sheets:
            sheet = book.add_worksheet(name)
            for column, (header, width) in enumerate(columns):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, header, bold)
            for row, values in enumerate(lines, start=1):
                for column, value in enumerate(values):
                    sheet.write(row, column, value, wrapped)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, max(len(lines), 1), len(columns) - 1)
        sheet = book.add_worksheet("Sources")
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 110, wrapped)
        for row, (name, value) in enumerate(fact for fact in facts if fact[1] is not None):
            sheet.write_string(row, 0, name, bold)
            sheet.write(row, 1, value)
