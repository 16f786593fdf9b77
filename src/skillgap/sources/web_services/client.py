"""A client for O*NET Web Services: API 2.0 (`X-API-Key`) and 1.9 (Basic) behind one interface.

Contract: https://services.onetcenter.org/reference/. The terms of service allow 5 requests a second and 50,000 a day.
A client spaces its requests evenly, however many tasks share it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import stamina
from aiolimiter import AsyncLimiter

from skillgap.errors import (
    ConfigurationError,
    CredentialsRefused,
    OnetApiProtocolError,
    OnetApiRefusal,
    OnetApiUnavailable,
    SkillgapError,
)
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND, Credentials
from skillgap.sources.web_services.response_cache import Page, ResponseCache

LARGEST_PAGE = 2_000
"""Largest page that API 2.0 accepts, in rows."""
_PAGES = (LARGEST_PAGE, 1_000, 200)
"""Page sizes to try in turn: the largest page of API 1.9 is not documented."""
_PAGE_OF_ONE = 200
"""Page size for one occupation, which has at most 70 ratings."""

_ATTEMPTS = 5
_REDIRECTS = 3
_TIMEOUTS = httpx.Timeout(connect=5.0, read=30.0, write=10.0, pool=120.0)
_CONNECTIONS = 20
"""Open connections. The wait for a free one does not count toward the time limit of a request."""
_SECONDS_PER_REQUEST = 120.0
"""Limits a response that arrives byte by byte, which never exceeds the timeout of a single read."""

_LONGEST_WAIT = 30.0
"""Longest Retry-After that is respected, in seconds."""

_T = TypeVar("_T")
OnRequest = Callable[[int, int], None]
"""Called with the number of requests answered so far and the number known to be needed."""


class _NoUsableAnswer(Exception):
    """A response worth a retry; `wait` is its Retry-After in seconds."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


def _is_worth_a_retry(error: Exception) -> bool | float:
    if not isinstance(error, _NoUsableAnswer):
        return False
    return error.wait or True


class OnetApi:
    """The Web Services. Every method raises CredentialsRefused, OnetApiRefusal, OnetApiUnavailable and
    OnetApiProtocolError, each naming the page.
    """

    def __init__(
        self,
        access: Credentials,
        http: httpx.AsyncClient,
        *,
        requests_per_second: float = REQUESTS_PER_SECOND,
        attempts: int = _ATTEMPTS,
        on_request: OnRequest | None = None,
    ) -> None:
        self.access = access
        self.pages: ResponseCache | None = None
        """Cache to read answers from and to keep them in, if any."""
        self.requests = 0
        """Requests sent, retries and redirects included."""
        self._http = http
        self._limiter = AsyncLimiter(1, 1 / requests_per_second)  # one at a time: a larger bucket would burst
        self._connections = asyncio.Semaphore(_CONNECTIONS)
        self._attempts = attempts
        self._on_request = on_request
        self._done = self._needed = 0

    @property
    def origin(self) -> str:
        """The base URL."""
        return self.access.base_url

    async def release(self) -> str:
        """Return the number of the release that is served, such as `31.0`."""
        body = (await self.get("about")).body
        database = body.get("database") if isinstance(body, dict) else None
        number = re.search(
            r"O\*NET\D{0,20}?\s([0-9]{2}\.[0-9]{1,2})(?![0-9.])", json.dumps(database or "", ensure_ascii=False)
        )
        if number is None:
            raise OnetApiProtocolError(f"{self._url('about')}: no O*NET release in {json.dumps(body)[:200]}")
        return number[1]

    async def get(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> Page:
        """Return one answer, from `pages` if cached."""
        url = self._url(path, parameters)
        self._count(needed=1)
        page = self.pages.get(url) if self.pages else None
        if page is None:
            page = Page(await self._fetch(url), datetime.now(UTC).replace(tzinfo=None, microsecond=0))
            if self.pages:
                self.pages.put(url, page)
        self._count(done=1)
        return page

    async def rows(self, path: str, key: str, parameters: Sequence[tuple[str, str]] = ()) -> list[tuple[Any, datetime]]:
        """Return all rows of a paginated answer, each with the time it was fetched."""
        return (await self.counted_rows(path, key, parameters))[0]

    async def counted_rows(
        self, path: str, key: str, parameters: Sequence[tuple[str, str]] = ()
    ) -> tuple[list[tuple[Any, datetime]], int | None]:
        """Return all rows as `rows` does, and their total, checked, if the pages state one.

        The first page gives the total and the page size; the other pages are then fetched concurrently.
        """
        first = await self._first_window(path, key, parameters)
        if first.total is None:
            return await self._rows_by_links(path, key, parameters, first), None
        if first.total and not first.rows:
            raise OnetApiProtocolError(f"{first.url}: no row of {first.total}")
        size = first.end
        starts = range(size + 1, first.total + 1, size) if size else ()
        ends = [min(start + size - 1, first.total) for start in starts]
        others = await gather_or_first_error(
            self._window(path, key, parameters, start, end, total=first.total)
            for start, end in zip(starts, ends, strict=True)
        )
        windows = [first, *others]
        for window, end in zip(windows, [size, *ends], strict=True):
            if window.end != end:
                raise OnetApiProtocolError(f"{window.url}: ends at row {window.end}, expected {end}")
        if windows[-1].has_next:
            raise OnetApiProtocolError(f"{windows[-1].url}: the last of {first.total} rows, yet a page follows")
        return [row for window in windows for row in window.rows], first.total

    async def _first_window(self, path: str, key: str, parameters: Sequence[tuple[str, str]]) -> _Window:
        """Return the first page, as large as the server allows."""
        if parameters:  # rows of one occupation; O*NET refuses if it has none
            return await self._window(path, key, parameters, 1, _PAGE_OF_ONE, total=None)
        for size in _PAGES:
            try:
                return await self._window(path, key, parameters, 1, size, total=None)
            except OnetApiRefusal as error:
                if error.status != httpx.codes.UNPROCESSABLE_ENTITY or size == _PAGES[-1]:
                    raise
        raise AssertionError("the last size returns or raises")

    async def _rows_by_links(
        self, path: str, key: str, parameters: Sequence[tuple[str, str]], window: _Window
    ) -> list[tuple[Any, datetime]]:
        """Return the rows of pages without a total by following their links one by one."""
        rows = list(window.rows)
        while window.rows and window.has_next:
            before, start = window, window.end + 1
            window = await self._window(path, key, parameters, start, start + LARGEST_PAGE - 1, total=None)
            if [row for row, _ in window.rows] == [row for row, _ in before.rows]:
                raise OnetApiProtocolError(f"{window.url}: the same rows as the page before; the page repeats")
            rows += window.rows
        return rows

    async def _window(
        self, path: str, key: str, parameters: Sequence[tuple[str, str]], start: int, end: int, *, total: int | None
    ) -> _Window:
        window = [*parameters, ("start", str(start)), ("end", str(end))]
        page = await self.get(path, window)
        return _Window.of(page, self._url(path, window), key, (start, end), total)

    # -- one request ----------------------------------------------------------------------------------------------

    async def _fetch(self, url: str) -> Any:
        try:
            async for attempt in stamina.retry_context(
                on=_is_worth_a_retry, attempts=self._attempts, timeout=None, wait_initial=0.25, wait_max=8.0
            ):
                with attempt:
                    return await self._try(url)
        except _NoUsableAnswer as error:
            raise OnetApiUnavailable(
                f"{url}: {error} ({self._attempts} tries); nothing was stored, try again later"
            ) from error

    async def _try(self, url: str) -> Any:
        try:
            response = await self._send(url)
        except TimeoutError:
            raise _NoUsableAnswer(f"no complete answer within {_SECONDS_PER_REQUEST:g} s") from None
        except httpx.LocalProtocolError:  # its text may quote the header that cannot be sent: a credential
            raise OnetApiProtocolError(f"{url}: the request cannot be sent") from None
        except httpx.TransportError as error:
            raise _NoUsableAnswer(str(error) or type(error).__name__) from error
        except httpx.DecodingError as error:
            raise _NoUsableAnswer(f"its body cannot be decoded ({error})") from error
        return self._document(url, response)

    async def _send(self, url: str) -> httpx.Response:
        """Send a request. Redirects are followed only on the same host, since another must not get our credentials."""
        try:
            request = self._http.build_request("GET", url)
        except httpx.InvalidURL as error:
            raise ConfigurationError(
                f"{self.access.base_url}: not a base URL of O*NET Web Services ({error})"
            ) from error
        for _ in range(1 + _REDIRECTS):
            async with self._limiter:
                self.requests += 1
            async with self._connections, asyncio.timeout(_SECONDS_PER_REQUEST):
                response = await self._http.send(request, follow_redirects=False)
            if response.next_request is None:
                return response
            if _host(response.next_request.url) != _host(request.url):
                raise OnetApiProtocolError(
                    f"{url}: redirects to another host ({response.next_request.url.host}); is the base URL right?"
                )
            request = response.next_request
        raise OnetApiProtocolError(f"{url}: redirects more than {_REDIRECTS} times; is the base URL right?")

    def _document(self, url: str, response: httpx.Response) -> Any:
        """Return the JSON of a successful response. Raises the error of any other."""
        status = response.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise CredentialsRefused(f"{url}: HTTP {status}, the credentials are refused", status)
        if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            wait = response.headers.get("Retry-After", "")
            raise _NoUsableAnswer(f"HTTP {status}", min(float(wait), _LONGEST_WAIT) if wait.isdecimal() else None)
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError):
            if status != httpx.codes.OK:
                raise OnetApiRefusal(f"{url}: HTTP {status}; is the base URL right?", status) from None
            raise _NoUsableAnswer(f"its body is not JSON (it begins {response.content[:40]!r})") from None
        if status != httpx.codes.OK or (isinstance(body, dict) and "error" in body):
            reason = body.get("error", "") if isinstance(body, dict) else ""
            raise OnetApiRefusal(f"{url}: HTTP {status}, {reason or 'no reason given'}", status)
        return body

    def _url(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> str:
        query = f"?{httpx.QueryParams(list(parameters))}" if parameters else ""
        return f"{self.access.base_url}/{path}{query}"

    def _count(self, *, needed: int = 0, done: int = 0) -> None:
        self._needed += needed
        self._done += done
        if self._on_request:
            self._on_request(self._done, self._needed)


async def gather_or_first_error(coroutines: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Run coroutines concurrently and return their results in order. The first error cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except* SkillgapError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


@dataclass(frozen=True)
class _Window:
    """One page of rows, checked against the request."""

    url: str
    rows: list[tuple[Any, datetime]]
    end: int
    """Number of its last row."""
    total: int | None
    has_next: bool

    @classmethod
    def of(cls, page: Page, url: str, key: str, requested: tuple[int, int], total: int | None) -> _Window:
        """Return the window of a page. Raises OnetApiProtocolError."""
        body, start = page.body, requested[0]
        stated = {name: _count(url, name, body) for name in ("start", "end", "total")}
        rows = body.get(key, [] if stated["total"] == 0 else None) if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise OnetApiProtocolError(f"{url}: no list {key!r} in {json.dumps(body)[:200]}")
        end = start + len(rows) - 1
        if rows and stated["start"] not in (start, None):
            raise OnetApiProtocolError(f"{url}: starts at row {stated['start']}, expected {start}; the page repeats")
        if total is not None and stated["total"] != total:
            raise OnetApiProtocolError(
                f"{url}: {stated['total']} rows in all, {total} before; the data changed during the fetch, run again"
            )
        if stated["total"] is not None and end > stated["total"]:
            raise OnetApiProtocolError(f"{url}: {len(rows)} rows from {start}, yet there are {stated['total']} in all")
        is_echo = stated["end"] == requested[1] and end == stated["total"]  # some versions repeat the requested end
        if rows and stated["end"] not in (end, None) and not is_echo:
            raise OnetApiProtocolError(
                f"{url}: {len(rows)} rows from {start}, yet it states {stated['end']} as the last"
            )
        links = body.get("link") or []
        links = [link for link in (links if isinstance(links, list) else [links]) if isinstance(link, dict)]
        has_next = bool(body.get("next")) or any(link.get("rel") == "next" for link in links)
        return cls(url, [(row, page.fetched_at) for row in rows], end, stated["total"], has_next)


def _count(url: str, name: str, body: Any) -> int | None:
    """Return a number from the head of a page, or None if it is absent."""
    value = body.get(name) if isinstance(body, dict) else None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise OnetApiProtocolError(f"{url}: {name} {value!r}, expected a number")
    return value


def _host(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@asynccontextmanager
async def connect(
    access: Credentials,
    *,
    requests_per_second: float = REQUESTS_PER_SECOND,
    attempts: int = _ATTEMPTS,
    timeouts: httpx.Timeout = _TIMEOUTS,
    on_request: OnRequest | None = None,
) -> AsyncIterator[OnetApi]:
    """Yield a client that keeps its connections until the block ends."""
    headers = {"Accept": "application/json", **access.headers}
    async with httpx.AsyncClient(headers=headers, timeout=timeouts) as http:
        yield OnetApi(access, http, requests_per_second=requests_per_second, attempts=attempts, on_request=on_request)
