"""A plain install answers questions; a missing extra is named with the command that installs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from skillgap.errors import ConfigurationError
from skillgap.extras import Extra, needs

pytestmark = pytest.mark.programs

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
PACKAGES = {
    "serve": ("fastapi", "fastapi_offline", "granian", "prometheus_client", "starlette", "uvloop"),
    "mysql": ("cryptography", "pymysql"),
    "report": ("jinja2", "vl_convert", "xlsxwriter"),
    "batch": ("pyarrow",),
    "llm": ("pydantic_ai", "sklearn", "xllamacpp"),
    "mcp": ("mcp",),
    "dask": ("distributed",),
}
"""Modules that come with an extra only."""
NURSE, MANAGER = "29-1141.00", "11-9111.00"


def run(code: str, *arguments: str, folder: Path, database: str = "", without: tuple[str, ...]) -> tuple[int, str]:
    """Run code in a new interpreter in which the modules of some extras cannot be imported."""
    blocked = [module for extra in without for module in PACKAGES[extra]]
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.modules.update(dict.fromkeys({blocked}))\n{code}", *arguments],
        cwd=folder,
        env={**os.environ, **({"SKILLGAP_DATABASE_URL": database} if database else {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout


CLI = "from skillgap.cli.app import main; main()"


def test_each_extra_is_declared_and_all_has_them():
    extras = PROJECT["optional-dependencies"]
    assert set(get_args(Extra)) == set(PACKAGES) == set(extras) - {"all", "parquet"}
    assert extras["all"] == [f"skillgap[{','.join(PACKAGES)}]"]
    assert extras["parquet"] == ["skillgap[batch]"]
    assert len(PROJECT["dependencies"]) <= 18


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "starter"),
        ("gap", NURSE, MANAGER),
        ("gap", NURSE, MANAGER, "--json"),
        ("search", "nurse"),
        ("skills", NURSE),
        ("transitions", NURSE),
        ("path", NURSE, MANAGER),
        ("export", "ratings.csv", "--what", "ratings"),
        ("status",),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_commands_that_need_no_extra(tmp_path: Path, arguments: tuple[str, ...]):
    code, output = run(CLI, *arguments, folder=tmp_path, without=tuple(PACKAGES))
    assert (code, "pip install" in output, "Traceback" in output) == (0, False, False), output


def test_the_library_needs_no_extra(tmp_path: Path):
    code = f"""
import skillgap
onet = skillgap.connect()
report = onet.gap("Registered Nurses", {MANAGER!r})
print(report.summary.gaps, len(report.to_frame()), len(onet.search("nurse").items) > 0)
"""
    assert run(code, folder=tmp_path, without=tuple(PACKAGES)) == (0, "17 31 True\n")


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("serve", ("serve", "--port", "0")),
        ("report", ("report", NURSE, MANAGER, "-o", "report.html")),
        ("report", ("report", NURSE, MANAGER, "-o", "report.svg")),
        ("report", ("report", NURSE, MANAGER, "-o", "report.xlsx")),
        ("report", ("workforce", "people.csv", "--to", MANAGER, "-o", "view.xlsx")),
        ("report", ("workforce", "people.csv", "--to", MANAGER, "-o", "view.svg")),
        ("batch", ("batch", "people.csv", "--to", MANAGER, "-o", "gaps.csv")),
        ("batch", ("workforce", "people.csv", "--to", MANAGER)),
        ("batch", ("export", "ratings.parquet", "--what", "ratings")),
        ("dask", ("batch", "p.parquet", "--to", MANAGER, "-o", "gaps", "--engine", "dask", "--scheduler", "tcp://x:1")),
        ("llm", ("enrich", "--model", "embedded:words")),
        ("llm", ("enrich", "--model", "openai:gpt")),
        ("mcp", ("mcp",)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_command_names_the_extra_that_it_lacks(
    tmp_path: Path, starter_database: str, extra: str, arguments: tuple[str, ...]
):
    (tmp_path / "people.csv").write_text(f"id,occupation\n1,{NURSE}\n")
    if extra == "dask":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": [1], "occupation": [NURSE]}), tmp_path / "p.parquet")
    before = sorted(tmp_path.iterdir())
    code, output = run(CLI, *arguments, folder=tmp_path, database=starter_database, without=(extra,))
    assert code == 1, output
    assert output.startswith("skillgap: "), output
    assert f"-m pip install 'skillgap[{extra}]'`" in " ".join(output.split())
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb"])
def test_a_database_url_names_the_extra_that_it_lacks(tmp_path: Path, scheme: str):
    url = f"{scheme}://ann@127.0.0.1:1/onet"
    code, output = run(CLI, "status", folder=tmp_path, database=url, without=("mysql",))
    assert code == 1
    assert "-m pip install 'skillgap[mysql]'`" in " ".join(output.split()), output


def test_a_chart_in_a_notebook_names_the_extra_that_it_lacks(tmp_path: Path):
    code = f"""
import skillgap
report = skillgap.connect().gap({NURSE!r}, {MANAGER!r})
print(report)
try:
    report.chart()._repr_svg_()
except skillgap.SkillgapError as error:
    print(error)
"""
    status, output = run(code, folder=tmp_path, without=("report",))
    assert status == 0, output
    assert "-m pip install 'skillgap[report]'`" in output


def test_a_defect_of_our_own_is_no_missing_extra():
    with pytest.raises(ImportError, match="cannot import name 'nothing'"), needs("batch"):
        from skillgap.errors import nothing  # type: ignore[attr-defined]  # noqa: F401
    not_installed = pytest.raises(
        ConfigurationError, match=r"no_such_module is not installed: run `.*'skillgap\[batch\]'`"
    )
    with not_installed, needs("batch"):
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401
