"""A person in the place of the current occupation: own levels of some skills, the rest taken from one, or unknown."""

from __future__ import annotations

import numpy as np

from skillgap.analysis.gap import ranked_rows, summarise
from skillgap.analysis.pairs import LevelVector
from skillgap.analysis.printed import PrintedRatings
from skillgap.analysis.ratings import Ratings
from skillgap.errors import InvalidProfile
from skillgap.models import PersonGapReport
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code

_MOST_NAMED = 100
"""Wrong names that an error lists: a name that may be meant is looked for for each of them."""
OWN = "own"
CERTAIN = 9_999
"""Raters that a person counts as: the own level is taken as it is, and no error of it widens the comparison."""


def identify_person_gap(
    profile: OwnProfile, target: str, ratings: Ratings, *, stability: bool = False
) -> PersonGapReport:
    """Return what stands between a person and an occupation, given by its dashed O*NET-SOC code.

    What is unknown is neither a gap nor a match: it is listed apart, and counts in no figure. `stability` is as of
    identify_skill_gap; own levels do not move. Raises InvalidProfile, InvalidCode, NoData, UnknownOccupation,
    UnratedOccupation.
    """
    b = ratings.row(target)
    base = parse_code(profile.occupation) if profile.occupation else None
    row = ratings.row(base) if base else None
    own = _own_levels(profile, ratings)
    side, printed = _side(own, row, ratings)
    pair, skill_gaps, surplus_skills = ranked_rows(side, printed, b, ratings, stability=stability)
    unknown = {ratings.element_ids[k] for k in np.flatnonzero(np.isnan(side.level))}
    occupation = ratings.occupations[base] if base else None
    return PersonGapReport(
        from_occupation=occupation,
        to_occupation=ratings.occupations[target],
        domain=ratings.domain,
        weight=ratings.weighting,
        own_levels=len(own),
        summary=summarise(ratings, b, pair, occupation),
        skill_gaps=skill_gaps,
        surplus_skills=surplus_skills,
        unknown_skills=[skill for skill in ratings.skills(target) if skill.element_id in unknown],
        provenance=ratings.provenance_of(b, *([] if row is None else [row])),
    )


def profile_template(ratings: Ratings, occupation: str | None) -> OwnProfile:
    """Return a profile to be filled in: every skill by name, with nothing known of it."""
    names = zip(ratings.element_ids, ratings.element_names, strict=True)
    return OwnProfile(dict.fromkeys(i if ratings.ids_of_name(name) else name for i, name in names), occupation)


def _own_levels(profile: OwnProfile, ratings: Ratings) -> dict[int, float]:
    """Return own levels by column. Raises InvalidProfile with the names that are unknown or given twice."""
    found: dict[int, float] = {}
    wrong: dict[str, str] = {}
    left_out = 0
    given: set[int] = set()
    for name, level in profile.levels.items():
        field = f"levels.{name[:60]}"
        column = ratings.columns.get(name.strip().casefold())
        if column is None and (ids := ratings.ids_of_name(name)):
            wrong[field] = f"may be {' or '.join(ids)}; give the id"
        elif column is None and len(wrong) >= _MOST_NAMED:
            left_out += 1
        elif column is None:
            near = ratings.near_name(name)
            hint = f". Did you mean {near}?" if near else ""
            wrong[field] = f"no element of this name or id is compared (domain {ratings.domain}){hint}"
        elif column in given:
            wrong[field] = f"{ratings.element_names[column]} is given twice"
        else:
            given.add(column)
            if level is not None:
                found[column] = level
    if wrong:
        raise InvalidProfile(wrong, left_out=left_out)
    return found


def _side(own: dict[int, float], row: int | None, ratings: Ratings) -> tuple[LevelVector, PrintedRatings]:
    """Return the person's levels, as numbers and as they are shown."""
    width = len(ratings.element_ids)
    if row is None:
        level, error = np.full(width, np.nan), np.full(width, np.nan)
        raters = np.zeros(width, dtype=np.int32)
        printed = PrintedRatings._make([None] * width for _ in PrintedRatings._fields)
    else:
        level, error, raters = (each[row].copy() for each in (ratings.level, ratings.standard_error, ratings.raters))
        printed = PrintedRatings._make(list(column) for column in ratings.printed(row))
    given = np.full(width, np.nan)
    given[list(own)] = list(own.values())
    exact = ratings.exact_level(given)
    for column, value in own.items():
        level[column], error[column], raters[column] = exact[column], 0.0, CERTAIN
        stated = {"data_value": value, "source": OWN, "anchors": ratings.anchors_around(column, level[column])}
        for name in PrintedRatings._fields:
            is_flag = name in ("not_relevant", "recommend_suppress")
            getattr(printed, name)[column] = stated.get(name, False if is_flag else None)
    return LevelVector(level, level, error, raters, np.zeros(width, dtype=np.bool_)), printed
