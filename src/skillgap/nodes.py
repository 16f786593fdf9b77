"""The pipelines, each to be read at a glance."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from skillgap.sources.onet_text import OnetData, extract_onet_data
from skillgap.sources.releases import DOWNLOAD_URL, OnBytes, find_release
from skillgap.store.tables import LoadReport, OnRows, init_tables, load_release


def extract_load_text_files(
    engine: Engine,
    source: str,
    *,
    cache_dir: Path,
    download_url: str = DOWNLOAD_URL,
    on_bytes: OnBytes | None = None,
    on_rows: OnRows | None = None,
) -> tuple[OnetData, LoadReport]:
    """Load `starter`, a release number, or a release folder or zip into the database, making its tables if need be.

    Raises SourceError before anything is written, StoreError with nothing changed.
    """
    archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
    with _collector_paused():
        data = extract_onet_data(archive)
        init_tables(engine)
        report = load_release(
            engine, data.tables, release=data.release, origin=data.origin, sha256=data.sha256, on_rows=on_rows
        )
    return data, report


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking the rows again and again: a fifth of the time of a load."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
