"""Similar occupations and paths through them."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.documented import DOCUMENTED
from skillgap.models.gap import GapSummary
from skillgap.models.occupation import Occupation
from skillgap.models.provenance import Provenance


@dataclass(frozen=True)
class TransitionStability:
    """How the rank of a similar occupation varies if all occupations are rated again, and under other weights."""

    __pydantic_config__ = DOCUMENTED

    rank_lower: int
    """Lower end of the 95 % interval of the rank (best rank)."""
    rank_upper: int
    """Upper end of the 95 % interval of the rank (worst rank)."""
    first_ten_share: float
    """Share of simulated ratings in which it is among the ten most similar, 0 to 1."""
    rank_by_weight: dict[str, int]
    """Rank if skill levels are compared with each weight: `importance` (as in `rank`), `standard`, `none`. Only `none`
    if no importance is loaded."""


@dataclass(frozen=True)
class Transition:
    """A similar occupation that people may move to."""

    __pydantic_config__ = DOCUMENTED

    rank: int
    """Rank by similarity before any filter; 1 is the most similar."""
    occupation: Occupation
    """The similar occupation."""
    score: float
    """Similarity, 0 to 1: estimated probability that O*NET would list it among the ten occupations most related to the
    current one. `basis` names the inputs of the estimate."""
    related_tier: str | None
    """Tier in O*NET's own list of related occupations (`Primary-Short`, `Primary-Long`, `Supplemental`); null if not
    listed, or if no list is loaded."""
    summary: GapSummary
    """Summary of the gap to this occupation. It does not affect the rank."""
    stability: TransitionStability | None = None
    """How the rank varies; null if not requested."""


@dataclass(frozen=True)
class TransitionBasis:
    """The similarity model behind a ranking, and its accuracy."""

    __pydantic_config__ = DOCUMENTED

    name: str
    """Name of the model: the best one that the loaded tables allow."""
    inputs: list[str]
    """Inputs of the model."""
    recall_at_10: float
    """Share of O*NET's ten primary related occupations among the ten most similar ones, 0 to 1, cross-validated by
    occupation."""
    release: str
    """O*NET release that the model was fitted to."""


@dataclass(frozen=True)
class TransitionReport:
    """Occupations similar to one, most similar first."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The current occupation."""
    transitions: list[Transition]
    """The similar occupations that pass the filters, most similar first."""
    basis: TransitionBasis
    """The similarity model behind the ranking."""
    domain: str
    """Domain of the gaps, such as `skills`, or `all`."""
    weight: str
    """Weight of the gaps in the shortfall: `importance`, `standard` or `none`."""
    provenance: Provenance
    """Source and license of the figures."""


@dataclass(frozen=True)
class PathStep:
    """One move of a path."""

    __pydantic_config__ = DOCUMENTED

    occupation: Occupation
    """The occupation that the move leads to."""
    summary: GapSummary
    """Summary of the gap from the previous occupation."""
    expected_shortfall: float
    """Weighted shortfall expected between the true levels, in level points: each gap counts with its expected positive
    part, given the errors of both levels. Noisy ratings therefore do not make a move look easy."""


@dataclass(frozen=True)
class Path:
    """A chain of moves between similar occupations."""

    __pydantic_config__ = DOCUMENTED

    hardest_move: float
    """Largest `expected_shortfall` among the moves, in level points. Paths minimize it."""
    total_shortfall: float
    """Sum of the moves' `weighted_shortfall`, in level points."""
    steps: list[PathStep]
    """One to three moves; the last one leads to the target."""


@dataclass(frozen=True)
class PathReport:
    """Paths from one occupation to another through similar ones."""

    __pydantic_config__ = DOCUMENTED

    from_occupation: Occupation
    """The current occupation."""
    to_occupation: Occupation
    """The target occupation."""
    domain: str
    """Domain of the gaps, such as `skills`, or `all`."""
    weight: str
    """Weight of the gaps in the shortfalls: `importance`, `standard` or `none`."""
    direct: GapSummary
    """Summary of the direct move, whether similar or not."""
    paths: list[Path]
    """Paths in order of their hardest move, easiest first; empty if no path of up to three moves exists."""
    chains_compared: int
    """Number of possible paths that were compared."""
    neighbours: int
    """A move connects two occupations if one is among this many most similar to the other."""
    basis: TransitionBasis
    """The similarity model behind the moves."""
    provenance: Provenance
    """Source and license of the figures."""
