"""Ratings made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skillgap.analysis.ratings import Ratings
from skillgap.model import Occupation


def make_ratings(levels: Mapping[str, Sequence[float | None]], **given: Mapping[str, Sequence[Any]]) -> Ratings:
    """Return ratings of the occupations in `levels`; other fields are usual unless given, by code, too."""
    codes = sorted(levels)
    width = len(next(iter(levels.values())))
    usual = {
        "standard_error": 0.125,
        "n": 8,
        "importance": 3.0,
        "importance_standard_error": 0.125,
        "importance_n": 8,
        "not_relevant": False,
        "recommend_suppress": False,
        "month": 12 * 2023 + 7,
        "source": 0,
        "lower": np.nan,
        "upper": np.nan,
    }
    arrays = {
        name: np.array([given.get(name, {}).get(code, [value] * width) for code in codes], dtype=_DTYPES[name])
        for name, value in usual.items()
    }
    return Ratings(
        data_version="1",
        web_services_release=None,
        release=None,
        occupations={
            code: Occupation(code, f"Title {code}", None, True, False, None, "text", None, None) for code in codes
        },
        predictions=None,
        analysts=None,
        explanations={},
        anchors={},
        domain="all",
        codes=tuple(codes),
        element_ids=tuple(f"2.A.{k}" for k in range(width)),
        element_names=tuple(f"Skill {k}" for k in range(width)),
        sources=("text",),
        data_value=np.array([[np.nan if v is None else v for v in levels[code]] for code in codes]),
        **arrays,
    )


_DTYPES: dict[str, type[np.generic]] = {
    "standard_error": np.float64,
    "n": np.int32,
    "importance": np.float64,
    "importance_standard_error": np.float64,
    "importance_n": np.int32,
    "not_relevant": np.bool_,
    "recommend_suppress": np.bool_,
    "month": np.int32,
    "source": np.int8,
    "lower": np.float64,
    "upper": np.float64,
}
