"""The gaps of all pairs in one array, for the benchmark and as a reference for tests."""

from __future__ import annotations

import numpy as np

from skillgap.analysis.ratings import Ratings


def all_gaps(ratings: Ratings) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return the gaps of all pairs in level points: float32 (from, to, element), 0 without a gap.

    Differences of eighths are exact, others within 1e-6; equal printed levels have no gap. Size: 108 MB for 879
    occupations.
    """
    level = ratings.comparable_level.astype(np.float32)
    gaps = np.empty((len(level), *level.shape), dtype=np.float32)
    for a, current in enumerate(level):
        np.fmax(np.subtract(level, current, out=gaps[a]), 0.0, out=gaps[a])
    return gaps
