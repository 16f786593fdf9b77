"""Start and memory of `skillgap serve`, as ratios to a bare FastAPI application on the same server.

    python -m benchmarks.start RELEASE [--rounds 5]

Rounds alternate and medians are compared. The start is the time from the command to the first 200 of `/ready`
(`/health` of the bare application). Memory is that of all processes, once every part of the snapshot has been computed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.http import free_port, granian, skillgap_serve

_SECONDS_TO_WAIT = 120
_SECONDS_TO_SETTLE = 3
"""After the last answer: freed memory goes back to the system after a second."""
_QUESTIONS = ("/occupations?q=nurse", "/occupations/29-1141.00/transitions", "/skill-gap?from=29-1141&to=11-9111")


@dataclass(frozen=True)
class Start:
    """One start of a server."""

    seconds: float
    memory_mb: float


def bench_start(database: str, *, rounds: int = 5) -> dict[str, float]:
    """Return seconds and megabytes of `skillgap serve` with a database, and the ratios to the bare application."""
    ours, bare = [], []
    for _ in range(rounds):
        port = free_port()
        ours.append(_start(skillgap_serve(port, workers=1), port, "/ready", _QUESTIONS, database))
        port = free_port()
        bare.append(_start(granian("benchmarks.bare:app", port), port, "/health", (), database))
    seconds, memory = _medians(ours)
    bare_seconds, bare_memory = _medians(bare)
    return {
        "start_s": seconds,
        "start_ratio": seconds / bare_seconds,
        "memory_mb": memory,
        "memory_ratio": memory / bare_memory,
    }


def _medians(starts: Sequence[Start]) -> tuple[float, float]:
    return statistics.median(start.seconds for start in starts), statistics.median(start.memory_mb for start in starts)


def _start(command: Sequence[str], port: int, ready: str, questions: Sequence[str], database: str) -> Start:
    started = time.perf_counter()
    with _running(command, database) as pid:
        while _status(port, ready) != 200:
            if time.perf_counter() - started > _SECONDS_TO_WAIT:
                raise SystemExit(f"{' '.join(command)}: not ready within {_SECONDS_TO_WAIT} s")
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        for question in questions:
            assert _status(port, question) == 200, question
        time.sleep(_SECONDS_TO_SETTLE)
        return Start(seconds, memory_mb(pid))


@contextmanager
def _running(command: Sequence[str], database: str) -> Iterator[int]:
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": database}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _status(port: int, path: str) -> int:
    """Return the status of an answer; 0 if nothing listens yet."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def memory_mb(pid: int) -> float:
    """Return the memory of a process and its children on Linux; pages that several processes share count in part."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [
        line for each in (str(pid), *children) for line in Path(f"/proc/{each}/smaps_rollup").read_text().split("\n")
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    """Load a release into SQLite and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/skillgap.db"
        environment = {**os.environ, "SKILLGAP_DATABASE_URL": database}
        subprocess.run(
            [sys.executable, "-m", "skillgap", "load", arguments.release],
            env=environment,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        figures = bench_start(database, rounds=arguments.rounds)
    print("start", *(f"{name}={value:.4g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
