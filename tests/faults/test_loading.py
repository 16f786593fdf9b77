"""Loads that are killed at any moment, run out of space, or run concurrently; tables created in part."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL

from skillgap.onet.tables import LOAD_ORDER
from skillgap.store.engine import make_engine
from skillgap.store.schema import Base
from skillgap.store.tables import check_schema, init_tables
from tests.conftest import mysql_program, mysql_schema, onet_zip
from tests.faults.conftest import Noted
from tests.mysql_server import private_mysql
from tests.processes import processes

KILLS = 20
MOST_LOADS = 3 * KILLS


def start_load(url: str, release: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": url}
    command = [sys.executable, "-m", "skillgap", "load", str(onet_zip(release))]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def load(url: str, release: str) -> None:
    with start_load(url, release) as loading:
        assert loading.wait(300) == 0, loading.stderr.read()  # type: ignore[union-attr]


def held(engine: Engine) -> tuple[tuple[object, ...], ...]:
    """Return the checksums that the server has of all tables of a release."""
    with engine.connect() as connection:
        return tuple(tuple(row) for row in connection.execute(text(f"CHECKSUM TABLE {', '.join(LOAD_ORDER)}")))


@dataclass(frozen=True)
class Both:
    """A MySQL database with 26.1 or 29.0 loaded over the other one."""

    url: str
    engine: Engine
    states: dict[str, object]
    """What it holds with each of them."""
    seconds: float
    """That a load takes at most, one over the other or not."""


@pytest.fixture(scope="module")
def both(mysql_server: URL) -> Iterator[Both]:
    with mysql_schema(mysql_server) as url:
        engine = make_engine(url)
        states: dict[str, object] = {}
        seconds = []
        for release in ("29_0", "26_1"):
            started = perf_counter()
            load(url, release)
            seconds.append(perf_counter() - started)
            states[release] = held(engine)
        assert states["26_1"] != states["29_0"]
        yield Both(url, engine, states, max(seconds))
        engine.dispose()


def test_a_load_is_killed_at_20_random_moments(both: Both, noted: Noted):
    engine, states = both.engine, both.states
    rng = random.Random(11)
    there = next(release for release, state in states.items() if state == held(engine))
    ended = {"before its commit": 0, "after it": 0}
    loads = 0
    # How soon a load ends depends on what else the machine does: where too many kills come too late, there are more.
    while loads < KILLS or (ended["before its commit"] <= KILLS / 2 and loads < MOST_LOADS):
        loads += 1
        target = "29_0" if there == "26_1" else "26_1"
        with start_load(both.url, target) as loading:
            try:
                loading.wait(rng.uniform(0, both.seconds))
            except subprocess.TimeoutExpired:
                loading.send_signal(signal.SIGKILL)
        now = held(engine)
        assert now in (states[there], states[target]), "neither the one release nor the other, whole"
        is_done = now == states[target]
        ended["after it" if is_done else "before its commit"] += 1
        there = target if is_done else there
    load(both.url, "29_0")
    assert held(engine) == states["29_0"]
    assert ended["before its commit"] > KILLS / 2
    noted(
        "a load killed (SIGKILL) at random moments, on MySQL",
        f"{loads} loads of a complete release over another",
        f"one complete release each time ({ended['before its commit']} before the commit, "
        f"{ended['after it']} after it); the next load succeeded",
    )


def test_two_loads_at_once(both: Both, noted: Noted):
    engine, states = both.engine, both.states
    with start_load(both.url, "29_0") as first, start_load(both.url, "26_1") as second:
        assert (first.wait(300), second.wait(300)) == (0, 0)
    with engine.connect() as connection:
        loads = connection.execute(
            text("SELECT release_number, started_at, finished_at FROM Loads ORDER BY load_id DESC LIMIT 2")
        ).all()
    assert held(engine) == states[loads[0].release_number.replace(".", "_")]
    assert loads[0].started_at >= loads[1].finished_at, "one waits for the other"
    noted(
        "two loads at the same time, on MySQL",
        "26.1 and 29.0 in two processes",
        "one waited; the later release is complete",
    )


# -- no room ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A separate file system of 400 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        reason = "a file system can be mounted by root alone"
        pytest.fail(reason) if os.environ.get("SKILLGAP_REQUIRE_MOUNT") == "1" else pytest.skip(reason)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_the_disk_of_the_database_is_full(small_disk: Path, noted: Noted):
    with private_mysql(mysql_program(), small_disk) as server:
        url = make_database(server)
        load(url, "26_1")
        engine = make_engine(url)
        before = held(engine)
        filling = small_disk / "filling"
        with filling.open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(small_disk).free - 4 * 2**20))
        with start_load(url, "29_0") as loading:
            told = loading.communicate(timeout=300)[1]
        assert loading.returncode == 1, told
        assert "its disk is full; nothing was changed" in told
        assert "Traceback" not in told
        assert held(engine) == before
        filling.unlink()
        load(url, "29_0")
        assert held(engine) != before
        engine.dispose()
    noted(
        "the MySQL disk fills up during a load",
        "29.0 over 26.1 with 4 MB left",
        "one-line error, 26.1 intact; the same load succeeded once there was space",
    )


def make_database(server: URL) -> str:
    admin = create_engine(server)
    with admin.begin() as connection:
        connection.execute(text("CREATE DATABASE skillgap"))
    admin.dispose()
    return server.set(database="skillgap").render_as_string(hide_password=False)


# -- half-made tables -------------------------------------------------------------------------------------------------


def test_a_migration_is_killed_before_each_of_its_statements(mysql_server: URL, mysql_url: str, noted: Noted):
    """MySQL commits each statement that makes a table, so a killed migration leaves a part of its work."""
    statements = change_statements(mysql_url)
    admin = create_engine(mysql_server.set(database=None), isolation_level="AUTOCOMMIT")
    name = make_engine(mysql_url).url.database
    for number in range(1, statements + 1):
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        process = processes.Process(target=_make_tables_and_die, args=(mysql_url, number))
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        engine = make_engine(mysql_url)
        init_tables(engine)
        with engine.connect() as connection:
            check_schema(connection)
        assert init_tables(engine) == []
        engine.dispose()
    admin.dispose()
    noted(
        "a migration killed (SIGKILL) midway, on MySQL",
        f"before each of its {statements} statements",
        "`skillgap init-db` completed the migration each time",
    )


def change_statements(url: str) -> int:
    """Make all tables and return how many statements changed the schema or its version."""
    engine = make_engine(url)
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    assert init_tables(engine) == sorted(Base.metadata.tables)
    engine.dispose()
    return sum(map(_changes, seen))


def _changes(statement: str) -> bool:
    return statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE"))


def _make_tables_and_die(url: str, number: int) -> None:
    engine = make_engine(url)
    left = [number]

    def die(*arguments: object) -> None:
        left[0] -= _changes(str(arguments[2]))
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", die)
    init_tables(engine)
