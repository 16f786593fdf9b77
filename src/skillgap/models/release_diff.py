"""Differences between two releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillgap.models.provenance import Provenance
from skillgap.onet.releases import Release


@dataclass(frozen=True)
class LevelChange:
    """A level that differs between two releases by more than rater noise."""

    onet_soc_code: str
    """O*NET-SOC code."""
    title: str
    """The occupation's title."""
    element_id: str
    """O*NET element."""
    element_name: str
    """O*NET's name of it."""
    before: float
    """Level in the first release, as O*NET prints it."""
    after: float
    """Level in the second release."""
    p_value: float
    """Two-sided p of no difference, rounded up to six decimals."""


@dataclass(frozen=True)
class GapChange:
    """A pair of occupations whose distinguishable gaps are others in the second release."""

    from_onet_soc_code: str
    """The current occupation."""
    to_onet_soc_code: str
    """The target occupation."""
    new: list[str]
    """Skills that are distinguishable gaps in the second release alone."""
    gone: list[str]
    """Skills that were distinguishable gaps in the first release alone."""


@dataclass(frozen=True)
class ReleaseChanges:
    """What changed between two releases."""

    before: Release | None
    """The first release."""
    after: Release | None
    """The second release."""
    domain: str
    """What was compared: a domain such as `skills`, or `all`."""
    newly_rated: list[str]
    """Codes of occupations that the second release alone has rated."""
    no_longer_rated: list[str]
    """Codes of occupations that the first release alone has rated."""
    levels_changed: int
    """Levels that have another value, of occupations rated in both."""
    beyond_noise: list[LevelChange] | None
    """Those of them that differ by more than rater noise; null where a release has no standard errors."""
    pairs_compared: int
    """Ordered pairs of occupations rated in both, one of which has a changed level."""
    pairs_changed: int | None
    """Those of them whose distinguishable gaps are others; null where a release has no standard errors."""
    gap_changes: list[GapChange]
    """These pairs, where they were asked for; empty otherwise."""


@dataclass(frozen=True)
class ReleaseDiff:
    """The differences between two releases, with the titles and the provenance of the second one."""

    changes: ReleaseChanges
    """The differences."""
    titles: Mapping[str, str]
    """Titles of the second release by O*NET-SOC code."""
    provenance: Provenance
    """Sources of the second release."""
