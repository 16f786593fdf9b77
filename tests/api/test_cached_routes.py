"""ETags and stored answers of every route: the default, unless the route is declared uncached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import PlainTextResponse, StreamingResponse

from skillgap.api.app import ROUTERS, create_api
from skillgap.api.cache import AnswerCache, is_cached, is_page, uncached
from skillgap.service.snapshot import CurrentData

NURSE, MANAGER = "29-1141.00", "11-9111.00"
ADDRESSES = {
    "/": f"/?from={NURSE}&to={MANAGER}",
    "/path": f"/path?from={NURSE}&to={MANAGER}",
    "/skill-gap": f"/skill-gap?from={NURSE}&to={MANAGER}",
    "/paths": f"/paths?from={NURSE}&to={MANAGER}",
}
"""Addresses of routes that need parameters."""
UNCACHED = {"/own", "/report", "/chart.svg", "/assets/{name}", "/health", "/ready", "/metrics"}


def routes() -> Iterator[APIRoute]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in route.methods:
                yield route


def test_a_route_is_cached_unless_it_is_declared_uncached():
    assert {route.path for route in routes() if not is_cached(route)} == UNCACHED
    assert {route.path for route in routes() if is_page(route)} == {"/", "/path", "/own", "/report"}


@pytest.mark.parametrize("path", [route.path for route in routes() if is_cached(route)])
def test_every_cached_route_has_an_etag(client: httpx.Client, path: str):
    address = ADDRESSES.get(path, path.replace("{onet_soc_code}", NURSE))
    answer = client.get(address)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/openapi.json", "/docs"])
def test_an_uncached_route_has_none(client: httpx.Client, path: str):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "etag" not in answer.headers


def test_a_new_router_is_cached_by_default_but_a_streamed_answer_is_never_stored(starter_database: str):
    router, calls = APIRouter(), {"whole": 0, "streamed": 0, "live": 0}

    @router.get("/whole")
    async def whole() -> PlainTextResponse:
        calls["whole"] += 1
        return PlainTextResponse("whole")

    @router.get("/streamed")
    async def streamed() -> StreamingResponse:
        calls["streamed"] += 1
        return StreamingResponse(iter([b"strea", b"med"]))

    @router.get("/live")
    @uncached
    async def live() -> PlainTextResponse:
        calls["live"] += 1
        return PlainTextResponse("live")

    current = CurrentData.connect(starter_database)
    api = create_api(current, reload_seconds=60)
    api.include_router(router)
    app = AnswerCache(api, lambda: current.snapshot, most_bytes=1_000_000)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            await client.get(path)
            return await client.get(path)

    answers = {name: asyncio.run(ask(f"/{name}")) for name in calls}
    assert {name: answer.text for name, answer in answers.items()} == {name: name for name in calls}
    assert calls == {"whole": 1, "streamed": 2, "live": 2}
    assert {name for name, answer in answers.items() if "etag" in answer.headers} == {"whole", "streamed"}
