"""The bodies of the answers: the core's types with their provenance, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from skillgap.analysis.ratings import Ratings
from skillgap.api.answer_cache import PAIR, SNAPSHOT
from skillgap.model import (
    CODE_PATTERN,
    Occupation,
    Provenance,
    RatingsChoice,
    SkillRating,
    parse_code,
)

_DOCUMENTED = {"use_attribute_docstrings": True}

CodeParameter = Annotated[
    str,
    AfterValidator(parse_code),
    WithJsonSchema({"type": "string", "pattern": CODE_PATTERN}),
]
"""An O*NET-SOC code in any accepted form; the handler gets it dashed."""

RatingsParameter = Annotated[
    RatingsChoice,
    BeforeValidator(lambda text: text.replace(" ", "+")),  # what a bare + in a query means
    Query(
        alias="ratings",
        description="Whose levels: the analysts' (`onet`), predicted ones (`llm`), or predictions where analysts have "
        "rated nothing (`onet+llm`).",
    ),
]


@dataclass(frozen=True)
class OccupationAnswer:
    """One occupation."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """The occupation."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class OccupationsAnswer:
    """A page of occupations, codes ascending."""

    __pydantic_config__ = _DOCUMENTED

    items: list[Occupation]
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


@dataclass(frozen=True)
class SkillsAnswer:
    """The skills of one occupation, most important first."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """The occupation."""
    skills: list[SkillRating]
    """Its skills: relevant ones first, then by importance and level; predicted ones by level."""
    provenance: Provenance
    """Where the figures come from."""


def ratings_of(request: Request, choice: RatingsChoice = "onet+llm") -> Ratings:
    """Return the ratings that this request is answered from."""
    ratings: Ratings = request.scope[SNAPSHOT].all_ratings[choice]
    return ratings


def remember_pair(request: Request, current: str, target: str) -> None:
    """Name the pair in the request's log line."""
    request.scope[PAIR] = (current, target)


def json(answer: Any) -> Response:
    """Return the answer as JSON. Its type has been checked by mypy, so it is not checked again per request."""
    return Response(orjson.dumps(answer), media_type="application/json")
