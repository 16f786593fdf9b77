"""Engines and connections for MySQL and SQLite, with driver errors translated to StoreError."""

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
"""MySQL: no such table, no such column, a view of missing ones."""
_OTHER_SCHEMA_TEXT = ("no such table", "no such column", "has no column named")
"""SQLite reports these with the code of a syntax error."""
_DISK_FULL = (1021, 1114, 20, 28, "SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # the last: no room for the index of the log
_DISK_FULL_TEXT = re.compile(r"(?i)errno: 28\b|errcode: 28\b|error: 28\b|got error 28\b")
"""MySQL: found in the text of errors on writing a file (3, 1026) and of a storage engine (1030)."""
_NOT_WRITABLE = ("READONLY", "PERM")
_SQLITE_UNAVAILABLE = frozenset(
    (
        *(*_NOT_WRITABLE, "CANTOPEN", "NOTADB", "CORRUPT", "IOERR", "FULL", "NOMEM", "NOLFS"),
        *("BUSY", "LOCKED", "PROTOCOL", "INTERRUPT"),
    )
)
"""SQLite's primary codes for problems with the file or its other users, never with a statement."""
_MYSQL_UNAVAILABLE = frozenset(
    (
        *(1044, 1045, 1142, 1143, 1227, 1251, 1524, 1698, 1820, 1862, 3118, 4151),  # access denied, account locked
        *(1040, 1042, 1043, 1047, 1053, 1129, 1130, 1135, 1203, 1226),  # no connection: too many, blocked, not ready
        *(1077, 1078, 1079, 1080, 1152, 1184, 1317, 1927, 3168, 4031),  # shut down, or the connection was ended
        *(1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161),  # packets too large, out of order, not sent
        *(1020, 1205, 1206, 1213, 1969, 3024, 3058, 3572),  # waited too long for a lock, deadlock, time limit
        *(1036, 1290, 1792, 1836, 1874, 3032),  # read-only or offline
        *(5, 1037, 1038, 1041, 1015, 1016, 1017, 1023, 1024, 1026, 1030, 1180, 1194, 1195, 3),  # memory, disk, engine
        *_DISK_FULL[:4],
        *range(2001, 2030),  # the driver's own: server gone, connection refused or lost, TLS, malformed packet
        *(2045, 2047, 2048, 2055, 2059, 2061, 2068),
    )
)
"""MySQL's and MariaDB's codes for problems with server, connection or account, never with a statement."""
_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""MySQL's own default, set whatever the server's configuration: a value that does not fit is an error."""
SECONDS_TO_CONNECT = 5
SECONDS_TO_LOCK = 60
_LOCK = "skillgap_seconds_to_lock"
"""Execution option of a MySQL engine: how long `one_load_at_a_time` waits."""


def parse_url(database_url: str) -> URL:
    """Return the parsed URL of a MySQL or SQLite database. Raises ConfigurationError."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise ConfigurationError(
            f"the database URL {_without_password(database_url)!r} cannot be read; "
            "write sqlite:////path/to/skillgap.db or mysql+pymysql://user:password@host/database"
        ) from None
    if url.drivername in (
        "mysql",
        "mariadb",
        "mariadb+pymysql",
    ):  # under the name mariadb, tables would lose their mysql_ options
        url = url.set(drivername="mysql+pymysql")
    if url.get_backend_name() not in ("sqlite", "mysql"):
        raise ConfigurationError(f"the database URL names {url.get_backend_name()!r}; MySQL and SQLite are supported")
    if url.get_backend_name() == "mysql" and "@" in f"{url.host}{url.database}":
        raise ConfigurationError("the database URL has more than one @; in a user name or password, write @ as %40")
    if url.get_backend_name() == "mysql":
        _check_mysql(url)
    return url


def _check_mysql(url: URL) -> None:
    """Raise ConfigurationError for a URL without a database name or with an impossible host."""
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
            f"the database driver {url.drivername!r} is not installed; use mysql+pymysql or sqlite"
        ) from None


def shown(url: URL) -> str:
    """Return the URL for messages, without password and without query, which may contain a password too."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """Yield a connection with one consistent snapshot. Raises DatabaseUnavailable, SchemaMismatch."""
    _check_is_there(engine.url)
    with in_our_words(engine), engine.connect() as connection:
        state = connection.info.get(_FIXED)
        yield connection
        if state and (file := _file(engine.url)) and _fixed_state(file) != state:
            raise DatabaseUnavailable(f"{shown(engine.url)}: it was changed during the read; try again")


@contextmanager
def write(engine: Engine, *, may_make: bool = False) -> Iterator[Connection]:
    """Yield a connection with one transaction, committed at the end or rolled back on an error. Raises as `read`.

    A missing SQLite file is created only with `may_make`.
    """
    if not may_make:
        _check_is_there(engine.url)
    with in_our_words(engine), engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        yield connection


def _check_is_there(url: URL) -> None:
    """Raise DatabaseUnavailable if a SQLite file is missing, since SQLite would create an empty one."""
    if url.get_backend_name() == "sqlite" and (file := _file(url)) and not file.exists():
        raise DatabaseUnavailable(
            f"{shown(url)}: no such database; `skillgap load` creates it with the data of a release"
        )


def _file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for a database in memory and for a URI, which only SQLite parses."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        return None
    return Path(url.database)


@contextmanager
def in_our_words(engine: Engine) -> Iterator[None]:
    """Translate driver errors about server, file or schema to StoreError; let all others through.

    An invalid statement or a violated constraint is a bug and keeps its traceback.
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
    """Return the StoreError for a driver error, with a remedy, or None for an unforeseen error."""
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
            f"{where}: {text}; create it with `CREATE DATABASE {url.database} CHARACTER SET utf8mb4`, "
            "then fill it with `skillgap load`"
        )
    is_lost = error.connection_invalidated or text.startswith("Packet sequence number wrong")
    if not (is_lost or number in _MYSQL_UNAVAILABLE or kind in _SQLITE_UNAVAILABLE):
        return None
    if number in _DISK_FULL or name in _DISK_FULL or (number is not None and _DISK_FULL_TEXT.search(text)):
        return DatabaseUnavailable(f"{where}: its disk is full; nothing was changed ({text})")
    if kind in _NOT_WRITABLE:
        return DatabaseUnavailable(
            f"{where}: {text}; this account cannot write that file or its folder. Reading needs only the file; "
            "to write, copy it to a writable folder and set SKILLGAP_DATABASE_URL to the copy"
        )
    if kind == "CANTOPEN":
        return DatabaseUnavailable(f"{where}: {text}; can this account read the file and write to its folder?")
    return DatabaseUnavailable(f"{where}: {text}")


def _without_password(database_url: str) -> str:
    """Return an invalid URL for messages: any part that may be a password is masked."""
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
        arguments["password"] = url.password.encode()  # UTF-8, as MySQL's clients send it; a str would be Latin-1
    if url.get_driver_name() == "pymysql":
        with needs("mysql"):
            import cryptography  # noqa: F401 - PyMySQL imports it for an account's first login
            import pymysql  # noqa: F401
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,  # keeps rows and personal data out of tracebacks
        isolation_level="REPEATABLE READ",  # `read` promises one snapshot, whatever the server's default
        paramstyle="format",  # positional, as in SQLite's driver: rows are inserted as tuples
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
                f"the folder of the database, {file.parent}, cannot be created ({error}); "
                "set SKILLGAP_DATABASE_URL to another place"
            ) from error
        url = url.set(database=str(file))
    pool: dict[str, Any] = {"poolclass": NullPool}  # a pooled connection would read a file that was replaced
    arguments: dict[str, Any] = {"timeout": seconds_to_lock}
    if url.database in (
        None,
        "",
        ":memory:",
    ):  # one connection that threads share, since each connection has its own database
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
        connection.isolation_level = None  # transactions begin below, not when the driver guesses
        connection.execute("PRAGMA foreign_keys = ON")
        # Safe with WAL: only a power failure, not a crash, may lose a committed load.
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        if begin != "BEGIN":
            with suppress(OperationalError):  # locked by a writer that makes the same change; BEGIN waits
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # readers keep reading while a load writes
        # A writer locks at BEGIN: SQLite cannot upgrade a reader after others have written.
        connection.exec_driver_sql(begin)

    return engine


_FIXED = "skillgap.fixed"
"""Key in a connection's info: the state of a file opened as immutable, without locks and log."""


def _fixed_state(file: Path) -> tuple[int, int, int] | None:
    """Return the state of a SQLite file in a read-only folder; None if SQLite can open it as usual.

    In WAL mode, SQLite creates an index of the log beside the file, even to read. In a read-only folder the file is
    opened as immutable instead. Raises DatabaseUnavailable if the log has changes that are not yet in the file.
    """
    if os.access(file.parent, os.W_OK) or not file.is_file():
        return None
    with file.open("rb") as content:
        if content.read(20)[18:] != b"\2\2":  # versions of the write and read formats; 2 is WAL
            return None
    log, index = (file.with_name(f"{file.name}-{ending}") for ending in ("wal", "shm"))
    if log.exists() and log.stat().st_size:
        if index.exists():
            return None  # another process has created the index
        raise DatabaseUnavailable(
            f"{file}: {log.name} has changes that are not yet in the file, and its folder is not writable; "
            "open both in a writable folder (`skillgap status` does this), then copy the file"
        )
    state = file.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


@contextmanager
def one_load_at_a_time(engine: Engine) -> Iterator[None]:
    """Wait until any other load or creation of tables has ended. Raises LoadConflict.

    On SQLite the write transaction does this. On MySQL a separate connection holds a lock, which outlives the commit of
    the load and is released if this process dies.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    lock = f"skillgap-load-{engine.url.database}"[:64]  # the longest name MySQL allows
    seconds = engine.get_execution_options().get(_LOCK, SECONDS_TO_LOCK)
    with read(engine) as keeper:
        if keeper.scalar(select(func.get_lock(lock, seconds))) != 1:
            raise LoadConflict(f"another load or init-db has been running for {seconds} s; try again when it has ended")
        try:
            yield
        finally:
            keeper.invalidate()  # closing it releases the lock and cannot fail after the commit


def utc_now() -> datetime:
    """Return the current time as stored in tables: UTC, whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
