"""How good derived levels are: every rated occupation predicted from others, beside what needs no model.

Folds are random, or whole SOC major groups: then nothing of an occupation's kind is trained on. No occupation is ever
judged by a model that has seen its ratings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.similarity.profiles import Profile
from skillgap.llm.prediction import Prediction
from skillgap.llm.ridge import WEIGHTS, combined, kernels, predict
from skillgap.llm.training_data import Levels, TrainingData

_FOLDS = 10
_SEED = 29
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Score:
    """How one model does on one kind of folds."""

    model: str
    folds: str
    """`random` or `grouped`."""
    occupations: int
    """Rated occupations that were predicted."""
    mae: float
    """Mean absolute error, level points."""
    bias: float
    """Mean of predicted minus rated, level points."""
    pearson: float
    spearman: float
    within_skill: float
    """Mean over the skills of Pearson's r between occupations: what telling skills apart cannot fake."""
    coverage: float | None
    """Share of ratings within their 95 % interval; None for what gives no interval."""
    seconds: float
    spread: float | None = None
    """Mean absolute difference of two runs, level points."""
    tokens: int | None = None
    """In and out, of a generative model."""
    cost_usd: float | None = None


Model = Callable[[Rows, Rows], Prediction]
"""Predicts the rows of Levels given second from those given first."""


def evaluate(training_data: TrainingData, states: FloatArray | None = None) -> Iterator[Score]:
    """Score baselines and embedded models, each by both kinds of folds; `states` are of the rated occupations."""
    levels = training_data.levels
    profiles = [training_data.profiles[code] for code in levels.codes]
    for name, model in _models(profiles, levels, states):
        for folds, fold in both_folds(levels.codes).items():
            started = time.perf_counter()
            predicted = out_of_fold(model, fold, levels.level)
            seconds = time.perf_counter() - started
            again = model(np.flatnonzero(fold), np.flatnonzero(fold == 0)).level
            spread = float(np.abs(again - predicted.level[fold == 0]).mean())
            yield replace(judged(name, folds, predicted, levels.level, seconds), spread=spread)


def both_folds(codes: Sequence[str]) -> dict[str, Rows]:
    """Return the fold of each occupation, by kind of folds."""
    return {"random": random_folds(len(codes)), "grouped": group_folds(codes)}


def random_folds(count: int) -> Rows:
    """Return the fold of each of `count` occupations."""
    return np.random.default_rng(_SEED).permutation(count) % _FOLDS


def group_folds(codes: Sequence[str]) -> Rows:
    """Return the fold of each occupation: its SOC major group, the first two digits."""
    return np.unique([code[:2] for code in codes], return_inverse=True)[1]


def _models(profiles: Sequence[Profile], levels: Levels, states: FloatArray | None) -> Iterator[tuple[str, Model]]:
    level = levels.level
    zones = np.array([profile.job_zone or 0 for profile in profiles])

    def skill_mean(trained: Rows, asked: Rows) -> Prediction:
        return Prediction.bare(np.tile(level[trained].mean(axis=0), (len(asked), 1)))

    def zone_mean(trained: Rows, asked: Rows) -> Prediction:
        means = {zone: level[trained[zones[trained] == zone]].mean(axis=0) for zone in np.unique(zones[trained])}
        overall = level[trained].mean(axis=0)
        return Prediction.bare(np.array([means.get(zones[row], overall) for row in asked]))

    place = {code: row for row, code in enumerate(levels.codes)}
    related = [[place[code] for code in profile.related if code in place] for profile in profiles]

    def related_mean(trained: Rows, asked: Rows) -> Prediction:
        known, overall = set(trained.tolist()), level[trained].mean(axis=0)
        likes = ([like for like in related[row] if like in known] for row in asked)
        return Prediction.bare(np.array([level[rows].mean(axis=0) if rows else overall for rows in likes]))

    yield "mean of the skill", skill_mean
    yield "mean of the skill in the Job Zone", zone_mean
    if any(related):
        yield "mean of O*NET's related occupations", related_mean
    chosen = {
        "title, description and tasks as TF-IDF": {"words": 1.0},
        "states of SmolLM2": {"states": 1.0},
        "embedded:words": {name: weight for name, weight in WEIGHTS.items() if name != "states"},
        "embedded:smollm2": WEIGHTS,
    }
    parts = kernels(profiles, states)
    for name, weights in chosen.items():
        if states is None and "states" in weights:
            continue
        alike = combined(parts, weights)

        def regression(trained: Rows, asked: Rows, alike: FloatArray = alike) -> Prediction:
            return predict(alike, trained, asked, level[trained])

        yield name, regression


def out_of_fold(model: Model, fold: Rows, level: FloatArray) -> Prediction:
    """Return every occupation as predicted from the other folds; leaning is (occupations, occupations)."""
    whole = Prediction.bare(np.full_like(level, np.nan), trained=len(level))
    for each in np.unique(fold):
        trained, asked = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        found = model(trained, asked)
        for name in ("level", "lower", "upper", "standard_error"):
            getattr(whole, name)[asked] = getattr(found, name)
        if found.leaning.size:
            whole.leaning[np.ix_(asked, trained)] = found.leaning
    return whole


def judged(model: str, folds: str, predicted: Prediction, level: FloatArray, seconds: float) -> Score:
    """Return how good out-of-fold levels are."""
    error = predicted.level - level
    coverage = None
    if not np.isnan(predicted.lower).any():
        coverage = float(((level >= predicted.lower) & (level <= predicted.upper)).mean())
    columns = zip(predicted.level.T, level.T, strict=True)
    return Score(
        model=model,
        folds=folds,
        occupations=len(level),
        mae=float(np.abs(error).mean()),
        bias=float(error.mean()),
        pearson=_pearson(predicted.level.ravel(), level.ravel()),
        spearman=_pearson(rankdata(predicted.level), rankdata(level)),
        within_skill=float(np.mean([_pearson(*column) for column in columns])),
        coverage=coverage,
        seconds=seconds,
    )


def judged_whole(model: str, folded: Mapping[str, Prediction], level: FloatArray) -> dict[str, Score]:
    """Return how good predictions are, by kind of folds, on the occupations that have all of them."""
    return {
        folds: judged(model, folds, found.of(is_whole), level[is_whole], 0.0)
        for folds, found in folded.items()
        if (is_whole := np.flatnonzero(~np.isnan(found.level).any(axis=1))).size
    }


def _pearson(first: FloatArray, second: FloatArray) -> float:
    if first.std() < 1e-12 or second.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
