"""`/occupations`: the list, search, and the skills and transitions of one occupation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from skillgap.api import answers, dependencies, parameters, problems, unknown_parameters
from skillgap.errors import (
    InvalidCode,
    MissingInput,
    NoData,
    UnknownJobZone,
    UnknownOccupation,
    UnratedOccupation,
)
from skillgap.models import ListedOccupation, OccupationDetails, OccupationSkills, Provenance, TransitionReport
from skillgap.models.documented import DOCUMENTED
from skillgap.service import Skillgap

router = APIRouter(prefix="/occupations", tags=["occupations"])

CodePath = Annotated[
    parameters.CodeParameter,
    Path(description="O*NET-SOC code.", openapi_examples={"Registered Nurses": {"value": "29-1141.00"}}),
]


@dataclass(frozen=True)
class OccupationPage:
    """A page of occupations: in order of code or, for a search, the best match first."""

    __pydantic_config__ = DOCUMENTED

    items: list[ListedOccupation]
    """The page's occupations."""
    total: int
    """Number of matching occupations on all pages."""
    limit: int
    """Maximum number of occupations on a page."""
    offset: int
    """Number of matching occupations before this page."""
    next: str | None
    """Path and query of the next page; null on the last page."""
    provenance: Provenance
    """Source of the figures."""


@router.get(
    "",
    summary="List or search occupations",
    response_model=OccupationPage,
    responses=problems.responses(problems.InvalidParameter, NoData, problems.Overloaded),
)
async def list_occupations(
    request: Request,
    q: Annotated[str | None, Query(max_length=200, description="A job title, complete or partial, or a code.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of occupations on a page.")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Number of matching occupations to skip.")] = 0,
) -> Response:
    """List all occupations in order of code or, with `q`, those with a matching title, best match first.

    Exact titles come first, then titles that start with the text, then titles that share words or parts of words. One
    or two typos in a word are tolerated. `matched_title` is the title that matched. Occupations with `is_rated` or
    `is_predicted` can be compared.
    """
    if not dependencies.snapshot_of(request).get_occupations():
        raise NoData()
    text = q if q and q.strip() else ""

    def find(onet: Skillgap) -> Response:
        if text:
            with unknown_parameters.searched("q"):
                answer = onet.search(text, limit=limit, offset=offset)
        else:
            answer = onet.occupations(limit=limit, offset=offset)
        end = offset + limit
        query = urlencode({**({"q": q} if q else {}), "limit": limit, "offset": end})
        return answers.json(
            OccupationPage(
                items=answer.items,
                total=answer.total,
                limit=limit,
                offset=offset,
                next=f"{request.url.path}?{query}" if end < answer.total else None,
                provenance=answer.provenance,
            )
        )

    return await dependencies.ask(request, find, needs=["titles"] if text else [])


@router.get(
    "/{onet_soc_code}",
    summary="Details of an occupation",
    response_model=OccupationDetails,
    responses=problems.responses(InvalidCode, UnknownOccupation, NoData),
)
async def get_occupation(request: Request, onet_soc_code: CodePath) -> Response:
    """Return an occupation's title, description (if the loaded source has one) and available data."""
    return answers.json(dependencies.service_of(request).occupation(onet_soc_code))


@router.get(
    "/{onet_soc_code}/skills",
    summary="Skills of an occupation",
    response_model=OccupationSkills,
    responses=problems.responses(InvalidCode, UnknownOccupation, UnratedOccupation, NoData, problems.Overloaded),
)
async def get_occupation_skills(
    request: Request,
    onet_soc_code: CodePath,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
) -> Response:
    """List the level and importance of each skill, with errors, flags, dates and sources.

    A predicted level has an interval and an explanation. Only levels are predicted, not importances.
    """

    return await dependencies.ask(
        request,
        lambda onet: answers.json(onet.skills(onet_soc_code, domain=domain, ratings=ratings)),
        domain=domain,
        is_cheap=True,
    )


@router.get(
    "/{onet_soc_code}/transitions",
    summary="Transitions from an occupation",
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
            description="Job Zone of the target: 1 to 5, or 2 to 5 since O*NET 30.2. Repeat for several.",
        ),
    ] = None,
    major_group: Annotated[
        str | None,
        Query(pattern="^[0-9]{2}$", description="SOC major group of the target: the first two digits of its code."),
    ] = None,
    max_shortfall_percentile: Annotated[
        float,
        Query(
            ge=0,
            le=100,
            description="Maximum percentile of the weighted shortfall. Below 100, targets without one are excluded.",
        ),
    ] = 100.0,
    only_rated: Annotated[bool, Query(description="Exclude occupations with predicted levels.")] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of occupations.")] = 10,
    ratings: parameters.RatingsParameter = "onet+llm",
    domain: parameters.DomainParameter = "skills",
    weight: parameters.WeightParameter = "importance",
    stability: parameters.StabilityParameter = False,
) -> Response:
    """List the occupations most similar to this one, each with a summary of the gap.

    Similarity compares tasks, knowledge and titles. The gap does not affect the rank. `basis` names the inputs and the
    share of O*NET's own related occupations found among the first ten.
    """

    def find(onet: Skillgap) -> Response:
        answer = onet.transitions(
            onet_soc_code,
            job_zones=frozenset(job_zone or ()),
            major_group=major_group,
            max_shortfall_percentile=max_shortfall_percentile,
            only_rated=only_rated,
            limit=limit,
            domain=domain,
            ratings=ratings,
            weight=weight,
            stability=stability,
        )
        return answers.json(answer)

    return await dependencies.ask(
        request, find, domain=domain, weight=weight, needs=["similarity"], stability=stability
    )
