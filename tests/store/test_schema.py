"""Migrations create the declared schema from any state, and the database enforces its rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, column, event, insert, inspect, table, text
from sqlalchemy.exc import DBAPIError

from skillgap.errors import ConfigurationError, SchemaMismatch
from skillgap.nodes.status import get_status
from skillgap.onet.domains import DOMAIN_TABLES
from skillgap.store.engine import make_engine, read
from skillgap.store.queries import count_rows
from skillgap.store.schema import Base
from skillgap.store.tables import VIEWS, check_schema, init_tables, view_sql
from tests.store.small_releases import (
    ACTIVE_MODEL,
    CHIEFS,
    DEVELOPERS,
    FETCHED,
    READING,
    RELEASE_A,
    RELEASE_B,
    add,
    api_skill,
    cells,
    llm_score,
    load,
    stored,
)

TABLES = list(Base.metadata.tables)


def differences_from_declared(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


def reflected(engine: Engine) -> dict[str, Any]:
    """Return everything that the database reports about its tables."""
    found = inspect(engine)
    facts: dict[str, Callable[[str], Any]] = {
        "columns": lambda name: {
            column["name"]: (str(column["type"]), getattr(column["type"], "collation", None), column["nullable"])
            for column in found.get_columns(name)
        },
        "primary key": found.get_pk_constraint,
        "foreign keys": lambda name: _sorted(found.get_foreign_keys(name)),
        "unique": lambda name: _sorted(found.get_unique_constraints(name)),
        "checks": lambda name: _sorted(found.get_check_constraints(name)),
        "options": found.get_table_options,
    }
    return {name: {fact: look(name) for fact, look in facts.items()} for name in TABLES}


def _sorted(constraints: list[Any]) -> list[Any]:
    return sorted(constraints, key=lambda constraint: str(constraint["name"]))


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


# -- migrations ---------------------------------------------------------------------------------------------------


def test_all_migrations_on_a_blank_database_make_the_declared_schema(engine: Engine) -> None:
    assert init_tables(engine) == sorted(TABLES)
    assert differences_from_declared(engine) == []

    migrated = reflected(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert migrated == reflected(engine)


def test_the_schema_has_its_keys(shared: Engine) -> None:
    found = reflected(shared)
    assert {name: facts["primary key"]["constrained_columns"] for name, facts in found.items()} == {
        "Occupations": ["onet_soc_code"],
        "Scales": ["scale_id"],
        "Elements": ["element_id"],
        "OnetApiOccupationData": ["onet_soc_code"],
        "OnetApiSkillsData": ["onet_soc_code", "element_id", "scale_id"],
        "LLMModels": ["model", "prompt_version"],
        "LLMSkillScores": ["onet_soc_code", "element_id", "scale_id", "model", "prompt_version"],
        **{table: ["onet_soc_code", "element_id", "scale_id"] for table in DOMAIN_TABLES.values()},
        "JobZoneReference": ["job_zone"],
        "SampleOfReportedTitles": ["onet_soc_code", "reported_job_title"],
        "TechnologySkills": ["onet_soc_code", "example", "category_id"],
        "JobZones": ["onet_soc_code"],
        "Interests": ["onet_soc_code", "element_id", "scale_id"],
        "TaskStatements": ["onet_soc_code", "task_id"],
        "AlternateTitles": ["onet_soc_code", "alternate_title", "short_title"],
        "RelatedOccupations": ["onet_soc_code", "related_onet_soc_code"],
        "LevelScaleAnchors": ["element_id", "scale_id", "anchor_value"],
        "LLMAbstentions": ["onet_soc_code", "model", "prompt_version"],
        "LLMReplies": ["request_sha256"],
        "Loads": ["load_id"],
    }
    references = {
        name: {key["constrained_columns"][0]: key["referred_table"] for key in facts["foreign keys"]}
        for name, facts in found.items()
    }
    shared = {"element_id": "Elements", "scale_id": "Scales"}
    assert {name: keys for name, keys in references.items() if keys} == {
        **{table: {"onet_soc_code": "Occupations", **shared} for table in DOMAIN_TABLES.values()},
        "SampleOfReportedTitles": {"onet_soc_code": "Occupations"},
        "TechnologySkills": {"onet_soc_code": "Occupations"},
        "OnetApiSkillsData": {"onet_soc_code": "OnetApiOccupationData", **shared},
        "LLMSkillScores": {"onet_soc_code": "Occupations", **shared, "model": "LLMModels"},
        "LLMAbstentions": {"onet_soc_code": "Occupations", "model": "LLMModels"},
        "JobZones": {"onet_soc_code": "Occupations"},
        "Interests": {"onet_soc_code": "Occupations", **shared},
        "TaskStatements": {"onet_soc_code": "Occupations"},
        "AlternateTitles": {"onet_soc_code": "Occupations"},
        "RelatedOccupations": {"onet_soc_code": "Occupations", "related_onet_soc_code": "Occupations"},
        "LevelScaleAnchors": shared,
    }


@pytest.mark.parametrize("before", ["alembic_version", *TABLES, *VIEWS])
def test_init_tables_finishes_what_an_interruption_before_any_step_left(engine: Engine, before: str) -> None:
    made: list[str] = []

    def interrupt(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.replace("`", " ").replace('"', " ").split()
        if "CREATE" in words and before in words:
            raise KeyboardInterrupt
        made.extend(set(TABLES).intersection(words[:6]) if "CREATE" in words else ())

    event.listen(engine, "before_cursor_execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        init_tables(engine)
    event.remove(engine, "before_cursor_execute", interrupt)
    left = set(inspect(engine).get_table_names()) & set(TABLES)
    if engine.dialect.name == "mysql":  # commits each CREATE TABLE at once
        assert left == set(made)
        assert before != VIEWS[0] or left == set(TABLES)

    assert init_tables(engine) == sorted(set(TABLES) - left)
    assert differences_from_declared(engine) == []
    load(engine, RELEASE_A)
    assert stored(engine) == cells(RELEASE_A)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_database_of_the_first_version_keeps_its_scores(loaded: Engine, interrupted: bool) -> None:
    execute(
        loaded,
        *(f"DROP VIEW {name}" for name in VIEWS),
        "DROP TABLE LLMReplies",
        "DROP TABLE LLMAbstentions",
        *(f"ALTER TABLE LLMSkillScores DROP COLUMN {name}" for name in ("upper_ci_bound", "data_version")),
        *(f"ALTER TABLE LLMModels DROP COLUMN {name}" for name in ("coverage", "bias")),
        "UPDATE alembic_version SET version_num = '0001_initial'",
    )
    if not interrupted:
        execute(
            loaded,
            "ALTER TABLE LLMSkillScores DROP COLUMN lower_ci_bound",
            *(
                f"ALTER TABLE LLMModels DROP COLUMN {name}"
                for name in ("release_number", "occupations_judged", "mae_random", "mae_grouped")
            ),
        )
    score = {name: value for name, value in llm_score(DEVELOPERS, READING).items() if "bound" not in name}
    with loaded.begin() as connection:  # as the first version did
        connection.execute(insert(table("LLMModels", *map(column, ACTIVE_MODEL))).values(ACTIVE_MODEL))
        connection.execute(insert(table("LLMSkillScores", *map(column, score))).values(score))
    init_tables(loaded)
    assert differences_from_declared(loaded) == []
    assert stored(loaded) == cells(RELEASE_A)
    with read(loaded) as connection:
        assert connection.execute(text("SELECT level, lower_ci_bound FROM LLMSkillScores")).all() == [(3.5, None)]


def test_a_database_whose_version_was_lost_keeps_its_rows(loaded: Engine) -> None:
    execute(loaded, "DROP TABLE alembic_version")
    assert init_tables(loaded) == []
    assert stored(loaded) == cells(RELEASE_A)


def test_a_database_of_a_newer_version_is_refused_unchanged(loaded: Engine) -> None:
    execute(loaded, "UPDATE alembic_version SET version_num = '9999_future'", "DROP TABLE LLMSkillScores")
    with pytest.raises(SchemaMismatch, match=r"another version of skillgap .*9999_future"):
        init_tables(loaded)
    assert "LLMSkillScores" not in inspect(loaded).get_table_names()
    assert stored(loaded) == cells(RELEASE_A)


ORIGINS = {
    "https://ann:s3cr3t@mirror.test/a@b/db_29_0_text.zip": "https://***@b/db_29_0_text.zip",
    "https://ann:s3cr3t@mirror.test/db_29_0_text.zip?token=s3cr3t": "https://***@mirror.test/db_29_0_text.zip?token=***",
    "https://www.onetcenter.org/dl_files/database/db_29_0_text.zip": None,
    "/home/ann@work/db_29_0_text.zip": None,
    "starter": None,
}
"""Origins stored by version 0.1.0, each with the result of the migration; None leaves it unchanged."""


def of_version_3(engine: Engine) -> None:
    """Make the database one of version 0.1.0 that has loaded from ORIGINS."""
    load = (
        "INSERT INTO Loads (source, release_number, origin, started_at, finished_at, row_counts, rows_changed) VALUES "
    )
    now = "'2026-01-01 00:00:00'"
    execute(
        engine,
        *(f"{load} ('text', '29.0', '{origin}', {now}, {now}, '{{}}', 0)".replace(":", r"\:") for origin in ORIGINS),
        "UPDATE alembic_version SET version_num = '0003_domains'",
    )


def test_status_masks_the_passwords_of_a_database_that_is_not_migrated(blank: Engine) -> None:
    of_version_3(blank)
    with read(blank) as connection:
        assert [each.origin for each in get_status(connection).loads][::-1] == [b or a for a, b in ORIGINS.items()]


@pytest.mark.parametrize("interrupted_at", [None, 1, 2])
def test_passwords_stored_by_0_1_0_are_masked_where_they_are_stored(blank: Engine, interrupted_at: int | None) -> None:
    of_version_3(blank)
    updates: list[str] = []

    def interrupt(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        updates.extend([statement] if "Loads" in statement and statement.startswith("UPDATE") else [])
        if len(updates) == interrupted_at:
            raise KeyboardInterrupt

    if interrupted_at:
        event.listen(blank, "before_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            init_tables(blank)
        event.remove(blank, "before_cursor_execute", interrupt)
    init_tables(blank)
    with read(blank) as connection:
        stored_now = connection.scalars(text("SELECT origin FROM Loads ORDER BY load_id")).all()
        check_schema(connection)  # raises unless the newest migration is complete
    assert stored_now == [masked or origin for origin, masked in ORIGINS.items()]
    if blank.dialect.name == "sqlite":
        files = list(Path(str(blank.url.database)).parent.glob("skillgap.db*"))
        assert files
        assert not any(b"s3cr3t" in file.read_bytes() for file in files), "nor is it left in the file's free space"


# -- making and recreating tables ---------------------------------------------------------------------------------


def test_init_tables_on_a_whole_schema_makes_nothing(shared: Engine) -> None:
    before = stored(shared)
    assert init_tables(shared) == []
    assert stored(shared) == before


@pytest.mark.parametrize("name", ["Skills", "OnetApiSkillsData", "LLMSkillScores", "Loads"])
def test_a_dropped_table_comes_back_and_the_rows_of_others_stay(loaded: Engine, name: str) -> None:
    with read(loaded) as connection:
        rows = count_rows(connection)
    execute(loaded, f"DROP TABLE {name}")

    assert init_tables(loaded) == [name]
    with read(loaded) as connection:
        assert count_rows(connection) == {**rows, name: 0}
    assert differences_from_declared(loaded) == []


def test_recreate_empties_the_named_tables_only(loaded: Engine) -> None:
    assert init_tables(loaded, recreate=["Skills", "OnetApiSkillsData"]) == ["OnetApiSkillsData", "Skills"]
    assert stored(loaded) == {**cells(RELEASE_A), "Skills": []}

    load(loaded, RELEASE_B)
    assert stored(loaded) == cells(RELEASE_B)


def test_all_tables_can_be_recreated_at_once(loaded: Engine) -> None:
    assert init_tables(loaded, recreate=TABLES) == sorted(TABLES)
    with read(loaded) as connection:
        rows = count_rows(connection)
    assert rows.pop("Loads") == 1  # that the text release's rows are gone
    assert set(rows.values()) == {0}


@pytest.mark.parametrize(
    ("recreate", "said"),
    [
        (["Occupations"], "Skills refers to Occupations; recreate it as well"),
        (["Occupations", "Skills"], "Knowledge refers to Occupations"),
        (["Skills", "OnetApiOccupationData"], "OnetApiSkillsData refers to OnetApiOccupationData"),
        (["LLMModels"], "LLMSkillScores refers to LLMModels"),
        (["Skills", "Skils"], "no table Skils; tables: Occupations, "),
        (["SkillsView"], "no table SkillsView"),
        (["skills"], "no table skills"),
    ],
)
def test_recreate_of_a_table_in_use_or_unknown_is_refused_unchanged(
    shared: Engine, recreate: list[str], said: str
) -> None:
    before = stored(shared)
    with pytest.raises(ConfigurationError, match=said):
        init_tables(shared, recreate=recreate)
    assert stored(shared) == before


def test_init_tables_replaces_the_views_of_an_older_version(blank: Engine) -> None:
    execute(blank, "DROP VIEW OccupationsView", "DROP VIEW SkillsView", "CREATE VIEW SkillsView AS SELECT 1 AS old")
    init_tables(blank)
    assert set(inspect(blank).get_view_names()) == set(VIEWS)
    assert "llm_uncertainty" in {column["name"] for column in inspect(blank).get_columns("SkillsView")}


@pytest.mark.parametrize("name", VIEWS)
def test_view_files_say_their_grain_before_the_statement(name: str) -> None:
    header, _, statement = view_sql(name).partition(f"CREATE VIEW {name} AS")
    assert header.startswith("-- One row per occupation")
    assert statement


# -- rules that the database guards -------------------------------------------------------------------------------

SKILL = {"onet_soc_code": DEVELOPERS, "element_id": READING, "scale_id": "LV", "element_name": "Reading Comprehension"}
API_SKILL = api_skill(DEVELOPERS, READING)
API_OCCUPATION = {"onet_soc_code": DEVELOPERS, "title": "Software Developers", **FETCHED}
SCORE = llm_score(DEVELOPERS, READING)
LOAD = {
    "source": "text",
    "release_number": "29.0",
    "origin": "x",
    "started_at": datetime(2024, 9, 1),
    "finished_at": datetime(2024, 9, 1),
    "row_counts": {},
    "rows_changed": 0,
}
VALID = {
    "OnetApiOccupationData": API_OCCUPATION,
    "LLMModels": ACTIVE_MODEL,
    "Skills": SKILL,
    "OnetApiSkillsData": API_SKILL,
    "LLMSkillScores": SCORE,
    "Loads": LOAD,
}
ORPHAN = "FOREIGN KEY constraint failed|foreign key constraint fails"
DUPLICATE = "UNIQUE constraint failed|Duplicate entry"
MISSING = "NOT NULL constraint failed|cannot be null|doesn't have a default"


@pytest.fixture(scope="module")
def with_valid_rows(shared: Engine) -> Engine:
    """One row of each kind; that they go in shows that the rows below are refused for nothing else."""
    add(shared, {name: [row] for name, row in VALID.items()})
    return shared


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        ("Skills", {"onet_soc_code": "99-9999.00"}, ORPHAN),
        ("Skills", {"element_id": "9.Z"}, ORPHAN),
        ("Skills", {"scale_id": "ZZ"}, ORPHAN),
        ("OnetApiSkillsData", {"onet_soc_code": CHIEFS}, ORPHAN),
        ("OnetApiSkillsData", {"element_id": "9.Z"}, ORPHAN),
        ("OnetApiSkillsData", {"scale_id": "ZZ"}, ORPHAN),
        ("LLMSkillScores", {"onet_soc_code": "99-9999.00"}, ORPHAN),
        ("LLMSkillScores", {"element_id": "9.Z"}, ORPHAN),
        ("LLMSkillScores", {"prompt_version": "2"}, ORPHAN),
        ("Skills", {"scale_id": "IM", "recommend_suppress": "X"}, "ck_Skills_recommend_suppress"),
        ("Skills", {"scale_id": "IM", "not_relevant": "X"}, "ck_Skills_not_relevant"),
        ("Skills", {"scale_id": "IM", "standard_error": -0.1}, "ck_Skills_standard_error"),
        ("OnetApiSkillsData", {"scale_id": "IM", "not_relevant": "?"}, "ck_OnetApiSkillsData_not_relevant"),
        ("LLMSkillScores", {"scale_id": "IM"}, "ck_LLMSkillScores_scale_id"),
        ("LLMModels", {"model": "other", "is_active": 0}, "ck_LLMModels_is_active"),
        ("LLMModels", {"model": "other", "is_active": 1}, DUPLICATE),
        ("Loads", {"source": "web"}, "ck_Loads_source"),
        ("Skills", {}, DUPLICATE),
        ("OnetApiSkillsData", {}, DUPLICATE),
        ("LLMSkillScores", {}, DUPLICATE),
        ("Skills", {"scale_id": "IM", "element_name": None}, MISSING),
        ("OnetApiOccupationData", {"onet_soc_code": CHIEFS, "title": None}, MISSING),
    ],
)
def test_the_database_refuses_a_row_that_breaks_a_rule(
    with_valid_rows: Engine, table: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(DBAPIError, match=said):
        add(with_valid_rows, {table: [{**VALID[table], **values}]})


def test_models_that_are_not_active_may_be_many(blank: Engine) -> None:
    models = [ACTIVE_MODEL, *({**ACTIVE_MODEL, "prompt_version": version, "is_active": None} for version in "23")]
    add(blank, {"LLMModels": models})
    with read(blank) as connection:
        assert count_rows(connection)["LLMModels"] == 3


def test_tables_on_mysql_are_innodb_with_the_named_collation(mysql_url: str) -> None:
    engine = make_engine(mysql_url)
    init_tables(engine)
    with read(engine) as connection:
        tables = connection.execute(
            text(
                "SELECT table_name, engine, table_collation FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> 'alembic_version'"
            )
        ).all()
        collations = connection.scalars(
            text(
                "SELECT DISTINCT CONCAT(character_set_name, ' ', collation_name) FROM information_schema.columns "
                "WHERE table_schema = DATABASE() AND data_type IN ('char', 'varchar', 'text') "
                "AND table_name NOT IN ('alembic_version', 'OccupationsView', 'SkillsView')"
            )
        ).all()
    engine.dispose()
    assert sorted(map(tuple, tables)) == [(name, "InnoDB", "utf8mb4_unicode_520_ci") for name in sorted(TABLES)]
    assert sorted(collations) == ["utf8mb4 utf8mb4_bin", "utf8mb4 utf8mb4_unicode_520_ci"]
