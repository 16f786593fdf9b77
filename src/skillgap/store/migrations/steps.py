"""Steps of migrations. Every step can be repeated after an interruption."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_520_ci"}


def make(table: str, *columns: Any, parents: dict[str, str] | None = None) -> None:
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


def add(table: str, *columns: sa.Column[Any]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def key(name: str, type_: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False, autoincrement=False, info={"is_key": True})


def dated() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("date_updated", sa.Date()), sa.Column("domain_source", sa.String(length=30))


def number(precision: int, scale: int) -> sa.Numeric[Any]:
    return sa.Numeric(precision=precision, scale=scale, asdecimal=False)


def exact(length: int) -> Any:
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")
