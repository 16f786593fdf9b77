"""DataFrames and files for analysts: every figure is the one that the report of the pair has."""

from __future__ import annotations

import csv
import json
import random
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

import skillgap
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.pairs import weighted_shortfalls
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import compute_similarity
from skillgap.analysis.transitions import find_transitions
from skillgap.errors import ConfigurationError, NoData
from skillgap.export.frames import pair_batches, ratings_frame, transitions_frame, write_frames
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import make_engine, read
from skillgap.store.tables import init_tables
from tests.analysis.builders import make_ratings
from tests.cli.running import Run, run  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def levels(starter_engine: Engine) -> Ratings:
    with read(starter_engine) as connection:
        return get_ratings(connection, "onet")


@pytest.fixture(scope="module")
def pairs(levels: Ratings) -> pd.DataFrame:
    return skillgap.gap_matrix(levels)


@pytest.mark.slow
def test_every_pair_is_there_once(pairs: pd.DataFrame, levels: Ratings):
    assert len(pairs) == 879 * 878
    keys = pairs[["from_onet_soc_code", "to_onet_soc_code"]]
    assert not keys.duplicated().any()
    assert (keys["from_onet_soc_code"] != keys["to_onet_soc_code"]).all()
    square = pairs.pivot(index="from_onet_soc_code", columns="to_onet_soc_code", values="weighted_shortfall")
    expected = weighted_shortfalls(levels)
    off = ~np.eye(879, dtype=np.bool_)
    np.testing.assert_allclose(square.to_numpy()[off], expected[off], atol=5.1e-5)


@pytest.mark.slow
def test_every_figure_is_that_of_the_pairs_report(pairs: pd.DataFrame, levels: Ratings):
    rows = pairs.set_index(["from_onet_soc_code", "to_onet_soc_code"])
    chance = random.Random(5)
    for pair in [chance.sample(levels.codes, 2) for _ in range(300)]:
        summary = asdict(identify_skill_gap(*pair, levels).summary)
        found = rows.loc[tuple(pair)].to_dict()
        assert (found.pop("unavailable"), list(summary.pop("unavailable"))) == ("no Job Zone", ["job_zone_step"])
        assert {name: None if pd.isna(value) else value for name, value in found.items()} == summary


def test_a_lacking_job_zone_warns_nobody_whatever_other_threads_do_with_filters(monkeypatch: pytest.MonkeyPatch):
    ratings = make_ratings({"a": [1.0], "b": [3.0], "c": [2.0]}, job_zones={"a": 2, "b": 4})
    monkeypatch.setattr(warnings, "filterwarnings", lambda *_, **__: None)
    steps = pd.concat(pair_batches(ratings))["job_zone_step"]
    assert (str(steps.dtype), [None if step is pd.NA else step for step in steps]) == (
        "Int64",
        [2, None, -2, None, None, None],
    )


def test_ratings_are_the_files(levels: Ratings):
    frame = ratings_frame(levels)
    assert len(frame) == 879 * 35
    nurse = frame[frame["onet_soc_code"] == "29-1141.00"].set_index("element_id")
    for skill in levels.skills("29-1141.00"):
        row = nurse.loc[skill.element_id]
        assert (row["data_value"], row["importance"], row["n"]) == (skill.data_value, skill.importance, skill.n)
        assert (row["element_name"], row["domain"], row["source"]) == (skill.element_name, "skills", "text")
        assert f"{row['date_updated']:%Y-%m}" == skill.date_updated


@pytest.mark.slow
def test_predicted_ratings_have_no_importance_and_say_so(starter_engine: Engine):
    with read(starter_engine) as connection:
        frame = ratings_frame(get_ratings(connection))
    predicted = frame[frame["source"] == "llm"]
    assert len(predicted) == 1_540
    assert predicted["importance"].isna().all()
    assert predicted["lower"].le(predicted["data_value"]).all()


@pytest.mark.slow
def test_transitions_are_those_of_each_occupation(starter_engine: Engine):
    with read(starter_engine) as connection:
        levels, profiles = get_ratings(connection), get_profiles(connection)
    similarity = compute_similarity(profiles, levels)
    frame = transitions_frame(levels, similarity, limit=3)
    assert len(frame) == 923 * 3
    nurse = frame[frame["from_onet_soc_code"] == "29-1141.00"]
    for row, each in zip(
        nearness_rows(nurse), find_transitions("29-1141.00", similarity, levels, limit=3), strict=True
    ):
        assert row["to_onet_soc_code"] == each.occupation.onet_soc_code
        assert (row["rank"], row["score"], row["gaps"]) == (each.rank, each.score, each.summary.gaps)


def nearness_rows(frame: pd.DataFrame) -> list[dict]:
    return frame.to_dict("records")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_a_file_has_every_row_as_it_was(levels: Ratings, tmp_path: Path, suffix: str):
    file = tmp_path / f"pairs{suffix}"
    batches = [frame for _, frame in zip(range(3), pair_batches(levels), strict=False)]
    expected = pd.concat(batches, ignore_index=True)
    assert write_frames(batches, file) == len(expected) == 3 * 878
    found = {
        ".csv": lambda: pd.read_csv(file),
        ".parquet": lambda: pd.read_parquet(file),
        ".json": lambda: pd.DataFrame(json.loads(file.read_text())),
    }[suffix]()
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        assert found[name].astype(object).where(found[name].notna(), None).tolist() == [
            None if pd.isna(value) else value for value in expected[name]
        ], name


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_files_of_ratings_have_dates_and_gaps_where_nothing_is_known(levels: Ratings, tmp_path: Path, suffix: str):
    file, expected = tmp_path / f"ratings{suffix}", ratings_frame(levels)
    assert write_frames([expected], file) == len(expected)
    found = {
        ".csv": lambda: pd.read_csv(file, parse_dates=["date_updated"]),
        ".parquet": lambda: pd.read_parquet(file),
        ".json": lambda: pd.DataFrame(json.loads(file.read_text())),
    }[suffix]()
    assert [str(each)[:10] for each in found["date_updated"]] == [str(each)[:10] for each in expected["date_updated"]]
    assert found["data_value"].tolist() == expected["data_value"].tolist()
    assert found["lower"].isna().all()


@pytest.mark.slow
def test_what_cannot_be_written_leaves_nothing_behind(levels: Ratings, tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"\.csv, \.parquet or \.json"):
        write_frames([], tmp_path / "pairs.xlsx")

    def broken():
        yield next(iter(pair_batches(levels)))
        raise RuntimeError

    before = tmp_path / "pairs.csv"
    before.write_text("what was there\n")
    with pytest.raises(RuntimeError):
        write_frames(broken(), before)
    assert before.read_text() == "what was there\n"
    assert list(tmp_path.iterdir()) == [before]


@pytest.mark.slow
def test_without_ratings_those_of_the_settings_database_are_read(starter_database: str, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    assert len(skillgap.ratings_frame()) == 923 * 35
    empty = f"sqlite:///{tmp_path}/empty.db"
    engine = make_engine(empty)
    init_tables(engine)
    engine.dispose()
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", empty)
    with pytest.raises(NoData, match="skillgap load"):
        skillgap.gap_matrix()


def test_no_text_of_a_csv_file_is_a_formula(tmp_path: Path):
    texts = ["=1+1", "+x", "-x", "@x", "\t=1", "＝1", None, "plain", "-5"]
    frame = pd.DataFrame({"=name": texts, "kind": pd.Categorical(["=a", "b", "b"] * 3), "gap": [-1.5] * 9})
    frame["day"] = pd.Timestamp("2026-01-01")
    write_frames([frame, frame], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["'=name"] for row in rows[:9]] == ["'=1+1", "'+x", "'-x", "'@x", "'\t=1", "'＝1", "", "plain", "-5"]
    assert {(row["kind"], row["gap"], row["day"]) for row in rows} == {
        ("'=a", "-1.5", "2026-01-01"),
        ("b", "-1.5", "2026-01-01"),
    }
    assert len(rows) == 18
    write_frames([frame], tmp_path / "a.parquet")
    assert pd.read_parquet(tmp_path / "a.parquet")["=name"].tolist()[:4] == texts[:4]


@pytest.mark.slow
def test_the_command_line_exports(run: Run, starter_database: str, tmp_path: Path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    file = tmp_path / "ratings.csv"
    ended = run("export", str(file), "--what", "ratings", "--ratings", "onet")
    assert (ended.code, ended.err.strip()) == (0, f"{file}: 30,765 rows of ratings")
    with file.open() as lines:
        assert len(list(csv.DictReader(lines))) == 30_765
    refused = run("export", str(tmp_path / "ratings.txt"))
    assert refused.code == 1
    assert "must end with .csv, .parquet or .json" in refused.err


def test_figures_without_inputs_are_missing_and_named(levels_alone: Engine, no_errors: Engine):
    with read(levels_alone) as one, read(no_errors) as other:
        alone, untested = get_ratings(one, "onet"), get_ratings(other, "onet")
    frame = next(pair_batches(alone))
    assert frame[["weighted_shortfall", "distinguishable_shortfall", "shortfall_percentile"]].isna().all(axis=None)
    assert set(frame["unavailable"]) <= {"no importance", "no importance; no Job Zone"}
    assert frame["distinguishable_gaps"].notna().all()
    frame = next(pair_batches(untested))
    assert frame[["distinguishable_gaps", "distinguishable_surplus", "distinguishable_shortfall"]].isna().all(axis=None)
    assert frame["weighted_shortfall"].notna().all()
    assert all("no standard errors" in text for text in frame["unavailable"])
