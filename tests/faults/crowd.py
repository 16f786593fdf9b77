"""Clients in a separate process, so that only the service is measured: some send requests, some never read."""

from __future__ import annotations

import asyncio
import itertools
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from skillgap.api.server import allow_open_files
from tests.processes import processes

_SECONDS_FOR_LAST_ANSWERS = 10


@dataclass
class Answers:
    """The answers that a crowd of clients received."""

    first_ms: list[float] = field(default_factory=list)
    """Of each client, from before it connected."""
    later_ms: list[float] = field(default_factory=list)
    by_client: Counter[int] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        took = sorted(self.first_ms + self.later_ms)
        return took[int(len(took) * 0.99)]


@contextmanager
def crowd(url: str, paths: Sequence[str], *, clients: int, every: float) -> Iterator[Answers]:
    """Send a request from each client at a fixed interval until the block ends, each on its own connection.

    Their first requests are spread over that time, and none waits for the answer of another. The answers are complete
    after the block.
    """
    answers = Answers()
    ours, theirs = processes.Pipe()
    process = processes.Process(target=_run, args=(url, list(paths), clients, every, theirs))
    process.start()
    try:
        assert ours.recv() == "started"
        yield answers
    finally:
        ours.send("stop")
        answers.__dict__.update(ours.recv().__dict__)
        process.join(30)


def _run(url: str, paths: Sequence[str], clients: int, every: float, parent: Connection) -> None:
    allow_open_files()
    answers = Answers()
    asyncio.run(_ask(url, paths, clients, every, parent, answers))
    parent.send(answers)


async def _ask(
    url: str, paths: Sequence[str], clients: int, every: float, parent: Connection, answers: Answers
) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
    turn = itertools.cycle(paths)
    parent.send("started")
    asking = [
        asyncio.create_task(_client(number, url, turn, every, number / clients * every, stop, answers))
        for number in range(clients)
    ]
    await stop.wait()
    _, unanswered = await asyncio.wait(asking, timeout=_SECONDS_FOR_LAST_ANSWERS)
    for client in unanswered:
        client.cancel()
    await asyncio.gather(*unanswered, return_exceptions=True)


async def _client(
    number: int, url: str, turn: Iterator[str], every: float, wait: float, stop: asyncio.Event, answers: Answers
) -> None:
    address = urlsplit(url)
    due = time.perf_counter() + wait
    writer = None
    try:
        while not await _stopped(stop, due):
            due += every
            began = time.perf_counter()
            is_first = writer is None
            if writer is None:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(f"GET {next(turn)} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
            (answers.first_ms if is_first else answers.later_ms).append((time.perf_counter() - began) * 1e3)
            answers.statuses[int(head.split(maxsplit=2)[1])] += 1
            answers.by_client[number] += 1
    except (OSError, EOFError, asyncio.CancelledError) as error:
        answers.failures.append(f"client {number}: {type(error).__name__}: {error}")
    finally:
        if writer:
            writer.close()


async def _stopped(stop: asyncio.Event, due: float) -> bool:
    """Wait until a time; return whether the end came first."""
    try:
        async with asyncio.timeout(max(0.0, due - time.perf_counter())):
            await stop.wait()
    except TimeoutError:
        return False
    return True


class Deaf:
    """Clients that send requests as long as the service takes them, and never read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connected(self) -> int:
        """Return how many the service has not disconnected yet."""
        self._connection.send("connected")
        return int(self._connection.recv())


@contextmanager
def deaf_clients(url: str, path: str, *, clients: int, requests: int, receive_buffer: int | None) -> Iterator[Deaf]:
    """Connect clients that each send a number of requests and read nothing until the block ends."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=_be_deaf, args=(url, path, clients, requests, receive_buffer, theirs))
    process.start()
    try:
        assert ours.recv() == "sent"
        yield Deaf(ours)
    finally:
        ours.send("stop")
        process.join(30)


def _be_deaf(url: str, path: str, clients: int, requests: int, receive_buffer: int | None, parent: Connection) -> None:
    allow_open_files()
    address = urlsplit(url)
    message = f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode() * requests
    poll = select.epoll()
    connections = {}
    for _ in range(clients):
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((address.hostname, address.port))
        connection.setblocking(False)
        connection.send(message)  # as much as the system takes
        connections[connection.fileno()] = connection
        poll.register(connection.fileno(), select.EPOLLRDHUP)
    parent.send("sent")
    while parent.recv() != "stop":
        for descriptor, _ in poll.poll(0, clients):
            poll.unregister(descriptor)
            connections.pop(descriptor).close()
        parent.send(len(connections))
