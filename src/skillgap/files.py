"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from skillgap.errors import ConfigurationError


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
def whole_file(file: Path) -> Iterator[IO[bytes]]:
    """Give what is to be written; it takes the file's place when the block has ended well, and else is gone.

    Several processes may at once. Raises OSError, ConfigurationError (no such folder).
    """
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: there is no folder {file.parent}")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")  # hidden: readers of folders pass it over
    try:
        try:
            out = part.open("wb")
        except OSError as error:
            raise OSError(error.errno, f"cannot be written ({error.strerror})", str(file)) from error
        with out:
            yield out
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left of whole files; to be called where nobody writes any more."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
