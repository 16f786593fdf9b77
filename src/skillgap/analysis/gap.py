"""The skill gap between two occupations, and its place among all pairs."""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat

import numpy as np

from skillgap.analysis.ratings import FloatArray, Ratings, python_numbers
from skillgap.analysis.significance import Differences, compare_means
from skillgap.model import GapReport, GapSummary, SkillGap

SCALE_ID = "LV"


def identify_skill_gap(current: str, target: str, ratings: Ratings) -> GapReport:
    """Return what stands between two occupations that have levels, given by their dashed O*NET-SOC codes.

    A skill is a gap when the target's level is higher; a missing level counts as 0. Everything else says how much
    to trust it: see the fields of SkillGap. Raises NoData, UnknownOccupation, UnratedOccupation.
    """
    a, b = ratings.row(current), ratings.row(target)
    # Eighths, and predictions, which have two decimals: rounding takes away nothing but what floating point adds.
    gap = np.rint((ratings.level_or_zero[b] - ratings.level_or_zero[a]) * 1e4) / 1e4
    differences = compare_means(
        ratings.level[b] - ratings.level[a],
        standard_errors=(ratings.standard_error[a], ratings.standard_error[b]),
        n=(ratings.raters[a], ratings.raters[b]),
    )
    weight, not_relevant = ratings.weight[b], ratings.not_relevant[b]
    distinguishable = differences.distinguishable & ~not_relevant
    # Relevant to the target first, then sure before unsure, then by what weighs most; element id breaks ties.
    order = np.lexsort((-np.abs(gap) * weight, ~distinguishable, not_relevant)).tolist()
    rows = _rows(ratings, a, b, gap, differences._replace(distinguishable=distinguishable))
    skill_gaps = [rows[k] for k in order if rows[k].gap > 0]
    surplus_skills = [rows[k] for k in order if rows[k].gap < 0]
    shortfall = float(np.maximum(gap, 0.0) @ weight / ratings.weight_sum[b])
    return GapReport(
        from_occupation=ratings.occupations[current],
        to_occupation=ratings.occupations[target],
        summary=GapSummary(
            skills_compared=int(np.count_nonzero(differences.p_value >= 0)),
            gaps=len(skill_gaps),
            distinguishable_gaps=sum(row.distinguishable for row in skill_gaps),
            surplus=len(surplus_skills),
            distinguishable_surplus=sum(row.distinguishable for row in surplus_skills),
            weighted_shortfall=round(shortfall, 4),
            shortfall_percentile=_percentile(ratings, shortfall),
        ),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        provenance=ratings.provenance_of(a, b),
    )


def gap_matrix(ratings: Ratings) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return the gaps of all pairs in level points: float32 (from, to, element), 0 where there is no gap.

    Exact for analysts' ratings, since eighths up to 7 are. Size: 108 MB for 879 occupations.
    """
    level = ratings.level_or_zero.astype(np.float32)
    gaps = np.empty((len(level), *level.shape), dtype=np.float32)
    for a, current in enumerate(level):
        np.maximum(np.subtract(level, current, out=gaps[a]), 0.0, out=gaps[a])
    return gaps


def weighted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the importance-weighted shortfall of all pairs in level points: float64 (from, to), 0 on the diagonal.

    Equal to the summary's figure of each pair to the last bit: sums of products of eighths are exact.
    """
    level = ratings.level_or_zero
    shortfalls = np.empty((len(level), len(level)))
    gaps = np.empty_like(level)
    for b, target in enumerate(level):
        np.maximum(np.subtract(target, level, out=gaps), 0.0, out=gaps)
        shortfalls[:, b] = gaps @ ratings.weight[b] / ratings.weight_sum[b]
    return shortfalls


@lru_cache(maxsize=2)  # the data version in use, and the one before while its last requests end
def _sorted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the shortfalls of all pairs that analysts have rated; predictions vary less, so they are no yardstick."""
    shortfalls = weighted_shortfalls(ratings)
    return np.sort(shortfalls[~np.eye(len(shortfalls), dtype=np.bool_)])


def _percentile(ratings: Ratings, shortfall: float) -> float:
    ordered = _sorted_shortfalls(ratings.analysts or ratings)
    return round(100.0 * float(np.searchsorted(ordered, shortfall)) / max(len(ordered), 1), 1)


def _rows(ratings: Ratings, a: int, b: int, gap: FloatArray, differences: Differences) -> list[SkillGap]:
    """Return a row for every element, in their order."""
    current, target = ratings.printed[a], ratings.printed[b]
    standard_error, lower, upper = python_numbers(np.rint(np.array(differences[:3]) * 1e4) / 1e4)
    columns = (
        ratings.element_ids,
        ratings.element_names,
        repeat(SCALE_ID),
        current.data_value,
        target.data_value,
        gap.tolist(),
        target.importance,
        standard_error,
        lower,
        upper,
        python_numbers(np.ceil(differences.p_value * 1e6) / 1e6),
        differences.distinguishable.tolist(),
        current.standard_error,
        target.standard_error,
        current.lower,
        current.upper,
        target.lower,
        target.upper,
        current.source,
        target.source,
        current.date_updated,
        target.date_updated,
        current.not_relevant,
        target.not_relevant,
        current.recommend_suppress,
        target.recommend_suppress,
    )
    return list(map(SkillGap, *columns))
