"""One structured line per request, and the request id that goes with it."""

from __future__ import annotations

import re
import secrets
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillgap.api.answer_cache import PAIR

_CLIENT_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LONGEST_PATH = 200


class RequestLog:
    """ASGI middleware, outermost: names the request, times it, logs it, and outlives what it calls."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("skillgap.request").bind()  # once, not per request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = perf_counter()
        request_id = _request_id(scope)
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id)]}
            await send(message)

        method = scope["method"]
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            line = {"id": request_id.decode(), "method": method, "path": scope["path"][:_LONGEST_PATH]}
            if pair := scope.get(PAIR):
                line["from"], line["to"] = pair
            self._log.info("request", **line, status=status, ms=round((perf_counter() - started) * 1e3, 3))
        return None


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _CLIENT_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
