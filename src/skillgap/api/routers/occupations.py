"""`/occupations`: which there are, and what O*NET says of the skills of one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.api import dependencies, parameters, problems
from skillgap.errors import (
    InvalidCode,
    MissingInput,
    NoData,
    UnknownJobZone,
    UnknownOccupation,
    UnratedOccupation,
)
from skillgap.models import ListedOccupation, OccupationDetails, OccupationSkills, TransitionReport

router = APIRouter(prefix="/occupations", tags=["occupations"])

CodePath = Annotated[
    dependencies.CodeParameter,
    Path(description="O*NET-SOC code.", openapi_examples={"Registered Nurses": {"value": "29-1141.00"}}),
]


@router.get(
    "",
    summary="Occupations, all or by what people call them",
    response_model=dependencies.OccupationPage,
    responses=problems.responses(problems.InvalidParameter, NoData, problems.Overloaded),
)
async def list_occupations(
    request: Request,
    q: Annotated[
        str | None, Query(max_length=200, description="A job title, whole or as it is typed, or a code.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most occupations on a page.")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Matching occupations to pass over.")] = 0,
) -> Response:
    """List occupations by code or, with `q`, those whose titles match, the best first, with the title that matched.

    Whole titles come first, then those that begin so, then those that share words or parts of words; a slip or two in a
    word is forgiven. For occupations with `is_rated` or `is_predicted` a gap can be computed.
    """
    ratings = dependencies.skills_of(request)
    if not ratings.occupations:
        raise NoData()
    text = q if q and q.strip() else ""
    titles = await dependencies.titles_of(request) if text else None

    def compute() -> Response:
        if titles:
            with parameters.searched("q"):
                hits, total = titles.find(text, limit, offset)
            items = [hit.listed(ratings.occupations) for hit in hits]
        else:
            every = list(ratings.occupations.values())
            total = len(every)
            items = [ListedOccupation(each, None, None, None) for each in every[offset : offset + limit]]
        following = offset + limit
        query = urlencode({**({"q": q} if q else {}), "limit": limit, "offset": following})
        return dependencies.json(
            dependencies.OccupationPage(
                items=items,
                total=total,
                limit=limit,
                offset=offset,
                next=f"{request.url.path}?{query}" if following < total else None,
                provenance=ratings.provenance,
            )
        )

    return await dependencies.in_pool(request, compute)


@router.get(
    "/{onet_soc_code}",
    summary="One occupation",
    response_model=OccupationDetails,
    responses=problems.responses(InvalidCode, UnknownOccupation, NoData),
)
async def get_occupation(request: Request, onet_soc_code: CodePath) -> Response:
    """Return title and, where the loaded source has it, description."""
    ratings = dependencies.skills_of(request)
    return dependencies.json(OccupationDetails(ratings.occupation(onet_soc_code), ratings.provenance))


@router.get(
    "/{onet_soc_code}/skills",
    summary="The skills of an occupation",
    response_model=OccupationSkills,
    responses=problems.responses(InvalidCode, UnknownOccupation, UnratedOccupation, NoData, problems.Overloaded),
)
async def get_occupation_skills(
    request: Request,
    onet_soc_code: CodePath,
    choice: dependencies.RatingsParameter = "onet+llm",
    domain: dependencies.DomainParameter = "skills",
) -> Response:
    """List level and importance of each skill with their errors, flags, dates and sources.

    A predicted level has its interval and what it leans on; predictions are of levels alone, not of importances.
    """

    def compute(ratings: Ratings) -> Response:
        occupation, skills = ratings.occupation(onet_soc_code), ratings.skills(onet_soc_code)
        provenance = ratings.provenance_of(ratings.row(onet_soc_code))
        return dependencies.json(OccupationSkills(occupation, skills, provenance))

    return await dependencies.from_ratings(request, compute, choice, domain, takes_long=False)


@router.get(
    "/{onet_soc_code}/transitions",
    summary="Where one can go from an occupation",
    response_model=TransitionReport,
    responses=problems.responses(
        *(InvalidCode, problems.InvalidParameter, UnknownJobZone, UnknownOccupation, UnratedOccupation, MissingInput),
        *(NoData, problems.Overloaded),
    ),
)
async def get_transitions(
    request: Request,
    onet_soc_code: CodePath,
    job_zone: Annotated[
        list[Annotated[int, Field(ge=1, le=5)]] | None,
        Query(
            max_length=5,
            description="Job Zones in use: 1 to 5, or 2 to 5 from O*NET 30.2 on; repeat for several.",
        ),
    ] = None,
    major_group: Annotated[
        str | None, Query(pattern="^[0-9]{2}$", description="SOC major group: the first two digits of the code.")
    ] = None,
    max_shortfall_percentile: Annotated[
        float,
        Query(
            ge=0,
            le=100,
            description="Highest percentile of the weighted shortfall; below 100, those without one are left out.",
        ),
    ] = 100.0,
    only_rated: Annotated[bool, Query(description="Leave out occupations whose levels are predicted.")] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="Most occupations to list.")] = 10,
    choice: dependencies.RatingsParameter = "onet+llm",
    domain: dependencies.DomainParameter = "skills",
    weight: dependencies.WeightParameter = "importance",
    stability: dependencies.StabilityParameter = False,
) -> Response:
    """List occupations near this one, nearest first, each with what stands between.

    Near is what people do, know and are called, not the smallest gap: the gap stands beside the rank and plays no part
    in it. `basis` names the inputs, and how many of those that O*NET lists itself are among their first ten.
    """
    similarity = await dependencies.similarity_of(request)
    where = TransitionFilter(frozenset(job_zone or ()), major_group, max_shortfall_percentile, only_rated)

    def compute(ratings: Ratings) -> Response:
        found = find_transitions(onet_soc_code, similarity, ratings, where=where, limit=limit, stability=stability)
        rows = (ratings.row(onet_soc_code), *(ratings.row(each.occupation.onet_soc_code) for each in found))
        return dependencies.json(
            TransitionReport(
                occupation=ratings.occupation(onet_soc_code),
                transitions=found,
                basis=similarity.basis,
                domain=domain,
                weight=weight,
                provenance=ratings.provenance_of(*rows),
            )
        )

    return await dependencies.from_ratings(request, compute, choice, domain, weight, stability=stability)
