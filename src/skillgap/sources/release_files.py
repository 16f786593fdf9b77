"""Files of a release, in a folder or a zip: found by name, bounded in size, read as streams.

Names match regardless of case, spaces, hyphens and underscores. A file whose name merely resembles
that of a table's file is not read, and a warning names it.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from skillgap.errors import ReleaseLayoutError
from skillgap.onet.releases import Release
from skillgap.onet.tables import TABLES, Layout
from skillgap.sources.releases import Archive, release_date

LARGEST_FILE = 256 * 2**20
"""Bytes of one unpacked file; O*NET's largest text file has 22 MB."""
LARGEST_RELEASE = 512 * 2**20
"""Bytes of all table files, unpacked; also the limit for a zip on disk."""
MOST_FILES = 1_000
"""Number of text and CSV files; a release has about 40."""
_MOST_ENTRIES = 100_000
"""Number of files of any kind in a folder."""
_LARGEST_DIRECTORY = 4 * 2**20
"""Bytes of a zip's central directory, which has at least 46 bytes per member."""
_NAMES_SHOWN = 20
_LONGEST_NAME = 100
"""In characters; longer names are not compared with those of tables."""

_READ_ME = "Read Me"
_ENDINGS = ("txt", "csv")


@dataclass(frozen=True)
class ReleaseFile:
    """A text or CSV file of a release."""

    name: str
    size: int
    """Declared size in bytes. Reading stops at `largest` regardless."""
    _open: Callable[[], io.RawIOBase | io.BufferedIOBase]
    largest: int = LARGEST_FILE

    @property
    def is_csv(self) -> bool:
        return self.name.lower().endswith(".csv")

    def open(self) -> io.BufferedReader:
        """Return the content as a stream. Reading raises ReleaseLayoutError after `largest` bytes."""
        return io.BufferedReader(_Bounded(self._open(), self.name, self.largest), 2**16)


class _Bounded(io.RawIOBase):
    def __init__(self, stream: io.RawIOBase | io.BufferedIOBase, name: str, largest: int) -> None:
        self._stream = stream
        self._name = name
        self._largest = self._left = largest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._stream.readinto(buffer) or 0
        self._left -= count
        if self._left < 0:
            raise ReleaseLayoutError(f"{self._name}: larger than {self._largest:,} bytes; is this an O*NET release?")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class ReleaseFiles:
    """The table files of a release and its Read Me.txt."""

    def __init__(self, archive: Archive, files: Iterable[tuple[str, ReleaseFile]]) -> None:
        """Take files with their paths in the archive. Raises ReleaseLayoutError (sizes, tables in two folders)."""
        self._archive = archive
        self._by_key: dict[str, list[ReleaseFile]] = {}
        self._with_other_ending: dict[str, str] = {}
        self.warnings: list[str] = []
        """One sentence for each unread file whose name resembles that of a table's file."""
        has = "has" if archive.path.is_dir() else "unpacks to"
        folders: set[str] = set()
        names: list[str] = []
        # .txt before .csv: the first of several files with the same rows is used
        for path, file in sorted(files, key=lambda item: (not item[0].lower().endswith(".txt"), item[0])):
            stem, _, ending = file.name.rpartition(".")
            if ending.lower() not in _ENDINGS:
                self._with_other_ending[_key(file.name)] = self._with_other_ending[_key(stem)] = file.name
                continue
            names.append(file.name)
            if len(names) > MOST_FILES:
                raise ReleaseLayoutError(f"{archive.origin}: refused, more than {MOST_FILES:,} text and CSV files")
            if file.size > file.largest:
                raise ReleaseLayoutError(
                    f"{archive.origin}: refused, {shorten(file.name)} {has} {file.size:,} bytes "
                    f"(at most {file.largest:,})"
                )
            if _key(stem) in _EXPECTED:
                folders.add(str(PurePosixPath(path).parent))
                self._by_key.setdefault(_key(stem), []).append(file)
            elif expected := _nearly(stem):
                self.warnings.append(f"{file.name} is not read; expected {expected}.txt. If it is that file, rename it")
        if len(folders) > 1:
            raise ReleaseLayoutError(
                f"{archive.origin}: files in more than one folder: {_some(sorted(folders))}; load one of them"
            )
        if (total := sum(file.size for files in self._by_key.values() for file in files)) > LARGEST_RELEASE:
            raise ReleaseLayoutError(
                f"{archive.origin}: refused, its tables have {total:,} bytes (at most {LARGEST_RELEASE:,})"
            )
        self._names = sorted(names)
        folder = PurePosixPath(*folders).name
        self._folder = folder or archive.path.resolve().stem

    def has(self, table: str) -> bool:
        """Return whether any file of a table exists, in any layout. A file with another ending causes a warning."""
        stems = TABLES[table].files
        if any(_key(stem) in self._by_key for stem in stems):
            return True
        for stem in stems:
            if other := self._with_other_ending.get(_key(stem)):
                self.warnings.append(f"{other} is not read; expected {stem}.txt or a CSV file of that name")
        return False

    def parts(self, table: str) -> list[list[ReleaseFile]]:
        """Return the files of a table: for each part of its layout, all files with that name.

        Raises ReleaseLayoutError if no layout is complete, or if there are files of two layouts.
        """
        layouts = [layout.files for layout in TABLES[table].layouts]
        present = [layout for layout in layouts if any(_key(stem) in self._by_key for stem in layout)]
        complete = [layout for layout in present if all(_key(stem) in self._by_key for stem in layout)]
        if not complete:
            wanted = ", nor ".join(" with ".join(f"{stem}.txt" for stem in layout) for layout in layouts)
            has = _some(self._names) or "no text or CSV file"
            near = f" {self.warnings[0]}." if self.warnings else ""
            raise ReleaseLayoutError(
                f"{self._archive.origin}: no {wanted} (found {has}); is this an O*NET release?{near}"
            )
        if len(present) > 1:
            both = " beside ".join(
                " and ".join(file.name for stem in layout for file in self._by_key.get(_key(stem), ()))
                for layout in present
            )
            raise ReleaseLayoutError(
                f"{self._archive.origin}: {both}: a release has this table under one of these names. "
                "Files of two releases are mixed; delete those of the other release"
            )
        return [self._by_key[_key(stem)] for stem in complete[0]]

    def layout(self, table: str) -> Layout | None:
        """Return the layout whose files all exist; None if there is none."""
        for layout in TABLES[table].layouts:
            if all(_key(stem) in self._by_key for stem in layout.files):
                return layout
        return None

    def release(self) -> Release:
        """Return number and month from Read Me.txt, or the number from the folder name. Raises ReleaseLayoutError."""
        read = [(file.name, *_first_lines(file)) for file in self._by_key.get(_key(_READ_ME), ())]
        named = [(name, number, month) for name, number, month in read if number]
        if len({(number, month) for _, number, month in named}) > 1:
            numbers = ", ".join(f"{number} in {name}" for name, number, _ in named)
            raise ReleaseLayoutError(
                f"{self._archive.origin}: two releases are named: {numbers}; delete one of the files"
            )
        if named:
            return Release(named[0][1] or "", named[0][2])
        number = re.search(r"db_([0-9]{2}_[0-9])(?![0-9])", self._folder)
        if number is None:
            raise ReleaseLayoutError(
                f"{self._archive.origin}: unknown release number; expected 'O*NET 29.0 Database' in the "
                "first line of Read Me.txt, or a folder named like db_29_0_text"
            )
        return Release(number[1].replace("_", "."), next((month for *_, month in read if month), None))


def _first_lines(file: ReleaseFile) -> tuple[str | None, date | None]:
    """Return the release number and month in a Read Me, if stated."""
    with file.open() as stream:
        lines = stream.read(2**12).decode("utf-8-sig", "replace").splitlines()[:2]
    number = re.search(r"O\*NET\S* ([0-9]{2}\.[0-9]) Database", lines[0]) if lines else None
    month: date | None = None
    if len(lines) > 1 and (published := re.match(r"(\w+ [0-9]{4}) Release", lines[1])):
        with suppress(ValueError):  # not a month's name
            month = release_date(published[1])
    return number[1] if number else None, month


# -- names --------------------------------------------------------------------------------------------------------


def _key(stem: str) -> str:
    return re.sub(r"[\s_-]+", "", stem.casefold())


_EXPECTED = {_key(stem): stem for stem in (_READ_ME, *(file for table in TABLES.values() for file in table.files))}
_COPY = re.compile(
    r"(.*?)[\s_.-]*"
    r"(?:\([0-9]+\)|copy|old|new|orig|original|backup|bak|final|edited|utf-?8|txt|csv|v?[0-9][0-9._]*)",
    re.IGNORECASE,
)
"""Suffixes of copies: `Skills (1)`, `Skills - Copy`, `Skills_29_0`."""


def _nearly(stem: str) -> str | None:
    """Return the expected name that a name resembles or copies, if any."""
    if len(stem) > _LONGEST_NAME:
        return None
    base = re.sub(r"(?i)^(?:copy of )+", "", stem)
    if base != stem and _key(base) in _EXPECTED:
        return _EXPECTED[_key(base)]
    while match := _COPY.fullmatch(base):
        base = match[1]
        if _key(base) in _EXPECTED:
            return _EXPECTED[_key(base)]
    near = get_close_matches(_key(base), _EXPECTED, n=1, cutoff=0.9)
    return _EXPECTED[near[0]] if near else None


def shorten(name: str) -> str:
    """Return a name shortened for messages: names in a zip may have 64 kB."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(map(shorten, names[:_NAMES_SHOWN])) + more


# -- folders and zips ---------------------------------------------------------------------------------------------


def open_files(archive: Archive, *, largest_file: int = LARGEST_FILE) -> ReleaseFiles:
    """Return the files of a folder or zip without reading them. Raises ReleaseLayoutError, OSError."""
    find = _in_folder if archive.path.is_dir() else _in_zip
    return ReleaseFiles(archive, find(archive, largest_file))


def _in_folder(archive: Archive, largest_file: int) -> Iterator[tuple[str, ReleaseFile]]:
    entries = list(islice(archive.path.iterdir(), _MOST_ENTRIES + 1))
    if len(entries) > _MOST_ENTRIES:
        raise ReleaseLayoutError(f"{archive.origin}: refused, more than {_MOST_ENTRIES:,} files in the folder")
    for entry in entries:
        if entry.is_file() and not entry.name.startswith("."):
            yield entry.name, ReleaseFile(entry.name, entry.stat().st_size, partial(_opened, entry), largest_file)


def _opened(path: Path) -> io.BufferedReader:
    return path.open("rb")


def _in_zip(archive: Archive, largest_file: int) -> Iterator[tuple[str, ReleaseFile]]:
    if (size := archive.path.stat().st_size) > LARGEST_RELEASE:
        raise ReleaseLayoutError(f"{archive.origin}: refused, it has {size:,} bytes (at most {LARGEST_RELEASE:,})")
    if (size := _directory_size(archive.path)) > _LARGEST_DIRECTORY:
        raise ReleaseLayoutError(
            f"{archive.origin}: refused, its list of files has {size:,} bytes (at most {_LARGEST_DIRECTORY:,})"
        )
    try:
        with zipfile.ZipFile(archive.path) as zipped:
            members = [member for member in zipped.infolist() if not member.filename.endswith("/")]
    except Exception as error:  # zipfile raises a dozen undocumented kinds of error for damaged archives
        raise ReleaseLayoutError(f"{archive.origin}: neither a release folder nor a readable zip ({error})") from error
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in str(path).partition("/")[0]:
            raise ReleaseLayoutError(
                f"{archive.origin}: refused, a file in it would be unpacked outside its folder: "
                f"{shorten(member.filename)!r}"
            )
        if path.name and not path.name.startswith("."):
            open_member = partial(_Member, archive, member)
            yield str(path), ReleaseFile(path.name, member.file_size, open_member, largest_file)


def _directory_size(path: Path) -> int:
    """Return the size of a zip's central directory in bytes, which zipfile reads in one piece; 0 if not found."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 2**16 - 100))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        return 0
    size_in_end: int = struct.unpack_from("<L", end, at + 12)[0]
    # In a zip64, the record with the size precedes its locator, which precedes the end record.
    large = end.rfind(b"PK\x06\x06", 0, at)
    if large >= 0 and end[max(0, at - 20) : at].startswith(b"PK\x06\x07") and len(end) >= large + 48:
        size_in_end = max(size_in_end if size_in_end < 2**32 - 1 else 0, struct.unpack_from("<Q", end, large + 40)[0])
    return size_in_end


class _Member(io.RawIOBase):
    """A member of a zip; any error in it is raised as ReleaseLayoutError."""

    def __init__(self, archive: Archive, member: zipfile.ZipInfo) -> None:
        self._cannot = f"{archive.origin}: {shorten(member.filename)} cannot be unpacked"
        self._stream: IO[bytes] | None = None
        try:
            with zipfile.ZipFile(archive.path) as zipped:  # the open member keeps the file open
                self._stream = zipped.open(member)
        except Exception as error:  # zlib.error, struct.error and others, as in _in_zip
            raise ReleaseLayoutError(f"{self._cannot} ({error})") from error

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            return self._stream.readinto(buffer)  # type: ignore[union-attr,no-any-return]
        except Exception as error:
            raise ReleaseLayoutError(f"{self._cannot} ({error})") from error

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()
