"""Generative models against a real server on loopback: every kind of reply, limits, keys; no reply paid twice."""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.usage import RequestUsage
from sqlalchemy import text as sql

from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    ModelRefusesCredentials,
    ModelUnavailable,
    RepliesInvalid,
)
from skillgap.llm.generative.model import GenerativeModel
from skillgap.llm.generative.prompt import read_prompt
from skillgap.llm.generative.providers import LOCAL, find_generative
from skillgap.llm.generative.replies import RawLevel, read_levels_reply
from skillgap.llm.generative.reply_store import Reply
from skillgap.llm.generative.requests import FailedRequest, Limits
from skillgap.llm.generative.usage import Usage
from skillgap.llm.training_data import Skill
from skillgap.nodes.find_profiler import StoredReplies
from skillgap.store.engine import make_engine, read, write
from skillgap.store.tables import init_tables
from tests.llm.fake_model_server import Answer, FakeModelServer

KEY = "sk-very-secret-0123456789"
SKILLS = (
    Skill("2.A.1.a", "Reading Comprehension", "Understanding texts.", ((2, "a form"), (6, "a journal"))),
    Skill("2.B.3.e", "Programming", "", ()),
)


def profile(code: str = "15-1252.00", **given: Any) -> Profile:
    known = {"title": f"Title of {code}", "description": "Makes things.", "tasks": ("Do this.", "Do that.")}
    return Profile(
        code,
        **{**known, **given},
        alternate_titles=(),
        reported_titles=(),
        technologies=(),
        job_zone=4,
        interests=None,
        related={},
    )


class Kept:
    """Replies in memory, as the database keeps them."""

    def __init__(self) -> None:
        self.valid: dict[str, Reply] = {}
        self.all: list[Reply] = []
        self.spoken_of: list[dict[str, Any]] = []

    def get(self, request_sha256: str) -> Reply | None:
        return self.valid.get(request_sha256)

    def put(self, request_sha256: str, reply: Reply, **spoken_of: Any) -> None:
        self.all.append(reply)
        self.spoken_of.append(spoken_of)
        if reply.error is None:
            self.valid[request_sha256] = reply


def said(reading: object = 4.5, programming: object = 2, **more: object) -> str:
    levels = {"2.A.1.a": reading, "2.B.3.e": programming, **more}
    return json.dumps({key: {"level": level, "explanation": f"as work asks {key}"} for key, level in levels.items()})


@pytest.fixture
def server() -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        yield server


def model(server: FakeModelServer, prompt: str = "levels-1", **limits: Any) -> GenerativeModel:
    settings = {"requests_per_minute": 60_000.0, "timeout": 5.0, "attempts": 2, **limits}
    return find_generative(
        "openai:some-model", prompt_version=prompt, base_url=server.url, api_key=KEY, limits=Limits(**settings)
    )


def ask(asked: GenerativeModel, kept: Kept, *profiles: Profile, skills: tuple[Skill, ...] = SKILLS) -> list[Any]:
    return asyncio.run(asked.ask(profiles or [profile()], skills, kept))


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_the_prompt_tells_all_that_is_known_and_how_to_answer(server: FakeModelServer):
    server.queue = [Answer(said())]
    ask(model(server), Kept())
    [request] = server.requests
    text = "\n".join(message["content"] for message in request["messages"])
    for words in (
        "Title of 15-1252.00",
        "Makes things.",
        "- Do this.",
        "2.A.1.a",
        "Understanding texts.",
        "6: a journal",
    ):
        assert words in text
    assert request["temperature"] == 0
    assert request["messages"][0]["role"] == "system"
    assert server.keys == [f"Bearer {KEY}"]


def test_what_is_not_known_of_an_occupation_leaves_no_placeholder(server: FakeModelServer):
    server.queue = [Answer(said())]
    ask(model(server), Kept(), profile(tasks=(), description=""))
    text = server.requests[0]["messages"][-1]["content"]
    assert "(not known)" in text
    assert "$" not in text


def test_every_prompt_is_read_and_an_unknown_one_refused():
    for version, single in (("levels-1", False), ("digit-1", True)):
        prompt = read_prompt(version)
        assert prompt.is_digit is single
        assert "$title" in prompt.template
        assert "$skills" in prompt.template
    with pytest.raises(ConfigurationError, match="no prompt levels-9; available prompts: digit-1, levels-1"):
        read_prompt("levels-9")


# -- what is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", ["{}", "```json\n{}\n```", "Here you are:\n```\n{}\n```\n"])
def test_a_valid_reply_gives_a_level_and_an_explanation_of_each_skill(server: FakeModelServer, wrapped: str):
    server.queue = [Answer(wrapped.replace("{}", said(4.5, 2, **{"9.Z": 1})))]
    kept = Kept()
    found = ask(model(server), kept)
    assert [(each.element_id, each.level, each.explanation) for each in found] == [
        ("2.A.1.a", 4.5, "as work asks 2.A.1.a"),
        ("2.B.3.e", 2.0, "as work asks 2.B.3.e"),
    ]
    assert json.loads(found[0].reply) == {"2.A.1.a": {"level": 4.5, "explanation": "as work asks 2.A.1.a"}}
    assert [(reply.error, reply.input_tokens, reply.output_tokens) for reply in kept.all] == [(None, 100, 10)]
    about = {"model": "openai:some-model", "prompt_version": "levels-1", "onet_soc_code": "15-1252.00"}
    assert kept.spoken_of == [{**about, "element_id": None}]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (said(8), "2.A.1.a.level: Input should be less than or equal to 7"),
        (said(-1), "greater than or equal to 0"),
        (said("high"), "2.A.1.a.level: Input should be a valid number"),
        (said(None), "valid number"),
        ("Reading: 4, Programming: 2", "no JSON object with the ids of the skills"),
        (said()[:40], "no valid JSON: Expecting"),
        (json.dumps({"2.A.1.a": {"level": 4, "explanation": "x"}}), "no level of 2.B.3.e"),
        (
            json.dumps({"2.A.1.a": {"level": 4}, "2.B.3.e": {"level": 4, "explanation": ""}}),
            "explanation: Field required",
        ),
        ("[1, 2]", "no JSON object"),
        ('{"2.A.1.a": {"level": NaN, "explanation": "x"}}', "NaN is not a JSON number"),
        ("", "no JSON object"),
    ],
)
def test_an_invalid_reply_is_kept_told_why_and_asked_for_again(server: FakeModelServer, text: str, error: str):
    server.queue = [Answer(text), Answer(said())]
    kept = Kept()
    found = ask(model(server), kept)
    assert [each.level for each in found] == [4.5, 2.0]
    assert [reply.text for reply in kept.all] == [text, said()]
    assert error in kept.all[0].error
    again = server.requests[1]["messages"]
    assert error in again[-1]["content"]
    assert [message["role"] for message in again] == ["system", "user", *(["assistant"] if text else []), "user"]


TWO_LEVELS = [("2.A.1.a", 4.5, "as work asks 2.A.1.a"), ("2.B.3.e", 2.0, "as work asks 2.B.3.e")]
LISTED = [{"element_id": key, "level": level, "explanation": why} for key, level, why in TWO_LEVELS]
DRAFT = said(1, 1)


@pytest.mark.parametrize(
    "text",
    [
        f"Sure! Here are the levels you asked for:\n\n{said()}\n\nLet me know {{if}} you need [more].",
        f"```JSON\n{said()}\n```",
        f"```json\n{said()}",
        f"~~~\n{said()}\n~~~",
        f"\ufeff{said()}",
        said(comment="all judged by the tasks").replace('"level": "all judged by the tasks", ', ""),
        json.dumps({**json.loads(said()), "note": "done", "confidence": 0.9, "model": None, "tags": ["a"]}),
        said().replace('"explanation"', '"confidence": 0.8, "explanation"'),
        json.dumps([json.loads(said())]),
        json.dumps([{key: value} for key, value in json.loads(said()).items()]),
        json.dumps(LISTED),
        json.dumps({"skills": LISTED}),
        "\n".join(map(json.dumps, LISTED)),
        json.dumps({"levels": json.loads(said())}),
        json.dumps({"answer": {"levels": json.loads(said())}, "done": True}),
        said().replace('"2.A.1.a"', '"2.A.1.a Reading Comprehension"', 1),
        said().replace('"2.B.3.e":', '"programming":', 1),
        said("4.5", "2"),
        f"<think>First {DRAFT}, or rather</think>\n{said()}",
        f"First {DRAFT}, or rather\n</think>\n\n{said()}",
        f'<Thinking>{{"2.A.1.a": </Thinking>{said()}<thinking>done? {DRAFT}</thinking>',
        f'```json\n{{"2.A.1.a": {{"level": 4,}}}}\n```\nCorrected:\n```json\n{said()}\n```',
        f'```json\n{{"2.A.1.a": {{"level": 4, "explanation": "cut\n```\nAgain:\n```json\n{said()}\n```',
        f"```text\n[an example] {{id: level}}\n```\n```json\n{said()}\n```",
        f"{said()}\n\nOnce more: {said()}",
        said().replace('{"2.A', '{"2.B.3.e": {"level": 2, "explanation": "as work asks 2.B.3.e"}, "2.A', 1),
    ],
)
def test_what_stands_around_an_unambiguous_answer_does_not_matter(text: str):
    found = read_levels_reply(text, profile(), SKILLS)
    assert [(each.element_id, each.level, each.explanation) for each in found] == TWO_LEVELS


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"{said()} or {said(5)}", "two different answers for 2.A.1.a"),
        (json.dumps([json.loads(said()), json.loads(said(4.5, 3))]), "two different answers for 2.B.3.e"),
        (json.dumps({"draft": json.loads(DRAFT), "final": json.loads(said())}), "two different answers"),
        (said().replace('{"2.A', '{"2.A.1.a": {"level": 1, "explanation": "x"}, "2.A', 1), "two different values"),
        (said().replace('"level": 4.5', '"level": 1, "level": 4.5'), "the key 'level' has two different values"),
        (said()[:-1] + ",}", "no valid JSON"),
        (said().replace("}, ", ",}, "), "no valid JSON"),
        (said().replace('"', "'"), "no JSON object"),
        (said().replace("4.5", "4.5 // high"), "no valid JSON"),
        (said()[:-1], "no valid JSON"),
        (f"<think>{said()}", "no JSON object"),
        (f"<think>{said()}</think>", "no JSON object"),
        (said().replace("4.5", "Infinity"), "Infinity is not a JSON number"),
        (said().replace("4.5", "1e999"), "2.A.1.a.level: Input should be a finite number"),
        (said("nan"), "2.A.1.a.level"),
        (said("4,5"), "2.A.1.a.level: Input should be a valid number"),
        (said("4/7"), "2.A.1.a.level"),
        (said(True), "2.A.1.a.level"),
        (said([4.5]), "2.A.1.a.level"),
        (said().replace("as work asks 2.A.1.a", "  "), "2.A.1.a.explanation"),
        (json.dumps({"2.A.1.a": 4.5, "2.B.3.e": 2}), "2.A.1.a: Input should be"),
        (json.dumps({"2.A.1.b": json.loads(said())["2.A.1.a"]}), "no JSON object with the ids"),
        (json.dumps(LISTED[:1]), "no level of 2.B.3.e"),
        (json.dumps(said()), "no JSON object|no valid JSON"),
        ("[" * 100_000, "no|nested"),
        ('{"2.A.1.a":' * 100_000, "nested too deeply"),
        (said().replace("4.5", "9" * 5_000), "."),
    ],
)
def test_what_is_ambiguous_or_not_json_is_refused(text: str, error: str):
    with pytest.raises(ValueError, match=error):
        read_levels_reply(text, profile(), SKILLS)


def test_a_run_whose_replies_stay_invalid_stops_and_says_what_was_paid_for(server: FakeModelServer):
    server.reply = lambda request: Answer(f"I cannot tell ({len(request['messages'])}).")
    asked, kept = model(server, attempts=3, concurrency=4, most_invalid_replies=6), Kept()
    with pytest.raises(RepliesInvalid) as stopped:
        ask(asked, kept, *(profile(f"15-{i:04}.00") for i in range(60)))
    assert 6 <= len(server.requests) <= 16, "4 at once, of which one in three is a first reply"
    said_of_it = str(stopped.value)
    assert f"{len(kept.all)} replies were paid for ({110 * len(kept.all)} tokens)" in said_of_it.replace(",", "")
    assert "6 replies in a row cannot be read" in said_of_it
    assert stopped.value.reply in said_of_it
    assert stopped.value.reply in [reply.text for reply in kept.all]
    assert all(reply.error for reply in kept.all)


NO_COMPLETIONS = {
    "a gateway's page": Answer(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    "a list": Answer(body=b"[]"),
    "an error with status 200": Answer(body=b'{"error": "overloaded"}'),
    "no choices": Answer(body=b'{"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'),
}


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_COMPLETIONS.values(), ids=NO_COMPLETIONS)
def test_an_answer_without_a_chat_completion_is_a_failure_of_the_server(server: FakeModelServer, answer: Answer):
    server.queue = [answer, Answer(said())]
    found = ask(model(server, concurrency=1), Kept(), profile(), profile("15-1253.00"))
    assert found[0].reason == "the model's server failed (no chat completion)"
    assert [(each.onet_soc_code, each.level) for each in found[1:]] == [("15-1253.00", 4.5), ("15-1253.00", 2.0)]
    server.reply = lambda _: answer
    with pytest.raises(ModelUnavailable, match=r"failed 5 times in a row, the last time with no chat completion"):
        ask(model(server), Kept(), *(profile(f"15-{i:04}.00") for i in range(9)))


def test_half_a_character_in_a_reply_is_replaced_before_it_is_stored_or_sent_again(
    server: FakeModelServer, tmp_path: Path
):
    """A server that cuts a token in JSON's escapes sends a lone surrogate, which UTF-8 cannot encode."""
    engine = make_engine(f"sqlite:///{tmp_path}/kept.db")
    init_tables(engine)
    server.queue = [Answer("Which form? \ud83d"), Answer(f"{said()} \ud83d\ude00 \udc00")]
    assert [each.level for each in ask(model(server), StoredReplies(engine))] == [4.5, 2.0]
    assert "Which form? \ufffd" in [each["content"] for each in server.requests[1]["messages"]]
    with read(engine) as connection:
        assert connection.scalars(sql("SELECT reply FROM LLMReplies")).all() == [f"{said()} \U0001f600 \ufffd"]
    engine.dispose()


def test_a_model_that_heeds_the_second_request_is_never_stopped(server: FakeModelServer):
    server.reply = lambda request: Answer(said() if len(request["messages"]) > 2 else "Which form?")
    kept = Kept()
    profiles = [profile(f"15-{i:04}.00") for i in range(40)]
    found = ask(model(server, attempts=2, concurrency=16, most_invalid_replies=1), kept, *profiles)
    assert [type(each) for each in found] == [RawLevel] * 80
    assert len(kept.all) == len(server.requests) == 80


@pytest.mark.slow
def test_valid_replies_between_invalid_ones_keep_a_run_going(server: FakeModelServer):
    profiles = [profile(f"15-{i:04}.00") for i in range(12)]
    good = {each.title for each in profiles[2::3]}
    server.reply = lambda request: Answer(
        said() if any(title in request["messages"][1]["content"] for title in good) else "No."
    )
    found = ask(model(server, attempts=2, concurrency=1, most_invalid_replies=3), Kept(), *profiles)
    assert [type(each) for each in found].count(FailedRequest) == 8


def test_a_kept_reply_that_is_not_read_any_more_is_asked_for_again(server: FakeModelServer):
    server.queue = [Answer(said())]
    kept = Kept()
    ask(model(server), kept)
    kept.valid = {key: replace(reply, text=f"{said()} or {said(5)}") for key, reply in kept.valid.items()}
    server.queue = [Answer(said(3))]
    assert [each.level for each in ask(model(server), kept)] == [3.0, 2.0]


class Stuck(Kept):
    """Replies in a database that blocks until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_free = threading.Event()

    def put(self, request_sha256: str, reply: Reply, **spoken_of: Any) -> None:
        assert self.is_free.wait(60)
        super().put(request_sha256, reply, **spoken_of)


def test_a_database_that_takes_nothing_for_a_while_stops_no_other_reply(server: FakeModelServer):
    kept = Stuck()

    def reply(_: dict[str, Any]) -> Answer:
        if len(server.requests) == 12:  # more than are asked for at once: the loop reads replies meanwhile
            kept.is_free.set()
        return Answer(said())

    server.reply = reply
    profiles = [profile(f"15-{i:04}.00") for i in range(12)]
    assert len(ask(model(server, concurrency=2), kept, *profiles)) == 24
    assert len(kept.valid) == 12


def test_a_locked_sqlite_file_stops_no_other_reply(server: FakeModelServer, tmp_path: Path):
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    init_tables(engine)
    is_locked, is_free = threading.Event(), threading.Event()

    def hold() -> None:
        with write(engine) as connection:
            connection.execute(sql("UPDATE Loads SET origin = 'x'"))
            is_locked.set()
            assert is_free.wait(60)

    def reply(_: dict[str, Any]) -> Answer:
        if len(server.requests) == 12:
            is_free.set()
        return Answer(said())

    server.reply = reply
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert is_locked.wait(60)
        ask(model(server, concurrency=2), StoredReplies(engine), *(profile(f"15-{i:04}.00") for i in range(12)))
        holding.result()
    with read(engine) as connection:
        kept = connection.execute(sql("SELECT count(*), sum(input_tokens) FROM LLMReplies WHERE error IS NULL")).one()
    assert tuple(kept) == (12, 1_200)


@pytest.mark.slow
def test_replies_wait_for_the_database_only_so_many_at_a_time(server: FakeModelServer):
    kept = Stuck()
    asked_for: list[int] = []

    def reply(_: dict[str, Any]) -> Answer:
        asked_for.append(len(kept.all))
        if len(server.requests) == 18:  # 2 under way, and 16 that wait
            kept.is_free.set()
        return Answer(said())

    server.reply = reply
    assert len(ask(model(server, concurrency=2), kept, *(profile(f"15-{i:04}.00") for i in range(40)))) == 80
    for number, there in enumerate(asked_for):
        assert number - there < 18 + 1


def test_a_database_that_fails_ends_the_run_and_what_was_kept_stays(server: FakeModelServer):
    class Fails(Kept):
        def put(self, request_sha256: str, reply: Reply, **spoken_of: Any) -> None:
            if len(self.all) == 3:
                raise DatabaseUnavailable("database is locked")
            super().put(request_sha256, reply, **spoken_of)

    server.reply = lambda _: Answer(said())
    kept = Fails()
    with pytest.raises(DatabaseUnavailable):
        ask(model(server, concurrency=2), kept, *(profile(f"15-{i:04}.00") for i in range(60)))
    assert len(kept.valid) == 3
    assert len(server.requests) < 30


def test_a_model_that_never_answers_in_form_is_refused_with_its_texts_kept(server: FakeModelServer):
    server.queue = [Answer("I cannot know."), Answer(None, refusal="I will not.")]
    kept = Kept()
    [refused] = ask(model(server), kept)
    assert isinstance(refused, FailedRequest)
    assert refused.element_id is None
    assert re.match(r"no valid reply in 2 attempts; the last: no JSON object with the ids", refused.reason)
    assert kept.all[0].text == "I cannot know."
    assert len(kept.all) == 2
    assert kept.valid == {}
    server.queue = [Answer(said())]
    assert len(ask(model(server), kept)) == 2, "the next run tries again"


# -- digits -----------------------------------------------------------------------------------------------------------


def test_the_level_of_a_digit_is_its_expected_value(server: FakeModelServer):
    tops = [("4", -0.5), (" 3", -1.5), ("The", -2.0), ("7", -3.0), ("8", -3.1), (" 4", -6.0)]
    server.queue = [Answer("4", logprobs=tops)]
    [found] = ask(model(server, "digit-1"), Kept(), skills=SKILLS[:1])
    chances = {4: math.exp(-0.5), 3: math.exp(-1.5), 7: math.exp(-3.0)}
    assert found.level == pytest.approx(sum(d * p for d, p in chances.items()) / sum(chances.values()))
    [request] = server.requests
    assert (request["logprobs"], request["top_logprobs"]) == (True, 20)
    assert request.get("max_tokens", request.get("max_completion_tokens")) == 1


def test_without_chances_the_digit_itself_counts_and_prose_does_not(server: FakeModelServer):
    server.queue = [Answer(" 5 "), Answer("five"), Answer("9")]
    found = ask(model(server, "digit-1", concurrency=1), Kept())
    assert (found[0].element_id, found[0].level) == ("2.A.1.a", 5.0)
    assert isinstance(found[1], FailedRequest)
    assert (found[1].element_id, "not one digit from 0 to 7: '9'" in found[1].reason) == ("2.B.3.e", True)


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: FakeModelServer, status: int):
    server.queue = [Answer(status=status, headers={"Retry-After": "0"}, body=b"{}"), Answer(said())]
    assert len(ask(model(server), Kept())) == 2
    assert len(server.requests) == 2


def test_retry_after_is_waited_for(server: FakeModelServer, monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    server.queue = [Answer(status=429, headers={"Retry-After": "7"}, body=b"{}"), Answer(said())]
    monkeypatch.setattr("anyio.sleep", noted)
    monkeypatch.setattr("asyncio.sleep", noted)
    assert len(ask(model(server), Kept())) == 2
    assert 7.0 in waits


def failing(status: int) -> Callable[[dict[str, Any]], Answer]:
    return lambda _: Answer(status=status, headers={"Retry-After": "0"}, body=json.dumps({"error": KEY}).encode())


@pytest.mark.slow
def test_a_server_that_stays_away_is_named_and_does_not_show_the_key(server: FakeModelServer):
    server.reply = failing(503)
    kept = Kept()
    [refused] = ask(model(server, attempts=1), kept)
    assert refused.reason == "the model's server failed (HTTP 503)"
    with pytest.raises(ModelUnavailable, match=r"failed 5 times in a row, the last time with HTTP 503; replies so far"):
        ask(model(server, attempts=1), kept, *(profile(f"15-{i:04}.00") for i in range(9)))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_run_without_being_shown(server: FakeModelServer, status: int):
    server.reply = failing(status)
    with pytest.raises(ModelRefusesCredentials, match=rf"refuses the key \(HTTP {status}\)") as raised:
        ask(model(server, concurrency=1), Kept(), *(profile(f"15-{i:04}.00") for i in range(9)))
    assert KEY not in repr(raised.getrepr(chain=True))
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_server_that_stalls_is_given_up_after_the_time_out(server: FakeModelServer):
    server.queue = [Answer(stall=True), Answer(stall=True)]
    [refused] = ask(model(server, timeout=0.2, attempts=1), Kept())
    assert refused.reason == "the model's server failed (ModelTimeoutError)"


def test_no_server_at_all(server: FakeModelServer):
    asked = find_generative(
        "openai:x", prompt_version="levels-1", base_url="http://127.0.0.1:9/v1", api_key=None, limits=Limits(attempts=1)
    )
    [refused] = ask(asked, Kept())
    assert refused.reason == "the model's server failed (ModelConnectionError)"


# -- limits -----------------------------------------------------------------------------------------------------------


def test_no_more_requests_are_under_way_than_allowed(server: FakeModelServer):
    meet = threading.Barrier(3, timeout=20)

    def together(_: dict[str, Any]) -> Answer:
        meet.wait()  # passes only if three are under way
        return Answer(said())

    server.reply = together
    profiles = [profile(f"15-{i:04}.00") for i in range(12)]
    assert len(ask(model(server, concurrency=3), Kept(), *profiles)) == 24
    assert server.most_at_once == 3


def test_the_budget_ends_the_asking_and_keeps_what_was_answered(server: FakeModelServer):
    server.reply = lambda _: Answer(said())
    asked, kept = model(server, concurrency=1, most_tokens=300), Kept()
    found = ask(asked, kept, *(profile(f"15-{i:04}.00") for i in range(6)))
    assert len(server.requests) == 3  # 110 tokens each
    refused = [each for each in found if isinstance(each, FailedRequest)]
    assert {each.reason for each in refused} == {"the budget of 300 tokens is spent"}
    assert (len(refused), len(kept.valid)) == (3, 3)
    assert (asked.usage.requests, asked.usage.input_tokens, asked.usage.cost_usd) == (3, 300, None)


def test_the_cost_is_known_where_the_price_is():
    known, unknown = (
        ModelResponse(
            parts=[TextPart("x")],
            usage=RequestUsage(input_tokens=1_000_000, output_tokens=100_000),
            model_name=name,
            provider_name="openai",
        )
        for name in ("gpt-4o", "no-such-model")
    )
    usage = Usage()
    usage.add(known)
    first = usage.cost_usd
    usage.add(known)
    assert first > 0
    assert (usage.requests, usage.input_tokens, usage.cost_usd) == (2, 2_000_000, pytest.approx(2 * first))
    usage.add(unknown)
    assert usage.cost_usd is None, "a sum that lacks a part is none"


@pytest.mark.slow
def test_what_is_kept_is_not_asked_for_again_even_by_a_killed_run(server: FakeModelServer):
    profiles = [profile(f"15-{i:04}.00") for i in range(10)]
    kept = Kept()
    for _ in range(4):
        asked = model(server, concurrency=1)

        def die_after_two(_: dict[str, Any], before: int = len(server.requests)) -> Answer:
            return Answer(status=401, body=b"{}") if len(server.requests) - before > 2 else Answer(said())

        server.reply = die_after_two
        with pytest.raises(ModelRefusesCredentials):
            ask(asked, kept, *profiles)
    server.reply = lambda _: Answer(said())
    assert len(ask(model(server), kept, *profiles)) == 20
    answered = [reply for reply in kept.all if reply.error is None]
    assert len(answered) == len(kept.valid) == 10, "each was paid for once"
    before = len(server.requests)
    ask(model(server), kept, *profiles)
    assert len(server.requests) == before


def test_another_text_or_model_is_another_request(server: FakeModelServer):
    server.reply = lambda _: Answer(said())
    kept = Kept()
    ask(model(server), kept)
    ask(model(server), kept, profile(description="Makes other things."))
    ask(replace(model(server), name="openai:other"), kept)
    assert len(server.requests) == 3


# -- models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt-5", "no model 'gpt-5'; write it like embedded:smollm2, llamacpp:smollm2, openai:NAME"),
        ("nobody:x", "nobody:x cannot be used: Unknown"),
        ("openai:x", "openai:x cannot be used: .*OPENAI_API_KEY.*, or SKILLGAP_LLM_API_KEY$"),
    ],
)
def test_a_model_that_cannot_be_reached_says_what_is_wrong(name: str, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=words):
        find_generative(name, prompt_version="levels-1", base_url=None, api_key=None, limits=Limits())


def test_a_provider_whose_package_is_absent_says_which_one():
    with pytest.raises(ConfigurationError, match="anthropic"):
        find_generative("anthropic:x", prompt_version="levels-1", base_url=None, api_key="k", limits=Limits())


def test_a_base_url_that_cannot_be_read_is_named_without_its_password():
    with pytest.raises(ConfigurationError) as refused:
        find_generative(
            "openai:x", prompt_version="levels-1", base_url="http://u:s3/cr3t@h", api_key=None, limits=Limits()
        )
    assert str(refused.value).startswith("http://***@h: not a base URL of a model's server")
    assert refused.value.__suppress_context__, "the parser quotes a piece of the password as a port"


def test_a_hosted_model_gets_its_key_and_a_local_one_needs_none():
    hosted = find_generative("openai:x", prompt_version="levels-1", base_url=None, api_key=KEY, limits=Limits())
    with hosted.serve() as served:
        assert served.client.api_key == KEY
        assert "openai.com" in served.base_url


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_the_real_small_model_gives_expected_values_over_its_digits():
    kept = Kept()
    asked = find_generative(LOCAL, prompt_version="digit-1", base_url=None, api_key=None, limits=Limits())
    found = ask(asked, kept)
    assert [type(each) for each in found] == [RawLevel, RawLevel]
    for each, reply in zip(found, kept.all, strict=True):
        chances = {int(digit): math.exp(chance) for digit, chance in json.loads(reply.text)["digits"].items()}
        assert len(chances) >= 2
        assert each.level == pytest.approx(sum(d * p for d, p in chances.items()) / sum(chances.values()))
        assert 0 <= each.level <= 7
    again = Kept()
    assert ask(asked, again) == found, "the same question has the same answer"
