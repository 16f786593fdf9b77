"""Threads for work that other requests should not wait for, with a queue of bounded length.

The event loop answers what takes about a millisecond; all else goes through a Pool. The refresh of the data has threads
of its own, so that a full queue never delays it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, TypeVar, cast

from starlette.types import Receive

from skillgap.api.metrics import QUEUE_REFUSALS
from skillgap.api.problems import ClientGone, Overloaded

Result = TypeVar("Result")


class _Call(NamedTuple):
    work: Callable[[], Any]
    future: Future[Any]


class Pool:
    """Runs `threads` calls at once and queues `waiting` more, in turn by client; refuses what comes on top of that.

    A full queue refuses the last call of the client with most of them, so that none keeps the others out. Queued work
    is dropped when its client disconnects, and refused after `longest_wait` seconds. A call that has begun runs to its
    end.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, longest_wait: float) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, name)
        self._threads = threads
        self._running = 0
        self._most = waiting
        self._longest_wait = longest_wait
        self._queues: OrderedDict[str, deque[_Call]] = OrderedDict()
        """Calls that wait, by client; the first client is the next to have one run."""
        self._changing = Lock()

    async def run(self, work: Callable[[], Result], receive: Receive, client: str) -> Result:
        """Return the result of `work`. Raises Overloaded, ClientGone, and what `work` raises.

        `receive` is the request's, whose body has been read or is of no interest.
        """
        call = _Call(work, Future())
        result: asyncio.Future[Any] = asyncio.wrap_future(call.future)
        if self._starts(call, client):  # it can no longer be dropped
            return cast(Result, await result)
        gone: asyncio.Future[Any] = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((result, gone), timeout=self._longest_wait, return_when=asyncio.FIRST_COMPLETED)
            if not result.done() and self._drop(call, client):
                raise ClientGone() if gone.done() else self._overloaded()
        finally:
            gone.cancel()
            self._drop(call, client)
        return cast(Result, await result)

    def close(self) -> None:
        """Drop what is queued, and take nothing more."""
        self._executor.shutdown(wait=False)
        with self._changing:
            for queue in self._queues.values():
                for call in queue:
                    call.future.cancel()
            self._queues.clear()

    def _starts(self, call: _Call, client: str) -> bool:
        """Run a call or queue it; tell whether it runs. Raises Overloaded."""
        refused = None
        with self._changing:
            if self._running < self._threads:
                self._executor.submit(self._work_on, call)
                self._running += 1
                return True
            if sum(map(len, self._queues.values())) >= self._most:
                refused = self._refused_for(client)
            self._queues.setdefault(client, deque()).append(call)
        if refused and refused.future.set_running_or_notify_cancel():
            refused.future.set_exception(self._overloaded())
        return False

    def _refused_for(self, client: str) -> _Call:
        """Take a call of the client with most of them out of the queue. Raises Overloaded if ours has as many."""
        own = len(self._queues.get(client, ()))
        greedy = max(self._queues, key=lambda each: len(self._queues[each]), default=client)
        if greedy == client or len(self._queues[greedy]) <= own + 1:
            raise self._overloaded()
        return self._queues[greedy].pop()

    def _drop(self, call: _Call, client: str) -> bool:
        """Take a call out of the queue; tell whether it was there."""
        with self._changing:
            queue = self._queues.get(client, deque())
            if call not in queue:
                return False
            queue.remove(call)
            if not queue:
                del self._queues[client]
        call.future.cancel()
        return True

    def _work_on(self, call: _Call | None) -> None:
        """Run a call, then what waits."""
        while call:
            tell = _done(call) if call.future.set_running_or_notify_cancel() else None
            call = self._next()  # whoever is told may ask again at once
            if tell:
                tell()

    def _next(self) -> _Call | None:
        with self._changing:
            if not self._queues:
                self._running -= 1
                return None
            client, queue = self._queues.popitem(last=False)
            call = queue.popleft()
            if queue:
                self._queues[client] = queue  # after the others
            return call

    def _overloaded(self) -> Overloaded:
        QUEUE_REFUSALS.labels(self._name).inc()
        return Overloaded()


def _done(call: _Call) -> Callable[[], None]:
    """Do the work of a call; return what tells whoever waits for it how it ended."""
    try:
        return partial(call.future.set_result, call.work())
    except BaseException as error:  # noqa: BLE001 - it is raised there
        return partial(call.future.set_exception, error)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
