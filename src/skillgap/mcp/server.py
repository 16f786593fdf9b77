"""Tools for AI agents by the Model Context Protocol: the same answers as the API, with what is said of them in words.

Every figure comes with its source, release and date; an error says what to do next. Nothing is ever written.
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

import skillgap
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
from skillgap.onet.domains import DomainChoice
from skillgap.onet.scales import HIGHEST_LEVEL
from skillgap.service import Skillgap
from skillgap.service.snapshot import CurrentData

_DOCUMENTED = {"use_attribute_docstrings": True}
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False)
_SECONDS_BETWEEN_LOOKS = 5.0
_INSTRUCTIONS = (
    "Compares occupations of O*NET by rated skills. Begin with search_occupations to turn words into O*NET-SOC codes. "
    "In skill_gap, only rows with `distinguishable` true stand out from the disagreement of the raters: do not present "
    "the others as gaps. A null figure is unknown, not 0: `unavailable` says why. Levels whose source is "
    "`llm` are predicted, not rated: say so. Show the attribution."
)

_NEXT_STEPS: dict[type[SkillgapError], str] = {
    UnknownOccupation: "Call search_occupations with a job title to find its code.",
    InvalidCode: "Call search_occupations with a job title to find its code.",
    UnratedOccupation: "Nothing can be compared without levels. Call search_occupations for one like it that is_rated "
    "or is_predicted, and ask in the domain `skills`.",
    UnknownElement: "Call occupation_skills of any occupation to see the names and ids of all elements.",
    MissingInput: "The loaded data lack it, whatever the arguments: say so, and do not guess.",
    NoData: "Nothing is loaded: whoever runs this server has to run `skillgap load`. Do not guess.",
}

_METHOD = """# What the figures mean

- Eight analysts rated each skill of an occupation by level (LV, 0-7) and importance (IM, 1-5); the figures are means.
- A skill is a gap where the target's level is higher; `gap` is target minus current, in level points.
- `distinguishable`: the difference stands out from the disagreement of the raters. A t test with both standard errors
  (at least 1/8 each), and Benjamini-Hochberg at 5 % over all that is compared: of the gaps called so, about one in
  twenty is chance. The other gaps may be chance: in O*NET 29.0, 44 % of those of all pairs, and 71 % of those between
  related occupations.
- `distinguishable` is null where no standard errors are loaded: then nothing tells which gaps may be chance.
- Figures of a summary that are null lack an input; `unavailable` names it. Never read null as 0.
- Rows flagged `to_not_relevant` hardly matter in the target, come last, and never count.
- Gaps are in order: distinguishable first, then by importance in the target times gap.
- `weighted_shortfall`: mean of the gaps over all that is relevant to the target, weighed by importance;
  `shortfall_percentile` is its place among all pairs of rated occupations (0: the easiest move there is).
- A level whose source is `llm` is predicted; its standard error is the error that the model was found to make.
- Near occupations are ranked by what people do and know, never by the gap.
- Degrees, licences and years of experience are not part of a gap; `job_zone_step` tells of usual preparation.
"""

OccupationText = Annotated[
    str, Field(description="O*NET-SOC code (`29-1141.00`) or O*NET's exact title.", min_length=1, max_length=200)
]
Limit = Annotated[int, Field(ge=1, le=50, description="Most to list.")]
Offset = Annotated[int, Field(ge=0, description="How many to pass over: next_offset of the page before.")]
DomainArgument = Annotated[DomainChoice, Field(description="What is compared.")]
RatingsArgument = Annotated[
    RatingsChoice,
    Field(
        description="`onet`: analysts' ratings alone; `llm`: predictions alone; `onet+llm`: these where none are rated."
    ),
]


@dataclass(frozen=True)
class OccupationsPage:
    """Occupations that a text may mean, the best first."""

    __pydantic_config__ = _DOCUMENTED

    items: list[ListedOccupation]
    """A page of them; a gap can be computed where `is_rated` or `is_predicted`."""
    total: int
    """How many there are in all."""
    next_offset: int | None
    """For the next page; null on the last."""
    provenance: Provenance
    """Where the titles come from."""


@dataclass(frozen=True)
class GapPage:
    """What stands between two occupations."""

    __pydantic_config__ = _DOCUMENTED

    in_words: list[str]
    """The answer in sentences."""
    report: GapReport
    """The figures; `skill_gaps` and `surplus_skills` are pages of the same offset and limit."""
    total_gaps: int
    """Gaps in all."""
    total_surplus: int
    """Surplus skills in all."""
    next_offset: int | None
    """For the next page; null on the last."""


@dataclass(frozen=True)
class TransitionsPage:
    """Occupations near one, the nearest first."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """The current occupation."""
    transitions: list[Transition]
    """A page of them, each with its gap in a few numbers, which play no part in the rank."""
    basis: TransitionBasis
    """What they are ranked by, and how good that is."""
    next_offset: int | None
    """For the next page; null on the last."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class SkillsPage:
    """The skills of one occupation, most important first."""

    __pydantic_config__ = _DOCUMENTED

    occupation: Occupation
    """The occupation."""
    skills: list[SkillRating]
    """A page of them, with level, importance, errors, flags, date and source."""
    total: int
    """How many there are in all."""
    next_offset: int | None
    """For the next page; null on the last."""
    provenance: Provenance
    """Where the figures come from."""


class _Tools:
    """What agents can ask, answered from the newest data, which is looked for every few seconds."""

    def __init__(self, current: CurrentData) -> None:
        self._current = current
        self._last_look = float("-inf")

    def search_occupations(
        self,
        query: Annotated[str, Field(min_length=1, max_length=200, description="A job title in any words, or a code.")],
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> OccupationsPage:
        """Find O*NET-SOC codes by what people call a job; slips are forgiven. Begin here."""
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
        """Say in which skills the target asks for more, by how much, and whether that stands out from rater noise."""
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
        only_rated: Annotated[bool, Field(description="Leave out occupations whose levels are predicted.")] = False,
        limit: Limit = 10,
        offset: Offset = 0,
    ) -> TransitionsPage:
        """List where one can go from an occupation: the nearest by what people do and know, with the gap of each."""
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
        """List the skills of an occupation, most important first, with errors, flags, dates and what levels mean."""
        answer = self._onet().skills(occupation, domain=domain, ratings=ratings)
        total = len(answer.skills)
        page = answer.skills[offset : offset + limit]
        return SkillsPage(answer.occupation, page, total, _next(offset, limit, total), answer.provenance)

    def explain_level(
        self,
        element: Annotated[str, Field(max_length=200, description="Name or id of an element: `Writing`, `2.A.1.c`.")],
        level: Annotated[float, Field(ge=0, le=HIGHEST_LEVEL, description="A level of scale LV.")],
    ) -> LevelMeaning:
        """Say what somebody of a level can do, by O*NET's own examples on either side of it."""
        return self._onet().explain_level(element, level)

    def attribution(self) -> str:
        """What must be said of the figures: O*NET's credit, licence and modification."""
        found = self._onet().occupations(limit=0).provenance
        return f"{phrases.source_line(found)} Licence of the data: {found.licence}"

    def _onet(self) -> Skillgap:
        if time.monotonic() - self._last_look > _SECONDS_BETWEEN_LOOKS:
            self._current.refresh()
            self._last_look = time.monotonic()
        snapshot = self._current.snapshot
        if not snapshot.get_occupations():
            raise NoData()
        return Skillgap(lambda: snapshot)


def method() -> str:
    """How gaps are computed, tested and ordered, and what the figures mean."""
    return _METHOD


def create_server(current: CurrentData) -> MCPServer:
    """Return the server of the tools, and of what must be known of their answers."""
    server = MCPServer("skillgap", title="skillgap", instructions=_INSTRUCTIONS, version=skillgap.__version__)
    tools = _Tools(current)
    server.tool(title="Search occupations", annotations=_READS)(_told(tools.search_occupations, ToolError))
    server.tool(title="Skill gap between two occupations", annotations=_READS)(_told(tools.skill_gap, ToolError))
    server.tool(title="Near occupations", annotations=_READS)(_told(tools.transitions, ToolError))
    server.tool(title="Skills of an occupation", annotations=_READS)(_told(tools.occupation_skills, ToolError))
    server.tool(title="What a level means", annotations=_READS)(_told(tools.explain_level, ToolError))
    server.resource("skillgap://attribution", title="Attribution", mime_type="text/plain")(
        _told(tools.attribution, ResourceError)
    )
    server.resource("skillgap://method", title="Method", mime_type="text/markdown")(method)
    return server


P = ParamSpec("P")
T = TypeVar("T")


def _told(answer: Callable[P, T], kind: type[ToolError | ResourceError]) -> Callable[P, T]:
    """Return what answers alike, and tells an agent of an error what to do next."""

    @wraps(answer)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return answer(*args, **kwargs)
        except SkillgapError as error:
            raise kind(f"{error}{'' if str(error).endswith('?') else '.'} {_next_step(error)}") from None

    return told


def _next_step(error: SkillgapError) -> str:
    return _NEXT_STEPS.get(type(error), "Ask again with other arguments.")


def _next(offset: int, limit: int, total: int) -> int | None:
    return offset + limit if offset + limit < total else None
