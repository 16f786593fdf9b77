"""Fetch ratings from O*NET Web Services and upsert them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from skillgap import event_loop
from skillgap.errors import ConfigurationError
from skillgap.nodes.changes import RatingsBeforeAndAfter
from skillgap.sources.web_services.client import OnRequest, connect
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND, Credentials
from skillgap.sources.web_services.response_cache import ResponseCache
from skillgap.sources.web_services.tables import OnetApiData, extract_onet_api_data
from skillgap.store.loads import LoadReport, OnRatings, upsert_api_data
from skillgap.store.table_sync import OnRows
from skillgap.store.tables import init_tables


def extract_load_api_data(
    engine: Engine,
    credentials: Credentials,
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

    A fetch of all occupations keeps its responses in `cache_dir` until they are stored, so that `resume` can continue
    it; only one such fetch may run at a time. Raises SourceError and UnknownOccupation before anything is written,
    StoreError with nothing changed.
    """
    pages = None if codes or dry_run else ResponseCache(cache_dir / "onet-api")

    async def extract() -> OnetApiData:
        async with connect(credentials, requests_per_second=requests_per_second, on_request=on_request) as api:
            return await extract_onet_api_data(api, codes=codes, pages=pages, resume=resume)

    with _one_fetch_at_a_time(cache_dir) if pages else nullcontext():
        data = event_loop.run(extract())
        if not dry_run:
            init_tables(engine)
        ratings = RatingsBeforeAndAfter()
        report = load_api_data(
            engine, data, dry_run=dry_run, accept_loss=accept_loss, on_rows=on_rows, on_ratings=ratings.read
        )
        if pages:
            pages.clear()
        return data, ratings.add_changes(report)


def load_api_data(
    engine: Engine,
    data: OnetApiData,
    *,
    dry_run: bool = False,
    accept_loss: bool = False,
    on_rows: OnRows | None = None,
    on_ratings: OnRatings | None = None,
) -> LoadReport:
    """Upsert the rows that were extracted from O*NET Web Services."""
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


@contextmanager
def _one_fetch_at_a_time(cache_dir: Path) -> Iterator[None]:
    """Hold the lock of the response cache. Raises ConfigurationError if another process holds it."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir / "onet-api.lock", timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(
            f"{cache_dir}: another fetch is using this folder; wait until it has finished"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{cache_dir}: responses cannot be stored there ({error})") from error
