"""What the command line prints: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from skillgap import wording
from skillgap.model import (
    GapChange,
    GapStability,
    LevelAnchors,
    ListedOccupation,
    Occupation,
    PathReport,
    Provenance,
    Release,
    ReleaseChanges,
    SkillGap,
    SkillRating,
    TargetView,
    Transition,
    TransitionBasis,
    TransitionStability,
    WeightChoice,
    WorkforceReport,
)
from skillgap.sources.releases import OPTIONAL_TABLES
from skillgap.wording import Report

if TYPE_CHECKING:
    from skillgap.analysis.person import OwnProfile
    from skillgap.analysis.ratings import Ratings
    from skillgap.batch.kernel import Columns
    from skillgap.batch.run import BatchReport
    from skillgap.doctor import Check
    from skillgap.llm.evaluation import Score
    from skillgap.nodes import Enrichment
    from skillgap.sources.onet_api_data import OnetApiData
    from skillgap.store.loads import LoadReport
    from skillgap.store.queries import Disagreement, Status

_CELLS = 14
_CELLS_PER_LEVEL = 2
_NARROWEST = 80
"""Columns, where the output is no terminal."""
_NARROWEST_WITH_BAR = 72
_FIGURES = 31
"""Columns that a gap's figures take, with the word `yes` or `no`."""
_STABILITY = 12
"""Columns that its place, and how often it is sure again, take besides."""
_SHORTEST_NAME = 8
_NAMED = 10
"""Occupations named in a sentence before it says `and N more`."""


# -- a gap --------------------------------------------------------------------------------------------------------


def print_report(report: Report) -> None:
    """Print the report as a table with a chart of the levels."""
    out = _console()
    out.print(Text.assemble("From  ", (wording.start_of(report), "bold")))
    out.print(Text.assemble("To    ", (wording.name_of(report.to_occupation), "bold")))
    out.print()
    out.print(wording.in_one_sentence(report))
    if report.skill_gaps:
        out.print()
        out.print(_gap_table(report.skill_gaps, out.width))
        out.print("█ level now  ▓ gap beyond rater noise  ░ within it  ± half of the 95 % interval", style="dim")
        if any(gap.stability for gap in report.skill_gaps):
            out.print(
                "If as many raters rated anew: Place, 95 % interval of the place among all that is compared (what is "
                "no gap any more comes last); Again, how often sure.",
                style="dim",
            )
    if meanings := list(_level_meanings(report.skill_gaps)):
        out.print()
        for line in meanings:
            out.print(line)
    if predicted := wording.predictions_line(wording.predicted(report), report.provenance.predictions):
        out.print()
        out.print(predicted)
    if unknown := wording.not_compared_line(report):
        out.print()
        out.print(unknown)
    if sure := [row.element_name for row in report.surplus_skills if row.distinguishable]:
        out.print()
        out.print(f"Clearly above the target: {', '.join(sure)}.")
    out.print()
    out.print(wording.source_line(report.provenance), style="dim")


def _gap_table(gaps: list[SkillGap], width: int) -> Table:
    """Return a line per gap; a narrow terminal loses the bar, and letters of the names, before a figure."""
    has_stability = any(gap.stability for gap in gaps)
    figures = _FIGURES + _STABILITY if has_stability else _FIGURES
    has_bar = width >= _NARROWEST_WITH_BAR + (figures - _FIGURES)
    longest = max(_SHORTEST_NAME, min(33, width - (figures + _CELLS + 1 if has_bar else figures)))
    table = _table(header_style="bold")
    table.add_column("Skill", no_wrap=True, max_width=longest)
    table.add_column("Now", justify="right", no_wrap=True)
    table.add_column("Asked", justify="right", no_wrap=True)
    if has_bar:
        table.add_column(f"0{'level':^{_CELLS - 2}}7", no_wrap=True)
    table.add_column("Gap", justify="right", no_wrap=True)
    table.add_column("±", justify="right", no_wrap=True)
    table.add_column("Sure")
    for header in ("Place", "Again") if has_stability else ():
        table.add_column(header, justify="right", no_wrap=True)
    for gap in gaps:
        table.add_row(
            gap.element_name,
            wording.level(gap.from_data_value, gap.from_source),
            wording.level(gap.to_data_value, gap.to_source),
            *([_bar(gap)] if has_bar else []),
            f"{gap.gap:.3f}",
            wording.number(None if gap.gap_upper is None else gap.gap_upper - gap.gap),
            wording.sureness(gap),
            *([_interval(gap.stability), _again(gap.stability)] if has_stability else []),
            style="" if gap.distinguishable else "dim",
        )
    return table


def _bar(gap: SkillGap) -> Text:
    now = round((gap.from_data_value or 0.0) * _CELLS_PER_LEVEL)
    asked = round((gap.to_data_value or 0.0) * _CELLS_PER_LEVEL)
    fill, style = ("▓", "yellow") if gap.distinguishable else ("░", "dim")
    return Text.assemble(("█" * now, "cyan"), (fill * (asked - now), style), "·" * (_CELLS - max(asked, now)))


def print_json(report: Report) -> None:
    """Print what `GET /skill-gap` answers, indented."""
    _write_json(report)


def _interval(stability: GapStability | TransitionStability | None) -> str:
    return f"{stability.rank_lower}-{stability.rank_upper}" if stability else ""


def _again(stability: GapStability | None) -> str:
    return f"{stability.distinguishable_share:.0%}" if stability else ""


def print_csv(report: Report) -> None:
    """Print one line per gap, with the pair's codes before the fields of SkillGap."""
    codes = [
        report.from_occupation.onet_soc_code if report.from_occupation else "",
        report.to_occupation.onet_soc_code,
    ]
    has_stability = any(gap.stability for gap in report.skill_gaps)
    names = [field.name for field in fields(SkillGap) if field.name != "stability"]
    moves = [field.name for field in fields(GapStability) if field.name != "rank_by_weight"] if has_stability else []
    weights = get_args(WeightChoice) if has_stability else ()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        ["from_onet_soc_code", "to_onet_soc_code", *names, *moves, *(f"rank_by_{each}" for each in weights)]
    )
    for gap in report.skill_gaps:
        values = (getattr(gap, name) for name in names)
        shown = (wording.meaning(each) if isinstance(each, LevelAnchors) else each for each in values)
        moved = [getattr(gap.stability, name, None) for name in moves]
        by_weight = gap.stability.rank_by_weight if gap.stability else {}
        writer.writerow([*codes, *shown, *moved, *(by_weight.get(each) for each in weights)])


def print_markdown(report: Report) -> None:
    """Print the report as Markdown."""
    print(f"**From** {wording.start_of(report)} **to** {wording.name_of(report.to_occupation)}\n")
    print(f"{wording.in_one_sentence(report)}\n")
    if report.skill_gaps:
        print("| Skill | Now | Asked | Gap | 95 % interval | Importance | Beyond rater noise |")
        print("|---|---:|---:|---:|---|---:|---|")
    for gap in report.skill_gaps:
        interval = "" if gap.gap_lower is None else f"{gap.gap_lower:.2f} to {gap.gap_upper:.2f}"
        cells = (
            gap.element_name,
            wording.level(gap.from_data_value, gap.from_source),
            wording.level(gap.to_data_value, gap.to_source),
            f"{gap.gap:.3f}",
            interval,
            wording.number(gap.importance),
            "yes" if gap.distinguishable else "no",
        )
        print(f"| {' | '.join(cells)} |")
    if line := wording.predictions_line(wording.predicted(report), report.provenance.predictions):
        print(f"\n{line}")
    if unknown := wording.not_compared_line(report):
        print(f"\n{unknown}")
    print(f"\n{wording.source_line(report.provenance)}")


def _level_meanings(gaps: list[SkillGap]) -> Iterator[Text]:
    """Say of each sure gap what the two levels mean, where anchors are loaded."""
    for gap in gaps:
        if gap.distinguishable and gap.to_anchors:
            yield Text.assemble(
                f"{gap.element_name}: now {wording.meaning(gap.from_anchors)}; asked {wording.meaning(gap.to_anchors)}"
            )


# -- a search ---------------------------------------------------------------------------------------------------


def print_hits(hits: list[ListedOccupation], total: int, *, as_json: bool) -> None:
    """Print occupations that were searched for, with the title that matched where it is not their own."""
    if as_json:
        _write_json({"items": hits, "total": total})
        return
    out = _console()
    if not hits:
        out.print("No occupation is called anything like it.")
        return
    table = _table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for hit in hits:
        also = "" if hit.title_kind == "title" else f" — {hit.matched_title}"
        of = hit.occupation
        notes = "" if of.is_rated else " (predicted)" if of.is_predicted else " (not rated)"
        table.add_row(of.onet_soc_code, Text.assemble((of.title, "bold"), also, (notes, "dim")))
    out.print(table)
    if total > len(hits):
        out.print(f"and {total - len(hits):,} more", style="dim")


def print_profile(profile: OwnProfile) -> None:
    """Print a person's profile as `gap --profile` reads it."""
    _write_json({"occupation": profile.occupation, "levels": profile.levels})


# -- where to go ------------------------------------------------------------------------------------------------


def print_transitions(
    occupation: Occupation,
    transitions: list[Transition],
    basis: TransitionBasis,
    ratings: Ratings,
    provenance: Provenance,
    *,
    as_json: bool,
) -> None:
    """Print near occupations, as a table or, as `GET /occupations/{code}/transitions` answers, as JSON."""
    if as_json:
        answer = {"occupation": occupation, "transitions": transitions, "basis": basis, "domain": ratings.domain}
        _write_json({**answer, "weight": ratings.weighting, "provenance": provenance})
        return
    out = _console()
    out.print(Text.assemble("From  ", (wording.name_of(occupation), "bold")))
    out.print()
    table = _table(header_style="bold")
    table.add_column("", justify="right", no_wrap=True)
    has_stability = any(each.stability for each in transitions)
    has_tiers = any(each.related_tier for each in transitions)
    figures = 46 + 7 * has_stability + 8 * has_tiers
    table.add_column("Near", no_wrap=True, max_width=max(_SHORTEST_NAME, min(44, out.width - figures)))
    table.add_column("Code", no_wrap=True)
    for header in ("Score", "Sure gaps", "Effort", "Zone", *["Rank"] * has_stability, *["Listed"] * has_tiers):
        table.add_column(header, justify="right", no_wrap=True)
    for each in transitions:
        summary = each.summary
        title = f"~{each.occupation.title}" if each.occupation.is_predicted else each.occupation.title
        step = "" if summary.job_zone_step is None else f"{summary.job_zone_step:+d}"
        table.add_row(
            f"{each.rank}",
            title,
            each.occupation.onet_soc_code,
            f"{each.score:.2f}",
            "–" if summary.gaps and not summary.skills_tested else f"{summary.distinguishable_gaps}",
            "" if summary.shortfall_percentile is None else f"{summary.shortfall_percentile:.0f} %",
            "=" if step == "+0" else step,
            *[_interval(each.stability)] * has_stability,
            *[wording.TIERS.get(each.related_tier or "", each.related_tier or "")] * has_tiers,
        )
    out.print(table if transitions else "No near occupation passes the filters.")
    out.print(
        "Effort: share of all pairs of occupations with a smaller shortfall. Zone: step in preparation, 1 to 5.",
        style="dim",
    )
    if has_tiers:
        out.print("Listed: where O*NET's own list has it; it plays no part in the rank.", style="dim")
    if has_stability:
        out.print("Rank: 95 % interval, if all ratings were made anew by as many raters.", style="dim")
    out.print(
        f"Ranked by {', '.join(basis.inputs)}: of what O*NET lists as most related, {basis.recall_at_10:.0%} are among "
        f"the first ten (release {basis.release}).",
        style="dim",
    )
    if provenance.predictions:
        out.print("~ Levels are predicted, not rated by analysts.", style="dim")
    out.print()
    out.print(wording.source_line(provenance), style="dim")


def print_paths(report: PathReport, *, as_json: bool) -> None:
    """Print paths, or, as `GET /paths` answers, JSON."""
    if as_json:
        _write_json(report)
        return
    out = _console()
    out.print(Text.assemble("From  ", (wording.name_of(report.from_occupation), "bold")))
    out.print(Text.assemble("To    ", (wording.name_of(report.to_occupation), "bold")))
    out.print()
    out.print(f"In one step: {wording.move(report.direct)}")
    if report.from_occupation == report.to_occupation:
        out.print("It is the same occupation: no move is needed.")
    elif not report.paths:
        out.print(f"No chain of three moves among the {report.neighbours} nearest leads there.")
    for place, path in enumerate(report.paths, start=1):
        out.print()
        out.print(f"{place}. hardest move {path.hardest_move:.2f} levels; {path.total_shortfall:.2f} in all moves")
        for step in path.steps:
            out.print(f"   → {wording.name_of(step.occupation)}: {wording.move(step.summary)}", soft_wrap=True)
    out.print()
    out.print(
        f"{report.chains_compared:,} chains compared by their hardest move. Levels are those beyond rater noise; in "
        "brackets, and in all moves, with what may be noise: small moves hide there what one large move shows.",
        style="dim",
    )
    out.print()
    out.print(wording.source_line(report.provenance), style="dim")


# -- the skills of an occupation ------------------------------------------------------------------------------------


def print_skills(occupation: Occupation, skills: list[SkillRating], provenance: Provenance, *, as_json: bool) -> None:
    """Print the skills, as a table or, as `GET /occupations/{code}/skills` answers, as JSON."""
    if as_json:
        _write_json({"occupation": occupation, "skills": skills, "provenance": provenance})
        return
    out = _console()
    out.print(Text.assemble((wording.name_of(occupation), "bold")))
    table = _table(header_style="bold")
    table.add_column("Skill", no_wrap=True, max_width=max(_SHORTEST_NAME, min(33, out.width - 40)))
    for header in ("Level", "Error", "Importance"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("Rated", no_wrap=True)
    table.add_column("Notes")
    for skill in skills:
        flags = [(skill.not_relevant, "not relevant"), (skill.recommend_suppress, "raters differ widely")]
        table.add_row(
            skill.element_name,
            wording.level(skill.data_value, skill.source),
            wording.number(skill.standard_error),
            wording.number(skill.importance),
            skill.date_updated or "",
            ", ".join(text for is_set, text in flags if is_set),
        )
    out.print(table)
    if line := wording.predictions_line([occupation], provenance.predictions):
        out.print()
        out.print(line)
        if explanation := next((skill.explanation for skill in skills if skill.explanation), None):
            out.print(f"{skills[0].element_name}: {explanation}")
    out.print()
    out.print(wording.source_line(provenance), style="dim")


# -- loads and status -----------------------------------------------------------------------------------------------


class _RateColumn(ProgressColumn):
    """Requests a second; a rate limit is what they wait for."""

    def render(self, task: Task) -> Text:
        """Return the rate of requests, nothing for other tasks."""
        return Text(f"{task.speed:.1f}/s" if task.description == "requests" and task.speed else "")


class LoadProgress:
    """Bars for what a load spends its time on; nothing is printed where standard error is not a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def on_bytes(self, done: int, total: int | None) -> None:
        """Show a download."""
        self._update("download", done, total)

    def on_request(self, done: int, total: int) -> None:
        """Show requests answered."""
        self._update("requests", done, total)

    def on_text(self, done: int, total: int) -> None:
        """Show texts read by the language model."""
        self._update("texts", done, total)

    def on_reply(self, done: int, total: int) -> None:
        """Show replies of a language model."""
        self._update("replies", done, total)

    def on_batch(self, done: int, total: int) -> None:
        """Show occupations whose pairs are written."""
        self._update("occupations", done, total)

    def on_people(self, done: int, total: int | None) -> None:
        """Show rows of a batch answered."""
        self._update("rows", done, total)

    def on_rows(self, table: str, done: int, total: int) -> None:
        """Show a table being written."""
        self._update(table, done, total)

    def _update(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


@contextmanager
def progress() -> Iterator[LoadProgress]:
    """Show progress on standard error while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), _RateColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        yield LoadProgress(bars)


def print_load(release: Release, report: LoadReport) -> None:
    """Say on standard error what a load changed."""
    _print_changes(f"O*NET {release.number} loaded", report)


def print_fetch(data: OnetApiData, report: LoadReport, *, dry_run: bool) -> None:
    """Say on standard error what a fetch changed, or would change."""
    done = "compared, nothing written" if dry_run else "stored"
    where = f"O*NET Web Services {data.api_version}, release {data.release.number}"
    _print_changes(f"{where}, {data.requests:,} requests, {done}", report)
    if data.from_reports:
        _notes().print("  this account cannot read the Database Services: importances only, no levels, so no gaps")


def _print_changes(what: str, report: LoadReport) -> None:
    out = _notes()
    rows = ", ".join(f"{table.rows:,} {table.table}" for table in report.tables if table.rows)
    out.print(f"{what}: {rows}")
    if not report.rows_changed:
        out.print("nothing changed: the database had it all")
        return
    for table in report.tables:
        if table.changed:
            out.print(f"  {table.table}: {table.inserted:,} new, {table.updated:,} changed, {table.deleted:,} gone")
    if not report.was_empty:
        out.print(f"  levels changed: {report.levels_changed:,}")
    if report.changes:
        lines = _change_lines(report.changes)
    else:
        lines = iter(()) if report.was_empty else _rated_lines(report.newly_rated, report.no_longer_rated)
    for line in lines:
        out.print(f"  {line}")


def _rated_lines(newly_rated: list[str], no_longer_rated: list[str]) -> Iterator[str]:
    for codes, what in ((newly_rated, "newly rated"), (no_longer_rated, "no longer rated")):
        if codes:
            yield f"{what}: {_some(codes)}"


def _change_lines(changes: ReleaseChanges) -> Iterator[str]:
    """Say what changed between two releases."""
    yield from _rated_lines(changes.newly_rated, changes.no_longer_rated)
    beyond = changes.beyond_noise
    if changes.levels_changed:
        yield f"levels changed beyond rater noise: {len(beyond):,} of {changes.levels_changed:,}"
    if beyond:
        yield _some(
            [f"{each.title}, {each.element_name} {each.before:.2f} to {each.after:.2f}" for each in beyond], "; "
        )
    if changes.pairs_compared:
        yield (
            f"pairs of occupations whose sure gaps are others: {changes.pairs_changed:,} of {changes.pairs_compared:,} "
            "with a changed level"
        )


def _some(names: Sequence[str], separator: str = ", ") -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{separator.join(names[:_NAMED])}{more}"


def print_diff(changes: ReleaseChanges, after: Ratings, only: str | None, *, as_json: bool) -> None:
    """Print what changed between two releases."""
    if as_json:
        _write_json({**vars(changes), "provenance": after.provenance})
        return
    out = _console()
    releases = (each.number if each else "?" for each in (changes.before, changes.after))
    occupation = after.occupations.get(only or "")
    of = f", {wording.name_of(occupation) if occupation else only}" if only else ""
    out.print(Text.assemble(("O*NET " + " to ".join(releases), "bold"), f", {changes.domain.replace('_', ' ')}{of}"))
    lines = list(_change_lines(changes))
    for line in lines or ["nothing changed"]:
        out.print(line)
    if only and changes.gap_changes:
        out.print()
        for change in changes.gap_changes:
            out.print(_gap_change_line(change, only, after), soft_wrap=True)
    out.print()
    out.print(wording.source_line(after.provenance), style="dim")


def _gap_change_line(change: GapChange, only: str, after: Ratings) -> str:
    is_from = change.from_onet_soc_code == only
    other = after.occupations[change.to_onet_soc_code if is_from else change.from_onet_soc_code]
    moves = [*(f"+{name}" for name in change.new), *(f"-{name}" for name in change.gone)]
    return f"{'to' if is_from else 'from'} {other.title}: {', '.join(moves)}"


def print_batch(report: BatchReport, columns: Columns, output: Path) -> None:
    """Say on standard error what became of a batch."""
    out = _notes()
    there = f"; {report.parts_there:,} parts were there" if report.parts_there else ""
    out.print(f"{output}: {report.rows:,} rows read, {report.lines:,} lines written{there}")
    if columns.unused:
        out.print(f"  columns not used: {_some(columns.unused)}")
    if report.rejected:
        out.print(f"  {report.rejected.total():,} rows could not be answered; the files *.rejects.csv have each:")
    for reason, count in report.rejected.most_common(_NAMED):
        out.print(f"  {count:,} {reason}")


def print_workforce(report: WorkforceReport, columns: Columns, *, as_json: bool) -> None:
    """Print what a population lacks for each target, and whom to retrain; what was not used, on standard error."""
    notes = _notes()
    if columns.unused:
        notes.print(f"columns not used: {_some(columns.unused)}")
    for reason, count in list(report.rejected.items())[:_NAMED]:
        notes.print(f"not compared: {count:,} {reason}")
    if as_json:
        _write_json(report)
        return
    out = _console()
    also = f"; {rejected:,} more could not be compared" if (rejected := sum(report.rejected.values())) else ""
    out.print(f"{report.people:,} people, {report.with_own_levels:,} of them with own levels{also}.")
    for view in report.targets:
        out.print()
        out.print(Text.assemble("To    ", (wording.name_of(view.to_occupation), "bold")))
        out.print(" ".join(_of_a_target(view, has_others=len(report.targets) > 1)))
        out.print()
        out.print(_lacking_table(view))
        if view.conversions:
            out.print()
            out.print(_conversions_table(view))
    out.print()
    out.print(
        "Lack: the gap stands out from rater noise. Cost: weighted mean of the gaps not known to be noise, in levels.",
        style="dim",
    )
    out.print(wording.source_line(report.provenance), style="dim")


def _of_a_target(view: TargetView, *, has_others: bool) -> Iterator[str]:
    yield f"{view.without_sure_gap:,} of {view.people:,} people have no gap beyond rater noise."
    if view.incumbents:
        yield f"{view.incumbents:,} are in this occupation already."
    if view.known_in_part:
        yield f"Some levels of {view.known_in_part:,} are unknown."
    if view.untested:
        yield f"Of {view.untested:,} no gap could be tested: O*NET publishes no errors of these ratings."
    if has_others:
        yield f"It is the nearest target of {view.cheapest_for:,}."
    of = view.shortfall
    yield f"Weighted shortfall: median {of.median:.2f} levels, {of.p10:.2f} to {of.p90:.2f} for the middle 80 %."


def _lacking_table(view: TargetView) -> Table:
    table = _table()
    table.add_column("Who lacks what", no_wrap=True)
    for header in ("Lack", "Share", "Gap, median", "May lack", "Unknown"):
        table.add_column(header, justify="right")
    for skill in view.skills[:_NAMED]:
        gap = f"{skill.gap.median:.2f}" if skill.gap else ""
        counts = (f"{skill.lacking:,}", f"{skill.share:.1%}", gap, f"{skill.may_be_chance:,}", f"{skill.unknown:,}")
        table.add_row(skill.element_name, *counts)
    return table


def _conversions_table(view: TargetView) -> Table:
    table = _table()
    table.add_column("Whom to retrain", no_wrap=True)
    table.add_column("From")
    table.add_column("Cost", justify="right")
    table.add_column("Lacks")
    for each in view.conversions:
        home = each.from_occupation.title if each.from_occupation else wording.OWN_LEVELS_ALONE
        unknown = f" ({each.unknown} levels unknown)" if each.unknown else ""
        table.add_row(each.id, home, f"{each.cost:.2f}", (", ".join(each.lacking) or "nothing for sure") + unknown)
    return table


def print_enrichment(enrichment: Enrichment) -> None:
    """Say on standard error what was scored, what was not, and why."""
    out = _notes()
    scoring = enrichment.scoring
    occupations = len({score.onet_soc_code for score in scoring.scores})
    out.print(f"{enrichment.model}: {len(scoring.scores):,} levels of {occupations:,} occupations scored")
    if enrichment.already_scored:
        out.print(f"  {enrichment.already_scored:,} occupations were scored from the same ratings before")
    if scoring.evaluation:
        random, grouped = scoring.evaluation["random"], scoring.evaluation["grouped"]
        out.print(
            f"  judged on {grouped.occupations:,} rated occupations, each without its own ratings: mean absolute error "
            f"{random.mae:.3f} levels, {grouped.mae:.3f} where nothing of its kind was known"
        )
    if usage := scoring.usage:
        price = "" if usage.cost_usd is None else f", {usage.cost_usd:.2f} USD"
        tokens = usage.input_tokens + usage.output_tokens
        out.print(
            f"  {usage.requests:,} requests, {tokens:,} tokens{price}; what had been answered before cost nothing"
        )
    reasons = Counter(scoring.abstentions.values())
    for reason, count in reasons.items():
        out.print(f"  {count:,} occupations not scored: {reason}")
    if not enrichment.report.rows_changed:
        out.print("nothing changed: the database had it all")
    for (code, element_id), reason in scoring.failures.items():
        out.print(f"failed: {code} {element_id}: {reason}")
    if scoring.failures:
        out.print("run it again to try what failed once more")


def print_status(status: Status, *, unrated: bool, as_json: bool) -> None:
    """Print what the database holds."""
    if as_json:
        _write_json(asdict(status))
        return
    out = _console()
    if not status.data_version:
        out.print("nothing is loaded; run `skillgap load starter`, or load a release")
        return
    rated = status.occupations - len(status.unrated)
    last = status.loads[0]
    out.print(f"O*NET release   {status.release.number if status.release else 'none'}")
    if status.web_services_release:
        out.print(f"Web Services    release {status.web_services_release.number} at the last fetch")
    out.print(f"data version    {status.data_version}")
    out.print(f"last load       {last.finished_at:%Y-%m-%d %H:%M} UTC from {last.origin}")
    out.print(
        f"occupations     {status.occupations:,}: {rated:,} rated, {len(status.unrated):,} not (--unrated lists them)"
    )
    out.print(f"ratings         {', '.join(f'{count:,} from {source}' for source, count in status.sources.items())}")
    for each in status.models:
        shown = "" if each.is_active else " (not shown)"
        out.print(f"predicted       {each.occupations:,} occupations by {each.predictions.model}{shown}")
    out.print(f"rows            {', '.join(f'{count:,} {name}' for name, count in status.tables.items() if count)}")
    if absent := [name for name in OPTIONAL_TABLES if not status.tables.get(name)]:
        out.print(f"not there       {', '.join(absent)}")
    if unrated:
        for code, title in status.unrated:
            out.print(f"{code}  {title}")


def print_checks(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print what an examination found, a line each."""
    if as_json:
        _write_json([asdict(check) for check in checks])
        return
    out = _console()
    width = max(len(check.name) for check in checks)
    for check in checks:
        out.print(f"{check.outcome:7}  {check.name:{width}}  {check.detail}", soft_wrap=True)


def print_scores(scores: list[Score]) -> None:
    """Print an evaluation as a Markdown table, and the figures of the model with the least error in one line."""
    names = ("model", "occupations", "MAE random", "MAE grouped", "bias", "r", "rank r", "r within skills")
    print(f"| {' | '.join((*names, 'coverage', 'spread', 'seconds', 'tokens', 'USD'))} |")
    print(f"|---|{'---:|' * (len(names) + 4)}")
    for random, grouped in zip(scores[::2], scores[1::2], strict=True):
        cells = [
            f"{grouped.occupations}",
            f"{random.mae:.3f}",
            f"{grouped.mae:.3f}",
            f"{random.bias:+.3f} / {grouped.bias:+.3f}",
            f"{random.pearson:.3f} / {grouped.pearson:.3f}",
            f"{random.spearman:.3f} / {grouped.spearman:.3f}",
            f"{random.within_skill:.3f} / {grouped.within_skill:.3f}",
            "" if random.coverage is None else f"{random.coverage:.1%} / {grouped.coverage:.1%}",
            "" if grouped.spread is None else f"{grouped.spread:.3f}",
            f"{random.seconds + grouped.seconds:.1f}",
            "" if grouped.tokens is None else f"{grouped.tokens:,}",
            "" if grouped.cost_usd is None else f"{grouped.cost_usd:.2f}",
        ]
        print(f"| {random.model} | {' | '.join(cells)} |")
    random, grouped = min(zip(scores[::2], scores[1::2], strict=True), key=lambda pair: pair[1].mae)
    coverage = "none" if grouped.coverage is None else f"{grouped.coverage:.4f}"
    print(
        f"evaluate-llm mae_random={random.mae:.4f} mae_grouped={grouped.mae:.4f} "
        f"bias={grouped.bias:.4f} coverage={coverage}"
    )


def print_disagreements(found: list[Disagreement]) -> None:
    """Print where ratings and predictions disagree, as CSV."""
    from skillgap.store.queries import Disagreement

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([field.name for field in fields(Disagreement)])
    writer.writerows(astuple(each) for each in found)


# -- pieces -------------------------------------------------------------------------------------------------------


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, as for what is printed without Rich, which would end with exit code 1."""
        raise BrokenPipeError


def _table(**look: Any) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), **look)


def _notes() -> Console:
    """Return the console for what is said on standard error; text of others is never markup."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    console = _Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def _write_json(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
