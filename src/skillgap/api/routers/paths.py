"""`GET /paths`: paths from one occupation to another through similar occupations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from skillgap.api import answers, dependencies, parameters, problems
from skillgap.errors import InvalidCode, MissingInput, NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import PathReport
from skillgap.service import Skillgap

router = APIRouter(tags=["paths"])


@router.get(
    "/paths",
    summary="Paths from one occupation to another",
    response_model=PathReport,
    responses=problems.responses(
        *(InvalidCode, problems.InvalidParameter, UnknownOccupation, UnratedOccupation, MissingInput, NoData),
        problems.Overloaded,
    ),
)
async def get_paths(
    request: Request,
    current: parameters.FromParameter,
    target: parameters.ToParameter,
    neighbours: Annotated[
        int,
        Query(
            ge=1,
            le=50,
            description="A move connects two occupations if one is among this many most similar to the other.",
        ),
    ] = 20,
    limit: Annotated[int, Query(ge=1, le=20, description="Maximum number of paths.")] = 5,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
    weight: parameters.WeightParameter = "importance",
) -> Response:
    """List paths of at most three moves between similar occupations, the path with the easiest hardest move first.

    The difficulty of a move is its `expected_shortfall`, so that noisy ratings do not make a move look easy. All paths
    are compared, so the first one is the best. `direct` is the move in a single step.
    """
    dependencies.remember_pair(request, current, target)

    def find(onet: Skillgap) -> Response:
        answer = onet.paths(
            current, target, neighbors=neighbours, limit=limit, domain=domain, ratings=ratings, weight=weight
        )
        return answers.json(answer)

    return await dependencies.ask(request, find, domain=domain, weight=weight, needs=["similarity"])
