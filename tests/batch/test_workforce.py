"""The workforce view of a file: counts, rejected rows and written files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from skillgap.analysis.ratings import Ratings
from skillgap.batch import answer_file, rejects_of, view_workforce
from skillgap.errors import BatchInputError, ConfigurationError, UnknownOccupation, UnratedOccupation
from skillgap.export.workforce import write_workforce
from skillgap.models import WorkforceReport
from tests.batch.test_batch import people
from tests.export.test_report import HOSTILE, cells

NURSE, MANAGER, SPECIALIST = "29-1141.00", "11-9111.00", "13-1071.00"
MADE = date(2026, 11, 25)
View = Callable[..., WorkforceReport]


@pytest.fixture
def view(ratings: Ratings, tmp_path: Path) -> View:
    """View people given as CSV text or as a file."""

    def view(given: str | Path, **options: Any) -> WorkforceReport:
        source = given if isinstance(given, Path) else tmp_path / "people.csv"
        if isinstance(given, str):
            source.write_text(given)
        usual = {"to": [MANAGER], "proposals": 3, "id_column": "id", "occupation_column": None, "outputs": []}
        report, _ = view_workforce(source, ratings, **{**usual, **options}, on_rows=lambda *_: None)
        return report

    return view


@pytest.mark.slow
def test_counts_are_those_of_the_batch(view: View, ratings: Ratings, tmp_path: Path):
    """3,000 people in one file, viewed, and answered gap by gap."""
    source, answered = tmp_path / "people.parquet", tmp_path / "gaps.parquet"
    pq.write_table(people(ratings, 3_000, seed=5), source, row_group_size=700)
    report = view(source, to=["wants"])
    options: dict[str, Any] = {"id_column": "id", "occupation_column": None, "scheduler": None}
    for each, file in (("gap", answered), ("row", tmp_path / "rows.parquet")):
        answer_file(
            source,
            file,
            ratings,
            target="wants",
            nearest=0,
            similarity=None,
            each=each,
            on_rows=lambda *_: None,
            **options,  # type: ignore[arg-type]
        )
    gaps = pq.read_table(answered).to_pandas()
    rows = pq.read_table(tmp_path / "rows.parquet").to_pandas().groupby("to_onet_soc_code")
    lacking = gaps[gaps.distinguishable].groupby(["to_onet_soc_code", "element_name"]).gap
    counts, means = lacking.size().to_dict(), lacking.mean().to_dict()
    assert report.people == 3_000
    assert len(report.targets) == len(rows) > 500
    for target in report.targets:
        code = target.to_occupation.onet_soc_code
        assert target.people == len(rows.get_group(code))
        known = rows.get_group(code).query("skills_compared == 35")
        assert target.without_sure_gap == (known.distinguishable_gaps == 0).sum()
        assert target.known_in_part == target.people - len(known)
        for skill in target.skills:
            assert (skill.lacking or 0) == counts.get((code, skill.element_name), 0)
            assert skill.lacking is not None or skill.unknown == target.people
            if skill.gap:
                assert skill.gap.mean == pytest.approx(means[code, skill.element_name], abs=1e-4)


def test_who_cannot_be_compared_is_counted_and_listed(view: View, tmp_path: Path):
    output = tmp_path / "view.json"
    text = f"id,occupation,Writing\na,{NURSE},\nb,99-9999.00,\nc,{NURSE},8\nd,,4\ne,,\nf,{NURSE}\n"
    report = view(text, outputs=[output], min_own_levels=1)
    reasons = {
        "a line with 2 fields instead of 3": 1,
        "occupation: O*NET 29.0 has no occupation 99-9999.00": 1,
        "Writing: 8 is outside 0 to 7": 1,
        "neither an occupation nor an own level": 1,
    }
    assert (report.people, report.rejected) == (2, reasons)
    with rejects_of(output).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert (header, sorted(row[0] for row in rows)) == (["id", "error"], ["", "b", "c", "e"])
    assert view(text, min_own_levels=1).rejected == reasons


def test_who_has_no_occupation_needs_half_of_the_levels(view: View, ratings: Ratings):
    header = ",".join(["id", "occupation", *ratings.element_names])
    rows = [f"{key},," + ",".join(["3"] * count + [""] * (35 - count)) for key, count in (("a", 18), ("b", 17))]
    report = view("\n".join([header, *rows, ""]))
    assert (report.people, report.rejected) == (1, {"no occupation, and fewer than 18 own levels": 1})
    assert view("\n".join([header, *rows, ""]), min_own_levels=17).people == 2
    with pytest.raises(BatchInputError, match="'Job Code' looks like it: --occupation 'Job Code'"):
        view(f"id,Job Code,Writing\na,{NURSE},3\n")


def test_where_nobody_can_be_compared_the_view_is_empty(view: View):
    report = view("id,occupation\na,99-9999.00\n")
    assert (report.people, report.targets, sum(report.rejected.values())) == (0, [], 1)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"to": ["11-0000.00"]}, UnknownOccupation, "11-0000.00"),
        ({"to": ["55-1011.00"]}, UnratedOccupation, "55-1011.00"),
        ({"to": [MANAGER, "wants"]}, UnknownOccupation, "wants"),
        ({"id_column": "name"}, BatchInputError, "'name'"),
        ({"proposals": 600, "to": [MANAGER, SPECIALIST]}, BatchInputError, "600 proposals for each of 2 targets"),
    ],
)
def test_what_is_wrong_is_named(view: View, options: dict[str, Any], error: type[Exception], says: str):
    with pytest.raises(error, match=re.escape(says)):
        view(f"id,occupation,wants\na,{NURSE},{MANAGER}\n", **options)


def test_the_same_target_twice_is_one(view: View):
    report = view(f"id,occupation\na,{NURSE}\n", to=[MANAGER, "Medical and Health Services Managers", "11-9111"])
    assert [each.to_occupation.onet_soc_code for each in report.targets] == [MANAGER]


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def report(view: View) -> WorkforceReport:
    return view(
        f"id,occupation,Writing\na,{NURSE},\nb,{NURSE},1\nc,,2.5\nx,,9\n",
        to=[MANAGER, SPECIALIST],
        proposals=1,
        min_own_levels=1,
    )


def test_json_has_all_of_it(report: WorkforceReport, tmp_path: Path):
    write_workforce(report, tmp_path / "view.json", made=MADE)
    found = json.loads((tmp_path / "view.json").read_text())
    assert found == json.loads(json.dumps(asdict(report), default=str))
    assert found["rejected"] == {"Writing: 9 is outside 0 to 7": 1}


def test_csv_has_who_lacks_what(report: WorkforceReport, tmp_path: Path):
    write_workforce(report, tmp_path / "view.csv", made=MADE)
    with (tmp_path / "view.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 35
    [writing] = [row for row in rows if (row["to_onet_soc_code"], row["element_name"]) == (MANAGER, "Writing")]
    assert (writing["people"], writing["lacking"], writing["share"], writing["may_be_chance"]) == (
        "3",
        "2",
        "0.6667",
        "1",
    )
    assert (float(writing["gap_mean"]), writing["to_data_value"]) == (pytest.approx((3 + 1.5) / 2), "4.0")
    [time] = [row for row in rows if (row["to_onet_soc_code"], row["element_name"]) == (MANAGER, "Time Management")]
    assert (time["lacking"], time["unknown"]) == ("2", "1")


def test_a_spreadsheet_has_four_tables_and_their_sources(report: WorkforceReport, tmp_path: Path):
    write_workforce(report, tmp_path / "view.xlsx", made=MADE)
    targets, lacking, homes, proposals, sources = (cells(tmp_path / "view.xlsx", k) for k in range(1, 6))
    assert [row[0] for row in targets[1:]] == [MANAGER, SPECIALIST]
    assert len(lacking) == 1 + 2 * 35
    assert {row[2] for row in homes[1:]} == {"Registered Nurses (29-1141.00)", "own levels only"}
    assert sum(row[3] for row in homes[1:]) == 2 * report.people
    assert [row[2] for row in proposals[1:]] == [each.id for view in report.targets for each in view.conversions]
    facts = {row[0]: row[1] for row in sources}
    assert (facts["People"], facts["Not comparable"], facts["Created on"]) == (3, 1, "2026-11-25")
    assert facts["Credit"].startswith("This page includes information from the O*NET 29.0 Database")


def test_an_id_is_never_a_formula(view: View, tmp_path: Path):
    quoted = HOSTILE.replace('"', '""')
    report = view(f'id,occupation\n"{quoted}",{NURSE}\n')
    write_workforce(report, tmp_path / "view.xlsx", made=MADE)
    assert cells(tmp_path / "view.xlsx", 4)[1][2] == HOSTILE


def test_no_title_is_a_formula_in_csv(report: WorkforceReport, tmp_path: Path):
    view = report.targets[0]
    hostile = replace(view, to_occupation=replace(view.to_occupation, title=HOSTILE))
    write_workforce(replace(report, targets=[hostile]), tmp_path / "view.csv", made=MADE)
    with (tmp_path / "view.csv").open(newline="") as file:
        assert {row["to_title"] for row in csv.DictReader(file)} == {f"'{HOSTILE}"}


@pytest.mark.slow
def test_a_chart_names_targets_skills_and_sources(report: WorkforceReport, tmp_path: Path):
    write_workforce(report, tmp_path / "view.svg", made=MADE)
    svg = (tmp_path / "view.svg").read_text()
    for text in ("To Medical and Health Services Managers", "To Human Resources Specialists", "Time Management"):
        assert text in svg
    assert (
        f"O*NET 29.0 (USDOL/ETA, CC BY 4.0), modified by skillgap; data version {report.provenance.data_version}" in svg
    )
    write_workforce(report, tmp_path / "view.png", made=MADE)
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_titles_are_text_in_a_chart(report: WorkforceReport, tmp_path: Path):
    view = report.targets[0]
    hostile = replace(view, to_occupation=replace(view.to_occupation, title="<script>alert(1)</script>"))
    write_workforce(replace(report, targets=[hostile]), tmp_path / "view.svg", made=MADE)
    assert "<script" not in (tmp_path / "view.svg").read_text()


def test_another_ending_is_refused_and_nothing_written(report: WorkforceReport, tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"must end with \.json, \.csv, \.xlsx, \.svg or \.png"):
        write_workforce(report, tmp_path / "view.pdf", made=MADE)
    assert not (tmp_path / "view.pdf").exists()
