"""Inputs: CSV and Parquet files of people or positions, read part by part as record batches."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import find_code
from skillgap.batch.columns import Columns, find_columns, match_column
from skillgap.errors import BatchInputError, UnknownOccupation
from skillgap.escaping import csv_text

SUFFIXES = (".csv", ".parquet")
_SAMPLE_ROWS = 1_000
"""Number of rows searched for the column of current occupations."""


@dataclass(frozen=True)
class Sizes:
    """Rows of a record batch and of a part."""

    rows_per_batch: int = 32_768
    """Rows of a record batch, which is held in memory."""
    rows_per_part: int = 1_048_576
    """Fewest rows of a part, except the last. A run resumes, and a cluster shares the work, by parts."""


@dataclass(frozen=True)
class Malformed:
    """A line that is not a row."""

    error: str


Part = Iterator[pa.RecordBatch | Malformed]


class Input(Protocol):
    """A file that is read part by part."""

    names: list[str]
    """Names of its columns."""
    rows: int | None
    """Number of its rows; None if unknown before all of it has been read."""

    def parts(self, columns: list[str]) -> Generator[Part]:
        """Yield each part with the given columns. Parts that the caller does not read are skipped."""


def open_input(file: Path, sizes: Sizes) -> Input:
    """Return a CSV or Parquet file as an input. Raises BatchInputError."""
    if file.suffix not in SUFFIXES:
        raise BatchInputError(f"{file}: name an input file that ends in {' or '.join(SUFFIXES)}")
    with _readable(file):
        return ParquetInput(file, sizes) if file.suffix == ".parquet" else CsvInput(file, sizes)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Translate errors of reading a file into BatchInputError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BatchInputError(f"{file}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except (OSError, pa.ArrowException, csv.Error) as error:
        raise BatchInputError(f"{file}: {error}") from error


class ParquetInput:
    """A Parquet file; a part is one or more of its row groups."""

    def __init__(self, file: Path, sizes: Sizes) -> None:
        self._file = file
        self._sizes = sizes
        with pq.ParquetFile(file) as opened:
            self.names = list(opened.schema_arrow.names)
            self.rows: int | None = opened.metadata.num_rows
            group_sizes = [opened.metadata.row_group(k).num_rows for k in range(opened.metadata.num_row_groups)]
        self.groups = _grouped(group_sizes, sizes.rows_per_part)

    def parts(self, columns: list[str]) -> Generator[Part]:
        """Yield each part; the file is opened when the part is read."""
        for groups in self.groups:
            yield self.read(groups, columns)

    def read(self, groups: list[int], columns: list[str]) -> Part:
        """Yield the record batches of some row groups."""
        with _readable(self._file), pq.ParquetFile(self._file) as opened:
            yield from opened.iter_batches(self._sizes.rows_per_batch, row_groups=groups, columns=columns)


def _grouped(sizes: list[int], least: int) -> list[list[int]]:
    """Return the indices of row groups in lists of at least `least` rows each, except the last."""
    groups: list[list[int]] = [[]]
    rows = 0
    for k, size in enumerate(sizes):
        if rows >= least:
            groups.append([])
            rows = 0
        groups[-1].append(k)
        rows += size
    return groups


class CsvInput:
    """A CSV file with a header, in UTF-8, with commas; a part is a block of lines. All fields are read as text.

    Python's reader is used because PyArrow's silently takes everything after an unclosed quote for one field.
    """

    def __init__(self, file: Path, sizes: Sizes) -> None:
        self._file = file
        self._sizes = sizes
        with file.open(encoding="utf-8-sig", newline="") as opened:
            self.names = [csv_text(name) for name in next(csv.reader(opened, strict=True), [])]
        self.rows: int | None = None
        if not self.names:
            raise BatchInputError(f"{file}: no header line")
        separator = next((sign for sign in ";\t|" if sign in self.names[0]), None)
        if len(self.names) == 1 and separator:
            raise BatchInputError(f"{file}: columns are separated by {separator!r}; save the file with commas")

    def parts(self, columns: list[str]) -> Generator[Part]:
        """Yield each part; the file is read once, from start to end."""
        schema = pa.schema([(name, pa.string()) for name in columns])
        places = [self.names.index(name) for name in columns]
        with _readable(self._file), self._file.open(encoding="utf-8-sig", newline="") as opened:
            lines = self._lines(opened)
            first = next(lines, None)
            while True:  # an input without rows has one part
                start = [] if first is None else [first]
                rest = itertools.islice(lines, self._sizes.rows_per_part - 1)
                part = self._batches(itertools.chain(start, rest), places, schema)
                yield part
                for _ in part:  # skip the lines that the caller has not read
                    pass
                if (first := next(lines, None)) is None:
                    return

    def _lines(self, opened: IO[str]) -> Iterator[list[str] | Malformed]:
        """Yield the fields of each row, or the error of a line."""
        reader = csv.reader(opened, strict=True)
        next(reader)
        while True:
            number = reader.line_num + 1
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise BatchInputError(
                        f"{self._file}, line {number}: a quote opens there and is never closed; nothing was written"
                    ) from None
                yield Malformed(f"line {number}: {error}")
                continue
            if fields is None:
                return
            if len(fields) == len(self.names):
                yield fields
            elif fields:
                yield Malformed(f"line {number}: {len(fields)} fields instead of {len(self.names)}")

    def _batches(self, lines: Iterator[list[str] | Malformed], places: list[int], schema: pa.Schema) -> Part:
        while True:
            with _readable(self._file):
                chunk = list(itertools.islice(lines, self._sizes.rows_per_batch))
            if not chunk:
                return
            rows = [line for line in chunk if not isinstance(line, Malformed)]
            if rows:
                columns = list(zip(*rows, strict=True))
                arrays = [_texts(columns[place]) for place in places]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            yield from (line for line in chunk if isinstance(line, Malformed))


def _texts(cells: Sequence[str]) -> pa.Array:
    """Return the cells of a column as text, without the prefix that neutralizes formulas."""
    if any(cell.startswith("'") for cell in cells):
        cells = [csv_text(cell) for cell in cells]
    return pa.array(cells, pa.string())


# -- people and targets -----------------------------------------------------------------------------------------------


def open_people(
    source: Path,
    ratings: Ratings,
    target: str | None,
    *,
    id_column: str,
    occupation_column: str | None,
    min_own_levels: int,
    sizes: Sizes,
) -> tuple[Input, Columns]:
    """Return an input and the roles of its columns. `target` is one of them if a column has that name."""
    opened = open_input(source, sizes)
    has_occupation = match_column(occupation_column or "occupation", opened.names) is not None
    return opened, find_columns(
        opened.names,
        ratings,
        id_column=id_column,
        occupation_column=occupation_column,
        target_column=match_column(target, opened.names) if target else None,
        sample={} if has_occupation else _sample(opened),
        min_own_levels=min_own_levels,
    )


def _sample(opened: Input) -> dict[str, list[str]]:
    """Return the first values of each column that is not nested, as text."""
    if len(set(opened.names)) < len(opened.names):
        return {}
    with closing(opened.parts(opened.names)) as parts:
        rows = next((batch for batch in next(parts) if isinstance(batch, pa.RecordBatch)), None)
    if rows is None:
        return {}
    columns = {name: rows.column(name)[:_SAMPLE_ROWS] for name in opened.names}
    return {
        name: ["" if value is None else str(value) for value in column.to_pylist()]
        for name, column in columns.items()
        if not pa.types.is_nested(column.type)
    }


def resolve_target(target: str, source: Path, ratings: Ratings) -> str:
    """Return the code of a target that is not a column of the input. Raises UnknownOccupation."""
    try:
        return find_code(target, ratings.titles)
    except UnknownOccupation as error:
        message = f"{source} has no column {target[:80]!r}, and {error}"
        raise UnknownOccupation(message, onet_soc_code=error.onet_soc_code) from None


class FilledColumns:
    """Collects the columns of own levels that have a value; a column is not searched again once it has one."""

    def __init__(self, columns: Columns) -> None:
        self._open = list(columns.levels)
        self.names: set[str] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Search a record batch."""
        self.names |= {name for name in self._open if _has_value(batch.column(name))}
        self._open = [name for name in self._open if name not in self.names]


def _has_value(column: pa.Array) -> bool:
    values = column.drop_null()
    return len(values) > 0 and not (pa.types.is_string(values.type) and not any(map(str.strip, values.to_pylist())))
