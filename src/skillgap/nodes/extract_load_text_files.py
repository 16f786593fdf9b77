"""Load an O*NET text release into the database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from skillgap.nodes.changes import RatingsBeforeAndAfter
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.predictions import read_predictions
from skillgap.sources.releases import DOWNLOAD_URL, STARTER, DownloadUrl, OnBytes, find_release
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.store.loads import LoadReport, Scores, load_release
from skillgap.store.table_sync import OnRows
from skillgap.store.tables import init_tables


def extract_load_text_files(
    engine: Engine,
    source: str,
    *,
    cache_dir: Path,
    download_url: DownloadUrl = lambda: DOWNLOAD_URL,
    accept_loss: bool = False,
    on_bytes: OnBytes | None = None,
    on_rows: OnRows | None = None,
) -> tuple[OnetData, LoadReport]:
    """Load a release into the database and create missing tables.

    `source` is `starter`, a release number, or the path of a release folder or zip. If another release was loaded, the
    report lists the changes beyond rater noise. Raises SourceError before anything is written, StoreError with nothing
    changed.
    """
    archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
    data = extract_onet_data(archive, also=OPTIONAL_TABLES)
    init_tables(engine)
    ratings = RatingsBeforeAndAfter()
    report = load_release(
        engine,
        data.tables,
        release=data.release,
        origin=data.origin,
        sha256=data.sha256,
        scores=_starter_predictions() if archive.origin == STARTER else None,
        accept_loss=accept_loss,
        on_rows=on_rows,
        on_ratings=ratings.read,
    )
    return data, ratings.add_changes(report)


def _starter_predictions() -> Scores:
    predicted = read_predictions()
    return Scores.of([predicted.model], predicted.scores, predicted.abstentions, scored_at=predicted.scored_at)
