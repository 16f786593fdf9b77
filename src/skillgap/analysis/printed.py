"""The ratings of one occupation as shown in answers."""

from __future__ import annotations

from typing import NamedTuple

from skillgap.models import LevelAnchors


class PrintedRatings(NamedTuple):
    """The ratings of one occupation: per field, a list with one value per element; None where missing."""

    data_value: list[float | None]
    standard_error: list[float | None]
    lower: list[float | None]
    upper: list[float | None]
    n: list[int | None]
    importance: list[float | None]
    importance_standard_error: list[float | None]
    not_relevant: list[bool]
    recommend_suppress: list[bool]
    date_updated: list[str | None]
    source: list[str | None]
    explanation: list[str | None]
    anchors: list[LevelAnchors | None]


def month_text(month: int) -> str:
    """Format a month, counted as 12 x year + month - 1, as `YYYY-MM`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
