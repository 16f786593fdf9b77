"""What is missing of an occupation, fetched from O*NET Web Services when a gap is asked for.

One fetch per code at a time, however many requests ask; what O*NET does not have is not asked for again for a day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import structlog
from cachetools import TTLCache
from sqlalchemy import Engine

from skillgap.api.current import CurrentData
from skillgap.errors import SkillgapError, UnknownOccupation
from skillgap.nodes import load_api_data
from skillgap.sources.access import Access
from skillgap.sources.onet_api import OnetApi, connect
from skillgap.sources.onet_api_data import Survey, extract_occupations, survey

LONGEST_WAIT = 3.0
"""Seconds that a request waits for a fetch, which goes on without it."""
_SECONDS_ABSENT = 86_400
_SECONDS_DOWN = 60
"""Between attempts after O*NET, or our database, failed."""
_SECONDS_SURVEYED = 3_600
_MOST_FETCHES = 20
"""At once; a flood of codes that nobody has must not queue for hours."""
_ATTEMPTS = 2

_log = structlog.get_logger("skillgap.api")


class OnDemand:
    """Fetches occupations into the database and has the ratings in use refreshed."""

    def __init__(
        self,
        current: CurrentData,
        engine: Engine,
        access: Access,
        *,
        requests_per_second: float,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._current = current
        self._engine = engine
        self._access = access
        self._requests_per_second = requests_per_second
        self._longest_wait = longest_wait
        self._api: OnetApi
        self._survey: TTLCache[str, Survey] = TTLCache(1, ttl=_SECONDS_SURVEYED)
        self._absent: TTLCache[str, bool] = TTLCache(10_000, ttl=_SECONDS_ABSENT)
        self._fetches: dict[str, asyncio.Task[None]] = {}
        self._down_until = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold a client until the block ends; then fetches that are not done are given up."""
        async with connect(
            self._access, requests_per_second=self._requests_per_second, attempts=_ATTEMPTS
        ) as self._api:
            yield
            for fetch in self._fetches.values():
                fetch.cancel()
            await asyncio.gather(*self._fetches.values(), return_exceptions=True)

    async def complete(self, codes: Collection[str]) -> int | None:
        """Fetch the codes, for as long as a request may wait.

        Return None when all is known that O*NET has, else the seconds after which to ask again.
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
        """Return the fetch of a code, begun now if need be; None where too many are running."""
        if code not in self._fetches and len(self._fetches) < _MOST_FETCHES:
            self._fetches[code] = fetch = asyncio.create_task(self._fetch(code))
            fetch.add_done_callback(lambda _: self._fetches.pop(code))
        return self._fetches.get(code)

    async def _fetch(self, code: str) -> None:
        try:
            surveyed = self._survey.get("") or await survey(self._api)
            self._survey[""] = surveyed
            data = await extract_occupations(self._api, surveyed, [code])
            await asyncio.to_thread(load_api_data, self._engine, data)
        except UnknownOccupation:
            self._absent[code] = True
            _log.info("not at O*NET either", onet_soc_code=code)
        except SkillgapError as error:
            self._down_until = time.monotonic() + _SECONDS_DOWN
            _log.warning("fetch failed", onet_soc_code=code, error=str(error), next_in_seconds=_SECONDS_DOWN)
        else:
            await asyncio.to_thread(self._current.refresh)
            skills = data.tables["Skills"]
            if not (skills["scale_id"] == "LV").any():
                self._absent[code] = True
            _log.info("fetched", onet_soc_code=code, ratings=len(skills))
