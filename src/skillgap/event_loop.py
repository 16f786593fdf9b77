"""Run coroutines from synchronous functions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)  # before the thread starts, so that an interrupt always has a task to cancel

    async def outcome() -> Result:
        return await task

    def run_task() -> Result:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(outcome())

    with ThreadPoolExecutor(1, "skillgap-loop") as pool:
        try:
            return pool.submit(run_task).result()
        except KeyboardInterrupt:
            with suppress(RuntimeError):  # the loop is closed: the task has ended
                loop.call_soon_threadsafe(task.cancel)
            raise
