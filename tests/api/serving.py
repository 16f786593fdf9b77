"""The real server in a separate process."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import stamina

from skillgap.cli import app as cli
from tests.processes import processes

CONFIGURED = ("--config-file", Path(__file__).with_name("schemathesis.toml"))
"""Of schemathesis."""
UNCHANGED = {"reload_seconds": "60"}
"""Settings of a service whose database stays as it is: to look for changes all the time takes from other tests."""


@dataclass
class Service:
    """A running `skillgap serve`."""

    url: str
    pid: int
    log: Path
    exit_code: Callable[[], int | None]
    """Waits for its end, which something else brings about."""

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event so far."""
        lines = [orjson.loads(line) for line in self.log.read_bytes().splitlines() if line.startswith(b"{")]
        return [line for line in lines if line["event"] == event]

    def workers(self) -> list[int]:
        """Return the pids of its workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in children.read_text().split()]

    def wait_for_all_data(self) -> None:
        """Return once similar occupations are computed, which is the last step: pages are cached from then on."""
        httpx.get(f"{self.url}/occupations/29-1141.00/transitions", timeout=60).raise_for_status()


@contextmanager
def serve(folder: Path, database_url: str, **settings: str) -> Iterator[Service]:
    """Run the service on a free port until the block ends, in a process with its libraries already imported."""
    log = folder / "server.log"
    log.touch()
    process = processes.Process(target=_serve, args=(_environment(database_url, settings), log))
    process.start()

    def exit_code() -> int | None:
        process.join(30)
        return process.exitcode

    try:
        yield _running(process.pid, log, exit_code)
    finally:
        process.terminate()
        exit_code()
        process.close()  # ValueError if it still runs


def _serve(environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb") as stderr:
        os.dup2(stderr.fileno(), sys.stderr.fileno())
    multiprocessing.set_start_method("fork", force=True)  # as in a process of its own: the workers need import nothing
    sys.argv = ["skillgap", *_COMMAND]
    cli.main()


@contextmanager
def serve_by_command(folder: Path, database_url: str, **settings: str) -> Iterator[Service]:
    """Run the service as an operator does, in a new interpreter."""
    log = folder / "server.log"
    command = [sys.executable, "-m", "skillgap", *_COMMAND]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, env=_environment(database_url, settings), stderr=stderr) as process,
    ):
        try:
            yield _running(process.pid, log, lambda: process.wait(30))
        finally:
            process.terminate()
            process.wait(30)


_COMMAND = ("serve",)


def _environment(database_url: str, settings: dict[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "SKILLGAP_DATABASE_URL": database_url,
        "SKILLGAP_RELOAD_SECONDS": "0.1",
        "SKILLGAP_PORT": "0",
        **{f"SKILLGAP_{name.upper()}": value for name, value in settings.items()},
    }


def _running(pid: int, log: Path, exit_code: Callable[[], int | None]) -> Service:
    """Wait until the service answers."""
    url = eventually(lambda: re.search(r"serving on (\S+)", log.read_text()))[1]
    eventually(lambda: httpx.get(f"{url}/health").is_success)
    return Service(url, pid, log, exit_code)


def eventually(claim: Callable[[], Any], *, within: float = 30.0) -> Any:
    """Retry a claim until it holds and return its result; fail with its last failure after a time limit."""
    for attempt in stamina.retry_context(
        on=(AssertionError, httpx.TransportError), attempts=None, timeout=within, wait_initial=0.02, wait_max=0.2
    ):
        with attempt:
            result = claim()
            assert result
    return result
