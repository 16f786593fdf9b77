"""The demonstration of `make demo`: an empty database, the starter data, the API, one question and its answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time

import httpx
import stamina
from pydantic import TypeAdapter

from skillgap.cli.printing import print_report
from skillgap.models import GapReport

FROM, TO = "29-1141.00", "11-9111.00"
SKILLGAP = (sys.executable, "-m", "skillgap")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SKILLGAP_DATABASE_URL": f"sqlite:///{folder}/skillgap.db"}
        _say("skillgap load starter")
        subprocess.run([*SKILLGAP, "load", "starter"], env=environment, check=True)
        _say("skillgap serve --port 0")
        with subprocess.Popen(
            [*SKILLGAP, "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                answer = _ask(_address(server))
            finally:
                server.terminate()
                server.communicate(timeout=20)
    print()
    print_report(answer)


def _address(server: subprocess.Popen[str]) -> str:
    """Return the address that the server names first."""
    assert server.stderr is not None
    for line in server.stderr:
        if match := re.search(r"serving on (\S+)", line):
            return match[1]
    raise SystemExit("the server ended during its start; run `make serve` to see the reason")


def _ask(address: str) -> GapReport:
    stamina.instrumentation.set_on_retry_hooks([])  # the start takes a second; do not log the retries
    for attempt in stamina.retry_context(on=httpx.TransportError, attempts=None, timeout=15, wait_max=0.1):
        with attempt:
            httpx.get(f"{address}/ready").raise_for_status()
    question = f"{address}/skill-gap?from={FROM}&to={TO}"
    _say(f"GET {question}")
    started = time.perf_counter()
    response = httpx.get(question).raise_for_status()
    _say(f"{response.status_code} in {(time.perf_counter() - started) * 1e3:.0f} ms, {len(response.content):,} bytes")
    return TypeAdapter(GapReport).validate_json(response.content)


def _say(line: str) -> None:
    print(f"$ {line}" if line.startswith("skillgap") else f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
