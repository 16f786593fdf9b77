"""Output of search, transitions, path, skills and profile-template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from skillgap.cli.printing.console import MIN_NAME_WIDTH, answer_console, interval, plain_table, write_json
from skillgap.export import phrases
from skillgap.models import GapSummary, OccupationList, OccupationSkills, PathReport, Transition, TransitionReport

if TYPE_CHECKING:
    from skillgap.models.person import OwnProfile


def print_hits(hits: OccupationList, *, as_json: bool) -> None:
    """Print search results, with the matching title if it is not the occupation's own."""
    if as_json:
        write_json({"items": hits.items, "total": hits.total})
        return
    out = answer_console()
    if not hits.items:
        out.print("No occupation has a similar title.")
        return
    table = plain_table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for hit in hits.items:
        also = "" if hit.title_kind == "title" else f" — {hit.matched_title}"
        occupation = hit.occupation
        notes = "" if occupation.is_rated else " (predicted)" if occupation.is_predicted else " (not rated)"
        table.add_row(occupation.onet_soc_code, Text.assemble((occupation.title, "bold"), also, (notes, "dim")))
    out.print(table)
    if hits.total > len(hits.items):
        out.print(f"and {hits.total - len(hits.items):,} more", style="dim")


def print_profile(profile: OwnProfile) -> None:
    """Print a profile in the format of `gap --profile`."""
    write_json({"occupation": profile.occupation, "levels": profile.levels})


def print_transitions(report: TransitionReport, *, as_json: bool) -> None:
    """Print similar occupations as a table, or as the JSON of `GET /occupations/{code}/transitions`."""
    if as_json:
        write_json(report)
        return
    out = answer_console()
    transitions = report.transitions
    out.print(Text.assemble("From  ", (phrases.name_of(report.occupation), "bold")))
    out.print()
    out.print(
        _transitions_table(transitions, out.width) if transitions else "No similar occupation passes the filters."
    )
    for note in _transition_notes(report):
        out.print(note, style="dim")
    out.print()
    out.print(phrases.source_line(report.provenance), style="dim")


def _transitions_table(transitions: list[Transition], width: int) -> Table:
    """Return one row per similar occupation, without empty columns."""
    has_stability, has_tiers = _has_stability(transitions), _has_tiers(transitions)
    figures = 58 + 7 * has_stability + 8 * has_tiers
    table = plain_table(header_style="bold")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("Occupation", no_wrap=True, max_width=max(MIN_NAME_WIDTH, min(44, width - figures)))
    table.add_column("Code", no_wrap=True)
    counts = ("Clear", "Likely", "Open")
    for header in ("Score", *counts, "Short", "Effort", "Zone", *["Rank"] * has_stability, *["Listed"] * has_tiers):
        table.add_column(header, justify="right", no_wrap=True)
    for transition in transitions:
        summary, occupation = transition.summary, transition.occupation
        title = f"~{occupation.title}" if occupation.is_predicted else occupation.title
        step = "" if summary.job_zone_step is None else f"{summary.job_zone_step:+d}"
        table.add_row(
            f"{transition.rank}",
            title,
            occupation.onet_soc_code,
            f"{transition.score:.2f}",
            *_gap_counts(summary),
            phrases.number(summary.weighted_shortfall),
            "–" if summary.shortfall_percentile is None else phrases.percent_cell(summary.shortfall_percentile),
            "=" if step == "+0" else step,
            *[interval(transition.stability)] * has_stability,
            *[phrases.TIERS.get(transition.related_tier or "", transition.related_tier or "")] * has_tiers,
        )
    return table


def _gap_counts(summary: GapSummary) -> tuple[str, str, str]:
    """Return the numbers of clear, likely and open gaps."""
    clear, likely = summary.distinguishable_gaps, summary.likely_gaps
    if clear is None or likely is None:
        return "–", "–", f"{summary.gaps}"
    return f"{clear}", f"{likely}", f"{summary.gaps - clear - likely}"


def _transition_notes(report: TransitionReport) -> Iterator[str]:
    """Yield the meaning of the columns and the inputs of the ranking."""
    transitions, basis = report.transitions, report.basis
    yield (
        "Clear, Likely, Open: gaps by certainty. Short: weighted shortfall in levels. Effort: share of all pairs of "
        "occupations with a smaller shortfall. Zone: step between Job Zones."
    )
    for reason in dict.fromkeys(line for item in transitions for line in phrases.unavailable_lines(item.summary)):
        yield f"–: {reason}"
    if _has_tiers(transitions):
        yield "Listed: position in O*NET's own list of related occupations; it does not affect the ranking."
    if _has_stability(transitions):
        yield "Rank: 95 % interval if equally large panels rated again."
    yield (
        f"Ranked by {', '.join(basis.inputs)}: {basis.recall_at_10:.0%} of the occupations that O*NET lists as most "
        f"related are among the first ten (release {basis.release})."
    )
    if report.provenance.predictions is not None:
        yield "~ Levels are predicted, not rated by analysts."


def _has_stability(transitions: list[Transition]) -> bool:
    return any(transition.stability for transition in transitions)


def _has_tiers(transitions: list[Transition]) -> bool:
    return any(transition.related_tier for transition in transitions)


def print_paths(report: PathReport, *, as_json: bool) -> None:
    """Print paths as text, or as the JSON of `GET /paths`."""
    if as_json:
        write_json(report)
        return
    out = answer_console()
    out.print(Text.assemble("From  ", (phrases.name_of(report.from_occupation), "bold")))
    out.print(Text.assemble("To    ", (phrases.name_of(report.to_occupation), "bold")))
    out.print()
    out.print(f"In one move: {phrases.move(report.direct)}")
    for reason in phrases.unavailable_lines(report.direct):
        out.print(reason)
    if report.from_occupation == report.to_occupation:
        out.print("Both occupations are the same, so no move is needed.")
    elif not report.paths:
        out.print(f"No path of at most three moves among the {report.neighbours} most similar occupations leads there.")
    for place, path in enumerate(report.paths, start=1):
        out.print()
        out.print(f"{place}. hardest move {path.hardest_move:.2f} levels; {path.total_shortfall:.2f} in all moves")
        for step in path.steps:
            out.print(f"   → {phrases.name_of(step.occupation)}: {phrases.move(step.summary)}", soft_wrap=True)
    out.print()
    out.print(
        f"{report.chains_compared:,} paths compared by the shortfall expected in their hardest move, which allows for "
        "rater noise.",
        style="dim",
    )
    out.print()
    out.print(phrases.source_line(report.provenance), style="dim")


def print_skills(answer: OccupationSkills, *, as_json: bool) -> None:
    """Print skills as a table, or as the JSON of `GET /occupations/{code}/skills`."""
    if as_json:
        write_json(answer)
        return
    occupation, skills, provenance = answer.occupation, answer.skills, answer.provenance
    out = answer_console()
    out.print(Text.assemble((phrases.name_of(occupation), "bold")))
    table = plain_table(header_style="bold")
    table.add_column("Skill", no_wrap=True, max_width=max(MIN_NAME_WIDTH, min(33, out.width - 40)))
    for header in ("Level", "Error", "Importance"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("Date", no_wrap=True)
    table.add_column("Notes")
    for skill in skills:
        flags = [(skill.not_relevant, "not relevant"), (skill.recommend_suppress, "raters differ widely")]
        table.add_row(
            skill.element_name,
            phrases.level(skill.data_value, skill.source),
            phrases.number(skill.standard_error),
            phrases.number(skill.importance),
            phrases.dated(skill.date_updated, skill.source),
            ", ".join(text for is_set, text in flags if is_set),
        )
    out.print(table)
    if line := phrases.predictions_line([occupation], provenance.predictions):
        out.print()
        out.print(line)
        if explanation := next((skill.explanation for skill in skills if skill.explanation), None):
            out.print(f"{skills[0].element_name}: {explanation}")
    out.print()
    out.print(phrases.source_line(provenance), style="dim")
