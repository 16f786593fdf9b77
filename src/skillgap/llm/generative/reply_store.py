"""Store replies as soon as they arrive, under the hash of the request: a valid reply is never paid for twice.

The text of an invalid reply is stored until the next attempt replaces it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from skillgap.errors import DatabaseUnavailable

_READERS = 4


@dataclass(frozen=True)
class Reply:
    """The reply to one attempt."""

    text: str
    input_tokens: int
    output_tokens: int
    seconds: float
    error: str | None
    """The reason why no level can be read from it."""


class ReplyStore(Protocol):
    """A store of replies. Both methods are called in threads; only one thread calls `put`."""

    def get(self, request_sha256: str) -> Reply | None:
        """Return the valid reply to a request; None if there is none."""

    def put(
        self,
        request_sha256: str,
        reply: Reply,
        *,
        model: str,
        prompt_version: str,
        onet_soc_code: str,
        element_id: str | None,
    ) -> None:
        """Store a reply, valid or not."""


class AsyncReplyStore:
    """Calls a reply store in threads, so that a slow or locked database does not block the event loop."""

    def __init__(self, replies: ReplyStore) -> None:
        self._replies = replies
        self._readers = ThreadPoolExecutor(_READERS, "skillgap-replies")
        self._writer = ThreadPoolExecutor(1, "skillgap-replies")  # keeps the order; SQLite allows one writer anyway
        self._unavailable: DatabaseUnavailable | None = None

    async def __aenter__(self) -> AsyncReplyStore:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait until every reply is written."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._writer.shutdown)

    async def get(self, request_sha256: str) -> Reply | None:
        """Return the valid reply to a request; None if there is none."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._replies.get, request_sha256)

    def put(self, request_sha256: str, reply: Reply, **subject: Any) -> asyncio.Future[None]:
        """Start to write a reply; it is written even if the caller is cancelled."""
        written = self._writer.submit(self._put, request_sha256, reply, **subject)
        return asyncio.shield(asyncio.wrap_future(written))

    def _put(self, request_sha256: str, reply: Reply, **subject: Any) -> None:
        if self._unavailable:  # otherwise every reply would wait for the same lock in turn
            raise self._unavailable
        try:
            self._replies.put(request_sha256, reply, **subject)
        except DatabaseUnavailable as error:
            self._unavailable = error
            raise
