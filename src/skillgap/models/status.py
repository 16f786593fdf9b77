"""What is loaded, and which inputs are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from skillgap.models.documented import DOCUMENTED
from skillgap.models.provenance import Predictions
from skillgap.onet.releases import Release


@dataclass(frozen=True)
class MissingData:
    """An input that the loaded data lack, whole or in part."""

    __pydantic_config__ = DOCUMENTED

    input: str
    """A part of the ratings, such as `importance of skills`, or a table, such as `JobZones`."""
    missing: int
    """How many of its values are missing; 0 where nothing of it is there."""
    of: int
    """How many there should be; 0 where nothing tells."""
    disables: str
    """What does not work without it."""


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
    """One row of Loads."""

    load_id: int
    source: str
    release_number: str
    release_date: date | None
    origin: str
    sha256: str | None
    started_at: datetime
    finished_at: datetime
    row_counts: dict[str, int]
    rows_changed: int


@dataclass(frozen=True)
class ModelRecord:
    """A model whose scores are kept."""

    predictions: Predictions
    is_active: bool
    """Its scores are those shown."""
    occupations: int
    """How many it has scored."""


@dataclass(frozen=True)
class Status:
    """What the database holds."""

    data_version: str
    release: Release | None
    web_services_release: Release | None
    occupations: int
    unrated: list[tuple[str, str]]
    """Code and title of each occupation without ratings."""
    tables: dict[str, int]
    """Rows of every table."""
    sources: dict[str, int]
    """Rows of SkillsView by source."""
    models: list[ModelRecord]
    """The active one first."""
    loads: list[LoadRecord]
    """The last one first."""
    missing: list[MissingData]
    """What of a whole release is not loaded, and what that disables."""


def missing_lines(missing: Sequence[MissingData]) -> list[str]:
    """Return a line for each feature that lacks inputs, with their names and counts."""
    inputs: dict[str, list[str]] = {}
    for item in missing:
        share = f" ({item.missing:,} of {item.of:,})" if item.missing < item.of else ""
        inputs.setdefault(item.disables, []).append(f"{item.input}{share}")
    return [f"{', '.join(names)}: disables {consequence}" for consequence, names in inputs.items()]
