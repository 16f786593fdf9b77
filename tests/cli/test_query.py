"""Commands that answer questions about occupations."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.cli.printing.gap import _gap_table
from tests.cli.running import MANAGER, NURSE, Run

SAID = (
    "Medical and Health Services Managers need a higher level in 17 of 35 skills: "
    "8 are clear, 2 are likely, 7 are open."
)


@pytest.mark.usefixtures("with_starter")
def test_gap_prints_the_pair_the_table_and_the_credit(run: Run, ratings: Ratings):
    ended = run("gap", NURSE, MANAGER)
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    assert (ended.code, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    assert "From Registered Nurses (29-1141.00) To Medical and Health Services Managers (11-9111.00)" in text
    assert "17 of 35 skills need a higher level: 8 clear, 2 likely, 7 open." in text
    assert "more than in 51% (38 to 63%) of all pairs of occupations." in text
    assert report.provenance.attribution in text
    assert report.provenance.modification in text
    rows = re.findall(r"^(\w[\w ]+…?) +([\d.]+) +([\d.]+) +[█▓░·]{14} +([\d.]+) +([\d.]+) +(\w+ \d+%)", ended.out, re.M)
    assert len(rows) == len(report.skill_gaps)
    for row, gap in zip(rows, report.skill_gaps, strict=True):
        assert gap.element_name.startswith(row[0].rstrip(" …"))
        assert row[5] == f"{gap.certainty} {int(gap.agreement * 100)}%"
    assert rows[0][1:5] == ("1.75", "3.88", "2.125", "1.10")
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("current", ["29-1141", "29114100", "Registered Nurses", " registered nurses "])
def test_gap_takes_codes_in_every_form_and_exact_titles(run: Run, current: str):
    assert run("gap", current, MANAGER, "--csv").out == run("gap", NURSE, MANAGER, "--csv").out


@pytest.mark.usefixtures("with_starter")
def test_gap_as_json_is_what_the_http_service_answers(run: Run, ratings: Ratings):
    ended = run("gap", NURSE, MANAGER, "--json")
    assert orjson.loads(ended.out) == orjson.loads(orjson.dumps(identify_skill_gap(NURSE, MANAGER, ratings)))


@pytest.mark.usefixtures("with_starter")
def test_gap_as_csv_has_a_line_per_gap_with_all_fields(run: Run, ratings: Ratings):
    rows = list(csv.DictReader(io.StringIO(run("gap", NURSE, MANAGER, "--csv").out)))
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    assert [row["element_id"] for row in rows] == [gap.element_id for gap in report.skill_gaps]
    for row, gap in zip(rows, report.skill_gaps, strict=True):
        assert (row.pop("from_onet_soc_code"), row.pop("to_onet_soc_code")) == (NURSE, MANAGER)
        fields = {name: value for name, value in vars(gap).items() if name != "stability"}
        assert row == {name: "" if value is None else str(value) for name, value in fields.items()}


@pytest.mark.usefixtures("with_starter")
def test_gap_shows_how_its_order_moves_where_asked(run: Run, ratings: Ratings):
    report = identify_skill_gap(NURSE, MANAGER, ratings.weighted_by("none"), stability=True)
    asked = ("gap", NURSE, MANAGER, "--stability", "--weight", "none")
    assert orjson.loads(run(*asked, "--json").out) == orjson.loads(orjson.dumps(report))
    first = report.skill_gaps[0].stability
    lines = run(*asked).out.splitlines()
    line = next(each for each in lines if each.startswith(report.skill_gaps[0].element_name[:12]))
    assert line.split()[-2:] == [f"{first.rank_lower}-{first.rank_upper}", f"{first.distinguishable_share:.0%}"]
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--csv").out)))
    for row, gap in zip(rows, report.skill_gaps, strict=True):
        assert int(row["rank_upper"]) == gap.stability.rank_upper
        assert int(row["rank_by_importance"]) == gap.stability.rank_by_weight["importance"]


@pytest.mark.usefixtures("with_starter")
def test_gap_as_markdown_is_a_table(run: Run):
    lines = run("gap", NURSE, MANAGER, "--markdown").out.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 17
    assert {line.count("|") for line in table} == {8}
    assert "| Operations Analysis | 1.75 | 3.88 | 2.125 | 1.02 to 3.23 | 3.62 | clear 99% |" in table


@pytest.mark.usefixtures("with_starter")
def test_gap_to_itself_says_that_nothing_is_asked(run: Run):
    assert "None of the 35 skills compared needs a higher level." in run("gap", NURSE, NURSE).out


@pytest.mark.usefixtures("with_starter")
def test_skills_are_printed_most_important_first(run: Run, ratings: Ratings):
    printed = orjson.loads(run("skills", NURSE, "--json").out)
    assert printed["occupation"]["title"] == "Registered Nurses"
    assert [skill["element_id"] for skill in printed["skills"]] == [s.element_id for s in ratings.skills(NURSE)]
    lines = run("skills", NURSE).out.splitlines()
    names = [line.split("  ")[0].strip() for line in lines[2 : lines.index("")]]
    assert "O*NET 29.0 Database" in " ".join(lines[lines.index("") :])
    assert names == [skill.element_name for skill in ratings.skills(NURSE)]
    assert re.match(r"Social Perceptiveness +4\.38 +0\.26 +4\.12 +2021-08", lines[2])


@pytest.mark.usefixtures("with_starter")
def test_search_forgives_a_slip_and_names_the_title_that_matched(run: Run):
    ended = run("search", "registerd nurse")
    assert (ended.code, ended.out.splitlines()[0].split()) == (0, [NURSE, "Registered", "Nurses"])
    found = json.loads(run("search", "registerd nurse", "--limit", "3", "--json").out)
    first = found["items"][0]
    assert (first["occupation"]["onet_soc_code"], first["matched_title"]) == (NURSE, "Registered Nurses")
    assert first["match"] == "similar"
    assert len(found["items"]) == 3 <= found["total"]


@pytest.mark.usefixtures("with_starter")
def test_transitions_are_listed_nearest_first_with_what_stands_between(run: Run, ratings: Ratings):
    found = json.loads(run("transitions", NURSE, "--major-group", "29", "--only-rated", "--json").out)
    codes = [each["occupation"]["onet_soc_code"] for each in found["transitions"]]
    assert len(codes) == 10
    assert all(code.startswith("29-") for code in codes)
    expected = identify_skill_gap(NURSE, codes[0], ratings).summary
    assert found["transitions"][0]["summary"] == orjson.loads(orjson.dumps(expected))
    lines = run("transitions", NURSE, "--major-group", "29", "--only-rated", "--stability").out.splitlines()
    shown = [line for line in lines if re.match(r" *\d+ \S", line)]
    assert [re.search(r"\d\d-\d{4}\.\d\d", line)[0] for line in shown] == codes
    assert all(re.search(r" \d+-\d+$", line.rstrip()) for line in shown)
    assert "No similar occupation passes the filters." in run("transitions", NURSE, "--major-group", "99").out
    ended = run("transitions", NURSE, "--job-zone", "4")
    assert (ended.code, ended.out) == (1, "")
    assert "No Job Zones are loaded" in ended.err


def test_transitions_show_where_onets_own_list_has_them(run: Run, whole_29: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(whole_29.url))
    found = json.loads(run("transitions", NURSE, "--limit", "15", "--json").out)["transitions"]
    lines = [line.rstrip() for line in run("transitions", NURSE, "--limit", "15").out.splitlines()]
    shown = [line for line in lines if re.match(r" *\d+ \S", line)]
    words = {"Primary-Short": "first 5", "Primary-Long": "next 5", "Supplemental": "others"}
    assert {each["related_tier"] for each in found} > {"Primary-Short", "Primary-Long"}
    known = run("transitions", NURSE, "--domain", "knowledge").out
    assert re.search(r"Critical Care.* – +– +\d+ ", known), "no errors of experts: nothing tells what is clear"
    for line, each in zip(shown, found, strict=True):
        ending = words.get(each["related_tier"])
        assert line.endswith(ending) if ending else not line.endswith(tuple(words.values()))


@pytest.mark.usefixtures("with_starter")
def test_a_path_shows_each_move_and_the_one_step_beside(run: Run):
    found = json.loads(run("path", NURSE, MANAGER, "--limit", "2", "--json").out)
    assert len(found["paths"]) == 2
    text = run("path", NURSE, MANAGER, "--limit", "2").out
    for place, path in enumerate(found["paths"], start=1):
        assert f"{place}. hardest move {path['hardest_move']:.2f} levels" in text
        assert path["steps"][-1]["occupation"]["onet_soc_code"] == MANAGER
    assert f"In one move: {found['direct']['distinguishable_gaps']} clear" in text
    assert "Both occupations are the same, so no move is needed." in run("path", NURSE, NURSE).out


@pytest.mark.usefixtures("with_starter")
def test_report_writes_a_file_by_its_ending(run: Run, tmp_path: Path):
    for name, begins in (("a.html", b"<!doctype html>"), ("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.xlsx", b"PK")):
        ended = run("report", NURSE, "Medical and Health Services Managers", "-o", str(tmp_path / name))
        assert (ended.code, ended.out, ended.err) == (0, "", f"{tmp_path / name}: {SAID}\n")
        assert (tmp_path / name).read_bytes().startswith(begins)
    ended = run("report", NURSE, MANAGER, "-o", str(tmp_path / "a.pdf"))
    assert ended.code == 1
    assert "must end with .html, .svg, .png or .xlsx" in ended.err
    ended = run("report", NURSE, MANAGER, "-o", str(tmp_path / "none" / "a.svg"))
    assert (ended.code, ended.err) == (
        1,
        f"skillgap: {tmp_path / 'none' / 'a.svg'}: the folder {tmp_path / 'none'} does not exist\n",
    )


@pytest.mark.usefixtures("with_starter")
def test_a_profile_is_filled_in_and_compared(run: Run, ratings: Ratings, tmp_path: Path):
    template = json.loads(run("profile-template", "Registered Nurses").out)
    assert template["occupation"] == NURSE
    assert template["levels"] == dict.fromkeys(ratings.element_names)
    file = tmp_path / "me.json"
    file.write_text(json.dumps({**template, "levels": {**template["levels"], "Persuasion": 4.0}}))
    report = json.loads(run("gap", "--profile", str(file), MANAGER, "--json").out)
    assert report["own_levels"] == 1
    assert "Persuasion" not in [row["element_name"] for row in report["skill_gaps"]]
    file.with_name("blank.json").write_text(json.dumps({"levels": template["levels"]}))
    blank = run("gap", "--profile", str(file.with_name("blank.json")), MANAGER).out
    assert "No level is known on both sides, so there is nothing to compare." in blank
    shown = run("gap", "--profile", str(file), MANAGER).out
    assert shown.startswith("From  1 own level, the rest from Registered Nurses (29-1141.00)")


@pytest.mark.usefixtures("with_starter")
def test_every_wrong_field_of_a_profile_is_named_without_its_value(run: Run, tmp_path: Path):
    file = tmp_path / "me.json"
    file.write_text('{"levels": {"Persuasion": 7.531, "Writing": "6.421"}, "name": "me"}')
    ended = run("gap", "--profile", str(file), MANAGER)
    assert (ended.code, ended.out) == (1, "")
    assert all(field in ended.err for field in ("levels.Persuasion", "levels.Writing", "name"))
    assert not any(value in ended.err for value in ("7.531", "6.421"))
    file.write_text('{"levels": {"Persuading": 3}}')
    assert "levels.Persuading: no compared element has this name" in run("gap", "--profile", str(file), MANAGER).err
    file.write_text('{"levels": {}, "occupation": "nurse"}')
    assert "'nurse' is not an O*NET-SOC code; write it like" in run("gap", "--profile", str(file), MANAGER).err
    file.write_text("{}")
    assert "`skillgap profile-template` prints a profile" in run("gap", "--profile", str(file), MANAGER).err
    assert run("gap", "--profile", str(file), NURSE, MANAGER).code == 2


NO_IMPORTANCE = "No importance of skills is loaded (scale IM)."


@pytest.mark.usefixtures("with_levels_alone")
def test_without_importance_the_command_line_shows_no_shortfall_and_why(run: Run, tmp_path: Path):
    for form in ((), ("--markdown",)):
        text = " ".join(run("gap", NURSE, MANAGER, *form).out.split())
        assert "The weighted shortfall is unknown." in text
        assert text.count(NO_IMPORTANCE) == 1
        assert "0.00 levels" not in text
    assert "Weighted shortfall: 0.45 levels (0.1" in " ".join(
        run("gap", NURSE, MANAGER, "--weight", "none").out.split()
    )
    summary = json.loads(run("gap", NURSE, MANAGER, "--json").out)["summary"]
    assert (summary["weighted_shortfall"], summary["shortfall_percentile"]) == (None, None)
    assert summary["unavailable"]["weighted_shortfall"].startswith(NO_IMPORTANCE)
    transitions = run("transitions", NURSE).out
    assert NO_IMPORTANCE in " ".join(transitions.split())
    assert "nan" not in transitions
    for file in ("report.html", "report.xlsx"):
        assert run("report", NURSE, MANAGER, "-o", str(tmp_path / file)).code == 0
    assert NO_IMPORTANCE in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("with_levels_alone")
@pytest.mark.parametrize(
    "arguments",
    [
        ("path", NURSE, MANAGER),
        ("workforce", "people.csv", "--to", MANAGER),
        ("transitions", NURSE, "--max-shortfall-percentile", "50"),
        ("batch", "people.csv", "--nearest", "3", "-o", "out.csv"),
    ],
)
def test_without_importance_what_needs_it_is_refused_but_with_the_weight_none(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text(f"id,occupation,Writing\na,{NURSE},\nb,{NURSE},4\n")
    ended = run(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith(f"skillgap: {NO_IMPORTANCE}")
    assert list(Path().glob("out*")) == []
    assert run(*arguments, "--weight", "none").code == 0


@pytest.mark.usefixtures("with_no_errors")
def test_without_errors_the_command_line_calls_nothing_clear_or_open(run: Run, tmp_path: Path):
    text = " ".join(run("gap", NURSE, MANAGER).out.split())
    assert "their certainty is unknown. Weighted shortfall: 0.46 levels, more than in 51% of" in text
    assert "No standard errors of skills are loaded" in text
    assert "| cannot be judged |" in run("gap", NURSE, MANAGER, "--markdown").out
    [row, *_] = csv.DictReader(io.StringIO(run("gap", NURSE, MANAGER, "--csv").out))
    assert (row["distinguishable"], row["agreement"], row["certainty"], row["p_value"]) == ("", "", "", "")
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\na,{NURSE}\n")
    view = run("workforce", str(people), "--to", MANAGER)
    assert "For 1, no gap could be tested" in view.out
    assert "have no clear gap" not in view.out
    assert (
        json.loads(run("workforce", str(people), "--to", MANAGER, "--json").out)["targets"][0]["conversions"][0][
            "lacking"
        ]
        is None
    )


@pytest.mark.usefixtures("with_starter")
def test_a_predicted_level_is_not_listed_as_rated(run: Run):
    lines = run("skills", "15-1252").out.splitlines()
    assert "Rated" not in lines[1]
    assert re.search(r"predicted \d{4}-\d{2}", lines[2])
    assert "predicted" not in run("skills", NURSE).out


@pytest.mark.parametrize("columns", [40, 60, 71, 72, 200])
def test_a_narrow_terminal_keeps_every_figure(ratings: Ratings, columns: int):
    report = identify_skill_gap("29-1141.00", "11-9111.00", ratings)
    out = Console(width=columns, file=io.StringIO(), color_system=None)
    out.print(_gap_table(report.skill_gaps, columns))
    lines = out.file.getvalue().splitlines()[1:]
    assert len(lines) == len(report.skill_gaps)
    for line, gap in zip(lines, report.skill_gaps, strict=True):
        for figure in (f"{gap.from_data_value:.2f}", f"{gap.to_data_value:.2f}", f"{gap.gap:.3f}"):
            assert figure in line
        chance = f" {int(gap.agreement * 100)}%" if columns >= 52 else ""
        assert line.rstrip().endswith(f"{gap.certainty}{chance}")
        assert ("█" in line) == (columns >= 72)


@pytest.mark.parametrize("columns", [52, 71, 83, 84, 200])
def test_a_narrow_terminal_keeps_how_the_order_moves(ratings: Ratings, columns: int):
    report = identify_skill_gap("29-1141.00", "11-9111.00", ratings, stability=True)
    out = Console(width=columns, file=io.StringIO(), color_system=None)
    out.print(_gap_table(report.skill_gaps, columns))
    for line, gap in zip(out.file.getvalue().splitlines()[1:], report.skill_gaps, strict=True):
        moves = gap.stability
        share = moves.distinguishable_share
        shown = ">99%" if 0.995 <= share < 1 else "<1%" if 0 < share <= 0.005 else f"{share:.0%}"
        place, again = f"{moves.rank_lower}-{moves.rank_upper}", shown
        chance = [f"{int(gap.agreement * 100)}%"] if columns >= 64 else []
        assert line.split()[-3 - len(chance) :] == [gap.certainty, *chance, place, again]
        assert ("█" in line) == (columns >= 84)


@pytest.mark.usefixtures("with_starter")
def test_predicted_levels_are_marked_and_explained(run: Run):
    out = " ".join(run("gap", "Software Developers", "Data Scientists").out.split())
    assert re.search(r"Mathematics ~3\.\d\d ~4\.\d\d ", out)
    assert "~ Levels of Software Developers and Data Scientists are predicted by embedded:smollm2, not rated" in out
    assert "by analysts; typical error 0.33 levels." in out
    assert "| Mathematics | ~3." in run("gap", "15-1252", "15-2051", "--markdown").out
    skills = " ".join(run("skills", "15-1252").out.split())
    assert "leans most on Computer Hardware Engineers" in skills
    assert "~" not in run("gap", NURSE, MANAGER).out
