"""Parameters that an endpoint does not have, on the running service."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from skillgap.api.app import create_api
from skillgap.service.snapshot import CurrentData
from skillgap.store.engine import make_engine
from tests.api.serving import Service
from tests.api.test_pages import BROWSER, GAP, MANAGER, NURSE, Parsed

PAIR = f"/skill-gap?from={NURSE}&to={MANAGER}"
NOTE = "This page ignores the parameter"


@pytest.fixture
def browser(service: Service) -> Any:
    with httpx.Client(base_url=service.url, headers=BROWSER, follow_redirects=True) as client:
        yield client


def operations(client: httpx.Client) -> list[tuple[str, str]]:
    """Return method and path of every operation in the OpenAPI document, and of the other endpoints."""
    paths = client.get("/openapi.json").json()["paths"]
    documented = [
        (method.upper(), path.replace("{onet_soc_code}", NURSE)) for path, each in paths.items() for method in each
    ]
    return [*documented, ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/chart.svg")]


def test_no_endpoint_takes_a_parameter_that_it_does_not_have(client: httpx.Client):
    assert len(operations(client)) >= 11
    for method, path in operations(client):
        query = {"from": NURSE, "to": MANAGER} if path in ("/skill-gap", "/paths", "/chart.svg") else {}
        if method == "POST":
            query.pop("from")
        body = {"json": {"levels": {}}} if method == "POST" else {}
        answer = client.request(method, path, params={**query, "zzz": "1"}, **body)
        assert (method, path, answer.status_code) == (method, path, 422)
        assert answer.json()["code"] == "unknown-parameter"
        assert [each["parameter"] for each in answer.json()["parameters"]] == ["zzz"]
        if method == "GET":
            assert client.head(path, params={**query, "zzz": "1"}).status_code == 422


def test_every_operation_documents_unknown_parameters(client: httpx.Client):
    for path, each in client.get("/openapi.json").json()["paths"].items():
        for operation in each.values():
            examples = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
            assert "unknown-parameter" in examples, path


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (f"{PAIR}&domian=knowledge", "domain"),
        (f"{PAIR}&Domain=knowledge", "domain"),
        (f"{PAIR}&wieght=none", "weight"),
        (f"/skill-gap?form={NURSE}&to={MANAGER}", "from"),
        ("/occupations?limt=5", "limit"),
        (f"/occupations/{NURSE}/transitions?job-zone=3", "job_zone"),
        (f"/occupations/{NURSE}/skills?doman=all", "domain"),
        (f"/paths?from={NURSE}&to={MANAGER}&neighbors=3", "neighbours"),
    ],
)
def test_an_unknown_parameter_is_answered_with_the_one_that_is_like_it(client: httpx.Client, path: str, meant: str):
    answer = client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown-parameter")
    assert problem["parameters"][0]["suggestions"] == [meant]
    assert f"did you mean {meant}?" in problem["detail"]


def test_a_parameter_like_no_other_is_answered_with_those_that_there_are(client: httpx.Client):
    problem = client.get(f"/occupations/{NURSE}/skills?xyzzy=1").json()
    assert "suggestions" not in problem["parameters"][0]
    assert problem["detail"].endswith("known parameters: domain, ratings")


def test_a_post_with_an_unknown_parameter_or_field_is_refused(client: httpx.Client):
    answer = client.post(f"/skill-gap?to={MANAGER}&domian=all", json={"levels": {}})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-parameter")
    answer = client.post(f"/skill-gap?to={MANAGER}", json={"levels": {}, "ocupation": NURSE})
    assert (answer.status_code, answer.json()["parameters"][0]["parameter"]) == (422, "ocupation")


def test_a_parameter_given_twice_is_ambiguous_unless_it_is_a_list(client: httpx.Client):
    answer = client.get(f"{PAIR}&domain=skills&domain=knowledge")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")
    assert answer.json()["parameters"] == [{"parameter": "domain", "detail": "given 2 times"}]
    answer = client.get(f"/occupations/{NURSE}/transitions?job_zone=4&job_zone=5")
    assert (answer.status_code, answer.json()["code"]) == (409, "missing-input"), (
        "both are read; the starter has no zones"
    )


def test_thousands_of_parameters_are_not_read(client: httpx.Client):
    answer = client.get(f"{PAIR}&{'&'.join(f'a{n}=1' for n in range(5_000))}")
    assert (answer.status_code, answer.json()["detail"]) == (422, "query: more than 100 parameters")
    answer = client.get(f"{PAIR}&{'&'.join(f'a{n}=1' for n in range(90))}")
    assert (answer.status_code, len(answer.json()["parameters"])) == (422, 5)
    assert "and 85 more" in answer.json()["detail"]


def test_a_new_endpoint_needs_nothing_of_its_own(starter_database: str):
    current = CurrentData(make_engine(starter_database))
    api = create_api(current, reload_seconds=60)

    @api.get("/new")
    async def new(colour: str = "red") -> str:
        return colour

    client = TestClient(api)  # outside of its context: no data are read
    assert client.get("/new?colour=blue").json() == "blue"
    answer = client.get("/new?color=blue")
    assert (answer.status_code, answer.json()["parameters"][0]["suggestions"]) == (422, ["colour"])


# -- pages ------------------------------------------------------------------------------------------------------------

TRACKING = (
    "utm_source=a&utm_medium=b",
    "UTM_id2=c&utm_x-y=d&utm_%C3%A4",
    "fbclid=x%26y",
    "gclid=1",
    "msclkid=2",
    "mc_cid=3&mc_eid=4",
    "ref=5",
)


@pytest.mark.parametrize("tracking", TRACKING)
def test_a_page_is_the_same_with_what_others_add_to_its_address(browser: httpx.Client, tracking: str):
    plain = browser.get(GAP)
    for address in (f"{GAP}&{tracking}", f"/?{tracking}&{GAP[2:]}", f"/?from={NURSE}&{tracking}&to={MANAGER}"):
        tracked = browser.get(address)
        assert (tracked.status_code, tracked.text) == (200, plain.text)
        assert tracked.headers["etag"] == plain.headers["etag"], "one answer is stored for all of them"
    assert NOTE not in plain.text


def test_tracking_is_unknown_to_endpoints_of_data(client: httpx.Client):
    assert client.get(f"{PAIR}&utm_source=a").json()["code"] == "unknown-parameter"


@pytest.mark.parametrize("path", ["/", "/path", "/own", "/report"])
def test_a_page_notes_what_it_does_not_know(browser: httpx.Client, path: str):
    answer = browser.get(f"{path}?from={NURSE}&to={MANAGER}&domian=knowledge", timeout=60)
    assert answer.status_code == 200
    text = " ".join(Parsed(answer.text).text.split())
    assert (
        "This page ignores the parameter “domian” (did you mean “domain”?) and answers the rest of the address." in text
    )
    assert "etag" not in answer.headers, "anyone can make up names, and their answers would fill the memory"


def test_the_note_survives_a_redirect_to_codes(browser: httpx.Client):
    answer = browser.get("/?from=registered%20nurse&to=chief%20executives&domian=knowledge")
    assert answer.url.params["from"] == NURSE
    assert "“domian”" in answer.text


def test_a_note_is_text(browser: httpx.Client):
    answer = browser.get("/", params={"<script>alert(1)</script>": "1"})
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text


def test_many_unknown_names_are_counted(browser: httpx.Client):
    answer = browser.get("/?" + "&".join(f"name{n}=1" for n in range(8)))
    assert re.search(r"“name4”\s*and 3 more", answer.text)


def test_a_field_of_own_levels_that_the_page_does_not_have_is_noted(browser: httpx.Client):
    answer = browser.post(f"/own?from={NURSE}&to={MANAGER}", data={"2.A.1.a": "5", "2.A.1.zz": "3"})
    assert answer.status_code == 200
    assert "“2.A.1.zz”" in answer.text
    many = browser.post(f"/own?from={NURSE}&to={MANAGER}", data={f"a{n}": "3" for n in range(5_000)})
    assert many.status_code == 422


def test_no_link_or_form_of_a_page_has_a_parameter_that_its_target_does_not_know(browser: httpx.Client):
    """Links of all pages, fields of their forms, and requests of the script."""
    pages = [GAP, f"{GAP}&sure=yes&order=name", f"/?from={NURSE}", f"/path{GAP[1:]}", f"/own{GAP[1:]}", "/?to=nurse"]
    addresses = {"/occupations?q=nurse&limit=8"}
    for page in pages:
        parsed = Parsed(browser.get(page).text)
        addresses |= {str(each["href"]) for each in parsed.all("a") if str(each["href"]).startswith("/")}
        addresses |= {str(each["srcset"]) for each in parsed.all("source")}
        fields = {each["name"] for kind in ("input", "select", "button") for each in parsed.all(kind) if "name" in each}
        if "own" not in page:
            addresses.add("/?" + urlencode({"from": NURSE, "to": MANAGER} | dict.fromkeys(fields - {"from", "to"}, "")))
    assert any("order=" in each for each in addresses)
    assert any("swap" in each for each in addresses)
    kinds = {(urlsplit(each).path, tuple(sorted(dict(parse_qsl(urlsplit(each).query))))): each for each in addresses}
    for address in kinds.values():
        answer = browser.get(address, timeout=60)
        assert "unknown-parameter" not in answer.text, address
        assert NOTE not in answer.text, address
        assert "there are:" not in answer.text, address
