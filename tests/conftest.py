"""Fixtures: a separate database for each test, on SQLite and on a real MySQL server; real releases; markers."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
import unicodedata
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import stamina
import structlog
from filelock import FileLock
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.engine import URL

from skillgap.analysis.ratings import Ratings
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.service.ratings import get_ratings
from skillgap.sources.releases import Archive, find_release
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.store.engine import make_engine, read
from skillgap.testing.fake_onet_answers import FakeTables
from tests.mysql_server import private_mysql

gc.set_threshold(50_000)  # as in cli.app.main
ONET_DIR = Path(os.environ.get("SKILLGAP_TEST_ONET_DIR", Path(__file__).parents[2] / "shared" / "onet"))
FAULTS = Path(__file__).parent / "faults"
MEMORY = Path("/dev/shm")  # noqa: S108 - the folders in it are our own


def _required(variable: str) -> bool:
    return os.environ.get(variable) == "1"


def _has_room_in_memory(gigabytes: int) -> bool:
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > gigabytes * 2**30


def pytest_configure() -> None:
    """Keep the databases and releases of tests, 1.5 GB in all, in memory if it has room."""
    if _has_room_in_memory(8):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


MARKER_OF_FIXTURES = {
    "release": {"levels_alone", "no_errors", "onet_26", "onet_29", "whole_29", "whole_release"},
    "browser": {"chromium"},
    "mysql": {"mysql_server"},
    "programs": {"run", "service"},
}
"""The marker of every test that uses one of these fixtures, directly or through another one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need, so that `make test-fast` can leave them out."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        callspec = getattr(item, "callspec", None)
        if callspec and "mysql" in map(str, callspec.params.values()):
            names.add("mysql_server")  # which the fixture of that parameter asks for at run time
        if item.path.is_relative_to(FAULTS):
            item.add_marker("release")
        for marker, fixtures in MARKER_OF_FIXTURES.items():
            if names & fixtures:
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let `onet_zip` see which test is running."""
    global _running
    _running = item
    result = yield
    _running = None
    return result


_running: pytest.Item | None = None


def is_obeyed(text: str) -> bool:
    """Return whether a terminal may obey, reorder or hide a part of a text."""
    return any(
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") and character not in "\u200c\u200d"
        for character in text
        if not "\u0600" <= character <= "\u08e2" and not "\U000110bd" <= character <= "\U0001d17a"  # visible signs
    )


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return a folder that one process of a test run builds for all of them; read-only from then on."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, part = root / name, root / f"{name}.part"
    with FileLock(root / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            build(part)
            part.rename(folder)
    return folder


# -- releases -----------------------------------------------------------------------------------------------------


def onet_zip(name: str) -> Path:
    """Return a real release; skip the test if there is none. Its tests are marked `release`."""
    if _running and not _running.get_closest_marker("release"):
        pytest.fail("this test reads a whole release; mark it with pytest.mark.release")
    path = ONET_DIR / f"db_{name}_text.zip"
    if not path.exists():
        reason = f"no O*NET release at {path} (SKILLGAP_TEST_ONET_DIR)"
        pytest.fail(reason) if _required("SKILLGAP_REQUIRE_ONET") else pytest.skip(reason)
    return path


Row = dict[str, str]
"""A line of a file of ratings, by header."""


def changed_release(folder: Path, change: Callable[[Row], Row | None], *, name: str = "29_0") -> Path:
    """Return a real release as a zip with each line of its ratings changed, or dropped for None."""
    rated = ("Skills.txt", "Knowledge.txt", "Abilities.txt", "Work Activities.txt")
    file = folder / f"db_{name}_text.zip"
    with zipfile.ZipFile(onet_zip(name)) as whole, zipfile.ZipFile(file, "w") as out:
        for member in whole.namelist():
            content = whole.read(member)
            if member.endswith(tuple(f"/{each}" for each in rated)):
                head, *lines = content.decode().split("\r\n" if b"\r\n" in content else "\n")
                names = head.split("\t")
                rows = (change(dict(zip(names, line.split("\t"), strict=True))) for line in lines if line)
                content = "\n".join([head, *("\t".join(row.values()) for row in rows if row), ""]).encode()
            out.writestr(member, content)
    return file


def is_level(row: Row) -> Row | None:
    """Keep levels only, as a filter `Scale ID == LV` does."""
    return row if row["Scale ID"] == "LV" else None


def without_errors(row: Row) -> Row:
    """Remove the standard error and the interval."""
    return row | dict.fromkeys(("Standard Error", "Lower CI Bound", "Upper CI Bound"), "n/a")


@contextmanager
def loaded(release: Path, folder: Path) -> Iterator[Engine]:
    """Yield an engine on a new database with a release."""
    load(release, folder)
    with opened(folder) as engine:
        yield engine


def load(release: Path | str, folder: Path) -> None:
    """Load a release into skillgap.db in a folder."""
    with opened(folder) as engine:
        extract_load_text_files(engine, str(release), cache_dir=folder / "cache")


@contextmanager
def opened(folder: Path) -> Iterator[Engine]:
    """Yield an engine on skillgap.db in a folder."""
    engine = make_engine(f"sqlite:///{folder}/skillgap.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def levels_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a database of 29.0 without any importance; not to be written to."""
    with opened(
        built_once(tmp_path_factory, "levels-alone", lambda folder: load(changed_release(folder, is_level), folder))
    ) as engine:
        yield engine


@pytest.fixture(scope="session")
def no_errors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a database of 29.0 without any standard error; not to be written to."""
    with opened(
        built_once(tmp_path_factory, "no-errors", lambda folder: load(changed_release(folder, without_errors), folder))
    ) as engine:
        yield engine


@pytest.fixture(scope="session")
def onet_29() -> OnetData:
    """O*NET 29.0, complete."""
    return extract_onet_data(Archive(onet_zip("29_0"), "29.0"))


@pytest.fixture(scope="session")
def whole_release() -> OnetData:
    """O*NET 29.0 with all tables that can be loaded."""
    return extract_onet_data(Archive(onet_zip("29_0"), "29.0"), also=OPTIONAL_TABLES)


@pytest.fixture(scope="session")
def onet_26() -> OnetData:
    """O*NET 26.1, complete."""
    return extract_onet_data(Archive(onet_zip("26_1"), "26.1"))


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> OnetData:
    """The starter data."""
    return extract_onet_data(find_release("starter", cache_dir=tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def fake_tables(starter: OnetData) -> FakeTables:
    """The starter data as the stand-in of O*NET Web Services serves them."""
    return FakeTables(starter)


@pytest.fixture(scope="session")
def onet_29_tables(onet_29: OnetData) -> FakeTables:
    """O*NET 29.0 as the stand-in of O*NET Web Services serves it."""
    return FakeTables(onet_29)


@pytest.fixture(scope="session")
def starter_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a SQLite database with the starter data; not to be written to."""
    folder = built_once(tmp_path_factory, "starter-database", lambda folder: load("starter", folder))
    return f"sqlite:///{folder}/skillgap.db"


@pytest.fixture(scope="session")
def ratings(starter_database: str) -> Ratings:
    """The starter's ratings, read from the database."""
    engine = make_engine(starter_database)
    with read(engine) as connection:
        ratings = get_ratings(connection)
    engine.dispose()
    return ratings


@pytest.fixture(scope="session")
def texts_compared_once() -> Iterator[None]:
    """Compare the same texts only once: those of 29.0 take five seconds, and a dozen tests need them."""
    from skillgap.llm import ridge

    compare = ridge._tfidf
    kept = cache(lambda texts, given: compare(texts, **dict(given)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ridge, "_tfidf", lambda texts, **given: kept(tuple(texts), tuple(sorted(given.items()))))
        yield


# -- databases ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def whole_29(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a database with all tables of 29.0; not to be written to."""
    with opened(built_once(tmp_path_factory, "whole-29", lambda folder: load(onet_zip("29_0"), folder))) as engine:
        yield engine


@pytest.fixture
def own_29(whole_29: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a copy of `whole_29`, skillgap.db in the test's folder."""
    yield from _copied(whole_29, tmp_path)


@pytest.fixture
def own_starter(starter_engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a copy of `starter_database`, skillgap.db in the test's folder."""
    yield from _copied(starter_engine, tmp_path)


def _copied(source: Engine, folder: Path) -> Iterator[Engine]:
    shutil.copy(str(source.url.database), folder / "skillgap.db")
    with opened(folder) as engine:
        yield engine


@pytest.fixture(scope="session")
def starter_engine(starter_database: str) -> Iterator[Engine]:
    engine = make_engine(starter_database)
    yield engine
    engine.dispose()


def mysql_program() -> str:
    """Return a MySQL or MariaDB server on PATH; skip the test if there is none."""
    program = shutil.which("mariadbd") or shutil.which("mysqld")
    if program is None:
        reason = "no MySQL: set SKILLGAP_TEST_MYSQL_URL, or install mariadb-server"
        pytest.fail(reason) if _required("SKILLGAP_REQUIRE_MYSQL") else pytest.skip(reason)
    return program


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[URL]:
    """A real server: SKILLGAP_TEST_MYSQL_URL, or a private one.

    In memory, if it has room, creating tables takes a quarter of the time.
    """
    if named := os.environ.get("SKILLGAP_TEST_MYSQL_URL"):
        yield make_url(named)
        return
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if _has_room_in_memory(2) else None) as folder,
        private_mysql(mysql_program(), Path(folder)) as url,
    ):
        yield url


@contextmanager
def mysql_schema(server: URL) -> Iterator[str]:
    """Yield the URL of a new schema on a MySQL server; drop it afterwards."""
    name = f"skillgap_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server.set(database=None), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


@pytest.fixture
def mysql_url(mysql_server: URL) -> Iterator[str]:
    """URL of a new schema on the MySQL server, dropped afterwards."""
    with mysql_schema(mysql_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "mysql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, on SQLite and on MySQL."""
    if request.param == "mysql":
        url: str = request.getfixturevalue("mysql_url")
        return url
    return f"sqlite:///{tmp_path}/skillgap.db"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database, on SQLite and on MySQL."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and the same folder read-only: as a second mount or, without the right to mount, by its mode."""
    writable, folder = tmp_path / "writable", tmp_path / "read only"
    writable.mkdir()
    folder.mkdir()
    is_mounted = subprocess.run(["mount", "--bind", writable, folder], check=False).returncode == 0
    if is_mounted:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield writable, folder
        subprocess.run(["umount", "--lazy", folder], check=True)
        return
    folder.rmdir()
    folder.symlink_to(writable)
    yield writable, folder
    writable.chmod(0o755)


def close_to_writers(folder: Path) -> None:
    if folder.is_symlink():
        folder.chmod(0o555)


@pytest.fixture(autouse=True, scope="session")
def _quiet_retries() -> None:
    """Keep retries, such as waiting for a server to start, out of captured output."""
    stamina.instrumentation.set_on_retry_hooks([])


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Reset the logging that a test configured: it refers to the captured standard error of that test."""
    yield
    structlog.reset_defaults()
    stamina.instrumentation.set_on_retry_hooks([])


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the developer's settings and embedded database from tests."""
    for name in [name for name in os.environ if name.startswith("SKILLGAP_") and "_TEST_" not in name]:
        if "_REQUIRE_" not in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
