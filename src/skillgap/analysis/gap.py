"""The skill gap between two occupations, and its place among all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from skillgap.analysis.arrays import IntArray, python_numbers, rows_by_name
from skillgap.analysis.bootstrap.gap import gap_stability
from skillgap.analysis.missing import lacks, unavailable
from skillgap.analysis.pairs import (
    LevelVector,
    Pair,
    SummaryArrays,
    compare_in_full,
    figures,
    level_vector,
    order_of,
    pair_of,
)
from skillgap.analysis.printed import PrintedRatings
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import Differences, shown, shown_p
from skillgap.models import GapReport, GapStability, GapSummary, Occupation, SkillGap

SCALE_ID = "LV"


def identify_skill_gap(current: str, target: str, ratings: Ratings, *, stability: bool = False) -> GapReport:
    """Return what stands between two occupations that have levels, given by their dashed O*NET-SOC codes.

    A skill is a gap when the target's level is higher; a missing level counts as 0. Everything else says how much
    to trust it: see the fields of SkillGap; with `stability`, how the order of the gaps moves, too (some ms). Raises
    NoData, UnknownOccupation, UnratedOccupation.
    """
    a, b = ratings.row(current), ratings.row(target)
    pair, skill_gaps, surplus_skills = ranked_rows(
        level_vector(ratings, a), ratings.printed(a), b, ratings, stability=stability
    )
    return GapReport(
        from_occupation=ratings.occupations[current],
        to_occupation=ratings.occupations[target],
        domain=ratings.domain,
        domains_compared=ratings.domains_of(a, b),
        weight=ratings.weighting,
        summary=summarise(ratings, b, pair, ratings.occupations[current]),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        provenance=ratings.provenance_of(a, b),
    )


def summarise_gaps(current: int, targets: IntArray, ratings: Ratings) -> list[GapSummary]:
    """Return the summaries of the gaps between one occupation and others, given by their rows."""
    found = figures(pair_of(current, targets, ratings), targets, ratings)
    occupation = ratings.occupations[ratings.codes[current]]
    others = [ratings.occupations[ratings.codes[b]] for b in targets.tolist()]
    steps = [_job_zone_step(occupation, target) for target in others]
    lacking = lacks(found, np.array([step is not None for step in steps], dtype=np.bool_), targets, ratings).tolist()
    rows = zip(*(column.tolist() for column in found), strict=True)
    return [
        _summary(values, step, lack, occupation, target, ratings)
        for values, step, lack, target in zip(rows, steps, lacking, others, strict=True)
    ]


def summarise(ratings: Ratings, b: int, pair: Pair, current: Occupation | None) -> GapSummary:
    """Return one pair in a few numbers."""
    found, target = figures(pair, b, ratings), ratings.occupations[ratings.codes[b]]
    step = _job_zone_step(current, target)
    lack = int(lacks(found, step is not None, b, ratings))
    return _summary([each.item() for each in found], step, lack, current, target, ratings)


def _summary(
    found: Sequence[Any],
    step: int | None,
    lack: int,
    current: Occupation | None,
    target: Occupation,
    ratings: Ratings,
) -> GapSummary:
    """Return a summary of the figures of a pair, `Figures` as Python numbers; what is unknown is null, with why."""
    fields = dict(zip(SummaryArrays._fields, found, strict=True))
    if not lack:
        return GapSummary(**fields, job_zone_step=step)
    why = unavailable(lack, current, target, ratings)
    known: dict[str, Any] = {name: None if name in why else value for name, value in fields.items()}
    return GapSummary(**known, job_zone_step=step, unavailable=why)


def ranked_rows(
    current: LevelVector, printed: PrintedRatings, b: int, ratings: Ratings, *, stability: bool
) -> tuple[Pair, list[SkillGap], list[SkillGap]]:
    """Return a side compared with an occupation, given by its row, with gaps and surplus in order (see `order_of`)."""
    target = level_vector(ratings, b)
    pair, tests = compare_in_full(current, target)
    moves = gap_stability(current, b, ratings) if stability else repeat(None)
    rows = _rows(printed, ratings.printed(b), pair, tests, moves, ratings)
    order = order_of(pair, target, ratings.weight[b]).tolist()
    return pair, [rows[k] for k in order if rows[k].gap > 0], [rows[k] for k in order if rows[k].gap < 0]


def _job_zone_step(current: Occupation | None, target: Occupation) -> int | None:
    if current is None or current.job_zone is None or target.job_zone is None:
        return None
    return target.job_zone - current.job_zone


def _rows(
    current: PrintedRatings,
    target: PrintedRatings,
    pair: Pair,
    tests: Differences,
    stability: Iterable[GapStability | None],
    ratings: Ratings,
) -> list[SkillGap]:
    """Return a row for every element, in their order."""
    standard_error, lower, upper = python_numbers(shown(np.array(tests[:3])))
    return rows_by_name(
        SkillGap,
        element_id=ratings.element_ids,
        element_name=ratings.element_names,
        domain=ratings.element_domains,
        scale_id=repeat(SCALE_ID),
        from_data_value=current.data_value,
        to_data_value=target.data_value,
        gap=pair.gap.tolist(),
        importance=target.importance,
        standard_error=standard_error,
        gap_lower=lower,
        gap_upper=upper,
        p_value=python_numbers(shown_p(tests.p_value)),
        distinguishable=_tested(pair),
        from_standard_error=current.standard_error,
        to_standard_error=target.standard_error,
        from_lower=current.lower,
        from_upper=current.upper,
        to_lower=target.lower,
        to_upper=target.upper,
        from_source=current.source,
        to_source=target.source,
        from_date_updated=current.date_updated,
        to_date_updated=target.date_updated,
        from_not_relevant=current.not_relevant,
        to_not_relevant=target.not_relevant,
        from_recommend_suppress=current.recommend_suppress,
        to_recommend_suppress=target.recommend_suppress,
        from_anchors=current.anchors,
        to_anchors=target.anchors,
        stability=stability,
    )


def _tested(pair: Pair) -> list[bool | None]:
    """Return which differences are distinguishable, None for one that cannot be tested."""
    is_distinguishable = pair.is_distinguishable.tolist()
    if pair.is_tested.all():
        return is_distinguishable  # type: ignore[no-any-return]
    return [
        stands_out if is_tested else None
        for stands_out, is_tested in zip(is_distinguishable, pair.is_tested.tolist(), strict=True)
    ]
