"""A gap report as a DataFrame."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd

from skillgap.export import phrases
from skillgap.export.phrases import Report
from skillgap.models import LevelAnchors, SkillGap

_FIELDS = [field.name for field in fields(SkillGap) if field.name != "stability"]


def gap_frame(report: Report) -> pd.DataFrame:
    """Return a DataFrame with one row per gap, then one per surplus skill (`gap` below 0), in the report's order.

    Columns: the two codes, then the fields of SkillGap without `stability`. Anchors are text. Missing values are None
    or NaN.
    """
    current = report.from_occupation.onet_soc_code if report.from_occupation else None
    codes = {"from_onet_soc_code": current, "to_onet_soc_code": report.to_occupation.onet_soc_code}
    rows = [{**codes, **_row(gap)} for gap in (*report.skill_gaps, *report.surplus_skills)]
    return pd.DataFrame(rows, columns=[*codes, *_FIELDS])


def _row(gap: SkillGap) -> dict[str, object]:
    values = ((name, getattr(gap, name)) for name in _FIELDS)
    return {name: phrases.meaning(value) if isinstance(value, LevelAnchors) else value for name, value in values}
