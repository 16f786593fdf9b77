from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skillgap.api.server import allow_open_files

Noted = Callable[[str, str, str], None]


@pytest.fixture(autouse=True, scope="session")
def _enough_open_files() -> None:
    allow_open_files()


@pytest.fixture
def noted() -> Noted:
    """Record a fault, its extent and the result; `make faults` prints the records as a table."""

    def note(fault: str, done: str, found: str) -> None:
        if file := os.environ.get("SKILLGAP_TEST_FAULTS"):
            with Path(file).open("a") as notes:
                notes.write(json.dumps([fault, done, found]) + "\n")

    return note
