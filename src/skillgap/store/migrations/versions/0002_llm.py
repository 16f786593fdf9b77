"""What tells of an occupation besides its ratings; scores with their interval, models with their error, replies.

Every step may be run again after an interruption, as in 0001.

Revision ID: 0002_llm
Revises: 0001_initial
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002_llm"
down_revision = "0001_initial"

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_520_ci"}


def upgrade() -> None:
    _make(
        "JobZones",
        _key("onet_soc_code", sa.CHAR(length=10)),
        sa.Column("job_zone", sa.SmallInteger(), nullable=False),
        *_dated(),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    _make(
        "Interests",
        _key("onet_soc_code", sa.CHAR(length=10)),
        _key("element_id", sa.String(length=20)),
        _key("scale_id", sa.String(length=3)),
        sa.Column("element_name", sa.String(length=150), nullable=False),
        sa.Column("data_value", _number(5, 2), nullable=False),
        *_dated(),
        parents={
            "element_id": "Elements.element_id",
            "onet_soc_code": "Occupations.onet_soc_code",
            "scale_id": "Scales.scale_id",
        },
    )
    _make(
        "TaskStatements",
        _key("onet_soc_code", sa.CHAR(length=10)),
        _key("task_id", sa.Integer()),
        sa.Column("task", sa.String(length=1000), nullable=False),
        sa.Column("task_type", sa.String(length=12)),
        sa.Column("incumbents_responding", sa.SmallInteger()),
        *_dated(),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    _make(
        "AlternateTitles",
        _key("onet_soc_code", sa.CHAR(length=10)),
        _key("alternate_title", _exact(250)),
        _key("short_title", _exact(150)),
        sa.Column("sources", sa.String(length=50)),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    _make(
        "RelatedOccupations",
        _key("onet_soc_code", sa.CHAR(length=10)),
        _key("related_onet_soc_code", sa.CHAR(length=10)),
        sa.Column("relatedness_tier", sa.String(length=50), nullable=False),
        sa.Column("related_index", sa.SmallInteger(), nullable=False),
        parents={
            "onet_soc_code": "Occupations.onet_soc_code",
            "related_onet_soc_code": "Occupations.onet_soc_code",
        },
    )
    _make(
        "LevelScaleAnchors",
        _key("element_id", sa.String(length=20)),
        _key("scale_id", sa.String(length=3)),
        _key("anchor_value", sa.SmallInteger()),
        sa.Column("anchor_description", sa.String(length=1000), nullable=False),
        parents={"element_id": "Elements.element_id", "scale_id": "Scales.scale_id"},
    )
    _add(
        "LLMModels",
        sa.Column("release_number", sa.String(length=10)),
        sa.Column("occupations_judged", sa.SmallInteger()),
        *(sa.Column(name, _number(7, 4)) for name in ("mae_random", "mae_grouped", "bias", "coverage")),
    )
    _add(
        "LLMSkillScores",
        sa.Column("lower_ci_bound", _number(7, 4)),
        sa.Column("upper_ci_bound", _number(7, 4)),
        sa.Column("data_version", sa.String(length=40)),
    )
    _make(
        "LLMAbstentions",
        _key("onet_soc_code", sa.CHAR(length=10)),
        _key("model", sa.String(length=100)),
        _key("prompt_version", sa.String(length=20)),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "prompt_version"],
            ["LLMModels.model", "LLMModels.prompt_version"],
            name=op.f("fk_LLMAbstentions_model"),
        ),
        sa.ForeignKeyConstraint(
            ["onet_soc_code"],
            ["Occupations.onet_soc_code"],
            name=op.f("fk_LLMAbstentions_onet_soc_code"),
            ondelete="CASCADE",
        ),
    )
    _make(
        "LLMReplies",
        _key("request_sha256", sa.CHAR(length=64)),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("prompt_version", sa.String(length=20), nullable=False),
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("element_id", sa.String(length=20)),
        sa.Column("reply", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", _number(9, 3), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
    )


def _make(table: str, *columns: Any, parents: dict[str, str] | None = None) -> None:
    keys = [column.name for column in columns if isinstance(column, sa.Column) and column.info.get("is_key")]
    op.create_table(
        table,
        *columns,
        *(
            sa.ForeignKeyConstraint([column], [parent], name=op.f(f"fk_{table}_{column}"))
            for column, parent in (parents or {}).items()
        ),
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")),
        if_not_exists=True,
        **MYSQL,
    )


def _add(table: str, *columns: sa.Column[Any]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _key(name: str, type_: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False, autoincrement=False, info={"is_key": True})


def _dated() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("date_updated", sa.Date()), sa.Column("domain_source", sa.String(length=30))


def _number(precision: int, scale: int) -> sa.Numeric[Any]:
    return sa.Numeric(precision=precision, scale=scale, asdecimal=False)


def _exact(length: int) -> Any:
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")
