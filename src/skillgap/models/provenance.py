"""Where the figures of an answer come from."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.documented import DOCUMENTED


@dataclass(frozen=True)
class Predictions:
    """The model behind predicted levels, and how good it is on occupations that analysts have rated.

    Each of those was predicted without its own ratings. *Random*: from nine tenths of the others; *grouped*: from
    other SOC major groups alone, so from nothing of its kind.
    """

    __pydantic_config__ = DOCUMENTED

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

    __pydantic_config__ = DOCUMENTED

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
