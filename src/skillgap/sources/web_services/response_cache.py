"""Answers of O*NET Web Services kept in a folder, so that an interrupted fetch can resume."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from skillgap.errors import ConfigurationError
from skillgap.files import atomic_write


@dataclass(frozen=True)
class Page:
    """One answer and its time."""

    body: Any
    """The JSON document."""
    fetched_at: datetime
    """In UTC, without time zone, whole seconds."""


class ResponseCache:
    """A folder with one file per answer, named by a hash of its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, release: str) -> ResponseCache:
        """Return the cache of one release, so that answers of two releases never mix."""
        return ResponseCache(self._folder / release)

    def clear(self) -> None:
        """Delete the answers of all releases. Raises ConfigurationError."""
        try:
            if self._folder.exists():
                shutil.rmtree(self._folder)
        except OSError as error:
            raise ConfigurationError(f"{self._folder}: answers cannot be deleted there ({error})") from error

    def get(self, url: str) -> Page | None:
        """Return the cached answer of a URL, or None if there is none or it cannot be read."""
        try:
            kept = json.loads(self._file(url).read_text())
            return Page(kept["body"], datetime.fromisoformat(kept["fetched_at"])) if kept["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, url: str, page: Page) -> None:
        """Store an answer. Raises ConfigurationError."""
        kept = {"url": url, "fetched_at": page.fetched_at.isoformat(), "body": page.body}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._file(url)) as file:
                file.write(json.dumps(kept).encode())
        except OSError as error:
            raise ConfigurationError(f"{self._folder}: answers cannot be kept there ({error})") from error

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
