"""The data a request is answered from, and the thread it is answered in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from fastapi import Request

from skillgap.api.addresses import asker_of
from skillgap.api.cache import PAIR, SNAPSHOT
from skillgap.errors import OccupationError
from skillgap.models import RatingsChoice, WeightChoice
from skillgap.onet.domains import DomainChoice
from skillgap.service import Skillgap
from skillgap.service.snapshot import Part, Snapshot

if TYPE_CHECKING:
    from skillgap.api.pool import Pool
    from skillgap.service.fetch_missing import OnDemand

Result = TypeVar("Result")


def snapshot_of(request: Request) -> Snapshot:
    """Return the snapshot that a request is answered from."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    return snapshot


def service_of(request: Request) -> Skillgap:
    """Return the service that answers from the request's snapshot. Call it for cheap questions only."""
    snapshot = snapshot_of(request)
    return Skillgap(lambda: snapshot)


async def ask(
    request: Request,
    question: Callable[[Skillgap], Result],
    *,
    domain: DomainChoice = "skills",
    weight: WeightChoice = "importance",
    needs: Collection[Part] = (),
    is_cheap: bool = False,
    stability: bool = False,
) -> Result:
    """Return the answer to a question, once the parts of the snapshot that it needs have been computed.

    The question runs in a pool unless it is cheap (about a millisecond). That holds only for skills weighted by
    importance: everything they need is computed before the snapshot is used. Stability takes up to 400 times as long,
    so it has its own pool. Raises Overloaded, ClientGone.
    """
    snapshot, onet = snapshot_of(request), service_of(request)
    for part in needs:
        await asyncio.wrap_future(snapshot.future(part))
    if (domain, weight, is_cheap, stability) == ("skills", "importance", True, False):
        return question(onet)
    if domain != "skills":
        await asyncio.wrap_future(snapshot.all_domains)
    return await _run(request, "stability" if stability else "work", lambda: question(onet))


async def in_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that other requests should not wait for. Raises Overloaded, ClientGone."""
    return await _run(request, "work", work)


async def in_picture_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that another process does in a second or two. Raises Overloaded, ClientGone."""
    return await _run(request, "pictures", work)


async def in_metrics_pool(request: Request, work: Callable[[], Result]) -> Result:
    """Return the result of work that an operator needs even if all other pools are full. Raises as `in_pool`."""
    return await _run(request, "metrics", work)


async def _run(request: Request, name: str, work: Callable[[], Result]) -> Result:
    pools: Mapping[str, Pool] = request.app.state.pools
    return await pools[name].run(work, request.receive, asker_of(request.scope))


@asynccontextmanager
async def completed(request: Request, codes: Collection[str], choice: RatingsChoice) -> AsyncIterator[None]:
    """Fetch missing ratings of occupations before the block runs, if access to O*NET Web Services is configured.

    An OccupationError raised in the block gets the seconds to wait before asking again, if that may help.
    """
    on_demand: OnDemand | None = request.app.state.on_demand
    retry_after = None
    if on_demand and choice != "llm" and (missing := snapshot_of(request).unrated(codes)):
        retry_after = await on_demand.complete(missing)
        request.scope[SNAPSHOT] = request.app.state.current.snapshot
    try:
        yield
    except OccupationError as error:
        error.retry_after = retry_after
        raise


def remember_pair(request: Request, current: str, target: str) -> None:
    """Add a pair of codes to the request's log line."""
    request.scope[PAIR] = (current, target)
