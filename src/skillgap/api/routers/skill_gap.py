"""`GET /skill-gap`: what stands between two occupations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from skillgap.analysis.gap import identify_skill_gap
from skillgap.api import answers, problems
from skillgap.api.examples import SKILL_GAP
from skillgap.errors import InvalidCode, NoData, UnknownOccupation, UnratedOccupation
from skillgap.model import GapReport

router = APIRouter(tags=["skill gap"])


@router.get(
    "/skill-gap",
    summary="The skill gap between two occupations",
    response_model=GapReport,
    responses={
        200: {"content": {"application/json": {"example": SKILL_GAP}}},
        **problems.responses(InvalidCode, problems.InvalidParameter, UnknownOccupation, UnratedOccupation, NoData),
    },
)
async def skill_gap(
    request: Request,
    current: Annotated[
        answers.CodeParameter,
        Query(
            alias="from",
            description="Code of the current occupation.",
            openapi_examples={"Registered Nurses": {"value": "29-1141.00"}},
        ),
    ],
    target: Annotated[
        answers.CodeParameter,
        Query(
            alias="to",
            description="Code of the target occupation.",
            openapi_examples={"Medical and Health Services Managers": {"value": "11-9111.00"}},
        ),
    ],
) -> Response:
    """List the skills in which the target asks for a higher level, the sure and weighty ones first.

    `distinguishable` tells which differences stand out from the disagreement of O*NET's 8 raters; an occupation
    compared with itself has no gap, which is an empty list.
    """
    answers.remember_pair(request, current, target)
    return answers.json(identify_skill_gap(current, target, answers.ratings_of(request)))
