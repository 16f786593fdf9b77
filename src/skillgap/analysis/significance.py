"""Which differences between two mean ratings stand out from rater noise.

A skill's level is the mean of 8 analysts; knowledge is rated by more incumbents or experts, and O*NET gives errors of
incumbents alone. Two occupations' levels are compared by a t test with both standard errors, and the tests of a pair
share one false-discovery rate (Benjamini and Hochberg 1995). Without an error or a number of raters on both sides there
is no test. The functions work along the last axis, for one pair or for many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import BoolArray, FloatArray

FALSE_DISCOVERY_RATE = 0.05
CONFIDENCE = 0.95


_LEAST = np.r_[np.nan, 1.0 / np.arange(1.0, 10_000.0)]
"""By number of raters."""


class Differences(NamedTuple):
    """Arrays of one shape; NaN (and False) where a side has no error or no rating."""

    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    """Ends of the 95 % interval."""
    p_value: FloatArray
    distinguishable: BoolArray


def compare_means(
    difference: FloatArray,
    *,
    standard_errors: tuple[FloatArray, FloatArray],
    n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]],
) -> Differences:
    """Test differences of two means.

    With equally many raters there are n1 + n2 - 2 degrees of freedom (14 where 8 analysts rated each), else as many as
    Welch and Satterthwaite give.
    """
    standard_error, degrees_of_freedom = _error_and_freedom(standard_errors, n)
    whole = np.nan_to_num(degrees_of_freedom).astype(np.intp)  # rounded down: the interval is never too narrow
    p_value = 2.0 * scipy.special.stdtr(degrees_of_freedom, -np.abs(difference) / standard_error)
    half_width = _t_quantiles().take(whole, mode="clip") * standard_error
    return Differences(standard_error, difference - half_width, difference + half_width, p_value, discoveries(p_value))


@lru_cache(maxsize=1)
def _t_quantiles() -> FloatArray:
    """Return the two-sided quantiles by degrees of freedom. Beyond 1,000 they move by less than 0.002."""
    quantiles: FloatArray = np.asarray(scipy.special.stdtrit(np.arange(1000.0), 0.5 + CONFIDENCE / 2), np.float64)
    return quantiles


def which_stand_out(
    difference: FloatArray,
    *,
    standard_errors: tuple[FloatArray, FloatArray],
    n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]],
) -> tuple[BoolArray, BoolArray]:
    """Return which differences can be tested, and which are distinguishable, as `compare_means` does.

    Where all have equally many raters, t is compared with what each rank asks for, which needs no p value: a fifth of
    the time for many pairs. Else p is computed of those alone that are not discoveries, or none, at any rank.
    """
    raters = n[1].max(initial=0)
    standard_error, degrees_of_freedom = _error_and_freedom(standard_errors, n)
    t = np.abs(difference) / standard_error
    is_tested = t >= 0
    if not all(((each == raters) | (each <= 0)).all() for each in n):
        return is_tested, discoveries(_p_where_needed(t, degrees_of_freedom))
    descending = -np.sort(-t, axis=-1)  # NaN last
    asked = _asked(int(2 * raters - 2), t.shape[-1])[np.count_nonzero(is_tested, axis=-1)]
    threshold = descending.min(axis=-1, keepdims=True, where=descending >= asked, initial=np.inf)
    return is_tested, t >= threshold


def _error_and_freedom(
    standard_errors: tuple[FloatArray, FloatArray], n: tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]
) -> tuple[FloatArray, FloatArray]:
    """Return standard error and degrees of freedom of differences; NaN without a test."""
    first, second = (floored(error, k) for error, k in zip(standard_errors, n, strict=True))
    degrees_of_freedom = (n[0] + n[1] - 2).astype(np.float64)
    if (n[0] != n[1]).any():
        degrees_of_freedom = np.where(n[0] == n[1], degrees_of_freedom, _welch(first, second, n))
    return np.hypot(first, second), degrees_of_freedom


def _p_where_needed(t: FloatArray, degrees_of_freedom: FloatArray) -> FloatArray:
    """Return p values for `discoveries`: 0 and 1 in the place of those below, and above, what every rank asks for."""
    always, ever = _quantiles(t.shape[-1])
    below, above = np.floor(degrees_of_freedom), np.ceil(degrees_of_freedom)  # t asks for less with more freedom
    is_distinguishable = t >= always.take(np.nan_to_num(below).astype(np.intp), mode="clip")
    is_open = ~is_distinguishable & (t >= ever.take(np.nan_to_num(above).astype(np.intp), mode="clip"))
    p_value = np.where(t >= 0, 1.0 - is_distinguishable, np.nan)
    p_value[is_open] = 2.0 * scipy.special.stdtr(np.broadcast_to(degrees_of_freedom, t.shape)[is_open], -t[is_open])
    return p_value


@lru_cache(maxsize=8)
def _quantiles(width: int) -> tuple[FloatArray, FloatArray]:
    """Return the t that the first of so many ranks asks for, and the last, by whole degrees of freedom.

    From 1,000 on it is the limit's, on the careful side of each.
    """
    freedom = np.r_[np.arange(1_000.0), np.inf]
    with np.errstate(invalid="ignore"):
        always: FloatArray = np.negative(scipy.special.stdtrit(freedom, FALSE_DISCOVERY_RATE / width / 2))
        ever: FloatArray = np.negative(scipy.special.stdtrit(freedom, FALSE_DISCOVERY_RATE / 2))
    always[-1] = always[-2]
    always[0], ever[0] = np.inf, 0.0
    return always, ever


@lru_cache(maxsize=32)
def _asked(degrees_of_freedom: int, width: int) -> FloatArray:
    """Return the t that each rank asks for: (number of tests, rank), the largest t first."""
    tests, ranks = np.arange(width + 1.0)[:, None], _ranks(width)
    with np.errstate(divide="ignore", invalid="ignore"):
        asked = -scipy.special.stdtrit(
            np.float64(max(degrees_of_freedom, 1)), FALSE_DISCOVERY_RATE * ranks / tests / 2.0
        )
    return np.where(ranks <= tests, asked, np.inf)


def least_standard_error(n: npt.NDArray[np.integer]) -> FloatArray:
    """Return the least error that n whole-number ratings can show when not all agree: 1/n, one of them one point off.

    A printed 0 means that the raters agreed, not that the level is certain, so errors are floored at this. Without a
    number of raters it is NaN: nothing can be told.
    """
    least: FloatArray = _LEAST.take(n, mode="clip")
    return least


def floored(standard_error: FloatArray, n: npt.NDArray[np.integer]) -> FloatArray:
    """Return errors as they count: at least what n raters can show."""
    found: FloatArray = np.maximum(standard_error, least_standard_error(n))
    return found


def shown(points: FloatArray) -> FloatArray:
    """Return figures in level points as answers have them: four decimals, which hold eighths exactly."""
    found: FloatArray = np.rint(points * 1e4) / 1e4
    return found


def shown_p(p_value: FloatArray) -> FloatArray:
    """Return p values as answers have them: six decimals, never less than they are."""
    found: FloatArray = np.ceil(p_value * 1e6) / 1e6
    return found


def middle_95(draws: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Return between which whole numbers 95 % of draws lie, along the first axis: (2, ...)."""
    found: npt.NDArray[np.intp] = np.quantile(draws, (0.025, 0.975), axis=0, method="inverted_cdf").astype(np.intp)
    return found


def _welch(first: FloatArray, second: FloatArray, n: tuple[npt.NDArray[np.integer], ...]) -> FloatArray:
    """Return the degrees of freedom of two means with unlike numbers of raters; NaN without a test."""
    squares = (first * first, second * second)
    parts = [square * square / np.maximum(k - 1, 1) for square, k in zip(squares, n, strict=True)]
    degrees_of_freedom: FloatArray = (squares[0] + squares[1]) ** 2 / (parts[0] + parts[1])
    return degrees_of_freedom


def discoveries(p_value: FloatArray, rate: float = FALSE_DISCOVERY_RATE) -> BoolArray:
    """Return which tests are discoveries by the step-up rule of Benjamini and Hochberg; NaN is no test."""
    ranked = np.sort(p_value, axis=-1)  # NaN last
    tests = np.count_nonzero(p_value == p_value, axis=-1, keepdims=True)
    passes = ranked * tests <= rate * _ranks(p_value.shape[-1])
    threshold = ranked.max(axis=-1, keepdims=True, where=passes, initial=-1.0)
    found: BoolArray = p_value <= threshold
    return found


@lru_cache(maxsize=8)
def _ranks(count: int) -> FloatArray:
    return np.arange(1.0, count + 1)
