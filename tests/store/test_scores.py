"""Scores of models: stored completely or not at all, once, next to other models' scores; the active model is shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from skillgap.errors import NoData
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import make_engine, read
from skillgap.store.loads import LoadReport, Scores, keep_reply, load_release, upsert_scores
from skillgap.store.queries import count_scores, get_scores, get_tables, list_loads, list_models
from skillgap.store.rating_rows import get_data_version, get_ratings_version
from skillgap.store.schema import LLMAbstentions, LLMModels, LLMReplies, LLMSkillScores
from skillgap.store.tables import init_tables
from tests.store.small_releases import CHIEFS, DEVELOPERS, LISTENING, NURSES, READING, RELEASE_A, RELEASE_B, load

FIRST, SECOND = datetime(2026, 11, 1, 12), datetime(2026, 11, 2, 13, 30, 15)
KEY = {"model": "embedded:words", "prompt_version": "kernels-1"}
OTHER = {"model": "openai:some-model", "prompt_version": "levels-1"}
RELEASE = Release("28.3", None)


def score(code: str, element_id: str, level: float, **values: Any) -> dict[str, Any]:
    row = {"onet_soc_code": code, "element_id": element_id, "scale_id": "LV", **KEY, "level": level}
    bounds = {"uncertainty": 0.4321, "lower_ci_bound": level - 1, "upper_ci_bound": level + 1}
    return {**row, **bounds, "data_version": "1-x", "explanation": "leans – «on»", "reply": None, **values}


def scores(*rows: dict[str, Any], thin: dict[str, str] | None = None, at: datetime = FIRST, **model: Any) -> Scores:
    key = {name: rows[0][name] for name in KEY} if rows else KEY
    figures = {"release_number": "28.3", "occupations_judged": 2, "mae_random": 0.3, "mae_grouped": 0.33}
    abstentions = [{"onet_soc_code": code, **key, "reason": reason} for code, reason in (thin or {}).items()]
    row = {**key, **figures, "bias": -0.01, "coverage": 0.94, **model}
    return Scores.of([row], rows, abstentions, scored_at=at)


def store(engine: Engine, given: Scores, *, activate: bool = True) -> LoadReport:
    return upsert_scores(engine, given, release=RELEASE, activate=activate)


def kept(engine: Engine) -> dict[tuple[str, str, str], tuple[float, datetime]]:
    each = LLMSkillScores
    with read(engine) as connection:
        rows = connection.execute(select(each.model, each.onet_soc_code, each.element_id, each.level, each.scored_at))
        return {tuple(row[:3]): tuple(row[3:]) for row in rows}


W = KEY["model"]


def test_scores_are_stored_with_all_that_is_known_of_them(loaded: Engine) -> None:
    given = score(DEVELOPERS, READING, 3.51, reply='{"level": 3.5}')
    report = store(loaded, scores(given, thin={NURSES: "too thin"}))
    assert {change.table: change.changed for change in report.tables} == {
        "LLMModels": 2,  # there, and active
        "LLMSkillScores": 1,
        "LLMAbstentions": 1,
    }
    with read(loaded) as connection:
        model, rows, abstentions = get_scores(connection)
        [record] = list_models(connection)
        last = list_loads(connection)[0]
    assert rows == [{**given, "scored_at": FIRST}]
    assert abstentions == [{"onet_soc_code": NURSES, **KEY, "reason": "too thin"}]
    assert model["mae_grouped"] == record.predictions.mae_grouped == 0.33
    assert (record.is_active, record.occupations) == (True, 1)
    assert (last.source, last.release_number, last.origin) == ("llm", "28.3", "embedded:words kernels-1")


def test_the_same_scores_again_change_nothing_and_keep_their_time(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)))
    with read(loaded) as connection:
        version = get_data_version(connection)
    assert store(loaded, scores(score(DEVELOPERS, READING, 3.51), at=SECOND)).rows_changed == 0
    with read(loaded) as connection:
        assert get_data_version(connection) == version
    assert kept(loaded) == {(W, DEVELOPERS, READING): (3.51, FIRST)}


def test_a_changed_score_is_replaced_and_one_no_longer_given_is_gone(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51), score(DEVELOPERS, LISTENING, 2.0)))
    store(loaded, scores(score(CHIEFS, READING, 4.0)))
    report = store(loaded, scores(score(DEVELOPERS, READING, 3.6), at=SECOND))
    assert report.tables[1].deleted == 1
    assert kept(loaded) == {(W, DEVELOPERS, READING): (3.6, SECOND), (W, CHIEFS, READING): (4.0, FIRST)}


def test_an_occupation_abstained_from_loses_its_scores(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)))
    store(loaded, scores(thin={DEVELOPERS: "too thin"}))
    assert kept(loaded) == {}
    with read(loaded) as connection:
        ratings = get_ratings(connection)
    assert ratings.occupations[DEVELOPERS].abstention == "too thin"
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)))
    with read(loaded) as connection:
        assert connection.execute(select(LLMAbstentions)).first() is None


def test_another_model_adds_rows_and_is_shown_only_when_it_shall_be(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)))

    def shown() -> tuple[str, float]:
        with read(loaded) as connection:
            ratings = get_ratings(connection)
        return ratings.predictions.model, ratings.skills(DEVELOPERS)[0].data_value

    other = scores(score(DEVELOPERS, READING, 4.25, **OTHER))
    store(loaded, other, activate=False)
    assert len(kept(loaded)) == 2
    assert shown() == (W, 3.51)
    with read(loaded) as connection:
        version = get_data_version(connection)
    assert store(loaded, other, activate=True).rows_changed == 1
    assert shown() == (OTHER["model"], 4.25)
    with read(loaded) as connection:
        assert get_data_version(connection) != version, "so that a running service shows it"
        assert [(each.predictions.model, each.is_active) for each in list_models(connection)] == [
            (OTHER["model"], True),
            (W, False),
        ]


def test_the_first_model_is_shown_even_if_nobody_says_so(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)), activate=False)
    with read(loaded) as connection:
        assert list_models(connection)[0].is_active


@pytest.mark.parametrize("nth", range(1, 7))
def test_a_failure_midway_leaves_everything_as_it_was(loaded: Engine, nth: int) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51), score(CHIEFS, READING, 4.0)))
    before = kept(loaded)
    with read(loaded) as connection:
        version = get_data_version(connection)
    seen = 0

    def fail(*arguments: Any) -> None:
        nonlocal seen
        statement = arguments[2].replace('"', "").replace("`", "")
        if statement.startswith(
            ("INSERT INTO LLM", "DELETE FROM LLM", "UPDATE LLM", "INSERT INTO Loads", "INSERT INTO staged")
        ):
            seen += 1
            if seen == nth:
                raise KeyboardInterrupt

    event.listen(loaded, "before_cursor_execute", fail)
    new = scores(score(DEVELOPERS, LISTENING, 2.0, **OTHER), thin={NURSES: "too thin"}, at=SECOND)
    with pytest.raises(KeyboardInterrupt):
        store(loaded, new)
    event.remove(loaded, "before_cursor_execute", fail)
    with read(loaded) as connection:
        assert (get_data_version(connection), len(connection.execute(select(LLMModels)).all())) == (version, 1)
        assert connection.execute(select(LLMAbstentions)).first() is None
    assert kept(loaded) == before
    store(loaded, new)
    assert len(kept(loaded)) == 3


def test_scores_count_for_the_ratings_they_were_fitted_to(loaded: Engine) -> None:
    with read(loaded) as connection:
        version = get_ratings_version(connection)
        assert version == get_data_version(connection)
    store(loaded, scores(score(DEVELOPERS, READING, 3.51, data_version=version)))
    with read(loaded) as connection:
        assert get_ratings_version(connection) == version != get_data_version(connection)
        assert count_scores(connection, **KEY, data_version=version) == {DEVELOPERS: 1}
        assert count_scores(connection, **KEY, data_version="other") == {}
        assert count_scores(connection, **OTHER, data_version=version) == {}


def test_scores_outlive_a_load_but_for_occupations_that_are_gone(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51), score(NURSES, READING, 2.0)))
    load(loaded, RELEASE_B)  # has no nurses
    assert set(kept(loaded)) == {(W, DEVELOPERS, READING)}


def test_scores_come_with_a_release_or_not_at_all(blank: Engine) -> None:
    given = scores(score(DEVELOPERS, READING, 3.51))
    data = {"release": RELEASE_A.release, "origin": "a.zip", "sha256": "a" * 64}

    def fail(*arguments: Any) -> None:
        if "INSERT INTO" in arguments[2] and "LLMModels" in arguments[2]:
            raise KeyboardInterrupt

    event.listen(blank, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        load_release(blank, RELEASE_A.tables, scores=given, **data)
    event.remove(blank, "before_cursor_execute", fail)
    with read(blank) as connection:
        assert get_data_version(connection) == ""
        with pytest.raises(NoData, match="no model has scored anything yet; run `skillgap enrich`"):
            get_scores(connection)
    load_release(blank, RELEASE_A.tables, scores=given, **data)
    with read(blank) as connection:
        assert get_ratings(connection).occupations[DEVELOPERS].is_predicted


def test_recreating_the_scores_is_a_change(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51)))
    with read(loaded) as connection:
        version = get_data_version(connection)
    init_tables(loaded, recreate=["LLMSkillScores"])
    with read(loaded) as connection:
        assert get_data_version(connection) != version
        assert not get_ratings(connection).occupations[DEVELOPERS].is_predicted


def test_the_tables_that_models_are_told_hold_analysts_levels_only(loaded: Engine) -> None:
    store(loaded, scores(score(DEVELOPERS, READING, 3.51), score(CHIEFS, READING, 6.9)))
    with read(loaded) as connection:
        tables = get_tables(connection)
    levels = {tuple(row[:2]): row[3] for row in tables["Skills"].itertuples(index=False)}
    assert levels == {
        (CHIEFS, READING): 4.62,
        (CHIEFS, LISTENING): 4.88,
        (NURSES, READING): 1.25,
        (NURSES, LISTENING): 4.0,
    }


# -- replies ----------------------------------------------------------------------------------------------------------


def reply(number: int = 0, **values: Any) -> dict[str, Any]:
    spent = {"input_tokens": 100, "output_tokens": 10, "seconds": 0.25}
    row = {"request_sha256": f"{number:064}", **OTHER, "onet_soc_code": DEVELOPERS, "element_id": None}
    return {**row, "reply": "first", "error": None, **spent, **values}


def kept_replies(engine: Engine) -> list[tuple[Any, ...]]:
    each = LLMReplies
    query = select(each.reply, each.error, each.input_tokens, each.output_tokens, each.seconds)
    with read(engine) as connection:
        return sorted(tuple(row) for row in connection.execute(query))


def test_tokens_of_replies_to_one_request_add_up(blank: Engine) -> None:
    keep_reply(blank, reply(reply="no", error="not JSON"))
    keep_reply(blank, reply(reply="yes", input_tokens=7, output_tokens=3, seconds=1.5))
    assert kept_replies(blank) == [("yes", None, 107, 13, 1.75)]


def test_an_invalid_reply_does_not_replace_a_valid_one(blank: Engine) -> None:
    keep_reply(blank, reply())
    keep_reply(blank, reply(reply="no", error="not JSON"))
    assert kept_replies(blank) == [("first", None, 200, 20, 0.5)]
    keep_reply(blank, reply(reply="second"))
    assert kept_replies(blank) == [("second", None, 300, 30, 0.75)]


@pytest.mark.slow
def test_replies_that_many_keep_at_once_are_all_counted(blank: Engine, database_url: str) -> None:
    start = threading.Barrier(4, timeout=60)

    def keep_all(writer: int) -> None:
        engine = make_engine(database_url)
        start.wait()
        for number in range(40):
            keep_reply(engine, reply(number, input_tokens=10**writer, seconds=0.001))
        engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep_all, range(4)))
    assert kept_replies(blank) == [("first", None, 1111, 40, 0.004)] * 40
