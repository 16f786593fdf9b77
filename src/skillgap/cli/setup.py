"""Settings, database and load reports of commands."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skillgap.cli.messages import note

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from skillgap.config.settings import Settings
    from skillgap.nodes.database import LoadReport
    from skillgap.service import Skillgap


def read_settings() -> Settings:
    """Return the settings, and configure the log."""
    from skillgap.config import settings as configuration
    from skillgap.config.logs import configure_logging

    settings = configuration.read_settings()
    configure_logging(log_format=settings.log.format or "console", log_level=settings.log.level)
    return settings


def connect() -> Skillgap:
    """Return the answers of the configured database; the first one loads the starter into a new embedded database."""
    from skillgap import service

    return service.connect(load_starter=_load_starter)


def open_engine() -> Engine:
    """Return the engine of the configured database; load the starter into a new embedded one."""
    from skillgap import service
    from skillgap.config import settings

    return service.ready_engine(settings.read_settings(), load_starter=_load_starter)


def _load_starter(engine: Engine, settings: Settings) -> None:
    note(f"first use: loading the starter data into {settings.database.embedded_file}")
    load_release(engine, "starter", read_settings())


def load_release(engine: Engine, source: str, settings: Settings, *, accept_loss: bool = False) -> None:
    """Load a release with a progress bar, and report the changes."""
    from skillgap.cli import printing
    from skillgap.nodes.database import missing_inputs
    from skillgap.nodes.extract_load_text_files import extract_load_text_files

    with printing.progress() as bars, collector_paused():
        data, report = extract_load_text_files(
            engine,
            source,
            cache_dir=settings.data.cache_dir,
            download_url=lambda: settings.download.url,
            accept_loss=accept_loss,
            on_bytes=bars.on_bytes,
            on_rows=bars.on_rows,
        )
    missing = missing_inputs(engine)
    facts: dict[str, Any] = {"release": data.release.number, "missing": [item.input for item in missing]}
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
    """Report the changes: as text, or as one log line if SKILLGAP_LOG_FORMAT is json."""
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
