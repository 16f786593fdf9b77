"""Rating rows that the store reads and the analysis turns into arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillgap.models.occupation import Anchor, Occupation
from skillgap.models.provenance import Predictions
from skillgap.onet.releases import Release

RatingColumns = Mapping[str, Sequence[Any]]
"""Columns of equal length by name; None for missing values."""


@dataclass(frozen=True, kw_only=True)
class RatingRows:
    """Rating rows of one data version, with occupations, anchors and other texts."""

    data_version: str
    """Empty before the first load."""
    release: Release | None
    """The loaded text release."""
    web_services_release: Release | None
    """The release that O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    anchors: Mapping[str, tuple[Anchor, ...]]
    """Level anchors by element id, levels ascending; empty if not loaded."""
    job_zone_names: Mapping[int, str]
    """The release's name of each Job Zone; empty if its Job Zone Reference is not loaded."""
    predictions: Predictions | None
    """The active model; None if there is none."""
    rated: RatingColumns
    """Analysts' ratings: one row per occupation, element and scale (LV or IM)."""
    predicted: RatingColumns
    """Predictions of the active model in the same columns, with `lower`, `upper` and `explanation`."""
