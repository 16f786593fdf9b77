"""Commands for the database."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import orjson
import pytest
import stamina
from sqlalchemy import Engine

from benchmarks.http import free_port
from skillgap.onet.tables import REQUIRED_TABLES, TABLES
from skillgap.sources.releases import find_release
from skillgap.testing.fake_onet_api import PASSWORD, USERNAME, FakeOnetApi, FakeTables
from tests.cli.running import MANAGER, NURSE, Run
from tests.conftest import changed_release, close_to_writers, is_level, onet_zip
from tests.sources.conftest import ReleaseServer


@pytest.mark.usefixtures("with_starter")
def test_status_tells_release_counts_and_unrated_occupations(run: Run):
    text = run("status").out
    assert re.search(r"O\*NET release +29\.0\n", text)
    assert "1,016: 879 rated, 137 not" in text
    assert "61,530 from text" in text
    assert "missing         Knowledge: disables the domain `knowledge`" in text
    assert "JobZones: disables Job Zones, steps between them and the filter `job_zone`" in text
    assert "15-1252.00  Software Developers" in run("status", "--unrated").out
    state = orjson.loads(run("status", "--json").out)
    assert (state["occupations"], len(state["unrated"]), state["tables"]["Skills"]) == (1016, 137, 61530)


def test_the_first_question_finds_the_starter_by_itself(run: Run):
    first, second = run("gap", NURSE, MANAGER, "--csv"), run("gap", NURSE, MANAGER, "--csv")
    assert "first use: loading the starter data into" in first.err
    assert second.err == ""
    assert first.out == second.out != ""


def test_a_database_that_was_named_is_never_filled_unasked(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    ended = run("gap", NURSE, MANAGER)
    assert (ended.code, ended.out) == (1, "")
    assert "no such database; `skillgap load` creates it" in ended.err
    assert run("init-db").code == 0
    assert "skillgap load starter" in run("gap", NURSE, MANAGER).err
    assert "nothing is loaded" in run("status").out


def test_questions_are_answered_from_a_read_only_file_system(
    run: Run, starter_engine: Engine, read_only: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    writable, folder = read_only
    shutil.copy(str(starter_engine.url.database), writable / "skillgap.db")
    close_to_writers(folder)
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{folder}/skillgap.db")
    assert "17 of 35 skills need a higher level" in " ".join(run("gap", NURSE, MANAGER).out.split())
    assert "29.0" in run("status").out
    assert "Registered Nurses" in run("search", "nurse").out
    ended = run("load", "starter")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert "copy it to a writable folder" in ended.err


@pytest.mark.release
def test_an_upgrade_says_what_changed(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    old, new = str(onet_zip("26_1")), str(onet_zip("29_0"))
    first = run("load", old)
    assert (first.code, first.out) == (0, "")
    assert "O*NET 26.1 loaded: 1,016 Occupations, 29 Scales, 627 Elements, 61,110 Skills" in first.err
    upgrade = run("load", new).err
    assert "Skills: 420 new, 50,689 changed, 0 gone" in upgrade
    assert "levels changed: 6,664" in upgrade
    assert "levels changed beyond rater noise: 56 of 6,664 (1,685 cannot be tested)" in upgrade
    assert re.search(r"Fraud Examiners, Investigators and Analysts, \w[\w ]+ \d\.\d\d to \d\.\d\d; ", upgrade)
    assert re.search(r"pairs of occupations whose clear gaps differ: 2\d\d,\d{3} of 38\d,\d{3} with", upgrade)
    assert "newly rated: 11-3013.00, 19-3039.02, 19-3039.03, 25-9042.00, 29-2011.04, 29-2036.00" in upgrade
    assert "nothing changed" in run("load", new).err


@pytest.mark.release
@pytest.mark.usefixtures("with_starter")
def test_diff_of_releases_tells_what_changed_and_writes_each_pair(run: Run, tmp_path: Path):
    old, file = str(onet_zip("26_1")), tmp_path / "pairs.csv"
    ended = run("diff", old, "loaded", "--occupation", NURSE, "--pairs", str(file))
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"O*NET 26.1 to 29.0, skills, Registered Nurses ({NURSE})\n")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert f"clear gaps differ: {len(rows)} of" in ended.out
    assert all(NURSE in (row["from_onet_soc_code"], row["to_onet_soc_code"]) for row in rows)
    lines = [line for line in ended.out.splitlines() if line.startswith(("from ", "to "))]
    assert len(lines) == len(rows)
    moves = {f"+{name}" for row in rows for name in row["new"].split("; ") if name}
    assert moves == {each for line in lines for each in line.split(": ", 1)[1].split(", ") if each.startswith("+")}


@pytest.mark.usefixtures("with_starter")
def test_diff_as_json_of_what_is_the_same(run: Run):
    found = json.loads(run("diff", "starter", "loaded", "--json").out)
    assert (found["levels_changed"], found["pairs_compared"], found["beyond_noise"]) == (0, 0, [])
    assert found["before"]["number"] == found["after"]["number"] == "29.0"
    assert "O*NET 29.0 Database" in found["provenance"]["attribution"]


@pytest.mark.usefixtures("with_levels_alone")
def test_diff_does_not_call_importances_unchanged_that_are_gone(run: Run):
    said = run("diff", "starter", "loaded").out
    assert "no changes in levels" in said
    assert "nothing changed" not in said


@pytest.mark.usefixtures("with_starter")
def test_diff_of_what_is_not_there_is_said(run: Run):
    assert "no knowledge ratings to compare" in run("diff", "starter", "loaded", "--domain", "knowledge").err
    assert "has no occupation 99-9999.00" in run("diff", "starter", "loaded", "--occupation", "99-9999").err


def test_a_download_that_is_tried_again_says_so_in_a_line(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_ONET_DOWNLOAD_URL", f"http://127.0.0.1:{free_port()}")
    for arguments in (("diff", "29.0", "starter"), ("llm", "evaluate", "29.0"), ("load", "29.0")):
        with stamina.set_testing(True, attempts=3, cap=True):
            ended = run(*arguments)
        assert ended.code == 1
        assert "retrying" in ended.err
        assert "PosixPath" not in ended.err


def test_the_password_of_a_mirror_is_never_shown_nor_stored(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: ReleaseServer
):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/skillgap.db")
    monkeypatch.setenv("SKILLGAP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SKILLGAP_ONET_DOWNLOAD_URL", f"{mirror.url.replace('://', '://me:hidden@')}?token=hidden")
    mirror.missing = {"db_29_9_text.zip", "db_29_9_csv.zip"}
    runs = [run("load", "29.9"), run("load", "29.0"), run("status"), run("status", "--json"), run("doctor")]
    assert [ended.code for ended in runs[:4]] == [1, 0, 0, 0]
    masked = f"{mirror.url.replace('://', '://***@')}/db_29_0_text.zip?token=***"
    assert masked in runs[2].out.replace("\n", "")
    assert [each["origin"] for each in json.loads(runs[3].out)["loads"]] == [masked]
    assert not any("hidden" in ended.out + ended.err for ended in runs)
    assert not any(b"hidden" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.fixture
def mirror() -> Iterator[ReleaseServer]:
    """A server that serves the starter as every release."""
    with ReleaseServer(find_release("starter", cache_dir=Path()).path.read_bytes()) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.release
def test_load_takes_the_release_of_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_RELEASE", str(tmp_path / "no-such-release"))
    assert "no-such-release" in run("load").err
    monkeypatch.setenv("SKILLGAP_RELEASE", str(onet_zip("26_1")))
    assert "O*NET 26.1 loaded" in run("load").err


@pytest.mark.release
def test_a_load_is_one_line_of_json_where_the_log_is(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "json")
    [line] = map(json.loads, run("load", str(onet_zip("26_1"))).err.splitlines())
    assert (line["event"], line["level"], line["release"]) == ("loaded", "info", "26.1")
    assert line["changes"]["Skills"] == {"new": 61_110, "changed": 0, "gone": 0}
    assert "importance of skills" not in line["missing"]
    assert line["rows_changed"] == sum(sum(each.values()) for each in line["changes"].values())


@pytest.fixture
def broken_29(tmp_path: Path) -> str:
    """A folder with the required tables of 29.0, an unreadable Knowledge file and a misspelled Job Zones file."""
    folder = tmp_path / "db_29_0_text"
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        zipped.extractall(tmp_path)
    kept = {"Read Me", *(TABLES[table].file for table in REQUIRED_TABLES)}
    for file in folder.iterdir():
        if file.stem not in kept:
            file.unlink()
    header = (folder / "Skills.txt").read_text().splitlines()[0]
    (folder / "Knowledge.txt").write_text(f"{header}\n" + "x\n" * 30_000)
    (folder / "Job Zone.txt").write_text("x")
    return str(folder)


@pytest.mark.release
def test_load_names_what_it_left_out(run: Run, broken_29: str, monkeypatch: pytest.MonkeyPatch):
    ended = run("load", broken_29)
    assert ended.code == 0
    assert "O*NET 29.0 loaded: 1,016 Occupations, 29 Scales, 627 Elements, 61,530 Skills\n" in ended.err
    reason = (
        "Knowledge.txt: at least 1,000 defects: line 2: 1 fields, expected 13; is the file cut off?; "
        "line 3: 1 fields, expected 13; is the file cut off?; line 4: 1 fields, expected 13; is the file cut off?; "
        "and 997 more"
    )
    warning = "Job Zone.txt is not read; expected Job Zones.txt. If it is that file, rename it"
    assert f"  Knowledge skipped, so it has no rows: {reason}\n  warning: {warning}\n" in ended.err
    assert "17 of 35 skills need a higher level" in " ".join(run("gap", NURSE, MANAGER).out.split())
    said = run("diff", broken_29, "loaded", "--domain", "knowledge").err
    assert f"no knowledge ratings to compare ({reason})" in said
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "json")
    lines = [json.loads(line) for line in run("load", broken_29).err.splitlines()]
    [line] = [line for line in lines if line["event"] == "loaded"]
    assert line["left_out"] == {"Knowledge": reason}


@pytest.mark.release
def test_load_of_nothing_named_fills_an_empty_database_and_leaves_another_as_it_is(run: Run):
    assert "O*NET 29.0 loaded" in run("load").err
    assert run("load", str(onet_zip("26_1"))).code == 0
    again = run("load")
    assert again.code == 0
    assert re.fullmatch(r"data version 3-\S+ is loaded; name a release to load another\n", again.err)
    assert "26.1" in run("status").out


@pytest.mark.release
def test_a_load_ends_with_what_is_missing(run: Run, tmp_path: Path):
    said = run("load", str(changed_release(tmp_path, is_level))).err
    assert "missing, compared with a complete release:" in said
    assert re.search(r"^  importance of skills.*: disables weighted shortfalls and percentiles", said, re.M)


def test_a_database_that_is_not_there_is_not_made_by_a_question(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/typo.db")
    ended = run("status")
    assert ended.code == 1
    assert "no such database; `skillgap load` creates it" in ended.err
    assert not (tmp_path / "typo.db").exists()


@pytest.fixture
def with_access(monkeypatch: pytest.MonkeyPatch, fake_tables: FakeTables, tmp_path: Path) -> Iterator[FakeOnetApi]:
    """Settings for a stand-in of the Web Services and for an empty database."""
    with FakeOnetApi(fake_tables) as fake:
        for name, value in {
            "DATABASE_URL": f"sqlite:///{tmp_path}/own.db",
            "ONET_API_URL": fake.url,
            "ONET_API_KEY": fake.key,
            "ONET_REQUESTS_PER_SECOND": "1000",
        }.items():
            monkeypatch.setenv(f"SKILLGAP_{name}", value)
        yield fake


def test_fetch_stores_the_release_and_the_answers_credit_the_services(run: Run, with_access: FakeOnetApi):
    ended = run("fetch")
    assert (ended.code, ended.out) == (0, "")
    assert "Web Services 2.0, release 29.0, 35 requests, stored" in ended.err
    assert "OnetApiSkillsData: 61,530 new, 0 changed, 0 gone" in ended.err
    assert "nothing changed" in run("fetch").err
    status = run("status").out
    assert "Web Services    release 29.0 at the last fetch" in status
    assert "61,530 from api" in status
    for command in (("gap", NURSE, MANAGER), ("skills", NURSE)):
        assert "O*NET Web Services by the U.S. Department of Labor" in " ".join(run(*command).out.split())


def test_fetch_of_some_occupations_dry(run: Run, with_access: FakeOnetApi):
    run("load", "starter")
    ended = run("fetch", "--occupation", "29-1141", "--occupation", "15125200", "--dry-run")
    assert "compared, nothing stored: 2 OnetApiOccupationData, 70 OnetApiSkillsData" in ended.err
    assert "from api" not in run("status").out
    ended = run("fetch", "--occupation", "99-9999")
    assert (ended.code, "no occupation 99-9999.00" in ended.err) == (1, True)
    assert run("fetch", "--occupation", "nurse").code == 1


def test_fetch_says_when_the_account_has_reports_only(run: Run, with_access: FakeOnetApi):
    with_access.has_database_services = False
    ended = run("fetch", "--occupation", NURSE)
    assert "only importances are available, no levels or gaps" in ended.err
    assert ended.err.count("field not in the answers, stored as null") == 8
    assert "no skill ratings for 29-1141.00" in run("gap", NURSE, NURSE).err


def test_fetch_without_an_account_names_the_settings(run: Run):
    ended = run("fetch")
    assert (ended.code, ended.out) == (1, "")
    for name in ("SKILLGAP_ONET_API_KEY", "SKILLGAP_ONET_USERNAME", "SKILLGAP_ONET_PASSWORD"):
        assert name in ended.err


def test_fetch_with_a_refused_key_never_shows_it(run: Run, with_access: FakeOnetApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_ONET_API_KEY", "revoked-3f7c")
    ended = run("fetch")
    assert (ended.code, "HTTP 401" in ended.err, "revoked-3f7c" in ended.err) == (1, True, False)
    monkeypatch.setenv("SKILLGAP_ONET_API_URL", "onet.test")
    ended = run("fetch")
    assert (ended.code, "SKILLGAP_ONET_API_URL='onet.test'" in ended.err, "revoked-3f7c" in ended.err) == (
        1,
        True,
        False,
    )


def test_an_account_with_a_password_uses_version_1_9(
    run: Run, monkeypatch: pytest.MonkeyPatch, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables, version="1.9") as fake:
        monkeypatch.setenv("SKILLGAP_ONET_API_URL", fake.url)
        monkeypatch.setenv("SKILLGAP_ONET_USERNAME", USERNAME)
        monkeypatch.setenv("SKILLGAP_ONET_PASSWORD", PASSWORD)
        assert "Web Services 1.9, release 29.0, 5 requests, stored" in run("fetch", "--occupation", NURSE).err
