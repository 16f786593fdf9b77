"""The values that travel between the rings.

Attribute docstrings are also the field descriptions of the HTTP API's document: each fact is written once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, NewType

from skillgap.errors import InvalidCode

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


@dataclass(frozen=True)
class SkillRating:
    """How much of one skill an occupation needs: O*NET's level and importance with what is known of each."""

    __pydantic_config__ = _DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
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


# Not frozen: a report holds up to 35 of these, and the guard would cost more time than the statistics.
@dataclass
class SkillGap:
    """One skill whose level differs between the two occupations."""

    __pydantic_config__ = _DOCUMENTED

    element_id: str
    """O*NET element, e.g. `2.A.1.a`."""
    element_name: str
    """O*NET's name of the skill."""
    scale_id: str
    """Scale of the levels: `LV`, 0-7."""
    from_data_value: float | None
    """Level in the current occupation as O*NET prints it (two decimals of an eighth), or predicted where
    `from_source` is `llm`; null when neither is there."""
    to_data_value: float | None
    """Level in the target occupation, likewise."""
    gap: float
    """Target minus current in level points, computed on the exact eighths; a missing level counts as 0."""
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
    distinguishable: bool
    """Whether the difference stands out from rater noise: Benjamini-Hochberg at 5 % over the skills compared."""
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
    """Where the current level comes from: `text`, `api`, or `llm` for a prediction."""
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
    """Skills with a level on both sides; the significance tests correct for this many comparisons."""
    gaps: int
    """Skills in which the target's level is higher (rows of `skill_gaps`)."""
    distinguishable_gaps: int
    """Gaps that stand out from rater noise."""
    surplus: int
    """Skills in which the current level is higher (rows of `surplus_skills`)."""
    distinguishable_surplus: int
    """Surplus skills that stand out from rater noise."""
    weighted_shortfall: float
    """Mean of the gaps in level points, weighted by importance in the target, over the skills relevant there
    (a skill without a gap counts as 0). Where levels are predicted, importance is what they usually go with."""
    shortfall_percentile: float
    """Share of all ordered pairs of occupations rated by analysts with a smaller weighted shortfall, in percent:
    0 is the easiest move there is, 50 an ordinary one."""


@dataclass(frozen=True)
class GapReport:
    """What stands between two occupations: the gaps, what one brings beyond, and the sum of it."""

    __pydantic_config__ = _DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    summary: GapSummary
    """The pair in a few numbers."""
    skill_gaps: list[SkillGap]
    """Skills in which the target's level is higher: distinguishable first, then by importance x gap."""
    surplus_skills: list[SkillGap]
    """Skills in which the current level is higher (gap below 0), in the same order."""
    provenance: Provenance
    """Where the figures come from."""


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
