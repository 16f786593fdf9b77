"""The views choose between text, Web Services and language model, and give one row per key."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Date, DateTime, Engine, column, inspect, select, table, text

from skillgap.onet.releases import Release
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read
from skillgap.store.queries import count_skills_by_source
from tests.store.small_releases import (
    ACTIVE_MODEL,
    CHIEFS,
    CLERKS,
    DEVELOPERS,
    FETCHED,
    NURSES,
    READING,
    RELEASE_A,
    add,
    api_skill,
    changed,
    llm_score,
    load,
)

EARLY, MIDDLE, LATE = date(2019, 7, 1), date(2021, 8, 1), date(2024, 8, 1)
OLD_MODEL = {"model": "old", "prompt_version": "1", "is_active": None}
RATING = [
    name for name in RELEASE_A.tables["Skills"].columns if name not in ("onet_soc_code", "element_id", "scale_id")
]


def view_rows(engine: Engine, name: str) -> list[dict[str, Any]]:
    """Return all columns of a view; numbers as floats, which MySQL gives as decimals, and dates, SQLite's as texts."""
    names = [each["name"] for each in inspect(engine).get_columns(name)]
    types = {"date_updated": Date, "as_of": Date, "llm_scored_at": DateTime}
    columns = [column(each, types.get(each)) for each in names]
    with read(engine) as connection:
        rows = connection.execute(select(*columns).select_from(table(name))).all()
    return [
        {key: float(value) if isinstance(value, Decimal) else value for key, value in zip(names, row, strict=True)}
        for row in rows
    ]


def skills_by_key(engine: Engine) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = view_rows(engine, "SkillsView")
    by_key = {(row["onet_soc_code"], row["element_id"], row["scale_id"]): row for row in rows}
    assert len(by_key) == len(rows), "one row per occupation, element and scale"
    return by_key


# -- SkillsView, worked by hand -----------------------------------------------------------------------------------

TEXT, API = 4.0, 2.0
CASES = {
    # name: (text row, Web Services row, scores by model) -> (source, data_value, llm_data_value)
    "text only": (({"date_updated": EARLY}, None, {}), ("text", TEXT, None)),
    "api only": ((None, {"date_updated": EARLY}, {}), ("api", API, None)),
    "api newer": (({"date_updated": EARLY}, {"date_updated": LATE}, {}), ("api", API, None)),
    "api older": (({"date_updated": LATE}, {"date_updated": EARLY}, {}), ("text", TEXT, None)),
    "same date": (({"date_updated": LATE}, {"date_updated": LATE}, {}), ("text", TEXT, None)),
    "api without date": (({"date_updated": EARLY}, {"date_updated": None}, {}), ("text", TEXT, None)),
    "text without date": (({"date_updated": None}, {"date_updated": LATE}, {}), ("text", TEXT, None)),
    "both without date": (({"date_updated": None}, {"date_updated": None}, {}), ("text", TEXT, None)),
    "api newer without value": (
        ({"date_updated": EARLY}, {"date_updated": LATE, "data_value": None}, {}),
        ("api", None, None),
    ),
    "model only": ((None, None, {"smollm2": 3.5}), ("llm", None, 3.5)),
    "model beside text": (({"date_updated": EARLY}, None, {"smollm2": 3.5}), ("text", TEXT, 3.5)),
    "model beside api": ((None, {"date_updated": None}, {"smollm2": 3.5}), ("api", API, 3.5)),
    "model beside both": (
        ({"date_updated": EARLY}, {"date_updated": LATE}, {"smollm2": 3.5}),
        ("api", API, 3.5),
    ),
    "inactive model beside text": (({"date_updated": EARLY}, None, {"old": 1.5}), ("text", TEXT, None)),
    "two models": ((None, None, {"old": 1.5, "smollm2": 3.5}), ("llm", None, 3.5)),
}


def with_elements(count: int) -> tuple[OnetData, list[str]]:
    """Return RELEASE_A with no ratings and that many elements, and their ids."""
    ids = [f"2.A.1.{number:04d}" for number in range(count)]
    elements = pd.DataFrame({"element_id": ids, "element_name": [f"Skill {each}" for each in ids], "description": None})
    return changed(
        RELEASE_A,
        Elements=elements.astype(RELEASE_A.tables["Elements"].dtypes.to_dict()),
        Skills=RELEASE_A.tables["Skills"].iloc[:0],
    ), ids


def add_case(rows: dict[str, list[dict[str, Any]]], key: tuple[str, str, str], case: Any) -> None:
    in_text, in_api, scores = case
    if in_text is not None:
        row = {"element_name": "Text name", "data_value": TEXT, **in_text}
        rows["Skills"].append(dict(zip(("onet_soc_code", "element_id", "scale_id"), key, strict=True), **row))
    if in_api is not None:
        rows["OnetApiSkillsData"].append(api_skill(*key, **{"data_value": API, **in_api}))
    for model, level in scores.items():
        rows["LLMSkillScores"].append(llm_score(key[0], key[1], model=model, level=level))


def no_rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "OnetApiOccupationData": [],
        "LLMModels": [ACTIVE_MODEL, OLD_MODEL],
        "Skills": [],
        "OnetApiSkillsData": [],
        "LLMSkillScores": [],
    }


def test_each_case_has_the_right_winner_with_its_source(blank: Engine) -> None:
    data, element_ids = with_elements(len(CASES) + 1)
    load(blank, data)
    rows = no_rows()
    rows["OnetApiOccupationData"].append({"onet_soc_code": CHIEFS, "title": "Chiefs", **FETCHED})
    for element_id, (case, _) in zip(element_ids, CASES.values(), strict=False):
        add_case(rows, (CHIEFS, element_id, "LV"), case)
    add_case(rows, (CHIEFS, element_ids[-1], "LV"), (None, None, {"old": 1.5}))  # an inactive model alone: no row
    add(blank, rows)

    found = skills_by_key(blank)
    names = dict(zip(element_ids, CASES, strict=False))
    assert {
        names[element_id]: (row["source"], row["data_value"], row["llm_data_value"])
        for (_, element_id, _), row in found.items()
    } == {name: expected for name, (_, expected) in CASES.items()}


def test_the_winner_brings_its_own_flags_and_nothing_of_the_other(loaded: Engine) -> None:
    newer = {"recommend_suppress": "N", "not_relevant": "N", "date_updated": LATE, "n": None}
    older = {"recommend_suppress": "N", "not_relevant": "Y", "date_updated": EARLY, "n": 3}
    occupations = [{"onet_soc_code": code, "title": "-", **FETCHED} for code in (CHIEFS, NURSES)]
    ratings = [
        api_skill(NURSES, READING, **newer),
        api_skill(CHIEFS, READING, **{**older, "date_updated": date(2014, 1, 1)}),
    ]
    add(loaded, {"OnetApiOccupationData": occupations, "OnetApiSkillsData": ratings})

    found = skills_by_key(loaded)
    nurses, chiefs = found[NURSES, READING, "LV"], found[CHIEFS, READING, "LV"]
    assert {name: nurses[name] for name in RATING} == {
        **dict.fromkeys(RATING),  # what the Web Services do not give is missing, not borrowed from the text release
        "element_name": "API name",
        "data_value": 2.0,
        "recommend_suppress": "N",
        "not_relevant": "N",
        "date_updated": LATE,
    }
    assert {name: chiefs[name] for name in RATING} == {
        "element_name": "Reading Comprehension",
        "data_value": 4.62,
        "n": 8,
        "standard_error": 0.183,
        "lower_ci_bound": 4.27,
        "upper_ci_bound": 4.98,
        "recommend_suppress": "N",
        "not_relevant": "N",
        "date_updated": date(2014, 7, 1),
        "domain_source": "Analyst",
    }


def test_a_scored_skill_takes_its_name_from_the_elements(loaded: Engine) -> None:
    add(loaded, {"LLMModels": [ACTIVE_MODEL], "LLMSkillScores": [llm_score(DEVELOPERS, READING, uncertainty=0.75)]})
    row = skills_by_key(loaded)[DEVELOPERS, READING, "LV"]
    given = {name: value for name, value in row.items() if value is not None}
    assert given == {
        "onet_soc_code": DEVELOPERS,
        "element_id": READING,
        "scale_id": "LV",
        "element_name": "Reading Comprehension",
        "source": "llm",
        "llm_data_value": 3.5,
        "llm_uncertainty": 0.75,
        "llm_lower_ci_bound": 2.5,
        "llm_upper_ci_bound": 4.5,
        "llm_scored_at": datetime(2024, 9, 2),
    }


def test_importance_has_no_score_of_a_model_beside_it(loaded: Engine) -> None:
    add(loaded, {"LLMModels": [ACTIVE_MODEL], "LLMSkillScores": [llm_score(CHIEFS, READING)]})
    found = skills_by_key(loaded)
    assert found[CHIEFS, READING, "LV"]["llm_data_value"] == 3.5
    assert found[CHIEFS, READING, "IM"]["llm_data_value"] is None


def test_activating_another_model_changes_whose_scores_are_shown(loaded: Engine) -> None:
    scores = [llm_score(CHIEFS, READING), llm_score(CHIEFS, READING, model="old", level=1.5)]
    add(loaded, {"LLMModels": [ACTIVE_MODEL, OLD_MODEL], "LLMSkillScores": scores})
    with loaded.begin() as connection:
        connection.execute(text("UPDATE LLMModels SET is_active = NULL WHERE model = 'smollm2'"))
        connection.execute(text("UPDATE LLMModels SET is_active = 1 WHERE model = 'old'"))
    assert skills_by_key(loaded)[CHIEFS, READING, "LV"]["llm_data_value"] == 1.5


# -- SkillsView against a merge in plain Python -------------------------------------------------------------------


def merged(rows: dict[str, list[dict[str, Any]]], names: dict[str, str]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Merge the three sources as the view's header says."""

    def by_key(records: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
        return {(row["onet_soc_code"], row["element_id"], row["scale_id"]): row for row in records}

    texts, apis = by_key(rows["Skills"]), by_key(rows["OnetApiSkillsData"])
    scores = by_key(row for row in rows["LLMSkillScores"] if row["model"] == ACTIVE_MODEL["model"])
    out = {}
    for key in texts.keys() | apis.keys() | scores.keys():
        in_text, in_api, score = texts.get(key), apis.get(key), scores.get(key, {})
        if in_text and in_api:
            text_date, api_date = in_text.get("date_updated"), in_api.get("date_updated")
            source = "api" if text_date and api_date and api_date > text_date else "text"
        else:
            source = "text" if in_text else "api" if in_api else "llm"
        winner = {"text": in_text, "api": in_api, "llm": {"element_name": names[key[1]]}}[source] or {}
        out[key] = {
            **dict(zip(("onet_soc_code", "element_id", "scale_id"), key, strict=True)),
            **{name: winner.get(name) for name in RATING},
            "source": source,
            "llm_data_value": score.get("level"),
            "llm_uncertainty": score.get("uncertainty"),
            "llm_lower_ci_bound": score.get("lower_ci_bound"),
            "llm_upper_ci_bound": score.get("upper_ci_bound"),
            "llm_explanation": score.get("explanation"),
            "llm_scored_at": score.get("scored_at"),
        }
    return out


def random_rating(chance: random.Random, day: date | None) -> dict[str, Any]:
    return {
        "data_value": chance.choice([None, 0.0, round(chance.uniform(0, 7), 2)]),
        "n": chance.choice([None, 0, 8]),
        "standard_error": chance.choice([None, 0.0, 0.1234]),
        "lower_ci_bound": chance.choice([None, -1.0, 2.5]),
        "upper_ci_bound": chance.choice([None, 3.5]),
        "recommend_suppress": chance.choice([None, "Y", "N"]),
        "not_relevant": chance.choice([None, "Y", "N"]),
        "date_updated": day,
        "domain_source": chance.choice([None, "Analyst"]),
    }


@pytest.mark.parametrize("seed", range(3))
def test_every_combination_of_sources_equals_a_plain_merge(blank: Engine, seed: int) -> None:
    chance = random.Random(seed)
    absent = "absent"
    days = [absent, None, EARLY, MIDDLE, LATE]
    models = [(), ("smollm2",), ("old",), ("old", "smollm2")]
    combinations = list(itertools.product(days, days, models, ["LV", "IM"]))
    chance.shuffle(combinations)
    data, element_ids = with_elements(len(combinations) // 3 + 1)
    load(blank, data)
    keys = itertools.product([CHIEFS, DEVELOPERS, NURSES], element_ids)
    rows = no_rows()
    rows["OnetApiOccupationData"] = [
        {"onet_soc_code": code, "title": "-", **FETCHED} for code in (CHIEFS, DEVELOPERS, NURSES)
    ]
    for (code, element_id), (text_day, api_day, who, scale_id) in zip(keys, combinations, strict=False):
        case = [None if day == absent else random_rating(chance, day) for day in (text_day, api_day)]
        scores = {model: round(chance.uniform(0, 7), 4) for model in who}
        add_case(rows, (code, element_id, scale_id), (*case, scores if scale_id == "LV" else {}))
    add(blank, rows)

    names = dict(zip(data.tables["Elements"]["element_id"], data.tables["Elements"]["element_name"], strict=True))
    expected = merged(rows, names)
    assert skills_by_key(blank) == expected
    with read(blank) as connection:
        counts = count_skills_by_source(connection)
    sources = [row["source"] for row in expected.values()]
    assert counts == {source: sources.count(source) for source in ("api", "llm", "text")}


# -- OccupationsView ----------------------------------------------------------------------------------------------

PUBLISHED = date(2024, 5, 1)
"""RELEASE_A's."""


def fetched(day: date) -> dict[str, Any]:
    return {**FETCHED, "fetched_at": datetime.combine(day, time(23, 59, 59))}


def occupations(engine: Engine) -> dict[str, tuple[Any, ...]]:
    rows = view_rows(engine, "OccupationsView")
    by_code = {row["onet_soc_code"]: tuple(row.values())[1:] for row in rows}
    assert len(by_code) == len(rows), "one row per occupation"
    return by_code


def test_occupations_of_the_text_release_alone_carry_its_date(shared: Engine) -> None:
    assert occupations(shared) == {
        CHIEFS: ("Chief Executives", "Determine and formulate policies.", "text", PUBLISHED),
        DEVELOPERS: ("Software Developers", None, "text", PUBLISHED),
        NURSES: ("Registered Nurses", "Assess patients’ health; «soins».", "text", PUBLISHED),
    }


@pytest.mark.parametrize(
    ("day", "source", "title", "description"),
    [
        (date(2024, 5, 2), "api", "Engineers", "From the API."),
        (date(2024, 5, 1), "text", "Software Developers", "From the API."),  # the winner lacks it
        (date(2024, 4, 30), "text", "Software Developers", "From the API."),
    ],
)
def test_the_later_source_of_an_occupation_wins(
    loaded: Engine, day: date, source: str, title: str, description: str
) -> None:
    row = {"onet_soc_code": DEVELOPERS, "title": "Engineers", "description": "From the API.", **fetched(day)}
    add(loaded, {"OnetApiOccupationData": [row]})
    as_of = day if source == "api" else PUBLISHED
    assert occupations(loaded)[DEVELOPERS] == (title, description, source, as_of)


def test_an_occupation_of_the_api_alone_is_there_with_the_day_of_its_fetch(loaded: Engine) -> None:
    add(loaded, {"OnetApiOccupationData": [{"onet_soc_code": CLERKS, "title": "Clerks", **fetched(EARLY)}]})
    assert occupations(loaded)[CLERKS] == ("Clerks", None, "api", EARLY)
    assert len(occupations(loaded)) == 4


def test_a_later_api_occupation_without_description_keeps_that_of_the_text(loaded: Engine) -> None:
    add(loaded, {"OnetApiOccupationData": [{"onet_soc_code": CHIEFS, "title": "Chiefs", **fetched(LATE)}]})
    assert occupations(loaded)[CHIEFS] == ("Chiefs", "Determine and formulate policies.", "api", LATE)


def test_a_release_without_date_wins_over_the_api(blank: Engine) -> None:
    load(blank, replace(RELEASE_A, release=Release("28.3", None)))
    add(blank, {"OnetApiOccupationData": [{"onet_soc_code": CHIEFS, "title": "Chiefs", **fetched(LATE)}]})
    assert occupations(blank)[CHIEFS] == ("Chief Executives", "Determine and formulate policies.", "text", None)


def test_the_date_is_that_of_the_last_text_load_not_of_another_source(loaded: Engine) -> None:
    load(loaded, replace(RELEASE_A, release=Release("29.0", LATE)))
    other = {"source": "api", "release_number": "2.0", "release_date": EARLY, "origin": "x", "row_counts": {}}
    moment = datetime(2024, 9, 1)
    add(loaded, {"Loads": [{**other, "started_at": moment, "finished_at": moment, "rows_changed": 0}]})
    assert {row[-1] for row in occupations(loaded).values()} == {LATE}
