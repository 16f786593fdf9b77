"""Score levels that analysts have not rated, and store them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from skillgap.errors import NoData
from skillgap.extras import needs
from skillgap.onet.releases import Release
from skillgap.store.engine import read
from skillgap.store.loads import LoadReport, Scores, upsert_scores
from skillgap.store.queries import count_scores, get_tables
from skillgap.store.rating_rows import get_ratings_version, get_release
from skillgap.store.tables import init_tables

if TYPE_CHECKING:
    from skillgap.llm.profiler import Profiler, Scoring
    from skillgap.llm.training_data import TrainingData


@dataclass(frozen=True)
class Enrichment:
    """The result of an enrichment."""

    model: str
    already_scored: int
    """Occupations that the model had already scored from the same ratings."""
    scoring: Scoring
    report: LoadReport
    """Changes in the database."""


def enrich_skill_data(
    engine: Engine,
    profiler: Profiler,
    *,
    codes: Sequence[str] = (),
    rated: bool = False,
    limit: int | None = None,
    activate: bool = True,
) -> Enrichment:
    """Score the levels of unrated occupations, of all occupations (`rated`), or of `codes`, and store the scores.

    Occupations that the model has already scored from the same ratings are skipped; at most `limit` are scored. With
    `activate`, or if no model is active, this model's levels are shown from now on. Raises NoData, UnknownOccupation,
    ConfigurationError and LLMError before anything is stored, StoreError with nothing changed.
    """
    with needs("llm"):
        from skillgap.llm.profiler import llm_skill_profiler

    init_tables(engine)
    with read(engine) as connection:
        source = _read_source(connection, profiler)
    requested = list(codes) or source.training_data.codes(rated=rated)
    pending = list(source.pending(requested))[:limit]
    too_thin = [code for code in requested if code in source.training_data.too_thin]
    scoring = llm_skill_profiler(profiler, source.training_data, [*pending, *too_thin])
    scores = _as_rows(profiler, scoring, release=source.release, data_version=source.data_version)
    has_scores = bool(scoring.scores) or source.has_scores
    report = upsert_scores(engine, scores, release=source.release, activate=activate and has_scores)
    return Enrichment(
        model=profiler.model,
        already_scored=len(source.scored.intersection(requested)),
        scoring=scoring,
        report=report,
    )


@dataclass(frozen=True)
class _Source:
    """The data to predict from, and the occupations that the model has already scored from it."""

    release: Release
    data_version: str
    training_data: TrainingData
    scored: frozenset[str]
    has_scores: bool
    """Whether the model has scored anything from these data, even in part."""

    def pending(self, codes: Collection[str]) -> Iterator[str]:
        """Yield the codes that are still to be scored and have enough text."""
        yield from (code for code in codes if code not in self.scored | self.training_data.too_thin)


def _read_source(connection: Connection, profiler: Profiler) -> _Source:
    """Read the training data and the state of the model's scores. Raises NoData if no text release is loaded."""
    with needs("llm"):
        from skillgap.llm.training_data import read_training_data

    release = get_release(connection)
    if release is None:
        raise NoData("no text release is loaded; run `skillgap load` with a release")
    data_version = get_ratings_version(connection)
    training_data = read_training_data(get_tables(connection))
    counts = count_scores(
        connection, model=profiler.model, prompt_version=profiler.prompt_version, data_version=data_version
    )
    scored = frozenset(code for code, count in counts.items() if count >= len(training_data.skills))
    return _Source(release, data_version, training_data, scored=scored, has_scores=bool(counts))


def _as_rows(profiler: Profiler, scoring: Scoring, *, release: Release, data_version: str) -> Scores:
    """Return a scoring as rows of the LLM tables."""
    key = {"model": profiler.model, "prompt_version": profiler.prompt_version}
    model: dict[str, object] = dict(key)
    if scoring.accuracy:
        random, grouped = scoring.accuracy["random"], scoring.accuracy["grouped"]
        model |= {
            "release_number": release.number,
            "occupations_judged": grouped.occupations,
            "mae_random": round(random.mae, 4),
            "mae_grouped": round(grouped.mae, 4),
            "bias": round(grouped.bias, 4),
            "coverage": None if grouped.coverage is None else round(grouped.coverage, 4),
        }
    scores = [
        {
            "onet_soc_code": score.onet_soc_code,
            "element_id": score.element_id,
            "scale_id": "LV",
            **key,
            "level": score.level,
            "uncertainty": score.standard_error,
            "lower_ci_bound": score.lower,
            "upper_ci_bound": score.upper,
            "data_version": data_version,
            "explanation": score.explanation,
            "reply": score.reply,
        }
        for score in scoring.scores
    ]
    abstentions = [{"onet_soc_code": code, **key, "reason": reason} for code, reason in scoring.abstentions.items()]
    return Scores.of([model], scores, abstentions)
