"""Bounds of O*NET's rating scales."""

from __future__ import annotations

HIGHEST_LEVEL = 7.0
"""Of the scale LV, which begins at 0."""


LOWEST_IMPORTANCE = 1.0
HIGHEST_IMPORTANCE = 5.0
"""Of the scale IM."""

RATERS = 8
"""Analysts who rate each skill of an occupation (O*NET appendix on analyst ratings)."""
