"""Contents of a database: loads, models and missing inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from skillgap.models.documented import DOCUMENTED
from skillgap.models.provenance import Predictions
from skillgap.onet.releases import Release


@dataclass(frozen=True)
class MissingData:
    """An input that is missing from the loaded data, in whole or in part."""

    __pydantic_config__ = DOCUMENTED

    input: str
    """Name of the input: a part of the ratings, such as `importance of skills`, or a table, such as `JobZones`."""
    missing: int
    """Number of missing values; 0 if the whole input is missing."""
    of: int
    """Number of values in complete data; 0 if unknown."""
    disables: str
    """Features that need the input."""


@dataclass(frozen=True)
class RatingCounts:
    """Numbers of the ratings of one domain."""

    levels: int
    """Levels (LV)."""
    relevant: int
    """Levels not flagged Not Relevant."""
    with_importance: int
    """Relevant levels with an importance (IM)."""
    with_errors: int
    """Levels with a standard error and a number of raters."""


@dataclass(frozen=True)
class LoadRecord:
    """One row of the table Loads."""

    load_id: int
    source: str
    """`text` (a text release), `api` (O*NET Web Services) or `llm` (predictions)."""
    release_number: str
    release_date: date | None
    """First day of the month of the release; null if unknown."""
    origin: str
    """Path, URL without password, or model."""
    sha256: str | None
    """SHA-256 of the release's files; null for other sources."""
    started_at: datetime
    """In UTC."""
    finished_at: datetime
    """In UTC."""
    row_counts: dict[str, int]
    """Rows of each table after the load."""
    rows_changed: int
    """Number of rows inserted, updated and deleted."""


@dataclass(frozen=True)
class ModelRecord:
    """A model with stored predictions."""

    predictions: Predictions
    is_active: bool
    """Whether its predictions are used in answers."""
    occupations: int
    """Number of occupations with predictions."""


@dataclass(frozen=True)
class Status:
    """Contents of the database."""

    data_version: str
    release: Release | None
    web_services_release: Release | None
    occupations: int
    unrated: list[tuple[str, str]]
    """Code and title of each occupation without levels."""
    tables: dict[str, int]
    """Number of rows by table."""
    sources: dict[str, int]
    """Number of rows of SkillsView by source."""
    models: list[ModelRecord]
    """Active model first."""
    loads: list[LoadRecord]
    """Most recent first."""
    missing: list[MissingData]
    """Inputs of a complete release that are missing, with the features that need them."""


def missing_lines(missing: Sequence[MissingData]) -> list[str]:
    """Return a line for each feature that lacks inputs, with their names and counts."""
    inputs: dict[str, list[str]] = {}
    for item in missing:
        share = f" ({item.missing:,} of {item.of:,})" if item.missing < item.of else ""
        inputs.setdefault(item.disables, []).append(f"{item.input}{share}")
    return [f"{', '.join(names)}: disables {consequence}" for consequence, names in inputs.items()]
