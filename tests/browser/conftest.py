from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Debian's Chromium, preferably the headless build, which needs half the CPU time.

    Skip the test where there is none.
    """
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        reason = "no Chromium: install Debian's chromium-headless-shell, or chromium"
        pytest.fail(reason) if os.environ.get("SKILLGAP_REQUIRE_CHROMIUM") == "1" else pytest.skip(reason)
    return program
