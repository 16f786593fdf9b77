"""Tables of the text release, the Web Services, the language models' scores, and the loads.

MySQL commits each CREATE TABLE at once, so every step may be run again after an interruption.

Revision ID: 0001_initial
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_initial"
down_revision = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_520_ci"}


def upgrade() -> None:
    op.create_table(
        "Occupations",
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("title", sa.String(length=150), nullable=False),
        sa.Column("description", sa.String(length=1000)),
        sa.PrimaryKeyConstraint("onet_soc_code", name=op.f("pk_Occupations")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "Scales",
        sa.Column("scale_id", sa.String(length=3), nullable=False),
        sa.Column("scale_name", sa.String(length=50), nullable=False),
        sa.Column("minimum", sa.Numeric(precision=3, scale=0, asdecimal=False), nullable=False),
        sa.Column("maximum", sa.Numeric(precision=3, scale=0, asdecimal=False), nullable=False),
        sa.PrimaryKeyConstraint("scale_id", name=op.f("pk_Scales")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "Elements",
        sa.Column("element_id", sa.String(length=20), nullable=False),
        sa.Column("element_name", sa.String(length=150), nullable=False),
        sa.Column("description", sa.String(length=1500)),
        sa.PrimaryKeyConstraint("element_id", name=op.f("pk_Elements")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "Skills",
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("element_id", sa.String(length=20), nullable=False),
        sa.Column("scale_id", sa.String(length=3), nullable=False),
        sa.Column("element_name", sa.String(length=150), nullable=False),
        sa.Column("data_value", sa.Numeric(precision=5, scale=2, asdecimal=False)),
        sa.Column("n", sa.SmallInteger()),
        sa.Column("standard_error", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("lower_ci_bound", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("upper_ci_bound", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("recommend_suppress", sa.CHAR(length=1)),
        sa.Column("not_relevant", sa.CHAR(length=1)),
        sa.Column("date_updated", sa.Date()),
        sa.Column("domain_source", sa.String(length=30)),
        sa.CheckConstraint("not_relevant IN ('Y', 'N')", name=op.f("ck_Skills_not_relevant")),
        sa.CheckConstraint("recommend_suppress IN ('Y', 'N')", name=op.f("ck_Skills_recommend_suppress")),
        sa.CheckConstraint("standard_error >= 0", name=op.f("ck_Skills_standard_error")),
        sa.ForeignKeyConstraint(["element_id"], ["Elements.element_id"], name=op.f("fk_Skills_element_id")),
        sa.ForeignKeyConstraint(["onet_soc_code"], ["Occupations.onet_soc_code"], name=op.f("fk_Skills_onet_soc_code")),
        sa.ForeignKeyConstraint(["scale_id"], ["Scales.scale_id"], name=op.f("fk_Skills_scale_id")),
        sa.PrimaryKeyConstraint("onet_soc_code", "element_id", "scale_id", name=op.f("pk_Skills")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "OnetApiOccupationData",
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("title", sa.String(length=150), nullable=False),
        sa.Column("description", sa.String(length=1000)),
        sa.Column("source_endpoint", sa.String(length=250), nullable=False),
        sa.Column("api_version", sa.String(length=20), nullable=False),
        sa.Column("fetched_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("onet_soc_code", name=op.f("pk_OnetApiOccupationData")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "OnetApiSkillsData",
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("element_id", sa.String(length=20), nullable=False),
        sa.Column("scale_id", sa.String(length=3), nullable=False),
        sa.Column("element_name", sa.String(length=150), nullable=False),
        sa.Column("data_value", sa.Numeric(precision=5, scale=2, asdecimal=False)),
        sa.Column("n", sa.SmallInteger()),
        sa.Column("standard_error", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("lower_ci_bound", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("upper_ci_bound", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("recommend_suppress", sa.CHAR(length=1)),
        sa.Column("not_relevant", sa.CHAR(length=1)),
        sa.Column("date_updated", sa.Date()),
        sa.Column("domain_source", sa.String(length=30)),
        sa.Column("source_endpoint", sa.String(length=250), nullable=False),
        sa.Column("api_version", sa.String(length=20), nullable=False),
        sa.Column("fetched_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("not_relevant IN ('Y', 'N')", name=op.f("ck_OnetApiSkillsData_not_relevant")),
        sa.CheckConstraint("recommend_suppress IN ('Y', 'N')", name=op.f("ck_OnetApiSkillsData_recommend_suppress")),
        sa.CheckConstraint("standard_error >= 0", name=op.f("ck_OnetApiSkillsData_standard_error")),
        sa.ForeignKeyConstraint(["element_id"], ["Elements.element_id"], name=op.f("fk_OnetApiSkillsData_element_id")),
        sa.ForeignKeyConstraint(
            ["onet_soc_code"],
            ["OnetApiOccupationData.onet_soc_code"],
            name=op.f("fk_OnetApiSkillsData_onet_soc_code"),
        ),
        sa.ForeignKeyConstraint(["scale_id"], ["Scales.scale_id"], name=op.f("fk_OnetApiSkillsData_scale_id")),
        sa.PrimaryKeyConstraint("onet_soc_code", "element_id", "scale_id", name=op.f("pk_OnetApiSkillsData")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "LLMModels",
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("prompt_version", sa.String(length=20), nullable=False),
        sa.Column("is_active", sa.SmallInteger()),
        sa.CheckConstraint("is_active = 1", name=op.f("ck_LLMModels_is_active")),
        sa.PrimaryKeyConstraint("model", "prompt_version", name=op.f("pk_LLMModels")),
        sa.UniqueConstraint("is_active", name=op.f("uq_LLMModels_is_active")),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "LLMSkillScores",
        sa.Column("onet_soc_code", sa.CHAR(length=10), nullable=False),
        sa.Column("element_id", sa.String(length=20), nullable=False),
        sa.Column("scale_id", sa.String(length=3), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("prompt_version", sa.String(length=20), nullable=False),
        sa.Column("level", sa.Numeric(precision=7, scale=4, asdecimal=False), nullable=False),
        sa.Column("uncertainty", sa.Numeric(precision=7, scale=4, asdecimal=False)),
        sa.Column("explanation", sa.Text()),
        sa.Column("reply", sa.Text()),
        sa.Column("scored_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("scale_id = 'LV'", name=op.f("ck_LLMSkillScores_scale_id")),
        sa.ForeignKeyConstraint(["element_id"], ["Elements.element_id"], name=op.f("fk_LLMSkillScores_element_id")),
        sa.ForeignKeyConstraint(
            ["model", "prompt_version"],
            ["LLMModels.model", "LLMModels.prompt_version"],
            name=op.f("fk_LLMSkillScores_model"),
        ),
        sa.ForeignKeyConstraint(
            ["onet_soc_code"],
            ["Occupations.onet_soc_code"],
            name=op.f("fk_LLMSkillScores_onet_soc_code"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["scale_id"], ["Scales.scale_id"], name=op.f("fk_LLMSkillScores_scale_id")),
        sa.PrimaryKeyConstraint(
            "onet_soc_code",
            "element_id",
            "scale_id",
            "model",
            "prompt_version",
            name=op.f("pk_LLMSkillScores"),
        ),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "Loads",
        sa.Column("load_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("release_number", sa.String(length=10), nullable=False),
        sa.Column("release_date", sa.Date()),
        sa.Column("origin", sa.String(length=1000), nullable=False),
        sa.Column("sha256", sa.CHAR(length=64)),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=False),
        sa.Column("row_counts", sa.JSON(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.CheckConstraint("source IN ('text', 'api', 'llm')", name=op.f("ck_Loads_source")),
        sa.PrimaryKeyConstraint("load_id", name=op.f("pk_Loads")),
        if_not_exists=True,
        **MYSQL,
    )
