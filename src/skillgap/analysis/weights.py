"""Weights of the elements of a target occupation."""

from __future__ import annotations

import numpy as np

from skillgap.analysis.arrays import BoolArray, FloatArray
from skillgap.models import WeightChoice
from skillgap.onet.scales import HIGHEST_IMPORTANCE


def as_weight(importance: FloatArray, weighting: WeightChoice, *, counts: BoolArray) -> FloatArray:
    """Return the weights for importances (scale IM): 0 where they do not count, NaN where they are missing."""
    if weighting == "none":
        return counts.astype(np.float64)
    weight = np.maximum(importance - 1.0, 0.0) if weighting == "standard" else importance
    return np.where(counts, weight, 0.0)


def usual_importance(level: FloatArray, analysts_level: FloatArray, analysts_importance: FloatArray) -> FloatArray:
    """Return the importance of one element expected at each level: least squares on the analysts' ratings.

    `analysts_importance` is NaN where missing. Returns points of scale IM, clipped to 0-5.
    """
    is_known = ~np.isnan(analysts_importance)
    known_level, known_importance = analysts_level[is_known], analysts_importance[is_known]
    deviation = known_level - known_level.mean()
    slope = deviation @ known_importance / max(deviation @ deviation, 1e-12)
    importance: FloatArray = known_importance.mean() + slope * (level - known_level.mean())
    return np.clip(importance, 0.0, HIGHEST_IMPORTANCE)
