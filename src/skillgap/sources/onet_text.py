"""O*NET's text and CSV releases as typed, checked DataFrames.

Text: tab-separated, no quoting (a `"` is data), `n/a` for missing. CSV: comma, quoted, empty for missing. Both:
one header line, UTF-8 with or without BOM, LF or CRLF. Files are found by `RELEASE_FILES`, columns by their header.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import structlog

from skillgap.errors import ReleaseDataError, ReleaseLayoutError
from skillgap.model import Release
from skillgap.sources.releases import RELEASE_FILES, REQUIRED_TABLES, Archive, release_date, sha256_of
from skillgap.sources.rows import COLUMNS, RATING_TABLES, check_rows, no_rows, typed_rows

_log = structlog.get_logger("skillgap.sources")

_LARGEST_FILE = 256 * 2**20  # O*NET's largest text file has 22 MB; more is not a release


@dataclass(frozen=True)
class OnetData:
    """The tables of one release, in foreign-key order, typed as the database has them."""

    release: Release
    origin: str
    sha256: str
    tables: Mapping[str, pd.DataFrame]


def extract_onet_data(archive: Archive, *, also: Sequence[str] = ()) -> OnetData:
    """Return every row of Occupation Data, Content Model Reference, Scales Reference and Skills of a release.

    So too the tables of `also`, other keys of RELEASE_FILES; one that the release lacks, or has in columns that are
    not known, has no rows: gaps can be computed without it.

    Raises ReleaseLayoutError (files, columns) and ReleaseDataError (values; all defects of a file in one report).
    """
    try:
        return _extract(archive, also)
    except OSError as error:  # of a folder: it may change, or not let us read it
        raise ReleaseLayoutError(f"{archive.origin}: cannot be read ({error})") from error


def _extract(archive: Archive, also: Sequence[str]) -> OnetData:
    found = _open_files(archive)
    tables: dict[str, pd.DataFrame] = {}
    for table in (*REQUIRED_TABLES, *also):
        if table not in REQUIRED_TABLES and not found.has(table):
            tables[table] = no_rows(table)
            continue
        try:
            parts = {file.name: _read_table(file, table) for file in found.of(table)}
        except ReleaseLayoutError as error:
            if table in REQUIRED_TABLES:
                raise
            _log.warning("table left out", table=table, reason=str(error))
            tables[table] = no_rows(table)
            continue
        for name, rows in parts.items():
            check_rows(name, table, rows, tables)
        _check_parts(parts)
        tables[table] = pd.concat(parts.values(), ignore_index=True)
    for table in RATING_TABLES:
        if table in tables:
            tables[table] = _with_element_names(tables[table], tables["Elements"])
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

    def has(self, table: str) -> bool:
        """Tell whether a layout of a table is there whole."""
        return any(all(_key(stem) in self._by_key for stem in layout) for layout in RELEASE_FILES[table])

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
        if len(content) > _LARGEST_FILE:  # the archive has been replaced since _open_files looked at it
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
    other_names = {column.other_header: column.header for column in columns if column.other_header}
    header = [other_names.get(name, name) for name in header]
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
    return typed_rows(file.name, columns, texts, lines[1:])


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


def _with_element_names(ratings: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    if ratings["element_name"].notna().all():
        return ratings
    names = ratings["element_id"].map(elements.set_index("element_id")["element_name"])
    return ratings.assign(element_name=ratings["element_name"].fillna(names))
