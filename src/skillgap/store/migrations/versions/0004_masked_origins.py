"""Origins of loads without the passwords that version 0.1.0 stored.

Revision ID: 0004_masked_origins
Revises: 0003_domains
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from skillgap.urls import masked_url

revision = "0004_masked_origins"
down_revision = "0003_domains"

_LONGEST = 1000
_LOADS = sa.table("Loads", sa.column("load_id"), sa.column("origin"))


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("PRAGMA secure_delete = ON"))  # else the old bytes stay in the file's free space
    for load_id, origin in connection.execute(sa.select(_LOADS).where(_LOADS.c.origin.contains("://"))).all():
        if (shown := masked_url(origin)[:_LONGEST]) != origin:
            connection.execute(sa.update(_LOADS).where(_LOADS.c.load_id == load_id).values(origin=shown))
