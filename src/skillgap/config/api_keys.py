"""API keys: created, shown once, stored as hashes."""

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
_HEADER = "# API keys of skillgap: name, SHA-256 of the key, requests per minute. Remove a line to revoke its key.\n"


@dataclass(frozen=True)
class ApiKey:
    """A stored key."""

    name: str
    sha256: str
    """Hash of the whole key. A key has 256 random bits, so a slow hash would add no security."""
    requests_per_minute: int


def read_keys(file: Path) -> Mapping[str, ApiKey]:
    """Return the keys in a file by name. Raises ConfigurationError naming every invalid line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the file of keys {file} cannot be read: {error}") from None
    keys: dict[str, ApiKey] = {}
    invalid = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            invalid.append(f"line {number}: expected a name, 64 hexadecimal digits and requests per minute")
        elif match[1] in keys:
            invalid.append(f"line {number}: a second key named {match[1]}")
        else:
            keys[match[1]] = ApiKey(match[1], match[2], int(match[3]))
    if invalid:
        raise ConfigurationError(f"{file}: {'; '.join(invalid)}; `skillgap new-key` writes valid lines")
    return keys


def find_key(keys: Mapping[str, ApiKey], given: str) -> ApiKey | None:
    """Return the stored key that matches, or None. The comparison takes constant time."""
    key = keys.get(given.partition(".")[0])
    return key if compare_digest(_sha256(given), key.sha256 if key else "") else None


def new_key(file: Path, name: str, *, requests_per_minute: int) -> str:
    """Create a key, append its hash to the file, and return the key, which is not stored.

    Raises ConfigurationError if the name is invalid or taken, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is not a valid key name; use at most 40 letters, digits, _ and -")
    if file.exists() and name in read_keys(file):
        raise ConfigurationError(f"{file} already has a key named {name}; remove its line to revoke it")
    key = f"{name}.{secrets.token_urlsafe(32)}"
    try:
        content = file.read_bytes() if file.exists() else b""
        separator = _HEADER if not content else "" if content.endswith(b"\n") else "\n"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "w", encoding="utf-8") as out:
            out.write(f"{separator}{name} {_sha256(key)} {requests_per_minute}\n")
    except OSError as error:
        raise ConfigurationError(f"the file of keys {file} cannot be written: {error}") from None
    return key


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
