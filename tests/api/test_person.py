"""`POST /skill-gap` on the running service: a person's levels are answered and not kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.serving import serve

MANAGERS = "11-9111.00"


def ask(client: httpx.Client, body: Any, to: str = MANAGERS, **parameters: str) -> httpx.Response:
    return client.post("/skill-gap", json=body, params={"to": to, **parameters})


def test_a_persons_levels_are_compared_and_the_rest_is_unknown(client: httpx.Client):
    answer = ask(client, {"levels": {"Writing": 3, "2.B.4.h": 4.5, "Programming": None}})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in answer.headers
    report = answer.json()
    assert [(row["element_name"], row["from_source"], row["gap"]) for row in report["skill_gaps"]] == [
        ("Writing", "own", 1.0)
    ]
    assert len(report["unknown_skills"]) == 33
    assert report["from_occupation"] is None


def test_the_rest_of_an_occupation_is_its_gap(client: httpx.Client):
    report = ask(client, {"levels": {}, "occupation": "29-1141"}).json()
    pair = client.get("/skill-gap", params={"from": "29-1141", "to": MANAGERS}).json()
    for field in ("skill_gaps", "surplus_skills", "summary", "from_occupation"):
        assert report[field] == pair[field]


@pytest.mark.parametrize(
    ("body", "code", "wrong"),
    [
        ({"levels": {"Writing": 7.5}}, "invalid-parameter", ["levels.Writing"]),
        ({"levels": {"Writing": "much", "Speaking": True}}, "invalid-parameter", ["levels.Writing", "levels.Speaking"]),
        ({"levels": {"Writing": -1}, "name": "me"}, "invalid-parameter", ["levels.Writing", "name"]),
        ({}, "invalid-parameter", ["levels"]),
        ([], "invalid-parameter", ["body"]),
        ({"levels": {"Writting": 1, "Spelling": 2}}, "invalid-profile", ["levels.Writting", "levels.Spelling"]),
        ({"levels": {"Writing": 1}, "occupation": "nurse"}, "invalid-parameter", ["occupation"]),
    ],
)
def test_every_wrong_field_is_named(client: httpx.Client, body: Any, code: str, wrong: list[str] | None):
    answer = ask(client, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert [each["parameter"] for each in problem.get("parameters", [])] == (wrong or [])


@pytest.mark.parametrize(
    ("content", "wrong"),
    [(b"", "body"), (b"{", "body"), (b'{"levels": {"Writing": NaN}}', "levels.Writing"), (b"\xff", "body")],
)
def test_what_is_no_json_is_said(client: httpx.Client, content: bytes, wrong: str):
    answer = client.post(
        "/skill-gap", params={"to": MANAGERS}, content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")
    assert [each["parameter"] for each in answer.json()["parameters"]] == [wrong]


@pytest.mark.parametrize(
    ("half", "wrong"), [(r'{"levels": {"\ud800": 3}}', "levels.?"), (r'{"levels": {}, "\ud800": 3}', "body")]
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_half_a_character_is_refused_like_any_other_name(client: httpx.Client, half: str, wrong: str, accept: str):
    headers = {"Content-Type": "application/json", "Accept": accept}
    answer = client.post("/skill-gap", params={"to": MANAGERS}, content=half, headers=headers)
    assert answer.status_code == 422
    if accept == "application/json":
        assert [each["parameter"] for each in answer.json()["parameters"]] == [wrong]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_json_that_is_not_said_to_be_is_told_how(client: httpx.Client, headers: dict[str, str]):
    answer = client.post("/skill-gap", params={"to": MANAGERS}, content=b'{"levels": {}}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")
    assert "sent with Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.programs
def test_nothing_of_a_profile_is_stored_or_logged(starter_database: str, tmp_path: Path):
    marks = ("3.14159", "6.54321", "29-1141", "Spellling")
    with serve(tmp_path, starter_database) as service, httpx.Client(base_url=service.url) as client:
        ask(
            client, {"levels": {"Writing": 3.14159, "Speaking": 6.54321}, "occupation": "29-1141.00"}
        ).raise_for_status()
        assert ask(client, {"levels": {"Spellling": 3.14159}}).status_code == 422
        assert ask(client, {"levels": {"Writing": 6.54321e3}}).status_code == 422
        metrics = client.get("/metrics").text
    written = [file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file()]
    assert written
    assert "/skill-gap" in "".join(written)  # the log is among them
    for text in (*written, metrics):
        assert not [mark for mark in marks if mark in text]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"levels": {f"a{n}": 9 for n in range(6_500)}}, "6500 levels"),
        ({f"a{n}": 1 for n in range(6_500)}, "6500 fields"),
        ({"levels": {f"a{n}": 3 for n in range(480)}}, 480),
        ({"levels": {f"a{n}": 9 for n in range(480)}}, 480),
        ({"levels": {f"{n}{'ä' * 90}": 3 for n in range(300)}}, 300),
        ({"levels": {f"Writing{' ' * n}": 3 for n in range(30)}}, 29),
        ({"levels": {}, **{f"a{n}" * 20: 1 for n in range(15)}}, 15),
    ],
    ids=range(7),
)
def test_an_answer_to_thousands_of_wrong_levels_is_short_and_counts_them(
    client: httpx.Client, body: Any, count: str | int
):
    answer = ask(client, body)
    problem = answer.json()
    assert answer.status_code == 422
    assert len(answer.content) < 20_000
    assert 1 <= len(problem["parameters"]) <= 100
    if isinstance(count, str):
        assert count.split()[0] in problem["detail"]
    else:
        assert len(problem["parameters"]) + problem.get("parameters_left_out", 0) == count
