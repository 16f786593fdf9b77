"""Reports as files: their content read back, and hostile titles in them."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.errors import ConfigurationError
from skillgap.export.report import write_report
from skillgap.models import GapReport

NURSE, MANAGER = "29-1141.00", "11-9111.00"
MADE = date(2026, 11, 25)
HOSTILE = '=HYPERLINK("http://evil.example";"<script>alert(1)</script>")'
_NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture(scope="module")
def report(ratings: Ratings) -> GapReport:
    return identify_skill_gap(NURSE, MANAGER, ratings)


@pytest.fixture(scope="module")
def hostile(report: GapReport) -> GapReport:
    gaps = [replace(report.skill_gaps[0], element_name=HOSTILE), *report.skill_gaps[1:]]
    return replace(report, skill_gaps=gaps, to_occupation=replace(report.to_occupation, title=HOSTILE))


def write(report: GapReport, file: Path, *, only_sure: bool = False) -> bytes:
    write_report(report, file, only_sure=only_sure, made=MADE)
    return file.read_bytes()


def cells(file: Path, sheet: int) -> list[list[Any]]:
    """Return a sheet's values row by row, read from the file's own XML: texts, and numbers as floats."""
    with zipfile.ZipFile(file) as book:
        strings = ["".join(each.itertext()) for each in ET.fromstring(book.read("xl/sharedStrings.xml"))]  # noqa: S314
        rows = ET.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml")).iterfind(".//m:row", _NAMES)  # noqa: S314
        found = []
        for row in rows:
            assert row.find(".//m:f", _NAMES) is None, "no formula"
            values = [(cell.get("t"), cell.findtext("m:v", None, _NAMES)) for cell in row.iterfind("m:c", _NAMES)]
            found.append([strings[int(v)] if t == "s" else float(v) if v else None for t, v in values])
        return found


def test_a_spreadsheet_has_the_report_in_numbers(report: GapReport, tmp_path: Path):
    write(report, tmp_path / "gap.xlsx")
    header, *rows = cells(tmp_path / "gap.xlsx", 1)
    assert header[:4] == ["Skill", "Certainty", "Gap", "Agreement"]
    assert [(row[0], row[2], row[9]) for row in rows] == [
        (gap.element_name, gap.gap, gap.importance) for gap in report.skill_gaps
    ]
    assert [row[1] for row in rows] == [f"{gap.certainty} {int(gap.agreement * 100)}%" for gap in report.skill_gaps]
    assert [row[3] for row in rows] == [gap.agreement for gap in report.skill_gaps]
    assert len(cells(tmp_path / "gap.xlsx", 2)) == 1 + len(report.surplus_skills)
    facts = {row[0]: row[1] for row in cells(tmp_path / "gap.xlsx", 3)}
    assert facts["O*NET release"] == "29.0"
    assert facts["Created on"] == "2026-11-25"
    assert facts["Clear gaps"] == 8
    assert report.provenance.attribution in facts["Credit"]


def test_only_what_is_sure_where_asked_for(report: GapReport, tmp_path: Path):
    write(report, tmp_path / "gap.xlsx", only_sure=True)
    assert len(cells(tmp_path / "gap.xlsx", 1)) == 1 + 8
    svg = write(report, tmp_path / "gap.svg", only_sure=True).decode()
    assert "Negotiation" in svg
    assert "Writing" not in svg


def test_titles_are_text_in_every_file(hostile: GapReport, tmp_path: Path):
    write(hostile, tmp_path / "gap.xlsx")
    assert cells(tmp_path / "gap.xlsx", 1)[1][0] == HOSTILE
    with zipfile.ZipFile(tmp_path / "gap.xlsx") as book:
        assert not [name for name in book.namelist() if "rels" in name and b"evil" in book.read(name)]
    for name in ("gap.html", "gap.svg"):
        text = write(hostile, tmp_path / name).decode()
        assert "<script>" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_a_page_says_where_its_figures_are_from_and_has_the_chart_in_it(report: GapReport, tmp_path: Path):
    html = write(report, tmp_path / "gap.html").decode()
    assert "Created on 2026-11-25." in html
    assert "O*NET 29.0 (2024-08)" in html
    assert html.count("<svg") == 1
    assert not re.findall(r'(?:src|href)="(?!https://creativecommons|data:,)', html)


def test_a_chart_alone_says_what_it_is_of(report: GapReport, tmp_path: Path):
    svg = write(report, tmp_path / "gap.svg").decode()
    for text in ("From Registered Nurses (29-1141.00)", "to Medical and Health Services Managers", "O*NET 29.0"):
        assert text in svg
    png = write(report, tmp_path / "gap.png")
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    assert width > 1_000
    assert height > 1_000


def test_an_empty_gap_is_a_report_too(ratings: Ratings, tmp_path: Path):
    same = identify_skill_gap(NURSE, NURSE, ratings)
    assert b"Nothing is missing" in write(same, tmp_path / "same.html")
    write(same, tmp_path / "same.xlsx")
    assert len(cells(tmp_path / "same.xlsx", 1)) == 1
    assert b"There are no gaps to show." in write(same, tmp_path / "same.svg")


def test_another_ending_is_an_error_that_names_those_there_are(report: GapReport, tmp_path: Path):
    with pytest.raises(
        ConfigurationError,
        match=r"gap\.pdf: unsupported format; the file name must end with \.html, \.svg, \.png or \.xlsx",
    ):
        write(report, tmp_path / "gap.pdf")


def test_a_report_that_fails_leaves_the_file_before_it(
    report: GapReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = write(report, tmp_path / "gap.svg")
    monkeypatch.setattr("skillgap.export.charts.draw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(report, tmp_path / "gap.svg")
    assert (tmp_path / "gap.svg").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["gap.svg"]
