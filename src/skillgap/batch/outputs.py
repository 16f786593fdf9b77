"""Outputs: a CSV or Parquet file, or a folder of Parquet parts with a manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from skillgap.batch.arrow import GapKernel
from skillgap.batch.rejects import PART, Rejects, count_reasons, rejects_of
from skillgap.errors import BatchInputError
from skillgap.export.writers import BatchWriter, batch_writer
from skillgap.files import atomic_write

_MANIFEST = "_batch.json"
"""Readers of a folder of Parquet files skip names that start with `_`."""


@dataclass
class BatchReport:
    """Counts of a run."""

    rows: int = 0
    """Rows read."""
    lines: int = 0
    """Lines written: one per answered row, per gap, or per similar occupation."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows that could not be answered, by reason; the files of rejects list all of them with their own reasons."""
    parts_there: int = 0
    """Parts that an earlier run had written."""
    filled: set[str] = field(default_factory=set)
    """Columns of own levels with at least one value."""

    def add(self, other: BatchReport) -> None:
        """Add the counts of another part."""
        self.rows += other.rows
        self.lines += other.lines
        self.filled |= other.filled
        count_reasons(self.rejected, other.rejected)


class Output:
    """A file of answers, and its file of rejects."""

    def __init__(self, file: Path, kernel: GapKernel, stack: ExitStack) -> None:
        self._file = file
        self._kernel = kernel
        self._stack = stack
        self._writer: BatchWriter | None = None
        self._rejects = Rejects(file, stack)

    def write(self, answers: pa.RecordBatch) -> BatchReport:
        """Write a record batch from the kernel; rows with an error go to the rejects."""
        report = BatchReport()
        errors = answers.column("error")
        lines, rejected = answers.drop_columns(["error"]), None
        if errors.null_count < len(errors):
            has_error = pc.is_valid(errors)
            rejected = answers.filter(has_error)
            lines = lines.filter(pc.invert(has_error))
        # Opened before the rejects and so renamed after them: an output that exists has all its rejects beside it.
        if self._writer is None:
            self._writer = self._open(lines.schema)
        if rejected is not None:
            self.reject(rejected_rows(rejected), report)
        self._writer.write(lines)
        report.lines = lines.num_rows
        return report

    def reject(self, rejected: Iterable[tuple[Any, str]], report: BatchReport) -> None:
        """Write pairs of an id and the reason to the rejects."""
        self.begin()
        count_reasons(report.rejected, self._rejects.write(rejected))

    def begin(self) -> None:
        """Open the output if it is not open, so that it exists even without a line."""
        if self._writer is None:
            columns = pa.schema([(name, pa.string()) for name in self._kernel.columns.used])
            self.write(self._kernel(pa.RecordBatch.from_pylist([], schema=columns)))

    def _open(self, schema: pa.Schema) -> BatchWriter:
        out = self._stack.enter_context(atomic_write(self._file))
        return self._stack.enter_context(batch_writer(schema, out, self._file.suffix))


def rejected_rows(batch: pa.RecordBatch) -> list[tuple[Any, str]]:
    """Return the columns `id` and `error` of a record batch as pairs."""
    return list(zip(batch.column("id").to_pylist(), batch.column("error").to_pylist(), strict=True))


def refuse_overwriting(source: Path, *outputs: Path) -> None:
    """Raise BatchInputError if an output or its rejects would replace the input."""
    for output in outputs:
        if source.resolve() in (output.resolve(), rejects_of(output).resolve()):
            raise BatchInputError(f"{output}: this would replace the input {source}; name another file")


# -- folders of parts -------------------------------------------------------------------------------------------------


def part_file(folder: Path, k: int) -> Path:
    """Return the file of the k-th part."""
    return folder / f"{PART}{k:05}.parquet"


def claim_folder(folder: Path, manifest: dict[str, Any]) -> None:
    """Create a folder for the parts of a run, or resume a run with the same manifest. Raises BatchInputError."""
    file = folder / _MANIFEST
    text = json.dumps(manifest, indent=2, sort_keys=True)
    if file.exists():
        if file.read_text() != text:
            raise BatchInputError(
                f"{folder} has parts of another run ({file.name} names another input, data version or options); name "
                "another folder, or delete this one"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise BatchInputError(f"{folder} is not empty and was not created by a batch run; name another folder")
    with atomic_write(file) as out:
        out.write(text.encode())
