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
"""Bytes of a request body."""
_BODY_SECONDS = 10
"""Time a client may take to send the body."""
OPEN_PATHS = ("/health", "/ready")
"""Probes have no key, and a supervisor that got a 429 would restart the service."""

_log = structlog.get_logger("skillgap.api")


class Keys:
    """The keys of a file, read again when the file changes. Removing a line revokes its key."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = self._state()
        self._keys = read_keys(file)

    def refresh(self) -> None:
        """Read a changed file. If it cannot be read, keep the previous keys and log the error once."""
        seen = self._state()
        if seen == self._seen:
            return
        try:
            self._keys = read_keys(self._file)
        except ConfigurationError as error:
            _log.error("keys not readable", error=str(error))
        else:
            _log.info("keys read", keys=len(self._keys))
        self._seen = seen  # last, so that any other error is retried

    def _state(self) -> tuple[int, int] | None:
        """Return modification time and size, None if there is no file."""
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    def find(self, given: str) -> ApiKey | None:
        return find_key(self._keys, given)


class Gate:
    """ASGI middleware that passes a request on or answers it with 401, 408, 411, 413 or 429.

    Each worker counts only the requests that it receives itself.
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
                raise problems.BodyTooLarge(f"the request body has {int(value):,} bytes; the limit is {LARGEST_BODY:,}")
            if name == b"transfer-encoding":
                raise problems.LengthRequired("a request with a body must have a Content-Length header")
            if name == b"x-api-key":
                given = value.decode("latin-1")
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                given = value[7:].strip().decode("latin-1")
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(ASSETS):  # styles and scripts are public
            return
        if given is not None and self._keys:  # without a keys file, ignore a key that a proxy passes on
            key = self._keys.find(given)
            if key is None:
                raise problems.InvalidKey("unknown or revoked API key; ask the operator of this service")
            scope[KEY_NAME] = key.name
            self._count(asker_of(scope), key.requests_per_minute)
        elif self._anonymous is not None:
            if self._anonymous == 0:
                raise problems.KeyRequired(
                    "this service requires an API key, sent as X-API-Key or as Authorization: Bearer KEY"
                )
            self._count(asker_of(scope), self._anonymous)

    def _count(self, client: str, per_minute: int) -> None:
        if wait := self._rates.enter(client, per_minute):
            raise problems.TooManyRequests(
                f"this client may send {per_minute:,} requests per minute", retry_after=math.ceil(wait)
            )


async def _whole_body(receive: Receive) -> Receive:
    """Read the whole body and return a `receive` that replays it, so that slow clients do not block the application."""
    body, more = b"", True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
    except TimeoutError:
        raise problems.RequestTimeout(f"the request body did not arrive within {_BODY_SECONDS} seconds") from None
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay
