"""Settings, database and load reports of commands."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skillgap.cli.messages import note

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from skillgap.analysis.ratings import Ratings
    from skillgap.analysis.similarity.model import Similarity
    from skillgap.config.settings import Settings
    from skillgap.models import RatingsChoice
    from skillgap.onet.domains import DomainChoice
    from skillgap.store.loads import LoadReport


def read_settings() -> Settings:
    """Return the settings, and configure the log."""
    from skillgap.config import settings as configuration
    from skillgap.config.logs import configure_logging

    settings = configuration.read_settings()
    configure_logging(log_format=settings.log.format or "console", log_level=settings.log.level)
    return settings


def release_arguments(settings: Settings, *sources: str | None) -> dict[str, Any]:
    """Return where releases are cached, and where downloaded from if a source is a release number."""
    from skillgap.sources.releases import is_release_number

    arguments: dict[str, Any] = {"cache_dir": settings.data.cache_dir}
    if any(source and is_release_number(source) for source in sources):
        arguments["download_url"] = settings.download.url
    return arguments


def open_engine() -> Engine:
    """Return the engine of the configured database; load the starter into a new embedded one."""
    from skillgap.config.settings import read_settings as read_quietly
    from skillgap.errors import SchemaMismatch
    from skillgap.store.engine import make_engine, read
    from skillgap.store.ratings import get_data_version

    database = read_quietly().database
    engine = make_engine(database.full_url)
    if database.url is None:
        try:
            is_empty = not database.embedded_file.exists()
            if not is_empty:
                with read(engine) as connection:
                    is_empty = not get_data_version(connection)
        except SchemaMismatch:
            is_empty = True
        if is_empty:
            note(f"first use: loading the starter data into {database.embedded_file}")
            load_release(engine, "starter", read_settings())
    return engine


def read_ratings(choice: RatingsChoice, domain: DomainChoice) -> Ratings:
    """Return the ratings in the database."""
    from skillgap.store.engine import read
    from skillgap.store.ratings import get_ratings

    with read(open_engine()) as connection:
        return get_ratings(connection, choice, domain)


def read_similarity(choice: RatingsChoice, domain: DomainChoice) -> tuple[Similarity, Ratings]:
    """Return the similarity of all occupations, and the ratings for their gaps."""
    from skillgap.analysis.similarity.model import compute_similarity
    from skillgap.store.engine import read
    from skillgap.store.queries import get_profiles
    from skillgap.store.ratings import get_all_ratings

    with read(open_engine()) as connection:
        ratings, profiles = get_all_ratings(connection), get_profiles(connection)
    return compute_similarity(profiles, ratings["onet+llm"]), ratings[choice].of_domain(domain)


def load_release(engine: Engine, source: str, settings: Settings, *, accept_loss: bool = False) -> None:
    """Load a release with a progress bar, and report what changed."""
    from skillgap.cli import printing
    from skillgap.nodes.pipelines import extract_load_text_files
    from skillgap.store.engine import read
    from skillgap.store.queries import list_missing

    with printing.progress() as bars, collector_paused():
        data, report = extract_load_text_files(
            engine,
            source,
            **release_arguments(settings, source),
            accept_loss=accept_loss,
            on_bytes=bars.on_bytes,
            on_rows=bars.on_rows,
        )
    with read(engine) as connection:
        missing = list_missing(connection)
    facts: dict[str, Any] = {"release": data.release.number, "missing": [each.input for each in missing]}
    if data.left_out:
        facts["left_out"] = dict(data.left_out)
    report_load("loaded", report, settings, lambda: printing.print_load(data, report, missing), **facts)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause garbage collection, which takes a tenth of a load's time. For the CLI's own process only."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def report_load(
    event: str, report: LoadReport, settings: Settings, print_text: Callable[[], None], **facts: Any
) -> None:
    """Report what changed: as text, or as one log line if SKILLGAP_LOG_FORMAT is json."""
    import structlog

    if settings.log.format != "json":
        print_text()
        return
    changes = {
        table.table: {"new": table.inserted, "changed": table.updated, "gone": table.deleted}
        for table in report.tables
        if table.changed
    }
    structlog.get_logger("skillgap").info(event, **facts, rows_changed=report.rows_changed, changes=changes)
