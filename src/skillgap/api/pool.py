"""Thread pools with bounded queues, for work that other requests should not wait for.

The event loop answers requests of about a millisecond itself. All others go through a Pool. The refresh of the data has
its own threads, so a full queue never delays it.
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
    """Runs `threads` calls concurrently, queues up to `waiting` more, and refuses the rest. Clients take turns.

    A full queue refuses the last call of the client with the most calls, so that no client can shut out the others.
    Queued calls are dropped when the client disconnects, and refused after `longest_wait` seconds. A call that has
    started runs to its end.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, longest_wait: float) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, name)
        self._threads = threads
        self._running = 0
        self._most = waiting
        self._longest_wait = longest_wait
        self._queues: OrderedDict[str, deque[_Call]] = OrderedDict()
        """Queued calls by client. The first client is served next."""
        self._changing = Lock()

    async def run(self, work: Callable[[], Result], receive: Receive, client: str) -> Result:
        """Return the result of `work`. Raises Overloaded, ClientGone, and the errors of `work`.

        `receive` belongs to a request whose body has been read or is not needed.
        """
        call = _Call(work, Future())
        result: asyncio.Future[Any] = asyncio.wrap_future(call.future)
        if self._starts(call, client):  # a running call cannot be dropped
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
        """Drop queued calls and accept no more."""
        self._executor.shutdown(wait=False)
        with self._changing:
            for queue in self._queues.values():
                for call in queue:
                    call.future.cancel()
            self._queues.clear()

    def _starts(self, call: _Call, client: str) -> bool:
        """Run a call or queue it, and return whether it runs. Raises Overloaded."""
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
        """Remove the last call of the client with the most calls. Raises Overloaded if `client` has as many."""
        own = len(self._queues.get(client, ()))
        greedy = max(self._queues, key=lambda name: len(self._queues[name]), default=client)
        if greedy == client or len(self._queues[greedy]) <= own + 1:
            raise self._overloaded()
        return self._queues[greedy].pop()

    def _drop(self, call: _Call, client: str) -> bool:
        """Remove a call from the queue, and return whether it was there."""
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
        """Run a call, then the queued ones."""
        while call:
            report = _done(call) if call.future.set_running_or_notify_cancel() else None
            call = self._next()  # before reporting, because the client may ask again at once
            if report:
                report()

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
    """Do the work of a call, and return a function that passes on its result or error."""
    try:
        return partial(call.future.set_result, call.work())
    except BaseException as error:  # noqa: BLE001 - it is raised to the caller of `run`
        return partial(call.future.set_exception, error)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
