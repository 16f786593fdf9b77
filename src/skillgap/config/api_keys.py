"""Keys of the API's users: made here, given to the user once, kept as a hash."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from skillgap.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LINE = re.compile(rf"({_NAME.pattern})\s+([0-9a-f]{{64}})\s+([1-9][0-9]{{0,8}})")
_HEADER = "# Keys of skillgap's API: name, SHA-256 of the key, requests a minute. Removing a line revokes the key.\n"


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key."""

    name: str
    sha256: str
    """Of the whole key. It has 256 random bits, so a slow hash would add nothing."""
    requests_per_minute: int


def read_keys(file: Path) -> Mapping[str, ApiKey]:
    """Return the keys of a file by name. Raises ConfigurationError naming every line that is wrong."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the file of keys {file} cannot be read: {error}") from None
    keys: dict[str, ApiKey] = {}
    wrong = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        if found is None:
            wrong.append(f"line {number}: not a name, 64 hexadecimal digits and a number of requests a minute")
        elif found[1] in keys:
            wrong.append(f"line {number}: a second key named {found[1]}")
        else:
            keys[found[1]] = ApiKey(found[1], found[2], int(found[3]))
    if wrong:
        raise ConfigurationError(f"{file}: {'; '.join(wrong)}; `skillgap new-key` writes such lines")
    return keys


def find_key(keys: Mapping[str, ApiKey], given: str) -> ApiKey | None:
    """Return the key that was given, None if there is no such key. What differs takes no part in how long it takes."""
    key = keys.get(given.partition(".")[0])
    is_it = compare_digest(_sha256(given), key.sha256 if key else "")
    return key if is_it else None


def new_key(file: Path, name: str, *, requests_per_minute: int) -> str:
    """Make a key, add its hash to the file, and return the key itself, which is kept nowhere.

    Raises ConfigurationError: the file cannot be written, or has a key of that name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name for a key: letters, digits, _ and -, 40 at most")
    if file.exists() and name in read_keys(file):
        raise ConfigurationError(f"{file} has a key named {name}; remove its line to revoke it")
    key = f"{name}.{secrets.token_urlsafe(32)}"
    try:
        there = file.read_bytes() if file.exists() else b""
        before = _HEADER if not there else "" if there.endswith(b"\n") else "\n"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "w", encoding="utf-8") as out:
            out.write(f"{before}{name} {_sha256(key)} {requests_per_minute}\n")
    except OSError as error:
        raise ConfigurationError(f"the file of keys {file} cannot be written: {error}") from None
    return key


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
