"""The questions that `Skillgap` answers. The API, page, command line, MCP server and frames call it and format its
answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skillgap.analysis.ratings import Ratings
    from skillgap.service.connection import connect, ready_engine
    from skillgap.service.skillgap import Skillgap

_HOMES = {
    "Ratings": "skillgap.analysis.ratings",
    "Skillgap": "skillgap.service.skillgap",
    "connect": "skillgap.service.connection",
    "ready_engine": "skillgap.service.connection",
}

__all__ = ["Ratings", "Skillgap", "connect", "ready_engine"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: `skillgap serve` starts without NumPy and SQLAlchemy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'skillgap.service' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
