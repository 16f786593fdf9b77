"""Gap of a person: own levels, completed from an occupation if one is given."""

from __future__ import annotations

import numpy as np

from skillgap.analysis.gap import ranked_rows, summarize
from skillgap.analysis.lookup import did_you_mean
from skillgap.analysis.pairs import LevelVector, level_vector, with_own_levels
from skillgap.analysis.printed import PrintedRatings
from skillgap.analysis.ratings import Ratings
from skillgap.errors import InvalidProfile
from skillgap.models import PersonGapReport
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code

_MOST_NAMED = 100
"""Most invalid names that an error lists, because finding a suggestion for each takes time."""
OWN = "own"


def identify_person_gap(
    profile: OwnProfile, target: str, ratings: Ratings, *, stability: bool = False
) -> PersonGapReport:
    """Return the gap between a person and a target occupation, given by its dashed O*NET-SOC code.

    A skill with an unknown level is neither a gap nor a match: it is listed separately and counts in no figure.
    `stability` is as in `identify_skill_gap`; own levels are held fixed. Raises InvalidProfile, InvalidCode, NoData,
    UnknownOccupation, UnratedOccupation.
    """
    b = ratings.row(target)
    base = parse_code(profile.occupation) if profile.occupation else None
    row = ratings.row(base) if base else None
    own = _own_levels(profile, ratings)
    current, printed = _level_vector(own, row, ratings)
    pair, skill_gaps, surplus_skills = ranked_rows(current, printed, b, ratings, stability=stability)
    unknown = {ratings.element_ids[k] for k in np.flatnonzero(np.isnan(current.level))}
    occupation = ratings.occupations[base] if base else None
    return PersonGapReport(
        from_occupation=occupation,
        to_occupation=ratings.occupations[target],
        domain=ratings.domain,
        weight=ratings.weighting,
        own_levels=len(own),
        summary=summarize(ratings, b, pair, occupation),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        unknown_skills=[skill for skill in ratings.skills(target) if skill.element_id in unknown],
        provenance=ratings.provenance_of(b, *([] if row is None else [row])),
    )


def profile_template(ratings: Ratings, occupation: str | None) -> OwnProfile:
    """Return a profile to fill in: every skill by name, all levels unknown."""
    names = zip(ratings.element_ids, ratings.element_names, strict=True)
    return OwnProfile(dict.fromkeys(i if ratings.ids_of_name(name) else name for i, name in names), occupation)


def _own_levels(profile: OwnProfile, ratings: Ratings) -> dict[int, float]:
    """Return own levels by column. Raises InvalidProfile with the names that are unknown or given twice."""
    levels: dict[int, float] = {}
    invalid: dict[str, str] = {}
    left_out = 0
    given: set[int] = set()
    for name, level in profile.levels.items():
        field = f"levels.{name[:60]}"
        column = ratings.columns.get(name.strip().casefold())
        if column is None and (ids := ratings.ids_of_name(name)):
            invalid[field] = f"several elements have this name{did_you_mean(ids)}"
        elif column is None and len(invalid) >= _MOST_NAMED:
            left_out += 1
        elif column is None:
            hint = did_you_mean([ratings.closest_name(name)])
            invalid[field] = f"no compared element has this name or id (domain {ratings.domain}){hint}"
        elif column in given:
            invalid[field] = f"{ratings.element_names[column]} is given twice"
        else:
            given.add(column)
            if level is not None:
                levels[column] = level
    if invalid:
        raise InvalidProfile(invalid, left_out=left_out)
    return levels


def _level_vector(own: dict[int, float], row: int | None, ratings: Ratings) -> tuple[LevelVector, PrintedRatings]:
    """Return the person's levels, for comparison and as shown in the report."""
    width = len(ratings.element_ids)
    if row is None:
        current = LevelVector.unknown(width)
        printed = PrintedRatings._make([None] * width for _ in PrintedRatings._fields)
    else:
        current = LevelVector._make(array.copy() for array in level_vector(ratings, row))
        printed = PrintedRatings._make(list(column) for column in ratings.printed(row))
    given = np.full(width, np.nan)
    given[list(own)] = list(own.values())
    exact = ratings.exact_level(given)
    for column, value in own.items():
        stated = {"data_value": value, "source": OWN, "anchors": ratings.anchors_around(column, exact[column])}
        for name in PrintedRatings._fields:
            is_flag = name in ("not_relevant", "recommend_suppress")
            getattr(printed, name)[column] = stated.get(name, False if is_flag else None)
    return with_own_levels(current, exact), printed
