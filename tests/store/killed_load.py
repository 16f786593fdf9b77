"""Moments of a load at which something can be made to happen, and a load in another process that dies at one."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, event, text

from skillgap.sources.text_files import OnetData
from skillgap.store.engine import make_engine
from tests.processes import processes
from tests.store.small_releases import load

Action = Callable[[Connection], None]


class Moment(Protocol):
    """A point in the course of a load."""

    def arm(self, engine: Engine, action: Action) -> None:
        """Run the action once at this moment, with the load's connection."""


@dataclass(frozen=True)
class BeforeStatement:
    pattern: str = ""
    """Matched against the statement without quotes around names."""
    nth: int = 1

    def arm(self, engine: Engine, action: Action) -> None:
        count = itertools.count(1)

        @event.listens_for(engine, "before_cursor_execute")
        def _act(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
            if re.match(self.pattern, plain(statement)) and next(count) == self.nth:
                action(connection)


@dataclass(frozen=True)
class BeforeCommit:
    def arm(self, engine: Engine, action: Action) -> None:
        event.listen(engine, "commit", action)


@dataclass(frozen=True)
class AfterCommit:
    def arm(self, engine: Engine, action: Action) -> None:
        connections: list[Connection] = []
        commit = engine.dialect.do_commit

        def commit_and_act(dbapi_connection: Any) -> None:
            commit(dbapi_connection)
            action(connections[-1])

        event.listen(engine, "commit", connections.append)
        engine.dialect.do_commit = commit_and_act  # type: ignore[method-assign]


@dataclass(frozen=True)
class InTheMiddleOf:
    """While the database executes a statement, which must take some time."""

    pattern: str

    def arm(self, engine: Engine, action: Action) -> None:
        def while_at_work(connection: Connection) -> None:
            driver: Any = connection.connection.driver_connection
            if engine.dialect.name == "sqlite":
                driver.set_progress_handler(lambda: action(connection), 100_000)
            else:
                arguments = (engine.url, driver.thread_id(), action, connection)
                threading.Thread(target=self._watch, args=arguments, daemon=True).start()

        BeforeStatement(self.pattern).arm(engine, while_at_work)

    def _watch(self, url: Any, thread_id: int, action: Action, connection: Connection) -> None:
        with make_engine(url.render_as_string(hide_password=False)).connect() as watcher:
            while not any(
                row.Id == thread_id and re.match(self.pattern, plain(row.Info or ""))
                for row in watcher.execute(text("SHOW FULL PROCESSLIST"))
            ):
                pass
        action(connection)


def plain(statement: str) -> str:
    """Return a statement without quotes and on one line, `INSERT INTO Skills (onet_soc_code, …`."""
    return " ".join(re.sub(r'["`]', "", statement).split())


# -- dying ------------------------------------------------------------------------------------------------------------

_HANGS = 120
"""Seconds after which a load that should have ended is taken for stuck."""


def kill_load(url: str, data: OnetData, at: Moment) -> None:
    """Load a release in another process, which is killed with SIGKILL at the moment."""
    process = processes.Process(target=_load_and_die, args=(url, data, at))
    process.start()
    process.join(_HANGS)
    assert process.exitcode == -signal.SIGKILL, f"was not killed at {at}, exit code {process.exitcode}"
    process.close()


def _load_and_die(url: str, data: OnetData, at: Moment) -> None:
    engine = make_engine(url)
    at.arm(engine, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    load(engine, data)
