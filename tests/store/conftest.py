"""Databases with the schema, with a small release, and with the real 29.0."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from skillgap.sources.text_files import OnetData
from skillgap.store.engine import make_engine
from skillgap.store.tables import init_tables
from tests.conftest import mysql_schema
from tests.store.small_releases import RELEASE_A, load


@pytest.fixture
def blank(engine: Engine) -> Engine:
    """A database with the schema and no rows."""
    init_tables(engine)
    return engine


@pytest.fixture
def loaded(blank: Engine) -> Engine:
    """A database with RELEASE_A."""
    load(blank, RELEASE_A)
    return blank


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with RELEASE_A for the tests of a module that change nothing in it."""
    with _database(request, tmp_path_factory) as engine:
        load(engine, RELEASE_A)
        yield engine


@pytest.fixture(scope="session", params=["sqlite", "mysql"])
def engine_29(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, onet_29: OnetData
) -> Iterator[Engine]:
    """A database with the complete 29.0; not to be written to."""
    with _database(request, tmp_path_factory) as engine:
        load(engine, onet_29)
        yield engine


@contextmanager
def _database(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[Engine]:
    """Give an engine on a database with the schema, of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{folders.mktemp('store')}/skillgap.db")
        init_tables(engine)
        yield engine
        engine.dispose()
        return
    with mysql_schema(request.getfixturevalue("mysql_server")) as url:
        engine = make_engine(url)
        init_tables(engine)
        yield engine
        engine.dispose()
