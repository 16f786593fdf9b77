"""The chance that another panel of raters would find a gap in the same direction.

    agreement = Phi((|gap| - margin) / sqrt(variance of the current level + variance of the target level))

The variance of a level is that of another panel's level given this one. `make evaluate-certainty` compares the chances
with the ratings of occupations that O*NET rated again between two releases; docs/method.md shows the result.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import BoolArray, FloatArray
from skillgap.analysis.significance import floored
from skillgap.onet.scales import RATERS

LIKELY = 0.8
"""Agreement from which a gap is called likely."""

MARGIN_OF_EIGHTHS = 0.086
"""Level points: a tie counts against a gap, and panels of 8 often tie, because their levels are eighths."""
MARGIN_OF_HUNDREDTHS = 0.005
"""The same for other levels: half of the last printed digit."""
SHARE_OF_ERROR = 0.67
"""Share of the squared standard error that another panel of analysts adds. It is below the 2 of two independent panels,
because O*NET shows analysts the earlier ratings."""
COMMON_VARIANCE = 0.0197
"""Squared level points that another panel of analysts adds whatever the standard error, which 8 ratings only estimate.
"""


def panel_variance(
    standard_error: FloatArray, raters: npt.NDArray[np.integer], *, is_predicted: BoolArray
) -> FloatArray:
    """Return the variance of another panel's levels given these, in squared level points; NaN without an error.

    For analysts, panels of 8, it is fitted to repeated ratings. Each survey samples other incumbents, so two
    independent errors add up. The error of a prediction is already that of the analysts' rating.
    """
    squared = floored(standard_error, raters) ** 2
    rated = np.where(raters == RATERS, SHARE_OF_ERROR * squared + COMMON_VARIANCE, 2.0 * squared)
    return np.where(is_predicted, squared, rated)


def agreement(gap: FloatArray, variance: FloatArray, margin: FloatArray) -> FloatArray:
    """Return the chances that another panel finds gaps (or surpluses) in the same direction, 0 to 1.

    `variance` is the sum of both sides' `panel_variance`. Rounded down to three decimals, so that no chance is shown as
    certain; NaN where a variance is.
    """
    chance = scipy.special.ndtr((np.abs(gap) - margin) / np.sqrt(variance))
    rounded: FloatArray = np.floor(chance * 1e3) / 1e3
    return rounded


def is_likely(gap: FloatArray, variance: FloatArray, margin: FloatArray) -> BoolArray:
    """Return where the agreement is at least `LIKELY`: faster than to compute it."""
    likely: BoolArray = np.abs(gap) - margin >= _LIKELY_QUANTILE * np.sqrt(variance)
    return likely


_LIKELY_QUANTILE = 0.8416212335729143
"""Quantile of the standard normal distribution at `LIKELY`."""
