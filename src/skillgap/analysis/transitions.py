"""Where one can go from an occupation: the near ones, each with the gap that stands between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from skillgap.analysis.arrays import BoolArray
from skillgap.analysis.bootstrap.transitions import transition_stability
from skillgap.analysis.gap import summarise_gaps
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import percentiles_from
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.errors import MissingInput, UnknownJobZone
from skillgap.models import Transition


@dataclass(frozen=True)
class TransitionFilter:
    """Which near occupations count; by default all of them."""

    job_zones: Collection[int] = ()
    """Job Zones that the release uses; empty for all."""
    major_group: str | None = None
    """First two digits of the O*NET-SOC code."""
    most_percentile: float = 100.0
    """Highest percentile of the weighted shortfall; below 100, occupations without one do not pass."""
    only_rated: bool = False
    """Leave out occupations whose levels are predicted."""


def find_transitions(
    onet_soc_code: str,
    similarity: Similarity,
    ratings: Ratings,
    *,
    where: TransitionFilter = TransitionFilter(),
    limit: int = 10,
    stability: bool = False,
) -> list[Transition]:
    """Return the nearest occupations that pass the filter, nearest first; with `stability`, how their rank moves.

    `ratings` give the gaps, of any domain. Raises NoData, UnknownOccupation, UnratedOccupation, UnknownJobZone,
    MissingInput (a filter reads what is not loaded).
    """
    row = similarity.row(onet_soc_code, ratings)
    places = similarity.places_in(ratings)
    is_wanted = _passes(similarity, ratings, onet_soc_code, where)
    order = similarity.order[row]
    ranks = np.flatnonzero(is_wanted[order])[:limit]
    found = order[ranks]
    summaries = summarise_gaps(ratings.row(onet_soc_code), places[found], ratings)
    moves = transition_stability(row, found, similarity) if stability else repeat(None)
    scores = similarity.scores(row)
    tiers = similarity.related.get(onet_soc_code, {})
    return [
        Transition(
            rank=int(rank) + 1,
            occupation=ratings.occupations[similarity.codes[other]],
            score=round(float(scores[other]), 4),
            related_tier=tiers.get(similarity.codes[other]),
            summary=summary,
            stability=moved,
        )
        for rank, other, summary, moved in zip(ranks.tolist(), found.tolist(), summaries, moves, strict=False)
    ]


def _passes(similarity: Similarity, ratings: Ratings, onet_soc_code: str, where: TransitionFilter) -> BoolArray:
    """Return for each occupation of the nearness whether it has levels in these ratings, and passes."""
    _check_zones(where.job_zones, ratings)
    is_easy = _is_easy(ratings.row(onet_soc_code), where.most_percentile, ratings)
    return np.array(
        [
            code in ratings.rows
            and (not where.job_zones or ratings.occupations[code].job_zone in where.job_zones)
            and (where.major_group is None or code.startswith(where.major_group))
            and bool(is_easy[ratings.rows[code]])
            and (not where.only_rated or ratings.occupations[code].is_rated)
            for code in similarity.codes
        ],
        dtype=np.bool_,
    )


def _check_zones(asked: Collection[int], ratings: Ratings) -> None:
    """Raise if a Job Zone is asked for that no occupation has: it would find nothing, and not say why."""
    if not asked:
        return
    zones = ratings.job_zones
    if not zones:
        raise MissingInput("No Job Zones are loaded, so nothing can be filtered by them; load a whole O*NET release")
    if unknown := sorted(set(asked).difference(zones)):
        names = [
            f"{zone} ({ratings.job_zone_names[zone]})" if zone in ratings.job_zone_names else f"{zone}"
            for zone in zones
        ]
        release = f"O*NET {ratings.release.number}" if ratings.release else "The loaded data"
        raise UnknownJobZone(
            f"{release} has no occupation in Job Zone {' or '.join(map(str, unknown))}; its Job Zones are "
            f"{', '.join(names)}"
        )


def _is_easy(current: int, most_percentile: float, ratings: Ratings) -> BoolArray:
    """Return which occupations have a shortfall up to a percentile. Raises MissingInput if none has a percentile."""
    if most_percentile >= 100.0:
        return np.ones(len(ratings.codes), dtype=np.bool_)
    found = percentiles_from(current, ratings)
    if np.isnan(found).all():
        check_weights(ratings, *range(len(ratings.codes)))
        raise MissingInput("No shortfall has a percentile, so nothing can be filtered by it")
    is_easy: BoolArray = found <= most_percentile
    return is_easy
