"""The pipelines, each to be read at a glance."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from skillgap.errors import ConfigurationError, ReleaseLayoutError
from skillgap.sources.access import REQUESTS_PER_SECOND, Access
from skillgap.sources.onet_api import OnRequest, Pages, connect
from skillgap.sources.onet_api_data import OnetApiData, extract_onet_api_data
from skillgap.sources.onet_text import OnetData, extract_onet_data
from skillgap.sources.releases import DOWNLOAD_URL, PROFILE_TABLES, OnBytes, find_release
from skillgap.store.tables import LoadReport, OnRows, init_tables, load_release, upsert_api_data

if TYPE_CHECKING:
    from skillgap.llm.encoder import OnText
    from skillgap.llm.evaluation import Score


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

    Raises SourceError before anything is written, StoreError with nothing changed.
    """
    archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
    with _collector_paused():
        data = extract_onet_data(archive, also=PROFILE_TABLES)
        init_tables(engine)
        report = load_release(
            engine,
            data.tables,
            release=data.release,
            origin=data.origin,
            sha256=data.sha256,
            accept_loss=accept_loss,
            on_rows=on_rows,
        )
    return data, report


def extract_load_api_data(
    engine: Engine,
    access: Access,
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
    pages = None if codes or dry_run else Pages(cache_dir / "onet-api")

    async def extract() -> OnetApiData:
        async with connect(access, requests_per_second=requests_per_second, on_request=on_request) as api:
            return await extract_onet_api_data(api, codes=codes, pages=pages, resume=resume)

    with _one_fetch_at_a_time(cache_dir) if pages else nullcontext(), _collector_paused():
        data = asyncio.run(extract())
        if not dry_run:
            init_tables(engine)
        report = load_api_data(engine, data, dry_run=dry_run, accept_loss=accept_loss, on_rows=on_rows)
        if pages:
            pages.clear()
        return data, report


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
    )


def evaluate_profilers(
    source: str,
    *,
    cache_dir: Path,
    download_url: str = DOWNLOAD_URL,
    states: bool = False,
    on_bytes: OnBytes | None = None,
    on_text: OnText | None = None,
) -> list[Score]:
    """Score the profilers and their baselines on the rated occupations of a release.

    With `states`, the embedded language model reads every title and description first. Raises SourceError,
    ConfigurationError (a package of the extra `llm` is absent).
    """
    try:  # only who asks for it needs the extra
        from skillgap.llm.encoder import encode
        from skillgap.llm.evaluation import evaluate
        from skillgap.llm.profiles import described, read_levels, read_profiles
    except ImportError as error:
        raise ConfigurationError(f"{error.name} is not installed: run `pip install 'skillgap[llm]'`") from error

    archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
    data = extract_onet_data(archive, also=PROFILE_TABLES)
    levels, profiles = read_levels(data), read_profiles(data)
    rated = [profiles[code] for code in levels.codes]
    if all(profile.abstention for profile in rated):
        raise ReleaseLayoutError(
            f"{archive.origin}: no tasks, titles and Job Zones to learn from; name a whole release"
        )
    encoded = encode(described(rated), cache_dir=cache_dir, on_text=on_text) if states else None
    return list(evaluate(rated, levels, encoded))


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
