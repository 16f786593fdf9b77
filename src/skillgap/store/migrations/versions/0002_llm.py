"""Texts about occupations, scores with their interval, models with their error, and replies.

Every step may be run again after an interruption, as in 0001.

Revision ID: 0002_llm
Revises: 0001_initial
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from skillgap.store.migrations.steps import add, dated, exact, key, make, number

revision = "0002_llm"
down_revision = "0001_initial"


def upgrade() -> None:
    make(
        "JobZones",
        key("onet_soc_code", sa.CHAR(length=10)),
        sa.Column("job_zone", sa.SmallInteger(), nullable=False),
        *dated(),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    make(
        "Interests",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("element_id", sa.String(length=20)),
        key("scale_id", sa.String(length=3)),
        sa.Column("element_name", sa.String(length=150), nullable=False),
        sa.Column("data_value", number(5, 2), nullable=False),
        *dated(),
        parents={
            "element_id": "Elements.element_id",
            "onet_soc_code": "Occupations.onet_soc_code",
            "scale_id": "Scales.scale_id",
        },
    )
    make(
        "TaskStatements",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("task_id", sa.Integer()),
        sa.Column("task", sa.String(length=1000), nullable=False),
        sa.Column("task_type", sa.String(length=12)),
        sa.Column("incumbents_responding", sa.SmallInteger()),
        *dated(),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    make(
        "AlternateTitles",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("alternate_title", exact(250)),
        key("short_title", exact(150)),
        sa.Column("sources", sa.String(length=50)),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    make(
        "RelatedOccupations",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("related_onet_soc_code", sa.CHAR(length=10)),
        sa.Column("relatedness_tier", sa.String(length=50), nullable=False),
        sa.Column("related_index", sa.SmallInteger(), nullable=False),
        parents={
            "onet_soc_code": "Occupations.onet_soc_code",
            "related_onet_soc_code": "Occupations.onet_soc_code",
        },
    )
    make(
        "LevelScaleAnchors",
        key("element_id", sa.String(length=20)),
        key("scale_id", sa.String(length=3)),
        key("anchor_value", sa.SmallInteger()),
        sa.Column("anchor_description", sa.String(length=1000), nullable=False),
        parents={"element_id": "Elements.element_id", "scale_id": "Scales.scale_id"},
    )
    add(
        "LLMModels",
        sa.Column("release_number", sa.String(length=10)),
        sa.Column("occupations_judged", sa.SmallInteger()),
        *(sa.Column(name, number(7, 4)) for name in ("mae_random", "mae_grouped", "bias", "coverage")),
    )
    add(
        "LLMSkillScores",
        sa.Column("lower_ci_bound", number(7, 4)),
        sa.Column("upper_ci_bound", number(7, 4)),
        sa.Column("data_version", sa.String(length=40)),
    )
    make(
        "LLMAbstentions",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("model", sa.String(length=100)),
        key("prompt_version", sa.String(length=20)),
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
    make(
        "LLMReplies",
        key("request_sha256", sa.CHAR(length=64)),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("prompt_version", sa.String(length=20), nullable=False),
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("element_id", sa.String(length=20)),
        sa.Column("reply", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", number(9, 3), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
    )
