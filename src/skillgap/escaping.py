"""Escaping of untrusted text for terminals, CSV and Markdown.

Titles, ids and names come from releases, databases and users' files. They are stored unaltered and escaped here, on
output. HTML is escaped by the templates.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TextIO

# -- terminals -------------------------------------------------------------------------------------------------------

_INVISIBLE = (
    "\x7f-\x9f"  # DEL and C1, whose CSI some terminals obey as they do ESC [
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction, breaks, zero width
    "\U000e0000-\U000e007f\ud800-\udfff"
)
_CONTROLS = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_CONTROLS_OF_JSON = re.compile(f"[{_INVISIBLE}]")
"""Without C0: orjson escapes it in strings, and outside strings it is layout."""
_LINES_OF_LIST = re.compile(r"\n(?=  )")


def find_control(text: str) -> int | None:
    """Return the position of the first control or invisible character, None if there is none."""
    match = _CONTROLS.search(text)
    return match.start() if match else None


def for_terminal(text: str) -> str:
    r"""Return a text on one line, with control and invisible characters as Python escapes: ESC becomes `\x1b`.

    Direction overrides are escaped; joiners within words are kept.
    """
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def message_for_terminal(text: str) -> str:
    """Escape a message like `for_terminal`, but keep its indented list lines."""
    return "\n".join(map(for_terminal, lines_of(text)))


def lines_of(message: str) -> list[str]:
    """Split a message into its first line and its indented list lines. Other line breaks belong to names."""
    return _LINES_OF_LIST.split(message)


def json_for_terminal(text: str) -> str:
    """Return equivalent JSON with DEL, C1 and invisible characters as `\\u` escapes."""
    return _CONTROLS_OF_JSON.sub(_as_json_escape, text)


def _as_json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4))


# -- CSV -------------------------------------------------------------------------------------------------------------

FORMULA = r"^'*(?:[\x00-\x1f]|[ \x{a0}\x{3000}\x{feff}\x{200b}]*[=+@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}-])"
"""Matches text that a spreadsheet may read as a formula, including full-width signs and leading blanks (RE2 syntax)."""
NEGATIVE_NUMBER = r"^-(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
"""Matches negative numbers, which `FORMULA` matches too but which are harmless (RE2 syntax)."""
_FORMULA = re.compile(re.sub(r"\\x\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), FORMULA))
_NEGATIVE_NUMBER = re.compile(NEGATIVE_NUMBER.replace("$", r"\Z"))


def csv_cell(value: Any) -> Any:
    """Return a value for a CSV cell. Text that a spreadsheet may read as a formula gets the prefix `'`.

    Numbers stay numbers. `csv_text` is the inverse. Source: OWASP, CSV Injection.
    """
    return f"'{value}" if isinstance(value, str) and _may_run(value) else value


def csv_text(cell: str) -> str:
    """Return the text of a CSV cell, without the prefix that `csv_cell` adds."""
    return cell[1:] if cell.startswith("'") and _may_run(cell) else cell


@lru_cache(4_096)
def _may_run(text: str) -> bool:
    # True for a text implies true for the text after another `'`, so csv_text exactly inverts csv_cell.
    return bool(_FORMULA.match(text)) and not _NEGATIVE_NUMBER.match(text)


class CsvWriter:
    """Writes rows as CSV with formulas neutralized and, for a terminal, control characters escaped."""

    def __init__(self, out: TextIO, *, for_a_terminal: bool = False) -> None:
        self._writer = csv.writer(out, lineterminator="\n")  # noqa: TID251 - cells are escaped below
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


# -- Markdown --------------------------------------------------------------------------------------------------------

_MARKS = re.compile(r"([\\`*_{}\[\]|!])")
_LINK = re.compile(r"(?i)(https?|ftp|mailto|xmpp|www)([:.])")


def for_markdown(text: str) -> str:
    """Return a text as one line of Markdown, with HTML, mark-up, links and table bars escaped."""
    line = html.escape(for_terminal(" ".join(text.split("\n"))), quote=False)
    line = _MARKS.sub(r"\\\1", line)
    return _LINK.sub(lambda match: f"{match[1]}&#{ord(match[2])};", line)
