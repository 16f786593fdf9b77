"""`GET /paths`: how to get from one occupation to another by way of near ones."""

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
        int, Query(ge=1, le=50, description="A move leads to one of so many nearest, or from one.")
    ] = 20,
    limit: Annotated[int, Query(ge=1, le=20, description="Most paths to list.")] = 5,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
    weight: parameters.WeightParameter = "importance",
) -> Response:
    """List chains of at most three moves between near occupations, the one whose hardest move is easiest first.

    A move is as hard as its `distinguishable_shortfall`: what it asks for beyond rater noise. All chains are compared,
    so the first one is the best there is; `direct` is the same move in one step.
    """
    dependencies.remember_pair(request, current, target)

    def find(onet: Skillgap) -> Response:
        answer = onet.paths(
            current, target, neighbors=neighbours, limit=limit, domain=domain, ratings=ratings, weight=weight
        )
        return answers.json(answer)

    return await dependencies.ask(request, find, domain=domain, weight=weight, needs=["similarity"])
