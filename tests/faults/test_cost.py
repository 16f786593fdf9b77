"""The cost of a request for others: processor time and places in a queue."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import permutations, product
from pathlib import Path
from time import perf_counter, process_time
from urllib.parse import quote, urlsplit

import httpx
import pytest

from benchmarks.worst_requests import MOST_LOOP_MS, MOST_STALL_MS, candidates, measure
from skillgap.llm.generative.reply_json import find_by_id
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine
from tests.api.serving import Service, eventually, serve_by_command
from tests.conftest import onet_zip
from tests.faults.conftest import Noted
from tests.faults.load import load

NURSE, MANAGER = "29-1141.00", "11-9111.00"
CODES = ("29-1141.00", "11-9111.00", "15-1211.00", "43-4051.00", "29-1229.01", "11-1011.00", "19-3091.00")
PAIRS = [f"from={current}&to={target}" for current, target in permutations(CODES, 2)]
NEVER_SEEN = {"anonymous_requests_per_minute": "1000000000", "answer_cache_mb": "0"}


@contextmanager
def sent(url: str, paths: Sequence[str]) -> Iterator[None]:
    """Send requests on separate connections, and disconnect after the block without reading an answer."""
    address = urlsplit(url)
    connections = [socket.create_connection((address.hostname, address.port)) for _ in paths]
    for connection, path in zip(connections, paths, strict=True):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    yield
    for connection in connections:
        connection.close()


def seconds_to_ready(service: Service) -> float:
    began = perf_counter()
    assert httpx.get(f"{service.url}/ready", timeout=60).is_success
    return perf_counter() - began


def with_29(folder: Path) -> str:
    """Return the URL of a database with all tables of O*NET 29.0, whose titles make searches expensive."""
    engine = make_engine(f"sqlite:///{folder}/skillgap.db")
    extract_load_text_files(engine, str(onet_zip("29_0")), cache_dir=folder)
    engine.dispose()
    return f"sqlite:///{folder}/skillgap.db"


def test_no_request_holds_up_others(tmp_path: Path, noted: Noted):
    database = with_29(tmp_path)
    costs = measure(database, tmp_path, candidates())
    assert [cost for cost in costs if not cost.is_bounded] == []
    assert {cost.status for cost in costs} <= {200, 404, 413, 422}
    noted(
        "requests designed to be expensive",
        f"{len(costs)} requests, for all endpoints (`make worst-requests` lists the worst of each)",
        f"none delayed others by more than {max(cost.stall for cost in costs):.0f} ms (bound: {MOST_STALL_MS:.0f}) or "
        f"used more than {max(cost.loop_cpu for cost in costs):.0f} ms of the event loop (bound: {MOST_LOOP_MS:.0f})",
    )


def test_abandoned_searches_of_long_ligatures(tmp_path: Path, noted: Noted):
    with serve_by_command(tmp_path, with_29(tmp_path)) as service:
        service.wait_for_all_data()
        text = quote("\ufdfa" * 200)
        with sent(service.url, [f"/?from={text}&to={text}"] * 30):
            first = seconds_to_ready(service)
        took = max(first, seconds_to_ready(service))
    assert took < 0.5
    noted("30 abandoned searches for 200 × U+FDFA", "30 requests", f"`/ready` answered within {took * 1e3:.0f} ms")


def test_abandoned_charts_delay_nobody(starter_database: str, tmp_path: Path, noted: Noted):
    def statuses() -> Counter[int]:
        return Counter(line["status"] for line in service.lines("request") if line["path"] == "/chart.svg")

    with serve_by_command(tmp_path, starter_database) as service:
        service.wait_for_all_data()
        began = perf_counter()
        httpx.get(f"{service.url}/report?{PAIRS[-1]}", timeout=60).raise_for_status()
        alone = perf_counter() - began
        with sent(service.url, [f"/chart.svg?{pair}" for pair in PAIRS[:40]]):
            eventually(lambda: statuses()[503])  # the queue is full
        began = perf_counter()
        httpx.get(f"{service.url}/report?{PAIRS[41]}", timeout=60).raise_for_status()
        took = perf_counter() - began
        seen = eventually(lambda: statuses().total() == 40 and statuses())
    assert took < 3 * alone + 1, "one chart is being drawn, then this one"
    noted(
        "40 abandoned requests for charts, then another user's report",
        f"{seen[200]} drawn, {seen[503]} refused, {seen[499]} dropped from the queue",
        f"the report took {took:.1f} s (the first report of the service: {alone:.1f} s)",
    )


def test_a_full_queue_of_charts_is_refused_and_counted(starter_database: str, tmp_path: Path, noted: Noted):
    with (
        serve_by_command(tmp_path, starter_database) as service,
        httpx.Client(base_url=service.url, timeout=60, limits=httpx.Limits(max_connections=40)) as client,
    ):
        service.wait_for_all_data()
        with ThreadPoolExecutor(40) as threads:
            answers = list(threads.map(client.get, [f"/chart.svg?{pair}" for pair in PAIRS[:40]]))
        refused = [answer for answer in answers if answer.status_code != 200]
        metrics = client.get("/metrics").text
    assert 20 <= len(refused) < 40, "one is drawn at a time, eight wait"
    for answer in refused:
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "overloaded", "2")
    counted = re.search(r'skillgap_queue_refusals_total\{queue="pictures"\} (\S+)', metrics)
    assert counted
    assert float(counted[1]) == len(refused)
    noted(
        "40 requests for charts at the same time",
        f"{40 - len(refused)} drawn in sequence",
        f"{len(refused)} answered with 503 and `Retry-After`, and counted in `/metrics`",
    )


def test_new_data_are_seen_while_requests_fill_the_pool(tmp_path: Path, noted: Noted):
    database = f"sqlite:///{tmp_path}/skillgap.db"
    engine = make_engine(database)
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    paths = [
        f"/occupations/{code}/transitions?stability=true&limit=100&weight={weight}"
        for code, weight in product(CODES, ("none", "standard"))
    ]
    with serve_by_command(tmp_path, database, reload_seconds="0.5", **NEVER_SEEN) as service:
        service.wait_for_all_data()

        def version() -> str:
            found: str = httpx.get(f"{service.url}/ready").json()["data_version"]
            return found

        before = version()
        with load(service.url, paths, connections=200) as seen:
            seen.wait_for(600)
            extract_load_text_files(engine, str(onet_zip("26_1")), cache_dir=tmp_path)
            began = perf_counter()
            eventually(lambda: version() != before, within=30)
            took = perf_counter() - began
            age = re.search(r"(?m)^skillgap_ratings_age_seconds (\S+)", httpx.get(f"{service.url}/metrics").text)
        engine.dispose()
    assert set(seen.statuses) <= {200, 404, 503}
    assert seen.statuses[503], "the pool was full"
    assert seen.failures == []
    assert took < 8
    assert age
    assert float(age[1]) < 5
    noted(
        "a load while stability requests fill the pool",
        f"{seen.requests:,} requests on 200 connections, {seen.statuses[503]:,} of them answered with 503",
        f"active {took:.1f} s after the load",
    )


def test_a_client_that_fills_the_queues_locks_nobody_out(tmp_path: Path, noted: Noted):
    stability = [f"/occupations/{code}/transitions?stability=true&limit=100&weight=none" for code in CODES]
    plain = [f"/?{pair}" for pair in PAIRS] + [f"/occupations?limit=5&offset={n}" for n in range(20)]
    slowest = 0.0
    with serve_by_command(tmp_path, with_29(tmp_path), **NEVER_SEEN) as service:
        service.wait_for_all_data()
        for flood, address in ((stability, "127.0.0.1"), (stability, "127.0.0.2"), (plain, "127.0.0.2")):
            transport = httpx.HTTPTransport(local_address=address)
            with (
                load(service.url, flood, connections=100) as seen,
                httpx.Client(base_url=service.url, timeout=60, transport=transport) as client,
            ):
                eventually(lambda seen=seen: seen.statuses[503])
                answers = [client.get(path) for path in plain]
            assert {answer.status_code for answer in answers} == {200}
            slowest = max(slowest, *(answer.elapsed.total_seconds() for answer in answers))
    assert slowest < 2
    noted(
        "one client keeps the queue full on 100 connections, with stability requests or plain ones",
        f"{len(plain)} requests of another client, three times",
        f"0 refused, slowest {slowest * 1e3:.0f} ms",
    )


@pytest.mark.parametrize("repeated", ['{"" }', '{"a}"}', "[[x]]", "[{}] ", '{"', "[{", '\n```{"', "<think>", "</"])
def test_a_reply_of_a_megabyte_that_is_almost_json_is_read_in_seconds(repeated: str):
    answer, began = '{"2.A.1.a": {"level": 4}}', process_time()
    text = repeated * (1_000_000 // len(repeated))
    for reply in (text, f"{answer}\n{text}"):
        with suppress(ValueError):
            assert find_by_id(reply, {"2.A.1.a": "Reading Comprehension"}) == {"2.A.1.a": {"level": 4}}
    assert process_time() - began < 20
