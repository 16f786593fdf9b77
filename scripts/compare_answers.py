"""Compare the answers of two versions of skillgap, byte by byte, texts aside.

    python scripts/compare_answers.py record DIR [--python PYTHON] [--release ZIP]
    python scripts/compare_answers.py compare DIR DIR

`record` knows skillgap from outside only: it loads a release into an embedded database in a temporary home, asks the
same seeded random questions of the HTTP API and the command line, and stores the raw answers. PYTHON is an interpreter
that can import the version to be asked; with PYTHONPATH set, that may be the source tree of another commit.
`compare` prints the counts of each kind and the first differences, and exits with 1 if there are any. Record both
versions in the same calendar month: predicted levels are dated.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

SEED = 23
INPUTS = 300
"""Random inputs of each kind."""
RELEASE = Path(__file__).parents[2] / "shared" / "onet" / "db_29_0_text.zip"

TEXTS = {"abstention", "explanation", "modification", "detail", "disables"}
"""Fields of JSON that are sentences: only whether they are null or empty is compared."""
TEXT_VALUES = {"unavailable"}
"""Objects whose keys are compared and whose values are sentences."""
TEXT_KEYS = {"rejected"}
"""Objects whose keys are sentences: their values are compared, in order of size."""
TIMES = {"data_version", "started_at", "finished_at"}
"""Fields that tell when data were loaded: all but the time is compared."""
TEXT_COLUMNS = TEXTS | {"unavailable", "error"}
"""Columns of tables that are sentences; `error` is that of a file of rejects."""
_HEADERS = ("content-type", "cache-control", "retry-after", "allow")
_TIME = re.compile(r"\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?")
_SHOWN = 3

JsonObject = dict[str, Any]
Answer = dict[str, Any]


# -- the release, read without skillgap -------------------------------------------------------------------------------


class Release(NamedTuple):
    """The words that questions are made of."""

    codes: list[str]
    titles: dict[str, str]
    job_titles: list[str]
    skills: list[tuple[str, str]]
    """Element id and name."""


def read_release(archive: Path) -> Release:
    """Return codes, titles and skills of a text release."""
    titles = {row["O*NET-SOC Code"]: row["Title"] for row in _rows(archive, "Occupation Data.txt")}
    job_titles = sorted({row["Alternate Title"] for row in _rows(archive, "Alternate Titles.txt")})
    skills = sorted({(row["Element ID"], row["Element Name"]) for row in _rows(archive, "Skills.txt")})
    return Release(sorted(titles), titles, job_titles, skills)


def _rows(archive: Path, name: str) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(archive) as opened:
        [member] = [member for member in opened.namelist() if member.endswith(f"/{name}")]
        text = opened.read(member).decode("utf-8")
    yield from csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)


# -- questions --------------------------------------------------------------------------------------------------------


class Questions:
    """Seeded random questions. Each kind has its own generator, so a change to one kind does not change the others."""

    def __init__(self, release: Release, kind: str) -> None:
        self._release = release
        self._random = random.Random(f"{SEED} {kind}")  # noqa: S311 - nothing secret

    def one_of(self, *values: Any, weights: tuple[int, ...] | None = None) -> Any:
        return self._random.choices(values, weights)[0]

    def code(self) -> str:
        """Return a code, in one of the accepted forms; one of twenty is unknown or invalid."""
        code = str(self._random.choice(self._release.codes))
        form = self._random.random()
        if form < 0.03:
            return "99-9999.00"
        if form < 0.05:
            return str(self._random.choice(("15-12", "", "nurse", "2911410", "29-1141.0x")))
        if form < 0.12:
            return code.replace("-", "").replace(".", "")
        return code.removesuffix(".00") if form < 0.2 else code

    def choices(self, **more: Any) -> dict[str, Any]:
        """Return ratings, domain and weight, left out where they are the default."""
        found = {
            "ratings": self.one_of("onet+llm", "onet", "llm", weights=(6, 3, 1)),
            "domain": self.one_of("skills", "knowledge", "all", "abilities", "skils", weights=(12, 4, 4, 1, 1)),
            "weight": self.one_of("importance", "standard", "none", weights=(4, 1, 1)),
            **more,
        }
        defaults = ("onet+llm", "skills", "importance", None, False)
        return {name: value for name, value in found.items() if value not in defaults}

    def gap(self) -> JsonObject:
        """Ask for the gap of two occupations, or of a person."""
        query = self.choices(stability=self.one_of(False, "true", weights=(9, 1)))
        if self._random.random() < 0.75:
            return _get("/skill-gap", {"from": self.code(), "to": self.code(), **query})
        profile: JsonObject = {"levels": self.levels(self._random.randint(0, 35))}
        if self._random.random() < 0.5:
            profile["occupation"] = self.code()
        return {**_get("/skill-gap", {"to": self.code(), **query}), "method": "POST", "body": profile}

    def levels(self, count: int) -> dict[str, float]:
        """Return levels of so many skills, by name or id; now and then one that is wrong."""
        chosen = self._random.sample(self._release.skills, count)
        levels = {self._random.choice(skill): round(self._random.uniform(0, 7) * 8) / 8 for skill in chosen}
        if self._random.random() < 0.05:
            levels["Writting"] = 3
        if self._random.random() < 0.05:
            levels["Writing"] = 8
        return levels

    def skills(self) -> JsonObject:
        """Ask for the skills of an occupation."""
        query = self.choices()
        query.pop("weight", None)
        return _get(f"/occupations/{self.code() or 'x'}/skills", query)

    def transitions(self) -> JsonObject:
        """Ask for near occupations."""
        query = self.choices(
            job_zone=self.one_of(None, self._random.randint(1, 5), weights=(3, 1)),
            major_group=self.one_of(None, self._random.choice(self._release.codes)[:2], "1", weights=(12, 3, 1)),
            max_shortfall_percentile=self.one_of(None, self._random.randint(1, 99), 101, weights=(12, 4, 1)),
            only_rated=self.one_of(False, "true", weights=(3, 1)),
            limit=self.one_of(None, self._random.randint(1, 100), 0, weights=(12, 12, 1)),
            stability=self.one_of(False, "true", weights=(19, 1)),
        )
        return _get(f"/occupations/{self.code() or 'x'}/transitions", query)

    def paths(self) -> JsonObject:
        """Ask for paths."""
        query = self.choices(
            neighbours=self.one_of(None, self._random.randint(1, 50), 51, weights=(12, 12, 1)),
            limit=self.one_of(None, self._random.randint(1, 20), weights=(1, 1)),
        )
        return _get("/paths", {"from": self.code(), "to": self.code(), **query})

    def search(self) -> JsonObject:
        """Search for a job title: complete, cut off, misspelled or reordered, or for a code."""
        text = self._random.choice(self._release.job_titles)
        kind = self._random.randrange(8)
        if kind == 0:
            text = text[: self._random.randint(1, len(text))]
        elif kind == 1:
            place = self._random.randrange(len(text))
            text = text[:place] + self._random.choice("aeiounrst") + text[place + 1 :]
        elif kind == 2:
            text = " ".join(self._random.sample(text.split(), len(text.split())))
        elif kind == 3:
            text = f"{text} {self._random.choice(self._release.job_titles)}"
        elif kind == 4:
            text = self.code()
        elif kind == 5:
            text = text.upper()
        query = {"q": text, "limit": self.one_of(None, self._random.randint(1, 100)), "offset": self.one_of(None, 5)}
        return _get("/occupations", {name: value for name, value in query.items() if value is not None})

    def people(self, rows: int) -> str:
        """Return people as CSV: codes, titles, unknown words and blanks, some with own levels."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        chosen = self._random.sample(self._release.skills, 8)
        writer.writerow(["id", "occupation", "goal", *(name for _, name in chosen)])
        for row in range(rows):
            code = self._random.choice(self._release.codes)
            occupation = self.one_of(
                self.code(), self._release.titles[code], self._random.choice(self._release.job_titles), "",
                weights=(10, 4, 2, 1),
            )  # fmt: skip
            levels = [self.one_of("", round(self._random.uniform(0, 7), 1), "x", weights=(120, 60, 1)) for _ in chosen]
            writer.writerow([f"p{row}", occupation, self.code(), *levels])
        return text.getvalue()


def _get(path: str, query: Mapping[str, Any]) -> JsonObject:
    return {"method": "GET", "path": f"{path}?{urlencode(query)}" if query else path}


HTTP: dict[str, Callable[[Questions], JsonObject]] = {
    "gap": Questions.gap,
    "skills": Questions.skills,
    "transitions": Questions.transitions,
    "paths": Questions.paths,
    "search": Questions.search,
}

_RATINGS, _LLM, _KNOWLEDGE = ("--ratings", "onet"), ("--ratings", "llm"), ("--domain", "knowledge")
BATCH: tuple[tuple[str, ...], ...] = (
    ("--to", "11-9111.00", "-o", "gaps.csv"),
    ("--to", "goal", "-o", "gaps.csv"),
    ("--to", "goal", "--each", "gap", "-o", "gaps.csv"),
    ("--to", "15-1252.00", "--weight", "none", *_KNOWLEDGE, "-o", "gaps.csv"),
    ("--to", "goal", "--each", "gap", *_RATINGS, "--domain", "all", "-o", "gaps.csv"),
    ("--nearest", "5", "-o", "near.csv"),
    ("--nearest", "3", "--weight", "standard", *_RATINGS, "--min-own-levels", "4", "-o", "near.csv"),
    ("--to", "goal", "-o", "gaps.parquet"),
    ("--to", "99-9999.00", "-o", "gaps.csv"),
    ("--to", "29-1141", "--occupation", "nothing", "-o", "gaps.csv"),
    ("--to", "29-1141", "--domain", "abilities", "-o", "gaps.csv"),
)
WORKFORCE: tuple[tuple[str, ...], ...] = (
    ("--to", "11-9111.00", "--json", "-o", "view.csv", "-o", "view.json"),
    ("--to", "11-9111.00", "--to", "15-1252.00", "--to", "29-1141", "--proposals", "25", "--json"),
    ("--to", "goal", "--json", "-o", "view.csv"),
    ("--to", "29-1141.00", *_RATINGS, "--weight", "none", "--json", "-o", "view.csv"),
    ("--to", "15-2051.00", *_RATINGS, "--json", "-o", "view.csv"),
    ("--to", "43-9111.00", *_KNOWLEDGE, "--json", "-o", "view.csv"),
    ("--to", "53-3032", "--domain", "all", "--weight", "standard", "--min-own-levels", "3", "--json"),
    ("--to", "99-9999.00", "--json"),
)
EXPORT: tuple[tuple[str, ...], ...] = (
    ("pairs.csv",),
    ("pairs.csv", *_RATINGS, *_KNOWLEDGE),
    ("ratings.csv", "--what", "ratings"),
    ("ratings.csv", "--what", "ratings", "--domain", "all", *_RATINGS),
    ("ratings.json", "--what", "ratings", *_LLM),
    ("near.csv", "--what", "transitions"),
    ("near.json", "--what", "transitions", *_KNOWLEDGE),
    ("near.parquet", "--what", "transitions"),
    ("pairs.csv", "--domain", "abilities"),
    ("pairs.txt",),
)
_NURSES, _MANAGERS = "Registered Nurses", "11-9111"
CLI: tuple[tuple[str, ...], ...] = (
    ("status", "--json"),
    ("status", "--json", "--unrated"),
    ("gap", _NURSES, _MANAGERS, "--json"),
    ("gap", _NURSES, _MANAGERS, "--csv", "--stability"),
    ("gap", _NURSES, "15-1252", "--csv", "--domain", "all"),
    ("gap", _NURSES, "99-9999.00", "--json"),
    ("gap", _NURSES, "55-1011.00", "--json"),
    ("gap", _NURSES),
    ("skills", _NURSES, "--json"),
    ("transitions", _NURSES, "--json", "--limit", "3"),
    ("path", _NURSES, _MANAGERS, "--json"),
    ("search", "software engneer", "--json"),
    ("diff", "loaded", "loaded", "--json"),
    ("profile-template", _NURSES),
)


# -- recording --------------------------------------------------------------------------------------------------------


_CONVERT = """
import sys, pathlib, pyarrow.csv, pyarrow.parquet
file = pathlib.Path(sys.argv[1])
table = pyarrow.parquet.read_table(file)
file.with_suffix(".schema.txt").write_text(table.schema.to_string(show_schema_metadata=False))
pyarrow.csv.write_csv(table, file.with_suffix(".table.csv"))
file.unlink()
"""


class Installed:
    """An installed skillgap, known by its interpreter, with a temporary home."""

    def __init__(self, python: Path, home: Path) -> None:
        own = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SKILLGAP_")}
        self._environment = {**inherited, **own, "SKILLGAP_LLM_MODEL": "embedded:words", "OPENBLAS_NUM_THREADS": "1"}
        self._command = [str(python), "-m", "skillgap"]

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
        """Run a command in a folder."""
        return subprocess.run(
            [*self._command, *arguments], cwd=folder, env=self._environment, capture_output=True, check=False
        )

    def convert(self, file: Path) -> None:
        """Replace a Parquet file by its schema and its rows as CSV: its bytes hold texts."""
        subprocess.run([self._command[0], "-c", _CONVERT, file.name], cwd=file.parent, check=True)

    @contextmanager
    def served(self) -> Iterator[int]:
        """Serve until the block ends, which gets the port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        command = [*self._command, "serve", "--port", str(port)]
        with subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL) as server:
            try:
                _wait_until_ready(server, port)
                yield port
            finally:
                server.terminate()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"the server ended with {server.returncode}")
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise SystemExit("the server was not ready within a minute")


def record(folder: Path, python: Path, archive: Path) -> None:
    """Ask everything and store the answers in `folder`, a file for each kind."""
    release = read_release(archive)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        installed = Installed(python, Path(home))
        for arguments in (("load", str(archive)), ("enrich",)):
            done = installed.run(*arguments, folder=Path(home))
            if done.returncode:
                raise SystemExit(f"{' '.join(arguments)}: {done.stderr.decode()}")
        with installed.served() as port:
            for kind, ask in HTTP.items():
                questions = Questions(release, kind)
                _store(folder, kind, (_over_http(port, ask(questions)) for _ in range(INPUTS)))
        for kind, runs in (("batch", BATCH), ("workforce", WORKFORCE)):
            people = Questions(release, kind).people(INPUTS)
            commands = [(kind, "people.csv", *options) for options in runs]
            _store(folder, kind, (_on_command_line(installed, each, {"people.csv": people}) for each in commands))
        _store(folder, "export", (_on_command_line(installed, ("export", *options)) for options in EXPORT))
        _store(folder, "cli", (_on_command_line(installed, arguments) for arguments in CLI))


def _store(folder: Path, kind: str, answers: Iterable[Answer]) -> None:
    with (folder / f"{kind}.jsonl").open("w", encoding="utf-8") as file:
        count = 0
        for count, answer in enumerate(answers, 1):  # noqa: B007 - counted
            file.write(json.dumps(answer, ensure_ascii=False) + "\n")
    print(f"{kind}: {count} answers", file=sys.stderr)


def _over_http(port: int, question: JsonObject) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps(question["body"]) if "body" in question else None
    connection.request(question["method"], question["path"], body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    text = response.read().decode("utf-8")
    connection.close()
    return {"question": question, "status": response.status, "headers": headers, "files": {"body.json": text}}


def _on_command_line(
    installed: Installed, arguments: tuple[str, ...], files: Mapping[str, str] | None = None
) -> Answer:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, text in (files or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        done = installed.run(*arguments, folder=folder)
        for file in folder.glob("*.parquet"):
            installed.convert(file)
        made = {file.name: _stored(file) for file in sorted(folder.iterdir()) if file.name not in (files or {})}
    suffix = ".json" if done.stdout[:1] in (b"{", b"[") else ".csv" if "--csv" in arguments else ".txt"
    if suffix != ".txt":
        made[f"stdout{suffix}"] = done.stdout.decode("utf-8")
    return {"question": arguments, "status": done.returncode, "files": made}


def _stored(file: Path) -> Any:
    """Return the content of a file; of a table of many rows a digest of each column, and some of its rows."""
    if file.suffix == ".json" or file.stat().st_size < 2_000_000:
        return file.read_text(encoding="utf-8")
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened)
        names = next(reader)
        digests = [(hashlib.sha256(), name in TEXT_COLUMNS) for name in names]
        chosen = random.Random(SEED)  # noqa: S311 - nothing secret
        sample: list[list[str]] = []
        rows = 0
        for rows, fields in enumerate(reader, 1):  # noqa: B007 - counted
            for (digest, is_text), field in zip(digests, fields, strict=True):
                digest.update(f"{_blank(field) if is_text else field}\n".encode())
            if len(sample) < INPUTS and chosen.random() < 0.001:
                sample.append(fields)
    columns = {name: digest.hexdigest() for name, (digest, _) in zip(names, digests, strict=True)}
    return {"rows": rows, "columns": columns, "sample": [dict(zip(names, row, strict=True)) for row in sample]}


# -- comparing --------------------------------------------------------------------------------------------------------


def compare(first: Path, second: Path) -> bool:
    """Print how many answers of each kind are equal, and the first differences; return whether all are."""
    kinds = {file.stem for folder in (first, second) for file in folder.glob("*.jsonl")}
    is_equal = bool(kinds)
    for kind in [*HTTP, "batch", "workforce", "export", "cli"]:
        before, after = (_read(folder / f"{kind}.jsonl") for folder in (first, second))
        pairs = list(zip(before, after, strict=False))
        different = [(a, b) for a, b in pairs if _without_texts(a) != _without_texts(b)]
        statuses = sorted({answer["status"] for answer in before})
        counts = ", ".join(f"{sum(a['status'] == status for a in before)} with {status}" for status in statuses)
        print(f"{kind}: {len(pairs) - len(different)} of {len(before)} equal ({counts})")
        if len(before) != len(after):
            print(f"  {len(before)} answers before, {len(after)} after")
        for a, b in different[:_SHOWN]:
            print(f"  {json.dumps(a['question'], ensure_ascii=False)}")
            print(f"    {_first_difference(_without_texts(a), _without_texts(b))}")
        is_equal &= bool(before) and len(before) == len(after) and not different
    return is_equal


def _read(file: Path) -> list[Answer]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _without_texts(answer: Answer) -> str:
    """Return an answer in one canonical text: bytes as they came, but for the texts."""
    files = {name: _file_without_texts(name, content) for name, content in answer["files"].items()}
    return json.dumps({**answer, "files": files}, ensure_ascii=False)


def _file_without_texts(name: str, content: Any) -> Any:
    if not isinstance(content, str):
        return _blanked(content)
    if name.endswith(".json"):
        # Numbers keep their digits, and objects the order of their keys.
        return _blanked(json.loads(content, parse_float="float {}".format, parse_int="int {}".format))
    if name.endswith(".csv"):
        return _table_without_texts(content)
    return content


def _blanked(value: Any) -> Any:
    """Return JSON without its sentences."""
    if isinstance(value, list):
        return [_blanked(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: JsonObject = {}
    for name, item in value.items():
        if name in TEXTS and isinstance(item, str):
            found[name] = _blank(item)
        elif name in TIMES and isinstance(item, str):
            found[name] = _TIME.sub("a time", item)
        elif name in TEXT_VALUES and isinstance(item, dict):
            found[name] = dict.fromkeys(item, _blank("some"))
        elif name in TEXT_KEYS and isinstance(item, dict):
            found[name] = sorted(map(str, item.values()))
        else:
            found[name] = _blanked(item)
    return found


def _table_without_texts(text: str) -> list[str]:
    names, *rows = csv.reader(io.StringIO(text, newline="")) if text else [[]]
    is_text = [name in TEXT_COLUMNS for name in names]
    if not any(is_text):
        return text.split("\n")
    blanked = ([_blank(field) if blank else field for field, blank in zip(row, is_text, strict=True)] for row in rows)
    return [",".join(names), *map(json.dumps, blanked)]


def _blank(text: str) -> str:
    return "a text" if text else ""


def _first_difference(first: str, second: str) -> str:
    place = next((k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
    near = slice(max(0, place - 80), place + 80)
    return f"{re.sub(chr(10), ' ', first[near])!r}\n    {re.sub(chr(10), ' ', second[near])!r}"


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="ask a version and store its answers")
    recording.add_argument("folder", type=Path)
    recording.add_argument("--python", type=Path, default=Path(sys.executable))
    recording.add_argument("--release", type=Path, default=RELEASE)
    comparing = commands.add_parser("compare", help="compare two folders of answers")
    comparing.add_argument("folders", type=Path, nargs=2)
    given = parser.parse_args()
    if given.command == "record":
        record(given.folder, given.python.absolute(), given.release.absolute())
    elif not compare(*given.folders):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
