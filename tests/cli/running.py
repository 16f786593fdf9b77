"""Running the command line in this process or in a shell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.main import get_command

from skillgap.cli import app

NURSE, MANAGER = "29-1141.00", "11-9111.00"


@dataclass
class Ended:
    code: object
    out: str
    err: str


Run = Callable[..., Ended]


def _names(group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        yield from (f"{name} {part}" for part in _names(command)) if hasattr(command, "commands") else (name,)


COMMANDS = tuple(_names(get_command(app.app)))
"""Every command as a user types it, such as `llm audit`."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["skillgap", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        out, err = capsys.readouterr()
        return Ended(ended.value.code, out, err)

    return run


def in_a_shell(command: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """Run `skillgap` in a shell with `pipefail`."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m skillgap {command}"],
        env={"SKILLGAP_DATABASE_URL": database_url, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def with_starter(starter_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)


@pytest.fixture
def with_levels_alone(levels_alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(levels_alone.url))


@pytest.fixture
def with_no_errors(no_errors: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", str(no_errors.url))
