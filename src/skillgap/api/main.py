"""The application: settings in, an ASGI app out."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

import skillgap
from skillgap.api import problems
from skillgap.api.addresses import TrustedProxies
from skillgap.api.answer_cache import AnswerCache
from skillgap.api.current import CurrentData
from skillgap.api.gate import OPEN_PATHS, Gate, Keys
from skillgap.api.metrics import LOST_LINES
from skillgap.api.on_demand import OnDemand
from skillgap.api.request_log import RequestLog
from skillgap.api.routers import occupations, pages, paths, service, skill_gap
from skillgap.logs import configure_logging, count_lost_lines
from skillgap.settings import Settings, read_settings
from skillgap.store.engine import make_engine
from skillgap.web.renderer import Renderer

_DESCRIPTION = """Which O*NET® skills stand between two occupations, by how much, and how sure that is.

Codes are O*NET-SOC codes (`15-1252.00`, `15-1252` or `15125200`). Every error is a problem document (RFC 9457) with a
stable `code`. Answers carry an ETag that changes with the data; every answer names its release and sources."""


_KEY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
"""Both carry the same key; whether one is needed is the operator's choice."""
_REFUSALS = problems.responses(problems.KeyRequired, problems.InvalidKey, problems.TooManyRequests)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the service. Settings come from the environment unless given. Raises ConfigurationError."""
    gc.set_threshold(50_000)  # as in cli.main: this process is another
    settings = settings or read_settings()
    configure_logging(log_format=settings.log_format or "json", log_level=settings.log_level)
    count_lost_lines(LOST_LINES.inc)
    engine = make_engine(settings.url)
    current = CurrentData(engine, answer_cache_bytes=settings.answer_cache_mb * 2**20)
    on_demand = None
    if settings.has_onet_credentials:
        rate = settings.onet_requests_per_second / settings.workers
        on_demand = OnDemand(
            current,
            engine,
            settings.onet_access(),
            requests_per_second=rate,
            longest_wait=settings.onet_wait_seconds,
        )
    keys = Keys(settings.api_keys_file) if settings.api_keys_file else None
    api = create_api(
        current,
        reload_seconds=settings.reload_seconds,
        on_demand=on_demand,
        keys=keys,
        renderer=Renderer(settings.cache_dir),
    )
    app: ASGIApp = AnswerCache(api, lambda: current.snapshot)
    app = Gate(app, keys, anonymous_requests_per_minute=settings.anonymous_requests_per_minute)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["X-API-Key", "Authorization", "X-Request-ID", "If-None-Match"],
            expose_headers=["ETag", "Retry-After", "X-Request-ID"],
        )
    app = RequestLog(app)
    if settings.trusted_proxies:
        app = TrustedProxies(app, settings.trusted_proxies)
    return app


def create_api(
    current: CurrentData,
    *,
    reload_seconds: float,
    on_demand: OnDemand | None = None,
    keys: Keys | None = None,
    renderer: Renderer | None = None,
) -> FastAPI:
    """Return the FastAPI application alone, without log, gate and answer cache; it keeps the keys up to date."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(current.refresh)
        watcher = asyncio.create_task(_every(reload_seconds, current.refresh, *([keys.refresh] if keys else [])))
        async with on_demand.running() if on_demand else nullcontext():
            yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    api = FastAPIOffline(  # its pages take their scripts from this server, not from elsewhere
        title="skillgap",
        version=skillgap.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.current = current
    api.state.on_demand = on_demand
    api.state.renderer = renderer or Renderer(None)
    api.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    problems.install(api)
    for router in (pages.router, skill_gap.router, paths.router, occupations.router, service.router):
        api.include_router(router)
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign]
    return api


async def _every(seconds: float, *refreshes: Callable[[], None]) -> None:
    """Refresh again and again, beside the requests."""
    while True:
        await asyncio.sleep(seconds)
        for refresh in refreshes:
            await asyncio.to_thread(refresh)


def _openapi(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the schema that all errors share."""
    if api.openapi_schema is None:
        document = get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
        template = "#/components/schemas/{model}"
        schema = problems.Problem.model_json_schema(ref_template=template)
        document["components"]["securitySchemes"] = _KEY_SCHEMES
        for path, operations in document["paths"].items():
            if path not in OPEN_PATHS:
                for operation in operations.values():
                    operation["responses"] |= {str(status): entry for status, entry in _REFUSALS.items()}
                    operation["security"] = [{}, *({name: []} for name in _KEY_SCHEMES)]
        document["components"]["schemas"] |= {**schema.pop("$defs", {}), "Problem": schema}
        api.openapi_schema = document
    return api.openapi_schema
