"""Rejects: rows that cannot be answered, with the reasons, in a CSV file next to the output."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from skillgap.escaping import CsvWriter
from skillgap.export.writers import csv_writer
from skillgap.files import atomic_write

PART = "part-"
"""Start of the name of each file in an output folder."""
_LINE_NUMBER = re.compile(r"^line \d+: ")
_MOST_REASONS, _OTHER_REASONS = 1_000, "other reasons"


class Rejects:
    """The file of rejects of one output. It exists only if this run rejected a row."""

    def __init__(self, output: Path | None, stack: ExitStack) -> None:
        """Close the file with `stack`. Without an output, reasons are counted but not written."""
        self._file = rejects_of(output) if output else None
        self._stack = stack
        self._writer: CsvWriter | None = None
        stack.push(self._end)

    def _end(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._file and self._writer is None and failed is None:
            self._file.unlink(missing_ok=True)  # an earlier run's

    def write(self, rejected: Iterable[tuple[Any, str]]) -> Counter[str]:
        """Write pairs of an id, None for a malformed line, and a reason; return the number of rows by reason."""
        reasons: Counter[str] = Counter()
        for key, reason in rejected:
            reasons[_LINE_NUMBER.sub("a line with ", reason)] += 1
            if self._file is None:
                continue
            if self._writer is None:
                out = self._stack.enter_context(atomic_write(self._file))
                self._writer = self._stack.enter_context(csv_writer(["id", "error"], out))
            self._writer.writerow([key, reason])
        return reasons


def count_reasons(counts: Counter[str], more: Mapping[str, int]) -> None:
    """Add row counts by reason. After 1,000 distinct reasons, further ones are pooled as `other reasons`."""
    for reason, rows in more.items():
        counts[reason if reason in counts or len(counts) < _MOST_REASONS else _OTHER_REASONS] += rows


def rejects_of(file: Path) -> Path:
    """Return the file of rejects of an output. Readers of a folder of parts skip it: its name starts with `_`."""
    hidden = "_" if file.stem.startswith(PART) else ""
    return file.with_name(f"{hidden}{file.stem}.rejects.csv")
