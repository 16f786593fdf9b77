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
        "Made from the code by `make reference`; types are MySQL's. How the tables hang together, and where their\n"
        "values come from: [tables and views](data.md).",
    ]
    models = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    for name in Base.metadata.tables:
        parts += _table(models[name])
    parts += _views()
    return "\n\n".join(parts) + "\n"


def _table(model: type[Base]) -> list[str]:
    table = Base.metadata.tables[model.__tablename__]
    rows = [
        f"| `{column.name}` | {column.type.compile(mysql.dialect())} | {_role(column)} |" for column in table.columns
    ]
    rules = [
        *(f"check `{each.sqltext}`" for each in table.constraints if isinstance(each, CheckConstraint)),
        *(
            f"unique `{', '.join(column.name for column in each.columns)}`"
            for each in table.constraints
            if isinstance(each, UniqueConstraint)
        ),
        *(f"index on `{', '.join(column.name for column in each.columns)}`" for each in table.indexes),
    ]
    return [
        f"## {table.name}",
        source.cleandoc(model.__doc__ or ""),
        "\n".join(["| column | type | |", "|---|---|---|", *rows]),
        *([f"Besides: {'; '.join(sorted(rules))}."] if rules else []),
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
                f"A view of {', '.join(tables)}; its statement: "
                f"[`store/views/{name}.sql`](../src/skillgap/store/views/{name}.sql).",
                f"Columns: {columns}.",
            ]
    return parts


if __name__ == "__main__":
    main()
