"""Which differences between two mean ratings are clear, and their intervals.

A skill level is the mean of 8 analysts' ratings. Knowledge is rated by more people, incumbents or experts, and O*NET
publishes standard errors for incumbents only. The levels of two occupations are compared by one-sided t tests with both
standard errors. Gaps and surpluses have separate false discovery rates (Benjamini and Hochberg 1995): together, many
sure surpluses would let uncertain gaps pass. The interval of a clear difference allows for this selection (Benjamini
and Yekutieli 2005). A difference without a standard error or number of raters on both sides is not tested. The
functions work along the last axis, for one pair or many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import BoolArray, FloatArray

FALSE_DISCOVERY_RATE = 0.05
CONFIDENCE = 0.95

_LEAST = np.r_[np.nan, 1.0 / np.arange(1.0, 10_000.0)]
"""Least standard error by number of raters."""


_TAIL = (1.0 - CONFIDENCE) / 2.0


class Differences(NamedTuple):
    """Tested differences as arrays of one shape; NaN (and False) where a side has no rating or no standard error."""

    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    """Ends of the 95 % interval: of the selected differences if this one is distinguishable, otherwise of this one."""
    p_value: FloatArray
    """Two-sided."""
    is_distinguishable: BoolArray


def compare_means(
    difference: FloatArray,
    *,
    standard_errors: tuple[FloatArray, FloatArray],
    n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]],
) -> Differences:
    """Test differences between two means.

    Equal numbers of raters give n1 + n2 - 2 degrees of freedom (14 for two panels of 8), unequal ones those of Welch
    and Satterthwaite. A distinguishable difference has an interval that excludes 0.
    """
    standard_error, is_distinguishable = find_distinguishable(difference, standard_errors=standard_errors, n=n)
    _, degrees_of_freedom = _error_and_freedom(standard_errors, n)
    p_value = 2.0 * scipy.special.stdtr(degrees_of_freedom, -np.abs(difference) / standard_error)
    whole = np.nan_to_num(degrees_of_freedom).astype(np.intp)  # rounded down: the interval is never too narrow
    quantile = np.broadcast_to(_t_quantiles().take(whole, mode="clip"), difference.shape).copy()
    tests = np.maximum(np.count_nonzero(p_value == p_value, axis=-1, keepdims=True), 1)
    for is_selected in (is_distinguishable & (difference > 0), is_distinguishable & (difference < 0)):
        if is_selected.any():
            tail = _tail_at(np.count_nonzero(is_selected, axis=-1, keepdims=True), tests)
            quantile[is_selected] = -scipy.special.stdtrit(
                *(np.broadcast_to(each, difference.shape)[is_selected] for each in (degrees_of_freedom, tail))
            )
    return Differences(
        standard_error=standard_error,
        lower=difference - quantile * standard_error,
        upper=difference + quantile * standard_error,
        p_value=p_value,
        is_distinguishable=is_distinguishable,
    )


def _tail_at(rank: npt.NDArray[Any], tests: npt.NDArray[Any]) -> FloatArray:
    """Return the largest one-sided p value that passes at a rank among tests of one direction.

    The rule of Benjamini and Hochberg, but never more than a single test allows, so that the 95 % interval of a
    discovery excludes 0. The interval of Benjamini and Yekutieli leaves out this much on each side.
    """
    tail: FloatArray = np.minimum(FALSE_DISCOVERY_RATE * rank / tests, _TAIL)
    return tail


def discoveries(p_value: FloatArray) -> BoolArray:
    """Return which one-sided tests are discoveries by the step-up rule at `_tail_at`; NaN means not tested."""
    ranked = np.sort(p_value, axis=-1)  # NaN last
    tests = np.count_nonzero(p_value == p_value, axis=-1, keepdims=True)
    passes = ranked <= _tail_at(_ranks(p_value.shape[-1]), np.maximum(tests, 1))
    threshold = ranked.max(axis=-1, keepdims=True, where=passes, initial=-1.0)
    is_discovery: BoolArray = p_value <= threshold
    return is_discovery


@lru_cache(maxsize=8)
def _ranks(count: int) -> FloatArray:
    return np.arange(1.0, count + 1)


@lru_cache(maxsize=1)
def _t_quantiles() -> FloatArray:
    """Return the two-sided quantiles by degrees of freedom. Beyond 1,000 they change by less than 0.002."""
    quantiles: FloatArray = np.asarray(scipy.special.stdtrit(np.arange(1000.0), 1.0 - _TAIL), np.float64)
    return quantiles


def find_distinguishable(
    difference: FloatArray,
    *,
    standard_errors: tuple[FloatArray, FloatArray],
    n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]],
) -> tuple[FloatArray, BoolArray]:
    """Return the standard errors of differences, NaN where not tested, and which differences are distinguishable.

    With equal numbers of raters, t is compared with the critical value at each rank, so no p value is needed; for
    many pairs this takes a fifth of the time. Otherwise p values are computed only where the rank decides.
    """
    raters = n[1].max(initial=0)
    standard_error, degrees_of_freedom = _error_and_freedom(standard_errors, n)
    t = difference / standard_error
    is_tested = t == t
    if not all(((count == raters) | (count <= 0)).all() for count in n):
        above, below = (discoveries(_p_where_needed(side, degrees_of_freedom)) for side in (t, -t))
        return np.where(is_tested, standard_error, np.nan), above | below
    critical = _critical_t(int(2 * raters - 2), t.shape[-1])[np.count_nonzero(is_tested, axis=-1)]
    ascending = np.sort(t, axis=-1)  # NaN last
    descending = ascending[..., ::-1] if is_tested.all() else -np.sort(-t, axis=-1)
    least, most = (
        ranked.min(axis=-1, keepdims=True, where=ranked >= critical, initial=np.inf)
        for ranked in (descending, -ascending)
    )
    return np.where(is_tested, standard_error, np.nan), (t >= least) | (-t >= most)


def _error_and_freedom(
    standard_errors: tuple[FloatArray, FloatArray], n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]
) -> tuple[FloatArray, FloatArray]:
    """Return the standard errors and degrees of freedom of differences; NaN where no test is possible."""
    first, second = (floored(error, k) for error, k in zip(standard_errors, n, strict=True))
    degrees_of_freedom = (n[0] + n[1] - 2).astype(np.float64)
    if (n[0] != n[1]).any():
        degrees_of_freedom = np.where(n[0] == n[1], degrees_of_freedom, _welch(first, second, n))
    return np.hypot(first, second), degrees_of_freedom


def _p_where_needed(t: FloatArray, degrees_of_freedom: FloatArray) -> FloatArray:
    """Return one-sided p values for `discoveries`, replaced by 0 or 1 where every rank or no rank would accept them."""
    first, last = _critical_bounds(t.shape[-1])
    below, above = (
        np.floor(degrees_of_freedom),
        np.ceil(degrees_of_freedom),
    )  # critical t falls with the degrees of freedom
    is_distinguishable = t >= first.take(np.nan_to_num(below).astype(np.intp), mode="clip")
    is_open = ~is_distinguishable & (t >= last.take(np.nan_to_num(above).astype(np.intp), mode="clip"))
    p_value = np.where(t == t, 1.0 - is_distinguishable, np.nan)
    p_value[is_open] = scipy.special.stdtr(np.broadcast_to(degrees_of_freedom, t.shape)[is_open], -t[is_open])
    return p_value


@lru_cache(maxsize=8)
def _critical_bounds(width: int) -> tuple[FloatArray, FloatArray]:
    """Return the critical t of the first and the last rank of `width` tests, by integer degrees of freedom.

    From 1,000 degrees of freedom on, conservative limits are used.
    """
    freedom = np.r_[np.arange(1_000.0), np.inf]
    with np.errstate(invalid="ignore"):
        first: FloatArray = np.negative(scipy.special.stdtrit(freedom, FALSE_DISCOVERY_RATE / width))
        last: FloatArray = np.negative(scipy.special.stdtrit(freedom, _TAIL))
    first = np.maximum(first, last)
    first[-1] = first[-2]
    first[0], last[0] = np.inf, 0.0
    return first, last


@lru_cache(maxsize=32)
def _critical_t(degrees_of_freedom: int, width: int) -> FloatArray:
    """Return the critical t at each rank, (number of tests, rank), largest t first."""
    tests, ranks = np.arange(width + 1.0)[:, None], _ranks(width)
    with np.errstate(divide="ignore", invalid="ignore"):
        critical = -scipy.special.stdtrit(np.float64(max(degrees_of_freedom, 1)), _tail_at(ranks, tests))
    return np.where(ranks <= tests, critical, np.inf)


def least_standard_error(n: npt.NDArray[np.integer]) -> FloatArray:
    """Return the least standard error of n whole-number ratings that do not all agree: 1/n, one of them one point off.

    A printed 0 means that the raters agreed, not that the level is certain, so errors are floored at this. NaN without
    a number of raters.
    """
    least: FloatArray = _LEAST.take(n, mode="clip")
    return least


def floored(standard_error: FloatArray, n: npt.NDArray[np.integer]) -> FloatArray:
    """Return standard errors floored at `least_standard_error`."""
    error: FloatArray = np.maximum(standard_error, least_standard_error(n))
    return error


def shown(points: FloatArray) -> FloatArray:
    """Round level points to the four decimals of answers, which represent eighths exactly."""
    rounded: FloatArray = np.rint(points * 1e4) / 1e4
    return rounded


def shown_p(p_value: FloatArray) -> FloatArray:
    """Round p values up to the six decimals of answers."""
    rounded: FloatArray = np.ceil(p_value * 1e6) / 1e6
    return rounded


def middle_95(draws: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Return the 2.5 % and 97.5 % quantiles of integer draws along the first axis: (2, ...)."""
    ends: npt.NDArray[np.intp] = np.quantile(draws, (0.025, 0.975), axis=0, method="inverted_cdf").astype(np.intp)
    return ends


def _welch(first: FloatArray, second: FloatArray, n: tuple[npt.NDArray[np.integer], ...]) -> FloatArray:
    """Return the Welch-Satterthwaite degrees of freedom of two means; NaN where no test is possible."""
    squares = (first * first, second * second)
    parts = [square * square / np.maximum(k - 1, 1) for square, k in zip(squares, n, strict=True)]
    degrees_of_freedom: FloatArray = (squares[0] + squares[1]) ** 2 / (parts[0] + parts[1])
    return degrees_of_freedom
