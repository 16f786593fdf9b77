"""Reports in a notebook: chart, HTML and data frame."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.errors import ConfigurationError
from skillgap.export.notebook import report_frame
from skillgap.models import SkillGap
from skillgap.models.person import OwnProfile
from tests.export.test_report import HOSTILE

NURSE, MANAGER = "29-1141.00", "11-9111.00"


def test_a_report_shows_every_gap_and_its_sources(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    html = report._repr_html_()
    rows = re.findall(r"<tr.*?>(.*?)</tr>", html)[1:]
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in rows]
    assert [row[0] for row in cells] == [gap.element_name for gap in report.skill_gaps]
    assert cells[0] == ["Operations Analysis", "clear 99%", "2.125", "1.02 to 3.23", "1.75", "3.88", "3.62"]
    assert [row[1] for row in cells] == [f"{gap.certainty} {int(gap.agreement * 100)}%" for gap in report.skill_gaps]
    assert "17 of 35 skills need a higher level: 8 clear, 2 likely, 7 open." in html
    assert report.provenance.attribution.replace("'", "&#39;") in html


def test_predictions_are_told(ratings: Ratings):
    html = identify_skill_gap("15-1232.00", "15-1252.00", ratings)._repr_html_()
    assert "Software Developers" in html
    assert "~" in html
    assert "predicted" in html


def test_a_person_is_told_what_is_not_known(ratings: Ratings):
    report = identify_person_gap(OwnProfile({"Writing": 2.0}), MANAGER, ratings)
    html = report._repr_html_()
    assert html.count("<tr") == 2
    [unknown] = re.findall(r"Not compared, because the level is unknown: (.*?)\.</p>", html)
    assert unknown.split(", ") == [skill.element_name for skill in report.unknown_skills]
    assert len(report.unknown_skills) == 34
    assert report.chart().spec["title"]["text"] == "From 1 own level"


@pytest.mark.slow
def test_a_title_is_text(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    hostile = replace(report, to_occupation=replace(report.to_occupation, title=HOSTILE))
    assert "<script" not in hostile._repr_html_()
    assert "<script" not in hostile.chart()._repr_svg_()


@pytest.mark.slow
def test_a_chart_is_saved_by_its_name(ratings: Ratings, tmp_path: Path):
    chart = identify_skill_gap(NURSE, MANAGER, ratings).chart()
    chart.save(tmp_path / "gap.svg")
    assert (tmp_path / "gap.svg").read_text() == chart._repr_svg_()
    chart.save(str(tmp_path / "gap.png"))
    assert (tmp_path / "gap.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigurationError, match=r"must end with \.svg or \.png"):
        chart.save(tmp_path / "gap.pdf")


def test_a_frame_has_every_gap_and_surplus_with_all_fields(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    frame = report_frame(report)
    rows = [*report.skill_gaps, *report.surplus_skills]
    assert set(frame["from_onet_soc_code"]) | set(frame["to_onet_soc_code"]) == {NURSE, MANAGER}
    assert list(frame.columns[2:]) == [field.name for field in fields(SkillGap) if field.name != "stability"]
    for name in frame.columns[2:]:
        values = [None if pd.isna(value) else value for value in frame[name]]
        assert values == [getattr(row, name) for row in rows], name


def test_columns_of_a_frame_have_the_same_types_without_rows_or_values(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    untested = [replace(gap, importance=None, p_value=None, distinguishable=None) for gap in report.skill_gaps]
    types = report_frame(report).dtypes.to_dict()
    assert report_frame(replace(report, skill_gaps=untested)).dtypes.to_dict() == types
    assert report_frame(replace(report, skill_gaps=[], surplus_skills=[])).dtypes.to_dict() == types
    assert (types["gap"], str(types["distinguishable"])) == ("float64", "boolean")


def test_a_frame_of_a_persons_report_has_the_own_levels(ratings: Ratings):
    frame = report_frame(identify_person_gap(OwnProfile({"Writing": 2.0}), MANAGER, ratings))
    assert frame[["element_name", "from_data_value", "from_source"]].to_numpy().tolist() == [["Writing", 2.0, "own"]]
