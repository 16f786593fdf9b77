"""Accuracy of derived levels: every rated occupation is predicted from others, and compared with simple baselines.

Folds are random, or whole SOC major groups, so that no related occupation is in the training set. No occupation is ever
predicted by a model that has seen its ratings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.similarity.profiles import Profile
from skillgap.llm.profiler import Accuracy, Prediction
from skillgap.llm.ridge import WEIGHTS, kernels, predict, weighted_mean
from skillgap.llm.training_data import Levels, TrainingData

_FOLDS = 10
_SEED = 29
Rows = npt.NDArray[np.intp]
Model = Callable[[Rows, Rows], Prediction]
"""Predicts the second rows of Levels from the first."""


def evaluate(training_data: TrainingData, states: FloatArray | None = None) -> Iterator[Accuracy]:
    """Yield the accuracy of baselines and embedded models, for both kinds of folds each.

    `states` are those of the rated occupations; None leaves the language model out.
    """
    levels = training_data.levels
    profiles = [training_data.profiles[code] for code in levels.codes]
    for name, model in _models(profiles, levels, states):
        for folds, fold in assign_folds(levels.codes).items():
            started = time.perf_counter()
            predicted = predict_out_of_fold(model, fold, levels.level)
            seconds = time.perf_counter() - started
            repeated = model(np.flatnonzero(fold), np.flatnonzero(fold == 0)).level
            spread = float(np.abs(repeated - predicted.level[fold == 0]).mean())
            yield replace(measure(name, folds, predicted, levels.level, seconds=seconds), spread=spread)


def assign_folds(codes: Sequence[str]) -> dict[str, Rows]:
    """Return the fold of each occupation, by kind of folds."""
    return {"random": random_folds(len(codes)), "grouped": group_folds(codes)}


def random_folds(count: int) -> Rows:
    """Return the fold of each of `count` occupations."""
    return np.random.default_rng(_SEED).permutation(count) % _FOLDS


def group_folds(codes: Sequence[str]) -> Rows:
    """Return the fold of each occupation: its SOC major group, the first two digits."""
    return np.unique([code[:2] for code in codes], return_inverse=True)[1]


def _models(profiles: Sequence[Profile], levels: Levels, states: FloatArray | None) -> Iterator[tuple[str, Model]]:
    yield from _baselines(profiles, levels)
    variants = {
        "title, description and tasks as TF-IDF": {"words": 1.0},
        "states of SmolLM2": {"states": 1.0},
        "embedded:words": {name: weight for name, weight in WEIGHTS.items() if name != "states"},
        "embedded:smollm2": WEIGHTS,
    }
    parts = kernels(profiles, states)
    for name, weights in variants.items():
        if states is None and "states" in weights:
            continue
        kernel = weighted_mean(parts, weights)

        def regression(trained: Rows, targets: Rows, kernel: FloatArray = kernel) -> Prediction:
            return predict(kernel, trained, targets, levels.level[trained])

        yield name, regression


def _baselines(profiles: Sequence[Profile], levels: Levels) -> Iterator[tuple[str, Model]]:
    """Yield models without fitting: means of the skill, over the Job Zone or over related occupations."""
    level = levels.level
    zones = np.array([profile.job_zone or 0 for profile in profiles])

    def skill_mean(trained: Rows, targets: Rows) -> Prediction:
        return Prediction.levels_only(np.tile(level[trained].mean(axis=0), (len(targets), 1)))

    def zone_mean(trained: Rows, targets: Rows) -> Prediction:
        means = {zone: level[trained[zones[trained] == zone]].mean(axis=0) for zone in np.unique(zones[trained])}
        overall = level[trained].mean(axis=0)
        return Prediction.levels_only(np.array([means.get(zones[row], overall) for row in targets]))

    row_of = {code: row for row, code in enumerate(levels.codes)}
    related = [[row_of[code] for code in profile.related if code in row_of] for profile in profiles]

    def related_mean(trained: Rows, targets: Rows) -> Prediction:
        in_training, overall = set(trained.tolist()), level[trained].mean(axis=0)
        neighbors = ([row for row in related[target] if row in in_training] for target in targets)
        return Prediction.levels_only(np.array([level[rows].mean(axis=0) if rows else overall for rows in neighbors]))

    yield "mean of the skill", skill_mean
    yield "mean of the skill in the Job Zone", zone_mean
    if any(related):
        yield "mean of O*NET's related occupations", related_mean


def predict_out_of_fold(model: Model, fold: Rows, level: FloatArray) -> Prediction:
    """Return every occupation as predicted from the other folds; weights are (occupations, occupations)."""
    out = Prediction.levels_only(np.full_like(level, np.nan), trained=len(level))
    for number in np.unique(fold):
        trained, targets = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        predicted = model(trained, targets)
        for name in ("level", "lower", "upper", "standard_error"):
            getattr(out, name)[targets] = getattr(predicted, name)
        if predicted.weights.size:
            out.weights[np.ix_(targets, trained)] = predicted.weights
    return out


def measure(model: str, folds: str, predicted: Prediction, level: FloatArray, *, seconds: float = 0.0) -> Accuracy:
    """Return the accuracy of out-of-fold levels."""
    error = predicted.level - level
    coverage = None
    if not np.isnan(predicted.lower).any():
        coverage = float(((level >= predicted.lower) & (level <= predicted.upper)).mean())
    columns = zip(predicted.level.T, level.T, strict=True)
    return Accuracy(
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


def measure_complete(model: str, out_of_fold: Mapping[str, Prediction], level: FloatArray) -> dict[str, Accuracy]:
    """Return the accuracy by kind of folds, over the occupations with a prediction for every skill."""
    return {
        folds: measure(model, folds, predicted.rows(complete), level[complete])
        for folds, predicted in out_of_fold.items()
        if (complete := np.flatnonzero(~np.isnan(predicted.level).any(axis=1))).size
    }


def _pearson(first: FloatArray, second: FloatArray) -> float:
    if first.std() < 1e-12 or second.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
