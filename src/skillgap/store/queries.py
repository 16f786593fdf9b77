"""What is read from the database; each function reads one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, column, func, select, table
from sqlalchemy import Date as SqlDate

from skillgap.analysis.ratings import NO_MONTH, Ratings
from skillgap.model import Occupation, Release, SkillRating
from skillgap.store.schema import Base, Loads

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
    column("data_value"),
    column("n"),
    column("standard_error"),
    column("recommend_suppress"),
    column("not_relevant"),
    column("date_updated", SqlDate),
    column("source"),
)

_IS_LEVEL = and_(SKILLS_VIEW.c.scale_id == "LV", SKILLS_VIEW.c.data_value.is_not(None))


@dataclass(frozen=True)
class LoadRecord:
    """One row of Loads."""

    load_id: int
    source: str
    release_number: str
    release_date: date | None
    origin: str
    sha256: str | None
    started_at: datetime
    finished_at: datetime
    row_counts: dict[str, int]
    rows_changed: int


@dataclass(frozen=True)
class Status:
    """What the database holds."""

    data_version: str
    release: Release | None
    web_services_release: Release | None
    occupations: int
    unrated: list[tuple[str, str]]
    """Code and title of each occupation without ratings."""
    tables: dict[str, int]
    """Rows of every table."""
    sources: dict[str, int]
    """Rows of SkillsView by source."""
    loads: list[LoadRecord]
    """The last one first."""


def get_status(connection: Connection) -> Status:
    """Return what the database holds."""
    return Status(
        data_version=get_data_version(connection),
        release=_get_release(connection, "text"),
        web_services_release=_get_release(connection, "api"),
        occupations=len(get_titles(connection)),
        unrated=list_unrated_occupations(connection),
        tables=count_rows(connection),
        sources=count_skills_by_source(connection),
        loads=list_loads(connection),
    )


def get_data_version(connection: Connection) -> str:
    """Return the data version: number and time (UTC) of the last load that changed a row, `""` before the first.

    The time tells apart loads of the same number in databases of the same place, one made anew after the other.
    """
    changes = select(Loads.load_id, Loads.finished_at).where(Loads.rows_changed > 0)
    last = connection.execute(changes.order_by(Loads.load_id.desc()).limit(1)).first()
    return f"{last.load_id}-{last.finished_at:%Y%m%dT%H%M%SZ}" if last else ""


def list_loads(connection: Connection) -> list[LoadRecord]:
    """Return all loads, the last one first."""
    rows = connection.execute(select(*Loads.__table__.c).order_by(Loads.load_id.desc())).mappings()
    return [LoadRecord(**row) for row in rows]


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {
        name: connection.scalar(select(func.count()).select_from(each)) or 0
        for name, each in Base.metadata.tables.items()
    }


def count_skills_by_source(connection: Connection) -> dict[str, int]:
    """Return how many rows of SkillsView each source contributes."""
    source = SKILLS_VIEW.c.source
    rows = connection.execute(select(source, func.count()).group_by(source).order_by(source))
    return {name: count for name, count in rows}  # noqa: C416 - a Row is no pair to the type checker


def list_unrated_occupations(connection: Connection) -> list[tuple[str, str]]:
    """Return code and title of every occupation without a level, codes ascending."""
    occupation = OCCUPATIONS_VIEW.c
    rated = select(SKILLS_VIEW.c.onet_soc_code).where(_IS_LEVEL)
    query = select(occupation.onet_soc_code, occupation.title).where(occupation.onet_soc_code.not_in(rated))
    return [(code, title) for code, title in connection.execute(query.order_by(occupation.onet_soc_code))]


def get_titles(connection: Connection) -> dict[str, str]:
    """Return the title of every occupation by code, codes ascending."""
    occupation = OCCUPATIONS_VIEW.c
    query = select(occupation.onet_soc_code, occupation.title).order_by(occupation.onet_soc_code)
    return {code: title for code, title in connection.execute(query)}  # noqa: C416 - a Row is no pair to mypy


def get_ratings(connection: Connection) -> Ratings:
    """Return the ratings of all occupations. Source: the two views."""
    return _get_ratings(connection, SKILLS_VIEW.c.scale_id.in_(("LV", "IM")))


def get_occupation_ratings(connection: Connection, onet_soc_code: str) -> Ratings:
    """Return the ratings of one occupation alone, with the names of all. Source: the two views."""
    return _get_ratings(connection, SKILLS_VIEW.c.onet_soc_code == onet_soc_code)


def get_occupation_skills(connection: Connection, onet_soc_code: str) -> list[SkillRating]:
    """Return the skills of one occupation, most important first.

    Raises NoData, UnknownOccupation, UnratedOccupation. Source: SkillsView.
    """
    return get_occupation_ratings(connection, onet_soc_code).skills(onet_soc_code)


def _get_ratings(connection: Connection, which: ColumnElement[bool]) -> Ratings:
    rows = connection.execute(select(*SKILLS_VIEW.c).where(which, SKILLS_VIEW.c.source != "llm")).all()
    skills = _Pivot(rows)
    occupations = connection.execute(select(*OCCUPATIONS_VIEW.c).order_by(OCCUPATIONS_VIEW.c.onet_soc_code))
    rated = set(skills.codes)
    return Ratings(
        data_version=get_data_version(connection),
        release=_get_release(connection, "text"),
        web_services_release=_get_release(connection, "api"),
        occupations={
            row.onet_soc_code: Occupation(
                onet_soc_code=row.onet_soc_code,
                title=row.title,
                description=row.description,
                is_rated=row.onet_soc_code in rated,
                source=row.source,
                as_of=row.as_of.isoformat() if row.as_of else None,
            )
            for row in occupations
        },
        codes=tuple(skills.codes),
        element_ids=tuple(skills.names),
        element_names=tuple(skills.names.values()),
        sources=tuple(skills.sources),
        data_value=skills.array("LV", "data_value", np.float64, np.nan),
        standard_error=skills.array("LV", "standard_error", np.float64, np.nan),
        n=skills.array("LV", "n", np.int32, 0),
        importance=skills.array("IM", "data_value", np.float64, np.nan),
        importance_standard_error=skills.array("IM", "standard_error", np.float64, np.nan),
        importance_n=skills.array("IM", "n", np.int32, 0),
        not_relevant=skills.array("LV", "not_relevant", np.bool_, False, "Y".__eq__),
        recommend_suppress=skills.array("LV", "recommend_suppress", np.bool_, False, "Y".__eq__),
        month=skills.array("LV", "date_updated", np.int32, NO_MONTH, lambda day: 12 * day.year + day.month - 1),
        source=skills.array("LV", "source", np.int8, 0, skills.sources.index),
    )


def _get_release(connection: Connection, source: str) -> Release | None:
    loads = select(Loads.release_number, Loads.release_date).where(Loads.source == source)
    if source == "api":  # asked occupation by occupation: one that changed nothing says nothing of the rows
        loads = loads.where(Loads.rows_changed > 0)
    row = connection.execute(loads.order_by(Loads.load_id.desc()).limit(1)).first()
    return Release(*row) if row else None


class _Pivot:
    """Rows of SkillsView, to be read as arrays of (rated occupations, elements), one field of one scale at a time."""

    def __init__(self, rows: Sequence[Any]) -> None:
        fields = SKILLS_VIEW.c.keys()
        columns = zip(*rows, strict=True) if rows else ((),) * len(fields)
        self._columns = dict(zip(fields, columns, strict=True))
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
        self.names = {key: name for key, _, name, code in sorted(elements) if code in rated}
        self.sources = sorted(set(self._columns["source"]))
        self._row = self._mapped("onet_soc_code", {code: i for i, code in enumerate(self.codes)}, np.intp, -1)
        self._column = self._mapped(
            "element_id", {element_id: k for k, element_id in enumerate(self.names)}, np.intp, -1
        )

    def array(
        self,
        scale_id: str,
        field: str,
        dtype: type[np.generic],
        missing: Any,
        value_of: Callable[[Any], Any] = lambda value: value,
    ) -> np.ndarray[Any, Any]:
        """Return a field of a scale, with `missing` for what is null or not there; each value is read once."""
        values = {value: missing if value is None else value_of(value) for value in set(self._columns[field])}
        wanted = self._mapped("scale_id", {scale_id: True}, np.bool_, False) & (self._row >= 0)
        out = np.full((len(self.codes), len(self.names)), missing, dtype=dtype)
        out[self._row[wanted], self._column[wanted]] = self._mapped(field, values, dtype)[wanted]
        return out

    def _mapped(
        self, field: str, values: Mapping[Any, Any], dtype: type[np.generic], otherwise: Any = None
    ) -> np.ndarray[Any, Any]:
        return np.array([values.get(value, otherwise) for value in self._columns[field]], dtype=dtype)
