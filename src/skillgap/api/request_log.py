"""Request ids, security headers, the request log and request counts."""

from __future__ import annotations

import re
import secrets
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillgap.api.addresses import KEY_NAME
from skillgap.api.cache import PAIR
from skillgap.api.metrics import count_request

_CLIENT_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LONGEST_PATH = 200
_DOCS = ("/docs", "/static-offline-docs")
"""Swagger's page, which has inline scripts and styles."""
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_POLICY = b"content-security-policy"
_POLICY_OF_DATA = b"default-src 'none'; frame-ancestors 'none'"
_POLICY_OF_DOCS = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class RequestLog:
    """Outermost ASGI middleware: gives each request an id, times it, logs it and counts it, even if it fails."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("skillgap.request").bind()  # once, not per request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = perf_counter()
        request_id = _request_id(scope)
        policy = _POLICY_OF_DOCS if scope["path"].startswith(_DOCS) else _POLICY_OF_DATA
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id), *_SECURITY]
                # Pages set their own. In a 304, the header would replace the one that the browser has stored.
                if status != 304 and all(name != _POLICY for name, _ in message["headers"]):
                    headers.append((_POLICY, policy))
                message = {**message, "headers": headers}
            await send(message)

        method = scope["method"]
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = perf_counter() - started
            line = {"id": request_id.decode(), "method": method, "path": scope["path"][:_LONGEST_PATH]}
            if pair := scope.get(PAIR):
                line["from"], line["to"] = pair
            if key := scope.get(KEY_NAME):
                line["key"] = key
            self._log.info("request", **line, status=status, ms=round(seconds * 1e3, 3))
            count_request(scope, status, seconds)
        return None


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _CLIENT_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
