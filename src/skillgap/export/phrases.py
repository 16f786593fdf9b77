"""Answers in words, the same in the terminal, on the page and in reports."""

from __future__ import annotations

from collections import Counter

from skillgap.models import (
    GapReport,
    GapSummary,
    LevelAnchors,
    Occupation,
    PersonGapReport,
    Predictions,
    Provenance,
    SkillGap,
)
from skillgap.onet.domains import NOUNS

TIERS = {"Primary-Short": "first 5", "Primary-Long": "next 5", "Supplemental": "others"}
"""O*NET's tiers of related occupations: 1 to 5, 6 to 10, 11 to 20 of its list."""

Report = GapReport | PersonGapReport


def start_of(report: Report) -> str:
    """Return the name of the current occupation, or a description of a person's levels."""
    if isinstance(report, GapReport):
        return name_of(report.from_occupation)
    rest = f", the rest from {name_of(report.from_occupation)}" if report.from_occupation else ""
    return f"{report.own_levels} own level{'' if report.own_levels == 1 else 's'}{rest}"


def not_compared_line(report: Report) -> str | None:
    """Return a sentence about what is not compared: a person's unknown levels, or domains that one side lacks."""
    if isinstance(report, GapReport):
        if report.domain != "all":
            return None
        names = ", ".join(NOUNS[domain][1] for domain in report.domains_compared)
        return f"Both occupations have levels of {names}; only these are compared."
    names = ", ".join(skill.element_name for skill in report.unknown_skills)
    return f"Not compared, because the level is unknown: {names}." if names else None


def predicted(report: Report) -> list[Occupation]:
    """Return the occupations with predicted levels among those shown."""
    rows = (*report.skill_gaps, *report.surplus_skills)
    sides = (
        (report.from_occupation, {row.from_source for row in rows}),
        (report.to_occupation, {row.to_source for row in rows}),
    )
    return [occupation for occupation, sources in sides if occupation and ("llm" in sources or occupation.is_predicted)]


def predictions_line(occupations: list[Occupation], predictions: Predictions | None) -> str | None:
    """Return a sentence that names predicted occupations, the model and its error; None if nothing is predicted."""
    if not occupations or predictions is None:
        return None
    names = " and ".join(dict.fromkeys(occupation.title for occupation in occupations))
    error = "" if predictions.mae_grouped is None else f"; typical error {predictions.mae_grouped:.2f} levels"
    return f"~ Levels of {names} are predicted by {predictions.model}, not rated by analysts{error}."


def in_one_sentence(report: Report) -> str:
    """Return the answer in one or two sentences, with the figures of the summary."""
    summary = report.summary
    singular, plural = NOUNS[report.domain]
    if _is_empty(report):
        return _NOTHING_COMPARED
    if not report.skill_gaps:
        return f"None of the {summary.skills_compared} {plural} compared needs a higher level."
    verb = "needs" if summary.gaps == 1 else "need"
    need = f"{summary.gaps} of {summary.skills_compared} {plural} {verb} a higher level"
    shortfall = _shortfall(summary)
    if not summary.skills_tested:
        return f"{need}; their certainty is unknown. {shortfall}"
    untested = summary.skills_compared - summary.skills_tested
    note = (
        f" ({untested} {singular if untested == 1 else plural} without standard errors not tested)" if untested else ""
    )
    return f"{need}: {gaps_in_words(summary)}{note}. {shortfall}"


_NOTHING_COMPARED = "No level is known on both sides, so there is nothing to compare."


def _is_empty(report: Report) -> bool:
    return not (report.skill_gaps or report.surplus_skills or report.summary.skills_compared)


def _shortfall(summary: GapSummary) -> str:
    if summary.weighted_shortfall is None:
        return "The weighted shortfall is unknown."
    shortfall = f"Weighted shortfall: {summary.weighted_shortfall:.2f} levels"
    if summary.noise_shortfall is not None:
        shortfall += f" ({summary.noise_shortfall:.2f} would be rater noise alone)"
    if summary.shortfall_percentile is None:
        return f"{shortfall}, over the levels compared."
    return f"{shortfall}, more than in {percentile_in_words(summary)} of all pairs of occupations."


def percentile_in_words(summary: GapSummary) -> str:
    """Return the percentile of a shortfall, with its interval if that is known."""
    share = percent(summary.shortfall_percentile or 0)
    if summary.shortfall_percentile_lower is None or summary.shortfall_percentile_upper is None:
        return share
    return f"{share} ({summary.shortfall_percentile_lower} to {summary.shortfall_percentile_upper}%)"


def gaps_in_words(summary: GapSummary) -> str:
    """Return the number of gaps by certainty, such as "8 clear, 5 likely, 7 open"."""
    clear, likely = summary.distinguishable_gaps, summary.likely_gaps
    if clear is None or likely is None:
        return f"{summary.gaps} of unknown certainty"
    return f"{clear} clear, {likely} likely, {summary.gaps - clear - likely} open"


def percent(value: float, *, decimals: int = 0) -> str:
    """Return a percentage for a sentence. 0% means none and 100% means all, so 0.04 is "under 1%", not 0%."""
    beyond, rounded = _rounded(value, decimals)
    return f"{('under ', '', 'over ')[beyond + 1]}{rounded:g}%"


def percent_cell(value: float, *, decimals: int = 0) -> str:
    """Return a percentage for a table cell, rounded as in `percent`: "<1%", "51%", ">99%"."""
    beyond, rounded = _rounded(value, decimals)
    return f"{('<', '', '>')[beyond + 1]}{rounded:.{decimals}f}%"


def _rounded(value: float, decimals: int) -> tuple[int, float]:
    """Return a rounded percentage, with -1 or 1 if the value is below or above it but must not read as 0 or 100."""
    rounded, step = round(value, decimals), 10.0**-decimals
    if rounded in (0, 100) and rounded != value:
        return (-1, step) if value < 50 else (1, 100 - step)
    return 0, rounded


def unavailable_lines(summary: GapSummary) -> list[str]:
    """Return why figures of the gap are missing, one sentence per reason; Job Zones are left out."""
    reasons = (reason for name, reason in summary.unavailable.items() if name != "job_zone_step")
    return list(dict.fromkeys(reasons))


def in_plain_words(report: Report) -> list[str]:
    """Return the answer in sentences for readers without statistics, the most important one first."""
    singular, plural = NOUNS[report.domain]
    if _is_empty(report):
        return [_NOTHING_COMPARED]
    if not report.skill_gaps:
        nothing = f"Nothing is missing: {report.to_occupation.title} do not need a higher level in any {singular}."
        return [nothing, *unavailable_lines(report.summary)]
    sentences = [*_needs(report, plural), *_effort(report, plural), *_preparation(report)]
    return [*sentences, *unavailable_lines(report.summary)]


def _needs(report: Report, plural: str) -> list[str]:
    rows, target = report.skill_gaps, report.to_occupation.title
    count = Counter(map(certainty, rows))
    needs = f"{target} need a higher level in {len(rows)} of {report.summary.skills_compared} {plural}"
    if count["unknown"] == len(rows):
        return [f"{needs}.", "The error of these ratings is unknown, and so is the certainty of these gaps."]
    if count["clear"] == len(rows):
        return [f"{needs}, and {'this gap is' if len(rows) == 1 else 'all of these gaps are'} clear."]
    is_tested = bool(count["clear"] or count["likely"] or count["open"])
    parts = [
        f"{number or 'none'} {one if number == 1 else many}"
        for number, one, many, is_shown in (
            (count["clear"], "is clear", "are clear" if count["clear"] else "is clear", is_tested),
            (count["likely"], "is likely", "are likely", count["likely"]),
            (count["open"], "is open", "are open", count["open"]),
            (count["not relevant"], "hardly matters there", "hardly matter there", count["not relevant"]),
            (count["unknown"], "cannot be judged", "cannot be judged", count["unknown"]),
        )
        if is_shown
    ]
    meaning = (
        "Other raters would find a likely gap again in at least 8 of 10 cases, and an open gap less often. A clear gap "
        "is certain, but not necessarily large."
    )
    return [f"{needs}: {', '.join(parts)}.", *([meaning] if is_tested else [])]


def _effort(report: Report, plural: str) -> list[str]:
    summary = report.summary
    if summary.weighted_shortfall is None:
        return ["How hard this move is compared with others is unknown."]
    if summary.shortfall_percentile is None or report.from_occupation == report.to_occupation:
        return []
    kind = next(words for limit, words in _MOVES if summary.shortfall_percentile <= limit)
    share = percentile_in_words(summary)
    return [
        f"Considering {plural} only, this is {kind}: "
        f"{share} of all possible moves between two occupations have a smaller gap."
    ]


_MOVES = (
    (20, "an easy move"),
    (40, "an easier move than most"),
    (60, "an ordinary move"),
    (80, "a harder move than most"),
    (100, "a very hard move"),
)
"""Names of a move, up to a percentile of its shortfall."""


def _preparation(report: Report) -> list[str]:
    step, current, target = report.summary.job_zone_step, report.from_occupation, report.to_occupation
    if step is None or current is None:
        return []
    zones = f"Job Zone {current.job_zone} to {target.job_zone}" if step else f"both Job Zone {target.job_zone}"
    return [
        f"{target.title} need {preparation(step)} schooling and experience ({zones}), which is not part of the gap."
    ]


def taking(summary: GapSummary) -> str:
    """Return the schooling and experience that a move takes, as the end of a sentence."""
    return (
        f"; schooling and experience: {preparation(summary.job_zone_step)}" if summary.job_zone_step is not None else ""
    )


def preparation(step: int | None) -> str:
    """Return the meaning of a step between Job Zones; empty if the step is unknown."""
    if step is None:
        return ""
    return "about as much" if step == 0 else f"{'much ' if abs(step) > 1 else ''}{'more' if step > 0 else 'less'}"


def certainty(gap: SkillGap) -> str:
    """Return the certainty of a gap, or why it has none: `not relevant` (to the target) or `unknown` (untested)."""
    return gap.certainty or ("not relevant" if gap.to_not_relevant else "unknown")


_WITHOUT_CERTAINTY = {"not relevant": "hardly matters there", "unknown": "cannot be judged"}


def verdict(gap: SkillGap) -> str:
    """Return the certainty of a gap for users, such as "likely 87%": the chance that other raters find it again."""
    word = certainty(gap)
    if gap.certainty is None or gap.agreement is None:
        return _WITHOUT_CERTAINTY[word]
    return f"{word} {int(gap.agreement * 100 + 1e-6)}%"


def meaning(anchors: LevelAnchors | None) -> str:
    """Return the examples that a level lies between."""
    return "no level" if anchors is None else anchors.in_words()


def move(summary: GapSummary) -> str:
    """Return a move's gaps by certainty and its weighted shortfall."""
    return f"{gaps_in_words(summary)}; shortfall {number(summary.weighted_shortfall)} levels"


def dated(month: str | None, source: str | None) -> str:
    """Return the month of a rating, or "predicted" with the month of the prediction."""
    if source == "llm":
        return f"predicted {month}" if month else "predicted"
    return month or ""


def name_of(occupation: Occupation) -> str:
    """Return an occupation's title with its code."""
    return f"{occupation.title} ({occupation.onet_soc_code})"


OWN_LEVELS_ALONE = "own levels only"
"""Shown instead of an occupation for a person without one."""


def number(value: float | None) -> str:
    """Return a figure with two decimals, a dash if it is missing."""
    return "–" if value is None else f"{value:.2f}"


def level(value: float | None, source: str | None) -> str:
    """Return a level, with a tilde if it is predicted."""
    return f"~{number(value)}" if source == "llm" else number(value)


def source_line(provenance: Provenance) -> str:
    """Return O*NET's credit line and the notice of modification."""
    return f"{provenance.attribution} {provenance.modification}"
