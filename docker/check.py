#!/usr/bin/env python3
"""Check the running stack: compare its answers with a release, then restart, load and kill parts of it.

    docker compose up -d --wait && python3 docker/check.py ../shared/onet/db_29_0_text.zip

The argument is the release from which the starter was made. Needs only Python and Docker.
"""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
API = "http://127.0.0.1:8000"
PAIRS = 300

Levels = dict[str, dict[str, float]]


def main() -> None:
    release = Path(sys.argv[1]).resolve()
    levels = levels_of(release)
    step("gaps of the starter", lambda: compare(levels))
    step("containers", containers)
    step("accounts", accounts)
    step("doctor", doctor)
    step("the page", page)
    step("upgrade while serving", lambda: upgrade(release))
    step("gaps of the whole release", lambda: compare(levels))
    step("database restart while serving", restart_database)
    step("backup and restore of predictions", back_up)
    step("killed worker", kill_worker)
    step("log and metrics", log_and_metrics)
    step("graceful stop", stop)
    step("restart of the stack", start_again)


def step(name: str, work: Callable[[], str]) -> None:
    started = time.monotonic()
    print(f"{name}: {work()} ({time.monotonic() - started:.1f} s)", flush=True)


# -- gaps against the files -------------------------------------------------------------------------------------------


def levels_of(release: Path) -> Levels:
    """Return the levels of a release by occupation and element, parsed with the csv module."""
    with zipfile.ZipFile(release) as zipped:
        lines = zipped.read(f"{release.stem}/Skills.txt").decode()
    levels: Levels = {}
    for line in csv.DictReader(io.StringIO(lines), delimiter="\t", quoting=csv.QUOTE_NONE):
        if line["Scale ID"] == "LV":
            levels.setdefault(line["O*NET-SOC Code"], {})[line["Element ID"]] = float(line["Data Value"])
    return levels


def compare(levels: Levels) -> str:
    """Compare every gap of random pairs with the files."""
    rng = random.Random(7)  # noqa: S311 - the same pairs each time
    gaps = 0
    for _ in range(PAIRS):
        current, target = rng.sample(sorted(levels), 2)
        listed = {
            gap["element_id"]: (gap["from_data_value"], gap["to_data_value"], gap["gap"])
            for gap in ask(f"/skill-gap?from={current}&to={target}")["skill_gaps"]
        }
        expected = {
            element: (before, after)
            for element, after in levels[target].items()
            if after > (before := levels[current][element])
        }
        check(listed.keys() == expected.keys(), f"{current} to {target}: {listed.keys() ^ expected.keys()}")
        for element, (before, after) in expected.items():
            check(listed[element][:2] == (before, after), f"{current} to {target}, {element}: {listed[element]}")
            check(abs(listed[element][2] - (after - before)) < 0.011, f"{current} to {target}, {element}")
        gaps += len(expected)
    return f"{PAIRS} pairs, {gaps:,} gaps equal the files"


# -- the containers ---------------------------------------------------------------------------------------------------


def containers() -> str:
    user = compose("exec", "-T", "api", "id", "-u").strip()
    check(user.isdigit() and user != "0", f"the API runs as {user}")
    for path in ("/opt/skillgap/new", "/home/new", "/new"):
        check(not succeeds("exec", "-T", "api", "touch", path), f"{path} is writable")
    for program in ("gcc", "cc", "make"):
        check(not succeeds("exec", "-T", "api", "which", program), f"{program} is in the image")
    check(not succeeds("exec", "-T", "api", "ls", "/root/.cache/pip"), "pip's cache is in the image")
    return f"user {user}, read-only, no compiler"


def accounts() -> str:
    write = """
import os, sqlalchemy
from skillgap.config.settings import read_settings
engine = sqlalchemy.create_engine(read_settings().database.full_url)
with engine.connect() as connection:
    assert connection.scalar(sqlalchemy.text("SELECT COUNT(*) FROM SkillsView")) > 60000
    for statement in ("DELETE FROM Loads", "CREATE TABLE t (i INT)", "UPDATE Occupations SET title = ''",
                      "SELECT * FROM mysql.user"):
        try:
            connection.execute(sqlalchemy.text(statement))
        except sqlalchemy.exc.OperationalError as error:
            assert error.orig.args[0] in (1142, 1044), error
        else:
            raise SystemExit(statement)
print("denied")
"""
    check(compose("exec", "-T", "api", "python", "-c", write).strip() == "denied", "the API's account can write")
    return "the API's account can only read"


def doctor() -> str:
    for service in ("exec -T api", "run --rm etl"):
        checks = json.loads(compose(*service.split(), *(["skillgap"] if "exec" in service else []), "doctor", "--json"))
        failed = [each for each in checks if each["outcome"] == "failed"]
        check(not failed, str(failed))
    return "no failure in either image"


# -- events in production ---------------------------------------------------------------------------------------------


def page() -> str:
    """Load the page and its chart library from the image, and draw a chart on a read-only file system."""
    pair = "from=29-1141.00&to=11-9111.00"
    html = text_of(f"/?{pair}", Accept="text/html")
    check("8 are clear, 2 are likely, 7 are open" in html, "the page of a gap does not count the clear gaps")
    library = html.split('data-charts="')[1].split('"')[0]
    started = time.monotonic()
    check("vegaEmbed" in text_of(library), "the chart library is missing")
    seconds = time.monotonic() - started
    check("not kept" not in compose("logs", "api"), "the library was not in the image")
    check("Operations Analysis" in text_of(f"/chart.svg?{pair}"), "the chart does not show the skills of the gap")
    return f"library in {seconds:.1f} s, chart drawn"


def upgrade(release: Path) -> str:
    """Load the release over the starter while the service keeps answering."""
    before = ask("/ready")["data_version"]
    loading = subprocess.Popen(
        [*COMPOSE, "run", "--rm", "-v", f"{release.parent}:/onet:ro", "etl", "load", f"/onet/{release.name}"], cwd=TOP
    )
    asked = 0
    while loading.poll() is None:
        ask("/skill-gap?from=29-1141.00&to=11-9111.00")
        asked += 1
    check(loading.returncode == 0, "the load failed")
    ended = time.monotonic()
    while before in {ask("/ready")["data_version"] for _ in range(50)}:  # by every worker
        check(time.monotonic() - ended < 5, "the workers do not see the load after 5 s")
    seen = time.monotonic() - ended
    check(bool(ask("/occupations/29-1141.00")["occupation"]["description"]), "no description")
    return f"{asked:,} answers meanwhile, new data after {seen:.1f} s"


def restart_database() -> str:
    restarting = subprocess.Popen([*COMPOSE, "restart", "db"], cwd=TOP)
    asked, was_down = 0, False
    while restarting.poll() is None:
        ask("/skill-gap?from=29-1141.00&to=11-9111.00")
        was_down |= ask("/ready")["database"] == "not readable"
        asked += 1
    back = time.monotonic()
    while ask("/ready")["database"] != "readable":
        check(time.monotonic() - back < 60, "the database is still reported as down after 60 s")
    return f"{asked:,} answers meanwhile, {'reported by /ready' if was_down else 'too short for /ready to notice'}"


def back_up() -> str:
    """Follow docs/operations.md; the tables are dropped between dump and restore."""
    tables = ("LLMModels", "LLMSkillScores", "LLMAbstentions", "LLMReplies")
    root = "MYSQL_PWD=$(cat /passwords/root/skillgap_database_password)"
    account = "-h 127.0.0.1 -u root"
    sums = f"{root} mysql {account} -N skillgap -e 'CHECKSUM TABLE {', '.join(tables)}'"
    before = in_database(sums)
    how = "--single-transaction --no-tablespaces --set-gtid-purged=OFF"
    dump = in_database(f"{root} mysqldump {account} {how} skillgap {' '.join(tables)}")
    in_database(f"{root} mysql {account} skillgap -e 'DROP TABLE {', '.join(reversed(tables))}'")
    in_database(f"{root} mysql {account} skillgap", given=dump)
    check(in_database(sums) == before, "the restored tables differ")
    return f"{len(dump) / 1e3:,.0f} kB, same checksums after the restore"


def in_database(command: str, given: str | None = None) -> str:
    return compose("exec", "-T", "db", "sh", "-c", command, given=given)


def kill_worker() -> str:
    """Kill one worker with SIGKILL; the others keep answering, and the server starts a new one."""
    find = "import os; print(*sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))"
    before = [int(pid) for pid in compose("exec", "-T", "api", "python", "-c", find).split()]
    workers = [pid for pid in before if pid != 1]
    compose("exec", "-T", "api", "python", "-c", f"import os; os.kill({workers[-2]}, 9)")
    failed = 0
    for _ in range(200):
        try:
            ask("/skill-gap?from=29-1141.00&to=11-9111.00")
        except (urllib.error.URLError, ConnectionError):
            failed += 1
    check(failed <= 1, f"{failed} of 200 requests failed")
    return f"{failed} of 200 requests failed"


def log_and_metrics() -> str:
    lines = compose("logs", "--no-color", "--no-log-prefix", "api").splitlines()
    # compose prefixes some lines with a terminal code
    requests = [json.loads(line[line.index("{") :]) for line in lines if '"event":"request"' in line]
    check(len(requests) > PAIRS, "requests are missing from the log")
    loaded = [
        line for line in compose("logs", "--no-color", "--no-log-prefix", "etl").splitlines() if '"loaded"' in line
    ]
    check(json.loads(loaded[0][loaded[0].index("{") :])["release"] == "29.0", str(loaded))
    check({"id", "method", "path", "status", "ms"} <= requests[-1].keys(), str(requests[-1]))
    with urllib.request.urlopen(f"{API}/metrics") as answer:
        text = answer.read().decode()
    counted = sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("skillgap_requests_total"))
    check(counted > PAIRS, text)
    return f"{len(requests):,} requests logged, {counted:,.0f} counted"


def stop() -> str:
    compose("stop", "api")
    state = json.loads(compose("ps", "-a", "--format", "json", "api").splitlines()[0])
    check(state["ExitCode"] == 0, f"exit code {state['ExitCode']}")
    return "exit code 0"


def start_again() -> str:
    compose("up", "--detach", "--wait")
    check(bool(ask("/occupations/29-1141.00")["occupation"]["description"]), "the loaded release is gone")
    return "the loaded release is still there"


# -- helpers -----------------------------------------------------------------------------------------------------------

COMPOSE = ["docker", "compose", "-f", str(TOP / "docker-compose.yml")]


def compose(*arguments: str, given: str | None = None) -> str:
    command = [*COMPOSE, *arguments]
    ended = subprocess.run(command, cwd=TOP, input=given, capture_output=True, text=True, check=False)
    check(ended.returncode == 0, f"docker compose {' '.join(arguments)[:200]}: {ended.stdout}{ended.stderr}")
    return ended.stdout


def succeeds(*arguments: str) -> bool:
    return subprocess.run([*COMPOSE, *arguments], cwd=TOP, capture_output=True, check=False).returncode == 0


def ask(path: str) -> dict:
    with urllib.request.urlopen(API + path, timeout=5) as answer:
        return json.load(answer)


def text_of(path: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(API + path, headers=headers), timeout=60) as answer:
        return answer.read().decode()


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {what}")


if __name__ == "__main__":
    main()
