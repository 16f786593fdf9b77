"""A population compared with target occupations."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.occupation import Occupation
from skillgap.models.provenance import Provenance

SHORTFALL_BARS = 10
"""Histogram bars per level point of shortfall."""


@dataclass(frozen=True)
class Spread:
    """Distribution of a figure over people: mean and quantiles in level points, quantiles in steps of 0.005."""

    mean: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float


@dataclass(frozen=True)
class SkillLack:
    """Number of people who lack a skill for a target."""

    element_id: str
    element_name: str
    importance: float | None
    """Importance in the target (scale IM, 1-5); null if missing."""
    to_data_value: float | None
    """Level in the target (scale LV, 0-7), as O*NET prints it; null if missing."""
    lacking: int | None
    """Number of people with a distinguishable gap; null if no gap could be tested."""
    share: float | None
    """`lacking` as a share of all people, 0 (nobody) to 1 (everybody); null if no gap could be tested."""
    may_be_chance: int
    """Number of people with a gap that is within rater noise or cannot be tested."""
    unknown: int
    """Number of people whose level is unknown."""
    gap: Spread | None
    """Distinguishable gaps of those who lack the skill; null if nobody does."""


@dataclass(frozen=True)
class Feeder:
    """The people of a population who come from one occupation, or from none."""

    occupation: Occupation | None
    """The current occupation; null for people with own levels only."""
    people: int
    """Number of people."""
    without_sure_gap: int | None
    """Number of people without a distinguishable gap whose levels are all known; null if no gap could be tested."""
    mean_cost: float
    """Mean cost of conversion in level points, see `Conversion`."""


@dataclass(frozen=True)
class Conversion:
    """A person proposed for a target."""

    id: str
    from_occupation: Occupation | None
    own_levels: int
    """Number of levels stated by the person."""
    cost: float
    """Weighted shortfall in level points without gaps that are within rater noise. Gaps that cannot be tested count."""
    weighted_shortfall: float
    """Weighted shortfall of all gaps, in level points. It decides between equal costs."""
    unknown: int
    """Number of unknown levels, which cost nothing."""
    lacking: list[str] | None
    """Names of the skills with a distinguishable gap, largest weighted gap first; null if no gap could be tested."""


@dataclass(frozen=True)
class TargetView:
    """Skills that a population lacks for one target, and the people to retrain for it."""

    to_occupation: Occupation
    people: int
    """Number of people compared with the target."""
    without_sure_gap: int | None
    """Number of people without a distinguishable gap whose levels are all known; null if no gap could be tested."""
    known_in_part: int
    """Number of people with unknown levels. Unknown levels are not gaps, but these people do not count as without
    one."""
    untested: int
    """Number of people whose gaps could not be tested, because O*NET publishes no standard errors of the ratings. They
    do not count as without a gap either."""
    incumbents: int
    """Number of people already in the target occupation. They are counted but not proposed."""
    cheapest_for: int
    """Number of people for whom no other target costs less."""
    shortfall: Spread | None
    """Distribution of the weighted shortfalls; null if nobody has one. People without a known level that counts in the
    target have none."""
    shortfall_counts: list[int]
    """Number of people by weighted shortfall: from 0 to 0.1 level points, from 0.1 to 0.2, and so on."""
    skills: list[SkillLack]
    """All skills, those that most people lack first."""
    feeders: list[Feeder]
    """Current occupations of the people, lowest mean cost of conversion first."""
    conversions: list[Conversion]
    """People proposed for retraining, lowest cost first; people with unknown levels come last. If everybody is compared
    with all targets, nobody is proposed twice and the total cost of all proposals is minimal."""


@dataclass(frozen=True)
class WorkforceReport:
    """A population compared with targets."""

    people: int
    """Number of people who were compared."""
    with_own_levels: int
    """Number of people with own levels. The others have the levels of their occupation, so a thousand people of one
    occupation lack the same skills according to a single measurement."""
    rejected: dict[str, int]
    """Number of people who could not be compared, by reason."""
    domain: str
    weight: str
    targets: list[TargetView]
    provenance: Provenance
