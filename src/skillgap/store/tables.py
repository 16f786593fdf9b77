"""Creating and checking the schema: tables by migrations, views from their statements."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    func,
    insert,
    inspect,
    select,
    text,
)

from skillgap.errors import ConfigurationError, SchemaMismatch
from skillgap.store.engine import one_load_at_a_time, shown, utc_now, write
from skillgap.store.loads import SOURCE_TABLES
from skillgap.store.schema import Base, Loads
from skillgap.store.table_sync import table_of

VIEWS = ("OccupationsView", "SkillsView")


def init_tables(engine: Engine, *, recreate: Sequence[str] = ()) -> list[str]:
    """Create missing tables and all views, and return the names of the tables created.

    Tables in `recreate` are dropped first, with their rows, and Loads records this as a change of their source.
    Raises ConfigurationError (unknown table, or others refer to it), SchemaMismatch (database of a newer version).
    """
    tables = Base.metadata.tables
    if unknown := [name for name in recreate if name not in tables]:
        raise ConfigurationError(f"no table {', '.join(unknown)}; tables: {', '.join(tables)}")
    for table in tables.values():
        needed = {key.column.table.name for key in table.foreign_keys} & set(recreate)
        if needed and table.name not in recreate:
            raise ConfigurationError(f"{table.name} refers to {', '.join(sorted(needed))}; recreate it as well")
    with one_load_at_a_time(engine), write(engine, may_make=True) as connection:
        before = set(inspect(connection).get_table_names())
        dropped = _recreations(connection, [name for name in recreate if name in before])
        Base.metadata.drop_all(connection, [tables[name] for name in recreate])
        before -= set(recreate)
        _migrate(connection)
        Base.metadata.create_all(connection)  # tables dropped since their migration ran
        for name in VIEWS:
            _replace_view(connection, name)
        if dropped:
            connection.execute(insert(Loads), dropped)
        return sorted((set(inspect(connection).get_table_names()) & set(tables)) - before)


def _recreations(connection: Connection, recreate: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows to add to Loads: one for each source whose tables are recreated, with the rows it loses.

    If Loads itself is recreated, the last release of each source and the number of loads survive, so that no data
    version is used twice.
    """
    if "Loads" not in inspect(connection).get_table_names():
        return []
    loads: list[dict[str, Any]] = []
    last_id = connection.scalar(select(func.max(Loads.load_id))) or 0
    for source, names in SOURCE_TABLES.items():
        last = connection.execute(
            select(*Loads.__table__.c).where(Loads.source == source).order_by(Loads.load_id.desc()).limit(1)
        ).first()
        recreated = [name for name in recreate if name in (*names, "Loads")]
        if last is None or not recreated:
            continue
        rows = {name: connection.scalar(select(func.count()).select_from(table_of(name))) or 0 for name in recreated}
        now = utc_now()
        loads.append(
            {
                **last._asdict(),
                "load_id": last_id + len(loads) + 1,
                "origin": f"init-db --recreate {' '.join(recreated)}",
                "sha256": None,
                "started_at": now,
                "finished_at": now,
                "row_counts": {**last.row_counts, **dict.fromkeys(set(recreated) - {"Loads"}, 0)},
                "rows_changed": sum(rows.values()),
            }
        )
    return loads


def view_sql(name: str) -> str:
    """Return the statement that creates a view."""
    return (files("skillgap.store") / "views" / f"{name}.sql").read_text()


def _replace_view(connection: Connection, name: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(text(view_sql(name)))
    else:
        connection.execute(text(view_sql(name).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)))


def check_schema(connection: Connection) -> str:
    """Return the revision of the schema. Raises SchemaMismatch unless revision, tables and views are current."""
    where = shown(connection.engine.url)
    newest = ScriptDirectory.from_config(_alembic(connection)).get_current_head()
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision != newest:
        raise SchemaMismatch(
            f"{where}: its schema is {revision or 'missing'}, this version's is {newest}; run `skillgap init-db`"
        )
    inspector = inspect(connection)
    existing = {*inspector.get_table_names(), *inspector.get_view_names()}
    if missing := [name for name in (*Base.metadata.tables, *VIEWS) if name not in existing]:
        raise SchemaMismatch(f"{where} lacks {', '.join(missing)}; run `skillgap init-db`")
    return str(revision)


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _migrate(connection: Connection) -> None:
    config = _alembic(connection)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaMismatch(
            f"{shown(connection.engine.url)}: its schema belongs to another version of skillgap ({error})"
        ) from error
