"""`GET /paths`: how to get from one occupation to another by way of near ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from skillgap.analysis.paths import find_paths
from skillgap.analysis.ratings import Ratings
from skillgap.api import dependencies, problems
from skillgap.errors import InvalidCode, MissingInput, NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import PathReport

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
    current: dependencies.FromParameter,
    target: dependencies.ToParameter,
    neighbours: Annotated[
        int, Query(ge=1, le=50, description="A move leads to one of so many nearest, or from one.")
    ] = 20,
    limit: Annotated[int, Query(ge=1, le=20, description="Most paths to list.")] = 5,
    choice: dependencies.RatingsParameter = "onet+llm",
    domain: dependencies.DomainParameter = "skills",
    weight: dependencies.WeightParameter = "importance",
) -> Response:
    """List chains of at most three moves between near occupations, the one whose hardest move is easiest first.

    A move is as hard as its `distinguishable_shortfall`: what it asks for beyond rater noise. All chains are compared,
    so the first one is the best there is; `direct` is the same move in one step.
    """
    dependencies.remember_pair(request, current, target)
    similarity = await dependencies.similarity_of(request)

    def compute(ratings: Ratings) -> Response:
        return dependencies.json(find_paths(current, target, similarity, ratings, neighbours=neighbours, limit=limit))

    return await dependencies.from_ratings(request, compute, choice, domain, weight)
