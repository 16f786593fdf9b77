"""Connect to the database of the settings, or to another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from skillgap.config.settings import Settings, read_settings
from skillgap.errors import SchemaMismatch
from skillgap.service.data import Database
from skillgap.service.skillgap import ReleaseSource, Skillgap
from skillgap.store.engine import make_engine, read
from skillgap.store.rating_rows import get_data_version

LoadStarter = Callable[[Engine, Settings], object]
"""Loads the starter data into an empty embedded database."""


def connect(url: str | None = None, *, load_starter: LoadStarter | None = None) -> Skillgap:
    """Return a `Skillgap` that answers from the database at a URL, by default the database of the settings.

    Without a URL in either place, the embedded database is used. If it is empty, `load_starter` (by default without
    output) loads the starter data before the first answer. Nothing is read before the first question. Raises
    ConfigurationError. Questions raise StoreError.
    """
    settings = read_settings()
    database = Database(lambda: ready_engine(settings, url, load_starter=load_starter or _load_starter))
    return Skillgap(
        database.current,
        database=database,
        files=ReleaseSource(settings.data.cache_dir, lambda: settings.download.url),
    )


def ready_engine(settings: Settings, url: str | None = None, *, load_starter: LoadStarter | None = None) -> Engine:
    """Return the engine of a URL, by default of the settings. An empty embedded database gets the starter data first.

    Raises ConfigurationError, StoreError, SourceError.
    """
    engine = make_engine(url or settings.database.full_url)
    if url is None and settings.database.url is None and _is_empty(engine, settings.database.embedded_file):
        (load_starter or _load_starter)(engine, settings)
    return engine


def _is_empty(engine: Engine, file: Path) -> bool:
    if not file.exists():
        return True
    try:
        with read(engine) as connection:
            return not get_data_version(connection)
    except SchemaMismatch:
        return True


def _load_starter(engine: Engine, settings: Settings) -> None:
    from skillgap.nodes.extract_load_text_files import extract_load_text_files
    from skillgap.sources.releases import STARTER

    extract_load_text_files(engine, STARTER, cache_dir=settings.data.cache_dir)
