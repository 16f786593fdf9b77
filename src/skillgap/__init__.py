"""Skill gaps between O*NET occupations: which skills a move takes, how large each gap is, and how certain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skillgap.display import Display, displayed_by
from skillgap.version import __version__

if TYPE_CHECKING:
    from skillgap.analysis.gap import identify_skill_gap
    from skillgap.analysis.pairs import weighted_shortfalls
    from skillgap.analysis.person import identify_person_gap
    from skillgap.analysis.ratings import Ratings
    from skillgap.errors import SkillgapError
    from skillgap.export.frames import gap_matrix, ratings_frame, transitions_frame
    from skillgap.models import GapReport, Occupation, PersonGapReport, SkillGap, SkillRating
    from skillgap.models.person import OwnProfile
    from skillgap.nodes.extract_load_text_files import extract_load_text_files
    from skillgap.service import Skillgap, connect
    from skillgap.service.ratings import get_occupation_skills, get_ratings
    from skillgap.store.engine import make_engine, read
    from skillgap.store.tables import init_tables


def _display() -> Display:
    from skillgap.export.notebook import chart_of, html, report_frame

    return Display(chart=chart_of, to_frame=report_frame, to_html=html)


displayed_by(_display)

_HOMES = {
    "GapReport": "skillgap.models",
    "Occupation": "skillgap.models",
    "OwnProfile": "skillgap.models.person",
    "PersonGapReport": "skillgap.models",
    "Ratings": "skillgap.analysis.ratings",
    "SkillGap": "skillgap.models",
    "SkillRating": "skillgap.models",
    "Skillgap": "skillgap.service",
    "SkillgapError": "skillgap.errors",
    "connect": "skillgap.service",
    "extract_load_text_files": "skillgap.nodes.extract_load_text_files",
    "gap_matrix": "skillgap.export.frames",
    "get_occupation_skills": "skillgap.service.ratings",
    "get_ratings": "skillgap.service.ratings",
    "identify_person_gap": "skillgap.analysis.person",
    "identify_skill_gap": "skillgap.analysis.gap",
    "init_tables": "skillgap.store.tables",
    "make_engine": "skillgap.store.engine",
    "read": "skillgap.store.engine",
    "ratings_frame": "skillgap.export.frames",
    "transitions_frame": "skillgap.export.frames",
    "weighted_shortfalls": "skillgap.analysis.pairs",
}

__all__ = ["__version__", *_HOMES]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the command line's help does not wait for NumPy and pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module 'skillgap' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
