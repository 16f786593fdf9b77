"""Answers as HTML: the report as one file, and a report's gaps for a notebook.

The page builds on the same templates, see `make_environment`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from skillgap.export import charts, phrases
from skillgap.export.phrases import Report
from skillgap.export.rows import Order, order_in_words, select_rows
from skillgap.extras import needs
from skillgap.models import GapReport
from skillgap.onet.domains import NOUNS
from skillgap.version import __version__

with needs("report"):
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup


@dataclass(frozen=True)
class GapSection:
    """The parts of an answer that `gap.html` renders."""

    report: Report
    shown: Report
    """The report with the rows that are shown, in their order."""
    order: Order
    title: str
    sentences: list[str]
    """The answer in plain words."""
    caption: str
    """Caption of the table of gaps."""
    not_compared: str | None
    has_percentile: bool
    """Whether the shortfall is ranked among all moves."""


def gap_section(report: Report, *, only_sure: bool = False, order: Order = "weight") -> GapSection:
    """Return the parts of a report's answer, with only the rows asked for."""
    target = report.to_occupation.title
    start = report.from_occupation.title if isinstance(report, GapReport) else None
    plural = NOUNS[report.domain][1].capitalize()
    return GapSection(
        report=report,
        shown=select_rows(report, only_sure=only_sure, order=order),
        order=order,
        title=f"From {start} to {target}" if start else f"Your gap to {target}",
        sentences=phrases.in_plain_words(report),
        caption=f"{plural} in which {target} need a higher level than {start or 'you have'}, "
        f"{order_in_words(order, report)}.",
        not_compared=phrases.not_compared_line(report),
        has_percentile=report.summary.shortfall_percentile is not None
        and report.from_occupation != report.to_occupation,
    )


def report_page(report: GapReport, svg: str, *, made: date, only_sure: bool = False, order: Order = "weight") -> str:
    """Return a report as one self-contained HTML file; `svg` is its chart, empty for none."""
    return _render("report.html", **report_context(report, svg, made=made, only_sure=only_sure, order=order))


def report_context(report: GapReport, svg: str, *, made: date, only_sure: bool, order: Order) -> dict[str, Any]:
    """Return the variables of `report.html`."""
    return {
        "section": gap_section(report, only_sure=only_sure, order=order),
        "svg": Markup(svg),  # noqa: S704 - drawn by vl-convert, which escapes
        "style": Markup(stylesheet()),  # noqa: S704 - our own
        "version": __version__,
        "made": made,
    }


def notebook_html(report: Report) -> str:
    """Return a report's gaps as an HTML fragment, styled by the notebook that shows it."""
    return _render("notebook.html", report=report)


@lru_cache
def stylesheet() -> str:
    """Return the stylesheet of the report and of the page."""
    return files("skillgap.export").joinpath("static/style.css").read_text("utf-8")


def make_environment(*packages: str) -> Environment:
    """Return a Jinja environment with the templates of these packages and of this one, and with the phrases."""
    loader = ChoiceLoader([PackageLoader(package) for package in (*packages, "skillgap.export")])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, auto_reload=False)
    environment.globals |= {
        "certainty": phrases.certainty,
        "gaps_in_words": phrases.gaps_in_words,
        "in_one_sentence": phrases.in_one_sentence,
        "level": phrases.level,
        "most_rows": charts.MOST_ROWS,
        "name_of": phrases.name_of,
        "not_compared_line": phrases.not_compared_line,
        "noun": lambda domain: NOUNS[domain][0].capitalize(),
        "number": phrases.number,
        "percent": phrases.percent,
        "percentile_in_words": phrases.percentile_in_words,
        "predicted": phrases.predicted,
        "predictions_line": phrases.predictions_line,
        "source_line": phrases.source_line,
        "start_of": phrases.start_of,
        "unavailable_lines": phrases.unavailable_lines,
        "verdict": phrases.verdict,
    }
    return environment


@lru_cache
def _environment() -> Environment:
    return make_environment()


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(values)
