"""Bounds of O*NET's rating scales."""

from __future__ import annotations

HIGHEST_LEVEL = 7.0
"""Upper end of scale LV, which begins at 0."""


LOWEST_IMPORTANCE = 1.0
"""Lower end of scale IM."""
HIGHEST_IMPORTANCE = 5.0
"""Upper end of scale IM."""

RATERS = 8
"""Analysts who rate each skill of an occupation (O*NET appendix on analyst ratings)."""
