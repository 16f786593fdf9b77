"""Compare the levels of pairs of occupations: gaps, tests, order and summary figures."""

from __future__ import annotations

from typing import NamedTuple, TypedDict, get_args

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use

from skillgap.analysis.agreement import is_likely
from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.memo import memoized
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import Differences, compare_means, find_distinguishable, floored, shown
from skillgap.models import Certainty


class LevelVector(NamedTuple):
    """Levels of one occupation or person, or of many along the first axis; NaN where missing."""

    level: FloatArray
    level_to_subtract: FloatArray
    """The same levels, but 0 where a missing level counts as 0, and NaN where it is unknown and not compared."""
    standard_error: FloatArray
    raters: npt.NDArray[np.int32]
    panel_variance: FloatArray
    """Variance of another panel's levels given these; NaN if unknown, 0 for own levels."""
    prediction_variance: FloatArray
    """Variance of the analysts' levels given predicted ones; 0 for other levels."""
    not_relevant: BoolArray

    @classmethod
    def unknown(cls, *shape: int) -> LevelVector:
        """Return unknown levels."""
        nan = np.full(shape, np.nan)
        no = np.zeros(shape, dtype=np.bool_)
        return cls(nan, nan, nan, np.zeros(shape, dtype=np.int32), nan, np.zeros(shape), no)


CERTAIN = 9_999
"""Number of raters of an own level: it is taken as exact, so it adds no error to the comparison."""


def with_own_levels(vector: LevelVector, own: FloatArray) -> LevelVector:
    """Return levels with those that a person states (NaN: not stated) in place of the others; missing ones are unknown.

    Own levels have no error, and no other panel would change them.
    """
    is_own = own == own
    level = np.where(is_own, own, vector.level)
    return LevelVector(
        level=level,
        level_to_subtract=level,
        standard_error=np.where(is_own, 0.0, vector.standard_error),
        raters=np.where(is_own, np.int32(CERTAIN), vector.raters),
        panel_variance=np.where(is_own, 0.0, vector.panel_variance),
        prediction_variance=np.where(is_own, 0.0, vector.prediction_variance),
        not_relevant=np.zeros(level.shape, dtype=np.bool_),
    )


class Pair(NamedTuple):
    """Target minus current, of one pair or of many along the first axis."""

    gap: FloatArray
    """In level points."""
    has_levels: BoolArray
    """Both levels exist."""
    standard_error: FloatArray
    """Standard error of the gap in level points; NaN if it cannot be tested."""
    is_distinguishable: BoolArray
    """The gap is clear; always False where the target flags the skill Not Relevant."""
    panel_variance: FloatArray
    """Variance of the gap that other panels find, given this one; NaN if unknown."""
    prediction_variance: FloatArray
    """Variance of the gap between analysts' ratings, given predicted levels; 0 without any."""
    expected: FloatArray
    """Expected gap between analysts' ratings, surpluses counting as 0: above the gap if a level is predicted."""

    @property
    def is_tested(self) -> BoolArray:
        """Whether both levels have standard errors."""
        is_tested: BoolArray = self.standard_error == self.standard_error
        return is_tested


def level_vector(ratings: Ratings, row: int | IntArray) -> LevelVector:
    """Return the levels of one occupation or many, given by their rows."""
    return LevelVector(
        level=ratings.level[row],
        level_to_subtract=ratings.comparable_level[row],
        standard_error=ratings.standard_error[row],
        raters=ratings.raters[row],
        panel_variance=ratings.panel_variance[row],
        prediction_variance=ratings.prediction_variance[row],
        not_relevant=ratings.not_relevant[row],
    )


def pair_of(current: int | IntArray, target: int | IntArray, ratings: Ratings) -> Pair:
    """Compare occupations given by their rows: one with one, one with many, or many pairwise."""
    return compare_levels(level_vector(ratings, current), level_vector(ratings, target))


def compare_levels(current: LevelVector, target: LevelVector) -> Pair:
    """Compare current and target levels: one pair, one with many, or many pairwise."""
    difference = target.level - current.level
    standard_error, is_distinguishable = find_distinguishable(difference, **_errors(current, target))
    return _pair(current, target, difference, standard_error, is_distinguishable)


def compare_levels_in_full(current: LevelVector, target: LevelVector) -> tuple[Pair, Differences]:
    """Compare current and target levels, and return the figures of each test as well."""
    difference = target.level - current.level
    tests = compare_means(difference, **_errors(current, target))
    return _pair(current, target, difference, tests.standard_error, tests.is_distinguishable), tests


class _Errors(TypedDict):
    standard_errors: tuple[FloatArray, FloatArray]
    n: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


def _errors(current: LevelVector, target: LevelVector) -> _Errors:
    return _Errors(standard_errors=(current.standard_error, target.standard_error), n=(current.raters, target.raters))


def _pair(
    current: LevelVector,
    target: LevelVector,
    difference: FloatArray,
    standard_error: FloatArray,
    is_distinguishable: BoolArray,
) -> Pair:
    # Levels are eighths or have two decimals, so rounding to four removes floating-point noise only.
    gap = shown(target.level_to_subtract - current.level_to_subtract)
    prediction_variance = current.prediction_variance + target.prediction_variance
    return Pair(
        gap=gap,
        has_levels=~np.isnan(difference),
        standard_error=standard_error,
        is_distinguishable=is_distinguishable & ~target.not_relevant,
        panel_variance=np.where(np.isnan(standard_error), np.nan, current.panel_variance + target.panel_variance),
        prediction_variance=prediction_variance,
        expected=expected_positive(gap, prediction_variance),
    )


def expected_positive(gap: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the expected positive parts of normal gaps; the positive part itself where the variance is 0."""
    positive = np.fmax(gap, 0.0)
    is_uncertain = (variance > 0) & (gap == gap)
    if is_uncertain.any():
        mean, error = (np.broadcast_to(each, is_uncertain.shape)[is_uncertain] for each in (gap, np.sqrt(variance)))
        z = mean / error
        positive = np.broadcast_to(positive, is_uncertain.shape).copy()
        positive[is_uncertain] = mean * scipy.special.ndtr(z) + error * np.exp(-0.5 * z * z) / _ROOT_2_PI
    return positive


_ROOT_2_PI = float(np.sqrt(2.0 * np.pi))


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


CERTAINTIES: npt.NDArray[np.object_] = np.array([None, *reversed(get_args(Certainty))], dtype=object)
"""Names of the values of `certainties`."""
_OPEN, _LIKELY, _CLEAR = 1, 2, 3


def certainties(pair: Pair, b: int | IntArray, ratings: Ratings) -> npt.NDArray[np.int8]:
    """Return how certain each difference of pairs with targets `b` is, as an index into `CERTAINTIES`.

    0 if it cannot be tested or the skill is not relevant to the target.
    """
    certainty = np.where(is_likely(pair.gap, pair.panel_variance, ratings.margin), np.int8(_LIKELY), np.int8(_OPEN))
    certainty[pair.is_distinguishable] = _CLEAR
    certainty[~pair.is_tested | ratings.not_relevant[b]] = 0
    return certainty


class SummaryArrays(NamedTuple):
    """The fields of GapSummary up to the Job Zone step, for one pair or for many.

    Shortfalls and percentiles are NaN where an input is missing. Counts of distinguishable skills are meaningless where
    no skill is tested. `missing.missing_inputs` returns the reasons.
    """

    skills_compared: IntArray
    skills_tested: IntArray
    gaps: IntArray
    distinguishable_gaps: IntArray
    likely_gaps: IntArray
    surplus: IntArray
    distinguishable_surplus: IntArray
    weighted_shortfall: FloatArray
    distinguishable_shortfall: FloatArray
    noise_shortfall: FloatArray
    shortfall_percentile: FloatArray
    shortfall_percentile_lower: FloatArray
    shortfall_percentile_upper: FloatArray


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
        is_gap & (certainties(pair, b, ratings) == _LIKELY),
        is_surplus,
        is_surplus & is_distinguishable,
    )
    compared, tested, gaps, clear, likely, surplus, clear_surplus = np.array(is_counted).sum(axis=-1)
    weight = _share(b, gap, ratings)
    shortfall = (weight * pair.expected).sum(axis=-1)
    beyond_noise = (weight * pair.expected * is_distinguishable).sum(axis=-1)
    noise = (weight * np.where(weight > 0, pair.standard_error, 0.0)).sum(axis=-1) / _ROOT_2_PI
    spread = 1.96 * _shortfall_error(pair, weight)
    three = np.stack([shortfall, np.maximum(shortfall - spread, 0.0), shortfall + spread], axis=-1)
    is_partial = np.expand_dims(_is_partial(gap, b, ratings), -1)
    percentile, lowest, highest = np.moveaxis(np.where(is_partial, np.nan, percentiles(three, ratings)), -1, 0)
    return SummaryArrays(
        skills_compared=compared,
        skills_tested=tested,
        gaps=gaps,
        distinguishable_gaps=clear,
        likely_gaps=likely,
        surplus=surplus,
        distinguishable_surplus=clear_surplus,
        weighted_shortfall=shown(shortfall),
        distinguishable_shortfall=np.where(tested > 0, shown(beyond_noise), np.nan),
        noise_shortfall=shown(noise),
        shortfall_percentile=percentile,
        shortfall_percentile_lower=lowest,
        shortfall_percentile_upper=highest,
    )


PANEL_CORRELATION = 0.15
"""Correlation between the changes that another panel makes in two skills (`make evaluate-certainty`): it can be
stricter in all."""
PREDICTION_CORRELATION = 0.26
"""Correlation between the errors of two predicted levels of one occupation."""


def _shortfall_error(pair: Pair, weight: FloatArray) -> FloatArray:
    """Return the standard deviation of the shortfall over other panels, in level points; NaN without some error.

    A gap changes the shortfall by its weight if it stays a gap. The changes of the skills are correlated.
    """
    is_weighted = weight > 0
    total, predicted = (np.where(is_weighted, each, 0.0) for each in (pair.panel_variance, pair.prediction_variance))
    stays = weight * scipy.special.ndtr(np.where(is_weighted, pair.gap, 0.0) / np.fmax(np.sqrt(total), 1e-9))
    variance = _correlated(stays * np.sqrt(total - predicted), PANEL_CORRELATION)
    if predicted.any():
        variance += _correlated(stays * np.sqrt(predicted), PREDICTION_CORRELATION)
    error: FloatArray = np.sqrt(variance)
    return error


def _correlated(deviations: FloatArray, correlation: float) -> FloatArray:
    """Return the variance of sums of variables, along the last axis, that all have the same correlation."""
    squares, total = (deviations**2).sum(axis=-1), deviations.sum(axis=-1)
    variance: FloatArray = (1.0 - correlation) * squares + correlation * total**2
    return variance


def _is_partial(gap: FloatArray, b: int | IntArray | slice, ratings: Ratings) -> BoolArray:
    """Return whether a shortfall leaves out an unknown gap or one without a weight."""
    is_partial: BoolArray = np.isnan(gap).any(axis=-1) | ratings.has_missing_weight[b]
    return is_partial


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


def _share(target: int | IntArray, gap: FloatArray, ratings: Ratings) -> FloatArray:
    """Return the weight of each element as a share of the compared elements: 0 where the gap is unknown.

    NaN if no compared element has a weight.
    """
    share = ratings.known_weight[target] / np.expand_dims(_compared_weight(gap, target, ratings), -1)
    is_unknown = np.isnan(gap)
    return np.where(is_unknown, 0.0 * share, share) if is_unknown.any() else share


def shortfalls_of(pair: Pair, target: int | IntArray, ratings: Ratings) -> tuple[FloatArray, FloatArray]:
    """Return two unrounded shortfalls of pairs in level points: of all gaps, and without those that are not clear.

    Gaps that cannot be tested count in both. NaN if no compared skill has a weight.
    """
    weighted = _share(target, pair.gap, ratings) * pair.expected
    return weighted.sum(axis=-1), (weighted * (pair.is_distinguishable | ~pair.is_tested)).sum(axis=-1)


def expected_shortfalls(pair: Pair, target: int | IntArray, ratings: Ratings) -> FloatArray:
    """Return the unrounded shortfalls expected between the true levels of pairs, in level points.

    Ratings that vary more are expected to hide larger gaps, so noise makes no move look easy. An unknown error counts
    as the usual one. NaN if no compared skill has a weight.
    """
    variance = np.where(np.isnan(pair.standard_error), _usual_variance(ratings), pair.standard_error**2)
    expected = np.nan_to_num(expected_positive(pair.gap, variance))
    shortfall: FloatArray = (_share(target, pair.gap, ratings) * expected).sum(axis=-1)
    return shortfall


@memoized
def _usual_variance(ratings: Ratings) -> float:
    """Return the mean squared standard error of the difference of two levels; 0 without any error."""
    squared = floored(ratings.standard_error, ratings.raters)[~np.isnan(ratings.standard_error)] ** 2
    return 2.0 * float(np.nanmean(squared)) if squared.size else 0.0


def shortfalls_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls from one occupation to all, in level points: (occupations,)."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    expected = expected_positive(gaps, ratings.prediction_variance + ratings.prediction_variance[current])
    shortfalls: FloatArray = (expected * ratings.known_weight).sum(axis=1) / _compared_weight(
        gaps, slice(None), ratings
    )
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
    is_predicted: BoolArray = np.asarray(ratings.is_predicted.any(axis=1))
    for b, target in enumerate(level):
        total = _compared_weight(np.subtract(target, level, out=gaps), b, ratings)
        uncertain = np.flatnonzero(is_predicted | is_predicted[b])
        variance = ratings.prediction_variance[uncertain] + ratings.prediction_variance[b]
        expected = expected_positive(gaps[uncertain], variance)
        np.fmax(gaps, 0.0, out=gaps)[uncertain] = expected
        shortfalls[:, b] = gaps @ ratings.known_weight[b] / total
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


def percentiles(shortfalls: FloatArray, ratings: Ratings) -> FloatArray:
    """Return the percentage of all ordered pairs rated by analysts that have a smaller shortfall, in whole percents.

    0 and 100 are reserved for no pair and every pair. NaN for an unknown shortfall, or without reference pairs.
    """
    ordered = _sorted_shortfalls(ratings.analysts or ratings)
    if not len(ordered):
        return np.full(np.shape(shortfalls), np.nan)
    smaller = np.searchsorted(ordered, _comparable(shortfalls))
    most = np.minimum(np.rint(100 * smaller / len(ordered)), 100.0 - (smaller < len(ordered)))
    return np.where(np.isnan(shortfalls), np.nan, np.maximum(most, smaller > 0))
