"""Threads for work that other requests should not wait for, with a queue of bounded length.

The event loop answers what takes about a millisecond; all else goes through a Pool. The refresh of the data has threads
of its own, so that a full queue never delays it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar, cast

from starlette.types import Receive

from skillgap.api.metrics import QUEUE_REFUSALS
from skillgap.api.problems import ClientGone, Overloaded

Result = TypeVar("Result")


class Pool:
    """Runs `threads` calls at once and queues `waiting` more; refuses what comes on top of that.

    Queued work is dropped when its client disconnects, and refused after `longest_wait` seconds. A call that has begun
    runs to its end.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, longest_wait: float) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, name)
        self._most = threads + waiting
        self._longest_wait = longest_wait
        self._taken = 0
        self._counting = Lock()

    async def run(self, work: Callable[[], Result], receive: Receive) -> Result:
        """Return the result of `work`. Raises Overloaded, ClientGone, and what `work` raises.

        `receive` is the request's, whose body has been read or is of no interest.
        """
        with self._counting:
            if self._taken >= self._most:
                raise self._overloaded()
            self._taken += 1
        try:
            future = self._executor.submit(work)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(lambda _: self._leave())
        result: asyncio.Future[Any] = asyncio.wrap_future(future)
        if future.running() or future.done():  # it can no longer be dropped
            return cast(Result, await result)
        gone: asyncio.Future[Any] = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((result, gone), timeout=self._longest_wait, return_when=asyncio.FIRST_COMPLETED)
            if not result.done() and future.cancel():
                raise ClientGone() if gone.done() else self._overloaded()
        finally:
            gone.cancel()
        return cast(Result, await result)

    def close(self) -> None:
        """Drop what is queued, and take nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        with self._counting:
            self._taken -= 1

    def _overloaded(self) -> Overloaded:
        QUEUE_REFUSALS.labels(self._name).inc()
        return Overloaded()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
