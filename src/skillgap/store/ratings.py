"""Ratings as arrays, read from the views and the other domains' tables; each function reads one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, FromClause, and_, column, literal, null, select, table, true
from sqlalchemy import Date as SqlDate
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Float as SqlFloat

from skillgap.analysis.ratings import NO_MONTH, Ratings
from skillgap.model import (
    DOMAIN_TABLES,
    Anchor,
    DomainChoice,
    Occupation,
    Predictions,
    RatingsChoice,
    Release,
    SkillRating,
)
from skillgap.store.schema import Base, JobZones, LevelScaleAnchors, LLMAbstentions, LLMModels, Loads

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
    return _get_ratings(connection, domain)[choice].of_domain(domain)


def get_all_ratings(connection: Connection, domain: DomainChoice = "all") -> dict[RatingsChoice, Ratings]:
    """Return the ratings by whose levels are used. Source: as of `get_ratings`."""
    return {choice: found.of_domain(domain) for choice, found in _get_ratings(connection, domain).items()}


def get_occupation_ratings(
    connection: Connection, onet_soc_code: str, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills"
) -> Ratings:
    """Return the ratings of one occupation alone, with the names of all. Source: as of `get_ratings`."""
    return _get_ratings(connection, domain, onet_soc_code)[choice].of_domain(domain)


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


def _get_ratings(
    connection: Connection, domain: DomainChoice, onet_soc_code: str | None = None
) -> dict[RatingsChoice, Ratings]:
    """Return the ratings of all occupations, or of one; skills are always among them: they tell who is rated."""

    def which(rows: FromClause) -> ColumnElement[bool]:
        if onet_soc_code is None:
            return rows.c.scale_id.in_(("LV", "IM"))
        return rows.c.onet_soc_code == onet_soc_code

    rated = select(*(SKILLS_VIEW.c[name] for name in _RATED)).where(which(SKILLS_VIEW), HAS_RATING)
    rows = list(connection.execute(rated).all())
    skill_codes = {row.onet_soc_code for row in rows if row.scale_id == "LV" and row.data_value is not None}
    for name, table_name in DOMAIN_TABLES.items():
        if name != "skills" and domain in (name, "all"):
            of = Base.metadata.tables[table_name]
            columns = (of.c[each] if each != "source" else literal("text") for each in _RATED)
            rows += connection.execute(select(*columns).where(which(of))).all()
    analysts = _Pivot(_RATED, rows)
    predicted = _Pivot(
        (*_RATED, "lower", "upper", "explanation"),
        connection.execute(
            select(
                *(_PREDICTED.get(name, SKILLS_VIEW.c[name]).label(name) for name in _RATED),
                SKILLS_VIEW.c.llm_lower_ci_bound,
                SKILLS_VIEW.c.llm_upper_ci_bound,
                SKILLS_VIEW.c.llm_explanation,
            ).where(which(SKILLS_VIEW), SKILLS_VIEW.c.llm_data_value.is_not(None))
        ).all(),
    )
    empty = replace(
        Ratings.empty(),
        data_version=get_data_version(connection),
        release=get_release(connection, "text"),
        web_services_release=get_release(connection, "api"),
        occupations=_get_occupations(connection, rated=skill_codes, predicted=set(predicted.codes)),
        anchors=_get_anchors(connection),
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


def _get_predictions(connection: Connection) -> Predictions:
    return Predictions(*connection.execute(select(*MODEL_COLUMNS).where(LLMModels.is_active == 1)).one())


class _Pivot:
    """Rows of SkillsView, to be read as arrays of (occupations with levels, elements), one field of one scale each."""

    def __init__(self, names: Sequence[str], rows: Sequence[Any]) -> None:
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        self._columns = dict(zip(names, columns, strict=True))
        codes, scales, values = (self._columns[field] for field in ("onet_soc_code", "scale_id", "data_value"))
        self.codes = sorted(
            {
                code
                for code, scale, value in zip(codes, scales, values, strict=True)
                if scale == "LV" and value is not None
            }
        )
        rated = set(self.codes)
        elements = zip(*(self._columns[f] for f in ("element_id", "source", "element_name")), codes, strict=True)
        # Where sources name an element differently, text comes last and gives the name.
        self.names = {key: name for key, _, name in sorted({each[:3] for each in elements if each[3] in rated})}
        self.sources = sorted(set(self._columns["source"]))
        self._of_scale = {each: self._mapped("scale_id", {each: True}, np.bool_, False) for each in ("LV", "IM")}
        self._row = self._mapped("onet_soc_code", {code: i for i, code in enumerate(self.codes)}, np.intp, -1)
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
        if value_of is None:  # numbers, None where there is none
            found = np.array(self._columns[field], dtype=np.float64)
            found[np.isnan(found)] = missing
        else:
            values = {value: missing if value is None else value_of(value) for value in set(self._columns[field])}
            found = self._mapped(field, values, dtype)
        out[self._row[wanted], self._column[wanted]] = found[wanted]
        return out

    def _mapped(
        self, field: str, values: Mapping[Any, Any], dtype: type[np.generic], otherwise: Any = None
    ) -> np.ndarray[Any, Any]:
        return np.array([values.get(value, otherwise) for value in self._columns[field]], dtype=dtype)


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
