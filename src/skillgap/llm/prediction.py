"""What a model predicts, whatever kind of model it is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from skillgap.analysis.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Prediction:
    """Levels of occupations that were not trained on: (occupations, elements) each, level points."""

    level: FloatArray
    lower: FloatArray
    upper: FloatArray
    """Ends of the 95 % interval of the analysts' rating."""
    standard_error: FloatArray
    """Root mean square error to expect."""
    leaning: FloatArray
    """(occupations, trained occupations): how much of a prediction leans on each. Where others are alike, it sums to
    about 1; what makes it lean less on twins is negative."""

    def of(self, rows: IntArray) -> Prediction:
        """Return some of the occupations."""
        return Prediction(*(getattr(self, each.name)[rows] for each in fields(self)))

    @classmethod
    def bare(cls, level: FloatArray, *, trained: int = 0) -> Prediction:
        """Return levels without interval, error and leaning."""
        lower, upper, error = (np.full_like(level, np.nan) for _ in range(3))
        return cls(level, lower, upper, error, leaning=np.zeros((len(level), trained)))
