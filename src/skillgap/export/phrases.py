"""What is said of an answer in words: the same to a terminal, on the page and in a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from skillgap.models import (
    GapReport,
    GapSummary,
    LevelAnchors,
    MissingData,
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
    """Return who or what the report starts from."""
    if isinstance(report, GapReport):
        return name_of(report.from_occupation)
    rest = f", the rest of {name_of(report.from_occupation)}" if report.from_occupation else ""
    return f"{report.own_levels} own level{'' if report.own_levels == 1 else 's'}{rest}"


def not_compared_line(report: Report) -> str | None:
    """Name what a person's level is not known of, or which of all domains both occupations have levels in."""
    if isinstance(report, GapReport):
        names = ", ".join(NOUNS[each][1] for each in report.domains_compared)
        return f"Both have levels of {names}; only these are compared." if report.domain == "all" else None
    names = ", ".join(skill.element_name for skill in report.unknown_skills)
    return f"Not known, so not compared: {names}." if names else None


def predicted(report: Report) -> list[Occupation]:
    """Return the occupations whose levels, as shown, are predicted."""
    rows = (*report.skill_gaps, *report.surplus_skills)
    sides = (
        (report.from_occupation, {row.from_source for row in rows}),
        (report.to_occupation, {row.to_source for row in rows}),
    )
    return [occupation for occupation, sources in sides if occupation and ("llm" in sources or occupation.is_predicted)]


def predictions_line(occupations: list[Occupation], predictions: Predictions | None) -> str | None:
    """Return whose levels are predicted, by what and how well; None where none are."""
    if not occupations or predictions is None:
        return None
    names = " and ".join(dict.fromkeys(occupation.title for occupation in occupations))
    error = "" if predictions.mae_grouped is None else f"; typical error {predictions.mae_grouped:.2f} levels"
    return f"~ Levels of {names} are predicted by {predictions.model}, not rated by analysts{error}."


def in_one_sentence(report: Report) -> str:
    summary = report.summary
    singular, plural = NOUNS[report.domain]
    if not report.skill_gaps and not report.surplus_skills and not summary.skills_compared:
        return "No level is known on both sides, so nothing is compared."
    if not report.skill_gaps:
        return f"No {singular} of {summary.skills_compared} asks for a higher level."
    asked = f"{summary.gaps} of {summary.skills_compared} {plural} ask for a higher level"
    effort = _shortfall(summary)
    if not summary.skills_tested:
        return f"{asked}; which of them are beyond rater noise is not known. {effort}"
    untested = summary.skills_compared - summary.skills_tested
    untold = f" (of {untested} {plural} nothing tells: they have no errors)" if untested else ""
    return f"{asked}, {summary.distinguishable_gaps} of them beyond rater noise{untold}. {effort}"


def _shortfall(summary: GapSummary) -> str:
    if summary.weighted_shortfall is None:
        return "The weighted shortfall is not known."
    effort = f"Weighted shortfall {summary.weighted_shortfall:.2f} levels"
    if summary.shortfall_percentile is None:
        return f"{effort}, of what is compared."
    return f"{effort}: more than in {percent(summary.shortfall_percentile, decimals=1)} of all pairs of occupations."


def percent(value: float, *, decimals: int = 0) -> str:
    """Return a percentage for a sentence: 0 % means none and 100 % all, whatever rounding makes of 0.04 or 99.8."""
    beyond, number = _rounded(value, decimals)
    return f"{('under ', '', 'over ')[beyond + 1]}{number:g} %"


def percent_cell(value: float, *, decimals: int = 0) -> str:
    """Return a percentage for a column, as `percent` does in a sentence."""
    beyond, number = _rounded(value, decimals)
    return f"{('<', '', '>')[beyond + 1]}{number:.{decimals}f} %"


def _rounded(value: float, decimals: int) -> tuple[int, float]:
    """Return a percentage rounded, and -1 or 1 where it lies between that and 0 or 100, which it must not read."""
    number, step = round(value, decimals), 10.0**-decimals
    if number in (0, 100) and number != value:
        return (-1, step) if value < 50 else (1, 100 - step)
    return 0, number


def unavailable_lines(summary: GapSummary) -> list[str]:
    """Return why figures are missing that weigh and test gaps, a sentence each; Job Zones go without saying."""
    reasons = (reason for name, reason in summary.unavailable.items() if name != "job_zone_step")
    return list(dict.fromkeys(reasons))


def in_plain_words(report: Report) -> list[str]:
    """Return the answer in sentences for whoever knows no statistics, the shortest answer first."""
    summary = report.summary
    singular, plural = NOUNS[report.domain]
    if not report.skill_gaps and not report.surplus_skills and not summary.skills_compared:
        return ["No level is known on both sides, so nothing can be compared."]
    if not report.skill_gaps:
        nothing = f"Nothing is missing: {report.to_occupation.title} need no {singular} at a higher level."
        return [nothing, *unavailable_lines(summary)]
    said = [*_asked(report, plural), *_effort(report, plural), *_preparation(report)]
    return [*said, *unavailable_lines(summary)]


def _asked(report: Report, plural: str) -> list[str]:
    rows, target = report.skill_gaps, report.to_occupation.title
    count = Counter(map(certainty, rows))
    asked = f"{target} need a higher level in {len(rows)} of {report.summary.skills_compared} {plural}"
    if count["unknown"] == len(rows):
        return [f"{asked}.", "How far these ratings can be off is not known, so some of it may be chance."]
    if count["yes"] == len(rows):
        return [f"{asked}, and each of these differences is sure."]
    is_judged = count["yes"] or count["no"]
    parts = [
        f"{found or 'none'} {singular if found == 1 else words}"
        for found, singular, words, is_told in (
            (count["yes"], "is sure", "are sure" if count["yes"] else "is sure", is_judged),
            (count["no"], "may be chance", "may be chance", count["no"]),
            (count["not relevant"], "hardly matters there", "hardly matter there", count["not relevant"]),
            (count["unknown"], "cannot be judged", "cannot be judged", count["unknown"]),
        )
        if is_told
    ]
    chance = f"Where it may be chance, {noise(report)} more than the occupations differ."
    return [f"{asked}: {', '.join(parts)}.", *([chance] if count["no"] else [])]


def noise(report: Report) -> str:
    """Say what makes a difference unsure, as the beginning of a sentence about more than that difference."""
    if predicted(report):
        return "the raters disagree, or the prediction may be wrong, by"
    return "the people who rated the occupations disagree by"


def _effort(report: Report, of: str) -> list[str]:
    summary = report.summary
    if summary.weighted_shortfall is None:
        return ["How hard this move is compared with others is not known."]
    if summary.shortfall_percentile is None or report.from_occupation == report.to_occupation:
        return []
    easier = summary.shortfall_percentile
    kind = next(words for limit, words in _MOVES if easier <= limit)
    share = percent(easier)
    return [f"In {of} alone, {kind}: {share} of all possible moves between two occupations have a smaller gap."]


_MOVES = (
    (20, "an easy move"),
    (40, "an easier move than most"),
    (60, "an ordinary move"),
    (80, "a harder move than most"),
    (100, "a very hard move"),
)
"""What a move is called, up to a percentile of its shortfall."""


def _preparation(report: Report) -> list[str]:
    step, current, target = report.summary.job_zone_step, report.from_occupation, report.to_occupation
    if step is None or current is None:
        return []
    zones = f"Job Zone {current.job_zone} to {target.job_zone}" if step else f"both Job Zone {target.job_zone}"
    return [f"Schooling and experience, which no gap counts: {preparation(step)} ({zones})."]


def taking(summary: GapSummary) -> str:
    """Say what a move takes besides, as the end of a sentence."""
    return (
        f"; schooling and experience: {preparation(summary.job_zone_step)}" if summary.job_zone_step is not None else ""
    )


def preparation(step: int | None) -> str:
    """Say what a step between Job Zones means; nothing where one is not known."""
    if step is None:
        return ""
    return "about as much" if step == 0 else f"{'much ' if abs(step) > 1 else ''}{'more' if step > 0 else 'less'}"


VERDICTS = {"yes": "sure", "no": "may be chance", "not relevant": "hardly matters there", "unknown": "cannot be judged"}
"""What is said of each of these."""


def certainty(gap: SkillGap) -> str:
    if gap.to_not_relevant:
        return "not relevant"
    if gap.p_value is None:
        return "unknown"
    return "yes" if gap.distinguishable else "no"


def meaning(anchors: LevelAnchors | None) -> str:
    """Return between which examples a level stands."""
    return "no level" if anchors is None else anchors.in_words()


def move(summary: GapSummary) -> str:
    """Say what a move asks for: sure gaps and their levels; in brackets with what may be noise."""
    gaps = summary.distinguishable_gaps
    if gaps is None:
        untold = "1 gap" if summary.gaps == 1 else f"{summary.gaps} gaps"
        return f"{untold}, not known to be sure or not ({number(summary.weighted_shortfall)})"
    sure = f"{gaps} sure gap{'' if gaps == 1 else 's'}, {number(summary.distinguishable_shortfall)} levels"
    return f"{sure} ({number(summary.weighted_shortfall)})"


def missing_lines(missing: Sequence[MissingData]) -> list[str]:
    """Name the inputs that the loaded data lack, and what that disables, a line for those that disable the same."""
    inputs: dict[str, list[str]] = {}
    for each in missing:
        part = f" ({each.missing:,} of {each.of:,})" if each.missing < each.of else ""
        inputs.setdefault(each.disables, []).append(f"{each.input}{part}")
    return [f"{', '.join(names)}: disables {disables}" for disables, names in inputs.items()]


def dated(month: str | None, source: str | None) -> str:
    """Return when a level was rated, or that it was predicted, and when."""
    if source == "llm":
        return f"predicted {month}" if month else "predicted"
    return month or ""


def name_of(occupation: Occupation) -> str:
    return f"{occupation.title} ({occupation.onet_soc_code})"


OWN_LEVELS_ALONE = "own levels alone"
"""In the place of an occupation, of a person of whom nothing else is known."""


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def level(value: float | None, source: str | None) -> str:
    return f"~{number(value)}" if source == "llm" else number(value)


def source_line(provenance: Provenance) -> str:
    return f"{provenance.attribution} {provenance.modification}"
