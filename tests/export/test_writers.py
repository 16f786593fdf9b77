"""One writer per format: the same cells whichever way a table comes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillgap.export.writers import as_json, batch_writer, csv_writer, write_csv, write_frames

HEADER = ["title", "gap"]
ROWS = [("=1+1", -1.5), ("a, “b”\nc", None), ("-5", 2.0), ("'=1", 0.0)]
CELLS = [["title", "gap"], ["'=1+1", "-1.5"], ["a, “b”\nc", ""], ["-5", "2.0"], ["''=1", "0.0"]]


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_rows_frames_and_batches_have_the_same_cells(tmp_path: Path):
    text, rows, batches = io.StringIO(), io.BytesIO(), io.BytesIO()
    write_csv(HEADER, ROWS, text)
    with csv_writer(HEADER, rows) as writer:
        writer.writerows(ROWS)
    table = pa.RecordBatch.from_pylist([dict(zip(HEADER, row, strict=True)) for row in ROWS])
    with batch_writer(table.schema, batches, ".csv") as output:
        output.write(table)
    write_frames([pd.DataFrame(ROWS, columns=HEADER)], tmp_path / "a.csv")
    assert text.getvalue().encode() == rows.getvalue()
    assert read(rows.getvalue()) == read((tmp_path / "a.csv").read_bytes()) == CELLS
    numbers = [[cell and float(cell) for cell in row[1:]] for row in read(batches.getvalue())[1:]]
    assert [row[:1] for row in read(batches.getvalue())] == [row[:1] for row in CELLS]
    assert numbers == [[cell and float(cell) for cell in row[1:]] for row in CELLS[1:]]


def test_a_terminal_gets_no_control_characters():
    out = io.StringIO()
    write_csv(["title"], [["a\x1b[31m"]], out, for_a_terminal=True)
    assert out.getvalue() == "title\na\\x1b[31m\n"


def test_a_binary_file_stays_open_and_has_all_rows_when_writing_fails():
    out = io.BytesIO()
    rows = ((title, 1 / number) for title, number in (("a", 1), ("b", 0)))
    with pytest.raises(ZeroDivisionError), csv_writer(HEADER, out) as writer:
        writer.writerows(rows)
    assert out.getvalue() == b"title,gap\na,1.0\n"


def test_parquet_has_texts_as_they_are():
    out = io.BytesIO()
    table = pa.RecordBatch.from_pylist([{"title": "=1+1"}])
    with batch_writer(table.schema, out, ".parquet") as output:
        output.write(table)
    assert pq.read_table(pa.BufferReader(out.getvalue())).to_pylist() == [{"title": "=1+1"}]


def test_an_answer_as_json_ends_with_a_line_break():
    assert as_json({"a": [1]}) == b'{\n  "a": [\n    1\n  ]\n}\n'
