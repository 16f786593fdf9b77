"""Occupations and the ratings of their skills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skillgap.models.documented import DOCUMENTED
from skillgap.models.provenance import Provenance

RatingsChoice = Literal["onet", "llm", "onet+llm"]
"""Levels to use: `onet` (analysts' ratings), `llm` (predictions of a language model), or `onet+llm` (ratings, with
predictions where there are none)."""


TitleKind = Literal["title", "alternate", "reported"]
"""Kind of title: O*NET's own `title`, an `alternate` title, or one `reported` by incumbents."""


Match = Literal["code", "exact", "prefix", "words", "similar"]
"""How an occupation matched a search: by `code`, `exact` title, `prefix` of a title, `words` of a title, or `similar`
words."""


@dataclass(frozen=True)
class Occupation:
    """One occupation of the O*NET-SOC taxonomy."""

    __pydantic_config__ = DOCUMENTED

    onet_soc_code: str
    """O*NET-SOC code with dash, e.g. `15-1252.00`."""
    title: str
    """O*NET's title of the occupation."""
    description: str | None
    """O*NET's description; null if the loaded source has none (the starter data contain none)."""
    is_rated: bool
    """Whether analysts have rated its skill levels."""
    is_predicted: bool
    """Whether a language model's predictions are available for levels that analysts have not rated."""
    abstention: str | None
    """Reason why no levels are predicted; null if they are, or if no prediction was attempted."""
    source: str
    """Source of the title: `text` (a text release) or `api` (O*NET Web Services)."""
    as_of: str | None
    """Date of the source, `YYYY-MM-DD`: of the text release or of the fetch; null if unknown."""
    job_zone: int | None
    """Job Zone: preparation needed, from 1 (little) to 5 (extensive). O*NET 30.2 merged 1 into 2. Null if O*NET has
    none, or if Job Zones are not loaded."""


@dataclass(frozen=True)
class ListedOccupation:
    """An occupation in a list, with the way it matched a search."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    matched_title: str | None
    """The best matching title, of any kind; null without a search."""
    title_kind: TitleKind | None
    """Kind of `matched_title`: `title` (O*NET's own), `alternate`, or `reported` by incumbents; null without a
    search."""
    match: Match | None
    """How it matches: `code`, `exact`, `prefix` (the title begins with the text), `words` (it contains words or parts
    of words of the text) or `similar` (words with one or two typos); null without a search."""


@dataclass(frozen=True)
class Anchor:
    """O*NET's example of a level of one element."""

    __pydantic_config__ = DOCUMENTED

    anchor_value: int
    """Level of the example, an integer."""
    anchor_description: str
    """What a person with this level can do."""


@dataclass(frozen=True)
class LevelAnchors:
    """The two examples on either side of a level."""

    __pydantic_config__ = DOCUMENTED

    lower: Anchor | None
    """The highest example at or below the level; null if the level is below all examples."""
    upper: Anchor | None
    """The lowest example above the level; null if there is none."""

    def in_words(self) -> str:
        """Return the examples in words, such as `between “…” (2) and “…” (4)`."""
        lower, upper = (
            f"“{anchor.anchor_description}” ({anchor.anchor_value})" if anchor else None
            for anchor in (self.lower, self.upper)
        )
        if lower and upper:
            return f"between {lower} and {upper}"
        return f"below {upper}" if upper else f"{lower} or above"


@dataclass(frozen=True)
class SkillRating:
    """Level and importance of one skill in an occupation.

    Knowledge, abilities and work activities are rated in the same way and are called skills here.
    """

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element id, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name for the skill."""
    domain: str
    """O*NET domain of the element, such as `skills`."""
    data_value: float | None
    """Level (scale LV, 0-7): mean of the raters as O*NET prints it, or predicted if `source` is `llm`. Null if
    missing."""
    standard_error: float | None
    """Standard error of the level, in level points: O*NET's, or the measured error of the prediction. Null if
    missing."""
    lower: float | None
    """Lower end of the 95 % interval of a predicted level; null for analysts' ratings."""
    upper: float | None
    """Upper end of the 95 % interval of a predicted level; null for analysts' ratings."""
    n: int | None
    """Number of raters; null for a prediction, or if O*NET has published none."""
    importance: float | None
    """Importance (scale IM, 1-5): mean of the raters as O*NET prints it. Null if missing, or for a prediction."""
    importance_standard_error: float | None
    """Standard error of the importance, in importance points; null if missing."""
    not_relevant: bool
    """Whether O*NET flags the skill Not Relevant: most raters found it not important here, so the level means
    little."""
    recommend_suppress: bool
    """Whether O*NET recommends caution with the level, because its raters disagree widely."""
    date_updated: str | None
    """Month of the rating or prediction, `YYYY-MM`; null if unknown."""
    source: str
    """Source of the level: `text` (a text release), `api` (O*NET Web Services) or `llm` (a prediction)."""
    explanation: str | None
    """Basis of a prediction, in words; null for analysts' ratings."""
    anchors: LevelAnchors | None
    """O*NET's examples around the level; null if the level is missing or no examples are loaded."""


@dataclass(frozen=True)
class OccupationDetails:
    """One occupation with its provenance."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    provenance: Provenance
    """Source and license of the figures."""


@dataclass(frozen=True)
class OccupationList:
    """A page of occupations, ordered by code, or best match first for a search."""

    __pydantic_config__ = DOCUMENTED

    items: list[ListedOccupation]
    """The occupations of this page."""
    total: int
    """Number of matching occupations on all pages."""
    provenance: Provenance
    """Source and license of the figures."""


@dataclass(frozen=True)
class OccupationSkills:
    """The skills of one occupation, most important first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    skills: list[SkillRating]
    """Skills in order: relevant ones first, then by importance and level; predicted ones by level."""
    provenance: Provenance
    """Source and license of the figures."""


@dataclass(frozen=True)
class LevelMeaning:
    """Meaning of a level of one element, in O*NET's examples."""

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element id."""
    element_name: str
    """O*NET's name for the element."""
    level: float
    """The requested level, 0 to 7."""
    in_words: str
    """The level in words: the examples on either side of it."""
    around: LevelAnchors | None
    """The examples on either side of the level; null if the loaded release has none."""
    scale: list[Anchor]
    """All of O*NET's examples for this element, levels ascending."""
    provenance: Provenance
    """Source and license of the examples."""
