"""What is known of an occupation besides its ratings: the input of every model. Importance is never part of it.

Importance correlates with level at 0.97, and an occupation without levels has none either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skillgap.analysis.ratings import FloatArray, exact_means
from skillgap.sources.onet_text import OnetData


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

    @property
    def abstention(self) -> str | None:
        """Why nothing can be predicted from this; None where it can."""
        if not self.tasks or self.job_zone is None:
            return "O*NET publishes no tasks and no Job Zone for it, and its description alone says too little"
        return None


@dataclass(frozen=True)
class Levels:
    """Analysts' levels of the rated occupations."""

    codes: tuple[str, ...]
    element_ids: tuple[str, ...]
    level: FloatArray
    """(occupations, elements), points of scale LV, the exact eighths."""
    standard_error: FloatArray


def read_profiles(data: OnetData) -> dict[str, Profile]:
    """Return the profile of every occupation of a release that was extracted with PROFILE_TABLES."""
    tasks = _texts(data.tables["TaskStatements"], "task")
    titles = _texts(data.tables["AlternateTitles"], "alternate_title")
    zones = dict(data.tables["JobZones"][["onet_soc_code", "job_zone"]].itertuples(index=False, name=None))
    interests = _interests(data.tables["Interests"])
    return {
        code: Profile(
            onet_soc_code=code,
            title=title,
            description="" if pd.isna(description) else description,
            tasks=tasks.get(code, ()),
            alternate_titles=titles.get(code, ()),
            job_zone=int(zones[code]) if code in zones else None,
            interests=interests.get(code),
        )
        for code, title, description in data.tables["Occupations"][
            ["onet_soc_code", "title", "description"]
        ].itertuples(index=False, name=None)
    }


def read_levels(data: OnetData) -> Levels:
    """Return the levels of the rated occupations of a release. Source: Skills, scale LV."""
    rows = data.tables["Skills"].query("scale_id == 'LV'")
    level, error, n = (
        rows.pivot(index="onet_soc_code", columns="element_id", values=name).sort_index().sort_index(axis="columns")
        for name in ("data_value", "standard_error", "n")
    )
    return Levels(
        codes=tuple(level.index),
        element_ids=tuple(level.columns),
        level=exact_means(level.to_numpy(np.float64), n.fillna(0).to_numpy(np.int32)),
        standard_error=error.to_numpy(np.float64),
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
