"""Creating a database, and looking at its state."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from skillgap.models import MissingData
from skillgap.nodes.status import list_missing
from skillgap.store.engine import make_engine, read
from skillgap.store.loads import LoadReport
from skillgap.store.queries import Disagreement, list_disagreements
from skillgap.store.rating_rows import get_data_version
from skillgap.store.tables import init_tables

__all__ = ["Disagreement", "LoadReport", "audit", "init_database", "loaded_version", "make_engine", "missing_inputs"]


def init_database(engine: Engine, *, recreate: Sequence[str] = ()) -> list[str]:
    """Create missing tables and views; return the names of the tables created.

    Tables in `recreate` are dropped first, with their rows. Raises ConfigurationError, SchemaMismatch.
    """
    return init_tables(engine, recreate=recreate)


def loaded_version(engine: Engine) -> str | None:
    """Return the data version, or None if nothing is loaded. Creates missing tables. Raises StoreError."""
    init_tables(engine)
    with read(engine) as connection:
        return get_data_version(connection)


def missing_inputs(engine: Engine) -> list[MissingData]:
    """Return the inputs of a complete release that are not loaded. Raises StoreError."""
    with read(engine) as connection:
        return list_missing(connection)


def audit(engine: Engine, *, least: float) -> list[Disagreement]:
    """Return the ratings that differ from their predictions by at least `least` standard errors, the largest first.

    Raises StoreError, NoData (no predictions of rated occupations).
    """
    with read(engine) as connection:
        return list_disagreements(connection, least=least)
