"""The whole way of a real release: zip -> extract -> MySQL -> views, compared with the files themselves."""

from __future__ import annotations

import csv
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
from skillgap.nodes import extract_load_text_files
from skillgap.store.engine import make_engine
from tests.conftest import onet_zip


@pytest.fixture
def engine(mysql_url: str) -> Iterator[Engine]:
    engine = make_engine(mysql_url)
    yield engine
    engine.dispose()


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
    """Read a file of the release in the plainest way."""
    with zipfile.ZipFile(release) as zipped:
        text = zipped.read(f"{release.stem}/{file}").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def number(text: str) -> float | None:
    return None if text == "n/a" else float(text)


def flag(text: str) -> str | None:
    return None if text == "n/a" else text


def month(text: str) -> date:
    return datetime.strptime(text, "%m/%Y").date()


def test_29_0_reaches_the_views_line_by_line(engine: Engine, tmp_path: Path) -> None:
    release = onet_zip("29_0")
    _, report = extract_load_text_files(engine, str(release), cache_dir=tmp_path)
    assert report.was_empty

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


def test_a_release_with_a_bad_value_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
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


def test_the_command_line_loads_and_answers_from_mysql(mysql_url: str, engine: Engine) -> None:
    def skillgap(*arguments: str) -> str:
        environment = {**os.environ, "SKILLGAP_DATABASE_URL": mysql_url}
        command = [sys.executable, "-m", "skillgap", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    skillgap("load", str(onet_zip("29_0")))
    assert rows(engine, "SELECT source, release_number, rows_changed FROM Loads") == [
        ("text", "29.0", 1016 + 29 + 627 + 61_530)
    ]
    answer = skillgap("skills", "11-1011.00", "--json")
    (level,) = rows(
        engine,
        "SELECT CAST(data_value AS DOUBLE) FROM SkillsView "
        "WHERE onet_soc_code = '11-1011.00' AND element_id = '2.B.4.e' AND scale_id = 'LV'",
    )
    skills = {skill["element_id"]: skill for skill in json.loads(answer)["skills"]}
    assert len(skills) == 35
    assert (skills["2.B.4.e"]["element_name"], skills["2.B.4.e"]["data_value"]) == (
        "Judgment and Decision Making",
        *level,
    )
