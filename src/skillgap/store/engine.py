"""Connections: one engine for MySQL or SQLite, and its errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from skillgap.errors import ConfigurationError, DatabaseUnavailable, SchemaMismatch, SkillgapError

# MySQL's numbers, and SQLite's words: no such table, no such column, a view of such.
_OTHER_SCHEMA = (1146, 1054, 1356)
_OTHER_SCHEMA_TEXT = ("no such table", "no such column", "has no column named")
_DISK_FULL = (1021, 1114, 28, "SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # the last: no room for the index of its log
_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""MySQL's own default: a value that does not fit is an error, whatever the server was told."""
_SECONDS_TO_CONNECT = 5
_SECONDS_TO_WAIT_FOR_A_LOCK = 60


def make_engine(database_url: str) -> Engine:
    """Return an engine for `mysql+pymysql://…` or `sqlite:///…`. Raises ConfigurationError. Connects lazily."""
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
    try:
        return _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _mysql_engine(url)
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
    with in_our_words(engine), engine.connect() as connection:
        yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose work is committed whole or not at all. Raises as `read`."""
    with in_our_words(engine), engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        yield connection


@contextmanager
def in_our_words(engine: Engine) -> Iterator[None]:
    """Translate the driver's errors; the way out depends on what failed, the SQL text helps nobody."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(error, engine) from error


def _translated(error: DBAPIError, engine: Engine) -> SkillgapError:
    where = shown(engine.url)
    text = str(error.orig)
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    name = getattr(error.orig, "sqlite_errorname", None)
    if number in _OTHER_SCHEMA or any(words in text for words in _OTHER_SCHEMA_TEXT):
        return SchemaMismatch(f"{where} lacks tables or columns of this version ({text}); run `skillgap init-db`")
    if number in _DISK_FULL or name in _DISK_FULL:
        return DatabaseUnavailable(f"{where}: no room left on its disk; nothing was changed ({text})")
    return DatabaseUnavailable(f"{where}: {text}")


def _without_password(database_url: str) -> str:
    before, at, host = database_url.rpartition("@")
    return f"{before.partition('//')[0]}//…@{host.partition('?')[0]}" if at else database_url.partition("?")[0]


def _mysql_engine(url: URL) -> Engine:
    if "@" in f"{url.host}{url.database}":
        raise ConfigurationError("the database URL has more than one @; in a user name or a password write @ as %40")
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        isolation_level="REPEATABLE READ",  # `read` promises one snapshot, whatever the server's default
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={"connect_timeout": _SECONDS_TO_CONNECT, "sql_mode": _STRICT},
    )


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):  # file: is a URI
        file = Path(url.database).expanduser()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"the database's folder {file.parent} cannot be made: {error}") from error
        url = url.set(database=str(file))
    engine = create_engine(url, connect_args={"timeout": _SECONDS_TO_WAIT_FOR_A_LOCK})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guesses
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")  # readers go on while a load writes
        connection.execute(
            "PRAGMA synchronous = NORMAL"
        )  # safe with WAL: a crash loses no committed load but power may

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its place in the queue at once: SQLite cannot turn a reader into one once others wrote.
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine
