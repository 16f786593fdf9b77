"""Commands over many people or occupations."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from skillgap.analysis.ratings import Ratings
from tests.cli.running import MANAGER, NURSE, Run


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
    assert "pairs.txt: unsupported format; the file name must end with .csv, .parquet or .json" in again.err


@pytest.mark.usefixtures("with_levels_alone")
@pytest.mark.parametrize("command", [("export",), ("batch", "people.csv", "--to", MANAGER, "-o")])
@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--domain", "abilities"), "O*NET 29.0 is loaded without levels of abilities; `skillgap status` lists"),
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
    assert f"{people} has no column 'goal', and 'goal' is neither an O*NET-SOC code nor a loaded title" in ended.err


@pytest.mark.usefixtures("with_starter")
@pytest.mark.parametrize("command", ["batch", "workforce"])
def test_people_with_a_job_code_and_few_levels_are_an_error_with_a_way_out(
    run: Run, ratings: Ratings, command: str, tmp_path: Path
):
    """A form with a column for each skill; each person has filled in one or two."""
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
@pytest.mark.parametrize("command", ["batch", "workforce"])
def test_a_file_of_rejects_that_exists_is_kept_too(run: Run, tmp_path: Path, command: str):
    people, corrected = tmp_path / "people.csv", tmp_path / "out.rejects.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    corrected.write_text("corrected by hand")
    ended = run(command, str(people), "--to", MANAGER, "-o", str(tmp_path / "out.csv"))
    assert (ended.code, corrected.read_text()) == (1, "corrected by hand")
    assert f"{corrected} already exists" in ended.err
    assert not (tmp_path / "out.csv").exists()
    assert run(command, str(people), "--to", MANAGER, "-o", str(tmp_path / "out.csv"), "--force").code == 0
    assert not corrected.exists(), "there is nothing to reject"


@pytest.mark.usefixtures("with_starter")
def test_a_folder_of_parts_goes_on_without_force(run: Run, tmp_path: Path):
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    command = ("batch", str(people), "--to", MANAGER, "-o", str(tmp_path / "parts"))
    assert run(*command).code == 0
    again = run(*command)
    assert (again.code, "1 part was already complete" in again.err) == (0, True)
