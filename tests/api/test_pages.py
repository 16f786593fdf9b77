"""The page over HTTP, as a browser without script gets it, and its content security policy."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, make_url, text

from skillgap.models import PERCENTILES
from skillgap.store.engine import make_engine, write
from tests.api.serving import Service, serve

NURSE, MANAGER = "29-1141.00", "11-9111.00"
GAP = f"/?from={NURSE}&to={MANAGER}"
HOSTILE = "<script>alert(1)</script>\"'`&amp;{{7*7}}</title><img src=x onerror=alert(2)>"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = (
    "/",
    GAP,
    f"{GAP}&domain=all&sure=yes&order=name",
    f"/?from={NURSE}",
    f"/?to={NURSE}",
    f"/path?from={NURSE}&to={MANAGER}",
    f"/own?from={NURSE}&to={MANAGER}",
    "/?from=nurse&to=zzzqqq",
    "/?from=zzzqqq",
    f"/?from={NURSE}&to=99-9999.00",
    f"/?from={NURSE}&to=55-1011.00",
    f"/?from={NURSE}&to={MANAGER}&domain=nonsense",
    "/nowhere",
)


class Parsed(HTMLParser):
    """The elements of a page, in order, each with its attributes and the text within it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._in_script = False
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, _: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if not self._in_script:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def browser(service: Service) -> Iterator[httpx.Client]:
    """A client that asks for pages and follows no redirect by itself."""
    with httpx.Client(base_url=service.url, headers=BROWSER) as client:
        yield client


def names(html: str) -> list[str]:
    """Return the skills of the first table, in their order."""
    return [name.strip() for name in re.findall(r'<th scope="row">([^<]+)', html.split("</table>")[0])]


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_a_gap_says_in_words_and_figures_what_the_api_says(browser: httpx.Client, client: httpx.Client):
    html = browser.get(GAP).text
    report = client.get("/skill-gap", params={"from": NURSE, "to": MANAGER}).json()
    assert names(html) == [gap["element_name"] for gap in report["skill_gaps"]]
    page = Parsed(html)
    assert "need a higher level in 17 of 35 skills: 8 are clear, 2 are likely, 7 are open." in page.text
    assert (
        "Considering skills only, this is an ordinary move: 51% (38 to 63%) of all possible moves between two"
        in page.text
    )
    first = re.search(r">Operations Analysis\s*</th>(.*?)</tr>", html, re.S)
    assert first is not None
    cells = re.findall(r"<td[^>]*>([^<]*)", first[1])
    assert cells == ["clear 99%", "2.125", "1.75", "3.88", "1.02 to 3.23", "3.62"]
    assert report["provenance"]["attribution"] in page.text
    assert report["provenance"]["modification"] in page.text


def test_predicted_levels_are_marked_and_their_error_is_told(browser: httpx.Client):
    page = browser.get("/?from=15-1232.00&to=15-1252.00").text
    assert re.search(r'<td class="number">~\d\.\d\d</td>', page)
    assert "are predicted by embedded:smollm2, not rated by analysts; typical error 0." in page
    assert re.search(r'<td class="verdict">open \d\d%', page), "an open gap has its chance"


def test_only_what_is_sure_is_shown_where_asked_for(browser: httpx.Client):
    html = browser.get(f"{GAP}&sure=yes").text
    assert len(names(html)) == 8
    assert "17 of 35" in html
    assert html.count('"name":') == 8


@pytest.mark.parametrize(("order", "first"), [("name", "Complex Problem Solving"), ("gap", "Management of Financial")])
def test_tables_are_ordered_by_address(browser: httpx.Client, order: str, first: str):
    html = browser.get(f"{GAP}&order={order}").text
    assert names(html)[0].startswith(first)
    assert set(names(html)) == set(names(browser.get(GAP).text))
    assert html.count("aria-sort=") == 1


def test_levels_mean_something_where_anchors_are_loaded(browser: httpx.Client, whole_29: Engine, tmp_path: Path):
    assert "these levels mean" not in browser.get(GAP).text, "the starter has no prose"
    with serve(tmp_path, str(whole_29.url)) as service:
        html = httpx.get(service.url + GAP, headers=BROWSER).text
    assert html.count("<summary>what these levels mean</summary>") == 17 + 14
    assert re.search(r"Target: 3\.88 of 7<ul><li>level 2: [^<]{10,}</li><li>level 4: [^<]{10,}</li></ul>", html)
    assert re.search(r"Current: 1\.75 of 7<ul><li>below level 2: [^<]{10,}</li></ul>", html)


def test_one_occupation_shows_where_it_leads_and_what_it_needs(browser: httpx.Client, client: httpx.Client):
    html = browser.get(f"/?from={NURSE}").text
    near = client.get(f"/occupations/{NURSE}/transitions?limit=20").json()["transitions"]
    for each in near:
        code = each["occupation"]["onet_soc_code"]
        assert f'<a href="/?from={NURSE}&amp;to={code}">{each["occupation"]["title"]}</a>' in html
    skills = client.get(f"/occupations/{NURSE}/skills").json()["skills"]
    assert names(html.split("What it needs")[1]) == [skill["element_name"] for skill in skills]
    assert "can go" not in browser.get(f"/?to={NURSE}").text


def test_a_path_leads_over_links_to_each_gap(browser: httpx.Client, client: httpx.Client):
    target = "29-1171.00"
    html = browser.get(f"/path?from={NURSE}&to={target}").text
    best = client.get("/paths", params={"from": NURSE, "to": target}).json()["paths"][0]["steps"]
    codes = [NURSE, *(step["occupation"]["onet_soc_code"] for step in best)]
    links = re.findall(r'<a href="/\?from=([\d.-]+)&amp;to=([\d.-]+)">to ', html)
    assert links[: len(best)] == list(pairwise(codes))


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/?from=registered nurses&to=medical and health services managers", GAP),
        ("/?from=29-1141&to=11911100", GAP),
        (f"/?from={NURSE}&to={MANAGER}&swap=yes", f"/?from={MANAGER}&to={NURSE}"),
        ("/?from=registered nurse&to=29–9092", f"/?from={NURSE}&to=29-9092.00"),
        ("/path?from=Registered Nurses&to=11-9111", f"/path?from={NURSE}&to={MANAGER}"),
        ("/report?from=ｒegistered nurses&to=11-9111", f"/report?from={NURSE}&to={MANAGER}"),
        ("/own?from=Registered Nurses&to=11-9111", f"/own?from={NURSE}&to={MANAGER}"),
        ("/?from=&to=Registered Nurses&domain=knowledge&sure=yes", f"/?to={NURSE}&domain=knowledge&sure=yes"),
    ],
)
def test_what_was_typed_becomes_an_address_to_be_shared(browser: httpx.Client, asked: str, leads_to: str):
    answer = browser.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


def test_what_may_mean_several_is_asked_back_with_links(browser: httpx.Client):
    html = browser.get(f"/?from=nurse&to={MANAGER}").text
    assert f'<a href="/?from={NURSE}&amp;to={MANAGER}">Registered Nurses</a>' in html
    assert "Which occupation do you mean?" in html
    none = browser.get("/?from=zzzqqq")
    assert (none.status_code, "No occupation matches" in none.text) == (200, True)


def test_a_page_is_answered_from_memory_and_confirmed_by_its_tag(browser: httpx.Client):
    first = browser.get(GAP)
    again = browser.get(GAP, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" not in again.headers, "it would replace the page's own"
    assert first.headers["cache-control"] == "no-cache"


# -- own levels -------------------------------------------------------------------------------------------------------


def test_own_levels_count_where_they_differ_from_the_occupations(browser: httpx.Client, client: httpx.Client):
    address = f"/own?from={NURSE}&to={MANAGER}"
    sliders = {each["name"]: each["value"] for each in Parsed(browser.get(address).text).all("input")}
    assert len(sliders) == 35
    assert all(float(value) * 8 == int(float(value) * 8) for value in sliders.values() if value)
    moved = {**sliders, "2.B.3.a": "4.5"}
    answer = browser.post(address, data=moved)
    assert answer.headers["cache-control"] == "no-store"
    profile = {"levels": {"2.B.3.a": 4.5}, "occupation": NURSE}
    report = client.post("/skill-gap", params={"to": MANAGER}, json=profile).json()
    html = answer.text.split('id="result"')[1]
    assert names(html) == [gap["element_name"] for gap in report["skill_gaps"]]
    assert "Operations Analysis" not in names(html)
    assert answer.text.count("slider own") == 1


def test_own_levels_are_not_logged(service: Service, browser: httpx.Client):
    browser.post(f"/own?from={NURSE}&to={MANAGER}", data={"2.B.3.a": "6.125", "2.A.1.a": "6.25"})
    browser.get("/health")
    (line,) = [line for line in service.lines("request") if line["path"] == "/own" and line["method"] == "POST"][-1:]
    assert line.keys() == {"id", "method", "path", "status", "ms", "event", "level", "timestamp"}


@pytest.mark.parametrize("level", ["8", "-1", "nan", "inf", "high", ""])
def test_a_wrong_own_level_is_named(client: httpx.Client, level: str):
    answer = client.post(f"/own?from={NURSE}&to={MANAGER}", data={"2.B.3.a": level, "2.A.1.a": "1"})
    assert (answer.status_code, answer.json()["parameters"][0]["parameter"]) == (422, "2.B.3.a")


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        (f"/?from={NURSE}&to=99-9999.00", 404, "Unknown occupation"),
        (f"/?from={NURSE}&to=55-1011.00", 404, "This occupation has no levels"),
        ("/?from=15-1252.00&to=11-9111.00&ratings=onet", 404, "This occupation has no levels"),
        (f"/path?from={NURSE}", 422, "Something in this address is invalid"),
        ("/own?from=29-1141.00", 422, "Something in this address is invalid"),
        (f"{GAP}&domain=nonsense", 422, "Something in this address is invalid"),
        ("/?from=" + "%EF%B7%BA" * 200, 422, "Something in this address is invalid"),
        ("/nowhere", 404, "Page not found"),
        ("/skill-gap?form=1", 422, "This address has an unknown parameter"),
        ("/skill-gap?from=99-9999.00&to=11-9111.00", 404, "Unknown occupation"),
    ],
)
def test_errors_are_pages_for_browsers_and_documents_for_programs(
    browser: httpx.Client, client: httpx.Client, path: str, status: int, title: str
):
    page, document = browser.get(path), client.get(path)
    assert (page.status_code, document.status_code) == (status, status)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<h1 id="answer" tabindex="-1">{title}</h1>' in page.text
    assert document.headers["content-type"] == "application/problem+json"
    assert document.json()["detail"].lower() in Parsed(page.text).text.lower()
    for each in (page, document):
        assert "Accept" in each.headers["vary"].split(", ")
    assert page.headers["cache-control"] == "no-store"


def test_a_page_of_an_error_keeps_what_was_asked(browser: httpx.Client):
    html = browser.get(f"/?from={NURSE}&to=55-1011.00&ratings=llm&sure=yes").text
    fields = {each["name"]: each.get("value") for each in Parsed(html).all("input")}
    assert (fields["from"], fields["to"]) == ("Registered Nurses", "Air Crew Officers")
    assert '<option value="llm" selected>' in html
    assert f'<a href="/?from={NURSE}&amp;to=55-1011.00&amp;sure=yes">' in html, "with every level there is"


def test_only_domains_that_have_ratings_are_offered(browser: httpx.Client):
    assert re.findall(r'<option value="(skills|knowledge|abilities|all)"', browser.get(GAP).text) == ["skills"]


@pytest.mark.programs
def test_an_empty_database_has_a_page_of_its_own(tmp_path: Path):
    with serve(tmp_path, f"sqlite:///{tmp_path}/empty.db") as service:
        start = httpx.get(service.url, headers=BROWSER)
        gap = httpx.get(service.url + GAP, headers=BROWSER)
    assert (start.status_code, gap.status_code) == (200, 503)
    assert "There is nothing to compare yet" in gap.text
    assert "<form" in start.text


# -- security ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_that_stands_in_it_and_asks_no_other_host(browser: httpx.Client, path: str):
    answer = browser.get(path)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[each] for each in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {"'self'"}
    assert "set-cookie" not in answer.headers
    page = Parsed(answer.text)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        if tag == "script":
            assert attributes.get("src") or attributes["type"] == "application/json"
        assert tag != "style"
        loads = [attributes.get(name) for name in ("src", "srcset", "data-spec", "data-charts")]
        if tag == "link":
            loads.append(attributes["href"])
        for address in filter(None, loads):
            assert re.match(r"/(assets|chart)", address), address


@pytest.fixture(scope="module")
def hostile(starter_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with hostile titles of an occupation and a skill."""
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "skillgap.db"
    shutil.copy(make_url(starter_database).database or "", file)
    engine = make_engine(f"sqlite:///{file}")
    with write(engine) as connection:
        connection.execute(
            text("UPDATE Occupations SET title = :t WHERE onet_soc_code = :c"), {"t": HOSTILE, "c": NURSE}
        )
        connection.execute(text("UPDATE Elements SET element_name = :t WHERE element_id = '2.B.3.a'"), {"t": HOSTILE})
        connection.execute(text("UPDATE Skills SET element_name = :t WHERE element_id = '2.B.3.a'"), {"t": HOSTILE})
    engine.dispose()
    with serve(folder, f"sqlite:///{file}") as service:
        yield service


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PAGES[1:8], f"/report?from={NURSE}&to={MANAGER}"])
def test_hostile_titles_in_the_data_are_text(hostile: Service, path: str):
    html = httpx.get(hostile.url + path, headers=BROWSER, follow_redirects=True, timeout=30).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    page = Parsed(html)
    assert not [each for each in page.all("img") if each.get("src") == "x"]
    if path.startswith(("/path", "/report", "/?from=29")):
        assert HOSTILE in page.text


def test_hostile_questions_come_back_as_text(browser: httpx.Client):
    for path in ("/", "/own", "/nowhere", "/skill-gap"):
        html = browser.get(path, params={"from": HOSTILE, "to": HOSTILE}).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html


# -- files ------------------------------------------------------------------------------------------------------------


def test_what_pages_are_made_with_is_kept_for_ever_at_an_address_of_its_content(browser: httpx.Client):
    page = Parsed(browser.get(GAP).text)
    addresses = {each["href"] for each in page.all("link")} | {page.all("body")[0]["data-charts"]}
    addresses |= {each["src"] for each in page.all("script") if "src" in each}
    addresses |= {each["data-spec"] for each in page.all("div") if "data-spec" in each}
    assert len(addresses) == 5
    for address in filter(None, addresses):
        file = browser.get(address, timeout=60)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        plain = browser.get(address, headers={"Accept-Encoding": "identity"})
        assert plain.content == file.content
        other = re.sub(r"-[0-9a-f.]+(post\d)?\.", "-0.", address)
        assert browser.get(other).status_code == 404
    assert browser.get("/assets/../pyproject.toml").status_code == 404


def test_the_first_page_is_light(service: Service):
    with httpx.Client(base_url=service.url, headers={**BROWSER, "Accept-Encoding": "identity"}) as client:
        start = client.get("/")
        page = Parsed(start.text)
        parts = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
        assert len(start.content) + sum(len(client.get(str(part)).content) for part in parts) < 100_000
        assert len(client.get(GAP).content) < 100_000


def test_a_chart_is_a_picture_for_browsers_without_script(browser: httpx.Client):
    for theme, ink in (("light", "#1b1f24"), ("dark", "#e9edf1")):
        svg = browser.get(f"/chart.svg?from={NURSE}&to={MANAGER}&sure=yes&theme={theme}", timeout=60)
        assert svg.headers["content-type"] == "image/svg+xml"
        assert "Operations Analysis" in svg.text
        assert "Systems Analysis" not in svg.text
        assert ink in svg.text
    assert browser.get(f"/chart.svg?from={NURSE}&to=99-9999.00").status_code == 404


def test_a_report_is_one_file_that_needs_nothing_else(browser: httpx.Client):
    answer = browser.get(f"/report?from={NURSE}&to={MANAGER}", timeout=60)
    page = Parsed(answer.text)
    assert not page.all("script")
    assert [each["href"] for each in page.all("link")] == ["data:,"]
    assert not page.all("img")
    assert len(page.all("style")) == 1
    assert [each["href"] for each in page.all("a")] == ["https://creativecommons.org/licenses/by/4.0/"]
    assert "<svg" in answer.text
    assert re.search(r"O\*NET 29\.0 \(2024-08\); data version \S+; created with skillgap", page.text)
    assert "29-1141.00 to 11-9111.00. Created on 20" in page.text
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert re.search(r"style-src 'sha256-[^']+'", policy)


def test_the_drawing_process_ends_with_its_chart(service: Service, browser: httpx.Client):
    browser.get(f"/chart.svg?from={MANAGER}&to={NURSE}&order=name", timeout=60)
    processes = subprocess.run(["ps", "-eo", "ppid=,args="], capture_output=True, text=True, check=True).stdout
    workers = {str(worker) for worker in service.workers()}
    children = [line for line in processes.splitlines() if line.split()[0] in workers]
    assert not [child for child in children if "skillgap.export.renderer" in child]


# -- inputs that are missing ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def levels_only(levels_alone: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A browser at a service on levels without importances."""
    with serve(tmp_path_factory.mktemp("levels-only"), str(levels_alone.url)) as running:
        running.wait_for_all_data()
        with httpx.Client(base_url=running.url, headers=BROWSER) as client:
            yield client


def test_without_importance_the_page_shows_no_shortfall_and_why(levels_only: httpx.Client):
    page = Parsed(levels_only.get(GAP).text)
    assert "8 are clear, 2 are likely, 7 are open." in page.text
    assert "How hard this move is compared with others is unknown." in page.text
    assert "No importance of skills is loaded (scale IM)." in page.text
    assert "clear ones first, then by gap." in page.text
    figures = re.search(r"levels short on average, weighted by importance\s*(\S+)", page.text)
    assert figures is not None
    assert figures[1] == "–"
    counted = next(line for line in page.text.splitlines() if "need a higher level in" in line)
    assert "hardly matter" not in counted, "O*NET flags none of these gaps Not Relevant"
    assert "0%" not in page.text.split("Occupations similar to")[1]
    one = Parsed(levels_only.get(f"/?from={NURSE}").text)
    assert "No importance of skills is loaded" in one.text


def test_without_importance_the_page_of_paths_says_why_there_is_none(levels_only: httpx.Client):
    answer = levels_only.get(f"/path?from={NURSE}&to={MANAGER}")
    assert answer.status_code == 409
    assert "No importance of skills is loaded" in Parsed(answer.text).text


def test_without_importance_the_api_answers_null_and_why(levels_only: httpx.Client):
    programs = {"Accept": "application/json"}
    pair = {"from": NURSE, "to": MANAGER}
    summary = levels_only.get("/skill-gap", params=pair, headers=programs).json()["summary"]
    assert {name: summary[name] for name in summary["unavailable"]} == dict.fromkeys(
        ("weighted_shortfall", "distinguishable_shortfall", "noise_shortfall", *PERCENTILES)
    )
    assert (summary["gaps"], summary["distinguishable_gaps"], summary["job_zone_step"]) == (17, 8, 0)
    refused = levels_only.get("/paths", params=pair, headers=programs)
    assert (refused.status_code, refused.json()["code"]) == (409, "missing-input")
    answer = levels_only.get("/paths", params={**pair, "weight": "none"}, headers=programs).json()
    assert answer["weight"] == "none"
    assert answer["direct"]["weighted_shortfall"] == 0.4458
    near = f"/occupations/{NURSE}/transitions"
    filtered = levels_only.get(near, params={"max_shortfall_percentile": 50}, headers=programs)
    assert (filtered.status_code, filtered.json()["code"]) == (409, "missing-input")
    found = levels_only.get(near, headers=programs).json()
    assert found["basis"]["name"] == "without importance"
    assert {each["summary"]["weighted_shortfall"] for each in found["transitions"]} == {None}


def test_a_predicted_level_is_labelled_with_its_month(browser: httpx.Client):
    html = browser.get("/?from=15-1252.00").text
    assert ">Rated<" not in html
    assert re.search(r"<td>predicted \d{4}-\d{2}</td>", html)
    assert "predicted 20" not in browser.get(f"/?from={NURSE}").text


def test_a_job_zone_is_told_without_a_total(browser: httpx.Client, whole_29: Engine, tmp_path: Path):
    with serve(tmp_path, str(whole_29.url)) as running:
        running.wait_for_all_data()
        texts = [
            Parsed(httpx.get(f"{running.url}{path}", headers=BROWSER).text).text for path in (GAP, f"/?from={NURSE}")
        ]
    assert "(both Job Zone 4)" in texts[0] or "(Job Zone" in texts[0]
    assert "Job Zone Four: Considerable Preparation Needed" in texts[1] or "Job Zone Three" in texts[1]
    assert not any("of 5" in text for text in texts)
