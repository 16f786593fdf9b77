"""Which differences between two mean ratings stand out from rater noise.

A level is the mean of 8 analysts. Two occupations' levels are compared by a t test with both standard errors, and
the 35 tests of a pair share one false-discovery rate (Benjamini and Hochberg 1995). The functions work along the
last axis, for one pair or for many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from skillgap.analysis.ratings import BoolArray, FloatArray

LEAST_STANDARD_ERROR = 0.125
"""The least error that 8 whole-number ratings can show when not all agree: one of them one point off. A printed 0
means that the 8 analysts agreed, not that the level is certain, so errors are floored at this."""

FALSE_DISCOVERY_RATE = 0.05
CONFIDENCE = 0.95


_T_QUANTILES = stdtrit(np.arange(1000.0), 0.5 + CONFIDENCE / 2)
"""By degrees of freedom; the inverse is slow, and beyond 1,000 it moves by less than 0.002."""


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
    """Test differences of two means, with n1 + n2 - 2 degrees of freedom (14 where 8 analysts rated each)."""
    first, second = standard_errors
    standard_error = np.hypot(np.maximum(first, LEAST_STANDARD_ERROR), np.maximum(second, LEAST_STANDARD_ERROR))
    degrees_of_freedom = n[0] + n[1] - 2
    p_value = 2.0 * stdtr(degrees_of_freedom, -np.abs(difference) / standard_error)
    half_width = _T_QUANTILES.take(degrees_of_freedom, mode="clip") * standard_error
    return Differences(standard_error, difference - half_width, difference + half_width, p_value, discoveries(p_value))


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
