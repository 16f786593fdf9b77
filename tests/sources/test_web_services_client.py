"""The client of O*NET Web Services: credentials, rate, retries, pages; on mocked answers and on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import stamina

from skillgap.errors import (
    ConfigurationError,
    CredentialsRefused,
    OnetApiProtocolError,
    OnetApiRefusal,
    OnetApiUnavailable,
)
from skillgap.sources.web_services.client import OnetApi, connect, gather_or_first_error
from skillgap.sources.web_services.credentials import Credentials
from skillgap.sources.web_services.response_cache import Page, ResponseCache
from skillgap.testing.fake_onet_answers import FakeTables
from skillgap.testing.fake_onet_api import FakeOnetApi, Fault

KEY = "sesame-0b1f"
ACCESS = Credentials.with_key(KEY, base_url="https://onet.test")
PASSWORD_ACCESS = Credentials.with_password("ann", KEY, base_url="https://onet.test/ws/")
ABOUT = {"api_version": "2.0", "database": {"name": "O*NET 31.0 Database"}}


@pytest.fixture(autouse=True)
def _no_waits():
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


def asking(access: Credentials, question: Callable[[OnetApi], Any], **given: Any) -> Any:
    """Send requests within the lifetime of a client, without delays by default."""

    async def ask() -> Any:
        async with connect(access, **{"requests_per_second": 1000, **given}) as api:
            return await question(api)

    return asyncio.run(ask())


def page(rows: list[int], start: int, total: int | None, **more: Any) -> dict[str, Any]:
    counted = {} if total is None else {"start": start, "end": start + len(rows) - 1, "total": total}
    return {**counted, "row": [{"n": n} for n in rows], **more}


def rows_of(api: OnetApi) -> Any:
    return api.rows("database/rows/t", "row")


def numbers(rows: list[tuple[Any, datetime]]) -> list[int]:
    return [row["n"] for row, _ in rows]


# -- who asks ---------------------------------------------------------------------------------------------------------


@respx.mock
def test_each_version_sends_its_own_credentials_and_asks_for_json():
    for access, header, value in (
        (ACCESS, "X-API-Key", KEY),
        (PASSWORD_ACCESS, "Authorization", httpx.BasicAuth("ann", KEY)._auth_header),
    ):
        route = respx.get(f"{access.base_url}/about").respond(json=ABOUT)
        assert asking(access, lambda api: api.release()) == "31.0"
        assert route.calls.last.request.headers[header] == value
        assert route.calls.last.request.headers["Accept"] == "application/json"
    assert PASSWORD_ACCESS.base_url == "https://onet.test/ws"


@respx.mock
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_asked_once_and_never_shown(status: int):
    route = respx.get("https://onet.test/about").respond(status, text="no")
    with pytest.raises(CredentialsRefused, match=f"https://onet.test/about: HTTP {status}") as caught:
        asking(ACCESS, lambda api: api.release())
    assert (route.call_count, caught.value.status) == (1, status)
    assert KEY not in f"{caught.value} {ACCESS!r} {PASSWORD_ACCESS!r}"


@respx.mock
def test_a_redirect_is_followed_on_the_same_host_only():
    respx.get("https://onet.test/about").respond(301, headers={"Location": "/about/"})
    slash = respx.get("https://onet.test/about/").respond(json=ABOUT)
    assert asking(ACCESS, lambda api: api.release()) == "31.0"
    assert slash.calls.last.request.headers["X-API-Key"] == KEY
    other = respx.get("https://elsewhere.test/about").respond(json=ABOUT)
    respx.get("https://onet.test/about").respond(302, headers={"Location": "https://elsewhere.test/about"})
    with pytest.raises(OnetApiProtocolError, match=r"redirects to another host \(elsewhere.test\)"):
        asking(ACCESS, lambda api: api.release())
    assert not other.called


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "ftp://onet.test", "onet.test", "https://"])
def test_a_base_url_that_is_none_is_named(url: str):
    with pytest.raises(ConfigurationError, match="not a base URL of O\\*NET Web Services, like https://"):
        Credentials.with_key(KEY, base_url=url)


def test_a_base_url_with_a_password_is_refused_unshown():
    with pytest.raises(ConfigurationError) as refused:
        Credentials.with_key(KEY, base_url=f"https://ann:{KEY}@onet.test")
    assert "contains a user name or a password" in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_base_url_with_a_token_in_its_query_is_refused_unshown():
    with pytest.raises(ConfigurationError) as refused:
        Credentials.with_key(KEY, base_url=f"https://onet.test?client={KEY}")
    assert str(refused.value).startswith("https://onet.test?client=***: not a base URL")


@respx.mock
def test_a_key_from_a_file_loses_its_line_break_and_one_that_cannot_be_is_refused_unshown():
    route = respx.get("https://onet.test/about").respond(json=ABOUT)
    asking(Credentials.with_key(f"{KEY}\n", base_url="https://onet.test"), lambda api: api.release())
    assert route.calls.last.request.headers["X-API-Key"] == KEY
    for bad in (f"{KEY}ü", f"{KEY}\nX: y", ""):
        with pytest.raises(ConfigurationError) as refused:
            Credentials.with_key(bad)
        assert KEY not in str(refused.value)


@respx.mock
@pytest.mark.parametrize(
    ("database", "number"),
    [
        ({"name": "O*NET 29.0 Database", "href": "https://127.0.0.1/"}, "29.0"),
        ({"updated": "01.08.2024", "name": "O*NET® 30.3"}, "30.3"),
        ("O*NET 21.3", "21.3"),
        ({"text": "O*NET Database 31.0", "link": "x"}, "31.0"),
    ],
)
def test_the_release_is_what_follows_onets_name(database: Any, number: str):
    respx.get("https://onet.test/about").respond(json={"database": database})
    assert asking(ACCESS, lambda api: api.release()) == number


@respx.mock
def test_redirects_in_a_circle_end():
    respx.get("https://onet.test/about").respond(301, headers={"Location": "/about"})
    with pytest.raises(OnetApiProtocolError, match="redirects more than 3 times"):
        asking(ACCESS, lambda api: api.release())


# -- what is tried again ----------------------------------------------------------------------------------------------


@respx.mock
@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503, headers={"Retry-After": "0"}),
        httpx.Response(200, text='{"api_version": '),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, text="<html>Sign in</html>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_up_to_five_times(bad: Any):
    route = respx.get("https://onet.test/about").mock(side_effect=[bad] * 4 + [httpx.Response(200, json=ABOUT)])
    assert asking(ACCESS, lambda api: api.release()) == "31.0"
    assert route.call_count == 5
    route.mock(side_effect=[bad] * 5)
    with pytest.raises(OnetApiUnavailable, match=r"^https://onet.test/about: .*\(5 tries\)"):
        asking(ACCESS, lambda api: api.release())
    assert route.call_count == 10


@respx.mock
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(422, json={"error": "There are no rows."}), "HTTP 422, There are no rows."),
        (httpx.Response(404, text="nothing"), "HTTP 404"),
        (httpx.Response(200, json={"error": "No."}), "HTTP 200, No."),
    ],
)
def test_a_refusal_is_not_tried_again(answer: httpx.Response, said: str):
    route = respx.get("https://onet.test/about").mock(return_value=answer)
    with pytest.raises(OnetApiRefusal, match=said):
        asking(ACCESS, lambda api: api.release())
    assert route.call_count == 1


@respx.mock
def test_a_release_that_cannot_be_told_is_an_error():
    respx.get("https://onet.test/about").respond(json={"database": {"name": "O*NET"}})
    with pytest.raises(OnetApiProtocolError, match="no O\\*NET release in"):
        asking(ACCESS, lambda api: api.release())


@pytest.mark.slow
def test_a_socket_that_stalls_is_given_up(fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        fake.faults = [Fault("about", "stall", times=2)]
        with pytest.raises(OnetApiUnavailable, match=r"ReadTimeout \(2 tries\)"):
            asking(fake.access, lambda api: api.release(), attempts=2, timeouts=httpx.Timeout(0.05))
        assert asking(fake.access, lambda api: api.release()) == "29.0"


@respx.mock
def test_twenty_requests_are_under_way_at_most_and_the_others_wait_outside_of_their_time():
    at_once: list[int] = []

    async def ask(api: OnetApi) -> None:
        under_way = 0

        async def answer(request: httpx.Request) -> httpx.Response:
            nonlocal under_way
            under_way += 1
            at_once.append(under_way)
            while api.requests < 50:  # until all are let through by the rate
                await asyncio.sleep(0)
            under_way -= 1
            return httpx.Response(200, json={})

        respx.get(url__startswith="https://onet.test/").mock(side_effect=answer)
        await gather_or_first_error(api.get(f"about/{k}") for k in range(50))

    asking(ACCESS, ask)
    assert (len(at_once), max(at_once)) == (50, 20)


# -- pages ------------------------------------------------------------------------------------------------------------


def serve_pages(pages: dict[int, Any]) -> respx.Route:
    """Answer by the page's start."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[int(request.url.params["start"])])

    return respx.get("https://onet.test/database/rows/t").mock(side_effect=answer)


@respx.mock
def test_pages_are_put_together_in_their_order():
    pages = {1: page([1, 2], 1, 5, next="x"), 3: page([3, 4], 3, 5, next="x"), 5: page([5], 5, 5)}
    route = serve_pages(pages)
    assert numbers(asking(ACCESS, rows_of)) == [1, 2, 3, 4, 5]
    asked = [dict(call.request.url.params) for call in route.calls]
    assert sorted(asked, key=lambda window: window["start"]) == [
        {"start": "1", "end": "2000"},
        {"start": "3", "end": "4"},  # the server's page size, once it is known
        {"start": "5", "end": "5"},
    ]


@respx.mock
def test_pages_without_counts_are_followed_by_their_links():
    pages = {1: page([1, 2], 1, None, next="x"), 3: page([3], 3, None, link=[{"rel": "next"}]), 4: page([], 4, None)}
    serve_pages(pages)
    assert numbers(asking(ACCESS, rows_of)) == [1, 2, 3]
    serve_pages({1: page([1], 1, None)})
    assert numbers(asking(ACCESS, rows_of)) == [1]


@respx.mock
@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({1: page([1, 2], 1, 4), 3: page([1, 2], 1, 4)}, "starts at row 1, expected 3; the page repeats"),
        ({1: page([1, 2], 1, None, next="x"), 3: page([1, 2], 1, None, next="x")}, "the page repeats"),
        ({1: page([1, 2], 1, 4), 3: page([3], 3, 4)}, "ends at row 3, expected 4"),
        ({1: page([1, 2], 1, 4), 3: page([3, 4], 3, 5)}, "5 rows in all, 4 before; the data changed"),
        ({1: page([1, 2], 1, 4), 3: page([3, 4], 3, 4, next="x")}, "yet a page follows"),
        ({1: page([1, 2], 1, 2) | {"end": 3}}, "2 rows from 1, yet it states 3 as the last"),
        ({1: page([], 1, 4)}, "no row of 4"),
        ({1: {"start": 1}}, "no list 'row'"),
        ({1: ["row"]}, "no list 'row'"),
        ({1: page([1], 1, 1) | {"total": "one"}}, "total 'one', expected a number"),
        ({1: page([1, 2, 3], 1, 2)}, "3 rows from 1, yet there are 2 in all"),
    ],
)
def test_a_page_that_is_not_the_one_asked_for_fails_and_is_named(pages: dict[int, Any], said: str):
    serve_pages(pages)
    with pytest.raises(OnetApiProtocolError, match=rf"^https://onet.test/database/rows/t\?start=\d.*{said}"):
        asking(ACCESS, rows_of)


@respx.mock
@pytest.mark.parametrize(
    "only",
    [
        page([1, 2], 1, 2) | {"end": 2000},  # the end that was asked for
        page([1, 2], 1, 2) | {"total": "2"},
        page([1, 2], 1, 2) | {"link": {"rel": "prev"}},
        page([1, 2], 1, 2) | {"link": ["x"]},
    ],
)
def test_harmless_shapes_are_read(only: dict[str, Any]):
    serve_pages({1: only})
    assert numbers(asking(ACCESS, rows_of)) == [1, 2]


@respx.mock
@pytest.mark.parametrize("nothing", [page([], 1, 0) | {"start": 0}, {"total": 0}])
def test_no_rows_are_no_rows(nothing: dict[str, Any]):
    serve_pages({1: nothing})
    assert asking(ACCESS, rows_of) == []


@respx.mock
def test_a_server_with_smaller_pages_is_asked_for_smaller_ones():
    def answer(request: httpx.Request) -> httpx.Response:
        start, end = (int(request.url.params[name]) for name in ("start", "end"))
        if end - start >= 1000:
            return httpx.Response(422, json={"error": "At most 1,000 rows."})
        end = min(end, 2500)
        return httpx.Response(200, json=page(list(range(start, end + 1)), start, 2500))

    respx.get("https://onet.test/database/rows/t").mock(side_effect=answer)
    assert numbers(asking(ACCESS, rows_of)) == list(range(1, 2501))


@respx.mock
def test_one_page_that_fails_for_good_fails_all_and_is_named():
    serve_pages({1: page([1], 1, 3), 2: {"error": "broken"}, 3: page([3], 3, 3)})
    with pytest.raises(OnetApiRefusal, match=r"rows/t\?start=2&end=2: HTTP 200, broken"):
        asking(ACCESS, rows_of)


@respx.mock
def test_progress_counts_answers_against_all_that_are_known_to_be_needed():
    serve_pages({1: page([1], 1, 3), 2: page([2], 2, 3), 3: page([3], 3, 3)})
    steps: list[tuple[int, int]] = []
    asking(ACCESS, rows_of, on_request=lambda *step: steps.append(step))
    assert (steps[0], steps[-1], len(steps)) == ((0, 1), (3, 3), 6)
    assert steps == sorted(steps)
    assert all(done <= needed for done, needed in steps)


# -- the rate ---------------------------------------------------------------------------------------------------------


def test_tasks_share_one_rate_without_a_burst(fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:

        async def ask_together(api: OnetApi) -> None:
            await asyncio.gather(*(api.get("about") for _ in range(11)))

        asking(fake.access, ask_together, requests_per_second=50)
        between = [later - sooner for sooner, later in zip(fake.times, fake.times[1:], strict=False)]
    assert len(between) == 10
    assert sum(between) >= 0.8 * 10 / 50  # a bucket of 50 would let them all pass at once


# -- answers that are kept --------------------------------------------------------------------------------------------


@respx.mock
def test_kept_answers_are_not_asked_for_again(tmp_path: Path):
    route = serve_pages({1: page([1], 1, 2), 2: page([2], 2, 2)})

    async def ask(api: OnetApi) -> Any:
        api.pages = ResponseCache(tmp_path).of("31.0")
        return await rows_of(api)

    first, second = asking(ACCESS, ask), asking(ACCESS, ask)
    assert first == second
    assert route.call_count == 2
    assert {file.parent.name for file in tmp_path.rglob("*.json")} == {"31.0"}
    assert KEY not in "".join(file.read_text() for file in tmp_path.rglob("*.json"))
    ResponseCache(tmp_path).of("31.0").clear()
    asking(ACCESS, ask)
    assert route.call_count == 4


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"url": "u"}', '{"url": "other", "fetched_at": "2026-01-01", "body": 1}']
)
def test_a_damaged_page_counts_as_none(tmp_path: Path, content: str):
    pages = ResponseCache(tmp_path)
    pages.put("u", Page({"a": 1}, datetime(2026, 1, 1)))
    assert pages.get("u") == Page({"a": 1}, datetime(2026, 1, 1))
    [file] = tmp_path.iterdir()
    file.write_text(content)
    assert pages.get("u") is None


def test_a_folder_that_cannot_hold_pages_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="answers cannot be kept there"):
        ResponseCache(tmp_path / "file").put("u", Page(json.loads("1"), datetime(2026, 1, 1)))
    with pytest.raises(ConfigurationError, match="answers cannot be deleted there"):
        ResponseCache(tmp_path / "file").clear()
