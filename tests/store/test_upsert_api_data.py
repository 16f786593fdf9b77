"""Upserts of O*NET Web Services rows: only values that differ, and only requested occupations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, delete, select

from skillgap.errors import DatabaseUnavailable, LoadConflict
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_ratings
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read, write
from skillgap.store.loads import LoadReport, upsert_api_data
from skillgap.store.queries import list_loads
from skillgap.store.rating_rows import get_data_version
from skillgap.store.schema import Elements, OnetApiOccupationData, OnetApiSkillsData, Scales, Skills
from skillgap.store.tables import init_tables
from tests.store.small_releases import (
    CHIEFS,
    CLERKS,
    DEVELOPERS,
    LISTENING,
    NURSES,
    READING,
    RELEASE_A,
    RELEASE_B,
    changed,
    load,
    many_occupations,
)

FIRST, SECOND = datetime(2026, 11, 1, 12), datetime(2026, 11, 2, 13, 30, 15)


def upsert(engine: Engine, data: OnetData, *, at: datetime = FIRST, **given: Any) -> LoadReport:
    """Upsert the rows of a release as if the Web Services had served them."""
    fetched = {
        name: pd.DataFrame(
            {"source_endpoint": f"database/rows/{name}", "api_version": "2.0", "fetched_at": at},
            index=data.tables[name].index,
        )
        for name in ("Occupations", "Skills")
    }
    settings = {"release": Release("31.0", None), "origin": "https://onet.test", "codes": None, "is_whole": True}
    return upsert_api_data(engine, data.tables, fetched, **settings | given)


def only(data: OnetData, *codes: str) -> OnetData:
    """Return some occupations of a release."""
    tables = {
        name: rows[rows["onet_soc_code"].isin(codes)].reset_index(drop=True) if "onet_soc_code" in rows else rows
        for name, rows in data.tables.items()
    }
    return OnetData(data.release, data.origin, data.sha256, tables)


def ratings(engine: Engine) -> dict[tuple[str, str, str], tuple[float, datetime]]:
    api = OnetApiSkillsData
    query = select(api.onet_soc_code, api.element_id, api.scale_id, api.data_value, api.fetched_at)
    with read(engine) as connection:
        return {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(query)}


def expected(data: OnetData) -> dict[tuple[str, str, str], float]:
    rows = data.tables["Skills"][["onet_soc_code", "element_id", "scale_id", "data_value"]]
    return {(code, element_id, scale_id): value for code, element_id, scale_id, value in rows.itertuples(index=False)}


@pytest.fixture
def empty(engine: Engine) -> Engine:
    init_tables(engine)
    return engine


def test_all_columns_are_stored_with_endpoint_version_and_time(empty: Engine):
    report = upsert(empty, RELEASE_A)
    assert [(change.table, change.inserted) for change in report.tables] == [
        ("OnetApiOccupationData", 3),
        ("OnetApiSkillsData", 8),
    ]
    table = OnetApiSkillsData.__table__
    with read(empty) as connection:
        row = connection.execute(
            select(table).where(
                table.c.onet_soc_code == CHIEFS, table.c.element_id == READING, table.c.scale_id == "LV"
            )
        ).one()
        occupation = connection.execute(
            select(OnetApiOccupationData.__table__).where(OnetApiOccupationData.onet_soc_code == CHIEFS)
        ).one()
    source = RELEASE_A.tables["Skills"].iloc[1]
    assert {name: getattr(row, name) for name in source.index if name != "date_updated"} == source.drop(
        "date_updated"
    ).to_dict()
    assert row.date_updated == source["date_updated"].date()
    assert (row.source_endpoint, row.api_version, row.fetched_at) == ("database/rows/Skills", "2.0", FIRST)
    assert occupation.title == "Chief Executives"
    assert (occupation.source_endpoint, occupation.fetched_at) == ("database/rows/Occupations", FIRST)


def test_the_same_again_changes_nothing(empty: Engine):
    upsert(empty, RELEASE_A)
    with read(empty) as connection:
        before = get_data_version(connection)
    report = upsert(empty, RELEASE_A, at=SECOND)
    assert report.rows_changed == 0
    assert {fetched_at for _, fetched_at in ratings(empty).values()} == {FIRST}
    with read(empty) as connection:
        assert get_data_version(connection) == before
        assert [(line.source, line.release_number, line.rows_changed) for line in list_loads(connection)] == [
            ("api", "31.0", 0),
            ("api", "31.0", 11),
        ]


def test_a_whole_fetch_updates_inserts_and_deletes(empty: Engine):
    upsert(empty, RELEASE_A)
    report = upsert(empty, RELEASE_B, at=SECOND)
    assert {key: value for key, (value, _) in ratings(empty).items()} == expected(RELEASE_B)
    assert (report.newly_rated, report.no_longer_rated, report.levels_changed) == ([DEVELOPERS], [NURSES], 1)
    changed_rows = {key for key, (_, fetched_at) in ratings(empty).items() if fetched_at == SECOND}
    assert {key[0] for key in changed_rows} == {CHIEFS, DEVELOPERS}
    assert len(changed_rows) == 2 + 4, "reading's two rows of chief executives, and all of developers"
    with read(empty) as connection:
        assert set(connection.scalars(select(OnetApiOccupationData.onet_soc_code))) == {CHIEFS, DEVELOPERS, CLERKS}


def test_a_fetch_of_some_occupations_touches_no_other(empty: Engine):
    upsert(empty, RELEASE_A)
    report = upsert(empty, only(RELEASE_B, DEVELOPERS), codes=(DEVELOPERS,), at=SECOND)
    assert report.newly_rated == [DEVELOPERS]
    assert {key: value for key, (value, _) in ratings(empty).items()} == expected(RELEASE_A) | expected(
        only(RELEASE_B, DEVELOPERS)
    )


def test_what_an_occupation_has_no_more_is_deleted_of_it_alone(empty: Engine):
    upsert(empty, RELEASE_A)
    chiefs = only(RELEASE_A, CHIEFS)
    skills = chiefs.tables["Skills"]
    upsert(empty, changed(chiefs, Skills=skills[skills["element_id"] == READING]), codes=(CHIEFS,))
    assert set(ratings(empty)) == set(expected(RELEASE_A)) - {(CHIEFS, LISTENING, "IM"), (CHIEFS, LISTENING, "LV")}


def test_answers_that_are_not_the_whole_delete_nothing_and_replace_no_dated_rating(empty: Engine):
    upsert(empty, RELEASE_A)
    before = ratings(empty)
    report = upsert(empty, RELEASE_B, at=SECOND, is_whole=False)
    assert set(ratings(empty)) == set(expected(RELEASE_A)) | set(expected(RELEASE_B))
    assert {key: value for key, value in ratings(empty).items() if key in before} == before
    assert (sum(change.deleted for change in report.tables), report.no_longer_rated) == (0, [])
    developers = only(RELEASE_B, DEVELOPERS)  # their ratings have no date
    skills = developers.tables["Skills"]
    other = changed(developers, Skills=skills.assign(data_value=1.0))
    assert upsert(empty, other, is_whole=False, codes=(DEVELOPERS,)).levels_changed == 2


def test_no_answer_on_an_occupation_deletes_nothing_of_it(empty: Engine):
    upsert(empty, RELEASE_A)
    chiefs = only(RELEASE_A, CHIEFS)
    report = upsert(empty, changed(chiefs, Skills=chiefs.tables["Skills"].iloc[:0]), codes=(CHIEFS,))
    assert (report.rows_changed, report.no_longer_rated) == (0, [])
    assert set(ratings(empty)) == set(expected(RELEASE_A))


def test_a_fetch_that_unrates_many_occupations_must_be_meant(empty: Engine):
    upsert(empty, many_occupations(150))
    with pytest.raises(LoadConflict, match=r"remove the ratings of 101 occupations .* --accept-loss"):
        upsert(empty, many_occupations(49))
    assert len(upsert(empty, many_occupations(49), accept_loss=True).no_longer_rated) == 101


def test_a_dry_run_tells_and_writes_nothing(empty: Engine):
    report = upsert(empty, RELEASE_A, dry_run=True)
    assert report.rows_changed == 11
    assert ratings(empty) == {}
    with read(empty) as connection:
        assert list_loads(connection) == []


def test_elements_and_scales_that_the_text_lacks_are_added_and_its_own_kept(empty: Engine):
    load(empty, RELEASE_B)  # it calls level "Level of Skill", and has no scale CX
    with write(empty) as connection:
        connection.execute(delete(Skills).where(Skills.element_id == LISTENING))
        connection.execute(delete(Elements).where(Elements.element_id == LISTENING))
    upsert(empty, RELEASE_A)
    with read(empty) as connection:
        elements = dict(connection.execute(select(Elements.element_id, Elements.element_name)).all())
        scales = dict(connection.execute(select(Scales.scale_id, Scales.scale_name)).all())
    assert elements[LISTENING] == "Active Listening"
    assert (scales["LV"], scales["CX"]) == ("Level of Skill", "Context")


def test_a_failure_midway_changes_nothing(empty: Engine):
    upsert(empty, RELEASE_A)
    before = ratings(empty)

    def fail(table: str, *_: object) -> None:
        if table == "OnetApiSkillsData":
            raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable, match="gone"):
        upsert(empty, RELEASE_B, on_rows=fail)
    assert ratings(empty) == before
    with read(empty) as connection:
        assert len(list_loads(connection)) == 1


def test_a_fetch_that_changed_no_row_says_nothing_of_the_release(empty: Engine):
    upsert(empty, RELEASE_A)
    upsert(empty, only(RELEASE_A, CHIEFS), codes=(CHIEFS,), release=Release("32.0", None))
    with read(empty) as connection:
        assert get_ratings(connection).provenance.web_services_release == "31.0"


def test_a_text_release_may_follow_and_the_answer_names_both_sources(empty: Engine):
    upsert(empty, only(RELEASE_B, DEVELOPERS), codes=(DEVELOPERS,))
    load(empty, RELEASE_A)
    with read(empty) as connection:
        found = get_ratings(connection)
    assert found.codes == (CHIEFS, DEVELOPERS, NURSES)
    assert found.sources == ("api", "text")
    provenance = found.provenance
    assert (provenance.release, provenance.web_services_release, provenance.sources) == (
        "28.3",
        "31.0",
        ["api", "text"],
    )
    assert "O*NET 28.3 Database" in provenance.attribution
    assert "This application incorporates information from O*NET Web Services" in provenance.attribution


def test_without_text_the_web_services_alone_are_credited(empty: Engine):
    upsert(empty, RELEASE_B)
    with read(empty) as connection:
        provenance = get_ratings(connection).provenance
    assert (provenance.release, provenance.web_services_release, provenance.sources) == (None, "31.0", ["api"])
    assert provenance.attribution.startswith("This application incorporates information from O*NET Web Services by")
