"""All ratings of a data version, in memory as arrays."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise, starmap
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract, extractOne

from skillgap.analysis.memo import cached_property, memoized_in
from skillgap.errors import NoData, UnknownElement, UnknownOccupation, UnratedOccupation
from skillgap.models import Anchor, LevelAnchors, Occupation, Predictions, Provenance, SkillRating, WeightChoice
from skillgap.onet.domains import Domain, DomainChoice, domain_of
from skillgap.onet.license import LICENSE_URL, MODIFICATION, attribution
from skillgap.onet.releases import Release
from skillgap.onet.scales import HIGHEST_IMPORTANCE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

RATERS = 8
"""Analysts who rate each skill of an occupation (O*NET appendix on analyst ratings)."""

NO_MONTH = int(np.iinfo(np.int32).min)


def exact_means(data_values: FloatArray, n: npt.NDArray[np.integer]) -> FloatArray:
    """Return the means before they were printed with two decimals: (occupations, elements), or one element's.

    4.12 stands for 4.125 where 8 analysts rated (see `in_eighths`). NaN stays NaN.
    """
    return as_exact(data_values, in_eighths(data_values, n))


def in_eighths(data_values: FloatArray, n: npt.NDArray[np.integer]) -> BoolArray:
    """Return the elements whose means are eighths printed with two decimals: (elements,).

    The mean of 8 whole-number ratings is a multiple of an eighth. An element is read in eighths if most of its values
    with a number of raters have 8 and are the print of an eighth. The decision holds for a whole column, since two
    levels of one element are only comparable if both are read in the same way: O*NET 26.1 has 53 occupations without
    a number of raters beside 820 with 8.
    """
    is_eighth = (n == RATERS) & _prints_as(_nearest_eighth(data_values), data_values)
    found: BoolArray = 2 * np.count_nonzero(is_eighth, axis=0) > np.count_nonzero(n > 0, axis=0)
    return found


def as_exact(values: FloatArray, is_in_eighths: BoolArray) -> FloatArray:
    """Return values as they are compared, where `is_in_eighths` tells the elements along the last axis.

    The print of an eighth becomes the eighth, any other value its two decimals. So the result depends on the print
    alone: equal prints are equal, and a higher print is higher.
    """
    eighths = _nearest_eighth(values)
    is_eighth = is_in_eighths & _prints_as(eighths, values)
    return np.where(is_eighth, eighths, np.rint(values * 100.0) / 100.0)


def _nearest_eighth(values: FloatArray) -> FloatArray:
    found: FloatArray = np.rint(values * RATERS) / RATERS
    return found


def _prints_as(eighths: FloatArray, values: FloatArray) -> BoolArray:
    """Tell where both have the same two decimals, rounded half to even as O*NET does."""
    found: BoolArray = np.rint(eighths * 100.0) == np.rint(values * 100.0)
    return found


class PrintedRatings(NamedTuple):
    """One occupation's figures, a list over the elements each, in the order of SkillRating's fields."""

    data_value: list[float | None]
    standard_error: list[float | None]
    lower: list[float | None]
    upper: list[float | None]
    n: list[int | None]
    importance: list[float | None]
    importance_standard_error: list[float | None]
    not_relevant: list[bool]
    recommend_suppress: list[bool]
    date_updated: list[str | None]
    source: list[str | None]
    explanation: list[str | None]
    anchors: list[LevelAnchors | None]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Levels and importances of every occupation that has levels, with the names of all occupations.

    Arrays are (occupations with levels, elements), codes and element ids ascending; NaN, 0 raters or `NO_MONTH` where
    there is none. Levels are points of scale LV (0-7), importances of IM (1-5), as O*NET prints them; levels whose
    source is `llm` are predicted, and have no importance.
    """

    data_version: str
    """Changes whenever a load changes a row; empty before the first load."""
    release: Release | None
    """The text release that is loaded."""
    web_services_release: Release | None
    """What O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    predictions: Predictions | None
    """The model behind levels whose source is `llm`; None where none are used."""
    analysts: Ratings | None
    """The analysts' ratings alone, where these are not: predictions are put in proportion by them."""
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
    lower: FloatArray
    upper: FloatArray
    """Ends of the 95 % interval of predicted levels; NaN for analysts' ratings."""
    explanations: Mapping[tuple[str, str], str]
    """Of predicted levels, by O*NET-SOC code and element id."""
    anchors: Mapping[str, tuple[Anchor, ...]]
    """What levels mean, by element id, levels ascending; empty where not loaded."""
    domain: DomainChoice
    """Which elements are there, of those that are loaded."""
    job_zone_names: Mapping[int, str] = field(default_factory=dict)
    """The release's name of each Job Zone; empty where its Job Zone Reference is not loaded."""
    weighting: WeightChoice = "importance"
    """What an element weighs in a target."""

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
            predictions=None,
            analysts=None,
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
            lower=numbers,
            upper=numbers,
            explanations={},
            anchors={},
            domain="all",
        )

    def of_domain(self, domain: DomainChoice) -> Ratings:
        """Return the ratings of one domain's elements, of the occupations that have levels there; made once each."""
        if domain == self.domain:
            return self
        return memoized_in(self._domains, domain, lambda: self._only(domain))

    @cached_property
    def _domains(self) -> dict[DomainChoice, Ratings]:
        return {}

    def weighted_by(self, weighting: WeightChoice) -> Ratings:
        """Return the same ratings with other weights; made once each."""
        if weighting == self.weighting:
            return self
        return memoized_in(self._weighted, weighting, lambda: self._by(weighting))

    def _by(self, weighting: WeightChoice) -> Ratings:
        analysts = self.analysts.weighted_by(weighting) if self.analysts else None
        return replace(self, weighting=weighting, analysts=analysts)

    @cached_property
    def _weighted(self) -> dict[WeightChoice, Ratings]:
        return {}

    def restricted_to(self, codes: Sequence[str], element_ids: Sequence[str]) -> Ratings:
        """Return some of the occupations and elements, each of which is there, in ascending order."""
        columns = {element_id: k for k, element_id in enumerate(self.element_ids)}
        rows, kept = [self.rows[code] for code in codes], [columns[element_id] for element_id in element_ids]
        return replace(
            self,
            analysts=None,
            codes=tuple(codes),
            element_ids=tuple(element_ids),
            element_names=tuple(self.element_names[k] for k in kept),
            **{name: getattr(self, name)[np.ix_(np.array(rows, int), np.array(kept, int))] for name in _MISSING},
        )

    def _only(self, domain: DomainChoice) -> Ratings:
        columns = np.flatnonzero([domain in (each, "all") for each in self.element_domains])
        rows = np.flatnonzero((~np.isnan(self.data_value[:, columns])).any(axis=1))
        arrays = {name: getattr(self, name)[np.ix_(rows, columns)] for name in _MISSING}
        used = np.unique(arrays["source"])
        return replace(
            self,
            domain=domain,
            analysts=self.analysts.of_domain(domain) if self.analysts else None,
            codes=tuple(self.codes[row] for row in rows),
            element_ids=tuple(self.element_ids[k] for k in columns),
            element_names=tuple(self.element_names[k] for k in columns),
            sources=tuple(self.sources[source] for source in used),
            **{**arrays, "source": np.searchsorted(used, arrays["source"]).astype(np.int8)},
        )

    def filled_with(self, predicted: Ratings) -> Ratings:
        """Return these ratings with predicted levels where there are none."""
        if not predicted.codes:
            return self
        codes = tuple(sorted({*self.codes, *predicted.codes}))
        names = {**_names(predicted), **_names(self)}
        element_ids = tuple(sorted(names))

        def spread(ratings: Ratings, name: str) -> npt.NDArray[Any]:
            values = getattr(ratings, name)
            out = np.full((len(codes), len(element_ids)), _MISSING[name], dtype=values.dtype)
            rows, columns = np.searchsorted(codes, ratings.codes), np.searchsorted(element_ids, ratings.element_ids)
            out[np.ix_(rows, columns)] = values
            return out

        fills = np.isnan(spread(self, "data_value")) & ~np.isnan(spread(predicted, "data_value"))
        arrays: dict[str, Any] = {
            name: np.where(fills, spread(predicted, name), spread(self, name)) for name in _MISSING
        }
        arrays["source"] = np.where(fills, arrays["source"] + np.int8(len(self.sources)), arrays["source"])
        return replace(
            self,
            predictions=predicted.predictions,
            analysts=self,
            codes=codes,
            element_ids=element_ids,
            element_names=tuple(names[element_id] for element_id in element_ids),
            sources=(*self.sources, *predicted.sources),
            explanations=predicted.explanations,
            **arrays,
        )

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each element, by name and by id, in lower case."""
        by_id = {element_id.casefold(): k for k, element_id in enumerate(self.element_ids)}
        names = {name.casefold(): k for k, name in enumerate(self.element_names) if not self.ids_of_name(name)}
        return by_id | names

    def ids_of_name(self, name: str) -> Sequence[str]:
        """Return the ids of the elements of a name, where several have it: Mathematics is a skill and a knowledge."""
        return self._ids_by_name.get(name.strip().casefold(), ())

    @cached_property
    def _ids_by_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for element_id, name in zip(self.element_ids, self.element_names, strict=True):
            found.setdefault(name.casefold(), []).append(element_id)
        return {name: ids for name, ids in found.items() if len(ids) > 1}

    def column(self, text: str) -> int:
        """Return the column of an element given by name or id. Raises UnknownElement, with a name like it."""
        found = self.columns.get(text.strip().casefold())
        if found is None and (ids := self.ids_of_name(text)):
            raise UnknownElement(f"{text[:60]} may be {' or '.join(ids)}; give the id")
        if found is None:
            near = self.near_name(text)
            where = "" if self.domain == "all" else f" of {self.domain}"
            raise UnknownElement(f"no element{where} is called {text[:60]!r}{near and f'; is {near} meant?'}")
        return found

    def near_name(self, text: str, *, alike: float = 0.6) -> str:
        """Return the name of the element most like a text, empty where none is so much alike."""
        near = extractOne(
            text[:60].casefold(), list(self.columns), scorer=OSA.normalized_similarity, score_cutoff=alike
        )
        return self.element_names[self.columns[near[0]]] if near else ""

    @cached_property
    def element_domains(self) -> tuple[Domain, ...]:
        """The domain of each element."""
        return tuple(domain_of(element_id) for element_id in self.element_ids)

    @cached_property
    def level(self) -> FloatArray:
        """Exact levels (see `exact_means`)."""
        return self.exact_level(self.data_value)

    def exact_level(self, level: FloatArray) -> FloatArray:
        """Return levels of all elements, along the last axis, as they are compared: own levels like printed ones."""
        return as_exact(level, self._level_in_eighths)

    @cached_property
    def _level_in_eighths(self) -> BoolArray:
        return in_eighths(self.data_value, self.n)

    @cached_property
    def _exact_importance(self) -> FloatArray:
        return exact_means(self.importance, self.importance_n)

    @cached_property
    def level_or_zero(self) -> FloatArray:
        """Exact levels, 0 where O*NET has none."""
        return np.nan_to_num(self.level)

    @cached_property
    def comparable_level(self) -> FloatArray:
        """Exact levels to be compared: a missing one is 0, but NaN where the occupation has no level of that domain."""
        level = self.level_or_zero.copy()
        domains = np.array(self.element_domains)
        for domain in set(self.element_domains):
            columns = domains == domain
            level[np.ix_(np.isnan(self.level[:, columns]).all(axis=1), columns)] = np.nan
        return level

    def domains_of(self, *rows: int) -> list[str]:
        """Return the domains in which all of these occupations have levels."""
        if self.domain != "all":
            return [self.domain]
        return [domain for domain, has in self._has_domain.items() if all(has[row] for row in rows)]

    @cached_property
    def _has_domain(self) -> dict[str, list[bool]]:
        """Which occupations have levels, by domain."""
        domains = np.array(self.element_domains)
        found: dict[str, list[bool]] = {}
        for domain in dict.fromkeys(self.element_domains):
            missing = np.isnan(self.comparable_level[:, domains == domain])
            found[domain] = np.logical_not(missing.all(axis=1)).tolist()
        return found

    @cached_property
    def is_predicted(self) -> BoolArray:
        """Which levels are predicted."""
        return ~np.isnan(self.lower)

    @cached_property
    def raters(self) -> npt.NDArray[np.int32]:
        """Number of raters, for the degrees of freedom; a prediction counts as much as the usual 8, to be careful."""
        return np.where(self.is_predicted, RATERS, self.n).astype(np.int32)

    @cached_property
    def weight(self) -> FloatArray:
        """What each element weighs in a target by `weighting`: 0 where it does not count, NaN where nothing tells."""
        return as_weight(self.counted_importance, self.weighting, counts=self.counts)

    @cached_property
    def counts(self) -> BoolArray:
        """Which levels count in a target: those that are relevant there."""
        counts: BoolArray = ~self.not_relevant & ~np.isnan(self.data_value)
        return counts

    @cached_property
    def counted_importance(self) -> FloatArray:
        """Exact importance where the level counts, else 0; NaN where it counts and its importance is missing.

        That of a predicted level is what analysts' ratings have there on average.
        """
        importance = np.where(self.counts, self._exact_importance, 0.0)
        if self.analysts is None:
            return importance
        return np.where(self.is_predicted, self._usual_importance(self.analysts), importance)

    @cached_property
    def usual_importance(self) -> FloatArray:
        """Exact importance; where it is missing, what usually goes with the level, 0 if nothing tells."""
        importance = self._exact_importance
        is_missing = np.isnan(importance)
        if not is_missing.any():
            return importance
        return np.where(is_missing, np.nan_to_num(self._usual_importance(self.analysts or self)), importance)

    def _usual_importance(self, analysts: Ratings) -> FloatArray:
        """Return the importances that go with these levels by a line through the analysts' ratings, one per skill.

        NaN for a skill of which analysts' ratings have no importance.
        """
        usual = np.full_like(self.data_value, np.nan)
        columns = {element_id: k for k, element_id in enumerate(analysts.element_ids)}
        for k, element_id in enumerate(self.element_ids):
            column = columns.get(element_id)
            if column is None or np.isnan(analysts.importance[:, column]).all():
                continue
            is_known = ~np.isnan(analysts.counted_importance[:, column])
            level, weight = (each[is_known, column] for each in (analysts.level_or_zero, analysts.counted_importance))
            away = level - level.mean()
            slope = away @ weight / max(away @ away, 1e-12)
            usual[:, k] = weight.mean() + slope * (self.level_or_zero[:, k] - level.mean())
        return np.clip(usual, 0.0, HIGHEST_IMPORTANCE)

    @cached_property
    def has_importance(self) -> bool:
        """Whether any importance is there."""
        return not np.isnan(self.importance).all()

    @cached_property
    def has_errors(self) -> bool:
        """Whether any level has what a test needs: a standard error, and a number of raters."""
        return bool((~np.isnan(self.standard_error) & (self.raters > 0)).any())

    @cached_property
    def known_weight(self) -> FloatArray:
        """The weights, 0 where nothing tells."""
        return np.nan_to_num(self.weight) if self.lacks_weight.any() else self.weight

    @cached_property
    def lacks_weight(self) -> BoolArray:
        """Which elements of a target count there, and have no weight because their importance is missing."""
        return np.isnan(self.weight)

    @cached_property
    def lacks_some_weight(self) -> BoolArray:
        """Which occupations have such elements."""
        return np.asarray(self.lacks_weight.any(axis=1))

    @cached_property
    def weight_sum(self) -> FloatArray:
        """Sum of the known weights of each occupation; NaN where none is above 0: it has no weighted mean."""
        total: FloatArray = self.known_weight.sum(axis=1)
        return np.where(total > 0, total, np.nan)

    def printed(self, row: int) -> PrintedRatings:
        """Return an occupation's figures as Python values, made once for all reports."""
        return memoized_in(self._printed, row, lambda: self._print(row))

    @cached_property
    def _printed(self) -> dict[int, PrintedRatings]:
        return {}

    def _print(self, row: int) -> PrintedRatings:
        code = self.codes[row]
        return PrintedRatings(
            python_numbers(self.data_value[row]),
            python_numbers(self.standard_error[row]),
            python_numbers(self.lower[row]),
            python_numbers(self.upper[row]),
            [n or None for n in self.n[row].tolist()],
            python_numbers(self.importance[row]),
            python_numbers(self.importance_standard_error[row]),
            self.not_relevant[row].tolist(),
            self.recommend_suppress[row].tolist(),
            [None if month == NO_MONTH else _month_text(month) for month in self.month[row].tolist()],
            [self.sources[source] for source in self.source[row].tolist()],
            [self.explanations.get((code, element_id)) for element_id in self.element_ids],
            [_around(level, known) for level, known in zip(self.level[row].tolist(), self._anchors, strict=True)],
        )

    def anchors_around(self, column: int, level: float) -> LevelAnchors | None:
        """Return between which anchors of an element a level stands; None where none are loaded."""
        return _around(level, self._anchors[column])

    @cached_property
    def _anchors(self) -> list[_Scale]:
        return [_Scale.of(self.anchors.get(element_id, ())) for element_id in self.element_ids]

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
            predictions=self.predictions,
            attribution=attribution(self.release, web_services="api" in sources),
            modification=MODIFICATION,
            licence=LICENSE_URL,
        )

    def provenance_of(self, *rows: int) -> Provenance:
        """Return where the figures of some occupations come from: predictions are named where they have any."""
        if self.analysts is None or any(self._has_prediction[row] for row in rows):
            return self.provenance
        return self.analysts.provenance

    @cached_property
    def _has_prediction(self) -> list[bool]:
        return [any(row) for row in self.is_predicted.tolist()]

    @cached_property
    def job_zones(self) -> tuple[int, ...]:
        """The Job Zones that occupations have, ascending; empty where none are loaded."""
        return tuple(sorted({each.job_zone for each in self.occupations.values() if each.job_zone is not None}))

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The title of each occupation, with levels or without, by code."""
        return {code: each.title for code, each in self.occupations.items()}

    @cached_property
    def codes_by_title(self) -> Mapping[str, str]:
        """The code of each title, by its `title_key`."""
        return {title_key(title): code for code, title in self.titles.items()}

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each occupation with levels."""
        return {code: row for row, code in enumerate(self.codes)}

    def row(self, onet_soc_code: str) -> int:
        """Return the row of an occupation with levels. Raises NoData, UnknownOccupation, UnratedOccupation."""
        row = self.rows.get(onet_soc_code)
        if row is not None:
            return row
        occupation = self.occupation(onet_soc_code)
        raise UnratedOccupation(self._why_not(occupation), onet_soc_code=onet_soc_code)

    def check_levels(self) -> None:
        """Raise NoData if no occupation has levels: nothing is loaded, or a release without them."""
        if not self.occupations:
            raise NoData()
        if self.codes:
            return
        if self.domain == "skills" and any(occupation.is_rated for occupation in self.occupations.values()):
            raise NoData("no levels are predicted; ask for the ratings onet+llm, or run `skillgap enrich`")
        of = "any domain" if self.domain == "all" else self.domain.replace("_", " ")
        raise NoData(
            f"O*NET {self._release_text()} is loaded without levels of {of}; `skillgap status` shows what is missing"
        )

    def _why_not(self, occupation: Occupation) -> str:
        """Return why an occupation has no levels here, and the way out."""
        name = f"{occupation.onet_soc_code} ({occupation.title})"
        if self.domain not in ("skills", "all"):
            what = self.domain.replace("_", " ")
            if not self.codes:
                way_out = "`skillgap status` shows what is loaded; predictions are of skills alone"
                return f"no {what} ratings are there to compare, of {name} or any other occupation; {way_out}"
            return f"O*NET {self._release_text()} has no {what} ratings for {name}, so no gap can be computed"
        if occupation.is_rated:
            return (
                f"no levels are predicted for {name}, so no gap can be computed; "
                "analysts have rated it: ask for the ratings onet+llm"
            )
        fact = f"O*NET {self._release_text()} has no skill ratings for {name}, so no gap can be computed"
        if occupation.is_predicted:
            return f"{fact}; predicted levels are there: ask for the ratings onet+llm"
        if occupation.abstention:
            return f"{fact}; nor is it predicted: {occupation.abstention}"
        return fact if self.codes else f"{fact}; `skillgap status` shows what is missing"

    def occupation(self, onet_soc_code: str) -> Occupation:
        """Return an occupation, rated or not. Raises NoData, UnknownOccupation."""
        if not self.occupations:
            raise NoData()
        occupation = self.occupations.get(onet_soc_code)
        if occupation is None:
            family = [code for code in self.occupations if code[:7] == onet_soc_code[:7]]
            near = f"; {onet_soc_code[:7]} has {', '.join(family)}" if family else self._a_slip_away(onet_soc_code)
            raise UnknownOccupation(
                f"O*NET {self._release_text()} has no occupation {onet_soc_code}{near}",
                onet_soc_code=onet_soc_code,
            )
        return occupation

    def _a_slip_away(self, onet_soc_code: str) -> str:
        """Ask whether occupations are meant whose codes differ by one digit, or by two that changed places."""
        alike = extract(onet_soc_code, list(self.occupations), scorer=OSA.distance, score_cutoff=1, limit=3)
        named = [f"{code} ({self.titles[code]})" for code, *_ in alike]
        return f"; is {' or '.join(named)} meant?" if named else ""

    def skills(self, onet_soc_code: str) -> list[SkillRating]:
        """Return the skills of an occupation with levels, most important first, predicted ones by level.

        Raises as `row` does.
        """
        i = self.row(onet_soc_code)
        importance = np.nan_to_num(self.importance[i])
        order = np.lexsort((-self.level_or_zero[i], -importance, self.not_relevant[i])).tolist()
        columns = (self.element_ids, self.element_names, self.element_domains, *self.printed(i))
        skills = [SkillRating(*values) for values in zip(*columns, strict=True)]
        return [skills[k] for k in order if (skills[k].data_value, skills[k].importance) != (None, None)]

    def _release_text(self) -> str:
        release = self.release or self.web_services_release
        return release.number if release else "data"


def as_weight(importance: FloatArray, weighting: WeightChoice, *, counts: BoolArray) -> FloatArray:
    """Return what importances (scale IM) weigh: 0 where they do not count, NaN where they are missing."""
    if weighting == "none":
        return counts.astype(np.float64)
    weight = np.maximum(importance - 1.0, 0.0) if weighting == "standard" else importance
    return np.where(counts, weight, 0.0)


class _Scale(NamedTuple):
    """The anchors of one element, and the pairs around each of their gaps."""

    values: list[int]
    around: list[LevelAnchors]

    @classmethod
    def of(cls, anchors: Sequence[Anchor]) -> _Scale:
        return cls([each.anchor_value for each in anchors], [*starmap(LevelAnchors, pairwise((None, *anchors, None)))])


def _around(level: float, scale: _Scale) -> LevelAnchors | None:
    """Return the anchors around a level."""
    if not scale.values or math.isnan(level):
        return None
    return scale.around[bisect_right(scale.values, level)]


@lru_cache(maxsize=1_000)
def title_key(title: str) -> str:
    """Return a title in lower case with single spaces: spreadsheets leave double, non-breaking and trailing ones."""
    return " ".join(title.split()).casefold()


def _month_text(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _names(ratings: Ratings) -> dict[str, str]:
    return dict(zip(ratings.element_ids, ratings.element_names, strict=True))


_MISSING: dict[str, Any] = {
    "data_value": np.nan,
    "standard_error": np.nan,
    "n": 0,
    "importance": np.nan,
    "importance_standard_error": np.nan,
    "importance_n": 0,
    "not_relevant": False,
    "recommend_suppress": False,
    "month": NO_MONTH,
    "source": 0,
    "lower": np.nan,
    "upper": np.nan,
}
"""What each array of Ratings has where there is no rating."""


def python_numbers(values: FloatArray) -> list[Any]:
    """Return the array as (nested) lists of Python numbers, None for NaN."""
    numbers: list[Any] = values.tolist()
    if np.isnan(values).any():
        as_objects = values.astype(object)
        as_objects[np.isnan(values)] = None
        numbers = as_objects.tolist()
    return numbers
