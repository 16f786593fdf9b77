"""The data and the picture of a chart."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.export import charts
from skillgap.models import GapReport

NURSE, MANAGER = "29-1141.00", "11-9111.00"


@pytest.fixture(scope="module")
def report(ratings: Ratings) -> GapReport:
    return identify_skill_gap(NURSE, MANAGER, ratings)


@pytest.fixture(scope="module")
def predicted(ratings: Ratings) -> GapReport:
    return identify_skill_gap("15-1232.00", "15-1252.00", ratings)


def test_a_row_has_levels_with_the_intervals_that_onet_publishes(report: GapReport):
    gap, row = report.skill_gaps[0], charts.chart_rows(report)[0]
    assert (row["name"], row["current"], row["target"]) == ("Operations Analysis", 1.75, 3.88)
    assert row["current_lower"] == pytest.approx(1.75 - 1.96 * gap.from_standard_error)
    assert row["target_upper"] == pytest.approx(3.88 + 1.96 * gap.to_standard_error)
    assert (row["certainty"], row["current_is_predicted"]) == ("clear", False)
    assert row["label"] == "2.125 (1.02 to 3.23), clear 99%"
    untested = replace(report, skill_gaps=[replace(gap, p_value=None, agreement=None, certainty=None)])
    assert charts.chart_rows(untested)[0]["certainty"] == "cannot be judged"
    assert [row["certainty"] for row in charts.chart_rows(report)] == [gap.certainty for gap in report.skill_gaps]


def test_intervals_end_where_the_scale_does_and_predictions_have_their_own(report: GapReport, predicted: GapReport):
    wide = [replace(report.skill_gaps[0], from_standard_error=5.0, to_standard_error=None)]
    row = charts.chart_rows(replace(report, skill_gaps=wide))[0]
    assert (row["current_lower"], row["current_upper"], row["target_lower"], row["target_upper"]) == (
        0.0,
        7.0,
        None,
        None,
    )
    for gap, shown in zip(predicted.skill_gaps, charts.chart_rows(predicted), strict=True):
        assert (shown["target_lower"], shown["target_upper"]) == (gap.to_lower, gap.to_upper)
        assert shown["target_is_predicted"]


def test_only_so_many_rows_are_drawn(report: GapReport):
    many = replace(report, skill_gaps=report.skill_gaps * 4)
    assert len(charts.chart_rows(many)) == charts.MOST_ROWS == 40


def test_a_picture_has_every_skill_in_the_colors_of_its_theme(report: GapReport):
    svg = charts.draw(charts.chart_of(report, "dark"), "svg").decode()
    assert [gap.element_name for gap in report.skill_gaps] == [
        name for name in re.findall(r">([^<>]+)</text>", svg) if name in {gap.element_name for gap in report.skill_gaps}
    ]
    assert svg.count("#f0a030") >= 8
    page = charts.draw(charts.chart_of(report, "page"), "svg").decode()
    assert "var(--clear)" in page
    assert "#" not in "".join(re.findall(r'(?:fill|stroke)="([^"]*)"', page)), "no color but the stylesheet's"


def test_a_picture_is_as_high_as_the_page_keeps_free(report: GapReport):
    svg = charts.draw(charts.chart_of(report, "light"), "svg").decode()
    height = re.search(r'height="([\d.]+)"', svg)
    assert height is not None
    assert 0 <= charts.chart_height(len(report.skill_gaps)) - float(height[1]) < 26


def test_stylesheet_and_chart_have_the_same_colors():
    from skillgap.export.html import stylesheet

    style = stylesheet()
    for theme, part in (("light", style.split("@media")[0]), ("dark", style.split("@media")[1])):
        named = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        for name, color in charts.COLORS[theme].items():
            assert named[name] == color, (theme, name)


def test_control_characters_of_a_title_are_drawn_as_text(report: GapReport):
    """As a release loaded by 0.1.0 may have them; the library would abort the process."""
    evil = "Nurses\x1b[31m\x00"
    gaps = [replace(report.skill_gaps[0], element_name=evil), *report.skill_gaps[1:]]
    spec = charts.standalone_chart(
        replace(report, skill_gaps=gaps, to_occupation=replace(report.to_occupation, title=evil))
    )
    svg = charts.draw(spec, "svg").decode()
    assert svg.count(r"Nurses\x1b[31m\x00") >= 2
    ET.fromstring(svg)  # noqa: S314 - our own
