"""The bodies of the answers: the core's types with their provenance, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import TitleIndex
from skillgap.analysis.similarity.model import Similarity
from skillgap.api.addresses import asker_of
from skillgap.api.cache import PAIR, SNAPSHOT
from skillgap.errors import OccupationError
from skillgap.models import (
    ListedOccupation,
    Provenance,
    RatingsChoice,
    WeightChoice,
)
from skillgap.onet.codes import CODE_PATTERN, parse_code
from skillgap.onet.domains import DOMAIN_TABLES, DomainChoice
from skillgap.service.snapshot import Snapshot

if TYPE_CHECKING:
    from skillgap.api.pool import Pool
    from skillgap.service.fetch_missing import OnDemand

Result = TypeVar("Result")
_DOCUMENTED = {"use_attribute_docstrings": True}

CodeParameter = Annotated[
    str,
    AfterValidator(parse_code),
    WithJsonSchema({"type": "string", "pattern": CODE_PATTERN}),
]
"""An O*NET-SOC code in any accepted form; the handler gets it dashed."""

FromParameter = Annotated[
    CodeParameter,
    Query(
        alias="from",
        description="Code of the current occupation.",
        openapi_examples={"Registered Nurses": {"value": "29-1141.00"}},
    ),
]
ToParameter = Annotated[
    CodeParameter,
    Query(
        alias="to",
        description="Code of the target occupation.",
        openapi_examples={"Medical and Health Services Managers": {"value": "11-9111.00"}},
    ),
]

RatingsParameter = Annotated[
    RatingsChoice,
    BeforeValidator(lambda text: text.replace(" ", "+")),  # what a bare + in a query means
    Query(
        alias="ratings",
        description="Whose levels: the analysts' (`onet`), predicted ones (`llm`), or predictions where analysts have "
        "rated nothing (`onet+llm`).",
    ),
]


DomainParameter = Annotated[
    DomainChoice,
    Query(
        description="What to compare: "
        f"{', '.join(f'`{domain}`' for domain in DOMAIN_TABLES)}, or `all` of them that are loaded."
    ),
]


WeightParameter = Annotated[
    WeightChoice,
    Query(
        description="What a gap weighs in order and shortfall: its `importance` in the target, O*NET's `standard` "
        "score of that (what is not important weighs nothing), or `none`: all alike."
    ),
]
StabilityParameter = Annotated[
    bool, Query(description="Say how the order moves under rater noise and other weights; takes some 20 ms longer.")
]


@dataclass(frozen=True)
class OccupationPage:
    """A page of occupations: codes ascending, or the best match first."""

    __pydantic_config__ = _DOCUMENTED

    items: list[ListedOccupation]
    """The page's occupations."""
    total: int
    """Occupations that match, on all pages."""
    limit: int
    """Most occupations on a page."""
    offset: int
    """Matching occupations before this page."""
    next: str | None
    """Path and query of the next page; null on the last."""
    provenance: Provenance
    """Where the figures come from."""


def skills_of(request: Request, choice: RatingsChoice = "onet+llm") -> Ratings:
    """Return the ratings of skills, with the occupations, that this request is answered from."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    return snapshot.skills[choice]


async def from_ratings(
    request: Request,
    compute: Callable[[Ratings], Result],
    choice: RatingsChoice,
    domain: DomainChoice,
    weight: WeightChoice = "importance",
    *,
    takes_long: bool = True,
    stability: bool = False,
) -> Result:
    """Return what `compute` makes of the ratings that this request is answered from.

    It runs in a pool unless it takes a millisecond: what every data version needs is computed beforehand for skills
    by importance alone. Stability, which may take 400 times as long, has a pool of its own.
    """
    snapshot: Snapshot = request.scope[SNAPSHOT]
    if (domain, weight, takes_long or stability) == ("skills", "importance", False):
        return compute(snapshot.skills[choice])
    found = snapshot.skills if domain == "skills" else await asyncio.wrap_future(snapshot.all_domains)
    pool = "stability" if stability else "work"
    return await _run(request, pool, lambda: compute(found[choice].of_domain(domain).weighted_by(weight)))


async def in_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that takes longer than other requests should wait. Raises Overloaded, ClientGone."""
    return await _run(request, "work", work)


async def in_picture_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that another process does for a second or two. Raises Overloaded, ClientGone."""
    return await _run(request, "pictures", work)


async def in_metrics_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that an operator needs most when the other pools are full. Raises as `in_pool`."""
    return await _run(request, "metrics", work)


async def _run(request: Request, name: str, work: Callable[[], Result]) -> Result:
    pools: Mapping[str, Pool] = request.app.state.pools
    return await pools[name].run(work, request.receive, asker_of(request.scope))


@asynccontextmanager
async def completed(request: Request, codes: Collection[str], choice: RatingsChoice) -> AsyncIterator[None]:
    """Have what analysts have rated of the codes, and we have not, fetched before the block, where that is set up.

    An OccupationError of the block says when to ask again, if that may help.
    """
    on_demand: OnDemand | None = request.app.state.on_demand
    retry_after = None
    if on_demand and choice != "llm" and (missing := set(codes).difference(skills_of(request, "onet").rows)):
        retry_after = await on_demand.complete(missing)
        request.scope[SNAPSHOT] = request.app.state.current.snapshot
    try:
        yield
    except OccupationError as error:
        error.retry_after = retry_after
        raise


async def similarity_of(request: Request) -> Similarity:
    """Return which occupations are near which, of the data that this request is answered from."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    return await asyncio.wrap_future(snapshot.similarity)


async def titles_of(request: Request) -> TitleIndex:
    """Return all titles, of the data that this request is answered from."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    return await asyncio.wrap_future(snapshot.titles)


def remember_pair(request: Request, current: str, target: str) -> None:
    """Name the pair in the request's log line."""
    request.scope[PAIR] = (current, target)


def json(answer: Any) -> Response:
    """Return the answer as JSON. Its type has been checked by mypy, so it is not checked again per request."""
    return Response(orjson.dumps(answer), media_type="application/json")


def page(html: str, status: int = 200) -> Response:
    """Return a page; it may load what this server has, and run no script that stands in it."""
    return HTMLResponse(html, status, headers={"Content-Security-Policy": _PAGE_POLICY})


_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
