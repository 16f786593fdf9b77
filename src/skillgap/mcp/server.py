"""Tools for AI agents over the Model Context Protocol: the answers of the API, with sentences that explain them.

Every figure comes with its source, release and date. Errors suggest the next step. No tool writes anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from skillgap.errors import (
    InvalidCode,
    MissingInput,
    NoData,
    SkillgapError,
    UnknownElement,
    UnknownOccupation,
    UnratedOccupation,
)
from skillgap.export import phrases
from skillgap.models import (
    GapReport,
    LevelMeaning,
    ListedOccupation,
    Occupation,
    Provenance,
    RatingsChoice,
    SkillRating,
    Transition,
    TransitionBasis,
)
from skillgap.models.documented import DOCUMENTED
from skillgap.onet.domains import DomainChoice
from skillgap.onet.scales import HIGHEST_LEVEL
from skillgap.service import Skillgap
from skillgap.service.snapshot import CurrentData
from skillgap.version import __version__

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False)
_SECONDS_BETWEEN_LOOKS = 5.0
_INSTRUCTIONS = (
    "Compares O*NET occupations by rated skills. Start with search_occupations to turn a job title into an O*NET-SOC "
    "code. In skill_gap, `certainty` says how far to trust a row: report clear gaps as gaps, likely ones with their "
    "chance (`agreement`), open ones as undecided. A null figure is unknown, not 0; `unavailable` gives the reason. "
    "Levels with source `llm` are predicted, not rated; point this out. Show the attribution."
)

_NEXT_STEPS: dict[type[SkillgapError], str] = {
    UnknownOccupation: "Call search_occupations with a job title to find its code.",
    InvalidCode: "Call search_occupations with a job title to find its code.",
    UnratedOccupation: "Without levels, nothing can be compared. Call search_occupations to find a similar occupation "
    "that is_rated or is_predicted, and use the domain `skills`.",
    UnknownElement: "Call occupation_skills for any occupation to see the names and ids of all elements.",
    MissingInput: "The loaded data lack it, so other arguments will not help. Report this; do not guess.",
    NoData: "No data are loaded. The operator of this server must run `skillgap load`. Do not guess.",
}

_METHOD = """# Meaning of the figures

- Eight analysts rated each skill of an occupation by level (LV, 0-7) and importance (IM, 1-5). The figures are means.
- A skill is a gap if the target's level is higher. `gap` is target minus current, in level points.
- `agreement` is the chance that another panel of raters finds the gap in the same direction, calibrated on occupations
  that were rated again. `certainty` is `clear` (`distinguishable`: one-sided t tests with Benjamini-Hochberg at 5 %,
  separately for gaps and surpluses), `likely` (agreement 0.8 or more) or `open`. It says nothing about size.
- `certainty` is null if a level has no standard error, or if the skill hardly matters in the target.
- A null figure in a summary lacks an input, which `unavailable` names. Never read null as 0.
- Rows flagged `to_not_relevant` hardly matter in the target. They come last and never count.
- Gaps are sorted: clear ones first, then by importance in the target times gap.
- `weighted_shortfall` is the mean of the gaps over all skills relevant to the target, weighted by importance.
  `noise_shortfall` is what rater noise alone would show. `shortfall_percentile` is the rank among all pairs of rated
  occupations (0 is the easiest move), with a 95 % interval.
- A level with source `llm` is predicted. Its standard error is the measured error of the model.
- Similar occupations are ranked by what people do and know, never by the gap.
- Degrees, licenses and years of experience are not part of a gap. `job_zone_step` compares the usual preparation.
"""

OccupationText = Annotated[
    str, Field(description="O*NET-SOC code (`29-1141.00`) or O*NET's exact title.", min_length=1, max_length=200)
]
Limit = Annotated[int, Field(ge=1, le=50, description="Maximum number of rows.")]
Offset = Annotated[int, Field(ge=0, description="Rows to skip: next_offset of the previous page.")]
DomainArgument = Annotated[DomainChoice, Field(description="The domain to compare.")]
RatingsArgument = Annotated[
    RatingsChoice,
    Field(
        description="`onet`: analysts' ratings only; `llm`: predictions only; `onet+llm`: ratings, with predictions "
        "where there are none."
    ),
]


@dataclass(frozen=True)
class OccupationsPage:
    """Occupations that match a text, the best match first."""

    __pydantic_config__ = DOCUMENTED

    items: list[ListedOccupation]
    """The page's occupations. Those with `is_rated` or `is_predicted` can be compared."""
    total: int
    """Number of rows on all pages."""
    next_offset: int | None
    """Offset of the next page; null on the last page."""
    provenance: Provenance
    """Source of the titles."""


@dataclass(frozen=True)
class GapPage:
    """The skill gap between two occupations."""

    __pydantic_config__ = DOCUMENTED

    in_words: list[str]
    """The answer in sentences."""
    report: GapReport
    """The figures. `skill_gaps` and `surplus_skills` are pages with the same offset and limit."""
    total_gaps: int
    """Number of gaps on all pages."""
    total_surplus: int
    """Number of surplus skills on all pages."""
    next_offset: int | None
    """Offset of the next page; null on the last page."""


@dataclass(frozen=True)
class TransitionsPage:
    """Occupations similar to one, the most similar first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The current occupation."""
    transitions: list[Transition]
    """The page's occupations. Each has a summary of the gap, which does not affect its rank."""
    basis: TransitionBasis
    """The ranking's inputs and accuracy."""
    next_offset: int | None
    """Offset of the next page; null on the last page."""
    provenance: Provenance
    """Source of the figures."""


@dataclass(frozen=True)
class SkillsPage:
    """Skills of an occupation, most important first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation."""
    skills: list[SkillRating]
    """The page's skills, with level, importance, errors, flags, date and source."""
    total: int
    """Number of rows on all pages."""
    next_offset: int | None
    """Offset of the next page; null on the last page."""
    provenance: Provenance
    """Source of the figures."""


class _Tools:
    """The tools, which answer from the newest data. They check for new data every few seconds."""

    def __init__(self, current: CurrentData) -> None:
        self._current = current
        self._last_look = float("-inf")

    def search_occupations(
        self,
        query: Annotated[str, Field(min_length=1, max_length=200, description="A job title in any words, or a code.")],
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> OccupationsPage:
        """Find O*NET-SOC codes by job title. Typos are tolerated. Start here."""
        answer = self._onet().search(query, limit=limit, offset=offset)
        return OccupationsPage(answer.items, answer.total, _next(offset, limit, answer.total), answer.provenance)

    def skill_gap(
        self,
        from_occupation: OccupationText,
        to_occupation: OccupationText,
        domain: DomainArgument = "skills",
        ratings: RatingsArgument = "onet+llm",
        limit: Limit = 15,
        offset: Offset = 0,
    ) -> GapPage:
        """List the skills in which the target has a higher level, with the size and the certainty of each gap."""
        report = self._onet().gap(from_occupation, to_occupation, domain=domain, ratings=ratings)
        gaps, surplus = report.skill_gaps, report.surplus_skills
        page = slice(offset, offset + limit)
        return GapPage(
            phrases.in_plain_words(report),
            replace(report, skill_gaps=gaps[page], surplus_skills=surplus[page]),
            len(gaps),
            len(surplus),
            _next(offset, limit, max(len(gaps), len(surplus))),
        )

    def transitions(
        self,
        occupation: OccupationText,
        only_rated: Annotated[bool, Field(description="Exclude occupations with predicted levels.")] = False,
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> TransitionsPage:
        """List the occupations most similar to one by what people do and know, with a summary of each gap."""
        onet = self._onet()
        answer = onet.transitions(occupation, only_rated=only_rated, limit=limit, offset=offset)
        following = onet.transitions(occupation, only_rated=only_rated, limit=1, offset=offset + limit)
        total = offset + len(answer.transitions) + len(following.transitions)
        return TransitionsPage(
            answer.occupation, answer.transitions, answer.basis, _next(offset, limit, total), answer.provenance
        )

    def occupation_skills(
        self,
        occupation: OccupationText,
        domain: DomainArgument = "skills",
        ratings: RatingsArgument = "onet+llm",
        limit: Limit = 35,
        offset: Offset = 0,
    ) -> SkillsPage:
        """List the skills of an occupation, most important first, with errors, flags, dates and level anchors."""
        answer = self._onet().skills(occupation, domain=domain, ratings=ratings)
        total = len(answer.skills)
        page = answer.skills[offset : offset + limit]
        return SkillsPage(answer.occupation, page, total, _next(offset, limit, total), answer.provenance)

    def explain_level(
        self,
        element: Annotated[str, Field(max_length=200, description="Name or id of an element: `Writing`, `2.A.1.c`.")],
        level: Annotated[float, Field(ge=0, le=HIGHEST_LEVEL, description="A level of scale LV.")],
    ) -> LevelMeaning:
        """Explain a level with O*NET's own examples just below and above it."""
        return self._onet().explain_level(element, level)

    def attribution(self) -> str:
        """Required credit for the figures: O*NET's attribution, modification notice and license."""
        provenance = self._onet().occupations(limit=0).provenance
        return f"{phrases.source_line(provenance)} License of the data: {provenance.licence}"

    def _onet(self) -> Skillgap:
        if time.monotonic() - self._last_look > _SECONDS_BETWEEN_LOOKS:
            self._current.refresh()
            self._last_look = time.monotonic()
        snapshot = self._current.snapshot
        if not snapshot.get_occupations():
            raise NoData()
        return Skillgap(lambda: snapshot)


def method() -> str:
    """Computation, test and order of gaps, and the meaning of the figures."""
    return _METHOD


def create_server(current: CurrentData) -> MCPServer:
    """Return the server, with its tools and the resources `attribution` and `method`."""
    server = MCPServer("skillgap", title="skillgap", instructions=_INSTRUCTIONS, version=__version__)
    tools = _Tools(current)
    server.tool(title="Search occupations", annotations=_READS)(_with_next_step(tools.search_occupations, ToolError))
    server.tool(title="Skill gap between two occupations", annotations=_READS)(
        _with_next_step(tools.skill_gap, ToolError)
    )
    server.tool(title="Similar occupations", annotations=_READS)(_with_next_step(tools.transitions, ToolError))
    server.tool(title="Skills of an occupation", annotations=_READS)(
        _with_next_step(tools.occupation_skills, ToolError)
    )
    server.tool(title="Meaning of a level", annotations=_READS)(_with_next_step(tools.explain_level, ToolError))
    server.resource("skillgap://attribution", title="Attribution", mime_type="text/plain")(
        _with_next_step(tools.attribution, ResourceError)
    )
    server.resource("skillgap://method", title="Method", mime_type="text/markdown")(method)
    return server


P = ParamSpec("P")
T = TypeVar("T")


def _with_next_step(answer: Callable[P, T], error_type: type[ToolError | ResourceError]) -> Callable[P, T]:
    """Return the same function, with errors that tell an agent what to do next."""

    @wraps(answer)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return answer(*args, **kwargs)
        except SkillgapError as error:
            raise error_type(f"{error}{'' if str(error).endswith('?') else '.'} {_next_step(error)}") from None

    return call


def _next_step(error: SkillgapError) -> str:
    return _NEXT_STEPS.get(type(error), "Ask again with other arguments.")


def _next(offset: int, limit: int, total: int) -> int | None:
    return offset + limit if offset + limit < total else None
