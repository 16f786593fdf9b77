"""Exit codes, help, and output that cannot be written."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.cli.running import COMMANDS, MANAGER, NURSE, Run, in_a_shell

pytestmark = pytest.mark.programs


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
        (("gap", "x" * 10_000, MANAGER), "neither an O*NET-SOC code nor a loaded title"),
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


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_ends_with_an_example_that_is_understood(run: Run, command: str):
    lines = run(*command.split(), "--help").out.rstrip().splitlines()
    assert re.fullmatch(rf" *Example: skillgap {command}\b.*", lines[-1])


def test_the_help_names_every_command(run: Run):
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", run("--help").out, re.M)
    assert listed == list(dict.fromkeys(command.split()[0] for command in COMMANDS))


def test_the_help_waits_for_no_heavy_library():
    code = (
        "import sys; from skillgap.cli.app import main; sys.argv = ['skillgap', '--help']\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert "typer" in loaded
    assert not loaded & {"numpy", "pandas", "scipy", "sqlalchemy", "fastapi", "pydantic", "httpx", "granian", "rich"}


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
    assert b"1.75   3.88 ?????????????? 2.125 1.10 clear 99%" in plain.stdout
    assert "████▓▓▓▓······" in ended.stdout
