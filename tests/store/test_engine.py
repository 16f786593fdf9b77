"""Engines are created, or refused with a remedy; no message contains a password."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError

from skillgap.errors import ConfigurationError, DatabaseUnavailable, SchemaMismatch, SkillgapError
from skillgap.nodes.status import get_status
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import make_engine, read, write
from skillgap.store.tables import init_tables
from tests.conftest import close_to_writers
from tests.store.small_releases import CHIEFS, NURSES, RELEASE_A, RELEASE_B, cells, load, stored, stored_on

SECRET = "s3cr3t"  # noqa: S105 - the word the tests look for


def everything_said(error: BaseException) -> str:
    """Return the texts of an error and of its causes."""
    said, seen = [], error
    while seen is not None:
        said.append(f"{seen} {seen.args}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)  # type: ignore[assignment]
    return "\n".join(said)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "write sqlite:////path/to/skillgap.db or mysql\\+pymysql://"),
        ("skillgap.db", "cannot be read"),
        (f"mysql//root:{SECRET}@db/skillgap", "cannot be read"),
        (f"mysql+pymysql://root:{SECRET}@db:port/skillgap", "cannot be read"),
        (f"mysql+pymysql://root:{SECRET}/skillgap", "'mysql\\+pymysql://root\\*\\*\\*' cannot be read"),
        (f"mysql:root:{SECRET}@db/skillgap", "cannot be read"),
        (f"root:{SECRET}@db/skillgap", "cannot be read"),
        (f"db?password={SECRET}", "cannot be read"),
        (f"mysql+pymysql://root:p@{SECRET}@db/skillgap", "write @ as %40"),
        (f"mysql+pymysql://root:p@x/{SECRET}@db/skillgap", "write @ as %40"),
        (f"postgresql://root:{SECRET}@db/skillgap", "'postgresql'; MySQL and SQLite are supported"),
        (f"oracle+nosuch://root:{SECRET}@db/skillgap", "'oracle'; MySQL and SQLite are supported"),
        (f"mysql+nosuch://root:{SECRET}@db/skillgap", r"'mysql\+nosuch' .* use mysql\+pymysql"),
        (f"mysql+mysqldb://root:{SECRET}@db/skillgap", r"'mysql\+mysqldb' .* use mysql\+pymysql"),
        ("sqlite+nosuch:///skillgap.db", r"'sqlite\+nosuch' .* or sqlite"),
        (f"mysql+pymysql://root:{SECRET}@db:3306/", "names no database; write it after the host"),
        (f"mysql://root:{SECRET}@db?charset=utf8mb4", "names no database"),
        (f"mysql+pymysql://root:{SECRET}@db..example/skillgap", "names a host that cannot exist"),
        (f"mysql+pymysql://root:{SECRET}@{'d' * 64}/skillgap", "names a host that cannot exist"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_the_way_out(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        make_engine(url)
    assert SECRET not in everything_said(refused.value)


@pytest.mark.parametrize("password", ["zażółć€", "ä", "ß%/@:#?", "密碼"])
def test_a_password_may_have_any_characters(mysql_url: str, password: str) -> None:
    root = make_engine(mysql_url)
    name = f"someone_{len(password)}"
    with write(root) as connection:
        connection.execute(text(f"CREATE USER {name}@'%' IDENTIFIED BY :password"), {"password": password})
        connection.execute(text(f"GRANT SELECT ON `{root.url.database}`.* TO {name}@'%'"))
    engine = make_engine(root.url.set(username=name, password=password).render_as_string(hide_password=False))
    with read(engine) as connection:
        assert connection.scalar(text("SELECT current_user()")) == f"{name}@%"
    engine.dispose()
    with write(root) as connection:
        connection.execute(text(f"DROP USER {name}@'%'"))
    root.dispose()


@pytest.mark.parametrize("driver", ["mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"])
def test_every_spelling_of_mysql_reaches_the_same_tables(mysql_url: str, driver: str) -> None:
    engine = make_engine(mysql_url.replace("mysql+pymysql", driver))
    init_tables(engine)
    load(engine, RELEASE_A)
    with read(engine) as connection:
        made = connection.execute(text("SHOW CREATE TABLE Skills")).one()[1]
        character_set = connection.scalar(text("SELECT @@character_set_client"))
        sql_mode = connection.scalar(text("SELECT @@sql_mode"))
    engine.dispose()
    assert "utf8mb4_unicode_520_ci" in made
    assert character_set == "utf8mb4"
    assert "STRICT_TRANS_TABLES" in sql_mode


# -- a server that cannot be reached ------------------------------------------------------------------------------


def test_no_server_is_said_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can answer there
        bound.bind(("127.0.0.1", 0))
        engine = make_engine(f"mysql+pymysql://root:{SECRET}@127.0.0.1:{bound.getsockname()[1]}/skillgap")
        with pytest.raises(DatabaseUnavailable, match=r"root:\*\*\*@127\.0\.0\.1.*refused") as failed, read(engine):
            pass
    assert SECRET not in everything_said(failed.value)


def test_a_wrong_password_is_not_repeated(mysql_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine = make_engine(make_url(mysql_url).set(password=SECRET).render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable, match="Access denied") as failed:
        init_tables(engine)
    assert SECRET not in everything_said(failed.value) + caplog.text


def test_a_password_in_the_query_is_not_repeated(mysql_url: str) -> None:
    engine = make_engine(f"{mysql_url}?password={SECRET}")
    with pytest.raises(DatabaseUnavailable, match="Access denied") as failed, read(engine):
        pass
    assert SECRET not in str(failed.value)


def test_a_password_is_not_in_the_message_of_a_schema_of_another_version(mysql_url: str) -> None:
    engine = make_engine(f"{mysql_url}?program_name={SECRET}")
    init_tables(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch) as failed:
        init_tables(engine)
    engine.dispose()
    assert SECRET not in str(failed.value)


# -- what failed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELEC 1", (ProgrammingError, OperationalError)),
        ("SELECT nosuch(1)", (ProgrammingError, OperationalError)),
        ("INSERT INTO Scales SELECT * FROM Scales", IntegrityError),
        ("DELETE FROM Occupations", IntegrityError),
        ("INSERT INTO Scales (scale_id) VALUES ('XX')", (IntegrityError, OperationalError)),
    ],
    ids=["syntax", "function", "unique", "foreign key", "not null"],
)
def test_a_wrong_statement_is_not_an_unavailable_database(
    shared: Engine, statement: str, error: type[DBAPIError] | tuple[type[DBAPIError], ...]
) -> None:
    with pytest.raises(error), write(shared) as connection:
        connection.execute(text(statement))


def test_a_value_that_does_not_fit_is_not_an_unavailable_database(mysql_url: str) -> None:
    engine = make_engine(mysql_url)
    init_tables(engine)
    with pytest.raises(DataError), write(engine) as connection:
        connection.execute(text("INSERT INTO Scales VALUES ('LONGER THAN IT MAY BE', 'x', 0, 7)"))
    engine.dispose()


def test_an_error_nobody_foresaw_does_not_show_the_rows(shared: Engine) -> None:
    with pytest.raises(DBAPIError) as failed, write(shared) as connection:
        connection.execute(text("INSERT INTO Scales VALUES (:a, :a, :a, :a, :a)"), {"a": SECRET})
    assert SECRET not in str(failed.value)


def test_a_lock_that_is_not_given_in_time_is_an_unavailable_database(loaded: Engine, database_url: str) -> None:
    impatient = "?init_command=SET+SESSION+innodb_lock_wait_timeout=1" if "mysql" in database_url else ""
    other = make_engine(database_url + impatient, seconds_to_lock=0)
    change = text("UPDATE Scales SET scale_name = 'x'")
    with write(loaded) as holder:
        holder.execute(change)
        with pytest.raises(DatabaseUnavailable, match=r"locked|Lock wait timeout"), write(other) as connection:
            connection.execute(change)
    other.dispose()


def test_a_deadlock_is_an_unavailable_database(mysql_url: str) -> None:
    engine = make_engine(mysql_url)
    init_tables(engine)
    load(engine, RELEASE_A)
    change = text("UPDATE Occupations SET description = 'x' WHERE onet_soc_code = :code")
    has_first = threading.Barrier(2, timeout=60)

    def change_both(*codes: str) -> str:
        try:
            with write(engine) as connection:
                connection.execute(change, {"code": codes[0]})
                has_first.wait()
                connection.execute(change, {"code": codes[1]})
        except DatabaseUnavailable as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(change_both, *pair) for pair in ((CHIEFS, NURSES), (NURSES, CHIEFS))]
        ended = sorted(each.result() for each in both)
    assert ended[0] == "done"
    assert "Deadlock found" in ended[1]
    engine.dispose()


def test_a_transaction_that_may_only_read_is_an_unavailable_database(mysql_url: str) -> None:
    engine = make_engine(f"{mysql_url}?init_command=SET+SESSION+TRANSACTION+READ+ONLY")
    init_tables(make_engine(mysql_url))
    with pytest.raises(DatabaseUnavailable, match="READ ONLY"):
        load(engine, RELEASE_A)
    engine.dispose()


def test_an_account_with_too_many_connections_is_an_unavailable_database(mysql_url: str) -> None:
    admin = make_engine(mysql_url)
    account = f"few{make_url(mysql_url).database[-12:]}"  # type: ignore[index]
    with admin.begin() as connection:
        connection.execute(text(f"CREATE USER {account}@'%' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1"))
        connection.execute(text(f"GRANT ALL ON *.* TO {account}@'%'"))
    try:
        engine = make_engine(make_url(mysql_url).set(username=account, password="x").render_as_string(False))  # noqa: S106
        with read(engine), pytest.raises(DatabaseUnavailable, match="max_user_connections"), read(engine):
            pass
        engine.dispose()
    finally:
        with admin.begin() as connection:
            connection.execute(text(f"DROP USER {account}@'%'"))
        admin.dispose()


def test_a_damaged_file_is_an_unavailable_database(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    init_tables(engine)
    load(engine, RELEASE_A)
    file = tmp_path / "skillgap.db"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(DatabaseUnavailable, match="malformed"), read(engine) as connection:
        get_ratings(connection)


# -- a database without the tables --------------------------------------------------------------------------------


def test_an_empty_database_names_the_command_that_makes_its_tables(engine: Engine) -> None:
    with engine.connect():
        pass  # SQLite makes the file
    with pytest.raises(SchemaMismatch, match="run `skillgap init-db`"), read(engine) as connection:
        get_status(connection)
    with pytest.raises(SchemaMismatch, match="run `skillgap init-db`"):
        load(engine, RELEASE_A)


@pytest.mark.parametrize("dropped", ["TABLE Skills", "TABLE Loads", "VIEW SkillsView"])
def test_a_lost_table_or_view_names_the_command_that_makes_it(loaded: Engine, dropped: str) -> None:
    with loaded.begin() as connection:
        connection.execute(text(f"DROP {dropped}"))
    with pytest.raises(SchemaMismatch, match="run `skillgap init-db`"), read(loaded) as connection:
        get_ratings(connection)


@pytest.mark.parametrize("statement", ["SELECT nosuch FROM Skills", "INSERT INTO Scales (nosuch) VALUES (1)"])
def test_a_column_that_is_not_there_is_a_schema_of_another_version(shared: Engine, statement: str) -> None:
    with pytest.raises(SchemaMismatch, match=r"nosuch.*run `skillgap init-db`"), write(shared) as connection:
        connection.execute(text(statement))


# -- transactions -------------------------------------------------------------------------------------------------


class Interruption(Exception):
    """Anything that may happen inside a transaction."""


def test_write_is_undone_whole_by_any_error(loaded: Engine) -> None:
    def delete_and_fail() -> None:
        with write(loaded) as connection:
            connection.execute(text("DELETE FROM Skills"))
            raise Interruption

    with pytest.raises(Interruption):
        delete_and_fail()
    assert len(stored(loaded)["Skills"]) == 8


def test_read_sees_one_snapshot_while_another_writes(loaded: Engine) -> None:
    count = text("SELECT COUNT(*) FROM Skills")
    with read(loaded) as reader:
        before = reader.scalar(count)
        with write(loaded) as writer:
            writer.execute(text("DELETE FROM Skills"))
        assert reader.scalar(count) == before == 8
    assert stored(loaded)["Skills"] == []


def test_read_sees_one_snapshot_also_on_a_mysql_server_that_defaults_to_less(mysql_url: str) -> None:
    engine = make_engine(f"{mysql_url}?init_command=SET+SESSION+TRANSACTION+ISOLATION+LEVEL+READ+COMMITTED")
    init_tables(engine)
    with read(engine) as reader:
        assert stored_on(reader)["Skills"] == []
        load(engine, RELEASE_A)
        assert stored_on(reader)["Skills"] == []
    assert len(stored(engine)["Skills"]) == 8
    engine.dispose()


def test_our_own_errors_pass_unchanged(engine: Engine) -> None:
    with pytest.raises(SkillgapError, match=r"^ours$"), write(engine, may_make=True):
        raise SkillgapError("ours")


# -- SQLite -------------------------------------------------------------------------------------------------------


def test_sqlite_makes_the_folder_of_its_file(tmp_path: Path) -> None:
    init_tables(make_engine(f"sqlite:///{tmp_path}/not/yet/there.db"))
    assert (tmp_path / "not" / "yet" / "there.db").stat().st_size > 0


def test_a_sqlite_file_on_a_read_only_file_system_is_read(read_only: tuple[Path, Path]) -> None:
    writable, folder = read_only
    made = make_engine(f"sqlite:///{writable}/a b%20c?.db".replace("?", "%3F"))
    init_tables(made)
    load(made, RELEASE_A)
    made.dispose()
    close_to_writers(folder)
    engine = make_engine(str(made.url).replace(str(writable), str(folder)))
    for _ in range(2):
        assert stored(engine) == cells(RELEASE_A)
    with read(engine) as connection:
        assert get_status(connection).release.number == "28.3"
    for change in (lambda: load(engine, RELEASE_B), lambda: init_tables(engine)):
        with pytest.raises(DatabaseUnavailable, match="copy it to a writable folder and set SKILLGAP_DATABASE_URL"):
            change()
    assert [path.name for path in folder.iterdir()] == [Path(str(made.url.database)).name]


def test_a_read_only_file_whose_log_has_more_is_refused_with_the_way_out(read_only: tuple[Path, Path]) -> None:
    writable, folder = read_only
    made = make_engine(f"sqlite:///{writable}/live.db")
    init_tables(made)
    with read(made):  # whoever reads last would merge the log
        load(made, RELEASE_A)
        for ending in ("", "-wal"):
            shutil.copy(writable / f"live.db{ending}", writable / f"copied.db{ending}")
        close_to_writers(folder)
        live = make_engine(f"sqlite:///{folder}/live.db")
        assert stored(live) == cells(RELEASE_A), "its log's index is there"
        with pytest.raises(DatabaseUnavailable, match=r"copied\.db-wal has changes.*`skillgap status`"):
            stored(make_engine(f"sqlite:///{folder}/copied.db"))
    if folder.is_symlink():
        writable.chmod(0o755)
    assert stored(make_engine(f"sqlite:///{writable}/copied.db")) == cells(RELEASE_A)
    close_to_writers(folder)
    assert stored(make_engine(f"sqlite:///{folder}/copied.db")) == cells(RELEASE_A), "merged now"
    made.dispose()


def test_a_read_only_file_that_is_changed_elsewhere_while_it_is_read_is_noticed(read_only: tuple[Path, Path]) -> None:
    _, folder = read_only
    made, engine = (make_engine(f"sqlite:///{each}/skillgap.db") for each in read_only)
    init_tables(made)
    if folder.is_symlink():
        return  # by its mode alone, nobody else could write either
    with pytest.raises(DatabaseUnavailable, match="changed during the read; try again"), read(engine):
        load(made, RELEASE_A)
    assert stored(engine) == cells(RELEASE_A)


def test_a_memory_database_is_one_for_all_threads() -> None:
    engine = make_engine("sqlite://")
    init_tables(engine)
    load(engine, RELEASE_A)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: stored(engine), range(8))) == [cells(RELEASE_A)] * 8
    engine.dispose()


def test_sqlite_finds_a_file_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    init_tables(make_engine("sqlite:///~/data/skillgap.db"))
    assert (tmp_path / "data" / "skillgap.db").exists()


def test_sqlite_in_memory_works() -> None:
    engine = make_engine("sqlite://")
    init_tables(engine)
    load(engine, RELEASE_A)
    assert len(stored(engine)["Skills"]) == 8
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=f"{tmp_path}/file/folder, cannot be created .*DATABASE_URL"):
        make_engine(f"sqlite:///{tmp_path}/file/folder/skillgap.db")


@pytest.mark.parametrize("content", [b"O*NET-SOC Code\tTitle\n" * 100, b"PK\x03\x04"])
def test_a_file_that_is_not_a_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "skillgap.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseUnavailable, match=r"skillgap\.db: file is not a database"):
        init_tables(make_engine(f"sqlite:///{file}"))
    assert file.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match="unable to open database file"),
        read(make_engine(f"sqlite:///{tmp_path}")),
    ):
        pass


def test_sqlite_lets_readers_go_on_and_guards_foreign_keys(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    init_tables(engine)
    with read(engine) as first, read(engine) as second:  # two connections: the settings are each one's own
        for connection in (first, second):
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def test_a_sqlite_uri_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = make_engine(f"sqlite:///file:{tmp_path}/skillgap.db?mode=rwc&uri=true")
    init_tables(engine)
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == ["skillgap.db"]


def test_a_sqlite_file_that_was_replaced_or_removed_is_noticed(tmp_path: Path) -> None:
    here, other = (make_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("here", "other"))
    for engine, data in ((here, RELEASE_A), (other, RELEASE_B)):
        init_tables(engine)
        load(engine, data)
    with read(here) as connection:
        assert stored_on(connection) == cells(RELEASE_A)
    (tmp_path / "other.db").replace(tmp_path / "here.db")
    with read(here) as connection:
        assert stored_on(connection) == cells(RELEASE_B)
    (tmp_path / "here.db").unlink()
    with pytest.raises(DatabaseUnavailable, match="no such database"), read(here):
        pass
    assert not (tmp_path / "here.db").exists()


def test_a_database_that_mysql_does_not_have_is_said_with_how_to_make_it(mysql_server: URL):
    url = mysql_server.set(database="skillgap_none").render_as_string(hide_password=False)
    with (
        pytest.raises(
            DatabaseUnavailable, match="create it with `CREATE DATABASE skillgap_none CHARACTER SET utf8mb4`"
        ),
        read(make_engine(url)),
    ):
        pass
