"""Skill gaps between two occupations, or between a person and an occupation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from skillgap.display import Displayed
from skillgap.models.documented import DOCUMENTED
from skillgap.models.occupation import LevelAnchors, Occupation, SkillRating
from skillgap.models.provenance import Provenance

WeightChoice = Literal["importance", "standard", "none"]
"""What a gap weighs: its importance in the target (1-5), O*NET's standard score of it (importance less 1: what is not
important weighs nothing), or the same for all."""


@dataclass(frozen=True)
class GapStability:
    """How a gap's place moves when both occupations are rated anew by as many raters, and under other weights."""

    __pydantic_config__ = DOCUMENTED

    rank: int
    """Its place in `skill_gaps`."""
    rank_lower: int
    """Lower end of the 95 % interval of its place: the highest place it takes."""
    rank_upper: int
    """Upper end of that interval; what is no gap any more comes last."""
    gap_share: float
    """Share of the draws in which it is a gap."""
    distinguishable_share: float
    """Share of the draws in which it is distinguishable."""
    first_five_share: float
    """Share of the draws in which it is among the first five gaps."""
    rank_by_weight: dict[str, int]
    """Its place by each weight: `importance`, `standard`, `none`; without those that need an importance, if there is
    none."""


# Not frozen: a report holds up to 35 of these, and the guard would cost more time than the statistics.
@dataclass
class SkillGap:
    """One skill whose level differs between the two occupations."""

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
    domain: str
    """The domain of O*NET that it belongs to, such as `skills`."""
    scale_id: str
    """Scale of the levels: `LV`, 0-7."""
    from_data_value: float | None
    """Level in the current occupation as O*NET prints it (two decimals of an eighth), or predicted where
    `from_source` is `llm`; null when neither is there."""
    to_data_value: float | None
    """Level in the target occupation, likewise."""
    gap: float
    """Target minus current in level points, 0 where both print alike; analysts' levels are compared as the eighths that
    they stand for. A missing level counts as 0."""
    importance: float | None
    """Importance of the skill in the target occupation (scale IM, 1-5); null where O*NET has not rated it."""
    standard_error: float | None
    """Standard error of the gap, in level points; null when a side has none."""
    gap_lower: float | None
    """Lower end of the 95 % interval of the gap, in level points."""
    gap_upper: float | None
    """Upper end of the 95 % interval of the gap, in level points."""
    p_value: float | None
    """Two-sided p of no difference (t test, both sides' errors), rounded up to six decimals."""
    distinguishable: bool | None
    """Whether the difference stands out from rater noise: Benjamini-Hochberg at 5 % over the skills compared. Null
    where it cannot be tested (`p_value` is null)."""
    from_standard_error: float | None
    """O*NET's standard error of the current level; of a prediction, the error its model was found to make."""
    to_standard_error: float | None
    """Of the target level, likewise."""
    from_lower: float | None
    """Lower end of the 95 % interval of the current level where it is predicted; null for analysts' ratings."""
    from_upper: float | None
    """Upper end of that interval."""
    to_lower: float | None
    """Lower end of the 95 % interval of the target level where it is predicted; null for analysts' ratings."""
    to_upper: float | None
    """Upper end of that interval."""
    from_source: str | None
    """Where the current level comes from: `text`, `api`, `llm` for a prediction, or `own` where a person states it."""
    to_source: str | None
    """Where the target level comes from: `text`, `api`, or `llm` for a prediction."""
    from_date_updated: str | None
    """Month of the current level's rating or prediction, `YYYY-MM`."""
    to_date_updated: str | None
    """Month of the target level's rating or prediction, `YYYY-MM`."""
    from_not_relevant: bool
    """O*NET flags the skill Not Relevant in the current occupation."""
    to_not_relevant: bool
    """O*NET flags the skill Not Relevant in the target: such a row comes last and never counts."""
    from_recommend_suppress: bool
    """O*NET recommends caution with the current level: its raters differ widely."""
    to_recommend_suppress: bool
    """O*NET recommends caution with the target level: its raters differ widely."""
    from_anchors: LevelAnchors | None
    """What the current level means; null where there is none, or where the loaded source has no anchors."""
    to_anchors: LevelAnchors | None
    """What the target level means, likewise."""
    stability: GapStability | None = None
    """How its place moves; null where not asked for, or where no error tells."""


@dataclass(frozen=True)
class GapSummary:
    """A pair of occupations in a few numbers."""

    __pydantic_config__ = DOCUMENTED

    skills_compared: int
    """Skills with a level on both sides."""
    skills_tested: int
    """Those of them with an error on both sides: the significance tests correct for this many comparisons."""
    gaps: int
    """Skills in which the target's level is higher (rows of `skill_gaps`)."""
    distinguishable_gaps: int | None
    """Gaps that stand out from rater noise; null where no difference could be tested."""
    surplus: int
    """Skills in which the current level is higher (rows of `surplus_skills`)."""
    distinguishable_surplus: int | None
    """Surplus skills that stand out from rater noise; null where no difference could be tested."""
    weighted_shortfall: float | None
    """Mean of the gaps in level points, weighted by importance in the target (or as asked for), over the skills that
    are relevant there: one without a gap counts as 0. Skills whose importance is missing are left out; null where it is
    missing for all of them. Where levels are predicted, importance is what usually goes with them."""
    distinguishable_shortfall: float | None
    """The same with only those gaps that stand out from rater noise; null, too, where no difference could be tested."""
    shortfall_percentile: float | None
    """Share of all ordered pairs of occupations rated by analysts with a smaller weighted shortfall, in percent:
    0 is the easiest move there is, 50 an ordinary one; 0 and 100 mean no pair and every pair. Null where the shortfall
    leaves something out: some levels or importances are not known, or one of the occupations has no levels of one of
    the domains."""
    job_zone_step: int | None
    """Job Zone of the target minus that of the current occupation; null where one has none."""
    unavailable: dict[str, str] = field(default_factory=dict)
    """Why fields of this summary are null: a sentence for each, which names the missing input; empty where none is."""


@dataclass(frozen=True)
class GapReport(Displayed):
    """What stands between two occupations: the gaps, what one brings beyond, and the sum of it."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What was to be compared: a domain such as `skills`, or `all`."""
    domains_compared: list[str]
    """What was: of `all`, the domains in which both occupations have levels."""
    weight: str
    """What gaps weigh in order and shortfall: `importance`, `standard` or `none`."""
    summary: GapSummary
    """The pair in a few numbers."""
    skill_gaps: list[SkillGap]
    """Skills in which the target's level is higher: distinguishable first, then by importance x gap."""
    surplus_skills: list[SkillGap]
    """Skills in which the current level is higher (gap below 0), in the same order."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class PersonGapReport(Displayed):
    """What stands between a person and an occupation."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation | None
    """The occupation that levels which are not the person's own are taken from; null for none."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What was compared: a domain such as `skills`, or `all`."""
    weight: str
    """What gaps weigh in order and shortfall: `importance`, `standard` or `none`."""
    own_levels: int
    """Levels that are the person's own."""
    summary: GapSummary
    """The gap in a few numbers, over those skills whose level is known."""
    skill_gaps: list[SkillGap]
    """Skills in which the target's level is higher. `from_source` is `own` where the person's own level is compared: it
    is taken as it is, so that only the raters of the target make the comparison uncertain."""
    surplus_skills: list[SkillGap]
    """Skills in which the person's level is higher."""
    unknown_skills: list[SkillRating]
    """What the target asks for where the person's level is not known: neither a gap nor a match."""
    provenance: Provenance
    """Where O*NET's figures come from."""
