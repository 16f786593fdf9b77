"""Loads of releases, Web Services rows and predictions. Each load writes its differences in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    String,
    and_,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from skillgap.errors import LoadConflict
from skillgap.models import ReleaseChanges
from skillgap.onet.releases import Release
from skillgap.onet.tables import LOAD_ORDER, TABLES
from skillgap.store.engine import one_load_at_a_time, read, utc_now, write
from skillgap.store.schema import LLMModels, Loads
from skillgap.store.table_sync import (
    ROWS_PER_BATCH,
    Difference,
    OnRows,
    compare,
    delete_rows,
    insert_rows,
    table_of,
    upsert,
    upsert_row,
)

API_TABLES = {table.name: table.api_table for table in TABLES.values() if table.api_table}
"""The table of Web Services rows for each table of a release, parents before children."""

SOURCE_TABLES = {
    "text": LOAD_ORDER,
    "api": tuple(API_TABLES.values()),
    "llm": ("LLMModels", "LLMSkillScores", "LLMAbstentions", "LLMReplies"),
}
"""The tables that each source of Loads fills."""

_MOST_LOST = 100
"""Occupations that may lose their ratings in one load. Upgrades within a taxonomy cost few (26.1 to 29.0: none)."""

OnRatings = Callable[[Connection], None]
"""Called within a load that changes ratings, before and after it writes, to read the ratings."""


@dataclass(frozen=True)
class Scores:
    """Scores and abstentions of one model for some occupations."""

    model: pd.DataFrame
    """One row of LLMModels, without `is_active`."""
    scores: pd.DataFrame
    """Rows of LLMSkillScores, without `scored_at`."""
    abstentions: pd.DataFrame
    """Rows of LLMAbstentions."""
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
        """Return rows as frames; `scored_at` defaults to now."""
        tables = {"LLMModels": model, "LLMSkillScores": scores, "LLMAbstentions": abstentions}
        frames = [_scores_frame(name, rows) for name, rows in tables.items()]
        return cls(frames[0], frames[1], frames[2], scored_at or utc_now())


def _scores_frame(name: str, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    columns = [column.name for column in table_of(name).columns if column.name not in ("is_active", "scored_at")]
    names = [column for column in columns if not rows or column in rows[0]]
    types = {column: _dtype(table_of(name).c[column].type) for column in names}
    frame = pd.DataFrame({column: [row[column] for row in rows] for column in names}).astype(types)
    return frame.sort_values([key.name for key in table_of(name).primary_key], ignore_index=True)


def _dtype(type_: TypeEngine[Any]) -> str:
    return "str" if isinstance(type_, String) else "Int64" if isinstance(type_, Integer) else "float64"


@dataclass(frozen=True)
class TableChange:
    """Effect of a load on one table."""

    table: str
    rows: int
    """Rows in the load."""
    inserted: int
    updated: int
    deleted: int

    @property
    def changed(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class LoadReport:
    """Effect of a load."""

    tables: list[TableChange]
    was_empty: bool
    """There were no ratings before."""
    newly_rated: list[str]
    """Occupations that got their first skill ratings."""
    no_longer_rated: list[str]
    """Occupations that lost their skill ratings."""
    levels_changed: int
    """Levels (scale LV) that differ, among occupations rated before and after."""
    changes: ReleaseChanges | None = None
    """Changes beyond rater noise in the ratings shown; None after a first load or if no rating changed."""

    @property
    def ratings_changed(self) -> bool:
        """Whether any level changed, appeared or disappeared."""
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
    rows_per_batch: int = ROWS_PER_BATCH,
    on_rows: OnRows | None = None,
    on_ratings: OnRatings | None = None,
) -> LoadReport:
    """Make the text tables equal to a release, in one transaction (`mysql_load` in the specification).

    Tables that are not given stay unchanged. Only differences are written: new rows are inserted and changed rows
    upserted, parents first; rows that the release no longer has are deleted, children first. Loading the same release
    again adds only a row to Loads. `scores` are stored too; their model becomes active if no other is.

    A release that would leave many occupations without ratings may be truncated. It is refused unless `accept_loss`.
    Raises LoadConflict, DatabaseUnavailable, SchemaMismatch; nothing has changed then.
    """
    started_at = utc_now()
    with one_load_at_a_time(engine), write(engine) as connection:
        differences = {name: compare(connection, name, tables[name]) for name in LOAD_ORDER if name in tables}
        report = _report(differences)
        _check_loss(report, f"O*NET {release.number}", accept_loss=accept_loss)
        look = on_ratings if report.ratings_changed else None
        if look:
            look(connection)
        with _conflicts(release):
            for name in differences:
                new, changed = differences[name].new, differences[name].changed
                insert_rows(connection, table_of(name), new, on_rows, name=name, rows_per_batch=rows_per_batch)
                upsert(connection, name, changed, on_rows=on_rows, rows_per_batch=rows_per_batch)
            for name in reversed(differences):
                delete_rows(connection, name, differences[name].gone)
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
    """Upsert rows of Occupations and Skills from O*NET Web Services, in one transaction.

    This is `mysql_upsert_api_data` in the specification. Only rows of the occupations `codes` are compared, or all rows
    if it is None. Ratings that O*NET no longer has are deleted for each occupation with an answer. Incomplete answers
    (`is_whole` is false: read from reports, or with fields missing) delete nothing and replace no rating with a date.
    Only rows with different values are written, together with the endpoint, version and time in `fetched`. Elements and
    scales that the text tables lack are added. With `dry_run`, the changes are reported but not made.

    Raises LoadConflict (too many occupations would lose their ratings; see `accept_loss`), DatabaseUnavailable,
    SchemaMismatch; nothing has changed then.
    """
    if dry_run:
        with read(engine) as connection:
            return _report(_api_differences(connection, tables, codes, is_whole=is_whole), "OnetApiSkillsData")
    started_at = utc_now()
    with one_load_at_a_time(engine), write(engine) as connection:
        differences = _api_differences(connection, tables, codes, is_whole=is_whole)
        report = _report(differences, "OnetApiSkillsData")
        _check_loss(report, f"the rows of O*NET Web Services (release {release.number})", accept_loss=accept_loss)
        look = on_ratings if report.ratings_changed else None
        if look:
            look(connection)
        with _conflicts(release):
            elements = tables["Skills"][["element_id", "element_name"]].drop_duplicates("element_id")
            _add_missing(connection, "Elements", elements)
            _add_missing(connection, "Scales", tables["Scales"])
            for name, target in API_TABLES.items():
                difference, rows = differences[target], pd.concat([tables[name], fetched[name]], axis=1)
                insert_rows(connection, table_of(target), rows[difference.is_new], on_rows, name=target)
                upsert(connection, target, rows[difference.is_changed], on_rows=on_rows)
            for target in reversed(differences):
                delete_rows(connection, target, differences[target].gone)
        _record(connection, "api", report, release=release, origin=origin, sha256=None, started_at=started_at)
        if look:
            look(connection)
    return report


def _api_differences(
    connection: Connection, tables: Mapping[str, pd.DataFrame], codes: Sequence[str] | None, *, is_whole: bool
) -> dict[str, Difference]:
    """Return the changes that the Web Services rows make, parents before children."""
    differences = {}
    for name, target in API_TABLES.items():
        difference = compare(connection, target, tables[name], codes=codes)
        gone = difference.gone
        if not is_whole:
            gone = gone.iloc[:0]
        elif codes is not None:  # an occupation without any answer may have been refused
            gone = gone[gone["onet_soc_code"].isin(difference.after["onet_soc_code"])]
        is_changed = difference.is_changed
        if not is_whole and name == "Skills":
            key = [column.name for column in table_of(target).primary_key]
            dated = difference.before.loc[difference.before["date_updated"].notna(), key]
            is_changed = is_changed & ~pd.MultiIndex.from_frame(difference.after[key]).isin(
                pd.MultiIndex.from_frame(dated)
            )
        differences[target] = replace(difference, gone=gone, is_changed=is_changed)
    return differences


def upsert_scores(engine: Engine, scores: Scores, *, release: Release, activate: bool) -> LoadReport:
    """Store the scores of a model in one transaction, and make it active with `activate` or if no model is.

    For each scored occupation, earlier scores of this model that are not given again are deleted. Scores of other
    models stay. An unchanged score keeps its time. Raises LoadConflict, DatabaseUnavailable, SchemaMismatch.
    """
    with one_load_at_a_time(engine), write(engine) as connection, _conflicts(release):
        return _write_scores(connection, scores, release=release, activate=activate)


def keep_reply(engine: Engine, row: Mapping[str, Any]) -> None:
    """Store a reply, a row of LLMReplies without `asked_at`, in place of an earlier one to the same request.

    Tokens and seconds are added up, with concurrent writers too. An invalid reply never replaces a valid one.
    Raises DatabaseUnavailable, SchemaMismatch.
    """
    with write(engine) as connection:
        upsert_row(
            connection,
            "LLMReplies",
            {**row, "asked_at": utc_now()},
            adding=("input_tokens", "output_tokens", "seconds"),
            stays=lambda before, after: and_(before.error.is_(None), after.error.is_not(None)),
            decided_by=("error",),
        )


def _write_scores(connection: Connection, scores: Scores, *, release: Release, activate: bool) -> LoadReport:
    started_at = utc_now()
    key = {name: str(scores.model[name].iloc[0]) for name in ("model", "prompt_version")}
    codes = sorted({*scores.scores["onet_soc_code"], *scores.abstentions["onet_soc_code"]})
    changes = []
    for name, rows in (
        ("LLMModels", scores.model),
        ("LLMSkillScores", scores.scores),
        ("LLMAbstentions", scores.abstentions),
    ):
        difference = compare(connection, name, rows, codes=None if name == "LLMModels" else codes)
        gone = difference.gone[
            (difference.gone["model"] == key["model"]) & (difference.gone["prompt_version"] == key["prompt_version"])
        ]
        written = rows.assign(scored_at=scores.scored_at) if name == "LLMSkillScores" else rows
        insert_rows(connection, table_of(name), written[difference.is_new], None, name=name)
        upsert(connection, name, written[difference.is_changed])
        delete_rows(connection, name, gone)
        changes.append(
            TableChange(name, len(rows), int(difference.is_new.sum()), int(difference.is_changed.sum()), len(gone))
        )
    if _activate(connection, key, even_over_another=activate):
        changes[0] = replace(changes[0], updated=changes[0].updated + 1)
    report = LoadReport(changes, was_empty=False, newly_rated=[], no_longer_rated=[], levels_changed=0)
    origin = f"{key['model']} {key['prompt_version']}"
    _record(connection, "llm", report, release=release, origin=origin, sha256=None, started_at=started_at)
    return report


def _activate(connection: Connection, key: Mapping[str, str], *, even_over_another: bool) -> bool:
    """Make a model the active one. Return whether it was not active before."""
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
            f"{what} would remove the ratings of {len(report.no_longer_rated)} occupations "
            f"({', '.join(report.no_longer_rated[:3])}, …); nothing was changed. Is it complete? "
            "If you want this, repeat with --accept-loss"
        )


def _add_missing(connection: Connection, name: str, rows: pd.DataFrame) -> None:
    """Insert rows with a new key. Existing rows belong to the text release."""
    table = table_of(name)
    [key] = table.primary_key
    there = set(connection.scalars(select(key)))
    insert_rows(connection, table, rows[~rows[key.name].isin(there)], None, name=name)


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
    """Add the row of a finished load to Loads."""
    connection.execute(
        insert(Loads).values(
            source=source,
            release_number=release.number,
            release_date=release.date,
            origin=origin,
            sha256=sha256,
            started_at=started_at,
            finished_at=utc_now(),
            row_counts={change.table: change.rows for change in report.tables},
            rows_changed=report.rows_changed,
        )
    )


@contextmanager
def _conflicts(release: Release) -> Iterator[None]:
    """Raise LoadConflict if a constraint refuses rows: they have been checked, so rows of another source conflict.

    A missing value or a failed CHECK is not a conflict but a bug, and passes through.
    """
    try:
        yield
    except IntegrityError as error:
        reason = str(error.orig)
        if "foreign key" in reason.lower():
            raise LoadConflict(
                f"O*NET {release.number} lacks what rows of another source refer to ({reason}); "
                "recreate that source's table (`skillgap init-db --recreate TABLE`) and load again"
            ) from error
        if "unique" in reason.lower() or "duplicate" in reason.lower():
            raise LoadConflict(
                f"the database refuses rows of O*NET {release.number} ({reason}); nothing was changed. "
                "Does something else write to these tables?"
            ) from error
        raise


def _report(differences: Mapping[str, Difference], ratings: str = "Skills") -> LoadReport:
    """Return the report of differences; `ratings` names the table with the ratings."""
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
        rows = connection.scalar(select(func.count()).select_from(table_of(change.table)))
        if rows != change.rows:
            raise LoadConflict(
                f"{change.table} has {rows} rows after the load, expected {change.rows}; nothing was changed. "
                "Does something else write to this table?"
            )
