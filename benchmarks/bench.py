"""`make bench`: speed of the product against its limits, measured in one run; ends with one line of ratios.

HTTP: `/skill-gap` on one worker with its log on, against a bare endpoint of the same framework and server that
returns stored bytes of equal size; rounds alternate, medians are compared. Start: time to `/ready` and memory, against
the same bare application. Database: loading the release into MySQL, validation included, against plain batched inserts
of the same rows. Analysis: all ordered pairs at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pymysql
from rich.console import Console
from sqlalchemy import make_url

from benchmarks.all_gaps import all_gaps
from benchmarks.http import Load, cpu_seconds, free_port, granian, health_probe, server, skillgap_serve, uvicorn, wrk
from benchmarks.start import bench_start
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.pairs import weighted_shortfalls
from skillgap.analysis.paths import find_paths
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import compute_similarity
from skillgap.analysis.transitions import find_transitions
from skillgap.api.server import allow_open_files
from skillgap.nodes.extract_load_api_data import load_api_data
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.onet.tables import LOAD_ORDER, OPTIONAL_TABLES
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.sources.releases import find_release
from skillgap.sources.text_files import extract_onet_data
from skillgap.sources.web_services.client import connect
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND
from skillgap.sources.web_services.response_cache import ResponseCache
from skillgap.sources.web_services.tables import OnetApiData, extract_onet_api_data
from skillgap.store.engine import make_engine, read
from skillgap.store.tables import init_tables
from skillgap.testing.fake_onet_answers import FakeTables
from skillgap.testing.fake_onet_api import FakeOnetApi

ONET_29 = Path(os.environ.get("SKILLGAP_TEST_ONET_DIR", "../shared/onet")) / "db_29_0_text.zip"
MYSQL_URL = os.environ.get("SKILLGAP_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306")
PAIRS = 5_000
USD_PER_CPU_HOUR = 0.05
"""Approximate cloud price of one hour of a virtual processor at the end of 2026."""
ROWS_PER_INSERT = 1_000

out = Console(highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds of each HTTP measurement")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of each round")
    parser.add_argument("--server", choices=["granian", "uvicorn"], default="granian")
    arguments = parser.parse_args()
    source = str(ONET_29) if ONET_29.exists() else "starter"
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            **bench_analysis(Path(folder), source),
            **bench_questions(Path(folder)),
            **bench_export(Path(folder)),
            **start_figures(Path(folder), arguments.rounds),
            **bench_load(Path(folder), source),
            **bench_fetch(Path(folder), source),
            **bench_http(Path(folder), arguments.rounds, arguments.seconds, arguments.server),
            **bench_endpoints(Path(folder), arguments.seconds),
            **bench_workers(Path(folder), arguments.seconds),
        }
    out.print()
    print("bench", *(f"{name}={value:.4g}" for name, value in figures.items()))


# -- analysis -----------------------------------------------------------------------------------------------------


def bench_analysis(folder: Path, source: str) -> dict[str, float]:
    """All ordered pairs, and one pair."""
    database = f"sqlite:///{folder}/skillgap.db"
    engine = make_engine(database)
    extract_load_text_files(engine, source, cache_dir=folder)
    with read(engine) as connection:
        ratings = get_ratings(connection)
    _ = ratings.level_or_zero, ratings.weight, ratings.weight_sum

    def all_pairs() -> None:
        all_gaps(ratings)
        weighted_shortfalls(ratings)

    seconds = min(timed(all_pairs) for _ in range(3))
    tracemalloc.start()
    all_pairs()
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    pairs = len(ratings.codes) * (len(ratings.codes) - 1)
    out.print(f"all {pairs:,} ordered pairs: {seconds:.2f} s, {peak_mb:.0f} MB at most")
    chosen = random_pairs(ratings, 2_000)
    identify_skill_gap(*chosen[0], ratings)
    pair_us = timed(lambda: [identify_skill_gap(*pair, ratings) is None for pair in chosen]) / len(chosen) * 1e6
    out.print(f"one pair, with statistics and all rows: {pair_us:.0f} µs")
    return {"all_pairs_s": seconds, "all_pairs_mb": peak_mb, "pair_us": pair_us}


def bench_questions(folder: Path) -> dict[str, float]:
    """Similar occupations, paths and stability, in process."""
    with read(make_engine(f"sqlite:///{folder}/skillgap.db")) as connection:
        every, profiles = get_ratings(connection, domain="all"), get_profiles(connection)
    ratings = every.of_domain("skills")
    started = time.perf_counter()
    near = compute_similarity(profiles, every)
    seconds = time.perf_counter() - started
    out.print(f"similarity of {len(near.codes)} occupations, once per data version: {seconds:.1f} s")
    pairs = random_pairs(ratings, 200)
    questions: dict[str, Callable[[str, str], object]] = {
        "transitions": lambda current, _: find_transitions(current, near, ratings),
        "path": lambda current, target: find_paths(current, target, near, ratings),
        "gap_stability": lambda current, target: identify_skill_gap(current, target, ratings, stability=True),
        "transition_stability": lambda current, _: find_transitions(current, near, ratings, stability=True),
    }
    figures = {}
    for name, question in questions.items():
        question(*pairs[0])
        took = sorted(timed(lambda: question(*pair)) * 1e3 for pair in pairs)  # noqa: B023 - called in this round
        figures[f"{name}_ms"] = statistics.median(took)
        out.print(f"{name.replace('_', ' ')}: p50 {statistics.median(took):.2f} ms, p99 {took[-3]:.2f} ms")
    return figures


def bench_export(folder: Path) -> dict[str, float]:
    """`skillgap export` of all pairs: seconds from start to end and peak memory, by format."""
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": f"sqlite:///{folder}/skillgap.db"}
    figures: dict[str, float] = {}
    for suffix in ("csv", "parquet", "json"):
        file = folder / f"pairs.{suffix}"
        command = [sys.executable, "-m", "skillgap", "export", str(file)]
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        status, peak = Path(f"/proc/{process.pid}/status"), 0
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            peak = max(peak, int(found[1]) if found else 0)
            time.sleep(0.02)
        assert process.returncode == 0
        figures[f"export_{suffix}_s"] = time.perf_counter() - started
        figures[f"export_{suffix}_mb"] = peak / 1024
        out.print(
            f"all pairs as {suffix}: {figures[f'export_{suffix}_s']:.1f} s, "
            f"{figures[f'export_{suffix}_mb']:.0f} MB of peak memory, a file of {file.stat().st_size / 1e6:.0f} MB"
        )
    return figures


def random_pairs(ratings: Ratings, count: int) -> list[tuple[str, str]]:
    rng = random.Random(5)
    drawn: dict[tuple[str, str], None] = {}
    while len(drawn) < count:
        current, target = rng.sample(ratings.codes, 2)
        drawn[current, target] = None
    return list(drawn)


def start_figures(folder: Path, rounds: int) -> dict[str, float]:
    """The start of the service and its memory, against the bare application."""
    figures = bench_start(f"sqlite:///{folder}/skillgap.db", rounds=rounds)
    out.print(
        f"start to /ready: {figures['start_s']:.2f} s, {figures['start_ratio']:.2f} times the bare application; "
        f"memory: {figures['memory_mb']:.0f} MB, {figures['memory_ratio']:.2f} times"
    )
    return figures


# -- loading --------------------------------------------------------------------------------------------------------


def bench_load(folder: Path, source: str) -> dict[str, float]:
    """A first and an unchanged second load into MySQL, against plain inserts of the same rows into the same tables."""
    server_url = make_url(MYSQL_URL)
    name = f"skillgap_bench_{uuid.uuid4().hex[:8]}"
    admin = pymysql.connect(
        host=server_url.host, port=server_url.port or 3306, user=server_url.username, password=server_url.password or ""
    )
    first, second, plain = [], [], []
    try:
        for _ in range(3):
            admin.cursor().execute(f"CREATE DATABASE {name}")
            engine = make_engine(server_url.set(database=name).render_as_string(hide_password=False))
            init_tables(engine)

            def load() -> None:
                extract_load_text_files(engine, source, cache_dir=folder)  # noqa: B023 - called in this round

            first.append(timed(load))
            second.append(timed(load))
            plain.append(timed_plain_inserts(engine.url.render_as_string(hide_password=False), source, folder))
            engine.dispose()
            admin.cursor().execute(f"DROP DATABASE {name}")
    finally:
        admin.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
        admin.close()
    inserts = statistics.median(plain)
    ratios = {
        "load_ratio": statistics.median(first) / inserts,
        "reload_ratio": statistics.median(second) / inserts,
    }
    out.print(
        f"load into MySQL: {statistics.median(first):.2f} s first, {statistics.median(second):.2f} s unchanged, "
        f"plain inserts of its rows {inserts:.2f} s"
    )
    return ratios


def timed_plain_inserts(url: str, source: str, folder: Path) -> float:
    """Seconds of inserting all rows of the release into the emptied tables, batched, committed once."""
    tables = extract_onet_data(find_release(source, cache_dir=folder), also=OPTIONAL_TABLES).tables
    parts = make_url(url)
    connection = pymysql.connect(
        host=parts.host,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.database,
    )
    cursor = connection.cursor()
    inserts = []
    for name in reversed(LOAD_ORDER):
        cursor.execute(f"DELETE FROM {name}")  # noqa: S608
    for name in LOAD_ORDER:
        rows = tables[name]
        plain = rows.assign(**{str(each): rows[each].dt.date for each in rows if rows[each].dtype.kind == "M"})
        values = list(plain.astype(object).where(rows.notna(), None).itertuples(index=False, name=None))
        columns, places = ", ".join(map(str, rows)), ", ".join(["%s"] * len(rows.columns))
        inserts.append((f"INSERT INTO {name} ({columns}) VALUES ({places})", values))  # noqa: S608
    connection.commit()

    def insert() -> None:
        for statement, values in inserts:
            for start in range(0, len(values), ROWS_PER_INSERT):
                cursor.executemany(statement, values[start : start + ROWS_PER_INSERT])
        connection.commit()

    seconds = timed(insert)
    connection.close()
    return seconds


# -- O*NET Web Services -----------------------------------------------------------------------------------------------


def bench_fetch(folder: Path, source: str) -> dict[str, float]:
    """A complete extraction from the stand-in at the usual rate, against the time set by the rate limit."""
    data = extract_onet_data(find_release(source, cache_dir=folder))
    engine = make_engine(f"sqlite:///{folder}/fetched.db")
    init_tables(engine)
    fetched: list[OnetApiData] = []

    async def extract() -> None:
        async with connect(stand_in.access) as api:
            fetched.append(await extract_onet_api_data(api, pages=ResponseCache(folder / "pages")))

    with FakeOnetApi(FakeTables(data)) as stand_in:
        seconds = timed(lambda: asyncio.run(extract()))
        requests = len(stand_in.requests)
    storing = timed(lambda: load_api_data(engine, fetched[0]))
    engine.dispose()
    out.print(
        f"O*NET Web Services (stand-in), whole: {requests} requests and all checks in {seconds:.1f} s, "
        f"stored in {storing:.1f} s (SQLite)"
    )
    return {"fetch_ratio": seconds / (requests / REQUESTS_PER_SECOND)}


# -- HTTP -------------------------------------------------------------------------------------------------------------


def bench_http(folder: Path, rounds: int, seconds: int, kind: str) -> dict[str, float]:
    """The service against the bare endpoint: one pair, many pairs, many pairs computed each time, 200 connections."""
    command = {"granian": granian, "uvicorn": uvicorn}[kind]
    database = f"sqlite:///{folder}/skillgap.db"
    with read(make_engine(database)) as connection:
        ratings = get_ratings(connection)
    paths = [f"/skill-gap?from={current}&to={target}" for current, target in random_pairs(ratings, PAIRS)]
    environment = {"SKILLGAP_DATABASE_URL": database}
    ports = [free_port() for _ in range(3)]
    with (
        server(
            command("skillgap.api.app:create_app", ports[0], factory=True), ports[0], environment, folder / "ours.log"
        ) as (ours, _),
        server(
            command("skillgap.api.app:create_app", ports[1], factory=True),
            ports[1],
            {**environment, "SKILLGAP_ANSWER_CACHE_MB": "0"},
            folder / "uncached.log",
        ) as (uncached, _),
    ):
        for url in (ours, uncached):
            wait_for_all_data(url)
        size = statistics.mean(len(httpx.get(ours + path).content) for path in paths[:200])
        body = {"BENCH_BODY_BYTES": str(round(size))}
        with server(command("benchmarks.bare:app", ports[2]), ports[2], body, folder / "bare.log") as (bare, _):
            targets = {
                "bare": (bare, paths[:1]),
                "one pair": (ours, paths[:1]),
                f"{PAIRS:,} pairs": (ours, paths),
                f"{PAIRS:,} pairs, none stored": (uncached, paths),
            }

            def load(url: str, asked: list[str], connections: int) -> Load:
                return wrk(url, asked, connections=connections, seconds=seconds, folder=folder)

            for url, asked in targets.values():
                load(url, asked, 16)  # warm
            results: dict[str, list[Load]] = {name: [] for name in targets}
            for _ in range(rounds):
                for name, (url, asked) in targets.items():
                    results[name].append(load(url, asked, 16))
            medians = {name: median_load(loads) for name, loads in results.items()}
            for name, seen in medians.items():
                out.print(
                    f"{kind}, 16 connections, {name}: {seen.per_second:,.0f} requests/s, "
                    f"p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms, {seen.errors} errors"
                )
            with health_probe(ours) as took:
                crowd = load(ours, paths, 200)
            out.print(
                f"{kind}, 200 connections: {crowd.per_second:,.0f} requests/s, p99 {crowd.p99_ms:.1f} ms, "
                f"{crowd.errors} errors; /health meanwhile {max(took):.1f} ms at most of {len(took)}"
            )
    base, one, many, computed = medians.values()
    return {
        "one_pair_ratio": one.per_second / base.per_second,
        "pairs_ratio": many.per_second / base.per_second,
        "computed_ratio": computed.per_second / base.per_second,
        "p99_ratio": many.p99_ms / base.p99_ms,
        "computed_p99_ratio": computed.p99_ms / base.p99_ms,
        "errors": sum(load.errors for loads in results.values() for load in loads) + crowd.errors,
        "health_ms_at_200": max(took),
    }


def bench_endpoints(folder: Path, seconds: int) -> dict[str, float]:
    """Each endpoint on one worker, with every answer computed."""
    database = f"sqlite:///{folder}/skillgap.db"
    with read(make_engine(database)) as connection:
        ratings, profiles = get_ratings(connection), get_profiles(connection)
    pairs = random_pairs(ratings, 1_000)
    codes = [current for current, _ in pairs]
    alternate = sorted({title for profile in profiles.values() for title in profile.alternate_titles})
    titles = [quote(title) for title in random.Random(5).sample(alternate, 1_000)]
    gaps = [f"/skill-gap?from={current}&to={target}" for current, target in pairs]
    asked = {
        "gap": gaps,
        "gap_all_domains": [f"{path}&domain=all" for path in gaps],
        "gap_stability": [f"{path}&stability=true" for path in gaps],
        "own_gap": [f"/skill-gap?to={target}" for _, target in pairs],
        "search": [f"/occupations?q={title}&limit=10" for title in titles],
        "occupation": [f"/occupations/{code}" for code in codes],
        "skills": [f"/occupations/{code}/skills" for code in codes],
        "transitions": [f"/occupations/{code}/transitions" for code in codes],
        "paths": [f"/paths?from={current}&to={target}" for current, target in pairs],
    }
    own = '{"levels": {"Writing": 3.5, "Speaking": 4, "Programming": 1}, "occupation": "29-1141.00"}'
    figures: dict[str, float] = {}
    port, environment = free_port(), {"SKILLGAP_DATABASE_URL": database, "SKILLGAP_ANSWER_CACHE_MB": "0"}
    command = granian("skillgap.api.app:create_app", port, factory=True)
    with server(command, port, environment, folder / "endpoints.log") as (url, _):
        for paths in (asked["transitions"], asked["search"]):  # computed once per data version
            httpx.get(url + paths[0], timeout=60).raise_for_status()
        for name, paths in asked.items():
            body = own if name == "own_gap" else None
            seen = wrk(url, paths, connections=4, seconds=seconds, folder=folder, body=body)
            figures |= {f"{name}_p50_ms": seen.p50_ms, f"{name}_p99_ms": seen.p99_ms}
            out.print(
                f"{name}, 4 connections, every answer computed: {seen.per_second:,.0f} requests/s, "
                f"p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms, {seen.errors} errors"
            )
            figures["endpoint_errors"] = figures.get("endpoint_errors", 0) + seen.errors
    return figures


def bench_workers(folder: Path, seconds: int) -> dict[str, float]:
    """`skillgap serve` by number of workers and connections, over many pairs, and the cost of a million requests."""
    database = f"sqlite:///{folder}/skillgap.db"
    with read(make_engine(database)) as connection:
        ratings = get_ratings(connection)
    paths = [f"/skill-gap?from={current}&to={target}" for current, target in random_pairs(ratings, PAIRS)]
    allow_open_files()  # inherited by wrk: a connection is an open file
    figures: dict[str, float] = {}
    errors = 0
    for workers in range(1, (os.cpu_count() or 1) + 1):
        port, environment = free_port(), {"SKILLGAP_DATABASE_URL": database}
        with server(skillgap_serve(port, workers=workers), port, environment, folder / "served.log") as (url, pid):
            wait_for_all_data(url)
            wrk(url, paths, connections=64, seconds=2 * seconds, folder=folder)
            for connections in (64, 1_000):
                before = cpu_seconds(pid)
                seen = wrk(url, paths, connections=connections, seconds=2 * seconds, folder=folder)
                cpu_us = (cpu_seconds(pid) - before) / (seen.per_second * 2 * seconds) * 1e6
                errors += seen.errors
                out.print(
                    f"{workers} workers, {connections:,} connections: {seen.per_second:,.0f} requests/s, "
                    f"p50 {seen.p50_ms:.1f} ms, p99 {seen.p99_ms:.1f} ms, {seen.errors} errors, "
                    f"{cpu_us:.0f} µs of processor time a request: "
                    f"{cpu_us / 3_600 * USD_PER_CPU_HOUR * 100:.3f} cents per million"
                )
                figures[f"p99_ms_{workers}w_{connections}c"] = seen.p99_ms
                figures[f"cpu_us_{workers}w_{connections}c"] = cpu_us
    return {**figures, "served_errors": errors}


def wait_for_all_data(url: str) -> None:
    """Return once a worker has computed the last part of its data; until then, that takes from the requests."""
    httpx.get(f"{url}/occupations/29-1141.00/transitions", timeout=60).raise_for_status()


def median_load(loads: list[Load]) -> Load:
    return Load(
        statistics.median(load.per_second for load in loads),
        sum(load.errors for load in loads),
        statistics.median(load.p50_ms for load in loads),
        statistics.median(load.p99_ms for load in loads),
    )


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
