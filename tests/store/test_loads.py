"""A load makes the tables equal to the release, writes only the differences, and reports them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, event, func, select, text

from skillgap.errors import LoadConflict
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_ratings
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read, write
from skillgap.store.loads import TableChange, load_release
from skillgap.store.queries import count_rows, list_loads
from skillgap.store.rating_rows import get_data_version
from skillgap.store.schema import LLMSkillScores, OnetApiOccupationData
from skillgap.store.table_sync import upsert
from tests.store.small_releases import (
    ACTIVE_MODEL,
    CHIEFS,
    CLERKS,
    DEVELOPERS,
    FETCHED,
    LISTENING,
    NURSES,
    READING,
    RELEASE_A,
    RELEASE_B,
    WRITING,
    add,
    api_skill,
    cells,
    changed,
    llm_score,
    load,
    many_occupations,
    stored,
)


@contextmanager
def written(engine: Engine) -> Iterator[list[str]]:
    """Give the list of statements that change something, `INSERT INTO Skills` each."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = re.sub(r'["`]', "", statement).split()
        if words[0] not in ("SELECT", "BEGIN", "PRAGMA"):
            statements.append(" ".join(words[:3]))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def data_version(engine: Engine) -> str:
    with read(engine) as connection:
        return get_data_version(connection)


def set_cell(data: OnetData, table: str, row: int, column: str, value: object) -> OnetData:
    frame = data.tables[table].copy()
    frame.loc[row, column] = value
    return changed(data, **{table: frame})


# -- what is stored -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [RELEASE_A, RELEASE_B], ids=["a", "b"])
def test_a_load_stores_every_cell(blank: Engine, data: OnetData) -> None:
    load(blank, data)
    assert stored(blank) == cells(data)


def test_dates_nulls_and_letters_come_back_as_they_went_in(loaded: Engine) -> None:
    found = stored(loaded)
    assert found["Occupations"][1:] == [
        (DEVELOPERS, "Software Developers", None),
        (NURSES, "Registered Nurses", "Assess patients’ health; «soins»."),
    ]
    assert found["Skills"][0] == (
        (CHIEFS, READING, "IM", "Reading Comprehension", 4.0, 8, 0.0, 4.0, 4.0, "N", None, date(2014, 7, 1), "Analyst")
    )
    load(loaded, RELEASE_B)
    assert stored(loaded)["Skills"][-1] == (DEVELOPERS, LISTENING, "LV", "Active Listening", 3.5, *[None] * 8)


def test_rows_in_any_order_and_batches_of_any_size_store_the_same(blank: Engine) -> None:
    shuffled = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in RELEASE_A.tables.items()}
    seen: list[tuple[str, int, int]] = []
    load(blank, changed(RELEASE_A, **shuffled), rows_per_batch=3, on_rows=lambda *step: seen.append(step))
    assert stored(blank) == cells(RELEASE_A)
    assert [step for step in seen if step[0] == "Skills"] == [("Skills", 3, 8), ("Skills", 6, 8), ("Skills", 8, 8)]
    assert load(blank, RELEASE_A).rows_changed == 0


# -- what is written, and what is said of it ----------------------------------------------------------------------


def test_the_first_load_reports_all_rows_as_new(blank: Engine) -> None:
    report = load(blank, RELEASE_A)
    assert report.tables == [
        TableChange("Occupations", 3, 3, 0, 0),
        TableChange("Scales", 3, 3, 0, 0),
        TableChange("Elements", 3, 3, 0, 0),
        TableChange("Skills", 8, 8, 0, 0),
    ]
    assert report.was_empty
    assert report.rows_changed == 17
    assert (report.newly_rated, report.no_longer_rated, report.levels_changed) == ([CHIEFS, NURSES], [], 0)


def test_new_changed_and_gone_rows_are_told_apart_in_one_load(loaded: Engine) -> None:
    report = load(loaded, RELEASE_B)
    assert report.tables == [
        TableChange("Occupations", 3, inserted=1, updated=1, deleted=1),
        TableChange("Scales", 3, inserted=1, updated=1, deleted=1),
        TableChange("Elements", 3, inserted=1, updated=1, deleted=1),
        TableChange("Skills", 8, inserted=4, updated=2, deleted=4),
    ]
    assert not report.was_empty
    assert report.rows_changed == 19
    assert (report.newly_rated, report.no_longer_rated, report.levels_changed) == ([DEVELOPERS], [NURSES], 1)
    assert stored(loaded) == cells(RELEASE_B)


def test_a_load_may_go_back_to_the_release_before(loaded: Engine) -> None:
    load(loaded, RELEASE_B)
    report = load(loaded, RELEASE_A)
    assert (report.newly_rated, report.no_longer_rated, report.levels_changed) == ([NURSES], [DEVELOPERS], 1)
    assert stored(loaded) == cells(RELEASE_A)


def test_loading_the_same_again_writes_only_its_line_in_loads(loaded: Engine) -> None:
    before = data_version(loaded)
    with written(loaded) as statements:
        report = load(loaded, RELEASE_A)
    assert statements == ["INSERT INTO Loads"]
    assert [(change.rows, change.changed) for change in report.tables] == [(3, 0), (3, 0), (3, 0), (8, 0)]
    assert (report.newly_rated, report.no_longer_rated, report.levels_changed) == ([], [], 0)
    assert data_version(loaded) == before


def test_only_the_row_that_differs_is_staged(loaded: Engine) -> None:
    steps: list[tuple[str, int, int]] = []
    with written(loaded) as statements:
        load(loaded, set_cell(RELEASE_A, "Skills", 1, "data_value", 5.12), on_rows=lambda *step: steps.append(step))
    assert steps == [("Skills", 1, 1)]
    assert "INSERT INTO Skills" in statements
    assert not any(name in " ".join(statements) for name in ("Occupations", "Scales", "Elements"))


CELLS = [
    ("element_name", "Reading"),
    ("data_value", 4.63),
    ("n", 7),
    ("n", None),
    ("standard_error", 0.1831),
    ("standard_error", None),
    ("lower_ci_bound", 4.2),
    ("upper_ci_bound", None),
    ("recommend_suppress", "Y"),
    ("not_relevant", None),
    ("date_updated", pd.Timestamp("2014-08-01")),
    ("date_updated", None),
    ("domain_source", "Incumbent"),
]


@pytest.mark.slow
def test_a_change_of_any_cell_to_or_from_missing_is_loaded(loaded: Engine) -> None:
    for column, value in CELLS:
        other = set_cell(RELEASE_A, "Skills", 1, column, value)
        assert load(loaded, other).rows_changed == 1, (column, value)
        assert stored(loaded) == cells(other)

        assert load(loaded, RELEASE_A).rows_changed == 1, (column, value)
        assert stored(loaded) == cells(RELEASE_A)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE Skills SET data_value = 6.5 WHERE scale_id = 'LV'",
        "UPDATE Skills SET date_updated = NULL, n = NULL",
        "UPDATE Occupations SET title = 'Chef', description = NULL",
        "DELETE FROM Skills WHERE element_id = '2.A.1.a'",
        "INSERT INTO Scales VALUES ('XX', 'By hand', 0, 1)",
    ],
)
def test_rows_edited_by_hand_are_repaired_by_loading_again(loaded: Engine, edit: str) -> None:
    with loaded.begin() as connection:
        connection.execute(text(edit))
    assert load(loaded, RELEASE_A).rows_changed > 0
    assert stored(loaded) == cells(RELEASE_A)


def test_each_load_leaves_its_line_in_loads(loaded: Engine) -> None:
    began = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    load(loaded, replace(RELEASE_B, release=Release("29.0", None)))
    with read(loaded) as connection:
        second, first = list_loads(connection)
    assert (first.source, first.release_number, first.release_date) == ("text", "28.3", date(2024, 5, 1))
    assert (first.origin, first.sha256, first.rows_changed) == ("a.zip", "a" * 64, 17)
    assert (second.release_number, second.release_date, second.origin) == ("29.0", None, "b.zip")
    assert second.row_counts == {"Occupations": 3, "Scales": 3, "Elements": 3, "Skills": 8}
    assert second.rows_changed == 19
    assert first.load_id < second.load_id
    assert began <= second.started_at <= second.finished_at


# -- rows of other sources ----------------------------------------------------------------------------------------


def test_api_rows_of_an_element_that_the_release_lacks_stop_the_load_unchanged(loaded: Engine) -> None:
    occupation = {"onet_soc_code": CHIEFS, "title": "Chief Executives", **FETCHED}
    add(loaded, {"OnetApiOccupationData": [occupation], "OnetApiSkillsData": [api_skill(CHIEFS, WRITING)]})
    with read(loaded) as connection:
        before = count_rows(connection)
    with pytest.raises(LoadConflict, match=r"O\*NET 29\.0 lacks .*skillgap init-db --recreate TABLE"):
        load(loaded, RELEASE_B)
    assert stored(loaded) == cells(RELEASE_A)
    with read(loaded) as connection:
        assert count_rows(connection) == before


def test_after_a_refused_load_the_same_engine_loads_again(loaded: Engine) -> None:
    add(loaded, {"LLMModels": [ACTIVE_MODEL], "LLMSkillScores": [llm_score(CHIEFS, WRITING)]})
    for _ in range(2):
        with pytest.raises(LoadConflict):
            load(loaded, RELEASE_B)
    with loaded.begin() as connection:
        connection.execute(text("DELETE FROM LLMSkillScores"))
    load(loaded, RELEASE_B)
    assert stored(loaded) == cells(RELEASE_B)


def test_scores_go_with_their_occupation_and_others_stay(loaded: Engine) -> None:
    scores = [llm_score(code, READING) for code in (CHIEFS, DEVELOPERS, NURSES)]
    add(loaded, {"LLMModels": [ACTIVE_MODEL], "LLMSkillScores": scores})
    load(loaded, RELEASE_B)
    with read(loaded) as connection:
        left = connection.scalars(select(LLMSkillScores.onet_soc_code).order_by(LLMSkillScores.onet_soc_code)).all()
    assert left == [CHIEFS, DEVELOPERS]


def test_api_rows_outlive_their_occupation_in_the_text_release(loaded: Engine) -> None:
    occupation = {"onet_soc_code": NURSES, "title": "Registered Nurses", **FETCHED}
    add(loaded, {"OnetApiOccupationData": [occupation], "OnetApiSkillsData": [api_skill(NURSES, READING)]})
    load(loaded, RELEASE_B)
    with read(loaded) as connection:
        ratings = get_ratings(connection)
    assert ratings.skills(NURSES)[0].source == "api"


def test_rows_that_something_else_takes_away_meanwhile_undo_the_load(loaded: Engine) -> None:
    drop_one = "BEGIN DELETE FROM Scales WHERE scale_id = 'RT'; END"
    name = "AFTER DELETE ON Skills"  # the deletes come last, so the row is gone when the rows are counted
    if loaded.dialect.name == "mysql":
        trigger = f"CREATE TRIGGER interloper {name} FOR EACH ROW {drop_one}"
    else:
        trigger = f"CREATE TRIGGER interloper {name} {drop_one}"
    with loaded.begin() as connection:
        connection.execute(text(trigger))
    with pytest.raises(LoadConflict, match="Scales has 2 rows after the load, expected 3; nothing was changed"):
        load(loaded, RELEASE_B)
    assert stored(loaded) == cells(RELEASE_A)
    assert data_version(loaded).startswith("1-")


def test_a_release_that_unrates_many_occupations_must_be_meant(blank: Engine) -> None:
    load(blank, many_occupations(150))
    load(blank, many_occupations(50))  # as many as may be lost
    load(blank, many_occupations(150))
    before = stored(blank)
    cut = many_occupations(49)
    with pytest.raises(LoadConflict, match=r"remove the ratings of 101 occupations .* --accept-loss"):
        load(blank, cut)
    assert stored(blank) == before
    report = load_release(
        blank, cut.tables, release=cut.release, origin=cut.origin, sha256=cut.sha256, accept_loss=True
    )
    assert len(report.no_longer_rated) == 101


# -- upsert -------------------------------------------------------------------------------------------------------


def api_occupations(*rows: tuple[str, str, str | None, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["onet_soc_code", "title", "description", "fetched_at"])
    frame["fetched_at"] = pd.to_datetime(frame["fetched_at"])
    return frame.assign(source_endpoint="/online", api_version="2.0")


def api_rows(engine: Engine) -> list[tuple[Any, ...]]:
    api = OnetApiOccupationData
    with read(engine) as connection:
        rows = connection.execute(
            select(api.onet_soc_code, api.title, api.description, api.fetched_at).order_by(api.onet_soc_code)
        )
        return [tuple(row) for row in rows]


def test_upsert_inserts_updates_and_leaves_other_rows(blank: Engine) -> None:
    first = api_occupations(
        (CHIEFS, "Chiefs", "Lead.", "2024-09-01 12:30:15"), (NURSES, "Nurses", "Care.", "2024-09-01 12:30:16")
    )
    second = api_occupations(
        (NURSES, "Nurses!", None, "2024-10-01 00:00:00"), (CLERKS, "Clerks", None, "2024-10-01 23:59:59")
    )
    for rows in (first, first, second, second):
        with write(blank) as connection:
            upsert(connection, "OnetApiOccupationData", rows)
    assert api_rows(blank) == [
        (CHIEFS, "Chiefs", "Lead.", datetime(2024, 9, 1, 12, 30, 15)),
        (NURSES, "Nurses!", None, datetime(2024, 10, 1)),
        (CLERKS, "Clerks", None, datetime(2024, 10, 1, 23, 59, 59)),
    ]


def test_upsert_of_some_columns_keeps_the_others(loaded: Engine) -> None:
    titles = pd.DataFrame({"onet_soc_code": [CHIEFS, CLERKS], "title": ["Chiefs", "Clerks"]})
    with write(loaded) as connection:
        upsert(connection, "Occupations", titles)
    rows = {code: tuple(rest) for code, *rest in stored(loaded)["Occupations"]}
    assert rows[CHIEFS] == ("Chiefs", "Determine and formulate policies.")
    assert rows[CLERKS] == ("Clerks", None)


def test_upsert_of_no_rows_writes_nothing(blank: Engine) -> None:
    with written(blank) as statements, write(blank) as connection:
        upsert(connection, "OnetApiOccupationData", api_occupations())
    assert statements == []


def test_upsert_leaves_no_staging_table_behind(loaded: Engine) -> None:
    with write(loaded) as connection:
        upsert(connection, "Occupations", RELEASE_B.tables["Occupations"])
        rows = connection.scalar(select(func.count()).select_from(text("Occupations")))
        with pytest.raises(Exception, match="staged_Occupations"):
            connection.execute(text("SELECT * FROM staged_Occupations"))
    assert rows == 4


# -- the real releases --------------------------------------------------------------------------------------------


def test_29_0_over_26_1_equals_a_fresh_load_and_says_what_changed(
    blank: Engine, onet_26: OnetData, onet_29: OnetData
) -> None:
    load(blank, onet_26)
    report = load(blank, onet_29)

    expected = cells(onet_29)
    assert stored(blank) == expected
    assert report.newly_rated == [
        "11-3013.00",
        "19-3039.02",
        "19-3039.03",
        "25-9042.00",
        "29-2011.04",
        "29-2036.00",
    ]
    assert report.no_longer_rated == []
    assert report.levels_changed == 6664
    before = {row[:3]: row for row in cells(onet_26)["Skills"]}
    now = {row[:3]: row for row in expected["Skills"]}
    assert report.tables[-1] == TableChange(
        "Skills",
        rows=61_530,
        inserted=len(now.keys() - before.keys()),
        updated=sum(before[key] != now[key] for key in now.keys() & before.keys()),
        deleted=0,
    )
    assert load(blank, onet_29).rows_changed == 0
    assert [change.rows for change in report.tables] == [len(onet_29.tables[change.table]) for change in report.tables]
