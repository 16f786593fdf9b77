"""Whatever happens, the database holds one complete release: the old one until the commit, then the new one."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, inspect, text

from skillgap.errors import DatabaseUnavailable, StoreError
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import make_engine, read, write
from skillgap.store.queries import list_loads
from skillgap.store.rating_rows import get_data_version
from skillgap.store.schema import Base
from skillgap.store.tables import init_tables
from tests.store.killed_load import (
    AfterCommit,
    BeforeCommit,
    BeforeStatement,
    InTheMiddleOf,
    Moment,
    kill_load,
    plain,
)
from tests.store.small_releases import RELEASE_A, RELEASE_B, cells, load, stored, stored_on

HANGS = 120
"""Seconds after which a thread that should have ended is taken for stuck."""


@pytest.fixture
def other(loaded: Engine, database_url: str) -> Iterator[Engine]:
    """A second engine on the loaded database, as another process has one."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def data_version(engine: Engine) -> str:
    with read(engine) as connection:
        return get_data_version(connection)


def statements_of(engine: Engine, data: OnetData) -> list[str]:
    """Load a release and return its statements."""
    statements: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        statements.append(plain(statement))

    event.listen(engine, "before_cursor_execute", note)
    load(engine, data)
    event.remove(engine, "before_cursor_execute", note)
    return statements


# -- killed -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_load_killed_before_any_of_its_statements_leaves_the_release_before(
    loaded: Engine, database_url: str
) -> None:
    before = cells(RELEASE_A)
    statements = statements_of(loaded, RELEASE_B)
    load(loaded, RELEASE_A)
    for step in ("INSERT INTO", "INSERT INTO staged_", "DROP", "DELETE FROM", "SELECT count(*) AS count_1 FROM"):
        for name in RELEASE_A.tables:
            assert any(name in each and each.startswith(step) for each in statements), f"{step} {name}"
    version = data_version(loaded)

    for nth, statement in enumerate(statements, start=1):
        kill_load(database_url, RELEASE_B, BeforeStatement(nth=nth))
        assert stored(loaded) == before, f"killed before statement {nth}, {statement}"
    kill_load(database_url, RELEASE_B, BeforeCommit())
    assert (stored(loaded), data_version(loaded)) == (before, version)

    report = load(loaded, RELEASE_B)
    assert report.rows_changed == 19
    assert stored(loaded) == cells(RELEASE_B)


def test_a_load_killed_after_its_commit_is_there_whole(loaded: Engine, database_url: str) -> None:
    kill_load(database_url, RELEASE_B, AfterCommit())
    assert stored(loaded) == cells(RELEASE_B)
    assert load(loaded, RELEASE_B).rows_changed == 0
    with read(loaded) as connection:
        assert [record.release_number for record in list_loads(connection)] == ["29.0", "29.0", "28.3"]


def test_a_real_release_killed_at_work_leaves_the_release_before(
    blank: Engine, database_url: str, onet_26: OnetData, onet_29: OnetData
) -> None:
    load(blank, onet_26)
    before = cells(onet_26)
    for moment in (BeforeStatement("INSERT INTO staged_Skills", nth=4), InTheMiddleOf("INSERT INTO Skills .* SELECT")):
        kill_load(database_url, onet_29, moment)
        assert stored(blank) == before, moment


# -- read while loading -------------------------------------------------------------------------------------------


def test_readers_see_the_release_before_at_every_step_and_the_new_one_after_the_commit(
    loaded: Engine, other: Engine
) -> None:
    seen = []

    def look(*_: object) -> None:
        seen.append(stored(other) == cells(RELEASE_A))

    event.listen(loaded, "before_cursor_execute", look)
    BeforeCommit().arm(loaded, look)
    load(loaded, RELEASE_B)
    event.remove(loaded, "before_cursor_execute", look)
    assert len(seen) > 40
    assert all(seen)
    assert stored(other) == cells(RELEASE_B)


def test_a_reader_keeps_its_release_whole_over_a_load(loaded: Engine, other: Engine) -> None:
    with read(other) as reader:
        assert stored_on(reader) == cells(RELEASE_A)
        load(loaded, RELEASE_B)
        assert stored_on(reader) == cells(RELEASE_A)
        assert get_data_version(reader).startswith("1-")
    assert data_version(other).startswith("2-")


# -- two at once --------------------------------------------------------------------------------------------------


def wait_until_it_waits(second: Engine, begins: threading.Event, went_on: threading.Event) -> None:
    """Return once the other load waits for the lock or, if nothing stopped it, has continued."""
    assert begins.wait(HANGS)
    if second.dialect.name == "sqlite":
        return  # it waits inside BEGIN IMMEDIATE, where nothing can be seen of it
    with make_engine(second.url.render_as_string(hide_password=False)).connect() as watcher:
        mine = {"db": second.url.database}
        waiting = text("SELECT COUNT(*) FROM information_schema.processlist WHERE db = :db AND state = 'User lock'")
        while not watcher.scalar(waiting, mine) and not went_on.is_set():
            watcher.rollback()


def test_a_second_load_waits_for_the_first_to_commit(loaded: Engine, other: Engine) -> None:
    """Were it to compare before the commit, it would find RELEASE_A there and write nothing."""
    begins, went_on, order = threading.Event(), threading.Event(), []

    def compares(connection: Connection) -> None:
        order.append("second compares")
        went_on.set()

    BeforeStatement("BEGIN|SELECT get_lock").arm(other, lambda _: begins.set())
    BeforeStatement("SELECT Occupations").arm(other, compares)

    with ThreadPoolExecutor(1) as pool:
        second = []

        def start_second(connection: Connection) -> None:
            if not second:
                second.append(pool.submit(load, other, RELEASE_A))
                wait_until_it_waits(other, begins, went_on)

        BeforeCommit().arm(loaded, start_second)
        AfterCommit().arm(loaded, lambda _: order.append("first committed"))
        load(loaded, RELEASE_B)
        report = second[0].result(HANGS)
    assert order[0] == "first committed"
    assert report.rows_changed == 19
    assert stored(loaded) == cells(RELEASE_A)


@pytest.mark.slow
def test_many_loads_at_once_all_end_and_leave_the_last_one_whole(loaded: Engine, database_url: str) -> None:
    start = threading.Barrier(4)

    def load_both(first: OnetData, second: OnetData) -> None:
        engine = make_engine(database_url)
        start.wait(HANGS)
        for data in (first, second, first, second):
            load(engine, data)
        engine.dispose()

    pairs = [(RELEASE_A, RELEASE_B), (RELEASE_B, RELEASE_A)] * 2
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(load_both, *pair) for pair in pairs]:
            done.result(HANGS)
    with read(loaded) as connection:
        loads = list_loads(connection)
    assert len(loads) == 17
    assert stored(loaded) == cells({"28.3": RELEASE_A, "29.0": RELEASE_B}[loads[0].release_number])


def test_tables_made_by_many_at_once_are_made_once(database_url: str) -> None:
    start = threading.Barrier(4)

    def make(_: int) -> list[str]:
        engine = make_engine(database_url)
        start.wait(HANGS)
        made = init_tables(engine)
        engine.dispose()
        return made

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4), timeout=HANGS))
    assert sorted(map(len, made)) == [0, 0, 0, len(Base.metadata.tables)]


@pytest.mark.slow
def test_a_load_that_waits_too_long_for_another_says_so_and_changes_nothing(loaded: Engine, database_url: str) -> None:
    impatient = make_engine(database_url, seconds_to_lock=1)
    refused = []

    def try_to_load(connection: Connection) -> None:
        said = r"another load or init-db has been running|database is locked"
        with pytest.raises(StoreError, match=said):
            load(impatient, RELEASE_A)
        refused.append(True)

    BeforeCommit().arm(loaded, try_to_load)
    load(loaded, RELEASE_B)
    assert refused == [True]
    assert stored(loaded) == cells(RELEASE_B)
    load(impatient, RELEASE_A)
    impatient.dispose()


# -- the server is gone -------------------------------------------------------------------------------------------


@pytest.fixture
def mysql_loaded(mysql_url: str) -> Iterator[Engine]:
    engine = make_engine(mysql_url)
    init_tables(engine)
    load(engine, RELEASE_A)
    yield engine
    engine.dispose()


@pytest.fixture
def end_connection(mysql_url: str) -> Iterator[Callable[[int], None]]:
    """End a connection of the server from outside."""
    admin = make_engine(mysql_url)

    def end(thread_id: int) -> None:
        with admin.connect() as connection:
            connection.execute(text(f"KILL {thread_id}"))

    yield end
    admin.dispose()


@pytest.mark.parametrize(
    "moment",
    [
        BeforeStatement("SELECT Skills"),
        BeforeStatement("INSERT INTO staged_Skills"),
        BeforeStatement("INSERT INTO Skills"),
        BeforeStatement("DELETE FROM Occupations"),
        BeforeStatement("INSERT INTO Loads"),
        BeforeCommit(),
    ],
    ids=str,
)
def test_a_connection_lost_during_a_load_changes_nothing_and_the_next_load_works(
    mysql_loaded: Engine, mysql_url: str, end_connection: Callable[[int], None], moment: Moment
) -> None:
    engine = make_engine(mysql_url)
    lost = []

    def lose(connection: Connection) -> None:
        if not lost:
            driver = connection.connection.driver_connection
            lost.append(driver.thread_id())  # type: ignore[union-attr]
            end_connection(lost[0])

    moment.arm(engine, lose)
    with pytest.raises(DatabaseUnavailable, match=r"MySQL server has gone away|Lost connection"):
        load(engine, RELEASE_B)
    assert stored(mysql_loaded) == cells(RELEASE_A)

    load(engine, RELEASE_B)
    assert stored(mysql_loaded) == cells(RELEASE_B)
    engine.dispose()


def test_a_load_is_not_called_failed_for_what_happens_after_its_commit(
    mysql_loaded: Engine, end_connection: Callable[[int], None]
) -> None:
    database = mysql_loaded.url.database

    def end_the_keeper_of_the_lock(connection: Connection) -> None:
        with mysql_loaded.connect() as observer:
            keeper = observer.scalar(text("SELECT IS_USED_LOCK(:lock)"), {"lock": f"skillgap-load-{database}"})
        end_connection(keeper)

    BeforeCommit().arm(mysql_loaded, end_the_keeper_of_the_lock)
    assert load(mysql_loaded, RELEASE_B).rows_changed == 19
    assert stored(mysql_loaded) == cells(RELEASE_B)


def test_a_full_table_on_mysql_is_no_room_left(mysql_loaded: Engine) -> None:
    small = "CREATE TABLE small (filling CHAR(255)) ENGINE = MEMORY MAX_ROWS = 1"
    with mysql_loaded.begin() as connection:
        connection.execute(text("SET SESSION max_heap_table_size = 16384"))
        connection.execute(text(small))
    rows = [{"filling": "x" * 255}] * 5000
    with pytest.raises(DatabaseUnavailable, match="its disk is full"), write(mysql_loaded) as connection:
        connection.execute(text("INSERT INTO small VALUES (:filling)"), rows)


# -- the disk is full ---------------------------------------------------------------------------------------------


class SmallDisk:
    """A folder with little space: a separate file system or, where mounting is forbidden, SQLite's own limit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engines: list[Engine] = []
        self.pages: int | None = None
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
        self.is_mounted = bool(shutil.which("mount")) and subprocess.run(mount, check=False).returncode == 0
        if not self.is_mounted:
            self.pages = 512

    def engine(self) -> Engine:
        engine = make_engine(f"sqlite:///{self.folder}/skillgap.db")
        self.engines.append(engine)
        if self.pages:
            limit = f"PRAGMA max_page_count = {self.pages}"
            event.listen(engine, "connect", lambda connection, _: connection.execute(limit))
        return engine

    def make_room(self) -> None:
        self.pages = None
        if self.is_mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", str(self.folder)], check=True)

    def close(self) -> None:
        for engine in self.engines:
            engine.dispose()
        if self.is_mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    (tmp_path / "small").mkdir()
    disk = SmallDisk(tmp_path / "small")
    yield disk
    disk.close()


def test_a_full_disk_keeps_the_release_before_and_says_what_is_wrong(small_disk: SmallDisk, onet_29: OnetData) -> None:
    engine = small_disk.engine()
    init_tables(engine)
    load(engine, RELEASE_A)
    with pytest.raises(DatabaseUnavailable, match="its disk is full; nothing was changed"):
        load(engine, onet_29)
    assert stored(engine) == cells(RELEASE_A)
    engine.dispose()

    again = small_disk.engine()
    assert stored(again) == cells(RELEASE_A)
    load(again, RELEASE_B)
    again.dispose()

    small_disk.make_room()
    engine = small_disk.engine()
    load(engine, onet_29)
    with read(engine) as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    assert {name: len(rows) for name, rows in stored(engine).items()} == {
        name: len(frame) for name, frame in onet_29.tables.items()
    }


@pytest.mark.parametrize("room", [20_000, 60_000])  # less and more than the index of SQLite's log takes
def test_a_disk_full_from_the_start_makes_no_tables(small_disk: SmallDisk, room: int) -> None:
    if small_disk.is_mounted:
        (small_disk.folder / "filling").write_bytes(b"x" * (2 * 2**20 - room))
    else:
        small_disk.pages = 4
    with pytest.raises(DatabaseUnavailable, match="its disk is full"):
        init_tables(small_disk.engine())
    (small_disk.folder / "filling").unlink(missing_ok=True)
    small_disk.make_room()
    engine = small_disk.engine()
    assert init_tables(engine) == sorted(Base.metadata.tables)
    assert set(Base.metadata.tables) < set(inspect(engine).get_table_names())
