"""Compare rows with a table, and write the differences through a temporary table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Insert,
    MetaData,
    Table,
    and_,
    case,
    delete,
    insert,
    select,
    text,
    true,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

from skillgap.store.schema import MYSQL, Base

ROWS_PER_BATCH = 5_000

OnRows = Callable[[str, int, int], None]
"""Called with the name of a table, the number of rows written so far and the total."""


@dataclass(frozen=True)
class Difference:
    """Rows of a table before and after a change."""

    before: pd.DataFrame
    after: pd.DataFrame
    is_new: np.ndarray[Any, np.dtype[np.bool_]]
    """For each row of `after`."""
    is_changed: np.ndarray[Any, np.dtype[np.bool_]]
    """For each row of `after`; false for new rows."""
    gone: pd.DataFrame
    """Rows of `before` with a key that `after` lacks."""

    @property
    def new(self) -> pd.DataFrame:
        """Rows to insert."""
        return self.after[self.is_new]

    @property
    def changed(self) -> pd.DataFrame:
        """Rows to update."""
        return self.after[self.is_changed]


def compare(
    connection: Connection, name: str, after: pd.DataFrame, *, codes: Sequence[str] | None = None
) -> Difference:
    """Compare the rows of a table, all or those of the given occupations, with `after`, in the columns of `after`."""
    table = table_of(name)
    key = [column.name for column in table.primary_key]
    names = list(after.columns)
    query = select(*(table.c[column] for column in names)).order_by(*table.primary_key)
    if codes is not None:
        query = query.where(table.c.onet_soc_code.in_(codes))
    rows = connection.execute(query).all()
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    before = pd.DataFrame(
        {column: pd.array(values, dtype=after.dtypes[column]) for column, values in zip(names, columns, strict=True)}
    )
    if before[key].equals(after[key]):  # usual, since O*NET's files are sorted by key
        place = np.arange(len(after))
    else:
        place = pd.MultiIndex.from_frame(before[key]).get_indexer(pd.MultiIndex.from_frame(after[key]))
    is_new = place == -1
    twin = before.take(np.where(is_new, 0, place)) if len(before) else after
    is_same = np.ones(len(after), dtype=np.bool_)
    for column in names:
        left, right = after[column].array, twin[column].array
        equal = np.asarray(pd.array(left == right, dtype="boolean").fillna(False), dtype=np.bool_)
        is_same &= equal | (np.asarray(left.isna()) & np.asarray(right.isna()))
    is_gone = np.ones(len(before), dtype=np.bool_)
    is_gone[place[~is_new]] = False
    return Difference(before, after, is_new, ~is_new & ~is_same, before[is_gone])


def upsert(
    connection: Connection,
    name: str,
    rows: pd.DataFrame,
    *,
    on_rows: OnRows | None = None,
    rows_per_batch: int = ROWS_PER_BATCH,
) -> None:
    """Insert rows, or update those whose primary key exists, through a temporary table."""
    if rows.empty:
        return
    table, names = table_of(name), list(rows.columns)
    with _staged(connection, table, rows, on_rows, rows_per_batch) as stage:
        connection.execute(_upsert_from(connection, table, stage, names))


Stays = Callable[[Any, Any], ColumnElement[bool]]
"""Called with the columns of the existing row and of the new one; true where the existing row stays."""


def upsert_row(
    connection: Connection,
    name: str,
    row: Mapping[str, Any],
    *,
    adding: Sequence[str],
    stays: Stays,
    decided_by: Sequence[str],
) -> None:
    """Insert a row, or update the row with its primary key, in one statement, so that concurrent writers lose nothing.

    Columns in `adding` are summed. The others keep their values if the existing row `stays`; `decided_by` names the
    columns that this depends on.
    """
    table = table_of(name)
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table).values(row)
        new = lite.excluded
    else:
        my = mysql.insert(table).values(row)
        new = my.inserted
    keeps = stays(table.c, new)
    # MySQL assigns in this order and reads assigned values, so the deciding columns come last.
    names = sorted((name for name in row if not table.c[name].primary_key), key=lambda name: name in decided_by)
    values = {
        name: table.c[name] + new[name] if name in adding else case((keeps, table.c[name]), else_=new[name])
        for name in names
    }
    if connection.dialect.name == "sqlite":
        connection.execute(lite.on_conflict_do_update(index_elements=[*table.primary_key], set_=values))
    else:
        connection.execute(my.on_duplicate_key_update([*values.items()]))


def delete_rows(connection: Connection, name: str, rows: pd.DataFrame) -> None:
    """Delete the rows with these primary keys."""
    if rows.empty:
        return
    table = table_of(name)
    key = [column.name for column in table.primary_key]
    with _staged(connection, table, rows[key], None, ROWS_PER_BATCH) as stage:
        same_key = and_(*(table.c[column] == stage.c[column] for column in key))
        connection.execute(delete(table).where(select(stage.c[key[0]]).where(same_key).exists()))


@contextmanager
def _staged(
    connection: Connection, table: Table, rows: pd.DataFrame, on_rows: OnRows | None, rows_per_batch: int
) -> Iterator[Table]:
    """Yield a temporary table with the rows; neither creating nor dropping it ends the transaction."""
    columns = [Column(name, table.c[name].type, primary_key=table.c[name].primary_key) for name in rows.columns]
    stage = Table(f"staged_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"], **dict[str, Any](MYSQL))
    temporary = "" if connection.dialect.name == "sqlite" else "TEMPORARY "
    drop = text(f"DROP {temporary}TABLE IF EXISTS {stage.name}")
    connection.execute(drop)  # on MySQL it outlives a failed load on the same connection
    connection.execute(CreateTable(stage))
    insert_rows(connection, stage, rows, on_rows, name=table.name, rows_per_batch=rows_per_batch)
    yield stage
    connection.execute(drop)


def insert_rows(
    connection: Connection,
    into: Table,
    rows: pd.DataFrame,
    on_rows: OnRows | None,
    *,
    name: str,
    rows_per_batch: int = ROWS_PER_BATCH,
) -> None:
    """Insert rows in batches; `name` is the table's name for `on_rows`."""
    statement = insert(into).compile(dialect=connection.dialect, column_keys=[str(column) for column in rows.columns])
    records = _records(rows, into, connection.dialect)
    for start in range(0, len(records), rows_per_batch):
        # In the driver's own form: SQLAlchemy's processing of parameters, row by row, took a fifth of a load.
        connection.exec_driver_sql(statement.string, records[start : start + rows_per_batch])
        if on_rows:
            on_rows(name, min(start + rows_per_batch, len(records)), len(records))


def _records(rows: pd.DataFrame, table: Table, dialect: Dialect) -> list[tuple[Any, ...]]:
    """Return the rows as tuples for the driver, in the table's column order: plain values, None for missing."""
    columns: list[list[Any]] = []
    for column in table.columns:
        if column.name not in rows:
            continue
        values = plain = rows[column.name]
        if values.dtype.kind == "M":
            plain = values.dt.date if isinstance(column.type, Date) else values.dt.to_pydatetime()
        objects = plain.astype(object).where(values.notna(), None).tolist()
        as_stored = column.type.dialect_impl(dialect).bind_processor(dialect)
        columns.append([as_stored(value) for value in objects] if as_stored else objects)
    return list(zip(*columns, strict=True))


def _upsert_from(connection: Connection, table: Table, stage: Table, names: Sequence[str]) -> Insert:
    """Return the upsert, the only statement that differs between dialects."""
    others = [name for name in names if not table.c[name].primary_key]
    chosen = select(*(stage.c[name] for name in names))
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table).from_select(
            names, chosen.where(true())
        )  # without WHERE, SQLite would parse ON as part of a join
        return lite.on_conflict_do_update(
            index_elements=[*table.primary_key], set_={name: lite.excluded[name] for name in others}
        )
    return (
        mysql.insert(table).from_select(names, chosen).on_duplicate_key_update({name: stage.c[name] for name in others})
    )


def table_of(name: str) -> Table:
    """Return a table by name."""
    return Base.metadata.tables[name]
