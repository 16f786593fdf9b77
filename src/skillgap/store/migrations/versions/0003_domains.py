"""Knowledge, abilities and work activities in the shape of skills; reported titles, technology, Job Zones' meaning.

Revision ID: 0003_domains
Revises: 0002_llm
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from skillgap.store.migrations.steps import dated, exact, key, make, number

revision = "0003_domains"
down_revision = "0002_llm"


def upgrade() -> None:
    for table in ("Knowledge", "Abilities", "WorkActivities"):
        make(
            table,
            key("onet_soc_code", sa.CHAR(length=10)),
            key("element_id", sa.String(length=20)),
            key("scale_id", sa.String(length=3)),
            sa.Column("element_name", sa.String(length=150), nullable=False),
            sa.Column("data_value", number(5, 2)),
            sa.Column("n", sa.SmallInteger()),
            *(sa.Column(name, number(7, 4)) for name in ("standard_error", "lower_ci_bound", "upper_ci_bound")),
            sa.Column("recommend_suppress", sa.CHAR(length=1)),
            sa.Column("not_relevant", sa.CHAR(length=1)),
            *dated(),
            sa.CheckConstraint("recommend_suppress IN ('Y', 'N')", name=op.f(f"ck_{table}_recommend_suppress")),
            sa.CheckConstraint("not_relevant IN ('Y', 'N')", name=op.f(f"ck_{table}_not_relevant")),
            sa.CheckConstraint("standard_error >= 0", name=op.f(f"ck_{table}_standard_error")),
            parents={
                "element_id": "Elements.element_id",
                "onet_soc_code": "Occupations.onet_soc_code",
                "scale_id": "Scales.scale_id",
            },
        )
    make(
        "JobZoneReference",
        key("job_zone", sa.SmallInteger()),
        sa.Column("name", sa.String(length=100), nullable=False),
        *(
            sa.Column(name, sa.String(length=1000), nullable=False)
            for name in ("experience", "education", "job_training", "examples")
        ),
        sa.Column("svp_range", sa.String(length=50)),
    )
    make(
        "SampleOfReportedTitles",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("reported_job_title", exact(150)),
        sa.Column("shown_in_my_next_move", sa.CHAR(length=1)),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
    make(
        "TechnologySkills",
        key("onet_soc_code", sa.CHAR(length=10)),
        key("example", exact(150)),
        key("category_id", sa.String(length=20)),
        sa.Column("category_name", sa.String(length=150)),
        sa.Column("hot_technology", sa.CHAR(length=1)),
        sa.Column("in_demand", sa.CHAR(length=1)),
        parents={"onet_soc_code": "Occupations.onet_soc_code"},
    )
