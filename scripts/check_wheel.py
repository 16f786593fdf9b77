"""Build the wheel and the source distribution, install the wheel plain and with each extra, and use it.

`make package [PYTHONS="python3.12 ..."]` runs this. Each Python gets one environment without extras and one per extra,
with an empty home and no access to a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).parents[1]
GAP = ("-m", "skillgap", "gap", "Registered Nurses", "Medical and Health Services Managers")
ANSWER = "17 of 35 skills need a higher level: 8 clear, 2 likely, 7 open."
SERVE = """
import re, subprocess, sys, time, urllib.request
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
serve = subprocess.Popen([sys.executable, "-m", "skillgap", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
try:
    address = next(filter(None, (re.search(r"serving on (\\S+)", line) for line in serve.stderr)))[1]
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address + "/ready", timeout=60)
            break
        except OSError:  # it does not listen yet, or its data are not read yet
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    for path in ("/skill-gap?from=29-1141.00&to=11-9111.00", "/chart.svg?from=29-1141.00&to=11-9111.00"):
        print(urllib.request.urlopen(address + path, timeout=60).status)
finally:
    serve.terminate()
sys.exit(serve.wait(60))
"""
PLAIN: dict[str, tuple[str, ...]] = {
    "load": ("-m", "skillgap", "load", "starter"),
    "search": ("-m", "skillgap", "search", "nurse"),
    "transitions": ("-m", "skillgap", "transitions", "29-1141.00"),
    "export": ("-m", "skillgap", "export", "ratings.csv", "--what", "ratings"),
    "doctor": ("-m", "skillgap", "doctor"),
}
"""What works without extras, besides a gap."""
EXTRAS: dict[str, tuple[str, ...]] = {
    "serve": ("-c", SERVE),
    "mysql": ("-c", "import cryptography, skillgap; skillgap.make_engine('mysql://ann@127.0.0.1/onet')"),
    "report": ("-m", "skillgap", "report", "29-1141.00", "11-9111.00", "-o", "report.html", "--force"),
    "batch": ("-m", "skillgap", "batch", "people.csv", "--to", "11-9111.00", "-o", "gaps.parquet", "--force"),
    "llm": ("-c", "import pydantic_ai, sklearn, xllamacpp, skillgap.llm.calibration, skillgap.llm.embedded"),
    "mcp": ("-m", "skillgap", "mcp"),
    "dask": ("-c", "import distributed, skillgap.batch.dask"),
}
"""What works with an extra."""
MISSING: dict[str, tuple[str, ...]] = {
    **{extra: EXTRAS[extra] for extra in ("report", "batch", "mcp")},
    "serve": ("-m", "skillgap", "serve", "--port", "0"),
    "llm": ("-m", "skillgap", "enrich", "--model", "embedded:words"),
}
"""What names the extra to install if it is missing. A MySQL URL and Dask are tested in tests/test_extras.py."""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--outdir", str(folder), str(TOP)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        [wheel], [source] = folder.glob("*.whl"), folder.glob("*.tar.gz")
        for file in (wheel, source):
            print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")
        print(
            "| Python | extra | packages | installed, MB | `import skillgap`, ms | `skillgap --help`, ms | a gap, ms |"
        )
        print("|---|---|---:|---:|---:|---:|---:|", flush=True)
        for python in sys.argv[1:] or [sys.executable]:
            for extra in ("", *EXTRAS, "all"):
                requirement = f"{wheel}[{extra}]" if extra else str(wheel)
                print(table_row(Environment(folder, python, requirement), extra), flush=True)
        Environment(folder, sys.executable, str(source)).run(*GAP, expected=ANSWER)


def table_row(environment: Environment, extra: str) -> str:
    """Use an environment, and return its row of the table."""
    environment.run(*GAP, expected=ANSWER)  # also fills the embedded database
    milliseconds = []
    timed: list[tuple[str, ...]] = [("-c", "import skillgap"), ("-m", "skillgap", "--help"), GAP]
    for command in timed:
        started = time.perf_counter()
        environment.run(*command)
        milliseconds.append(1e3 * (time.perf_counter() - started))
    if not extra:
        for command in PLAIN.values():
            environment.run(*command)
        for missing, command in MISSING.items():
            environment.run(*command, expected=f"pip install 'skillgap[{missing}]'", code=1)
    for name in EXTRAS if extra == "all" else [extra] if extra else []:
        environment.run(*EXTRAS[name])
    figures = [len(environment.packages()), environment.megabytes(), *milliseconds]
    return f"| {environment.run('-V').split()[1]} | {extra or '–'} | {' | '.join(f'{x:.0f}' for x in figures)} |"


class Environment:
    """A new virtual environment with one requirement installed."""

    def __init__(self, folder: Path, python: str, requirement: str) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        (self.folder / "people.csv").write_text("id,occupation\n1,29-1141.00\n")
        subprocess.run([python, "-m", "venv", self.folder / "env"], check=True)
        self.python = self.folder / "env" / "bin" / "python"
        install = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        subprocess.run([self.python, *install, requirement], check=True)

    def run(self, *arguments: str, expected: str = "", code: int = 0) -> str:
        """Run Python and return its output. Home is empty, and clients that use a proxy reach no network."""
        no_network = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        ended = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **no_network},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode != code or expected not in " ".join(ended.stdout.split()):
            raise SystemExit(f"{self.python} {' '.join(arguments)}: exit code {ended.returncode}, {ended.stdout}")
        return ended.stdout

    def packages(self) -> list[Path]:
        """Return the installed distributions, without pip."""
        distributions = self.folder.glob("env/lib/python*/site-packages/*.dist-info")
        return [path for path in distributions if not path.name.startswith("pip-")]

    def megabytes(self) -> float:
        """Return the size of the installed files, without pip."""
        files = (path for path in self.folder.glob("env/lib/python*/site-packages/**/*") if path.is_file())
        return sum(path.stat().st_size for path in files if "/pip" not in str(path.parent)) / 1e6


if __name__ == "__main__":
    main()
