"""How much of an order is rater noise, and how much the choice of weights.

A parametric bootstrap: as many raters rate both occupations anew, where O*NET's figures are the truth and its standard
errors say how far the mean of a panel strays. Levels and importances are drawn from normal distributions, kept on their
scales, and what follows from them (gap, test, order) is computed again for each draw. The draws are always the same, so
that a question has one answer. What has no error is held as it is: nothing tells how it would move.
"""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.analysis.pairs import LevelVector, Pair, compare_sides, level_vector, order_of
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import floored, middle_95
from skillgap.analysis.weights import as_weight
from skillgap.models import GapStability, WeightChoice
from skillgap.onet.scales import HIGHEST_IMPORTANCE, HIGHEST_LEVEL

DRAWS = 500
_FIRST = 5
_SEED = 29


def gap_stability(current: LevelVector, b: int, ratings: Ratings) -> list[GapStability | None]:
    """Return how the place of each element among the gaps moves, elements in their order; None for what is no gap.

    `b` is the target's row. It is None, too, where an error is missing on either side. Weights that the target lacks
    have no place.
    """
    target, counts = level_vector(ratings, b), ratings.counts[b]
    found = compare_sides(current, target)
    by_weight = {
        choice: _places(found, target, of.weight[b])
        for choice, of in ((choice, ratings.weighted_by(choice)) for choice in get_args(WeightChoice))
        if not np.isnan(of.weight_sum[b])
    }
    shown = _places(found, target, ratings.weight[b])
    goal = _drawn(target, "target")
    drawn = compare_sides(_drawn(current, "current"), goal)
    error = floored(ratings.importance_standard_error[b], ratings.importance_n[b])
    importance = np.clip(_strayed(ratings.counted_importance[b], error, "importance"), 1.0, HIGHEST_IMPORTANCE)
    places = _places(drawn, goal, as_weight(importance, ratings.weighting, counts=counts))
    lower, upper = middle_95(places).tolist()
    is_gap = drawn.gap > 0
    is_counted = np.array([is_gap, is_gap & drawn.is_distinguishable, is_gap & (places <= _FIRST)])
    shares = is_counted.mean(axis=1).round(3).tolist()
    is_told = (found.gap > 0) & found.is_tested
    return [
        GapStability(
            rank=int(shown[k]),
            rank_lower=lower[k],
            rank_upper=upper[k],
            gap_share=shares[0][k],
            distinguishable_share=shares[1][k],
            first_five_share=shares[2][k],
            rank_by_weight={choice: int(of[k]) for choice, of in by_weight.items()},
        )
        if is_told[k]
        else None
        for k in range(len(ratings.element_ids))
    ]


def _places(pair: Pair, target: LevelVector, weight: FloatArray) -> IntArray:
    """Return the place of each element among the gaps, 1 for the first; what is no gap has the places after them."""
    order = order_of(pair, target, weight)
    is_no_gap = ~np.take_along_axis(pair.gap > 0, order, axis=-1)
    order = np.take_along_axis(order, np.argsort(is_no_gap, axis=-1, kind="stable"), axis=-1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(1, order.shape[-1] + 1), order.shape), axis=-1)
    return places


def _drawn(side: LevelVector, name: str) -> LevelVector:
    """Return a side rated anew, along a new first axis."""
    error = floored(side.standard_error, side.raters)
    level = np.clip(_strayed(side.level, error, name), 0.0, HIGHEST_LEVEL)
    return side._replace(level=level, level_to_subtract=np.where(np.isnan(level), side.level_to_subtract, level))


def _strayed(mean: FloatArray, error: FloatArray, name: str) -> FloatArray:
    strayed: FloatArray = mean + np.nan_to_num(error) * _normal(name, len(mean))
    return strayed


@lru_cache(maxsize=32)
def _normal(name: str, width: int) -> npt.NDArray[np.float64]:
    """Return the draws of one quantity: (draws, elements)."""
    return np.random.default_rng([_SEED, *name.encode()]).standard_normal((DRAWS, width))
