"""Similar occupations and paths through them."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.documented import DOCUMENTED
from skillgap.models.gap import GapSummary
from skillgap.models.occupation import Occupation
from skillgap.models.provenance import Provenance


@dataclass(frozen=True)
class TransitionStability:
    """How a near occupation's rank moves when all occupations are rated anew, and under other weights."""

    __pydantic_config__ = DOCUMENTED

    rank_lower: int
    """Lower end of the 95 % interval of its rank: the nearest it comes."""
    rank_upper: int
    """Upper end of that interval."""
    first_ten_share: float
    """Share of the draws in which it is among the ten nearest."""
    rank_by_weight: dict[str, int]
    """Its rank where levels of skills are compared by each weight: `importance` (as ranked), `standard`, `none`; `none`
    alone where no importance is loaded."""


@dataclass(frozen=True)
class Transition:
    """One occupation near another: a move that people may make."""

    __pydantic_config__ = DOCUMENTED

    rank: int
    """1 for the nearest of all, before any filter."""
    occupation: Occupation
    """The near occupation."""
    score: float
    """How near, 0 to 1: the chance that O*NET would list it among the ten most related to the current one, estimated
    from what `basis` names."""
    related_tier: str | None
    """Tier in O*NET's own list of related occupations (`Primary-Short`, `Primary-Long`, `Supplemental`); null where not
    listed, or no list is loaded."""
    summary: GapSummary
    """What stands between the two, in a few numbers. It plays no part in the rank."""
    stability: TransitionStability | None = None
    """How its rank moves; null where not asked for."""


@dataclass(frozen=True)
class TransitionBasis:
    """What transitions are ranked by, and how good that is."""

    __pydantic_config__ = DOCUMENTED

    name: str
    """Name of the score: the best one that the loaded tables allow."""
    inputs: list[str]
    """What it is computed from."""
    recall_at_10: float
    """Share of O*NET's ten primary related occupations that are among its first ten, each occupation judged by a fit
    that has not seen its list."""
    release: str
    """O*NET release that it was fitted to."""


@dataclass(frozen=True)
class TransitionReport:
    """Occupations near one, nearest first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The current occupation."""
    transitions: list[Transition]
    """The near occupations that pass the filters."""
    basis: TransitionBasis
    """What they are ranked by, and how good that is."""
    domain: str
    """What the gaps compare: a domain such as `skills`, or `all`."""
    weight: str
    """What gaps weigh in the shortfall: `importance`, `standard` or `none`."""
    provenance: Provenance
    """Where the figures come from."""


@dataclass(frozen=True)
class PathStep:
    """One move of a path."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """Where the move leads."""
    summary: GapSummary
    """What stands between the occupation before and this one."""


@dataclass(frozen=True)
class Path:
    """A chain of moves between near occupations."""

    __pydantic_config__ = DOCUMENTED

    hardest_move: float
    """The largest `distinguishable_shortfall` of its moves, level points: what is made as small as can be. Gaps without
    errors count in full here, since nothing tells that they are noise."""
    total_shortfall: float
    """The sum of the moves' `weighted_shortfall`, level points: gaps within noise count too, since small moves hide
    there what one large move shows."""
    steps: list[PathStep]
    """The moves, one to three; the last one leads to the target."""


@dataclass(frozen=True)
class PathReport:
    """How to get from one occupation to another by way of near ones."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """What the gaps compare: a domain such as `skills`, or `all`."""
    weight: str
    """What gaps weigh in the shortfalls: `importance`, `standard` or `none`."""
    direct: GapSummary
    """The move in one step, near or not."""
    paths: list[Path]
    """The chains whose hardest move is easiest, best first; empty where no chain of three moves leads there."""
    chains_compared: int
    """All chains that lead there."""
    neighbours: int
    """A move goes between occupations of which one is among so many nearest of the other."""
    basis: TransitionBasis
    """What near is judged by, and how good that is."""
    provenance: Provenance
    """Where the figures come from."""
