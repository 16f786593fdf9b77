"""The pipelines, each to be read at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine

from skillgap import event_loop
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.release_diff import compare_releases
from skillgap.errors import ConfigurationError, NoData
from skillgap.extras import needs
from skillgap.onet.domains import DOMAIN_TABLES, DomainChoice
from skillgap.onet.releases import Release
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.predictions import read_predictions
from skillgap.sources.releases import DOWNLOAD_URL, STARTER, OnBytes, find_release
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.sources.web_services.client import OnRequest, connect
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND, Credentials
from skillgap.sources.web_services.response_cache import ResponseCache
from skillgap.sources.web_services.tables import OnetApiData, extract_onet_api_data
from skillgap.store.engine import read
from skillgap.store.loads import LoadReport, OnRatings, Scores, keep_reply, load_release, upsert_api_data, upsert_scores
from skillgap.store.queries import count_scores, get_reply, get_tables
from skillgap.store.rating_rows import get_rating_rows, get_ratings_version, get_release
from skillgap.store.table_sync import OnRows
from skillgap.store.tables import init_tables

if TYPE_CHECKING:
    from skillgap.llm.embedded import Embedded
    from skillgap.llm.encoder import OnText
    from skillgap.llm.evaluation import Score
    from skillgap.llm.generative.profiler import Generative, OnReply, Reply
    from skillgap.llm.profiler import Profiler, Scoring


def extract_load_text_files(
    engine: Engine,
    source: str,
    *,
    cache_dir: Path,
    download_url: str = DOWNLOAD_URL,
    accept_loss: bool = False,
    on_bytes: OnBytes | None = None,
    on_rows: OnRows | None = None,
) -> tuple[OnetData, LoadReport]:
    """Load `starter`, a release number, or a release folder or zip into the database, making its tables if need be.

    Over another release, the report tells what changed beyond rater noise.
    Raises SourceError before anything is written, StoreError with nothing changed.
    """
    archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
    data = extract_onet_data(archive, also=OPTIONAL_TABLES)
    init_tables(engine)
    seen = _Seen()
    report = load_release(
        engine,
        data.tables,
        release=data.release,
        origin=data.origin,
        sha256=data.sha256,
        scores=_starter_scores() if archive.origin == STARTER else None,
        accept_loss=accept_loss,
        on_rows=on_rows,
        on_ratings=seen.look,
    )
    return data, seen.told(report)


class _Seen:
    """The analysts' ratings before a load that changes them, and after."""

    def __init__(self) -> None:
        self._ratings: list[Ratings] = []

    def look(self, connection: Connection) -> None:
        if not self._ratings or self._ratings[0].codes:  # with nothing before, there is nothing to compare
            self._ratings.append(Ratings.from_rows(get_rating_rows(connection), "onet"))

    def told(self, report: LoadReport) -> LoadReport:
        """Return the report with what of it is more than rater noise."""
        if len(self._ratings) < 2:
            return report
        return replace(report, changes=compare_releases(*self._ratings))


LOADED = "loaded"
"""Names the database's ratings where a release may be named."""


def get_release_ratings(
    engine: Engine,
    source: str,
    domain: DomainChoice = "skills",
    *,
    cache_dir: Path,
    download_url: str = DOWNLOAD_URL,
    on_bytes: OnBytes | None = None,
) -> Ratings:
    """Return the analysts' ratings of a release that need not be loaded, or those of the database (`loaded`).

    Raises SourceError, StoreError, NoData (nothing of that domain is there).
    """
    reason = ""
    if source == LOADED:
        with read(engine) as connection:
            found = Ratings.from_rows(get_rating_rows(connection, domain), "onet", domain)
    else:
        archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
        data = extract_onet_data(archive, also=[table for table in DOMAIN_TABLES.values() if table != "Skills"])
        rated = [data.tables[table] for table in DOMAIN_TABLES.values() if not data.tables[table].empty]
        occupations = data.tables["Occupations"]
        titles = dict(zip(occupations["onet_soc_code"], occupations["title"], strict=True))
        found = Ratings.from_frame(pd.concat(rated, ignore_index=True), titles, release=data.release).of_domain(domain)
        if domain != "all" and DOMAIN_TABLES[domain] in data.left_out:
            reason = f" ({data.left_out[DOMAIN_TABLES[domain]]})"
    if not found.codes:
        raise NoData(f"{source}: no {domain.replace('_', ' ')} ratings are there to compare{reason}")
    return found


def _starter_scores() -> Scores:
    predicted = read_predictions()
    return Scores.of([predicted.model], predicted.scores, predicted.abstentions, scored_at=predicted.scored_at)


def extract_load_api_data(
    engine: Engine,
    access: Credentials,
    *,
    cache_dir: Path,
    codes: Sequence[str] = (),
    resume: bool = False,
    dry_run: bool = False,
    accept_loss: bool = False,
    requests_per_second: float = REQUESTS_PER_SECOND,
    on_request: OnRequest | None = None,
    on_rows: OnRows | None = None,
) -> tuple[OnetApiData, LoadReport]:
    """Fetch all occupations, or those of `codes`, from O*NET Web Services and upsert them.

    The answers of a fetch of all are kept in `cache_dir` until they are stored, for `resume`; one such fetch at a time.
    Raises SourceError and UnknownOccupation before anything is written, StoreError with nothing changed.
    """
    pages = None if codes or dry_run else ResponseCache(cache_dir / "onet-api")

    async def extract() -> OnetApiData:
        async with connect(access, requests_per_second=requests_per_second, on_request=on_request) as api:
            return await extract_onet_api_data(api, codes=codes, pages=pages, resume=resume)

    with _one_fetch_at_a_time(cache_dir) if pages else nullcontext():
        data = event_loop.run(extract())
        if not dry_run:
            init_tables(engine)
        seen = _Seen()
        report = load_api_data(
            engine, data, dry_run=dry_run, accept_loss=accept_loss, on_rows=on_rows, on_ratings=seen.look
        )
        if pages:
            pages.clear()
        return data, seen.told(report)


@contextmanager
def _one_fetch_at_a_time(cache_dir: Path) -> Iterator[None]:
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir / "onet-api.lock", timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(f"{cache_dir}: another fetch keeps its answers there; wait for its end") from None
    except OSError as error:
        raise ConfigurationError(f"{cache_dir}: answers cannot be kept there ({error})") from error


def load_api_data(
    engine: Engine,
    data: OnetApiData,
    *,
    dry_run: bool = False,
    accept_loss: bool = False,
    on_rows: OnRows | None = None,
    on_ratings: OnRatings | None = None,
) -> LoadReport:
    """Upsert what O*NET Web Services said."""
    return upsert_api_data(
        engine,
        data.tables,
        data.fetched,
        release=data.release,
        origin=data.origin,
        codes=data.codes,
        is_whole=data.is_whole,
        accept_loss=accept_loss,
        dry_run=dry_run,
        on_rows=on_rows,
        on_ratings=on_ratings,
    )


@dataclass(frozen=True)
class Enrichment:
    """What became of an enrichment."""

    model: str
    already_scored: int
    """Occupations that the model had scored from the same ratings before."""
    scoring: Scoring
    report: LoadReport
    """What was stored."""


def find_model(
    name: str,
    *,
    cache_dir: Path,
    prompt_version: str = "levels-1",
    base_url: str | None = None,
    api_key: str | None = None,
    on_text: OnText | None = None,
    **limits: Any,
) -> Embedded | Generative:
    """Return the model of a name, `embedded:…` or `provider:model`; nothing is asked of it yet.

    `limits` are the fields of `llm.generative.Limits`. Raises ConfigurationError.
    """
    with needs("llm"):
        from skillgap.llm.embedded import find_embedded
        from skillgap.llm.generative.profiler import Limits, find_generative
    if name.startswith("embedded:"):
        return find_embedded(name, cache_dir=cache_dir, on_text=on_text)
    return find_generative(
        name, prompt_version=prompt_version, base_url=base_url, api_key=api_key, limits=Limits(**limits)
    )


def find_profiler(
    engine: Engine, name: str, *, sample: int = 60, on_reply: OnReply | None = None, **given: Any
) -> Profiler:
    """Return the profiler of a model, which is found as `given` to `find_model`; replies are kept in the database.

    Raises ConfigurationError.
    """
    with needs("llm"):
        from skillgap.llm.calibration import Calibrated
        from skillgap.llm.embedded import Embedded
    model = find_model(name, **given)
    if isinstance(model, Embedded):
        return model
    return Calibrated(model, _KeptReplies(engine), sample=sample, on_reply=on_reply)


@dataclass(frozen=True)
class _KeptReplies:
    """Replies in the database: what is paid for outlives the run."""

    engine: Engine

    def get(self, request_sha256: str) -> Reply | None:
        from skillgap.llm.generative.profiler import Reply

        with read(self.engine) as connection:
            row = get_reply(connection, request_sha256)
        if row is None:
            return None
        return Reply(row["reply"], row["input_tokens"], row["output_tokens"], row["seconds"], row["error"])

    def put(self, request_sha256: str, reply: Reply, **spoken_of: str | None) -> None:
        fields = {**asdict(reply), **spoken_of, "request_sha256": request_sha256}
        keep_reply(self.engine, {("reply" if name == "text" else name): value for name, value in fields.items()})


def enrich_skill_data(
    engine: Engine,
    profiler: Profiler,
    *,
    codes: Sequence[str] = (),
    rated: bool = False,
    limit: int | None = None,
    activate: bool = True,
) -> Enrichment:
    """Have a model score the levels of unrated occupations, or of all (`rated`), or of `codes`, and store them.

    What the model has scored from the same ratings is not scored again; at most `limit` occupations are. With
    `activate`, or where no model is active, its levels are shown from now on. Raises NoData, UnknownOccupation,
    ConfigurationError, LLMError before anything is stored, StoreError with nothing changed.
    """
    with needs("llm"):
        from skillgap.llm.profiler import llm_skill_profiler
        from skillgap.llm.training_data import read_training_data

    init_tables(engine)
    with read(engine) as connection:
        release, version = get_release(connection), get_ratings_version(connection)
        if release is None:
            raise NoData("no text release is loaded yet; run `skillgap load` with a release")
        training_data = read_training_data(get_tables(connection))
        counts = count_scores(
            connection, model=profiler.model, prompt_version=profiler.prompt_version, data_version=version
        )
    asked = list(codes) or [
        code for code in training_data.profiles if rated or code not in set(training_data.levels.codes)
    ]
    is_done = {code for code, count in counts.items() if count >= len(training_data.skills)}
    is_thin = {code for code, profile in training_data.profiles.items() if profile.abstention}
    to_do = [code for code in asked if code not in is_done | is_thin][:limit]
    scoring = llm_skill_profiler(profiler, training_data, [*to_do, *(code for code in asked if code in is_thin)])
    scores = _scores(profiler, scoring, release=release, data_version=version)
    report = upsert_scores(engine, scores, release=release, activate=activate and bool(scoring.scores or counts))
    return Enrichment(profiler.model, len(is_done.intersection(asked)), scoring, report)


def _scores(profiler: Profiler, scoring: Scoring, *, release: Release, data_version: str) -> Scores:
    """Return a scoring as rows of the LLM tables."""
    key = {"model": profiler.model, "prompt_version": profiler.prompt_version}
    model: dict[str, object] = dict(key)
    if scoring.evaluation:
        random, grouped = scoring.evaluation["random"], scoring.evaluation["grouped"]
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


def evaluate_profilers(
    engine: Engine,
    source: str | None,
    profilers: Sequence[Profiler] = (),
    *,
    cache_dir: Path,
    download_url: str = DOWNLOAD_URL,
    on_bytes: OnBytes | None = None,
) -> list[Score]:
    """Score the baselines, the embedded model of words, and `profilers` on rated occupations.

    The occupations are those of a release (`source`), or of the database. Raises SourceError, LLMError, NoData,
    ConfigurationError (a package of the extra `llm` is absent, or nothing to learn from).
    """
    with needs("llm"):
        from skillgap.llm.calibration import Calibrated
        from skillgap.llm.embedded import Embedded
        from skillgap.llm.evaluation import evaluate
        from skillgap.llm.training_data import check_training_data, read_training_data

    init_tables(engine)  # where replies are kept
    if source is None:
        with read(engine) as connection:
            tables = get_tables(connection)
    else:
        archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
        tables = dict(extract_onet_data(archive, also=OPTIONAL_TABLES).tables)
    training_data = read_training_data(tables)
    check_training_data(training_data)
    rated = [training_data.profiles[code] for code in training_data.levels.codes]
    states = [profiler.encode(rated) for profiler in profilers if isinstance(profiler, Embedded) and profiler.encode]
    scores = list(evaluate(training_data, states[0] if states else None))
    for profiler in profilers:
        if isinstance(profiler, Calibrated):
            scores += profiler.evaluate(training_data)
    return scores
