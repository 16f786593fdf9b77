"""The diagnosis of an installation."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from skillgap.config.doctor import Check, examine
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine, read, write
from skillgap.store.tables import check_schema, init_tables
from skillgap.testing.fake_onet_api import FakeOnetApi, FakeTables
from tests.cli.running import Ended, Run


@pytest.mark.usefixtures("with_levels_alone")
def test_doctor_and_status_name_the_importance_that_is_missing(run: Run):
    outcome, detail = outcomes(run("doctor", "--json"))["inputs"]
    assert outcome == "warning"
    assert "importance of skills" in detail
    assert "paths, workforce costs" in detail
    assert "importance of skills" in run("status").out
    missing = {each["input"]: each for each in json.loads(run("status", "--json").out)["missing"]}
    assert missing["importance of skills"]["missing"] == 27_463


def outcomes(ended: Ended) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["outcome"], each["detail"]) for each in json.loads(ended.out)}


def test_doctor_finds_nothing_wrong_with_a_whole_database(run: Run, engine: Engine, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    ended = run("doctor", "--json")
    found = outcomes(ended)
    assert ended.code == 0
    assert {outcome for outcome, _ in found.values()} <= {"ok", "unused", "warning"}
    assert found["Web Services"] == (
        "unused",
        "no credentials: `fetch` is unavailable, and nothing is fetched on demand",
    )
    assert "O*NET 29.0, 1,016 occupations, 879 of them rated, 44 predicted" in found["data"][1]
    with read(engine) as connection:
        assert found["schema"] == ("ok", f"at {check_schema(connection)}")
    outcome, detail = found["inputs"]
    assert outcome == "unused"
    assert "LevelScaleAnchors: disables what a level means in words" in detail


def test_doctor_names_what_is_wrong_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    database = tmp_path / "own.db"
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("SKILLGAP_WORKER", "2")
    monkeypatch.setenv("SKILLGAP_ANONYMOUS_REQUESTS_PER_MINUTE", "0")
    ended = run("doctor", "--json")
    found = outcomes(ended)
    assert ended.code == 1
    assert found["settings"] == ("warning", "unknown settings: SKILLGAP_WORKER (did you mean SKILLGAP_WORKERS?)")
    assert found["database"][0] == found["API keys"][0] == "failed"
    assert {"cache", "models"} <= found.keys()

    engine = make_engine(f"sqlite:///{database}")
    with write(engine, may_make=True) as connection:
        connection.execute(text("CREATE TABLE other (i INTEGER)"))
    assert outcomes(run("doctor", "--json"))["schema"][0] == "failed"
    init_tables(engine)
    assert outcomes(run("doctor", "--json"))["data"] == ("failed", "nothing is loaded; run `skillgap load`")
    with write(engine) as connection:
        connection.execute(text("DROP VIEW SkillsView"))
    assert "lacks SkillsView; run `skillgap init-db`" in outcomes(run("doctor", "--json"))["schema"][1]
    init_tables(engine)
    with write(engine) as connection:
        connection.execute(text("DROP VIEW SkillsView"))
        connection.execute(text("ALTER TABLE Skills RENAME COLUMN data_value TO level"))
        connection.execute(text("CREATE VIEW SkillsView AS SELECT level FROM Skills"))
    outcome, detail = outcomes(run("doctor", "--json"))["schema"]
    assert (outcome, "missing columns: Skills.data_value; `skillgap init-db --recreate Skills`" in detail) == (
        "failed",
        True,
    )


@pytest.mark.parametrize(
    ("model", "prompt", "words"),
    [
        ("smollm2", "levels-1", "no model 'smollm2'; write it like embedded:smollm2"),
        ("embedded:smollm3", "levels-1", "no model embedded:smollm3; the embedded models are embedded:smollm2"),
        ("llamacpp:smollm2", "levels-2", "no prompt levels-2; available prompts: digit-1, levels-1"),
        ("openai:any", "levels-1", "SKILLGAP_LLM_API_KEY"),
    ],
)
def test_doctor_tells_of_a_model_that_cannot_be_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, model: str, prompt: str, words: str
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("SKILLGAP_LLM_MODEL", model)
    monkeypatch.setenv("SKILLGAP_LLM_PROMPT", prompt)
    outcome, detail = outcomes(run("doctor", "--json"))["models"]
    assert (outcome, words in detail) == ("failed", True)


def test_doctor_tells_of_folders_in_which_nothing_can_be_made(
    run: Run, starter_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SKILLGAP_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/file/skillgap.db")
    found = outcomes(run("doctor", "--json"))
    assert found["database folder"] == (
        "failed",
        f"{tmp_path}/file: this account cannot write there; set SKILLGAP_DATABASE_URL to another location",
    )
    assert found["cache"][0] == "warning"
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    assert outcomes(run("doctor", "--json"))["database folder"][0] == "ok"


def test_doctor_tells_of_wrong_settings(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_WORKERS", "0")
    ended = run("doctor")
    assert ended.code == 1
    assert re.search(r"^failed +settings .*\n  SKILLGAP_WORKERS='0'", ended.out, re.M)


def test_an_address_that_is_none_is_told_once(run: Run, starter_database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    monkeypatch.setenv("SKILLGAP_ONET_API_URL", "http://a@b")
    monkeypatch.setenv("SKILLGAP_ONET_API_KEY", "key")
    assert outcomes(run("doctor", "--json"))["Web Services"][0] == "failed"
    ended = run("serve", "--port", "0")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)


def test_doctor_asks_web_services_when_told_to(run: Run, fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch):
    with FakeOnetApi(fake_tables) as stand_in:
        monkeypatch.setenv("SKILLGAP_ONET_API_URL", stand_in.access.base_url)
        monkeypatch.setenv("SKILLGAP_ONET_API_KEY", stand_in.access.headers["X-API-Key"])
        run("doctor", "--json")
        assert not stand_in.requests

        async def notebook() -> list[Check]:
            return examine(online=True)

        assert "with release 29.0" in str(asyncio.run(notebook()))
        assert outcomes(run("doctor", "--online", "--json"))["Web Services"][1].endswith("with release 29.0")
        monkeypatch.setenv("SKILLGAP_ONET_API_KEY", "another")
        assert outcomes(run("doctor", "--online", "--json"))["Web Services"][0] == "failed"
