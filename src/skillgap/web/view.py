"""The pages as HTML: a question and its answer in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, get_args
from urllib.parse import urlencode

from jinja2 import Environment

from skillgap.export import charts, html, phrases
from skillgap.export.phrases import Report
from skillgap.export.rows import Order, select_rows
from skillgap.models import (
    GapReport,
    ListedOccupation,
    Occupation,
    PathReport,
    Provenance,
    RatingsChoice,
    SkillRating,
    Transition,
    TransitionBasis,
)
from skillgap.onet.domains import LABELS, DomainChoice
from skillgap.web import assets

EXAMPLE = ("29-1141.00", "11-9111.00")
"""Current and target occupation of the example on the start page."""


class Unknown(NamedTuple):
    """A parameter that the page does not have."""

    name: str
    value: str
    near: str
    """The parameter with the most similar name; empty if none is similar."""


@dataclass(frozen=True)
class Question:
    """A visitor's question. The page's address holds all of it, so a shared address shows the same page."""

    current: str = ""
    """Code of the current occupation, or the text typed for it; empty if there is none."""
    target: str = ""
    """Code or text of the target occupation."""
    domain: DomainChoice = "skills"
    ratings: RatingsChoice = "onet+llm"
    sure: bool = False
    """Whether only clear gaps are shown."""
    order: Order = "weight"
    titles: tuple[str, str] = ("", "")
    """Titles of the current and the target occupation, empty if unknown."""
    offered: tuple[str, ...] = ("skills",)
    """The domains that have ratings."""
    unknown: tuple[Unknown, ...] = ()
    """Parameters of the address that the page does not have."""

    @property
    def current_text(self) -> str:
        """Text of the search field for the current occupation."""
        return self.titles[0] or self.current

    @property
    def target_text(self) -> str:
        """Text of the search field for the target occupation."""
        return self.titles[1] or self.target

    @property
    def is_narrowed(self) -> bool:
        """Whether any option differs from its default."""
        return (self.domain, self.ratings, self.sure) != ("skills", "onet+llm", False)

    def address(self, path: str = "/", **changes: Any) -> str:
        """Return the address of this question with some changes; defaults are left out."""
        question = replace(self, **changes)
        parameters = {
            "from": question.current,
            "to": question.target,
            "domain": question.domain,
            "ratings": question.ratings,
            "sure": "yes" if question.sure else "",
            "order": question.order,
        }
        defaults = {"domain": "skills", "ratings": "onet+llm", "order": "weight"}
        query = urlencode({name: value for name, value in parameters.items() if value and value != defaults.get(name)})
        return f"{path}?{query}" if query else path

    def address_with_unknown(self, path: str, **changes: Any) -> str:
        """Return the address of a changed question with its unknown parameters, which the page there reports."""
        address = self.address(path, **changes)
        rest = urlencode([(name, value) for name, value, _ in self.unknown])
        return f"{address}{'&' if '?' in address else '?'}{rest}" if rest else address

    def api_address(self) -> str:
        """Return the address of the same answer in the API."""
        return replace(self, sure=False, order="weight").address("/skill-gap")

    def order_addresses(self) -> dict[str, str]:
        """Return the address of this question for each order of the table."""
        return {order: self.address(order=order) for order in get_args(Order)}

    def shown(self, report: Report) -> Report:
        """Return a report with the rows that the question asks for, in its order."""
        return select_rows(report, only_sure=self.sure, order=self.order)


class Slider(NamedTuple):
    """A slider for a person's own level."""

    element_id: str
    element_name: str
    usual: float
    """The occupation's level, rounded to an eighth."""
    level: float
    """The person's level."""

    @property
    def is_own(self) -> bool:
        """Whether the person's level differs from the occupation's."""
        return self.level != self.usual


class Choice(NamedTuple):
    """A text that matches several occupations or none."""

    text: str
    hits: list[tuple[ListedOccupation, str]]
    """The occupations, each with the address that selects it."""


def start(question: Question, provenance: Provenance | None, occupations: dict[str, Occupation]) -> str:
    """Return the start page."""
    titles = [occupations[code].title for code in EXAMPLE if code in occupations]
    example = Question(*EXAMPLE).address() if len(titles) == len(EXAMPLE) else None
    return _page(
        "start.html", question=question, provenance=provenance, example=example, example_title=" to ".join(titles)
    )


def answer(question: Question, report: Report, similar: Sequence[Transition] | None) -> str:
    """Return the page of a gap; `similar` occupations are those of the current one, None if not yet known."""
    return _page("answer.html", question=question, similar=similar, **_result(question, report))


def occupation(
    question: Question,
    occupation: Occupation,
    skills: list[SkillRating],
    similar: Sequence[Transition],
    basis: TransitionBasis | None,
    provenance: Provenance,
    *,
    zone_name: str | None,
) -> str:
    """Return the page of one occupation: the skills it needs and, if it is the current one, similar occupations.

    `zone_name` is the release's name of its Job Zone, None if not loaded.
    """
    title = f"Where {occupation.title} can go" if question.current else f"What {occupation.title} need"
    return _page(
        "occupation.html",
        question=question,
        title=title,
        occupation=occupation,
        skills=skills,
        similar=similar,
        basis=basis,
        provenance=provenance,
        zone_name=zone_name,
    )


def choose(question: Question, choices: list[Choice], provenance: Provenance) -> str:
    """Return the page that asks which occupation a text means."""
    has_hits = any(choice.hits for choice in choices)
    return _page("choose.html", question=question, texts=choices, has_hits=has_hits, provenance=provenance)


def paths(question: Question, report: PathReport) -> str:
    """Return the page of paths in small moves."""
    return _page(
        "path.html",
        question=question,
        title=f"Paths from {report.from_occupation.title} to {report.to_occupation.title}",
        report=report,
        paths=[(path, _step_addresses(question, path.steps)) for path in report.paths],
        provenance=report.provenance,
    )


def _step_addresses(question: Question, steps: Iterable[Any]) -> list[str]:
    codes = [question.current, *(step.occupation.onet_soc_code for step in steps)]
    return [question.address(current=a, target=b) for a, b in pairwise(codes)]


def own(question: Question, current: Occupation, sliders: list[Slider], report: Report) -> str:
    """Return the page of a person's own levels."""
    result = {**_result(question, report), "links": None}
    return _page("own.html", question=question, current=current, sliders=sliders, **result)


def problem(code: str, detail: str, question: Question) -> str:
    """Return the page of an error, by the code and detail of its problem document."""
    title, advice = _PROBLEMS.get(code, _ANY_PROBLEM)
    instead = None
    if code == "unrated-occupation" and question.ratings != "onet+llm":
        instead = question.address(ratings="onet+llm")
    shown = {"title": title, "detail": detail[:1].upper() + detail[1:], "advice": advice, "instead": instead}
    return _page("problem.html", question=question, provenance=None, **shown)


_ANY_PROBLEM = ("This question cannot be answered", "Go back to the start page and try again.")
_PROBLEMS = {
    "unknown-occupation": ("Unknown occupation", "Search for it by job title, or try a similar one."),
    "invalid-code": ("This is not an occupation code", "Search for the occupation by job title, or try a similar one."),
    "unrated-occupation": (
        "This occupation has no levels",
        "Without levels, there is nothing to compare. Try a similar occupation.",
    ),
    "invalid-parameter": ("Something in this address is invalid", "Ask again with the form below."),
    "missing-input": (
        "This needs data that are not loaded",
        "The operator of this service can list missing data with skillgap status.",
    ),
    "unknown-parameter": ("This address has an unknown parameter", "Ask again with the form below."),
    "overloaded": ("The service is busy", "Wait a few seconds, then reload the page."),
    "no-data": (
        "There is nothing to compare yet",
        "The operator of this service has to load O*NET data first. Everything else works, so try again later.",
    ),
    "not-found": ("Page not found", "You can start again from here."),
    "too-many-requests": ("Too many requests", "Wait a minute, then reload the page."),
    "key-required": (
        "This service requires a key",
        "The operator of this service gives keys to programs. This page cannot send one.",
    ),
    "internal-error": (
        "Something went wrong, and it is not your fault",
        "Try again in a minute. If it happens again, tell the operator of this service what you entered.",
    ),
}
"""Title and advice for each problem code."""


def report(question: Question, report: GapReport, svg: str, made: date) -> str:
    """Return a report as one self-contained file; its style is `report_style`."""
    context = html.report_context(report, svg, made=made, only_sure=question.sure, order=question.order)
    return _page("report_page.html", unknown=question.unknown, **context)


def report_style() -> str:
    """Return the stylesheet inside a report."""
    return html.stylesheet()


def _result(question: Question, report: Report) -> dict[str, Any]:
    """Return the variables of `result.html`."""
    section = html.gap_section(report, only_sure=question.sure, order=question.order)
    return {
        "section": section,
        "title": section.title,
        "report": report,
        "links": question.order_addresses(),
        "chart_rows": charts.chart_rows(section.shown),
        "chart_height": charts.chart_height(min(len(section.shown.skill_gaps), charts.MOST_ROWS)),
        "chart_address": question.address("/chart.svg") if isinstance(report, GapReport) else None,
        "provenance": report.provenance,
    }


_RATINGS = (
    ("onet+llm", "by analysts, or else predicted"),
    ("onet", "by analysts only"),
    ("llm", "predicted only"),
)
_MOST_REASONS = 3


@lru_cache
def _environment() -> Environment:
    environment = html.make_environment("skillgap.web")
    environment.globals |= {
        "asset": assets.address_of,
        "bundle": assets.bundle_address(),
        "dated": phrases.dated,
        "domains": tuple(LABELS.items()),
        "move": phrases.move,
        "percent_cell": phrases.percent_cell,
        "preparation": phrases.preparation,
        "ratings_choices": _RATINGS,
        "reasons_of": _reasons_of,
        "taking": phrases.taking,
    }
    return environment


def _reasons_of(transitions: Iterable[Transition]) -> list[str]:
    """Return the first few reasons why figures of similar occupations are missing."""
    reasons = (line for transition in transitions for line in phrases.unavailable_lines(transition.summary))
    return list(dict.fromkeys(reasons))[:_MOST_REASONS]


def compile_templates() -> None:
    """Compile all templates, so that the first visitor does not wait for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def _page(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(values)
