"""Files that readers see whole or not at all."""

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
"""Characters of a file's name in the name of its temporary file: a whole name of 255 bytes leaves no room."""
_CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def check_ending(file: Path, endings: Collection[str]) -> None:
    """Raise ConfigurationError where a file's name does not say how it is to be written."""
    if file.suffix not in endings:
        raise ConfigurationError(f"{file}: write to a file named {', '.join(endings)}")


def refuse_replacing(*files: Path, force: bool) -> None:
    """Raise ConfigurationError for a file that exists unless `force`, for one that is not regular, and for duplicates.

    Call it for files that a user names, before anything is computed.
    """
    for k, file in enumerate(files):
        if file in files[:k]:
            raise ConfigurationError(f"{file}: two results would be written to this file; name another for one of them")
        if (file.exists() or file.is_symlink()) and not file.is_file():
            raise ConfigurationError(f"{file}: this is not a regular file, and is not replaced; name another")
        if file.exists() and not force:
            raise ConfigurationError(f"{file} exists, and nothing was written; name another file, or add --force")


@contextmanager
def atomic_write(file: Path) -> Iterator[IO[bytes]]:
    """Yield a temporary file; rename it to `file` on success, delete it on error.

    Any number of threads, processes and hosts may write the same file: readers see the content of one writer, and the
    last one to finish wins. The content is on disk before the rename. A file that is replaced keeps its permissions, a
    new one gets those that `open` would give. Raises OSError, ConfigurationError (the folder does not exist).
    """
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: there is no folder {file.parent}")
    try:
        part, descriptor = _make_part(file)
    except OSError as error:
        raise OSError(error.errno, f"cannot be written ({error.strerror})", str(file)) from error
    try:
        try:
            with os.fdopen(os.dup(descriptor), "wb") as out:
                yield out
            _sync(descriptor)
            if sys.platform != "win32":  # rename under the lock, so that no `sweep` comes between
                part.replace(file)
        finally:
            os.close(descriptor)
        if sys.platform == "win32":  # it cannot rename an open file
            part.replace(file)
        _sync_folder(file.parent)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove temporary files of `whole_file` whose writers were killed; those being written stay."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):  # another sweep was faster, or Windows, where an open file cannot be deleted
            descriptor = os.open(part, os.O_RDWR)
            try:
                if _lock(descriptor, wait=False):
                    part.unlink()
            finally:
                os.close(descriptor)


def _make_part(file: Path) -> tuple[Path, int]:
    """Make the temporary file of a file and lock it; return its path and descriptor."""
    while True:
        # Hidden, so that readers of the folder skip it. Not by process id: two containers may share id and folder.
        part = file.with_name(f".{file.name[:_LONGEST_STEM]}.{secrets.token_hex(8)}.part")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(part, flags, 0o666)  # less the umask, as `open` does; tempfile would give 0600
        try:
            _lock(descriptor, wait=True)
            if os.fstat(descriptor).st_nlink:  # else a sweep removed it before it was locked
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


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file for as long as its descriptor is open; return whether this process holds the lock."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (*_CANNOT_SYNC, errno.ENOLCK):  # a file system without locks
                raise
    return True


def _sync(descriptor: int) -> None:
    """Flush a file to disk, if its file system supports that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk, if its file system supports that; without, the rename still holds."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
