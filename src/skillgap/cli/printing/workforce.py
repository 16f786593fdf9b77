"""What became of many people or positions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from skillgap.cli.printing.console import NAMED, answer_console, notes_console, plain_table, write_json
from skillgap.export import phrases
from skillgap.models import TargetView, WorkforceReport

if TYPE_CHECKING:
    from skillgap.batch import BatchReport, Columns


def print_batch(report: BatchReport, columns: Columns, output: Path) -> None:
    """Say on standard error what became of a batch."""
    out = notes_console()
    parts = "1 part was" if report.parts_there == 1 else f"{report.parts_there:,} parts were"
    there = f"; {parts} there" if report.parts_there else ""
    out.print(f"{output}: {report.rows:,} rows read, {report.lines:,} lines written{there}")
    for note in _column_notes(columns):
        out.print(f"  {note}")
    if report.rejected:
        out.print(f"  {report.rejected.total():,} rows could not be answered; the files *.rejects.csv have each:")
    for reason, count in report.rejected.most_common(NAMED):
        out.print(f"  {count:,} {reason}")


def _column_notes(columns: Columns) -> Iterator[str]:
    """List the columns of the input that were missing, unused or empty."""
    if columns.occupation is None:
        suggestion = f"; {columns.suggestion}" if columns.suggestion else ""
        yield f"no column 'occupation', so rows are compared by their own levels alone{suggestion}"
    if columns.unused:
        yield f"columns not used: {', '.join(columns.unused)}"
    if columns.empty:
        yield f"columns without any level: {', '.join(columns.empty)}"


def print_workforce(report: WorkforceReport, columns: Columns, *, as_json: bool) -> None:
    """Print what a population lacks for each target, and whom to retrain; what was not used, on standard error."""
    notes = notes_console()
    for note in _column_notes(columns):
        notes.print(note)
    for reason, count in list(report.rejected.items())[:NAMED]:
        notes.print(f"not compared: {count:,} {reason}")
    if as_json:
        write_json(report)
        return
    out = answer_console()
    also = f"; {rejected:,} more could not be compared" if (rejected := sum(report.rejected.values())) else ""
    out.print(f"{report.people:,} people, {report.with_own_levels:,} of them with own levels{also}.")
    for view in report.targets:
        out.print()
        out.print(Text.assemble("To    ", (phrases.name_of(view.to_occupation), "bold")))
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
    out.print(phrases.source_line(report.provenance), style="dim")


def _of_a_target(view: TargetView, *, has_others: bool) -> Iterator[str]:
    if view.without_sure_gap is not None:
        yield f"{view.without_sure_gap:,} of {view.people:,} people have no gap beyond rater noise."
    if view.incumbents:
        yield f"{view.incumbents:,} are in this occupation already."
    if view.known_in_part:
        yield f"Some levels of {view.known_in_part:,} are unknown."
    if view.untested:
        yield f"Of {view.untested:,} no gap could be tested: their ratings have no standard errors."
    if has_others:
        yield f"It is the nearest target of {view.cheapest_for:,}."
    of = view.shortfall
    if of:
        yield f"Weighted shortfall: median {of.median:.2f} levels, {of.p10:.2f} to {of.p90:.2f} for the middle 80 %."


def _lacking_table(view: TargetView) -> Table:
    table = plain_table()
    table.add_column("Who lacks what", no_wrap=True)
    for header in ("Lack", "Share", "Gap, median", "May lack", "Unknown"):
        table.add_column(header, justify="right")
    for skill in view.skills[:NAMED]:
        gap = f"{skill.gap.median:.2f}" if skill.gap else ""
        lack = "–" if skill.lacking is None else f"{skill.lacking:,}"
        share = "–" if skill.share is None else phrases.percent_cell(100.0 * skill.share, decimals=1).replace(" ", "")
        table.add_row(skill.element_name, lack, share, gap, f"{skill.may_be_chance:,}", f"{skill.unknown:,}")
    return table


def _conversions_table(view: TargetView) -> Table:
    table = plain_table()
    table.add_column("Whom to retrain", no_wrap=True)
    table.add_column("From")
    table.add_column("Cost", justify="right")
    table.add_column("Lacks")
    for each in view.conversions:
        home = each.from_occupation.title if each.from_occupation else phrases.OWN_LEVELS_ALONE
        unknown = f" ({each.unknown} levels unknown)" if each.unknown else ""
        lacking = "not known" if each.lacking is None else ", ".join(each.lacking) or "nothing for sure"
        table.add_row(each.id, home, f"{each.cost:.2f}", lacking + unknown)
    return table
