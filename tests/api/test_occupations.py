"""`/occupations` on the running service."""

from __future__ import annotations

from dataclasses import asdict

import httpx
import pytest

from skillgap.analysis.ratings import Ratings


def test_following_next_gives_every_occupation_once(client: httpx.Client, ratings: Ratings):
    found, url = [], "/occupations?limit=300"
    while url:
        page = client.get(url).raise_for_status().json()
        assert page["total"] == 1016
        found += page["items"]
        url = page["next"]
    not_searched = {"matched_title": None, "title_kind": None, "match": None}
    assert found == [{"occupation": asdict(each), **not_searched} for each in ratings.occupations.values()]
    assert sum(each["occupation"]["is_rated"] for each in found) == 879


def test_words_find_titles_in_any_order_and_case(client: httpx.Client):
    found = client.get("/occupations", params={"q": "DEVELOPERS soft"}).json()["items"]
    assert found[0]["occupation"]["onet_soc_code"] == "15-1252.00"
    assert (found[0]["matched_title"], found[0]["title_kind"]) == ("Software Developers", "title")


@pytest.mark.parametrize(
    ("text", "code", "match"),
    [
        ("registered nurses", "29-1141.00", "exact"),
        ("software dev", "15-1252.00", "prefix"),
        ("sofware develoepers", "15-1252.00", "similar"),
        ("29-1141.03", "29-1141.03", "code"),
    ],
)
def test_a_search_says_how_it_found(client: httpx.Client, text: str, code: str, match: str):
    first = client.get("/occupations", params={"q": text, "limit": 1}).json()["items"][0]
    assert (first["occupation"]["onet_soc_code"], first["match"]) == (code, match)


def test_what_is_like_nothing_is_an_empty_page(client: httpx.Client):
    page = client.get("/occupations", params={"q": "zzzz qqqq"}).json()
    assert (page["items"], page["total"], page["next"]) == ([], 0, None)


def test_next_keeps_the_words(client: httpx.Client):
    first = client.get("/occupations", params={"q": "all other", "limit": 2}).json()
    second = client.get(first["next"]).json()
    titles = [each["occupation"]["title"].casefold() for each in first["items"] + second["items"]]
    assert len(set(titles)) == 4
    assert all("all" in title and "other" in title for title in titles)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"q": "x" * 201}, "q"),
        ({"q": "\ufdfa" * 200}, "q"),
        ({"q": " ".join(f"w{n}" for n in range(31))}, "q"),
    ],
)
def test_a_parameter_out_of_range_is_named(client: httpx.Client, parameters: dict[str, str], words: str):
    answer = client.get("/occupations", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")
    assert answer.json()["parameters"][0]["parameter"] == words


def test_one_occupation_rated_or_not(client: httpx.Client):
    rated, unrated = (client.get(f"/occupations/{code}").json() for code in ("29-1141", "15-1252.00"))
    assert (rated["occupation"]["title"], rated["occupation"]["is_rated"]) == ("Registered Nurses", True)
    assert (unrated["occupation"]["title"], unrated["occupation"]["is_rated"]) == ("Software Developers", False)
    assert (rated["occupation"]["is_predicted"], unrated["occupation"]["is_predicted"]) == (False, True)
    thin = client.get("/occupations/55-1011.00").json()["occupation"]
    assert (thin["is_rated"], thin["is_predicted"]) == (False, False)
    assert "no tasks and no Job Zone" in thin["abstention"]
    assert rated["occupation"]["as_of"] == "2024-08-01"


def test_skills_are_the_ratings_most_important_first(client: httpx.Client, ratings: Ratings):
    answer = client.get("/occupations/29-1141.00/skills").json()
    assert answer["skills"] == [asdict(skill) for skill in ratings.skills("29-1141.00")]
    importances = [skill["importance"] for skill in answer["skills"] if not skill["not_relevant"]]
    assert importances == sorted(importances, reverse=True)
    assert {skill["element_id"] for skill in answer["skills"]} == set(ratings.element_ids)


def test_the_skills_of_an_unrated_occupation_are_predicted_and_say_what_they_lean_on(client: httpx.Client):
    answer = client.get("/occupations/15-1252.00/skills").json()
    assert len(answer["skills"]) == 35
    for skill in answer["skills"]:
        assert (skill["source"], skill["importance"], skill["n"]) == ("llm", None, None)
        assert 0 <= skill["lower"] <= skill["data_value"] <= skill["upper"] <= 7
        assert skill["standard_error"] > 0.1
        assert skill["explanation"].startswith("leans most on ")
    levels = [skill["data_value"] for skill in answer["skills"]]
    assert levels == sorted(levels, reverse=True)
    assert answer["provenance"]["predictions"]["mae_grouped"] == 0.3294


@pytest.mark.parametrize("choice", ["onet", "llm"])
def test_whose_levels_are_shown_is_the_askers_choice(client: httpx.Client, choice: str):
    rated, unrated = (
        client.get(f"/occupations/{code}/skills", params={"ratings": choice}) for code in ("29-1141", "15-1252")
    )
    has, has_not = (rated, unrated) if choice == "onet" else (unrated, rated)
    assert {skill["source"] for skill in has.json()["skills"]} == {"text" if choice == "onet" else "llm"}
    assert (has_not.status_code, has_not.json()["code"]) == (404, "unrated-occupation")
    assert "use the ratings onet+llm" in has_not.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("99-9999.00", 404, "unknown-occupation"),
        ("nurse", 422, "invalid-code"),
        ("99-9999.00/skills", 404, "unknown-occupation"),
        ("55-1011.00/skills", 404, "unrated-occupation"),
        ("..%2f..%2fetc%2fpasswd", 404, "not-found"),
    ],
)
def test_an_occupation_without_an_answer_gets_its_problem(client: httpx.Client, path: str, status: int, code: str):
    answer = client.get(f"/occupations/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


# -- transitions -------------------------------------------------------------------------------------------------------


def test_transitions_are_near_occupations_with_the_gap_of_the_pair(client: httpx.Client):
    answer = client.get("/occupations/29-1141/transitions", params={"limit": 20}).json()
    assert answer["occupation"]["title"] == "Registered Nurses"
    assert [each["rank"] for each in answer["transitions"]] == list(range(1, 21))
    scores = [each["score"] for each in answer["transitions"]]
    assert scores == sorted(scores, reverse=True)
    for each in answer["transitions"][:3]:
        code = each["occupation"]["onet_soc_code"]
        assert code.startswith("29-")
        pair = client.get("/skill-gap", params={"from": "29-1141.00", "to": code}).json()
        assert each["summary"] == pair["summary"]
    assert answer["basis"]["inputs"] == ["skills", "SOC groups", "titles"]
    assert answer["provenance"]["release"] == "29.0"


def test_transitions_pass_the_filters(client: httpx.Client):
    asked = {"major_group": "11", "max_shortfall_percentile": 50, "only_rated": True, "limit": 100}
    found = client.get("/occupations/29-1141.00/transitions", params=asked).json()["transitions"]
    assert found
    for each in found:
        assert each["occupation"]["onet_soc_code"].startswith("11-")
        assert each["occupation"]["is_rated"]
        assert each["summary"]["shortfall_percentile"] <= 50
    # The starter has no Job Zones: an empty list would read as if no occupation were in them.
    answer = client.get("/occupations/29-1141.00/transitions?job_zone=4&job_zone=5")
    assert (answer.status_code, answer.json()["code"]) == (409, "missing-input")
    assert answer.json()["detail"].startswith("No Job Zones are loaded")


def test_a_wrong_value_of_a_list_is_told_by_the_lists_name(client: httpx.Client):
    answer = client.get("/occupations/29-1141.00/transitions?job_zone=4&job_zone=9").json()
    assert [each["parameter"] for each in answer["parameters"]] == ["job_zone"]


def test_transitions_say_how_their_ranks_move_where_asked(client: httpx.Client):
    path = "/occupations/29-1141.00/transitions"
    plain, told = (client.get(path, params={"limit": 15, **asked}).json() for asked in ({}, {"stability": "true"}))
    assert {each["stability"] for each in plain["transitions"]} == {None}
    for one, other in zip(plain["transitions"], told["transitions"], strict=True):
        moves = other.pop("stability")
        assert one == {**other, "stability": None}
        assert moves["rank_lower"] <= moves["rank_upper"]
        assert moves["rank_by_weight"]["importance"] == other["rank"]
    weighed = client.get(path, params={"weight": "none"}).json()
    pair = {"from": "29-1141", "to": weighed["transitions"][0]["occupation"]["onet_soc_code"], "weight": "none"}
    assert weighed["weight"] == "none"
    assert weighed["transitions"][0]["summary"] == client.get("/skill-gap", params=pair).json()["summary"]


@pytest.mark.parametrize(
    ("code", "parameters", "status", "problem"),
    [
        ("99-9999.00", {}, 404, "unknown-occupation"),
        ("55-1011.00", {}, 404, "unrated-occupation"),
        ("nurse", {}, 422, "invalid-code"),
        ("29-1141.00", {"job_zone": "6"}, 422, "invalid-parameter"),
        ("29-1141.00", {"major_group": "1"}, 422, "invalid-parameter"),
        ("29-1141.00", {"limit": "0"}, 422, "invalid-parameter"),
        ("29-1141.00", {"domain": "skils"}, 422, "invalid-parameter"),
        ("29-1141.00", {"domain": "knowledge"}, 404, "unrated-occupation"),
    ],
)
def test_what_has_no_transitions_says_why(
    client: httpx.Client, code: str, parameters: dict[str, str], status: int, problem: str
):
    answer = client.get(f"/occupations/{code}/transitions", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (status, problem)
