"""The generative models: what one says, put right by occupations that analysts have rated.

Raw levels rank skills well and are far off: so a line with one slope for all skills, and a level of its own for each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skillgap import event_loop
from skillgap.analysis.arrays import BoolArray, FloatArray
from skillgap.analysis.significance import CONFIDENCE
from skillgap.errors import ModelUnavailable
from skillgap.llm.evaluation import Score, both_folds, judged, judged_whole, out_of_fold
from skillgap.llm.generative.profiler import Generative, OnReply, RawLevel, Replies
from skillgap.llm.prediction import Prediction
from skillgap.llm.profiler import Scoring, SkillScore
from skillgap.llm.training_data import TrainingData
from skillgap.onet.scales import HIGHEST_LEVEL

_SEED = 29
_SAMPLE = 60
"""Rated occupations that a generative model is calibrated and judged by."""
_FEWEST = 10
_REPEATED = 5
"""Occupations that are asked of twice, to see whether it says the same."""
_SHRINKAGE = 5.0
"""Occupations that the pooled figure counts for, where a skill's own is taken from few."""


class _Forgotten:
    """Keeps nothing."""

    def get(self, _: str) -> None:
        return None

    def put(self, *_: object, **__: object) -> None:
        pass


@dataclass(frozen=True)
class Calibrated:
    """A generative model, put right by what it says of a sample of rated occupations."""

    generative: Generative
    replies: Replies
    sample: int = _SAMPLE
    on_reply: OnReply | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self.generative.name

    @property
    def prompt_version(self) -> str:
        """Version of the prompt."""
        return self.generative.prompt.version

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Ask for the sample and the occupations, and calibrate; a rated one by others alone. Raises LLMError."""
        levels = training_data.levels
        sample = self.sampled(levels.codes)
        said = self.raw_levels(training_data, [*sample, *(code for code in codes if code not in sample)])
        raw = said.matrix(sample, levels.element_ids)
        level = levels.level[[levels.codes.index(code) for code in sample]]
        is_whole = ~np.isnan(raw).all(axis=1)
        if is_whole.sum() < min(_FEWEST, len(sample)):
            raise ModelUnavailable(
                f"{self.model} gave valid replies for {is_whole.sum()} of {len(sample)} rated occupations, "
                f"too few to calibrate it; one reason: {next(iter(said.failures.values()), 'none')}"
            )
        folded = calibrated_out_of_fold(raw, level, sample)
        rows: dict[str, tuple[Prediction, int]] = {
            code: (folded["random"], row) for row, code in enumerate(sample) if code in codes
        }
        others = [code for code in codes if code not in sample]
        asked = calibrate(raw, level, said.matrix(others, levels.element_ids))
        rows |= {code: (asked, row) for row, code in enumerate(others)}
        scores = [
            SkillScore.of(
                rows[code][0],
                (rows[code][1], column),
                onet_soc_code=code,
                element_id=element_id,
                explanation=found.explanation,
                reply=found.reply,
            )
            for code in codes
            for column, element_id in enumerate(levels.element_ids)
            if (found := said.levels.get((code, element_id)))
        ]
        failures = {key: reason for key, reason in said.failures.items() if key[0] in codes}
        return Scoring(scores, judged_whole(self.model, folded, level), failures=failures, usage=self.generative.usage)

    def evaluate(self, training_data: TrainingData) -> Iterator[Score]:
        """Score what it says of the sample, as said and calibrated. Raises LLMError."""
        levels = training_data.levels
        sample = self.sampled(levels.codes)
        started = time.perf_counter()
        raw = self.raw_levels(training_data, sample).matrix(sample, levels.element_ids)
        seconds, usage = time.perf_counter() - started, replace(self.generative.usage)
        whole = np.flatnonzero(~np.isnan(raw).any(axis=1))
        if len(whole) < min(_FEWEST, len(sample)):
            raise ModelUnavailable(f"{self.model} gave valid replies for {len(whole)} of {len(sample)} occupations")
        repeated = replace(self, replies=_Forgotten()).raw_levels(training_data, sample[:_REPEATED])
        spread = float(np.nanmean(np.abs(repeated.matrix(sample[:_REPEATED], levels.element_ids) - raw[:_REPEATED])))
        codes = [sample[row] for row in whole]
        raw, level = raw[whole], levels.level[[levels.codes.index(code) for code in codes]]
        as_said = dict.fromkeys(both_folds(codes), Prediction.bare(raw))
        for name, folded in (("as said", as_said), ("calibrated", calibrated_out_of_fold(raw, level, codes))):
            for folds, found in folded.items():
                yield replace(
                    judged(f"{self.model} {name}", folds, found, level, seconds / 2),
                    spread=spread,
                    tokens=usage.input_tokens + usage.output_tokens,
                    cost_usd=usage.cost_usd,
                )

    def sampled(self, rated: Sequence[str]) -> list[str]:
        """Return the sample: the same ones for the same rated occupations."""
        chosen = np.random.default_rng(_SEED).permutation(len(rated))[: self.sample]
        return [rated[row] for row in sorted(chosen)]

    def raw_levels(self, training_data: TrainingData, codes: Sequence[str]) -> Said:
        """Ask for the levels of the occupations. Raises LLMError."""
        profiles = [training_data.profiles[code] for code in codes]
        outcomes = event_loop.run(
            self.generative.ask(profiles, training_data.skills, self.replies, on_reply=self.on_reply)
        )
        levels: dict[tuple[str, str], RawLevel] = {}
        failures: dict[tuple[str, str], str] = {}
        for each in outcomes:
            if isinstance(each, RawLevel):
                levels[each.onet_soc_code, each.element_id] = each
                continue
            for skill in training_data.skills:
                if each.element_id in (None, skill.element_id):
                    failures[each.onet_soc_code, skill.element_id] = each.reason
        return Said(levels, failures)


@dataclass(frozen=True)
class Said:
    """What a generative model said, and where it said nothing that can be used, by code and element id."""

    levels: Mapping[tuple[str, str], RawLevel]
    failures: Mapping[tuple[str, str], str]

    def matrix(self, codes: Sequence[str], element_ids: Sequence[str]) -> FloatArray:
        """Return raw levels: (codes, elements), NaN where there is none."""
        rows = [
            [found.level if (found := self.levels.get((code, element_id))) else np.nan for element_id in element_ids]
            for code in codes
        ]
        return np.array(rows, dtype=np.float64).reshape(len(codes), len(element_ids))


def calibrated_out_of_fold(raw: FloatArray, level: FloatArray, codes: Sequence[str]) -> dict[str, Prediction]:
    """Return the calibrated levels of rated occupations, none by itself, by kind of folds."""
    return {
        folds: out_of_fold(lambda a, b: calibrate(raw[a], level[a], raw[b]), fold, level)
        for folds, fold in both_folds(codes).items()
    }


def calibrate(raw: FloatArray, level: FloatArray, asked: FloatArray) -> Prediction:
    """Return levels of what was said of the `asked` occupations: (asked, skills), NaN where nothing was said.

    `raw` and `level` are (rated occupations, skills): what was said of them, NaN where nothing, and the analysts'
    levels. Intervals come from the errors at each rated occupation when it is left out.
    """
    left_out = np.full_like(raw, np.nan)
    for row in range(len(raw)):
        others = np.arange(len(raw)) != row
        left_out[row] = _on_line(raw[others], level[others], raw[row : row + 1])[0] - level[row]
    error = _shrunk_rms(left_out)
    scaled = np.abs(left_out / error)
    width = np.nanquantile(scaled, CONFIDENCE) * error
    said = _on_line(raw, level, asked)
    spread = np.where(np.isnan(said), np.nan, 1.0)
    return Prediction(
        level=np.clip(said, 0.0, HIGHEST_LEVEL),
        lower=np.clip(said - width, 0.0, HIGHEST_LEVEL),
        upper=np.clip(said + width, 0.0, HIGHEST_LEVEL),
        standard_error=spread * error,
        leaning=np.zeros((len(asked), 0)),
    )


def _on_line(raw: FloatArray, level: FloatArray, asked: FloatArray) -> FloatArray:
    said = ~np.isnan(raw)
    count = said.sum(axis=0)
    mean_raw = _means(raw, said, count)
    mean_level = _means(level, said, count)
    away = np.where(said, raw - mean_raw, 0.0)
    slope = (away * (level - mean_level)).sum() / max((away**2).sum(), 1e-12)
    offset = mean_level - slope * mean_raw
    pooled = float(np.average(offset, weights=np.maximum(count, 1e-12)))
    shrunk = (count * offset + _SHRINKAGE * pooled) / (count + _SHRINKAGE)
    found: FloatArray = shrunk + slope * asked
    return found


def _means(values: FloatArray, said: BoolArray, count: npt.NDArray[np.intp]) -> FloatArray:
    means: FloatArray = np.where(said, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    return means


def _shrunk_rms(errors: FloatArray) -> FloatArray:
    count = (~np.isnan(errors)).sum(axis=0)
    squares = np.nansum(errors**2, axis=0)
    pooled = squares.sum() / max(count.sum(), 1)
    rms: FloatArray = np.sqrt((squares + _SHRINKAGE * pooled) / (count + _SHRINKAGE))
    return rms
