"""Invalid and malformed requests: none may cause a server error or harm the service."""

from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.serving import CONFIGURED, Service, serve_by_command
from tests.faults.conftest import Noted

RAW, DRAWN, FROM_DOCUMENT = 6_000, 2_000, 400
PAIR = "/skill-gap?from=29-1141.00&to=11-9111.00"
VALID = (
    f'GET {PAIR} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\nIf-None-Match: W/"0"\r\n\r\n'.encode(),
    b"GET /occupations?q=nurse&limit=5&offset=0 HTTP/1.1\r\nHost: test\r\nX-Request-ID: a\r\n\r\n",
    b"GET /occupations/29-1141.00/skills?ratings=onet HTTP/1.1\r\nHost: test\r\n\r\n",
    b"POST /skill-gap HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nX-API-Key: a.b\r\n\r\nabc",
    b"HEAD /metrics HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer a.b\r\nX-Forwarded-For: ::1, x\r\n\r\n",
)
PIECES = (
    b"\r\n",
    b"\0",
    b"%00",
    b"%",
    b"\xff\xfe",
    b"..%2f",
    b"' OR 1=1 --",
    b"<script>",
    b"&from=",
    b" ",
    b"\t",
    b":",
    b"chunked",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: -1\r\n",
    b"9" * 400,
    b"HTTP/9.9",
    b"{{7*7}}",
    b"x" * 5_000,
)


def mutated(rng: random.Random) -> bytes:
    """Return a valid request with a few bytes flipped, cut out, doubled, or replaced by known attack strings."""
    message = bytearray(rng.choice(VALID))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(message) + 1)
        match rng.randrange(5):
            case 0 if at < len(message):
                message[at] = rng.randrange(256)
            case 1:
                del message[at : at + rng.randint(1, 12)]
            case 2:
                message[at:at] = rng.choice(PIECES)
            case 3:
                message[at:at] = message[at : at + rng.randint(1, 40)]
            case _:
                message[at:at] = rng.randbytes(rng.randint(1, 8))
    return bytes(message)


def test_ten_thousand_hostile_requests_are_no_server_error(starter_database: str, tmp_path: Path, noted: Noted):
    with serve_by_command(tmp_path, starter_database, answer_cache_mb="8", trusted_proxies="127.0.0.1") as service:
        statuses = Counter(ask_raw(service, mutated(random.Random(n))) for n in range(RAW))
        raw_and_valid = len(service.lines("request"))
        ask_drawn(service, statuses)
        ask_from_document(service, tmp_path)
        answer = httpx.get(service.url + PAIR)
        logged = service.lines("request")
        faults = service.lines("unexpected")
    assert answer.json()["summary"]["gaps"] == 17
    assert max(statuses) < 500, statuses
    assert {200, 400, 404, 422} < set(statuses), "the requests were varied"
    assert faults == []
    assert "Traceback" not in service.log.read_text()
    served = Counter(line["status"] for line in logged)
    assert max(served) < 500, served
    sent = RAW + len(logged) - raw_and_valid
    assert sent > 10_000, f"{raw_and_valid} {len(logged)}"
    noted(
        "random and mutated requests (bytes on the socket, hypothesis, schemathesis)",
        f"{sent:,} requests, {len(logged):,} of them valid HTTP",
        f"no 5xx, no traceback; {', '.join(f'{count:,} × {status}' for status, count in sorted(served.items()))}",
    )


def ask_raw(service: Service, message: bytes) -> int:
    """Send bytes and return the status of the first answer, 0 where the connection was just closed."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        try:
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            head = b""
            while b"\r\n" not in head and (more := connection.recv(4_096)):
                head += more
        except ConnectionError:
            return 0
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
    return int(found[1]) if found else 0


CODES = st.one_of(st.text(max_size=30), st.from_regex(r"[0-9]{2}-?[0-9]{4}(\.[0-9]{2})?", fullmatch=True))
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["from", "to", "ratings", "q", "limit", "offset", "sure", "order", "swap", "From", "from[]", ""]
        )
        | st.text(max_size=8),
        CODES | st.integers().map(str) | st.sampled_from(["onet", "llm", "onet+llm", "1e9", "-1", "NaN", "٣"]),
    ),
    max_size=6,
)
PATHS = st.one_of(
    st.sampled_from(["/skill-gap", "/occupations", "/ready", "/metrics", "/docs", "//", "/skill-gap/"]),
    st.sampled_from(["/", "/path", "/own", "/assets/", "/assets/..%2f"]),
    st.builds(
        lambda code, rest: f"/occupations/{quote(code, safe='')}{rest}", CODES, st.sampled_from(["", "/skills", "/x"])
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Accept-Encoding", "If-None-Match", "X-Request-ID", "X-Forwarded-For", "Authorization", "Origin", "Accept"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60).map(str.strip),
    max_size=3,
)


def ask_drawn(service: Service, statuses: Counter[int]) -> None:
    with httpx.Client(base_url=service.url) as client:

        @settings(
            max_examples=DRAWN, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
        )
        @given(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE"]), PATHS, PARAMETERS, HEADERS, st.booleans())
        def ask(
            method: str, path: str, parameters: list[tuple[str, str]], headers: dict[str, str], is_browser: bool
        ) -> None:
            encoded = {name: value.encode("latin-1") for name, value in headers.items()}
            if is_browser:
                encoded["Accept"] = b"text/html"
            answer = client.request(method, path, params=parameters, headers=encoded)
            statuses[answer.status_code] += 1
            assert answer.status_code < 500
            if answer.status_code >= 400 and method != "HEAD":
                if is_browser:
                    assert "<h1" in answer.text
                else:
                    assert answer.json().keys() >= {"type", "title", "status", "detail", "code"}
                assert not re.search(r"SELECT|Traceback|sqlalchemy|File \"", answer.text)

        ask()


def ask_from_document(service: Service, folder: Path) -> None:
    command = [Path(sys.executable).with_name("schemathesis"), *CONFIGURED, "run", f"{service.url}/openapi.json"]
    options = [f"--max-examples={FROM_DOCUMENT}", "--seed=2", "--no-color", f"--report-dir={folder}"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, cwd=folder, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout
