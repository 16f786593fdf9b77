"""Differences between two releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillgap.models.provenance import Provenance
from skillgap.onet.crosswalks import Taxonomy
from skillgap.onet.releases import Release


@dataclass(frozen=True)
class LevelChange:
    """A level that differs between two releases by more than rater noise."""

    onet_soc_code: str
    """O*NET-SOC code."""
    title: str
    """The occupation's title."""
    element_id: str
    """O*NET element id."""
    element_name: str
    """O*NET's name for the element."""
    before: float
    """Level in the first release (0-7), as O*NET prints it."""
    after: float
    """Level in the second release (0-7), as O*NET prints it."""
    p_value: float
    """Two-sided p value of no difference, rounded up to six decimals."""


@dataclass(frozen=True)
class GapChange:
    """A pair of occupations whose distinguishable gaps differ between the releases."""

    from_onet_soc_code: str
    """Code of the current occupation."""
    to_onet_soc_code: str
    """Code of the target occupation."""
    new: list[str]
    """Skills that are distinguishable gaps in the second release only."""
    gone: list[str]
    """Skills that are distinguishable gaps in the first release only."""


@dataclass(frozen=True)
class ReleaseChanges:
    """Changes between two releases."""

    before: Release | None
    """The first release."""
    after: Release | None
    """The second release."""
    domain: str
    """Domain compared, such as `skills`, or `all`."""
    taxonomies: tuple[Taxonomy, Taxonomy] | None
    """Versions of O*NET-SOC in the first and in the second release; null if they are the same or unknown."""
    recoded: dict[str, str]
    """Occupations that only changed their code, and are compared under the new one: new codes by old ones."""
    newly_rated: list[str]
    """Codes of occupations rated in the second release only."""
    no_longer_rated: list[str]
    """Codes of occupations rated in the first release only."""
    levels_changed: int
    """Number of levels with different values, in occupations rated in both releases."""
    levels_untestable: int
    """Number of these levels without a standard error in one of the releases: whether they exceed rater noise is
    unknown."""
    beyond_noise: list[LevelChange] | None
    """Levels that differ by more than rater noise; null if a release has no standard errors."""
    pairs_compared: int
    """Number of ordered pairs of occupations rated in both releases, at least one with a changed level."""
    pairs_changed: int | None
    """Number of these pairs whose distinguishable gaps differ; null if a release has no standard errors."""
    gap_changes: list[GapChange]
    """The pairs whose distinguishable gaps differ; empty unless requested."""


@dataclass(frozen=True)
class ReleaseDiff:
    """The differences between two releases, with the titles and the provenance of the second one."""

    changes: ReleaseChanges
    """The differences."""
    titles: Mapping[str, str]
    """Titles of the second release by O*NET-SOC code."""
    provenance: Provenance
    """Sources of the second release."""
