"""`/health`, `/ready` and `/metrics`: whether the process lives, whether it can answer, and what it has done."""

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
    """The process answers."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`: an answer is the message.")]


class Ready(BaseModel):
    """The service can answer."""

    status: Annotated[Literal["ready"], Field(description="Always `ready`; otherwise the answer is a 503 problem.")]
    database: Annotated[
        Literal["readable", "not readable"],
        Field(description="`not readable`: answers come from memory until the database is back."),
    ]
    data_version: Annotated[str, Field(description="Version of the figures that answers come from.")]
    release: Annotated[str | None, Field(description="O*NET release loaded from text files.")]
    occupations: Annotated[int, Field(description="Occupations known.")]
    rated_occupations: Annotated[int, Field(description="Occupations with skill ratings of analysts.")]
    predicted_occupations: Annotated[int, Field(description="Occupations with predicted levels instead.")]


@router.get("/health", summary="Is the process alive?", response_model=Health)
@uncached
async def health() -> Response:
    """Answer without touching anything: for a supervisor that restarts what does not answer."""
    return answers.json({"status": "ok"})


@router.get("/ready", summary="Can the service answer?", response_model=Ready, responses=problems.responses(NoData))
@uncached
async def ready(request: Request) -> Response:
    """Tell whether gaps can be answered: for a load balancer. A lost database alone does not make this fail."""
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
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=problems.responses(problems.Overloaded),
)
@uncached
async def show_metrics(request: Request) -> Response:
    """Count requests by route and status, their seconds, and calls to others; tell data version and ratings' age."""
    current: CurrentData = request.app.state.current
    text = await dependencies.in_metrics_pool(request, lambda: metrics.exposition_of(current))
    return Response(text, media_type=metrics.CONTENT_TYPE)
