"""What is loaded, and which inputs are missing."""

from __future__ import annotations

from dataclasses import dataclass

from skillgap.models.documented import DOCUMENTED


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
