"""Which occupations are near which: what people are called, do and know there, weighed as O*NET's own list weighs it.

Near is not the same as easy: the smallest shortfalls belong to undemanding jobs. So the rank comes from likeness, and
the gap is shown beside it. Likenesses of single inputs, and the places that they give, are put together by a logistic
regression on O*NET's Related Occupations, fitted beforehand (`benchmarks/transitions.py`); the list itself is not read.
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
from skillgap.analysis.similarity.profiles import Profile, interests_of, standardised
from skillgap.analysis.similarity.tfidf import alikeness, stems
from skillgap.errors import UnratedOccupation
from skillgap.models import TransitionBasis

_MOST_ALIKE = 10
"""Occupations whose mean stands in for ratings that one lacks."""


@dataclass(frozen=True)
class Recipe:
    """A fitted score: which likenesses it puts together, and how."""

    name: str
    inputs: tuple[str, ...]
    """Of INPUTS."""
    weights: Mapping[str, tuple[float, ...]]
    """By likeness: of its value, of the place it gives the other occupation, and of the place the other one gives."""
    intercept: float
    release: str
    """O*NET release whose Related Occupations it was fitted to."""
    recall_at_10: float
    """Share of O*NET's ten primary related occupations that are among the first ten, cross-validated by occupation."""

    def weighed(self, name: str, alike: FloatArray) -> npt.NDArray[np.float32]:
        """Return what a likeness adds to the log odds of all pairs."""
        total = np.zeros(alike.shape, dtype=np.float32)
        for weight, part in zip(self.weights[name], parts(alike, flat=LIKENESSES[name].is_flat), strict=True):
            total += np.float32(weight) * part
        return total


@dataclass(frozen=True, eq=False)
class Similarity:
    """The score of every pair of occupations that have levels."""

    codes: tuple[str, ...]
    log_odds: npt.NDArray[np.float32]
    """(from, to): that O*NET lists the second among the ten nearest of the first; -inf on the diagonal."""
    order: npt.NDArray[np.int16]
    """(from, place): the others' rows, nearest first; ties by code."""
    recipe: Recipe
    rated: Rated
    """The ratings that it is made from, and their errors."""
    errors: Rated
    related: Mapping[str, Mapping[str, str]]
    """O*NET's own list, where loaded: tier by code, by code. The score does not read it."""

    def scores(self, row: int) -> FloatArray:
        """Return one occupation's row of `log_odds` as chances."""
        chances: FloatArray = 1.0 / (1.0 + np.exp(-self.log_odds[row].astype(np.float64)))
        return chances

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each occupation."""
        return {code: row for row, code in enumerate(self.codes)}

    def row(self, onet_soc_code: str, ratings: Ratings) -> int:
        """Return an occupation's row. Raises NoData, UnknownOccupation, UnratedOccupation."""
        ratings.row(onet_soc_code)
        if onet_soc_code not in self.rows:
            raise UnratedOccupation(
                f"nothing tells which occupations are near {onet_soc_code}: it is not among those of the text release "
                "whose levels are rated or predicted",
                onet_soc_code=onet_soc_code,
            )
        return self.rows[onet_soc_code]

    def places_in(self, ratings: Ratings) -> npt.NDArray[np.intp]:
        """Return the row in ratings of each occupation, -1 where it has no levels there."""
        return np.array([ratings.rows.get(code, -1) for code in self.codes], dtype=np.intp)

    @property
    def basis(self) -> TransitionBasis:
        """What the score is made of, for whoever shows it."""
        of = self.recipe
        return TransitionBasis(of.name, list(of.inputs), of.recall_at_10, of.release)


def compute_similarity(profiles: Mapping[str, Profile], ratings: Ratings) -> Similarity:
    """Return the score of all pairs by the best recipe whose inputs are loaded; `ratings` are of all domains."""
    known = Known(profiles, ratings)
    recipe = next((each for each in recipes() if known.inputs.issuperset(each.inputs)), None)
    count = len(known.codes)
    if recipe is None or count < 2:
        nothing, no_order = np.empty((0, 0), np.float32), np.empty((0, 0), np.int16)
        return Similarity((), nothing, no_order, _NOTHING, known.rated, known.errors, {})
    total = np.full((count, count), recipe.intercept, dtype=np.float32)
    for name in recipe.weights:
        total += recipe.weighed(name, LIKENESSES[name].of(known))
    np.fill_diagonal(total, -np.inf)
    order = np.argsort(-total, axis=1, kind="stable")[:, :-1].astype(np.int16)
    related = {profile.onet_soc_code: profile.related for profile in known.profiles}
    return Similarity(known.codes, total, order, recipe, known.rated, known.errors, related)


_NOTHING = Recipe(name="nothing", inputs=(), weights={}, intercept=0.0, release="", recall_at_10=0.0)


@lru_cache(maxsize=1)
def recipes() -> tuple[Recipe, ...]:
    """Return the fitted scores, the best first."""
    fitted = json.loads((files("skillgap.analysis.similarity") / "model.json").read_text())
    return tuple(
        Recipe(
            **{
                **each,
                "inputs": tuple(each["inputs"]),
                "weights": {name: tuple(weights) for name, weights in each["weights"].items()},
            }
        )
        for each in fitted
    )


def parts(alike: FloatArray, *, flat: bool) -> list[npt.NDArray[np.float32]]:
    """Return what of a likeness is weighed: its value and, unless few pairs differ in it, -ln of both places."""
    value = alike.astype(np.float32)
    if flat:
        return [value]
    place = _places(value)
    return [value, place, _places(value.T).T]


def _places(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return -ln(place) of each column in its row, 1 for the largest; the diagonal does not count."""
    others = value.copy()
    np.fill_diagonal(others, -np.inf)
    order = np.argsort(-others, axis=1)
    place = np.empty_like(value)
    logs = -np.log(np.arange(1.0, value.shape[1] + 1)).astype(np.float32)
    np.put_along_axis(place, order, logs[None, :], axis=1)
    return place


class Rated(NamedTuple):
    """Ratings that likenesses are made from: (occupations, elements)."""

    level: FloatArray
    """Of skills."""
    importance: FloatArray
    knowledge: FloatArray
    """Importance of areas of knowledge."""


# -- the inputs, and how alike they make two occupations ----------------------------------------------------------


class Known:
    """What is known of the occupations that have levels; what is asked for twice is computed once."""

    def __init__(self, profiles: Mapping[str, Profile], ratings: Ratings) -> None:
        self.skills = ratings.of_domain("skills")
        self.knowledge = ratings.of_domain("knowledge")
        self.codes = tuple(code for code in self.skills.codes if code in profiles)
        self._rows = np.array([self.skills.rows[code] for code in self.codes], dtype=np.intp)
        self.profiles = [profiles[code] for code in self.codes]

    @property
    def inputs(self) -> set[str]:
        """Return which of INPUTS are there."""
        return {name for name, is_there in INPUTS.items() if is_there(self)}

    def texts(self, of: Callable[[Profile], Sequence[str]]) -> FloatArray:
        """Return how alike the words of occupations are."""
        return alikeness([stems(of(profile)) for profile in self.profiles])

    @cached_property
    def all_words(self) -> FloatArray:
        """How alike all that is said of occupations is."""
        return self.texts(_everything)

    @cached_property
    def rated(self) -> Rated:
        """What is rated, 0 where there is no level."""
        skills, rows = self.skills, self._rows
        return Rated(skills.level_or_zero[rows], skills.usual_importance[rows], self._of_knowledge())

    @cached_property
    def errors(self) -> Rated:
        """The standard errors of what is rated; NaN where there is none."""
        skills, rows, knowledge = self.skills, self._rows, self.knowledge
        errors = {
            "level": floored(skills.standard_error, skills.raters)[rows],
            "importance": floored(skills.importance_standard_error, skills.importance_n)[rows],
        }
        found = np.full((len(self.codes), len(knowledge.element_ids)), np.nan)
        self._spread(floored(knowledge.importance_standard_error, knowledge.importance_n), found)
        return Rated(**errors, knowledge=found)

    def _spread(self, values: FloatArray, out: FloatArray) -> None:
        """Put rows of knowledge in the order of the occupations."""
        for i, code in enumerate(self.codes):
            if code in self.knowledge.rows:
                out[i] = values[self.knowledge.rows[code]]

    def _of_knowledge(self) -> FloatArray:
        """Return the importance of knowledge; of an occupation without ratings the mean of those with like words."""
        found = np.full((len(self.codes), len(self.knowledge.element_ids)), np.nan)
        self._spread(self.knowledge.importance, found)
        lacks = np.isnan(found).any(axis=1)
        has = np.flatnonzero(~lacks)
        for row in np.flatnonzero(lacks) if len(has) else ():
            nearest = has[np.argsort(-self.all_words[row, has], kind="stable")[:_MOST_ALIKE]]
            found[row] = found[nearest].mean(axis=0)
        return found


def _everything(profile: Profile) -> list[str]:
    return [profile.title, profile.description, *profile.tasks, *profile.alternate_titles]


INPUTS: dict[str, Callable[[Known], bool]] = {
    "skills": lambda known: bool(known.codes) and known.skills.has_importance,
    "levels of skills": lambda known: bool(known.codes),
    "SOC groups": lambda known: bool(known.codes),
    "titles": lambda known: bool(known.codes),
    "descriptions": lambda known: any(profile.description for profile in known.profiles),
    "tasks": lambda known: any(profile.tasks for profile in known.profiles),
    "alternate titles": lambda known: any(profile.alternate_titles for profile in known.profiles),
    "knowledge": lambda known: known.knowledge.has_importance,
    "interests": lambda known: any(profile.interests for profile in known.profiles),
    "Job Zones": lambda known: any(profile.job_zone for profile in known.profiles),
    "technology": lambda known: any(profile.technologies for profile in known.profiles),
}
"""What a score may be made of, and how to see whether it is loaded."""


@dataclass(frozen=True)
class Likeness:
    """How alike one input makes all pairs of occupations."""

    inputs: tuple[str, ...]
    of: Callable[[Known], FloatArray]
    is_flat: bool = False
    """It has few different values, so that places by it would mean nothing."""


def units(values: FloatArray) -> FloatArray:
    """Return each row with length 1, or 0 where it has none."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    found: FloatArray = values / np.where(lengths > 0, lengths, 1.0)
    return found


def cosine(values: FloatArray) -> FloatArray:
    """Return the cosine of all pairs of rows, 0 where one has no length."""
    ones = units(values)
    alike: FloatArray = ones @ ones.T
    return alike


def _zones(known: Known) -> FloatArray:
    zones = np.array([profile.job_zone or np.nan for profile in known.profiles], dtype=np.float64)
    steps: FloatArray = -np.abs(zones[:, None] - zones[None, :])
    return np.nan_to_num(steps, nan=-1.0)


def _same_group(digits: int) -> Callable[[Known], FloatArray]:
    def same(known: Known) -> FloatArray:
        groups = np.array([code.replace("-", "")[:digits] for code in known.codes])
        alike: FloatArray = np.equal.outer(groups, groups).astype(np.float64)
        return alike

    return same


OF_RATINGS: dict[str, Callable[[Rated], FloatArray]] = {
    "skills": lambda rated: rated.level * rated.importance,
    "levels": lambda rated: standardised(rated.level),
    "knowledge": lambda rated: rated.knowledge,
    "knowledge profile": lambda rated: rated.knowledge - rated.knowledge.mean(axis=0),
}
"""What of ratings is compared by its cosine: these likenesses have rater noise in them."""


def _of_ratings(name: str) -> Callable[[Known], FloatArray]:
    return lambda known: cosine(OF_RATINGS[name](known.rated))


LIKENESSES: dict[str, Likeness] = {
    "skills": Likeness(("skills",), _of_ratings("skills")),
    "levels": Likeness(("levels of skills",), _of_ratings("levels")),
    "major group": Likeness(("SOC groups",), _same_group(2), is_flat=True),
    "minor group": Likeness(("SOC groups",), _same_group(4), is_flat=True),
    "title": Likeness(("titles",), lambda known: known.texts(lambda profile: [profile.title])),
    "description": Likeness(
        ("titles", "descriptions"), lambda known: known.texts(lambda profile: [profile.title, profile.description])
    ),
    "description alone": Likeness(("descriptions",), lambda known: known.texts(lambda profile: [profile.description])),
    "tasks": Likeness(("tasks",), lambda known: known.texts(lambda profile: profile.tasks)),
    "titles": Likeness(
        ("titles", "alternate titles"),
        lambda known: known.texts(lambda profile: [profile.title, *profile.alternate_titles, *profile.reported_titles]),
    ),
    "words": Likeness(("titles", "descriptions", "tasks", "alternate titles"), lambda known: known.all_words),
    "knowledge": Likeness(("knowledge",), _of_ratings("knowledge")),
    "knowledge profile": Likeness(("knowledge",), _of_ratings("knowledge profile")),
    "interests": Likeness(("interests",), lambda known: cosine(np.nan_to_num(interests_of(known.profiles)))),
    "job zone": Likeness(("Job Zones",), _zones, is_flat=True),
    "technology": Likeness(("technology",), lambda known: known.texts(lambda profile: profile.technologies)),
}
