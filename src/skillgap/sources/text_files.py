"""O*NET's text and CSV releases as typed, checked DataFrames.

Text files are tab-separated, with `n/a` for a missing value; a `"` is data. CSV files have commas, quoted fields and
empty missing values. Both have one header line, are UTF-8 with or without BOM, and have LF or CRLF line ends. Files
saved again by a spreadsheet or pandas are read like the originals. Files are found by name, columns by header, both as
declared in `onet.tables`.

A release with a defect in a required table is refused. An optional table with a defect is left out with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations, islice
from operator import itemgetter

import pandas as pd
import structlog

from skillgap.errors import ReleaseDataError, ReleaseLayoutError
from skillgap.escaping import for_terminal
from skillgap.onet.releases import Release
from skillgap.onet.tables import REQUIRED_TABLES, TABLES, Column, Table, release_key
from skillgap.sources.delimited import first_fields, is_quoted, records
from skillgap.sources.release_files import LARGEST_FILE, ReleaseFile, ReleaseFiles, open_files
from skillgap.sources.releases import Archive, sha256_of
from skillgap.sources.rows import RowReader, check_rows, no_rows

_log = structlog.get_logger("skillgap.sources")

_FIRST_YEAR = 1996
"""Since 20.0, O*NET X.0 to X.3 are published from August of the year 1995 + X to May of the next year."""
_ROWS_AT_ONCE = 1_000
"""Rows held as texts before they are parsed."""


@dataclass(frozen=True)
class OnetData:
    """The tables of one release, parents first, with the types of the database."""

    release: Release
    origin: str
    sha256: str
    tables: Mapping[str, pd.DataFrame]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Optional tables with unusable files, with the reason; they have no rows."""
    warnings: tuple[str, ...] = ()
    """Doubts about files that were read, and unread files whose names resemble that of a table's file."""


def extract_onet_data(archive: Archive, *, also: Sequence[str] = (), largest_file: int = LARGEST_FILE) -> OnetData:
    """Return every row of Occupation Data, Content Model Reference, Scales Reference and Skills of a release.

    `also` names optional tables to read. A table that the release lacks has no rows. A table with a defect has no rows
    either, and `left_out` gives the reason. Files of more than `largest_file` bytes are refused.

    Raises, for the required tables, ReleaseLayoutError (files, columns, files of two releases) and ReleaseDataError
    (values; up to a thousand defects of a file in one report).
    """
    try:
        data = _extract(open_files(archive, largest_file=largest_file), archive, also)
    except OSError as error:  # a folder may change meanwhile, or be unreadable
        raise ReleaseLayoutError(f"{archive.origin}: cannot be read ({error})") from error
    for table, reason in data.left_out.items():
        _log.warning("table left out", table=table, reason=reason)
    for warning in data.warnings:
        _log.warning(warning)
    return data


def _extract(files: ReleaseFiles, archive: Archive, also: Sequence[str]) -> OnetData:
    release = _release(files)
    tables: dict[str, pd.DataFrame] = {}
    left_out: dict[str, str] = {}
    warnings: list[str] = []
    for table in (*REQUIRED_TABLES, *also):
        if table not in REQUIRED_TABLES and not files.has(table):
            tables[table] = no_rows(table)
            continue
        try:
            tables[table] = _read_parts(files.parts(table), table, tables, release, warnings)
        except (ReleaseLayoutError, ReleaseDataError) as error:
            if table in REQUIRED_TABLES:
                raise
            left_out[table] = error.in_one_line() if isinstance(error, ReleaseDataError) else str(error)
            tables[table] = no_rows(table)
            continue
        warnings += _doubts(files, table, tables[table], release)
    for table, rows in tables.items():
        if any(column.filled_from for column in TABLES[table].columns):
            tables[table] = _filled(TABLES[table], rows, tables)
    return OnetData(
        release=release or files.release(),
        origin=for_terminal(archive.origin),
        sha256=sha256_of(archive.path),
        tables=tables,
        left_out=left_out,
        warnings=tuple(for_terminal(warning) for warning in (*files.warnings, *warnings)),
    )


def _release(files: ReleaseFiles) -> Release | None:
    """Return the release, or None if unknown, which is an error only once all tables have been read."""
    with suppress(ReleaseLayoutError):
        return files.release()
    return None


# -- a table of one or more files ---------------------------------------------------------------------------------


def _read_parts(
    parts: Sequence[Sequence[ReleaseFile]],
    table: str,
    loaded: Mapping[str, pd.DataFrame],
    release: Release | None,
    warnings: list[str],
) -> pd.DataFrame:
    frames: dict[str, pd.DataFrame] = {}
    for same_named in parts:
        name, rows = _read_one_of(same_named, table, warnings)
        check_rows(name, table, rows, loaded)
        _check_dates(name, rows, release)
        frames[name] = rows
    _check_parts(frames)
    return pd.concat(frames.values(), ignore_index=True)


def _read_one_of(files: Sequence[ReleaseFile], table: str, warnings: list[str]) -> tuple[str, pd.DataFrame]:
    """Return name and rows of the first of several files whose names differ only in case or ending.

    All must have the same rows. A file that is not a table of this kind is skipped with a warning.
    Raises ReleaseLayoutError, ReleaseDataError.
    """
    if len(files) == 1:
        return files[0].name, _read_table(files[0], table, warnings)
    names = " beside ".join(file.name for file in files)
    way_out = "delete the file that does not belong to this release"
    read: list[tuple[str, pd.DataFrame]] = []
    unread: list[ReleaseLayoutError] = []
    for file in files:
        try:
            read.append((file.name, _read_table(file, table, warnings)))
        except ReleaseLayoutError as error:
            unread.append(error)
        except ReleaseDataError as error:
            raise ReleaseLayoutError(
                f"{names}: both contain the same table, and {error.in_one_line()}; {way_out}"
            ) from error
    if not read:
        raise unread[0]
    first = read[0][1].sort_values(list(TABLES[table].key), ignore_index=True)
    if not all(rows.sort_values(list(TABLES[table].key), ignore_index=True).equals(first) for _, rows in read[1:]):
        raise ReleaseLayoutError(f"{names}: both contain the same table, and their rows differ; {way_out}")
    warnings += [f"not read, beside another file of its name: {error}" for error in unread]
    return read[0]


def _check_dates(name: str, rows: pd.DataFrame, release: Release | None) -> None:
    """Raise ReleaseDataError if rows are dated after the release, a sign of files of two releases."""
    if release is None or release.date is None or "date_updated" not in rows:
        return
    late = rows["date_updated"][rows["date_updated"] > pd.Timestamp(release.date)]
    if late.empty:
        return
    raise ReleaseDataError(
        name,
        [
            f"line {late.idxmax()}, Date: '{late.max():%m/%Y}', the latest of {len(late):,} rows, expected at most "
            f"{release.date:%m/%Y}, the month of O*NET {release.number} in Read Me.txt; are files of two releases "
            "mixed? Load the files of one release"
        ],
    )


def _doubts(files: ReleaseFiles, table: str, rows: pd.DataFrame, release: Release | None) -> Iterator[str]:
    """Yield warnings about a table that is probably, but not certainly, of another release."""
    if release is None:
        return
    layout, expected = files.layout(table), TABLES[table].layout_of(release.number)
    if layout and release_key(layout.since) < release_key(expected.since):
        names = " and ".join(file.name for part in files.parts(table) for file in part)
        yield (
            f"{names}: this name was used before {expected.since}, but it is loaded as O*NET {release.number}; "
            "check that it does not belong to an older release"
        )
    if release.date is None and "date_updated" in rows:
        latest = rows["date_updated"].max()
        major, _ = release_key(release.number)
        if pd.notna(latest) and (latest.year, latest.month) >= (_FIRST_YEAR + major, 8):
            yield (
                f"{table}: dated up to {latest:%m/%Y}, later than any O*NET {major} release; no Read Me.txt has "
                f"the month of O*NET {release.number}, so check that all files belong to one release"
            )


# -- one file to a typed frame ----------------------------------------------------------------------------------


def _read_table(file: ReleaseFile, table: str, warnings: list[str]) -> pd.DataFrame:
    """Return the typed rows of a file; the index is the line number."""
    delimiter, header = _header(file, table)
    if delimiter == ",":
        return _typed(file, table, delimiter, header, quoted=True)
    try:
        return _typed(file, table, delimiter, header, quoted=None)
    except _QuotationMark:
        quoted, warning = is_quoted(file)
        warnings += [warning] if warning else []
        return _typed(file, table, delimiter, header, quoted=quoted)


class _QuotationMark(Exception):
    """A tab-separated file has a `"`, and only the whole file shows whether it is data."""


def _header(file: ReleaseFile, table: str) -> tuple[str, list[str]]:
    """Return the delimiter that yields the columns of a table, and the header under current names."""
    headers = {
        delimiter: _renamed([name.strip() for name in first_fields(file, delimiter)], TABLES[table].columns)
        for delimiter in (",\t" if file.is_csv else "\t,")
    }
    missing = {delimiter: _missing(header, TABLES[table].columns) for delimiter, header in headers.items()}
    delimiter = next((delimiter for delimiter in headers if not missing[delimiter]), next(iter(headers)))
    header = headers[delimiter]
    if not any(headers.values()):
        raise ReleaseLayoutError(f"{file.name}: empty; is the download complete?")
    if missing[delimiter]:
        raise ReleaseLayoutError(
            f"{file.name}: no column {', '.join(map(repr, missing[delimiter]))} (found {header!r:.500}); "
            "is this an O*NET text release?"
        )
    if twice := [column.header for column in TABLES[table].columns if header.count(column.header) > 1]:
        raise ReleaseLayoutError(f"{file.name}: two columns {twice[0]!r}; delete one of them")
    return delimiter, header


def _renamed(header: list[str], columns: Sequence[Column]) -> list[str]:
    renamed = {
        later: column.header for column in columns if column.header not in header for later in column.renamed.values()
    }
    return [renamed.get(name, name) for name in header]


def _missing(header: Sequence[str], columns: Sequence[Column]) -> list[str]:
    return [column.header for column in columns if not column.may_be_absent and column.header not in header]


def _typed(file: ReleaseFile, table: str, delimiter: str, header: list[str], *, quoted: bool | None) -> pd.DataFrame:
    """Return the typed rows of a file. If `quoted` is None, raise _QuotationMark at the first `"`."""
    columns = [column for column in TABLES[table].columns if column.header in header]
    wanted = itemgetter(*(header.index(column.header) for column in columns))
    names = [column.header for column in columns]
    rows = RowReader(file.name, TABLES[table].columns, names)
    fields_of_rows = _rows_of(records(file, delimiter, quoted=bool(quoted)), len(header), rows, is_open=quoted is None)
    batches = iter(lambda: list(islice(fields_of_rows, _ROWS_AT_ONCE)), [])
    for batch in batches:
        texts = zip(*(wanted(fields) for _, fields in batch), strict=True)
        rows.add(dict(zip(names, texts, strict=True)), [line for line, _ in batch])
    frame = rows.frame()
    if frame.empty:
        raise ReleaseLayoutError(f"{file.name}: a header and no rows; is the download complete?")
    return frame


def _rows_of(
    records_: Iterator[tuple[int, list[str] | str]], width: int, rows: RowReader, *, is_open: bool
) -> Iterator[tuple[int, list[str]]]:
    """Yield line and fields of all records with `width` fields, except the header. Refuse the others."""
    for number, (line, fields) in enumerate(records_):
        if isinstance(fields, str):
            rows.refuse(line, fields)
        elif is_open and any('"' in field for field in fields):
            raise _QuotationMark
        elif number == 0:
            continue
        elif len(fields) != width:
            rows.refuse(line, f": {len(fields)} fields, expected {width}; is the file cut off?")
        else:
            yield line, fields


def _check_parts(parts: Mapping[str, pd.DataFrame]) -> None:
    """Raise ReleaseDataError unless the files of one table rate the same occupations on different elements."""
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


def _filled(table: Table, rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return rows with the values that files may leave out, looked up in another table."""
    for column in table.columns:
        if column.filled_from and rows[column.name].isna().any():
            values = tables[column.filled_from].set_index("element_id")[column.name]
            rows = rows.assign(**{column.name: rows[column.name].fillna(rows["element_id"].map(values))})
    return rows
