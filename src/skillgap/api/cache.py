"""ETags, 304 and stored answers of every GET route whose answer depends only on the data version and the address.

A route is cached unless its endpoint is declared `uncached`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillgap.service.snapshot import Snapshot
from skillgap.version import __version__

SNAPSHOT = "skillgap.snapshot"
PAIR = "skillgap.pair"
"""Keys of the request's scope for its snapshot and for the pair of codes to log."""
PASSING = "skillgap.passing"
"""Key of the scope for answers that must not be stored: the same data will soon give another answer."""

_UNCACHED, _PAGE = "skillgap_uncached", "skillgap_page"
"""Attributes of endpoints."""
_TRACKING = re.compile(
    rb"(?:^|(?<=&))(?:utm_[^=&]*|fbclid|gclid|gclsrc|dclid|wbraid|gbraid|gad_source|gad_campaignid|msclkid|yclid|ttclid"
    rb"|twclid|li_fat_id|igshid|igsh|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|_ga|_gl|ref|ref_src|srsltid|si)(?:=[^&]*)?(?:&|$)",
    re.IGNORECASE,
)
"""Parameters that mail programs, social networks and search engines add to links."""
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Key = tuple[str, bytes, bool]
"""Path, query, and whether the client accepts gzip."""
_ANY = b"*"
_ZERO = re.compile(rb"(^|;)\s*q\s*=\s*0(\.0*)?\s*(;|$)")
_VARY = (b"vary", b"Accept-Encoding")
_OVERHEAD = 1_000
"""Bytes of an entry besides its body."""


def uncached(endpoint: Endpoint) -> Endpoint:
    """Declare an endpoint whose answers depend on more than the data version and the address.

    All other GET endpoints get an ETag, and their answers are stored.
    """
    setattr(endpoint, _UNCACHED, True)
    return endpoint


def shared_page(endpoint: Endpoint) -> Endpoint:
    """Declare a page whose address people share: mail programs and social networks add parameters to it.

    Tracking parameters are dropped, and other unknown ones are noted on the page instead of refused.
    """
    setattr(endpoint, _PAGE, True)
    return endpoint


def is_cached(route: BaseRoute | None) -> bool:
    """Whether answers of a route get an ETag and are stored."""
    return isinstance(route, APIRoute) and not hasattr(route.endpoint, _UNCACHED)


def is_page(route: BaseRoute) -> bool:
    """Whether a route is a page whose address people share."""
    return isinstance(route, APIRoute) and hasattr(route.endpoint, _PAGE)


def page_paths(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """Return the paths of the pages among some routes."""
    return frozenset(route.path for route in routes if isinstance(route, APIRoute) and is_page(route))


@dataclass(frozen=True)
class Answer:
    """A complete 200 answer."""

    start: Message
    body: Message
    pair: tuple[str, str] | None
    route: Any
    """The application's route, by which answers are counted."""

    def size(self, key: Key) -> int:
        path, query, _ = key
        return len(self.body["body"]) + len(path) + len(query) + _OVERHEAD


class StoredAnswers:
    """Answers of one data version. Above `most_bytes`, the least recently used are dropped."""

    def __init__(self, data_version: str, *, most_bytes: int) -> None:
        self.data_version = data_version
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[Key, Answer] = OrderedDict()

    def of_version(self, data_version: str) -> StoredAnswers:
        """Return an empty store for another data version."""
        return StoredAnswers(data_version, most_bytes=self._most_bytes)

    def get(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer) -> None:
        size = answer.size(key)
        if key in self._answers or size > self._most_bytes:
            return
        self._answers[key] = answer
        self._bytes += size
        while self._bytes > self._most_bytes:
            oldest, dropped = self._answers.popitem(last=False)
            self._bytes -= dropped.size(oldest)

    def etag(self, path: str, query: bytes) -> bytes:
        """Return a tag that changes with data, software and address. It is weak, because gzip does not change it."""
        text = f"{__version__}\0{self.data_version}\0{path}\0".encode() + query
        return b'W/"%s"' % blake2b(text, digest_size=12).hexdigest().encode()


class AnswerCache:
    """ASGI middleware that gives each request its snapshot and sends stored answers again."""

    def __init__(
        self, app: ASGIApp, snapshot: Callable[[], Snapshot], *, most_bytes: int, pages: Collection[str] = ()
    ) -> None:
        """Take the paths of the `pages` from whose queries tracking parameters are dropped."""
        self._app = app
        self._pages = pages
        self._snapshot = snapshot
        self._stored = StoredAnswers("", most_bytes=most_bytes)

    def stored(self, data_version: str) -> StoredAnswers:
        """Return the store of a data version. Only the newest version's is kept; others last for one request."""
        if data_version == self._stored.data_version:
            return self._stored
        stored = self._stored.of_version(data_version)
        if data_version == self._snapshot().data_version:
            self._stored = stored
        return stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        snapshot = scope[SNAPSHOT] = self._snapshot()
        if scope["query_string"] and scope["path"] in self._pages:
            scope["query_string"] = without_tracking(scope["query_string"])
        if scope["method"] == "HEAD":
            scope["method"] = "GET"  # the server sends no body to a HEAD
        if scope["method"] != "GET":
            return await self._app(scope, receive, send)
        accepts_gzip, known_tags = _conditions(scope)
        answers, path, query = self.stored(snapshot.data_version), scope["path"], scope["query_string"]
        key = (path, query, accepts_gzip)
        answer = answers.get(key)
        etag = answers.etag(path, query) if known_tags else b""
        if etag and (_has_tag(known_tags, etag) or (known_tags == _ANY and answer)):
            await _send_not_modified(send, etag)
            return None
        if answer is None:
            # The inner middleware only searches for the word gzip, so `gzip;q=0` would mean yes.
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            if accepts_gzip:
                scope["headers"].append((b"accept-encoding", b"gzip"))
            recorder = _Recorder(send, key, scope, self.stored, not_modified=known_tags == _ANY)
            return await self._app(scope, receive, recorder)
        scope[PAIR], scope["route"] = answer.pair, answer.route
        await send({**answer.start})  # a copy, because outer layers add headers
        await send(answer.body)
        return None


def without_tracking(query: bytes) -> bytes:
    """Return the query of a page without tracking parameters."""
    return _TRACKING.sub(b"", query).rstrip(b"&")


class _Recorder:
    """A `send` that adds ETag and Cache-Control to a 200 answer of a cached route and stores it."""

    def __init__(
        self, send: Send, key: Key, scope: Scope, stored: Callable[[str], StoredAnswers], *, not_modified: bool
    ) -> None:
        self._send = send
        self._stored = stored
        self._key = key
        self._scope = scope
        self._not_modified = not_modified
        """Send a 200 answer as a 304, because the client accepts any answer that it has (`If-None-Match: *`)."""
        self._start: Message | None = None
        """The start of an answer that is to be stored."""
        self._is_streamed = False
        """Whether the body comes in several messages; such an answer is not stored."""

    @property
    def _answers(self) -> StoredAnswers:
        # evaluated when the answer starts, because fetching missing ratings replaces the snapshot of the scope
        snapshot: Snapshot = self._scope[SNAPSHOT]
        return self._stored(snapshot.data_version)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200 and is_cached(self._scope.get("route")) and not self._scope.get(PASSING):
                path, query, _ = self._key
                etag = self._answers.etag(path, query)
                message["headers"] = [*(pair for pair in message["headers"] if pair[0] != b"vary"), *_headers(etag)]
                self._start = {**message}
                if self._not_modified:
                    return await _send_not_modified(self._send, etag)
        elif self._start:
            self._is_streamed |= message.get("more_body", False)
            if not self._is_streamed:
                answer = Answer(self._start, message, self._scope.get(PAIR), self._scope.get("route"))
                self._answers.put(self._key, answer)
        if not (self._start and self._not_modified):
            await self._send(message)
        return None


async def _send_not_modified(send: Send, etag: bytes) -> None:
    await send({"type": "http.response.start", "status": 304, "headers": _headers(etag)})
    await send({"type": "http.response.body", "body": b""})


def _headers(etag: bytes) -> list[tuple[bytes, bytes]]:
    # no-cache: caches keep the answer but revalidate it each time
    return [(b"etag", etag), (b"cache-control", b"no-cache"), _VARY]


def _conditions(scope: Scope) -> tuple[bool, bytes]:
    """Return whether the client accepts gzip, and the If-None-Match header."""
    accepted, known_tags = b"", b""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            accepted = accepted + b"," + value if accepted else value
        elif name == b"if-none-match":
            known_tags = known_tags + b"," + value if known_tags else value
    return _accepts_gzip(accepted), known_tags.strip()


@lru_cache(maxsize=256)
def _accepts_gzip(accept_encoding: bytes) -> bool:
    codings = (coding.lower().partition(b";") for coding in accept_encoding.split(b","))
    return any(name.strip() == b"gzip" and not _ZERO.search(weight) for name, _, weight in codings)


def _has_tag(known_tags: bytes, etag: bytes) -> bool:
    """Compare tags weakly, with or without W/."""
    return any(tag.strip().removeprefix(b"W/") == etag.removeprefix(b"W/") for tag in known_tags.split(b","))
