"""Queues of bounded length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from threading import Event

import pytest
from starlette.types import Message

from skillgap.api.pool import Pool
from skillgap.api.problems import ClientGone, Overloaded


class Client:
    """The client of a request, which may disconnect."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._first = True

    async def receive(self) -> Message:
        if self._first:
            self._first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


@asynccontextmanager
async def busy(pool: Pool) -> AsyncIterator[Event]:
    """Keep the one thread of a pool busy until the event is set."""
    begun, may_end = Event(), Event()

    def work() -> str:
        begun.set()
        assert may_end.wait(30)
        return "done"

    running = asyncio.create_task(pool.run(work, Client().receive, "one"))
    await asyncio.to_thread(begun.wait, 30)
    try:
        yield may_end
    finally:
        may_end.set()
        assert await running == "done"
        pool.close()


def make_pool(*, waiting: int, longest_wait: float = 30.0) -> Pool:
    return Pool("test", threads=1, waiting=waiting, longest_wait=longest_wait)


def test_what_is_beyond_the_queue_is_refused_at_once_and_room_is_given_back():
    async def scenario() -> None:
        pool = make_pool(waiting=2)
        async with busy(pool) as may_end:
            queued = [asyncio.create_task(pool.run(lambda k=k: k, Client().receive, "one")) for k in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await pool.run(lambda: 3, Client().receive, "one")
            may_end.set()
            assert await asyncio.gather(*queued) == [0, 1]
            assert await pool.run(lambda: 4, Client().receive, "one") == 4

    asyncio.run(scenario())


def test_queued_work_is_dropped_when_its_client_has_gone():
    async def scenario() -> None:
        done = []
        pool = make_pool(waiting=1)
        async with busy(pool) as may_end:
            client = Client()
            left = asyncio.create_task(pool.run(lambda: done.append("for nobody"), client.receive, "one"))
            await asyncio.sleep(0)
            client.gone.set()
            with pytest.raises(ClientGone):
                await left
            stayed = asyncio.create_task(pool.run(lambda: done.append("for one"), Client().receive, "one"))
            await asyncio.sleep(0)
            may_end.set()
            await stayed
        assert done == ["for one"]

    asyncio.run(scenario())


def test_queued_work_is_refused_when_it_has_waited_long_enough():
    async def scenario() -> None:
        pool = make_pool(waiting=1, longest_wait=0.01)
        async with busy(pool):
            for _ in range(3):
                with pytest.raises(Overloaded):
                    await pool.run(lambda: 1, Client().receive, "one")

    asyncio.run(scenario())


def test_an_error_of_the_work_is_raised_and_gives_its_room_back():
    async def scenario() -> None:
        pool = make_pool(waiting=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 // 0, Client().receive, "one")
        assert await pool.run(lambda: 1, Client().receive, "one") == 1
        pool.close()

    asyncio.run(scenario())


def test_clients_take_turns():
    async def scenario() -> None:
        done: list[str] = []
        pool = make_pool(waiting=6)
        async with busy(pool) as may_end:
            asked = ["a0", "a1", "a2", "b0", "b1", "c0"]
            queued = [
                asyncio.create_task(pool.run(partial(done.append, each), Client().receive, each[0])) for each in asked
            ]
            await asyncio.sleep(0)
            may_end.set()
            await asyncio.gather(*queued)
        assert done == ["a0", "b0", "c0", "a1", "b1", "a2"]

    asyncio.run(scenario())


def test_a_full_queue_refuses_the_client_that_fills_it():
    async def scenario() -> None:
        pool = make_pool(waiting=4)
        async with busy(pool) as may_end:
            asked = ["greedy"] * 4 + ["polite"] * 2
            queued = [asyncio.create_task(pool.run(lambda: "done", Client().receive, each)) for each in asked]
            await asyncio.sleep(0)
            for client in ("polite", "greedy"):
                with pytest.raises(Overloaded):
                    await pool.run(lambda: "done", Client().receive, client)
            may_end.set()
            found = await asyncio.gather(*queued, return_exceptions=True)
        assert [found[k] for k in (0, 1, 4, 5)] == ["done"] * 4
        assert [type(found[k]) for k in (2, 3)] == [Overloaded] * 2

    asyncio.run(scenario())


def test_what_is_queued_when_the_pool_closes_is_dropped():
    async def scenario() -> None:
        pool = make_pool(waiting=1)
        async with busy(pool):
            queued = asyncio.create_task(pool.run(lambda: 1, Client().receive, "one"))
            await asyncio.sleep(0)
            pool.close()
            with pytest.raises(asyncio.CancelledError):
                await queued

    asyncio.run(scenario())
