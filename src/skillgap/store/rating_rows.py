"""Rating rows, read from the views and the other domains' tables; each function reads one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, column, literal, null, select, table, true
from sqlalchemy import Date as SqlDate
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Float as SqlFloat

from skillgap.models import Anchor, Occupation, Predictions, RatingRows
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
"""The columns of a prediction that take the place of the columns of a rating."""

MODEL_COLUMNS = tuple(
    LLMModels.__table__.c["release_number" if field.name == "release" else field.name].label(field.name)
    for field in fields(Predictions)
)
"""One column for each field of Predictions, labeled with its name."""

HAS_RATING = SKILLS_VIEW.c.source != "llm"
IS_LEVEL = and_(SKILLS_VIEW.c.scale_id == "LV", SKILLS_VIEW.c.data_value.is_not(None))


def get_rating_rows(
    connection: Connection, domain: DomainChoice = "skills", *, onet_soc_code: str | None = None
) -> RatingRows:
    """Return the rows of skills and of a domain (or of all domains), for every occupation or for one.

    Skills are always included, because they determine which occupations are rated. Source: the two views, and the
    other domains' tables.
    """
    return RatingReader(connection, onet_soc_code).rows(domain)


class RatingReader:
    """Reads the rows behind the ratings of all occupations or of one, each row once."""

    def __init__(self, connection: Connection, onet_soc_code: str | None = None) -> None:
        self._connection = connection
        self._onet_soc_code = onet_soc_code
        rated = select(*(SKILLS_VIEW.c[name] for name in _RATED)).where(self._which(SKILLS_VIEW), HAS_RATING)
        self._skills = self._read(rated)
        predicted = select(
            *(_PREDICTED.get(name, SKILLS_VIEW.c[name]).label(name) for name in _RATED),
            SKILLS_VIEW.c.llm_lower_ci_bound,
            SKILLS_VIEW.c.llm_upper_ci_bound,
            SKILLS_VIEW.c.llm_explanation,
        ).where(self._which(SKILLS_VIEW), SKILLS_VIEW.c.llm_data_value.is_not(None))
        self._predicted = self._read(predicted)
        self._others: dict[str, Sequence[Any]] = {}

    def rows(self, domain: DomainChoice) -> RatingRows:
        """Return the rows of skills and of a domain, or of all domains."""
        connection = self._connection
        return RatingRows(
            data_version=get_data_version(connection),
            release=get_release(connection, "text"),
            web_services_release=get_release(connection, "api"),
            occupations=_get_occupations(
                connection, rated=_with_level(self._skills), predicted=_with_level(self._predicted)
            ),
            anchors=_get_anchors(connection),
            job_zone_names=_get_job_zone_names(connection),
            predictions=_get_predictions(connection) if self._predicted else None,
            rated=_columns(_RATED, [*self._skills, *self.other_rows(domain)]),
            predicted=_columns((*_RATED, "lower", "upper", "explanation"), self._predicted),
        )

    def other_rows(self, domain: DomainChoice) -> list[Any]:
        """Return the rows of a domain, or of all domains, without those of skills."""
        rows: list[Any] = []
        for name, table_name in DOMAIN_TABLES.items():
            if name == "skills" or domain not in (name, "all"):
                continue
            if name not in self._others:
                table = Base.metadata.tables[table_name]
                columns = (table.c[column] if column != "source" else literal("text") for column in _RATED)
                self._others[name] = self._read(select(*columns).where(self._which(table)))
            rows += self._others[name]
        return rows

    def _which(self, rows: FromClause) -> ColumnElement[bool]:
        if self._onet_soc_code is None:
            return rows.c.scale_id.in_(("LV", "IM"))
        return rows.c.onet_soc_code == self._onet_soc_code

    def _read(self, query: Select[Any]) -> Sequence[Any]:
        return self._connection.execute(query).all()


def _with_level(rows: Sequence[Any]) -> set[str]:
    """Return the codes of occupations that have a level."""
    return {row.onet_soc_code for row in rows if row.scale_id == "LV" and row.data_value is not None}


def _columns(names: Sequence[str], rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return dict(zip(names, columns, strict=True))


def _get_occupations(connection: Connection, *, rated: set[str], predicted: set[str]) -> dict[str, Occupation]:
    abstentions = select(LLMAbstentions.onet_soc_code, LLMAbstentions.reason).join(
        LLMModels,
        and_(
            LLMModels.model == LLMAbstentions.model,
            LLMModels.prompt_version == LLMAbstentions.prompt_version,
            LLMModels.is_active == 1,
        ),
    )
    reasons = {code: reason for code, reason in connection.execute(abstentions)}  # noqa: C416 - mypy does not accept a Row as a pair
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
    return {zone: name for zone, name in names}  # noqa: C416 - mypy does not accept a Row as a pair


def _get_predictions(connection: Connection) -> Predictions:
    row = connection.execute(select(*MODEL_COLUMNS).where(LLMModels.is_active == 1)).one()
    return Predictions(**row._mapping)


# -- version and release ----------------------------------------------------------------------------------------


def get_data_version(connection: Connection) -> str:
    """Return the data version: number and time (UTC) of the last load that changed a row, `""` before the first.

    The time distinguishes loads with the same number if the database has been deleted and created again.
    """
    return _last_change(connection, true())


def _last_change(connection: Connection, which: ColumnElement[bool]) -> str:
    changes = select(Loads.load_id, Loads.finished_at).where(Loads.rows_changed > 0, which)
    last = connection.execute(changes.order_by(Loads.load_id.desc()).limit(1)).first()
    return f"{last.load_id}-{last.finished_at:%Y%m%dT%H%M%SZ}" if last else ""


def get_ratings_version(connection: Connection) -> str:
    """Return the data version of the analysts' ratings: that of the last load of anything but scores."""
    return _last_change(connection, Loads.source != "llm")


def get_release(connection: Connection, source: str = "text") -> Release | None:
    """Return the release of the last load from a source."""
    loads = select(Loads.release_number, Loads.release_date).where(Loads.source == source)
    if source == "api":  # fetched per occupation, so a fetch without changes does not date the other rows
        loads = loads.where(Loads.rows_changed > 0)
    row = connection.execute(loads.order_by(Loads.load_id.desc()).limit(1)).first()
    return Release(*row) if row else None
