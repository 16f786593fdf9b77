"""Atomic file writes, and checks of the files that users name."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from skillgap.errors import ConfigurationError

_LONGEST_STEM = 40
"""Characters of the file name reused in the temporary name, so that a name of 255 bytes stays within the limit."""
_CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def check_ending(file: Path, endings: Collection[str]) -> None:
    """Raise ConfigurationError if the suffix of a file name is not a supported format."""
    if file.suffix not in endings:
        raise ConfigurationError(f"{file}: unsupported format; the file name must end with {_or(endings)}")


def refuse_replacing(*files: Path, force: bool) -> None:
    """Raise ConfigurationError for a duplicate, for an existing path that is not a regular file, or if not `force`.

    Call this for output files that a user names, before any computation.
    """
    for k, file in enumerate(files):
        if file in files[:k]:
            raise ConfigurationError(f"{file}: two outputs have the same file name; rename one of them")
        if (file.exists() or file.is_symlink()) and not file.is_file():
            raise ConfigurationError(f"{file} is not a regular file; choose another name")
        if file.exists() and not force:
            raise ConfigurationError(f"{file} already exists; choose another name or add --force")


@contextmanager
def atomic_write(file: Path) -> Iterator[IO[bytes]]:
    """Yield a temporary file; rename it to `file` on success, delete it on error.

    Any number of threads, processes and hosts may write the same file: readers see the content of one writer, and the
    last one to finish wins. The content is on disk before the rename. A replaced file keeps its permissions; a new one
    gets those that `open` would set. Raises OSError, ConfigurationError (the folder does not exist).
    """
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: the folder {file.parent} does not exist")
    try:
        part, descriptor = _make_part(file)
    except OSError as error:
        raise OSError(error.errno, f"cannot be written ({error.strerror})", str(file)) from error
    try:
        try:
            with os.fdopen(os.dup(descriptor), "wb") as out:
                yield out
            _sync(descriptor)
            if sys.platform != "win32":  # rename under the lock, so that no `sweep` interferes
                part.replace(file)
        finally:
            os.close(descriptor)
        if sys.platform == "win32":  # Windows cannot rename an open file
            part.replace(file)
        _sync_folder(file.parent)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove temporary files of `atomic_write` whose writers were killed. Files being written are kept."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):  # removed by another sweep, or open on Windows
            descriptor = os.open(part, os.O_RDWR)
            try:
                if _lock(descriptor, wait=False):
                    part.unlink()
            finally:
                os.close(descriptor)


def _make_part(file: Path) -> tuple[Path, int]:
    """Create and lock a temporary file beside `file`; return its path and descriptor."""
    while True:
        # Hidden, so that readers of the folder skip it. Random, because two containers may share process id and folder.
        part = file.with_name(f".{file.name[:_LONGEST_STEM]}.{secrets.token_hex(8)}.part")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(part, flags, 0o666)  # minus the umask, like `open`; tempfile would set 0600
        try:
            _lock(descriptor, wait=True)
            if os.fstat(descriptor).st_nlink:  # otherwise a sweep removed it before it was locked
                _keep_permissions(file, descriptor)
                return part, descriptor
        except BaseException:
            os.close(descriptor)
            part.unlink(missing_ok=True)
            raise
        os.close(descriptor)


def _keep_permissions(file: Path, descriptor: int) -> None:
    if sys.platform != "win32":
        with suppress(FileNotFoundError, PermissionError):
            os.fchmod(descriptor, stat.S_IMODE(file.stat().st_mode))


def _or(names: Collection[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file until its descriptor is closed; return whether this process holds the lock."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (*_CANNOT_SYNC, errno.ENOLCK):  # the file system has no locks
                raise
    return True


def _sync(descriptor: int) -> None:
    """Flush a file to disk if the file system supports it."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Flush directory entries to disk if the file system supports it. The rename is atomic in any case."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
