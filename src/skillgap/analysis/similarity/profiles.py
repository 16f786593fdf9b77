"""Profiles of occupations beyond their ratings: titles, tasks, technology, Job Zone, interests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from skillgap.analysis.arrays import FloatArray

PROFILE_COLUMNS = {
    "Occupations": ("onet_soc_code", "title", "description"),
    "JobZones": ("onet_soc_code", "job_zone"),
    "Interests": ("onet_soc_code", "element_id", "scale_id", "data_value"),
    "TaskStatements": ("onet_soc_code", "task"),
    "AlternateTitles": ("onet_soc_code", "alternate_title"),
    "SampleOfReportedTitles": ("onet_soc_code", "reported_job_title"),
    "TechnologySkills": ("onet_soc_code", "example"),
    "RelatedOccupations": ("onet_soc_code", "related_onet_soc_code", "relatedness_tier", "related_index"),
}
"""The columns that profiles are built from, by table."""


class Columns(Protocol):
    """A table with columns by name: a DataFrame or a dict."""

    def __getitem__(self, name: str, /) -> Iterable[Any]:
        """Return the values of a column."""


@dataclass(frozen=True)
class Profile:
    """The texts of one occupation, with its Job Zone and interests."""

    onet_soc_code: str
    title: str
    description: str
    """Empty if the release has none."""
    tasks: tuple[str, ...]
    alternate_titles: tuple[str, ...]
    reported_titles: tuple[str, ...]
    technologies: tuple[str, ...]
    """Names of software and tools."""
    job_zone: int | None
    """1 to 5, or 2 to 5 from O*NET 30.2 on; None for occupations without O*NET data."""
    interests: tuple[float, ...] | None
    """Occupational interests (scale OI), ordered by element id."""
    related: Mapping[str, str]
    """O*NET's own list of related occupations, most related first: tier by code. Similarity never reads it."""

    @property
    def abstention(self) -> str | None:
        """Why no levels can be predicted from this profile; None if they can."""
        if not self.tasks or self.job_zone is None:
            return "O*NET publishes no tasks and no Job Zone for it, and its description alone says too little"
        return None


def interests_of(profiles: Sequence[Profile]) -> FloatArray:
    """Return standardized interests, (occupations, elements), NaN where missing. One profile must have some."""
    count = max(len(profile.interests) for profile in profiles if profile.interests)
    return standardized(np.array([profile.interests or (np.nan,) * count for profile in profiles], dtype=np.float64))


def standardized(values: FloatArray) -> FloatArray:
    """Scale columns to mean 0 and standard deviation 1; NaN stays NaN."""
    deviation = np.nanstd(values, axis=0)
    scaled: FloatArray = (values - np.nanmean(values, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled


def read_profiles(tables: Mapping[str, Columns]) -> dict[str, Profile]:
    """Build the profile of every occupation, by code. `tables` have PROFILE_COLUMNS, rows in release order."""
    tasks = _lists(tables, "TaskStatements")
    titles, reported = _lists(tables, "AlternateTitles"), _lists(tables, "SampleOfReportedTitles")
    technologies = _lists(tables, "TechnologySkills")
    zones = dict(_rows(tables, "JobZones"))
    interests = _interests(tables)
    related = _related(tables)
    return {
        code: Profile(
            onet_soc_code=code,
            title=title,
            description=description if isinstance(description, str) else "",
            tasks=tuple(tasks.get(code, ())),
            alternate_titles=tuple(titles.get(code, ())),
            reported_titles=tuple(reported.get(code, ())),
            technologies=tuple(technologies.get(code, ())),
            job_zone=int(zones[code]) if code in zones else None,
            interests=interests.get(code),
            related=related.get(code, {}),
        )
        for code, title, description in _rows(tables, "Occupations")
    }


def _rows(tables: Mapping[str, Columns], name: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(tables[name][column] for column in PROFILE_COLUMNS[name]), strict=True)


def _lists(tables: Mapping[str, Columns], name: str) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for code, text in _rows(tables, name):
        texts[code].append(text)
    return texts


def _interests(tables: Mapping[str, Columns]) -> dict[str, tuple[float, ...]]:
    interests: dict[str, dict[str, float]] = defaultdict(dict)
    for code, element_id, scale_id, value in _rows(tables, "Interests"):
        if scale_id == "OI" and value is not None:
            interests[code][element_id] = float(value)
    elements = sorted({element_id for values in interests.values() for element_id in values})
    return {
        code: tuple(values[element_id] for element_id in elements)
        for code, values in interests.items()
        if len(values) == len(elements)
    }


def _related(tables: Mapping[str, Columns]) -> dict[str, dict[str, str]]:
    related: dict[str, dict[str, str]] = defaultdict(dict)
    for code, other, tier, _ in sorted(_rows(tables, "RelatedOccupations"), key=lambda row: row[3]):
        related[code][other] = tier
    return related
