"""The service from the operator's view: health, readiness, logs, faults, OpenAPI document."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
import structlog
from granian.log import LogLevels
from granian.log import configure_logging as granian_logging
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from skillgap.analysis.similarity.model import compute_similarity
from skillgap.api.access_control import Keys
from skillgap.api.app import create_api
from skillgap.api.cache import Answer, AnswerCache, StoredAnswers
from skillgap.api.request_log import RequestLog
from skillgap.config.api_keys import new_key
from skillgap.config.logs import configure_logging, server_logging
from skillgap.errors import DatabaseUnavailable
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.service.snapshot import CurrentData
from skillgap.store.engine import make_engine, write
from tests.api.serving import CONFIGURED, UNCHANGED, Service, eventually, serve, serve_by_command
from tests.conftest import changed_release, mysql_program, onet_zip
from tests.mysql_server import private_mysql

pytestmark = pytest.mark.programs

PAIR = "/skill-gap?from=29-1141.00&to=11-9111.00"


# -- health, logs, other paths ----------------------------------------------------------------------------------------


def test_health_and_readiness(client: httpx.Client):
    assert client.get("/health").json() == {"status": "ok"}
    ready = client.get("/ready").json()
    assert (ready["status"], ready["database"], ready["release"]) == ("ready", "readable", "29.0")
    assert (ready["occupations"], ready["rated_occupations"]) == (1016, 879)


def test_head_is_get_without_a_body(client: httpx.Client):
    for path in ("/health", PAIR):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "code", "allow"),
    [
        ("GET", "/nowhere", "not-found", None),
        ("PUT", "/skill-gap", "method-not-allowed", "GET, HEAD, POST"),
        ("POST", "/paths", "method-not-allowed", "GET, HEAD"),
    ],
)
def test_other_paths_and_methods_are_problems_too(
    client: httpx.Client, method: str, path: str, code: str, allow: str | None
):
    answer = client.request(method, path, **({"json": {}} if method == "POST" else {}))
    assert (answer.status_code, answer.json()["code"]) == (405 if allow else 404, code)
    assert answer.headers.get("allow") == allow
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/docs" in answer.json()["detail"]


def test_the_documentation_needs_no_other_host(client: httpx.Client):
    page = client.get("/docs").text
    scripts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(scripts) == 3
    assert {client.get(path).status_code for path in scripts} == {200}
    assert "http" not in re.sub(r"https?://json-schema.org\S*", "", page)


def test_a_log_line_with_half_a_character_is_not_lost(capfdbinary: pytest.CaptureFixture[bytes]):
    configure_logging(log_format="json", log_level="info")
    structlog.get_logger("skillgap").info("seen", path="\ud800")
    assert json.loads(capfdbinary.readouterr().err)["path"] == "\ud800"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n\x7f\x9b31m\u202e\u2028\u2066"
"""What sets a terminal's title, clears it, begins a new line, colours it and turns the direction of writing."""


def unprintable(log: str) -> set[str]:
    return {character for character in log if not character.isprintable()} - {"\n"}


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_field_of_a_log_line_reaches_the_terminal_as_it_came(capfd: pytest.CaptureFixture[str], log_format: str):
    configure_logging(log_format=log_format, log_level="info")
    log = structlog.get_logger("skillgap")

    def fail() -> None:
        raise ValueError(HOSTILE)

    try:
        fail()
    except ValueError:
        log.exception(f"failed {HOSTILE}", title=HOSTILE, titles=[HOSTILE], **{HOSTILE: 1, "code": 7})
    written = capfd.readouterr().err
    assert unprintable(written) == set()
    if log_format == "json":
        line = json.loads(written)
        assert (line["title"], line["titles"], line["code"]) == (HOSTILE, [HOSTILE], 7)
        assert written.count("\n") == 1
    else:
        assert r"title=\x1b]0;owned\x07\x1b[2J\r\n\x7f\x9b31m\u202e\u2028\u2066" in written
        assert all(line.startswith("    ") for line in written.splitlines()[1:]), "no line passes for another"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_lines_of_other_libraries_have_the_same_form(capfd: pytest.CaptureFixture[str], log_format: str):
    before = logging.root.handlers[:]
    try:
        granian_logging(LogLevels.info, server_logging(log_format=log_format))
        logging.getLogger("_granian").info("Application callable raised an exception\n%s", HOSTILE)
        logging.getLogger("asyncio").error("Task exception was never retrieved %s", HOSTILE)
    finally:
        logging.root.handlers = before
    written = capfd.readouterr().err
    assert unprintable(written) == set()
    assert len([line for line in written.splitlines() if not line.startswith("    ")]) == 2


def test_a_hostile_request_and_its_answer_leave_a_plain_console_line(starter_database: str, tmp_path: Path):
    with serve(tmp_path, starter_database, log_format="console", **UNCHANGED) as service:
        assert httpx.get(f"{service.url}/%1b%5d0;owned%07%0a%c2%9b2J").status_code == 404
        asked = {"from": "\x1b[31m29-1141", "to": "\u202e11-9111"}
        assert httpx.get(f"{service.url}/skill-gap", params=asked).status_code == 422
        line = eventually(lambda: re.search(r"request .*path=/\S*owned\S*", service.log.read_text()))[0]
    assert r"path=/\x1b]0;owned\x07\n\x9b2J" in line
    assert unprintable(service.log.read_text()) == set()


def test_every_request_is_one_log_line_with_its_id_and_pair(service: Service, client: httpx.Client):
    ids = [client.get(PAIR, headers={"X-API-Key": "secret-0"}).headers["x-request-id"] for _ in range(2)]
    assert client.get(f"{PAIR}&key=secret-1").status_code == 422

    def lines_of_both() -> list[dict[str, Any]]:
        lines = [line for line in service.lines("request") if line["id"] in ids]
        assert [line["id"] for line in lines] == ids
        return lines

    for line in eventually(lines_of_both):
        assert (line["method"], line["path"], line["status"]) == ("GET", "/skill-gap", 200)
        assert (line["from"], line["to"]) == ("29-1141.00", "11-9111.00")
        assert line["ms"] > 0
    assert b"secret" not in service.log.read_bytes()


def test_a_clients_request_id_is_kept_and_a_hostile_one_is_not(client: httpx.Client):
    kept = client.get("/health", headers={"X-Request-ID": "trace-17.a_B"}).headers["x-request-id"]
    assert kept == "trace-17.a_B"
    for hostile in ('a"b', "x" * 65, "a b"):
        assert client.get("/health", headers={"X-Request-ID": hostile}).headers["x-request-id"] != hostile


# -- data that come, change and go ------------------------------------------------------------------------------------


def test_an_empty_database_is_no_data_until_a_load_makes_it_ready(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/skillgap.db"
    with serve(tmp_path, url) as service:
        for path in (PAIR, "/ready", "/occupations", "/occupations/29-1141.00", "/occupations/29-1141.00/skills"):
            answer = httpx.get(service.url + path)
            assert (answer.status_code, answer.json()["code"]) == (503, "no-data")
            assert "skillgap load starter" in answer.json()["detail"]
            assert str(tmp_path) not in answer.text, "where the database is concerns its operator alone"
        assert httpx.get(f"{service.url}/health").is_success
        extract_load_text_files(make_engine(url), "starter", cache_dir=tmp_path)
        eventually(lambda: httpx.get(f"{service.url}/ready").is_success)
        assert httpx.get(service.url + PAIR).json()["provenance"]["release"] == "29.0"


@pytest.mark.release
def test_a_release_without_levels_is_not_ready_and_says_so(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/skillgap.db"
    archive = changed_release(tmp_path, lambda row: row if row["Scale ID"] == "IM" else None)
    extract_load_text_files(make_engine(url), str(archive), cache_dir=tmp_path)
    with serve(tmp_path, url) as service:
        answer = httpx.get(f"{service.url}/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "no-data")
        assert answer.json()["detail"].startswith("O*NET 29.0 is loaded without levels of skills")


@pytest.mark.release
def test_another_release_is_taken_over_with_new_etags(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/skillgap.db"
    engine = make_engine(url)
    extract_load_text_files(engine, str(onet_zip("26_1")), cache_dir=tmp_path)
    with serve(tmp_path, url) as service:
        old = httpx.get(service.url + PAIR)
        assert old.json()["provenance"]["release"] == "26.1"
        extract_load_text_files(engine, str(onet_zip("29_0")), cache_dir=tmp_path)

        def is_new() -> bool:
            return httpx.get(f"{service.url}/ready").json()["release"] == "29.0"

        eventually(is_new)
        new = httpx.get(service.url + PAIR, headers={"If-None-Match": old.headers["etag"]})
        assert new.status_code == 200
        assert new.json()["provenance"]["release"] == "29.0"
        assert new.json()["skill_gaps"] != old.json()["skill_gaps"]
        assert httpx.get(service.url + PAIR, headers={"If-None-Match": new.headers["etag"]}).status_code == 304


def test_answers_go_on_while_the_database_is_gone_and_new_data_are_seen_after(tmp_path: Path):
    server = mysql_program()
    with private_mysql(server, tmp_path) as mysql:
        with make_engine(mysql.render_as_string(hide_password=False)).begin() as connection:
            connection.execute(text("CREATE DATABASE skillgap"))
        url = mysql.set(database="skillgap").render_as_string(hide_password=False)
        engine = make_engine(url)
        extract_load_text_files(engine, "starter", cache_dir=tmp_path)
        engine.dispose()
        folder = tmp_path / "service"
        folder.mkdir()
        running = serve(folder, url)
        service = running.__enter__()
        try:
            assert httpx.get(f"{service.url}/ready").json()["database"] == "readable"
        except BaseException:
            running.__exit__(None, None, None)
            raise
    try:
        eventually(lambda: httpx.get(f"{service.url}/ready").json()["database"] == "not readable")
        answer = httpx.get(f"{service.url}/skill-gap?from=29-1141.00&to=29-1141.01")
        assert answer.status_code == 200
        with private_mysql(server, tmp_path, port=mysql.port):
            eventually(lambda: httpx.get(f"{service.url}/ready").json()["database"] == "readable")
            with write(make_engine(url)) as connection:
                connection.execute(text("UPDATE Occupations SET title = 'Nurses' WHERE onet_soc_code = '29-1141.00'"))
                connection.execute(
                    text(
                        "INSERT INTO Loads (source, release_number, origin, started_at, finished_at, row_counts, "
                        "rows_changed) VALUES ('text', '29.0', 'test', now(), now(), '{}', 1)"
                    )
                )
            found = f"{service.url}/occupations/29-1141.00"
            eventually(lambda: httpx.get(found).json()["occupation"]["title"] == "Nurses")
    finally:
        running.__exit__(None, None, None)


# -- starting and stopping --------------------------------------------------------------------------------------------


def test_a_host_may_be_a_name(starter_database: str, tmp_path: Path):
    with serve(tmp_path, starter_database, host="localhost") as service:
        assert service.url.startswith("http://localhost:")
        assert httpx.get(f"{service.url}/health").is_success


def test_a_port_in_use_is_named(starter_database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "skillgap", "serve", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "SKILLGAP_PORT" in ended.stderr


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_cleanly(starter_database: str, tmp_path: Path, stop: signal.Signals):
    with serve_by_command(tmp_path, starter_database) as service:
        assert httpx.get(service.url + PAIR).is_success
        os.kill(service.pid, stop)
        assert service.exit_code() == 0
    assert "Traceback" not in service.log.read_text()


def test_two_workers_give_the_same_answers_and_etags(starter_database: str, tmp_path: Path):
    with serve(tmp_path, starter_database, workers="2") as service:
        answers = [httpx.get(service.url + PAIR) for _ in range(20)]
    assert len({(answer.content, answer.headers["etag"]) for answer in answers}) == 1


# -- what goes wrong inside -------------------------------------------------------------------------------------------


def test_an_unexpected_error_is_a_500_that_tells_nothing_of_the_inside(starter_database: str):
    current = CurrentData(make_engine(starter_database))
    api = create_api(current, reload_seconds=60)

    @api.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the inside")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(RequestLog(api), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/broken")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert "secret" not in answer.text


def test_a_fault_of_ours_in_reading_the_data_is_told_and_the_next_look_is_taken(
    starter_database: str, monkeypatch: pytest.MonkeyPatch
):
    current = CurrentData(make_engine(starter_database))
    with monkeypatch.context() as broken:
        broken.setattr("skillgap.service.snapshot.get_skills_then_all", lambda _: 1 / 0)
        current.refresh()
        assert "ZeroDivisionError" in str(current.store_error)
        assert current.snapshot.ratings.codes == ()
    current.refresh()
    assert current.store_error is None
    assert len(current.snapshot.ratings.codes) == 879 + 44


def asker(current: CurrentData) -> Callable[[str], Coroutine[Any, Any, httpx.Response]]:
    """Return a function that asks an application of these data, whose lifespan does not run: nothing is reloaded."""
    api = AnswerCache(create_api(current, reload_seconds=60), lambda: current.snapshot, most_bytes=0)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test") as client:
            return await client.get(path)

    return ask


def test_gaps_are_answered_while_the_rest_of_a_release_cannot_be_read(
    starter_database: str, monkeypatch: pytest.MonkeyPatch
):
    current = CurrentData(make_engine(starter_database))
    ask = asker(current)

    def gone(_: object) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr("skillgap.service.snapshot.get_profiles", gone)
        current.refresh()
        assert str(current.store_error) == "gone"
        assert asyncio.run(ask(PAIR)).status_code == 200
        for path in ("/occupations?q=nurse", "/occupations/29-1141/transitions", f"{PAIR}&domain=all"):
            answer = asyncio.run(ask(path))
            assert (answer.status_code, answer.json()["code"]) == (503, "no-data")
            assert answer.json()["detail"] == "not all of this release could be read; the service is trying again"
    current.refresh()
    assert current.store_error is None
    assert asyncio.run(ask("/occupations/29-1141/transitions")).json()["transitions"]
    assert asyncio.run(ask("/occupations?q=nurse")).json()["items"]


def test_a_release_that_cannot_be_read_whole_is_told_of_once(starter_database: str, monkeypatch: pytest.MonkeyPatch):
    def gone(_: object) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("skillgap.service.snapshot.get_profiles", gone)
    current = CurrentData(make_engine(starter_database))
    with capture_logs() as lines:
        for _ in range(3):
            current.refresh()
    assert [line["event"] for line in lines] == ["data loaded", "database not readable"]


def test_a_broken_query_is_logged_with_its_traceback_told_and_tried_again(
    starter_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    current = CurrentData(make_engine(starter_database))
    ask = asker(current)

    def broken_query(connection: Connection) -> str:
        return str(connection.scalar(text("SELEC 1")))

    current.refresh()
    configure_logging(log_format="json", log_level="info")
    with monkeypatch.context() as broken:
        broken.setattr("skillgap.service.snapshot.get_data_version", broken_query)
        for _ in range(3):
            current.refresh()
        assert asyncio.run(ask("/ready")).json()["database"] == "not readable"
        assert asyncio.run(ask(PAIR)).status_code == 200
    [line] = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert line["event"] == "data not readable"
    assert "in broken_query" in line["exception"]
    assert "OperationalError" in line["exception"]
    current.refresh()
    assert asyncio.run(ask("/ready")).json()["database"] == "readable"


def test_one_refresh_that_fails_ends_neither_itself_nor_another(starter_database: str, tmp_path: Path, capsys):
    file = tmp_path / "keys"
    new_key(file, "first", requests_per_minute=1)
    current, keys = CurrentData(make_engine(starter_database)), Keys(file)
    asked = {"data": 0, "keys": 0}
    refresh_data, refresh_keys = current.refresh, keys.refresh

    def data() -> None:
        asked["data"] += 1
        if asked["data"] > 1:
            raise MemoryError("no room")
        refresh_data()

    def some_keys() -> None:
        asked["keys"] += 1
        if asked["keys"] == 1:
            raise RuntimeError("ours")
        refresh_keys()

    current.refresh, keys.refresh = data, some_keys  # type: ignore[method-assign]
    configure_logging(log_format="json", log_level="info")
    api = create_api(current, reload_seconds=0.001, keys=keys)

    async def run() -> None:
        async with api.router.lifespan_context(api):
            new_key(file, "second", requests_per_minute=1)
            async with asyncio.timeout(30):
                while len(keys._keys) < 2 or asked["data"] < 10:
                    await asyncio.sleep(0)

    asyncio.run(run())
    lines = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    logged = [line for line in lines if line["level"] == "error"]
    assert sorted(line["event"] for line in logged) == ["data not refreshed", "keys not refreshed"], "each once"
    assert all("Traceback" in line["exception"] for line in logged)


def test_a_computation_that_fails_is_tried_again_and_takes_no_other_with_it(
    starter_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("skillgap.service.snapshot._SECONDS_TO_TRY_AGAIN", 0.01, raising=False)
    current = CurrentData(make_engine(starter_database))
    api = AnswerCache(create_api(current, reload_seconds=60), lambda: current.snapshot, most_bytes=0)
    failures, may_succeed = [], Event()

    def sometimes(*given: Any) -> Any:
        if not may_succeed.is_set():
            failures.append(current.snapshot.similarity)
            raise ArithmeticError("ours")
        return compute_similarity(*given)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test") as client:
            return await client.get(path)

    monkeypatch.setattr("skillgap.service.snapshot.compute_similarity", sometimes)
    configure_logging(log_format="json", log_level="info")
    current.refresh()
    eventually(lambda: len(failures) >= 3)
    answer = asyncio.run(ask("/occupations/29-1141/transitions"))
    assert (answer.status_code, answer.json()["code"]) == (503, "no-data")
    assert asyncio.run(ask("/occupations?q=nurse")).json()["items"]
    assert asyncio.run(ask(f"{PAIR}&domain=all")).status_code == 200
    may_succeed.set()
    eventually(lambda: asyncio.run(ask("/occupations/29-1141/transitions")).status_code == 200)
    lines = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    logged = {line["event"] for line in lines if line["level"] == "error"}
    assert logged == {"similarity not computed"}


def test_stored_answers_stay_within_their_bytes_and_the_last_used_stay():
    answers = StoredAnswers("1", most_bytes=10_000)
    for n in range(20):
        answers.put(("/", str(n).encode(), False), Answer({}, {"body": b"x" * 1_000}, None, None))
        answers.get(("/", b"0", False))
    assert [n for n in range(20) if answers.get(("/", str(n).encode(), False))] == [0, 17, 18, 19]
    answers.put(("/", b"large", False), Answer({}, {"body": b"x" * 10_000}, None, None))
    assert answers.get(("/", b"large", False)) is None
    answers.put(("/", b"q" * 10_000, False), Answer({}, {"body": b"x"}, None, None))
    assert answers.get(("/", b"q" * 10_000, False)) is None, "a question is kept with its answer, and counts"


# -- the document -----------------------------------------------------------------------------------------------------


def test_every_error_in_the_document_has_an_example_and_every_parameter_a_description(client: httpx.Client):
    document = client.get("/openapi.json").json()
    assert client.get("/docs").is_success
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter)
            for status, response in operation["responses"].items():
                if status != "200":
                    examples = response["content"]["application/problem+json"]["examples"]
                    assert all(example["value"]["status"] == int(status) for example in examples.values())
    schemas = document["components"]["schemas"]
    undocumented = [
        (name, field)
        for name, schema in schemas.items()
        for field, details in schema.get("properties", {}).items()
        if "description" not in details
    ]
    assert undocumented == []
    assert set(document["paths"]["/skill-gap"]["get"]["responses"]) == {"200", "401", "404", "422", "429", "503"}


def test_schemathesis_finds_no_deviation(service: Service, tmp_path: Path):
    command = [Path(sys.executable).with_name("schemathesis"), *CONFIGURED, "run", f"{service.url}/openapi.json"]
    options = ["--max-examples=50", "--seed=1", "--no-color", f"--report-dir={tmp_path}"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert ended.returncode == 0, ended.stdout


def test_an_outage_while_near_occupations_are_computed_loses_nothing(
    starter_database: str, monkeypatch: pytest.MonkeyPatch
):
    current = CurrentData(make_engine(starter_database))
    begun, may_end = Event(), Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert may_end.wait(30)
        return compute_similarity(*given)

    def gone(_: object) -> str:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("skillgap.service.snapshot.compute_similarity", slow)
    current.refresh()
    assert begun.wait(30)
    monkeypatch.setattr("skillgap.service.snapshot.get_data_version", gone)
    current.refresh()
    assert str(current.store_error) == "gone"
    may_end.set()
    assert len(current.snapshot.similarity.result(30).codes) == 879 + 44
    assert current.snapshot.all_domains.result(30)
