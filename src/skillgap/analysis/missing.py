"""Missing inputs: which figures need them, and the reason for each null.

A figure whose inputs are missing is null, never 0. `missing_inputs` finds the missing inputs of one pair or many.
`unavailable` gives the reasons as sentences, `brief_reason` in a few words for a table cell. `what_is_missing` compares
a database with a complete release for `load`, `status` and `doctor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, IntArray
from skillgap.analysis.pairs import SummaryArrays, has_reference_pairs
from skillgap.analysis.ratings import Ratings
from skillgap.errors import MissingInput
from skillgap.models import MissingData, Occupation, RatingCounts
from skillgap.onet.domains import DOMAINS, Domain


class Inputs(IntFlag):
    """Inputs of the figures of a pair."""

    IMPORTANCE = 1
    """Importance of every skill relevant to the target."""
    SOME_IMPORTANCE = 2
    """Importance of some skills relevant to the target."""
    WEIGHT = 4
    """A compared skill that counts in the target."""
    LEVELS = 8
    """All levels of both occupations."""
    PAIRS = 16
    """Reference pairs to rank a shortfall against."""
    ERRORS = 32
    """A skill with standard errors in both occupations."""
    SOME_ERRORS = 64
    """Standard errors of all levels that count in the target."""
    JOB_ZONE = 128


_NO_SHORTFALL = Inputs.IMPORTANCE | Inputs.WEIGHT
_NO_PERCENTILE = _NO_SHORTFALL | Inputs.SOME_IMPORTANCE | Inputs.LEVELS | Inputs.PAIRS
_NO_ERROR = Inputs.ERRORS | Inputs.SOME_ERRORS
NEEDS: Mapping[str, Inputs] = {
    "distinguishable_gaps": Inputs.ERRORS,
    "likely_gaps": Inputs.ERRORS,
    "distinguishable_surplus": Inputs.ERRORS,
    "weighted_shortfall": _NO_SHORTFALL,
    "distinguishable_shortfall": _NO_SHORTFALL | Inputs.ERRORS,
    "noise_shortfall": _NO_SHORTFALL | _NO_ERROR,
    "shortfall_percentile": _NO_PERCENTILE,
    "shortfall_percentile_lower": _NO_PERCENTILE | _NO_ERROR,
    "shortfall_percentile_upper": _NO_PERCENTILE | _NO_ERROR,
    "job_zone_step": Inputs.JOB_ZONE,
}
"""The inputs that each nullable figure of GapSummary needs."""

_BRIEF_REASONS = {
    Inputs.IMPORTANCE: "no importance",
    Inputs.SOME_IMPORTANCE: "some importance missing",
    Inputs.WEIGHT: "no compared skill counts",
    Inputs.LEVELS: "some levels unknown",
    Inputs.PAIRS: "no pairs to rank against",
    Inputs.ERRORS: "no standard errors",
    Inputs.SOME_ERRORS: "some standard errors missing",
    Inputs.JOB_ZONE: "no Job Zone",
}


def missing_inputs(
    figures: SummaryArrays, has_step: BoolArray | bool, target: int | IntArray, ratings: Ratings
) -> npt.NDArray[np.int64]:
    """Return the missing `Inputs` of each pair as a sum of flags; `target` gives rows of the ratings."""
    is_weight_missing = ratings.has_missing_weight[target]
    no_shortfall, no_percentile = np.isnan(figures.weighted_shortfall), np.isnan(figures.shortfall_percentile)
    is_partial = no_percentile & ~no_shortfall
    has_pairs = has_reference_pairs(ratings)
    flags = (
        (Inputs.IMPORTANCE, no_shortfall & is_weight_missing),
        (Inputs.WEIGHT, no_shortfall & ~is_weight_missing),
        (Inputs.SOME_IMPORTANCE, is_partial & is_weight_missing),
        (Inputs.LEVELS if has_pairs else Inputs.PAIRS, is_partial & ~is_weight_missing),
        (Inputs.ERRORS, figures.skills_tested == 0),
        (Inputs.SOME_ERRORS, (figures.skills_tested > 0) & np.isnan(figures.noise_shortfall) & ~no_shortfall),
        (Inputs.JOB_ZONE, np.logical_not(has_step)),
    )
    return np.asarray(sum(flag.value * is_missing for flag, is_missing in flags), dtype=np.int64)


@lru_cache(maxsize=128)
def brief_reason(missing: int) -> str | None:
    """Return the missing inputs in a few words; None if none is missing."""
    return "; ".join(text for flag, text in _BRIEF_REASONS.items() if flag & missing) or None


def unavailable(missing: int, current: Occupation | None, target: Occupation, ratings: Ratings) -> dict[str, str]:
    """Return the reasons for unknown figures: one sentence per field of GapSummary."""
    return {
        name: _sentence(next(flag for flag in Inputs if flag & needed & missing), current, target, ratings)
        for name, needed in NEEDS.items()
        if needed & missing
    }


def _sentence(missing: Inputs, current: Occupation | None, target: Occupation, ratings: Ratings) -> str:
    analysts = ratings.analysts or ratings
    domain = "ratings" if ratings.domain == "all" else ratings.domain.replace("_", " ")
    match missing:
        case Inputs.IMPORTANCE if not analysts.has_importance:
            return no_importance(domain)
        case Inputs.IMPORTANCE:
            return f"No importance of the {domain} of {target.title} is known. {_WITHOUT_IMPORTANCE}"
        case Inputs.SOME_IMPORTANCE:
            lacks_weight = ratings.is_weight_missing[ratings.rows[target.onet_soc_code]]
            names = [name for name, lacks in zip(ratings.element_names, lacks_weight, strict=True) if lacks]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return (
                f"The importance of {', '.join(names[:3])}{more} in {target.title} is unknown. The shortfall covers "
                "the other elements, so it has no percentile."
            )
        case Inputs.WEIGHT:
            return f"None of the levels known for both sides counts in {target.title}, so no shortfall can be computed."
        case Inputs.LEVELS:
            return "Some levels are unknown on one side. The shortfall covers the others, so it has no percentile."
        case Inputs.PAIRS:
            return "No pair of occupations rated by analysts is loaded to rank the shortfall against."
        case Inputs.ERRORS if not analysts.has_errors:
            return (
                f"No standard errors of {domain} are loaded, so no difference can be tested against rater noise. Load "
                "a release whose rows have Standard Error and N."
            )
        case Inputs.ERRORS:
            return f"None of the {domain} has standard errors on both sides, so no difference can be tested."
        case Inputs.SOME_ERRORS:
            return f"Some levels of {domain} have no standard error, so the uncertainty of the shortfall is unknown."
        case _:
            return _no_job_zone(current, target, ratings)


_WITHOUT_IMPORTANCE = "The weight `none` needs no importance (command line, HTTP and Python)."


def no_importance(domain: str) -> str:
    """Explain that a release without importance is loaded, and what to do about it."""
    return f"No importance of {domain} is loaded (scale IM). Load a release with its IM rows. {_WITHOUT_IMPORTANCE}"


def _no_job_zone(current: Occupation | None, target: Occupation, ratings: Ratings) -> str:
    if not ratings.job_zones:
        return "No Job Zones are loaded. A release has them in its file Job Zones."
    if current is None:
        return "No current occupation is given, so there is no Job Zone to compare."
    names = [occupation.title for occupation in (current, target) if occupation.job_zone is None]
    return f"O*NET has no Job Zone for {' and '.join(dict.fromkeys(names))}."


def check_weights(ratings: Ratings, *targets: int) -> None:
    """Raise MissingInput if a target has no weight at all: minimizing a shortfall requires weights."""
    for row in targets:
        if np.isnan(ratings.weight_sum[row]) and ratings.has_missing_weight[row]:
            target = ratings.occupations[ratings.codes[row]]
            raise MissingInput(_sentence(Inputs.IMPORTANCE, None, target, ratings).rstrip("."))


# -- a database compared with a whole release ------------------------------------------------------------------------


DISABLES = {
    "levels": "every gap: nothing can be compared",
    "importance": "weighted shortfalls and percentiles, paths, workforce costs and the order of gaps by importance, "
    "all of which work with the weight `none`",
    "standard errors": "intervals, p values, and which gaps are distinguishable from rater noise",
    **{domain.table: f"the domain `{domain.name}`" for domain in DOMAINS if domain.name != "skills"},
    "Knowledge": "the domain `knowledge`, and ranking similar occupations by it",
    "JobZoneReference": "names of Job Zones",
    "JobZones": "Job Zones, steps between them and the filter `job_zone`, predicting levels, and ranking similar "
    "occupations by them",
    "Interests": "ranking similar occupations by interests",
    "TaskStatements": "predicting levels, and ranking similar occupations by tasks",
    "AlternateTitles": "search by other titles, and ranking similar occupations by them",
    "SampleOfReportedTitles": "search by titles that incumbents reported",
    "TechnologySkills": "ranking similar occupations by technology",
    "RelatedOccupations": "O*NET's own tier of similar occupations",
    "LevelScaleAnchors": "what a level means in words",
}
"""Features that need each input. An input is a part of the ratings or a table."""


def what_is_missing(ratings: Mapping[Domain, RatingCounts], tables: Mapping[str, int]) -> list[MissingData]:
    """Return the inputs that a database lacks: parts of the ratings first, then tables without rows.

    `tables` has the number of rows by table name.
    """
    missing = []
    for domain, counts in ratings.items():
        name = domain.replace("_", " ")
        if not counts.levels:
            if domain == "skills":
                missing.append(MissingData("levels of skills", 0, 0, DISABLES["levels"]))
            continue
        for part, present, expected in (
            ("importance", counts.with_importance, counts.relevant),
            ("standard errors", counts.with_errors, counts.levels),
        ):
            if present < expected:
                missing.append(MissingData(f"{part} of {name}", expected - present, expected, DISABLES[part]))
    for table, disables in DISABLES.items():
        if table in tables and not tables[table]:
            missing.append(MissingData(table, 0, 0, disables))
    return missing
