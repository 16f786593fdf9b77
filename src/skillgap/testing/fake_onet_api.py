"""A local stand-in for O*NET Web Services that serves the figures of a release, for tests and trials.

    python -m skillgap.testing.fake_onet_api starter --port 8001 --fault 'rows/skills=503*2'

It follows the published manual of API 2.0 and 1.9: credentials, pages of at most 2,000 rows, `eq` filters, joined rows
with nulls and ISO dates, errors. An injected fault changes the answers to the next requests whose path matches.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import typer

from skillgap.errors import ConfigurationError, SkillgapError
from skillgap.escaping import message_for_terminal
from skillgap.sources.releases import find_release
from skillgap.sources.text_files import extract_onet_data
from skillgap.sources.web_services.credentials import Credentials
from skillgap.testing.fake_onet_answers import FakeAnswers, FakeTables, Refused, Version

__all__ = ["KEY", "PASSWORD", "USERNAME", "FakeOnetApi", "FakeTables", "Fault"]

KEY = "a-key-for-the-stand-in"
USERNAME, PASSWORD = "stand-in", "a-password-for-the-stand-in"
KINDS = ("stall", "hold", "drop", "truncate", "html", "repeat", "slash", "elsewhere")


@dataclass
class Fault:
    """A failure of the next `times` requests whose path and query match."""

    path: str
    """A regular expression to search for in path and query."""
    kind: str
    """An HTTP status or one of KINDS."""
    times: int = 1

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault of `PATH=KIND` or `PATH=KIND*TIMES`."""
        match = re.fullmatch(r"(.*)=([a-z]+|[1-5][0-9]{2})(?:\*([0-9]+))?", text)
        if match is None or not (match[2].isdecimal() or match[2] in KINDS):
            raise ConfigurationError(
                f"{text!r} is not a fault; write PATH=KIND*TIMES, where KIND is a status or {', '.join(KINDS)}"
            )
        try:
            re.compile(match[1])
        except re.error as error:
            raise ConfigurationError(f"{match[1]!r} is not a regular expression: {error}") from error
        return cls(match[1], match[2], int(match[3] or 1))


class FakeOnetApi(ThreadingHTTPServer):
    """The server. As a context manager, it serves in a thread until the block ends."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        tables: FakeTables,
        *,
        version: Version = "2.0",
        has_database_services: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tables = tables
        self.version = version
        self.has_database_services = has_database_services
        self.key = KEY
        """The API key that is valid now; change it to revoke the old one, and the password of 1.9 with it."""
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        """Path and query of each request, in order."""
        self.times: list[float] = []
        """Arrival of each request, by the monotonic clock."""
        self.open_gate = threading.Event()
        """Stalled and held requests wait for this event."""
        self.lock = threading.Lock()
        self.root = "/ws" if version == "1.9" else ""
        self.url = f"http://127.0.0.1:{self.server_port}{self.root}"

    @property
    def access(self) -> Credentials:
        """Credentials that it accepts."""
        if self.version == "1.9":
            return Credentials.with_password(USERNAME, PASSWORD, base_url=self.url)
        return Credentials.with_key(KEY, base_url=self.url)

    def __enter__(self) -> FakeOnetApi:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_gate.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeOnetApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append(self.path)
            self.server.times.append(time.monotonic())
            matching = (fault for fault in self.server.faults if fault.times and re.search(fault.path, self.path))
            fault = next(matching, None)
            if fault:
                fault.times -= 1
        kind = fault.kind if fault else ""
        try:
            self._check_credentials()
            body = self._answer(ignores_start=kind == "repeat")
        except Refused as refused:
            self._send_refusal(refused)
            return
        if kind.isdigit():
            self._send_refusal(Refused(int(kind), "injected"))
            return
        self._send(orjson.dumps(body), kind)

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def _check_credentials(self) -> None:
        server = self.server
        if server.version == "2.0":
            if self.headers["X-API-Key"] != server.key:
                raise Refused(401, "no key")
            return
        password = PASSWORD if server.key == KEY else server.key
        token = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {token}":
            raise Refused(401, "no credentials")

    def _answer(self, *, ignores_start: bool) -> Any:
        split, root = urlsplit(self.path), self.server.root
        path = unquote(split.path).rstrip("/")
        if not path.startswith(f"{root}/"):
            raise Refused(404, "no such path")
        answers = FakeAnswers(
            self.server.tables,
            self.server.version,
            self.server.url,
            has_database_services=self.server.has_database_services,
            ignores_start=ignores_start,
        )
        return answers.of(path.removeprefix(f"{root}/"), parse_qsl(split.query))

    # -- sending --------------------------------------------------------------------------------------------------

    def _send_refusal(self, refused: Refused) -> None:
        if refused.status == 422:
            self._write(422, orjson.dumps({"error": str(refused)}))
            return
        challenge = {"WWW-Authenticate": 'Basic realm="O*NET Web Services"'}
        is_basic = refused.status == 401 and self.server.version == "1.9"
        self._write(refused.status, b"refused", "text/plain", challenge if is_basic else {})

    def _send(self, body: bytes, kind: str) -> None:
        sends: dict[str, Callable[[], None]] = {
            "": lambda: self._write(200, body),
            "repeat": lambda: self._write(200, body),
            "html": lambda: self._write(200, b"<html>Sign in</html>", "text/html"),
            "truncate": lambda: self._write(200, body[: len(body) // 2]),
            "drop": lambda: self._write(200, body[: len(body) // 2], length=len(body)),
            "stall": self._stall,
            "hold": lambda: self._hold(body),
            "slash": lambda: self._write(301, b"", headers={"Location": self._with_slash()}),
            "elsewhere": lambda: self._write(302, b"", headers={"Location": "http://127.0.0.2:9/about"}),
        }
        sends[kind]()

    def _stall(self) -> None:
        self.server.open_gate.wait()
        self.close_connection = True

    def _hold(self, body: bytes) -> None:
        self.server.open_gate.wait()
        self._write(200, body)

    def _with_slash(self) -> str:
        path, mark, query = self.path.partition("?")
        return f"{path.rstrip('/')}/{mark}{query}"

    def _write(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection |= length is not None


def main(
    source: Annotated[str, typer.Argument(help="`starter`, a release number, or a release folder or zip.")] = "starter",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8001,
    version: Annotated[Literal["2.0", "1.9"], typer.Option(help="2.0 has X-API-Key, 1.9 has Basic.")] = "2.0",
    fault: Annotated[list[str] | None, typer.Option(help="PATH=KIND*TIMES; see the class Fault.")] = None,
) -> None:
    """Serve a stand-in for O*NET Web Services with the figures of a release."""
    try:
        with TemporaryDirectory() as folder:
            tables = FakeTables(extract_onet_data(find_release(source, cache_dir=Path(folder))))
        server = FakeOnetApi(tables, version=version, port=port)
        server.faults = [Fault.parse(text) for text in fault or ()]
    except (SkillgapError, OSError) as error:
        raise SystemExit(message_for_terminal(str(error))) from error
    base = f"SKILLGAP_ONET_API_URL={server.url}"
    if server.version == "1.9":
        typer.echo(f"{base} SKILLGAP_ONET_USERNAME={USERNAME} SKILLGAP_ONET_PASSWORD={PASSWORD}")  # noqa: TID251 - our own text
    else:
        typer.echo(f"{base} SKILLGAP_ONET_API_KEY={KEY}")  # noqa: TID251 - our own text
    with server:
        threading.Event().wait()


if __name__ == "__main__":
    typer.run(main)
