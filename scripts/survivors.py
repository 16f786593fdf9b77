"""What no test noticed of `make mutants`: tried again in processes of their own, with whole releases, and listed.

mutmut forks processes that have imported everything, so it cannot see what is called while modules are imported; and it
runs without whole releases, for which every one of its thousands of processes would pay. What cannot be noticed, since
it says the same in other words, is told by ALIKE.
"""

from __future__ import annotations

import ast
import difflib
import os
import re
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
WORKERS = os.cpu_count() or 1
ALIKE = {
    "what is zipped is of one length": [(r"strict=True", ""), (r"strict=True", "strict=False")],
    "NumPy takes the same type by itself, or a wider one": [
        (r"dtype=[\w.]+", ""),
        (r"dtype=[\w.]+", "dtype=None"),
        (r"astype\([\w.]+\)", "astype(None)"),
    ],
    "NaN comes last, as what is least does": [(r"= -np\.inf", "= None")],
    "the last axis is meant by default": [(r"axis=-?1", "")],
    "no difference of nothing is distinguishable": [(r"(gap|order, axis=1\)) > 0", r"\1 >= 0")],
    "what is empty has no other values": [
        (r"np\.empty\(\(0, 0\)", f"np.empty({each}") for each in ("(1, 0)", "(0, 1)")
    ],
    "all at once is what pieces give": [(r"(\d|\)), at_once\)", r"\1, )")],
}
"""Why a wrong version is none, and what of the right one, by what, makes it."""
TESTS_OF = {
    "pairs": ("tests/analysis/test_gap.py", "tests/analysis/test_domains.py", "tests/export/test_frames.py"),
    "gap": ("tests/analysis/test_gap.py", "tests/analysis/test_domains.py", "tests/analysis/test_predicted.py"),
    "once": ("tests/analysis/test_ratings.py",),
    "text_files": ("tests/sources/test_text_files.py",),
    "bootstrap.transitions": ("tests/analysis/test_bootstrap.py",),
    "ratings": ("tests/analysis/test_ratings.py", "tests/analysis/test_domains.py", "tests/analysis/test_predicted.py"),
    "rows": ("tests/sources/test_text_files.py",),
    "transitions": ("tests/analysis/test_similarity.py",),
}
"""Where a module is tested, if not in the one file of tests/analysis that is named for it."""
_LONGEST = 900
"""Seconds; a module's tests take a tenth of it."""


def main() -> None:
    listed = subprocess.run(
        [str(Path(sys.prefix, "bin", "mutmut")), "results", "--all", "true"], check=True, capture_output=True, text=True
    ).stdout
    status = dict(line.strip().split(": ") for line in listed.splitlines() if ": " in line)
    for module in sorted({name.split(".")[2] for name in status}):
        if try_again(f"skillgap.analysis.{module}") != "survived":
            raise SystemExit(f"the tests of {module} fail where nothing is wrong, so they tell nothing")
    with ThreadPoolExecutor(WORKERS) as pool:
        not_noticed = [name for name, said in status.items() if said in ("survived", "no tests")]
        status |= {name: reason for name in not_noticed if (reason := alike(changed_lines(name)))}
        to_try = [name for name in not_noticed if status[name] not in ALIKE]
        for name, said in zip(to_try, pool.map(try_again, to_try), strict=True):
            status[name] = said
            if said == "survived":
                print(name, *changed_lines(name), sep="\n    ", flush=True)
    counts = Counter(status.values())
    killed = counts.total() - sum(counts[each] for each in ("survived", *ALIKE))
    print(f"{counts.total()} wrong versions, {killed} noticed ({killed / counts.total():.1%}): {dict(counts)}")


def try_again(name: str) -> str:
    """Run the module's tests on one wrong version."""
    module = name.split(".")[2]
    tests = TESTS_OF.get(module, (f"tests/analysis/test_{module}.py",))
    environment = {
        **os.environ,
        "MUTANT_UNDER_TEST": name,
        "PYTHONPATH": str(COPY / "src"),
        "SKILLGAP_TEST_ONET_DIR": str(ROOT.parent / "shared" / "onet"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", *SETTINGS["pytest_add_cli_args"], *tests]
    try:
        ended = subprocess.run(
            command, cwd=COPY, env=environment, stdout=subprocess.DEVNULL, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return "endless"
    return "noticed when tried again" if ended.returncode else "survived"


def changed_lines(name: str) -> list[str]:
    """Return what is wrong in a wrong version, as lines of a diff."""
    base, _, number = name.rpartition("__mutmut_")
    module, _, function = base.rpartition(".")
    versions = functions(module)
    old, new = (versions[f"{function}__mutmut_{each}"] for each in ("orig", number))
    changes = list(difflib.unified_diff(old, new, lineterm="", n=0))
    return [line for line in changes if not line.startswith(("---", "+++", "@@"))]


def alike(changed: list[str]) -> str | None:
    """Return why the lines of a diff change nothing, None where they may."""
    old, new = (_plain("".join(line[1:] for line in changed if line.startswith(sign))) for sign in "-+")
    for reason, ways in ALIKE.items():
        for pattern, put in ways:
            for found in re.finditer(pattern, old):
                if _plain(old[: found.start()] + found.expand(put) + old[found.end() :]) == new:
                    return reason
    return None


def _plain(code: str) -> str:
    """Return code with single blanks and without commas that part nothing."""
    return re.sub(r"[\s,]*([)\],])", r"\1", re.sub(r"\s+", " ", code)).strip()


@cache
def functions(module: str) -> dict[str, list[str]]:
    """Return the body of every version of every function of a module, by name."""
    text = (COPY / "src" / f"{module.replace('.', '/')}.py").read_text()
    lines = text.splitlines()
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: lines[node.lineno : node.end_lineno] for node in found if "__mutmut_" in node.name}


if __name__ == "__main__":
    main()
