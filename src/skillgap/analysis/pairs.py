"""Two sides compared, or one with many: gaps, tests, order, and the figures that sum them up."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.memo import memoized
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import Differences, compare_means, shown, which_stand_out


class LevelVector(NamedTuple):
    """Levels of one occupation, or of many along the first axis; or a person's. NaN where there is none."""

    level: FloatArray
    level_to_subtract: FloatArray
    """The same, 0 where what is missing shall count as 0, NaN where it is unknown: it is then not compared."""
    standard_error: FloatArray
    raters: npt.NDArray[np.int32]
    not_relevant: BoolArray


class Pair(NamedTuple):
    """Target minus current of one pair, or of many along the first axis."""

    gap: FloatArray
    has_levels: BoolArray
    """On both sides."""
    is_tested: BoolArray
    """Both levels have errors."""
    is_distinguishable: BoolArray
    """The gap is distinguishable, which what is Not Relevant to the target never is."""


def level_vector(ratings: Ratings, row: int | IntArray) -> LevelVector:
    """Return the levels of an occupation, or of many, given by their rows."""
    return LevelVector(
        level=ratings.level[row],
        level_to_subtract=ratings.comparable_level[row],
        standard_error=ratings.standard_error[row],
        raters=ratings.raters[row],
        not_relevant=ratings.not_relevant[row],
    )


def pair_of(current: int | IntArray, target: int | IntArray, ratings: Ratings) -> Pair:
    """Compare occupations given by their rows, one with one, one with many, or many with as many."""
    return compare_sides(level_vector(ratings, current), level_vector(ratings, target))


def compare_sides(current: LevelVector, target: LevelVector) -> Pair:
    """Compare two sides, or one with many."""
    difference = target.level - current.level
    is_tested, is_distinguishable = which_stand_out(difference, **_errors(current, target))
    return _pair(current, target, difference, is_tested, is_distinguishable)


def compare_in_full(current: LevelVector, target: LevelVector) -> tuple[Pair, Differences]:
    """Compare two sides, with the figures of each test."""
    difference = target.level - current.level
    found = compare_means(difference, **_errors(current, target))
    return _pair(current, target, difference, found.p_value >= 0, found.distinguishable), found


class _Errors(TypedDict):
    standard_errors: tuple[FloatArray, FloatArray]
    n: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


def _errors(current: LevelVector, target: LevelVector) -> _Errors:
    return _Errors(standard_errors=(current.standard_error, target.standard_error), n=(current.raters, target.raters))


def _pair(
    current: LevelVector,
    target: LevelVector,
    difference: FloatArray,
    is_tested: BoolArray,
    is_distinguishable: BoolArray,
) -> Pair:
    # Levels are eighths or have two decimals: rounding to four removes floating-point noise alone.
    gap = shown(target.level_to_subtract - current.level_to_subtract)
    return Pair(
        gap=gap,
        has_levels=~np.isnan(difference),
        is_tested=is_tested,
        is_distinguishable=is_distinguishable & ~target.not_relevant,
    )


def order_of(pair: Pair, target: LevelVector, weight: FloatArray) -> IntArray:
    """Return elements in the order that gaps are shown in, along the last axis.

    What is relevant to the target comes first, sure before unsure, then what weighs most, then by element id. Elements
    without a weight come behind those that have one, by the size of their gaps.
    """
    size, is_unknown = np.abs(pair.gap), np.isnan(weight)
    keys: tuple[FloatArray | BoolArray, ...] = (-size * weight, ~pair.is_distinguishable, target.not_relevant)
    if is_unknown.any():
        keys = (np.where(is_unknown, -size, 0.0), np.where(is_unknown, 0.0, keys[0]), *keys[1:])
    return np.lexsort(np.broadcast_arrays(*keys), axis=-1)


class SummaryArrays(NamedTuple):
    """The fields of GapSummary up to the Job Zone step, for one pair or for many.

    Shortfalls and percentile are NaN where an input is missing, and counts of what is distinguishable mean nothing
    where nothing is tested: `missing.lacks` tells why.
    """

    skills_compared: IntArray
    skills_tested: IntArray
    gaps: IntArray
    distinguishable_gaps: IntArray
    surplus: IntArray
    distinguishable_surplus: IntArray
    weighted_shortfall: FloatArray
    distinguishable_shortfall: FloatArray
    shortfall_percentile: FloatArray


def figures(pair: Pair, b: int | IntArray, ratings: Ratings) -> SummaryArrays:
    """Return pairs in a few numbers; skills whose gap is NaN are left out of them, and then there is no percentile.

    Nor is there one where an importance of the target is missing.
    """
    gap, is_distinguishable = pair.gap, pair.is_distinguishable
    is_gap, is_surplus = gap > 0, gap < 0
    is_counted = (
        pair.has_levels,
        pair.is_tested,
        is_gap,
        is_gap & is_distinguishable,
        is_surplus,
        is_surplus & is_distinguishable,
    )
    shortfalls = _weighted(pair, b, ratings)
    compared, tested, gaps, distinguishable, surplus, distinguishable_surplus = np.array(is_counted).sum(axis=-1)
    weighted_shortfall, distinguishable_shortfall = shown(shortfalls)
    percentile = np.where(_is_partial(gap, b, ratings), np.nan, percentiles(shortfalls[0], ratings))
    return SummaryArrays(
        skills_compared=compared,
        skills_tested=tested,
        gaps=gaps,
        distinguishable_gaps=distinguishable,
        surplus=surplus,
        distinguishable_surplus=distinguishable_surplus,
        weighted_shortfall=weighted_shortfall,
        distinguishable_shortfall=np.where(tested > 0, distinguishable_shortfall, np.nan),
        shortfall_percentile=percentile,
    )


def _is_partial(gap: FloatArray, b: int | IntArray | slice, ratings: Ratings) -> BoolArray:
    """Return whether something is left out of a shortfall: a gap that is unknown, or one without a weight."""
    found: BoolArray = np.isnan(gap).any(axis=-1) | ratings.lacks_some_weight[b]
    return found


def _weighted(pair: Pair, b: int | IntArray, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls by all gaps, and by the distinguishable ones, unrounded: (2, ...)."""
    asked = np.fmax(pair.gap, 0.0) * ratings.known_weight[b]  # NaN counts as 0
    both = np.array((asked, asked * pair.is_distinguishable))
    found: FloatArray = both.sum(axis=-1) / _weight_compared(pair.gap, b, ratings)
    return found


def _weight_compared(gap: FloatArray, b: int | IntArray | slice, ratings: Ratings) -> FloatArray:
    """Return the sum of the known weights of what is compared in a target, or in many; NaN where it is 0."""
    is_unknown = np.isnan(gap)
    if not is_unknown.any():
        total: FloatArray = ratings.weight_sum[b]
        return total
    known: FloatArray = np.where(is_unknown, 0.0, ratings.known_weight[b]).sum(axis=-1)
    return np.where(known > 0, known, np.nan)


def figures_from(current: int, ratings: Ratings) -> SummaryArrays:
    """Return the figures of the gaps between one occupation, given by its row, and all in their order."""
    every = np.arange(len(ratings.codes))
    return figures(pair_of(current, every, ratings), every, ratings)


def distinguishable_gaps(current: int, targets: IntArray, ratings: Ratings) -> BoolArray:
    """Return which skills are distinguishable gaps from one occupation to others by their rows: (targets, elements)."""
    pairs = pair_of(current, targets, ratings)
    found: BoolArray = pairs.is_distinguishable & (pairs.gap > 0)
    return found


def shortfalls_of(pair: Pair, target: int | IntArray, ratings: Ratings) -> tuple[FloatArray, FloatArray]:
    """Return two shortfalls of pairs, unrounded, level points: by all gaps, and by those not known to be noise.

    What has no errors counts in both: nothing tells that it is noise. NaN where nothing that is compared has a weight.
    """
    asked, not_noise = _weighted(
        pair._replace(is_distinguishable=pair.is_distinguishable | ~pair.is_tested), target, ratings
    )
    return asked, not_noise


def shortfalls_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls between one occupation and all, in level points: (occupations,)."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    asked = np.fmax(gaps, 0.0) * ratings.known_weight
    shortfalls: FloatArray = asked.sum(axis=1) / _weight_compared(gaps, slice(None), ratings)
    return shortfalls


def percentiles_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the percentiles of the shortfalls between one occupation and all, as `figures` has them."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    found = percentiles(shortfalls_from(current, ratings), ratings)
    return np.where(_is_partial(gaps, slice(None), ratings), np.nan, found)


def weighted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the importance-weighted shortfall of all pairs in level points: float64 (from, to), 0 on the diagonal.

    NaN to a target none of whose importances is known; see `Ratings.weighted_by` for weights that need none. Equal to
    the summary's figure of each pair but for floating-point rounding; where levels and importances are eighths, exactly
    equal.
    """
    level = ratings.comparable_level
    shortfalls = np.empty((len(level), len(level)))
    gaps = np.empty_like(level)
    for b, target in enumerate(level):
        total = _weight_compared(np.subtract(target, level, out=gaps), b, ratings)
        shortfalls[:, b] = np.fmax(gaps, 0.0, out=gaps) @ ratings.known_weight[b] / total
    return shortfalls


@memoized
def _sorted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the shortfalls of all pairs that analysts have rated; predictions vary less, so they are no yardstick."""
    shortfalls = weighted_shortfalls(ratings)
    is_known = ~np.isnan(shortfalls) & ~np.eye(len(shortfalls), dtype=np.bool_)
    return np.sort(_comparable(shortfalls[is_known]))


def _comparable(shortfalls: FloatArray) -> FloatArray:
    """Return shortfalls without floating-point noise, so that equal ones are equal however they were summed."""
    return np.round(shortfalls, 9)


def has_yardstick(ratings: Ratings) -> bool:
    """Return whether any pair that analysts have rated has a shortfall, to find the place of another among."""
    return len(_sorted_shortfalls(ratings.analysts or ratings)) > 0


_TENTHS = 1_000
"""Of a percent: how fine percentiles are."""


def percentiles(shortfalls: FloatArray, ratings: Ratings) -> FloatArray:
    """Return which share of all ordered pairs that analysts have rated has a smaller shortfall, in percent.

    Rounded to tenths, but to 0 or 100 only where no pair, or every pair, has one. NaN for an unknown shortfall, and
    where no other is known.
    """
    ordered = _sorted_shortfalls(ratings.analysts or ratings)
    if not len(ordered):
        return np.full(np.shape(shortfalls), np.nan)
    smaller = np.searchsorted(ordered, _comparable(shortfalls))
    most = np.minimum(np.rint(_TENTHS * smaller / len(ordered)), _TENTHS - 1.0 * (smaller < len(ordered)))
    tenths = np.maximum(most, smaller > 0)
    return np.where(np.isnan(shortfalls), np.nan, tenths / 10.0)
