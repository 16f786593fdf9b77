"""A stand-in for O*NET Web Services on this machine, with the figures of a release: for tests, trials and clients.

    python -m skillgap.testing.fake_onet_api starter --port 8001 --fault 'rows/skills=503*2'

It follows the published manual of API 2.0 and 1.9: credentials, pages of at most 2,000 rows, `eq` filters, joined rows
with nulls and ISO dates, errors. Faults can be injected: each answers the next requests whose path matches.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import orjson
import pandas as pd
import typer

from skillgap.errors import ConfigurationError, SkillgapError
from skillgap.escaping import message_for_terminal
from skillgap.onet.releases import Release
from skillgap.sources.releases import find_release
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.sources.web_services.client import LARGEST_PAGE
from skillgap.sources.web_services.credentials import Credentials

KEY = "a-key-for-the-stand-in"
USERNAME, PASSWORD = "stand-in", "a-password-for-the-stand-in"
KINDS = ("stall", "hold", "drop", "truncate", "html", "repeat", "slash", "elsewhere")
_SPLIT_FROM = (30, 3)
_DEFAULT_PAGE = 20

Row = dict[str, Any]


@dataclass
class Fault:
    """What happens to the next `times` requests whose path and query match."""

    path: str
    """A regular expression, searched in the path and query."""
    kind: str
    """An HTTP status, or one of KINDS."""
    times: int = 1

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault of `PATH=KIND` or `PATH=KIND*TIMES`."""
        match = re.fullmatch(r"(.*)=([a-z]+|[1-5][0-9]{2})(?:\*([0-9]+))?", text)
        if match is None or not (match[2].isdecimal() or match[2] in KINDS):
            raise ConfigurationError(
                f"{text!r} is no fault; write PATH=KIND*TIMES, KIND a status or {', '.join(KINDS)}"
            )
        try:
            re.compile(match[1])
        except re.error as error:
            raise ConfigurationError(f"{match[1]!r} is no regular expression: {error}") from error
        return cls(match[1], match[2], int(match[3] or 1))


class FakeTables:
    """The rows of a release as the Database Services have them: joined, null for missing, dates as YYYY-MM-DD."""

    def __init__(self, data: OnetData, *, split: bool | None = None) -> None:
        self.release = data.release
        self.is_split = _number(data.release.number) >= _SPLIT_FROM if split is None else split
        occupations, scales, elements, skills = (
            _rows(data.tables[name]) for name in ("Occupations", "Scales", "Elements", "Skills")
        )
        self.titles = {row["onetsoc_code"]: row["title"] for row in occupations}
        scale_names = {row["scale_id"]: row["scale_name"] for row in scales}
        joined = [
            {
                "onetsoc_code": row["onetsoc_code"],
                "title": self.titles[row["onetsoc_code"]],
                "element_id": row["element_id"],
                "element_name": row["element_name"],
                "scale_id": row["scale_id"],
                "scale_name": scale_names[row["scale_id"]],
                **row,
            }
            for row in skills
        ]
        self.rows: dict[str, list[Row]] = {
            "occupation_data": occupations,
            "scales_reference": scales,
            "content_model_reference": elements,
        }
        if self.is_split:
            self.rows["essential_skills"] = [row for row in joined if row["element_id"].startswith("2.A")]
            self.rows["transferable_skills"] = [row for row in joined if not row["element_id"].startswith("2.A")]
        else:
            self.rows["skills"] = joined
        self.occupations = {row["onetsoc_code"]: row for row in occupations}
        self.importances: dict[str, list[Row]] = {}
        for row in joined:
            if row["scale_id"] == "IM":
                self.importances.setdefault(row["onetsoc_code"], []).append(row)

    def copy(self, *, release: str | None = None) -> FakeTables:
        """Return a copy whose `rows` may be replaced, said to be of another release if one is given."""
        other = copy(self)
        other.rows = dict(self.rows)
        if release:
            other.release = Release(release, None)
        return other


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def _rows(frame: pd.DataFrame) -> list[Row]:
    columns = {}
    for name, values in frame.items():
        plain = values.dt.strftime("%Y-%m-%d") if values.dtype.kind == "M" else values
        key = "onetsoc_code" if name == "onet_soc_code" else str(name)
        columns[key] = [None if pd.isna(value) else _json_number(value) for value in plain.astype(object)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json_number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Refused(Exception):
    """An answer with the status of an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class FakeOnetApi(ThreadingHTTPServer):
    """The server. As a context manager it serves in a thread until the block ends."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        tables: FakeTables,
        *,
        version: Literal["2.0", "1.9"] = "2.0",
        has_database_services: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tables = tables
        self.version = version
        self.has_database_services = has_database_services
        self.key = KEY
        """The API key, and the password of 1.9, that it takes now; change it to revoke."""
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        """Path and query of each request, as they came."""
        self.times: list[float] = []
        """When each came, by the monotonic clock."""
        self.open_gate = threading.Event()
        """What requests that stall, or are held, wait for."""
        self.lock = threading.Lock()
        self.root = "/ws" if version == "1.9" else ""
        self.url = f"http://127.0.0.1:{self.server_port}{self.root}"

    @property
    def access(self) -> Credentials:
        """How to reach it."""
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
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeOnetApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append(self.path)
            self.server.times.append(time.monotonic())
            fault = next((each for each in self.server.faults if each.times and re.search(each.path, self.path)), None)
            if fault:
                fault.times -= 1
        kind = fault.kind if fault else ""
        try:
            self._check_credentials()
            body = self._answer(ignore_start=kind == "repeat")
        except _Refused as refused:
            self._send_refusal(refused)
            return
        if kind.isdigit():
            self._send_refusal(_Refused(int(kind), "injected"))
            return
        self._send(orjson.dumps(body), kind)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _check_credentials(self) -> None:
        server = self.server
        if server.version == "2.0":
            if self.headers["X-API-Key"] != server.key:
                raise _Refused(401, "no key")
            return
        password = PASSWORD if server.key == KEY else server.key
        token = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {token}":
            raise _Refused(401, "no credentials")

    def _answer(self, *, ignore_start: bool) -> Any:
        split = urlsplit(self.path)
        path, root = unquote(split.path).rstrip("/"), self.server.root
        if not path.startswith(f"{root}/"):
            raise _Refused(404, "no such path")
        query = parse_qsl(split.query)
        parameters = dict(query)
        parts = path.removeprefix(f"{root}/").split("/")
        filters = [value for name, value in query if name == "filter"]
        page = partial(self._page, path.removeprefix(f"{root}/"), query, ignore_start)
        match parts:
            case ["about"]:
                return self._about()
            case ["database", *_] if not self.server.has_database_services:
                raise _Refused(403, "not for this account")
            case ["database"]:
                listed = [self._described(table) for table in self.server.tables.rows]
                return listed if self.server.version == "2.0" else {"table": listed}
            case ["database", "rows", table]:
                described = {"table_id": table} if self.server.version == "1.9" else {}
                return described | page("row", self._filtered(self._table(table), filters))
            case ["database", "info", table]:
                rows = self._table(table)
                columns = [{"column_id": name} for name in rows[0]]
                return {**self._described(table), "rows": len(rows), "column": columns}
            case ["online", "occupations"]:
                return page("occupation", [self._listed(code) for code in self.server.tables.titles])
            case ["online", "search"]:
                return page("occupation", self._found(parameters))
            case ["online", "occupations", code]:
                return self._report(code)
            case ["online", "occupations", code, "details", "skills"]:
                return page("element", self._elements(code))
        raise _Refused(404, "no such path")

    # -- what is there --------------------------------------------------------------------------------------------

    def _about(self) -> Row:
        name = f"O*NET {self.server.tables.release.number} Database"
        if self.server.version == "1.9":
            return {"api_version": "1.9", "taxonomy": "O*NET-SOC 2019", "database": name}
        return {"api_version": "2.0", "taxonomy": {"name": "O*NET-SOC 2019"}, "database": {"name": name}}

    def _table(self, table: str) -> list[Row]:
        rows = self.server.tables.rows.get(table)
        if rows is None:
            raise _Refused(422, f"The table {table} does not exist.")
        return rows

    def _described(self, table: str) -> Row:
        return {
            "info": f"{self.server.url}/database/info/{table}",
            "rows": f"{self.server.url}/database/rows/{table}",
            "table_id": table,
            "title": table.replace("_", " ").title(),
        }

    def _filtered(self, rows: list[Row], filters: list[str]) -> list[Row]:
        for text in filters:
            column, operator, value = (*text.split(".", 2), "", "")[:3]
            if operator != "eq" or not rows or column not in rows[0]:
                raise _Refused(422, f"The filter {text!r} is not valid.")
            rows = [row for row in rows if str(row[column]).lower() == value.lower()]
        if filters and not rows:
            raise _Refused(422, "There are no rows that match.")
        return rows

    def _listed(self, code: str) -> Row:
        href = f"{self.server.url}/online/occupations/{code}/"
        tags = {"bright_outlook": False, "green": False} if self.server.version == "1.9" else {}
        return {"href": href, "code": code, "title": self.server.tables.titles[code], "tags": tags}

    def _found(self, parameters: Mapping[str, str]) -> list[Row]:
        if "keyword" not in parameters:
            raise _Refused(422, 'The required parameter "keyword" was not provided.')
        word = parameters["keyword"].lower()
        return [self._listed(code) for code, title in self.server.tables.titles.items() if word in title.lower()]

    def _report(self, code: str) -> Row:
        occupation = self.server.tables.occupations.get(code)
        if occupation is None:
            raise _Refused(422, f"{code} is not a valid O*NET-SOC code.")
        return {"code": code, "title": occupation["title"], "description": occupation["description"], "tags": {}}

    def _elements(self, code: str) -> list[Row]:
        rows = self.server.tables.importances.get(code)
        if rows is None:
            raise _Refused(422, f"There are no skills for {code}.")
        elements = []
        for row in rows:
            points = int((row["data_value"] - 1) / 4 * 100 + 0.5)
            score = {"score": {"value": points}} if self.server.version == "1.9" else {"importance": points}
            elements.append({"id": row["element_id"], "name": row["element_name"], **score})
        return elements

    def _page(self, path: str, query: list[tuple[str, str]], ignore_start: bool, key: str, rows: list[Row]) -> Row:
        parameters = dict(query)
        try:
            start = int(parameters.get("start", 1))
            end = int(parameters.get("end", start + _DEFAULT_PAGE - 1))
        except ValueError:
            raise _Refused(422, "start and end are numbers.") from None
        if not 1 <= start <= max(len(rows), 1) or not start <= end < start + LARGEST_PAGE:
            raise _Refused(422, f"A page has 1 to {LARGEST_PAGE} rows of {len(rows)}.")
        if ignore_start:
            start, end = 1, end - start + 1
        end = min(end, len(rows))
        body: Row = {"start": start, "end": end, "total": len(rows), key: rows[start - 1 : end]}
        if end < len(rows):
            # All other parameters stay: without its filters, the next page would be one of other rows.
            others = [(name, value) for name, value in query if name not in ("start", "end")]
            window = [*others, ("start", str(end + 1)), ("end", str(min(2 * end - start + 1, len(rows))))]
            following = f"{self.server.url}/{path}?{urlencode(window)}"
            body |= (
                {"link": [{"href": following, "rel": "next"}]} if self.server.version == "1.9" else {"next": following}
            )
        return body

    # -- sending --------------------------------------------------------------------------------------------------

    def _send_refusal(self, refused: _Refused) -> None:
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
    """Serve a stand-in of O*NET Web Services with the figures of a release."""
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
