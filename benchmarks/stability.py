"""Stability of the rankings under rater noise and under other weights.

    python -m benchmarks.stability RELEASE

For random pairs of rated occupations, and for pairs that O*NET lists as primary related: the share of the first five
gaps that stay among the first five if all levels are rated again (`analysis/bootstrap/gap.py`), and with other weights.
For random rated occupations: the same share of the ten nearest (`analysis/bootstrap/transitions.py`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.release import read_release
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import compute_similarity
from skillgap.analysis.transitions import find_transitions
from skillgap.models import GapStability, TransitionStability

_SEED = 29
_PAIRS = 500
_OCCUPATIONS = 200


def main() -> None:
    release, profiles, ratings = read_release()
    skills = ratings.of_domain("skills")
    chance = random.Random(_SEED)
    related = [
        (code, other)
        for code, profile in sorted(profiles.items())
        for other, tier in profile.related.items()
        if tier.startswith("Primary") and {code, other} <= skills.rows.keys()
    ]
    drawn = (chance.sample(skills.codes, 2) for _ in range(_PAIRS))
    pairs = {
        "random pairs": [(current, target) for current, target in drawn],
        "primary related pairs": chance.sample(related, _PAIRS),
    }
    print(f"O*NET {release}, share of the first ones that stay among the first\n")
    print("| order | new panel | weight `standard` | weight `none` | 95 % interval of the rank, width | ms per query |")
    print("|---|---:|---:|---:|---:|---:|")
    stays = [_told(f"first five gaps of {len(of)} {name}", *_gaps(of, skills)) for name, of in pairs.items()]
    similarity = compute_similarity(profiles, ratings)
    codes = chance.sample(similarity.codes, _OCCUPATIONS)
    find_transitions(codes[0], similarity, skills, stability=True)
    started = time.perf_counter()
    near: list[Moves] = [
        [each.stability for each in find_transitions(code, similarity, skills, stability=True)] for code in codes
    ]
    seconds = (time.perf_counter() - started) / len(codes)
    ten = _told(f"ten most similar of {len(codes)} occupations", near, 10, seconds)
    print(f"\nevaluate-stability first_five={stays[0]:.4f} first_five_related={stays[1]:.4f} first_ten={ten:.4f}")


Moves = Sequence[GapStability | TransitionStability | None]


def _gaps(pairs: Sequence[tuple[str, str]], skills: Ratings) -> tuple[Sequence[Moves], int, float]:
    """Return how the places of the first five gaps move; pairs with fewer are left out."""
    identify_skill_gap(*pairs[0], skills, stability=True)
    started = time.perf_counter()
    reports = [identify_skill_gap(current, target, skills, stability=True) for current, target in pairs]
    seconds = (time.perf_counter() - started) / len(pairs)
    first: list[Moves] = [[row.stability for row in report.skill_gaps[:5]] for report in reports]
    return [rows for rows in first if len(rows) == 5], 5, seconds


def _told(name: str, found: Sequence[Moves], first: int, seconds: float) -> float:
    rows = [each for moves in found for each in moves if each]
    again = np.mean([_share(each) for each in rows])
    by_weight = [np.mean([each.rank_by_weight[weight] <= first for each in rows]) for weight in ("standard", "none")]
    width = np.mean([each.rank_upper - each.rank_lower for each in rows])
    print(
        f"| {name} | {again:.1%} | {by_weight[0]:.1%} | {by_weight[1]:.1%} | {width:.1f} | {1e3 * seconds:.1f} |",
        flush=True,
    )
    return float(again)


def _share(moves: GapStability | TransitionStability) -> float:
    return moves.first_five_share if isinstance(moves, GapStability) else moves.first_ten_share


if __name__ == "__main__":
    main()
