"""A real release end to end: zip -> extract -> MySQL -> views, compared with the files themselves."""

from __future__ import annotations

import csv
import gc
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Engine, make_url

from skillgap.errors import ReleaseDataError
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine
from skillgap.store.tables import init_tables
from tests.conftest import onet_zip
from tests.store.small_releases import RELEASE_A, load


@pytest.fixture
def engine(mysql_url: str) -> Iterator[Engine]:
    engine = make_engine(mysql_url)
    yield engine
    engine.dispose()


def skillgap(engine: Engine, *arguments: str) -> str:
    """Run the command line and return its output."""
    url = engine.url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-m", "skillgap", *arguments],
        env={**os.environ, "SKILLGAP_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


COUNTS = {
    "Occupations": 1_016,
    "Scales": 29,
    "Elements": 627,
    "Skills": 61_530,
    "Knowledge": 58_014,
    "JobZoneReference": 5,
    "JobZones": 923,
    "Interests": 8_307,
    "TaskStatements": 18_796,
    "AlternateTitles": 55_120,
    "SampleOfReportedTitles": 7_798,
    "TechnologySkills": 32_470,
    "RelatedOccupations": 18_460,
    "LevelScaleAnchors": 483,
}
"""Data rows of the files of 29.0 (`wc -l`, less the header)."""


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    """Ask the server with a client that knows nothing of skillgap."""
    url = make_url(engine.url)
    connection = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def lines(release: Path, file: str) -> list[dict[str, str]]:
    """Read a file of the release in the simplest way."""
    with zipfile.ZipFile(release) as zipped:
        text = zipped.read(f"{release.stem}/{file}").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def number(text: str) -> float | None:
    return None if text == "n/a" else float(text)


def flag(text: str) -> str | None:
    return None if text == "n/a" else text


def month(text: str) -> date:
    return datetime.strptime(text, "%m/%Y").date()


@pytest.mark.slow
def test_a_load_leaves_garbage_collection_to_its_caller(tmp_path: Path):
    enabled = []
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    extract_load_text_files(engine, "starter", cache_dir=tmp_path, on_rows=lambda *_: enabled.append(gc.isenabled()))
    engine.dispose()
    assert enabled
    assert all(enabled)


@pytest.mark.release
def test_29_0_reaches_the_views_line_by_line_and_answers(engine: Engine) -> None:
    release = onet_zip("29_0")
    skillgap(engine, "load", str(release))
    assert rows(engine, "SELECT source, release_number, rows_changed FROM Loads") == [
        ("text", "29.0", sum(COUNTS.values()))
    ]
    skills = lines(release, "Skills.txt")
    assert len(skills) == 879 * 35 * 2
    assert sorted(
        rows(
            engine,
            "SELECT onet_soc_code, element_id, scale_id, element_name, CAST(data_value AS DOUBLE), n, "
            "CAST(standard_error AS DOUBLE), CAST(lower_ci_bound AS DOUBLE), CAST(upper_ci_bound AS DOUBLE), "
            "recommend_suppress, not_relevant, date_updated, domain_source, source FROM SkillsView",
        )
    ) == sorted(
        (
            line["O*NET-SOC Code"],
            line["Element ID"],
            line["Scale ID"],
            line["Element Name"],
            number(line["Data Value"]),
            number(line["N"]),
            number(line["Standard Error"]),
            number(line["Lower CI Bound"]),
            number(line["Upper CI Bound"]),
            flag(line["Recommend Suppress"]),
            flag(line["Not Relevant"]),
            month(line["Date"]),
            line["Domain Source"],
            "text",
        )
        for line in skills
    )
    assert sorted(rows(engine, "SELECT onet_soc_code, title, description, source, as_of FROM OccupationsView")) == [
        (line["O*NET-SOC Code"], line["Title"], line["Description"], "text", date(2024, 8, 1))
        for line in lines(release, "Occupation Data.txt")
    ]
    assert sorted(rows(engine, "SELECT element_id, element_name, description FROM Elements")) == sorted(
        (line["Element ID"], line["Element Name"], line["Description"])
        for line in lines(release, "Content Model Reference.txt")
    )
    assert sorted(rows(engine, "SELECT scale_id, scale_name, minimum, maximum FROM Scales")) == sorted(
        (line["Scale ID"], line["Scale Name"], int(line["Minimum"]), int(line["Maximum"]))
        for line in lines(release, "Scales Reference.txt")
    )

    answer = json.loads(skillgap(engine, "skills", "11-1011.00", "--json"))["skills"]
    assert {skill["element_id"]: skill["data_value"] for skill in answer} == {
        line["Element ID"]: number(line["Data Value"])
        for line in skills
        if (line["O*NET-SOC Code"], line["Scale ID"]) == ("11-1011.00", "LV")
    }


@pytest.mark.release
def test_a_release_with_a_bad_value_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    init_tables(engine)
    load(engine, RELEASE_A)
    checksums = "CHECKSUM TABLE Occupations, Scales, Elements, Skills, Loads"
    before = rows(engine, checksums)
    bad = tmp_path / "db_29_0_text"
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        zipped.extractall(tmp_path)
    file = bad / "Skills.txt"
    file.write_text(file.read_text().replace("\tLV\t4.62\t8\t", "\tLV\t9.62\t8\t", 1))

    with pytest.raises(
        ReleaseDataError, match=r"Skills\.txt: 1 defect, nothing was written\n.*'9\.62', expected 0 to 7"
    ):
        extract_load_text_files(engine, str(bad), cache_dir=tmp_path)
    assert rows(engine, checksums) == before
