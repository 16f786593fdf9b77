"""The whole extraction, through a real server with real figures: equal to the release it serves, or a clear error."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import stamina
from structlog.testing import capture_logs

from skillgap.errors import (
    CredentialsRefused,
    OnetApiProtocolError,
    OnetApiRefusal,
    OnetApiUnavailable,
    ReleaseDataError,
    UnknownOccupation,
)
from skillgap.sources.releases import Archive
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.sources.web_services.client import connect
from skillgap.sources.web_services.response_cache import ResponseCache
from skillgap.sources.web_services.tables import OnetApiData, extract_onet_api_data
from skillgap.testing.fake_onet_answers import FakeAnswers, FakeTables
from skillgap.testing.fake_onet_api import FakeOnetApi, Fault
from tests.api.serving import eventually
from tests.conftest import onet_zip

NURSE, DEVELOPER = "29-1141.00", "15-1252.00"


@pytest.fixture(autouse=True)
def _no_waits():
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


def fetch(fake: FakeOnetApi, *codes: str, pages: Path | None = None, resume: bool = False, **given: Any) -> OnetApiData:
    async def ask() -> OnetApiData:
        async with connect(fake.access, **{"requests_per_second": 1000, **given}) as api:
            kept = ResponseCache(pages) if pages else None
            return await extract_onet_api_data(api, codes=codes, pages=kept, resume=resume)

    return asyncio.run(ask())


def assert_same(data: OnetApiData, release: OnetData) -> None:
    for table, rows in data.tables.items():
        pd.testing.assert_frame_equal(rows, release.tables[table], check_exact=True)


# -- the whole ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0", "1.9"])
def test_everything_equals_the_release_that_is_served(version: Any, onet_29: OnetData, onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables, version=version) as fake:
        data = fetch(fake)
        assert_same(data, onet_29)
        assert (data.release.number, data.api_version, data.origin) == ("29.0", version, fake.url)
        assert (data.codes, data.is_whole, data.missing) == (None, True, {})
        assert len(fake.requests) == data.requests < 40
    for table, endpoint in (("Occupations", "database/rows/occupation_data"), ("Skills", "database/rows/skills")):
        fetched = data.fetched[table]
        assert len(fetched) == len(data.tables[table])
        assert set(fetched["source_endpoint"]) == {endpoint}
        assert set(fetched["api_version"]) == {version}
        assert fetched["fetched_at"].notna().all()


@pytest.mark.release
def test_the_two_tables_of_30_3_are_one():
    release = extract_onet_data(Archive(onet_zip("30_3_layout"), "30.3"))
    with FakeOnetApi(FakeTables(release, split=True)) as fake:
        data = fetch(fake)
        assert_same(data, release)
        assert len(fake.requests) < 40
    is_essential = data.tables["Skills"]["element_id"].str.startswith("2.A")
    endpoints = data.fetched["Skills"]["source_endpoint"]
    assert set(endpoints[is_essential]) == {"database/rows/essential_skills"}
    assert set(endpoints[~is_essential]) == {"database/rows/transferable_skills"}


def test_some_occupations_cost_two_requests_each_beside_the_survey(onet_29: OnetData, onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables) as fake:
        data = fetch(fake, NURSE, DEVELOPER, NURSE)
        assert len(fake.requests) == 3 + 2 * 2
    assert data.codes == (NURSE, DEVELOPER)
    for table, key in (("Occupations", [NURSE, DEVELOPER]), ("Skills", [NURSE])):
        whole = onet_29.tables[table]
        expected = pd.concat([whole[whole["onet_soc_code"] == code] for code in key], ignore_index=True)
        pd.testing.assert_frame_equal(data.tables[table], expected)


def test_an_unknown_occupation_is_named(fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake, pytest.raises(UnknownOccupation, match=r"no occupation 99-9999\.00"):
        fetch(fake, NURSE, "99-9999.00")


# -- where the Database Services refuse -----------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0", "1.9"])
def test_reports_stand_in_with_importances_and_each_missing_field_is_logged_once(
    version: Any, onet_29: OnetData, onet_29_tables: FakeTables
):
    with FakeOnetApi(onet_29_tables, version=version, has_database_services=False) as fake, capture_logs() as logs:
        data = fetch(fake)
    importances = onet_29.tables["Skills"].query("scale_id == 'IM'").reset_index(drop=True)
    absent = [
        "n",
        "standard_error",
        "lower_ci_bound",
        "upper_ci_bound",
        "recommend_suppress",
        "not_relevant",
        "date_updated",
        "domain_source",
    ]
    pd.testing.assert_frame_equal(
        data.tables["Skills"].drop(columns=absent), importances.drop(columns=absent), check_exact=True
    )
    assert data.tables["Skills"][absent].isna().all(axis=None)
    assert list(data.tables["Skills"].dtypes) == list(importances.dtypes)
    pd.testing.assert_frame_equal(data.tables["Occupations"], onet_29.tables["Occupations"])
    assert (data.is_whole, data.missing) == (False, dict.fromkeys(absent, len(importances)))
    warned = [(log["field"], log["rows"]) for log in logs if "field" in log]
    assert warned == [(field, len(importances)) for field in absent]
    assert set(data.fetched["Skills"]["source_endpoint"]) >= {f"online/occupations/{NURSE}/details/skills"}


def test_reports_of_some_occupations(onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables, has_database_services=False) as fake:
        data = fetch(fake, NURSE, DEVELOPER)
        assert len(data.tables["Occupations"]) == 2
        assert set(data.tables["Skills"]["onet_soc_code"]) == {NURSE}
        with pytest.raises(UnknownOccupation, match=r"99-9999\.00"):
            fetch(fake, "99-9999.00")


@pytest.mark.parametrize(
    ("answers", "answer", "said"),
    [
        ("_report", ["a list"], rf"online/occupations/{NURSE}: not a report"),
        ("_elements", ["a text"], rf"{NURSE}: a skill is 'a text', expected an object"),
        ("_elements", [{"id": "2.A.1.a", "importance": 101}], r"importance of 2\.A\.1\.a is 101, expected 0 to 100"),
        ("_elements", [{"id": "2.A.1.a", "importance": -1}], r"importance of 2\.A\.1\.a is -1, expected 0 to 100"),
        ("_elements", [{"id": "2.A.1.a", "score": 50}], r"importance of 2\.A\.1\.a is None, expected 0 to 100"),
    ],
)
def test_a_report_of_another_shape_is_refused(
    answers: str, answer: Any, said: str, fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(f"skillgap.testing.fake_onet_answers.FakeAnswers.{answers}", lambda *_: answer)
    with FakeOnetApi(fake_tables, has_database_services=False) as fake, pytest.raises(OnetApiProtocolError, match=said):
        fetch(fake, NURSE)


# -- faults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["429", "500", "503", "drop", "truncate", "html", "slash"])
def test_faults_that_pass_leave_no_trace(kind: str, onet_29: OnetData, onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables) as fake:
        times = 1 if kind == "slash" else 4
        fake.faults = [Fault("about", kind), Fault(r"rows/skills.*start=(1|2001|60001)&", kind, times)]
        assert_same(fetch(fake), onet_29)
        assert all(fault.times == 0 for fault in fake.faults)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (
            Fault("start=20001&", "500", 5),
            OnetApiUnavailable,
            r"rows/skills\?start=20001&end=22000: HTTP 500 \(5 tries",
        ),
        (
            Fault("start=20001&", "429", 5),
            OnetApiUnavailable,
            r"rows/skills\?start=20001&end=22000: HTTP 429 \(5 tries",
        ),
        (
            Fault("start=20001&", "html", 5),
            OnetApiUnavailable,
            r"start=20001&end=22000: its body is not JSON \(.*<html>",
        ),
        (Fault("start=20001&", "truncate", 5), OnetApiUnavailable, "its body is not JSON"),
        (Fault("start=20001&", "drop", 5), OnetApiUnavailable, "start=20001&end=22000: peer closed connection"),
        (Fault("start=20001&", "repeat"), OnetApiProtocolError, "starts at row 1, expected 20001; the page repeats"),
        (Fault("start=20001&", "elsewhere"), OnetApiProtocolError, "redirects to another host"),
        (Fault("start=20001&", "401"), CredentialsRefused, "start=20001&end=22000: HTTP 401"),
        (Fault("start=20001&", "403"), CredentialsRefused, "start=20001&end=22000: HTTP 403"),
        (Fault("start=20001&", "422"), OnetApiRefusal, "start=20001&end=22000: HTTP 422, injected"),
        (Fault("scales_reference", "422", 9), OnetApiRefusal, "scales_reference.*: HTTP 422, injected"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_faults_that_stay_name_the_page(fault: Fault, error: type[Exception], said: str, onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables) as fake:
        fake.faults = [Fault(fault.path, fault.kind, fault.times)]
        with pytest.raises(error, match=said):
            fetch(fake)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row | {"data_value": 8}, r"row \d+, Data Value: '8.0', expected 0 to 7 \(scale LV\)"),
        (lambda row: row | {"onetsoc_code": "29-1141"}, r"onetsoc_code: '29-1141', expected an O\*NET-SOC code"),
        (lambda row: row | {"date_updated": "08/2023"}, r"date_updated: '08/2023', expected a date, YYYY-MM-DD"),
        (lambda row: row | {"n": 7.5}, r"n: '7.5', expected a whole number"),
        (lambda row: row | {"data_value": None}, r"data_value: 'n/a', expected a number"),
        (lambda row: {key: value for key, value in row.items() if key != "element_id"}, r"element_id: 'n/a', expected"),
        (lambda row: row | {"onetsoc_code": "99-9999.00"}, r"99-9999\.00 \(1 rows\) is not in Occupation Data"),
        (lambda row: row | {"element_name": None}, r"element_name: 'n/a', expected a text"),
        (lambda row: row | {"scale_id": "XX"}, r"'XX', expected one of Scales Reference"),
        (
            lambda row: row | {"element_name": "Read\x1b[2J"},
            r"element_name: 'Read\\x1b\[2J', .* \(U\+001B is number 5\)",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_row(change: Callable[..., Any], said: str, fake_tables: FakeTables):
    rows = fake_tables.rows["skills"]
    at = next(i for i, row in enumerate(rows) if row["scale_id"] == "LV")
    tables = fake_tables.copy()
    tables.rows["skills"] = [*rows[:at], change(rows[at]), *rows[at + 1 :]]
    with FakeOnetApi(tables) as fake, pytest.raises(ReleaseDataError, match=said):
        fetch(fake)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a text", "database/rows/skills: a row is 'a text', expected an object"),
        ({"onetsoc_code": [NURSE]}, r"a value is \['29-1141\.00'\], expected a text or a number"),
        ({"onetsoc_code": NURSE, "n": True}, "a value is True, expected a text or a number"),
    ],
)
def test_a_row_of_another_shape_is_refused(row: Any, said: str, fake_tables: FakeTables):
    tables = fake_tables.copy()
    tables.rows["skills"] = [*tables.rows["skills"], row]
    with FakeOnetApi(tables) as fake, pytest.raises(OnetApiProtocolError, match=said):
        fetch(fake)


@pytest.mark.parametrize("described", ["skills", {"title": "Skills"}])
def test_a_list_of_tables_of_another_shape_is_refused(
    described: Any, fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("skillgap.testing.fake_onet_answers.FakeAnswers._described", lambda *_: described)
    with FakeOnetApi(fake_tables) as fake, pytest.raises(OnetApiProtocolError, match="/database: not a list of tables"):
        fetch(fake)


@pytest.mark.slow
def test_a_row_served_twice_is_refused(fake_tables: FakeTables):
    tables = fake_tables.copy()
    tables.rows["skills"] = [*tables.rows["skills"], tables.rows["skills"][0]]
    with FakeOnetApi(tables) as fake, pytest.raises(ReleaseDataError, match="is a duplicate, expected once"):
        fetch(fake)


def test_rows_that_were_not_asked_for_are_refused(fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("skillgap.testing.fake_onet_answers.FakeAnswers._filtered", lambda _, rows, __: rows)
    with FakeOnetApi(fake_tables) as fake, pytest.raises(OnetApiProtocolError, match=r"expected 29-1141\.00"):
        fetch(fake, NURSE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["422", "404"])
def test_half_of_an_occupation_is_not_taken_for_the_whole(kind: str, starter: OnetData):
    with FakeOnetApi(FakeTables(starter, split=True)) as fake:
        fake.faults = [Fault("rows/transferable_skills", kind, times=9)]
        said = "has skills, but none in database/rows/transferable_skills" if kind == "422" else "HTTP 404"
        with pytest.raises((OnetApiProtocolError, OnetApiRefusal), match=said):
            fetch(fake, NURSE)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["skills", "occupation_data"])
def test_a_table_without_rows_is_refused(table: str, fake_tables: FakeTables):
    tables = fake_tables.copy()
    tables.rows[table] = []
    said = r"no rows of Skills|\(70 rows\) is not in Occupation Data"
    with FakeOnetApi(tables) as fake, pytest.raises((OnetApiProtocolError, ReleaseDataError), match=said):
        fetch(fake)


def changed_pages(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Have the stand-in change the pages of its occupations before it sends them."""
    page = FakeAnswers._page

    def changed(self: FakeAnswers, path: str, *given: Any) -> dict[str, Any]:
        body = page(self, path, *given)
        return change(body) if path == "database/rows/occupation_data" else body

    monkeypatch.setattr(FakeAnswers, "_page", changed)


def without_total(body: dict[str, Any], *, last: int = 10**6) -> dict[str, Any]:
    """Return a page without a total, and no rows after row `last`."""
    kept = {key: value for key, value in body.items() if key not in ("total", "start", "end")}
    kept["row"] = body["row"][: max(last - body["start"] + 1, 0)]
    return kept if body["end"] < last else {key: value for key, value in kept.items() if key != "next"}


def test_a_table_cut_short_by_pages_without_a_total_is_refused(
    fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch
):
    changed_pages(monkeypatch, lambda body: without_total(body, last=1000))
    with (
        FakeOnetApi(fake_tables) as fake,
        pytest.raises(OnetApiProtocolError, match="1000 rows, but the table has 1016"),
    ):
        fetch(fake)


@pytest.mark.slow
def test_a_whole_table_in_pages_without_a_total_is_read(fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch):
    changed_pages(monkeypatch, without_total)
    with FakeOnetApi(fake_tables) as fake:
        assert len(fetch(fake).tables["Occupations"]) == 1016
        assert "/database/info/occupation_data" in fake.requests


@pytest.mark.slow
def test_a_count_that_is_nowhere_is_said_not_to_be_checked(fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch):
    changed_pages(monkeypatch, without_total)
    with FakeOnetApi(fake_tables) as fake, capture_logs() as logs:
        fake.faults = [Fault("database/info", "404", times=9)]
        fetch(fake)
    [warned] = [log for log in logs if "not checked" in log["event"]]
    assert (warned["table"], warned["rows"]) == ("occupation_data", 1016)


def test_a_total_that_changes_between_pages_is_refused(fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch):
    page = FakeAnswers._page

    def one_less_later(self: FakeAnswers, *given: Any) -> dict[str, Any]:
        body = page(self, *given)
        return body | {"total": body["total"] - (body["start"] > 1)}

    monkeypatch.setattr(FakeAnswers, "_page", one_less_later)
    with FakeOnetApi(fake_tables) as fake, pytest.raises(OnetApiProtocolError, match="61529 rows in all, 61530 before"):
        fetch(fake)


@pytest.mark.slow
def test_answers_that_lack_a_column_are_not_the_whole(fake_tables: FakeTables):
    tables = fake_tables.copy()
    tables.rows["skills"] = [{k: v for k, v in row.items() if k != "date_updated"} for row in tables.rows["skills"]]
    with FakeOnetApi(tables) as fake:
        data = fetch(fake)
    assert (data.is_whole, data.missing) == (False, {"date_updated": 61530})


def test_a_table_that_is_nowhere_is_named(fake_tables: FakeTables):
    tables = fake_tables.copy()
    del tables.rows["skills"]
    said = "no table skills, nor essential_skills with transferable_skills"
    with FakeOnetApi(tables) as fake, pytest.raises(OnetApiProtocolError, match=said):
        fetch(fake)


# -- going on with a broken run -------------------------------------------------------------------------


def test_a_broken_run_goes_on_from_its_last_complete_page(
    tmp_path: Path, onet_29: OnetData, onet_29_tables: FakeTables
):
    with FakeOnetApi(onet_29_tables) as fake:
        fake.faults = [Fault("start=40001&", "500", times=5)]
        with pytest.raises(OnetApiUnavailable):
            fetch(fake, pages=tmp_path)
        kept = len(list(tmp_path.rglob("*.json")))
        assert kept > 1
        asked = len(fake.requests)
        assert_same(fetch(fake, pages=tmp_path, resume=True), onet_29)
        assert len(fake.requests) - asked == 35 - kept, "what was kept is not asked for again"


@pytest.mark.slow
def test_without_resume_a_run_begins_anew(tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        fake.faults = [Fault("rows/skills", "500", times=5)]
        with pytest.raises(OnetApiUnavailable):
            fetch(fake, pages=tmp_path)
        first = len(fake.requests)
        fetch(fake, pages=tmp_path)
        assert "/database/rows/occupation_data?start=1&end=2000" in fake.requests[first:]


@pytest.mark.slow
def test_pages_of_another_release_are_not_taken(tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake:
        fake.faults = [Fault("rows/skills", "500", times=5)]
        with pytest.raises(OnetApiUnavailable):
            fetch(fake, pages=tmp_path)
        first = len(fake.requests)
        fake.tables = fake_tables.copy(release="31.0")
        assert fetch(fake, pages=tmp_path, resume=True).release.number == "31.0"
        assert "/database/rows/occupation_data?start=1&end=2000" in fake.requests[first:]


def test_a_run_that_was_killed_goes_on(tmp_path: Path, onet_29: OnetData, onet_29_tables: FakeTables):
    with FakeOnetApi(onet_29_tables) as fake:
        fake.faults = [Fault("start=50001&", "stall", times=1)]
        command = [sys.executable, "-m", "skillgap", "fetch"]
        environment = {
            **os.environ,
            "SKILLGAP_DATABASE_URL": f"sqlite:///{tmp_path}/skillgap.db",
            "SKILLGAP_CACHE_DIR": str(tmp_path),
            "SKILLGAP_ONET_API_URL": fake.url,
            "SKILLGAP_ONET_API_KEY": fake.key,
            "SKILLGAP_ONET_REQUESTS_PER_SECOND": "1000",
        }
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            with stamina.set_testing(False):
                eventually(lambda: len(list(tmp_path.rglob("*.json"))) >= 30)
            process.send_signal(signal.SIGKILL)
        assert not (tmp_path / "skillgap.db").exists()
        asked, kept = len(fake.requests), len(list(tmp_path.rglob("*.json")))
        subprocess.run([*command, "--resume"], env=environment, check=True, stderr=subprocess.DEVNULL)
        assert len(fake.requests) - asked == 35 - kept
    assert (tmp_path / "skillgap.db").exists()
