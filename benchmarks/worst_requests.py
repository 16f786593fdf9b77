"""`make worst-requests`: the most expensive known request of each endpoint, on the real service.

No answer is stored. A request whose first answer needs extra computation is sent to a newly started service that has
read its data. Measured on the worker (Linux): total processor time, processor time of the event loop's thread, and the
longest `/health` request on another connection during the request, which is how long it delays others. Work outside
the event loop runs in a pool with a bounded queue (`skillgap.api.pool`).
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from benchmarks.http import free_port, server, skillgap_serve
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine

NURSE, MANAGER, FAR = "29-1141.00", "11-9111.00", "19-2012.00"
_ATTEMPTS = 5
"""Attempts, each on a new service, for a request that seems too expensive: other processes can delay one."""
MOST_STALL_MS, MOST_LOOP_MS = 20.0, 50.0


@dataclass(frozen=True)
class Candidate:
    """A request that may be expensive."""

    endpoint: str
    name: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_first: bool = False
    """Whether the first request of its kind needs extra computation; it is sent to a newly started service."""


@dataclass(frozen=True)
class Cost:
    """The cost of a request, in milliseconds."""

    candidate: Candidate
    status: int
    took: float
    cpu: float
    loop_cpu: float
    """Processor time of the event loop's thread."""
    stall: float
    """Longest wait of another request."""
    answer_bytes: int

    @property
    def is_bounded(self) -> bool:
        return self.stall <= MOST_STALL_MS and self.loop_cpu <= MOST_LOOP_MS


def candidates() -> list[Candidate]:
    """Return expensive requests for every endpoint."""
    pair = {"from": NURSE, "to": MANAGER}
    far = {"from": NURSE, "to": FAR}
    words = {
        "200 ligatures of 18 letters": "\ufdfa" * 200,
        "11 ligatures of 18 letters": "\ufdfa" * 11,
        "16 words with typos": " ".join(f"managxmx{chr(97 + n)}" for n in range(16)),
        "30 words": " ".join(f"xq{n:02d}z" for n in range(30)),
        "100 single letters": "a b " * 50,
        "200 letters that casefold to three": "\u0390" * 200,
        "one letter": "e",
        "5,000 words": "nurze " * 5_000,
    }
    heavy = [
        {"domain": domain, "weight": weight, "stability": stability}
        for domain in ("skills", "all")
        for weight in ("importance", "none")
        for stability in ("false", "true")
    ]
    firsts = [each for each in heavy if (each["weight"] == "none") != (each["stability"] == "true")]
    many = {f"a{n}": "1" for n in range(6_500)}
    levels = {
        "6,000 wrong levels": {"levels": {f"a{n}": 9 for n in range(6_000)}},
        "480 unknown names": {"levels": {f"Writting{n}": 3 for n in range(480)}},
        "5,000 fields": {f"a{n}": 1 for n in range(5_000)},
        "own levels of all": {"levels": {"Writing": 3.0}, "occupation": NURSE},
    }
    gzip = (("Accept-Encoding", "gzip"),)
    tags = (("If-None-Match", ", ".join(f'"{n}"' for n in range(6_000))),)
    codings = (("Accept-Encoding", "a," * 25_000),)
    searched, near = "GET /occupations", "GET /occupations/{onet_soc_code}/transitions"
    gap, own = "GET /skill-gap", "POST /skill-gap"
    return [
        *(_get(near, _name(each), {**each, "limit": 100}, is_first=each in firsts) for each in heavy),
        *(_get(gap, _name(each), {**pair, **each}, is_first=each in firsts) for each in heavy),
        _get("GET /paths", "all domains", {**pair, "domain": "all", "neighbours": 50}, is_first=True),
        *(_get("GET /paths", "50 neighbours", {**each, "neighbours": 50, "limit": 20}) for each in (pair, far)),
        *(_get(searched, name, {"q": q, "limit": 1000}) for name, q in words.items()),
        _get(searched, "all, compressed", {"limit": 1000}, headers=gzip),
        _get(searched, "far page", {"q": "manager", "limit": 1000, "offset": 1_000_000}),
        _get("GET /occupations/{onet_soc_code}", "unknown code", code="29-1142.00"),
        _get("GET /occupations/{onet_soc_code}", "long code", code="9" * 30_000),
        *(_get("GET /occupations/{onet_soc_code}/skills", each, {"domain": each}) for each in ("skills", "all")),
        _get(gap, "6,500 parameters", {**pair, **many}),
        _get(gap, "6,000 entity tags", pair, headers=tags),
        _get(gap, "long Accept-Encoding", pair, headers=codings),
        *(
            _post(own, name, {**heavy[-1], "to": MANAGER}, json.dumps(body, separators=(",", ":")).encode())
            for name, body in levels.items()
        ),
        _post(own, "nested arrays", {"to": MANAGER}, b"[" * 30_000 + b"]" * 30_000),
        _post(own, "32,000 numbers", {"to": MANAGER}, b"[" + b"1," * 32_000 + b"1]"),
        *(_get(f"GET {path}", "plain") for path in ("/health", "/ready", "/metrics", "/docs")),
        *(_get("GET /", name, {"from": q, "to": q[::-1]}) for name, q in words.items()),
        *(_get("GET /", f"domain {each}", {**pair, "domain": each}, headers=gzip) for each in ("skills", "all")),
        _get("GET /", "one occupation", {"from": NURSE}),
        _get("GET /", "90 unknown parameters", {**pair, **dict(list(many.items())[:90])}),
        _get("GET /", "tracking parameters", {**{f"utm_a{chr(97 + n % 26)}": "1" * 2_000 for n in range(26)}, **pair}),
        *(_get("GET /path", f"domain {each}", {**pair, "domain": each}) for each in ("skills", "all")),
        _get("GET /own", "all domains", {**pair, "domain": "all"}),
        _post("POST /own", "480 fields", {**pair, "domain": "all"}, urlencode(dict(list(many.items())[:480])).encode()),
        _post("POST /own", "6,500 fields", pair, urlencode(many).encode()),
        _get("GET /report", "all domains", {**pair, "domain": "all"}),
        _get("GET /chart.svg", "all domains", {**pair, "domain": "all"}),
        _get("GET /assets/{name}", "unknown name", code="x" * 30_000),
        _get("GET /openapi.json", "compressed", headers=gzip),
        _get("GET /static-offline-docs/swagger-ui-bundle.js", "compressed", headers=gzip),
        _get("GET /{unknown}", "long path", code="%C3%A4" * 10_000),
    ]


def _get(
    endpoint: str,
    name: str,
    query: Mapping[str, object] | None = None,
    *,
    code: str = NURSE,
    headers: tuple[tuple[str, str], ...] = (),
    is_first: bool = False,
) -> Candidate:
    path = re.sub(r"\{\w+\}", code, endpoint.split()[1])
    return Candidate(endpoint, name, f"{path}?{urlencode(query)}" if query else path, None, headers, is_first)


def _post(endpoint: str, name: str, query: Mapping[str, object], body: bytes) -> Candidate:
    return Candidate(endpoint, name, f"{endpoint.split()[1]}?{urlencode(query)}", body)


def _name(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def check_all_endpoints_have_one(document: dict[str, dict[str, dict[str, object]]], known: Sequence[Candidate]) -> None:
    """Raise ValueError naming the documented endpoints without a candidate."""
    documented = {f"{method.upper()} {path}" for path, each in document["paths"].items() for method in each}
    if missing := documented - {each.endpoint for each in known}:
        raise ValueError(f"no request is measured of {', '.join(sorted(missing))}")


class Worker:
    """A worker of the service, looked at from outside."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        host, port = url.removeprefix("http://").split(":")
        self._address = (host, int(port))

    def cost(self, candidate: Candidate) -> Cost:
        """Send a request and measure it."""
        with self._probing() as took:
            idle = self._cpu()
            started = time.perf_counter()
            time.sleep(0.2)
            base, rest = self._cpu(), time.perf_counter() - started
            took.clear()
            begun = time.perf_counter()
            status, size = self._ask(candidate)
            seconds = time.perf_counter() - begun
            time.sleep(0.03)  # what follows an answer: its log line, the probe that waited
            window = time.perf_counter() - begun
            end = self._cpu()
            stall = max(took, default=0.0)
        all_cpu, loop_cpu = (max(1e3 * (end[k] - base[k] - (base[k] - idle[k]) / rest * window), 0.0) for k in range(2))
        return Cost(candidate, status, seconds * 1e3, all_cpu, loop_cpu, stall, size)

    def _ask(self, candidate: Candidate) -> tuple[int, int]:
        headers = {"Host": "test", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
        headers |= dict(candidate.headers)
        if candidate.body is not None:
            kind = "application/x-www-form-urlencoded" if candidate.path.startswith("/own") else "application/json"
            headers |= {"Content-Length": str(len(candidate.body)), "Content-Type": kind}
        lines = [f"{'GET' if candidate.body is None else 'POST'} {candidate.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection(self._address, timeout=60) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + (candidate.body or b""))
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        return int(answer.split(maxsplit=2)[1]), len(answer)

    @contextmanager
    def _probing(self) -> Iterator[list[float]]:
        """Ask for `/health` every 2 ms; gives the milliseconds that each answer took.

        Not counted is the time in which threads waited for a processor that other processes had.
        """
        took: list[float] = []
        stop = threading.Event()

        def probe() -> None:
            with socket.create_connection(self._address, timeout=60) as connection:
                own = Path(f"/proc/self/task/{threading.get_native_id()}")
                while not stop.wait(0.002):
                    before = self._delays(own)
                    started = time.perf_counter()
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
                    answer = connection.recv(1 << 16)
                    ended = time.perf_counter()
                    took.append(max(ended - started - _delay(before, self._delays(own)), 0.0) * 1e3)
                    assert answer.startswith(b"HTTP/1.1 200")

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            yield took
        finally:
            stop.set()
            thread.join()

    def _cpu(self) -> tuple[float, float]:
        """Return the seconds of processor time of all threads, and of the one that runs the event loop."""
        seconds = {int(task.name): _schedule(task)[0] for task in self._tasks()}
        return sum(seconds.values()), seconds[self.pid]

    def _delays(self, own: Path) -> list[float]:
        """Return the seconds that threads have waited for a processor: ours, the event loop's, the worker's others."""
        loop = Path(f"/proc/{self.pid}/task/{self.pid}")
        others = sorted(task for task in self._tasks() if task != loop)
        return [_schedule(task)[1] for task in (own, loop, *others)]

    def _tasks(self) -> Iterator[Path]:
        return Path(f"/proc/{self.pid}/task").iterdir()


def _delay(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the seconds that an answer was late for want of a processor, where one other thread did its work."""
    own, loop, *others = (end - start for start, end in zip(before, after, strict=False))
    return own + loop + max(others, default=0.0)


def _schedule(task: Path) -> tuple[float, float]:
    """Return the seconds that a thread has run, and waited for a processor."""
    ran, waited, _ = (task / "schedstat").read_text().split()
    return int(ran) / 1e9, int(waited) / 1e9


@contextmanager
def worker(database: str, folder: Path) -> Iterator[Worker]:
    """Run the service on a database until the block ends; it has read all of its data."""
    port = free_port()
    environment = {
        "SKILLGAP_DATABASE_URL": database,
        "SKILLGAP_ANSWER_CACHE_MB": "0",
        "SKILLGAP_RELOAD_SECONDS": "3600",
        "SKILLGAP_LOG_LEVEL": "warning",
        "SKILLGAP_CACHE_DIR": str(folder),
    }
    with server(skillgap_serve(port, workers=1), port, environment, folder / "server.log") as (url, pid):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        running = Worker(url, int(children[0]))
        httpx.get(f"{url}/occupations/{NURSE}/transitions", timeout=60).raise_for_status()
        _wait_until_idle(running)
        yield running


def _wait_until_idle(running: Worker) -> None:
    """Return once nothing is computed in the background any more."""
    deadline = time.monotonic() + 60
    before = running._cpu()[0]
    while time.monotonic() < deadline:
        time.sleep(0.3)
        now = running._cpu()[0]
        if now - before < 0.01:
            return
        before = now


def measure(database: str, folder: Path, chosen: Sequence[Candidate]) -> list[Cost]:
    """Return the cost of each candidate; of one that seems too expensive, the best of five on new services."""
    with worker(database, folder) as running:
        costs = {each: running.cost(each) for each in chosen if not each.is_first}
    for each in chosen:
        for _ in range(_ATTEMPTS):
            if each in costs and costs[each].is_bounded:
                break
            with worker(database, folder) as running:
                again = running.cost(each)
            costs[each] = min(costs.get(each, again), again, key=lambda cost: (cost.stall, cost.loop_cpu))
            print(f"{each.endpoint}, {each.name}: {again.cpu:.0f} ms of CPU", file=sys.stderr, flush=True)
    return [costs[each] for each in chosen]


def table(costs: Sequence[Cost]) -> str:
    """Return the most expensive request of each endpoint as a Markdown table."""
    lines = [
        "| endpoint | most expensive request | status | CPU | event loop (max) | delay of others (max) |",
        "|---|---|---|---|---|---|",
    ]
    for endpoint in dict.fromkeys(cost.candidate.endpoint for cost in costs):
        of = [cost for cost in costs if cost.candidate.endpoint == endpoint]
        worst, stall = max(of, key=lambda cost: cost.cpu), max(cost.stall for cost in of)
        loop = max(cost.loop_cpu for cost in of)
        lines.append(
            f"| `{endpoint}` | {worst.candidate.name} | {worst.status} | {worst.cpu:.0f} ms | {loop:.0f} ms "
            f"| {stall:.0f} ms |"
        )
    return "\n".join(lines)


def main() -> None:
    source = next((each for each in sys.argv[1:] if each and not each.startswith("-")), "29.0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = f"sqlite:///{folder}/skillgap.db"
        engine = make_engine(database)
        extract_load_text_files(engine, source, cache_dir=folder)
        engine.dispose()
        chosen = candidates()
        with worker(database, folder) as running:
            check_all_endpoints_have_one(httpx.get(f"{running.url}/openapi.json").json(), chosen)
        costs = measure(database, folder, chosen)
    print(table(costs))
    if too_much := [cost for cost in costs if not cost.is_bounded]:
        for cost in too_much:
            print(f"above the bounds: {cost}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
