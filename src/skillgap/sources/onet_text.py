"""O*NET's text and CSV releases as typed, checked DataFrames.

Text: tab-separated, no quoting (a `"` is data), `n/a` for missing. CSV: comma, quoted, empty for missing. Both:
one header line, UTF-8 with or without BOM, LF or CRLF. Files are found by `RELEASE_FILES`, columns by their header.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skillgap.errors import ReleaseDataError, ReleaseLayoutError
from skillgap.model import Release
from skillgap.sources.releases import RELEASE_FILES, Archive, release_date, sha256_of

_LARGEST_FILE = 256 * 2**20  # O*NET's largest text file has 22 MB; more is not a release
_CODE = re.compile(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}")
_ELEMENT = re.compile(r"(?=.{1,20}\Z)[0-9](\.[A-Za-z0-9]+)*")
_MONTH = re.compile(r"(0[1-9]|1[0-2])/((?:19|20)[0-9]{2})")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class OnetData:
    """The tables of one release, in foreign-key order, typed as the database has them."""

    release: Release
    origin: str
    sha256: str
    tables: Mapping[str, pd.DataFrame]


class Column(NamedTuple):
    """One column of a release file; `parse` turns a text into its value, or raises ValueError(what it expects)."""

    name: str
    header: str
    parse: Callable[[str], Any]
    dtype: str = "str"
    may_be_null: bool = False
    may_be_absent: bool = False


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not 0 < len(text) <= longest or text == "n/a":
            raise ValueError(f"a text of 1 to {longest} characters")
        return text

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
    "Skills": (
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
        Column("date_updated", "Date", _month, "datetime64[s]", may_be_null=True),
        Column("domain_source", "Domain Source", _text(30), may_be_null=True),
    ),
}

KEYS: dict[str, list[str]] = {
    "Occupations": ["onet_soc_code"],
    "Elements": ["element_id"],
    "Scales": ["scale_id"],
    "Skills": ["onet_soc_code", "element_id", "scale_id"],
}


def extract_onet_data(archive: Archive) -> OnetData:
    """Return every row of Occupation Data, Content Model Reference, Scales Reference and Skills of a release.

    Raises ReleaseLayoutError (files, columns) and ReleaseDataError (values; all defects of a file in one report).
    """
    try:
        return _extract(archive)
    except OSError as error:  # of a folder: it may change, or not let us read it
        raise ReleaseLayoutError(f"{archive.origin}: cannot be read ({error})") from error


def _extract(archive: Archive) -> OnetData:
    found = _open_files(archive)
    tables: dict[str, pd.DataFrame] = {}
    for table in RELEASE_FILES:
        parts = {file.name: _read_table(file, table) for file in found.of(table)}
        for name, rows in parts.items():
            _check_rows(name, table, rows, tables)
        _check_parts(parts)
        tables[table] = pd.concat(parts.values(), ignore_index=True)
    tables["Skills"] = _with_element_names(tables["Skills"], tables["Elements"])
    return OnetData(
        release=found.release(),
        origin=archive.origin,
        sha256=sha256_of(archive.path),
        tables=tables,
    )


# -- files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    name: str
    content: Callable[[], bytes]

    @property
    def is_csv(self) -> bool:
        return self.name.lower().endswith(".csv")


class _Files:
    """The text or CSV files of a release folder or zip, by their names in either spelling."""

    def __init__(self, archive: Archive, files: Mapping[str, Callable[[], bytes]]) -> None:
        self._archive = archive
        self._by_key: dict[str, _File] = {}
        folders: set[str] = set()
        # .txt after .csv: where both are there, the text file counts
        for path in sorted(files, key=lambda path: (path.lower().endswith(".txt"), path)):
            name = PurePosixPath(path).name
            stem, _, ending = name.rpartition(".")
            if ending.lower() in ("txt", "csv") and not name.startswith("."):
                self._by_key[_key(stem)] = _File(name, files[path])
                folders.add(str(PurePosixPath(path).parent))
        if len(folders) > 1:
            raise ReleaseLayoutError(f"{archive.origin}: files in more than one folder: {', '.join(sorted(folders))}")
        folder = PurePosixPath(*folders).name
        self._folder = folder or archive.path.resolve().stem

    def of(self, table: str) -> list[_File]:
        """Return the files that hold a table, by the first layout that is there whole."""
        layouts = RELEASE_FILES[table]
        for layout in layouts:
            if all(_key(stem) in self._by_key for stem in layout):
                return [self._by_key[_key(stem)] for stem in layout]
        wanted = ", nor ".join(" with ".join(f"{stem}.txt" for stem in layout) for layout in layouts)
        has = ", ".join(sorted(file.name for file in self._by_key.values())) or "no text or CSV file"
        raise ReleaseLayoutError(f"{self._archive.origin}: no {wanted} (found {has}); is this an O*NET release?")

    def release(self) -> Release:
        """Return number and month from Read Me.txt, else the number from the folder's name."""
        read_me = self._by_key.get("read_me")
        lines = read_me.content().decode("utf-8-sig", "replace").splitlines()[:2] if read_me else []
        number = re.search(r"O\*NET\S* ([0-9]{2}\.[0-9]) Database", lines[0]) if lines else None
        if number is None:
            number = re.search(r"db_([0-9]{2}_[0-9])(?![0-9])", self._folder)
        if number is None:
            raise ReleaseLayoutError(
                f"{self._archive.origin}: cannot tell which release this is; expected 'O*NET 29.0 Database' in the "
                "first line of Read Me.txt, or a folder named like db_29_0_text"
            )
        month: date | None = None
        if len(lines) > 1 and (published := re.match(r"(\w+ [0-9]{4}) Release", lines[1])):
            with suppress(ValueError):  # not a month's name
                month = release_date(published[1])
        return Release(number[1].replace("_", "."), month)


def _key(stem: str) -> str:
    return stem.lower().replace(" ", "_")


def _open_files(archive: Archive) -> _Files:
    path = archive.path
    if path.is_dir():
        return _Files(archive, {file.name: file.read_bytes for file in path.iterdir() if file.is_file()})
    try:
        with zipfile.ZipFile(path) as zipped:
            members = [member for member in zipped.infolist() if not member.filename.endswith("/")]
    except Exception as error:  # what zipfile lets out of a damaged archive is not documented, and a dozen kinds
        raise ReleaseLayoutError(f"{archive.origin}: neither a release folder nor a readable zip ({error})") from error
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in str(parts).partition("/")[0]:
            raise ReleaseLayoutError(
                f"{archive.origin}: refused, it has a file that would leave its folder: {member.filename!r}"
            )
        if member.file_size > _LARGEST_FILE:
            raise ReleaseLayoutError(
                f"{archive.origin}: refused, {member.filename} unpacks to {member.file_size:,} "
                f"bytes (at most {_LARGEST_FILE:,})"
            )
    return _Files(archive, {member.filename: _ZipMember(archive, member.filename) for member in members})


@dataclass(frozen=True)
class _ZipMember:
    archive: Archive
    filename: str

    def __call__(self) -> bytes:
        try:
            with zipfile.ZipFile(self.archive.path) as zipped, zipped.open(self.filename) as member:
                content = member.read(_LARGEST_FILE + 1)
        except Exception as error:  # zlib.error, struct.error and more: see _open_files
            raise ReleaseLayoutError(f"{self.archive.origin}: {self.filename} cannot be unpacked ({error})") from error
        if len(content) > _LARGEST_FILE:
            raise ReleaseLayoutError(f"{self.archive.origin}: {self.filename} is larger than {_LARGEST_FILE:,} bytes")
        return content


# -- one file to a typed frame ----------------------------------------------------------------------------------


def _read_table(file: _File, table: str) -> pd.DataFrame:
    """Return the file's rows, typed; the index is the line number."""
    lines, records = _read_records(file)
    if len(records) < 2:
        has = "a header and no rows" if records else "empty"
        raise ReleaseLayoutError(f"{file.name}: {has}; is the download complete?")
    header = [name.strip() for name in records[0]]
    columns = COLUMNS[table]
    missing = [column.header for column in columns if not column.may_be_absent and column.header not in header]
    if missing:
        raise ReleaseLayoutError(
            f"{file.name}: no column {', '.join(map(repr, missing))} (found {header!r:.500}); "
            "is this an O*NET text release?"
        )
    defects = [
        f"line {line}: {len(record)} fields, expected {len(header)}; is the file cut off?"
        for line, record in zip(lines[1:], records[1:], strict=True)
        if len(record) != len(header)
    ]
    if defects:
        raise ReleaseDataError(file.name, defects)
    texts = dict(zip(header, zip(*records[1:], strict=True), strict=True))
    series: dict[str, pd.Series[Any]] = {}
    flawed: list[tuple[int, str]] = []
    for column in columns:
        values, bad = _typed(column, texts.get(column.header), len(records) - 1)
        series[column.name] = values
        flawed += [
            (
                lines[1 + position],
                f"line {lines[1 + position]}, {column.header}: {text[:60]!r}, expected {expected}",
            )
            for position, text, expected in bad
        ]
    if flawed:
        raise ReleaseDataError(file.name, [defect for _, defect in sorted(flawed)])
    return pd.DataFrame(series).set_axis(lines[1:], axis=0)


def _read_records(file: _File) -> tuple[list[int], list[list[str]]]:
    """Return line numbers and fields of all lines that are not empty."""
    content = file.content()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReleaseDataError(file.name, list(_undecodable(content, is_csv=file.is_csv))) from None
    dialect: dict[str, Any] = {"strict": True} if file.is_csv else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(text, newline=""), **dialect)
    lines: list[int] = []
    records: list[list[str]] = []
    try:
        for record in reader:
            if record:
                lines.append(reader.line_num)
                records.append(record)
    except csv.Error as error:
        raise ReleaseDataError(file.name, [f"line {reader.line_num}: {error}"]) from error
    return lines, records


def _undecodable(content: bytes, *, is_csv: bool) -> Iterator[str]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            tabs = line.count(b"\t", 0, error.start)
            field = "" if is_csv else f", field {tabs + 1}"
            yield f"line {number}{field}: byte 0x{line[error.start]:02x}, expected UTF-8"


def _typed(
    column: Column, texts: tuple[str, ...] | None, count: int
) -> tuple[pd.Series[Any], list[tuple[int, str, str]]]:
    """Return a column's values, and the position, text and expectation of each that is wrong.

    A column has few different texts, so each is parsed once.
    """
    if texts is None:
        return pd.Series([None] * count, dtype=column.dtype), []
    parsed: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        if column.may_be_null and text in ("n/a", ""):
            parsed[text] = None
            continue
        try:
            parsed[text] = column.parse(text)
        except ValueError as error:
            parsed[text] = None
            wrong[text] = str(error)
    places = {text: place for place, text in enumerate(parsed)}
    codes = np.fromiter(map(places.__getitem__, texts), dtype=np.intp, count=count)
    values = pd.Series(list(parsed.values()), dtype=column.dtype).take(codes).reset_index(drop=True)
    bad = [(position, text, wrong[text]) for position, text in enumerate(texts) if text in wrong] if wrong else []
    return values, bad


# -- what the rows of a file must be together ---------------------------------------------------------------------


def _check_rows(name: str, table: str, rows: pd.DataFrame, loaded: Mapping[str, pd.DataFrame]) -> None:
    """Raise ReleaseDataError for duplicate keys and, in Skills, for what other files or other rows contradict."""
    defects = [
        f"line {line}: {' '.join(map(str, key))} is there already, expected once"
        for line, *key in rows.loc[rows.duplicated(KEYS[table]), KEYS[table]].itertuples()
    ]
    if table == "Skills" and not defects:
        defects += _outside_scale(rows, loaded["Scales"])
        for column, parent in (("onet_soc_code", "Occupations"), ("element_id", "Elements")):
            defects += _orphans(rows, column, loaded[parent], _file_title(parent))
        defects += _incomplete(rows)
    if defects:
        raise ReleaseDataError(name, defects)


def _outside_scale(rows: pd.DataFrame, scales: pd.DataFrame) -> Iterator[str]:
    bounds = scales.set_index("scale_id")
    unknown = rows[~rows["scale_id"].isin(bounds.index)]
    for line, scale_id in unknown["scale_id"].items():
        yield f"line {line}, Scale ID: {scale_id!r}, expected one of Scales Reference"
    least, most = (rows["scale_id"].map(bounds[end]) for end in ("minimum", "maximum"))
    outside = rows[(rows["data_value"] < least) | (rows["data_value"] > most)]
    for line, scale_id, value in outside[["scale_id", "data_value"]].itertuples():
        low, high = bounds.loc[scale_id, ["minimum", "maximum"]]
        yield f"line {line}, Data Value: '{value}', expected {low:g} to {high:g} (scale {scale_id})"


def _orphans(rows: pd.DataFrame, column: str, parent: pd.DataFrame, parent_file: str) -> Iterator[str]:
    orphans = rows[~rows[column].isin(parent[column])]
    for value, group in orphans.groupby(column):
        yield f"line {group.index[0]}: {value} ({len(group)} rows) is not in {parent_file}"


def _incomplete(rows: pd.DataFrame) -> Iterator[str]:
    """Every rated occupation has every element on every scale of the file; fewer rows mean a file cut off."""
    occupations = rows.groupby(["element_id", "scale_id"])["onet_soc_code"].transform("size")
    # Without this, one wrong element id would make every occupation look incomplete.
    is_odd = 2 * occupations < rows["onet_soc_code"].nunique()
    for line, element_id, scale_id in rows.loc[is_odd, ["element_id", "scale_id"]].itertuples():
        yield f"line {line}: {element_id} {scale_id} is rated for few occupations, expected for all"
    usual = rows[~is_odd]
    expected = usual["element_id"].nunique() * usual["scale_id"].nunique()
    counts = usual.groupby("onet_soc_code").size()
    for code, count in counts[counts != expected].items():
        yield f"{code}: {count} ratings, expected {expected}; is the file cut off?"


def _check_parts(parts: Mapping[str, pd.DataFrame]) -> None:
    """Raise ReleaseDataError unless the files that make up one table rate the same occupations, on other elements."""
    if len(parts) == 1:
        return
    codes = {name: set(rows["onet_soc_code"]) for name, rows in parts.items()}
    every = set().union(*codes.values())
    for name, own in codes.items():
        if missing := sorted(every - own):
            other = " and ".join(other for other in codes if other != name)
            raise ReleaseDataError(name, [f"{code}: no row here, but in {other}" for code in missing])
    for (name, rows), (other, others) in combinations(parts.items(), 2):
        if shared := sorted(set(rows["element_id"]) & set(others["element_id"])):
            raise ReleaseDataError(other, [f"{element_id}: rated here and in {name}" for element_id in shared])


def _file_title(table: str) -> str:
    return RELEASE_FILES[table][0][0]


def _with_element_names(skills: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    if skills["element_name"].notna().all():
        return skills
    names = skills["element_id"].map(elements.set_index("element_id")["element_name"])
    return skills.assign(element_name=skills["element_name"].fillna(names))
