"""`/skill-gap`: the gap between two occupations, or between a person and an occupation."""

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
    """Reject a body of many fields, because the validator would report each of them."""
    if isinstance(body, dict) and len(body) > _MOST_FIELDS:
        raise PydanticCustomError("too_many_fields", "{count} fields; a profile has two", {"count": len(body)})
    return body


Profile = Annotated[OwnProfile, BeforeValidator(_bounded)]


@router.get(
    "/skill-gap",
    summary="Skill gap between two occupations",
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
    """List the skills in which the target has a higher level, clear and important ones first.

    `agreement` is the chance that another panel of raters would find the gap in the same direction, and `certainty` is
    `clear`, `likely` or `open`. Levels that analysts have not rated are predicted: `from_source` and `to_source` are
    then `llm`, and `provenance.predictions` gives the accuracy. `stability` adds the range of each gap's rank. An
    occupation compared with itself has no gaps, so the list is empty.

    If the service has access to O*NET Web Services, missing ratings are fetched. A 404 with `Retry-After` means that
    the fetch takes longer than a request may wait.
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
    summary="Skill gap between a person and an occupation",
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
    """List the skills in which an occupation has a higher level than a person.

    The person's own levels are used as given. Other levels are taken from the profile's `occupation`. Without one, they
    are unknown, which is neither a gap nor a match; `unknown_skills` lists them. The profile is not stored or logged,
    and the answer is not cached.
    """
    codes = {target, *([parse_code(profile.occupation)] if profile.occupation else [])}

    def compare(onet: Skillgap) -> Response:
        answer = onet.person_gap(profile, target, domain=domain, ratings=ratings, weight=weight, stability=stability)
        return answers.json(answer)

    async with dependencies.completed(request, codes, ratings):
        response = await dependencies.ask(request, compare, domain=domain, weight=weight, stability=stability)
    response.headers["Cache-Control"] = "no-store"
    return response
