"""A gap as a file: an HTML report, its chart or a workbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import IO, Any

from skillgap.export import charts, phrases
from skillgap.export.rows import select_rows
from skillgap.export.writers import Sheet, write_workbook
from skillgap.files import atomic_write, check_ending
from skillgap.models import GapReport, GapSummary, Provenance, SkillGap

_COLUMNS: tuple[tuple[str, int, Callable[[SkillGap], Any]], ...] = (
    ("Skill", 34, lambda row: row.element_name),
    ("Certainty", 20, lambda row: phrases.verdict(row)),
    ("Gap", 9, lambda row: row.gap),
    ("Agreement", 11, lambda row: row.agreement),
    ("Gap, lower 95%", 16, lambda row: row.gap_lower),
    ("Gap, upper 95%", 16, lambda row: row.gap_upper),
    ("p", 10, lambda row: row.p_value),
    ("Current level", 13, lambda row: row.from_data_value),
    ("Target level", 12, lambda row: row.to_data_value),
    ("Importance", 11, lambda row: row.importance),
    ("Current: source", 15, lambda row: row.from_source),
    ("Current: date", 13, lambda row: row.from_date_updated),
    ("Target: source", 14, lambda row: row.to_source),
    ("Target: date", 12, lambda row: row.to_date_updated),
    ("Current: meaning", 60, lambda row: row.from_anchors and phrases.meaning(row.from_anchors)),
    ("Target: meaning", 60, lambda row: row.to_anchors and phrases.meaning(row.to_anchors)),
    ("Element ID", 12, lambda row: row.element_id),
)


def write_report(report: GapReport, file: Path, *, only_sure: bool, made: date) -> None:
    """Write a report in the format that the file's suffix names. Readers see the whole file or none.

    `only_sure` leaves out gaps that are not distinguishable. Raises ConfigurationError (another suffix, or the extra
    `report` is not installed).
    """
    check_ending(file, WRITERS)
    with atomic_write(file) as out:
        WRITERS[file.suffix](report, only_sure, made, out)


def _write_html(report: GapReport, only_sure: bool, made: date, out: IO[bytes]) -> None:
    from skillgap.export.html import report_page

    shown = select_rows(report, only_sure=only_sure)
    svg = charts.draw(charts.chart_of(shown, "page"), "svg") if shown.skill_gaps else b""
    out.write(report_page(report, svg.decode(), made=made, only_sure=only_sure).encode())


def _write_svg(report: GapReport, only_sure: bool, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.standalone_chart(select_rows(report, only_sure=only_sure)), "svg"))


def _write_png(report: GapReport, only_sure: bool, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.standalone_chart(select_rows(report, only_sure=only_sure)), "png"))


def _write_xlsx(report: GapReport, only_sure: bool, made: date, out: IO[bytes]) -> None:
    shown = select_rows(report, only_sure=only_sure)
    columns = [(header, width) for header, width, _ in _COLUMNS]
    sheets = [
        Sheet(name, columns, [[value(row) for _, _, value in _COLUMNS] for row in rows])
        for name, rows in (("Gaps", shown.skill_gaps), ("Surplus", shown.surplus_skills))
    ]
    write_workbook(sheets, [*_facts(report), *sources(report.provenance, made)], out)


def _facts(report: GapReport) -> list[tuple[str, Any]]:
    summary, provenance = report.summary, report.provenance
    return [
        ("Current occupation", phrases.name_of(report.from_occupation)),
        ("Target occupation", phrases.name_of(report.to_occupation)),
        ("Summary", " ".join(phrases.in_plain_words(report))),
        ("Predicted levels", phrases.predictions_line(phrases.predicted(report), provenance.predictions)),
        ("Compared", summary.skills_compared),
        ("Gaps", summary.gaps),
        ("Clear gaps", _or_reason("distinguishable_gaps", summary)),
        ("Likely gaps", _or_reason("likely_gaps", summary)),
        ("Weighted shortfall", _or_reason("weighted_shortfall", summary)),
        ("Shortfall from rater noise alone", _or_reason("noise_shortfall", summary)),
        ("Shortfall percentile", _or_reason("shortfall_percentile", summary)),
        ("Shortfall percentile, lower 95%", _or_reason("shortfall_percentile_lower", summary)),
        ("Shortfall percentile, upper 95%", _or_reason("shortfall_percentile_upper", summary)),
        ("Job Zone step", _or_reason("job_zone_step", summary)),
    ]


def _or_reason(name: str, summary: GapSummary) -> Any:
    """Return a figure of the summary, or the reason why it is unknown."""
    return summary.unavailable.get(name, getattr(summary, name))


def sources(provenance: Provenance, made: date) -> list[tuple[str, Any]]:
    """Return the facts about a workbook's sources, for its last sheet."""
    return [
        ("O*NET release", provenance.release),
        ("Release month", provenance.release_date),
        ("Data version", provenance.data_version),
        ("Created on", f"{made}"),
        ("Credit", phrases.source_line(provenance)),
        ("Data license", provenance.licence),
    ]


WRITERS = {".html": _write_html, ".svg": _write_svg, ".png": _write_png, ".xlsx": _write_xlsx}
