"""Ratings and similarities made by hand, and the report of one person among many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Rated, Similarity, recipes
from skillgap.analysis.vectorized import NONE, People
from skillgap.models import GapReport, Occupation, PersonGapReport
from skillgap.models.person import OwnProfile


def make_ratings(
    levels: Mapping[str, Sequence[float | None]],
    *,
    job_zones: Mapping[str, int] | None = None,
    **given: Mapping[str, Sequence[Any]],
) -> Ratings:
    """Return ratings of the occupations in `levels`. Other fields have common values unless given by code."""
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
            code: Occupation(code, f"Title {code}", None, True, False, None, "text", None, (job_zones or {}).get(code))
            for code in codes
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


def near_by(score: list[list[float]], ratings: Ratings) -> Similarity:
    """Return a similarity made by hand."""
    values = np.array(score, dtype=np.float32)
    np.fill_diagonal(values, -1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :-1].astype(np.int16)
    nothing = Rated(*([np.empty((len(values), 0))] * 3))
    return Similarity(ratings.codes, values, order, recipes()[0], nothing, nothing, {})


def alone(ratings: Ratings, people: People, k: int, target: str) -> GapReport | PersonGapReport:
    """Return the gap report of one person."""
    code = None if people.occupation[k] == NONE else ratings.codes[people.occupation[k]]
    assert people.own is not None
    own = {ratings.element_ids[e]: float(people.own[k, e]) for e in np.flatnonzero(~np.isnan(people.own[k]))}
    if own:
        return identify_person_gap(OwnProfile(own, code), target, ratings)
    assert code is not None
    return identify_skill_gap(code, target, ratings)
