"""The tables of the database. O*NET's come from `onet.tables`; the others are declared here.

Column names are O*NET's, with `onet_soc_code` for its `onetsoc_code`. Rows are stored as received (flags, n, bounds,
date); the views in `views/` choose between sources.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, assert_never

from sqlalchemy import (
    CHAR,
    JSON,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from skillgap.onet import tables as onet

MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_520_ci",
}
"""Given explicitly, since defaults differ between MySQL 8.4 and MariaDB, and foreign keys need one collation."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


def _value(precision: int, scale: int) -> Numeric[Any]:
    return Numeric(precision, scale, asdecimal=False)


def _long_text() -> TypeEngine[str]:
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def _exact(length: int) -> TypeEngine[str]:
    """Return a text type that distinguishes case and accents on MySQL, as SQLite does anyway."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


# -- O*NET's tables ---------------------------------------------------------------------------------------------------


def _fetched() -> list[Column[Any]]:
    """Return the columns with the source of each row of the Web Services."""
    return [
        Column("source_endpoint", String(250), nullable=False, doc="Path that the row was fetched from."),
        Column("api_version", String(20), nullable=False, doc="Version of the Web Services."),
        Column("fetched_at", DateTime, nullable=False, doc="Time of the fetch, in UTC."),
    ]


def _model(name: str, table: onet.Table, description: str, *, of_web_services: bool = False) -> Any:
    """Return the mapped class of one of O*NET's tables; its attributes are the table's columns."""
    columns = [_column(column, table, of_web_services=of_web_services) for column in table.columns]
    checks = [CheckConstraint(_check(column), name=column.name) for column in table.columns if column.is_checked]
    extra = _fetched() if of_web_services else []
    return type(
        name,
        (Base,),
        {"__table__": Table(name, Base.metadata, *columns, *extra, *checks, **MYSQL), "__doc__": description},
    )


def _column(column: onet.Column, table: onet.Table, *, of_web_services: bool) -> Column[Any]:
    """Return a column; rows of the Web Services refer to their own parents where those are stored."""
    references = []
    if column.references:
        parent = onet.TABLES[column.references]
        name = parent.api_table if of_web_services and parent.api_table else parent.name
        references = [ForeignKey(f"{name}.{parent.key[0]}")]
    return Column(
        column.name,
        _sql_type(column.type),
        *references,
        primary_key=column.name in table.key,
        autoincrement=False,
        nullable=column.stores_null,
        doc=f"{column.description.rstrip('.')}, in {column.unit}." if column.unit else column.description,
    )


def _sql_type(type_: onet.ColumnType) -> TypeEngine[Any]:
    match type_:
        case onet.Text(longest, is_exact=is_exact):
            return _exact(longest) if is_exact else String(longest)
        case onet.Prose(longest):
            return String(longest)
        case onet.SocCode():
            return CHAR(10)
        case onet.ElementId():
            return String(20)
        case onet.Number(digits=digits, decimals=decimals):
            return _value(digits, decimals)
        case onet.Whole(most=most):
            return SmallInteger() if most < 2**15 else Integer()
        case onet.Flag():
            return CHAR(1)
        case onet.Month() | onet.Day():
            return Date()
        case _:
            assert_never(type_)


def _check(column: onet.Column) -> str:
    if isinstance(column.type, onet.Number):
        return f"{column.name} >= {column.type.least:g}"
    return f"{column.name} IN ('Y', 'N')"


MODELS: dict[str, Any] = {table.name: _model(table.name, table, table.reference) for table in onet.TABLES.values()}
"""The mapped class of each table of `onet.tables`, by name."""
API_MODELS: dict[str, Any] = {
    table.name: _model(table.api_table, table, f"Rows of {table.file} from O*NET Web Services.", of_web_services=True)
    for table in onet.TABLES.values()
    if table.api_table
}
"""The mapped class of each table of Web Services rows, by the name of the table with the same rows of a release."""

Occupations = MODELS["Occupations"]
Scales = MODELS["Scales"]
Elements = MODELS["Elements"]
Skills = MODELS["Skills"]
JobZoneReference = MODELS["JobZoneReference"]
JobZones = MODELS["JobZones"]
LevelScaleAnchors = MODELS["LevelScaleAnchors"]
OnetApiOccupationData = API_MODELS["Occupations"]
OnetApiSkillsData = API_MODELS["Skills"]

# -- language models --------------------------------------------------------------------------------------------------


class LLMModels(Base):
    """Models whose scores are stored, with their accuracy. The views show the scores of the active model."""

    __tablename__ = "LLMModels"
    __table_args__ = (
        UniqueConstraint("is_active"),
        CheckConstraint("is_active = 1", name="is_active"),
        MYSQL,
    )

    model: Mapped[str] = mapped_column(String(100), primary_key=True, doc="Name of the model.")
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True, doc="Version of the prompt or method.")
    is_active: Mapped[int | None] = mapped_column(
        SmallInteger, doc="1 for the active model, null for all others. Unique, so at most one model is active."
    )
    release_number: Mapped[str | None] = mapped_column(String(10), doc="Release whose ratings the model was fitted to.")
    occupations_judged: Mapped[int | None] = mapped_column(
        SmallInteger, doc="Rated occupations that the figures below were measured on, each scored without its ratings."
    )
    mae_random: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Mean absolute error with random folds, in level points."
    )
    mae_grouped: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Mean absolute error with folds of whole occupation groups, in level points."
    )
    bias: Mapped[float | None] = mapped_column(_value(7, 4), doc="Mean of predicted minus rated, in level points.")
    coverage: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Share of ratings inside their 95 % prediction interval."
    )


class LLMSkillScores(Base):
    """Levels predicted by a language model, with all that is needed to reproduce or delete them."""

    __tablename__ = "LLMSkillScores"
    __table_args__ = (
        ForeignKeyConstraint(["model", "prompt_version"], [LLMModels.model, LLMModels.prompt_version]),
        CheckConstraint("scale_id = 'LV'", name="scale_id"),
        MYSQL,
    )

    onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10),
        ForeignKey(Occupations.onet_soc_code, ondelete="CASCADE"),
        primary_key=True,
        doc="Occupation, by its O*NET-SOC code.",
    )
    element_id: Mapped[str] = mapped_column(
        String(20), ForeignKey(Elements.element_id), primary_key=True, doc="The skill."
    )
    scale_id: Mapped[str] = mapped_column(
        String(3), ForeignKey(Scales.scale_id), primary_key=True, doc="Always LV: only levels are predicted."
    )
    model: Mapped[str] = mapped_column(String(100), primary_key=True, doc="Name of the model.")
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True, doc="Version of the prompt or method.")
    level: Mapped[float] = mapped_column(_value(7, 4), doc="Predicted level.")
    uncertainty: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Expected root mean square error, in level points."
    )
    lower_ci_bound: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Lower end of the 95 % interval of the analysts' level."
    )
    upper_ci_bound: Mapped[float | None] = mapped_column(
        _value(7, 4), doc="Upper end of the 95 % interval of the analysts' level."
    )
    data_version: Mapped[str | None] = mapped_column(
        String(40), doc="Data version of the ratings that the model was fitted to."
    )
    explanation: Mapped[str | None] = mapped_column(Text, doc="Basis of the level, in words.")
    reply: Mapped[str | None] = mapped_column(
        Text, doc="The model's reply, verbatim; null for a model that computes instead of replying."
    )
    scored_at: Mapped[datetime] = mapped_column(DateTime, doc="Time of the prediction, in UTC.")


class LLMAbstentions(Base):
    """Occupations that a model does not score, with the reason."""

    __tablename__ = "LLMAbstentions"
    __table_args__ = (
        ForeignKeyConstraint(["model", "prompt_version"], [LLMModels.model, LLMModels.prompt_version]),
        MYSQL,
    )

    onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10),
        ForeignKey(Occupations.onet_soc_code, ondelete="CASCADE"),
        primary_key=True,
        doc="Occupation, by its O*NET-SOC code.",
    )
    model: Mapped[str] = mapped_column(String(100), primary_key=True, doc="Name of the model.")
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True, doc="Version of the prompt or method.")
    reason: Mapped[str] = mapped_column(String(500), doc="Reason, as shown to users.")


class LLMReplies(Base):
    """The last reply of a generative model to each request. An invalid reply never replaces a valid one."""

    __tablename__ = "LLMReplies"
    __table_args__ = MYSQL

    request_sha256: Mapped[str] = mapped_column(
        CHAR(64), primary_key=True, doc="SHA-256 of model, prompt version and prompt."
    )
    model: Mapped[str] = mapped_column(String(100), doc="Name of the model.")
    prompt_version: Mapped[str] = mapped_column(String(20), doc="Version of the prompt.")
    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), doc="Occupation that the request is about.")
    element_id: Mapped[str | None] = mapped_column(
        String(20), doc="Skill that the request is about; null if it is about all skills."
    )
    reply: Mapped[str] = mapped_column(_long_text(), doc="The reply, verbatim.")
    error: Mapped[str | None] = mapped_column(
        Text, doc="Reason why no level could be read from the reply; the request is then sent again."
    )
    input_tokens: Mapped[int] = mapped_column(doc="Input tokens of all replies to the request.")
    output_tokens: Mapped[int] = mapped_column(doc="Output tokens of all replies to the request.")
    seconds: Mapped[float] = mapped_column(_value(9, 3), doc="Duration of all replies to the request.")
    asked_at: Mapped[datetime] = mapped_column(DateTime, doc="Time of the last reply, in UTC.")


# -- loads ------------------------------------------------------------------------------------------------------------


class Loads(Base):
    """One row per finished load or recreated source. The last load that changed a row is the data version."""

    __tablename__ = "Loads"
    __table_args__ = (CheckConstraint("source IN ('text', 'api', 'llm')", name="source"), MYSQL)

    load_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, doc="Number of the load.")
    source: Mapped[str] = mapped_column(
        String(10), doc="text for a release, api for the Web Services, llm for predictions."
    )
    release_number: Mapped[str] = mapped_column(String(10), doc="Release, such as 29.0.")
    release_date: Mapped[date | None] = mapped_column(Date, doc="First day of the month of the release.")
    origin: Mapped[str] = mapped_column(String(1000), doc="Path, URL without password, or model.")
    sha256: Mapped[str | None] = mapped_column(CHAR(64), doc="SHA-256 of the release's files.")
    started_at: Mapped[datetime] = mapped_column(DateTime, doc="Start of the load, in UTC.")
    finished_at: Mapped[datetime] = mapped_column(DateTime, doc="End of the load, in UTC.")
    row_counts: Mapped[dict[str, int]] = mapped_column(JSON, doc="Rows of each table after the load.")
    rows_changed: Mapped[int] = mapped_column(doc="Number of rows inserted, updated and deleted.")
