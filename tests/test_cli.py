"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import orjson
import pytest
import stamina
from rich.console import Console
from sqlalchemy import Engine, text

from benchmarks.http import free_port
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.cli import app as cli
from skillgap.cli.printing.gap import _gap_table
from skillgap.config.api_keys import find_key, read_keys
from skillgap.config.doctor import Check, examine
from skillgap.nodes.pipelines import extract_load_text_files
from skillgap.onet.releases import Release
from skillgap.onet.tables import REQUIRED_TABLES, TABLES
from skillgap.sources.releases import find_release
from skillgap.store.engine import make_engine, write
from skillgap.store.loads import Scores, upsert_scores
from skillgap.store.tables import init_tables
from skillgap.testing.fake_onet_api import PASSWORD, USERNAME, FakeOnetApi, FakeTables
from tests.conftest import changed_release, close_to_writers, is_level, is_obeyed, onet_zip
from tests.sources.conftest import ReleaseServer

NURSE, MANAGER = "29-1141.00", "11-9111.00"
SAID = "Medical and Health Services Managers need a higher level in 17 of 35 skills: 8 are sure, 9 may be chance."
COMMANDS = (
    *(
        "init-db",
        "load",
        "fetch",
        "status",
        "gap",
        "report",
        "profile-template",
        "skills",
        "search",
        "transitions",
        "path",
        "export",
        "batch",
        "workforce",
        "diff",
        "enrich",
        "serve",
        "mcp",
        "new-key",
        "doctor",
    ),
    *("llm evaluate", "llm audit"),
)


@dataclass
class Ended:
    code: object
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["skillgap", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Ended(ended.value.code, out, err)

    return run


@pytest.fixture
def with_starter(starter_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)


# -- gap ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_starter")
def test_gap_prints_the_pair_the_table_and_the_credit(run: Run, ratings: Ratings):
    ended = run("gap", NURSE, MANAGER)
    report = identify_skill_gap(NURSE, MANAGER, ratings)
    assert (ended.code, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    assert "From Registered Nurses (29-1141.00) To Medical and Health Services Managers (11-9111.00)" in text
    assert "17 of 35 skills need a higher level, 8 of them beyond rater noise." in text
    assert "more than in 51.3% of all pairs of occupations." in text
    assert report.provenance.attribution in text
    assert report.provenance.modification in text
    rows = re.findall(r"^(\w[\w ]+?) +([\d.]+) +([\d.]+) +[█▓░·]{14} +([\d.]+) +([\d.]+) +(yes|no)", ended.out, re.M)
    assert [row[0] for row in rows] == [gap.element_name for gap in report.skill_gaps]
    assert [row[5] for row in rows] == ["yes" if gap.distinguishable else "no" for gap in report.skill_gaps]
    assert rows[0][1:5] == ("1.75", "3.88", "2.125", "0.92")
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
    line = next(each for each in lines if each.startswith(report.skill_gaps[0].element_name))
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
    assert "| Operations Analysis | 1.75 | 3.88 | 2.125 | 1.20 to 3.05 | 3.62 | yes |" in table


@pytest.mark.usefixtures("with_starter")
def test_gap_to_itself_says_that_nothing_is_asked(run: Run):
    assert "None of the 35 skills compared needs a higher level." in run("gap", NURSE, NURSE).out


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gap", NURSE, "15-1252.00", "--ratings", "onet"), "no skill ratings for 15-1252.00 (Software Developers)"),
        (("gap", "99-9999", NURSE), "no occupation 99-9999.00; `skillgap search WORDS` finds occupations"),
        (
            ("gap", "29-1411", MANAGER),
            ", 29-1141.00 (Registered Nurses) or 29-1211.00 (Anesthesiologists)? `skillgap",
        ),
        (("gap", "nurse", MANAGER), "nor a loaded title; `skillgap search WORDS` finds occupations"),
        (("report", NURSE, MANAGER, "-o", "/proc/gap.html"), "skillgap: /proc/gap.html: cannot be written ("),
        (("gap", "Registred Nurses", MANAGER), "Did you mean Registered Nurses (29-1141.00)?"),
        (("gap", "x" * 10_000, MANAGER), "neither an O*NET-SOC code nor a title"),
        (("skills", "55-1011"), "and its levels are not predicted: O*NET publishes no tasks and no Job Zone"),
        (("load", "nowhere.zip"), "nowhere.zip: no such file or folder, and not a release number like 31.0"),
        (("load", "19.0"), "releases from 20.1 on can be loaded"),
        (("init-db", "--recreate", "Skils"), "no table Skils; tables: Occupations, Scales"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_standard_error_and_exit_1(run: Run, arguments: tuple[str, ...], words: str):
    ended = run(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert words in ended.err
    assert ended.err.startswith("skillgap: ")
    assert len(ended.err) < 400
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize(
    "arguments",
    [
        ("gap", NURSE),
        ("nonsense",),
        ("gap", NURSE, MANAGER, "--json", "--csv"),
        ("serve", "--port", "x"),
        ("mcp", "--port", "8001"),
    ],
)
def test_what_is_not_understood_is_exit_2(run: Run, arguments: tuple[str, ...]):
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage" in ended.err


# -- skills, status, load ---------------------------------------------------------------------------------------------


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
def test_status_tells_release_counts_and_unrated_occupations(run: Run):
    text = run("status").out
    assert re.search(r"O\*NET release +29\.0\n", text)
    assert "1,016: 879 rated, 137 not" in text
    assert "61,530 from text" in text
    assert "missing         Knowledge: disables the domain `knowledge`" in text
    assert "JobZones: disables Job Zones, steps between them and the filter `job_zone`" in text
    assert "15-1252.00  Software Developers" in run("status", "--unrated").out
    state = orjson.loads(run("status", "--json").out)
    assert (state["occupations"], len(state["unrated"]), state["tables"]["Skills"]) == (1016, 137, 61530)


def test_the_first_question_finds_the_starter_by_itself(run: Run):
    first, second = run("gap", NURSE, MANAGER, "--csv"), run("gap", NURSE, MANAGER, "--csv")
    assert "first use: putting the starter data into" in first.err
    assert second.err == ""
    assert first.out == second.out != ""


def test_a_database_that_was_named_is_never_filled_unasked(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    ended = run("gap", NURSE, MANAGER)
    assert (ended.code, ended.out) == (1, "")
    assert "no such database; `skillgap load` creates it" in ended.err
    assert run("init-db").code == 0
    assert "skillgap load starter" in run("gap", NURSE, MANAGER).err
    assert "nothing is loaded" in run("status").out


def test_questions_are_answered_from_a_read_only_file_system(
    run: Run, starter_engine: Engine, read_only: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    writable, folder = read_only
    shutil.copy(str(starter_engine.url.database), writable / "skillgap.db")
    close_to_writers(folder)
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{folder}/skillgap.db")
    assert "17 of 35 skills need a higher level" in " ".join(run("gap", NURSE, MANAGER).out.split())
    assert "29.0" in run("status").out
    assert "Registered Nurses" in run("search", "nurse").out
    ended = run("load", "starter")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert "copy it to a writable folder" in ended.err


def test_an_upgrade_says_what_changed(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    old, new = str(onet_zip("26_1")), str(onet_zip("29_0"))
    first = run("load", old)
    assert (first.code, first.out) == (0, "")
    assert "O*NET 26.1 loaded: 1,016 Occupations, 29 Scales, 627 Elements, 61,110 Skills" in first.err
    upgrade = run("load", new).err
    assert "Skills: 420 new, 50,689 changed, 0 gone" in upgrade
    assert "levels changed: 6,664" in upgrade
    assert "levels changed beyond rater noise: 1 of 6,664" in upgrade
    assert "Art Directors, Troubleshooting 1.25 to 0.12" in upgrade
    assert re.search(r"pairs of occupations whose sure gaps are others: 27\d,\d{3} of 38\d,\d{3} with", upgrade)
    assert "newly rated: 11-3013.00, 19-3039.02, 19-3039.03, 25-9042.00, 29-2011.04, 29-2036.00" in upgrade
    assert "nothing changed" in run("load", new).err


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
    assert "No near occupation passes the filters." in run("transitions", NURSE, "--major-group", "99").out
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
    assert re.search(r"Critical Care Nurses .* –  ", known), "no errors of experts: nothing tells what is sure"
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
    assert f"In one step: {found['direct']['distinguishable_gaps']} sure gap" in text
    assert "the same occupation: no move is needed" in run("path", NURSE, NURSE).out


@pytest.mark.usefixtures("with_starter")
def test_report_writes_a_file_by_its_ending(run: Run, tmp_path: Path):
    for name, begins in (("a.html", b"<!doctype html>"), ("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.xlsx", b"PK")):
        ended = run("report", NURSE, "Medical and Health Services Managers", "-o", str(tmp_path / name))
        assert (ended.code, ended.out, ended.err) == (0, "", f"{tmp_path / name}: {SAID}\n")
        assert (tmp_path / name).read_bytes().startswith(begins)
    ended = run("report", NURSE, MANAGER, "-o", str(tmp_path / "a.pdf"))
    assert ended.code == 1
    assert "write to a file named .html, .svg, .png, .xlsx" in ended.err
    ended = run("report", NURSE, MANAGER, "-o", str(tmp_path / "none" / "a.svg"))
    assert (ended.code, ended.err) == (
        1,
        f"skillgap: {tmp_path / 'none' / 'a.svg'}: there is no folder {tmp_path / 'none'}\n",
    )


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("what", ["ratings", "transitions"])
def test_export_writes_a_file_and_says_how_many_rows(run: Run, ratings: Ratings, tmp_path: Path, what: str):
    file = tmp_path / f"{what}.csv"
    ended = run("export", str(file), "--what", what)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert (ended.code, ended.out) == (0, "")
    assert f"{file}: {len(rows):,} rows" in ended.err
    assert len(rows) == (923 * 35 if what == "ratings" else 923 * 20)
    again = run("export", str(tmp_path / "pairs.txt"))
    assert (again.code, list(tmp_path.iterdir())) == (1, [file])
    assert "pairs.txt: write to a file named .csv, .parquet, .json" in again.err


@pytest.mark.usefixtures("with_levels_alone")
@pytest.mark.parametrize("command", [("export",), ("batch", "people.csv", "--to", MANAGER, "-o")])
@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--domain", "abilities"), "O*NET 29.0 is loaded without levels of abilities; `skillgap status` shows"),
        (("--ratings", "llm"), "no predicted levels are stored; use the ratings onet+llm"),
    ],
)
def test_levels_that_are_not_there_are_not_taken_for_an_empty_database(
    run: Run,
    command: tuple[str, ...],
    option: tuple[str, str],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text(f"id,occupation\na,{NURSE}\n")
    ended = run(*command, "out.csv", *option)
    assert ended.code == 1
    assert f"skillgap: {why}" in ended.err
    assert list(Path().glob("out*")) == []


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
    assert "No level is known on both sides, so nothing is compared." in blank
    shown = run("gap", "--profile", str(file), MANAGER).out
    assert shown.startswith("From  1 own level, the rest of Registered Nurses (29-1141.00)")


@pytest.mark.usefixtures("with_starter")
def test_every_wrong_field_of_a_profile_is_named_without_its_value(run: Run, tmp_path: Path):
    file = tmp_path / "me.json"
    file.write_text('{"levels": {"Persuasion": 7.531, "Writing": "6.421"}, "name": "me"}')
    ended = run("gap", "--profile", str(file), MANAGER)
    assert (ended.code, ended.out) == (1, "")
    assert all(field in ended.err for field in ("levels.Persuasion", "levels.Writing", "name"))
    assert not any(value in ended.err for value in ("7.531", "6.421"))
    file.write_text('{"levels": {"Persuading": 3}}')
    assert "levels.Persuading: no element of this name" in run("gap", "--profile", str(file), MANAGER).err
    file.write_text('{"levels": {}, "occupation": "nurse"}')
    assert "'nurse' is not an O*NET-SOC code; write it like" in run("gap", "--profile", str(file), MANAGER).err
    file.write_text("{}")
    assert "`skillgap profile-template` prints a profile" in run("gap", "--profile", str(file), MANAGER).err
    assert run("gap", "--profile", str(file), NURSE, MANAGER).code == 2


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("command", ["batch", "workforce"])
def test_people_of_whom_none_can_be_answered_are_exit_1(run: Run, command: str, tmp_path: Path):
    people, output = tmp_path / "people.csv", tmp_path / "out.csv"
    people.write_text("id,occupation\n1,99-9999\n")
    ended = run(command, str(people), "--to", MANAGER, "-o", str(output))
    assert (ended.code, ended.err.splitlines()[-1]) == (
        1,
        f"skillgap: {people}: none of 1 rows could be answered, for the reasons above",
    )
    people.write_text("id,occupation\n1,99-9999\n2,29-1141\n")
    assert run(command, str(people), "--to", MANAGER, "-o", str(output), "--force").code == 0
    assert output.with_name("out.rejects.csv").read_text().count("\n") == 2
    ended = run(command, str(people), "--to", "goal", "-o", str(output), "--force")
    assert ended.code == 1
    assert f"{people} has no column 'goal', and 'goal' is neither an O*NET-SOC code nor a title" in ended.err


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("command", ["batch", "workforce"])
def test_people_with_a_job_code_and_few_levels_are_an_error_with_a_way_out(
    run: Run, ratings: Ratings, command: str, tmp_path: Path
):
    """A form with a column for each skill, of which each person has filled in one or two."""
    people, output = tmp_path / "people.csv", tmp_path / "out.csv"
    with people.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "Job Code", *ratings.element_names])
        for k in range(388):
            writer.writerow([k, NURSE, *("3" if skill in (k % 35, 7) else "" for skill in range(35))])
    asked = (command, str(people), "--to", MANAGER, "-o", str(output))
    ended = run(*asked)
    assert (ended.code, ended.err.count("Traceback")) == (1, 0)
    assert "388 no occupation, and fewer than 18 own levels" in ended.err
    assert ended.err.splitlines()[-1].endswith("'Job Code' looks like it: --occupation 'Job Code'")
    assert output.with_name("out.rejects.csv").read_text().count("\n") == 1 + 388
    for option in (("--occupation", "Job Code"), ("--min-own-levels", "1")):
        assert run(*asked, "--force", *option).code == 0
        assert not output.with_name("out.rejects.csv").exists()


@pytest.mark.usefixtures("with_starter")
def test_diff_of_releases_tells_what_changed_and_writes_each_pair(run: Run, tmp_path: Path):
    old, file = str(onet_zip("26_1")), tmp_path / "pairs.csv"
    ended = run("diff", old, "loaded", "--occupation", NURSE, "--pairs", str(file))
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"O*NET 26.1 to 29.0, skills, Registered Nurses ({NURSE})\n")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert f"sure gaps are others: {len(rows)} of" in ended.out
    assert all(NURSE in (row["from_onet_soc_code"], row["to_onet_soc_code"]) for row in rows)
    lines = [line for line in ended.out.splitlines() if line.startswith(("from ", "to "))]
    assert len(lines) == len(rows)
    moves = {f"+{name}" for row in rows for name in row["new"].split("; ") if name}
    assert moves == {each for line in lines for each in line.split(": ", 1)[1].split(", ") if each.startswith("+")}


@pytest.mark.usefixtures("with_starter")
def test_diff_as_json_of_what_is_the_same(run: Run):
    found = json.loads(run("diff", "starter", "loaded", "--json").out)
    assert (found["levels_changed"], found["pairs_compared"], found["beyond_noise"]) == (0, 0, [])
    assert found["before"]["number"] == found["after"]["number"] == "29.0"
    assert "O*NET 29.0 Database" in found["provenance"]["attribution"]


@pytest.mark.usefixtures("with_levels_alone")
def test_diff_does_not_call_importances_unchanged_that_are_gone(run: Run):
    said = run("diff", "starter", "loaded").out
    assert "no level changed" in said
    assert "nothing changed" not in said


@pytest.mark.usefixtures("with_starter")
def test_diff_of_what_is_not_there_is_said(run: Run):
    assert "no knowledge ratings are there to compare" in run("diff", "starter", "loaded", "--domain", "knowledge").err
    assert "has no occupation 99-9999.00" in run("diff", "starter", "loaded", "--occupation", "99-9999").err


def test_a_download_that_is_tried_again_says_so_in_a_line(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_ONET_DOWNLOAD_URL", f"http://127.0.0.1:{free_port()}")
    for arguments in (("diff", "29.0", "starter"), ("llm", "evaluate", "29.0"), ("load", "29.0")):
        with stamina.set_testing(True, attempts=3, cap=True):
            ended = run(*arguments)
        assert ended.code == 1
        assert "trying again" in ended.err
        assert "PosixPath" not in ended.err


def test_wrong_settings_are_all_named_at_once(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_PORT", "70000")
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "xml")
    monkeypatch.setenv("SKILLGAP_CORS_ORIGINS", "https://one.example,two.example")
    ended = run("serve")
    assert ended.code == 1
    assert "'two.example' is no origin; write it like https://example.org, or * for all" in ended.err
    assert "SKILLGAP_PORT='70000'" in ended.err
    assert "SKILLGAP_LOG_FORMAT='xml'" in ended.err


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("API_KEYS_FILE", "/nonexistent"),
        ("LLM_CONCURRENCY", "0"),
        ("LLM_BASE_URL", "not-a-url"),
        ("CORS_ORIGINS", "example.org"),
        ("ONET_PASSWORD", "without-a-user"),
        ("ONET_REQUESTS_PER_SECOND", "many"),
        ("PORT", "70000"),
        ("RELOAD_SECONDS", "0"),
    ],
)
def test_a_command_fails_for_no_setting_of_another(run: Run, monkeypatch: pytest.MonkeyPatch, setting: str, value: str):
    monkeypatch.setenv(f"SKILLGAP_{setting}", value)
    for command in (("gap", NURSE, MANAGER), ("search", "nurse"), ("status",)):
        assert run(*command).code == 0
    for command in (("serve", "--port", "0"), ("doctor",)) if setting != "PORT" else (("serve",), ("doctor",)):
        ended = run(*command)
        assert ended.code == 1
        assert f"SKILLGAP_{setting}" in ended.out + ended.err


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        (("enrich",), {"LLM_CONCURRENCY": "0", "LLM_BASE_URL": "x"}),
        (("fetch",), {"ONET_API_URL": "x", "ONET_REQUESTS_PER_SECOND": "0"}),
        (("gap", NURSE, MANAGER), {"DATABASE_URL": "oracle://x"}),
        (("load", "starter"), {"LOG_FORMAT": "xml"}),
        (("diff", "starter", "starter"), {"ONET_DOWNLOAD_URL": "ftp://x"}),
    ],
)
def test_a_command_names_all_wrong_settings_that_it_uses_together(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], settings: dict[str, str]
):
    for name, value in settings.items():
        monkeypatch.setenv(f"SKILLGAP_{name}", value)
    ended = run(*command)
    assert ended.code == 1
    for name in settings:
        assert f"  SKILLGAP_{name}" in ended.err
    assert "Traceback" not in ended.err


def test_new_key_finds_its_file_among_the_secrets(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    secrets, file = tmp_path / "secrets", tmp_path / "keys"
    secrets.mkdir()
    (secrets / "skillgap_api_keys_file").write_text(str(file))
    monkeypatch.setattr("skillgap.config.settings.SECRETS", secrets)
    assert run("new-key", "reporting").code == 0
    assert list(read_keys(file)) == ["reporting"]


def test_a_wrong_setting_that_is_a_secret_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", "oracle://me:hidden@host/db")
    monkeypatch.setenv("SKILLGAP_ONET_PASSWORD", "hidden")
    ended = run("serve")
    assert ended.code == 1
    assert "SKILLGAP_DATABASE_URL: the database URL names 'oracle'; MySQL and SQLite are supported" in ended.err
    assert "SKILLGAP_ONET_PASSWORD: SKILLGAP_ONET_USERNAME and SKILLGAP_ONET_PASSWORD go together" in ended.err
    assert "hidden" not in ended.err


@pytest.mark.parametrize("url", ["ftp://me:hidden@host", "me:hidden@host/x", "ftp://host?token=hidden"])
def test_a_wrong_url_is_shown_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch, url: str):
    for name in ("ONET_DOWNLOAD_URL", "ONET_API_URL", "LLM_BASE_URL"):
        monkeypatch.setenv(f"SKILLGAP_{name}", url)
    ended = run("serve")
    assert ended.code == 1
    assert ended.err.count("host") == 3
    assert "hidden" not in ended.err


def test_the_password_of_a_mirror_is_never_shown_nor_stored(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: ReleaseServer
):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/skillgap.db")
    monkeypatch.setenv("SKILLGAP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SKILLGAP_ONET_DOWNLOAD_URL", f"{mirror.url.replace('://', '://me:hidden@')}?token=hidden")
    mirror.missing = {"db_29_9_text.zip", "db_29_9_csv.zip"}
    runs = [run("load", "29.9"), run("load", "29.0"), run("status"), run("status", "--json"), run("doctor")]
    assert [ended.code for ended in runs[:4]] == [1, 0, 0, 0]
    masked = f"{mirror.url.replace('://', '://***@')}/db_29_0_text.zip?token=***"
    assert masked in runs[2].out.replace("\n", "")
    assert [each["origin"] for each in json.loads(runs[3].out)["loads"]] == [masked]
    assert not any("hidden" in ended.out + ended.err for ended in runs)
    assert not any(b"hidden" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.fixture
def mirror() -> Iterator[ReleaseServer]:
    """A server of releases, with the starter for each."""
    with ReleaseServer(find_release("starter", cache_dir=Path()).path.read_bytes()) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_load_takes_the_release_of_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SKILLGAP_RELEASE", str(tmp_path / "no-such-release"))
    assert "no-such-release" in run("load").err
    monkeypatch.setenv("SKILLGAP_RELEASE", str(onet_zip("26_1")))
    assert "O*NET 26.1 loaded" in run("load").err


def test_a_load_is_one_line_of_json_where_the_log_is(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "json")
    [line] = map(json.loads, run("load", str(onet_zip("26_1"))).err.splitlines())
    assert (line["event"], line["level"], line["release"]) == ("loaded", "info", "26.1")
    assert line["changes"]["Skills"] == {"new": 61_110, "changed": 0, "gone": 0}
    assert "importance of skills" not in line["missing"]
    assert line["rows_changed"] == sum(sum(each.values()) for each in line["changes"].values())


@pytest.fixture
def broken_29(tmp_path: Path) -> str:
    """A folder with the required tables of 29.0, Knowledge of which no row can be read, and a misspelt Job Zones."""
    folder = tmp_path / "db_29_0_text"
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        zipped.extractall(tmp_path)
    kept = {"Read Me", *(TABLES[table].file for table in REQUIRED_TABLES)}
    for file in folder.iterdir():
        if file.stem not in kept:
            file.unlink()
    header = (folder / "Skills.txt").read_text().splitlines()[0]
    (folder / "Knowledge.txt").write_text(f"{header}\n" + "x\n" * 30_000)
    (folder / "Job Zone.txt").write_text("x")
    return str(folder)


def test_load_names_what_it_left_out(run: Run, broken_29: str, monkeypatch: pytest.MonkeyPatch):
    ended = run("load", broken_29)
    assert ended.code == 0
    assert "O*NET 29.0 loaded: 1,016 Occupations, 29 Scales, 627 Elements, 61,530 Skills\n" in ended.err
    reason = (
        "Knowledge.txt: at least 1,000 defects: line 2: 1 fields, expected 13; is the file cut off?; "
        "line 3: 1 fields, expected 13; is the file cut off?; line 4: 1 fields, expected 13; is the file cut off?; "
        "and 997 more"
    )
    warning = "Job Zone.txt is not read; expected Job Zones.txt. If it is that file, rename it"
    assert f"  Knowledge left out, so it has no rows: {reason}\n  warning: {warning}\n" in ended.err
    assert "17 of 35 skills need a higher level" in " ".join(run("gap", NURSE, MANAGER).out.split())
    said = run("diff", broken_29, "loaded", "--domain", "knowledge").err
    assert f"no knowledge ratings are there to compare ({reason})" in said
    monkeypatch.setenv("SKILLGAP_LOG_FORMAT", "json")
    lines = [json.loads(line) for line in run("load", broken_29).err.splitlines()]
    [line] = [line for line in lines if line["event"] == "loaded"]
    assert line["left_out"] == {"Knowledge": reason}


def test_load_of_nothing_named_fills_an_empty_database_and_leaves_another_as_it_is(run: Run):
    assert "O*NET 29.0 loaded" in run("load").err
    assert run("load", str(onet_zip("26_1"))).code == 0
    again = run("load")
    assert again.code == 0
    assert re.fullmatch(r"data version 3-\S+ is loaded; to load another release, name it\n", again.err)
    assert "26.1" in run("status").out


# -- inputs that are missing ---------------------------------------------------------------------------------------


@pytest.fixture
def with_levels_alone(levels_alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(levels_alone.url))


@pytest.fixture
def with_no_errors(no_errors: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(no_errors.url))


NO_IMPORTANCE = "No importance of skills is loaded (scale IM)."


@pytest.mark.usefixtures("with_levels_alone")
def test_without_importance_the_command_line_shows_no_shortfall_and_why(run: Run, tmp_path: Path):
    for form in ((), ("--markdown",)):
        text = " ".join(run("gap", NURSE, MANAGER, *form).out.split())
        assert "The weighted shortfall is not known." in text
        assert text.count(NO_IMPORTANCE) == 1
        assert "0.00 levels" not in text
    assert "0.45 levels: more than in" in run("gap", NURSE, MANAGER, "--weight", "none").out
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


@pytest.mark.usefixtures("with_levels_alone")
def test_doctor_and_status_name_the_importance_that_is_missing(run: Run):
    outcome, detail = outcomes(run("doctor", "--json"))["inputs"]
    assert outcome == "warning"
    assert "importance of skills" in detail
    assert "paths, workforce costs" in detail
    assert "importance of skills" in run("status").out
    missing = {each["input"]: each for each in json.loads(run("status", "--json").out)["missing"]}
    assert missing["importance of skills"]["missing"] == 27_463


def test_a_load_ends_with_what_is_missing(run: Run, tmp_path: Path):
    said = run("load", str(changed_release(tmp_path, is_level))).err
    assert "missing, compared with a whole release:" in said
    assert re.search(r"^  importance of skills.*: disables weighted shortfalls and percentiles", said, re.M)


@pytest.mark.usefixtures("with_no_errors")
def test_without_errors_the_command_line_calls_nothing_sure_or_not(run: Run, tmp_path: Path):
    text = " ".join(run("gap", NURSE, MANAGER).out.split())
    assert "it is not known which of them are beyond rater noise. Weighted shortfall: 0.46 levels" in text
    assert "No standard errors of skills are loaded" in text
    assert "| not known |" in run("gap", NURSE, MANAGER, "--markdown").out
    [row, *_] = csv.DictReader(io.StringIO(run("gap", NURSE, MANAGER, "--csv").out))
    assert (row["distinguishable"], row["p_value"]) == ("", "")
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\na,{NURSE}\n")
    view = run("workforce", str(people), "--to", MANAGER)
    assert "Of 1 no gap could be tested" in view.out
    assert "have no gap beyond rater noise" not in view.out
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


# -- doctor and keys --------------------------------------------------------------------------------------------------


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
        "no credentials: `fetch` cannot be used, and nothing is fetched on demand",
    )
    assert "O*NET 29.0, 1,016 occupations, 879 of them rated, 44 predicted" in found["data"][1]
    assert found["schema"] == ("ok", "at 0004_masked_origins")
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
    assert found["settings"] == ("warning", "no such setting: SKILLGAP_WORKER (is SKILLGAP_WORKERS meant?)")
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


@pytest.mark.parametrize(
    ("model", "prompt", "words"),
    [
        ("smollm2", "levels-1", "no model 'smollm2'; write it like embedded:smollm2"),
        ("embedded:smollm3", "levels-1", "no model embedded:smollm3; embedded ones are embedded:smollm2"),
        ("llamacpp:smollm2", "levels-2", "no prompt levels-2; prompts: digit-1, levels-1"),
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
        f"{tmp_path}/file: this account cannot write there; SKILLGAP_DATABASE_URL may name another place",
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


def test_a_new_key_is_shown_once_and_kept_as_a_hash(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "keys"
    assert "SKILLGAP_API_KEYS_FILE" in run("new-key", "reporting").err
    monkeypatch.setenv("SKILLGAP_API_KEYS_FILE", str(file))
    key = run("new-key", "reporting", "--requests-per-minute", "7").out.strip()
    run("new-key", "other")
    assert key not in file.read_text()
    assert hashlib.sha256(key.encode()).hexdigest() in file.read_text()
    found = find_key(read_keys(file), key)
    assert found
    assert (found.name, found.requests_per_minute) == ("reporting", 7)
    for wrong in ("", "reporting", "reporting.", key[:-1], key + "x", key.replace("reporting", "other"), "é."):
        assert find_key(read_keys(file), wrong) is None
    file.write_text(file.read_text().rstrip("\n"))  # as some editors leave it
    run("new-key", "third")
    assert list(read_keys(file)) == ["reporting", "other", "third"]
    again = run("new-key", "reporting")
    assert again.code == 1
    assert "has a key named reporting" in again.err


def test_every_wrong_line_of_a_file_of_keys_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(f"# ours\na {'0' * 64} 5\nb {'0' * 63} 5\n\na {'1' * 64} 5\nc {'0' * 64} 0\n")
    monkeypatch.setenv("SKILLGAP_API_KEYS_FILE", str(file))
    ended = run("serve")
    assert ended.code == 1
    assert "line 3: not a name" in ended.err
    assert "line 5: a second key named a" in ended.err
    assert "line 6: not a name" in ended.err


# -- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_ends_with_an_example_that_is_understood(run: Run, command: str):
    lines = run(*command.split(), "--help").out.rstrip().splitlines()
    assert re.fullmatch(rf" *Example: skillgap {command}\b.*", lines[-1])


def test_the_help_names_every_command(run: Run):
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", run("--help").out, re.M)
    assert listed == list(dict.fromkeys(command.split()[0] for command in COMMANDS))


def test_the_help_waits_for_no_heavy_library():
    code = (
        "import sys; from skillgap import cli; sys.argv = ['skillgap', '--help']\n"
        "try: cli.main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert "typer" in loaded
    assert not loaded & {"numpy", "pandas", "scipy", "sqlalchemy", "fastapi", "pydantic", "httpx", "granian", "rich"}


def in_a_shell(command: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """Run `skillgap` as a shell does that fails when a part of a pipe fails."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m skillgap {command}"],
        env={"SKILLGAP_DATABASE_URL": database_url, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", ["skills 29-1141.00 --json", "gap 29-1141 11-9111", "gap 29-1141 11-9111 --csv"])
def test_a_reader_that_leaves_early_is_no_error(starter_database: str, command: str):
    for reader in ("head -1 > /dev/null", "true"):
        ended = in_a_shell(f"{command} | {reader}", starter_database)
        assert (ended.returncode, ended.stderr) == (0, ""), reader


@pytest.mark.parametrize("command", ["gap 29-1141 11-9111", "gap 29-1141 11-9111 --json", "status"])
def test_an_answer_that_cannot_be_written_is_one_line_and_exit_1(starter_database: str, command: str):
    full = in_a_shell(f"{command} > /dev/full", starter_database)
    assert (full.returncode, full.stderr.count("\n")) == (1, 1)
    assert full.stderr.startswith("skillgap: the answer cannot be written: ")
    closed = in_a_shell(f"{command} >&-", starter_database)
    assert (closed.returncode, closed.stderr) == (1, "skillgap: standard output is closed\n")


def test_a_terminal_without_the_bars_blocks_still_gets_the_figures(starter_database: str):
    ended = in_a_shell("gap 29-1141 11-9111 | grep Operations", f"{starter_database}")
    plain = subprocess.run(
        [sys.executable, "-m", "skillgap", "gap", "29-1141", "11-9111"],
        env={"SKILLGAP_DATABASE_URL": starter_database, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"Operations Analysis               1.75  3.88 ?????????????? 2.125 0.92 yes" in plain.stdout
    assert "████▓▓▓▓······" in ended.stdout


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
        assert line.rstrip().endswith(("yes", "no"))
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
        assert line.split()[-3:] == ["yes" if gap.distinguishable else "no", place, again]
        assert ("█" in line) == (columns >= 84)


def test_a_database_that_is_not_there_is_not_made_by_a_question(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", f"sqlite:///{tmp_path}/typo.db")
    ended = run("status")
    assert ended.code == 1
    assert "no such database; `skillgap load` creates it" in ended.err
    assert not (tmp_path / "typo.db").exists()


# -- O*NET Web Services -----------------------------------------------------------------------------------------------


@pytest.fixture
def with_access(monkeypatch: pytest.MonkeyPatch, fake_tables: FakeTables, tmp_path: Path) -> Iterator[FakeOnetApi]:
    """The settings lead to a stand-in, and to a database with the starter data."""
    with FakeOnetApi(fake_tables) as fake:
        for name, value in {
            "DATABASE_URL": f"sqlite:///{tmp_path}/own.db",
            "ONET_API_URL": fake.url,
            "ONET_API_KEY": fake.key,
            "ONET_REQUESTS_PER_SECOND": "1000",
        }.items():
            monkeypatch.setenv(f"SKILLGAP_{name}", value)
        yield fake


def test_fetch_stores_the_release_and_the_answers_credit_the_services(run: Run, with_access: FakeOnetApi):
    ended = run("fetch")
    assert (ended.code, ended.out) == (0, "")
    assert "Web Services 2.0, release 29.0, 35 requests, stored" in ended.err
    assert "OnetApiSkillsData: 61,530 new, 0 changed, 0 gone" in ended.err
    assert "nothing changed" in run("fetch").err
    status = run("status").out
    assert "Web Services    release 29.0 at the last fetch" in status
    assert "61,530 from api" in status
    for command in (("gap", NURSE, MANAGER), ("skills", NURSE)):
        assert "O*NET Web Services by the U.S. Department of Labor" in " ".join(run(*command).out.split())


def test_fetch_of_some_occupations_dry(run: Run, with_access: FakeOnetApi):
    run("load", "starter")
    ended = run("fetch", "--occupation", "29-1141", "--occupation", "15125200", "--dry-run")
    assert "compared, nothing written: 2 OnetApiOccupationData, 70 OnetApiSkillsData" in ended.err
    assert "from api" not in run("status").out
    ended = run("fetch", "--occupation", "99-9999")
    assert (ended.code, "no occupation 99-9999.00" in ended.err) == (1, True)
    assert run("fetch", "--occupation", "nurse").code == 1


def test_fetch_says_when_the_account_has_reports_only(run: Run, with_access: FakeOnetApi):
    with_access.has_database_services = False
    ended = run("fetch", "--occupation", NURSE)
    assert "importances only, no levels, so no gaps" in ended.err
    assert ended.err.count("field not in the answers, stored as null") == 8
    assert "no skill ratings for 29-1141.00" in run("gap", NURSE, NURSE).err


def test_fetch_without_an_account_names_the_settings(run: Run):
    ended = run("fetch")
    assert (ended.code, ended.out) == (1, "")
    for name in ("SKILLGAP_ONET_API_KEY", "SKILLGAP_ONET_USERNAME", "SKILLGAP_ONET_PASSWORD"):
        assert name in ended.err


def test_fetch_with_a_refused_key_never_shows_it(run: Run, with_access: FakeOnetApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_ONET_API_KEY", "revoked-3f7c")
    ended = run("fetch")
    assert (ended.code, "HTTP 401" in ended.err, "revoked-3f7c" in ended.err) == (1, True, False)
    monkeypatch.setenv("SKILLGAP_ONET_API_URL", "onet.test")
    ended = run("fetch")
    assert (ended.code, "SKILLGAP_ONET_API_URL='onet.test'" in ended.err, "revoked-3f7c" in ended.err) == (
        1,
        True,
        False,
    )


def test_an_account_with_a_password_uses_version_1_9(
    run: Run, monkeypatch: pytest.MonkeyPatch, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables, version="1.9") as fake:
        monkeypatch.setenv("SKILLGAP_ONET_API_URL", fake.url)
        monkeypatch.setenv("SKILLGAP_ONET_USERNAME", USERNAME)
        monkeypatch.setenv("SKILLGAP_ONET_PASSWORD", PASSWORD)
        assert "Web Services 1.9, release 29.0, 5 requests, stored" in run("fetch", "--occupation", NURSE).err


# -- language models --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("texts_compared_once")
def test_the_evaluation_is_a_table_that_ends_with_one_line_of_figures_and_a_chart(run: Run, tmp_path: Path):
    refused = run("llm", "evaluate", str(onet_zip("29_0")), "--chart", str(tmp_path / "chart.doc"))
    assert (refused.code, "write to a file named .svg, .png" in refused.err) == (1, True)
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
def test_predicted_levels_are_marked_and_explained(run: Run):
    out = " ".join(run("gap", "Software Developers", "Data Scientists").out.split())
    assert re.search(r"Mathematics ~3\.\d\d ~4\.\d\d ", out)
    assert "~ Levels of Software Developers and Data Scientists are predicted by embedded:smollm2, not rated" in out
    assert "by analysts; typical error 0.33 levels." in out
    assert "| Mathematics | ~3." in run("gap", "15-1252", "15-2051", "--markdown").out
    skills = " ".join(run("skills", "15-1252").out.split())
    assert "leans most on Computer Hardware Engineers" in skills
    assert "~" not in run("gap", NURSE, MANAGER).out


@pytest.mark.usefixtures("with_starter")
def test_enrich_of_the_starter_says_what_it_lacks_and_changes_nothing(run: Run):
    before = run("gap", "15-1252", "15-2051", "--json").out
    ended = run("enrich")
    assert (ended.code, "the starter has none" in ended.err) == (1, True)
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


# -- files of the user's ----------------------------------------------------------------------------------------------


WRITES = {
    "export {} --what ratings": ".csv",
    "export {} --what transitions": ".json",
    f"report {NURSE} {MANAGER} -o {{}}": ".xlsx",
    f"batch people.csv --to {MANAGER} -o {{}}": ".parquet",
    f"workforce people.csv --to {MANAGER} -o {{}}": ".csv",
    "diff starter starter --pairs {}": ".csv",
}
"""Commands that write a file that the user names."""


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("command", WRITES)
def test_a_file_that_exists_is_replaced_with_force_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text(f"id,occupation\n1,{NURSE}\n")
    file = tmp_path / f"near{WRITES[command]}"
    file.write_text("mine")
    arguments = command.format(file).split()
    ended = run(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"skillgap: {file} exists, and nothing was written; name another file, or add --force\n"
    assert file.read_text() == "mine"
    assert run(*arguments, "--force").code == 0
    assert file.read_bytes() != b"mine"
    assert {each.name for each in tmp_path.iterdir()} == {"people.csv", file.name}


def test_a_chart_of_an_evaluation_replaces_nothing_either(run: Run, tmp_path: Path):
    (tmp_path / "chart.svg").write_text("mine")
    ended = run("llm", "evaluate", "--chart", str(tmp_path / "chart.svg"))
    assert (ended.code, (tmp_path / "chart.svg").read_text()) == (1, "mine")
    assert "chart.svg exists, and nothing was written" in ended.err


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("command", ["batch", "workforce"])
def test_a_file_of_rejects_that_exists_is_kept_too(run: Run, tmp_path: Path, command: str):
    people, corrected = tmp_path / "people.csv", tmp_path / "out.rejects.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    corrected.write_text("corrected by hand")
    ended = run(command, str(people), "--to", MANAGER, "-o", str(tmp_path / "out.csv"))
    assert (ended.code, corrected.read_text()) == (1, "corrected by hand")
    assert f"{corrected} exists" in ended.err
    assert not (tmp_path / "out.csv").exists()
    assert run(command, str(people), "--to", MANAGER, "-o", str(tmp_path / "out.csv"), "--force").code == 0
    assert not corrected.exists(), "there is nothing to reject"


@pytest.mark.usefixtures("with_starter")
def test_two_results_never_share_a_file_and_a_device_is_no_file(run: Run, tmp_path: Path):
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    view = ("workforce", str(people), "--to", MANAGER, "-o", str(tmp_path / "a.json"), "-o")
    for second in ("a.json", "a.rejects.csv"):
        ended = run(*view, str(tmp_path / second))
        assert (ended.code, "two results would be written to this file" in ended.err) == (1, True)
    (tmp_path / "folder.csv").mkdir()
    assert run("batch", str(people), "--to", MANAGER, "-o", str(tmp_path / "folder.csv"), "--force").code == 1
    os.mkfifo(tmp_path / "pipe.csv")
    ended = run("export", str(tmp_path / "pipe.csv"), "--force")
    assert (ended.code, "this is not a regular file" in ended.err) == (1, True)


@pytest.mark.usefixtures("with_starter")
def test_a_folder_of_parts_goes_on_without_force(run: Run, tmp_path: Path):
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    command = ("batch", str(people), "--to", MANAGER, "-o", str(tmp_path / "parts"))
    assert run(*command).code == 0
    again = run(*command)
    assert (again.code, "1 part was there" in again.err) == (0, True)


# -- untrusted text --------------------------------------------------------------------------------------------------

EVIL = "\x1b[31mNurses\x9b2J\x7f\u202e\r\nskillgap: all is well\x1b]0;owned\x07 <b>|=1"
SHOWN = r"\x1b[31mNurses\x9b2J\x7f\u202e\nskillgap: all is well\x1b]0;owned <b>|=1"
"""How a console shows it; BEL and CR are dropped by Rich."""


@pytest.fixture
def with_evil_names(own_starter: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A database as 0.1.0 may have filled it, and a file of people, with control sequences in every name."""
    with write(own_starter) as connection:
        for statement in (
            "UPDATE Occupations SET title = :evil WHERE onet_soc_code IN ('29-1141.00', '55-1011.00')",
            "UPDATE Occupations SET title = :evil || ' 2' WHERE onet_soc_code IN ('11-9111.00', '29-1141.01')",
            "UPDATE Skills SET element_name = :evil || element_id WHERE element_id < '2.A.2' OR element_id = '2.B.3.a'",
            "UPDATE Loads SET origin = :evil",
        ):
            assert connection.execute(text(statement), {"evil": EVIL}).rowcount
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(own_starter.url))
    with (tmp_path / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "occupation", f"{'note ' * 6}{EVIL}"])
        writer.writerows([[f"{EVIL}{k}", code, EVIL] for k, code in enumerate((NURSE, EVIL, "99-9999", "43-6013"))])
    return tmp_path / "people.csv"


def evil_commands() -> list[list[str]]:
    pair = ["gap", NURSE, MANAGER]
    people = ["people.csv", "--to", MANAGER]
    return [
        *(pair, [*pair, "--json"], [*pair, "--csv"], [*pair, "--markdown"], [*pair, "--stability"]),
        *(["skills", NURSE], ["skills", NURSE, "--json"], ["search", "29-1"], ["search", "29-1141", "--json"]),
        *(["transitions", NURSE], ["path", NURSE, MANAGER], ["path", NURSE, MANAGER, "--json"]),
        *(["status", "--unrated"], ["status", "--json"], ["doctor"], ["profile-template"]),
        *(["diff", "starter", "loaded", "--occupation", NURSE], ["report", NURSE, MANAGER, "-o", "a.html"]),
        *(["batch", *people, "-o", "a.csv"], ["workforce", *people], ["workforce", *people, "--json"]),
        *(["gap", "nurses", MANAGER], ["skills", "55-1011"], ["gap", EVIL, f"{EVIL}3"], ["load", EVIL]),
        *(
            ["batch", *people, "-o", "b.csv", "--occupation", "job"],
            ["batch", "people.csv", "--to", EVIL, "-o", "c.csv"],
        ),
        *(["report", NURSE, MANAGER, "-o", f"{EVIL}.html"], ["report", NURSE, MANAGER, "-o", f"{EVIL}/a.html"]),
        *(["batch", EVIL], [EVIL], [f"--{EVIL}"], ["gap", NURSE, MANAGER, "--domain", EVIL]),
        ["batch", "people.csv", "--id", EVIL, "--to", MANAGER, "-o", "d.csv"],
    ]


@pytest.mark.parametrize("arguments", evil_commands(), ids=lambda arguments: " ".join(arguments).replace(EVIL, "EVIL"))
def test_no_name_controls_a_terminal(
    run: Run, with_evil_names: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    monkeypatch.chdir(with_evil_names.parent)
    ended = run(*arguments)
    assert ended.out or ended.err
    for printed in (ended.out, ended.err):
        assert not is_obeyed(printed.replace("\n", ""))
        assert not re.search(r"^skillgap: all", printed, re.M), "no line of another's making"
    assert "Traceback" not in ended.err


def test_an_escaped_name_is_still_told(run: Run, with_evil_names: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(with_evil_names.parent)
    assert f"From  {SHOWN} (29-1141.00)" in run("gap", NURSE, MANAGER).out
    assert json.loads(run("gap", NURSE, MANAGER, "--json").out)["from_occupation"]["title"] == EVIL
    ended = run("batch", "people.csv", "--to", MANAGER, "-o", "a.csv")
    assert f"columns not used: {'note ' * 6}{SHOWN}" in ended.err
    with Path("a.csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [f"'{EVIL}0", f"'{EVIL}3"], "a control is no beginning"


def test_a_terminal_gets_colours_alone(own_starter: Engine, with_evil_names: Path):
    for command in (["skills", NURSE], ["gap", NURSE, MANAGER], ["gap", "x", "y"]):
        ours, theirs = os.openpty()
        environment = {**os.environ, "SKILLGAP_DATABASE_URL": str(own_starter.url), "TERM": "xterm-256color"}
        with subprocess.Popen(
            [sys.executable, "-m", "skillgap", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
        ):
            os.close(theirs)
            printed = b""
            with suppress(OSError):  # the end of a pseudo-terminal is an error
                while some := os.read(ours, 65_536):
                    printed += some
        os.close(ours)
        assert printed
        plain = re.sub(r"\x1b\[[0-9;]*m", "", printed.decode())
        assert not is_obeyed(plain.replace("\r\n", "").replace("\n", ""))


def test_no_title_is_a_formula_in_csv(run: Run, own_starter: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with write(own_starter) as connection:
        connection.execute(text("UPDATE Skills SET element_name = '=' || element_name"))
        connection.execute(text("UPDATE Occupations SET title = '@' || title"))
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(own_starter.url))
    shown = run("gap", NURSE, MANAGER, "--csv").out
    for what in ("ratings", "transitions"):
        assert run("export", str(tmp_path / f"{what}.csv"), "--what", what).code == 0
    run("diff", "starter", "loaded", "--pairs", str(tmp_path / "changes.csv"))
    for printed in (shown, *(file.read_text() for file in tmp_path.glob("*.csv"))):
        cells = [cell for row in csv.reader(io.StringIO(printed)) for cell in row]
        assert cells
        assert not [each for each in cells if re.match("[=+@]|-[^0-9]", each)]
    assert "'=Operations Analysis" in shown


@pytest.mark.usefixtures("with_evil_names")
def test_markdown_of_a_hostile_title_is_one_table_without_html(run: Run):
    lines = run("gap", NURSE, MANAGER, "--markdown").out.splitlines()
    assert not any("<" in line for line in lines)
    table = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {8}


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
    assert (ended.code, "load a whole release" in ended.err) == (1, True)
