"""The embedded models: fitted here to O*NET's own ratings, with or without a language model's states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import ConfigurationError
from skillgap.llm.encoder import OnText, encode
from skillgap.llm.evaluation import both_folds, judged_whole, out_of_fold
from skillgap.llm.prediction import Prediction
from skillgap.llm.profiler import Scoring, SkillScore
from skillgap.llm.ridge import kernel, predict
from skillgap.llm.training_data import TrainingData, described

_SHOWN = 3
"""Occupations that an explanation names."""

EMBEDDED = "embedded:smollm2"
"""The default model."""
_PREFIX = "embedded:"


def find_embedded(name: str, *, cache_dir: Path, on_text: OnText | None = None) -> Embedded:
    """Return the embedded model of a name: with the states of SmolLM2, or of words alone. Raises ConfigurationError."""
    if name == EMBEDDED:
        return Embedded(name, lambda known: encode(described(known), cache_dir=cache_dir, on_text=on_text))
    if name == f"{_PREFIX}words":
        return Embedded(name, None)
    raise ConfigurationError(f"no model {name}; embedded ones are {EMBEDDED} and {_PREFIX}words")


Encode = Callable[[Sequence[Profile]], np.ndarray[tuple[int, int], np.dtype[np.float64]]]


@dataclass(frozen=True)
class Embedded:
    """Kernel ridge regression on O*NET's own ratings; deterministic for a data version."""

    model: str
    encode: Encode | None
    """Gives a language model's states of profiles; None leaves them out."""
    prompt_version: str = "kernels-1"

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Score occupations; those that are rated, and the model itself, by what others alone tell."""
        levels = training_data.levels
        # All that can be told of, so that what is asked does not change what is answered.
        others = [
            code
            for code, profile in training_data.profiles.items()
            if code not in set(levels.codes) and not profile.abstention
        ]
        known = [training_data.profiles[code] for code in (*levels.codes, *others)]
        alike = kernel(known, self.encode(known) if self.encode else None)
        trained = np.arange(len(levels.codes))
        folded = {
            folds: out_of_fold(lambda a, b: predict(alike, a, b, levels.level[a]), fold, levels.level)
            for folds, fold in both_folds(levels.codes).items()
        }
        unrated = predict(alike, trained, np.arange(len(levels.codes), len(known)), levels.level)
        scores: list[SkillScore] = []
        for code in codes:
            if code in others:
                scores += self._scores(training_data, code, unrated, others.index(code))
            else:
                scores += self._scores(training_data, code, folded["random"], levels.codes.index(code))
        return Scoring(scores, judged_whole(self.model, folded, levels.level))

    def _scores(self, training_data: TrainingData, code: str, predicted: Prediction, row: int) -> list[SkillScore]:
        levels, leaning = training_data.levels, predicted.leaning[row]
        most = np.argsort(-leaning, kind="stable")[:_SHOWN]
        titles = {i: training_data.profiles[levels.codes[i]].title for i in most}

        def explained(column: int) -> str:
            shares = (f"{titles[i]} ({leaning[i]:.0%}, level {levels.level[i, column]:.2f})" for i in most)
            return f"leans most on {', '.join(shares)}"

        return [
            SkillScore.of(
                predicted, (row, column), onet_soc_code=code, element_id=element_id, explanation=explained(column)
            )
            for column, element_id in enumerate(levels.element_ids)
        ]
