"""All skill ratings of a data version, in memory as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skillgap.errors import NoData, UnknownOccupation, UnratedOccupation
from skillgap.model import (
    LICENCE_URL,
    MODIFICATION,
    Occupation,
    Provenance,
    Release,
    SkillRating,
    attribution,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

RATERS = 8
"""Analysts who rate each skill of an occupation (O*NET appendix on analyst ratings)."""

_PRINTED = 0.005 + 1e-9
NO_MONTH = int(np.iinfo(np.int32).min)


def exact_means(data_values: FloatArray, n: npt.NDArray[np.integer]) -> FloatArray:
    """Return the means before they were printed with two decimals.

    The mean of 8 whole-number ratings is a multiple of an eighth (4.12 stands for 4.125); where N is 8 and an
    eighth prints as the value, the eighth is returned, elsewhere the value itself. NaN stays NaN.
    """
    eighths: FloatArray = np.rint(data_values * RATERS) / RATERS
    is_eighth = (n == RATERS) & (np.abs(data_values - eighths) <= _PRINTED)
    return np.where(is_eighth, eighths, data_values)


class PrintedRatings(NamedTuple):
    """One occupation's figures, a list over the elements each, in the order of SkillRating's fields."""

    data_value: list[float | None]
    standard_error: list[float | None]
    n: list[int | None]
    importance: list[float | None]
    importance_standard_error: list[float | None]
    not_relevant: list[bool]
    recommend_suppress: list[bool]
    date_updated: list[str | None]
    source: list[str]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Levels and importances of every rated occupation, with the names of all occupations.

    Arrays are (rated occupations, elements), codes and element ids ascending; NaN, 0 raters or `NO_MONTH` where
    O*NET has no rating. Levels are points of scale LV (0-7), importances of IM (1-5), as O*NET prints them.
    """

    data_version: str
    """Changes whenever a load changes a row; empty before the first load."""
    release: Release | None
    """The text release that is loaded."""
    web_services_release: Release | None
    """What O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    codes: tuple[str, ...]
    element_ids: tuple[str, ...]
    element_names: tuple[str, ...]
    sources: tuple[str, ...]
    data_value: FloatArray
    standard_error: FloatArray
    n: npt.NDArray[np.int32]
    importance: FloatArray
    importance_standard_error: FloatArray
    importance_n: npt.NDArray[np.int32]
    not_relevant: BoolArray
    recommend_suppress: BoolArray
    month: npt.NDArray[np.int32]
    """Month of the level's rating as 12 x year + month - 1."""
    source: npt.NDArray[np.int8]
    """Index into `sources`."""

    @classmethod
    def empty(cls) -> Ratings:
        """Return the ratings of a database without data."""
        numbers, whole = np.empty((0, 0)), np.empty((0, 0), dtype=np.int32)
        flags = np.empty((0, 0), dtype=np.bool_)
        return cls(
            data_version="",
            release=None,
            web_services_release=None,
            occupations={},
            codes=(),
            element_ids=(),
            element_names=(),
            sources=(),
            data_value=numbers,
            standard_error=numbers,
            n=whole,
            importance=numbers,
            importance_standard_error=numbers,
            importance_n=whole,
            not_relevant=flags,
            recommend_suppress=flags,
            month=whole,
            source=np.empty((0, 0), dtype=np.int8),
        )

    @cached_property
    def level(self) -> FloatArray:
        """Exact levels (see `exact_means`)."""
        return exact_means(self.data_value, self.n)

    @cached_property
    def level_or_zero(self) -> FloatArray:
        """Exact levels, 0 where O*NET has none."""
        return np.nan_to_num(self.level)

    @cached_property
    def weight(self) -> FloatArray:
        """Exact importance where the skill counts in a target, 0 where it is Not Relevant or not rated."""
        importance = exact_means(self.importance, self.importance_n)
        counts = ~self.not_relevant & ~np.isnan(importance) & ~np.isnan(self.data_value)
        return np.where(counts, importance, 0.0)

    @cached_property
    def weight_sum(self) -> FloatArray:
        """Sum of the weights of each occupation; 1 where nothing counts, to divide by."""
        total: FloatArray = self.weight.sum(axis=1)
        return np.where(total > 0, total, 1.0)

    @cached_property
    def printed(self) -> list[PrintedRatings]:
        """Each rated occupation's figures as Python values, made once for all reports."""
        month_texts: dict[int, str | None] = {
            month: f"{month // 12:04d}-{month % 12 + 1:02d}" for month in np.unique(self.month).tolist()
        }
        month_texts[NO_MONTH] = None
        fields = (
            python_numbers(self.data_value),
            python_numbers(self.standard_error),
            [[n or None for n in row] for row in self.n.tolist()],
            python_numbers(self.importance),
            python_numbers(self.importance_standard_error),
            self.not_relevant.tolist(),
            self.recommend_suppress.tolist(),
            [[month_texts[month] for month in row] for row in self.month.tolist()],
            [[self.sources[source] for source in row] for row in self.source.tolist()],
        )
        return [PrintedRatings(*row) for row in zip(*fields, strict=True)]

    @cached_property
    def provenance(self) -> Provenance:
        """Where the figures come from, for whoever shows them."""
        sources = sorted({*self.sources, *(occupation.source for occupation in self.occupations.values())})
        return Provenance(
            release=self.release.number if self.release else None,
            release_date=f"{self.release.date:%Y-%m}" if self.release and self.release.date else None,
            web_services_release=self.web_services_release.number if self.web_services_release else None,
            data_version=self.data_version,
            sources=sources,
            attribution=attribution(self.release, web_services="api" in sources),
            modification=MODIFICATION,
            licence=LICENCE_URL,
        )

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each rated occupation."""
        return {code: row for row, code in enumerate(self.codes)}

    def row(self, onet_soc_code: str) -> int:
        """Return the row of a rated occupation. Raises NoData, UnknownOccupation, UnratedOccupation."""
        row = self.rows.get(onet_soc_code)
        if row is not None:
            return row
        occupation = self.occupation(onet_soc_code)
        raise UnratedOccupation(
            f"O*NET {self._release_text()} has no skill ratings for {onet_soc_code} ({occupation.title}), "
            "so no gap can be computed",
            onet_soc_code=onet_soc_code,
        )

    def occupation(self, onet_soc_code: str) -> Occupation:
        """Return an occupation, rated or not. Raises NoData, UnknownOccupation."""
        if not self.occupations:
            raise NoData("no occupation is loaded yet; run `skillgap load starter`, or load a release")
        occupation = self.occupations.get(onet_soc_code)
        if occupation is None:
            family = [code for code in self.occupations if code[:7] == onet_soc_code[:7]]
            near = f"; {onet_soc_code[:7]} has {', '.join(family)}" if family else ""
            raise UnknownOccupation(
                f"O*NET {self._release_text()} has no occupation {onet_soc_code}{near}",
                onet_soc_code=onet_soc_code,
            )
        return occupation

    def skills(self, onet_soc_code: str) -> list[SkillRating]:
        """Return the skills of a rated occupation, most important first. Raises as `row` does."""
        i = self.row(onet_soc_code)
        order = np.lexsort((-self.level_or_zero[i], -self.weight[i], self.not_relevant[i])).tolist()
        columns = (self.element_ids, self.element_names, *self.printed[i])
        skills = [SkillRating(*values) for values in zip(*columns, strict=True)]
        return [skills[k] for k in order if (skills[k].data_value, skills[k].importance) != (None, None)]

    def _release_text(self) -> str:
        release = self.release or self.web_services_release
        return release.number if release else "data"


def python_numbers(values: FloatArray) -> list[Any]:
    """Return the array as (nested) lists of Python numbers, None for NaN."""
    numbers: list[Any] = values.tolist()
    if np.isnan(values).any():
        as_objects = values.astype(object)
        as_objects[np.isnan(values)] = None
        numbers = as_objects.tolist()
    return numbers
