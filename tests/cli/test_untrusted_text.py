"""Names from releases and files never control a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from skillgap.store.engine import write
from tests.cli.running import MANAGER, NURSE, Run
from tests.conftest import is_obeyed

EVIL = "\x1b[31mNurses\x9b2J\x7f\u202e\r\nskillgap: all is well\x1b]0;owned\x07 <b>|=1"


SHOWN = r"\x1b[31mNurses\x9b2J\x7f\u202e\nskillgap: all is well\x1b]0;owned <b>|=1"
"""EVIL as a console shows it. Rich drops BEL and CR."""


@pytest.fixture
def with_evil_names(own_starter: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A database as 0.1.0 could leave it, and a file of people, with control sequences in every name."""
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


@pytest.mark.programs
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
