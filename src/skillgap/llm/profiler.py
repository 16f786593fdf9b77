"""The profiler protocol: a model, fitted to O*NET's ratings, that scores the skill levels of an occupation.

Two kinds of model implement it. Embedded models use kernel ridge regression, with or without the states of a language
model. Generative models are prompted for levels, which are then calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Protocol

import numpy as np

from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.errors import UnknownOccupation
from skillgap.llm.generative.usage import Usage
from skillgap.llm.training_data import TrainingData, check_training_data


@dataclass(frozen=True)
class Prediction:
    """Predicted levels of occupations outside the training set; arrays are (occupations, elements), in level points."""

    level: FloatArray
    lower: FloatArray
    upper: FloatArray
    """Bounds of the 95 % interval of the analysts' rating."""
    standard_error: FloatArray
    """Expected root mean square error."""
    weights: FloatArray
    """(occupations, training occupations): weight of each training occupation in the prediction. They sum to about 1
    if the training set has similar occupations. The weight of a redundant occupation can be negative."""

    def rows(self, rows: IntArray) -> Prediction:
        """Return the predictions of some of the occupations."""
        return Prediction(**{array.name: getattr(self, array.name)[rows] for array in fields(self)})

    @classmethod
    def levels_only(cls, level: FloatArray, *, trained: int = 0) -> Prediction:
        """Return levels without intervals, errors and weights."""
        lower, upper, error = (np.full_like(level, np.nan) for _ in range(3))
        weights = np.zeros((len(level), trained))
        return cls(level=level, lower=lower, upper=upper, standard_error=error, weights=weights)


@dataclass(frozen=True)
class SkillScore:
    """A model's score of one skill in one occupation."""

    onet_soc_code: str
    element_id: str
    level: float
    """Points of scale LV, two decimals."""
    lower: float
    upper: float
    """Bounds of the 95 % interval of the analysts' level."""
    standard_error: float
    """Expected root mean square error, level points."""
    explanation: str
    reply: str | None = None
    """The reply of a generative model, verbatim."""

    @classmethod
    def of(
        cls,
        predicted: Prediction,
        cell: tuple[int, int],
        *,
        onet_soc_code: str,
        element_id: str,
        explanation: str,
        reply: str | None = None,
    ) -> SkillScore:
        """Return one cell (row, column) of a prediction, rounded as it is stored."""
        return cls(
            onet_soc_code=onet_soc_code,
            element_id=element_id,
            level=round(float(predicted.level[cell]), 2),
            lower=round(float(predicted.lower[cell]), 2),
            upper=round(float(predicted.upper[cell]), 2),
            standard_error=round(float(predicted.standard_error[cell]), 4),
            explanation=explanation,
            reply=reply,
        )


@dataclass(frozen=True)
class Accuracy:
    """How close a model's out-of-fold levels are to the analysts', for one kind of folds."""

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
    """Pearson's r between occupations, averaged over the skills: differences between skills cannot inflate it."""
    coverage: float | None
    """Share of ratings within their 95 % interval; None for a model without intervals."""
    seconds: float
    spread: float | None = None
    """Mean absolute difference between two runs, level points."""
    tokens: int | None = None
    """Input and output tokens of a generative model."""
    cost_usd: float | None = None


@dataclass(frozen=True)
class Scoring:
    """The result of scoring some occupations."""

    scores: list[SkillScore]
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    """Accuracy of the model by kind of folds; empty if nothing was scored."""
    abstentions: Mapping[str, str] = field(default_factory=dict)
    """Occupations with too little text to predict from, with the reason."""
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Pairs of occupation and element without a valid reply, with the reason."""
    usage: Usage | None = None
    """Usage of a generative model."""


class Profiler(Protocol):
    """A model that scores occupations."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompt, or of an embedded model's recipe."""

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Score the skills of occupations that have enough text; a rated one is scored without its own ratings."""


def llm_skill_profiler(profiler: Profiler, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
    """Return the model's levels of all skills of the occupations.

    Raises UnknownOccupation, ConfigurationError (nothing to fit a model to).
    """
    if unknown := [code for code in codes if code not in training_data.profiles]:
        raise UnknownOccupation(f"the text release has no occupation {unknown[0]}", onet_soc_code=unknown[0])
    check_training_data(training_data)
    abstentions = {code: reason for code in codes if (reason := training_data.profiles[code].abstention)}
    to_score = [code for code in codes if code not in abstentions]
    if not to_score:
        return Scoring([], abstentions=abstentions)
    scoring = profiler.score(training_data, to_score)
    return replace(scoring, abstentions={**scoring.abstentions, **abstentions})
