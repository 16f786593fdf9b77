"""What a generative model says, put right by occupations that analysts have rated.

Raw levels rank skills well and are far off: so a line with one slope for all skills, and a level of its own for each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skillgap.analysis.ratings import BoolArray, FloatArray
from skillgap.analysis.significance import CONFIDENCE
from skillgap.llm.prediction import Prediction
from skillgap.model import HIGHEST_LEVEL

_SHRINKAGE = 5.0
"""Occupations that the pooled figure counts for, where a skill's own is taken from few."""


def calibrate(raw: FloatArray, level: FloatArray, asked: FloatArray) -> Prediction:
    """Return levels of what was said of the `asked` occupations: (asked, skills), NaN where nothing was said.

    `raw` and `level` are (rated occupations, skills): what was said of them, NaN where nothing, and the analysts'
    levels. Intervals come from the errors at each rated occupation when it is left out.
    """
    left_out = np.full_like(raw, np.nan)
    for row in range(len(raw)):
        others = np.arange(len(raw)) != row
        left_out[row] = _on_line(raw[others], level[others], raw[row : row + 1])[0] - level[row]
    error = _shrunk_rms(left_out)
    scaled = np.abs(left_out / error)
    width = np.nanquantile(scaled, CONFIDENCE) * error
    said = _on_line(raw, level, asked)
    spread = np.where(np.isnan(said), np.nan, 1.0)
    return Prediction(
        level=np.clip(said, 0.0, HIGHEST_LEVEL),
        lower=np.clip(said - width, 0.0, HIGHEST_LEVEL),
        upper=np.clip(said + width, 0.0, HIGHEST_LEVEL),
        standard_error=spread * error,
        leaning=np.zeros((len(asked), 0)),
    )


def _on_line(raw: FloatArray, level: FloatArray, asked: FloatArray) -> FloatArray:
    said = ~np.isnan(raw)
    count = said.sum(axis=0)
    mean_raw = _means(raw, said, count)
    mean_level = _means(level, said, count)
    away = np.where(said, raw - mean_raw, 0.0)
    slope = (away * (level - mean_level)).sum() / max((away**2).sum(), 1e-12)
    offset = mean_level - slope * mean_raw
    pooled = float(np.average(offset, weights=np.maximum(count, 1e-12)))
    shrunk = (count * offset + _SHRINKAGE * pooled) / (count + _SHRINKAGE)
    found: FloatArray = shrunk + slope * asked
    return found


def _means(values: FloatArray, said: BoolArray, count: npt.NDArray[np.intp]) -> FloatArray:
    means: FloatArray = np.where(said, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    return means


def _shrunk_rms(errors: FloatArray) -> FloatArray:
    count = (~np.isnan(errors)).sum(axis=0)
    squares = np.nansum(errors**2, axis=0)
    pooled = squares.sum() / max(count.sum(), 1)
    rms: FloatArray = np.sqrt((squares + _SHRINKAGE * pooled) / (count + _SHRINKAGE))
    return rms
