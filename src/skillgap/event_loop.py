"""Run coroutines from synchronous functions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine and return its result, even if an event loop is running already, as in a notebook.

    In that case it runs on a second loop in another thread, with the caller's context variables, and the caller's loop
    waits. Ctrl-C cancels the coroutine; KeyboardInterrupt is raised once it has ended.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Result]]] = Future()

    async def noted() -> Result:
        task: Any = asyncio.current_task()
        running.set_result((asyncio.get_running_loop(), task))
        return await coroutine

    with ThreadPoolExecutor(1, "skillgap-loop") as pool:
        ended = pool.submit(copy_context().run, asyncio.run, noted())
        try:
            return ended.result()
        except KeyboardInterrupt:
            loop, task = running.result()
            if not ended.done():
                loop.call_soon_threadsafe(task.cancel)
            raise
