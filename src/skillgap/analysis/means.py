"""The exact means behind the two decimals that O*NET prints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, FloatArray
from skillgap.onet.scales import RATERS


def exact_means(data_values: FloatArray, n: npt.NDArray[np.integer]) -> FloatArray:
    """Return the means before rounding to two decimals: (occupations, elements), or those of one element.

    4.12 stands for 4.125 where 8 analysts rated (see `in_eighths`). NaN stays NaN.
    """
    return as_exact(data_values, in_eighths(data_values, n))


def in_eighths(data_values: FloatArray, n: npt.NDArray[np.integer]) -> BoolArray:
    """Return which elements have means that are eighths printed with two decimals: (elements,).

    The mean of 8 whole-number ratings is a multiple of an eighth. An element is read in eighths if most of its values
    with a number of raters have 8 raters and equal a rounded eighth. The decision applies to the whole column, because
    two levels of one element are comparable only if both are read in the same way: O*NET 26.1 has 53 occupations
    without a number of raters beside 820 with 8.
    """
    is_eighth = (n == RATERS) & _prints_as(_nearest_eighth(data_values), data_values)
    is_in_eighths: BoolArray = 2 * np.count_nonzero(is_eighth, axis=0) > np.count_nonzero(n > 0, axis=0)
    return is_in_eighths


def as_exact(values: FloatArray, is_in_eighths: BoolArray) -> FloatArray:
    """Return values as they are compared; `is_in_eighths` flags the elements along the last axis.

    A rounded eighth becomes the eighth, any other value is rounded to two decimals. The result depends on the printed
    value only: equal prints are equal, and a higher print is higher.
    """
    eighths = _nearest_eighth(values)
    is_eighth = is_in_eighths & _prints_as(eighths, values)
    return np.where(is_eighth, eighths, np.rint(values * 100.0) / 100.0)


def _nearest_eighth(values: FloatArray) -> FloatArray:
    eighths: FloatArray = np.rint(values * RATERS) / RATERS
    return eighths


def _prints_as(eighths: FloatArray, values: FloatArray) -> BoolArray:
    """Return where both have the same two decimals, rounded half to even as O*NET rounds."""
    is_equal: BoolArray = np.rint(eighths * 100.0) == np.rint(values * 100.0)
    return is_equal
