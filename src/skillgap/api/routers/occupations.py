"""`/occupations`: which there are, and what O*NET says of the skills of one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from skillgap.analysis.search import search_titles
from skillgap.api import answers, problems
from skillgap.errors import InvalidCode, NoData, UnknownOccupation, UnratedOccupation

router = APIRouter(prefix="/occupations", tags=["occupations"])

CodePath = Annotated[
    answers.CodeParameter,
    Path(description="O*NET-SOC code.", openapi_examples={"Registered Nurses": {"value": "29-1141.00"}}),
]


@router.get(
    "",
    summary="Occupations, all or by words of their titles",
    response_model=answers.OccupationsAnswer,
    responses=problems.responses(problems.InvalidParameter, NoData),
)
async def list_occupations(
    request: Request,
    q: Annotated[str | None, Query(max_length=200, description="Words that the title must have, in any order.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most occupations on a page.")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Matching occupations to pass over.")] = 0,
) -> Response:
    """List occupations by code; for those with `is_rated` or `is_predicted` a gap can be computed."""
    ratings = answers.ratings_of(request)
    if not ratings.occupations:
        raise NoData("no occupation is loaded yet; run `skillgap load starter`, or load a release")
    found = search_titles(q or "", ratings.occupations.values())
    following = offset + limit
    query = urlencode({**({"q": q} if q else {}), "limit": limit, "offset": following})
    return answers.json(
        answers.OccupationsAnswer(
            items=found[offset:following],
            total=len(found),
            limit=limit,
            offset=offset,
            next=f"{request.url.path}?{query}" if following < len(found) else None,
            provenance=ratings.provenance,
        )
    )


@router.get(
    "/{onet_soc_code}",
    summary="One occupation",
    response_model=answers.OccupationAnswer,
    responses=problems.responses(InvalidCode, UnknownOccupation, NoData),
)
async def get_occupation(request: Request, onet_soc_code: CodePath) -> Response:
    """Return title and, where the loaded source has it, description."""
    ratings = answers.ratings_of(request)
    return answers.json(answers.OccupationAnswer(ratings.occupation(onet_soc_code), ratings.provenance))


@router.get(
    "/{onet_soc_code}/skills",
    summary="The skills of an occupation",
    response_model=answers.SkillsAnswer,
    responses=problems.responses(InvalidCode, UnknownOccupation, UnratedOccupation, NoData),
)
async def get_occupation_skills(
    request: Request, onet_soc_code: CodePath, choice: answers.RatingsParameter = "onet+llm"
) -> Response:
    """List level and importance of each skill with their errors, flags, dates and sources.

    A predicted level has its interval and what it leans on; predictions are of levels alone, not of importances.
    """
    ratings = answers.ratings_of(request, choice)
    occupation, skills = ratings.occupation(onet_soc_code), ratings.skills(onet_soc_code)
    provenance = ratings.provenance_of(ratings.row(onet_soc_code))
    return answers.json(answers.SkillsAnswer(occupation, skills, provenance))
