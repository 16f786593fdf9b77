"""Which gaps of a report are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from skillgap.export.phrases import Report
from skillgap.models import SkillGap

Order = Literal["weight", "name", "now", "asked", "gap", "importance"]
"""Orders of a table of gaps; `weight` is the report's own, `now` and `asked` are the current and the target level."""

_KEYS: dict[Order, Callable[[SkillGap], Any]] = {
    "name": lambda row: row.element_name,
    "now": lambda row: -(row.from_data_value or 0.0),
    "asked": lambda row: -(row.to_data_value or 0.0),
    "gap": lambda row: -abs(row.gap),
    "importance": lambda row: -(row.importance or 0.0),
}
_ORDERED: dict[Order, str] = {
    "weight": "clear ones first, then by importance × gap",
    "name": "by name",
    "now": "by current level",
    "asked": "by target level",
    "gap": "by gap",
    "importance": "by importance",
}


def select_rows(report: Report, *, only_sure: bool = False, order: Order = "weight") -> Report:
    """Return a report with its gaps in another order, or with only clear gaps and surplus."""
    gaps, surplus = report.skill_gaps, report.surplus_skills
    if only_sure:
        gaps, surplus = ([row for row in rows if row.distinguishable] for rows in (gaps, surplus))
    if key := _KEYS.get(order):
        gaps = sorted(gaps, key=key)
    return replace(report, skill_gaps=gaps, surplus_skills=surplus)


def order_in_words(order: Order, report: Report) -> str:
    """Return how a table is ordered, for its caption. Without importances, all gaps weigh the same."""
    is_weighted = report.summary.weighted_shortfall is not None
    return _ORDERED[order] if is_weighted or order != "weight" else "clear ones first, then by gap"
