"""One writer per format: CSV, JSON, Parquet and Excel workbooks.

CSV and workbooks are safe to open in a spreadsheet: no text in them is read as a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

import orjson

from skillgap.escaping import FORMULA, NEGATIVE_NUMBER, CsvWriter, csv_cell
from skillgap.extras import needs
from skillgap.files import atomic_write, check_ending

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# -- rows ------------------------------------------------------------------------------------------------------------


def write_csv(
    header: Sequence[str], rows: Iterable[Iterable[Any]], out: TextIO, *, for_a_terminal: bool = False
) -> None:
    """Write rows as CSV to a text stream; `for_a_terminal` also escapes control characters."""
    writer = CsvWriter(out, for_a_terminal=for_a_terminal)
    writer.writerow(header)
    writer.writerows(rows)


@contextmanager
def csv_writer(header: Sequence[str], out: IO[bytes]) -> Iterator[CsvWriter]:
    """Yield a CSV writer on a binary file, with the header written; the file stays open."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    try:
        writer = CsvWriter(text)
        writer.writerow(header)
        yield writer
    finally:
        text.detach()  # flushes


def as_json(answer: Any) -> bytes:
    """Return an answer as indented JSON with a final newline."""
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


# -- data frames -----------------------------------------------------------------------------------------------------

FRAME_SUFFIXES = (".csv", ".parquet", ".json")
"""Formats of `write_frames`."""


def write_frames(frames: Iterable[pd.DataFrame], file: Path) -> int:
    """Write frames with the same columns to one `.csv`, `.parquet` or `.json` file; return the number of rows.

    Readers see the whole file or none. Raises ConfigurationError (another suffix, or PyArrow is not installed).
    """
    check_ending(file, FRAME_SUFFIXES)
    write = {".csv": _frames_to_csv, ".parquet": _frames_to_parquet, ".json": _frames_to_json}[file.suffix]
    with atomic_write(file) as out:
        return write(frames, out)


def _frames_to_csv(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    count = 0
    for frame in frames:
        text = _frame_without_formulas(frame).to_csv(index=False, header=count == 0, lineterminator="\n")
        out.write(text.encode())
        count += len(frame)
    return count


def _frame_without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with formulas neutralized in its texts and column names."""
    texts = [name for name, kind in frame.dtypes.items() if kind.kind == "O"]
    hostile = [name for name in texts if any(csv_cell(text) is not text for text in frame[name].unique().tolist())]
    if hostile:
        frame = frame.copy()
        for name in hostile:
            frame[name] = frame[name].map(csv_cell)
    names = [csv_cell(name) for name in frame.columns]
    return frame if names == list(frame.columns) else frame.set_axis(names, axis="columns")


def _frames_to_parquet(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    with needs("batch"):
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    tables = [pa.Table.from_pandas(frame, preserve_index=False) for frame in frames]
    table = pa.concat_tables(tables)
    with ParquetWriter(out, table.schema) as writer:
        writer.write_table(table)
    return int(table.num_rows)


def _frames_to_json(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    count = 0
    out.write(b"[")
    for frame in frames:
        names = list(frame.columns)
        rows = zip(*(_values(frame[name]) for name in names), strict=True)
        records = (orjson.dumps(dict(zip(names, values, strict=True)), default=_date) for values in rows)
        out.write((b",\n" if count else b"\n") + b",\n".join(records))
        count += len(frame)
    out.write(b"\n]\n")
    return count


def _date(value: Any) -> str:
    """Return the date of a pandas timestamp as in CSV."""
    from pandas import Timestamp

    if not isinstance(value, Timestamp):
        raise TypeError
    return value.date().isoformat()


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as Python values, None for missing ones."""
    has_value = column.notna()
    return (column if has_value.all() else column.astype(object).where(has_value, None)).tolist()


# -- Arrow record batches --------------------------------------------------------------------------------------------


class BatchWriter(Protocol):
    """Writes record batches of one schema."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a record batch."""


def batch_writer(schema: pa.Schema, out: IO[bytes], suffix: str) -> AbstractContextManager[BatchWriter]:
    """Return a writer of record batches to a binary file, `.csv` or `.parquet`, as a context manager.

    Raises ConfigurationError (PyArrow is not installed).
    """
    with needs("batch"):
        from pyarrow.parquet import ParquetWriter
    if suffix == ".parquet":
        writer: AbstractContextManager[BatchWriter] = ParquetWriter(out, schema)
        return writer
    return _batches_to_csv(schema, out)


@contextmanager
def _batches_to_csv(schema: pa.Schema, out: IO[bytes]) -> Iterator[_CsvBatches]:
    from pyarrow.csv import CSVWriter

    with CSVWriter(out, schema) as writer:
        yield _CsvBatches(writer)


class _CsvBatches:
    """Writes record batches as CSV. Applies `escaping.csv_cell` to whole columns."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a record batch."""
        import pyarrow as pa

        columns = [_column_without_formulas(column) for column in batch.columns]
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=batch.schema))


def _column_without_formulas(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    is_number = pc.match_substring_regex(column, NEGATIVE_NUMBER)
    may_run = pc.and_not(pc.match_substring_regex(column, FORMULA), is_number)
    return pc.if_else(may_run, pc.binary_join_element_wise("'", column, ""), column)


# -- workbooks -------------------------------------------------------------------------------------------------------


class Sheet(NamedTuple):
    """A table of a workbook."""

    name: str
    columns: Sequence[tuple[str, int]]
    """Headers, each with the width of its column in characters."""
    rows: Sequence[Iterable[Any]]


def write_workbook(sheets: Iterable[Sheet], facts: Iterable[tuple[str, Any]], out: IO[bytes]) -> None:
    """Write tables, then a sheet `Sources` of named facts; facts that are None are left out."""
    with needs("report"):
        from xlsxwriter import Workbook

    # Text from the data is never a formula or a link, whatever it begins with.
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for name, columns, rows in sheets:
            sheet = book.add_worksheet(name)
            for column, (header, width) in enumerate(columns):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, header, bold)
            for line, values in enumerate(rows, start=1):
                for column, value in enumerate(values):
                    sheet.write(line, column, value, wrapped)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
        sheet = book.add_worksheet("Sources")
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 110, wrapped)
        for line, (name, value) in enumerate(fact for fact in facts if fact[1] is not None):
            sheet.write_string(line, 0, name, bold)
            sheet.write(line, 1, value)
