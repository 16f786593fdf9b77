"""Predicted levels end to end: release -> models -> LLMSkillScores -> view -> gap, on SQLite and MySQL."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, select, text

from skillgap.analysis.gap import identify_skill_gap
from skillgap.errors import ConfigurationError, NoData, UnratedOccupation
from skillgap.llm.embedded import EmbeddedProfiler
from skillgap.llm.profiler import Scoring, SkillScore
from skillgap.llm.training_data import TrainingData, read_training_data
from skillgap.nodes.enrich_skill_data import Enrichment, enrich_skill_data
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.nodes.find_profiler import find_profiler
from skillgap.service.ratings import get_all_ratings, get_ratings
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import make_engine, read
from skillgap.store.queries import get_tables, list_disagreements, list_unrated_occupations
from skillgap.store.rating_rows import get_data_version
from skillgap.store.schema import LLMReplies, LLMSkillScores
from skillgap.store.tables import init_tables
from tests.conftest import onet_zip
from tests.llm.fake_model_server import Answer, FakeModelServer
from tests.processes import processes
from tests.store.small_releases import load

DEVELOPER, SCIENTIST, NURSE, MILITARY = "15-1252.00", "15-2051.00", "29-1141.00", "55-1011.00"
WORDS = EmbeddedProfiler("embedded:words", None)

pytestmark = pytest.mark.usefixtures("texts_compared_once")


@dataclass(frozen=True)
class Stub:
    """A model that answers 3 for every skill, immediately."""

    model: str = "embedded:stub"
    prompt_version: str = "1"

    def score(self, training_data: TrainingData, codes: Sequence[str]) -> Scoring:
        """Score them all."""
        return Scoring(
            [
                SkillScore(
                    onet_soc_code=code,
                    element_id=skill.element_id,
                    level=3.0,
                    lower=2.0,
                    upper=4.0,
                    standard_error=0.5,
                    explanation="it is all the same",
                )
                for code in codes
                for skill in training_data.skills
            ]
        )


def load_29(engine: Engine, tmp_path: Path) -> None:
    extract_load_text_files(engine, str(onet_zip("29_0")), cache_dir=tmp_path)


@pytest.fixture(params=["sqlite", "mysql"])
def each_29(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A separate database with all tables of 29.0, on each kind of server in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("own_29")
        return
    engine = make_engine(request.getfixturevalue("mysql_url"))
    load_29(engine, tmp_path)
    yield engine
    engine.dispose()


def version_of(engine: Engine) -> str:
    with read(engine) as connection:
        return get_data_version(connection)


@pytest.mark.release
def test_unrated_occupations_are_predicted_beside_untouched_ratings(each_29: Engine):
    with read(each_29) as connection:
        before = get_all_ratings(connection)["onet+llm"]
    enrichment = enrich_skill_data(each_29, WORDS)
    assert (len(enrichment.scoring.scores), len(enrichment.scoring.abstentions)) == (44 * 35, 93)
    with read(each_29) as connection:
        found = get_all_ratings(connection)
        assert len(list_unrated_occupations(connection)) == 137, "a prediction is no rating"
        rows = connection.execute(
            text(
                "SELECT source, data_value, llm_data_value, llm_uncertainty, llm_lower_ci_bound, llm_upper_ci_bound "
                "FROM SkillsView WHERE onet_soc_code = '15-1252.00' AND scale_id = 'LV'"
            )
        ).all()
    assert len(rows) == 35
    for source, data_value, level, error, lower, upper in rows:
        assert (source, data_value) == ("llm", None)
        assert 0 <= lower <= level <= upper <= 7
        assert error > 0.1
    onet, both = found["onet"], found["onet+llm"]
    assert onet.codes == before.codes
    np.testing.assert_array_equal(onet.data_value, before.data_value)
    assert len(both.codes) == 879 + 44

    report = identify_skill_gap(DEVELOPER, SCIENTIST, both)
    assert {row.from_source for row in report.skill_gaps} == {row.to_source for row in report.skill_gaps} == {"llm"}
    assert all(row.from_lower <= row.from_data_value <= row.from_upper for row in report.skill_gaps)
    assert report.provenance.predictions.mae_grouped < 0.335
    with pytest.raises(UnratedOccupation, match="and its levels are not predicted: O\\*NET publishes no tasks"):
        identify_skill_gap(DEVELOPER, MILITARY, both)

    enrich_skill_data(each_29, Stub(), codes=[MILITARY])
    with read(each_29) as connection:
        assert len(get_all_ratings(connection)["onet+llm"].codes) == 879 + 44, (
            "a model that scored nothing shows nothing"
        )

    version = version_of(each_29)
    again = enrich_skill_data(each_29, WORDS)
    assert (again.already_scored, again.scoring.scores, again.report.rows_changed) == (44, [], 0)
    assert version_of(each_29) == version


def test_rated_occupations_get_out_of_fold_levels_for_the_audit_and_the_choice_llm(own_29: Engine):
    with pytest.raises(NoData, match="run `skillgap enrich --all`"), read(own_29) as connection:
        list_disagreements(connection, least=3)
    enrich_skill_data(own_29, WORDS, rated=True)
    with read(own_29) as connection:
        found = {choice: each.of_domain("skills") for choice, each in get_all_ratings(connection).items()}
        odd = list_disagreements(connection, least=3.0)
    llm, onet = found["llm"], found["onet"]
    assert len(llm.codes) == 923
    own = [llm.rows[code] for code in onet.codes]
    assert np.abs(llm.level[own] - onet.level).mean() == pytest.approx(0.300, abs=0.002), "never the rating itself"
    assert (
        found["onet+llm"].data_value[found["onet+llm"].rows[NURSE]].tolist()
        == onet.data_value[onet.rows[NURSE]].tolist()
    )

    away = (onet.data_value - llm.level[own]) / np.hypot(onet.standard_error, llm.standard_error[own])
    assert len(odd) == (np.abs(away) >= 3.0).sum() > 50
    assert odd == sorted(odd, key=lambda each: -abs(each.standard_errors))
    first = odd[0]
    row, column = onet.rows[first.onet_soc_code], onet.element_ids.index(first.element_id)
    assert first.data_value == onet.data_value[row, column]
    assert first.standard_errors == pytest.approx(away[row, column], abs=0.006)


def test_a_changed_release_makes_the_model_score_anew(own_29: Engine, tmp_path: Path):
    enrich_skill_data(own_29, Stub(), codes=[DEVELOPER])
    with own_29.begin() as connection:
        connection.execute(
            text("UPDATE Skills SET data_value = 7 WHERE onet_soc_code = '17-2061.00' AND scale_id = 'LV'")
        )
    load_29(own_29, tmp_path)  # puts it right again, which is a change of the ratings
    again = enrich_skill_data(own_29, Stub(), codes=[DEVELOPER])
    assert (again.already_scored, len(again.scoring.scores)) == (0, 35)


def test_a_limit_and_a_list_of_codes_bound_the_work(own_29: Engine):
    def scored(enrichment: Enrichment) -> set[str]:
        return {score.onet_soc_code for score in enrichment.scoring.scores}

    assert len(scored(enrich_skill_data(own_29, Stub(), limit=3))) == 3
    rest = enrich_skill_data(own_29, Stub())
    assert (rest.already_scored, len(scored(rest))) == (3, 41)
    assert scored(enrich_skill_data(own_29, Stub(), codes=[NURSE, DEVELOPER])) == {NURSE}


@pytest.mark.release
def test_without_a_release_or_with_the_starter_alone_nothing_is_scored_and_its_predictions_stay(tmp_path: Path):
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    with pytest.raises(NoData, match="no text release is loaded"):
        enrich_skill_data(engine, WORDS)
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    version = version_of(engine)
    with pytest.raises(ConfigurationError, match="the starter has neither"):
        enrich_skill_data(engine, WORDS)
    assert version_of(engine) == version
    with read(engine) as connection:
        assert len(get_all_ratings(connection)["onet+llm"].codes) == 923
    load_29(engine, tmp_path)  # the same release, whole: the starter's predictions go on being shown
    with read(engine) as connection:
        assert get_all_ratings(connection)["onet+llm"].predictions.model == "embedded:smollm2"
    engine.dispose()


# -- a generative model -----------------------------------------------------------------------------------------------


def levels_reply(request: dict[str, Any]) -> Answer:
    """Return a level for each requested skill, always the same for the same question, and far too high."""
    ids = re.findall(r"^(2\.[AB]\.\d\.\w) ", request["messages"][-1]["content"], re.MULTILINE)
    length = len(request["messages"][-1]["content"])
    levels = {
        each: {"level": (5 + (length + 7 * i) % 9 / 4), "explanation": f"because {i}"} for i, each in enumerate(ids)
    }
    return Answer(json.dumps(levels))


def title_of(request: dict[str, Any]) -> str:
    return re.search(r"^Occupation: (.*)$", request["messages"][1]["content"], re.MULTILINE)[1]


def run_enrich(url: str, server: FakeModelServer, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "SKILLGAP_DATABASE_URL": url,
        "SKILLGAP_LLM_MODEL": "openai:some-model",
        "SKILLGAP_LLM_BASE_URL": server.url,
        "SKILLGAP_LLM_API_KEY": "a-key",
        "SKILLGAP_LLM_REQUESTS_PER_MINUTE": "60000",
        "SKILLGAP_LLM_CONCURRENCY": "2",
    }
    command = [sys.executable, "-m", "skillgap", "enrich", *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def _enrich(url: str, base_url: str, cache_dir: Path) -> None:
    engine = make_engine(url)
    limits = {"requests_per_minute": 60_000.0, "concurrency": 2}
    enrich_skill_data(
        engine, find_profiler(engine, "openai:some-model", cache_dir=cache_dir, base_url=base_url, **limits)
    )


def part_of(release: OnetData, *, rated: int) -> OnetData:
    """Return the prompt data of a release, with all unrated occupations and the first rated ones."""
    known = release.tables["Occupations"]["onet_soc_code"]
    ever_rated = known[known.isin(release.tables["Skills"]["onet_soc_code"])]
    kept = set(known) - set(ever_rated[rated:])
    unused = ("AlternateTitles", "RelatedOccupations", "TechnologySkills")
    return replace(
        release,
        tables={
            name: rows[rows["onet_soc_code"].isin(kept)].reset_index(drop=True) if "onet_soc_code" in rows else rows
            for name, rows in release.tables.items()
            if name not in unused
        },
    )


def test_an_enrichment_killed_ten_times_ends_complete_with_no_reply_paid_twice(
    mysql_url: str, whole_release: OnetData, tmp_path: Path
):
    engine = make_engine(mysql_url)
    init_tables(engine)
    load(engine, part_of(whole_release, rated=200))  # each of the ten reads all of it
    answered: Counter[str] = Counter()

    with FakeModelServer() as server:
        for _ in range(10):
            process = processes.Process(target=_enrich, args=(mysql_url, server.url, tmp_path))
            left = 8

            def answer(request: dict[str, Any], process: Any = process) -> Answer:
                nonlocal left
                with server.lock:
                    left -= 1
                    if left < 0:
                        process.kill()
                        return Answer(stall=True)
                return levels_reply(request)

            server.reply = answer
            process.start()
            process.join(60)
            assert process.exitcode == -signal.SIGKILL
        with read(engine) as connection:
            kept = set(connection.scalars(select(LLMReplies.onet_soc_code)))
            assert connection.scalar(select(func.count()).select_from(LLMSkillScores)) == 0, "nothing half is shown"
        assert 40 <= len(kept) < 104

        def count(request: dict[str, Any]) -> Answer:
            answered[title_of(request)] += 1
            return levels_reply(request)

        server.reply = count
        process = run_enrich(mysql_url, server)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "openai:some-model: 1,540 levels of 44 occupations scored" in said
    assert set(answered.values()) == {1}
    assert len(answered) == 104 - len(kept), "60 rated ones to calibrate it by, 44 unrated, less what was kept"
    with read(engine) as connection:
        pairs = connection.execute(
            select(LLMSkillScores.onet_soc_code, LLMSkillScores.element_id, LLMSkillScores.reply)
        ).all()
        ratings = get_ratings(connection)
    assert len(pairs) == len({pair[:2] for pair in pairs}) == 1540
    assert all(json.loads(pair.reply)[pair.element_id]["level"] >= 5 for pair in pairs)
    assert ratings.predictions.model == "openai:some-model"
    predicted = ratings.level[ratings.rows[DEVELOPER]]
    assert abs(predicted.mean() - ratings.analysts.level.mean()) < 1.0, "the bias is taken out"
    engine.dispose()


def test_pairs_without_a_valid_reply_are_listed_with_exit_code_1_and_tried_again(own_29: Engine):
    def stubborn(request: dict[str, Any]) -> Answer:
        return Answer("I cannot say.") if title_of(request) == "Software Developers" else levels_reply(request)

    with FakeModelServer(stubborn) as server:
        arguments = ("--occupation", DEVELOPER, "--occupation", SCIENTIST)
        process = run_enrich(str(own_29.url), server, *arguments)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 1, said
        assert "openai:some-model: 35 levels of 1 occupations scored" in said
        assert said.count(f"failed: {DEVELOPER} 2.") == 35
        assert "no valid reply in 3 attempts" in said
        with read(own_29) as connection:
            [failed] = connection.execute(select(LLMReplies).where(LLMReplies.error.is_not(None))).mappings()
        assert (failed["reply"], failed["onet_soc_code"]) == ("I cannot say.", DEVELOPER)
        assert failed["input_tokens"] == 300, "three attempts were paid for"
        before = len(server.requests)
        server.reply = levels_reply
        process = run_enrich(str(own_29.url), server, *arguments)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert len(server.requests) == before + 1
        assert "  1 requests, 110 tokens; stored replies cost nothing" in said


def test_a_model_whose_replies_cannot_be_read_is_stopped_early(own_29: Engine):
    with FakeModelServer(lambda _: Answer("I cannot say.")) as server:
        process = run_enrich(str(own_29.url), server, "--occupation", DEVELOPER)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "openai:some-model: 10 replies in a row cannot be read, although the model was told why; " in said
        assert "no JSON object with the ids of the skills): 'I cannot say.'" in said
        assert "Traceback" not in said
        with read(own_29) as connection:
            kept = connection.execute(
                select(func.sum(LLMReplies.output_tokens), func.min(LLMReplies.reply), func.max(LLMReplies.reply))
            ).one()
        paid = int(re.search(r"why; (\d+) replies were paid for", said)[1])
        assert tuple(kept) == (10 * paid, "I cannot say.", "I cannot say.")
        assert len(server.requests) < 25, "of 183 for the sample and the occupation"


def test_enrichment_and_evaluation_run_in_a_notebook(own_29: Engine, tmp_path: Path):
    """A notebook has a running event loop, in which asyncio.run fails."""
    with FakeModelServer(levels_reply) as server:
        given = {"cache_dir": tmp_path, "base_url": server.url, "requests_per_minute": 60_000.0}
        profiler = find_profiler(own_29, "openai:some-model", sample=10, **given)

        async def cell() -> tuple[int, list[str]]:
            enrichment = enrich_skill_data(own_29, profiler, codes=[DEVELOPER])
            return len(enrichment.scoring.scores), [each.model for each in profiler.evaluate(training_data)]

        with read(own_29) as connection:
            training_data = read_training_data(get_tables(connection))
        scored, judged = asyncio.run(cell())
    assert scored == 35
    assert set(judged) == {"openai:some-model as said", "openai:some-model calibrated"}


def test_another_model_does_not_take_over_unless_it_is_the_settings(own_29: Engine, tmp_path: Path):
    enrich_skill_data(own_29, Stub(), codes=[DEVELOPER])
    with FakeModelServer(levels_reply) as server:
        profiler = find_profiler(
            own_29, "openai:x", cache_dir=tmp_path, base_url=server.url, sample=12, requests_per_minute=60_000.0
        )
        enrich_skill_data(own_29, profiler, codes=[DEVELOPER], activate=False)
        with read(own_29) as connection:
            assert get_all_ratings(connection)["llm"].predictions.model == "embedded:stub"
        enrich_skill_data(own_29, profiler, codes=[DEVELOPER])
        assert len(server.requests) == 13
    with read(own_29) as connection:
        assert get_all_ratings(connection)["llm"].predictions.model == "openai:x"
        assert connection.scalar(select(func.count()).select_from(LLMSkillScores)) == 70
    init_tables(own_29)
