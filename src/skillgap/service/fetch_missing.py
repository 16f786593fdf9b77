"""Fetch missing ratings of an occupation from O*NET Web Services when a request needs them.

Concurrent requests for a code share one fetch. A code that O*NET does not have is not requested again for a day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import structlog
from cachetools import TTLCache

from skillgap.errors import OnetApiUnavailable, SkillgapError, UnknownOccupation
from skillgap.nodes.extract_load_api_data import load_api_data
from skillgap.service.snapshot import CurrentData
from skillgap.sources.web_services.client import OnetApi, connect
from skillgap.sources.web_services.credentials import Credentials
from skillgap.sources.web_services.tables import OnetApiData, ServiceCatalog, extract_occupations, fetch_catalog

_SECONDS_ABSENT = 86_400
_SECONDS_DOWN = 60
"""Pause after a failure of O*NET or of the database."""
_SECONDS_SURVEYED = 3_600
_MOST_FETCHES = 20
"""Concurrent fetches."""
_MOST_PER_DAY = 10_000
"""Requests of this process. The terms allow 50,000 a day per account."""
_ATTEMPTS = 2

_log = structlog.get_logger("skillgap.api")


class OnDemand:
    """Fetches occupations into the database, then refreshes the ratings in memory.

    A request waits at most `longest_wait` seconds for a fetch, which continues without it. Once an hour, a survey lists
    the occupations and tables that O*NET has, so that unknown codes cost no request.
    """

    def __init__(
        self,
        current: CurrentData,
        access: Credentials,
        *,
        requests_per_second: float,
        longest_wait: float,
        on_requests: Callable[[int], object],
    ) -> None:
        self._current = current
        self._access = access
        self._requests_per_second = requests_per_second
        self._longest_wait = longest_wait
        self._on_requests = on_requests
        self._api: OnetApi
        self._survey: TTLCache[str, ServiceCatalog] = TTLCache(1, ttl=_SECONDS_SURVEYED)
        self._surveying = asyncio.Lock()
        self._absent: TTLCache[str, bool] = TTLCache(10_000, ttl=_SECONDS_ABSENT)
        self._fetches: dict[str, asyncio.Task[None]] = {}
        self._writer = ThreadPoolExecutor(1, "on-demand")  # its own thread, because the database may be locked
        self._down_until = 0.0
        self._day = (0, 0)
        """Day number, and the count of requests at its start."""
        self._counted = 0
        """Requests that have been passed to `on_requests`."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep an HTTP client open until the block ends, then cancel the fetches still running."""
        async with connect(
            self._access, requests_per_second=self._requests_per_second, attempts=_ATTEMPTS
        ) as self._api:
            yield
            for fetch in self._fetches.values():
                fetch.cancel()
            await asyncio.gather(*self._fetches.values(), return_exceptions=True)
            self._writer.shutdown(wait=False, cancel_futures=True)

    async def complete(self, codes: Collection[str]) -> int | None:
        """Fetch the codes, and wait as long as a request may wait.

        Return None if all fetches are done, otherwise the seconds to wait before a retry.
        """
        wanted = [code for code in codes if code not in self._absent]
        down = self._down_until - time.monotonic()
        if wanted and down > 0:
            return int(down) + 1
        fetches = [fetch for code in wanted if (fetch := self._fetch_of(code))]
        if fetches:
            await asyncio.wait(fetches, timeout=self._longest_wait)
        if len(fetches) < len(wanted) or not all(fetch.done() for fetch in fetches):
            return int(self._longest_wait) + 1
        return _SECONDS_DOWN if self._down_until > time.monotonic() else None

    def _fetch_of(self, code: str) -> asyncio.Task[None] | None:
        """Return the fetch of a code, started if necessary; None if too many are running."""
        if code not in self._fetches and len(self._fetches) < _MOST_FETCHES:
            self._fetches[code] = fetch = asyncio.create_task(self._fetch(code))
            fetch.add_done_callback(lambda _: self._fetches.pop(code))
        return self._fetches.get(code)

    async def _fetch(self, code: str) -> None:
        try:
            self._check_budget()
            data = await self._extract(code)
            run = asyncio.get_running_loop().run_in_executor
            await run(self._writer, load_api_data, self._current.engine, data)
            await self._in_use(code, run(self._writer, self._current.refresh))
        except UnknownOccupation:
            self._absent[code] = True
            _log.info("not at O*NET", onet_soc_code=code)
        except SkillgapError as error:
            self._rest(code, error=str(error))
        except Exception as error:  # noqa: BLE001 - nothing awaits this task, so log the bug here
            self._rest(code, exc_info=error)
        else:
            skills = data.tables["Skills"]
            if not (skills["scale_id"] == "LV").any():
                self._absent[code] = True
            _log.info("fetched", onet_soc_code=code, ratings=len(skills))
        finally:
            self._on_requests(self._api.requests - self._counted)
            self._counted = self._api.requests

    async def _in_use(self, code: str, refreshing: asyncio.Future[None]) -> None:
        """Return once requests see the ratings of a code, long before the whole release has been read."""
        while not refreshing.done() and code not in (snapshot := self._current.snapshot).skills["onet"].rows:
            replaced = asyncio.wrap_future(snapshot.replaced)
            await asyncio.wait([refreshing, replaced], return_when=asyncio.FIRST_COMPLETED)

    async def _extract(self, code: str) -> OnetApiData:
        """Return the rows of a code. Only a fresh survey can establish that it is unrated."""
        catalog, is_fresh = await self._surveyed()
        data = await extract_occupations(self._api, catalog, [code])
        if is_fresh or not data.tables["Skills"].empty:
            return data
        self._survey.clear()
        catalog, _ = await self._surveyed()
        return await extract_occupations(self._api, catalog, [code])

    async def _surveyed(self) -> tuple[ServiceCatalog, bool]:
        """Return the survey, and whether this call made it. Concurrent calls share one survey."""
        async with self._surveying:
            if catalog := self._survey.get(""):
                return catalog, False
            catalog = self._survey[""] = await fetch_catalog(self._api, with_occupations=True)
            return catalog, True

    def _check_budget(self) -> None:
        today = int(time.time()) // 86_400
        if today != self._day[0]:
            self._day = (today, self._api.requests)
        if self._api.requests - self._day[1] >= _MOST_PER_DAY:
            raise OnetApiUnavailable(
                f"{_MOST_PER_DAY:,} requests were sent today, the daily limit of this service under O*NET's terms"
            )

    def _rest(self, code: str, **reason: Any) -> None:
        self._down_until = time.monotonic() + _SECONDS_DOWN
        _log.warning("fetch failed", onet_soc_code=code, next_in_seconds=_SECONDS_DOWN, **reason)
