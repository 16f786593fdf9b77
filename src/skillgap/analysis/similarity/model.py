"""Similarity of occupations, from their titles, tasks, skills, knowledge and interests.

A similar occupation is not the same as an easy move: the smallest shortfalls belong to undemanding jobs. Occupations
are therefore ranked by similarity, and the gap is shown next to it. Each measure compares all pairs of occupations by
one input. A logistic regression, fitted beforehand to O*NET's Related Occupations (`benchmarks/transitions.py`),
combines the measures and the ranks they give; the list itself is not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.memo import cached_property
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import floored
from skillgap.analysis.similarity.profiles import Profile, interests_of, standardized
from skillgap.analysis.similarity.tfidf import stems, text_similarity
from skillgap.errors import UnratedOccupation
from skillgap.models import TransitionBasis

_MOST_SIMILAR = 10
"""Number of similar occupations whose mean replaces missing knowledge ratings."""


@dataclass(frozen=True)
class Recipe:
    """A fitted model: the measures it combines, and their weights."""

    name: str
    inputs: tuple[str, ...]
    """Names from INPUTS."""
    weights: Mapping[str, tuple[float, ...]]
    """By measure: weights of its value, and of -ln(rank) in both directions."""
    intercept: float
    release: str
    """O*NET release whose Related Occupations the model was fitted to."""
    recall_at_10: float
    """Share of O*NET's ten primary related occupations among the ten most similar, cross-validated by occupation."""

    def contribution(self, name: str, similarity: FloatArray) -> npt.NDArray[np.float32]:
        """Return what a measure adds to the log odds of all pairs: (from, to)."""
        total = np.zeros(similarity.shape, dtype=np.float32)
        values = terms(similarity, is_categorical=MEASURES[name].is_categorical)
        for weight, value in zip(self.weights[name], values, strict=True):
            total += np.float32(weight) * value
        return total


@dataclass(frozen=True, eq=False)
class Similarity:
    """The similarity of all pairs of occupations with levels."""

    codes: tuple[str, ...]
    log_odds: npt.NDArray[np.float32]
    """(from, to): log odds that O*NET lists `to` among the ten most related to `from`; -inf on the diagonal."""
    order: npt.NDArray[np.int16]
    """(from, rank): rows of the other occupations, most similar first; ties by code."""
    recipe: Recipe
    rated: Rated
    """The ratings used."""
    errors: Rated
    """Their standard errors."""
    related: Mapping[str, Mapping[str, str]]
    """O*NET's own list, if loaded: for each code, tier by related code. Not used for `log_odds`."""

    def scores(self, row: int) -> FloatArray:
        """Return the row of `log_odds` of one occupation as probabilities."""
        probabilities: FloatArray = 1.0 / (1.0 + np.exp(-self.log_odds[row].astype(np.float64)))
        return probabilities

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each occupation by code."""
        return {code: row for row, code in enumerate(self.codes)}

    def row(self, onet_soc_code: str, ratings: Ratings) -> int:
        """Return an occupation's row. Raises NoData, UnknownOccupation, UnratedOccupation."""
        ratings.row(onet_soc_code)
        if onet_soc_code not in self.rows:
            raise UnratedOccupation(
                f"no similar occupations are known for {onet_soc_code}: the text release has no such occupation "
                "with rated or predicted levels",
                onet_soc_code=onet_soc_code,
            )
        return self.rows[onet_soc_code]

    def rows_in(self, ratings: Ratings) -> npt.NDArray[np.intp]:
        """Return the row of each occupation in `ratings`, -1 if it has no levels there."""
        return np.array([ratings.rows.get(code, -1) for code in self.codes], dtype=np.intp)

    @property
    def basis(self) -> TransitionBasis:
        """The inputs and quality of the model, as shown with answers."""
        return TransitionBasis(
            name=self.recipe.name,
            inputs=list(self.recipe.inputs),
            recall_at_10=self.recipe.recall_at_10,
            release=self.recipe.release,
        )


def compute_similarity(profiles: Mapping[str, Profile], ratings: Ratings) -> Similarity:
    """Compute the similarity of all pairs by the best recipe whose inputs are loaded; `ratings` cover all domains."""
    inputs = SimilarityInputs(profiles, ratings)
    recipe = next((recipe for recipe in recipes() if inputs.available.issuperset(recipe.inputs)), None)
    count = len(inputs.codes)
    if recipe is None or count < 2:
        nothing, no_order = np.empty((0, 0), np.float32), np.empty((0, 0), np.int16)
        return Similarity((), nothing, no_order, _NO_RECIPE, inputs.rated, inputs.errors, {})
    total = np.full((count, count), recipe.intercept, dtype=np.float32)
    for name in recipe.weights:
        total += recipe.contribution(name, MEASURES[name].compute(inputs))
    np.fill_diagonal(total, -np.inf)
    order = np.argsort(-total, axis=1, kind="stable")[:, :-1].astype(np.int16)
    related = {profile.onet_soc_code: profile.related for profile in inputs.profiles}
    return Similarity(inputs.codes, total, order, recipe, inputs.rated, inputs.errors, related)


_NO_RECIPE = Recipe(name="nothing", inputs=(), weights={}, intercept=0.0, release="", recall_at_10=0.0)


@lru_cache(maxsize=1)
def recipes() -> tuple[Recipe, ...]:
    """Return the fitted models, best first."""
    fitted = json.loads((files("skillgap.analysis.similarity") / "model.json").read_text())
    return tuple(
        Recipe(
            **{
                **recipe,
                "inputs": tuple(recipe["inputs"]),
                "weights": {name: tuple(weights) for name, weights in recipe["weights"].items()},
            }
        )
        for recipe in fitted
    )


def terms(similarity: FloatArray, *, is_categorical: bool) -> list[npt.NDArray[np.float32]]:
    """Return the regression terms of a measure: its value and -ln(rank) in both directions.

    A categorical measure has too few distinct values to rank by, so it has its value only.
    """
    value = similarity.astype(np.float32)
    if is_categorical:
        return [value]
    rank = _log_ranks(value)
    return [value, rank, _log_ranks(value.T).T]


def _log_ranks(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return -ln(rank) of each column in its row, rank 1 for the largest; the diagonal does not count."""
    others = value.copy()
    np.fill_diagonal(others, -np.inf)
    order = np.argsort(-others, axis=1)
    ranks = np.empty_like(value)
    logs = -np.log(np.arange(1.0, value.shape[1] + 1)).astype(np.float32)
    np.put_along_axis(ranks, order, logs[None, :], axis=1)
    return ranks


class Rated(NamedTuple):
    """The ratings that measures use: (occupations, elements)."""

    level: FloatArray
    """Levels of skills."""
    importance: FloatArray
    """Importance of skills."""
    knowledge: FloatArray
    """Importance of knowledge areas."""


# -- inputs and measures ------------------------------------------------------------------------------------------


class SimilarityInputs:
    """The data of the occupations with levels that measures compare."""

    def __init__(self, profiles: Mapping[str, Profile], ratings: Ratings) -> None:
        self.skills = ratings.of_domain("skills")
        self.knowledge = ratings.of_domain("knowledge")
        self.codes = tuple(code for code in self.skills.codes if code in profiles)
        self._rows = np.array([self.skills.rows[code] for code in self.codes], dtype=np.intp)
        self.profiles = [profiles[code] for code in self.codes]

    @property
    def available(self) -> set[str]:
        """The names of the loaded INPUTS."""
        return {name for name, is_available in INPUTS.items() if is_available(self)}

    def texts(self, texts_of: Callable[[Profile], Sequence[str]]) -> FloatArray:
        """Return the similarity of some texts of all pairs of occupations."""
        return text_similarity([stems(texts_of(profile)) for profile in self.profiles])

    @cached_property
    def all_words(self) -> FloatArray:
        """Similarity of all texts of occupations together."""
        return self.texts(_all_texts)

    @cached_property
    def rated(self) -> Rated:
        """The ratings, levels 0 where missing."""
        skills, rows = self.skills, self._rows
        return Rated(skills.level_or_zero[rows], skills.usual_importance[rows], self._knowledge())

    @cached_property
    def errors(self) -> Rated:
        """The standard errors of the ratings; NaN where missing."""
        skills, rows, knowledge = self.skills, self._rows, self.knowledge
        errors = {
            "level": floored(skills.standard_error, skills.raters)[rows],
            "importance": floored(skills.importance_standard_error, skills.importance_n)[rows],
        }
        knowledge_error = np.full((len(self.codes), len(knowledge.element_ids)), np.nan)
        self._spread(floored(knowledge.importance_standard_error, knowledge.importance_n), knowledge_error)
        return Rated(**errors, knowledge=knowledge_error)

    def _spread(self, values: FloatArray, out: FloatArray) -> None:
        """Copy rows of knowledge into the order of the occupations."""
        for i, code in enumerate(self.codes):
            if code in self.knowledge.rows:
                out[i] = values[self.knowledge.rows[code]]

    def _knowledge(self) -> FloatArray:
        """Return the importance of knowledge; unrated occupations get the mean of those with the most similar texts."""
        importance = np.full((len(self.codes), len(self.knowledge.element_ids)), np.nan)
        self._spread(self.knowledge.importance, importance)
        is_missing = np.isnan(importance).any(axis=1)
        rated = np.flatnonzero(~is_missing)
        for row in np.flatnonzero(is_missing) if len(rated) else ():
            similar = rated[np.argsort(-self.all_words[row, rated], kind="stable")[:_MOST_SIMILAR]]
            importance[row] = importance[similar].mean(axis=0)
        return importance


def _all_texts(profile: Profile) -> list[str]:
    return [profile.title, profile.description, *profile.tasks, *profile.alternate_titles]


INPUTS: dict[str, Callable[[SimilarityInputs], bool]] = {
    "skills": lambda inputs: bool(inputs.codes) and inputs.skills.has_importance,
    "levels of skills": lambda inputs: bool(inputs.codes),
    "SOC groups": lambda inputs: bool(inputs.codes),
    "titles": lambda inputs: bool(inputs.codes),
    "descriptions": lambda inputs: any(profile.description for profile in inputs.profiles),
    "tasks": lambda inputs: any(profile.tasks for profile in inputs.profiles),
    "alternate titles": lambda inputs: any(profile.alternate_titles for profile in inputs.profiles),
    "knowledge": lambda inputs: inputs.knowledge.has_importance,
    "interests": lambda inputs: any(profile.interests for profile in inputs.profiles),
    "Job Zones": lambda inputs: any(profile.job_zone for profile in inputs.profiles),
    "technology": lambda inputs: any(profile.technologies for profile in inputs.profiles),
}
"""The possible inputs of a model, each with a check of whether it is loaded."""


@dataclass(frozen=True)
class Measure:
    """A similarity measure: compares some inputs for all pairs of occupations."""

    inputs: tuple[str, ...]
    compute: Callable[[SimilarityInputs], FloatArray]
    is_categorical: bool = False
    """It has too few distinct values to rank by."""


def units(values: FloatArray) -> FloatArray:
    """Scale each row to length 1; rows of zeros stay zero."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    scaled: FloatArray = values / np.where(lengths > 0, lengths, 1.0)
    return scaled


def cosine(values: FloatArray) -> FloatArray:
    """Return the cosine of all pairs of rows, 0 for rows of zeros."""
    scaled = units(values)
    similarity: FloatArray = scaled @ scaled.T
    return similarity


def _zones(inputs: SimilarityInputs) -> FloatArray:
    zones = np.array([profile.job_zone or np.nan for profile in inputs.profiles], dtype=np.float64)
    steps: FloatArray = -np.abs(zones[:, None] - zones[None, :])
    return np.nan_to_num(steps, nan=-1.0)


def _same_group(digits: int) -> Callable[[SimilarityInputs], FloatArray]:
    def same(inputs: SimilarityInputs) -> FloatArray:
        groups = np.array([code.replace("-", "")[:digits] for code in inputs.codes])
        similarity: FloatArray = np.equal.outer(groups, groups).astype(np.float64)
        return similarity

    return same


RATING_VECTORS: dict[str, Callable[[Rated], FloatArray]] = {
    "skills": lambda rated: rated.level * rated.importance,
    "levels": lambda rated: standardized(rated.level),
    "knowledge": lambda rated: rated.knowledge,
    "knowledge profile": lambda rated: rated.knowledge - rated.knowledge.mean(axis=0),
}
"""The vectors of ratings that are compared by their cosine. These measures contain rater noise."""


def _cosine_of(name: str) -> Callable[[SimilarityInputs], FloatArray]:
    return lambda inputs: cosine(RATING_VECTORS[name](inputs.rated))


MEASURES: dict[str, Measure] = {
    "skills": Measure(("skills",), _cosine_of("skills")),
    "levels": Measure(("levels of skills",), _cosine_of("levels")),
    "major group": Measure(("SOC groups",), _same_group(2), is_categorical=True),
    "minor group": Measure(("SOC groups",), _same_group(4), is_categorical=True),
    "title": Measure(("titles",), lambda inputs: inputs.texts(lambda profile: [profile.title])),
    "description": Measure(
        ("titles", "descriptions"), lambda inputs: inputs.texts(lambda profile: [profile.title, profile.description])
    ),
    "description alone": Measure(("descriptions",), lambda inputs: inputs.texts(lambda profile: [profile.description])),
    "tasks": Measure(("tasks",), lambda inputs: inputs.texts(lambda profile: profile.tasks)),
    "titles": Measure(
        ("titles", "alternate titles"),
        lambda inputs: inputs.texts(
            lambda profile: [profile.title, *profile.alternate_titles, *profile.reported_titles]
        ),
    ),
    "words": Measure(("titles", "descriptions", "tasks", "alternate titles"), lambda inputs: inputs.all_words),
    "knowledge": Measure(("knowledge",), _cosine_of("knowledge")),
    "knowledge profile": Measure(("knowledge",), _cosine_of("knowledge profile")),
    "interests": Measure(("interests",), lambda inputs: cosine(np.nan_to_num(interests_of(inputs.profiles)))),
    "job zone": Measure(("Job Zones",), _zones, is_categorical=True),
    "technology": Measure(("technology",), lambda inputs: inputs.texts(lambda profile: profile.technologies)),
}
"""All measures by name; a recipe uses some of them."""
