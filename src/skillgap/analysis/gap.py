"""The skill gap between two occupations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from skillgap.analysis.agreement import agreement
from skillgap.analysis.arrays import IntArray, python_numbers, rows_by_name
from skillgap.analysis.bootstrap.gap import gap_stability
from skillgap.analysis.missing import missing_inputs, unavailable
from skillgap.analysis.pairs import (
    CERTAINTIES,
    LevelVector,
    Pair,
    SummaryArrays,
    certainties,
    compare_levels_in_full,
    level_vector,
    order_of,
    pair_of,
    summarize_pairs,
)
from skillgap.analysis.printed import PrintedRatings
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import Differences, shown, shown_p
from skillgap.models import PERCENTILES, GapReport, GapStability, GapSummary, Occupation, SkillGap

SCALE_ID = "LV"


def identify_skill_gap(current: str, target: str, ratings: Ratings, *, stability: bool = False) -> GapReport:
    """Return the skill gap between two occupations with levels, given by their dashed O*NET-SOC codes.

    A skill is a gap if the target's level is higher; a missing level counts as 0. The other fields of SkillGap show
    how far a gap can be trusted. `stability` adds how the order of the gaps varies (some milliseconds). Raises NoData,
    UnknownOccupation, UnratedOccupation.
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
        summary=summarize(ratings, b, pair, ratings.occupations[current]),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        provenance=ratings.provenance_of(a, b),
    )


def summarize_gaps(current: int, targets: IntArray, ratings: Ratings) -> list[GapSummary]:
    """Return the summary of the gap from one occupation to each of others, given by their rows."""
    figures = summarize_pairs(pair_of(current, targets, ratings), targets, ratings)
    occupation = ratings.occupations[ratings.codes[current]]
    others = [ratings.occupations[ratings.codes[b]] for b in targets.tolist()]
    steps = [_job_zone_step(occupation, target) for target in others]
    has_step = np.array([step is not None for step in steps], dtype=np.bool_)
    missing = missing_inputs(figures, has_step, targets, ratings).tolist()
    rows = zip(*(column.tolist() for column in figures), strict=True)
    return [
        _summary(values, step, inputs, occupation, target, ratings)
        for values, step, inputs, target in zip(rows, steps, missing, others, strict=True)
    ]


def summarize(ratings: Ratings, b: int, pair: Pair, current: Occupation | None) -> GapSummary:
    """Return the summary of one pair whose target has row `b`."""
    figures, target = summarize_pairs(pair, b, ratings), ratings.occupations[ratings.codes[b]]
    step = _job_zone_step(current, target)
    missing = int(missing_inputs(figures, step is not None, b, ratings))
    return _summary([figure.item() for figure in figures], step, missing, current, target, ratings)


def _summary(
    figures: Sequence[Any],
    step: int | None,
    missing: int,
    current: Occupation | None,
    target: Occupation,
    ratings: Ratings,
) -> GapSummary:
    """Return the summary of a pair from `SummaryArrays` as Python numbers; unknown fields are None with a reason."""
    fields = dict(zip(SummaryArrays._fields, figures, strict=True))
    fields |= {name: int(fields[name]) for name in PERCENTILES if fields[name] == fields[name]}
    if not missing:
        return GapSummary(**fields, job_zone_step=step)
    reasons = unavailable(missing, current, target, ratings)
    available: dict[str, Any] = {name: None if name in reasons else value for name, value in fields.items()}
    return GapSummary(**available, job_zone_step=step, unavailable=reasons)


def ranked_rows(
    current: LevelVector, printed: PrintedRatings, b: int, ratings: Ratings, *, stability: bool
) -> tuple[Pair, list[SkillGap], list[SkillGap]]:
    """Compare levels with the target in row `b`; return the pair, its gaps and its surplus (see `order_of`)."""
    target = level_vector(ratings, b)
    pair, tests = compare_levels_in_full(current, target)
    stabilities = gap_stability(current, b, ratings) if stability else repeat(None)
    rows = _rows(printed, b, pair, tests, stabilities, ratings)
    order = order_of(pair, target, ratings.weight[b]).tolist()
    return pair, [rows[k] for k in order if rows[k].gap > 0], [rows[k] for k in order if rows[k].gap < 0]


def _job_zone_step(current: Occupation | None, target: Occupation) -> int | None:
    if current is None or current.job_zone is None or target.job_zone is None:
        return None
    return target.job_zone - current.job_zone


def _rows(
    current: PrintedRatings,
    b: int,
    pair: Pair,
    tests: Differences,
    stabilities: Iterable[GapStability | None],
    ratings: Ratings,
) -> list[SkillGap]:
    """Return one row per element, in the order of the elements."""
    target = ratings.printed(b)
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
        agreement=python_numbers(agreement(pair.gap, pair.panel_variance, ratings.margin)),
        distinguishable=_distinguishable(pair),
        certainty=CERTAINTIES[certainties(pair, b, ratings)].tolist(),
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
        stability=stabilities,
    )


def _distinguishable(pair: Pair) -> list[bool | None]:
    """Return whether each difference is distinguishable; None if it cannot be tested."""
    is_distinguishable = pair.is_distinguishable.tolist()
    if pair.is_tested.all():
        return is_distinguishable  # type: ignore[no-any-return]
    return [
        is_clear if is_tested else None
        for is_clear, is_tested in zip(is_distinguishable, pair.is_tested.tolist(), strict=True)
    ]
