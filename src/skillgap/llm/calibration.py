"""Generative profilers: a model's raw levels, calibrated on occupations that analysts have rated.

Raw levels rank skills well but are far off. Calibration fits a line with one slope for all skills and an offset for
each skill.
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
from skillgap.llm.evaluation import assign_folds, measure, measure_complete, predict_out_of_fold
from skillgap.llm.generative.model import GenerativeModel, OnReply
from skillgap.llm.generative.replies import RawLevel
from skillgap.llm.generative.reply_store import Reply, ReplyStore
from skillgap.llm.profiler import Accuracy, Prediction, Scoring, SkillScore
from skillgap.llm.training_data import TrainingData
from skillgap.onet.scales import HIGHEST_LEVEL

_SEED = 29
_SAMPLE = 60
"""Rated occupations on which a generative model is calibrated and evaluated."""
_MIN_SAMPLE = 10
_REPEATED = 5
"""Occupations that are requested twice to measure the spread."""
_SHRINKAGE = 5.0
"""Weight of the pooled estimate, in occupations, against a skill's own estimate."""


class _NoStore:
    """A reply store that keeps nothing, so that every request is sent."""

    def get(self, _: str) -> Reply | None:
        return None

    def put(self, *_: object, **__: object) -> None:
        pass


@dataclass(frozen=True)
class CalibratedProfiler:
    """A generative model, calibrated on its replies for a sample of rated occupations."""

    generative: GenerativeModel
    replies: ReplyStore
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
        """Request the levels of the sample and the occupations, and calibrate them. Raises LLMError.

        An occupation of the sample is calibrated on the others.
        """
        levels = training_data.levels
        sample = self.sampled(levels.codes)
        others = [code for code in codes if code not in sample]
        raw = self.raw_levels(training_data, [*sample, *others])
        predicted = _calibrated(self.model, raw, training_data, sample, others)
        out_of_fold = predicted.sample["random"]
        cells = {code: (out_of_fold, row) for row, code in enumerate(sample)}
        cells |= {code: (predicted.others, row) for row, code in enumerate(others)}
        scores = [
            SkillScore.of(
                cells[code][0],
                (cells[code][1], column),
                onet_soc_code=code,
                element_id=element_id,
                explanation=level.explanation,
                reply=level.reply,
            )
            for code in codes
            for column, element_id in enumerate(levels.element_ids)
            if (level := raw.levels.get((code, element_id)))
        ]
        failures = {key: reason for key, reason in raw.failures.items() if key[0] in codes}
        accuracy = measure_complete(self.model, predicted.sample, predicted.sample_level)
        return Scoring(scores, accuracy, failures=failures, usage=self.generative.usage)

    def evaluate(self, training_data: TrainingData) -> Iterator[Accuracy]:
        """Yield the accuracy on the sample, raw and calibrated. Raises LLMError."""
        levels = training_data.levels
        sample = self.sampled(levels.codes)
        started = time.perf_counter()
        raw = self.raw_levels(training_data, sample).matrix(sample, levels.element_ids)
        seconds, usage = time.perf_counter() - started, replace(self.generative.usage)
        complete = np.flatnonzero(~np.isnan(raw).any(axis=1))
        if len(complete) < min(_MIN_SAMPLE, len(sample)):
            raise ModelUnavailable(f"{self.model} gave valid replies for {len(complete)} of {len(sample)} occupations")
        repeated = replace(self, replies=_NoStore()).raw_levels(training_data, sample[:_REPEATED])
        spread = float(np.nanmean(np.abs(repeated.matrix(sample[:_REPEATED], levels.element_ids) - raw[:_REPEATED])))
        codes = [sample[row] for row in complete]
        raw, level = raw[complete], _level_of(training_data, codes)
        uncalibrated = dict.fromkeys(assign_folds(codes), Prediction.levels_only(raw))
        for name, predictions in (("as said", uncalibrated), ("calibrated", calibrate_out_of_fold(raw, level, codes))):
            for folds, predicted in predictions.items():
                yield replace(
                    measure(f"{self.model} {name}", folds, predicted, level, seconds=seconds / 2),
                    spread=spread,
                    tokens=usage.tokens,
                    cost_usd=usage.cost_usd,
                )

    def sampled(self, rated: Sequence[str]) -> list[str]:
        """Return the sample: always the same for the same rated occupations."""
        chosen = np.random.default_rng(_SEED).permutation(len(rated))[: self.sample]
        return [rated[row] for row in sorted(chosen)]

    def raw_levels(self, training_data: TrainingData, codes: Sequence[str]) -> RawLevels:
        """Request the levels of the occupations. Raises LLMError."""
        profiles = [training_data.profiles[code] for code in codes]
        outcomes = event_loop.run(
            self.generative.ask(profiles, training_data.skills, self.replies, on_reply=self.on_reply)
        )
        levels: dict[tuple[str, str], RawLevel] = {}
        failures: dict[tuple[str, str], str] = {}
        for outcome in outcomes:
            if isinstance(outcome, RawLevel):
                levels[outcome.onet_soc_code, outcome.element_id] = outcome
                continue
            for skill in training_data.skills:
                if outcome.element_id in (None, skill.element_id):
                    failures[outcome.onet_soc_code, skill.element_id] = outcome.reason
        return RawLevels(levels, failures)


@dataclass(frozen=True)
class RawLevels:
    """Raw levels, and the reasons for missing ones, by code and element id."""

    levels: Mapping[tuple[str, str], RawLevel]
    failures: Mapping[tuple[str, str], str]

    def matrix(self, codes: Sequence[str], element_ids: Sequence[str]) -> FloatArray:
        """Return raw levels: (codes, elements), NaN for a missing one."""
        rows = [
            [found.level if (found := self.levels.get((code, element_id))) else np.nan for element_id in element_ids]
            for code in codes
        ]
        return np.array(rows, dtype=np.float64).reshape(len(codes), len(element_ids))


@dataclass(frozen=True)
class _Calibrated:
    """Calibrated levels of the sample, by kind of folds, and of other occupations."""

    sample: Mapping[str, Prediction]
    sample_level: FloatArray
    others: Prediction


def _calibrated(
    model: str, raw: RawLevels, training_data: TrainingData, sample: Sequence[str], others: Sequence[str]
) -> _Calibrated:
    """Calibrate raw levels. Raises ModelUnavailable if too few occupations of the sample have a valid reply."""
    element_ids = training_data.levels.element_ids
    sample_raw, level = raw.matrix(sample, element_ids), _level_of(training_data, sample)
    replied = int((~np.isnan(sample_raw).all(axis=1)).sum())
    if replied < min(_MIN_SAMPLE, len(sample)):
        raise ModelUnavailable(
            f"{model} gave valid replies for {replied} of {len(sample)} rated occupations, too few to calibrate it; "
            f"one reason: {next(iter(raw.failures.values()), 'none')}"
        )
    return _Calibrated(
        sample=calibrate_out_of_fold(sample_raw, level, sample),
        sample_level=level,
        others=calibrate(sample_raw, level, raw.matrix(others, element_ids)),
    )


def _level_of(training_data: TrainingData, codes: Sequence[str]) -> FloatArray:
    levels = training_data.levels
    rows: FloatArray = levels.level[[levels.codes.index(code) for code in codes]]
    return rows


def calibrate_out_of_fold(raw: FloatArray, level: FloatArray, codes: Sequence[str]) -> dict[str, Prediction]:
    """Return calibrated levels of rated occupations by kind of folds. None is calibrated on itself."""
    return {
        folds: predict_out_of_fold(lambda a, b: calibrate(raw[a], level[a], raw[b]), fold, level)
        for folds, fold in assign_folds(codes).items()
    }


def calibrate(raw: FloatArray, level: FloatArray, targets: FloatArray) -> Prediction:
    """Return calibrated levels: (targets, skills), NaN where a raw level is missing.

    `raw` and `level` are the raw and the analysts' levels of rated occupations: (occupations, skills). `targets` are
    the raw levels to calibrate. Intervals come from the leave-one-out errors of the rated occupations.
    """
    left_out = np.full_like(raw, np.nan)
    for row in range(len(raw)):
        others = np.arange(len(raw)) != row
        left_out[row] = _on_line(raw[others], level[others], raw[row : row + 1])[0] - level[row]
    error = _shrunk_rms(left_out)
    scaled = np.abs(left_out / error)
    width = np.nanquantile(scaled, CONFIDENCE) * error
    predicted = _on_line(raw, level, targets)
    spread = np.where(np.isnan(predicted), np.nan, 1.0)
    return Prediction(
        level=np.clip(predicted, 0.0, HIGHEST_LEVEL),
        lower=np.clip(predicted - width, 0.0, HIGHEST_LEVEL),
        upper=np.clip(predicted + width, 0.0, HIGHEST_LEVEL),
        standard_error=spread * error,
        weights=np.zeros((len(targets), 0)),
    )


def _on_line(raw: FloatArray, level: FloatArray, targets: FloatArray) -> FloatArray:
    is_present = ~np.isnan(raw)
    count = is_present.sum(axis=0)
    mean_raw = _means(raw, is_present, count)
    mean_level = _means(level, is_present, count)
    deviation = np.where(is_present, raw - mean_raw, 0.0)
    slope = (deviation * (level - mean_level)).sum() / max((deviation**2).sum(), 1e-12)
    offset = mean_level - slope * mean_raw
    pooled = float(np.average(offset, weights=np.maximum(count, 1e-12)))
    shrunk = (count * offset + _SHRINKAGE * pooled) / (count + _SHRINKAGE)
    predicted: FloatArray = shrunk + slope * targets
    return predicted


def _means(values: FloatArray, is_present: BoolArray, count: npt.NDArray[np.intp]) -> FloatArray:
    means: FloatArray = np.where(is_present, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    return means


def _shrunk_rms(errors: FloatArray) -> FloatArray:
    count = (~np.isnan(errors)).sum(axis=0)
    squares = np.nansum(errors**2, axis=0)
    pooled = squares.sum() / max(count.sum(), 1)
    rms: FloatArray = np.sqrt((squares + _SHRINKAGE * pooled) / (count + _SHRINKAGE))
    return rms
