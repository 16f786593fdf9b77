"""Lines and fields of release files, including files saved again by other programs.

CSV files have commas and quoted fields. In O*NET's own tab-separated files a `"` is data. Spreadsheets and pandas, when
they save such a file, wrap some fields in `"` and double those inside. `is_quoted` examines the whole file to decide.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from functools import partial

from skillgap.errors import ReleaseDataError, ReleaseLayoutError
from skillgap.sources.release_files import ReleaseFile

LONGEST_RECORD = 2**16
"""Characters in a line, or in a record with line ends in quoted fields; O*NET's longest has 2,000."""
MOST_LINES = 1_000_000
"""Lines in a file, including empty ones; O*NET's largest has 300,000."""

_UNDECODED = re.compile("[\udc80-\udcff]")
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")


def lines_of(file: ReleaseFile) -> Iterator[str]:
    """Yield the lines of a file with their line ends. A byte that is not UTF-8 becomes a lone surrogate.

    Raises ReleaseLayoutError (too many lines), ReleaseDataError (too long a line, UTF-16).
    """
    with file.open() as stream, io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="") as text:
        read = partial(text.readline, LONGEST_RECORD + 1)
        for number, line in enumerate(iter(read, ""), start=1):
            if number == 1 and (line.startswith(_UTF_16) or "\0" in line):
                raise ReleaseDataError(
                    file.name, ["line 1: UTF-16 or binary, expected UTF-8; save it as text in UTF-8 (not Unicode Text)"]
                )
            if len(line) > LONGEST_RECORD:
                raise ReleaseDataError(
                    file.name, [f"line {number}: longer than {LONGEST_RECORD:,} characters; is this an O*NET file?"]
                )
            if number > MOST_LINES:
                raise ReleaseLayoutError(f"{file.name}: more than {MOST_LINES:,} lines; is this an O*NET file?")
            yield line


def first_fields(file: ReleaseFile, delimiter: str) -> list[str]:
    """Return the fields of the first nonempty line, quoted or not, or an empty list."""
    for line in lines_of(file):
        if line.strip("\r\n"):
            return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    return []


def records(file: ReleaseFile, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the first line number of each record with its fields or its defect. Empty lines are skipped."""
    return _quoted(file, delimiter) if quoted else _plain(file, delimiter)


def _plain(file: ReleaseFile, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    for number, line in enumerate(lines_of(file), start=1):
        if bad := _undecoded(line, delimiter):
            yield number, bad
        elif stripped := line.rstrip("\r\n"):
            yield number, stripped.split(delimiter)


def _quoted(file: ReleaseFile, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    number, length, bad = 0, 0, ""

    def feed() -> Iterator[str]:
        nonlocal number, length, bad
        for line in lines_of(file):
            number += 1
            length += len(line)
            if length > LONGEST_RECORD:
                raise ReleaseDataError(
                    file.name,
                    [f"line {start}: no end within {LONGEST_RECORD:,} characters; is a quotation mark missing?"],
                )
            bad = bad or _undecoded(line, "")
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        start, length, bad = number + 1, 0, ""
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield start, bad or f": {error}"
            continue
        if fields is None:
            return
        if bad:
            yield number, bad
        elif fields:
            yield start, fields


def _undecoded(line: str, delimiter: str) -> str:
    """Return the defect of the first byte that is not UTF-8, or an empty string."""
    if line.isascii() or not (match := _UNDECODED.search(line)):
        return ""
    field = f", field {line.count(delimiter, 0, match.start()) + 1}" if delimiter else ""
    return f"{field}: byte 0x{ord(match[0]) - 0xDC00:02x}, expected UTF-8"


# -- quotation marks in tab-separated text -----------------------------------------------------------------------

_WRAPPED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_RECORD = re.compile(r'(?:[^"\t]*|"[^"]*(?:""[^"]*)*")(?:\t(?:[^"\t]*|"[^"]*(?:""[^"]*)*"))*')
_SEPARATORS = frozenset(",;")
"""Characters for which spreadsheets wrap a field, besides `"`, tab and line end; pandas and Python do not."""


def is_quoted(file: ReleaseFile) -> tuple[bool, str]:
    """Return whether the `"` in a tab-separated file wrap fields, with a warning if the evidence is mixed.

    They wrap fields if the header contains one. Otherwise they do in two cases:
    - Every line has as many fields as the header, every field with a `"` begins and ends with one and doubles those
      inside, and each wrapped field needs it: it has a doubled `"`, or a comma (or semicolon) that no bare field has.
    - Lines differ in their number of fields, and agree once quoted fields may contain tabs and line ends.
    In all other cases a `"` is data.
    """
    header = ""
    doubled = stray = 0
    wrapped_for: frozenset[str] | None = None
    bare: set[str] = set()
    is_even = True
    for number, line in enumerate(lines_of(file), start=1):
        stripped = line.rstrip("\r\n")
        if not stripped:
            continue
        header = header or stripped
        if '"' in header:
            return True, ""
        is_even = is_even and stripped.count("\t") == header.count("\t")
        if '"' not in stripped:
            bare.update(_SEPARATORS.intersection(stripped))
            continue
        for field in stripped.split("\t"):
            if '"' not in field:
                bare.update(_SEPARATORS.intersection(field))
            elif not (match := _WRAPPED.fullmatch(field)):
                stray = stray or number
            elif '"' in match[1]:
                doubled = doubled or number
            else:
                needs = _SEPARATORS.intersection(match[1])
                wrapped_for = needs if wrapped_for is None else wrapped_for & needs
    if not is_even:
        return _is_even_if_quoted(lines_of(file), header.count("\t")), ""
    quoted = not stray and (bool(doubled) if wrapped_for is None else bool(wrapped_for - bare))
    if doubled and not quoted:
        return False, (
            f'{file.name}: quotation marks are read as data, but line {doubled} has a field like "a ""b"" c". If a '
            "spreadsheet has saved some of its lines, use the original file"
        )
    return quoted, ""


def _is_even_if_quoted(lines: Iterable[str], tabs: int) -> bool:
    """Return whether every record has `tabs` tabs between fields if quoted fields may contain tabs and line ends."""
    record, marks = "", 0
    for line in lines:
        record += line
        marks += line.count('"')
        if len(record) > LONGEST_RECORD:
            return False
        if marks % 2:
            continue  # a field is still open
        record = record.rstrip("\r\n")
        if record and (not _RECORD.fullmatch(record) or _WRAPPED.sub("", record).count("\t") != tabs):
            return False
        record, marks = "", 0
    return not record
