"""Try surviving mutants of `make mutants` again, in separate processes and with whole releases; list the rest.

mutmut forks processes that have imported everything, so it misses code that runs during import. It also runs without
whole releases, because thousands of its processes would each load one. Mutants that cannot be noticed, because they
compute the same, are recognized by EQUIVALENT.
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
EQUIVALENT = {
    "the zipped sequences have equal lengths": [(r"strict=True", ""), (r"strict=True", "strict=False")],
    "NumPy chooses the same type, or a wider one": [
        (r"dtype=[\w.]+", ""),
        (r"dtype=[\w.]+", "dtype=None"),
        (r"astype\([\w.]+\)", "astype(None)"),
    ],
    "NaN sorts last, as the least value does": [(r"= -np\.inf", "= None")],
    "the last axis is the default": [(r"axis=-?1", "")],
    "a difference of 0 is never distinguishable": [(r"(gap|order, axis=1\)) > 0", r"\1 >= 0")],
    "an empty array has no other values": [
        (r"np\.empty\(\(0, 0\)", f"np.empty({shape}") for shape in ("(1, 0)", "(0, 1)")
    ],
    "pieces give the same result as the whole": [(r"(\d|\)), at_once\)", r"\1, )")],
}
"""Why a mutant computes the same: the reason, with patterns of the original code and their replacements."""
RATINGS = ("tests/analysis/test_ratings.py", "tests/analysis/test_domains.py", "tests/analysis/test_predicted.py")
TESTS_OF = {
    "analysis.anchors": (*RATINGS, "tests/analysis/test_gap.py"),
    "analysis.bootstrap.gap": ("tests/analysis/test_bootstrap.py",),
    "analysis.bootstrap.transitions": ("tests/analysis/test_bootstrap.py",),
    "analysis.gap": (
        "tests/analysis/test_gap.py",
        "tests/analysis/test_domains.py",
        "tests/analysis/test_predicted.py",
    ),
    "analysis.lookup": RATINGS,
    "analysis.means": RATINGS,
    "analysis.memo": ("tests/analysis/test_memo.py", "tests/analysis/test_ratings.py"),
    "analysis.pairs": ("tests/analysis/test_gap.py", "tests/analysis/test_domains.py", "tests/export/test_frames.py"),
    "analysis.pivot": (*RATINGS, "tests/analysis/test_release_diff.py"),
    "analysis.printed": (*RATINGS, "tests/analysis/test_gap.py"),
    "analysis.ratings": RATINGS,
    "analysis.similarity.model": ("tests/analysis/test_similarity.py",),
    "analysis.similarity.profiles": ("tests/analysis/test_profiles.py", "tests/analysis/test_similarity.py"),
    "analysis.similarity.tfidf": ("tests/analysis/test_tfidf.py",),
    "analysis.transitions": ("tests/analysis/test_similarity.py",),
    "analysis.weights": RATINGS,
    "llm.generative.reply_json": ("tests/llm/test_generative.py",),
    "sources.rows": ("tests/sources/test_text_files.py",),
}
"""The tests of a module, if not those in the file with its name."""
_LONGEST = 900
"""Timeout in seconds; the tests of a module take a tenth of it."""


def main() -> None:
    listed = subprocess.run(
        [str(Path(sys.prefix, "bin", "mutmut")), "results", "--all", "true"], check=True, capture_output=True, text=True
    ).stdout
    status = dict(line.strip().split(": ") for line in listed.splitlines() if ": " in line)
    for module in sorted({module_of(name) for name in status}):
        if run_tests(f"skillgap.{module}.original") != "survived":
            raise SystemExit(f"the tests of {module} fail without any mutant, so they prove nothing")
    with ThreadPoolExecutor(WORKERS) as pool:
        survivors = [name for name, outcome in status.items() if outcome in ("survived", "no tests")]
        status |= {name: reason for name in survivors if (reason := equivalence(changed_lines(name)))}
        to_try = [name for name in survivors if status[name] not in EQUIVALENT]
        for name, outcome in zip(to_try, pool.map(run_tests, to_try), strict=True):
            status[name] = outcome
            if outcome == "survived":
                print(name, *changed_lines(name), sep="\n    ", flush=True)
    counts = Counter(status.values())
    killed = counts.total() - sum(counts[outcome] for outcome in ("survived", *EQUIVALENT))
    print(f"{counts.total()} mutants, {killed} noticed ({killed / counts.total():.1%}): {dict(counts)}")


def module_of(name: str) -> str:
    """Return the module of a mutant, without the package: `analysis.gap` for `skillgap.analysis.gap.x_f__mutmut_1`."""
    return name.rpartition(".")[0].removeprefix("skillgap.")


def tests_of(module: str) -> tuple[str, ...]:
    """Return the test files of a module."""
    folder, _, name = module.replace(".", "/").rpartition("/")
    return TESTS_OF.get(module, (str(Path("tests", folder, f"test_{name}.py")),))


def run_tests(name: str) -> str:
    """Return the outcome of a module's tests with one mutant."""
    environment = {
        **os.environ,
        "MUTANT_UNDER_TEST": name,
        "PYTHONPATH": str(COPY / "src"),
        "SKILLGAP_TEST_ONET_DIR": str(ROOT.parent / "shared" / "onet"),
    }
    arguments = SETTINGS["pytest_add_cli_args"]
    command = [sys.executable, "-m", "pytest", "-x", "-q", *arguments, *tests_of(module_of(name))]
    try:
        ended = subprocess.run(
            command, cwd=COPY, env=environment, stdout=subprocess.DEVNULL, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return "endless"
    return "noticed when tried again" if ended.returncode else "survived"


def changed_lines(name: str) -> list[str]:
    """Return a mutant's change as lines of a diff."""
    base, _, number = name.rpartition("__mutmut_")
    module, _, function = base.rpartition(".")
    versions = functions(module)
    old, new = (versions[f"{function}__mutmut_{version}"] for version in ("orig", number))
    changes = list(difflib.unified_diff(old, new, lineterm="", n=0))
    return [line for line in changes if not line.startswith(("---", "+++", "@@"))]


def equivalence(changed: list[str]) -> str | None:
    """Return why the lines of a diff change nothing; None if they may."""
    old, new = (_plain("".join(line[1:] for line in changed if line.startswith(sign))) for sign in "-+")
    for reason, replacements in EQUIVALENT.items():
        for pattern, replacement in replacements:
            for match in re.finditer(pattern, old):
                if _plain(old[: match.start()] + match.expand(replacement) + old[match.end() :]) == new:
                    return reason
    return None


def _plain(code: str) -> str:
    """Return code with single spaces and without trailing commas."""
    return re.sub(r"[\s,]*([)\],])", r"\1", re.sub(r"\s+", " ", code)).strip()


@cache
def functions(module: str) -> dict[str, list[str]]:
    """Return the body of each version of each function of a module, by name."""
    text = (COPY / "src" / f"{module.replace('.', '/')}.py").read_text()
    lines = text.splitlines()
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: lines[node.lineno : node.end_lineno] for node in nodes if "__mutmut_" in node.name}


if __name__ == "__main__":
    main()
