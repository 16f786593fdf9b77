"""Requests without pauses on many connections, each answer checked, while the service suffers a fault."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

from tests.api.serving import eventually

Look = Callable[[str, int, bytes, bytes], None]
"""Called with path, status, head and body of each answer."""


@dataclass
class Load:
    """Outcomes of the requests so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    """Requests that got no answer, or one that `look` did not like."""
    slowest_ms: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    began: float = field(default_factory=perf_counter)

    def failed(self, what: object) -> None:
        self.failures.append(f"after {perf_counter() - self.began:.3f} s: {what}")

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def wait_for(self, more: int) -> None:
        """Return when this many more requests have been answered."""
        wanted = self.requests + more
        eventually(lambda: self.requests >= wanted, within=120)


@contextmanager
def load(url: str, paths: Sequence[str], *, connections: int = 32, look: Look | None = None) -> Iterator[Load]:
    """Request the paths in turn, as fast as answers arrive, until the block ends."""
    seen = Load()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_ask(url, paths, connections, look, seen, stop)))
    thread.start()
    try:
        seen.wait_for(connections)
        yield seen
    finally:
        stop.set()
        thread.join(60)


async def _ask(
    url: str, paths: Sequence[str], connections: int, look: Look | None, seen: Load, stop: threading.Event
) -> None:
    turn = itertools.cycle(paths)
    await asyncio.gather(*(_keep_asking(url, turn, look, seen, stop) for _ in range(connections)))


async def _keep_asking(url: str, turn: Iterator[str], look: Look | None, seen: Load, stop: threading.Event) -> None:
    address = urlsplit(url)
    while not stop.is_set():
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError as error:
            seen.failed(f"no connection: {error}")
            await asyncio.sleep(0.01)
            continue
        try:
            while not stop.is_set():
                path = next(turn)
                started = perf_counter()
                writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                took = (perf_counter() - started) * 1e3
                status = int(head.split(maxsplit=2)[1])
                seen.statuses[status] += 1
                seen.took_ms.append(took)
                seen.slowest_ms = max(seen.slowest_ms, took)
                if look:
                    look(path, status, head, body)
        except (OSError, EOFError, AssertionError) as error:
            seen.failed(f"{type(error).__name__}: {error}")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
