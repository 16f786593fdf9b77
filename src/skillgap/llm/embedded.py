"""The embedded models: fitted here to O*NET's own ratings, with or without the states of a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import ConfigurationError
from skillgap.llm.encoder import OnText, encode
from skillgap.llm.evaluation import assign_folds, measure_complete, predict_out_of_fold
from skillgap.llm.profiler import Prediction, Scoring, SkillScore
from skillgap.llm.ridge import combined_kernel, predict
from skillgap.llm.training_data import TrainingData, title_and_description

_SHOWN = 3
"""Occupations named in an explanation."""

EMBEDDED = "embedded:smollm2"
"""The default model."""
_WORDS = "embedded:words"

Encode = Callable[[Sequence[Profile]], np.ndarray[tuple[int, int], np.dtype[np.float64]]]


def find_embedded(name: str, *, cache_dir: Path, on_text: OnText | None = None) -> EmbeddedProfiler:
    """Return the embedded model of a name, with or without the states of SmolLM2. Raises ConfigurationError."""
    if name == EMBEDDED:
        return EmbeddedProfiler(
            name, lambda profiles: encode(title_and_description(profiles), cache_dir=cache_dir, on_text=on_text)
        )
    if name == _WORDS:
        return EmbeddedProfiler(name, None)
    raise ConfigurationError(f"no model {name}; the embedded models are {EMBEDDED} and {_WORDS}")


@dataclass(frozen=True)
class EmbeddedProfiler:
    """Kernel ridge regression on O*NET's own ratings. Deterministic for a data version."""

    model: str
    encode: Encode | None
    """Returns a language model's states of profiles; None leaves them out."""
    prompt_version: str = "kernels-1"

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Score occupations. Rated ones, and the model's accuracy, are predicted out of fold."""
        levels = training_data.levels
        # All occupations that can be predicted, so that the answers do not depend on the question.
        unrated = [code for code in training_data.codes(rated=False) if code not in training_data.too_thin]
        profiles = [training_data.profiles[code] for code in (*levels.codes, *unrated)]
        kernel = combined_kernel(profiles, self.encode(profiles) if self.encode else None)
        trained = np.arange(len(levels.codes))
        out_of_fold = {
            name: predict_out_of_fold(lambda a, b: predict(kernel, a, b, levels.level[a]), fold, levels.level)
            for name, fold in assign_folds(levels.codes).items()
        }
        predicted = predict(kernel, trained, np.arange(len(levels.codes), len(profiles)), levels.level)
        rows = {code: (predicted, row) for row, code in enumerate(unrated)}
        rows |= {code: (out_of_fold["random"], row) for row, code in enumerate(levels.codes)}
        scores = [score for code in codes for score in _scores(training_data, code, *rows[code])]
        return Scoring(scores, measure_complete(self.model, out_of_fold, levels.level))


def _scores(training_data: TrainingData, code: str, predicted: Prediction, row: int) -> list[SkillScore]:
    levels, weights = training_data.levels, predicted.weights[row]
    largest = np.argsort(-weights, kind="stable")[:_SHOWN]
    titles = {i: training_data.profiles[levels.codes[i]].title for i in largest}

    def explain(column: int) -> str:
        parts = (f"{titles[i]} ({weights[i]:.0%}, level {levels.level[i, column]:.2f})" for i in largest)
        return f"leans most on {', '.join(parts)}"

    return [
        SkillScore.of(predicted, (row, column), onet_soc_code=code, element_id=element_id, explanation=explain(column))
        for column, element_id in enumerate(levels.element_ids)
    ]
