"""The ratings of one data version as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from skillgap.analysis.agreement import MARGIN_OF_EIGHTHS, MARGIN_OF_HUNDREDTHS, panel_variance
from skillgap.analysis.anchors import AnchorScale
from skillgap.analysis.arrays import NO_MONTH, BoolArray, FloatArray, python_numbers, rows_by_name
from skillgap.analysis.lookup import Lookup
from skillgap.analysis.means import as_exact, exact_means, in_eighths
from skillgap.analysis.memo import cached_property, memoized_in
from skillgap.analysis.pivot import Pivot, columns_of
from skillgap.analysis.printed import PrintedRatings, month_text
from skillgap.analysis.weights import as_weight, usual_importance
from skillgap.models import (
    Anchor,
    LevelAnchors,
    Occupation,
    Predictions,
    Provenance,
    RatingRows,
    RatingsChoice,
    SkillRating,
    WeightChoice,
)
from skillgap.onet.domains import DomainChoice, domain_of
from skillgap.onet.license import LICENSE_URL, MODIFICATION, attribution
from skillgap.onet.releases import Release
from skillgap.onet.scales import RATERS


@dataclass(frozen=True, eq=False, kw_only=True)
class Ratings(Lookup):
    """Levels and importances of all occupations with levels, and the titles of all occupations.

    Arrays are (occupations with levels, elements), ordered by code and element id. Missing values are NaN, 0 raters or
    `NO_MONTH`. Levels are points of scale LV (0-7), importances points of IM (1-5), as O*NET prints them. Levels with
    source `llm` are predicted and have no importance.
    """

    data_version: str
    """Changes with every load that changes a row; empty before the first load."""
    predictions: Predictions | None
    """The model behind the levels with source `llm`; None if there are none."""
    analysts: Ratings | None
    """The analysts' ratings without predictions, as the reference for predictions; None if these ratings have no
    predictions."""
    sources: tuple[str, ...]
    """Sources of the levels, such as `text`, `api` and `llm`."""
    data_value: FloatArray
    standard_error: FloatArray
    n: npt.NDArray[np.int32]
    importance: FloatArray
    importance_standard_error: FloatArray
    importance_n: npt.NDArray[np.int32]
    not_relevant: BoolArray
    recommend_suppress: BoolArray
    month: npt.NDArray[np.int32]
    """Month of the level as 12 x year + month - 1."""
    source: npt.NDArray[np.int8]
    """Index into `sources`."""
    lower: FloatArray
    upper: FloatArray
    """Ends of the 95 % interval of predicted levels; NaN for analysts' ratings."""
    explanations: Mapping[tuple[str, str], str]
    """Explanations of predicted levels, by O*NET-SOC code and element id."""
    anchors: Mapping[str, tuple[Anchor, ...]]
    """Level anchors by element id, levels ascending; empty if not loaded."""
    job_zone_names: Mapping[int, str] = field(default_factory=dict)
    """The release's name of each Job Zone; empty if its Job Zone Reference is not loaded."""
    weighting: WeightChoice = "importance"
    """How elements of a target are weighted."""

    @classmethod
    def empty(cls) -> Ratings:
        """Return the ratings of an empty database."""
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

    @classmethod
    def from_rows(
        cls, rows: RatingRows, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills"
    ) -> Ratings:
        """Build the ratings of a domain from the store's rows; `choice` selects whose levels are used."""
        return cls.by_choice(rows)[choice].of_domain(domain)

    @classmethod
    def by_choice(cls, rows: RatingRows) -> dict[RatingsChoice, Ratings]:
        """Build the ratings of all domains with rows, one for each choice of whose levels are used."""
        empty = replace(
            cls.empty(),
            data_version=rows.data_version,
            release=rows.release,
            web_services_release=rows.web_services_release,
            occupations=rows.occupations,
            anchors=rows.anchors,
            job_zone_names=rows.job_zone_names,
        )
        predicted = Pivot(rows.predicted)
        onet = replace(empty, **Pivot(rows.rated).arrays())
        llm = replace(
            empty,
            analysts=onet,
            predictions=rows.predictions if predicted.codes else None,
            explanations=predicted.texts("explanation"),
            **predicted.arrays(),
        )
        return {"onet": onet, "llm": llm, "onet+llm": onet.filled_with(llm)}

    @classmethod
    def from_frame(cls, frame: Any, titles: Mapping[str, str], *, release: Release | None = None) -> Ratings:
        """Build the analysts' ratings of all domains from long rows, such as those of a release's text files.

        `frame` is a DataFrame or a mapping of columns: onet_soc_code, element_id, element_name, scale_id, data_value,
        standard_error, n, not_relevant, recommend_suppress and date_updated, with None, NaN or NaT where missing.
        `titles` maps the code of every occupation, rated or not, to its title.
        """
        pivot = Pivot(columns_of(frame))
        arrays = pivot.arrays()
        is_skill = [domain_of(element_id) == "skills" for element_id in arrays["element_ids"]]
        has_skill = ~np.isnan(arrays["data_value"][:, is_skill]).all(axis=1)
        rated = {code for code, has in zip(arrays["codes"], has_skill.tolist(), strict=True) if has}
        return replace(
            cls.empty(),
            release=release,
            occupations={
                code: Occupation(
                    onet_soc_code=code,
                    title=titles[code],
                    description=None,
                    is_rated=code in rated,
                    is_predicted=False,
                    abstention=None,
                    source="text",
                    as_of=f"{release.date:%Y-%m-%d}" if release and release.date else None,
                    job_zone=None,
                )
                for code in sorted(titles)
            },
            **arrays,
        )

    def of_domain(self, domain: DomainChoice) -> Ratings:
        """Return the ratings of one domain, with the occupations that have levels in it. Memoized."""
        if domain == self.domain:
            return self
        return memoized_in(self._domains, domain, lambda: self._only(domain))

    @cached_property
    def _domains(self) -> dict[DomainChoice, Ratings]:
        return {}

    def weighted_by(self, weighting: WeightChoice) -> Ratings:
        """Return the same ratings with other weights. Memoized."""
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
        """Return the ratings of some occupations and elements; both must exist and be in ascending order."""
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

    def with_codes(self, codes: Mapping[str, str]) -> Ratings:
        """Return the same ratings with other codes for some occupations; no two may get the same code."""
        renamed = [codes.get(code, code) for code in self.codes]
        order = np.argsort(renamed)
        occupations = {
            codes.get(code, code): replace(occupation, onet_soc_code=codes.get(code, code))
            for code, occupation in self.occupations.items()
        }
        return replace(
            self,
            analysts=None,
            codes=tuple(sorted(renamed)),
            occupations=dict(sorted(occupations.items())),
            **{name: getattr(self, name)[order] for name in _MISSING},
        )

    def _only(self, domain: DomainChoice) -> Ratings:
        columns = np.flatnonzero([domain in (own, "all") for own in self.element_domains])
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
        """Return these ratings, with predicted levels where they have none."""
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
    def level(self) -> FloatArray:
        """Exact levels (see `exact_means`)."""
        return self.exact_level(self.data_value)

    def exact_level(self, level: FloatArray) -> FloatArray:
        """Return levels as they are compared, elements along the last axis; also for a person's own levels."""
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
        """Exact levels for comparison: 0 where missing, but NaN if the occupation has no level in the whole domain."""
        level = self.level_or_zero.copy()
        domains = np.array(self.element_domains)
        for domain in set(self.element_domains):
            columns = domains == domain
            level[np.ix_(np.isnan(self.level[:, columns]).all(axis=1), columns)] = np.nan
        return level

    def domains_of(self, *rows: int) -> list[str]:
        """Return the domains in which all these occupations, given by their rows, have levels."""
        if self.domain != "all":
            return [self.domain]
        return [domain for domain, is_rated in self._has_domain.items() if all(is_rated[row] for row in rows)]

    @cached_property
    def _has_domain(self) -> dict[str, list[bool]]:
        """Whether each occupation has levels, by domain."""
        domains = np.array(self.element_domains)
        has_domain: dict[str, list[bool]] = {}
        for domain in dict.fromkeys(self.element_domains):
            is_missing = np.isnan(self.comparable_level[:, domains == domain])
            has_domain[domain] = np.logical_not(is_missing.all(axis=1)).tolist()
        return has_domain

    @cached_property
    def is_predicted(self) -> BoolArray:
        """Whether each level is predicted."""
        return ~np.isnan(self.lower)

    @cached_property
    def raters(self) -> npt.NDArray[np.int32]:
        """Number of raters, for the degrees of freedom. To be conservative, a prediction counts as the usual 8."""
        return np.where(self.is_predicted, RATERS, self.n).astype(np.int32)

    @cached_property
    def panel_variance(self) -> FloatArray:
        """Variance of another panel's levels given these (see `agreement.panel_variance`)."""
        return panel_variance(self.standard_error, self.raters, is_predicted=self.is_predicted)

    @cached_property
    def prediction_variance(self) -> FloatArray:
        """Squared standard error of predicted levels, 0 for ratings."""
        return np.where(self.is_predicted, self.panel_variance, 0.0)

    @cached_property
    def margin(self) -> FloatArray:
        """Level points by which a gap must exceed 0 to be found again half the time, by element."""
        return np.where(self._level_in_eighths, MARGIN_OF_EIGHTHS, MARGIN_OF_HUNDREDTHS)

    @cached_property
    def weight(self) -> FloatArray:
        """Weight of each element in a target by `weighting`: 0 where it does not count, NaN where it is unknown."""
        return as_weight(self.counted_importance, self.weighting, counts=self.counts)

    @cached_property
    def counts(self) -> BoolArray:
        """Whether each level counts in a target: it exists and is not flagged Not Relevant."""
        counts: BoolArray = ~self.not_relevant & ~np.isnan(self.data_value)
        return counts

    @cached_property
    def counted_importance(self) -> FloatArray:
        """Exact importance where the level counts, otherwise 0; NaN where it counts but its importance is missing.

        A predicted level has the importance expected at that level from the analysts' ratings.
        """
        importance = np.where(self.counts, self._exact_importance, 0.0)
        if self.analysts is None:
            return importance
        return np.where(self.is_predicted, self._usual_importance(self.analysts), importance)

    @cached_property
    def usual_importance(self) -> FloatArray:
        """Exact importance; where missing, the one expected at the level, or 0 if that is unknown too."""
        importance = self._exact_importance
        is_missing = np.isnan(importance)
        if not is_missing.any():
            return importance
        return np.where(is_missing, np.nan_to_num(self._usual_importance(self.analysts or self)), importance)

    def _usual_importance(self, analysts: Ratings) -> FloatArray:
        """Return the importances expected at these levels: one regression per element on the analysts' ratings.

        NaN for an element whose importance no analyst has rated.
        """
        usual = np.full_like(self.data_value, np.nan)
        columns = {element_id: k for k, element_id in enumerate(analysts.element_ids)}
        for k, element_id in enumerate(self.element_ids):
            column = columns.get(element_id)
            if column is None or np.isnan(analysts.importance[:, column]).all():
                continue
            usual[:, k] = usual_importance(
                self.level_or_zero[:, k], analysts.level_or_zero[:, column], analysts.counted_importance[:, column]
            )
        return usual

    @cached_property
    def has_importance(self) -> bool:
        """Whether any importance exists."""
        return not np.isnan(self.importance).all()

    @cached_property
    def has_errors(self) -> bool:
        """Whether any level can be tested: it has a standard error and a number of raters."""
        return bool((~np.isnan(self.standard_error) & (self.raters > 0)).any())

    @cached_property
    def known_weight(self) -> FloatArray:
        """The weights, 0 where unknown."""
        return np.nan_to_num(self.weight) if self.is_weight_missing.any() else self.weight

    @cached_property
    def is_weight_missing(self) -> BoolArray:
        """Whether each element counts in a target but has no weight because its importance is missing."""
        return np.isnan(self.weight)

    @cached_property
    def has_missing_weight(self) -> BoolArray:
        """Whether each occupation has an element without a weight."""
        return np.asarray(self.is_weight_missing.any(axis=1))

    @cached_property
    def weight_sum(self) -> FloatArray:
        """Sum of the known weights of each occupation; NaN if it is 0, because a weighted mean is then undefined."""
        total: FloatArray = self.known_weight.sum(axis=1)
        return np.where(total > 0, total, np.nan)

    def printed(self, row: int) -> PrintedRatings:
        """Return the ratings of an occupation, given by its row, as Python values. Memoized."""
        return memoized_in(self._printed, row, lambda: self._print(row))

    @cached_property
    def _printed(self) -> dict[int, PrintedRatings]:
        return {}

    def _print(self, row: int) -> PrintedRatings:
        code = self.codes[row]
        levels = zip(self.level[row].tolist(), self._scales, strict=True)
        return PrintedRatings(
            data_value=python_numbers(self.data_value[row]),
            standard_error=python_numbers(self.standard_error[row]),
            lower=python_numbers(self.lower[row]),
            upper=python_numbers(self.upper[row]),
            n=[n or None for n in self.n[row].tolist()],
            importance=python_numbers(self.importance[row]),
            importance_standard_error=python_numbers(self.importance_standard_error[row]),
            not_relevant=self.not_relevant[row].tolist(),
            recommend_suppress=self.recommend_suppress[row].tolist(),
            date_updated=[None if month == NO_MONTH else month_text(month) for month in self.month[row].tolist()],
            source=[self.sources[source] for source in self.source[row].tolist()],
            explanation=[self.explanations.get((code, element_id)) for element_id in self.element_ids],
            anchors=[scale.around_level(level) for level, scale in levels],
        )

    def anchors_around(self, column: int, level: float) -> LevelAnchors | None:
        """Return the anchors around a level of an element, given by its column; None if none are loaded."""
        return self._scales[column].around_level(level)

    @cached_property
    def _scales(self) -> list[AnchorScale]:
        return [AnchorScale.of(self.anchors.get(element_id, ())) for element_id in self.element_ids]

    @cached_property
    def provenance(self) -> Provenance:
        """The source of the figures, to be shown with them."""
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
        """Return the provenance of answers about these rows: predictions are named only if a row has any."""
        if self.analysts is None or any(self._has_prediction[row] for row in rows):
            return self.provenance
        return self.analysts.provenance

    @cached_property
    def _has_prediction(self) -> list[bool]:
        return [any(row) for row in self.is_predicted.tolist()]

    @cached_property
    def job_zones(self) -> tuple[int, ...]:
        """The Job Zones of all occupations, ascending; empty if none are loaded."""
        zones = {occupation.job_zone for occupation in self.occupations.values()}
        return tuple(sorted(zone for zone in zones if zone is not None))

    def skills(self, onet_soc_code: str) -> list[SkillRating]:
        """Return the skills of an occupation with levels: most important first, predicted ones by level.

        Raises NoData, UnknownOccupation, UnratedOccupation.
        """
        i = self.row(onet_soc_code)
        importance = np.nan_to_num(self.importance[i])
        order = np.lexsort((-self.level_or_zero[i], -importance, self.not_relevant[i])).tolist()
        skills = rows_by_name(
            SkillRating,
            element_id=self.element_ids,
            element_name=self.element_names,
            domain=self.element_domains,
            **self.printed(i)._asdict(),
        )
        return [skills[k] for k in order if (skills[k].data_value, skills[k].importance) != (None, None)]


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
"""The missing value of each array of Ratings."""
