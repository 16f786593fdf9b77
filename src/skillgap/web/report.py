"""A report as a file: a page that needs nothing else, the chart alone, or a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import IO, Any

from skillgap import wording
from skillgap.errors import ConfigurationError
from skillgap.files import whole_file
from skillgap.model import GapReport, SkillGap
from skillgap.web import charts, page

_COLUMNS: tuple[tuple[str, int, Callable[[SkillGap], Any]], ...] = (
    ("Skill", 34, lambda row: row.element_name),
    ("How sure", 20, lambda row: wording.VERDICTS[wording.sureness(row)]),
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
    ("Now means", 60, lambda row: row.from_anchors and wording.meaning(row.from_anchors)),
    ("Asked means", 60, lambda row: row.to_anchors and wording.meaning(row.to_anchors)),
    ("Element", 12, lambda row: row.element_id),
)


def write_report(report: GapReport, file: Path, *, only_sure: bool, made: date) -> None:
    """Write a report, whole or not at all, as the file's name says. Raises ConfigurationError (another ending)."""
    write = _WRITERS.get(file.suffix)
    if write is None:
        raise ConfigurationError(f"{file}: write to a file named {', '.join(_WRITERS)}")
    current, target = report.from_occupation.onet_soc_code, report.to_occupation.onet_soc_code
    question = page.Question(current, target, sure=only_sure)
    with whole_file(file) as out:
        write(report, question, made, out)


def _write_html(report: GapReport, question: page.Question, made: date, out: IO[bytes]) -> None:
    shown = question.shown(report)
    svg = charts.draw(charts.chart_of(shown, "page"), "svg") if shown.skill_gaps else b""
    out.write(page.report(question, report, svg.decode(), made).encode())


def _write_svg(report: GapReport, question: page.Question, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(_alone(question.shown(report)), "svg"))


def _write_png(report: GapReport, question: page.Question, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(_alone(question.shown(report)), "png"))


def _alone(report: wording.Report) -> dict[str, Any]:
    """Return a chart that says itself what it is of and where its figures come from."""
    provenance = report.provenance
    release = f"O*NET {provenance.release}" if provenance.release else "O*NET Web Services"
    sources = (f"{release} (USDOL/ETA, CC BY 4.0), modified by skillgap", f"data version {provenance.data_version}")
    spec = charts.chart_of(report, "light")
    empty = [] if report.skill_gaps else ["There is no gap to show."]
    title = {
        "text": f"From {wording.start_of(report)}",
        "subtitle": [f"to {wording.name_of(report.to_occupation)}", "; ".join(sources), *empty],
        "anchor": "start",
    }
    return {**spec, "title": title, "background": "white"}


def _write_xlsx(report: GapReport, question: page.Question, made: date, out: IO[bytes]) -> None:
    from xlsxwriter import Workbook

    shown = question.shown(report)
    # Text of a source is never a formula or a link, whatever it begins with.
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for name, rows in (("Gaps", shown.skill_gaps), ("Beyond what is asked", shown.surplus_skills)):
            sheet = book.add_worksheet(name)
            for column, (header, width, value) in enumerate(_COLUMNS):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, header, bold)
                for line, row in enumerate(rows, start=1):
                    sheet.write(line, column, value(row), wrapped)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, max(len(rows), 1), len(_COLUMNS) - 1)
        sheet = book.add_worksheet("Sources")
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 110, wrapped)
        known = [(name, value) for name, value in _facts(report, made) if value is not None]
        for line, (name, value) in enumerate(known):
            sheet.write_string(line, 0, name, bold)
            sheet.write(line, 1, value)


def _facts(report: GapReport, made: date) -> list[tuple[str, Any]]:
    summary, provenance = report.summary, report.provenance
    facts = [
        ("From", wording.name_of(report.from_occupation)),
        ("To", wording.name_of(report.to_occupation)),
        ("In words", " ".join(wording.in_plain_words(report))),
        ("Compared", summary.skills_compared),
        ("Gaps", summary.gaps),
        ("Gaps that are sure", summary.distinguishable_gaps),
        ("Weighted shortfall", summary.weighted_shortfall),
        ("Percentile of that", summary.shortfall_percentile),
        ("Job Zone step", summary.job_zone_step),
        ("O*NET release", provenance.release),
        ("Month of the release", provenance.release_date),
        ("Data version", provenance.data_version),
        ("Made on", f"{made}"),
        ("Credit", wording.source_line(provenance)),
        ("Licence of the data", provenance.licence),
    ]
    if (predicted := wording.predicted(report)) and provenance.predictions:
        facts.insert(3, ("Predicted levels", wording.predictions_line(predicted, provenance.predictions)))
    return facts


_WRITERS = {".html": _write_html, ".svg": _write_svg, ".png": _write_png, ".xlsx": _write_xlsx}
