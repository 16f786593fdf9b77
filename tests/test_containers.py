"""Dockerfiles and the compose file, checked without a Docker engine; `docker/check.py` needs one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from skillgap.config.settings import default_values

TOP = Path(__file__).parents[1]
DOCKERFILES = sorted(TOP.glob("Dockerfile.*"))
pytestmark = pytest.mark.containers


def test_hadolint_finds_nothing():
    assert [file.name for file in DOCKERFILES] == ["Dockerfile.api", "Dockerfile.etl"]
    program = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([program, *DOCKERFILES], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_images_are_pinned_small_and_not_roots(file: Path):
    text = file.read_text()
    stages = re.split(r"^FROM ", text, flags=re.M)[1:]
    assert {stage.split()[0] for stage in stages} <= {"python:3.12-slim", "build"}
    assert "syntax=" not in text
    final = stages[-1]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", final, re.M)
    assert not re.search(r"^RUN|pip", final, re.M), "packages are installed in another stage"
    for requirements in re.findall(r"-r (\S+)", text):
        assert (TOP / requirements).exists()


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of the compose file as `docker compose config` prints them, with all profiles."""
    named = os.environ.get("SKILLGAP_TEST_COMPOSE")
    candidates = [[named]] if named else [["docker", "compose"], ["docker-compose"]]
    for command in candidates:
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "version"], check=False, capture_output=True).returncode
        ):
            break
    else:
        reason = "no Docker Compose (SKILLGAP_TEST_COMPOSE)"
        pytest.fail(reason) if os.environ.get("SKILLGAP_REQUIRE_CONTAINERS") == "1" else pytest.skip(reason)
    options = ["-f", str(TOP / "docker-compose.yml"), "--profile", "*", "config"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=TOP)
    assert ended.returncode == 0, ended.stderr
    assert "warn" not in ended.stderr
    found: dict[str, dict[str, Any]] = yaml.safe_load(ended.stdout)["services"]
    return found


def test_services_and_the_order_they_start_in(services: dict[str, dict[str, Any]]):
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    healthy, done = "service_healthy", "service_completed_successfully"
    assert needs == {
        "passwords": {},
        "db": {"passwords": done},
        "etl": {"db": healthy},
        "fetch": {"etl": done},
        "enrich": {"etl": done},
        "api": {"db": healthy, "etl": done},
        "tests": {"db": healthy},
    }
    assert {name for name, service in services.items() if not service.get("profiles")} == {
        "passwords",
        "db",
        "etl",
        "api",
    }


def test_services_of_ours_have_nothing_they_do_not_need(services: dict[str, dict[str, Any]]):
    for name in ("api", "etl", "fetch", "enrich"):
        service = services[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        passwords = {volume["source"] for volume in service["volumes"] if volume["source"].endswith("-password")}
        assert passwords == {"api-password" if name == "api" else "etl-password"}, name
        assert all(volume.get("read_only") for volume in service["volumes"] if volume["source"] in passwords)
    [port] = services["api"]["ports"]
    assert (port["host_ip"], port["target"]) == ("127.0.0.1", 8000)
    assert not any(service.get("ports") for name, service in services.items() if name != "api")


def test_settings_of_the_services_are_settings_and_no_secret_is_written(services: dict[str, dict[str, Any]]):
    known = set(default_values())
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if variable.startswith("SKILLGAP_") and name != "tests":
                assert variable in known, (name, variable)
            if re.search(r"PASSWORD$|API_KEY$", variable):
                assert not value, (name, variable)
        url = service.get("environment", {}).get("SKILLGAP_DATABASE_URL", "")
        assert ":" not in url.partition("//")[2].partition("@")[0], "no password in the URL"
