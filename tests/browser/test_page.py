"""The page in a real browser: by keyboard only, without script, narrow, dark, and checked by axe.

Screenshots are saved in build/screenshots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from sqlalchemy import Engine, text

from skillgap.store.engine import write
from tests.api.serving import UNCHANGED, Service, serve

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
NURSE, MANAGER = "29-1141.00", "11-9111.00"
GAP = f"/?from={NURSE}&to={MANAGER}"
PREDICTED = "/?from=15-1232.00&to=15-1252.00"
PAGES = {
    "start": "/",
    "gap": GAP,
    "predicted": PREDICTED,
    "all-domains": f"{GAP}&domain=all",
    "sure": f"{GAP}&sure=yes",
    "nothing-missing": f"/?from={NURSE}&to={NURSE}",
    "where-to": f"/?from={NURSE}",
    "needs": f"/?to={MANAGER}",
    "path": f"/path?from={NURSE}&to=11-1011.00",
    "own": f"/own?from={NURSE}&to={MANAGER}",
    "choose": "/?from=nurse&to=zzzqqq",
    "unknown": f"/?from={NURSE}&to=99-9999.00",
    "unrated": f"/?from={NURSE}&to=55-1011.00",
    "invalid": f"{GAP}&domain=nonsense",
    "not-found": "/nowhere",
}
LOOKS = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "dark": {"viewport": {"width": 1024, "height": 900}, "color_scheme": "dark"},
}
ATTACK = "<img src=x onerror=alert(1)><script>alert(2)</script>"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(whole_29: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on the complete O*NET 29.0."""
    with serve(tmp_path_factory.mktemp("site"), str(whole_29.url), **UNCHANGED) as service:
        service.wait_for_all_data()
        yield service


@pytest.fixture(scope="module")
def starter_site(starter_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on the starter, which has predicted levels."""
    with serve(tmp_path_factory.mktemp("starter-site"), starter_database, **UNCHANGED) as service:
        service.wait_for_all_data()
        yield service


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, site: Service, starter_site: Service) -> Iterator[Open]:
    """Open a page in a new window; any browser error or warning fails the test."""
    complaints: list[str] = []
    contexts = []

    def complain(message: ConsoleMessage) -> None:
        # The browser reports the status of an error page, which is intended.
        if message.type in ("error", "warning") and not re.search(r"status of [45]", message.text):
            complaints.append(message.text)

    def open_page(path: str, *, url: str = "", **look: Any) -> Page:
        url = url or (starter_site if path == PREDICTED else site).url
        context = browser.new_context(**{**LOOKS["wide"], **look})
        contexts.append(context)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(url) or complaints.append(request.url))
        page.goto(url + path)
        if look.get("java_script_enabled", True) and page.locator(".chart").count():
            page.locator(".chart svg.marks").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def keep(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached by keyboard")


# -- the way through it -----------------------------------------------------------------------------------------------


def test_from_a_title_to_the_printed_report_by_keyboard_alone(visit: Open):
    page = visit("/")
    tab_to(page, "#from")
    page.keyboard.type("rn nurse")
    options = page.locator("#from-list [role=option]")
    wanted = options.filter(has_text="Registered Nurses").first
    expect(wanted).to_be_visible()  # a marked option freezes the list, which may still be that of a shorter text
    assert page.locator("#from").get_attribute("aria-expanded") == "true"
    for _ in range(options.count()):
        page.keyboard.press("ArrowDown")
        if wanted.get_attribute("aria-selected") == "true":
            break
    active = page.locator("#from").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    assert page.locator("#from").input_value() == "Registered Nurses"
    expect(options.first).to_be_hidden()
    tab_to(page, "#to")
    page.keyboard.type("medical and health serv")
    expect(page.locator("#to-list [role=option]").first).to_contain_text("Medical and Health Services Managers")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Medical and Health Services Managers")
    expect(page.locator("h1")).to_be_focused()
    assert page.url.endswith(GAP), "an address to be shared"
    page.locator(".chart svg.marks").wait_for()
    tab_to(page, "a[href^='/report']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/report?*")
    keep(page, "report")
    printed = page.pdf(path=SCREENSHOTS / "report.pdf", prefer_css_page_size=True)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6


def test_suggestions_are_closed_by_escape_and_chosen_by_pointer(visit: Open):
    page = visit("/")
    page.locator("#from").fill("nurs")
    option = page.locator("#from-list [role=option]").nth(1)
    expect(option).to_be_visible()
    page.keyboard.press("Escape")
    expect(option).to_be_hidden()
    page.locator("#from").press_sequentially("e")
    expect(option).to_be_visible()
    title = option.evaluate("each => each.dataset.title")
    option.click()
    assert page.locator("#from").input_value() == title
    expect(option).to_be_hidden()


def test_swap_back_and_forth(visit: Open):
    page = visit(GAP)
    page.get_by_role("button", name="Swap").click()
    expect(page.locator("h1")).to_have_text("From Medical and Health Services Managers to Registered Nurses")
    page.locator(".chart svg.marks").wait_for()
    page.go_back()
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Medical and Health Services Managers")
    page.locator(".chart svg.marks").wait_for()
    page.get_by_role("link", name="Importance").click()
    expect(page.locator("#levels th[aria-sort]")).to_have_text("Importance")
    assert "order=importance" in page.url


def test_filters_and_near_occupations_lead_on(visit: Open):
    page = visit(GAP)
    page.get_by_text("Options").click()
    page.get_by_label("Show clear gaps only").check()
    page.get_by_role("button", name="Show the gap").click()
    expect(page.locator("#levels tbody th")).to_have_count(8)
    page.get_by_role("link", name="Nurse Practitioners").click()
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Nurse Practitioners")
    page.get_by_role("link", name="Get there in smaller moves").click()
    expect(page.locator("h1")).to_have_text("Paths from Registered Nurses to Nurse Practitioners")


def test_without_script_everything_is_there(visit: Open):
    page = visit("/", java_script_enabled=False)
    page.locator("#from").fill("nurse")
    page.locator("#to").fill("medical and health services managers")
    page.locator("#to").press("Enter")
    expect(page.locator("h1")).to_have_text("Which occupation do you mean?")
    page.get_by_role("link", name="Registered Nurses").click()
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Medical and Health Services Managers")
    expect(page.locator("#levels tbody th")).to_have_count(17)
    expect(page.locator(".chart .place")).to_be_hidden()
    picture = page.locator(".chart img")
    expect(picture).to_be_visible()
    page.wait_for_load_state("networkidle")
    keep(page, "no-script")
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 600
    page.locator("#levels summary").first.click()
    expect(page.locator("#levels details[open] li").first).to_be_visible()
    page.get_by_role("link", name="Use your own levels").click()
    page.get_by_label("Operations Analysis").fill("4.5")
    page.get_by_role("button", name="Show my gap").click()
    expect(page.locator("#levels tbody th")).to_have_count(16)


# -- own levels -------------------------------------------------------------------------------------------------------


def test_own_levels_live_in_the_fragment_of_the_address_alone(visit: Open, site: Service):
    page = visit(f"/own?from={NURSE}&to={MANAGER}")
    slider = page.get_by_label("Operations Analysis")
    slider.focus()
    for _ in range(22):
        page.keyboard.press("ArrowRight")  # one eighth
    expect(page.locator("#levels tbody th")).to_have_count(16)
    expect(page.locator(".slider.own output")).to_have_text("4.5")
    assert page.url.endswith("#2.B.3.a=4.5")
    page.reload()
    expect(page.locator("#levels tbody th")).to_have_count(16)
    expect(page.get_by_label("Operations Analysis")).to_have_value("4.5")
    page.get_by_label("Operations Analysis").fill("1.75")
    expect(page.locator("#levels tbody th")).to_have_count(17)
    assert "#" not in page.url
    assert "4.5" not in "".join(line["path"] for line in site.lines("request"))


def test_an_address_with_other_levels_is_followed_and_wrong_ones_are_passed_over(visit: Open):
    page = visit(f"/own?from={NURSE}&to={MANAGER}")
    page.evaluate("location.hash = '2.B.3.a=4.5&2.A.1.a=abc&2.A.1.b=99&2.A.1.c='")
    expect(page.locator("#levels tbody th")).to_have_count(16)
    expect(page.locator(".slider.own")).to_have_count(1)
    expect(page.locator("#status")).to_contain_text("need a higher level in 16 of 35 skills")


def test_a_service_that_cannot_be_reached_is_told(browser: Browser, site: Service):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/own?from={NURSE}&to={MANAGER}")
    context.set_offline(True)
    page.get_by_label("Operations Analysis").fill("4.5")
    expect(page.locator("#status")).to_have_text(re.compile("^Not updated: the service cannot be reached"))
    context.set_offline(False)
    page.get_by_role("button", name="Show my gap").click()
    expect(page.locator("#levels tbody th")).to_have_count(16)
    context.close()


def test_tab_takes_the_marked_suggestion_and_goes_on(visit: Open):
    page = visit("/")
    page.locator("#from").focus()
    page.keyboard.type("nurse")
    expect(page.locator("#from-list [role=option]").nth(7)).to_be_attached()
    page.keyboard.press("ArrowDown")
    title = page.locator("#from-list [aria-selected=true]").evaluate("each => each.dataset.title")
    page.keyboard.press("Tab")
    assert page.locator("#from").input_value() == title
    expect(page.locator("#to")).to_be_focused()


def test_a_late_answer_changes_nothing_that_is_marked(visit: Open):
    page = visit("/")
    options = page.locator("#from-list [role=option]")
    page.locator("#from").focus()
    page.keyboard.type("nu")
    expect(options.nth(7)).to_be_visible()
    page.route("**/occupations?q=nurse*", lambda _: None)  # never answered
    with page.expect_request("**/occupations?q=nurse*"):
        page.keyboard.type("rse")
    with page.expect_event("requestfailed") as given_up:
        page.keyboard.press("ArrowDown")
    assert "q=nurse" in given_up.value.url
    expect(options.first).to_have_attribute("aria-selected", "true")
    title = options.first.get_attribute("data-title")
    page.keyboard.press("Enter")
    expect(page.locator("#from")).to_have_value(str(title))


def test_back_leads_to_where_one_was(visit: Open):
    page = visit(GAP)
    page.evaluate("scrollTo(0, 1500)")
    page.get_by_role("link", name="Nurse Practitioners").click()
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Nurse Practitioners")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator("h1")).to_have_text("From Registered Nurses to Medical and Health Services Managers")
    page.locator(".chart svg.marks").wait_for()


# -- charts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", [GAP, PREDICTED])
def test_nothing_of_a_chart_is_cut_off(visit: Open, path: str, look: str):
    page = visit(path, **LOOKS[look])
    cut = page.evaluate(
        """() => {
            const frame = document.querySelector(".chart svg.marks").getBoundingClientRect();
            const within = (box) =>
              box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.bottom <= frame.bottom + 1;
            return [...document.querySelectorAll(".chart svg.marks text")]
              .filter((each) => each.textContent.includes("…") || !within(each.getBoundingClientRect()))
              .map((each) => each.textContent);
        }"""
    )
    assert cut == []
    shown = page.locator(".chart svg.marks text").all_text_contents()
    first = page.locator("#levels tbody th").first.evaluate("each => each.firstChild.textContent.trim()")
    assert first.replace(" ", "") in [each.replace(" ", "") for each in shown], "in two lines, perhaps"


def test_names_of_a_narrow_chart_stand_apart(visit: Open):
    page = visit(GAP, **LOOKS["narrow"])
    boxes = page.locator(".chart svg.marks .role-axis-label text").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).map(({left, top, bottom}) => ({left, top, bottom}))"
    )
    names = sorted((box["top"], box["bottom"]) for box in boxes if box["bottom"] - box["top"] > 0)[8:]
    for (_, bottom), (top, _) in pairwise(names):
        assert top >= bottom - 2


def test_nothing_moves_while_a_chart_loads(visit: Open):
    page = visit("/")
    page.add_init_script(
        "window.moved = 0;"
        "new PerformanceObserver(list => list.getEntries().forEach(each => window.moved += each.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.reload()
    page.goto(f"{page.url}{GAP[1:]}")
    page.locator(".chart svg.marks").wait_for()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.moved") < 0.01


def test_predicted_levels_look_different(visit: Open):
    page = visit(PREDICTED)
    dashed = page.locator(".chart svg.marks line[stroke-dasharray='2,3']").count()
    assert dashed == page.locator("#levels tbody th").count()
    assert visit(GAP).locator(".chart svg.marks line[stroke-dasharray='2,3']").count() == 0


def test_a_chart_answers_the_pointer(visit: Open):
    page = visit(GAP)
    page.locator(".chart").scroll_into_view_if_needed()
    place = page.locator(".chart svg.marks text", has_text="Persuasion").bounding_box()
    chart = page.locator(".chart svg.marks").bounding_box()
    assert place is not None
    assert chart is not None
    page.mouse.move(chart["x"] + chart["width"] * 0.6, place["y"] + place["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element.visible")
    expect(tooltip).to_contain_text("Persuasion")
    expect(tooltip).to_contain_text("1.125 (0.67 to 1.58), clear 99%")


# -- how it looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_and_fits(visit: Open, name: str, look: str):
    page = visit(PAGES[name], **LOOKS[look])
    for each in page.locator("details").all()[:3]:
        each.evaluate("each => each.open = true")
    found = Axe().run(
        page,
        options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    )
    assert found.violations_count == 0, found.generate_report()[:4000]
    width = LOOKS[look]["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep(page, f"{name}-{look}")


def test_dark_is_dark_and_paper_is_light(visit: Open):
    page = visit(GAP, **LOOKS["dark"])
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    ink = "getComputedStyle(document.querySelector('.chart svg.marks text')).fill"
    assert (page.evaluate(ground), page.evaluate(ink)) == ("rgb(20, 24, 28)", "rgb(233, 237, 241)")
    page.emulate_media(media="print")
    assert (page.evaluate(ground), page.evaluate(ink)) == ("rgb(255, 255, 255)", "rgb(27, 31, 36)")
    expect(page.locator("form.question")).to_be_hidden()
    expect(page.locator(".sources")).to_be_visible()


def test_an_empty_database_has_a_page_of_its_own(visit: Open, tmp_path: Path):
    with serve(tmp_path, f"sqlite:///{tmp_path}/empty.db") as service:
        page = visit(GAP, url=service.url)
        expect(page.locator("h1")).to_have_text("There is nothing to compare yet")
        keep(page, "empty")


# -- attacks ----------------------------------------------------------------------------------------------------------


def test_a_hostile_title_is_text_wherever_it_is_shown(visit: Open, own_starter: Engine, tmp_path: Path):
    with write(own_starter) as connection:
        connection.execute(
            text("UPDATE Occupations SET title = 'Nurse ' || :t WHERE onet_soc_code = :c"), {"t": ATTACK, "c": NURSE}
        )
        for update in (
            "UPDATE Elements SET element_name = :t WHERE element_id = '2.B.3.a'",
            "UPDATE Skills SET element_name = :t WHERE element_id = '2.B.3.a'",
        ):
            connection.execute(text(update), {"t": ATTACK})
    with serve(tmp_path, str(own_starter.url)) as service:
        page = visit("/", url=service.url)
        page.locator("#from").fill("nurse img")
        expect(page.locator("#from-list [role=option]").first).to_contain_text(ATTACK)
        page = visit(GAP, url=service.url)
        expect(page.locator("h1")).to_contain_text(ATTACK)
        page.locator(".chart").scroll_into_view_if_needed()
        chart = page.locator(".chart svg.marks").bounding_box()
        label = page.locator(".chart svg.marks text", has_text="<img").bounding_box()
        assert chart is not None
        assert label is not None
        page.mouse.move(chart["x"] + chart["width"] * 0.7, label["y"] + label["height"] / 2)
        expect(page.locator("#vg-tooltip-element.visible")).to_contain_text("<script>")
        assert page.locator("#vg-tooltip-element img").count() == 0
