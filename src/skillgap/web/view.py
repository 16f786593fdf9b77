"""The pages as HTML: what was asked in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from skillgap.export import charts, phrases
from skillgap.export.phrases import Report
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
from skillgap.onet.domains import LABELS, NOUNS, DomainChoice
from skillgap.web import assets

Order = Literal["weight", "name", "now", "asked", "gap", "importance"]
_KEYS = {
    "name": lambda row: row.element_name,
    "now": lambda row: -(row.from_data_value or 0.0),
    "asked": lambda row: -(row.to_data_value or 0.0),
    "gap": lambda row: -abs(row.gap),
    "importance": lambda row: -(row.importance or 0.0),
}
"""Orders of a table other than the report's own."""

EXAMPLE = ("29-1141.00", "11-9111.00")


class Unknown(NamedTuple):
    """A parameter that the page does not have."""

    name: str
    value: str
    near: str
    """The parameter that may be meant; empty where none is alike."""


@dataclass(frozen=True)
class Question:
    """What a visitor asks, as the page's address has it: whoever has the address sees the same."""

    current: str = ""
    """Code of the current occupation, or what was typed for it; empty where nothing was."""
    target: str = ""
    """Likewise."""
    domain: DomainChoice = "skills"
    ratings: RatingsChoice = "onet+llm"
    sure: bool = False
    """Whether only distinguishable differences are shown."""
    order: Order = "weight"
    titles: tuple[str, str] = ("", "")
    """The occupations' titles, where they are known."""
    offered: tuple[str, ...] = ("skills",)
    """The domains that have ratings."""
    has_order: bool = True
    """Whether tables can be put in another order."""
    unknown: tuple[Unknown, ...] = ()
    """Parameters of the address that the page does not have."""

    @property
    def current_text(self) -> str:
        """What the search field has in it."""
        return self.titles[0] or self.current

    @property
    def target_text(self) -> str:
        """Likewise."""
        return self.titles[1] or self.target

    @property
    def is_narrowed(self) -> bool:
        """Whether something other than usual is compared."""
        return (self.domain, self.ratings, self.sure) != ("skills", "onet+llm", False)

    def address(self, path: str = "/", **changes: Any) -> str:
        """Return the address of this question, or of one that differs, leaving out what is usual."""
        asked = replace(self, **changes)
        named = {
            "from": asked.current,
            "to": asked.target,
            "domain": asked.domain,
            "ratings": asked.ratings,
            "sure": "yes" if asked.sure else "",
            "order": asked.order,
        }
        usual = {"domain": "skills", "ratings": "onet+llm", "order": "weight"}
        query = urlencode({name: value for name, value in named.items() if value and value != usual.get(name)})
        return f"{path}?{query}" if query else path

    def address_with_unknown(self, path: str, **changes: Any) -> str:
        """Return the address of a question that differs, with the unknown parameters: the page there notes them."""
        address = self.address(path, **changes)
        rest = urlencode([(name, value) for name, value, _ in self.unknown])
        return f"{address}{'&' if '?' in address else '?'}{rest}" if rest else address

    def api_address(self) -> str:
        """Return where a program gets the same."""
        return replace(self, sure=False, order="weight").address("/skill-gap")

    def without_order(self) -> Question:
        """Return it for a table that stays as it is."""
        return replace(self, has_order=False)

    def shown(self, report: Report) -> Report:
        """Return a report with only the rows that were asked for, in the order that was asked for."""
        gaps, surplus = report.skill_gaps, report.surplus_skills
        if self.sure:
            gaps, surplus = ([row for row in rows if row.distinguishable] for rows in (gaps, surplus))
        if key := _KEYS.get(self.order):
            gaps = sorted(gaps, key=key)
        return replace(report, skill_gaps=gaps, surplus_skills=surplus)


class Slider(NamedTuple):
    """One own level to be set."""

    element_id: str
    element_name: str
    usual: float
    """The occupation's level, a whole eighth."""
    level: float
    """The person's."""

    @property
    def is_own(self) -> bool:
        """Whether the person's differs."""
        return self.level != self.usual


class Choice(NamedTuple):
    """A text that may mean several occupations, or none."""

    text: str
    hits: list[tuple[ListedOccupation, str]]
    """The occupations, each with the address that chooses it."""


def start(question: Question, provenance: Provenance | None, occupations: dict[str, Occupation]) -> str:
    """Return the first page."""
    known = [occupations[code].title for code in EXAMPLE if code in occupations]
    example = Question(*EXAMPLE).address() if len(known) == len(EXAMPLE) else None
    return _page(
        "start.html", question=question, provenance=provenance, example=example, example_title=" to ".join(known)
    )


def answer(question: Question, report: Report, near: Sequence[Transition] | None) -> str:
    """Return the page of a gap; `near` are occupations near the current one, None where they are not known yet."""
    return _page("answer.html", question=question, near=near, **_result(question, report))


def occupation(
    question: Question,
    of: Occupation,
    skills: list[SkillRating],
    near: Sequence[Transition],
    basis: TransitionBasis | None,
    provenance: Provenance,
    *,
    zone_name: str | None,
) -> str:
    """Return the page of one occupation: what it needs and, where it is the current one, where it can lead.

    `zone_name` is the release's name of its Job Zone, where loaded.
    """
    title = f"Where {of.title} can go" if question.current else f"What {of.title} need"
    return _page(
        "occupation.html",
        question=question,
        title=title,
        occupation=of,
        skills=skills,
        near=near,
        basis=basis,
        provenance=provenance,
        zone_name=zone_name,
    )


def choose(question: Question, choices: list[Choice], provenance: Provenance) -> str:
    """Return the page that asks which occupation is meant."""
    is_found = any(choice.hits for choice in choices)
    return _page("choose.html", question=question, asked=choices, is_found=is_found, provenance=provenance)


def paths(question: Question, report: PathReport) -> str:
    """Return the page of ways in small steps."""
    return _page(
        "path.html",
        question=question,
        title=f"Ways from {report.from_occupation.title} to {report.to_occupation.title}",
        report=report,
        paths=[(path, _step_addresses(question, path.steps)) for path in report.paths],
        provenance=report.provenance,
    )


def _step_addresses(question: Question, steps: Iterable[Any]) -> list[str]:
    codes = [question.current, *(step.occupation.onet_soc_code for step in steps)]
    return [question.address(current=a, target=b) for a, b in pairwise(codes)]


def own(question: Question, current: Occupation, sliders: list[Slider], report: Report) -> str:
    """Return the page of a person's own levels."""
    result = _result(question, report)
    result["title"] = f"What stands between you and {report.to_occupation.title}"
    return _page("own.html", question=question.without_order(), current=current, sliders=sliders, **result)


def problem(code: str, detail: str, question: Question) -> str:
    """Return the page of what could not be answered, by the code and text of its problem document."""
    title, advice = _PROBLEMS.get(code, _ANY_PROBLEM)
    instead = None
    if code == "unrated-occupation" and question.ratings != "onet+llm":
        instead = question.address(ratings="onet+llm")
    shown = {"title": title, "detail": detail[:1].upper() + detail[1:], "advice": advice, "instead": instead}
    return _page("problem.html", question=question, provenance=None, **shown)


_SEARCH = "Search for it by its name, or look for one like it."
_ANY_PROBLEM = ("This could not be answered", "Go back to the start, and try it in another way.")
_PROBLEMS = {
    "unknown-occupation": ("There is no such occupation", _SEARCH),
    "invalid-code": ("This is not the code of an occupation", _SEARCH),
    "unrated-occupation": (
        "There are no levels of this occupation",
        "Without levels, nothing can be compared. Try a similar occupation.",
    ),
    "invalid-parameter": ("Something in this address cannot be used", "Ask again with the form below."),
    "missing-input": (
        "The loaded data lack something that this needs",
        "Whoever runs this service sees what is missing with skillgap status.",
    ),
    "unknown-parameter": ("This address has a parameter that does not exist", "Ask again with the form below."),
    "overloaded": ("Too much is asked at the moment", "Wait a few seconds, and load the page again."),
    "no-data": (
        "There is nothing to compare yet",
        "Whoever runs this service has to load O*NET's data first. Then come back: nothing else is wrong.",
    ),
    "not-found": ("There is no such page", "What you look for may be found from here."),
    "too-many-requests": ("Too many questions at once", "Wait a minute, and load the page again."),
    "key-required": ("This service asks for a key", "Its operator gives keys to programs; this page cannot send one."),
    "internal-error": (
        "This went wrong, and it is not your fault",
        "Try again in a minute. If it stays, tell whoever runs this service what you asked.",
    ),
}
"""Title and advice by the problem's code."""


def report(question: Question, of: Report, svg: str, made: date) -> str:
    """Return a report as one file that needs nothing else; its style is `report_style`."""
    return _page(
        "report.html",
        question=question.without_order(),
        style=Markup(report_style()),  # noqa: S704 - our own
        version=version("skillgap"),
        made=f"Made on {made}.",
        **{**_result(question, of), "svg": Markup(svg)},  # noqa: S704 - drawn by vl-convert, which escapes
    )


def notebook(report: Report) -> str:
    """Return a report's gaps as a piece of HTML that takes its looks from the notebook it stands in."""
    return _page("notebook.html", report=report)


@lru_cache
def report_style() -> str:
    """Return the stylesheet that stands in a report."""
    return assets.static_text("style.css")


def _result(question: Question, report: Report) -> dict[str, Any]:
    """Return what `result.html` shows of a report."""
    shown = question.shown(report)
    start = report.from_occupation.title if isinstance(report, GapReport) else "you"
    return {
        "title": f"From {start} to {report.to_occupation.title}",
        "report": report,
        "shown": shown,
        "sentences": phrases.in_plain_words(report),
        "unknown": phrases.not_compared_line(report),
        "caption": f"What {report.to_occupation.title} need beyond {_whose(start)} level; "
        f"{_ordered(question.order, report)}.",
        "has_effort": report.summary.shortfall_percentile is not None
        and report.from_occupation != report.to_occupation,
        "chart_rows": charts.chart_rows(shown),
        "chart_height": charts.chart_height(min(len(shown.skill_gaps), charts.MOST_ROWS)),
        "chart_address": question.address("/chart.svg") if isinstance(report, GapReport) else None,
        "most_rows": charts.MOST_ROWS,
        "svg": None,
        "provenance": report.provenance,
    }


def _whose(start: str) -> str:
    return "your own" if start == "you" else f"the {start}'"


def _ordered(order: Order, report: Report) -> str:
    """Return how the table is ordered; without importances, gaps weigh all alike."""
    is_weighed = report.summary.weighted_shortfall is not None
    return _ORDERED[order] if is_weighed or order != "weight" else "sure ones first, then by gap"


_ORDERED = {
    "weight": "sure ones first, then by importance x gap",
    "name": "by name",
    "now": "by the level now",
    "asked": "by the level asked for",
    "gap": "by gap",
    "importance": "by importance",
}
"""How a table is ordered, in words."""
_CHOICES = (
    ("onet+llm", "analysts', else predicted"),
    ("onet", "analysts' alone"),
    ("llm", "predicted alone"),
)


_MOST_REASONS = 3


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("skillgap.web"), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    environment.globals |= {
        "asset": assets.address_of,
        "bundle": assets.bundle_address(),
        "dated": phrases.dated,
        "choices": _CHOICES,
        "domains": tuple(LABELS.items()),
        "in_one_sentence": phrases.in_one_sentence,
        "level": phrases.level,
        "move": phrases.move,
        "name_of": phrases.name_of,
        "noise": phrases.noise,
        "not_compared_line": phrases.not_compared_line,
        "noun": lambda domain: NOUNS[domain][0].capitalize(),
        "number": phrases.number,
        "percent": phrases.percent,
        "percent_cell": phrases.percent_cell,
        "predicted": phrases.predicted,
        "predictions_line": phrases.predictions_line,
        "preparation": phrases.preparation,
        "source_line": phrases.source_line,
        "start_of": phrases.start_of,
        "reasons_of": _reasons_of,
        "certainty": phrases.certainty,
        "taking": phrases.taking,
        "unavailable_lines": phrases.unavailable_lines,
        "verdicts": phrases.VERDICTS,
    }
    return environment


def _reasons_of(transitions: Iterable[Transition]) -> list[str]:
    """Return why figures of near occupations are missing, each reason once; a few of many."""
    reasons = (line for each in transitions for line in phrases.unavailable_lines(each.summary))
    return list(dict.fromkeys(reasons))[:_MOST_REASONS]


def compile_templates() -> None:
    """Compile all templates: else the first visitor waits for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def _page(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(values)
