"""`/skill-gap`: what stands between two occupations, or between a person and one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.api import dependencies, problems
from skillgap.api.examples import SKILL_GAP
from skillgap.errors import InvalidCode, InvalidProfile, NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import GapReport, PersonGapReport
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code

router = APIRouter(tags=["skill gap"])

_MOST_FIELDS = 20


def _bounded(body: object) -> object:
    """Refuse a body of many fields at once: else the validator would name what is wrong with each."""
    if isinstance(body, dict) and len(body) > _MOST_FIELDS:
        raise PydanticCustomError("too_many_fields", "{count} fields; a profile has two", {"count": len(body)})
    return body


Profile = Annotated[OwnProfile, BeforeValidator(_bounded)]


@router.get(
    "/skill-gap",
    summary="The skill gap between two occupations",
    response_model=GapReport,
    responses={
        200: {"content": {"application/json": {"example": SKILL_GAP}}},
        **problems.responses(
            InvalidCode,
            problems.InvalidParameter,
            UnknownOccupation,
            UnratedOccupation,
            NoData,
            problems.Overloaded,
        ),
    },
)
async def skill_gap(
    request: Request,
    current: dependencies.FromParameter,
    target: dependencies.ToParameter,
    choice: dependencies.RatingsParameter = "onet+llm",
    domain: dependencies.DomainParameter = "skills",
    weight: dependencies.WeightParameter = "importance",
    stability: dependencies.StabilityParameter = False,
) -> Response:
    """List the skills in which the target asks for a higher level, the sure and weighty ones first.

    `distinguishable` tells which differences stand out from the disagreement of O*NET's 8 raters, and from the error
    of predictions. Levels that analysts have not rated are predicted; `from_source` and `to_source` say so, and
    `provenance.predictions` how good such predictions are. With `stability`, each gap says how its place moves. An
    occupation compared with itself has no gap, which is an empty list. Where the service has access to O*NET Web
    Services, what is missing of an occupation is fetched; a 404 with `Retry-After` means that this takes longer than a
    request may.
    """
    dependencies.remember_pair(request, current, target)
    async with dependencies.completed(request, {current, target}, choice):
        return await dependencies.from_ratings(
            request,
            lambda ratings: dependencies.json(identify_skill_gap(current, target, ratings, stability=stability)),
            *(choice, domain, weight),
            takes_long=False,
            stability=stability,
        )


@router.post(
    "/skill-gap",
    summary="The skill gap between a person and an occupation",
    response_model=PersonGapReport,
    responses=problems.responses(
        InvalidCode,
        InvalidProfile,
        problems.InvalidParameter,
        UnknownOccupation,
        UnratedOccupation,
        NoData,
        problems.Overloaded,
    ),
)
async def person_gap(
    request: Request,
    profile: Profile,
    target: dependencies.ToParameter,
    choice: dependencies.RatingsParameter = "onet+llm",
    domain: dependencies.DomainParameter = "skills",
    weight: dependencies.WeightParameter = "importance",
    stability: dependencies.StabilityParameter = False,
) -> Response:
    """List the skills in which an occupation asks for more than a person has.

    Own levels count as they are; the rest is taken from the profile's `occupation`, or is unknown, which is neither a
    gap nor a match: `unknown_skills` lists it. Nothing of a profile is stored or logged, and no cache keeps the answer.
    """
    codes = {target, *([parse_code(profile.occupation)] if profile.occupation else [])}
    async with dependencies.completed(request, codes, choice):
        answer = await dependencies.from_ratings(
            request,
            lambda ratings: dependencies.json(identify_person_gap(profile, target, ratings, stability=stability)),
            *(choice, domain, weight),
            stability=stability,
        )
    answer.headers["Cache-Control"] = "no-store"
    return answer
