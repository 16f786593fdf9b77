"""Parsers of the texts of release files, one for each column type of `onet.tables`.

Every parser returns the value of a text, or raises ValueError with a description of valid texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, assert_never

import numpy as np

from skillgap.escaping import find_control
from skillgap.onet.tables import ColumnType, Day, ElementId, Flag, Month, Number, Prose, SocCode, Text, Whole

Parser = Callable[[str], Any]

_CODE = re.compile(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}")
_ELEMENT = re.compile(r"(?=.{1,20}\Z)[0-9](\.[A-Za-z0-9]+)*")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH = re.compile(
    r"(?P<number>0?[1-9]|1[0-2])/(?P<year>(?:19|20)[0-9]{2})"
    rf"|(?P<name>{'|'.join(_MONTHS)})-(?P<of_name>(?:19|20)?[0-9]{{2}})"  # Excel shows 08/2023 as Aug-23 and saves that
    r"|(?P<of_iso>(?:19|20)[0-9]{2})-(?P<iso>0[1-9]|1[0-2])-01(?:[ T]00:00:00)?"  # pandas and databases
)
_DECIMAL = re.compile(r"-?[0-9]{1,9}(?:\.(?=[0-9])([0-9]*?)0*)?")
_WHOLE = re.compile(r"([0-9]{1,9})(?:\.0+)?")
_LONGEST_NUMBER = 30

MISSING = ("n/a", "")
"""Texts of a missing value: `n/a` in the text edition, nothing in CSV."""


def parser_of(type_: ColumnType) -> Parser:
    """Return the parser of a column type."""
    match type_:
        case Text(longest, may_be_empty=may_be_empty):
            return _text_or_empty(longest) if may_be_empty else _text(longest)
        case Prose(longest):
            return _text(longest, line_ends=True)
        case SocCode():
            return _matching(_CODE, "an O*NET-SOC code, NN-NNNN.NN")
        case ElementId():
            return _matching(_ELEMENT, "an element id like 2.A.1.a")
        case Number(least, most, decimals=decimals):
            return _number(least, most, decimals)
        case Whole(least, most):
            return _whole(least, most)
        case Flag():
            return _flag
        case Month():
            return _month
        case Day():
            return _day
        case _:
            assert_never(type_)


def dtype_of(type_: ColumnType) -> str:
    """Return the pandas dtype of a column type."""
    match type_:
        case Number():
            return "float64"
        case Whole():
            return "Int64"
        case Month() | Day():
            return "datetime64[s]"
        case _:
            return "str"


def _text(longest: int, *, line_ends: bool = False) -> Parser:
    """Accept text that is safe to show: no control characters, bidirectional overrides or zero-width characters.

    With `line_ends`, tabs and line ends are accepted too.
    """

    def parse(text: str) -> str:
        if not 0 < len(text) <= longest or text == "n/a":
            raise ValueError(f"a text of 1 to {longest} characters")
        one_line = text.replace("\r\n", "  ").replace("\n", " ").replace("\t", " ") if line_ends else text
        if (position := find_control(one_line)) is not None:
            raise ValueError(
                "a text without control or invisible characters "
                f"(U+{ord(one_line[position]):04X} is number {position + 1})"
            )
        return text

    return parse


def _text_or_empty(longest: int) -> Parser:
    parse_text = _text(longest)

    def parse(text: str) -> str:
        return "" if text in MISSING else str(parse_text(text))

    return parse


def _matching(pattern: re.Pattern[str], expected: str) -> Parser:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(expected)
        return text

    return parse


def _number(least: float, most: float, decimals: int) -> Parser:
    """Refuse more decimals than the column stores, trailing zeros aside: MySQL would round them, SQLite keep them."""
    expected = f"a number from {least:g} to {most:g} with at most {decimals} decimals"

    def parse(text: str) -> float:
        match = _DECIMAL.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
        if match is None or not least <= float(text) <= most or len(match[1] or "") > decimals:
            raise ValueError(expected)
        return float(text)

    return parse


def _whole(least: int, most: int) -> Parser:
    """Accept decimals that are zero: pandas writes a whole-number column with missing values as floats."""

    def parse(text: str) -> int:
        match = _WHOLE.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
        if match is None or not least <= int(match[1]) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(match[1])

    return parse


def _flag(text: str) -> str:
    if text not in ("Y", "N"):
        raise ValueError("Y or N")
    return text


def _month(text: str) -> np.datetime64:
    """Parse O*NET's `08/2023` and the forms other programs turn it into: `8/2023`, `Aug-23`, `2023-08-01`.

    Refuse any day but the first: O*NET dates rows by month, so such a date was not made from an O*NET date.
    """
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError("a month, MM/YYYY")
    month = _MONTHS.index(match["name"]) + 1 if match["name"] else int(match["number"] or match["iso"])
    year = match["year"] or match["of_name"] or match["of_iso"]
    return np.datetime64(f"{year if len(year) == 4 else f'20{year}'}-{month:02}-01", "s")


def _day(text: str) -> np.datetime64:
    try:
        return np.datetime64(date.fromisoformat(text), "s")
    except ValueError:
        raise ValueError("a date, YYYY-MM-DD") from None
