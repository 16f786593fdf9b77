"""Releases of the O*NET database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Release:
    """One published edition of the O*NET database."""

    number: str
    """`"29.0"`; a string, since 30.10 is not 30.1."""
    date: date | None
    """First day of the month of publication; None if unknown."""
