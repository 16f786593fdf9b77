"""`/health`, `/ready` and `/metrics`: whether the process lives, whether it can answer, and what it has done."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from skillgap.api import dependencies, metrics, problems
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
async def health() -> Response:
    """Answer without touching anything: for a supervisor that restarts what does not answer."""
    return dependencies.json({"status": "ok"})


@router.get("/ready", summary="Can the service answer?", response_model=Ready, responses=problems.responses(NoData))
async def ready(request: Request) -> Response:
    """Tell whether gaps can be answered: for a load balancer. A lost database alone does not make this fail."""
    current: CurrentData = request.app.state.current
    ratings, analysts = current.snapshot.ratings, current.snapshot.skills["onet"]
    ratings.check_levels()
    return dependencies.json(
        {
            "status": "ready",
            "database": "not readable" if current.store_error else "readable",
            "data_version": ratings.data_version,
            "release": ratings.release.number if ratings.release else None,
            "occupations": len(ratings.occupations),
            "rated_occupations": len(analysts.codes),
            "predicted_occupations": len(ratings.codes) - len(analysts.codes),
        }
    )


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=problems.responses(problems.Overloaded),
)
async def show_metrics(request: Request) -> Response:
    """Count requests by route and status, their seconds, and calls to others; tell data version and ratings' age."""
    current: CurrentData = request.app.state.current
    text = await dependencies.in_metrics_pool(request, lambda: metrics.exposition_of(current))
    return Response(text, media_type=metrics.CONTENT_TYPE)
