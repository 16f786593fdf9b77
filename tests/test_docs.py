"""The documents show the actual behavior."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import nbformat
import pytest
from scripts import run_notebook, schema_reference
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from typer.core import TyperGroup
from typer.main import get_command

import skillgap
from skillgap.api.problems import STATUS, Problem
from skillgap.cli.app import app
from skillgap.config.settings import default_values
from skillgap.errors import DatabaseUnavailable
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import make_engine, read, write
from tests.api.serving import Service, serve
from tests.cli.running import COMMANDS, Run, run  # noqa: F401 - a fixture

pytestmark = pytest.mark.programs

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
README = (TOP / "README.md").read_text()
API_PAGE = (DOCS / "api.md").read_text()
COMMAND_PAGE = (DOCS / "command-line.md").read_text()
TROUBLESHOOTING = (DOCS / "troubleshooting.md").read_text()
DOCUMENTS = [*sorted(TOP.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


@pytest.fixture(scope="module")
def service(starter_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve the starter data."""
    with serve(tmp_path_factory.mktemp("service"), starter_database) as running:
        yield running


def console_blocks(text: str) -> list[tuple[str, str]]:
    """Return command and shown output of the console blocks that show one command with its output."""
    blocks = re.findall(r"```console\n\$ (.+)\n((?:(?!\$ |```).*\n)+)```", text)
    assert blocks
    return blocks


def test_the_readmes_terminal_answer_is_the_commands(run: Run, starter_database: str, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    command, shown = next(block for block in console_blocks(README) if "skillgap gap" in block[0])
    program, *arguments = shlex.split(command)
    assert program == "skillgap"
    assert [line.rstrip() for line in run(*arguments).out.splitlines()] == shown.splitlines()


def test_the_readmes_http_answer_is_in_the_services(service: Service):
    command, shown = next(block for block in console_blocks(README) if "curl" in block[0])
    url = urlsplit(re.search(r"'(http\S+)'", command)[1])
    answer = httpx.get(f"{service.url}{url.path}?{url.query}").json()
    first = answer["skill_gaps"][0]
    figures = {**answer["summary"], **first}
    assert json.loads(re.search(r'"unavailable": (\{.*?\})', shown, re.S)[1]) == figures["unavailable"]
    pairs = re.findall(r'"(\w+)": ([^\n{\[]+?),?\n', re.sub(r'"unavailable": \{.*?\}', "", shown, flags=re.S))
    assert len(pairs) == 14 + 15
    for name, value in pairs:
        assert json.loads(value) == figures[name], name


def test_the_example_of_a_workforce_answers_as_shown(
    run: Run,  # noqa: F811
    starter_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    monkeypatch.chdir(tmp_path)
    page = (TOP / "docs" / "batch.md").read_text()
    [people] = re.findall(r"```csv\n(.*?)```", page, re.S)
    Path("people.csv").write_text(people)
    [(command, shown)] = console_blocks(page)
    ended = run(*shlex.split(command)[1:])
    assert (ended.code, [line.rstrip() for line in ended.out.splitlines()]) == (0, shown.splitlines())


def shown_by(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return what the cells of a notebook answer, by media type; of a chart the words, of a load not the time."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind, content in sorted(output["data"].items() if "data" in output else [("text", output["text"])]):
                words = re.findall(r"<text[^>]*>([^<]+)", content) if kind == "image/svg+xml" else [content]
                found.append((kind, re.sub(r"\b\d+-\d{8}T\d{6}Z", "VERSION", "\n".join(words))))
    return found


def test_the_example_notebook_answers_as_it_shows():
    committed = nbformat.read(run_notebook.NOTEBOOK, as_version=4)
    shown = shown_by(committed)
    assert {kind for kind, _ in shown} == {"text/plain", "text/html", "image/svg+xml", "text"}
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.run_notebook", "-"], capture_output=True, cwd=TOP, timeout=300, check=True
    )
    assert shown_by(nbformat.reads(ended.stdout.decode(), as_version=4)) == shown


EXAMPLES = re.findall(r"```(bash|python|javascript)\n(.*?)```\n\n```text\n(.*?)```", API_PAGE, re.S)


@pytest.mark.parametrize(("language", "code", "shown"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_the_examples_of_the_api_answer_as_shown(language: str, code: str, shown: str, service: Service):
    assert len(EXAMPLES) == API_PAGE.count("```text")
    programs = {
        "bash": ["bash", "-eu", "-o", "pipefail", "-c"],
        "python": [sys.executable, "-c"],
        "javascript": ["node", "--input-type=module", "-e"],
    }
    program = programs[language]
    if not shutil.which(program[0]):
        reason = "no Node.js"
        pytest.fail(reason) if os.environ.get("SKILLGAP_REQUIRE_NODE") == "1" else pytest.skip(reason)
    here = code.replace("http://127.0.0.1:8000", service.url)
    ended = subprocess.run([*program, here], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, shown), ended.stderr


def test_the_readmes_python_runs(
    capsys: pytest.CaptureFixture[str], starter_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    [code] = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(code, {})  # noqa: S102 - our own README
    assert "Operations Analysis" in capsys.readouterr().out


PYTHON_EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", (DOCS / "python.md").read_text(), re.S)


@pytest.mark.parametrize(("code", "shown"), PYTHON_EXAMPLES, ids=["connect", "functions"])
def test_the_examples_of_the_python_page_answer_as_shown(
    code: str,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    starter_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102 - our own document
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("command", "shown"), console_blocks(TROUBLESHOOTING), ids=[each for each, _ in console_blocks(TROUBLESHOOTING)]
)
def test_the_errors_of_troubleshooting_are_those_of_the_commands(
    command: str,
    shown: str,
    run: Run,  # noqa: F811
    starter_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    monkeypatch.chdir(tmp_path)
    Path("staff.csv").write_text("id,Job Code\n1,29-1141\n")
    Path("semicolons.csv").write_text("id;occupation\n1;29-1141\n")
    Path("pairs.csv").touch()
    Path("release").mkdir()
    Path("release", "Skils.txt").write_text("x\n")
    ended = run(*shlex.split(command)[1:])
    assert (ended.code, ended.err.replace(f"{tmp_path}/", "")) == (1, shown)


def test_every_code_of_a_problem_is_in_troubleshooting():
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", TROUBLESHOOTING, re.M)
    assert dict(listed).keys() == set(re.findall(r"`([a-z-]+)`", Problem.model_fields["code"].description or ""))
    for error, status in STATUS.items():
        assert (error.code, str(status.value)) in listed


def shown_commands(*documents: Path) -> list[list[str]]:
    """Return the arguments of every call of the command line that is shown, without where its output goes."""
    lines = re.findall(r"^\$ skillgap (.+)", "\n".join(each.read_text() for each in documents), re.M)
    return [shlex.split(line.partition(" > ")[0], comments=True) for line in lines]


@pytest.mark.parametrize("arguments", shown_commands(*DOCUMENTS), ids=" ".join)
def test_every_command_shown_is_understood(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("people.csv", "people.parquet", "staff.csv", "semicolons.csv"):
        Path(name).touch()
    group = get_command(app)
    while isinstance(group, TyperGroup):
        name, *arguments = arguments
        group = group.commands[name]
    group.make_context(group.name, arguments)


ELSEWHERE = {
    "load 29.0": "tests/sources/test_releases.py, from a server that has releases",
    "fetch": "tests/test_integration_api_load.py",
    "export pairs.csv": "tests/export/test_frames.py",
    "diff 30.3 31.0": "tests/cli/test_data.py, of releases that are there",
    "enrich": "tests/test_integration_enrich.py",
    "serve": "tests/api",
    "mcp": "tests/mcp/test_server.py",
    "llm evaluate 29.0": "tests/cli/test_llm.py",
    "llm audit": "tests/cli/test_llm.py, after `enrich --all`",
}
"""Commands run elsewhere: they need a complete release or an account, or do not end."""


def test_the_commands_of_the_command_line_page_do_what_they_say(
    run: Run,  # noqa: F811
    starter_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SKILLGAP_DATABASE_URL", starter_database)
    monkeypatch.setenv("SKILLGAP_API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("id,occupation\nann,29-1141.00\n")
    shown = shown_commands(DOCS / "command-line.md")
    here = [each for each in shown if not " ".join(each).startswith(tuple(ELSEWHERE))]
    assert len(here) == 16
    Path("keys").touch()
    for arguments in here:
        ended = run(*arguments)
        assert ended.code == 0, (arguments, ended.err)
        assert ended.out or ended.err
    assert {"gap.html", "gaps.parquet", "view.xlsx"} <= {each.name for each in tmp_path.iterdir()}


def test_the_accounts_of_a_database_made_by_hand_may_do_what_they_need(mysql_server: URL, tmp_path: Path):
    [statements] = re.findall(r"```sql\n(.*?)```", (TOP / "docs" / "operations.md").read_text(), re.S)
    name, secret = f"by_hand_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    own = {"skillgap": name, "etl@": f"etl_{name}@", "api@": f"api_{name}@", "…": secret}
    for each, ours in own.items():
        assert each in statements
        statements = statements.replace(each, ours)
    admin = create_engine(mysql_server.set(database=None), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            for statement in re.sub(r"--.*", "", statements).split(";")[:-1]:
                connection.exec_driver_sql(statement.replace("%", "%%"))
        etl, api = (
            make_engine(
                mysql_server.set(username=f"{each}_{name}", password=secret, database=name).render_as_string(False)
            )
            for each in ("etl", "api")
        )
        extract_load_text_files(etl, "starter", cache_dir=tmp_path)
        with read(api) as connection:
            assert len(get_ratings(connection).codes) == 923
        with pytest.raises(DatabaseUnavailable, match="denied"), write(api) as connection:
            connection.execute(text("DELETE FROM Skills"))
        etl.dispose()
        api.dispose()
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            for each in ("etl", "api"):
                connection.execute(text(f"DROP USER IF EXISTS {each}_{name}@'%'"))
        admin.dispose()


def test_every_command_is_on_the_command_line_page():
    for command in COMMANDS:
        assert re.search(rf"^\$ skillgap {command}\b", COMMAND_PAGE, re.M), command


def test_every_setting_is_documented_and_in_the_environment_file_with_its_default():
    environment = (TOP / "env" / "env.env").read_text()
    defaults = default_values()
    names = set(defaults)
    assert set(re.findall(r"SKILLGAP_[A-Z_]+", (DOCS / "settings.md").read_text())) == names
    given = dict(re.findall(r"^#(SKILLGAP_[A-Z_]+)=(.*)$", environment, re.M))
    assert set(given) == names
    for name, value in given.items():
        if value:
            assert value == str(defaults[name])


def test_the_schema_reference_is_that_of_the_code():
    assert (TOP / "docs" / "schema.md").read_text() == schema_reference.text()


def test_the_readme_is_short():
    assert len(re.sub(r"```.*?```", "", README, flags=re.S).split()) <= 900


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings of a document, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
    headings = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading) for heading in re.findall(r"^#+ (.+)$", text, re.M)]
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_leads_to_a_file_and_a_heading(document: Path):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text()):
        path, _, anchor = re.sub(r"\s+", "", target).partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_document_is_in_the_index():
    index = (DOCS / "README.md").read_text()
    for document in DOCS.rglob("*.md"):
        if document.parent.name != "decisions" and document != DOCS / "README.md":
            assert f"]({document.relative_to(DOCS)})" in index, document
    decisions = DOCS / "internals" / "decisions"
    architecture = (DOCS / "internals" / "architecture.md").read_text()
    for document in decisions.glob("*.md"):
        assert f"](decisions/{document.name})" in architecture, document


PACKAGES = [each.name for each in Path(skillgap.__file__).parent.iterdir() if each.is_dir()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_named_file_and_name_in_it_is_there(document: Path):
    if document.name == "CHANGELOG.md":
        return
    text = document.read_text()
    if document.name == "specification.md":
        text = re.sub(r"^(\|[^|]*\|)[^|]*", r"\1", text, flags=re.M)  # names of the list, which became others
    for path in re.findall(r"`((?:tests|env|docs|scripts|benchmarks|docker|src)/[\w./-]*?)(?: --\w+)?`", text):
        assert (TOP / path).exists(), path
    for path, name in re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./-]*)(?:: (\w+))?`", text):
        file = Path(skillgap.__file__).parent / path
        assert file.exists(), path
        assert not name or re.search(rf"^(?:async )?(?:def|class) {name}\b", file.read_text(), re.M), f"{path}: {name}"


def test_the_tree_of_the_architecture_is_that_of_the_package():
    text = (DOCS / "internals" / "architecture.md").read_text()
    [tree] = re.findall(r"Under `src/skillgap/`:\n\n```\n(.*?)```", text, re.S)
    listed, folder = set(), ""
    for line in filter(None, tree.splitlines()):
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        if not indent:
            folder = name if name.endswith("/") else ""
        listed.add(f"{folder if indent else ''}{name}")
    package = Path(skillgap.__file__).parent
    modules = {str(each.relative_to(package)) for each in package.rglob("*.py") if each.name != "__init__.py"}
    missing = {each for each in modules if each not in listed and "migrations/" not in each}
    assert not missing
    assert {each for each in listed if not (package / each).exists()} == set()


def test_no_registry_and_no_secret_is_named():
    for path in TOP.glob("requirements*.txt"):
        assert not re.search(r"https?:|--index|--find-links", path.read_text())
    assert not re.search(r"^SKILLGAP_\w+=", (TOP / "env" / "env.env").read_text(), re.M)
