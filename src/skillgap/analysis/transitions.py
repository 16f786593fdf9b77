"""Where one can go from an occupation: the near ones, each with the gap that stands between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from skillgap.analysis.compare import percentiles, shortfalls_from
from skillgap.analysis.gap import summarise_gaps
from skillgap.analysis.nearness import Nearness
from skillgap.analysis.rank_stability import transition_stability
from skillgap.analysis.ratings import BoolArray, Ratings
from skillgap.model import Transition


@dataclass(frozen=True)
class TransitionFilter:
    """Which near occupations count; by default all of them."""

    job_zones: Collection[int] = ()
    """Job Zones, 1 to 5; empty for all."""
    major_group: str | None = None
    """First two digits of the O*NET-SOC code."""
    most_percentile: float = 100.0
    """Highest percentile of the weighted shortfall."""
    only_rated: bool = False
    """Leave out occupations whose levels are predicted."""


def find_transitions(
    onet_soc_code: str,
    nearness: Nearness,
    ratings: Ratings,
    *,
    where: TransitionFilter = TransitionFilter(),
    limit: int = 10,
    stability: bool = False,
) -> list[Transition]:
    """Return the nearest occupations that pass the filter, nearest first; with `stability`, how their rank moves.

    `ratings` give the gaps, of any domain. Raises NoData, UnknownOccupation, UnratedOccupation.
    """
    row = nearness.row(onet_soc_code, ratings)
    places = nearness.places_in(ratings)
    is_wanted = _passes(nearness, ratings, onet_soc_code, where)
    order = nearness.order[row]
    ranks = np.flatnonzero(is_wanted[order])[:limit]
    found = order[ranks]
    summaries = summarise_gaps(ratings.row(onet_soc_code), places[found], ratings)
    moves = transition_stability(row, found, nearness) if stability else repeat(None)
    scores = nearness.scores(row)
    tiers = nearness.related.get(onet_soc_code, {})
    return [
        Transition(
            rank=int(rank) + 1,
            occupation=ratings.occupations[nearness.codes[other]],
            score=round(float(scores[other]), 4),
            related_tier=tiers.get(nearness.codes[other]),
            summary=summary,
            stability=moved,
        )
        for rank, other, summary, moved in zip(ranks.tolist(), found.tolist(), summaries, moves, strict=False)
    ]


def _passes(nearness: Nearness, ratings: Ratings, onet_soc_code: str, where: TransitionFilter) -> BoolArray:
    """Return for each occupation of the nearness whether it has levels in these ratings, and passes."""
    shortfall = dict(
        zip(ratings.codes, percentiles(shortfalls_from(ratings.row(onet_soc_code), ratings), ratings), strict=True)
    )
    return np.array(
        [
            code in shortfall
            and (not where.job_zones or ratings.occupations[code].job_zone in where.job_zones)
            and (where.major_group is None or code.startswith(where.major_group))
            and shortfall[code] <= where.most_percentile
            and (not where.only_rated or ratings.occupations[code].is_rated)
            for code in nearness.codes
        ],
        dtype=np.bool_,
    )
