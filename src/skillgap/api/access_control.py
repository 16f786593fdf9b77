"""ASGI middleware for API keys, rates and body sizes. It runs before routing."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillgap.api import problems
from skillgap.api.addresses import KEY_NAME, asker_of
from skillgap.api.rates import Rates
from skillgap.config.api_keys import ApiKey, find_key, read_keys
from skillgap.errors import ConfigurationError
from skillgap.web.assets import ADDRESS as ASSETS

LARGEST_BODY = 65_536
"""Bytes of a request's body."""
_BODY_SECONDS = 10
"""How long a client may take to send it."""
OPEN_PATHS = ("/health", "/ready")
"""Their askers have no key, and a supervisor told to wait would restart the service."""

_log = structlog.get_logger("skillgap.api")


class Keys:
    """The keys of a file, read again when it changes: a line taken out is a key no longer."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = self._state()
        self._keys = read_keys(file)

    def refresh(self) -> None:
        """Take over a changed file; one that cannot be read leaves the keys as they were, and is told of once."""
        seen = self._state()
        if seen == self._seen:
            return
        try:
            self._keys = read_keys(self._file)
        except ConfigurationError as error:
            _log.error("keys not readable", error=str(error))
        else:
            _log.info("keys read", keys=len(self._keys))
        self._seen = seen  # not before: after any other error it is tried again

    def _state(self) -> tuple[int, int] | None:
        """Return what tells a changed file from the one before; None while there is none."""
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    def find(self, given: str) -> ApiKey | None:
        return find_key(self._keys, given)


class Gate:
    """Lets a request in or answers it with 401, 408, 411, 413 or 429.

    Each worker counts the requests that it receives; a client with connections to several is counted by each.
    """

    def __init__(self, app: ASGIApp, keys: Keys | None, *, anonymous_requests_per_minute: int | None) -> None:
        self._app = app
        self._keys = keys
        self._anonymous = anonymous_requests_per_minute
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope)
                if any(name == b"content-length" and value != b"0" for name, value in scope["headers"]):
                    receive = await _whole_body(receive)
            except problems.Refusal as refusal:
                return await problems.of(refusal, scope)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        given = None
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > LARGEST_BODY:
                raise problems.BodyTooLarge(
                    f"a request's body may have {LARGEST_BODY:,} bytes; this one has {int(value):,}"
                )
            if name == b"transfer-encoding":
                raise problems.LengthRequired("a request with a body must tell its Content-Length")
            if name == b"x-api-key":
                given = value.decode("latin-1")
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                given = value[7:].strip().decode("latin-1")
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(ASSETS):  # how a page looks is no secret
            return
        if given is not None and self._keys:  # without keys of ours, what a proxy passes on is none of our business
            key = self._keys.find(given)
            if key is None:
                raise problems.InvalidKey("this service has no such key, or has it no longer; its operator can tell")
            scope[KEY_NAME] = key.name
            self._count(asker_of(scope), key.requests_per_minute)
        elif self._anonymous is not None:
            if self._anonymous == 0:
                raise problems.KeyRequired("this service asks for a key, as X-API-Key or as Authorization: Bearer KEY")
            self._count(asker_of(scope), self._anonymous)

    def _count(self, client: str, per_minute: int) -> None:
        if wait := self._rates.enter(client, per_minute):
            raise problems.TooManyRequests(
                f"this client may send {per_minute:,} requests in any minute", retry_after=math.ceil(wait)
            )


async def _whole_body(receive: Receive) -> Receive:
    """Read a body, and give it again: a client that holds it back must not hold a request of the application."""
    body, more = b"", True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
    except TimeoutError:
        raise problems.RequestTimeout(f"a request's body must be there within {_BODY_SECONDS} seconds") from None
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
