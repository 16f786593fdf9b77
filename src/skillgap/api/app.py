"""Create the ASGI application from settings."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from fastapi import Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from skillgap.api import problems, unknown_parameters
from skillgap.api.access_control import OPEN_PATHS, Gate, Keys
from skillgap.api.addresses import TrustedProxies
from skillgap.api.cache import AnswerCache, page_paths, uncached
from skillgap.api.metrics import LOST_LINES, ONET_REQUESTS
from skillgap.api.pool import Pool
from skillgap.api.request_log import RequestLog
from skillgap.api.routers import occupations, pages, paths, service, skill_gap
from skillgap.config.logs import configure_logging, count_lost_lines
from skillgap.config.settings import Settings, read_settings
from skillgap.export.renderer import Renderer
from skillgap.service.snapshot import CurrentData
from skillgap.version import __version__
from skillgap.web import view

if TYPE_CHECKING:
    from skillgap.service.fetch_missing import OnDemand

_log = structlog.get_logger("skillgap.api")
_DESCRIPTION = """Compares O*NET® occupations: which skills a move takes, how large each gap is, and how certain.

Occupations are O*NET-SOC codes (`15-1252.00`, `15-1252` or `15125200`). Every answer names its O*NET release and
sources, and has an ETag that changes with the data. Every error is a problem document (RFC 9457) with a stable
`code`."""


_KEY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
"""Either header carries the same key. The operator decides whether a key is required."""
_REFUSALS = (problems.KeyRequired, problems.InvalidKey, problems.TooManyRequests)
ROUTERS = (pages.router, skill_gap.router, paths.router, occupations.router, service.router)
_SWITCH_SECONDS = 0.001
"""Time after which a pool's thread lets the event loop run. With the default 0.005, a busy pool slows everything."""


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the application. Settings default to those of the environment. Raises ConfigurationError."""
    gc.set_threshold(50_000)  # as in cli.main; this is another process
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = settings or read_settings()
    settings.check()
    configure_logging(log_format=settings.log.format or "json", log_level=settings.log.level)
    count_lost_lines(LOST_LINES.inc)
    current = CurrentData.connect(settings.database.full_url)
    on_demand = None
    if settings.onet.has_credentials:
        from skillgap.service.fetch_missing import OnDemand  # imports HTTPX and pandas, 0.4 s

        rate = settings.onet.requests_per_second / settings.server.workers
        on_demand = OnDemand(
            current,
            settings.onet.credentials(),
            requests_per_second=rate,
            longest_wait=settings.onet.wait_seconds,
            on_requests=ONET_REQUESTS.inc,
        )
    keys = Keys(settings.access.api_keys_file) if settings.access.api_keys_file else None
    api = create_api(
        current,
        reload_seconds=settings.server.reload_seconds,
        on_demand=on_demand,
        keys=keys,
        renderer=Renderer(settings.data.cache_dir),
    )
    app: ASGIApp = AnswerCache(
        api,
        lambda: current.snapshot,
        most_bytes=settings.server.answer_cache_mb * 2**20,
        pages=page_paths(pages.router.routes),
    )
    app = Gate(app, keys, anonymous_requests_per_minute=settings.access.anonymous_requests_per_minute)
    if settings.server.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.server.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["X-API-Key", "Authorization", "X-Request-ID", "If-None-Match"],
            expose_headers=["ETag", "Retry-After", "X-Request-ID"],
        )
    app = RequestLog(app)
    if settings.server.trusted_proxies:
        app = TrustedProxies(app, settings.server.trusted_proxies)
    return app


def create_api(
    current: CurrentData,
    *,
    reload_seconds: float,
    on_demand: OnDemand | None = None,
    keys: Keys | None = None,
    renderer: Renderer | None = None,
) -> FastAPI:
    """Return the FastAPI application without request log, gate and answer cache. It also refreshes the keys."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reading = asyncio.create_task(_read_all(current))
        await asyncio.wait([reading, asyncio.wrap_future(current.first_read)], return_when=asyncio.FIRST_COMPLETED)
        refreshes = {"data": current.refresh} | ({"keys": keys.refresh} if keys else {})
        watchers = [asyncio.create_task(_every(reload_seconds, *named)) for named in refreshes.items()]
        async with on_demand.running() if on_demand else nullcontext():
            yield
        for pool in pools.values():
            pool.close()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, reading, return_exceptions=True)

    api = FastAPIOffline(  # its pages load their scripts from this server
        title="skillgap",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(unknown_parameters.check)],
    )
    pools = {
        "work": Pool("work", threads=2, waiting=64, longest_wait=5.0),
        "stability": Pool("stability", threads=1, waiting=16, longest_wait=5.0),
        "pictures": Pool("pictures", threads=1, waiting=8, longest_wait=20.0),
        "metrics": Pool("metrics", threads=1, waiting=4, longest_wait=5.0),
    }
    api.state.current = current
    api.state.on_demand = on_demand
    api.state.renderer = renderer or Renderer(None)
    api.state.bundle = None
    api.state.pools = pools
    api.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    problems.install(api)
    for route in api.routes:  # FastAPI's own pages
        if isinstance(route, APIRoute):
            uncached(route.endpoint)
    for router in ROUTERS:
        api.include_router(router)
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign]
    _serve_document(api)
    return api


async def _read_all(current: CurrentData) -> None:
    """Read the data, then compile the page templates that no request has needed yet."""
    await asyncio.to_thread(current.refresh)
    await asyncio.to_thread(view.compile_templates)


def _serve_document(api: FastAPI) -> None:
    """Serve the OpenAPI document from memory instead of by FastAPI's route, which encodes it for each request."""
    document = cache(lambda: orjson.dumps(api.openapi()))  # at the first request, because it delays the start
    path = api.openapi_url or "/openapi.json"
    api.router.routes[:] = [route for route in api.router.routes if getattr(route, "path", None) != path]

    @api.get(path, include_in_schema=False)
    @uncached
    async def _() -> Response:
        return Response(await asyncio.to_thread(document), media_type="application/json")


async def _every(seconds: float, name: str, refresh: Callable[[], None]) -> None:
    """Refresh periodically in another thread. Log a repeated error only once, and go on."""
    logged = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(refresh)
        except Exception as error:  # noqa: BLE001 - it would end this task unnoticed
            if repr(error) != logged:
                _log.error(f"{name} not refreshed", exc_info=error)
            logged = repr(error)
        else:
            logged = ""


def _openapi(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with the schema of errors and the errors of every operation."""
    if api.openapi_schema is None:
        document = get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
        template = "#/components/schemas/{model}"
        schema = problems.Problem.model_json_schema(ref_template=template)
        document["components"]["securitySchemes"] = _KEY_SCHEMES
        for path, operations in document["paths"].items():
            for operation in operations.values():
                problems.document(operation, problems.UnknownParameter)
                if path not in OPEN_PATHS:
                    problems.document(operation, *_REFUSALS)
                    operation["security"] = [{}, *({name: []} for name in _KEY_SCHEMES)]
        document["components"]["schemas"] |= {**schema.pop("$defs", {}), "Problem": schema}
        api.openapi_schema = document
    return api.openapi_schema
