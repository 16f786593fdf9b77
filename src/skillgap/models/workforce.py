"""A population compared with target occupations."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.occupation import Occupation
from skillgap.models.provenance import Provenance

SHORTFALL_BARS = 10
"""Of a level point, in which a population's shortfalls are counted."""


@dataclass(frozen=True)
class Spread:
    """How a figure is spread over people, in level points. Shares of people are read off steps of 0.005."""

    mean: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float


@dataclass(frozen=True)
class SkillLack:
    """How many people lack a skill for a target."""

    element_id: str
    element_name: str
    importance: float | None
    """In the target, 1 to 5."""
    to_data_value: float | None
    """Level asked for, as O*NET prints it."""
    lacking: int | None
    """People whose gap is distinguishable; null where nobody's could be tested."""
    share: float | None
    """The same as a share of all people, 0 to 1: 0 and 1 mean nobody and everybody."""
    may_be_chance: int
    """People with a gap that may be noise, or that nothing can be said of."""
    unknown: int
    """People whose level is not known."""
    gap: Spread | None
    """Gaps of those who lack it; null where nobody does."""


@dataclass(frozen=True)
class Feeder:
    """The people of a population that come from one occupation, or from none."""

    occupation: Occupation | None
    """Null for people of whom own levels alone are known."""
    people: int
    without_sure_gap: int | None
    """Those with no gap that is known to be more than noise, all of whose levels are known; null where nobody's gaps
    could be tested."""
    mean_cost: float
    """Mean of their costs of conversion, see `Conversion`."""


@dataclass(frozen=True)
class Conversion:
    """A person proposed for a target."""

    id: str
    from_occupation: Occupation | None
    own_levels: int
    """How many of the levels are the person's own."""
    cost: float
    """Weighted mean, in level points, of the gaps that are not known to be noise: gaps without errors count."""
    weighted_shortfall: float
    """The same of all gaps, which decides between equal costs."""
    unknown: int
    """How many levels are unknown; these cost nothing."""
    lacking: list[str] | None
    """Names of the skills in which the gap is distinguishable, first what weighs most; null where no gap could be
    tested."""


@dataclass(frozen=True)
class TargetView:
    """What a population lacks for one target, and who is nearest to it."""

    to_occupation: Occupation
    people: int
    """People compared with it."""
    without_sure_gap: int | None
    """Those with no gap that is known to be more than noise, all of whose levels are known; null where nobody's gaps
    could be tested."""
    known_in_part: int
    """Those some of whose levels are unknown; what is unknown is no gap, but they do not count as without one."""
    untested: int
    """Those of whom no gap could be tested, since O*NET publishes no errors of these ratings; likewise."""
    incumbents: int
    """Those who are in the target occupation already; they are counted, and not proposed."""
    cheapest_for: int
    """Those for whom no other target that they are compared with costs less."""
    shortfall: Spread | None
    """Weighted shortfalls of those who have one: nobody has of whom nothing is known that counts in the target."""
    shortfall_counts: list[int]
    """People by weighted shortfall: the first number is of 0 to 0.1 level points, the next of 0.1 to 0.2, and so on."""
    skills: list[SkillLack]
    """All skills, first what most people lack."""
    feeders: list[Feeder]
    """Where the people come from, first where conversion costs least."""
    conversions: list[Conversion]
    """The people to retrain for it, first who costs least; those who are known in part only come behind all others.
    Where all people are compared with all targets, nobody is proposed twice, and the costs of all proposals together
    are as low as can be."""


@dataclass(frozen=True)
class WorkforceReport:
    """A population, and the targets that it is compared with."""

    people: int
    """People that could be compared."""
    with_own_levels: int
    """Those with own levels. Those without have the levels of their occupation: a thousand of one occupation lack the
    same, by one measurement."""
    rejected: dict[str, int]
    """People that could not be compared, by reason."""
    domain: str
    weight: str
    targets: list[TargetView]
    provenance: Provenance
