"""The values that travel between the rings.

Attribute docstrings are also the field descriptions of the HTTP API's document: each fact is written once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal, NewType, cast

from skillgap.errors import InvalidCode

if TYPE_CHECKING:
    from skillgap.web.notebook import Chart

OnetSocCode = NewType("OnetSocCode", str)

CODE_PATTERN = r"^[0-9]{2}-?[0-9]{4}(\.?[0-9]{2})?$"
_CODE = re.compile(r"([0-9]{2})-?([0-9]{4})(?:\.?([0-9]{2}))?")

_DOCUMENTED = {"use_attribute_docstrings": True}


def parse_code(text: str) -> OnetSocCode:
    """Return the dashed O*NET-SOC code of `15-1252.00`, `15-1252` (its `.00`) or `15125200`. Raises InvalidCode."""
    match = _CODE.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 40 else f"{text[:40]}… ({len(text)} characters)"
        raise InvalidCode(
            f"{shown!r} is not an O*NET-SOC code; write it like 15-1252.00, 15-1252 or 15125200",
            onet_soc_code=shown,
        )
    group, occupation, detail = match.groups()
    return OnetSocCode(f"{group}-{occupation}.{detail or '00'}")


RatingsChoice = Literal["onet", "llm", "onet+llm"]
"""Whose levels to use: the analysts', a language model's predictions, or predictions where analysts rated nothing."""


TitleKind = Literal["title", "alternate", "reported"]
"""O*NET's title of an occupation, an alternate title, or one that incumbents reported."""
Match = Literal["code", "exact", "prefix", "words", "similar"]
"""How an occupation was found: by its code, a whole title, the beginning of one, words of one, or words like it."""

HIGHEST_LEVEL = 7.0
"""Of the scale LV, which begins at 0."""
HIGHEST_IMPORTANCE = 5.0
"""Of the scale IM, which begins at 1."""
SHORTFALL_BARS = 10
"""Of a level point, in which a population's shortfalls are counted."""

Domain = Literal["skills", "knowledge", "abilities", "work_activities"]
"""A branch of O*NET's Content Model whose elements are rated by level and importance."""
DomainChoice = Literal["skills", "knowledge", "abilities", "work_activities", "all"]
"""Which elements to compare."""
WeightChoice = Literal["importance", "standard", "none"]
"""What a gap weighs: its importance in the target (1-5), O*NET's standard score of it (importance less 1: what is not
important weighs nothing), or the same for all."""
DOMAIN_TABLES: dict[Domain, str] = {
    "skills": "Skills",
    "knowledge": "Knowledge",
    "abilities": "Abilities",
    "work_activities": "WorkActivities",
}
"""The table of each domain's ratings."""
_DOMAINS: dict[str, Domain] = {"2.C": "knowledge", "1.A": "abilities", "4.A": "work_activities"}


def domain_of(element_id: str) -> Domain:
    """Return the domain of a rated element by its branch of the Content Model; 2.A and 2.B are skills."""
    return _DOMAINS.get(element_id[:3], "skills")


@dataclass(frozen=True)
class Release:
    """One published edition of the O*NET database."""

    number: str
    """`"29.0"`; a string, since 30.10 is not 30.1."""
    date: date | None
    """First day of the month of publication; None where the release does not say."""


@dataclass(frozen=True)
class Occupation:
    """One occupation of the O*NET-SOC taxonomy."""

    __pydantic_config__ = _DOCUMENTED

    onet_soc_code: str
    """O*NET-SOC code, dashed: `15-1252.00`."""
    title: str
    """O*NET's title."""
    description: str | None
    """O*NET's description; null where the loaded source has none (the starter data carry no prose)."""
    is_rated: bool
    """Whether analysts have rated its skill levels."""
    is_predicted: bool
    """Whether a language model's predictions stand in for levels that analysts have not rated."""
    abstention: str | None
    """Why no levels are predicted for it; null where they are, or where nobody tried."""
    source: str
    """Where the title comes from: `text` (a text release) or `api` (O*NET Web Services)."""
    as_of: str | None
    """Date of that source: of the text release, or of the fetch."""
    job_zone: int | None
    """Job Zone: how much preparation it needs, up to 5 (extensive); the lowest is 1, or 2 from O*NET 30.2 on, which
    merged both. Null where O*NET has none, or none is loaded."""


@dataclass(frozen=True)
class MissingData:
    """An input that the loaded data lack, whole or in part."""

    __pydantic_config__ = _DOCUMENTED

    input: str
    """A part of the ratings, such as `importance of skills`, or a table, such as `JobZones`."""
    missing: int
    """How many of its values are missing; 0 where nothing of it is there."""
    of: int
    """How many there should be; 0 where nothing tells."""
    disables: str
    """What does not work without it."""


@dataclass(frozen=True)
class ListedOccupation:
    """One occupation of a list, and how it came to be there."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """The occupation."""
    matched_title: str | None
    """The title that matches best: O*NET's own, an alternate one, or one that incumbents reported; null where nothing
    was searched for."""
    title_kind: TitleKind | None
    """Which of these it is: `title`, `alternate` or `reported`."""
    match: Match | None
    """How it matches: `code`, `exact`, `prefix` (it begins so), `words` (it has them, or parts of them), or `similar`
    (words one or two slips away)."""


@dataclass(frozen=True)
class Anchor:
    """O*NET's example of what a level of one element means."""

    __pydantic_config__ = _DOCUMENTED

    anchor_value: int
    """The level, a whole number."""
    anchor_description: str
    """What somebody of that level can do."""


@dataclass(frozen=True)
class LevelAnchors:
    """The two examples between which a level stands."""

    __pydantic_config__ = _DOCUMENTED

    lower: Anchor | None
    """The highest one that does not exceed the level; null below the first."""
    upper: Anchor | None
    """The lowest one above the level; null from the last on."""


@dataclass(frozen=True)
class SkillRating:
    """How much of one skill an occupation needs: O*NET's level and importance with what is known of each.

    Knowledge, abilities and work activities are rated in the same way, and are called skills here.
    """

    __pydantic_config__ = _DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
    domain: str
    """Whether it is one of O*NET's `skills`, `knowledge`, `abilities` or `work_activities`."""
    data_value: float | None
    """Level (scale LV, 0-7): mean of the raters as O*NET prints it, or predicted where `source` is `llm`."""
    standard_error: float | None
    """Standard error of the level, in level points; of a prediction, the error that its model was found to make."""
    lower: float | None
    """Lower end of the 95 % interval of a predicted level; null for analysts' ratings."""
    upper: float | None
    """Upper end of that interval."""
    n: int | None
    """Number of raters; null for a prediction."""
    importance: float | None
    """Importance (scale IM, 1-5), mean of the raters as O*NET prints it."""
    importance_standard_error: float | None
    """Standard error of the importance, in importance points."""
    not_relevant: bool
    """O*NET's flag: most raters called the skill not important here, so the level says little."""
    recommend_suppress: bool
    """O*NET's flag: the raters differ so much that the level should be used with caution."""
    date_updated: str | None
    """Month of the rating, or of the prediction, `YYYY-MM`."""
    source: str
    """`text` (a text release), `api` (O*NET Web Services) or `llm` (predicted by a language model)."""
    explanation: str | None
    """What a prediction leans on; null for analysts' ratings."""
    anchors: LevelAnchors | None
    """What the level means; null where there is none, or where the loaded source has no anchors."""


@dataclass(frozen=True)
class GapStability:
    """How a gap's place moves when both occupations are rated anew by as many raters, and under other weights."""

    __pydantic_config__ = _DOCUMENTED

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

    __pydantic_config__ = _DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
    domain: str
    """Whether it is one of O*NET's `skills`, `knowledge`, `abilities` or `work_activities`."""
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
class Predictions:
    """The model behind predicted levels, and how good it is on occupations that analysts have rated.

    Each of those was predicted without its own ratings. *Random*: from nine tenths of the others; *grouped*: from
    other SOC major groups alone, so from nothing of its kind.
    """

    __pydantic_config__ = _DOCUMENTED

    model: str
    """The model's name."""
    prompt_version: str
    """Version of its prompt or recipe."""
    release: str | None
    """O*NET release whose ratings it was fitted to."""
    occupations_judged: int | None
    """Rated occupations that the figures are of."""
    mae_random: float | None
    """Mean absolute error, level points, random folds."""
    mae_grouped: float | None
    """Mean absolute error, level points, folds of SOC major groups."""
    bias: float | None
    """Mean of predicted minus rated, level points, folds of SOC major groups."""
    coverage: float | None
    """Share of ratings within their predicted 95 % interval, folds of SOC major groups."""


@dataclass(frozen=True)
class Provenance:
    """Where an answer's figures come from, and what must be said of it."""

    __pydantic_config__ = _DOCUMENTED

    release: str | None
    """O*NET release loaded from text files, e.g. `29.0`."""
    release_date: str | None
    """Month of that release, `YYYY-MM`."""
    web_services_release: str | None
    """O*NET release that O*NET Web Services served at the last fetch; null where nothing was fetched."""
    data_version: str
    """Changes whenever the figures change."""
    sources: list[str]
    """Sources of the figures: `text` (a text release), `api` (O*NET Web Services), `llm` (predicted levels)."""
    predictions: Predictions | None
    """The model behind levels whose source is `llm`; null where none are in use."""
    attribution: str
    """Credit that O*NET's licence asks for; show it with the figures."""
    modification: str
    """What O*NET's licence asks to be said of derived figures."""
    licence: str
    """Licence of O*NET's data."""


@dataclass(frozen=True)
class GapSummary:
    """A pair of occupations in a few numbers."""

    __pydantic_config__ = _DOCUMENTED

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


class _Shown:
    """A report that shows itself in a notebook."""

    def chart(self) -> Chart:
        """Return the chart of levels: a notebook draws it, `save` writes it."""
        from skillgap.web.notebook import chart_of

        return chart_of(cast("GapReport | PersonGapReport", self))

    def _repr_html_(self) -> str:
        from skillgap.web.page import notebook

        return notebook(cast("GapReport | PersonGapReport", self))


@dataclass(frozen=True)
class GapReport(_Shown):
    """What stands between two occupations: the gaps, what one brings beyond, and the sum of it."""

    __pydantic_config__ = _DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What was to be compared: `skills`, `knowledge`, `abilities`, `work_activities` or `all`."""
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
class PersonGapReport(_Shown):
    """What stands between a person and an occupation."""

    __pydantic_config__ = _DOCUMENTED

    from_occupation: Occupation | None
    """The occupation that levels which are not the person's own are taken from; null for none."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What was compared: `skills`, `knowledge`, `abilities`, `work_activities` or `all`."""
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


@dataclass(frozen=True)
class TransitionStability:
    """How a near occupation's rank moves when all occupations are rated anew, and under other weights."""

    __pydantic_config__ = _DOCUMENTED

    rank_lower: int
    """Lower end of the 95 % interval of its rank: the nearest it comes."""
    rank_upper: int
    """Upper end of that interval."""
    first_ten_share: float
    """Share of the draws in which it is among the ten nearest."""
    rank_by_weight: dict[str, int]
    """Its rank where levels of skills are compared by each weight: `importance` (as ranked), `standard`, `none`; `none`
    alone where no importance is loaded."""


@dataclass(frozen=True)
class Transition:
    """One occupation near another: a move that people may make."""

    __pydantic_config__ = _DOCUMENTED

    rank: int
    """1 for the nearest of all, before any filter."""
    occupation: Occupation
    """The near occupation."""
    score: float
    """How near, 0 to 1: the chance that O*NET would list it among the ten most related to the current one, estimated
    from what `basis` names."""
    related_tier: str | None
    """Tier in O*NET's own list of related occupations (`Primary-Short`, `Primary-Long`, `Supplemental`); null where not
    listed, or no list is loaded."""
    summary: GapSummary
    """What stands between the two, in a few numbers. It plays no part in the rank."""
    stability: TransitionStability | None = None
    """How its rank moves; null where not asked for."""


@dataclass(frozen=True)
class TransitionBasis:
    """What transitions are ranked by, and how good that is."""

    __pydantic_config__ = _DOCUMENTED

    name: str
    """Name of the score: the best one that the loaded tables allow."""
    inputs: list[str]
    """What it is computed from."""
    recall_at_10: float
    """Share of O*NET's ten primary related occupations that are among its first ten, each occupation judged by a fit
    that has not seen its list."""
    release: str
    """O*NET release that it was fitted to."""


@dataclass(frozen=True)
class PathStep:
    """One move of a path."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """Where the move leads."""
    summary: GapSummary
    """What stands between the occupation before and this one."""


@dataclass(frozen=True)
class Path:
    """A chain of moves between near occupations."""

    __pydantic_config__ = _DOCUMENTED

    hardest_move: float
    """The largest `distinguishable_shortfall` of its moves, level points: what is made as small as can be. Gaps without
    errors count in full here, since nothing tells that they are noise."""
    total_shortfall: float
    """The sum of the moves' `weighted_shortfall`, level points: gaps within noise count too, since small moves hide
    there what one large move shows."""
    steps: list[PathStep]
    """The moves, one to three; the last one leads to the target."""


@dataclass(frozen=True)
class PathReport:
    """How to get from one occupation to another by way of near ones."""

    __pydantic_config__ = _DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What the gaps compare: `skills`, `knowledge`, `abilities`, `work_activities` or `all`."""
    weight: str
    """What gaps weigh in the shortfalls: `importance`, `standard` or `none`."""
    direct: GapSummary
    """The move in one step, near or not."""
    paths: list[Path]
    """The chains whose hardest move is easiest, best first; empty where no chain of three moves leads there."""
    chains_compared: int
    """All chains that lead there."""
    neighbours: int
    """A move goes between occupations of which one is among so many nearest of the other."""
    basis: TransitionBasis
    """What near is judged by, and how good that is."""
    provenance: Provenance
    """Where the figures come from."""


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
    """What was compared: `skills`, `knowledge`, `abilities`, `work_activities` or `all`."""
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


LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"


def attribution(release: Release | None, *, web_services: bool = False) -> str:
    """Return the credit in the words of O*NET's licences, of the database and, where used, of its Web Services.

    Sources: https://www.onetcenter.org/license_db.html, https://services.onetcenter.org/help/license_data.
    """
    agency = "the U.S. Department of Labor, Employment and Training Administration (USDOL/ETA)."
    trademark = "O*NET® is a trademark of USDOL/ETA."
    services = f"This application incorporates information from O*NET Web Services by {agency} {trademark}"
    if web_services and release is None:
        return services
    database = f"O*NET {release.number} Database" if release else "O*NET Database"
    text = (
        f"This page includes information from the {database} by {agency} Used under the CC BY 4.0 license. {trademark}"
    )
    return f"{text} {services}" if web_services else text


MODIFICATION = (
    "skillgap has modified all or some of this information. USDOL/ETA has not approved, endorsed, or tested these "
    "modifications."
)
