"""`/health`, `/ready` and `/metrics`, for operators."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from skillgap.api import answers, dependencies, metrics, problems
from skillgap.api.cache import uncached
from skillgap.errors import NoData
from skillgap.service.snapshot import CurrentData

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The process is alive."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`; the answer itself is the message.")]


class Ready(BaseModel):
    """The service can answer questions."""

    status: Annotated[
        Literal["ready"], Field(description="Always `ready`; a service that is not ready answers with a 503 problem.")
    ]
    database: Annotated[
        Literal["readable", "not readable"],
        Field(description="`not readable` if answers come from memory until the database is back."),
    ]
    data_version: Annotated[str, Field(description="Version of the data that answers are computed from.")]
    release: Annotated[str | None, Field(description="O*NET release loaded from text files.")]
    occupations: Annotated[int, Field(description="Number of occupations.")]
    rated_occupations: Annotated[int, Field(description="Number of occupations whose skills analysts have rated.")]
    predicted_occupations: Annotated[int, Field(description="Number of occupations with predicted levels only.")]


@router.get("/health", summary="Check that the process is alive", response_model=Health)
@uncached
async def health() -> Response:
    """Answer immediately, without reading data. For supervisors that restart a process that does not answer."""
    return answers.json({"status": "ok"})


@router.get(
    "/ready", summary="Check that the service can answer", response_model=Ready, responses=problems.responses(NoData)
)
@uncached
async def ready(request: Request) -> Response:
    """Answer 200 once skill gaps can be computed, else 503. For load balancers.

    The service stays ready if it loses the database, because it answers from memory.
    """
    current: CurrentData = request.app.state.current
    snapshot = current.snapshot
    snapshot.check_levels()
    return answers.json(
        {
            "status": "ready",
            "database": "not readable" if current.store_error else "readable",
            "data_version": snapshot.data_version,
            "release": snapshot.release.number if snapshot.release else None,
            "occupations": len(snapshot.get_occupations()),
            "rated_occupations": snapshot.rated,
            "predicted_occupations": snapshot.predicted,
        }
    )


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=problems.responses(problems.Overloaded),
)
@uncached
async def show_metrics(request: Request) -> Response:
    """Report requests by route and status, response times, calls to other services, and version and age of the data."""
    current: CurrentData = request.app.state.current
    text = await dependencies.in_metrics_pool(request, lambda: metrics.exposition_of(current))
    return Response(text, media_type=metrics.CONTENT_TYPE)
