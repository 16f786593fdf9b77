"""The state of a database: its contents, and the missing inputs."""

from __future__ import annotations

from sqlalchemy import Connection

from skillgap.analysis.missing import what_is_missing
from skillgap.models import MissingData, Status
from skillgap.store import queries
from skillgap.store.rating_rows import get_data_version, get_release


def get_status(connection: Connection) -> Status:
    """Return the contents of a database and its missing inputs. Raises StoreError."""
    tables = queries.count_rows(connection)
    return Status(
        data_version=get_data_version(connection),
        release=get_release(connection, "text"),
        web_services_release=get_release(connection, "api"),
        occupations=len(queries.get_titles(connection)),
        unrated=queries.list_unrated_occupations(connection),
        tables=tables,
        sources=queries.count_skills_by_source(connection),
        models=queries.list_models(connection),
        loads=queries.list_loads(connection),
        missing=what_is_missing(queries.count_ratings(connection), tables),
    )


def list_missing(connection: Connection) -> list[MissingData]:
    """Return the inputs of a complete release that are not loaded, and the features that need them."""
    return what_is_missing(queries.count_ratings(connection), queries.count_rows(connection))
