"""Stability of the order of gaps under rater noise and other weights.

A parametric bootstrap: equally large panels rate both occupations again. Each level and importance is drawn from a
normal distribution around O*NET's figure with its standard error, clipped to the scale. Gaps, tests and order are
computed again for each draw. The draws are fixed, so equal questions get equal answers. Figures without a standard
error stay fixed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.analysis.pairs import LevelVector, Pair, compare_levels, level_vector, order_of
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import floored, middle_95
from skillgap.analysis.weights import as_weight
from skillgap.models import GapStability, WeightChoice
from skillgap.onet.scales import HIGHEST_IMPORTANCE, HIGHEST_LEVEL

DRAWS = 500
_FIRST = 5
_SEED = 29


def gap_stability(current: LevelVector, b: int, ratings: Ratings) -> list[GapStability | None]:
    """Return how the rank of each element among the gaps varies, in the order of the elements.

    `b` is the target's row. None for elements that are not gaps or have no standard error on one side. Ranks by weights
    that the target lacks are left out.
    """
    target, counts = level_vector(ratings, b), ratings.counts[b]
    pair = compare_levels(current, target)
    by_weight = {
        choice: _ranks(pair, target, weighted.weight[b])
        for choice, weighted in ((choice, ratings.weighted_by(choice)) for choice in get_args(WeightChoice))
        if not np.isnan(weighted.weight_sum[b])
    }
    ranks = _ranks(pair, target, ratings.weight[b])
    drawn_target = _drawn(target, "target")
    drawn = compare_levels(_drawn(current, "current"), drawn_target)
    error = floored(ratings.importance_standard_error[b], ratings.importance_n[b])
    importance = np.clip(_noisy(ratings.counted_importance[b], error, "importance"), 1.0, HIGHEST_IMPORTANCE)
    drawn_ranks = _ranks(drawn, drawn_target, as_weight(importance, ratings.weighting, counts=counts))
    lower, upper = middle_95(drawn_ranks).tolist()
    is_gap = drawn.gap > 0
    is_counted = np.array([is_gap, is_gap & drawn.is_distinguishable, is_gap & (drawn_ranks <= _FIRST)])
    shares = is_counted.mean(axis=1).round(3).tolist()
    is_reported = (pair.gap > 0) & pair.is_tested
    return [
        GapStability(
            rank=int(ranks[k]),
            rank_lower=lower[k],
            rank_upper=upper[k],
            gap_share=shares[0][k],
            distinguishable_share=shares[1][k],
            first_five_share=shares[2][k],
            rank_by_weight={choice: int(others[k]) for choice, others in by_weight.items()},
        )
        if is_reported[k]
        else None
        for k in range(len(ratings.element_ids))
    ]


def _ranks(pair: Pair, target: LevelVector, weight: FloatArray) -> IntArray:
    """Return the rank of each element among the gaps, 1 for the first; other elements rank after all gaps."""
    order = order_of(pair, target, weight)
    is_no_gap = ~np.take_along_axis(pair.gap > 0, order, axis=-1)
    order = np.take_along_axis(order, np.argsort(is_no_gap, axis=-1, kind="stable"), axis=-1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1, order.shape[-1] + 1), order.shape), axis=-1)
    return ranks


def _drawn(vector: LevelVector, name: str) -> LevelVector:
    """Return levels rated again, with the draws along a new first axis."""
    error = floored(vector.standard_error, vector.raters)
    level = np.clip(_noisy(vector.level, error, name), 0.0, HIGHEST_LEVEL)
    return vector._replace(level=level, level_to_subtract=np.where(np.isnan(level), vector.level_to_subtract, level))


def _noisy(mean: FloatArray, error: FloatArray, name: str) -> FloatArray:
    draws: FloatArray = mean + np.nan_to_num(error) * _normal(name, len(mean))
    return draws


@lru_cache(maxsize=32)
def _normal(name: str, width: int) -> npt.NDArray[np.float64]:
    """Return standard normal draws for one quantity: (draws, elements)."""
    return np.random.default_rng([_SEED, *name.encode()]).standard_normal((DRAWS, width))
