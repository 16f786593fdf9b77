"""Speed of the page: server time and bytes per page, and the time from a click to the chart.

    python -m benchmarks.page RELEASE [--screenshot FILE]

Uses a real browser on this machine and a service with a complete release. Server times come from its log, for random
pairs, so that no answer is stored. The first chart is timed from the request in a browser with an empty cache. The time
from click to chart is measured with the chart library loaded. Needs Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import shutil
import statistics
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.http import free_port, server, skillgap_serve
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import make_engine, read

_SEED = 29
_PAGES = 200
_CLICKS = 20
_FIRSTS = 7
_NURSE, _MANAGER = "29-1141.00", "11-9111.00"
_GAP = f"/?from={_NURSE}&to={_MANAGER}"
_BROWSER = {"Accept": "text/html"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("release")
    parser.add_argument("--screenshot", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/skillgap.db")
        data, _ = extract_load_text_files(engine, given.release, cache_dir=Path(folder))
        with read(engine) as connection:
            codes = get_ratings(connection, "onet").codes
        engine.dispose()
        environment = {**os.environ, "SKILLGAP_DATABASE_URL": f"sqlite:///{folder}/skillgap.db"}
        log, port = Path(folder) / "server.log", free_port()
        with (
            server(skillgap_serve(port, workers=1), port, environment, log) as (url, _),
            sync_playwright() as playwright,
        ):
            httpx.get(f"{url}/?from={_NURSE}", timeout=60)
            program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            if given.screenshot:
                _screenshot(browser, url, given.screenshot)
            else:
                _measure(browser, url, log, codes, data.release.number)
            browser.close()


def _measure(browser: Browser, url: str, log: Path, codes: tuple[str, ...], release: str) -> None:
    print(f"O*NET {release}, {_PAGES} random occupations or pairs each, one worker\n")
    print("| page | server, ms p50 | p99 | kB | kB gzipped |")
    print("|---|---:|---:|---:|---:|")
    chance = random.Random(_SEED)
    pages = {
        "a gap": "/?from={}&to={}",
        "a gap in all domains": "/?from={}&to={}&domain=all",
        "one occupation": "/?from={}",
        "paths": "/path?from={}&to={}",
        "stated levels": "/own?from={}&to={}",
    }
    p50 = [_server_time(name, path, url, log, codes, chance) for name, path in pages.items()]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    size = page.evaluate(
        "performance.getEntries().filter(each => 'decodedBodySize' in each)"
        ".reduce((sum, each) => sum + each.decodedBodySize, 0)"
    )
    bundle = len(httpx.get(url + page.evaluate("document.body.dataset.charts"), timeout=60).content)
    firsts = sorted(_first_chart(browser, url) for _ in range(_FIRSTS))
    page.goto(url + _GAP)
    page.locator(".chart svg.marks").wait_for()
    clicks = sorted(_click(page) for _ in range(_CLICKS))
    print(
        f"\nbench-page server_p50_ms={p50[0]:.2f} first_page_kb={size / 1e3:.1f} bundle_kb={bundle / 1e3:.0f} "
        f"first_chart_ms={statistics.median(firsts):.0f} click_to_chart_ms={statistics.median(clicks):.0f} "
        f"click_to_chart_worst_ms={clicks[-1]:.0f}"
    )


def _server_time(name: str, path: str, url: str, log: Path, codes: tuple[str, ...], chance: random.Random) -> float:
    where = re.escape(path.split("?")[0])
    before = log.stat().st_size
    with httpx.Client(base_url=url, headers=_BROWSER) as client:
        sizes = [client.get(path.format(*chance.sample(codes, 2))).content for _ in range(_PAGES)]
        client.get("/health")
    lines = [json.loads(line) for line in log.read_bytes()[before:].splitlines()]
    times: list[float] = [
        line["ms"] for line in lines if line["event"] == "request" and re.fullmatch(where, line["path"])
    ]
    assert len(times) == _PAGES
    size, zipped = (statistics.median(map(len, each)) / 1e3 for each in (sizes, map(gzip.compress, sizes)))
    p50, p99 = statistics.median(times), sorted(times)[int(0.99 * _PAGES)]
    print(f"| {name} | {p50:.2f} | {p99:.2f} | {size:.1f} | {zipped:.1f} |")
    return p50


def _first_chart(browser: Browser, url: str) -> float:
    """Return the ms from the request of a gap to its chart, in a browser with an empty cache."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(url + _GAP)
        page.locator(".chart svg.marks").wait_for()
        return float(page.evaluate("performance.getEntriesByName('chart')[0].startTime"))


def _click(page: Page) -> float:
    """Return the ms from a click on "swap" to the other chart."""
    page.evaluate(
        "performance.clearMarks();"
        "document.querySelector('button[name=swap]').addEventListener('click', () => performance.mark('click'))"
    )
    page.locator("button[name=swap]").click()
    page.evaluate(  # not wait_for_function: it would need the `eval` that the page's policy forbids
        "() => new Promise(done => {"
        "const ask = () => performance.getEntriesByName('chart').length ? done() : requestAnimationFrame(ask);"
        "ask(); })"
    )
    return float(
        page.evaluate(
            "performance.getEntriesByName('chart')[0].startTime - performance.getEntriesByName('click')[0].startTime"
        )
    )


def _screenshot(browser: Browser, url: str, file: Path) -> None:
    """Write the page of the README's example, down to the first rows of its table."""
    page = browser.new_page(viewport={"width": 1000, "height": 1150})
    page.goto(url + _GAP)
    page.locator(".chart svg.marks").wait_for()
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file)


if __name__ == "__main__":
    main()
