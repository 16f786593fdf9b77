"""The profiler: which level of each skill an occupation asks for, said by a model that was fitted to O*NET's ratings.

Two kinds of model stand behind it: embedded ones (kernel ridge regression, with or without a language model's states)
and generative ones (asked by a prompt, then calibrated).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from skillgap.analysis.profiles import Profile
from skillgap.analysis.ratings import FloatArray
from skillgap.errors import ConfigurationError, ModelUnavailable, UnknownOccupation
from skillgap.llm.calibration import calibrate
from skillgap.llm.embedded import kernel, predict
from skillgap.llm.encoder import OnText, encode
from skillgap.llm.evaluation import Score, both_folds, judged, out_of_fold
from skillgap.llm.evidence import Evidence, described
from skillgap.llm.generative import Generative, OnReply, RawLevel, Replies, Usage
from skillgap.llm.prediction import Prediction

_SHOWN = 3
"""Occupations that an explanation names."""


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

    def score(self, evidence: Evidence, codes: Sequence[str]) -> Scoring:
        """Score the skills of occupations whose profile is not too thin; a rated one without its own ratings."""


def llm_skill_profiler(profiler: Profiler, evidence: Evidence, codes: Sequence[str]) -> Scoring:
    """Return the levels of all skills of the occupations, as a model says.

    Raises UnknownOccupation, ConfigurationError (nothing to fit a model to).
    """
    if unknown := [code for code in codes if code not in evidence.profiles]:
        raise UnknownOccupation(f"no occupation {unknown[0]} is in the text release", onet_soc_code=unknown[0])
    check_evidence(evidence)
    abstentions = {code: reason for code in codes if (reason := evidence.profiles[code].abstention)}
    wanted = [code for code in codes if code not in abstentions]
    if not wanted:
        return Scoring([], abstentions=abstentions)
    found = profiler.score(evidence, wanted)
    return replace(found, abstentions={**found.abstentions, **abstentions})


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


def check_evidence(evidence: Evidence) -> None:
    """Raise ConfigurationError where there is nothing to fit a model to."""
    if all(evidence.profiles[code].abstention for code in evidence.levels.codes):
        raise ConfigurationError(
            "nothing to fit a model to: load a whole release, with tasks and Job Zones; the starter has none"
        )


Encode = Callable[[Sequence[Profile]], np.ndarray[tuple[int, int], np.dtype[np.float64]]]


@dataclass(frozen=True)
class Embedded:
    """Kernel ridge regression on O*NET's own ratings; deterministic for a data version."""

    model: str
    encode: Encode | None
    """Gives a language model's states of profiles; None leaves them out."""
    prompt_version: str = "kernels-1"

    def score(self, evidence: Evidence, codes: Sequence[str]) -> Scoring:
        """Score occupations; those that are rated, and the model itself, by what others alone tell."""
        levels = evidence.levels
        # All that can be told of, so that what is asked does not change what is answered.
        others = [
            code
            for code, profile in evidence.profiles.items()
            if code not in set(levels.codes) and not profile.abstention
        ]
        known = [evidence.profiles[code] for code in (*levels.codes, *others)]
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
                scores += self._scores(evidence, code, unrated, others.index(code))
            else:
                scores += self._scores(evidence, code, folded["random"], levels.codes.index(code))
        return Scoring(scores, judged_whole(self.model, folded, levels.level))

    def _scores(self, evidence: Evidence, code: str, predicted: Prediction, row: int) -> list[SkillScore]:
        levels, leaning = evidence.levels, predicted.leaning[row]
        most = np.argsort(-leaning, kind="stable")[:_SHOWN]
        titles = {i: evidence.profiles[levels.codes[i]].title for i in most}

        def explained(column: int) -> str:
            shares = (f"{titles[i]} ({leaning[i]:.0%}, level {levels.level[i, column]:.2f})" for i in most)
            return f"leans most on {', '.join(shares)}"

        return [
            _score(code, element_id, predicted, row, column, explained(column))
            for column, element_id in enumerate(levels.element_ids)
        ]


# -- generative models ----------------------------------------------------------------------------------------------

_SEED = 29
_SAMPLE = 60
"""Rated occupations that a generative model is calibrated and judged by."""
_FEWEST = 10
_REPEATED = 5
"""Occupations that are asked of twice, to see whether it says the same."""


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

    def score(self, evidence: Evidence, codes: Sequence[str]) -> Scoring:
        """Ask for the sample and the occupations, and calibrate; a rated one by others alone. Raises LLMError."""
        levels = evidence.levels
        sample = self.sampled(levels.codes)
        said = self.raw_levels(evidence, [*sample, *(code for code in codes if code not in sample)])
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
            _score(code, element_id, *rows[code], column, found.explanation, found.reply)
            for code in codes
            for column, element_id in enumerate(levels.element_ids)
            if (found := said.levels.get((code, element_id)))
        ]
        failures = {key: reason for key, reason in said.failures.items() if key[0] in codes}
        return Scoring(scores, judged_whole(self.model, folded, level), failures=failures, usage=self.generative.usage)

    def evaluate(self, evidence: Evidence) -> Iterator[Score]:
        """Score what it says of the sample, as said and calibrated. Raises LLMError."""
        levels = evidence.levels
        sample = self.sampled(levels.codes)
        started = time.perf_counter()
        raw = self.raw_levels(evidence, sample).matrix(sample, levels.element_ids)
        seconds, usage = time.perf_counter() - started, replace(self.generative.usage)
        whole = np.flatnonzero(~np.isnan(raw).any(axis=1))
        if len(whole) < min(_FEWEST, len(sample)):
            raise ModelUnavailable(f"{self.model} gave valid replies for {len(whole)} of {len(sample)} occupations")
        repeated = replace(self, replies=_Forgotten()).raw_levels(evidence, sample[:_REPEATED])
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

    def raw_levels(self, evidence: Evidence, codes: Sequence[str]) -> Said:
        """Ask for the levels of the occupations. Raises LLMError."""
        profiles = [evidence.profiles[code] for code in codes]
        outcomes = asyncio.run(self.generative.ask(profiles, evidence.skills, self.replies, on_reply=self.on_reply))
        levels: dict[tuple[str, str], RawLevel] = {}
        failures: dict[tuple[str, str], str] = {}
        for each in outcomes:
            if isinstance(each, RawLevel):
                levels[each.onet_soc_code, each.element_id] = each
                continue
            for skill in evidence.skills:
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


def judged_whole(model: str, folded: Mapping[str, Prediction], level: FloatArray) -> dict[str, Score]:
    """Return how good predictions are, by kind of folds, on the occupations that have all of them."""
    return {
        folds: judged(model, folds, found.of(is_whole), level[is_whole], 0.0)
        for folds, found in folded.items()
        if (is_whole := np.flatnonzero(~np.isnan(found.level).any(axis=1))).size
    }


def _score(
    code: str,
    element_id: str,
    predicted: Prediction,
    row: int,
    column: int,
    explanation: str,
    reply: str | None = None,
) -> SkillScore:
    return SkillScore(
        onet_soc_code=code,
        element_id=element_id,
        level=round(float(predicted.level[row, column]), 2),
        lower=round(float(predicted.lower[row, column]), 2),
        upper=round(float(predicted.upper[row, column]), 2),
        standard_error=round(float(predicted.standard_error[row, column]), 4),
        explanation=explanation,
        reply=reply,
    )
