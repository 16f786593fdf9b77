"""Transitions: the occupations most similar to one, each with its gap."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from skillgap.analysis.arrays import BoolArray
from skillgap.analysis.bootstrap.transitions import transition_stability
from skillgap.analysis.gap import summarize_gaps
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import percentiles_from
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.errors import MissingInput, UnknownJobZone
from skillgap.models import Transition


@dataclass(frozen=True)
class TransitionFilter:
    """Filter of similar occupations; by default all pass."""

    job_zones: Collection[int] = ()
    """Job Zones of the loaded release; empty for all."""
    major_group: str | None = None
    """First two digits of the O*NET-SOC code."""
    most_percentile: float = 100.0
    """Highest percentile of the weighted shortfall. Below 100, occupations without a percentile do not pass."""
    only_rated: bool = False
    """Exclude occupations whose levels are predicted."""


def find_transitions(
    onet_soc_code: str,
    similarity: Similarity,
    ratings: Ratings,
    *,
    where: TransitionFilter = TransitionFilter(),
    limit: int = 10,
    stability: bool = False,
) -> list[Transition]:
    """Return the occupations most similar to one that pass the filter, most similar first.

    `ratings`, of any domain, give the gaps. `stability` adds how the ranks vary. Raises NoData, UnknownOccupation,
    UnratedOccupation, UnknownJobZone, MissingInput (a filter needs data that are not loaded).
    """
    row = similarity.row(onet_soc_code, ratings)
    rating_rows = similarity.rows_in(ratings)
    is_wanted = _passes(similarity, ratings, onet_soc_code, where)
    order = similarity.order[row]
    ranks = np.flatnonzero(is_wanted[order])[:limit]
    others = order[ranks]
    summaries = summarize_gaps(ratings.row(onet_soc_code), rating_rows[others], ratings)
    stabilities = transition_stability(row, others, similarity) if stability else repeat(None)
    scores = similarity.scores(row)
    tiers = similarity.related.get(onet_soc_code, {})
    return [
        Transition(
            rank=int(rank) + 1,
            occupation=ratings.occupations[similarity.codes[other]],
            score=round(float(scores[other]), 4),
            related_tier=tiers.get(similarity.codes[other]),
            summary=summary,
            stability=rank_stability,
        )
        for rank, other, summary, rank_stability in zip(
            ranks.tolist(), others.tolist(), summaries, stabilities, strict=False
        )
    ]


def _passes(similarity: Similarity, ratings: Ratings, onet_soc_code: str, where: TransitionFilter) -> BoolArray:
    """Return whether each occupation of `similarity` has levels in these ratings and passes the filter."""
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


def _check_zones(wanted: Collection[int], ratings: Ratings) -> None:
    """Raise if no occupation has a wanted Job Zone, since an empty answer would not explain itself."""
    if not wanted:
        return
    zones = ratings.job_zones
    if not zones:
        raise MissingInput("No Job Zones are loaded, so they cannot be used as a filter; load a complete O*NET release")
    if unknown := sorted(set(wanted).difference(zones)):
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
    """Return whether each occupation's percentile is within the limit. Raises MissingInput if none has a percentile."""
    if most_percentile >= 100.0:
        return np.ones(len(ratings.codes), dtype=np.bool_)
    percentile = percentiles_from(current, ratings)
    if np.isnan(percentile).all():
        check_weights(ratings, *range(len(ratings.codes)))
        raise MissingInput("No shortfall has a percentile, so percentiles cannot be used as a filter")
    is_easy: BoolArray = percentile <= most_percentile
    return is_easy
