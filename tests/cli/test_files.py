"""Files that users name are never overwritten by accident."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.running import MANAGER, NURSE, Run

WRITES = {
    "export {} --what ratings": ".csv",
    "export {} --what transitions": ".json",
    f"report {NURSE} {MANAGER} -o {{}}": ".xlsx",
    f"batch people.csv --to {MANAGER} -o {{}}": ".parquet",
    f"workforce people.csv --to {MANAGER} -o {{}}": ".csv",
    "diff starter starter --pairs {}": ".csv",
}
"""Commands that write a file named by the user, with its suffix."""


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
    assert ended.err == f"skillgap: {file} already exists; choose another name or add --force\n"
    assert file.read_text() == "mine"
    assert run(*arguments, "--force").code == 0
    assert file.read_bytes() != b"mine"
    assert {each.name for each in tmp_path.iterdir()} == {"people.csv", file.name}


@pytest.mark.usefixtures("with_starter")
def test_two_results_never_share_a_file_and_a_device_is_no_file(run: Run, tmp_path: Path):
    people = tmp_path / "people.csv"
    people.write_text(f"id,occupation\n1,{NURSE}\n")
    view = ("workforce", str(people), "--to", MANAGER, "-o", str(tmp_path / "a.json"), "-o")
    for second in ("a.json", "a.rejects.csv"):
        ended = run(*view, str(tmp_path / second))
        assert (ended.code, "two outputs have the same file name" in ended.err) == (1, True)
    (tmp_path / "folder.csv").mkdir()
    assert run("batch", str(people), "--to", MANAGER, "-o", str(tmp_path / "folder.csv"), "--force").code == 1
    os.mkfifo(tmp_path / "pipe.csv")
    ended = run("export", str(tmp_path / "pipe.csv"), "--force")
    assert (ended.code, "is not a regular file" in ended.err) == (1, True)
