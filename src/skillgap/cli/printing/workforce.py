"""Output of batch and workforce."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from skillgap.cli.printing.console import MAX_NAMES, answer_console, notes_console, plain_table, write_json
from skillgap.export import phrases
from skillgap.models import TargetView, WorkforceReport

if TYPE_CHECKING:
    from skillgap.batch import BatchReport, Columns


def print_batch(report: BatchReport, columns: Columns, output: Path) -> None:
    """Print the outcome of a batch to standard error."""
    out = notes_console()
    parts = "1 part was" if report.parts_there == 1 else f"{report.parts_there:,} parts were"
    resumed = f"; {parts} already complete" if report.parts_there else ""
    out.print(f"{output}: {report.rows:,} rows read, {report.lines:,} lines written{resumed}")
    for note in _column_notes(columns):
        out.print(f"  {note}")
    if report.rejected:
        out.print(f"  {report.rejected.total():,} rows could not be answered; *.rejects.csv lists them:")
    for reason, count in report.rejected.most_common(MAX_NAMES):
        out.print(f"  {count:,} {reason}")


def _column_notes(columns: Columns) -> Iterator[str]:
    """Yield notes on missing, unused and empty columns of the input."""
    if columns.occupation is None:
        suggestion = f"; {columns.suggestion}" if columns.suggestion else ""
        yield f"no column 'occupation': rows are compared by their own levels only{suggestion}"
    if columns.unused:
        yield f"columns not used: {', '.join(columns.unused)}"
    if columns.empty:
        yield f"columns without any level: {', '.join(columns.empty)}"


def print_workforce(report: WorkforceReport, columns: Columns, *, as_json: bool) -> None:
    """Print the skills lacking for each target and whom to retrain; unused columns go to standard error."""
    notes = notes_console()
    for note in _column_notes(columns):
        notes.print(note)
    for reason, count in list(report.rejected.items())[:MAX_NAMES]:
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
        out.print(" ".join(_target_lines(view, has_others=len(report.targets) > 1)))
        out.print()
        out.print(_lacking_table(view))
        if view.conversions:
            out.print()
            out.print(_conversions_table(view))
    out.print()
    out.print(
        "Lack: the gap is clear. May lack: the gap is likely or open. Cost: weighted mean of the clear and untested "
        "gaps, in levels.",
        style="dim",
    )
    out.print(phrases.source_line(report.provenance), style="dim")


def _target_lines(view: TargetView, *, has_others: bool) -> Iterator[str]:
    if view.without_sure_gap is not None:
        yield f"{view.without_sure_gap:,} of {view.people:,} people have no clear gap."
    if view.incumbents:
        yield f"{view.incumbents:,} are already in this occupation."
    if view.known_in_part:
        yield f"Some levels of {view.known_in_part:,} are unknown."
    if view.untested:
        yield f"For {view.untested:,}, no gap could be tested, because the ratings have no standard errors."
    if has_others:
        yield f"It is the nearest target of {view.cheapest_for:,}."
    if shortfall := view.shortfall:
        yield (
            f"Weighted shortfall: median {shortfall.median:.2f} levels, {shortfall.p10:.2f} to {shortfall.p90:.2f} for "
            "the middle 80 %."
        )


def _lacking_table(view: TargetView) -> Table:
    table = plain_table()
    table.add_column("Who lacks what", no_wrap=True)
    for header in ("Lack", "Share", "Gap, median", "May lack", "Unknown"):
        table.add_column(header, justify="right")
    for skill in view.skills[:MAX_NAMES]:
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
    for person in view.conversions:
        current = person.from_occupation.title if person.from_occupation else phrases.OWN_LEVELS_ALONE
        unknown = f" ({person.unknown} levels unknown)" if person.unknown else ""
        lacking = "unknown" if person.lacking is None else ", ".join(person.lacking) or "nothing clear"
        table.add_row(person.id, current, f"{person.cost:.2f}", lacking + unknown)
    return table
