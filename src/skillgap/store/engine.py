"""Connections: one engine for MySQL or SQLite, and its errors in our words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from skillgap.errors import ConfigurationError, DatabaseUnavailable, LoadConflict, SchemaMismatch, StoreError
from skillgap.extras import needs
from skillgap.urls import MASK, masked_url

_NO_SUCH_DATABASE = 1049
_OTHER_SCHEMA = (1146, 1054, 1356)
"""MySQL: no such table, no such column, a view of such."""
_OTHER_SCHEMA_TEXT = ("no such table", "no such column", "has no column named")
"""SQLite has one code for these and for wrong SQL."""
_DISK_FULL = (1021, 1114, 20, 28, "SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # the last: no room for the index of its log
_DISK_FULL_TEXT = re.compile(r"(?i)errno: 28\b|errcode: 28\b|error: 28\b|got error 28\b")
"""MySQL: within its errors of writing a file (3, 1026) and of a storage engine (1030)."""
_NOT_WRITABLE = ("READONLY", "PERM")
_SQLITE_UNAVAILABLE = frozenset(
    (
        *(*_NOT_WRITABLE, "CANTOPEN", "NOTADB", "CORRUPT", "IOERR", "FULL", "NOMEM", "NOLFS"),
        *("BUSY", "LOCKED", "PROTOCOL", "INTERRUPT"),
    )
)
"""SQLite's primary codes for trouble with the file or its other users, never with a statement."""
_MYSQL_UNAVAILABLE = frozenset(
    (
        *(1044, 1045, 1142, 1143, 1227, 1251, 1524, 1698, 1820, 1862, 3118, 4151),  # access denied, account locked
        *(1040, 1042, 1043, 1047, 1053, 1129, 1130, 1135, 1203, 1226),  # no connection: too many, blocked, not ready
        *(1077, 1078, 1079, 1080, 1152, 1184, 1317, 1927, 3168, 4031),  # shut down, or the connection was ended
        *(1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161),  # packets too large, out of order, not sent
        *(1020, 1205, 1206, 1213, 1969, 3024, 3058, 3572),  # waited too long for a lock, deadlock, time limit
        *(1036, 1290, 1792, 1836, 1874, 3032),  # only to be read, or off line
        *(5, 1037, 1038, 1041, 1015, 1016, 1017, 1023, 1024, 1026, 1030, 1180, 1194, 1195, 3),  # memory, disk, engine
        *_DISK_FULL[:4],
        *range(2001, 2030),  # the driver's own: server gone, connection refused or lost, TLS, malformed packet
        *(2045, 2047, 2048, 2055, 2059, 2061, 2068),
    )
)
"""MySQL's and MariaDB's codes for trouble with the server, the connection or the account, never with a statement."""
_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""MySQL's own default: a value that does not fit is an error, whatever the server was told."""
SECONDS_TO_CONNECT = 5
SECONDS_TO_LOCK = 60
_LOCK = "skillgap_seconds_to_lock"
"""Execution option of a MySQL engine: how long `one_load_at_a_time` waits."""


def parse_url(database_url: str) -> URL:
    """Return the URL of a database that can be used. Raises ConfigurationError."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # ValueError: the port is no number
        raise ConfigurationError(
            f"the database URL {_without_password(database_url)!r} cannot be read; "
            "write sqlite:////path/to/skillgap.db or mysql+pymysql://user:password@host/database"
        ) from None
    if url.drivername in ("mysql", "mariadb", "mariadb+pymysql"):  # as mariadb, tables would lose their mysql_ options
        url = url.set(drivername="mysql+pymysql")
    if url.get_backend_name() not in ("sqlite", "mysql"):
        raise ConfigurationError(f"the database URL names {url.get_backend_name()!r}; MySQL and SQLite are supported")
    if url.get_backend_name() == "mysql" and "@" in f"{url.host}{url.database}":
        raise ConfigurationError("the database URL has more than one @; in a user name or a password write @ as %40")
    if url.get_backend_name() == "mysql":
        _check_mysql(url)
    return url


def _check_mysql(url: URL) -> None:
    """Raise ConfigurationError for a URL that names no database, or a host that cannot be one."""
    if not (url.database or "read_default_file" in url.query):
        raise ConfigurationError(
            f"the database URL {shown(url)} names no database; write it after the host, as /skillgap"
        )
    try:
        (url.host or "").encode("idna")
    except UnicodeError:
        raise ConfigurationError(f"the database URL {shown(url)} names a host that cannot exist") from None


def make_engine(
    database_url: str, *, seconds_to_connect: int = SECONDS_TO_CONNECT, seconds_to_lock: int = SECONDS_TO_LOCK
) -> Engine:
    """Return an engine for `mysql+pymysql://…` or `sqlite:///…`, which connects when first used.

    `seconds_to_connect` limits the wait for MySQL, `seconds_to_lock` the wait for another load, and for any other
    writer of a SQLite file. Raises ConfigurationError.
    """
    url = parse_url(database_url)
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url, seconds_to_lock)
        return _mysql_engine(url, seconds_to_connect, seconds_to_lock)
    except (NoSuchModuleError, ImportError):
        raise ConfigurationError(
            f"the database driver {url.drivername!r} is not there; use mysql+pymysql or sqlite"
        ) from None


def shown(url: URL) -> str:
    """Return the URL for a message: without its password, and without its query, which may hold one as well."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """Give a connection with one consistent snapshot. Raises DatabaseUnavailable, SchemaMismatch."""
    _check_is_there(engine.url)
    with in_our_words(engine), engine.connect() as connection:
        state = connection.info.get(_FIXED)
        yield connection
        if state and (file := _file(engine.url)) and _fixed_state(file) != state:
            raise DatabaseUnavailable(f"{shown(engine.url)}: it was changed while it was read; try again")


@contextmanager
def write(engine: Engine, *, may_make: bool = False) -> Iterator[Connection]:
    """Give a connection whose work is committed whole or not at all. Raises as `read`.

    A SQLite file that is not there is made only if it `may_make` one.
    """
    if not may_make:
        _check_is_there(engine.url)
    with in_our_words(engine), engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        yield connection


def _check_is_there(url: URL) -> None:
    """Refuse to read a SQLite file that is not there: SQLite would make an empty one."""
    if url.get_backend_name() == "sqlite" and (file := _file(url)) and not file.exists():
        raise DatabaseUnavailable(
            f"{shown(url)}: no such database; `skillgap load` makes it, with the data of a release"
        )


def _file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for a database in memory, and for a URI, whose reading is SQLite's."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        return None
    return Path(url.database)


@contextmanager
def in_our_words(engine: Engine) -> Iterator[None]:
    """Map the driver's errors of the server, the file or the schema to ours; let all others through.

    A wrong statement or a violated constraint does not mean that the database is unavailable: it keeps its traceback.
    """
    try:
        yield
    except DBAPIError as error:
        mapped = _mapped(error, engine.url)
        if mapped is None:
            raise
        raise mapped from error
    except PoolTimeout as error:
        raise DatabaseUnavailable(f"{shown(engine.url)}: all connections of this process are in use") from error


def _mapped(error: DBAPIError, url: URL) -> StoreError | None:
    """Return our error for a driver's, with the way out; None for an unforeseen one."""
    where, text = shown(url), str(error.orig)
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    name = str(getattr(error.orig, "sqlite_errorname", ""))  # such as SQLITE_READONLY_DIRECTORY
    kind = name.split("_")[1] if "_" in name else ""
    if number in _OTHER_SCHEMA or (kind == "ERROR" and any(words in text for words in _OTHER_SCHEMA_TEXT)):
        return SchemaMismatch(
            f"{where} lacks tables or columns of this version ({text}); run `skillgap init-db`, or `skillgap load`"
        )
    if number == _NO_SUCH_DATABASE:
        return DatabaseUnavailable(
            f"{where}: {text}; `CREATE DATABASE {url.database} CHARACTER SET utf8mb4` makes it empty, "
            "then `skillgap load` fills it"
        )
    is_lost = error.connection_invalidated or text.startswith("Packet sequence number wrong")
    if not (is_lost or number in _MYSQL_UNAVAILABLE or kind in _SQLITE_UNAVAILABLE):
        return None
    if number in _DISK_FULL or name in _DISK_FULL or (number is not None and _DISK_FULL_TEXT.search(text)):
        return DatabaseUnavailable(f"{where}: no room left on its disk; nothing was changed ({text})")
    if kind in _NOT_WRITABLE:
        return DatabaseUnavailable(
            f"{where}: {text}; this account cannot write that file or its folder. Reading needs the file alone; "
            "to write, copy it to a writable folder and name that in SKILLGAP_DATABASE_URL"
        )
    if kind == "CANTOPEN":
        return DatabaseUnavailable(
            f"{where}: {text}; is it a file that this account may read, in a folder it may write?"
        )
    return DatabaseUnavailable(f"{where}: {text}")


def _without_password(database_url: str) -> str:
    """Return a URL that cannot be read as a message may show it: whatever may be a password is masked."""
    if database_url.startswith("sqlite:"):
        return database_url.partition("?")[0]
    if "://" in database_url and "@" in database_url:
        return masked_url(database_url)
    scheme, mark, rest = database_url.partition("://") if "://" in database_url else ("", "", database_url)
    name = re.split("[:@?]", rest, maxsplit=1)[0]
    return database_url if name == rest else f"{scheme}{mark}{name}{MASK}"


def _mysql_engine(url: URL, seconds_to_connect: int, seconds_to_lock: int) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": seconds_to_connect, "sql_mode": _STRICT}
    if url.password:
        arguments["password"] = url.password.encode()  # as MySQL's own clients do: a text is sent as Latin-1
    if url.get_driver_name() == "pymysql":
        with needs("mysql"):
            import cryptography  # noqa: F401 - PyMySQL imports it for an account's first login
            import pymysql  # noqa: F401
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,  # rows, or a person's data, do not belong in a traceback
        isolation_level="REPEATABLE READ",  # `read` promises one snapshot, whatever the server's default
        paramstyle="format",  # by position, as SQLite's driver: rows are inserted as tuples
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=seconds_to_connect,
        connect_args=arguments,
        execution_options={_LOCK: seconds_to_lock},
    )


def _sqlite_engine(url: URL, seconds_to_lock: int) -> Engine:
    if file := _file(url):
        file = file.expanduser()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the database's folder {file.parent} cannot be made ({error}); "
                "SKILLGAP_DATABASE_URL may name another place"
            ) from error
        url = url.set(database=str(file))
    pool: dict[str, Any] = {"poolclass": NullPool}  # a connection kept would read a file that has been replaced
    arguments: dict[str, Any] = {"timeout": seconds_to_lock}
    if url.database in (None, "", ":memory:"):  # one connection, which threads use in turn: each one is a database
        pool = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": seconds_to_lock}
        arguments["check_same_thread"] = False
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, **pool)

    @event.listens_for(engine, "do_connect")
    def _open(_dialect: object, record: Any, given: list[Any], named: dict[str, Any]) -> None:
        if (file := _file(url)) and (state := _fixed_state(file)):
            record.info[_FIXED] = state
            given[0], named["uri"] = f"{file.absolute().as_uri()}?mode=ro&immutable=1", True

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guesses
        connection.execute("PRAGMA foreign_keys = ON")
        # Safe with WAL: a crash loses no committed load; only a loss of power may.
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        if begin != "BEGIN":
            with suppress(OperationalError):  # locked: another writer is making the same change, and BEGIN waits
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # readers go on while a load writes
        # A writer takes its place in the queue at once: SQLite cannot turn a reader into one once others wrote.
        connection.exec_driver_sql(begin)

    return engine


_FIXED = "skillgap.fixed"
"""Key in a connection's info: the state of a file opened as immutable, without locks and log."""


def _fixed_state(file: Path) -> tuple[int, int, int] | None:
    """Return the state of a SQLite file in a read-only folder; None if SQLite can open it as usual.

    In WAL mode SQLite creates an index of the log beside the file, even to read. Where it cannot, the file is opened as
    immutable. Raises DatabaseUnavailable if the log has changes that are not in the file yet.
    """
    if os.access(file.parent, os.W_OK) or not file.is_file():
        return None
    with file.open("rb") as content:
        if content.read(20)[18:] != b"\2\2":  # the format's version of writers and readers: 2 is WAL
            return None
    log, index = (file.with_name(f"{file.name}-{ending}") for ending in ("wal", "shm"))
    if log.exists() and log.stat().st_size:
        if index.exists():
            return None  # another process has it open, and its index can be read
        raise DatabaseUnavailable(
            f"{file}: {log.name} has changes that are not in it yet, and its folder cannot be written; "
            "open both once where they can be written (`skillgap status` does), and copy the file then"
        )
    state = file.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


@contextmanager
def one_load_at_a_time(engine: Engine) -> Iterator[None]:
    """Wait for another load, or making of tables, to end; SQLite's write transaction does so. Raises LoadConflict.

    The lock has a connection of its own: it must outlive the load's commit, and is gone if this process dies.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    lock = f"skillgap-load-{engine.url.database}"[:64]  # MySQL takes no longer name
    seconds = engine.get_execution_options().get(_LOCK, SECONDS_TO_LOCK)
    with read(engine) as keeper:
        if keeper.scalar(select(func.get_lock(lock, seconds))) != 1:
            raise LoadConflict(f"another load or init-db has been running for {seconds} s; try again when it has ended")
        try:
            yield
        finally:
            keeper.invalidate()  # closing it frees the lock, and cannot fail after the load was committed


def utc_now() -> datetime:
    """Return the time as tables have it: UTC, whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
