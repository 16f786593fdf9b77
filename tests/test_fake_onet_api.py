"""The stand-in of O*NET Web Services follows their manual, so clients that work with it work with O*NET."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from skillgap.errors import ConfigurationError
from skillgap.sources.text_files import OnetData
from skillgap.testing.fake_onet_answers import FakeTables
from skillgap.testing.fake_onet_api import KEY, PASSWORD, USERNAME, FakeOnetApi, Fault

NURSE, DEVELOPER = "29-1141.00", "15-1252.00"


@pytest.fixture(scope="module")
def fake(onet_29_tables: FakeTables) -> Iterator[FakeOnetApi]:
    with FakeOnetApi(onet_29_tables) as fake:
        yield fake


@pytest.fixture
def client(fake: FakeOnetApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fake.url, headers={"X-API-Key": KEY}) as client:
        yield client


def ask(client: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_a_key_every_path_is_401_and_not_json(fake: FakeOnetApi):
    for headers in ({}, {"X-API-Key": "other"}, {"Authorization": "Basic eDp5"}):
        answer = httpx.get(f"{fake.url}/about", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/plain")
        assert "www-authenticate" not in answer.headers


def test_version_1_9_wants_basic_and_challenges(fake_tables: FakeTables):
    with FakeOnetApi(fake_tables, version="1.9") as fake:
        assert fake.url.endswith("/ws")
        refused = httpx.get(f"{fake.url}/about", headers={"X-API-Key": KEY})
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        with httpx.Client(base_url=fake.url, auth=(USERNAME, PASSWORD)) as client:
            assert ask(client, "/about")["database"] == "O*NET 29.0 Database"
            page = ask(client, "/database/rows/skills", start=1, end=20)
            assert page["link"] == [{"href": f"{fake.url}/database/rows/skills?start=21&end=40", "rel": "next"}]
            assert page["table_id"] == "skills"
            element = ask(client, f"/online/occupations/{NURSE}/details/skills", display="long")["element"][0]
            assert element["score"]["value"] == 72


def test_other_methods_are_refused(client: httpx.Client):
    assert client.post("/about").status_code == 501


def test_a_row_has_the_columns_types_and_nulls_of_the_manual(client: httpx.Client):
    page = ask(client, "/database/rows/skills", filter=f"onetsoc_code.eq.{NURSE}", start=1, end=1)
    assert page["row"] == [
        {
            "onetsoc_code": NURSE,
            "title": "Registered Nurses",
            "element_id": "2.A.1.a",
            "element_name": "Reading Comprehension",
            "scale_id": "IM",
            "scale_name": "Importance",
            "data_value": 3.88,
            "n": 8,
            "standard_error": 0.125,
            "lower_ci_bound": 3.63,
            "upper_ci_bound": 4.12,
            "recommend_suppress": "N",
            "not_relevant": None,
            "date_updated": "2021-08-01",
            "domain_source": "Analyst",
        }
    ]
    whole = ask(client, "/database/rows/scales_reference", end=40)["row"]
    assert {"scale_id": "IM", "scale_name": "Importance", "minimum": 1, "maximum": 5} in whole
    assert all(isinstance(row["minimum"], int) for row in whole), "JSON loses trailing zeros"


def test_pages_default_to_20_and_end_without_a_link(client: httpx.Client):
    first = ask(client, "/database/rows/occupation_data")
    assert (first["start"], first["end"], first["total"], len(first["row"])) == (1, 20, 1016, 20)
    assert first["next"].endswith("/database/rows/occupation_data?start=21&end=40")
    last = ask(client, "/database/rows/occupation_data", start=1001, end=3000)
    assert (last["end"], len(last["row"]), "next" in last) == (1016, 16, False)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/database/rows/skills", {"start": 1, "end": 2001}),
        ("/database/rows/skills", {"start": 99_999, "end": 100_000}),
        ("/database/rows/skills", {"start": 20, "end": 10}),
        ("/database/rows/skills", {"start": 0}),
        ("/database/rows/skills", {"start": "x"}),
        ("/database/rows/essential_skills", {}),
        ("/database/rows/skills", {"filter": "data_value.gt.3"}),
        ("/database/rows/skills", {"filter": "nothing.eq.3"}),
        ("/database/rows/skills", {"filter": f"onetsoc_code.eq.{DEVELOPER}"}),
        (f"/online/occupations/{DEVELOPER}/details/skills", {}),
        ("/online/occupations/99-9999.00", {}),
        ("/online/search", {}),
    ],
)
def test_what_is_wrong_or_has_no_data_is_422_with_an_error(client: httpx.Client, path: str, parameters: dict[str, Any]):
    answer = client.get(path, params=parameters)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_filters_are_combined_and_ignore_case(client: httpx.Client):
    filters = [("filter", f"onetsoc_code.eq.{NURSE}"), ("filter", "scale_id.eq.lv")]
    rows = client.get("/database/rows/skills", params=[*filters, ("end", "100")]).json()["row"]
    assert {(row["onetsoc_code"], row["scale_id"]) for row in rows} == {(NURSE, "LV")}
    assert len(rows) == 35


@pytest.mark.parametrize("version", ["2.0", "1.9"])
def test_the_next_page_of_a_filtered_answer_has_the_same_filters(onet_29_tables: FakeTables, version: Any):
    with FakeOnetApi(onet_29_tables, version=version) as fake, httpx.Client(headers=fake.access.headers) as client:
        nurses = [("filter", f"onetsoc_code.eq.{NURSE}"), ("filter", "scale_id.eq.LV"), ("end", "10")]
        pages = follow(client, f"{fake.url}/database/rows/skills?{httpx.QueryParams(nurses)}")
        assert [len(page["row"]) for page in pages] == [10, 10, 10, 5]
        assert {(row["onetsoc_code"], row["scale_id"]) for page in pages for row in page["row"]} == {(NURSE, "LV")}
        pages = follow(client, f"{fake.url}/online/search?keyword=nurse+%26&end=2")
        assert [page["total"] for page in pages] == [0]
        pages = follow(client, f"{fake.url}/online/search?keyword=nurse&end=2")
        titles = [each["title"] for page in pages for each in page["occupation"]]
        expected = [title for title in onet_29_tables.titles.values() if "nurse" in title.lower()]
        assert len(pages) > 2
        assert titles == expected


def follow(client: httpx.Client, url: str | None) -> list[Any]:
    """Return the pages from an address on, each found by the link of the previous one."""
    pages = []
    while url:
        pages.append(client.get(url).raise_for_status().json())
        links = pages[-1].get("link", [])
        url = links[0]["href"] if links else pages[-1].get("next")
    return pages


def test_the_tables_are_listed_and_described(fake: FakeOnetApi, client: httpx.Client, onet_29: OnetData):
    listed = ask(client, "/database")
    assert all(t["rows"] == f"{fake.url}/database/rows/{t['table_id']}" for t in listed)
    assert {t["table_id"]: ask(client, f"/database/info/{t['table_id']}")["rows"] for t in listed} == {
        "occupation_data": 1016,
        "scales_reference": 29,
        "content_model_reference": len(onet_29.tables["Elements"]),
        "skills": 61530,
    }
    columns = ask(client, "/database/info/occupation_data")["column"]
    assert [column["column_id"] for column in columns] == ["onetsoc_code", "title", "description"]


def test_from_30_3_the_skills_are_two_tables(onet_29: OnetData):
    tables = FakeTables(onet_29, split=True)
    assert "skills" not in tables.rows
    assert {row["element_id"][:3] for row in tables.rows["essential_skills"]} == {"2.A"}
    assert {row["element_id"][:3] for row in tables.rows["transferable_skills"]} == {"2.B"}
    assert len(tables.rows["essential_skills"]) + len(tables.rows["transferable_skills"]) == 61530


def test_reports_have_title_description_and_importances(client: httpx.Client):
    report = ask(client, f"/online/occupations/{NURSE}/")
    assert (report["code"], report["title"]) == (NURSE, "Registered Nurses")
    elements = ask(client, f"/online/occupations/{NURSE}/details/skills", end=100)["element"]
    assert len(elements) == 35
    assert {"id": "2.A.1.a", "name": "Reading Comprehension", "importance": 72} in elements
    found = ask(client, "/online/search", keyword="registered nurse")["occupation"]
    assert [each["code"] for each in found] == [NURSE]


@pytest.mark.parametrize("kind", ["429", "500", "503", "html", "truncate", "slash", "elsewhere", "drop"])
def test_a_fault_hits_the_next_requests_that_match(onet_29_tables: FakeTables, kind: str):
    with FakeOnetApi(onet_29_tables) as fake, httpx.Client(base_url=fake.url, headers={"X-API-Key": KEY}) as client:
        good = client.get("/about").content
        fake.faults = [Fault.parse(f"about={kind}*2")]
        assert client.get("/database").status_code == 200
        for _ in range(2):
            try:
                answer = client.get("/about")
            except httpx.RemoteProtocolError:
                assert kind == "drop"
            else:
                assert (answer.status_code, answer.content) != (200, good)
        assert client.get("/about").content == good


@pytest.mark.programs
def test_the_command_serves_and_says_how_to_reach_it():
    command = [sys.executable, "-m", "skillgap.testing.fake_onet_api", "starter", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            url, key = re.fullmatch(r"SKILLGAP_ONET_API_URL=(\S+) SKILLGAP_ONET_API_KEY=(\S+)\n", line).groups()
            for _ in range(2):
                assert httpx.get(f"{url}/about", headers={"X-API-Key": key}).status_code == 200
        finally:
            process.kill()


@pytest.mark.parametrize("text", ["about", "about=nothing", "[=503", "about=503*x", "about=999"])
def test_a_fault_that_is_none_is_refused(text: str):
    with pytest.raises(ConfigurationError):
        Fault.parse(text)
