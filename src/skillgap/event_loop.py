"""Run coroutines from synchronous functions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine and return its result, even inside a running event loop such as a notebook's.

    In that case the coroutine runs on a second loop in another thread, with the caller's context variables, while the
    caller's loop waits. Ctrl-C cancels the coroutine; KeyboardInterrupt is raised once it has ended.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Result]]] = Future()

    async def announced() -> Result:
        task: Any = asyncio.current_task()
        started.set_result((asyncio.get_running_loop(), task))
        return await coroutine

    with ThreadPoolExecutor(1, "skillgap-loop") as pool:
        outcome = pool.submit(copy_context().run, asyncio.run, announced())
        try:
            return outcome.result()
        except KeyboardInterrupt:
            loop, task = started.result()
            if not outcome.done():
                loop.call_soon_threadsafe(task.cancel)
            raise
