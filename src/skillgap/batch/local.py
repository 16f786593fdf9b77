"""Files in, files out: read in parts, answered by the kernel, written whole; a run that was cut off goes on."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import find_code
from skillgap.analysis.similarity.model import Similarity
from skillgap.batch.arrow import Columns, Each, GapKernel, column_called, find_columns, usual_min_own_levels
from skillgap.errors import BatchInputError, UnknownOccupation
from skillgap.escaping import FORMULA, NEGATIVE_NUMBER, CsvWriter, csv_text
from skillgap.files import atomic_write, sweep

OnRows = Callable[[int, int | None], None]
"""Called with rows so far, and in all where that is known."""

ROWS_AT_ONCE = 32_768
"""Rows of a record batch: what is held in memory."""
_SAMPLE = 1_000
"""Rows in which a missing column is looked for."""
ROWS_OF_A_PART = 1_048_576
"""Rows of a part of the output at least, but for the last: the unit of going on, and of Dask."""
_MANIFEST = "_batch.json"
"""Readers of a folder of Parquet files pass over names that begin so."""
_PART = "part-"
_SUFFIXES = (".csv", ".parquet")
_LINE = re.compile(r"^line \d+: ")
_MOST_REASONS, _OTHER_REASONS = 1_000, "other reasons"


@dataclass
class BatchReport:
    """What became of an input."""

    rows: int = 0
    """Rows read."""
    lines: int = 0
    """Lines written: rows answered, or their gaps."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows that could not be answered, by reason; each is in a file of rejects, also those counted as other reasons."""
    parts_there: int = 0
    """Parts that an earlier run had made."""
    filled: set[str] = field(default_factory=set)
    """Columns in which at least one row has a value."""

    def add(self, other: BatchReport) -> None:
        """Count another part in."""
        self.rows += other.rows
        self.lines += other.lines
        self.filled |= other.filled
        count_reasons(self.rejected, other.rejected)


def count_reasons(counts: Counter[str], more: Mapping[str, int]) -> None:
    """Add reasons to counts. Past so many different ones, new ones are counted together: each may be of one row."""
    for reason, rows in more.items():
        counts[reason if reason in counts or len(counts) < _MOST_REASONS else _OTHER_REASONS] += rows


# -- reading ----------------------------------------------------------------------------------------------------------


class Input(Protocol):
    """An input that can be read part by part."""

    names: list[str]
    rows: int | None
    """Where they are known beforehand."""

    def parts(self, columns: list[str]) -> Generator[Iterator[pa.RecordBatch | Malformed]]:
        """Give each part; those that are not read are passed over."""


@dataclass(frozen=True)
class Malformed:
    """A line that is no row."""

    error: str


def open_input(file: Path) -> Input:
    """Return a CSV or Parquet file to be read. Raises BatchInputError."""
    if file.suffix not in _SUFFIXES:
        raise BatchInputError(f"{file}: an input is named {' or '.join(_SUFFIXES)}")
    with _readable(file):
        return ParquetInput(file) if file.suffix == ".parquet" else CsvInput(file)


class ParquetInput:
    """A Parquet file; a part is some of its row groups."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with pq.ParquetFile(file) as opened:
            self.names = list(opened.schema_arrow.names)
            self.rows: int | None = opened.metadata.num_rows
            sizes = [opened.metadata.row_group(k).num_rows for k in range(opened.metadata.num_row_groups)]
        self.groups = _grouped(sizes)

    def parts(self, columns: list[str]) -> Generator[Iterator[pa.RecordBatch | Malformed]]:
        """Give each part, opened when it is read."""
        for groups in self.groups:
            yield self.read(groups, columns)

    def read(self, groups: list[int], columns: list[str]) -> Iterator[pa.RecordBatch | Malformed]:
        """Give the record batches of some row groups."""
        with _readable(self._file), pq.ParquetFile(self._file) as opened:
            yield from opened.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=columns)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Say which file it is that cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BatchInputError(f"{file}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except (OSError, pa.ArrowException, csv.Error) as error:
        raise BatchInputError(f"{file}: {error}") from error


def _grouped(sizes: list[int]) -> list[list[int]]:
    """Return row groups in parts of enough rows."""
    groups: list[list[int]] = [[]]
    rows = 0
    for k, size in enumerate(sizes):
        if rows >= ROWS_OF_A_PART:
            groups.append([])
            rows = 0
        groups[-1].append(k)
        rows += size
    return groups


class CsvInput:
    """A CSV file with a header, UTF-8, commas; a part is as many lines. Fields stay text until the kernel reads them.

    Read by Python's own reader: PyArrow's takes what follows a quote that is never closed for one field, in silence.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with file.open(encoding="utf-8-sig", newline="") as opened:
            self.names = [csv_text(name) for name in next(csv.reader(opened, strict=True), [])]
        self.rows: int | None = None
        if not self.names:
            raise BatchInputError(f"{file}: no header line")
        if len(self.names) == 1 and (other := next((each for each in ";\t|" if each in self.names[0]), None)):
            raise BatchInputError(f"{file}: the columns of its header are separated by {other!r}; save it with commas")

    def parts(self, columns: list[str]) -> Generator[Iterator[pa.RecordBatch | Malformed]]:
        """Give each part; the file is read once, from beginning to end."""
        schema = pa.schema([(name, pa.string()) for name in columns])
        places = [self.names.index(name) for name in columns]
        with _readable(self._file), self._file.open(encoding="utf-8-sig", newline="") as opened:
            lines = self._lines(opened)
            first = next(lines, None)
            while True:  # without any row there is one part, too
                begin = [] if first is None else [first]
                current = self._batches(
                    itertools.chain(begin, itertools.islice(lines, ROWS_OF_A_PART - 1)), places, schema
                )
                yield current
                for _ in current:  # what was not read is passed over
                    pass
                if (first := next(lines, None)) is None:
                    return

    def _lines(self, opened: IO[str]) -> Iterator[list[str] | Malformed]:
        """Give the fields of each row, or what is wrong with it."""
        reader = csv.reader(opened, strict=True)
        next(reader)
        while True:
            begin = reader.line_num + 1
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise BatchInputError(
                        f"{self._file}, line {begin}: a quote is opened there and never closed; nothing was written"
                    ) from None
                yield Malformed(f"line {begin}: {error}")
                continue
            if fields is None:
                return
            if len(fields) == len(self.names):
                yield fields
            elif fields:
                yield Malformed(f"line {begin}: {len(fields)} fields instead of {len(self.names)}")

    def _batches(
        self, lines: Iterator[list[str] | Malformed], places: list[int], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch | Malformed]:
        while True:
            with _readable(self._file):
                some = list(itertools.islice(lines, ROWS_AT_ONCE))
            if not some:
                return
            rows = [each for each in some if not isinstance(each, Malformed)]
            if rows:
                columns = list(zip(*rows, strict=True))
                arrays = [_texts(columns[place]) for place in places]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            yield from (each for each in some if isinstance(each, Malformed))


def _texts(cells: Sequence[str]) -> pa.Array:
    """Return the cells of a column as text, without the prefix against formulas."""
    if any(cell.startswith("'") for cell in cells):
        cells = [csv_text(cell) for cell in cells]
    return pa.array(cells, pa.string())


# -- writing ----------------------------------------------------------------------------------------------------------


class Rejects:
    """A file beside an output, of what could not be answered; it is there if there is something, and of this run."""

    def __init__(self, output: Path | None, stack: ExitStack) -> None:
        """Without an output, reasons are counted alone."""
        self._file = rejects_of(output) if output else None
        self._stack = stack
        self._writer: CsvWriter | None = None
        stack.push(self._end)

    def _end(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._file and self._writer is None and failed is None:
            self._file.unlink(missing_ok=True)  # an earlier run's

    def write(self, rejected: Iterable[tuple[Any, str]]) -> Counter[str]:
        """Write ids, None where a line has none, each with the reason; return how many of each there were."""
        reasons: Counter[str] = Counter()
        for key, error in rejected:
            reasons[_LINE.sub("a line with ", error)] += 1
            if self._file is None:
                continue
            if self._writer is None:
                out = self._stack.enter_context(atomic_write(self._file))
                text = io.TextIOWrapper(out, encoding="utf-8", newline="")
                self._stack.callback(text.detach)  # flushed; the file itself is its opener's
                self._writer = CsvWriter(text)
                self._writer.writerow(["id", "error"])
            self._writer.writerow([key, error])
        return reasons


class _Output:
    """A file of lines, and one of rejects."""

    def __init__(self, file: Path, kernel: GapKernel, stack: ExitStack) -> None:
        self._file = file
        self._kernel = kernel
        self._stack = stack
        self._writer: pq.ParquetWriter | _CsvOutput | None = None
        self._rejects = Rejects(file, stack)

    def write(self, answers: pa.RecordBatch) -> BatchReport:
        """Write a record batch of the kernel's: what has an error goes to the rejects."""
        report = BatchReport()
        errors = answers.column("error")
        lines, bad = answers.drop_columns(["error"]), None
        if errors.null_count < len(errors):
            has_error = pc.is_valid(errors)
            bad = answers.filter(has_error)
            lines = lines.filter(pc.invert(has_error))
        # Opened before its rejects, and so ended after them: an output that is there has all of them beside it.
        if self._writer is None:
            self._writer = self._open(lines.schema)
        if bad is not None:
            self.reject(zip(bad.column("id").to_pylist(), bad.column("error").to_pylist(), strict=True), report)
        self._writer.write(lines)
        report.lines = lines.num_rows
        return report

    def reject(self, rejected: Iterable[tuple[Any, str]], report: BatchReport) -> None:
        """Write what could not be answered, with why."""
        self.begin()
        count_reasons(report.rejected, self._rejects.write(rejected))

    def begin(self) -> None:
        """Have an output, even where there is no row for it."""
        if self._writer is None:
            columns = pa.schema([(name, pa.string()) for name in used_columns(self._kernel)])
            self.write(self._kernel(pa.RecordBatch.from_pylist([], schema=columns)))

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter | _CsvOutput:
        out = self._stack.enter_context(atomic_write(self._file))
        if self._file.suffix == ".parquet":
            return self._stack.enter_context(pq.ParquetWriter(out, schema))
        return _CsvOutput(self._stack.enter_context(pacsv.CSVWriter(out, schema)))


class _CsvOutput:
    """Writes record batches as CSV with formulas neutralised: `escaping.csv_cell`, applied to whole columns."""

    def __init__(self, writer: pacsv.CSVWriter) -> None:
        self._writer = writer

    def write(self, lines: pa.RecordBatch) -> None:
        """Write a record batch."""
        columns = [_without_formulas(column) for column in lines.columns]
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=lines.schema))


def _without_formulas(column: pa.Array) -> pa.Array:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    is_number = pc.match_substring_regex(column, NEGATIVE_NUMBER)
    may_run = pc.and_not(pc.match_substring_regex(column, FORMULA), is_number)
    return pc.if_else(may_run, pc.binary_join_element_wise("'", column, ""), column)


def rejects_of(file: Path) -> Path:
    """Return the name of a file's rejects."""
    hidden = "_" if file.stem.startswith(_PART) else ""
    return file.with_name(f"{hidden}{file.stem}.rejects.csv")


# -- a run ------------------------------------------------------------------------------------------------------------


def answer_file(
    source: Path,
    output: Path,
    ratings: Ratings,
    *,
    target: str | None,
    nearest: int,
    similarity: Similarity | None,
    each: Each,
    id_column: str,
    occupation_column: str | None,
    scheduler: str | None,
    on_rows: OnRows,
    min_own_levels: int | None = None,
) -> tuple[BatchReport, Columns]:
    """Answer a file of people or positions; return what became of it, and what its columns were taken for.

    `target` is a column of the input, or an occupation that all have; without one, `nearest` targets are ranked. With a
    `scheduler`, its Dask cluster does it. A row without an occupation needs `min_own_levels` (default: half of the
    elements compared). Raises BatchInputError, UnknownOccupation, UnratedOccupation,
    ConfigurationError.
    """
    refuse_overwriting(source, output)
    if output.suffix not in ("", *_SUFFIXES) or (scheduler and output.suffix):
        raise BatchInputError(
            f"{output}: write to a file named {' or '.join(_SUFFIXES)}, or to a folder, whose name has no ending; on a "
            "cluster to a folder"
        )
    least = usual_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    opened, columns = open_people(
        source,
        ratings,
        target,
        id_column=id_column,
        occupation_column=occupation_column,
        min_own_levels=least,
    )
    ratings.check_levels()
    code = None
    if target is not None and not columns.target:
        code = target_meant(target, source, ratings)
        ratings.row(code)
    kernel = GapKernel(ratings, columns, code, each, nearest, similarity, least)
    state = source.stat()
    about = {
        "input": [source.name, state.st_size, state.st_mtime_ns],
        "data_version": ratings.data_version,
        "options": [
            *(code or columns.target, each, nearest, ratings.domain, ratings.weighting, list(ratings.sources)),
            least,
        ],
        "columns": used_columns(kernel),
    }
    if scheduler is None:
        report = run_batch(opened, output, kernel, about=about, on_rows=on_rows)
    else:
        from skillgap.batch.dask import run_on_dask

        report = run_on_dask(source, output, kernel, scheduler=scheduler, about=about, on_rows=on_rows)
    return report, columns if report.parts_there else without_values(columns, report.filled)


def target_meant(target: str, source: Path, ratings: Ratings) -> str:
    """Return the code of a target that is no column of the input. Raises UnknownOccupation."""
    try:
        return find_code(target, ratings.titles)
    except UnknownOccupation as error:
        text = f"{source} has no column {target[:80]!r}, and {error}"
        raise UnknownOccupation(text, onet_soc_code=error.onet_soc_code) from None


def run_batch(source: Input, output: Path, kernel: GapKernel, *, about: dict[str, Any], on_rows: OnRows) -> BatchReport:
    """Answer an input into a file (`.csv`, `.parquet`) or, part by part, into a folder.

    A file is there whole or not at all. A folder keeps each part that is done: the same run again makes those that are
    missing. `about` is what makes it the same. Raises BatchInputError.
    """
    report = BatchReport()
    columns = used_columns(kernel)

    def count(more: BatchReport) -> None:
        report.add(more)
        on_rows(report.rows, source.rows)

    if output.suffix in _SUFFIXES:
        with ExitStack() as stack:
            out = _Output(output, kernel, stack)
            for part in source.parts(columns):
                _answer(part, out, kernel, count)
            out.begin()
        return report
    folder_of(output, about)
    for k, part in enumerate(source.parts(columns)):
        if part_file(output, k).exists():
            report.parts_there += 1
        else:
            answer_part(part, part_file(output, k), kernel, count)
    sweep(output)
    return report


def answer_part(
    part: Iterator[pa.RecordBatch | Malformed],
    file: Path,
    kernel: GapKernel,
    count: Callable[[BatchReport], None] = lambda _: None,
) -> BatchReport:
    """Answer a part into a file, whole or not at all."""
    report = BatchReport()

    def count_both(more: BatchReport) -> None:
        report.add(more)
        count(more)

    with ExitStack() as stack:
        out = _Output(file, kernel, stack)
        _answer(part, out, kernel, count_both)
        out.begin()
    return report


def _answer(
    part: Iterator[pa.RecordBatch | Malformed], out: _Output, kernel: GapKernel, count: Callable[[BatchReport], None]
) -> None:
    filled = Filled(kernel.columns)
    for each in part:
        if isinstance(each, Malformed):
            done = BatchReport(rows=1)
            out.reject([(None, each.error)], done)
        else:
            done = out.write(kernel(each))
            done.rows = each.num_rows
            filled.look(each)
            done.filled = filled.names
        count(done)


class Filled:
    """Collects the columns of own levels that have a value; skips a column once one is found."""

    def __init__(self, columns: Columns) -> None:
        self._open = list(columns.levels)
        self.names: set[str] = set()

    def look(self, batch: pa.RecordBatch) -> None:
        """Check a record batch."""
        self.names |= {name for name in self._open if _has_value(batch.column(name))}
        self._open = [name for name in self._open if name not in self.names]


def _has_value(column: pa.Array) -> bool:
    values = column.drop_null()
    return len(values) > 0 and not (pa.types.is_string(values.type) and not any(map(str.strip, values.to_pylist())))


def without_values(columns: Columns, filled: Collection[str]) -> Columns:
    """Return the columns with `empty` set to those of own levels without a value."""
    return replace(columns, empty=[name for name in columns.levels if name not in filled])


def open_people(
    source: Path,
    ratings: Ratings,
    target: str | None,
    *,
    id_column: str,
    occupation_column: str | None,
    min_own_levels: int,
) -> tuple[Input, Columns]:
    """Return an input and the roles of its columns; `target` is one of them if a column has that name."""
    opened = open_input(source)
    is_known = column_called(occupation_column or "occupation", opened.names) is not None
    return opened, find_columns(
        opened.names,
        ratings,
        id_column=id_column,
        occupation_column=occupation_column,
        target_column=column_called(target, opened.names) if target else None,
        sample={} if is_known else _sample(opened),
        min_own_levels=min_own_levels,
    )


def _sample(opened: Input) -> dict[str, list[str]]:
    """Return the first values of each column of plain values, as text."""
    if len(set(opened.names)) < len(opened.names):
        return {}
    with closing(opened.parts(opened.names)) as parts:
        rows = next((each for each in next(parts) if isinstance(each, pa.RecordBatch)), None)
    if rows is None:
        return {}
    columns = {name: rows.column(name)[:_SAMPLE] for name in opened.names}
    return {
        name: ["" if value is None else str(value) for value in column.to_pylist()]
        for name, column in columns.items()
        if not pa.types.is_nested(column.type)
    }


def refuse_overwriting(source: Path, *outputs: Path) -> None:
    """Raise BatchInputError where an output, or its rejects, would replace the input."""
    for output in outputs:
        if source.resolve() in (output.resolve(), rejects_of(output).resolve()):
            raise BatchInputError(f"{output}: this would replace the input {source}; name another file")


def used_columns(kernel: GapKernel) -> list[str]:
    """Return the columns of the input that a kernel reads."""
    of = kernel.columns
    return list(dict.fromkeys(name for name in (of.id, of.occupation, of.target, *of.levels) if name))


def part_file(folder: Path, k: int) -> Path:
    """Return the file of a part of the output."""
    return folder / f"{_PART}{k:05}.parquet"


def folder_of(folder: Path, about: dict[str, Any]) -> None:
    """Make a folder for the parts of a run, or find that it has those of the same. Raises BatchInputError."""
    manifest = folder / _MANIFEST
    text = json.dumps(about, indent=2, sort_keys=True)
    if manifest.exists():
        if manifest.read_text() != text:
            raise BatchInputError(
                f"{folder} has parts of another run (see {manifest.name}: other input, data or options); name another "
                "folder, or remove it"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(each for each in folder.iterdir() if not each.name.startswith(".")):
        raise BatchInputError(f"{folder} is not empty, and no run of this kind began there")
    with atomic_write(manifest) as out:
        out.write(text.encode())
