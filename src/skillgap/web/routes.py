"""The page: `/`, `/path`, `/own`, `/report`, its charts and files. Each state of it has an address of its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.paths import find_paths
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import normalized
from skillgap.analysis.similarity.model import Similarity
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.api import dependencies, parameters
from skillgap.api.cache import PASSING, SNAPSHOT
from skillgap.api.problems import InvalidParameter, WrongParameter
from skillgap.errors import InvalidCode, NoData
from skillgap.export import charts
from skillgap.export.phrases import Report
from skillgap.export.renderer import Renderer, encoded
from skillgap.export.rows import Order
from skillgap.models import GapReport, ListedOccupation, Transition
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code
from skillgap.onet.scales import HIGHEST_LEVEL
from skillgap.service.snapshot import Snapshot
from skillgap.web import assets, view
from skillgap.web.view import Choice, Question, Slider

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_NEAR = 5
_MORE_NEAR = 20
_HITS = 8
_WAYS = 5
_EIGHTHS = 8
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
FOR_EVER = "public, max-age=31536000, immutable"


def _question(
    request: Request,
    current: Annotated[str, Query(alias="from", max_length=200)] = "",
    target: Annotated[str, Query(alias="to", max_length=200)] = "",
    domain: dependencies.DomainParameter = "skills",
    choice: dependencies.RatingsParameter = "onet+llm",
    sure: Annotated[Literal["yes", ""], Query()] = "",
    order: Annotated[Order, Query()] = "weight",
) -> Question:
    texts = _plain(current, "from"), _plain(target, "to")
    asked = Question(*texts, domain, choice, sure == "yes", order, unknown=parameters.unknown_of(request))
    return replace(asked, offered=_loaded_domains(request))


def _plain(text: str, parameter: str) -> str:
    """Return what was typed in the signs that codes and titles are written with. Raises InvalidParameter."""
    with parameters.searched(parameter):
        return normalized(text).translate(_DASHES).strip()


def _loaded_domains(request: Request) -> tuple[str, ...]:
    """Return the domains that have ratings; skills alone until the others have been read."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    loaded = snapshot.all_domains
    if not loaded.done() or loaded.exception():
        request.scope[PASSING] = True
        return ("skills",)
    return tuple(dict.fromkeys(loaded.result()["onet+llm"].element_domains))


Asked = Annotated[Question, Depends(_question)]


@router.get("/")
async def show(request: Request, question: Asked, swap: Annotated[Literal["yes", ""], Query()] = "") -> Response:
    """Show the start, a gap, or one occupation, as the address asks; texts are looked up and become codes there."""
    skills = dependencies.skills_of(request)
    if not (question.current or question.target):
        return dependencies.page(
            view.start(question, skills.provenance if skills.codes else None, dict(skills.occupations))
        )
    if not skills.occupations:
        raise NoData()
    if swap:
        question = replace(question, current=question.target, target=question.current)
    if elsewhere := await _led_elsewhere(request, question, is_swapped=bool(swap)):
        return elsewhere
    current, target = question.current, question.target
    async with dependencies.completed(request, {code for code in (current, target) if code}, question.ratings):
        compute: Callable[[Ratings], Response]
        if current and target:
            dependencies.remember_pair(request, current, target)
            compute = partial(_answer, request, question)
        else:
            similarity = await dependencies.similarity_of(request) if current else None
            compute = partial(_occupation, question, similarity)
        return await dependencies.from_ratings(request, compute, question.ratings, question.domain)


def _answer(request: Request, question: Question, ratings: Ratings) -> Response:
    question = _titled(question, ratings)
    current, target = question.current, question.target
    report = identify_skill_gap(current, target, ratings)
    return dependencies.page(view.answer(question, report, _near(request, current, target, ratings)))


def _occupation(question: Question, similarity: Similarity | None, ratings: Ratings) -> Response:
    question = _titled(question, ratings)
    code = question.current or question.target
    occupation, skills = ratings.occupation(code), ratings.skills(code)
    near, basis = [], None
    if similarity:
        basis = similarity.basis
        near = find_transitions(code, similarity, ratings, where=TransitionFilter(), limit=_MORE_NEAR)
    provenance = ratings.provenance_of(ratings.row(code))
    zone_name = ratings.job_zone_names.get(occupation.job_zone or 0)
    return dependencies.page(
        view.occupation(question, occupation, skills, near, basis, provenance, zone_name=zone_name)
    )


async def _led_elsewhere(request: Request, question: Question, *, is_swapped: bool = False) -> Response | None:
    """Return where words lead: to the address with the codes they mean, or a choice; None where there are codes."""
    ratings = dependencies.skills_of(request)
    asked = (("from", question.current), ("to", question.target))
    found = [await _meant(request, name, text) for name, text in asked]
    current, target = (each if isinstance(each, str) else "" for each in found)
    path = request.url.path
    if unclear := _unclear(question, found, path):
        known = {code: each.title for code, each in ratings.occupations.items() if code in (current, target)}
        titled = replace(question, titles=(known.get(current, ""), known.get(target, "")))
        return dependencies.page(view.choose(titled, unclear, ratings.provenance))
    if is_swapped or (current, target) != (question.current, question.target):
        return RedirectResponse(question.address_with_unknown(path, current=current, target=target), 303)
    return None


@router.get("/path")
async def show_paths(request: Request, question: Asked) -> Response:
    """Show ways in small steps."""
    if elsewhere := await _led_elsewhere(request, question):
        return elsewhere
    current, target = _codes(question)
    dependencies.remember_pair(request, current, target)
    similarity = await dependencies.similarity_of(request)

    def compute(ratings: Ratings) -> Response:
        report = find_paths(current, target, similarity, ratings, limit=_WAYS)
        return dependencies.page(view.paths(_titled(question, ratings), report))

    return await dependencies.from_ratings(request, compute, question.ratings, question.domain)


@router.get("/own")
@router.post("/own")
async def show_own(request: Request, question: Asked) -> Response:
    """Show a person's own levels, sent as a form, against an occupation. Nothing of them is stored or logged."""
    if elsewhere := await _led_elsewhere(request, question):
        return elsewhere
    current, target = _codes(question)
    fields = parameters.form_fields(await request.body())

    def compute(ratings: Ratings) -> Response:
        sliders = _sliders(fields, current, ratings)
        known = [slider.element_id for slider in sliders]
        more = parameters.unknown([(name, "") for name in fields if name not in known], known)
        titled = _titled(replace(question, unknown=question.unknown + more), ratings)
        own = {slider.element_id: slider.level for slider in sliders if slider.is_own}
        report = identify_person_gap(OwnProfile(dict(own), current), target, ratings)
        return dependencies.page(view.own(titled, ratings.occupation(current), sliders, report))

    response = await dependencies.from_ratings(request, compute, question.ratings, question.domain)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/report")
async def show_report(request: Request, question: Asked) -> Response:
    """Give the report as one file."""
    if elsewhere := await _led_elsewhere(request, question):
        return elsewhere
    report = await _report(request, question)
    svg = await _drawn(request, question.shown(report), "page")
    html = await dependencies.in_pool(
        request, lambda: view.report(question, report, svg.decode(), datetime.now(UTC).date())
    )
    style = b64encode(sha256(view.report_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@router.get("/chart.svg")
async def show_chart(request: Request, question: Asked, theme: Literal["light", "dark"] = "light") -> Response:
    """Draw the chart of a gap, for browsers without script."""
    svg = await _drawn(request, question.shown(await _report(request, question)), theme)
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})


@router.get(assets.ADDRESS + "{name}")
async def asset(request: Request, name: str) -> Response:
    """Send a file that pages are made with; an address that is none of this version's is not found."""
    address = f"{assets.ADDRESS}{name}"
    found = assets.static_assets().get(address)
    if found is None and address == assets.bundle_address():
        renderer = _renderer(request)
        script = renderer.made_bundle or await dependencies.in_picture_pool(request, renderer.bundle)
        found = await dependencies.in_pool(request, lambda: assets.bundle_asset(script))
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.gzipped, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.media_type, headers={**headers, "Content-Encoding": "identity"})


def _renderer(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


async def _drawn(request: Request, report: Report, theme: charts.Theme) -> bytes:
    """Return the chart of a report as SVG; in a page, nothing where it has no gap."""
    if theme == "page" and not report.skill_gaps:
        return b""
    renderer, chart = _renderer(request), encoded(charts.chart_of(report, theme))
    known = renderer.drawn(chart)
    return known if known is not None else await dependencies.in_picture_pool(request, lambda: renderer.svg(chart))


async def _report(request: Request, question: Question) -> GapReport:
    current, target = _codes(question)
    dependencies.remember_pair(request, current, target)
    compute = partial(identify_skill_gap, current, target)
    return await dependencies.from_ratings(request, compute, question.ratings, question.domain, takes_long=False)


def _codes(question: Question) -> tuple[str, str]:
    """Return the two codes. Raises InvalidParameter, InvalidCode."""
    if missing := [name for name, text in (("from", question.current), ("to", question.target)) if not text]:
        wrong = [WrongParameter(parameter=name, detail="Field required") for name in missing]
        raise InvalidParameter(f"{' and '.join(missing)}: an occupation is needed here", wrong)
    return parse_code(question.current), parse_code(question.target)


def _titled(question: Question, ratings: Ratings) -> Question:
    """Return the question with the titles of its occupations. Raises UnknownOccupation."""
    current, target = (
        ratings.occupation(parse_code(code)).title if code else "" for code in (question.current, question.target)
    )
    return replace(question, titles=(current, target))


async def _meant(request: Request, parameter: str, text: str) -> str | list[ListedOccupation]:
    """Return the code that is meant, empty for nothing, or the occupations that may be."""
    if not text:
        return ""
    try:
        return parse_code(text)
    except InvalidCode:
        occupations = dependencies.skills_of(request).occupations
    wanted = {text.casefold(), f"{text.casefold()}s"}  # titles are plural
    if code := next((code for code, each in occupations.items() if each.title.casefold() in wanted), None):
        return code
    titles = await dependencies.titles_of(request)
    with parameters.searched(parameter):
        hits, _ = await dependencies.in_pool(request, lambda: titles.find(text, _HITS))
    exact = [hit for hit in hits if hit.match == "exact"]
    for clear in (hits, exact):
        if len(clear) == 1:
            return clear[0].onet_soc_code
    return [hit.listed(occupations) for hit in hits]


def _unclear(question: Question, found: list[str | list[ListedOccupation]], path: str) -> list[Choice]:
    """Return what has to be chosen, each occupation with the address of the question that it makes."""
    return [
        Choice(
            text,
            [(hit, question.address(path, **{side: hit.occupation.onet_soc_code})) for hit in each],
        )
        for side, text, each in zip(("current", "target"), (question.current, question.target), found, strict=True)
        if isinstance(each, list)
    ]


def _near(request: Request, current: str, target: str, ratings: Ratings) -> list[Transition] | None:
    """Return the nearest occupations but the target; None, and the page is not kept, while they are being computed."""
    snapshot: Snapshot = request.scope[SNAPSHOT]
    if not snapshot.similarity.done() or snapshot.similarity.exception():
        request.scope[PASSING] = True
        return None
    found = find_transitions(current, snapshot.similarity.result(), ratings, where=TransitionFilter(), limit=_NEAR + 1)
    return [each for each in found if each.occupation.onet_soc_code != target][:_NEAR]


def _sliders(given: dict[str, str], current: str, ratings: Ratings) -> list[Slider]:
    """Return a slider for each level of the current occupation, set as the form says. Raises InvalidParameter."""
    sliders = []
    for skill in ratings.skills(current):
        if skill.data_value is None:
            continue
        usual = round(skill.data_value * _EIGHTHS) / _EIGHTHS
        sliders.append(Slider(skill.element_id, skill.element_name, usual, _own_level(given, skill.element_id, usual)))
    return sliders


def _own_level(given: dict[str, str], element_id: str, usual: float) -> float:
    try:
        level = float(given.get(element_id, usual))
    except ValueError:
        level = -1.0
    if not 0.0 <= level <= HIGHEST_LEVEL:
        detail = f"a level goes from 0 to {HIGHEST_LEVEL:g}"
        raise InvalidParameter(f"{element_id}: {detail}", [WrongParameter(parameter=element_id, detail=detail)])
    return level
