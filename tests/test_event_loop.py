"""Coroutines run to their end, whether or not an event loop is running."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import subprocess
import sys
import textwrap

import pytest

from skillgap import event_loop

WHO = contextvars.ContextVar("WHO", default="nobody")


async def who(*, fails: bool = False) -> str:
    await asyncio.sleep(0)
    if fails:
        raise LookupError("ours")
    return WHO.get()


async def in_a_loop(*, fails: bool = False) -> str:
    WHO.set("the notebook")
    return event_loop.run(who(fails=fails))


def test_a_coroutine_is_run_with_a_running_loop_and_without():
    assert event_loop.run(who()) == "nobody"
    assert asyncio.run(in_a_loop()) == "the notebook"


@pytest.mark.parametrize("run", [lambda: event_loop.run(who(fails=True)), lambda: asyncio.run(in_a_loop(fails=True))])
def test_its_error_is_the_callers(run):
    with pytest.raises(LookupError, match="ours"):
        run()


@pytest.mark.parametrize(
    "interrupts",
    [
        "os.kill(os.getpid(), signal.SIGINT)",
        "runs.set()  # for `start` below, whose caller is interrupted before it knows of the thread",
    ],
)
def test_an_interrupt_cancels_what_runs_beside_a_running_loop(interrupts: str):
    program = f"""
        import asyncio, os, signal, threading
        from skillgap import event_loop

        runs = threading.Event()
        real_start = threading.Thread.start

        def start(thread):
            real_start(thread)
            runs.wait()
            raise KeyboardInterrupt

        async def work():
            try:
                {interrupts}
                await asyncio.sleep(600)
            finally:
                print("cleaned up", flush=True)

        async def notebook():
            signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a notebook's kernel
            if {interrupts.startswith("runs")}:
                threading.Thread.start = start
            event_loop.run(work())

        asyncio.run(notebook())
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout == "cleaned up\n"
    assert "KeyboardInterrupt" in ended.stderr
    assert ended.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
