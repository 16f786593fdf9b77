"""What is known of occupations besides their ratings: the input of every model. Importance is never part of it.

Importance correlates with level at 0.97, and an occupation without levels has none either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skillgap.analysis.ratings import FloatArray, exact_means


@dataclass(frozen=True)
class Profile:
    """One occupation in words and a few numbers."""

    onet_soc_code: str
    title: str
    description: str
    """Empty where the release has none."""
    tasks: tuple[str, ...]
    alternate_titles: tuple[str, ...]
    job_zone: int | None
    """1 to 5; None for occupations that O*NET collects no data on."""
    interests: tuple[float, ...] | None
    """Occupational interests (scale OI), elements ascending."""
    related: tuple[str, ...]
    """Codes of O*NET's own list of related occupations, nearest first; a baseline reads it, no model does."""

    @property
    def abstention(self) -> str | None:
        """Why nothing can be predicted from this; None where it can."""
        if not self.tasks or self.job_zone is None:
            return "O*NET publishes no tasks and no Job Zone for it, and its description alone says too little"
        return None


@dataclass(frozen=True)
class Skill:
    """One skill as a model is told of it."""

    element_id: str
    name: str
    description: str
    """Empty where not loaded."""
    anchors: tuple[tuple[int, str], ...]
    """What levels mean: (level, example), levels ascending; empty where not loaded."""


@dataclass(frozen=True)
class Levels:
    """Analysts' levels of the occupations that they rated whole."""

    codes: tuple[str, ...]
    element_ids: tuple[str, ...]
    level: FloatArray
    """(occupations, elements), points of scale LV, the exact eighths."""
    standard_error: FloatArray


@dataclass(frozen=True)
class Evidence:
    """All that a model may be told, and fitted to."""

    profiles: Mapping[str, Profile]
    """By O*NET-SOC code."""
    skills: tuple[Skill, ...]
    """In the order of the levels' elements."""
    levels: Levels


def read_evidence(tables: Mapping[str, pd.DataFrame]) -> Evidence:
    """Return what the tables of a release tell, PROFILE_TABLES among them; from its files, or from the store."""
    levels = read_levels(tables)
    return Evidence(read_profiles(tables), _skills(tables, levels.element_ids), levels)


def read_profiles(tables: Mapping[str, pd.DataFrame]) -> dict[str, Profile]:
    """Return the profile of every occupation."""
    tasks = _texts(tables["TaskStatements"], "task")
    titles = _texts(tables["AlternateTitles"], "alternate_title")
    zones = dict(tables["JobZones"][["onet_soc_code", "job_zone"]].itertuples(index=False, name=None))
    interests = _interests(tables["Interests"])
    related = _texts(tables["RelatedOccupations"].sort_values("related_index"), "related_onet_soc_code")
    return {
        code: Profile(
            onet_soc_code=code,
            title=title,
            description="" if pd.isna(description) else description,
            tasks=tasks.get(code, ()),
            alternate_titles=titles.get(code, ()),
            job_zone=int(zones[code]) if code in zones else None,
            interests=interests.get(code),
            related=related.get(code, ()),
        )
        for code, title, description in tables["Occupations"][["onet_soc_code", "title", "description"]].itertuples(
            index=False, name=None
        )
    }


def read_levels(tables: Mapping[str, pd.DataFrame]) -> Levels:
    """Return the levels of the rated occupations. Source: Skills, scale LV."""
    rows = tables["Skills"].query("scale_id == 'LV'")
    level, error, n = (
        rows.pivot(index="onet_soc_code", columns="element_id", values=name).sort_index().sort_index(axis="columns")
        for name in ("data_value", "standard_error", "n")
    )
    is_whole = level.notna().all(axis=1)
    level, error, n = level[is_whole], error[is_whole], n[is_whole]
    return Levels(
        codes=tuple(level.index),
        element_ids=tuple(level.columns),
        level=exact_means(level.to_numpy(np.float64), n.fillna(0).to_numpy(np.int32)),
        standard_error=error.to_numpy(np.float64),
    )


def _skills(tables: Mapping[str, pd.DataFrame], element_ids: Sequence[str]) -> tuple[Skill, ...]:
    elements = tables["Elements"].set_index("element_id")
    names, descriptions = (elements[name].fillna("").to_dict() for name in ("element_name", "description"))
    anchors = tables["LevelScaleAnchors"].query("scale_id == 'LV'").sort_values("anchor_value")
    by_element = {
        str(element_id): tuple(group[["anchor_value", "anchor_description"]].itertuples(index=False, name=None))
        for element_id, group in anchors.groupby("element_id")
    }
    return tuple(
        Skill(
            element_id=element_id,
            name=names[element_id],
            description=descriptions[element_id],
            anchors=by_element.get(element_id, ()),
        )
        for element_id in element_ids
    )


def _texts(rows: pd.DataFrame, column: str) -> dict[str, tuple[str, ...]]:
    return {str(code): tuple(group) for code, group in rows.groupby("onet_soc_code", sort=False)[column]}


def _interests(rows: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    wide = rows.query("scale_id == 'OI'").pivot(index="onet_soc_code", columns="element_id", values="data_value")
    whole = wide.dropna().sort_index(axis="columns")
    return {str(code): tuple(values) for code, *values in whole.itertuples(name=None)}


def described(profiles: Sequence[Profile]) -> list[str]:
    """Return title and description of each."""
    return [f"{profile.title}. {profile.description}".strip() for profile in profiles]
