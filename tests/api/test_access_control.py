"""Access control: keys, rates and sizes; security headers of every answer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from skillgap.api.access_control import LARGEST_BODY
from skillgap.api.addresses import parse_address
from skillgap.api.metrics import exposition_of
from skillgap.api.rates import Rates, Window
from skillgap.config.api_keys import new_key
from skillgap.config.settings import read_settings
from skillgap.errors import ConfigurationError
from skillgap.service.snapshot import CurrentData
from skillgap.store.loads import keep_reply
from tests.api.serving import Service, eventually, serve

PAIR = "/skill-gap?from=29-1141.00&to=11-9111.00"


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    return answer.status_code == status and answer.json()["code"] == code


def replace(file: Path, content: str) -> None:
    """Replace a file atomically: a concurrent reader sees the old or the new content, never a part."""
    new = file.with_name("new")
    new.write_text(content)
    new.replace(file)


# -- keys and rates ---------------------------------------------------------------------------------------------------


def test_without_settings_anyone_may_ask_as_often_as_they_like(client: httpx.Client):
    assert {client.get(PAIR).status_code for _ in range(200)} == {200}
    assert client.get(PAIR, headers={"Authorization": "Bearer of-a-proxy"}).is_success


@pytest.mark.programs
def test_a_service_for_keys_alone(starter_database: str, tmp_path: Path):
    file = tmp_path / "keys"
    slow = new_key(file, "slow", requests_per_minute=3)
    fast = new_key(file, "fast", requests_per_minute=600)
    settings = {"api_keys_file": str(file), "anonymous_requests_per_minute": "0"}
    with serve(tmp_path, starter_database, **settings) as service, httpx.Client(base_url=service.url) as client:
        for path in (PAIR, "/occupations", "/metrics", "/docs", "/openapi.json", "/nowhere"):
            answer = client.get(path)
            assert refused(answer, 401, "key-required"), path
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/health", "/ready"):
            assert client.get(path).is_success
        for wrong in ("fast", "fast.", f"{fast}x", fast.replace("fast", "slow"), "nobody.x", "é"):
            assert refused(client.get(PAIR, headers={"X-API-Key": wrong.encode()}), 401, "invalid-key"), wrong
        assert client.get(PAIR, headers={"X-API-Key": fast}).is_success
        assert client.get("/metrics", headers={"Authorization": f"bearer {fast}"}).is_success

        statuses = [client.get(PAIR, headers={"X-API-Key": slow}).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        limited = client.get(PAIR, headers={"X-API-Key": slow})
        assert refused(limited, 429, "too-many-requests")
        assert 50 < int(limited.headers["retry-after"]) <= 60, "a minute after the first of them"
        assert client.get(PAIR, headers={"X-API-Key": fast}).is_success, "each key has a rate of its own"

        replace(file, file.read_text().replace("fast", "#fast"))
        eventually(lambda: refused(client.get(PAIR, headers={"X-API-Key": fast}), 401, "invalid-key"))
        third = new_key(file, "third", requests_per_minute=5)
        eventually(lambda: client.get(PAIR, headers={"X-API-Key": third}).is_success)
        replace(file, "broken")
        eventually(lambda: service.lines("keys not readable"))
        file.unlink()
        eventually(lambda: len(service.lines("keys not readable")) == 2)
        assert refused(client.get(PAIR), 401, "key-required"), "a broken file opens no door"
        assert client.get(PAIR, headers={"X-API-Key": third}).is_success, "and closes none"
        assert len(service.lines("keys not readable")) == 2, "each trouble is told of once"
    assert {line.get("key") for line in service.lines("request")} == {None, "slow", "fast", "third"}
    log = service.log.read_text()
    assert not any(key.partition(".")[2] in log for key in (slow, fast, third))


@pytest.mark.programs
def test_an_address_without_a_key_has_a_rate_of_its_own(starter_database: str, tmp_path: Path):
    file = tmp_path / "keys"
    key = new_key(file, "ours", requests_per_minute=100)
    settings = {
        "api_keys_file": str(file),
        "anonymous_requests_per_minute": "4",
        "trusted_proxies": "127.0.0.1, 10.0.0.0/8",
    }
    with serve(tmp_path, starter_database, **settings) as service, httpx.Client(base_url=service.url) as client:

        def statuses(forwarded_for: str, times: int) -> list[int]:
            headers = {"X-Forwarded-For": forwarded_for}
            return [client.get(PAIR, headers=headers).status_code for _ in range(times)]

        assert statuses("192.0.2.1", 6) == [200] * 4 + [429] * 2
        assert statuses("192.0.2.2", 1) == [200]
        assert statuses("198.51.100.9, 192.0.2.1, 10.1.2.3", 1) == [429], "what the client claims counts for nothing"
        assert statuses("2001:db8::1", 4) == [200] * 4
        assert statuses("2001:db8::ffff:2", 1) == [429], "one client has a whole network of 64 bits"
        assert statuses("2001:db8:0:1::1", 1) == [200]
        assert client.get(PAIR, headers={"X-Forwarded-For": "192.0.2.1", "X-API-Key": key}).is_success
        assert statuses("192.0.2.3:4444", 3) + statuses("192.0.2.3:5555", 2) == [200] * 4 + [429]
        assert statuses("[2001:db8:0:2::1]:443", 3) + statuses("2001:db8:0:2::2", 2) == [200] * 4 + [429]
        assert statuses("::ffff:192.0.2.4", 2) + statuses("192.0.2.4, ::ffff:10.9.9.9", 3) == [200] * 4 + [429]
        assert statuses("192.0.2.1, unknown", 4) == [200] * 4, "the proxy itself, as it names no address"
        assert statuses("192.0.2.9, 1.2.3.4.5:80", 1) == [429], "whatever it names instead"
        assert statuses("192.0.2.5" + ", 10.0.0.1" * 6_000, 1) == [200]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:80 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        *[(text, None) for text in ("", "unknown", "_hidden", "192.0.2.1:", "192.0.2.1:http", "192.0.2.1:123456")],
        *[
            (text, None)
            for text in ("[2001:db8::1", "[2001:db8::1]443", "[192.0.2.1]:x", "192.0.2", "192.0.2.1:\u0664")
        ],
    ],
)
def test_an_address_is_read_as_proxies_write_it(text: str, address: str | None):
    found = parse_address(text)
    assert (found and str(found)) == address


@pytest.mark.programs
def test_ipv4_clients_of_an_ipv6_socket_have_rates_of_their_own(starter_database: str, tmp_path: Path):
    settings = {"host": "::ffff:127.0.0.1", "anonymous_requests_per_minute": "2", "trusted_proxies": "127.0.0.3/32"}
    with serve(tmp_path, starter_database, **settings) as service:
        url = f"http://127.0.0.1:{urlsplit(service.url).port}{PAIR}"

        def statuses(source: str, times: int, **headers: str) -> list[int]:
            with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
                return [client.get(url, headers=headers).status_code for _ in range(times)]

        assert statuses("127.0.0.1", 3) == [200, 200, 429]
        assert statuses("127.0.0.2", 3) == [200, 200, 429]
        assert statuses("127.0.0.3", 3, **{"X-Forwarded-For": "192.0.2.1"}) == [200, 200, 429], "a trusted proxy"
        assert statuses("127.0.0.3", 1, **{"X-Forwarded-For": "192.0.2.2"}) == [200]


@pytest.mark.parametrize(
    ("proxies", "way_out"),
    [
        ("127.0.0.1/8", "write 127.0.0.0/8 for the network, or 127.0.0.1"),
        ("10.0.0.0/8, 2001:db8::1/64", "write 2001:db8::/64 for the network, or 2001:db8::1"),
        ("proxy.example", "write it like 192.0.2.7 or 10.0.0.0/8"),
        ("*", "write it like 192.0.2.7 or 10.0.0.0/8"),
    ],
)
def test_a_network_that_would_match_nothing_is_refused(proxies: str, way_out: str):
    with pytest.raises(ConfigurationError, match=f"SKILLGAP_TRUSTED_PROXIES.*{re.escape(way_out)}"):
        read_settings(trusted_proxies=proxies).check()


def test_networks_of_proxies_are_kept_in_the_form_that_addresses_have():
    asked = "127.0.0.1, 10.0.0.0/8, ::ffff:10.0.0.0/104, 2001:DB8::/32"
    assert read_settings(trusted_proxies=asked).server.trusted_proxies == (
        "127.0.0.1/32",
        "10.0.0.0/8",
        "10.0.0.0/8",
        "2001:db8::/32",
    )


# -- rates ------------------------------------------------------------------------------------------------------------


def let_in(window: Window, times: Iterable[float]) -> list[float]:
    return [at for at in times if not window.enter(at)]


@given(
    st.integers(1, 70),
    st.lists(st.sampled_from([0.0, 0.001, 0.059, 0.5, 1.0, 7.0, 29.9, 59.9, 60.0]) | st.floats(0, 61), max_size=400),
)
def test_no_minute_sees_more_requests_than_the_rate(most: int, pauses: list[float]):
    asked = list(itertools.accumulate(pauses, initial=1_000.0))
    entered = let_in(Window(most), asked)
    for later, earlier in zip(entered[most:], entered, strict=False):
        assert later - earlier > 60 - 1e-9
    for at in set(asked) - set(entered):  # 0.06 s: requests that close together leave the window together
        assert sum(at - 60.06 < other <= at for other in entered) >= most, "no request is refused below the rate"


def test_sixty_a_minute_are_sixty_however_they_are_spread():
    times = [n * 0.25 for n in range(4 * 600)]  # four a second for ten minutes
    assert len(let_in(Window(60), [at for at in times if at < 59])) == 60
    assert let_in(Window(60), times)[::60] == [60.0 * minute for minute in range(10)]
    assert let_in(Window(60), range(600)) == list(range(600)), "one a second is never refused"


def test_a_minute_later_one_is_let_in_whatever_is_rounded():
    for first in (hundredths / 100 for hundredths in range(10_000)):
        window = Window(1)
        assert window.enter(first) == 0
        assert [window.enter(first + 60.0) == 0 for _ in range(3)].count(True) <= 1, first


def test_a_refused_client_is_told_when_to_come_back():
    window = Window(2)
    assert [window.enter(at) for at in (100.0, 130.0, 140.0, 159.5, 160.0, 161.0)] == [0, 0, 20.0, 0.5, 0, 29.0]


def test_a_high_rate_takes_bounded_memory_and_a_client_that_left_none():
    now = 0.0
    rates = Rates(lambda: now)
    for n in range(100_000):
        now = n * 0.0006
        assert rates.enter("a", 1_000_000) == 0
    [window] = rates._windows.values()
    assert len(window._groups) <= 1_001
    now += 61
    rates.enter("b", 10)
    assert len(rates._windows) == 1


@pytest.mark.programs
def test_a_forwarded_address_counts_from_trusted_proxies_alone(starter_database: str, tmp_path: Path):
    with serve(tmp_path, starter_database, anonymous_requests_per_minute="2") as service:
        asked = [httpx.get(service.url + PAIR, headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(3)]
    assert [answer.status_code for answer in asked] == [200, 200, 429]


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_a_large_body_is_refused_before_it_comes_and_a_small_one_is_not(service: Service):
    address = urlsplit(service.url)

    def asked(connections: ExitStack, method: str, length: int, body: bytes = b"") -> HTTPConnection:
        connection = connections.enter_context(closing(HTTPConnection(address.hostname, address.port, timeout=30)))
        connection.putrequest(method, PAIR)
        connection.putheader("Content-Length", str(length))
        connection.endheaders(body)
        return connection

    with ExitStack() as connections:
        held_back = [asked(connections, method, LARGEST_BODY) for method in ("GET", "POST")]
        for method, answered in (("GET", 200), ("POST", 422)):
            assert asked(connections, method, LARGEST_BODY + 1).getresponse().status == 413
            assert asked(connections, method, LARGEST_BODY, b"x" * LARGEST_BODY).getresponse().status == answered
        assert [connection.getresponse().status for connection in held_back] == [408, 408]


def test_a_body_of_unknown_length_is_refused(client: httpx.Client):
    assert refused(client.request("GET", PAIR, content=iter([b"x"])), 411, "length-required")


def test_a_very_long_header_is_no_server_error(client: httpx.Client):
    for size in (20_000, 200_000):
        answer = client.get("/health", headers={"X-Filling": "x" * size})
        assert answer.status_code in (200, 431)
    assert answer.status_code == 431


# -- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [PAIR, "/health", "/nowhere", "/skill-gap", "/metrics", "/docs", "/", "/own", "/report"]
)
def test_every_answer_has_the_headers_that_browsers_are_told_by(client: httpx.Client, path: str):
    for _ in range(2):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert policy.startswith("default-src 'self'" if path == "/docs" else "default-src 'none'")
        assert "set-cookie" not in headers


def test_no_other_origin_may_read_answers_unless_set(client: httpx.Client, starter_database: str, tmp_path: Path):
    origin = {"Origin": "https://careers.example"}
    assert "access-control-allow-origin" not in client.get(PAIR, headers=origin).headers
    with serve(tmp_path, starter_database, cors_origins="https://careers.example, https://b.example") as service:
        for _ in range(2):  # computed, then from memory
            answer = httpx.get(service.url + PAIR, headers=origin)
            assert answer.headers["access-control-allow-origin"] == "https://careers.example"
            assert "ETag" in answer.headers["access-control-expose-headers"]
        other = httpx.get(service.url + PAIR, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        for method, header in (("GET", "x-api-key"), ("POST", "content-type")):
            asked = {**origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": header}
            assert httpx.options(service.url + PAIR, headers=asked).is_success


# -- metrics ----------------------------------------------------------------------------------------------------------


def figures(service: Service) -> dict[str, float]:
    text = httpx.get(f"{service.url}/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(skillgap\S+) (\S+)$", text, re.M)}


@pytest.mark.programs
def test_metrics_tell_what_language_models_were_asked(own_starter: Engine):
    for number, tokens in enumerate((100, 20)):
        keep_reply(
            own_starter,
            {
                **{"request_sha256": f"{number:064}", "model": "openai:m", "prompt_version": "levels-1"},
                **{"onet_soc_code": "15-1252.00", "element_id": None, "reply": "{}", "error": None},
                **{"input_tokens": tokens, "output_tokens": 3, "seconds": 0.5},
            },
        )
    current = CurrentData(own_starter)
    current.refresh()
    text = exposition_of(current).decode()
    assert 'skillgap_llm_requests_total{model="openai:m"} 2.0' in text
    assert 'skillgap_llm_input_tokens_total{model="openai:m"} 120.0' in text
    assert 'skillgap_llm_output_tokens_total{model="openai:m"} 6.0' in text


@pytest.mark.programs
def test_metrics_count_every_request_of_every_worker(starter_database: str, tmp_path: Path):
    with serve(tmp_path, starter_database, workers="2") as service:
        before = figures(service)
        for n in range(40):
            httpx.get(f"{service.url}/occupations/29-1141.0{n % 2}")
            httpx.get(service.url + PAIR)
        for path in ("/nowhere", "/also/nowhere", "/skill-gap"):
            httpx.get(service.url + path)

        def all_counted() -> bool:
            now = figures(service)
            route = '{route="/occupations/{onet_soc_code}",status="200"}'
            assert now[f"skillgap_requests_total{route}"] == 40
            assert now['skillgap_requests_total{route="/skill-gap",status="200"}'] == 40
            assert now['skillgap_requests_total{route="/skill-gap",status="422"}'] == 1
            assert now['skillgap_requests_total{route="other",status="404"}'] == 2
            assert now['skillgap_request_seconds_count{route="/skill-gap"}'] == 41
            assert now['skillgap_request_seconds_bucket{le="+Inf",route="/skill-gap"}'] == 41
            return 0 < now['skillgap_request_seconds_sum{route="/skill-gap"}'] < 41

        eventually(all_counted)
        assert before['skillgap_occupations{levels="rated"}'] == 879
        assert before['skillgap_occupations{levels="predicted"}'] == 44
        assert before["skillgap_database_readable"] == 1
        assert 0 <= before["skillgap_ratings_age_seconds"] < 30
        version = httpx.get(f"{service.url}/ready").json()["data_version"]
        assert before[f'skillgap_data_info{{data_version="{version}",release="29.0"}}'] == 1
