"""Print docs/schema.md from the schema itself: every table and view, column by column (`make reference`)."""

from __future__ import annotations

import inspect as source

from sqlalchemy import CheckConstraint, Column, UniqueConstraint, create_engine, inspect
from sqlalchemy.dialects import mysql

from skillgap.store.schema import Base
from skillgap.store.tables import VIEWS, init_tables, view_sql


def main() -> None:
    print(text(), end="")


def text() -> str:
    """Return the document."""
    parts = [
        "# Schema reference",
        "Generated from the code by `make reference`. Types are MySQL's. [Tables and views](data.md) describes the\n"
        "relations between tables and the origin of their values.",
    ]
    models = {str(mapper.local_table.description): mapper.class_ for mapper in Base.registry.mappers}
    for name in Base.metadata.tables:
        parts += _table(name, models[name])
    parts += _views()
    return "\n\n".join(parts) + "\n"


def _table(name: str, model: type[Base]) -> list[str]:
    table = Base.metadata.tables[name]
    rows = [
        f"| `{column.name}` | {column.type.compile(mysql.dialect())} | {_role(column)} | {column.doc} |"
        for column in table.columns
    ]
    rules = [
        *(f"check `{check.sqltext}`" for check in table.constraints if isinstance(check, CheckConstraint)),
        *(
            f"unique `{', '.join(column.name for column in constraint.columns)}`"
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        ),
        *(f"index on `{', '.join(column.name for column in index.columns)}`" for index in table.indexes),
    ]
    return [
        f"## {table.name}",
        source.cleandoc(model.__doc__ or ""),
        "\n".join(["| column | type | | |", "|---|---|---|---|", *rows]),
        *([f"Constraints: {'; '.join(sorted(rules))}."] if rules else []),
    ]


def _role(column: Column[object]) -> str:
    roles = [f"→ {key.target_fullname}" for key in column.foreign_keys]
    if column.primary_key:
        roles.insert(0, "primary key")
    elif not column.nullable:
        roles.insert(0, "not null")
    return ", ".join(roles)


def _views() -> list[str]:
    engine = create_engine("sqlite://")
    init_tables(engine)
    parts = []
    with engine.connect() as connection:
        for name in VIEWS:
            columns = ", ".join(f"`{column['name']}`" for column in inspect(connection).get_columns(name))
            tables = [table for table in Base.metadata.tables if f" {table} " in view_sql(name).replace("\n", " ")]
            parts += [
                f"## {name}",
                f"A view of {', '.join(tables)}, defined in "
                f"[`store/views/{name}.sql`](../src/skillgap/store/views/{name}.sql).",
                f"Columns: {columns}.",
            ]
    return parts


if __name__ == "__main__":
    main()
