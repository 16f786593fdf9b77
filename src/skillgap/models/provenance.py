"""Source and license of the figures of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.documented import DOCUMENTED


@dataclass(frozen=True)
class Predictions:
    """The model behind predicted levels, and its accuracy on occupations rated by analysts.

    Accuracy is cross-validated: each occupation is predicted without its own ratings. *Random* folds train on nine
    tenths of the occupations; *grouped* folds train on other SOC major groups only, without similar occupations.
    """

    __pydantic_config__ = DOCUMENTED

    model: str
    """Name of the model."""
    prompt_version: str
    """Version of its prompt or recipe."""
    release: str | None
    """O*NET release whose ratings the model was fitted to; null if unknown."""
    occupations_judged: int | None
    """Number of rated occupations behind the accuracy figures; null if not evaluated."""
    mae_random: float | None
    """Mean absolute error in level points, random folds; null if not evaluated."""
    mae_grouped: float | None
    """Mean absolute error in level points, grouped folds; null if not evaluated."""
    bias: float | None
    """Mean of predicted minus rated in level points, grouped folds; null if not evaluated."""
    coverage: float | None
    """Share of ratings within their predicted 95 % interval, 0 to 1, grouped folds; null if not evaluated."""


@dataclass(frozen=True)
class Provenance:
    """Source and license of the figures of an answer, with the credit that the license requires."""

    __pydantic_config__ = DOCUMENTED

    release: str | None
    """O*NET release loaded from text files, e.g. `29.0`; null if none is loaded."""
    release_date: str | None
    """Month of that release, `YYYY-MM`; null if unknown."""
    web_services_release: str | None
    """O*NET release served by O*NET Web Services at the last fetch; null if nothing was fetched."""
    data_version: str
    """Version of the figures: changes whenever they change."""
    sources: list[str]
    """Sources of the figures: `text` (a text release), `api` (O*NET Web Services), `llm` (predictions)."""
    predictions: Predictions | None
    """The model behind levels with source `llm`; null if none are used."""
    attribution: str
    """Credit required by O*NET's license. Show it with the figures."""
    modification: str
    """Statement that O*NET's license requires for derived figures."""
    licence: str
    """URL of the license of O*NET's data."""
