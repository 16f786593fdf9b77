"""What no test noticed of `make mutants`: tried again in processes of their own, with whole releases, and listed.

mutmut forks processes that have imported everything, so it cannot see what is called while modules are imported; and it
runs without whole releases, for which every one of its thousands of processes would pay.
"""

from __future__ import annotations

import ast
import difflib
import os
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPY = ROOT / "mutants"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
TESTS: list[str] = SETTINGS["pytest_add_cli_args_test_selection"]
WORKERS = os.cpu_count() or 1
_LONGEST = 900
"""Seconds; all these tests take a tenth of it."""


def main() -> None:
    listed = subprocess.run(
        [str(Path(sys.prefix, "bin", "mutmut")), "results", "--all", "true"], check=True, capture_output=True, text=True
    ).stdout
    status = dict(line.strip().split(": ") for line in listed.splitlines() if ": " in line)
    if try_again("skillgap.as.it_is") != "survived":
        raise SystemExit("the tests fail where nothing is wrong, so they tell nothing")
    with ThreadPoolExecutor(WORKERS) as pool:
        to_try = [name for name, said in status.items() if said in ("survived", "no tests")]
        status |= dict(zip(to_try, pool.map(try_again, to_try), strict=True))
    for name in to_try:
        if status[name] == "survived":
            print(name, *changed_lines(name), sep="\n    ")
    counts = Counter(status.values())
    killed = counts.total() - counts["survived"]
    print(f"{counts.total()} wrong versions, {killed} noticed ({killed / counts.total():.1%}): {dict(counts)}")


def try_again(name: str) -> str:
    """Run the tests on one wrong version."""
    module = name.split(".")[2]
    first = [test for test in TESTS if module in test] or [f"tests/analysis/test_{module}.py"]
    environment = {
        **os.environ,
        "MUTANT_UNDER_TEST": name,
        "PYTHONPATH": str(COPY / "src"),
        "SKILLGAP_TEST_ONET_DIR": str(ROOT.parent / "shared" / "onet"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", *SETTINGS["pytest_add_cli_args"]]
    for tests in filter(None, ([each for each in first if (COPY / each).exists()], TESTS)):
        try:
            ended = subprocess.run(
                [*command, *tests], cwd=COPY, env=environment, stdout=subprocess.DEVNULL, timeout=_LONGEST, check=False
            )
        except subprocess.TimeoutExpired:
            return "endless"
        if ended.returncode:
            return "noticed when tried again"
    return "survived"


def changed_lines(name: str) -> list[str]:
    """Return what is wrong in a wrong version, as lines of a diff."""
    base, _, number = name.rpartition("__mutmut_")
    module, _, function = base.rpartition(".")
    versions = functions(module)
    old, new = (versions[f"{function}__mutmut_{each}"] for each in ("orig", number))
    changes = list(difflib.unified_diff(old, new, lineterm="", n=0))
    return [line for line in changes if not line.startswith(("---", "+++", "@@"))]


@cache
def functions(module: str) -> dict[str, list[str]]:
    """Return the body of every version of every function of a module, by name."""
    text = (COPY / "src" / f"{module.replace('.', '/')}.py").read_text()
    lines = text.splitlines()
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: lines[node.lineno : node.end_lineno] for node in found if "__mutmut_" in node.name}


if __name__ == "__main__":
    main()
