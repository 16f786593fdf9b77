"""The text and the levels that models are given. Importance is not part of it.

Importance correlates with level at 0.97, and an occupation without levels has no importance either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.means import exact_means
from skillgap.analysis.pivot import Pivot, columns_of
from skillgap.analysis.similarity.profiles import Profile, read_profiles
from skillgap.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Skill:
    """The description of a skill that models are given."""

    element_id: str
    name: str
    description: str
    """Empty if not loaded."""
    anchors: tuple[tuple[int, str], ...]
    """Examples of levels: (level, example), levels ascending; empty if not loaded."""


@dataclass(frozen=True)
class Levels:
    """Analysts' levels of the occupations that are rated on every element."""

    codes: tuple[str, ...]
    element_ids: tuple[str, ...]
    level: FloatArray
    """(occupations, elements), points of scale LV, in exact eighths."""
    standard_error: FloatArray


@dataclass(frozen=True)
class TrainingData:
    """The text of all occupations and the levels of the rated ones."""

    profiles: Mapping[str, Profile]
    """By O*NET-SOC code."""
    skills: tuple[Skill, ...]
    """In the order of the levels' elements."""
    levels: Levels

    def codes(self, *, rated: bool) -> list[str]:
        """Return the codes of the unrated occupations, or of all (`rated`)."""
        known = set() if rated else set(self.levels.codes)
        return [code for code in self.profiles if code not in known]

    @cached_property
    def too_thin(self) -> frozenset[str]:
        """Codes of occupations with too little text to predict from."""
        return frozenset(code for code, profile in self.profiles.items() if profile.abstention)


def read_training_data(tables: Mapping[str, pd.DataFrame]) -> TrainingData:
    """Return the training data in the tables of a release (OPTIONAL_TABLES included), from its files or the store."""
    levels = read_levels(tables)
    return TrainingData(read_profiles(tables), _skills(tables, levels.element_ids), levels)


def read_levels(tables: Mapping[str, pd.DataFrame]) -> Levels:
    """Return the levels of the rated occupations. Source: Skills, scale LV."""
    pivot = Pivot(columns_of(tables["Skills"], _LEVEL_COLUMNS))
    data_value = pivot.numbers("LV", "data_value")
    is_complete = ~np.asarray(np.isnan(data_value).any(axis=1))
    return Levels(
        codes=tuple(compress(pivot.codes, is_complete.tolist())),
        element_ids=pivot.element_ids,
        level=exact_means(data_value[is_complete], pivot.counts("LV", "n")[is_complete]),
        standard_error=pivot.numbers("LV", "standard_error")[is_complete],
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


def title_and_description(profiles: Sequence[Profile]) -> list[str]:
    """Return the title and description of each profile as one text."""
    return [f"{profile.title}. {profile.description}".strip() for profile in profiles]


def check_training_data(training_data: TrainingData) -> None:
    """Raise ConfigurationError if there is nothing to fit a model to."""
    if training_data.too_thin.issuperset(training_data.levels.codes):
        raise ConfigurationError(
            "nothing to fit a model to: load a complete release, with tasks and Job Zones; the starter has neither"
        )
