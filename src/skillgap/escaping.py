"""Text of others as it is written where it could act: on a terminal, in a spreadsheet, in Markdown.

Titles, ids and names come from releases, databases and files of users. They are stored as they came and made harmless
here, where they are written. Templates escape HTML themselves.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TextIO

# -- terminals ---------------------------------------------------------------------------------------------------------

_INVISIBLE = (
    "\x7f-\x9f"  # DEL and C1, whose CSI some terminals obey as they do ESC [
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # order, breaks, nothing to see
    "\U000e0000-\U000e007f\ud800-\udfff"
)
_CONTROLS = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_CONTROLS_OF_JSON = re.compile(f"[{_INVISIBLE}]")
"""Without C0, which JSON escapes by itself; what is left of it is layout."""
_LINES_OF_LIST = re.compile(r"\n(?=  )")


def for_terminal(text: str) -> str:
    r"""Return a text on one line, its control and invisible characters as the escapes of Python: ESC as `\x1b`.

    Marks that reverse the direction of writing count among them; joiners within words do not.
    """
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def message_for_terminal(text: str) -> str:
    """Return a message likewise; the lines of a list below it, which are indented, stay lines."""
    return "\n".join(map(for_terminal, lines_of(text)))


def lines_of(message: str) -> list[str]:
    """Return the first line of a message and those of the list below it; another line break is part of a name."""
    return _LINES_OF_LIST.split(message)


def json_for_terminal(text: str) -> str:
    """Return JSON with the same values, in which no control or invisible character stands as itself."""
    return _CONTROLS_OF_JSON.sub(
        lambda match: "".join(f"\\u{unit:04x}" for unit in memoryview(match[0].encode("utf-16-le")).cast("H")), text
    )


# -- CSV ---------------------------------------------------------------------------------------------------------------

FORMULA = r"^'*(?:[\x00-\x1f]|[ \x{a0}\x{3000}\x{feff}\x{200b}]*[=+@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}-])"
"""Begins what a spreadsheet may take for a formula, full-width signs and blanks before them included. Syntax of RE2."""
NEGATIVE_NUMBER = r"^-(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
"""What begins with a sign and is harmless. Syntax of RE2."""
_FORMULA = re.compile(re.sub(r"\\x\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), FORMULA))
_NEGATIVE_NUMBER = re.compile(NEGATIVE_NUMBER.replace("$", r"\Z"))


def csv_cell(value: Any) -> Any:
    """Return a value as it is written to a CSV file: a text that a spreadsheet may run is preceded by `'`.

    As OWASP advises. Numbers stay as they are. `csv_text` takes the sign off again.
    """
    return f"'{value}" if isinstance(value, str) and _may_run(value) else value


def csv_text(cell: str) -> str:
    """Return the text of a cell that `csv_cell` may have written."""
    return cell[1:] if cell.startswith("'") and _may_run(cell) else cell


@lru_cache(4_096)
def _may_run(text: str) -> bool:
    # True of a text with another `'` before it, if it is true of the text: reading undoes exactly what writing did.
    return bool(_FORMULA.match(text)) and not _NEGATIVE_NUMBER.match(text)


class CsvWriter:
    """Writes rows as CSV in which no text is a formula; on a terminal, none is a control sequence either."""

    def __init__(self, out: TextIO, *, for_a_terminal: bool = False) -> None:
        self._writer = csv.writer(out, lineterminator="\n")  # noqa: TID251 - the one place
        self._is_shown = for_a_terminal

    def writerow(self, row: Iterable[Any]) -> None:
        """Write a row."""
        if self._is_shown:
            row = [for_terminal(value) if isinstance(value, str) else value for value in row]
        self._writer.writerow([csv_cell(value) for value in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows."""
        for row in rows:
            self.writerow(row)


# -- Markdown ----------------------------------------------------------------------------------------------------------

_MARKS = re.compile(r"([\\`*_{}\[\]|!])")
_LINK = re.compile(r"(?i)(https?|ftp|mailto|xmpp|www)([:.])")


def for_markdown(text: str) -> str:
    """Return a text on one line of Markdown in which nothing is HTML, mark-up, a link or the end of a cell."""
    line = html.escape(for_terminal(" ".join(text.split("\n"))), quote=False)
    line = _MARKS.sub(r"\\\1", line)
    return _LINK.sub(lambda match: f"{match[1]}&#{ord(match[2])};", line)
