"""Skill gaps between two occupations, or between a person and an occupation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from skillgap.display import Displayed
from skillgap.models.documented import DOCUMENTED
from skillgap.models.occupation import LevelAnchors, Occupation, SkillRating
from skillgap.models.provenance import Provenance

WeightChoice = Literal["importance", "standard", "none"]
"""Weight of a gap: `importance` in the target (1-5), `standard` (importance minus 1, so that unimportant skills count
nothing), or `none` (all skills count the same)."""

Certainty = Literal["clear", "likely", "open"]
"""How certain the direction of a gap is: `clear` if it is distinguishable from rater noise; `likely` if not, but
`agreement` is 0.8 or more; otherwise `open`."""


@dataclass(frozen=True)
class GapStability:
    """How the rank of a gap varies if equally large panels rate both occupations again, and under other weights."""

    __pydantic_config__ = DOCUMENTED

    rank: int
    """Rank in `skill_gaps`, starting at 1."""
    rank_lower: int
    """Lower end of the 95 % interval of the rank (best rank)."""
    rank_upper: int
    """Upper end of the 95 % interval of the rank (worst rank). In draws where the skill is not a gap, it ranks after
    all gaps."""
    gap_share: float
    """Share of simulated ratings in which the skill is a gap, 0 to 1."""
    distinguishable_share: float
    """Share of simulated ratings in which the gap is distinguishable, 0 to 1."""
    first_five_share: float
    """Share of simulated ratings in which the gap is among the first five, 0 to 1."""
    rank_by_weight: dict[str, int]
    """Rank by each weight: `importance`, `standard`, `none`. The first two are left out if the target has no
    importance."""


# Not frozen: setting the fields of up to 35 frozen objects per report would take longer than the statistics.
@dataclass
class SkillGap:
    """One skill whose level differs between the current and the target occupation."""

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element id, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name for the skill."""
    domain: str
    """O*NET domain of the element, such as `skills`."""
    scale_id: str
    """Scale of the levels: always `LV` (0-7)."""
    from_data_value: float | None
    """Level in the current occupation, 0-7, as O*NET prints it (two decimals), or predicted if `from_source` is `llm`.
    Null if there is neither."""
    to_data_value: float | None
    """Level in the target occupation, 0-7; null as for `from_data_value`."""
    gap: float
    """Target minus current, in level points. Printed levels are compared as the eighths they stand for, so 4.12 counts
    as 4.125. A missing level counts as 0."""
    importance: float | None
    """Importance of the skill in the target occupation (scale IM, 1-5); null if O*NET has not rated it."""
    standard_error: float | None
    """Standard error of the gap, in level points; null if either level has none."""
    gap_lower: float | None
    """Lower end of the 95 % interval of the gap, in level points; null if `standard_error` is null. If the gap is
    distinguishable, the interval allows for the selection (Benjamini-Yekutieli) and excludes 0; otherwise it is that of
    a single skill."""
    gap_upper: float | None
    """Upper end of the same interval."""
    p_value: float | None
    """Two-sided p value of no difference (t test with both standard errors), rounded up to six decimals; null if
    `standard_error` is null."""
    agreement: float | None
    """Chance that another panel of raters would find the gap in the same direction, 0 to 1, rounded down to three
    decimals; a tie counts against it. Calibrated on occupations that were rated again. Null if `standard_error` is
    null."""
    distinguishable: bool | None
    """Whether the difference is distinguishable from rater noise (one-sided tests, Benjamini-Hochberg at 5 % over the
    skills compared, separately for gaps and surpluses). Always false if the skill is not relevant to the target. Null
    if it cannot be tested (`p_value` is null)."""
    certainty: Certainty | None
    """`clear`, `likely` or `open`; null if the gap cannot be tested or the skill is not relevant to the target. Says
    nothing about size."""
    from_standard_error: float | None
    """Standard error of the current level, in level points: O*NET's, or the measured error of the prediction. Null if
    missing."""
    to_standard_error: float | None
    """Standard error of the target level, in level points; null if missing."""
    from_lower: float | None
    """Lower end of the 95 % interval of a predicted current level; null for analysts' ratings."""
    from_upper: float | None
    """Upper end of the 95 % interval of a predicted current level; null for analysts' ratings."""
    to_lower: float | None
    """Lower end of the 95 % interval of a predicted target level; null for analysts' ratings."""
    to_upper: float | None
    """Upper end of the 95 % interval of a predicted target level; null for analysts' ratings."""
    from_source: str | None
    """Source of the current level: `text` (a text release), `api` (O*NET Web Services), `llm` (a prediction) or `own`
    (stated by the person)."""
    to_source: str | None
    """Source of the target level: `text` (a text release), `api` (O*NET Web Services) or `llm` (a prediction)."""
    from_date_updated: str | None
    """Month in which the current level was rated or predicted, `YYYY-MM`; null if unknown."""
    to_date_updated: str | None
    """Month in which the target level was rated or predicted, `YYYY-MM`; null if unknown."""
    from_not_relevant: bool
    """Whether O*NET flags the skill Not Relevant in the current occupation."""
    to_not_relevant: bool
    """Whether O*NET flags the skill Not Relevant in the target. Such rows come last and do not count in the
    shortfall."""
    from_recommend_suppress: bool
    """Whether O*NET recommends caution with the current level, because its raters disagree widely."""
    to_recommend_suppress: bool
    """Whether O*NET recommends caution with the target level, because its raters disagree widely."""
    from_anchors: LevelAnchors | None
    """O*NET's examples around the current level; null if the level is missing or no examples are loaded."""
    to_anchors: LevelAnchors | None
    """O*NET's examples around the target level; null if the level is missing or no examples are loaded."""
    stability: GapStability | None = None
    """How the rank of the gap varies; null if not requested, or if a standard error is missing."""


@dataclass(frozen=True)
class GapSummary:
    """Summary of the gap between two occupations."""

    __pydantic_config__ = DOCUMENTED

    skills_compared: int
    """Number of skills with a level on both sides."""
    skills_tested: int
    """Number of skills with a standard error on both sides. The tests correct for this many comparisons."""
    gaps: int
    """Number of skills with a higher level in the target (rows of `skill_gaps`)."""
    distinguishable_gaps: int | None
    """Number of gaps that are distinguishable from rater noise; null if no difference could be tested."""
    likely_gaps: int | None
    """Number of gaps that are not distinguishable but have an agreement of 0.8 or more; null if no difference could be
    tested."""
    surplus: int
    """Number of skills with a higher current level (rows of `surplus_skills`)."""
    distinguishable_surplus: int | None
    """Number of surplus skills that are distinguishable from rater noise; null if no difference could be tested."""
    weighted_shortfall: float | None
    """Weighted mean of the gaps in level points, over the skills relevant to the target; skills without a gap count as
    0. The weight is `weight`, by default the importance in the target. Skills without importance are left out; null if
    all lack it. A predicted level has the importance usual for that level, and counts with its expected gap, because
    a prediction varies less than ratings."""
    distinguishable_shortfall: float | None
    """Weighted shortfall counting only gaps that are distinguishable from rater noise, in level points; null as well if
    no difference could be tested."""
    noise_shortfall: float | None
    """Weighted shortfall expected from rater noise alone if the occupations had equal levels, in level points. A
    shortfall of this size says nothing. Null if a level that counts has no standard error."""
    shortfall_percentile: int | None
    """Percentage of all ordered pairs of occupations rated by analysts that have a smaller weighted shortfall: 0 means
    none, 100 all of them. A low percentile is an easy move, 50 an ordinary one. Null if the shortfall is incomplete: a
    level or importance is unknown, or an occupation has no levels in one of the domains."""
    shortfall_percentile_lower: int | None
    """Lower end of the interval in which the percentile would lie for 95 % of other panels of raters; null as
    `shortfall_percentile`, or if a level that counts has no standard error."""
    shortfall_percentile_upper: int | None
    """Upper end of the same interval."""
    job_zone_step: int | None
    """Job Zone of the target minus that of the current occupation; null if either has none."""
    unavailable: dict[str, str] = field(default_factory=dict)
    """For each null field of this summary, a sentence that names the missing input; empty if no field is null."""


PERCENTILES = ("shortfall_percentile", "shortfall_percentile_lower", "shortfall_percentile_upper")
"""Fields of GapSummary in whole percents."""


@dataclass(frozen=True)
class GapReport(Displayed):
    """Skill gap between two occupations: gaps, surplus skills and their summary."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """Requested domain, such as `skills`, or `all`."""
    domains_compared: list[str]
    """Domains compared: for `all`, those in which both occupations have levels."""
    weight: str
    """Weight of the gaps in their order and in the shortfall: `importance`, `standard` or `none`."""
    summary: GapSummary
    """Summary figures of the pair."""
    skill_gaps: list[SkillGap]
    """Skills with a higher level in the target: distinguishable ones first, then by weight x gap."""
    surplus_skills: list[SkillGap]
    """Skills with a higher current level (gap below 0), in the same order."""
    provenance: Provenance
    """Source and license of the figures."""


@dataclass(frozen=True)
class PersonGapReport(Displayed):
    """Skill gap between a person and an occupation."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation | None
    """The occupation that supplies the levels the person did not state; null if none was given."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """Domain compared, such as `skills`, or `all`."""
    weight: str
    """Weight of the gaps in their order and in the shortfall: `importance`, `standard` or `none`."""
    own_levels: int
    """Number of levels stated by the person."""
    summary: GapSummary
    """Summary figures over the skills with a known level."""
    skill_gaps: list[SkillGap]
    """Skills with a higher level in the target. Levels with `from_source` `own` are taken as exact, so only the ratings
    of the target add uncertainty."""
    surplus_skills: list[SkillGap]
    """Skills in which the person has a higher level."""
    unknown_skills: list[SkillRating]
    """Skills of the target for which the person's level is unknown. They are neither gaps nor matches."""
    provenance: Provenance
    """Source and license of O*NET's figures."""
