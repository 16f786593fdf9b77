"""Answer types, shared by all layers. All are frozen except SkillGap, for speed.

Attribute docstrings are also the field descriptions in the schema of the HTTP API.
"""

from skillgap.models.gap import (
    PERCENTILES,
    Certainty,
    GapReport,
    GapStability,
    GapSummary,
    PersonGapReport,
    SkillGap,
    WeightChoice,
)
from skillgap.models.occupation import (
    Anchor,
    LevelAnchors,
    LevelMeaning,
    ListedOccupation,
    Match,
    Occupation,
    OccupationDetails,
    OccupationList,
    OccupationSkills,
    RatingsChoice,
    SkillRating,
    TitleKind,
)
from skillgap.models.provenance import Predictions, Provenance
from skillgap.models.rating_rows import RatingColumns, RatingRows
from skillgap.models.release_diff import GapChange, LevelChange, ReleaseChanges, ReleaseDiff
from skillgap.models.status import LoadRecord, MissingData, ModelRecord, RatingCounts, Status
from skillgap.models.transition import (
    Path,
    PathReport,
    PathStep,
    Transition,
    TransitionBasis,
    TransitionReport,
    TransitionStability,
)
from skillgap.models.workforce import SHORTFALL_BARS, Conversion, Feeder, SkillLack, Spread, TargetView, WorkforceReport

__all__ = [
    "PERCENTILES",
    "SHORTFALL_BARS",
    "Anchor",
    "Certainty",
    "Conversion",
    "Feeder",
    "GapChange",
    "GapReport",
    "GapStability",
    "GapSummary",
    "LevelAnchors",
    "LevelChange",
    "LevelMeaning",
    "ListedOccupation",
    "LoadRecord",
    "Match",
    "MissingData",
    "ModelRecord",
    "Occupation",
    "OccupationDetails",
    "OccupationList",
    "OccupationSkills",
    "Path",
    "PathReport",
    "PathStep",
    "PersonGapReport",
    "Predictions",
    "Provenance",
    "RatingColumns",
    "RatingCounts",
    "RatingRows",
    "RatingsChoice",
    "ReleaseChanges",
    "ReleaseDiff",
    "SkillGap",
    "SkillLack",
    "SkillRating",
    "Spread",
    "Status",
    "TargetView",
    "TitleKind",
    "Transition",
    "TransitionBasis",
    "TransitionReport",
    "TransitionStability",
    "WeightChoice",
    "WorkforceReport",
]
