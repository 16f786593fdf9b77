"""Typed rows of O*NET's tables, whatever their source, and checks of rows against each other."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

import numpy as np
import pandas as pd

from skillgap.errors import ReleaseDataError
from skillgap.onet.tables import TABLES, Column
from skillgap.sources.parsing import MISSING, dtype_of, parser_of

MOST_DEFECTS = 1000
"""Defects in one file after which reading stops."""


def no_rows(table: str) -> pd.DataFrame:
    """Return a table without rows."""
    return typed_rows(table, TABLES[table].columns, {}, [])


def typed_rows(
    name: str,
    columns: Sequence[Column],
    texts: Mapping[str, tuple[str, ...]],
    places: list[int],
    *,
    unit: str = "line",
) -> pd.DataFrame:
    """Return typed rows from the texts of each column, by header. The index is `places`, such as line numbers.

    Raises ReleaseDataError, which lists every invalid value.
    """
    rows = RowReader(name, columns, texts, unit=unit)
    rows.add(texts, places)
    return rows.frame()


class RowReader:
    """Parses rows in batches; `headers` are those of the file.

    Each distinct text of a column is parsed and held once: a column of 61,530 values has a few hundred.
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
        """Add rows as the texts of each column. Raises ReleaseDataError at MOST_DEFECTS defects."""
        for header, values in self._values.items():
            for position, text, expected in values.add(texts[header]):
                self._note(places[position], f", {header}: {text[:60]!r}, expected {expected}")
        self._places.extend(places)
        self._stop_at_most()

    def refuse(self, place: int, defect: str) -> None:
        """Record an unreadable row; `defect` follows its place in the report. Raises as `add`."""
        self._note(place, defect)
        self._stop_at_most()

    def frame(self) -> pd.DataFrame:
        """Return all rows, indexed by place. Raises ReleaseDataError if there are defects."""
        if self._defects:
            raise ReleaseDataError(self._name, [defect for _, defect in sorted(self._defects)])
        series = {
            column.name: self._values[column.header].series()
            if column.header in self._values
            else pd.Series([None] * len(self), dtype=dtype_of(column.type))
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
    """The values of one column, each distinct text parsed once."""

    def __init__(self, column: Column) -> None:
        self._parser = parser_of(column.type)
        self._dtype = dtype_of(column.type)
        self._may_be_null = column.may_be_null
        self._codes = array("i")
        self._code_of: defaultdict[str, int] = defaultdict(count().__next__)
        self._parsed: list[Any] = []
        self._wrong: dict[str, str] = {}

    def add(self, texts: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """Add texts. Yield position, text and description of valid texts for each invalid one."""
        self._codes.extend(map(self._code_of.__getitem__, texts))
        new = list(islice(reversed(self._code_of), len(self._code_of) - len(self._parsed)))
        for text in reversed(new):
            self._parsed.append(self._parse(text))
        if self._wrong:
            yield from (
                (position, text, self._wrong[text]) for position, text in enumerate(texts) if text in self._wrong
            )

    def _parse(self, text: str) -> Any:
        if self._may_be_null and text in MISSING:
            return None
        try:
            return self._parser(text)
        except ValueError as error:
            self._wrong[text] = str(error)
            return None

    def series(self) -> pd.Series[Any]:
        codes = np.frombuffer(self._codes, dtype=np.intc) if self._codes else np.array([], dtype="int64")
        return pd.Series(self._parsed, dtype=self._dtype).take(codes).reset_index(drop=True)


# -- checks of rows against each other -------------------------------------------------------------------------------


def check_rows(
    name: str, table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame], *, unit: str = "line"
) -> None:
    """Raise ReleaseDataError for duplicate keys, orphans, values outside their scale and incomplete ratings.

    `loaded` holds the tables read before. References to other tables are not checked.
    """
    defects = list(islice(_duplicates(table, rows, unit), MOST_DEFECTS))
    if not defects:
        defects = list(islice(_contradictions(table, rows, loaded, unit), MOST_DEFECTS))
    if defects:
        raise ReleaseDataError(name, defects, is_cut=len(defects) == MOST_DEFECTS)


def _duplicates(table: str, rows: pd.DataFrame, unit: str) -> Iterator[str]:
    key = list(TABLES[table].key)
    for line, *values in rows.loc[rows.duplicated(key), key].itertuples():
        yield f"{unit} {line}: {' '.join(map(str, values))} is a duplicate, expected once"


def _contradictions(table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame], unit: str) -> Iterator[str]:
    if "Scales" in loaded and "Scales" in TABLES[table].parents:
        yield from _outside_scale(rows, loaded["Scales"], unit)
    for column in TABLES[table].columns:
        if column.references in loaded and column.references != "Scales":
            parent = TABLES[column.references]
            yield from _orphans(rows[column.name], loaded[parent.name][parent.key[0]], parent.file, unit)
    if TABLES[table].is_complete:
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


def _orphans(values: pd.Series[Any], parents: pd.Series[Any], parent_file: str, unit: str) -> Iterator[str]:
    orphans = values[~values.isin(parents)]
    for value, group in orphans.groupby(orphans):
        yield f"{unit} {group.index[0]}: {value} ({len(group)} rows) is not in {parent_file}"


def _incomplete(rows: pd.DataFrame, unit: str) -> Iterator[str]:
    """Yield defects of a truncated file: every rated occupation must have every element on every scale."""
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
