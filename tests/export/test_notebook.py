"""What reports show of themselves in a notebook."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.errors import ConfigurationError
from skillgap.models.person import OwnProfile
from tests.export.test_report import HOSTILE

NURSE, MANAGER = "29-1141.00", "11-9111.00"


def test_a_report_shows_every_gap_and_its_sources(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    html = report._repr_html_()
    rows = re.findall(r"<tr.*?>(.*?)</tr>", html)[1:]
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in rows]
    assert [row[0] for row in cells] == [gap.element_name for gap in report.skill_gaps]
    assert cells[0] == ["Operations Analysis", "sure", "2.125", "1.20 to 3.05", "1.75", "3.88", "3.62"]
    assert [row[1] for row in cells] == ["sure"] * 8 + ["may be chance"] * 9
    assert "17 of 35 skills ask for a higher level, 8 of them beyond rater noise." in html
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
    [unknown] = re.findall(r"Not known, so not compared: (.*?)\.</p>", html)
    assert unknown.split(", ") == [skill.element_name for skill in report.unknown_skills]
    assert len(report.unknown_skills) == 34
    assert report.chart().spec["title"]["text"] == "From 1 own level"


def test_a_title_is_text(ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    hostile = replace(report, to_occupation=replace(report.to_occupation, title=HOSTILE))
    assert "<script" not in hostile._repr_html_()
    assert "<script" not in hostile.chart()._repr_svg_()


def test_a_chart_is_saved_by_its_name(ratings: Ratings, tmp_path: Path):
    chart = identify_skill_gap(NURSE, MANAGER, ratings).chart()
    chart.save(tmp_path / "gap.svg")
    assert (tmp_path / "gap.svg").read_text() == chart._repr_svg_()
    chart.save(str(tmp_path / "gap.png"))
    assert (tmp_path / "gap.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigurationError, match=r"must end with \.svg or \.png"):
        chart.save(tmp_path / "gap.pdf")
