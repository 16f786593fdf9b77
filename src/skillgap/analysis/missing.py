"""Missing inputs: which figures need which, and the reason for each null.

A figure whose inputs are missing is null, never 0. `lacks` returns the missing inputs of one pair or of many,
`unavailable` the reasons in sentences, `shortly` in the words of a table cell. `what_is_missing` compares a database
with a whole release, for `load`, `status` and `doctor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, IntArray
from skillgap.analysis.pairs import SummaryArrays, has_yardstick
from skillgap.analysis.ratings import Ratings
from skillgap.errors import MissingInput
from skillgap.models import MissingData, Occupation, RatingCounts
from skillgap.onet.domains import DOMAINS, Domain


class Lack(IntFlag):
    """A missing input of a pair's figures."""

    IMPORTANCE = 1
    """The importance of every skill that is relevant to the target."""
    SOME_IMPORTANCE = 2
    """The importance of some of them."""
    WEIGHT = 4
    """No skill that is compared counts in the target."""
    LEVELS = 8
    """Some levels on one side."""
    PAIRS = 16
    """Other pairs to rank a shortfall among."""
    ERRORS = 32
    """Standard errors on both sides: no skill has them."""
    JOB_ZONE = 64


_NO_SHORTFALL = Lack.IMPORTANCE | Lack.WEIGHT
NEEDS: Mapping[str, Lack] = {
    "distinguishable_gaps": Lack.ERRORS,
    "distinguishable_surplus": Lack.ERRORS,
    "weighted_shortfall": _NO_SHORTFALL,
    "distinguishable_shortfall": _NO_SHORTFALL | Lack.ERRORS,
    "shortfall_percentile": _NO_SHORTFALL | Lack.SOME_IMPORTANCE | Lack.LEVELS | Lack.PAIRS,
    "job_zone_step": Lack.JOB_ZONE,
}
"""The figures of GapSummary that may be unknown, each with what it cannot do without."""

_SHORTLY = {
    Lack.IMPORTANCE: "no importance",
    Lack.SOME_IMPORTANCE: "some importance missing",
    Lack.WEIGHT: "nothing compared counts",
    Lack.LEVELS: "some levels unknown",
    Lack.PAIRS: "no pairs to rank among",
    Lack.ERRORS: "no standard errors",
    Lack.JOB_ZONE: "no Job Zone",
}


def lacks(
    figures: SummaryArrays, has_step: BoolArray | bool, target: int | IntArray, ratings: Ratings
) -> npt.NDArray[np.int64]:
    """Return which Lacks each pair has, as a sum of flags; `target` are rows of the ratings."""
    lacks_weight = ratings.lacks_some_weight[target]
    no_shortfall, no_percentile = np.isnan(figures.weighted_shortfall), np.isnan(figures.shortfall_percentile)
    is_partial = no_percentile & ~no_shortfall
    has_pairs = has_yardstick(ratings)
    found = (
        (Lack.IMPORTANCE, no_shortfall & lacks_weight),
        (Lack.WEIGHT, no_shortfall & ~lacks_weight),
        (Lack.SOME_IMPORTANCE, is_partial & lacks_weight),
        (Lack.LEVELS if has_pairs else Lack.PAIRS, is_partial & ~lacks_weight),
        (Lack.ERRORS, figures.skills_tested == 0),
        (Lack.JOB_ZONE, np.logical_not(has_step)),
    )
    return np.asarray(sum(lack.value * is_missing for lack, is_missing in found), dtype=np.int64)


@lru_cache(maxsize=128)
def shortly(lack: int) -> str | None:
    """Return the missing inputs in a few words; None if none is missing."""
    return "; ".join(text for each, text in _SHORTLY.items() if each & lack) or None


def unavailable(lack: int, current: Occupation | None, target: Occupation, ratings: Ratings) -> dict[str, str]:
    """Return why figures are unknown, a sentence by field of GapSummary."""
    return {
        name: _sentence(next(each for each in Lack if each & needed & lack), current, target, ratings)
        for name, needed in NEEDS.items()
        if needed & lack
    }


def _sentence(lack: Lack, current: Occupation | None, target: Occupation, ratings: Ratings) -> str:
    analysts = ratings.analysts or ratings
    of = "ratings" if ratings.domain == "all" else ratings.domain.replace("_", " ")
    match lack:
        case Lack.IMPORTANCE if not analysts.has_importance:
            return no_importance(of)
        case Lack.IMPORTANCE:
            return f"No importance of the {of} of {target.title} is known. {_WITHOUT_IMPORTANCE}"
        case Lack.SOME_IMPORTANCE:
            missing = ratings.lacks_weight[ratings.rows[target.onet_soc_code]]
            names = [name for name, is_missing in zip(ratings.element_names, missing, strict=True) if is_missing]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return (
                f"The importance of {', '.join(names[:3])}{more} in {target.title} is not known. The shortfall is of "
                "the rest, so it is not ranked among others."
            )
        case Lack.WEIGHT:
            return f"No level is known on both sides that counts in {target.title}, so there is nothing to weigh."
        case Lack.LEVELS:
            return "Not all levels are known on both sides. The shortfall is of the rest, so it is not ranked."
        case Lack.PAIRS:
            return "No pair of occupations that analysts have rated is loaded to rank the shortfall among."
        case Lack.ERRORS if not analysts.has_errors:
            return (
                f"No standard errors of {of} are loaded, so no difference can be tested against rater noise. Load a "
                "release whose rows have Standard Error and N."
            )
        case Lack.ERRORS:
            return f"None of the {of} has standard errors on both sides, so no difference can be tested."
        case _:
            return _no_job_zone(current, target, ratings)


_WITHOUT_IMPORTANCE = "The weight `none` needs no importance (command line, HTTP and Python)."


def no_importance(of: str) -> str:
    """Return the reason for a release with levels alone, with the way out."""
    return f"No importance of {of} is loaded (scale IM). Load a release with its IM rows. {_WITHOUT_IMPORTANCE}"


def _no_job_zone(current: Occupation | None, target: Occupation, ratings: Ratings) -> str:
    if not ratings.job_zones:
        return "No Job Zones are loaded. A release has them in its file Job Zones."
    if current is None:
        return "No current occupation is given whose Job Zone could be compared."
    names = [each.title for each in (current, target) if each.job_zone is None]
    return f"O*NET has no Job Zone for {' and '.join(dict.fromkeys(names))}."


def check_weights(ratings: Ratings, *targets: int) -> None:
    """Raise MissingInput if any of these targets has no weight at all, which what is minimised by shortfall needs."""
    for row in targets:
        if np.isnan(ratings.weight_sum[row]) and ratings.lacks_some_weight[row]:
            title = ratings.occupations[ratings.codes[row]]
            raise MissingInput(_sentence(Lack.IMPORTANCE, None, title, ratings).rstrip("."))


# -- a database compared with a whole release ------------------------------------------------------------------------


DISABLES = {
    "levels": "every gap: nothing can be compared",
    "importance": "weighted shortfalls and percentiles, paths, workforce costs and the order of gaps by importance, "
    "all of which work with the weight `none`",
    "standard errors": "intervals, p values, and which gaps are clear of rater noise",
    **{domain.table: f"the domain `{domain.name}`" for domain in DOMAINS if domain.name != "skills"},
    "Knowledge": "the domain `knowledge`, and ranking near occupations by it",
    "JobZoneReference": "names of Job Zones",
    "JobZones": "Job Zones, steps between them and the filter `job_zone`, predicting levels, and ranking near "
    "occupations by them",
    "Interests": "ranking near occupations by interests",
    "TaskStatements": "predicting levels, and ranking near occupations by tasks",
    "AlternateTitles": "search by other titles, and ranking near occupations by them",
    "SampleOfReportedTitles": "search by titles that incumbents reported",
    "TechnologySkills": "ranking near occupations by technology",
    "RelatedOccupations": "O*NET's own tier of near occupations",
    "LevelScaleAnchors": "what a level means in words",
}
"""Features that need an input, by its name: a part of the ratings, or a table."""


def what_is_missing(ratings: Mapping[Domain, RatingCounts], tables: Mapping[str, int]) -> list[MissingData]:
    """Return the inputs that a database lacks, parts of the ratings first, then tables without rows."""
    found = []
    for domain, counts in ratings.items():
        name = domain.replace("_", " ")
        if not counts.levels:
            if domain == "skills":
                found.append(MissingData("levels of skills", 0, 0, DISABLES["levels"]))
            continue
        for part, known, of in (
            ("importance", counts.with_importance, counts.relevant),
            ("standard errors", counts.with_errors, counts.levels),
        ):
            if known < of:
                found.append(MissingData(f"{part} of {name}", of - known, of, DISABLES[part]))
    for table, disables in DISABLES.items():
        if table in tables and not tables[table]:
            found.append(MissingData(table, 0, 0, disables))
    return found
