"""`skillgap init-db` on a real MySQL server, checked with an independent client."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import pymysql
import pytest
from sqlalchemy import make_url

from skillgap.onet import tables as onet
from skillgap.store.engine import make_engine
from skillgap.store.tables import init_tables

TABLES = {
    *onet.TABLES,
    "LLMAbstentions",
    "LLMModels",
    "LLMReplies",
    "LLMSkillScores",
    "Loads",
    "OnetApiOccupationData",
    "OnetApiSkillsData",
}
VIEWS = {"OccupationsView", "SkillsView"}


@pytest.fixture
def client(mysql_url: str) -> Iterator[pymysql.cursors.Cursor]:
    """A connection that knows nothing of skillgap."""
    url = make_url(mysql_url)
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        yield cursor


def init_db(mysql_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "skillgap", "init-db", *arguments],
        env={**os.environ, "SKILLGAP_DATABASE_URL": mysql_url},
        capture_output=True,
        text=True,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    return ended.stdout + ended.stderr


def rows(client: pymysql.cursors.Cursor, query: str) -> list[tuple[object, ...]]:
    client.execute(query)
    return list(client.fetchall())


def names(client: pymysql.cursors.Cursor, kind: str) -> set[object]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = "
    return {name for (name,) in rows(client, f"{query}'{kind}'")}


def test_tables_are_made_kept_and_recreated(mysql_url: str, client: pymysql.cursors.Cursor) -> None:
    first = init_db(mysql_url)
    assert (first.returncode, said(first)) == (0, f"created: {', '.join(sorted(TABLES))}\n")
    assert names(client, "BASE TABLE") == TABLES | {"alembic_version"}
    assert names(client, "VIEW") == VIEWS

    for statement in (
        "INSERT INTO Occupations (onet_soc_code, title) VALUES ('11-1011.00', 'Chief Executives')",
        "INSERT INTO Elements (element_id, element_name) VALUES ('2.A.1.a', 'Reading Comprehension')",
        "INSERT INTO Scales (scale_id, scale_name, minimum, maximum) VALUES ('LV', 'Level', 0, 7)",
        "INSERT INTO Skills (onet_soc_code, element_id, scale_id, element_name, data_value) "
        "VALUES ('11-1011.00', '2.A.1.a', 'LV', 'Reading Comprehension', 4.62)",
    ):
        client.execute(statement)
    client.execute("DROP TABLE OnetApiSkillsData")

    second = init_db(mysql_url)
    assert (second.returncode, said(second)) == (0, "created: OnetApiSkillsData\n")
    assert rows(client, "SELECT onet_soc_code, data_value, source FROM SkillsView") == [
        ("11-1011.00", Decimal("4.62"), "text")
    ]

    recreated = init_db(mysql_url, "--recreate", "Skills")
    assert (recreated.returncode, said(recreated)) == (0, "created: Skills\n")
    assert rows(client, "SELECT (SELECT COUNT(*) FROM Skills), (SELECT COUNT(*) FROM Occupations)") == [(0, 1)]


def test_foreign_keys_are_the_servers_own(mysql_url: str, client: pymysql.cursors.Cursor) -> None:
    init_tables(make_engine(mysql_url))
    with pytest.raises(pymysql.IntegrityError, match="fk_Skills_"):
        client.execute(
            "INSERT INTO Skills (onet_soc_code, element_id, scale_id, element_name) VALUES ('1', '2', '3', '4')"
        )
    assert rows(
        client,
        "SELECT column_name, referenced_table_name FROM information_schema.key_column_usage "
        "WHERE table_schema = DATABASE() AND table_name = 'Skills' AND referenced_table_name IS NOT NULL ORDER BY 1",
    ) == [("element_id", "Elements"), ("onet_soc_code", "Occupations"), ("scale_id", "Scales")]


def test_what_cannot_be_done_is_one_line_and_exit_code_1(mysql_url: str, client: pymysql.cursors.Cursor) -> None:
    init_tables(make_engine(mysql_url))
    in_use = init_db(mysql_url, "--recreate", "Occupations")
    assert (in_use.returncode, said(in_use)) == (1, "skillgap: Skills refers to Occupations; recreate it as well\n")

    nowhere = init_db(mysql_url.replace(str(make_url(mysql_url).database), "skillgap_test_nosuch"))
    assert nowhere.returncode == 1
    assert "Unknown database 'skillgap_test_nosuch'" in nowhere.stderr
    assert nowhere.stderr.count("\n") == 1
    assert names(client, "BASE TABLE") == TABLES | {"alembic_version"}
