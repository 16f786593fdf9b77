"""A report as a file: a page that needs nothing else, the chart alone, or a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import IO, Any

from skillgap.export import charts, phrases
from skillgap.export.spreadsheet import Sheet, write_book
from skillgap.files import atomic_write, check_ending
from skillgap.models import GapReport, GapSummary, Provenance, SkillGap
from skillgap.web import view

_COLUMNS: tuple[tuple[str, int, Callable[[SkillGap], Any]], ...] = (
    ("Skill", 34, lambda row: row.element_name),
    ("How sure", 20, lambda row: phrases.VERDICTS[phrases.certainty(row)]),
    ("Gap", 9, lambda row: row.gap),
    ("Gap, lower 95 %", 16, lambda row: row.gap_lower),
    ("Gap, upper 95 %", 16, lambda row: row.gap_upper),
    ("p", 10, lambda row: row.p_value),
    ("Level now", 11, lambda row: row.from_data_value),
    ("Level asked", 11, lambda row: row.to_data_value),
    ("Importance", 11, lambda row: row.importance),
    ("Now: source", 12, lambda row: row.from_source),
    ("Now: date", 10, lambda row: row.from_date_updated),
    ("Asked: source", 13, lambda row: row.to_source),
    ("Asked: date", 11, lambda row: row.to_date_updated),
    ("Now means", 60, lambda row: row.from_anchors and phrases.meaning(row.from_anchors)),
    ("Asked means", 60, lambda row: row.to_anchors and phrases.meaning(row.to_anchors)),
    ("Element", 12, lambda row: row.element_id),
)


def write_report(report: GapReport, file: Path, *, only_sure: bool, made: date) -> None:
    """Write a report, whole or not at all, as the file's name says. Raises ConfigurationError (another ending)."""
    check_ending(file, WRITERS)
    current, target = report.from_occupation.onet_soc_code, report.to_occupation.onet_soc_code
    question = view.Question(current, target, sure=only_sure)
    with atomic_write(file) as out:
        WRITERS[file.suffix](report, question, made, out)


def _write_html(report: GapReport, question: view.Question, made: date, out: IO[bytes]) -> None:
    shown = question.shown(report)
    svg = charts.draw(charts.chart_of(shown, "page"), "svg") if shown.skill_gaps else b""
    out.write(view.report(question, report, svg.decode(), made).encode())


def _write_svg(report: GapReport, question: view.Question, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.standalone_chart(question.shown(report)), "svg"))


def _write_png(report: GapReport, question: view.Question, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.standalone_chart(question.shown(report)), "png"))


def _write_xlsx(report: GapReport, question: view.Question, made: date, out: IO[bytes]) -> None:
    shown = question.shown(report)
    columns = [(header, width) for header, width, _ in _COLUMNS]
    sheets = [
        Sheet(name, columns, [[value(row) for _, _, value in _COLUMNS] for row in rows])
        for name, rows in (("Gaps", shown.skill_gaps), ("Beyond what is asked", shown.surplus_skills))
    ]
    write_book(out, sheets, [*_facts(report), *sources(report.provenance, made)])


def _facts(report: GapReport) -> list[tuple[str, Any]]:
    summary, provenance = report.summary, report.provenance
    return [
        ("From", phrases.name_of(report.from_occupation)),
        ("To", phrases.name_of(report.to_occupation)),
        ("In words", " ".join(phrases.in_plain_words(report))),
        ("Predicted levels", phrases.predictions_line(phrases.predicted(report), provenance.predictions)),
        ("Compared", summary.skills_compared),
        ("Gaps", summary.gaps),
        ("Gaps that are sure", _or_why("distinguishable_gaps", summary)),
        ("Weighted shortfall", _or_why("weighted_shortfall", summary)),
        ("Percentile of that", _or_why("shortfall_percentile", summary)),
        ("Job Zone step", _or_why("job_zone_step", summary)),
    ]


def _or_why(name: str, summary: GapSummary) -> Any:
    """Return a figure, or why it is not known."""
    return summary.unavailable.get(name, getattr(summary, name))


def sources(provenance: Provenance, made: date) -> list[tuple[str, Any]]:
    """Return what a spreadsheet says of where its figures come from."""
    return [
        ("O*NET release", provenance.release),
        ("Month of the release", provenance.release_date),
        ("Data version", provenance.data_version),
        ("Made on", f"{made}"),
        ("Credit", phrases.source_line(provenance)),
        ("Licence of the data", provenance.licence),
    ]


WRITERS = {".html": _write_html, ".svg": _write_svg, ".png": _write_png, ".xlsx": _write_xlsx}
