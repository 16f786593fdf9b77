"""The tables, in the data dictionary's order. Column names are O*NET's, `onet_soc_code` for its `onetsoc_code`.

Raw rows are kept as they came (flags, n, bounds, date); choosing between sources happens in `views/`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    JSON,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from skillgap.onet.domains import DOMAIN_TABLES

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_520_ci"}
"""Named, since MySQL 8.4 and MariaDB differ in their defaults, and foreign keys need one collation."""


LOAD_ORDER = (
    *("Occupations", "Scales", "Elements", *DOMAIN_TABLES.values(), "JobZoneReference", "JobZones", "Interests"),
    *("TaskStatements", "AlternateTitles", "SampleOfReportedTitles", "TechnologySkills"),
    *("RelatedOccupations", "LevelScaleAnchors"),
)
"""The tables of a text release, parents before children."""


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
    """Return a text type that tells apart what differs in case or accents; SQLite does so anyway."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


class Occupations(Base):
    """Occupation Data: one row per occupation of the text release."""

    __tablename__ = "Occupations"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), primary_key=True)
    title: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(String(1000))


class Scales(Base):
    """Scales Reference: the bounds of each scale."""

    __tablename__ = "Scales"
    __table_args__ = MYSQL

    scale_id: Mapped[str] = mapped_column(String(3), primary_key=True)
    scale_name: Mapped[str] = mapped_column(String(50))
    minimum: Mapped[float] = mapped_column(_value(3, 0))
    maximum: Mapped[float] = mapped_column(_value(3, 0))


class Elements(Base):
    """Content Model Reference: a skill is an element."""

    __tablename__ = "Elements"
    __table_args__ = MYSQL

    element_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    element_name: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(String(1500))


class _RatingColumns:
    """The columns of O*NET's rating files after the key; one definition for the text and the API table."""

    element_name: Mapped[str] = mapped_column(String(150))
    data_value: Mapped[float | None] = mapped_column(_value(5, 2))
    n: Mapped[int | None] = mapped_column(SmallInteger)
    standard_error: Mapped[float | None] = mapped_column(_value(7, 4))
    lower_ci_bound: Mapped[float | None] = mapped_column(_value(7, 4))
    upper_ci_bound: Mapped[float | None] = mapped_column(_value(7, 4))
    recommend_suppress: Mapped[str | None] = mapped_column(CHAR(1))
    not_relevant: Mapped[str | None] = mapped_column(CHAR(1))
    date_updated: Mapped[date | None] = mapped_column(Date)
    domain_source: Mapped[str | None] = mapped_column(String(30))


def _rating_checks() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint("recommend_suppress IN ('Y', 'N')", name="recommend_suppress"),
        CheckConstraint("not_relevant IN ('Y', 'N')", name="not_relevant"),
        CheckConstraint("standard_error >= 0", name="standard_error"),
    )


class _Ratings(_RatingColumns):
    """One row per occupation, element and scale of a text release."""

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    element_id: Mapped[str] = mapped_column(String(20), ForeignKey(Elements.element_id), primary_key=True)
    scale_id: Mapped[str] = mapped_column(String(3), ForeignKey(Scales.scale_id), primary_key=True)


class Skills(_Ratings, Base):
    """Skills (to 30.2), Essential Skills and Transferable Skills (from 30.3): one row per rating."""

    __tablename__ = "Skills"
    __table_args__ = (*_rating_checks(), MYSQL)


class Knowledge(_Ratings, Base):
    """Knowledge, rated by incumbents or experts: errors are missing where experts rated. Empty where there is none."""

    __tablename__ = "Knowledge"
    __table_args__ = (*_rating_checks(), MYSQL)


class Abilities(_Ratings, Base):
    """Abilities, rated by analysts. Empty where the release lacks it."""

    __tablename__ = "Abilities"
    __table_args__ = (*_rating_checks(), MYSQL)


class WorkActivities(_Ratings, Base):
    """Work Activities, rated by incumbents or experts. Empty where the release lacks it."""

    __tablename__ = "WorkActivities"
    __table_args__ = (*_rating_checks(), MYSQL)


class _Dated:
    """When a row was last updated, and from what."""

    date_updated: Mapped[date | None] = mapped_column(Date)
    domain_source: Mapped[str | None] = mapped_column(String(30))


class JobZoneReference(Base):
    """Job Zone Reference: what each Job Zone means. Empty where the release lacks it."""

    __tablename__ = "JobZoneReference"
    __table_args__ = MYSQL

    job_zone: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    experience: Mapped[str] = mapped_column(String(1000))
    education: Mapped[str] = mapped_column(String(1000))
    job_training: Mapped[str] = mapped_column(String(1000))
    examples: Mapped[str] = mapped_column(String(1000))
    svp_range: Mapped[str | None] = mapped_column(String(50))


class JobZones(_Dated, Base):
    """Job Zones: how much preparation an occupation needs, 1 to 5, or 2 to 5 from O*NET 30.2 on.

    Empty where the release lacks it.
    """

    __tablename__ = "JobZones"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    job_zone: Mapped[int] = mapped_column(SmallInteger)


class Interests(_Dated, Base):
    """Interests (to 30.2), Career Interest Types (from 30.3). Empty where the release lacks it."""

    __tablename__ = "Interests"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    element_id: Mapped[str] = mapped_column(String(20), ForeignKey(Elements.element_id), primary_key=True)
    scale_id: Mapped[str] = mapped_column(String(3), ForeignKey(Scales.scale_id), primary_key=True)
    element_name: Mapped[str] = mapped_column(String(150))
    data_value: Mapped[float] = mapped_column(_value(5, 2))


class TaskStatements(_Dated, Base):
    """Task Statements: what is done in an occupation. Empty where the release lacks it."""

    __tablename__ = "TaskStatements"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    task_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[str] = mapped_column(String(1000))
    task_type: Mapped[str | None] = mapped_column(String(12))
    incumbents_responding: Mapped[int | None] = mapped_column(SmallInteger)


class AlternateTitles(Base):
    """Alternate Titles (to 30.2), Job Titles (from 30.3). Empty where the release lacks it."""

    __tablename__ = "AlternateTitles"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    # O*NET has titles that differ in case or accents alone, and some twice, with different short titles.
    alternate_title: Mapped[str] = mapped_column(_exact(250), primary_key=True)
    short_title: Mapped[str] = mapped_column(_exact(150), primary_key=True)
    """Empty where there is none."""
    sources: Mapped[str | None] = mapped_column(String(50))


class SampleOfReportedTitles(Base):
    """Sample of Reported Titles: what incumbents call their job. Empty where the release lacks it."""

    __tablename__ = "SampleOfReportedTitles"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    reported_job_title: Mapped[str] = mapped_column(_exact(150), primary_key=True)
    shown_in_my_next_move: Mapped[str | None] = mapped_column(CHAR(1))


class TechnologySkills(Base):
    """Technology Skills (to 30.2), Software Skills (from 30.3). Empty where the release lacks it."""

    __tablename__ = "TechnologySkills"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    example: Mapped[str] = mapped_column(_exact(150), primary_key=True)
    category_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    """UNSPSC commodity code (to 30.2), element of the Content Model (from 30.3)."""
    category_name: Mapped[str | None] = mapped_column(String(150))
    hot_technology: Mapped[str | None] = mapped_column(CHAR(1))
    in_demand: Mapped[str | None] = mapped_column(CHAR(1))


class RelatedOccupations(Base):
    """Related Occupations: O*NET's own list. Empty where the release lacks it."""

    __tablename__ = "RelatedOccupations"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True)
    related_onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10), ForeignKey(Occupations.onet_soc_code), primary_key=True
    )
    relatedness_tier: Mapped[str] = mapped_column(String(50))
    related_index: Mapped[int] = mapped_column(SmallInteger)


class LevelScaleAnchors(Base):
    """Level Scale Anchors: examples of what a level means. Empty where the release lacks it."""

    __tablename__ = "LevelScaleAnchors"
    __table_args__ = MYSQL

    element_id: Mapped[str] = mapped_column(String(20), ForeignKey(Elements.element_id), primary_key=True)
    scale_id: Mapped[str] = mapped_column(String(3), ForeignKey(Scales.scale_id), primary_key=True)
    anchor_value: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    anchor_description: Mapped[str] = mapped_column(String(1000))


class _Fetched:
    """Where and when a row of the Web Services was read."""

    source_endpoint: Mapped[str] = mapped_column(String(250))
    api_version: Mapped[str] = mapped_column(String(20))
    fetched_at: Mapped[datetime] = mapped_column(DateTime)


class OnetApiOccupationData(_Fetched, Base):
    """Occupation Data as O*NET Web Services give it."""

    __tablename__ = "OnetApiOccupationData"
    __table_args__ = MYSQL

    onet_soc_code: Mapped[str] = mapped_column(CHAR(10), primary_key=True)
    title: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(String(1000))


class OnetApiSkillsData(_RatingColumns, _Fetched, Base):
    """Skill ratings as O*NET Web Services give them; fields an endpoint lacks are null."""

    __tablename__ = "OnetApiSkillsData"
    __table_args__ = (*_rating_checks(), MYSQL)

    onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10), ForeignKey(OnetApiOccupationData.onet_soc_code), primary_key=True
    )
    element_id: Mapped[str] = mapped_column(String(20), ForeignKey(Elements.element_id), primary_key=True)
    scale_id: Mapped[str] = mapped_column(String(3), ForeignKey(Scales.scale_id), primary_key=True)


class LLMModels(Base):
    """The models whose scores are kept, and how good they were; the views show the scores of the active one."""

    __tablename__ = "LLMModels"
    __table_args__ = (
        UniqueConstraint("is_active"),
        CheckConstraint("is_active = 1", name="is_active"),
        MYSQL,
    )

    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True)
    is_active: Mapped[int | None] = mapped_column(SmallInteger)
    """1 for the active model, null for the others; unique, so at most one is active."""
    release_number: Mapped[str | None] = mapped_column(String(10))
    """Release of the analysts' ratings that the scores were fitted to."""
    occupations_judged: Mapped[int | None] = mapped_column(SmallInteger)
    """Rated occupations that the figures below are of, each scored without its own ratings; level points."""
    mae_random: Mapped[float | None] = mapped_column(_value(7, 4))
    mae_grouped: Mapped[float | None] = mapped_column(_value(7, 4))
    bias: Mapped[float | None] = mapped_column(_value(7, 4))
    coverage: Mapped[float | None] = mapped_column(_value(7, 4))
    """Share of ratings within their 95 % interval."""


class LLMSkillScores(Base):
    """Levels derived by a language model, each with what is needed to recompute it or throw it away."""

    __tablename__ = "LLMSkillScores"
    __table_args__ = (
        ForeignKeyConstraint(["model", "prompt_version"], [LLMModels.model, LLMModels.prompt_version]),
        CheckConstraint("scale_id = 'LV'", name="scale_id"),
        MYSQL,
    )

    onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10), ForeignKey(Occupations.onet_soc_code, ondelete="CASCADE"), primary_key=True
    )
    element_id: Mapped[str] = mapped_column(String(20), ForeignKey(Elements.element_id), primary_key=True)
    scale_id: Mapped[str] = mapped_column(String(3), ForeignKey(Scales.scale_id), primary_key=True)
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True)
    level: Mapped[float] = mapped_column(_value(7, 4))
    uncertainty: Mapped[float | None] = mapped_column(_value(7, 4))
    """Root mean square error to expect, level points."""
    lower_ci_bound: Mapped[float | None] = mapped_column(_value(7, 4))
    upper_ci_bound: Mapped[float | None] = mapped_column(_value(7, 4))
    """Ends of the 95 % interval of the analysts' level."""
    data_version: Mapped[str | None] = mapped_column(String(40))
    """Of the analysts' ratings that it was fitted to."""
    explanation: Mapped[str | None] = mapped_column(Text)
    reply: Mapped[str | None] = mapped_column(Text)
    """What the model said, word for word; null where it says nothing but states."""
    scored_at: Mapped[datetime] = mapped_column(DateTime)


class LLMAbstentions(Base):
    """Occupations that a model does not score, and why."""

    __tablename__ = "LLMAbstentions"
    __table_args__ = (
        ForeignKeyConstraint(["model", "prompt_version"], [LLMModels.model, LLMModels.prompt_version]),
        MYSQL,
    )

    onet_soc_code: Mapped[str] = mapped_column(
        CHAR(10), ForeignKey(Occupations.onet_soc_code, ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    prompt_version: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason: Mapped[str] = mapped_column(String(500))


class LLMReplies(Base):
    """Replies of generative models, valid or not: the last one to each request, a valid one before an invalid one."""

    __tablename__ = "LLMReplies"
    __table_args__ = MYSQL

    request_sha256: Mapped[str] = mapped_column(CHAR(64), primary_key=True)
    """Of model, prompt version and prompt."""
    model: Mapped[str] = mapped_column(String(100))
    prompt_version: Mapped[str] = mapped_column(String(20))
    onet_soc_code: Mapped[str] = mapped_column(CHAR(10))
    element_id: Mapped[str | None] = mapped_column(String(20))
    """Null where one request asks for all skills."""
    reply: Mapped[str] = mapped_column(_long_text())
    error: Mapped[str | None] = mapped_column(Text)
    """Why no level could be read from it; such a request is sent again."""
    input_tokens: Mapped[int]
    """Of all replies to the request, like the two columns after it."""
    output_tokens: Mapped[int]
    seconds: Mapped[float] = mapped_column(_value(9, 3))
    asked_at: Mapped[datetime] = mapped_column(DateTime)


class Loads(Base):
    """One row per finished load or recreated source; the last one that changed a row is the data version."""

    __tablename__ = "Loads"
    __table_args__ = (CheckConstraint("source IN ('text', 'api', 'llm')", name="source"), MYSQL)

    load_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(String(10))
    release_number: Mapped[str] = mapped_column(String(10))
    release_date: Mapped[date | None] = mapped_column(Date)
    origin: Mapped[str] = mapped_column(String(1000))
    sha256: Mapped[str | None] = mapped_column(CHAR(64))
    started_at: Mapped[datetime] = mapped_column(DateTime)
    finished_at: Mapped[datetime] = mapped_column(DateTime)
    row_counts: Mapped[dict[str, int]] = mapped_column(JSON)
    """Rows of each table after the load."""
    rows_changed: Mapped[int]
    """Rows inserted, updated and deleted."""
