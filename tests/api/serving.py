"""The real server in a process of its own."""

from __future__ import annotations

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

CONFIGURED = ("--config-file", Path(__file__).with_name("schemathesis.toml"))
"""Of schemathesis."""
UNCHANGED = {"reload_seconds": "60"}
"""Settings of a service whose database stays as it is: to look for changes all the time takes from other tests."""


@dataclass
class Service:
    """A running `skillgap serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of an event so far."""
        lines = [orjson.loads(line) for line in self.log.read_bytes().splitlines() if line.startswith(b"{")]
        return [line for line in lines if line["event"] == event]

    def workers(self) -> list[int]:
        """Return the pids of its workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_for_all_data(self) -> None:
        """Return once near occupations are known, the last of what is read: pages are kept from then on."""
        httpx.get(f"{self.url}/occupations/29-1141.00/transitions", timeout=60).raise_for_status()


@contextmanager
def serve(folder: Path, database_url: str, **settings: str) -> Iterator[Service]:
    """Run the service on a free port until the block ends."""
    log = folder / "server.log"
    environment = {
        **os.environ,
        "SKILLGAP_DATABASE_URL": database_url,
        "SKILLGAP_RELOAD_SECONDS": "0.1",
        **{f"SKILLGAP_{name.upper()}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "skillgap", "serve", "--port", "0"]
    with log.open("wb") as stderr, subprocess.Popen(command, env=environment, stderr=stderr) as process:
        try:
            found = eventually(lambda: re.search(r"serving on (\S+)", log.read_text()))
            service = Service(found[1], process, log)
            eventually(lambda: httpx.get(f"{service.url}/health").is_success)
            yield service
        finally:
            process.terminate()
            process.wait(30)


def eventually(claim: Callable[[], Any], *, within: float = 30.0) -> Any:
    """Return what the claim returns as soon as it holds; fail with its last failure if it does not in time."""
    for attempt in stamina.retry_context(
        on=(AssertionError, httpx.TransportError), attempts=None, timeout=within, wait_initial=0.02, wait_max=0.2
    ):
        with attempt:
            result = claim()
            assert result
    return result
