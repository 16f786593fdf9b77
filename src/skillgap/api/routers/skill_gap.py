"""`/skill-gap`: what stands between two occupations, or between a person and one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from skillgap.api import answers, dependencies, parameters, problems
from skillgap.api.examples import SKILL_GAP
from skillgap.errors import InvalidCode, InvalidProfile, NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import GapReport, PersonGapReport
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code
from skillgap.service import Skillgap

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
    current: parameters.FromParameter,
    target: parameters.ToParameter,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
    weight: parameters.WeightParameter = "importance",
    stability: parameters.StabilityParameter = False,
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

    def compare(onet: Skillgap) -> Response:
        answer = onet.gap(current, target, domain=domain, ratings=ratings, weight=weight, stability=stability)
        return answers.json(answer)

    async with dependencies.completed(request, {current, target}, ratings):
        return await dependencies.ask(
            request, compare, domain=domain, weight=weight, is_cheap=True, stability=stability
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
    target: parameters.ToParameter,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
    weight: parameters.WeightParameter = "importance",
    stability: parameters.StabilityParameter = False,
) -> Response:
    """List the skills in which an occupation asks for more than a person has.

    Own levels count as they are; the rest is taken from the profile's `occupation`, or is unknown, which is neither a
    gap nor a match: `unknown_skills` lists it. Nothing of a profile is stored or logged, and no cache keeps the answer.
    """
    codes = {target, *([parse_code(profile.occupation)] if profile.occupation else [])}

    def compare(onet: Skillgap) -> Response:
        answer = onet.person_gap(profile, target, domain=domain, ratings=ratings, weight=weight, stability=stability)
        return answers.json(answer)

    async with dependencies.completed(request, codes, ratings):
        response = await dependencies.ask(request, compare, domain=domain, weight=weight, stability=stability)
    response.headers["Cache-Control"] = "no-store"
    return response
