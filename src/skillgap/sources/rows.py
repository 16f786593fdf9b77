"""What a row of each table must be, whichever source it came from: columns, types, ranges, keys, references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skillgap.errors import ReleaseDataError
from skillgap.model import DOMAIN_TABLES
from skillgap.sources.releases import RELEASE_FILES

_CODE = re.compile(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}")
_ELEMENT = re.compile(r"(?=.{1,20}\Z)[0-9](\.[A-Za-z0-9]+)*")
_MONTH = re.compile(r"(0[1-9]|1[0-2])/((?:19|20)[0-9]{2})")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


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


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not 0 < len(text) <= longest or text == "n/a":
            raise ValueError(f"a text of 1 to {longest} characters")
        return text

    return parse


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
    """More decimals than the column has are refused: MySQL would round them away, SQLite keep them."""
    expected = f"a number from {least:g} to {most:g} with at most {decimals} decimals"

    def parse(text: str) -> float:
        match = _DECIMAL.fullmatch(text)
        if match is None or not least <= float(text) <= most or len(match[1] or "") > decimals + 1:
            raise ValueError(expected)
        return float(text)

    return parse


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _flag(text: str) -> str:
    if text not in ("Y", "N"):
        raise ValueError("Y or N")
    return text


def _month(text: str) -> np.datetime64:
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError("a month, MM/YYYY")
    return np.datetime64(f"{match[2]}-{match[1]}-01", "s")


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
        Column("description", "Description", _text(1000), may_be_null=True, may_be_absent=True),
    ),
    "Elements": (
        Column("element_id", "Element ID", _element_id),
        Column("element_name", "Element Name", _text(150)),
        Column("description", "Description", _text(1500), may_be_null=True, may_be_absent=True),
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
        Column("experience", "Experience", _text(1000)),
        Column("education", "Education", _text(1000)),
        Column("job_training", "Job Training", _text(1000)),
        Column("examples", "Examples", _text(1000)),
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
        Column("task", "Task", _text(1000)),
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
        Column("anchor_description", "Anchor Description", _text(1000)),
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
    series: dict[str, pd.Series[Any]] = {}
    flawed: list[tuple[int, str]] = []
    for column in columns:
        values, bad = _typed(column, texts.get(column.header), len(places))
        series[column.name] = values
        flawed += [
            (places[position], f"{unit} {places[position]}, {column.header}: {text[:60]!r}, expected {expected}")
            for position, text, expected in bad
        ]
    if flawed:
        raise ReleaseDataError(name, [defect for _, defect in sorted(flawed)])
    return pd.DataFrame(series).set_axis(places, axis=0)


def _typed(
    column: Column, texts: tuple[str, ...] | None, count: int
) -> tuple[pd.Series[Any], list[tuple[int, str, str]]]:
    """Return a column's values, and the position, text and expectation of each that is wrong.

    A column has few different texts, so each is parsed once.
    """
    if texts is None:
        return pd.Series([None] * count, dtype=column.dtype), []
    codes, distinct = pd.factorize(np.fromiter(texts, dtype=object, count=count))
    parsed: list[Any] = []
    wrong: dict[str, str] = {}
    for text in distinct:
        value = None
        if not (column.may_be_null and text in ("n/a", "")):
            try:
                value = column.parse(text)
            except ValueError as error:
                wrong[text] = str(error)
        parsed.append(value)
    values = pd.Series(parsed, dtype=column.dtype).take(codes).reset_index(drop=True)
    bad = [(position, text, wrong[text]) for position, text in enumerate(texts) if text in wrong] if wrong else []
    return values, bad


# -- what rows must be together ---------------------------------------------------------------------


def check_rows(
    name: str, table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame], *, unit: str = "line"
) -> None:
    """Raise ReleaseDataError for duplicate keys, and for what other tables or, in Skills, other rows contradict."""
    defects = [
        f"{unit} {line}: {' '.join(map(str, key))} is there already, expected once"
        for line, *key in rows.loc[rows.duplicated(KEYS[table]), KEYS[table]].itertuples()
    ]
    if not defects:
        defects += _contradictions(table, rows, loaded, unit)
    if defects:
        raise ReleaseDataError(name, defects)


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
    for code, count in counts[counts != expected].items():
        yield f"{code}: {count} ratings, expected {expected}; is the file cut off?"


def _file_title(table: str) -> str:
    return RELEASE_FILES[table][0][0]
