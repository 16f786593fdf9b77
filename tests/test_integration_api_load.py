"""O*NET Web Services end to end: real server -> extract -> upsert -> views -> gap, on SQLite and MySQL."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stamina
from filelock import FileLock
from sqlalchemy import Engine, func, select

from skillgap.analysis.gap import identify_skill_gap
from skillgap.errors import ConfigurationError, DatabaseUnavailable, OnetApiUnavailable, SchemaMismatch
from skillgap.nodes.extract_load_api_data import extract_load_api_data
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.nodes.status import get_status
from skillgap.service.ratings import get_ratings
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read
from skillgap.store.loads import LoadReport
from skillgap.store.queries import count_rows, count_skills_by_source
from skillgap.store.rating_rows import SKILLS_VIEW
from skillgap.store.schema import OnetApiSkillsData
from skillgap.testing.fake_onet_answers import FakeTables
from skillgap.testing.fake_onet_api import FakeOnetApi, Fault
from tests.api.serving import eventually
from tests.conftest import onet_zip

pytestmark = pytest.mark.programs

NURSE, MANAGER = "29-1141.00", "11-9111.00"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Of what is about files, not about a database."""
KEYS = ["onet_soc_code", "element_id", "scale_id"]


def fetch(engine: Engine, fake: FakeOnetApi, cache_dir: Path, **given: object) -> LoadReport:
    _, report = extract_load_api_data(
        engine, fake.access, cache_dir=cache_dir, **{"requests_per_second": 1000.0, **given}
    )
    return report


def view(engine: Engine) -> pd.DataFrame:
    columns = [SKILLS_VIEW.c[name] for name in (*KEYS, "data_value", "date_updated", "source")]
    with read(engine) as connection:
        rows = connection.execute(select(*columns)).all()
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    return frame.astype({"data_value": "float64", "date_updated": "datetime64[s]"}).set_index(KEYS).sort_index()


@pytest.mark.usefixtures("onet_26")
def test_fetching_29_over_the_text_of_26_1_shows_the_newer_value_in_each_case(
    engine: Engine, tmp_path: Path, onet_26: OnetData, onet_29: OnetData, onet_29_tables: FakeTables
):
    extract_load_text_files(engine, str(onet_zip("26_1")), cache_dir=tmp_path)
    with FakeOnetApi(onet_29_tables) as fake:
        report = fetch(engine, fake, tmp_path)
        assert [change.inserted for change in report.tables] == [1016, 61530]
        again = fetch(engine, fake, tmp_path)
        assert (again.rows_changed, again.changes) == (0, None)
        assert not (tmp_path / "onet-api").exists(), "what is stored need not be kept"
    text, api = (
        data.tables["Skills"].set_index(KEYS)[["data_value", "date_updated"]].sort_index()
        for data in (onet_26, onet_29)
    )
    both = text.join(api, how="outer", suffixes=("_text", "_api"))
    is_api = both["data_value_text"].isna() | (both["date_updated_api"] > both["date_updated_text"])
    assert 0 < is_api.sum() < len(both)
    levels = both[is_api].query("scale_id == 'LV'").dropna(subset="data_value_text")
    assert report.changes.levels_changed == int((levels["data_value_text"] != levels["data_value_api"]).sum())
    assert len(report.changes.newly_rated) == 6
    found = [(each.onet_soc_code, each.element_name) for each in report.changes.beyond_noise]
    assert len(found) == 56
    assert ("27-1011.00", "Troubleshooting") in found
    shown = view(engine)
    assert list(shown.index) == list(both.index)
    assert list(shown["source"]) == np.where(is_api, "api", "text").tolist()
    for column in ("data_value", "date_updated"):
        expected = both[f"{column}_api"].where(is_api, both[f"{column}_text"])
        pd.testing.assert_series_equal(shown[column], expected, check_names=False, check_dtype=False)

    with read(engine) as connection:
        sources = count_skills_by_source(connection)
        status = get_status(connection)
        ratings = get_ratings(connection)
    assert sources == {"api": int(is_api.sum()), "text": int((~is_api).sum())}
    assert status.sources == sources
    assert (status.release.number, status.web_services_release.number) == ("26.1", "29.0")
    gap = identify_skill_gap(NURSE, MANAGER, ratings)
    for row in (*gap.skill_gaps, *gap.surplus_skills):
        assert row.from_source == shown.loc[(NURSE, row.element_id, "LV"), "source"]
        assert row.to_source == shown.loc[(MANAGER, row.element_id, "LV"), "source"]
    assert {"api", "text"} == set(ratings.provenance.sources)


def test_a_fetch_into_an_empty_database_equals_the_text(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        fetch(engine, fake, tmp_path)
    with read(engine) as connection:
        from_api = get_ratings(connection, "onet")
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    with read(engine) as connection:
        with_text = get_ratings(connection, "onet")
    assert (from_api.sources, with_text.sources) == (("api",), ("text",))  # the same dates: the text wins
    assert from_api.codes == with_text.codes
    for name in ("data_value", "standard_error", "n", "importance", "not_relevant", "recommend_suppress", "month"):
        np.testing.assert_array_equal(getattr(from_api, name), getattr(with_text, name), err_msg=name)


@ON_SQLITE
def test_a_fetch_runs_in_a_notebook(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    """A notebook has a running event loop, in which asyncio.run fails."""

    async def cell(fake: FakeOnetApi) -> LoadReport:
        return fetch(engine, fake, tmp_path, codes=[NURSE])

    with FakeOnetApi(fake_tables) as fake:
        assert [change.rows for change in asyncio.run(cell(fake)).tables] == [1, 70]


def test_a_failed_fetch_writes_nothing(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    with read(engine) as connection:
        before = count_rows(connection)
    with FakeOnetApi(fake_tables) as fake, stamina.set_testing(True, attempts=5, cap=True):
        fake.faults = [Fault("start=30001&", "500", times=5)]
        with pytest.raises(OnetApiUnavailable, match="start=30001&end=32000"):
            fetch(engine, fake, tmp_path)
    with read(engine) as connection:
        assert count_rows(connection) == before


@ON_SQLITE
def test_what_came_is_kept_until_it_is_stored(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    with FakeOnetApi(fake_tables) as fake:
        with pytest.raises(DatabaseUnavailable, match="gone"):
            fetch(engine, fake, tmp_path, on_rows=fail)
        kept, asked = len(list(tmp_path.rglob("*.json"))), len(fake.requests)
        assert kept == 32
        fetch(engine, fake, tmp_path, dry_run=True, codes=[NURSE])
        assert len(list(tmp_path.rglob("*.json"))) == kept, "a dry run leaves it alone"
        asked = len(fake.requests)
        fetch(engine, fake, tmp_path, resume=True)
        assert len(fake.requests) - asked == 3, "the survey"


@ON_SQLITE
def test_a_second_fetch_with_the_same_cache_is_refused(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake, FileLock(tmp_path / "onet-api.lock"):
        with pytest.raises(ConfigurationError, match="another fetch is using this folder"):
            fetch(engine, fake, tmp_path)
        assert fake.requests == []
        fetch(engine, fake, tmp_path, codes=[NURSE])


def test_reports_leave_what_the_database_services_gave(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        fetch(engine, fake, tmp_path)
        fake.has_database_services = False
        assert fetch(engine, fake, tmp_path).rows_changed == 0


def test_a_dry_run_writes_nothing_and_makes_no_tables(engine: Engine, tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        with engine.connect():
            pass  # SQLite makes the file
        with pytest.raises(SchemaMismatch):
            fetch(engine, fake, tmp_path, dry_run=True)
        extract_load_text_files(engine, "starter", cache_dir=tmp_path)
        assert fetch(engine, fake, tmp_path, dry_run=True, codes=[NURSE]).rows_changed == 71
    with read(engine) as connection:
        assert count_rows(connection)["OnetApiSkillsData"] == 0


def test_a_fetch_killed_while_it_writes_leaves_no_row(
    engine: Engine, database_url: str, tmp_path: Path, fake_tables: FakeTables
):
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    script = (
        "import sys, time\n"
        "from skillgap.store import loads\n"
        "upsert = loads.upsert\n"
        "def slow(*given, **more):\n"
        "    upsert(*given, **more)\n"
        "    print('written', given[1], flush=True)\n"
        "    if given[1] == 'OnetApiSkillsData': time.sleep(600)\n"
        "loads.upsert = slow\n"
        "from skillgap.cli.app import main\n"
        "sys.argv = ['skillgap', 'fetch']\n"
        "main()\n"
    )
    with FakeOnetApi(fake_tables) as fake:
        environment = {
            **os.environ,
            "SKILLGAP_DATABASE_URL": database_url,
            "SKILLGAP_CACHE_DIR": str(tmp_path),
            "SKILLGAP_ONET_API_URL": fake.url,
            "SKILLGAP_ONET_API_KEY": fake.key,
            "SKILLGAP_ONET_REQUESTS_PER_SECOND": "1000",
        }
        with (
            (tmp_path / "out").open("w") as out,
            subprocess.Popen(
                [sys.executable, "-c", script], env=environment, stdout=out, stderr=subprocess.DEVNULL
            ) as process,
        ):
            try:
                eventually(lambda: "written OnetApiSkillsData" in (tmp_path / "out").read_text(), within=60)
            finally:
                process.send_signal(signal.SIGKILL)
        with read(engine) as connection:
            assert count_rows(connection)["OnetApiSkillsData"] == 0
        assert [change.inserted for change in fetch(engine, fake, tmp_path).tables] == [1016, 61530]
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(OnetApiSkillsData)) == 61530
