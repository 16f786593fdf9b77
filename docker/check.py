#!/usr/bin/env python3
"""Asks the running stack what it should know, and does to it what happens in production. Needs Python and Docker alone.

    docker compose up -d --wait && python3 docker/check.py ../shared/onet/db_29_0_text.zip

The release is the one that the starter is of; what the stack says is compared with the lines of its files.
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
    step("an upgrade while it serves", lambda: upgrade(release))
    step("gaps of the whole release", lambda: compare(levels))
    step("database restarted while it serves", restart_database)
    step("predictions backed up and restored", back_up)
    step("a worker killed", kill_worker)
    step("log and metrics", log_and_metrics)
    step("graceful stop", stop)
    step("started again", start_again)


def step(name: str, work: Callable[[], str]) -> None:
    started = time.monotonic()
    print(f"{name}: {work()} ({time.monotonic() - started:.1f} s)", flush=True)


# -- gaps against the files -------------------------------------------------------------------------------------------


def levels_of(release: Path) -> Levels:
    """Read the levels of a release in the plainest way: by occupation and element."""
    with zipfile.ZipFile(release) as zipped:
        lines = zipped.read(f"{release.stem}/Skills.txt").decode()
    levels: Levels = {}
    for line in csv.DictReader(io.StringIO(lines), delimiter="\t", quoting=csv.QUOTE_NONE):
        if line["Scale ID"] == "LV":
            levels.setdefault(line["O*NET-SOC Code"], {})[line["Element ID"]] = float(line["Data Value"])
    return levels


def compare(levels: Levels) -> str:
    """Compare every gap of random pairs."""
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
    return f"{PAIRS} pairs, {gaps:,} gaps as in the files"


# -- the containers ---------------------------------------------------------------------------------------------------


def containers() -> str:
    user = compose("exec", "-T", "api", "id", "-u").strip()
    check(user.isdigit() and user != "0", f"the API runs as {user}")
    for path in ("/opt/skillgap/new", "/home/new", "/new"):
        check(not succeeds("exec", "-T", "api", "touch", path), f"{path} can be written")
    for program in ("gcc", "cc", "make"):
        check(not succeeds("exec", "-T", "api", "which", program), f"{program} is in the image")
    check(not succeeds("exec", "-T", "api", "ls", "/root/.cache/pip"), "pip's cache is in the image")
    return f"user {user}, nothing to be written, no compiler"


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
    check(compose("exec", "-T", "api", "python", "-c", write).strip() == "denied", "the API's account may write")
    return "the API's account reads, and is denied everything else"


def doctor() -> str:
    for service in ("exec -T api", "run --rm etl"):
        checks = json.loads(compose(*service.split(), *(["skillgap"] if "exec" in service else []), "doctor", "--json"))
        failed = [each for each in checks if each["outcome"] == "failed"]
        check(not failed, str(failed))
    return "no failure in either image"


# -- what happens to it ---------------------------------------------------------------------------------------------


def page() -> str:
    """The page, its chart library from the image, and a chart drawn on a read-only file system."""
    pair = "from=29-1141.00&to=11-9111.00"
    html = text_of(f"/?{pair}", Accept="text/html")
    check("8 are sure, 9 may be chance" in html, "the page of a gap does not say how many are sure")
    library = html.split('data-charts="')[1].split('"')[0]
    started = time.monotonic()
    check("vegaEmbed" in text_of(library), "no library that draws charts")
    seconds = time.monotonic() - started
    check("not kept" not in compose("logs", "api"), "the library was not in the image")
    check("Operations Analysis" in text_of(f"/chart.svg?{pair}"), "the chart has not the gap's skills")
    return f"library in {seconds:.1f} s, chart drawn"


def upgrade(release: Path) -> str:
    """Load the release over the starter while the service answers."""
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
        check(time.monotonic() - ended < 5, "the load is not seen after 5 s")
    seen = time.monotonic() - ended
    check(bool(ask("/occupations/29-1141.00")["occupation"]["description"]), "no description")
    return f"{asked:,} answers meanwhile, seen {seen:.1f} s after the load ended"


def restart_database() -> str:
    restarting = subprocess.Popen([*COMPOSE, "restart", "db"], cwd=TOP)
    asked, was_away = 0, False
    while restarting.poll() is None:
        ask("/skill-gap?from=29-1141.00&to=11-9111.00")
        was_away |= ask("/ready")["database"] == "not readable"
        asked += 1
    back = time.monotonic()
    while ask("/ready")["database"] != "readable":
        check(time.monotonic() - back < 60, "the database is not seen again after 60 s")
    return f"{asked:,} answers meanwhile, {'told by /ready' if was_away else 'between two looks'}"


def back_up() -> str:
    """Do as docs/operations.md says; between dump and restore the tables are gone."""
    tables = ("LLMModels", "LLMSkillScores", "LLMAbstentions", "LLMReplies")
    root = "MYSQL_PWD=$(cat /passwords/root/skillgap_database_password)"
    account = "-h 127.0.0.1 -u root"
    sums = f"{root} mysql {account} -N skillgap -e 'CHECKSUM TABLE {', '.join(tables)}'"
    before = in_database(sums)
    how = "--single-transaction --no-tablespaces --set-gtid-purged=OFF"
    dump = in_database(f"{root} mysqldump {account} {how} skillgap {' '.join(tables)}")
    in_database(f"{root} mysql {account} skillgap -e 'DROP TABLE {', '.join(reversed(tables))}'")
    in_database(f"{root} mysql {account} skillgap", given=dump)
    check(in_database(sums) == before, "the tables are not what they were")
    return f"{len(dump) / 1e3:,.0f} kB, the same checksums afterwards"


def in_database(command: str, given: str | None = None) -> str:
    return compose("exec", "-T", "db", "sh", "-c", command, given=given)


def kill_worker() -> str:
    """Kill one worker with SIGKILL; the others answer, and a new one comes."""
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
    # compose puts a code for the terminal before some lines
    requests = [json.loads(line[line.index("{") :]) for line in lines if '"event":"request"' in line]
    check(len(requests) > PAIRS, "requests are missing in the log")
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
    check(bool(ask("/occupations/29-1141.00")["occupation"]["description"]), "the whole release is gone")
    return "the release that was loaded is there"


# -- means ------------------------------------------------------------------------------------------------------------

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
