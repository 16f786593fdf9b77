"""What a row of each table must be, whichever source it came from: columns, types, ranges, keys, references."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skillgap.errors import ReleaseDataError
from skillgap.escaping import find_control
from skillgap.onet.domains import DOMAIN_TABLES
from skillgap.sources.releases import RELEASE_FILES

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

MOST_DEFECTS = 1000
"""Of a file; at the last of them, reading it stops."""


class Column(NamedTuple):
    """One column of a release file; `parse` turns a text into its value, or raises ValueError(what it expects)."""

    name: str
    header: str
    parse: Callable[[str], Any]
    dtype: str = "str"
    may_be_null: bool = False
    may_be_absent: bool = False
    other_header: str = ""
    """What another layout calls it."""


def _text(longest: int, *, line_ends: bool = False) -> Callable[[str], str]:
    """Parse a text that is safe to show: without control characters, bidirectional overrides or zero-width ones.

    With `line_ends`, tabs and line ends are part of it.
    """

    def parse(text: str) -> str:
        if not 0 < len(text) <= longest or text == "n/a":
            raise ValueError(f"a text of 1 to {longest} characters")
        seen = text.replace("\r\n", "  ").replace("\n", " ").replace("\t", " ") if line_ends else text
        if (position := find_control(seen)) is not None:
            raise ValueError(
                f"a text without control or invisible characters (U+{ord(seen[position]):04X} is number {position + 1})"
            )
        return text

    return parse


def _prose(longest: int) -> Callable[[str], str]:
    return _text(longest, line_ends=True)


def _text_or_empty(longest: int) -> Callable[[str], str]:
    """Of a column that is part of the key, where a missing text must be a value."""
    text = _text(longest)

    def parse(given: str) -> str:
        return "" if given in ("n/a", "") else text(given)

    return parse


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(expected)
        return text

    return parse


def _number(least: float, most: float, decimals: int) -> Callable[[str], float]:
    """More decimals than the column has, zeros at the end aside, are refused: MySQL rounds them, SQLite keeps them."""
    expected = f"a number from {least:g} to {most:g} with at most {decimals} decimals"

    def parse(text: str) -> float:
        match = _DECIMAL.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
        if match is None or not least <= float(text) <= most or len(match[1] or "") > decimals:
            raise ValueError(expected)
        return float(text)

    return parse


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Whole numbers may have decimals that are zero: pandas writes a column with missing values as floats."""

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
    """Parse O*NET's `08/2023`, and what other programs make of it: `8/2023`, `Aug-23`, `2023-08-01`.

    Another day than the first is refused: O*NET dates rows by month, so the date was not made from one.
    """
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError("a month, MM/YYYY")
    month = _MONTHS.index(match["name"]) + 1 if match["name"] else int(match["number"] or match["iso"])
    year = match["year"] or match["of_name"] or match["of_iso"]
    return np.datetime64(f"{year if len(year) == 4 else f'20{year}'}-{month:02}-01", "s")


_soc_code = _matching(_CODE, "an O*NET-SOC code, NN-NNNN.NN")
_element_id = _matching(_ELEMENT, "an element id like 2.A.1.a")

_DATED = (
    Column("date_updated", "Date", _month, "datetime64[s]", may_be_null=True),
    Column("domain_source", "Domain Source", _text(30), may_be_null=True),
)

RATING_TABLES = tuple(DOMAIN_TABLES.values())

_RATING = (
    Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
    Column("element_id", "Element ID", _element_id),
    Column("scale_id", "Scale ID", _text(3)),
    Column("element_name", "Element Name", _text(150), may_be_null=True, may_be_absent=True),
    Column("data_value", "Data Value", _number(-9, 999, 2), "float64"),
    Column("n", "N", _whole(0, 9999), "Int64", may_be_null=True),
    Column("standard_error", "Standard Error", _number(0, 999, 4), "float64", may_be_null=True),
    Column("lower_ci_bound", "Lower CI Bound", _number(-99, 999, 4), "float64", True, True),
    Column("upper_ci_bound", "Upper CI Bound", _number(-99, 999, 4), "float64", True, True),
    Column("recommend_suppress", "Recommend Suppress", _flag, may_be_null=True),
    Column("not_relevant", "Not Relevant", _flag, may_be_null=True),
    *_DATED,
)

# Widths and precision: O*NET data dictionary 30.1. What may be absent is what the starter data leave out, and
# Element Name, which follows from the id.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "Occupations": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("title", "Title", _text(150)),
        Column("description", "Description", _prose(1000), may_be_null=True, may_be_absent=True),
    ),
    "Elements": (
        Column("element_id", "Element ID", _element_id),
        Column("element_name", "Element Name", _text(150)),
        Column("description", "Description", _prose(1500), may_be_null=True, may_be_absent=True),
    ),
    "Scales": (
        Column("scale_id", "Scale ID", _text(3)),
        Column("scale_name", "Scale Name", _text(50)),
        Column("minimum", "Minimum", _number(-9, 9, 0), "float64"),
        Column("maximum", "Maximum", _number(-9, 999, 0), "float64"),
    ),
    **dict.fromkeys(RATING_TABLES, _RATING),
    "JobZoneReference": (
        Column("job_zone", "Job Zone", _whole(1, 5), "Int64"),
        Column("name", "Name", _text(100)),
        Column("experience", "Experience", _prose(1000)),
        Column("education", "Education", _prose(1000)),
        Column("job_training", "Job Training", _prose(1000)),
        Column("examples", "Examples", _prose(1000)),
        Column("svp_range", "SVP Range", _text(50), may_be_null=True),
    ),
    "JobZones": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("job_zone", "Job Zone", _whole(1, 5), "Int64"),
        *_DATED,
    ),
    "Interests": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("element_id", "Element ID", _element_id),
        Column("scale_id", "Scale ID", _text(3)),
        Column("element_name", "Element Name", _text(150)),
        Column("data_value", "Data Value", _number(-9, 999, 2), "float64"),
        *_DATED,
    ),
    "TaskStatements": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("task_id", "Task ID", _whole(0, 99_999_999), "Int64"),
        Column("task", "Task", _prose(1000)),
        Column("task_type", "Task Type", _text(12), may_be_null=True),
        Column("incumbents_responding", "Incumbents Responding", _whole(0, 9999), "Int64", may_be_null=True),
        *_DATED,
    ),
    "AlternateTitles": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("alternate_title", "Alternate Title", _text(250), other_header="Job Title"),
        Column("short_title", "Short Title", _text_or_empty(150)),
        Column("sources", "Source(s)", _text(50), may_be_null=True),
    ),
    "SampleOfReportedTitles": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("reported_job_title", "Reported Job Title", _text(150)),
        Column("shown_in_my_next_move", "Shown in My Next Move", _flag, may_be_null=True, may_be_absent=True),
    ),
    "TechnologySkills": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("example", "Example", _text(150), other_header="Workplace Example"),
        Column("category_id", "Commodity Code", _text(20), other_header="Element ID"),
        Column("category_name", "Commodity Title", _text(150), may_be_null=True, other_header="Element Name"),
        Column("hot_technology", "Hot Technology", _flag, may_be_null=True, may_be_absent=True),
        Column("in_demand", "In Demand", _flag, may_be_null=True, may_be_absent=True),
    ),
    "RelatedOccupations": (
        Column("onet_soc_code", "O*NET-SOC Code", _soc_code),
        Column("related_onet_soc_code", "Related O*NET-SOC Code", _soc_code),
        Column("relatedness_tier", "Relatedness Tier", _text(50)),
        Column("related_index", "Index", _whole(1, 999), "Int64"),
    ),
    "LevelScaleAnchors": (
        Column("element_id", "Element ID", _element_id),
        Column("scale_id", "Scale ID", _text(3)),
        Column("anchor_value", "Anchor Value", _whole(0, 999), "Int64"),
        Column("anchor_description", "Anchor Description", _prose(1000)),
    ),
}

KEYS: dict[str, list[str]] = {
    "Occupations": ["onet_soc_code"],
    "Elements": ["element_id"],
    "Scales": ["scale_id"],
    **{table: ["onet_soc_code", "element_id", "scale_id"] for table in RATING_TABLES},
    "JobZoneReference": ["job_zone"],
    "JobZones": ["onet_soc_code"],
    "Interests": ["onet_soc_code", "element_id", "scale_id"],
    "TaskStatements": ["onet_soc_code", "task_id"],
    "AlternateTitles": ["onet_soc_code", "alternate_title", "short_title"],  # O*NET has some titles twice
    "SampleOfReportedTitles": ["onet_soc_code", "reported_job_title"],
    "TechnologySkills": ["onet_soc_code", "example", "category_id"],
    "RelatedOccupations": ["onet_soc_code", "related_onet_soc_code"],
    "LevelScaleAnchors": ["element_id", "scale_id", "anchor_value"],
}


_PARENTS = {"onet_soc_code": "Occupations", "related_onet_soc_code": "Occupations", "element_id": "Elements"}
"""Where a column's values must be."""


def no_rows(table: str) -> pd.DataFrame:
    """Return a table without rows, in its columns and types."""
    return typed_rows(table, COLUMNS[table], {}, [])


def typed_rows(
    name: str,
    columns: Sequence[Column],
    texts: Mapping[str, tuple[str, ...]],
    places: list[int],
    *,
    unit: str = "line",
) -> pd.DataFrame:
    """Return typed rows of the texts of each column, by header; the index is their `places`, in `unit`s.

    Raises ReleaseDataError with every value that is not what its column expects.
    """
    rows = RowReader(name, columns, texts, unit=unit)
    rows.add(texts, places)
    return rows.frame()


class RowReader:
    """Type rows as they come, batch by batch; `headers` are those of the columns that are there.

    Memory holds each different text of a column once: a column of 61,530 values has a few hundred.
    """

    def __init__(self, name: str, columns: Sequence[Column], headers: Container[str], *, unit: str = "line") -> None:
        self._name = name
        self._unit = unit
        self._columns = columns
        self._values = {column.header: _Values(column) for column in columns if column.header in headers}
        self._places = array("i")
        self._defects: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, texts: Mapping[str, Sequence[str]], places: Sequence[int]) -> None:
        """Add rows as the texts of each column. Raises ReleaseDataError once there are MOST_DEFECTS defects."""
        for header, values in self._values.items():
            for position, text, expected in values.add(texts[header]):
                self._note(places[position], f", {header}: {text[:60]!r}, expected {expected}")
        self._places.extend(places)
        self._stop_at_most()

    def refuse(self, place: int, defect: str) -> None:
        """Note a row that cannot be read, with what follows its place in the report. Raises as `add`."""
        self._note(place, defect)
        self._stop_at_most()

    def frame(self) -> pd.DataFrame:
        """Return all rows; the index is their places. Raises ReleaseDataError if there are defects."""
        if self._defects:
            raise ReleaseDataError(self._name, [defect for _, defect in sorted(self._defects)])
        series = {
            column.name: self._values[column.header].series()
            if column.header in self._values
            else pd.Series([None] * len(self), dtype=column.dtype)
            for column in self._columns
        }
        return pd.DataFrame(series).set_axis(self._places.tolist(), axis=0)

    def _note(self, place: int, defect: str) -> None:
        self._defects.append((place, f"{self._unit} {place}{defect}"))

    def _stop_at_most(self) -> None:
        if len(self._defects) >= MOST_DEFECTS:
            first = sorted(self._defects)[:MOST_DEFECTS]
            raise ReleaseDataError(self._name, [defect for _, defect in first], is_cut=True)


class _Values:
    """The values of one column; a column has few different texts, so each is parsed once."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._codes = array("i")
        self._code_of: defaultdict[str, int] = defaultdict(count().__next__)
        self._parsed: list[Any] = []
        self._wrong: dict[str, str] = {}

    def add(self, texts: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """Add texts; yield the position among them, the text and the expectation of each that is wrong."""
        self._codes.extend(map(self._code_of.__getitem__, texts))
        new = list(islice(reversed(self._code_of), len(self._code_of) - len(self._parsed)))
        for text in reversed(new):
            self._parsed.append(self._parse(text))
        if self._wrong:
            yield from (
                (position, text, self._wrong[text]) for position, text in enumerate(texts) if text in self._wrong
            )

    def _parse(self, text: str) -> Any:
        if self._column.may_be_null and text in ("n/a", ""):
            return None
        try:
            return self._column.parse(text)
        except ValueError as error:
            self._wrong[text] = str(error)
            return None

    def series(self) -> pd.Series[Any]:
        codes = np.frombuffer(self._codes, dtype=np.intc) if self._codes else np.array([], dtype="int64")
        return pd.Series(self._parsed, dtype=self._column.dtype).take(codes).reset_index(drop=True)


# -- what rows must be together ---------------------------------------------------------------------


def check_rows(
    name: str, table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame], *, unit: str = "line"
) -> None:
    """Raise ReleaseDataError for duplicate keys, and for what other tables or, in Skills, other rows contradict."""
    defects = list(islice(_duplicates(table, rows, unit), MOST_DEFECTS))
    if not defects:
        defects = list(islice(_contradictions(table, rows, loaded, unit), MOST_DEFECTS))
    if defects:
        raise ReleaseDataError(name, defects, is_cut=len(defects) == MOST_DEFECTS)


def _duplicates(table: str, rows: pd.DataFrame, unit: str) -> Iterator[str]:
    for line, *key in rows.loc[rows.duplicated(KEYS[table]), KEYS[table]].itertuples():
        yield f"{unit} {line}: {' '.join(map(str, key))} is there already, expected once"


def _contradictions(table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame], unit: str) -> Iterator[str]:
    if "Scales" in loaded and "scale_id" in rows:
        yield from _outside_scale(rows, loaded["Scales"], unit)
    for column, parent in _PARENTS.items():
        if parent in loaded and column in rows:
            yield from _orphans(rows[column], loaded[parent][KEYS[parent][0]], _file_title(parent), unit)
    if table in RATING_TABLES:
        yield from _incomplete(rows, unit)


def _outside_scale(rows: pd.DataFrame, scales: pd.DataFrame, unit: str) -> Iterator[str]:
    bounds = scales.set_index("scale_id")
    unknown = rows[~rows["scale_id"].isin(bounds.index)]
    for line, scale_id in unknown["scale_id"].items():
        yield f"{unit} {line}, Scale ID: {scale_id!r}, expected one of Scales Reference"
    least, most = (rows["scale_id"].map(bounds[end]).astype("float64") for end in ("minimum", "maximum"))
    column = "data_value" if "data_value" in rows else "anchor_value"
    outside = rows[(rows[column] < least) | (rows[column] > most)]
    for line, scale_id, value in outside[["scale_id", column]].itertuples():
        low, high = bounds.loc[scale_id, ["minimum", "maximum"]]
        title = column.replace("_", " ").title()
        yield f"{unit} {line}, {title}: '{value}', expected {low:g} to {high:g} (scale {scale_id})"


def _orphans(values: pd.Series[Any], known: pd.Series[Any], parent_file: str, unit: str) -> Iterator[str]:
    orphans = values[~values.isin(known)]
    for value, group in orphans.groupby(orphans):
        yield f"{unit} {group.index[0]}: {value} ({len(group)} rows) is not in {parent_file}"


def _incomplete(rows: pd.DataFrame, unit: str) -> Iterator[str]:
    """Every rated occupation has every element on every scale of the file; fewer rows mean a file cut off."""
    occupations = rows.groupby(["element_id", "scale_id"])["onet_soc_code"].transform("size")
    # Without this, one wrong element id would make every occupation look incomplete.
    is_odd = 2 * occupations < rows["onet_soc_code"].nunique()
    for line, element_id, scale_id in rows.loc[is_odd, ["element_id", "scale_id"]].itertuples():
        yield f"{unit} {line}: {element_id} {scale_id} is rated for few occupations, expected for all"
    usual = rows[~is_odd]
    expected = usual["element_id"].nunique() * usual["scale_id"].nunique()
    counts = usual.groupby("onet_soc_code").size()
    for code, ratings in counts[counts != expected].items():
        yield f"{code}: {ratings} ratings, expected {expected}; is the file cut off?"


def _file_title(table: str) -> str:
    return RELEASE_FILES[table][0][0]
