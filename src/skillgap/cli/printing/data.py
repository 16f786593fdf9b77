"""Output of load, fetch, diff, status and doctor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from skillgap.cli.printing.console import answer_console, notes_console, some, write_json
from skillgap.escaping import lines_of
from skillgap.export import phrases
from skillgap.models import GapChange, MissingData, ReleaseChanges, ReleaseDiff
from skillgap.models.status import missing_lines

if TYPE_CHECKING:
    from skillgap.config.doctor import Check
    from skillgap.models import Status
    from skillgap.nodes.database import LoadReport
    from skillgap.sources.text_files import OnetData
    from skillgap.sources.web_services.tables import OnetApiData


def print_load(data: OnetData, report: LoadReport, missing: Sequence[MissingData]) -> None:
    """Print the changes of a load, skipped tables, warnings and missing inputs to standard error."""
    _print_changes(f"O*NET {data.release.number} loaded", report)
    out = notes_console()
    for table, reason in data.left_out.items():
        out.print(f"  {table} skipped, so it has no rows: {reason}")
    for warning in data.warnings:
        out.print(f"  warning: {warning}")
    if missing:
        out.print("missing, compared with a complete release:")
        for line in missing_lines(missing):
            out.print(f"  {line}")


def print_fetch(data: OnetApiData, report: LoadReport, *, dry_run: bool) -> None:
    """Print the changes of a fetch, or of a dry run, to standard error."""
    outcome = "compared, nothing stored" if dry_run else "stored"
    source = f"O*NET Web Services {data.api_version}, release {data.release.number}"
    _print_changes(f"{source}, {data.requests:,} requests, {outcome}", report)
    if data.from_reports:
        notes_console().print(
            "  this account has no access to the Database Services: only importances are available, no levels or gaps"
        )


def _print_changes(title: str, report: LoadReport) -> None:
    out = notes_console()
    rows = ", ".join(f"{table.rows:,} {table.table}" for table in report.tables if table.rows)
    out.print(f"{title}: {rows}")
    if not report.rows_changed:
        out.print("nothing changed: the database is up to date")
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
    for codes, label in ((newly_rated, "newly rated"), (no_longer_rated, "no longer rated")):
        if codes:
            yield f"{label}: {some(codes)}"


def _change_lines(changes: ReleaseChanges) -> Iterator[str]:
    """Yield the differences between two releases as text."""
    if changes.taxonomies:
        old, new = changes.taxonomies
        yield f"taxonomy: O*NET-SOC {old} to {new}; {len(changes.recoded):,} occupations only changed their code"
    yield from _rated_lines(changes.newly_rated, changes.no_longer_rated)
    beyond = changes.beyond_noise
    if changes.levels_changed and beyond is None:
        yield (
            f"levels changed: {changes.levels_changed:,}; without standard errors in both releases, it is unknown "
            "which changes exceed rater noise"
        )
    elif changes.levels_changed and beyond is not None:
        untestable = f" ({changes.levels_untestable:,} cannot be tested)" if changes.levels_untestable else ""
        yield f"levels changed beyond rater noise: {len(beyond):,} of {changes.levels_changed:,}{untestable}"
    if beyond:
        yield some(
            [f"{change.title}, {change.element_name} {change.before:.2f} to {change.after:.2f}" for change in beyond],
            "; ",
        )
    if changes.pairs_compared:
        yield (
            f"pairs of occupations whose clear gaps differ: {changes.pairs_changed:,} of {changes.pairs_compared:,} "
            "with a changed level"
        )


def print_diff(answer: ReleaseDiff, only: str | None, *, as_json: bool) -> None:
    """Print the differences between two releases, or those of one occupation."""
    changes = answer.changes
    if as_json:
        write_json({**vars(changes), "provenance": answer.provenance})
        return
    out = answer_console()
    releases = (release.number if release else "?" for release in (changes.before, changes.after))
    scope = (f", {answer.titles[only]} ({only})" if only in answer.titles else f", {only}") if only else ""
    out.print(Text.assemble(("O*NET " + " to ".join(releases), "bold"), f", {changes.domain.replace('_', ' ')}{scope}"))
    lines = list(_change_lines(changes))
    for line in lines or ["no changes in levels or in the set of rated occupations"]:
        out.print(line)
    if only and changes.gap_changes:
        out.print()
        for change in changes.gap_changes:
            out.print(_gap_change_line(change, only, answer.titles), soft_wrap=True)
    out.print()
    out.print(phrases.source_line(answer.provenance), style="dim")


def _gap_change_line(change: GapChange, only: str, titles: Mapping[str, str]) -> str:
    is_from = change.from_onet_soc_code == only
    title = titles[change.to_onet_soc_code if is_from else change.from_onet_soc_code]
    skills = [*(f"+{name}" for name in change.new), *(f"-{name}" for name in change.gone)]
    return f"{'to' if is_from else 'from'} {title}: {', '.join(skills)}"


def print_status(status: Status, *, unrated: bool, as_json: bool) -> None:
    """Print the contents of the database."""
    if as_json:
        write_json(asdict(status))
        return
    out = answer_console()
    if not status.data_version:
        out.print("nothing is loaded; run `skillgap load starter` or load a release")
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
    for model in status.models:
        shown = "" if model.is_active else " (not shown)"
        out.print(f"predicted       {model.occupations:,} occupations by {model.predictions.model}{shown}")
    out.print(f"rows            {', '.join(f'{count:,} {name}' for name, count in status.tables.items() if count)}")
    for place, line in enumerate(missing_lines(status.missing)):
        out.print(f"{'' if place else 'missing':16}{line}", soft_wrap=True)
    if unrated:
        for code, title in status.unrated:
            out.print(f"{code}  {title}")


def print_checks(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print the results of the doctor's checks, one per line."""
    if as_json:
        write_json([asdict(check) for check in checks])
        return
    out = answer_console()
    width = max(len(check.name) for check in checks)
    for check in checks:
        for line in lines_of(f"{check.outcome:7}  {check.name:{width}}  {check.detail}"):
            out.print(line, soft_wrap=True)
