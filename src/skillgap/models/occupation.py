"""Occupations and the ratings of their skills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skillgap.models.documented import DOCUMENTED
from skillgap.models.provenance import Provenance

RatingsChoice = Literal["onet", "llm", "onet+llm"]
"""Whose levels to use: the analysts', a language model's predictions, or predictions where analysts rated nothing."""


TitleKind = Literal["title", "alternate", "reported"]
"""O*NET's title of an occupation, an alternate title, or one that incumbents reported."""


Match = Literal["code", "exact", "prefix", "words", "similar"]
"""How an occupation was found: by its code, a whole title, the beginning of one, words of one, or words like it."""


@dataclass(frozen=True)
class Occupation:
    """One occupation of the O*NET-SOC taxonomy."""

    __pydantic_config__ = DOCUMENTED

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
class ListedOccupation:
    """One occupation of a list, and how it came to be there."""

    __pydantic_config__ = DOCUMENTED

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

    __pydantic_config__ = DOCUMENTED

    anchor_value: int
    """The level, a whole number."""
    anchor_description: str
    """What somebody of that level can do."""


@dataclass(frozen=True)
class LevelAnchors:
    """The two examples between which a level stands."""

    __pydantic_config__ = DOCUMENTED

    lower: Anchor | None
    """The highest one that does not exceed the level; null below the first."""
    upper: Anchor | None
    """The lowest one above the level; null from the last on."""

    def in_words(self) -> str:
        """Return the examples as words: `between “…” (2) and “…” (4)`."""
        lower, upper = (
            f"“{anchor.anchor_description}” ({anchor.anchor_value})" if anchor else None
            for anchor in (self.lower, self.upper)
        )
        if lower and upper:
            return f"between {lower} and {upper}"
        return f"below {upper}" if upper else f"{lower} or above"


@dataclass(frozen=True)
class SkillRating:
    """How much of one skill an occupation needs: O*NET's level and importance with what is known of each.

    Knowledge, abilities and work activities are rated in the same way, and are called skills here.
    """

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
    domain: str
    """The domain of O*NET that it belongs to, such as `skills`."""
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
class OccupationDetails:
    """One occupation."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class OccupationList:
    """A page of occupations: codes ascending, or the best match first."""

    __pydantic_config__ = DOCUMENTED

    items: list[ListedOccupation]
    """The page's occupations."""
    total: int
    """Occupations that match, on all pages."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class OccupationSkills:
    """The skills of one occupation, most important first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    skills: list[SkillRating]
    """Its skills: relevant ones first, then by importance and level; predicted ones by level."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class LevelMeaning:
    """What a level of an element means."""

    __pydantic_config__ = DOCUMENTED

    element_id: str
    """O*NET element."""
    element_name: str
    """O*NET's name of it."""
    level: float
    """The level that was asked for, 0 to 7."""
    in_words: str
    """Between which of O*NET's examples it stands."""
    around: LevelAnchors | None
    """These examples; null where the loaded release has none."""
    scale: list[Anchor]
    """All of O*NET's examples for this element."""
    provenance: Provenance
    """Where the examples come from."""
