"""Ratings as arrays, read from the views and the other domains' tables; each function reads one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress, groupby
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, column, literal, null, select, table, true
from sqlalchemy import Date as SqlDate
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Float as SqlFloat

from skillgap.analysis.ratings import NO_MONTH, FloatArray, Ratings
from skillgap.models import Anchor, Occupation, Predictions, RatingsChoice, SkillRating
from skillgap.onet.domains import DOMAIN_TABLES, DomainChoice
from skillgap.onet.releases import Release
from skillgap.store.schema import Base, JobZoneReference, JobZones, LevelScaleAnchors, LLMAbstentions, LLMModels, Loads

OCCUPATIONS_VIEW = table(
    "OccupationsView",
    column("onet_soc_code"),
    column("title"),
    column("description"),
    column("source"),
    column("as_of", SqlDate),
)
SKILLS_VIEW = table(
    "SkillsView",
    column("onet_soc_code"),
    column("element_id"),
    column("scale_id"),
    column("element_name"),
    column("data_value", SqlFloat),
    column("n"),
    column("standard_error", SqlFloat),
    column("recommend_suppress"),
    column("not_relevant"),
    column("date_updated", SqlDate),
    column("source"),
    column("llm_data_value", SqlFloat),
    column("llm_uncertainty", SqlFloat),
    column("llm_lower_ci_bound", SqlFloat),
    column("llm_upper_ci_bound", SqlFloat),
    column("llm_explanation"),
    column("llm_scored_at", SqlDateTime),
)
_RATED = tuple(each.name for each in SKILLS_VIEW.c if not each.name.startswith("llm_"))
_PREDICTED = {
    "data_value": SKILLS_VIEW.c.llm_data_value,
    "n": null(),
    "standard_error": SKILLS_VIEW.c.llm_uncertainty,
    "recommend_suppress": null(),
    "not_relevant": null(),
    "date_updated": SKILLS_VIEW.c.llm_scored_at,
    "source": literal("llm"),
}
"""What of a prediction stands where of a rating."""

MODEL_COLUMNS = (
    *(LLMModels.model, LLMModels.prompt_version, LLMModels.release_number, LLMModels.occupations_judged),
    *(LLMModels.mae_random, LLMModels.mae_grouped, LLMModels.bias, LLMModels.coverage),
)
"""In the order of Predictions."""

HAS_RATING = SKILLS_VIEW.c.source != "llm"
IS_LEVEL = and_(SKILLS_VIEW.c.scale_id == "LV", SKILLS_VIEW.c.data_value.is_not(None))


def get_ratings(connection: Connection, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills") -> Ratings:
    """Return the levels of all occupations that have some. Source: the two views, and the other domains' tables."""
    return _RatingRows(connection).ratings(domain)[choice].of_domain(domain)


def get_all_ratings(connection: Connection) -> dict[RatingsChoice, Ratings]:
    """Return the ratings of all domains by whose levels are used. Source: as of `get_ratings`."""
    return _RatingRows(connection).ratings("all")


def get_skills_then_all(connection: Connection) -> Iterator[dict[RatingsChoice, Ratings]]:
    """Give what `get_all_ratings` returns, of skills first: no row is read twice. Source: as of `get_ratings`."""
    rows = _RatingRows(connection)
    found = rows.ratings("skills")
    yield {choice: each.of_domain("skills") for choice, each in found.items()}
    yield rows.ratings("all") if rows.of_others("all") else found


def get_occupation_ratings(
    connection: Connection, onet_soc_code: str, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills"
) -> Ratings:
    """Return the ratings of one occupation alone, with the names of all. Source: as of `get_ratings`."""
    return _RatingRows(connection, onet_soc_code).ratings(domain)[choice].of_domain(domain)


def get_occupation_skills(
    connection: Connection,
    onet_soc_code: str,
    choice: RatingsChoice = "onet+llm",
    domain: DomainChoice = "skills",
) -> list[SkillRating]:
    """Return the skills of one occupation, most important first, predicted ones by level.

    Raises NoData, UnknownOccupation, UnratedOccupation. Source: as of `get_ratings`.
    """
    return get_occupation_ratings(connection, onet_soc_code, choice, domain).skills(onet_soc_code)


class _RatingRows:
    """The rows that ratings are made of, of all occupations or of one, each read once.

    Skills are always among them: they tell who is rated.
    """

    def __init__(self, connection: Connection, onet_soc_code: str | None = None) -> None:
        self._connection = connection
        self._onet_soc_code = onet_soc_code
        rated = select(*(SKILLS_VIEW.c[name] for name in _RATED)).where(self._which(SKILLS_VIEW), HAS_RATING)
        self._skill_rows = self._read(rated)
        self._skills = _Pivot(_RATED, self._skill_rows)
        predicted = select(
            *(_PREDICTED.get(name, SKILLS_VIEW.c[name]).label(name) for name in _RATED),
            SKILLS_VIEW.c.llm_lower_ci_bound,
            SKILLS_VIEW.c.llm_upper_ci_bound,
            SKILLS_VIEW.c.llm_explanation,
        ).where(self._which(SKILLS_VIEW), SKILLS_VIEW.c.llm_data_value.is_not(None))
        self._predicted = _Pivot((*_RATED, "lower", "upper", "explanation"), self._read(predicted))
        self._others: dict[str, Sequence[Any]] = {}

    def of_others(self, domain: DomainChoice) -> list[Any]:
        """Return the rows of a domain, or of all, but those of skills."""
        found: list[Any] = []
        for name, table_name in DOMAIN_TABLES.items():
            if name == "skills" or domain not in (name, "all"):
                continue
            if name not in self._others:
                of = Base.metadata.tables[table_name]
                columns = (of.c[each] if each != "source" else literal("text") for each in _RATED)
                self._others[name] = self._read(select(*columns).where(self._which(of)))
            found += self._others[name]
        return found

    def ratings(self, domain: DomainChoice) -> dict[RatingsChoice, Ratings]:
        """Return the ratings of skills and of a domain, by whose levels are used."""
        connection, skills, predicted = self._connection, self._skills, self._predicted
        others = self.of_others(domain)
        analysts = _Pivot(_RATED, [*self._skill_rows, *others]) if others else skills
        empty = replace(
            Ratings.empty(),
            data_version=get_data_version(connection),
            release=get_release(connection, "text"),
            web_services_release=get_release(connection, "api"),
            occupations=_get_occupations(connection, rated=set(skills.codes), predicted=set(predicted.codes)),
            anchors=_get_anchors(connection),
            job_zone_names=_get_job_zone_names(connection),
        )
        onet = replace(empty, **analysts.arrays())
        llm = replace(
            empty,
            analysts=onet,
            predictions=_get_predictions(connection) if predicted.codes else None,
            explanations=predicted.texts("explanation"),
            **predicted.arrays(),
        )
        return {"onet": onet, "llm": llm, "onet+llm": onet.filled_with(llm)}

    def _which(self, rows: FromClause) -> ColumnElement[bool]:
        if self._onet_soc_code is None:
            return rows.c.scale_id.in_(("LV", "IM"))
        return rows.c.onet_soc_code == self._onet_soc_code

    def _read(self, query: Select[Any]) -> Sequence[Any]:
        return self._connection.execute(query).all()


def _get_occupations(connection: Connection, *, rated: set[str], predicted: set[str]) -> dict[str, Occupation]:
    abstentions = select(LLMAbstentions.onet_soc_code, LLMAbstentions.reason).join(
        LLMModels,
        and_(
            LLMModels.model == LLMAbstentions.model,
            LLMModels.prompt_version == LLMAbstentions.prompt_version,
            LLMModels.is_active == 1,
        ),
    )
    reasons = {code: reason for code, reason in connection.execute(abstentions)}  # noqa: C416 - a Row is no pair to mypy
    zones = {code: zone for code, zone in connection.execute(select(JobZones.onet_soc_code, JobZones.job_zone))}  # noqa: C416
    rows = connection.execute(select(*OCCUPATIONS_VIEW.c).order_by(OCCUPATIONS_VIEW.c.onet_soc_code))
    return {
        row.onet_soc_code: Occupation(
            onet_soc_code=row.onet_soc_code,
            title=row.title,
            description=row.description,
            is_rated=row.onet_soc_code in rated,
            is_predicted=row.onet_soc_code in predicted - rated,
            abstention=reasons.get(row.onet_soc_code),
            source=row.source,
            as_of=row.as_of.isoformat() if row.as_of else None,
            job_zone=zones.get(row.onet_soc_code),
        )
        for row in rows
    }


def _get_anchors(connection: Connection) -> dict[str, tuple[Anchor, ...]]:
    each = LevelScaleAnchors
    rows = connection.execute(
        select(each.element_id, each.anchor_value, each.anchor_description)
        .where(each.scale_id == "LV")
        .order_by(each.element_id, each.anchor_value)
    )
    return {
        element_id: tuple(Anchor(value, text) for _, value, text in group)
        for element_id, group in groupby(rows, key=lambda row: row.element_id)
    }


def _get_job_zone_names(connection: Connection) -> dict[int, str]:
    names = connection.execute(select(JobZoneReference.job_zone, JobZoneReference.name))
    return {zone: name for zone, name in names}  # noqa: C416 - a Row is no pair to mypy


def _get_predictions(connection: Connection) -> Predictions:
    return Predictions(*connection.execute(select(*MODEL_COLUMNS).where(LLMModels.is_active == 1)).one())


class _Pivot:
    """Rows of SkillsView, to be read as arrays of (occupations with levels, elements), one field of one scale each."""

    def __init__(self, names: Sequence[str], rows: Sequence[Any]) -> None:
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        self._columns = dict(zip(names, columns, strict=True))
        self._numbers: dict[str, tuple[list[Any], np.ndarray[Any, np.dtype[np.intp]]]] = {}
        self._of_scale = {each: self._mapped("scale_id", {each: True}, np.bool_, False) for each in ("LV", "IM")}
        has_level = self._of_scale["LV"] & ~np.isnan(self._numeric("data_value"))
        codes, number = self._numbered("onet_soc_code")
        self.codes = sorted(codes[i] for i in np.unique(number[has_level]))
        self._row = self._mapped("onet_soc_code", {code: i for i, code in enumerate(self.codes)}, np.intp, -1)
        elements = zip(*(self._columns[f] for f in ("element_id", "source", "element_name")), strict=True)
        # Where sources name an element differently, text comes last and gives the name.
        self.names = {key: name for key, _, name in sorted(set(compress(elements, self._row >= 0)))}
        self.sources = sorted(self._numbered("source")[0])
        self._column = self._mapped(
            "element_id", {element_id: k for k, element_id in enumerate(self.names)}, np.intp, -1
        )

    def arrays(self) -> dict[str, Any]:
        """Return the fields of Ratings that these rows give."""
        found = {
            "codes": tuple(self.codes),
            "element_ids": tuple(self.names),
            "element_names": tuple(self.names.values()),
            "sources": tuple(self.sources),
            "data_value": self.array("LV", "data_value", np.float64, np.nan),
            "standard_error": self.array("LV", "standard_error", np.float64, np.nan),
            "n": self.array("LV", "n", np.int32, 0),
            "importance": self.array("IM", "data_value", np.float64, np.nan),
            "importance_standard_error": self.array("IM", "standard_error", np.float64, np.nan),
            "importance_n": self.array("IM", "n", np.int32, 0),
            "not_relevant": self.array("LV", "not_relevant", np.bool_, False, "Y".__eq__),
            "recommend_suppress": self.array("LV", "recommend_suppress", np.bool_, False, "Y".__eq__),
            "month": self.array("LV", "date_updated", np.int32, NO_MONTH, lambda day: 12 * day.year + day.month - 1),
            "source": self.array("LV", "source", np.int8, 0, self.sources.index),
        }
        for bound in ("lower", "upper"):
            has = bound in self._columns
            found[bound] = (
                self.array("LV", bound, np.float64, np.nan) if has else np.full_like(found["data_value"], np.nan)
            )
        return found

    def texts(self, field: str) -> dict[tuple[str, str], str]:
        """Return a field's texts by code and element id."""
        keys = zip(self._columns["onet_soc_code"], self._columns["element_id"], strict=True)
        return {key: text for key, text in zip(keys, self._columns[field], strict=True) if text}

    def array(
        self,
        scale_id: str,
        field: str,
        dtype: type[np.generic],
        missing: Any,
        value_of: Callable[[Any], Any] | None = None,
    ) -> np.ndarray[Any, Any]:
        """Return a field of a scale, with `missing` for what is null or not there; each value is read once."""
        wanted = self._of_scale[scale_id] & (self._row >= 0)
        out = np.full((len(self.codes), len(self.names)), missing, dtype=dtype)
        if value_of is None:
            found = self._numeric(field)
            found[np.isnan(found)] = missing
        else:
            values = {value: value_of(value) for value in self._numbered(field)[0] if value is not None}
            found = self._mapped(field, values, dtype, missing)
        out[self._row[wanted], self._column[wanted]] = found[wanted]
        return out

    def _numeric(self, field: str) -> FloatArray:
        """Return a field's numbers, NaN where there is none."""
        return np.array(self._columns[field], dtype=np.float64)

    def _mapped(
        self, field: str, values: Mapping[Any, Any], dtype: type[np.generic], otherwise: Any
    ) -> np.ndarray[Any, Any]:
        different, number = self._numbered(field)
        mapped: np.ndarray[Any, Any] = np.array([values.get(each, otherwise) for each in different], dtype)[number]
        return mapped

    def _numbered(self, field: str) -> tuple[list[Any], np.ndarray[Any, np.dtype[np.intp]]]:
        """Return the different values of a field, which are few, and which of them each row has."""
        if field not in self._numbers:
            places = {value: place for place, value in enumerate(dict.fromkeys(self._columns[field]))}
            number = np.fromiter(map(places.__getitem__, self._columns[field]), np.intp, len(self._columns[field]))
            self._numbers[field] = list(places), number
        return self._numbers[field]


# -- which data these are ----------------------------------------------------------------------------------------


def get_data_version(connection: Connection) -> str:
    """Return the data version: number and time (UTC) of the last load that changed a row, `""` before the first.

    The time tells apart loads of the same number in databases of the same place, one made anew after the other.
    """
    return _last_change(connection, true())


def _last_change(connection: Connection, which: ColumnElement[bool]) -> str:
    changes = select(Loads.load_id, Loads.finished_at).where(Loads.rows_changed > 0, which)
    last = connection.execute(changes.order_by(Loads.load_id.desc()).limit(1)).first()
    return f"{last.load_id}-{last.finished_at:%Y%m%dT%H%M%SZ}" if last else ""


def get_ratings_version(connection: Connection) -> str:
    """Return the data version that analysts' ratings had last: that of the last load but those of scores."""
    return _last_change(connection, Loads.source != "llm")


def get_release(connection: Connection, source: str = "text") -> Release | None:
    """Return the release that a source gave last."""
    loads = select(Loads.release_number, Loads.release_date).where(Loads.source == source)
    if source == "api":  # asked occupation by occupation: one that changed nothing says nothing of the rows
        loads = loads.where(Loads.rows_changed > 0)
    row = connection.execute(loads.order_by(Loads.load_id.desc()).limit(1)).first()
    return Release(*row) if row else None
