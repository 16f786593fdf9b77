"""Compare the levels of pairs of occupations: gaps, tests, order and summary figures."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.memo import memoized
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import Differences, compare_means, find_distinguishable, shown


class LevelVector(NamedTuple):
    """Levels of one occupation or person, or of many along the first axis; NaN where missing."""

    level: FloatArray
    level_to_subtract: FloatArray
    """The same levels, but 0 where a missing level counts as 0, and NaN where it is unknown and not compared."""
    standard_error: FloatArray
    raters: npt.NDArray[np.int32]
    not_relevant: BoolArray


class Pair(NamedTuple):
    """Target minus current, of one pair or of many along the first axis."""

    gap: FloatArray
    """In level points."""
    has_levels: BoolArray
    """Both levels exist."""
    is_tested: BoolArray
    """Both levels have standard errors."""
    is_distinguishable: BoolArray
    """The gap is distinguishable from rater noise; always False where the target flags the skill Not Relevant."""


def level_vector(ratings: Ratings, row: int | IntArray) -> LevelVector:
    """Return the levels of one occupation or many, given by their rows."""
    return LevelVector(
        level=ratings.level[row],
        level_to_subtract=ratings.comparable_level[row],
        standard_error=ratings.standard_error[row],
        raters=ratings.raters[row],
        not_relevant=ratings.not_relevant[row],
    )


def pair_of(current: int | IntArray, target: int | IntArray, ratings: Ratings) -> Pair:
    """Compare occupations given by their rows: one with one, one with many, or many pairwise."""
    return compare_levels(level_vector(ratings, current), level_vector(ratings, target))


def compare_levels(current: LevelVector, target: LevelVector) -> Pair:
    """Compare current and target levels: one pair, one with many, or many pairwise."""
    difference = target.level - current.level
    is_tested, is_distinguishable = find_distinguishable(difference, **_errors(current, target))
    return _pair(current, target, difference, is_tested, is_distinguishable)


def compare_levels_in_full(current: LevelVector, target: LevelVector) -> tuple[Pair, Differences]:
    """Compare current and target levels, and return the figures of each test as well."""
    difference = target.level - current.level
    tests = compare_means(difference, **_errors(current, target))
    return _pair(current, target, difference, tests.p_value >= 0, tests.is_distinguishable), tests


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
    # Levels are eighths or have two decimals, so rounding to four removes floating-point noise only.
    gap = shown(target.level_to_subtract - current.level_to_subtract)
    return Pair(
        gap=gap,
        has_levels=~np.isnan(difference),
        is_tested=is_tested,
        is_distinguishable=is_distinguishable & ~target.not_relevant,
    )


def order_of(pair: Pair, target: LevelVector, weight: FloatArray) -> IntArray:
    """Return the elements in display order along the last axis.

    Elements relevant to the target come first, then distinguishable gaps, then the largest weighted gaps, then element
    ids. Elements without a weight follow those with one, largest gap first.
    """
    size, is_unknown = np.abs(pair.gap), np.isnan(weight)
    keys: tuple[FloatArray | BoolArray, ...] = (-size * weight, ~pair.is_distinguishable, target.not_relevant)
    if is_unknown.any():
        keys = (np.where(is_unknown, -size, 0.0), np.where(is_unknown, 0.0, keys[0]), *keys[1:])
    return np.lexsort(np.broadcast_arrays(*keys), axis=-1)


class SummaryArrays(NamedTuple):
    """The fields of GapSummary up to the Job Zone step, for one pair or for many.

    Shortfalls and percentiles are NaN where an input is missing. Counts of distinguishable skills are meaningless where
    no skill is tested. `missing.missing_inputs` returns the reasons.
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


def summarize_pairs(pair: Pair, b: int | IntArray, ratings: Ratings) -> SummaryArrays:
    """Return the summary figures of pairs whose targets have rows `b`. Skills whose gap is NaN are left out.

    The percentile is NaN if a gap is NaN or an importance of the target is missing.
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
    """Return whether a shortfall leaves out an unknown gap or one without a weight."""
    is_partial: BoolArray = np.isnan(gap).any(axis=-1) | ratings.has_missing_weight[b]
    return is_partial


def _weighted(pair: Pair, b: int | IntArray, ratings: Ratings) -> FloatArray:
    """Return the unrounded weighted shortfalls over all gaps and over the distinguishable ones: (2, ...)."""
    weighted = np.fmax(pair.gap, 0.0) * ratings.known_weight[b]  # NaN counts as 0
    both = np.array((weighted, weighted * pair.is_distinguishable))
    shortfalls: FloatArray = both.sum(axis=-1) / _compared_weight(pair.gap, b, ratings)
    return shortfalls


def _compared_weight(gap: FloatArray, b: int | IntArray | slice, ratings: Ratings) -> FloatArray:
    """Return the sum of the known weights of the compared skills of one target or many; NaN if it is 0."""
    is_unknown = np.isnan(gap)
    if not is_unknown.any():
        total: FloatArray = ratings.weight_sum[b]
        return total
    compared: FloatArray = np.where(is_unknown, 0.0, ratings.known_weight[b]).sum(axis=-1)
    return np.where(compared > 0, compared, np.nan)


def summaries_from(current: int, ratings: Ratings) -> SummaryArrays:
    """Return the summary figures from one occupation, given by its row, to every occupation in row order."""
    targets = np.arange(len(ratings.codes))
    return summarize_pairs(pair_of(current, targets, ratings), targets, ratings)


def distinguishable_gaps(current: int, targets: IntArray, ratings: Ratings) -> BoolArray:
    """Return which skills are distinguishable gaps from one occupation to targets, by row: (targets, elements)."""
    pairs = pair_of(current, targets, ratings)
    is_gap: BoolArray = pairs.is_distinguishable & (pairs.gap > 0)
    return is_gap


def shortfalls_of(pair: Pair, target: int | IntArray, ratings: Ratings) -> tuple[FloatArray, FloatArray]:
    """Return two unrounded shortfalls of pairs in level points: of all gaps, and without those within rater noise.

    Gaps that cannot be tested count in both. NaN if no compared skill has a weight.
    """
    may_count = pair.is_distinguishable | ~pair.is_tested
    shortfall, beyond_noise = _weighted(pair._replace(is_distinguishable=may_count), target, ratings)
    return shortfall, beyond_noise


def shortfalls_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls from one occupation to all, in level points: (occupations,)."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    weighted = np.fmax(gaps, 0.0) * ratings.known_weight
    shortfalls: FloatArray = weighted.sum(axis=1) / _compared_weight(gaps, slice(None), ratings)
    return shortfalls


def percentiles_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the shortfall percentiles from one occupation to all, as in `summarize_pairs`."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    percentile = percentiles(shortfalls_from(current, ratings), ratings)
    return np.where(_is_partial(gaps, slice(None), ratings), np.nan, percentile)


def weighted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls of all pairs in level points: float64 (from, to), 0 on the diagonal.

    NaN for a target without any importance; `Ratings.weighted_by` offers weights that need none. Each equals the
    figure in the pair's summary up to floating-point rounding, and exactly where levels and importances are eighths.
    """
    level = ratings.comparable_level
    shortfalls = np.empty((len(level), len(level)))
    gaps = np.empty_like(level)
    for b, target in enumerate(level):
        total = _compared_weight(np.subtract(target, level, out=gaps), b, ratings)
        shortfalls[:, b] = np.fmax(gaps, 0.0, out=gaps) @ ratings.known_weight[b] / total
    return shortfalls


@memoized
def _sorted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the sorted shortfalls of all pairs rated by analysts. Predictions are left out because they vary less."""
    shortfalls = weighted_shortfalls(ratings)
    is_known = ~np.isnan(shortfalls) & ~np.eye(len(shortfalls), dtype=np.bool_)
    return np.sort(_comparable(shortfalls[is_known]))


def _comparable(shortfalls: FloatArray) -> FloatArray:
    """Return rounded shortfalls, so that the order of summation cannot make equal shortfalls differ."""
    return np.round(shortfalls, 9)


def has_reference_pairs(ratings: Ratings) -> bool:
    """Return whether any pair rated by analysts has a shortfall, so that others can be ranked against it."""
    return len(_sorted_shortfalls(ratings.analysts or ratings)) > 0


_TENTHS = 1_000
"""Resolution of percentiles: tenths of a percent."""


def percentiles(shortfalls: FloatArray, ratings: Ratings) -> FloatArray:
    """Return the percentage of all ordered pairs rated by analysts that have a smaller shortfall.

    Rounded to tenths; 0 and 100 are reserved for no pair and every pair. NaN for an unknown shortfall, or without
    reference pairs.
    """
    ordered = _sorted_shortfalls(ratings.analysts or ratings)
    if not len(ordered):
        return np.full(np.shape(shortfalls), np.nan)
    smaller = np.searchsorted(ordered, _comparable(shortfalls))
    most = np.minimum(np.rint(_TENTHS * smaller / len(ordered)), _TENTHS - 1.0 * (smaller < len(ordered)))
    tenths = np.maximum(most, smaller > 0)
    return np.where(np.isnan(shortfalls), np.nan, tenths / 10.0)
