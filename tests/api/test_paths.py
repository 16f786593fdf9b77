"""`GET /paths` on the running service."""

from __future__ import annotations

import httpx
import pytest

NURSES, MANAGERS = "29-1141.00", "11-9111.00"


def test_a_path_is_made_of_gaps_that_can_be_asked_for(client: httpx.Client):
    answer = client.get("/paths", params={"from": NURSES, "to": MANAGERS, "limit": 3})
    report = answer.json()
    assert answer.headers["etag"]
    assert 1 <= len(report["paths"]) <= 3
    assert [each["hardest_move"] for each in report["paths"]] == sorted(
        each["hardest_move"] for each in report["paths"]
    )
    before = NURSES
    for step in report["paths"][0]["steps"]:
        code = step["occupation"]["onet_soc_code"]
        pair = client.get("/skill-gap", params={"from": before, "to": code}).json()
        assert step["summary"] == pair["summary"]
        before = code
    assert before == MANAGERS
    assert report["direct"] == client.get("/skill-gap", params={"from": NURSES, "to": MANAGERS}).json()["summary"]


def test_an_occupation_needs_no_path_to_itself(client: httpx.Client):
    report = client.get("/paths", params={"from": NURSES, "to": NURSES}).json()
    assert (report["paths"], report["direct"]["gaps"]) == ([], 0)


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"from": NURSES}, 422, "invalid-parameter"),
        ({"from": NURSES, "to": MANAGERS, "neighbours": "0"}, 422, "invalid-parameter"),
        ({"from": NURSES, "to": MANAGERS, "limit": "21"}, 422, "invalid-parameter"),
        ({"from": "nurse", "to": MANAGERS}, 422, "invalid-code"),
        ({"from": NURSES, "to": "99-9999.00"}, 404, "unknown-occupation"),
        ({"from": NURSES, "to": "55-1011.00"}, 404, "unrated-occupation"),
    ],
)
def test_what_has_no_path_says_why(client: httpx.Client, parameters: dict[str, str], status: int, code: str):
    answer = client.get("/paths", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
