"""The service at full load while its database, its workers, its clients or its clock fail."""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import orjson
import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from skillgap.errors import DatabaseUnavailable
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine, read
from tests.api.serving import Service, eventually, serve_by_command
from tests.conftest import mysql_program, onet_zip
from tests.faults.conftest import Noted
from tests.faults.crowd import crowd, deaf_clients
from tests.faults.load import Load, load
from tests.faults.test_memory import memory_mb
from tests.mysql_server import private_mysql
from tests.processes import processes

CODES = ("29-1141.00", "11-9111.00", "15-1211.00", "43-4051.00", "29-1229.01", "15-1252.00", "11-1011.00")
PATHS = [f"/skill-gap?from={current}&to={target}" for current in CODES for target in CODES]


@contextmanager
def mysql_with_starter(folder: Path) -> Iterator[URL]:
    """A private MySQL server with the starter data."""
    with private_mysql(mysql_program(), folder) as server:
        with make_engine(server.render_as_string(hide_password=False)).begin() as connection:
            connection.execute(text("CREATE DATABASE skillgap"))
        url = server.set(database="skillgap")
        engine = make_engine(url.render_as_string(hide_password=False))
        extract_load_text_files(engine, "starter", cache_dir=folder)
        engine.dispose()
        yield url


def ready(service: Service) -> str:
    found: str = httpx.get(f"{service.url}/ready").json()["database"]
    return found


# -- the database -----------------------------------------------------------------------------------------------------


def test_the_database_is_killed_and_restarted_at_full_load(tmp_path: Path, noted: Noted):
    with ExitStack() as stack:
        server = ExitStack()
        url = server.enter_context(mysql_with_starter(tmp_path))
        stack.callback(server.close)
        text_url = url.render_as_string(hide_password=False)
        service = stack.enter_context(serve_by_command(tmp_path, text_url, workers="2", reload_seconds="1"))
        with load(service.url, PATHS) as seen:
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
            eventually(lambda: ready(service) == "not readable")
            away = seen.requests
            seen.wait_for(5_000)
            with private_mysql(mysql_program(), tmp_path, port=url.port):
                back = perf_counter()
                eventually(lambda: {ready(service) for _ in range(20)} == {"readable"}, within=5)
                recovered = perf_counter() - back
                seen.wait_for(1_000)
                answered = seen.requests
    assert seen.failures == []
    assert set(seen.statuses) == {200}
    noted(
        "database killed (SIGKILL) and restarted at full load",
        f"{answered:,} requests on 32 connections, {answered - away:,} of them during or after the outage",
        f"0 failed; `/ready` reported it; readable again {recovered:.1f} s after MySQL returned",
    )


def test_all_open_files_the_database_are_taken(tmp_path: Path, noted: Noted):
    with mysql_with_starter(tmp_path) as url, ExitStack() as others:
        text_url = url.render_as_string(hide_password=False)
        account = url.set(username="service")
        engine = make_engine(text_url)
        with engine.begin() as admin:
            for user in ("service", "other"):
                admin.execute(text(f"CREATE USER {user}@'%'"))
                admin.execute(text(f"GRANT SELECT ON skillgap.* TO {user}@'%'"))
            admin.execute(text("SET GLOBAL max_connections = 12"))
        with (
            serve_by_command(tmp_path, account.render_as_string(hide_password=False), reload_seconds="2") as service,
            load(service.url, PATHS) as seen,
        ):

            def nothing_is_left() -> bool:
                """Take every free connection, the service's own included; root may exceed the limit."""
                with engine.begin() as admin:
                    own = "SELECT id FROM information_schema.processlist WHERE user = 'service'"
                    for connection in admin.scalars(text(own)).all():
                        admin.execute(text(f"KILL {connection}"))
                try:
                    for _ in range(12):
                        held = pymysql.connect(host=url.host, port=url.port or 3306, user="other")
                        others.enter_context(held)
                except pymysql.err.OperationalError as error:
                    if "Too many connections" not in str(error):
                        raise
                return ready(service) == "not readable"

            eventually(nothing_is_left)
            environment = {**os.environ, "SKILLGAP_DATABASE_URL": account.render_as_string(hide_password=False)}
            command = [sys.executable, "-m", "skillgap", "status"]
            refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert (refused.returncode, "Too many connections" in refused.stderr) == (1, True)
            seen.wait_for(2_000)
            others.close()
            eventually(lambda: ready(service) == "readable", within=5)
        engine.dispose()
    assert (seen.failures, set(seen.statuses)) == ([], {200})
    noted(
        "other clients hold all MySQL connections",
        f"{seen.requests:,} requests",
        "0 failed; `/ready` and `skillgap status` reported it; readable again within 5 s of their release",
    )


def test_all_open_files_this_process_are_in_use(mysql_url: str, noted: Noted):
    engine = make_engine(mysql_url, seconds_to_connect=1)
    with ExitStack() as held:
        for _ in range(15):  # SQLAlchemy's pool: 5, and 10 more
            held.enter_context(read(engine))
        with pytest.raises(DatabaseUnavailable, match="all connections of this process are in use"):
            held.enter_context(read(engine))
    with read(engine) as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()
    noted(
        "connection pool exhausted", "15 connections held", "the 16th request raises DatabaseUnavailable with the cause"
    )


# -- workers ----------------------------------------------------------------------------------------------------------


def test_a_worker_is_killed_at_full_load(starter_database: str, tmp_path: Path, noted: Noted):
    connections = 32
    with (
        serve_by_command(tmp_path, starter_database, workers="2") as service,
        load(service.url, PATHS, connections=connections) as seen,
    ):
        seen.wait_for(2_000)
        killed, survivor = service.workers()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: len(now := service.workers()) == 2 and killed not in now and survivor in now)
        # the new one listens when connections end at it again
        metric = 'skillgap_requests_total{route="/skill-gap",status="200"}'
        assert metric in httpx.get(f"{service.url}/metrics").text
        lost = len(seen.failures)
        seen.wait_for(5_000)
        assert len(seen.failures) == lost, seen.failures
    assert lost <= connections, "\n".join(seen.failures)
    assert set(seen.statuses) == {200}
    noted(
        "a worker killed (SIGKILL) at full load",
        f"1 of 2 workers, {seen.requests:,} requests on {connections} connections",
        f"{lost} requests lost, those in progress on that worker; a new worker replaced it",
    )


def test_workers_end_with_the_main_process(starter_database: str, tmp_path: Path, noted: Noted):
    """Killed while a client holds a request back, it leaves a free port and no process."""
    with ExitStack() as stack:
        service = stack.enter_context(serve_by_command(tmp_path, starter_database, workers="2"))
        workers = service.workers()
        stack.callback(kill, workers)
        held_back = stack.enter_context(socket.create_connection(address_of(service)))
        held_back.sendall(b"POST /skill-gap HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n")
        os.kill(service.pid, signal.SIGKILL)
        killed = perf_counter()
        eventually(lambda: not any(is_running(worker) for worker in workers), within=5)
        lasted = perf_counter() - killed
        port = urlsplit(service.url).port
        again = stack.enter_context(serve_by_command(tmp_path, starter_database, port=str(port)))
        assert again.url == service.url
        assert httpx.get(again.url + PATHS[1]).is_success
    noted(
        "the main process killed (SIGKILL)",
        "2 workers, one with a request in progress",
        f"both ended within {lasted:.1f} s; the next start could use the port",
    )


def test_workers_end_with_the_main_process_where_the_system_does_not_see_to_it():
    ours, theirs = processes.Pipe()
    process = processes.Process(target=have_a_worker, args=(theirs,))
    process.start()
    worker = ours.recv()
    process.kill()
    process.join()
    eventually(lambda: not is_running(worker), within=5)


def have_a_worker(connection: Connection) -> None:
    sys.platform = "another"
    worker = multiprocessing.get_context("fork").Process(target=work, args=(connection,))
    worker.start()
    worker.join()


def work(connection: Connection) -> None:
    from skillgap.api.server import _end_with_parent

    _end_with_parent()
    connection.send(os.getpid())
    Event().wait()


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- the log ----------------------------------------------------------------------------------------------------------


def test_nobody_reads_the_log(starter_database: str, noted: Noted):
    """The pipe that takes the log is full after 64 kB; it is read again later, and closed in the end."""
    requests = 30_000
    reading, writing = os.pipe()
    with ExitStack() as stack:
        stack.callback(os.close, reading)
        service = stack.enter_context(serve_into(writing, starter_database))
        os.close(writing)
        with load(service.url, PATHS) as seen:
            seen.wait_for(requests)
        [lost] = re.findall(
            r"^skillgap_log_lines_lost_total ([0-9.]+)$", httpx.get(f"{service.url}/metrics").text, re.M
        )
        log = b""
        while b'"log lines lost"' not in log:
            log += os.read(reading, 65_536)
    lines = [orjson.loads(line) for line in log.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    written = sum(line["event"] == "request" for line in lines)
    [told] = [line["lines"] for line in lines if line["event"] == "log lines lost"]
    assert (seen.failures, set(seen.statuses)) == ([], {200})
    assert 1_000 < float(lost) <= told <= float(lost) + 2, "the request for the metrics is logged as well"
    assert written + told >= seen.requests, "every line was written or counted"
    noted(
        "the reader of the log stalls (full pipe)",
        f"{seen.requests:,} requests",
        f"0 failed; {told:,} lines dropped and counted in `/metrics` and the log; normal shutdown on SIGTERM",
    )


@pytest.mark.parametrize("stderr", ["full disk", "closed", "reader has gone"])
def test_the_log_cannot_be_written(starter_database: str, noted: Noted, stderr: str):
    with ExitStack() as stack:
        if stderr == "full disk":
            descriptor = os.open("/dev/full", os.O_WRONLY)
        elif stderr == "reader has gone":
            reading, descriptor = os.pipe()
            os.close(reading)
        else:
            descriptor = None
        if descriptor is not None:
            stack.callback(os.close, descriptor)
        service = stack.enter_context(serve_into(descriptor, starter_database))
        with load(service.url, PATHS) as seen:
            seen.wait_for(2_000)
    assert (seen.failures, set(seen.statuses)) == ([], {200})
    noted(f"the log cannot be written ({stderr})", f"{seen.requests:,} requests", "0 failed")


@contextmanager
def serve_into(stderr: int | None, database_url: str) -> Iterator[Service]:
    """Run the service with standard error going to a file descriptor, closed for None; it must end by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = f"exec {shlex.quote(sys.executable)} -m skillgap serve --port {port} {'2>&- >&- <&-' * (stderr is None)}"
    environment = {**os.environ, "SKILLGAP_DATABASE_URL": database_url}
    with subprocess.Popen(["sh", "-c", program], env=environment, stderr=stderr) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: httpx.get(f"{url}/health").is_success)
            yield Service(url, process.pid, Path(os.devnull), lambda: process.wait(30))
        finally:
            process.terminate()
            try:
                ended = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert ended == 0


# -- a load while it serves -----------------------------------------------------------------------------------------


def test_releases_change_at_full_load_and_no_answer_mixes_them(tmp_path: Path, noted: Noted):
    url = f"sqlite:///{tmp_path}/skillgap.db"
    engine = make_engine(url)
    old, new = str(onet_zip("26_1")), str(onet_zip("29_0"))
    extract_load_text_files(engine, old, cache_dir=tmp_path)
    bodies: dict[tuple[str, bytes], set[bytes]] = {}

    def look(path: str, status: int, head: bytes, body: bytes) -> None:
        etag = head.partition(b"etag: ")[2].partition(b"\r\n")[0]
        bodies.setdefault((path, etag), set()).add(body)

    rated = [path for path in PATHS if "15-1252" not in path and "29-1229" not in path]
    seconds = []
    with (
        serve_by_command(tmp_path, url, workers="2", reload_seconds="1") as service,
        load(service.url, rated, look=look) as seen,
    ):
        for release, number in ((new, "29.0"), (old, "26.1"), (new, "29.0")):
            extract_load_text_files(engine, release, cache_dir=tmp_path)
            loaded = perf_counter()
            eventually(
                lambda: {httpx.get(f"{service.url}/ready").json()["release"] for _ in range(20)} == {number},  # noqa: B023
                within=15,
            )
            seconds.append(perf_counter() - loaded)
            seen.wait_for(1_000)
    assert (seen.failures, set(seen.statuses)) == ([], {200})
    assert all(len(variants) == 1 for variants in bodies.values()), "one ETag, one answer"
    answers = [orjson.loads(body) for variants in bodies.values() for body in variants]
    versions = {(answer["provenance"]["release"], answer["provenance"]["data_version"]) for answer in answers}
    assert len(versions) == 4
    assert len(answers) == 4 * len(rated)
    noted(
        "the release changed at full load",
        f"3 loads, {seen.requests:,} requests on 32 connections",
        f"0 failed, no answer mixes releases; all workers switched within {max(seconds):.1f} s of the load",
    )


# -- clients ----------------------------------------------------------------------------------------------------------


def test_slow_clients_hold_up_nobody_and_are_sent_away(starter_database: str, tmp_path: Path, noted: Noted):
    """1,500 connections that send nothing, or a header bit by bit, or hold back a body."""
    starts = {
        "nothing": b"",
        "half a header": b"GET /health HTTP/1.1\r\nHost: te",
        "half a body": b"POST /skill-gap HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nabc",
    }
    with serve_by_command(tmp_path, starter_database) as service, ExitStack() as stack:
        with load(service.url, PATHS, connections=16) as alone:
            alone.wait_for(3_000)
        slow: list[socket.socket] = []
        for start in starts.values():
            for _ in range(500):
                connection = stack.enter_context(socket.create_connection(address_of(service)))
                connection.sendall(start)
                connection.setblocking(False)
                slow.append(connection)
        with load(service.url, PATHS, connections=16) as beside:

            def all_are_closed() -> bool:
                for connection in list(slow):
                    try:
                        if not connection.recv(65_536):
                            slow.remove(connection)
                        elif connection.fileno() >= 0:
                            connection.send(b"x")  # a bit more, and a bit more
                    except BlockingIOError:
                        with suppress(OSError):
                            connection.send(b"x")
                    except OSError:
                        slow.remove(connection)
                return not slow

            began = perf_counter()
            eventually(all_are_closed, within=60)
            lasted = perf_counter() - began
            beside.wait_for(1_000)
    assert (beside.failures, set(beside.statuses)) == ([], {200})
    noted(
        "1,500 slow clients (nothing, half a header, half a body)",
        f"{beside.requests:,} requests of other clients at the same time",
        f"0 failed, p99 {p99(beside):.0f} ms ({p99(alone):.0f} ms without them); "
        f"all disconnected within {lasted:.0f} s",
    )


def test_idle_connections_make_nobody_wait(starter_database: str, tmp_path: Path, noted: Noted):
    """3,000 connections that send nothing; each real client is a new connection."""
    with serve_by_command(tmp_path, starter_database) as service, ExitStack() as idle:
        with crowd(service.url, PATHS, clients=1, every=0.1):  # its process starts faster the second time
            eventually(lambda: len(service.lines("request")) > 2)
        before = len(service.lines("request"))
        for _ in range(3_000):
            idle.enter_context(socket.create_connection(address_of(service)))
        with crowd(service.url, PATHS, clients=16, every=0.2) as answers:
            eventually(lambda: len(service.lines("request")) >= before + 16 * 10)
            assert open_files(service) > 3_000, "none of them has been sent away"
    assert (answers.failures, set(answers.statuses), len(answers.first_ms)) == ([], {200}, 16)
    assert max(answers.first_ms) < 500
    noted(
        "3,000 idle connections",
        f"16 clients connect at the same time, {answers.statuses.total():,} requests",
        f"0 failed; slowest first answer {max(answers.first_ms):.0f} ms, p99 {answers.p99_ms:.0f} ms",
    )


def test_1300_clients_on_open_connections_are_all_answered(starter_database: str, tmp_path: Path, noted: Noted):
    clients, every, rounds = 1_300, 2.0, 10
    with serve_by_command(tmp_path, starter_database) as service:
        [worker] = service.workers()
        with crowd(service.url, PATHS, clients=clients, every=every) as answers:
            eventually(lambda: len(service.lines("request")) >= clients * rounds, within=rounds * every * 3)
            assert open_files(service) >= clients
            memory = memory_mb(worker, "VmRSS")
    assert (answers.failures, set(answers.statuses)) == ([], {200})
    assert len(answers.by_client) == clients, "every client was answered"
    assert min(answers.by_client.values()) >= rounds - 1
    noted(
        "1,300 clients with open connections, one worker",
        f"one request every 2 s each, {answers.statuses.total():,} requests",
        f"0 failed, p99 {answers.p99_ms:.0f} ms, slowest first answer {max(answers.first_ms):.0f} ms; "
        f"{memory:.0f} MB in the worker",
    )


@pytest.mark.parametrize(
    ("path", "requests", "receive_buffer"),
    [("/occupations?limit=1000", 4, 4_096), (PATHS[1], 500, None)],
    ids=["long answers", "a pipeline of requests"],
)
def test_clients_that_never_read_are_cut_off(
    starter_database: str,
    tmp_path: Path,
    noted: Noted,
    path: str,
    requests: int,
    receive_buffer: int | None,
):
    clients = 1_500
    with serve_by_command(tmp_path, starter_database, reload_seconds="60") as service:
        service.wait_for_all_data()
        [worker] = service.workers()
        with crowd(service.url, PATHS, clients=16, every=0.1):
            eventually(lambda: len(service.lines("request")) > 500)
        before, files = memory_mb(worker, "VmRSS"), open_files(service)
        with crowd(service.url, PATHS, clients=16, every=0.1) as others:
            began = perf_counter()
            with deaf_clients(service.url, path, clients=clients, requests=requests, receive_buffer=receive_buffer):
                eventually(lambda: open_files(service) > clients, within=10)
                held = memory_mb(worker, "VmRSS")
                eventually(lambda: open_files(service) < files + 30, within=60)
                lasted = perf_counter() - began
            eventually(lambda: memory_mb(worker, "VmRSS") < before + 50)
            after = memory_mb(worker, "VmRSS")
    assert (others.failures, set(others.statuses)) == ([], {200})
    assert lasted < 30
    assert others.p99_ms < 200
    noted(
        f"1,500 clients that never read ({requests} requests each)",
        f"{others.statuses.total():,} requests of other clients at the same time",
        f"disconnected within {lasted:.0f} s; other clients: 0 failed, p99 {others.p99_ms:.0f} ms; "
        f"{before:.0f} MB before, {held:.0f} MB during, {after:.0f} MB after",
    )


def address_of(service: Service) -> tuple[str, int]:
    address = urlsplit(service.url)
    assert address.hostname
    assert address.port
    return address.hostname, address.port


def open_files(service: Service) -> int:
    """Return how many files, connections among them, its only worker has open."""
    [worker] = service.workers()
    return len(list(Path(f"/proc/{worker}/fd").iterdir()))


def test_a_thousand_clients_at_once(starter_database: str, tmp_path: Path, noted: Noted):
    with serve_by_command(tmp_path, starter_database) as service, load(service.url, PATHS, connections=1_000) as seen:
        seen.wait_for(10_000)
    assert (seen.failures, set(seen.statuses)) == ([], {200})
    noted(
        "1,000 clients without pauses",
        f"{seen.requests:,} requests",
        f"0 failed, p99 {p99(seen):.0f} ms, slowest {seen.slowest_ms:.0f} ms (client and service on two cores)",
    )


def p99(seen: Load) -> float:
    return sorted(seen.took_ms)[int(len(seen.took_ms) * 0.99)]


# -- the clock --------------------------------------------------------------------------------------------------------


def test_the_clock_jumps_by_a_year_and_back(tmp_path: Path, noted: Noted):
    """The wall clock of the service and of the loads, by libfaketime."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        reason = "no libfaketime (Debian: faketime)"
        pytest.fail(reason) if os.environ.get("SKILLGAP_REQUIRE_FAKETIME") == "1" else pytest.skip(reason)
    shift = tmp_path / "shift"
    shift.write_text("+0")
    url = f"sqlite:///{tmp_path}/skillgap.db"
    clock = {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    environment = {**os.environ, **clock, "SKILLGAP_DATABASE_URL": url}

    def load_release(source: str) -> None:
        subprocess.run([sys.executable, "-m", "skillgap", "load", source], env=environment, check=True, stderr=-3)

    load_release("starter")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in clock.items():
            patch.setenv(name, value)
        running = serve_by_command(tmp_path, url, anonymous_requests_per_minute="1000000000")
        service = running.__enter__()
    try:
        versions = [httpx.get(f"{service.url}/ready").json()["data_version"]]
        with load(service.url, PATHS) as seen:
            for jump, release in (("+366d", "26_1"), ("-366d", "29_0")):
                shift.write_text(jump)
                seen.wait_for(500)
                load_release(str(onet_zip(release)))
                versions.append(
                    eventually(
                        lambda: (v := httpx.get(f"{service.url}/ready").json()["data_version"]) != versions[-1] and v
                    )
                )
    finally:
        running.__exit__(None, None, None)
    years = [int(version.split("-")[1][:4]) for version in versions]
    assert years[1] == years[0] + 1
    assert years[2] == years[0] - 1
    assert [int(version.split("-")[0]) for version in versions] == sorted(
        int(version.split("-")[0]) for version in versions
    )
    assert seen.failures == []
    assert set(seen.statuses) <= {200, 404}  # 26.1 has no predictions: then 15-1252.00 is not rated
    noted(
        "the clock jumps ahead by a year, then back by two",
        f"a load after each jump, {seen.requests:,} requests",
        "0 failed; every load took effect with a new data version; the `Date` header stays ahead after the jump back",
    )
