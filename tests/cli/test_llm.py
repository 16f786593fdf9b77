"""Commands for predicted levels."""

from __future__ import annotations

import csv
import html
import io
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from skillgap.onet.releases import Release
from skillgap.store.loads import Scores, upsert_scores
from tests.cli.running import NURSE, Run
from tests.conftest import onet_zip


@pytest.mark.release
@pytest.mark.usefixtures("texts_compared_once")
def test_the_evaluation_is_a_table_that_ends_with_one_line_of_figures_and_a_chart(run: Run, tmp_path: Path):
    refused = run("llm", "evaluate", str(onet_zip("29_0")), "--chart", str(tmp_path / "chart.doc"))
    assert (refused.code, "must end with .svg or .png" in refused.err) == (1, True)
    ended = run("llm", "evaluate", str(onet_zip("29_0")), "--chart", str(tmp_path / "chart.svg"))
    assert ended.code == 0
    *table, line = ended.out.splitlines()
    figures = dict(pair.split("=") for pair in line.removeprefix("evaluate-llm ").split())
    assert list(figures) == ["mae_random", "mae_grouped", "bias", "coverage"]
    assert float(figures["mae_grouped"]) < 0.34
    cells = [cell.strip() for cell in table[-1].split("|")]
    assert cells[1] == "embedded:words"
    for cell, name in zip(cells[3:5], ("mae_random", "mae_grouped"), strict=True):
        assert abs(float(cell) - float(figures[name])) < 0.0006
    drawn = html.unescape((tmp_path / "chart.svg").read_text())
    assert len(table) > 4
    for row in table[2:]:
        assert row.split("|")[1].strip().replace("\\*", "*") in drawn


@pytest.mark.usefixtures("with_starter")
def test_enrich_of_the_starter_says_what_it_lacks_and_changes_nothing(run: Run):
    before = run("gap", "15-1252", "15-2051", "--json").out
    ended = run("enrich")
    assert (ended.code, "the starter has neither" in ended.err) == (1, True)
    assert run("gap", "15-1252", "15-2051", "--json").out == before
    assert run("enrich", "--all", "--unrated").code == 2
    assert "no model embedded:x" in run("enrich", "--model", "embedded:x").err
    assert "run `skillgap enrich --all`" in run("llm", "audit").err


def test_the_audit_is_a_csv_of_what_differs_most(run: Run, own_starter: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(own_starter.url))
    key = {"onet_soc_code": NURSE, "scale_id": "LV", "model": "embedded:smollm2", "prompt_version": "kernels-1"}
    known = {"uncertainty": 0.3, "lower_ci_bound": 0, "upper_ci_bound": 7, "data_version": "x", "explanation": "-"}
    said = {"2.A.1.a": 0.5, "2.A.1.b": 4.2}  # rated 4.25 and 4.12
    rows = [{**key, **known, "element_id": each, "level": level, "reply": None} for each, level in said.items()]
    model = {name: key[name] for name in ("model", "prompt_version")}
    upsert_scores(own_starter, Scores.of([model], rows, []), release=Release("29.0", None), activate=False)
    found = list(csv.DictReader(io.StringIO(run("llm", "audit").out)))
    assert [(row["onet_soc_code"], row["element_name"]) for row in found] == [(NURSE, "Reading Comprehension")]
    assert (found[0]["data_value"], found[0]["predicted"], found[0]["date_updated"]) == ("4.25", "0.5", "2021-08-01")
    assert float(found[0]["standard_errors"]) > 10
    assert run("llm", "audit", "--least", "99").out.count("\n") == 1, "the header alone"


def test_a_chart_of_an_evaluation_replaces_nothing_either(run: Run, tmp_path: Path):
    (tmp_path / "chart.svg").write_text("mine")
    ended = run("llm", "evaluate", "--chart", str(tmp_path / "chart.svg"))
    assert (ended.code, (tmp_path / "chart.svg").read_text()) == (1, "mine")
    assert "chart.svg already exists" in ended.err


def test_without_the_extra_its_name_is_said(run: Run, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("skillgap.llm.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    ended = run("llm", "evaluate", "29.0")
    assert (ended.code, ended.out) == (1, "")
    assert f"run `{sys.executable} -m pip install 'skillgap[llm]'` and, for the model" in ended.err


def test_the_starter_has_too_little_to_evaluate(run: Run):
    ended = run("llm", "evaluate", "starter")
    assert (ended.code, "load a complete release" in ended.err) == (1, True)
