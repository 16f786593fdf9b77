"""Rating rows as the store reads them and the analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillgap.models.occupation import Anchor, Occupation
from skillgap.models.provenance import Predictions
from skillgap.onet.releases import Release

RatingColumns = Mapping[str, Sequence[Any]]
"""Columns of equal length by name; None where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class RatingRows:
    """Rating rows of one data version, with the names that go with them."""

    data_version: str
    """Empty before the first load."""
    release: Release | None
    """The text release that is loaded."""
    web_services_release: Release | None
    """What O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    anchors: Mapping[str, tuple[Anchor, ...]]
    """What levels mean, by element id, levels ascending; empty where not loaded."""
    job_zone_names: Mapping[int, str]
    """The release's name of each Job Zone; empty where its Job Zone Reference is not loaded."""
    predictions: Predictions | None
    """The active model; None where no model is active."""
    rated: RatingColumns
    """Analysts' ratings, one row per occupation, element and scale (LV or IM)."""
    predicted: RatingColumns
    """Predictions of the active model in the same columns, with `lower`, `upper` and `explanation`."""
