"""What models are told of occupations and skills, and fitted to. Importance is never part of it.

Importance correlates with level at 0.97, and an occupation without levels has none either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pandas as pd

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.means import exact_means
from skillgap.analysis.pivot import Pivot, columns_of
from skillgap.analysis.similarity.profiles import Profile, read_profiles
from skillgap.errors import ConfigurationError


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
class TrainingData:
    """All that a model may be told, and fitted to."""

    profiles: Mapping[str, Profile]
    """By O*NET-SOC code."""
    skills: tuple[Skill, ...]
    """In the order of the levels' elements."""
    levels: Levels


def read_training_data(tables: Mapping[str, pd.DataFrame]) -> TrainingData:
    """Return what the tables of a release tell, OPTIONAL_TABLES among them; from its files, or from the store."""
    levels = read_levels(tables)
    return TrainingData(read_profiles(tables), _skills(tables, levels.element_ids), levels)


def read_levels(tables: Mapping[str, pd.DataFrame]) -> Levels:
    """Return the levels of the rated occupations. Source: Skills, scale LV."""
    pivot = Pivot(columns_of(tables["Skills"], _LEVEL_COLUMNS))
    data_value = pivot.numbers("LV", "data_value")
    is_whole = ~np.asarray(np.isnan(data_value).any(axis=1))
    return Levels(
        codes=tuple(compress(pivot.codes, is_whole.tolist())),
        element_ids=pivot.element_ids,
        level=exact_means(data_value[is_whole], pivot.counts("LV", "n")[is_whole]),
        standard_error=pivot.numbers("LV", "standard_error")[is_whole],
    )


_LEVEL_COLUMNS = ("onet_soc_code", "element_id", "scale_id", "data_value", "standard_error", "n")


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


def described(profiles: Sequence[Profile]) -> list[str]:
    """Return title and description of each."""
    return [f"{profile.title}. {profile.description}".strip() for profile in profiles]


def check_training_data(training_data: TrainingData) -> None:
    """Raise ConfigurationError where there is nothing to fit a model to."""
    if all(training_data.profiles[code].abstention for code in training_data.levels.codes):
        raise ConfigurationError(
            "nothing to fit a model to: load a whole release, with tasks and Job Zones; the starter has none"
        )
