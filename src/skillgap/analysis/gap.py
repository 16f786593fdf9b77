"""The skill gap between two occupations, and its place among all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skillgap.analysis.ratings import BoolArray, FloatArray, IntArray, PrintedRatings, Ratings, python_numbers
from skillgap.analysis.significance import Differences, compare_means
from skillgap.model import GapReport, GapSummary, Occupation, SkillGap

SCALE_ID = "LV"


def identify_skill_gap(current: str, target: str, ratings: Ratings) -> GapReport:
    """Return what stands between two occupations that have levels, given by their dashed O*NET-SOC codes.

    A skill is a gap when the target's level is higher; a missing level counts as 0. Everything else says how much
    to trust it: see the fields of SkillGap. Raises NoData, UnknownOccupation, UnratedOccupation.
    """
    a, b = ratings.row(current), ratings.row(target)
    pair = compare_sides(_side(ratings, a), b, ratings)
    skill_gaps, surplus_skills = ranked_rows(ratings.printed(a), b, pair, ratings)
    return GapReport(
        from_occupation=ratings.occupations[current],
        to_occupation=ratings.occupations[target],
        domain=ratings.domain,
        domains_compared=ratings.domains_of(a, b),
        summary=summarise(ratings, b, pair, ratings.occupations[current]),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        provenance=ratings.provenance_of(a, b),
    )


def summarise_gaps(current: int, targets: IntArray, ratings: Ratings) -> list[GapSummary]:
    """Return the summaries of the gaps between one occupation and others, given by their rows."""
    found = figures(compare_sides(_side(ratings, current), targets, ratings), targets, ratings)
    occupation = ratings.occupations[ratings.codes[current]]
    steps = (_job_zone_step(occupation, ratings.occupations[ratings.codes[b]]) for b in targets.tolist())
    return _summaries(found, steps)


def figures_from(current: int, ratings: Ratings) -> Figures:
    """Return the figures of the gaps between one occupation, given by its row, and all in their order."""
    every = np.arange(len(ratings.codes))
    return figures(compare_sides(_side(ratings, current), every, ratings), every, ratings)


class Side(NamedTuple):
    """Levels of one occupation, or of many along the first axis; or a person's. NaN where there is none."""

    level: FloatArray
    level_to_subtract: FloatArray
    """The same, 0 where what is missing shall count as 0, NaN where it is unknown: it is then not compared."""
    standard_error: FloatArray
    raters: npt.NDArray[np.int32]


class Pair(NamedTuple):
    """Target minus current of one pair, or of many along the first axis."""

    gap: FloatArray
    has_levels: BoolArray
    """On both sides."""
    differences: Differences
    """What is Not Relevant to the target is never distinguishable."""


def _side(ratings: Ratings, row: int | IntArray) -> Side:
    return Side(ratings.level[row], ratings.comparable_level[row], ratings.standard_error[row], ratings.raters[row])


def compare_sides(current: Side, b: int | IntArray, ratings: Ratings) -> Pair:
    """Compare levels with those of occupations, given by their rows."""
    target = _side(ratings, b)
    # Eighths, and predictions, which have two decimals: rounding takes away nothing but what floating point adds.
    gap = np.rint((target.level_to_subtract - current.level_to_subtract) * 1e4) / 1e4
    difference = target.level - current.level
    found = compare_means(
        difference,
        standard_errors=(current.standard_error, target.standard_error),
        n=(current.raters, target.raters),
    )
    is_sure = found.distinguishable & ~ratings.not_relevant[b]
    return Pair(gap, ~np.isnan(difference), found._replace(distinguishable=is_sure))


class Figures(NamedTuple):
    """The fields of GapSummary but the Job Zone step, in its order, for one pair or for many."""

    skills_compared: IntArray
    skills_tested: IntArray
    gaps: IntArray
    distinguishable_gaps: IntArray
    surplus: IntArray
    distinguishable_surplus: IntArray
    weighted_shortfall: FloatArray
    distinguishable_shortfall: FloatArray
    shortfall_percentile: FloatArray


def figures(pair: Pair, b: int | IntArray, ratings: Ratings) -> Figures:
    """Return pairs in a few numbers; skills whose gap is NaN are left out of them, and then there is no percentile."""
    gap, is_sure = pair.gap, pair.differences.distinguishable
    is_gap, is_surplus = gap > 0, gap < 0
    is_tested = pair.differences.p_value >= 0
    is_counted = (pair.has_levels, is_tested, is_gap, is_gap & is_sure, is_surplus, is_surplus & is_sure)
    shortfalls = _weighted(pair, b, ratings)
    counts, rounded = np.array(is_counted).sum(axis=-1), np.rint(shortfalls * 1e4) / 1e4
    percentile = percentiles(shortfalls[0], ratings)
    return Figures._make((*counts, *rounded, np.where(np.isnan(gap).any(axis=-1), np.nan, percentile)))


def _weighted(pair: Pair, b: int | IntArray, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls by all gaps, and by the distinguishable ones, unrounded: (2, ...)."""
    asked = np.fmax(pair.gap, 0.0) * ratings.weight[b]  # NaN counts as 0
    both = np.array((asked, asked * pair.differences.distinguishable))
    found: FloatArray = both.sum(axis=-1) / _weight_compared(pair.gap, b, ratings)
    return found


def _weight_compared(gap: FloatArray, b: int | IntArray | slice, ratings: Ratings) -> FloatArray:
    """Return the sum of the weights of what is compared in a target, or in many."""
    is_unknown = np.isnan(gap)
    if not is_unknown.any():
        total: FloatArray = ratings.weight_sum[b]
        return total
    known: FloatArray = np.where(is_unknown, 0.0, ratings.weight[b]).sum(axis=-1)
    return np.maximum(known, 1e-12)


def summarise(ratings: Ratings, b: int, pair: Pair, current: Occupation | None) -> GapSummary:
    """Return one pair in a few numbers."""
    step = _job_zone_step(current, ratings.occupations[ratings.codes[b]])
    return _summaries(figures(pair, b, ratings), [step])[0]


def _summaries(found: Figures, steps: Iterable[int | None]) -> list[GapSummary]:
    columns: Iterator[tuple[Any, ...]] = zip(
        *(python_numbers(np.atleast_1d(each)) for each in found), steps, strict=True
    )
    return [GapSummary(*each) for each in columns]


def ranked_rows(current: PrintedRatings, b: int, pair: Pair, ratings: Ratings) -> tuple[list[SkillGap], list[SkillGap]]:
    """Return gaps and surplus: relevant to the target first, sure before unsure, then what weighs most, then by id."""
    weight, not_relevant = ratings.weight[b], ratings.not_relevant[b]
    order = np.lexsort((-np.abs(pair.gap) * weight, ~pair.differences.distinguishable, not_relevant)).tolist()
    rows = _rows(current, ratings.printed(b), pair, ratings)
    return [rows[k] for k in order if rows[k].gap > 0], [rows[k] for k in order if rows[k].gap < 0]


def distinguishable_gaps(current: int, targets: IntArray, ratings: Ratings) -> BoolArray:
    """Return which skills are distinguishable gaps from one occupation to others by their rows: (targets, elements)."""
    pairs = compare_sides(_side(ratings, current), targets, ratings)
    found: BoolArray = pairs.differences.distinguishable & (pairs.gap > 0)
    return found


def shortfalls_of(current: IntArray, target: IntArray, ratings: Ratings) -> tuple[FloatArray, FloatArray]:
    """Return the weighted and the distinguishable shortfall of pairs given by their rows, unrounded, level points."""
    asked, sure = _weighted(compare_sides(_side(ratings, current), target, ratings), target, ratings)
    return asked, sure


def shortfalls_from(current: int, ratings: Ratings) -> FloatArray:
    """Return the weighted shortfalls between one occupation and all, in level points: (occupations,)."""
    gaps = ratings.comparable_level - ratings.comparable_level[current]
    asked = np.fmax(gaps, 0.0) * ratings.weight
    shortfalls: FloatArray = asked.sum(axis=1) / _weight_compared(gaps, slice(None), ratings)
    return shortfalls


def _job_zone_step(current: Occupation | None, target: Occupation) -> int | None:
    if current is None or current.job_zone is None or target.job_zone is None:
        return None
    return target.job_zone - current.job_zone


def all_gaps(ratings: Ratings) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return the gaps of all pairs in level points: float32 (from, to, element), 0 where there is no gap.

    Exact for analysts' ratings, since eighths up to 7 are. Size: 108 MB for 879 occupations.
    """
    level = ratings.comparable_level.astype(np.float32)
    gaps = np.empty((len(level), *level.shape), dtype=np.float32)
    for a, current in enumerate(level):
        np.fmax(np.subtract(level, current, out=gaps[a]), 0.0, out=gaps[a])
    return gaps


def weighted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the importance-weighted shortfall of all pairs in level points: float64 (from, to), 0 on the diagonal.

    Equal to the summary's figure of each pair to the last bit: sums of products of eighths are exact.
    """
    level = ratings.comparable_level
    shortfalls = np.empty((len(level), len(level)))
    gaps = np.empty_like(level)
    for b, target in enumerate(level):
        total = _weight_compared(np.subtract(target, level, out=gaps), b, ratings)
        shortfalls[:, b] = np.fmax(gaps, 0.0, out=gaps) @ ratings.weight[b] / total
    return shortfalls


@lru_cache(maxsize=10)  # the domains of the data version in use, and of the one before while its last requests end
def _sorted_shortfalls(ratings: Ratings) -> FloatArray:
    """Return the shortfalls of all pairs that analysts have rated; predictions vary less, so they are no yardstick."""
    shortfalls = weighted_shortfalls(ratings)
    return np.sort(shortfalls[~np.eye(len(shortfalls), dtype=np.bool_)])


def percentiles(shortfalls: FloatArray, ratings: Ratings) -> FloatArray:
    """Return which share of all ordered pairs that analysts have rated has a smaller shortfall, in percent."""
    ordered = _sorted_shortfalls(ratings.analysts or ratings)
    found: FloatArray = np.rint(1_000.0 * np.searchsorted(ordered, shortfalls) / max(len(ordered), 1)) / 10.0
    return found


def _rows(current: PrintedRatings, target: PrintedRatings, pair: Pair, ratings: Ratings) -> list[SkillGap]:
    """Return a row for every element, in their order."""
    gap, differences = pair.gap, pair.differences
    standard_error, lower, upper = python_numbers(np.rint(np.array(differences[:3]) * 1e4) / 1e4)
    columns = (
        ratings.element_ids,
        ratings.element_names,
        ratings.element_domains,
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
        current.anchors,
        target.anchors,
    )
    return list(map(SkillGap, *columns))
