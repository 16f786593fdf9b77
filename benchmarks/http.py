"""Servers in separate processes, and load from wrk."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx

_SCRIPT = """
local paths = {}
local body = %s
local headers = {["Content-Type"] = "application/json"}
for line in io.lines("%s") do
  paths[#paths + 1] = body and wrk.format("POST", line, headers, body) or wrk.format("GET", line)
end
local n = 0
request = function() n = n %% #paths + 1; return paths[n] end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%f %%f\\n", summary.requests,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
      + summary.errors.timeout, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Load:
    """Results of one wrk run."""

    per_second: float
    errors: int
    p50_ms: float
    p99_ms: float


@contextmanager
def server(command: Sequence[str], port: int, environment: Mapping[str, str], log: Path) -> Iterator[tuple[str, int]]:
    """Run a server with its log in a file, as in production, until the block ends; yield its URL and process id."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_it_answers(url)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(30)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for each in (str(pid), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def skillgap_serve(port: int, *, workers: int) -> list[str]:
    """Return the command that serves the product as in production."""
    return [sys.executable, "-m", "skillgap", "serve", "--port", str(port), "--workers", str(workers)]


def granian(target: str, port: int, *, factory: bool = False) -> list[str]:
    """Return the command that serves `target` as `skillgap serve` does: one worker, uvloop."""
    options = ["--interface", "asgi", "--loop", "uvloop", "--no-ws", "--workers", "1", "--host", "127.0.0.1"]
    return [sys.executable, "-m", "granian", *options, "--port", str(port), *(["--factory"] * factory), target]


def uvicorn(target: str, port: int, *, factory: bool = False) -> list[str]:
    """Return the command that serves `target` on uvicorn with its C extras."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--host", "127.0.0.1"]
    return [sys.executable, "-m", "uvicorn", *options, "--port", str(port), *(["--factory"] * factory), target]


def wrk(
    url: str, paths: Sequence[str], *, connections: int, seconds: float, folder: Path, body: str | None = None
) -> Load:
    """Request the paths in turn for some seconds, or post JSON to them."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("make bench needs wrk: sudo apt install wrk, or brew install wrk")
    (folder / "paths").write_text("\n".join(paths))
    script = folder / "wrk.lua"
    script.write_text(_SCRIPT % ("nil" if body is None else f"[[{body}]]", folder / "paths"))
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    result = re.search(r"RESULT (\d+) (\d+) (\S+) (\S+)", ended.stdout)
    assert result, ended.stdout
    requests, errors, p50, p99 = (float(text) for text in result.groups())
    return Load(requests / seconds, int(errors), p50, p99)


@contextmanager
def health_probe(url: str) -> Iterator[list[float]]:
    """Request `/health` repeatedly on one connection while the block runs; yield the milliseconds of each answer."""
    took: list[float] = []
    stop = threading.Event()
    host, port = url.removeprefix("http://").split(":")

    def probe() -> None:
        connection = HTTPConnection(host, int(port), timeout=10)
        while not stop.wait(0.02):
            started = time.perf_counter()
            connection.request("GET", "/health")
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            took.append((time.perf_counter() - started) * 1e3)
        connection.close()

    thread = threading.Thread(target=probe)
    thread.start()
    yield took
    stop.set()
    thread.join()


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/health").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
