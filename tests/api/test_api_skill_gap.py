"""`GET /skill-gap` on the running service."""

from __future__ import annotations

import math
import random
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.api.examples import SKILL_GAP
from skillgap.models import GapReport
from skillgap.models.person import OwnProfile

NURSE, MANAGER = "29-1141.00", "11-9111.00"
EIGHTHS = {round(k / 8, 2): k / 8 for k in range(57)}
"""By their print."""


def ask(client: httpx.Client, current: str, target: str, **headers: str) -> httpx.Response:
    return client.get("/skill-gap", params={"from": current, "to": target}, headers=headers)


def test_answers_are_the_reports_of_the_analysis(client: httpx.Client, ratings: Ratings):
    rng = random.Random(8)
    for _ in range(30):
        pair = rng.sample(ratings.codes, 2)
        answer = ask(client, *pair).raise_for_status().json()
        assert answer == asdict(identify_skill_gap(*pair, ratings))
        assert answer["provenance"]["release"] == "29.0"
        assert answer["provenance"]["attribution"].startswith(
            "This page includes information from the O*NET 29.0 Database by"
        )


def test_an_answer_is_of_the_documented_type(client: httpx.Client):
    answer = ask(client, NURSE, MANAGER)
    assert answer.headers["content-type"] == "application/json"
    typed = TypeAdapter(GapReport).validate_json(answer.content, strict=True, extra="forbid")
    assert asdict(typed) == answer.json()


def test_the_documented_example_is_a_true_answer_shortened(client: httpx.Client):
    answer = ask(client, SKILL_GAP["from_occupation"]["onet_soc_code"], SKILL_GAP["to_occupation"]["onet_soc_code"])
    real = answer.json()
    assert SKILL_GAP["skill_gaps"] == real["skill_gaps"][:1]
    assert SKILL_GAP["surplus_skills"] == real["surplus_skills"][:1]
    assert {
        key: SKILL_GAP[key]
        for key in ("from_occupation", "to_occupation", "domain", "domains_compared", "weight", "summary")
    } == {
        key: real[key]
        for key in ("from_occupation", "to_occupation", "domain", "domains_compared", "weight", "summary")
    }
    data_version = SKILL_GAP["provenance"]["data_version"]
    assert SKILL_GAP["provenance"] == {**real["provenance"], "data_version": data_version}


@pytest.mark.parametrize("current", ["29-1141.00", "29-1141", "29114100", "291141", "29-114100"])
def test_every_accepted_form_of_a_code_gets_the_same_answer(client: httpx.Client, current: str):
    assert ask(client, current, MANAGER).json() == ask(client, NURSE, MANAGER).json()


def test_an_occupation_has_an_empty_gap_to_itself(client: httpx.Client):
    answer = ask(client, NURSE, NURSE)
    assert (answer.status_code, answer.json()["skill_gaps"], answer.json()["surplus_skills"]) == (200, [], [])


def test_two_unrated_occupations_are_answered_with_predicted_levels_and_intervals(client: httpx.Client):
    answer = ask(client, "15-1252.00", "15-2051.00").json()
    rows = answer["skill_gaps"] + answer["surplus_skills"]
    assert len(answer["skill_gaps"]) >= 5
    assert {row["from_source"] for row in rows} == {row["to_source"] for row in rows} == {"llm"}
    for row in rows:
        assert 0 <= row["from_lower"] <= row["from_data_value"] <= row["from_upper"] <= 7
        assert 0 <= row["to_lower"] <= row["to_data_value"] <= row["to_upper"] <= 7
        target, current = (EIGHTHS.get(row[side], row[side]) for side in ("to_data_value", "from_data_value"))
        assert row["gap"] == round(target - current, 4)
        error = math.hypot(row["from_standard_error"], row["to_standard_error"])
        assert row["standard_error"] == pytest.approx(error, abs=6e-5)
        assert row["distinguishable"] is False, "both are uncertain, and alike"
    assert answer["from_occupation"]["is_predicted"]
    predictions = answer["provenance"]["predictions"]
    assert (predictions["model"], predictions["release"], predictions["occupations_judged"]) == (
        "embedded:smollm2",
        "29.0",
        879,
    )


@pytest.mark.parametrize("query", ["onet+llm", "onet%2Bllm", "onet llm"])
def test_a_plus_in_the_query_may_be_written_as_it_is(client: httpx.Client, query: str):
    plain = ask(client, "15-1252.00", NURSE).json()
    assert client.get(f"/skill-gap?from=15-1252&to={NURSE}&ratings={query}").json() == plain


def test_of_a_rated_pair_analysts_alone_give_the_same_figures(client: httpx.Client):
    both = ask(client, NURSE, MANAGER).json()
    onet = client.get("/skill-gap", params={"from": NURSE, "to": MANAGER, "ratings": "onet"}).json()
    assert both == onet
    assert onet["provenance"]["predictions"] is None


PROBLEMS = [
    # parameters, status, code, words of the detail
    ({"from": NURSE, "to": "99-9999.00"}, 404, "unknown-occupation", "has no occupation 99-9999.00"),
    ({"from": "29-1141.77", "to": NURSE}, 404, "unknown-occupation", "29-1141 has 29-1141.00, 29-1141.01"),
    (
        {"from": NURSE, "to": "15-1252.00", "ratings": "onet"},
        404,
        "unrated-occupation",
        "15-1252.00 (Software Developers)",
    ),
    (
        {"from": "55-1011", "to": NURSE},
        404,
        "unrated-occupation",
        "and its levels are not predicted: O*NET publishes no tasks",
    ),
    (
        {"from": NURSE, "to": "15-1252", "ratings": "llm"},
        404,
        "unrated-occupation",
        "no levels are predicted for 29-1141",
    ),
    ({"from": NURSE, "to": MANAGER, "ratings": "both"}, 422, "invalid-parameter", "ratings: "),
    ({"from": NURSE}, 422, "invalid-parameter", "to: Field required"),
    ({"to": NURSE}, 422, "invalid-parameter", "from: Field required"),
    ({}, 422, "invalid-parameter", "from: Field required; to: Field required"),
    ({"from": NURSE, "to": ""}, 422, "invalid-code", "write it like 15-1252.00"),
    ({"from": NURSE, "to": "nurse"}, 422, "invalid-code", "'nurse' is not an O*NET-SOC code"),
    ({"from": NURSE, "to": "29-1141.0"}, 422, "invalid-code", "'29-1141.0'"),
    ({"from": NURSE, "to": " 29-1141.00"}, 422, "invalid-code", "not an O*NET-SOC code"),
    ({"from": NURSE, "to": "٢٩-١١٤١"}, 422, "invalid-code", "not an O*NET-SOC code"),
    ({"from": NURSE, "to": "29-1141.00\n"}, 422, "invalid-code", "not an O*NET-SOC code"),
    ({"from": NURSE, "to": "\0"}, 422, "invalid-code", "not an O*NET-SOC code"),
    ({"from": "29-1141.00' OR '1'='1", "to": NURSE}, 422, "invalid-code", "not an O*NET-SOC code"),
    ({"from": "1" * 10_000, "to": NURSE}, 422, "invalid-code", "… (10000 characters)"),
]


@pytest.mark.parametrize(("parameters", "status", "code", "words"), PROBLEMS, ids=range(len(PROBLEMS)))
def test_a_question_without_an_answer_gets_its_problem(
    client: httpx.Client, parameters: dict[str, str], status: int, code: str, words: str
):
    answer = client.get("/skill-gap", params=parameters)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:skillgap:problem:{code}")
    assert words in problem["detail"]
    assert len(answer.content) < 1_000
    assert answer.headers["cache-control"] == "no-store"


def test_a_wrong_percent_escape_is_no_server_error(client: httpx.Client):
    answer = client.get(f"/skill-gap?from=%ff%fe&to={NURSE}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-code")


# -- conditional requests and compression ---------------------------------------------------------------------------


def test_the_same_question_again_costs_a_304(client: httpx.Client):
    first = ask(client, NURSE, MANAGER)
    assert first.headers["etag"].startswith('W/"')
    again = ask(client, NURSE, MANAGER, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    tag = first.headers["etag"]
    for known in (f'"other", {tag}', tag.removeprefix("W/")):
        assert ask(client, NURSE, MANAGER, **{"If-None-Match": known}).status_code == 304
    assert ask(client, NURSE, MANAGER, **{"If-None-Match": f'a{tag}b, "other"'}).status_code == 200
    assert first.headers["vary"] == again.headers["vary"] == "Accept-Encoding"


def test_whoever_has_any_answer_gets_a_304_from_a_star(client: httpx.Client):
    for _ in ("computed for it", "stored by it"):
        answer = ask(client, MANAGER, "11-1011.00", **{"If-None-Match": "*"})
        assert (answer.status_code, answer.content) == (304, b"")
    whole = ask(client, MANAGER, "11-1011.00")
    assert (whole.status_code, whole.headers["etag"]) == (200, answer.headers["etag"])
    assert ask(client, NURSE, "99-9999.00", **{"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize("refusal", ["gzip;q=0", "deflate, gzip; Q=0.000", "gzip;q=0;x, identity", "nogzip"])
def test_gzip_is_not_sent_to_who_refuses_it(client: httpx.Client, refusal: str):
    for _ in ("computed", "stored"):
        answer = ask(client, NURSE, MANAGER, **{"Accept-Encoding": refusal})
        assert (answer.status_code, answer.headers.get("content-encoding")) == (200, None)
    assert ask(client, NURSE, MANAGER, **{"Accept-Encoding": "gzip;q=0.5"}).headers["content-encoding"] == "gzip"


def test_another_question_has_another_etag(client: httpx.Client):
    tag = ask(client, NURSE, MANAGER).headers["etag"]
    other = ask(client, MANAGER, NURSE, **{"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag


def test_an_etag_of_an_error_is_never_given(client: httpx.Client):
    assert "etag" not in ask(client, NURSE, "99-9999.00").headers


@pytest.mark.parametrize("again", [False, True], ids=["first", "from the cache"])
def test_gzip_carries_the_same_answer(client: httpx.Client, ratings: Ratings, again: bool):
    pair = (ratings.codes[3], ratings.codes[9])
    plain = ask(client, *pair, **{"Accept-Encoding": "identity"})
    for _ in range(1 + again):
        zipped = ask(client, *pair, **{"Accept-Encoding": "gzip"})
    assert (plain.headers.get("content-encoding"), zipped.headers["content-encoding"]) == (None, "gzip")
    assert "accept-encoding" in zipped.headers["vary"].lower()
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert zipped.json() == plain.json()
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"]) / 3


def test_a_repeated_answer_is_the_first_to_the_byte(client: httpx.Client, ratings: Ratings):
    pair = (ratings.codes[5], ratings.codes[6])
    first, second = ask(client, *pair), ask(client, *pair)
    assert first.content == second.content
    changing = ("date", "x-request-id")
    kept: list[dict[str, Any]] = [
        {name: value for name, value in each.headers.items() if name not in changing} for each in (first, second)
    ]
    assert kept[0] == kept[1]


# -- how the order moves -----------------------------------------------------------------------------------------------


def test_weights_and_stability_are_told_where_asked(client: httpx.Client, ratings: Ratings):
    asked = {"from": NURSE, "to": MANAGER, "weight": "none", "stability": "true"}
    report = client.get("/skill-gap", params=asked).json()
    expected = identify_skill_gap(NURSE, MANAGER, ratings.weighted_by("none"), stability=True)
    assert report == asdict(expected)
    assert report["weight"] == "none"
    assert report["skill_gaps"][0]["stability"]["rank"] == 1
    plain = client.get("/skill-gap", params={"from": NURSE, "to": MANAGER}).json()
    assert (plain["weight"], plain["skill_gaps"][0]["stability"]) == ("importance", None)
    assert plain["summary"]["weighted_shortfall"] != report["summary"]["weighted_shortfall"]


def test_a_persons_order_moves_with_the_target_alone(client: httpx.Client, ratings: Ratings):
    own = {"levels": {"Writing": 3.0}, "occupation": NURSE}
    asked = {"to": MANAGER, "stability": "true", "weight": "standard"}
    report = client.post("/skill-gap", params=asked, json=own).json()
    person = OwnProfile(**own)
    expected = identify_person_gap(person, MANAGER, ratings.weighted_by("standard"), stability=True)
    assert report == asdict(expected)


def test_a_weight_that_is_none_is_said(client: httpx.Client):
    answer = client.get("/skill-gap", params={"from": NURSE, "to": MANAGER, "weight": "heavy"})
    assert (answer.status_code, answer.json()["parameters"][0]["parameter"]) == (422, "weight")
