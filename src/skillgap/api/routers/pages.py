"""The page: `/`, `/path`, `/own`, `/report`, charts and static files. Each state of the page has its own address."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from skillgap.api import answers, dependencies, parameters, unknown_parameters
from skillgap.api.cache import PASSING, shared_page, uncached
from skillgap.api.problems import InvalidParameter, WrongParameter
from skillgap.errors import InvalidCode, NoData
from skillgap.export import charts
from skillgap.export.phrases import Report
from skillgap.export.renderer import Renderer, encoded
from skillgap.export.rows import Order
from skillgap.models import GapReport, ListedOccupation, SkillRating, Transition
from skillgap.models.person import OwnProfile
from skillgap.onet.codes import parse_code
from skillgap.onet.scales import HIGHEST_LEVEL
from skillgap.service import Skillgap
from skillgap.service.snapshot import Part
from skillgap.service.typed_text import plain
from skillgap.web import assets, view
from skillgap.web.view import Choice, Question, Slider

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_NEAR = 5
_MORE_NEAR = 20
_HITS = 8
_WAYS = 5
_EIGHTHS = 8
FOR_EVER = "public, max-age=31536000, immutable"


def _question(
    request: Request,
    current: Annotated[str, Query(alias="from", max_length=200)] = "",
    target: Annotated[str, Query(alias="to", max_length=200)] = "",
    domain: parameters.DomainParameter = "skills",
    ratings: parameters.RatingsParameter = "onet+llm",
    sure: Annotated[Literal["yes", ""], Query()] = "",
    order: Annotated[Order, Query()] = "weight",
) -> Question:
    question = Question(
        _plain(current, "from"),
        _plain(target, "to"),
        domain,
        ratings,
        sure == "yes",
        order,
        unknown=unknown_parameters.unknown_of(request),
    )
    snapshot = dependencies.snapshot_of(request)
    if not snapshot.has("all_domains"):
        request.scope[PASSING] = True
    return replace(question, offered=snapshot.loaded_domains())


def _plain(text: str, parameter: str) -> str:
    """Return a typed text with plain letters and hyphens. Raises InvalidParameter."""
    with unknown_parameters.searched(parameter):
        return plain(text)


Asked = Annotated[Question, Depends(_question)]


@router.get("/")
@shared_page
async def show(request: Request, question: Asked, swap: Annotated[Literal["yes", ""], Query()] = "") -> Response:
    """Show the start page, a gap, or one occupation. A title redirects to the address with its code."""
    snapshot = dependencies.snapshot_of(request)
    occupations = snapshot.get_occupations()
    if not (question.current or question.target):
        provenance = snapshot.get_provenance() if snapshot.has_levels else None
        return answers.page(view.start(question, provenance, dict(occupations)))
    if not occupations:
        raise NoData()
    if swap:
        question = replace(question, current=question.target, target=question.current)
    if elsewhere := await _redirect_or_choice(request, question, is_swapped=bool(swap)):
        return elsewhere
    current, target = question.current, question.target
    async with dependencies.completed(request, {code for code in (current, target) if code}, question.ratings):
        if current and target:
            dependencies.remember_pair(request, current, target)
            return await dependencies.ask(request, partial(_answer, request, question), domain=question.domain)
        needs: list[Part] = ["similarity"] if current else []
        return await dependencies.ask(request, partial(_occupation, question), domain=question.domain, needs=needs)


def _answer(request: Request, question: Question, onet: Skillgap) -> Response:
    question = _titled(question, onet)
    report = onet.gap(question.current, question.target, domain=question.domain, ratings=question.ratings)
    return answers.page(view.answer(question, report, _near(request, question, onet)))


def _occupation(question: Question, onet: Skillgap) -> Response:
    question = _titled(question, onet)
    code = question.current or question.target
    answer = onet.skills(code, domain=question.domain, ratings=question.ratings)
    near, basis = [], None
    if question.current:
        similar = onet.transitions(code, limit=_MORE_NEAR, domain=question.domain, ratings=question.ratings)
        near, basis = similar.transitions, similar.basis
    zone_name = onet.job_zone_name(answer.occupation.job_zone)
    return answers.page(
        view.occupation(question, answer.occupation, answer.skills, near, basis, answer.provenance, zone_name=zone_name)
    )


async def _redirect_or_choice(request: Request, question: Question, *, is_swapped: bool = False) -> Response | None:
    """Resolve typed texts. Return a redirect to the address with codes, a page of choices, or None for codes."""
    snapshot = dependencies.snapshot_of(request)
    texts = (("from", question.current), ("to", question.target))
    matches = [await _resolve(request, name, text) for name, text in texts]
    current, target = (match if isinstance(match, str) else "" for match in matches)
    path = request.url.path
    if unclear := _unclear(question, matches, path):
        occupations = snapshot.get_occupations()
        titles = [occupations[code].title if code in occupations else "" for code in (current, target)]
        titled = replace(question, titles=(titles[0], titles[1]))
        return answers.page(view.choose(titled, unclear, snapshot.get_provenance()))
    if is_swapped or (current, target) != (question.current, question.target):
        return RedirectResponse(question.address_with_unknown(path, current=current, target=target), 303)
    return None


@router.get("/path")
@shared_page
async def show_paths(request: Request, question: Asked) -> Response:
    """Show paths in small steps."""
    if elsewhere := await _redirect_or_choice(request, question):
        return elsewhere
    current, target = _codes(question)
    dependencies.remember_pair(request, current, target)

    def compute(onet: Skillgap) -> Response:
        report = onet.paths(current, target, limit=_WAYS, domain=question.domain, ratings=question.ratings)
        return answers.page(view.paths(_titled(question, onet), report))

    return await dependencies.ask(request, compute, domain=question.domain, needs=["similarity"])


@router.get("/own")
@router.post("/own")
@shared_page
@uncached
async def show_own(request: Request, question: Asked) -> Response:
    """Compare a person's own levels, sent as a form, with an occupation. They are not stored or logged."""
    if elsewhere := await _redirect_or_choice(request, question):
        return elsewhere
    current, target = _codes(question)
    fields = unknown_parameters.form_fields(await request.body())

    def compute(onet: Skillgap) -> Response:
        skills = onet.skills(current, domain=question.domain, ratings=question.ratings)
        sliders = _sliders(fields, skills.skills)
        known = [slider.element_id for slider in sliders]
        more = unknown_parameters.unknown([(name, "") for name in fields if name not in known], known)
        titled = _titled(replace(question, unknown=question.unknown + more), onet)
        own = {slider.element_id: slider.level for slider in sliders if slider.is_own}
        profile = OwnProfile(dict(own), current)
        report = onet.person_gap(profile, target, domain=question.domain, ratings=question.ratings)
        return answers.page(view.own(titled, skills.occupation, sliders, report))

    response = await dependencies.ask(request, compute, domain=question.domain)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/report")
@shared_page
@uncached
async def show_report(request: Request, question: Asked) -> Response:
    """Send the report as a single file."""
    if elsewhere := await _redirect_or_choice(request, question):
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
@uncached
async def show_chart(request: Request, question: Asked, theme: Literal["light", "dark"] = "light") -> Response:
    """Draw the chart of a gap, for browsers without JavaScript."""
    svg = await _drawn(request, question.shown(await _report(request, question)), theme)
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})


@router.get(assets.ADDRESS + "{name}")
@uncached
async def asset(request: Request, name: str) -> Response:
    """Send a static file of the pages. Addresses of other versions are not found."""
    address = f"{assets.ADDRESS}{name}"
    file = assets.static_assets().get(address)
    if file is None and address == assets.bundle_address():
        file = await _bundle(request)
    if file is None:
        raise HTTPException(404)
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.gzipped, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.body, media_type=file.media_type, headers={**headers, "Content-Encoding": "identity"})


async def _bundle(request: Request) -> assets.Asset:
    """Return the browser's chart library. It is made and compressed once, outside the event loop."""
    state, renderer = request.app.state, _renderer(request)
    if state.bundle is None:
        state.bundle = await dependencies.in_picture_pool(request, lambda: assets.bundle_asset(renderer.bundle()))
    bundle: assets.Asset = state.bundle
    return bundle


def _renderer(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


async def _drawn(request: Request, report: Report, theme: charts.Theme) -> bytes:
    """Return the chart of a report as SVG; empty for a page if there are no gaps."""
    if theme == "page" and not report.skill_gaps:
        return b""
    renderer, chart = _renderer(request), encoded(charts.chart_of(report, theme))
    drawn = renderer.drawn(chart)
    return drawn if drawn is not None else await dependencies.in_picture_pool(request, lambda: renderer.svg(chart))


async def _report(request: Request, question: Question) -> GapReport:
    current, target = _codes(question)
    dependencies.remember_pair(request, current, target)
    return await dependencies.ask(
        request,
        lambda onet: onet.gap(current, target, domain=question.domain, ratings=question.ratings),
        domain=question.domain,
        is_cheap=True,
    )


def _codes(question: Question) -> tuple[str, str]:
    """Return the two codes. Raises InvalidParameter, InvalidCode."""
    if missing := [name for name, text in (("from", question.current), ("to", question.target)) if not text]:
        wrong = [WrongParameter(parameter=name, detail="Field required") for name in missing]
        raise InvalidParameter(f"{' and '.join(missing)}: an occupation is required", wrong)
    return parse_code(question.current), parse_code(question.target)


def _titled(question: Question, onet: Skillgap) -> Question:
    """Return the question with the titles of its occupations. Raises UnknownOccupation."""
    current, target = (
        onet.occupation(parse_code(code)).occupation.title if code else ""
        for code in (question.current, question.target)
    )
    return replace(question, titles=(current, target))


async def _resolve(request: Request, parameter: str, text: str) -> str | list[ListedOccupation]:
    """Return the code of a typed text, empty for an empty text, or the occupations that it may mean."""
    if not text:
        return ""
    with suppress(InvalidCode):
        return parse_code(text)
    wanted = {text.casefold(), f"{text.casefold()}s"}  # O*NET titles are plural
    for code, occupation in dependencies.snapshot_of(request).get_occupations().items():
        if occupation.title.casefold() in wanted:
            return code
    with unknown_parameters.searched(parameter):
        answer = await dependencies.ask(request, lambda onet: onet.search(text, limit=_HITS), needs=["titles"])
    hits = answer.items
    exact = [hit for hit in hits if hit.match == "exact"]
    for candidates in (hits, exact):
        if len(candidates) == 1:
            return candidates[0].occupation.onet_soc_code
    return hits


def _unclear(question: Question, matches: list[str | list[ListedOccupation]], path: str) -> list[Choice]:
    """Return the texts to choose an occupation for, with the address that each choice leads to."""
    return [
        Choice(
            text,
            [(hit, question.address(path, **{side: hit.occupation.onet_soc_code})) for hit in match],
        )
        for side, text, match in zip(("current", "target"), (question.current, question.target), matches, strict=True)
        if isinstance(match, list)
    ]


def _near(request: Request, question: Question, onet: Skillgap) -> list[Transition] | None:
    """Return the most similar occupations except the target.

    None while similarity is being computed; the page is then not stored.
    """
    if not dependencies.snapshot_of(request).has("similarity"):
        request.scope[PASSING] = True
        return None
    answer = onet.transitions(question.current, limit=_NEAR + 1, domain=question.domain, ratings=question.ratings)
    return [near for near in answer.transitions if near.occupation.onet_soc_code != question.target][:_NEAR]


def _sliders(fields: dict[str, str], skills: list[SkillRating]) -> list[Slider]:
    """Return a slider for each level of the current occupation, set as in the form. Raises InvalidParameter."""
    sliders = []
    for skill in skills:
        if skill.data_value is None:
            continue
        usual = round(skill.data_value * _EIGHTHS) / _EIGHTHS
        level = _own_level(fields, skill.element_id, usual)
        sliders.append(Slider(skill.element_id, skill.element_name, usual, level))
    return sliders


def _own_level(fields: dict[str, str], element_id: str, usual: float) -> float:
    try:
        level = float(fields.get(element_id, usual))
    except ValueError:
        level = -1.0
    if not 0.0 <= level <= HIGHEST_LEVEL:
        detail = f"a level must be from 0 to {HIGHEST_LEVEL:g}"
        raise InvalidParameter(f"{element_id}: {detail}", [WrongParameter(parameter=element_id, detail=detail)])
    return level
