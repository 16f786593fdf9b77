"""Queues of bounded length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

    running = asyncio.create_task(pool.run(work, Client().receive))
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
            queued = [asyncio.create_task(pool.run(lambda k=k: k, Client().receive)) for k in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await pool.run(lambda: 3, Client().receive)
            may_end.set()
            assert await asyncio.gather(*queued) == [0, 1]
            assert await pool.run(lambda: 4, Client().receive) == 4

    asyncio.run(scenario())


def test_queued_work_is_dropped_when_its_client_has_gone():
    async def scenario() -> None:
        done = []
        pool = make_pool(waiting=1)
        async with busy(pool) as may_end:
            client = Client()
            left = asyncio.create_task(pool.run(lambda: done.append("for nobody"), client.receive))
            await asyncio.sleep(0)
            client.gone.set()
            with pytest.raises(ClientGone):
                await left
            stayed = asyncio.create_task(pool.run(lambda: done.append("for one"), Client().receive))
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
                    await pool.run(lambda: 1, Client().receive)

    asyncio.run(scenario())


def test_an_error_of_the_work_is_raised_and_gives_its_room_back():
    async def scenario() -> None:
        pool = make_pool(waiting=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 // 0, Client().receive)
        assert await pool.run(lambda: 1, Client().receive) == 1
        pool.close()

    asyncio.run(scenario())
