"""The embedded database."""

from __future__ import annotations

from pathlib import Path

from skillgap.store import embedded


def has_data(file: Path) -> bool:
    """Return whether the embedded database can be read and has data; light enough for `skillgap serve` to import."""
    return embedded.has_data(file)
