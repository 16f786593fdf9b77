"""What changes tables: making them, loading a release, and the one place where the dialects differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Insert,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from skillgap.errors import ConfigurationError, LoadConflict, SchemaMismatch
from skillgap.model import Release, ReleaseChanges
from skillgap.store.engine import read, shown, write
from skillgap.store.schema import LOAD_ORDER, MYSQL, Base, LLMModels, LLMReplies, Loads

VIEWS = ("OccupationsView", "SkillsView")
API_TABLES = {"Occupations": "OnetApiOccupationData", "Skills": "OnetApiSkillsData"}
"""Where the rows of O*NET Web Services go, parents before children."""
SOURCE_TABLES = {
    "text": LOAD_ORDER,
    "api": tuple(API_TABLES.values()),
    "llm": ("LLMModels", "LLMSkillScores", "LLMAbstentions", "LLMReplies"),
}
"""Which tables each source of Loads fills."""

_MOST_LOST = 100
"""Occupations that an upgrade may leave without ratings: within one taxonomy none or few are (26.1 to 29.0: none)."""
_ROWS_PER_BATCH = 5_000
_LOCK_SECONDS = 60

OnRows = Callable[[str, int, int], None]
"""Called with a table's name, its rows written so far, and how many there are to write."""
OnRatings = Callable[[Connection], None]
"""Called within a load that changes ratings, before it writes and after: to look at what there is."""


# -- making tables ----------------------------------------------------------------------------------------------


def init_tables(engine: Engine, *, recreate: Sequence[str] = ()) -> list[str]:
    """Make what is missing of the schema, touch nothing else, and return the names of the tables made.

    Tables named in `recreate` are dropped first, with their rows; Loads notes it as a change of their source. Views
    are made anew, as they hold no rows.
    Raises ConfigurationError (no such table, or others refer to it), SchemaMismatch (a newer version's database).
    """
    tables = Base.metadata.tables
    if unknown := [name for name in recreate if name not in tables]:
        raise ConfigurationError(f"no table {', '.join(unknown)}; tables: {', '.join(tables)}")
    for table in tables.values():
        needed = {key.column.table.name for key in table.foreign_keys} & set(recreate)
        if needed and table.name not in recreate:
            raise ConfigurationError(f"{table.name} refers to {', '.join(sorted(needed))}; recreate it as well")
    with _one_load_at_a_time(engine), write(engine, may_make=True) as connection:
        before = set(inspect(connection).get_table_names())
        dropped = _recreations(connection, [name for name in recreate if name in before])
        Base.metadata.drop_all(connection, [tables[name] for name in recreate])
        before -= set(recreate)
        _migrate(connection)
        Base.metadata.create_all(connection)  # what was dropped after its migration ran
        for name in VIEWS:
            _replace_view(connection, name)
        if dropped:
            connection.execute(insert(Loads), dropped)
        return sorted((set(inspect(connection).get_table_names()) & set(tables)) - before)


def _recreations(connection: Connection, recreate: Sequence[str]) -> list[dict[str, Any]]:
    """Return the lines for Loads: what each source whose tables are recreated held, and loses now.

    With Loads itself, each source's last release and the count of loads survive, so that no data version comes back.
    """
    if "Loads" not in inspect(connection).get_table_names():
        return []
    lines: list[dict[str, Any]] = []
    last_id = connection.scalar(select(func.max(Loads.load_id))) or 0
    for source, names in SOURCE_TABLES.items():
        last = connection.execute(
            select(*Loads.__table__.c).where(Loads.source == source).order_by(Loads.load_id.desc()).limit(1)
        ).first()
        recreated = [name for name in recreate if name in (*names, "Loads")]
        if last is None or not recreated:
            continue
        rows = {name: connection.scalar(select(func.count()).select_from(_table(name))) or 0 for name in recreated}
        now = _now()
        lines.append(
            {
                **last._asdict(),
                "load_id": last_id + len(lines) + 1,
                "origin": f"init-db --recreate {' '.join(recreated)}",
                "sha256": None,
                "started_at": now,
                "finished_at": now,
                "row_counts": {**last.row_counts, **dict.fromkeys(set(recreated) - {"Loads"}, 0)},
                "rows_changed": sum(rows.values()),
            }
        )
    return lines


def view_sql(name: str) -> str:
    """Return the statement that makes a view."""
    return (files("skillgap.store") / "views" / f"{name}.sql").read_text()


def _replace_view(connection: Connection, name: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(text(view_sql(name)))
    else:
        connection.execute(text(view_sql(name).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)))


def check_schema(connection: Connection) -> str:
    """Return the revision of the schema. Raises SchemaMismatch unless it is that of this version, tables and views."""
    where = shown(connection.engine.url)
    newest = ScriptDirectory.from_config(_alembic(connection)).get_current_head()
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision != newest:
        raise SchemaMismatch(
            f"{where}: its schema is {revision or 'not there'}, this version's is {newest}; run `skillgap init-db`"
        )
    inspector = inspect(connection)
    there = {*inspector.get_table_names(), *inspector.get_view_names()}
    if missing := [name for name in (*Base.metadata.tables, *VIEWS) if name not in there]:
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
            f"{shown(connection.engine.url)}: its schema is of another version of skillgap ({error})"
        ) from error


@dataclass(frozen=True)
class Scores:
    """What a model said of some occupations, each table in its columns."""

    model: pd.DataFrame
    """One row of LLMModels, less is_active."""
    scores: pd.DataFrame
    """Of LLMSkillScores, less scored_at."""
    abstentions: pd.DataFrame
    """Of LLMAbstentions."""
    scored_at: datetime

    @classmethod
    def of(
        cls,
        model: Sequence[Mapping[str, object]],
        scores: Sequence[Mapping[str, object]],
        abstentions: Sequence[Mapping[str, object]],
        *,
        scored_at: datetime | None = None,
    ) -> Scores:
        """Return rows as tables; `scored_at` is now unless given."""
        tables = {"LLMModels": model, "LLMSkillScores": scores, "LLMAbstentions": abstentions}
        frames = [_scores_frame(name, rows) for name, rows in tables.items()]
        return cls(frames[0], frames[1], frames[2], scored_at or _now())


def _scores_frame(name: str, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    columns = [each.name for each in _table(name).columns if each.name not in ("is_active", "scored_at")]
    names = [each for each in columns if not rows or each in rows[0]]
    types = {each: _dtype(_table(name).c[each].type) for each in names}
    frame = pd.DataFrame({each: [row[each] for row in rows] for each in names}).astype(types)
    return frame.sort_values([key.name for key in _table(name).primary_key], ignore_index=True)


def _dtype(type_: TypeEngine[Any]) -> str:
    return "str" if isinstance(type_, String) else "Int64" if isinstance(type_, Integer) else "float64"


# -- loading a text release ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableChange:
    """What a load did to one table."""

    table: str
    rows: int
    """Rows of the load."""
    inserted: int
    updated: int
    deleted: int

    @property
    def changed(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class LoadReport:
    """What a load changed."""

    tables: list[TableChange]
    was_empty: bool
    """Nothing had been rated before."""
    newly_rated: list[str]
    """Occupations that had no skill ratings before."""
    no_longer_rated: list[str]
    """Occupations that had skill ratings before."""
    levels_changed: int
    """Levels (scale LV) of occupations rated before and after that have another value now."""
    changes: ReleaseChanges | None = None
    """What of it is more than rater noise, in what is shown; None where nothing was before, or no rating changed."""

    @property
    def ratings_changed(self) -> bool:
        """Whether levels, or who has some, are others now."""
        return bool(self.newly_rated or self.no_longer_rated or self.levels_changed)

    @property
    def rows_changed(self) -> int:
        return sum(table.changed for table in self.tables)


def load_release(
    engine: Engine,
    tables: Mapping[str, pd.DataFrame],
    *,
    release: Release,
    origin: str,
    sha256: str,
    scores: Scores | None = None,
    accept_loss: bool = False,
    on_rows: OnRows | None = None,
    on_ratings: OnRatings | None = None,
) -> LoadReport:
    """Make the text tables equal to a release, in one transaction (the `mysql_load` of the specification).

    Tables of LOAD_ORDER that are not given stay as they are. Only differences are written: new rows are inserted and
    changed ones staged and upserted, parents first; rows that the release no longer has are deleted, children first.
    The same release again writes only its line in Loads.
    `scores` are stored with it; their model becomes the active one where none is. A release that would leave many
    occupations without ratings is refused unless `accept_loss`: it may be cut off.
    Raises LoadConflict, DatabaseUnavailable, SchemaMismatch; then nothing has changed.
    """
    started_at = _now()
    with _one_load_at_a_time(engine), write(engine) as connection:
        differences = {name: _compare(connection, name, tables[name]) for name in LOAD_ORDER if name in tables}
        report = _report(differences)
        _check_loss(report, f"O*NET {release.number} as given", accept_loss=accept_loss)
        look = on_ratings if report.ratings_changed else None
        if look:
            look(connection)
        try:
            for name in differences:
                _insert(connection, _table(name), differences[name].new, on_rows, name=name)
                upsert(connection, name, differences[name].changed, on_rows=on_rows)
            for name in reversed(differences):
                _delete(connection, name, differences[name].gone)
        except IntegrityError as error:
            raise _conflict(error, release) from error
        _check_counts(connection, report)
        _record(connection, "text", report, release=release, origin=origin, sha256=sha256, started_at=started_at)
        if scores:
            _write_scores(connection, scores, release=release, activate=False)
        if look:
            look(connection)
    return report


def upsert_api_data(
    engine: Engine,
    tables: Mapping[str, pd.DataFrame],
    fetched: Mapping[str, pd.DataFrame],
    *,
    release: Release,
    origin: str,
    codes: Sequence[str] | None,
    is_whole: bool,
    accept_loss: bool = False,
    dry_run: bool = False,
    on_rows: OnRows | None = None,
    on_ratings: OnRatings | None = None,
) -> LoadReport:
    """Upsert Occupations and Skills of O*NET Web Services, in one transaction (the list's `mysql_upsert_api_data`).

    `codes` are the occupations that were asked for, None means all: only their rows are compared, so nothing else is
    touched. Of those with an answer, ratings that O*NET no longer has are deleted. Answers that are not the whole
    (`is_whole`: reports, or fields missing) delete nothing, and replace no rating that has a date. Only rows whose
    values differ are written, with the endpoint, version and time of `fetched`. Elements and scales that the text
    tables lack are added. With `dry_run`, the report tells what would change, and nothing does.
    Raises LoadConflict (too many occupations would lose their ratings: `accept_loss`), DatabaseUnavailable,
    SchemaMismatch; then nothing has changed.
    """
    if dry_run:
        with read(engine) as connection:
            return _report(_api_differences(connection, tables, codes, is_whole=is_whole), "OnetApiSkillsData")
    started_at = _now()
    with _one_load_at_a_time(engine), write(engine) as connection:
        differences = _api_differences(connection, tables, codes, is_whole=is_whole)
        report = _report(differences, "OnetApiSkillsData")
        _check_loss(report, f"what O*NET Web Services said of {release.number}", accept_loss=accept_loss)
        look = on_ratings if report.ratings_changed else None
        if look:
            look(connection)
        _add_missing(
            connection, "Elements", tables["Skills"][["element_id", "element_name"]].drop_duplicates("element_id")
        )
        _add_missing(connection, "Scales", tables["Scales"])
        for name, target in API_TABLES.items():
            difference, rows = differences[target], pd.concat([tables[name], fetched[name]], axis=1)
            _insert(connection, _table(target), rows[difference.is_new], on_rows, name=target)
            upsert(connection, target, rows[difference.is_changed], on_rows=on_rows)
        for target in reversed(differences):
            _delete(connection, target, differences[target].gone)
        _record(connection, "api", report, release=release, origin=origin, sha256=None, started_at=started_at)
        if look:
            look(connection)
    return report


def _api_differences(
    connection: Connection, tables: Mapping[str, pd.DataFrame], codes: Sequence[str] | None, *, is_whole: bool
) -> dict[str, _Difference]:
    """Return what to write of the Web Services' answers, parents before children."""
    differences = {}
    for name, target in API_TABLES.items():
        found = _compare(connection, target, tables[name], codes=codes)
        gone = found.gone
        if not is_whole:
            gone = gone.iloc[:0]
        elif codes is not None:  # no answer at all may be a refusal
            gone = gone[gone["onet_soc_code"].isin(found.after["onet_soc_code"])]
        is_changed = found.is_changed
        if not is_whole and name == "Skills":
            key = [column.name for column in _table(target).primary_key]
            dated = found.before.loc[found.before["date_updated"].notna(), key]
            is_changed = is_changed & ~pd.MultiIndex.from_frame(found.after[key]).isin(pd.MultiIndex.from_frame(dated))
        differences[target] = replace(found, gone=gone, is_changed=is_changed)
    return differences


def upsert_scores(engine: Engine, scores: Scores, *, release: Release, activate: bool) -> LoadReport:
    """Store what a model said, in one transaction; with `activate`, or where no model is active, show it from now on.

    Of the occupations that it speaks of, scores of this model that it no longer gives are deleted; other models' stay.
    A score that is there already keeps its time. Raises LoadConflict, DatabaseUnavailable, SchemaMismatch.
    """
    with _one_load_at_a_time(engine), write(engine) as connection:
        try:
            return _write_scores(connection, scores, release=release, activate=activate)
        except IntegrityError as error:
            raise _conflict(error, release) from error


def keep_reply(engine: Engine, row: Mapping[str, Any]) -> None:
    """Keep a reply, a row of LLMReplies less `asked_at`, over an earlier one; tokens and seconds add up.

    Raises DatabaseUnavailable, SchemaMismatch.
    """
    is_it = LLMReplies.request_sha256 == row["request_sha256"]
    spent = ("input_tokens", "output_tokens", "seconds")
    with write(engine) as connection:
        before = connection.execute(select(*(getattr(LLMReplies, name) for name in spent)).where(is_it)).first()
        now = {**row, "asked_at": _now()}
        if before is None:
            connection.execute(insert(LLMReplies).values(now))
        else:
            added = {name: row[name] + earlier for name, earlier in zip(spent, before, strict=True)}
            connection.execute(update(LLMReplies).where(is_it).values({**now, **added}))


def _write_scores(connection: Connection, scores: Scores, *, release: Release, activate: bool) -> LoadReport:
    started_at = _now()
    key = {name: str(scores.model[name].iloc[0]) for name in ("model", "prompt_version")}
    codes = sorted({*scores.scores["onet_soc_code"], *scores.abstentions["onet_soc_code"]})
    changes = []
    for name, rows in (
        ("LLMModels", scores.model),
        ("LLMSkillScores", scores.scores),
        ("LLMAbstentions", scores.abstentions),
    ):
        found = _compare(connection, name, rows, codes=None if name == "LLMModels" else codes)
        gone = found.gone[
            (found.gone["model"] == key["model"]) & (found.gone["prompt_version"] == key["prompt_version"])
        ]
        written = rows.assign(scored_at=scores.scored_at) if name == "LLMSkillScores" else rows
        _insert(connection, _table(name), written[found.is_new], None, name=name)
        upsert(connection, name, written[found.is_changed])
        _delete(connection, name, gone)
        changes.append(TableChange(name, len(rows), int(found.is_new.sum()), int(found.is_changed.sum()), len(gone)))
    if _activate(connection, key, even_over_another=activate):
        changes[0] = replace(changes[0], updated=changes[0].updated + 1)
    report = LoadReport(changes, was_empty=False, newly_rated=[], no_longer_rated=[], levels_changed=0)
    origin = f"{key['model']} {key['prompt_version']}"
    _record(connection, "llm", report, release=release, origin=origin, sha256=None, started_at=started_at)
    return report


def _activate(connection: Connection, key: Mapping[str, str], *, even_over_another: bool) -> bool:
    """Make a model the active one; return whether that is news."""
    is_it = and_(LLMModels.model == key["model"], LLMModels.prompt_version == key["prompt_version"])
    active = connection.execute(
        select(LLMModels.model, LLMModels.prompt_version).where(LLMModels.is_active == 1)
    ).first()
    if active and (tuple(active) == tuple(key.values()) or not even_over_another):
        return False
    connection.execute(update(LLMModels).values(is_active=None))
    connection.execute(update(LLMModels).where(is_it).values(is_active=1))
    return True


def _check_loss(report: LoadReport, what: str, *, accept_loss: bool) -> None:
    if len(report.no_longer_rated) > _MOST_LOST and not accept_loss:
        raise LoadConflict(
            f"{what} would take the ratings of {len(report.no_longer_rated)} occupations away "
            f"({', '.join(report.no_longer_rated[:3])}, …); nothing was changed. Is it whole? "
            "If this is meant, repeat with --accept-loss"
        )


def _add_missing(connection: Connection, name: str, rows: pd.DataFrame) -> None:
    """Insert rows whose key is not there; those that are belong to the text release."""
    table = _table(name)
    [key] = table.primary_key
    there = set(connection.scalars(select(key)))
    _insert(connection, table, rows[~rows[key.name].isin(there)], None, name=name)


def _record(
    connection: Connection,
    source: str,
    report: LoadReport,
    *,
    release: Release,
    origin: str,
    sha256: str | None,
    started_at: datetime,
) -> None:
    """Write a finished load's line in Loads."""
    connection.execute(
        insert(Loads).values(
            source=source,
            release_number=release.number,
            release_date=release.date,
            origin=origin,
            sha256=sha256,
            started_at=started_at,
            finished_at=_now(),
            row_counts={change.table: change.rows for change in report.tables},
            rows_changed=report.rows_changed,
        )
    )


def _conflict(error: IntegrityError, release: Release) -> LoadConflict:
    """Say what stands against a release whose own rows have been checked: rows that it did not write."""
    if "foreign key" in str(error.orig).lower():
        return LoadConflict(
            f"O*NET {release.number} lacks what rows of another source refer to ({error.orig}); "
            "recreate that source's table (`skillgap init-db --recreate TABLE`) and load again"
        )
    return LoadConflict(
        f"the database refuses rows of O*NET {release.number} ({error.orig}); nothing was changed. "
        "Does something else write to these tables?"
    )


@dataclass(frozen=True)
class _Difference:
    before: pd.DataFrame
    after: pd.DataFrame
    is_new: np.ndarray[Any, np.dtype[np.bool_]]
    """For each row of `after`."""
    is_changed: np.ndarray[Any, np.dtype[np.bool_]]
    """For each row of `after`; never where it is new."""
    gone: pd.DataFrame
    """Rows of `before` whose key `after` lacks."""

    @property
    def new(self) -> pd.DataFrame:
        return self.after[self.is_new]

    @property
    def changed(self) -> pd.DataFrame:
        return self.after[self.is_changed]


def _compare(
    connection: Connection, name: str, after: pd.DataFrame, *, codes: Sequence[str] | None = None
) -> _Difference:
    """Compare a table's rows, those of the given occupations or all, with what they shall be, in its columns."""
    table = _table(name)
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
    if before[key].equals(after[key]):  # O*NET's files are in the order of the key, so mostly they are
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
    return _Difference(before, after, is_new, ~is_new & ~is_same, before[is_gone])


def _report(differences: Mapping[str, _Difference], ratings: str = "Skills") -> LoadReport:
    """Return what the differences amount to; `ratings` is the table of them that holds the ratings."""
    skills = differences[ratings]
    rated_before, rated_after = (set(frame["onet_soc_code"]) for frame in (skills.before, skills.after))
    lost = set(skills.gone["onet_soc_code"]) - rated_after
    key = ["onet_soc_code", "element_id"]
    levels = [frame[frame["scale_id"] == "LV"].set_index(key)["data_value"] for frame in (skills.before, skills.after)]
    old, new = levels[0].align(levels[1], join="inner")
    return LoadReport(
        tables=[
            TableChange(name, len(d.after), int(d.is_new.sum()), int(d.is_changed.sum()), len(d.gone))
            for name, d in differences.items()
        ],
        was_empty=not rated_before,
        newly_rated=sorted(rated_after - rated_before),
        no_longer_rated=sorted(lost),
        levels_changed=int((old.ne(new) & ~(old.isna() & new.isna())).sum()),
    )


def _check_counts(connection: Connection, report: LoadReport) -> None:
    for change in report.tables:
        rows = connection.scalar(select(func.count()).select_from(_table(change.table)))
        if rows != change.rows:
            raise LoadConflict(
                f"{change.table} has {rows} rows after the load, expected {change.rows}; nothing was changed. "
                "Does something else write to this table?"
            )


# -- staged writing ---------------------------------------------------------------------------------------------


def upsert(connection: Connection, name: str, rows: pd.DataFrame, *, on_rows: OnRows | None = None) -> None:
    """Insert the rows, or update those whose primary key is there; by way of a temporary table."""
    if rows.empty:
        return
    table, names = _table(name), list(rows.columns)
    with _staged(connection, table, rows, on_rows) as stage:
        connection.execute(_upsert_from(connection, table, stage, names))


def _delete(connection: Connection, name: str, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    table = _table(name)
    key = [column.name for column in table.primary_key]
    with _staged(connection, table, rows[key], None) as stage:
        same_key = and_(*(table.c[column] == stage.c[column] for column in key))
        connection.execute(delete(table).where(select(stage.c[key[0]]).where(same_key).exists()))


@contextmanager
def _staged(connection: Connection, table: Table, rows: pd.DataFrame, on_rows: OnRows | None) -> Iterator[Table]:
    """Give a temporary table with the rows; neither making nor dropping it ends the transaction."""
    columns = [Column(name, table.c[name].type, primary_key=table.c[name].primary_key) for name in rows.columns]
    stage = Table(f"staged_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"], **dict[str, Any](MYSQL))
    temporary = "" if connection.dialect.name == "sqlite" else "TEMPORARY "
    drop = text(f"DROP {temporary}TABLE IF EXISTS {stage.name}")
    connection.execute(drop)  # MySQL keeps it on a connection whose last load failed
    connection.execute(CreateTable(stage))
    _insert(connection, stage, rows, on_rows, name=table.name)
    yield stage
    connection.execute(drop)


def _insert(connection: Connection, into: Table, rows: pd.DataFrame, on_rows: OnRows | None, *, name: str) -> None:
    records = _records(rows, into)
    for start in range(0, len(records), _ROWS_PER_BATCH):
        connection.execute(insert(into), records[start : start + _ROWS_PER_BATCH])
        if on_rows:
            on_rows(name, min(start + _ROWS_PER_BATCH, len(records)), len(records))


def _records(rows: pd.DataFrame, table: Table) -> list[dict[str, Any]]:
    """Return the rows as the drivers want them: plain Python values, None for missing."""
    columns: dict[str, list[Any]] = {}
    for name, values in rows.items():
        plain = values
        if values.dtype.kind == "M":
            plain = values.dt.date if isinstance(table.c[str(name)].type, Date) else values.dt.to_pydatetime()
        columns[str(name)] = plain.astype(object).where(values.notna(), None).tolist()
    return [dict(zip(columns, record, strict=True)) for record in zip(*columns.values(), strict=True)]


def _upsert_from(connection: Connection, table: Table, stage: Table, names: Sequence[str]) -> Insert:
    """Return the one statement that each dialect writes in its own way."""
    others = [name for name in names if not table.c[name].primary_key]
    chosen = select(*(stage.c[name] for name in names))
    if connection.dialect.name == "sqlite":
        lite = sqlite.insert(table).from_select(names, chosen.where(true()))  # WHERE: SQLite parses ON as a join else
        return lite.on_conflict_do_update(
            index_elements=[*table.primary_key], set_={name: lite.excluded[name] for name in others}
        )
    return (
        mysql.insert(table).from_select(names, chosen).on_duplicate_key_update({name: stage.c[name] for name in others})
    )


@contextmanager
def _one_load_at_a_time(engine: Engine) -> Iterator[None]:
    """Wait for another load, or making of tables, to end; SQLite's write transaction does so. Raises LoadConflict.

    The lock has a connection of its own: it must outlive the load's commit, and is gone if this process dies.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    lock = f"skillgap-load-{engine.url.database}"[:64]  # MySQL takes no longer name
    with read(engine) as keeper:
        if keeper.scalar(select(func.get_lock(lock, _LOCK_SECONDS))) != 1:
            raise LoadConflict(
                f"another load or init-db has been running for {_LOCK_SECONDS} s; wait for its end and try again"
            )
        try:
            yield
        finally:
            keeper.invalidate()  # closing it frees the lock, and cannot fail after the load was committed


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
