"""The profiler: which level of each skill an occupation asks for, said by a model that was fitted to O*NET's ratings.

Two kinds of model stand behind it: embedded ones (kernel ridge regression, with or without a language model's states)
and generative ones (asked by a prompt, then calibrated).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from skillgap.errors import UnknownOccupation
from skillgap.llm.evaluation import Score
from skillgap.llm.generative.profiler import Usage
from skillgap.llm.prediction import Prediction
from skillgap.llm.training_data import TrainingData, check_training_data


@dataclass(frozen=True)
class SkillScore:
    """The level of one skill in one occupation, said by a model."""

    onet_soc_code: str
    element_id: str
    level: float
    """Points of scale LV, two decimals."""
    lower: float
    upper: float
    """Ends of the 95 % interval of the analysts' level."""
    standard_error: float
    """Root mean square error to expect, level points."""
    explanation: str
    reply: str | None = None
    """What a generative model said, word for word."""

    @classmethod
    def of(
        cls,
        predicted: Prediction,
        place: tuple[int, int],
        *,
        onet_soc_code: str,
        element_id: str,
        explanation: str,
        reply: str | None = None,
    ) -> SkillScore:
        """Return one cell of a prediction, rounded as it is stored."""
        return cls(
            onet_soc_code=onet_soc_code,
            element_id=element_id,
            level=round(float(predicted.level[place]), 2),
            lower=round(float(predicted.lower[place]), 2),
            upper=round(float(predicted.upper[place]), 2),
            standard_error=round(float(predicted.standard_error[place]), 4),
            explanation=explanation,
            reply=reply,
        )


@dataclass(frozen=True)
class Scoring:
    """What became of the occupations that were asked for."""

    scores: list[SkillScore]
    evaluation: Mapping[str, Score] = field(default_factory=dict)
    """How good the model is, by kind of folds; empty where nothing was scored."""
    abstentions: Mapping[str, str] = field(default_factory=dict)
    """Occupations whose profile is too thin to tell, with the reason."""
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Occupations and elements without a valid reply, with the reason."""
    usage: Usage | None = None
    """What a generative model has used."""


class Profiler(Protocol):
    """A model that scores occupations."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompt, or of the recipe."""

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Score the skills of occupations whose profile is not too thin; a rated one without its own ratings."""


def llm_skill_profiler(profiler: Profiler, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
    """Return the levels of all skills of the occupations, as a model says.

    Raises UnknownOccupation, ConfigurationError (nothing to fit a model to).
    """
    if unknown := [code for code in codes if code not in training_data.profiles]:
        raise UnknownOccupation(f"no occupation {unknown[0]} is in the text release", onet_soc_code=unknown[0])
    check_training_data(training_data)
    abstentions = {code: reason for code in codes if (reason := training_data.profiles[code].abstention)}
    wanted = [code for code in codes if code not in abstentions]
    if not wanted:
        return Scoring([], abstentions=abstentions)
    found = profiler.score(training_data, wanted)
    return replace(found, abstentions={**found.abstentions, **abstentions})
