"""Build wheel and source distribution, and use the wheel where nothing else is: `make package [PYTHONS="python …"]`.

Each Python gets an environment without any extra, and one for each; with an empty home, and no way to a network.
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
ANSWER = "17 of 35 skills need a higher level, 8 of them beyond rater noise."
EXTRAS = {
    "parquet": ("-m", "skillgap", "batch", "people.csv", "--to", "11-9111.00", "-o", "gaps.parquet"),
    "dask": ("-c", "import distributed, skillgap.batch.dask"),
    "mcp": ("-m", "skillgap", "mcp"),
    "llm": ("-c", "import pydantic_ai, sklearn, xllamacpp, skillgap.llm.calibration, skillgap.llm.embedded"),
}
"""What works with an extra."""
LACKING = {
    "parquet": EXTRAS["parquet"],
    "mcp": EXTRAS["mcp"],
    "llm": ("-m", "skillgap", "enrich", "--model", "embedded:words"),
}
"""What says, without it, which one to install."""


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
            for extra in ("", *EXTRAS):
                print(
                    _row(Environment(folder, python, f"{wheel}[{extra}]" if extra else str(wheel)), extra), flush=True
                )
        Environment(folder, sys.executable, str(source)).run(*GAP, says=ANSWER)


def _row(place: Environment, extra: str) -> str:
    """Use an environment, and return its line of the table."""
    took = {}
    place.run(*GAP, says=ANSWER)  # fills the embedded database
    commands = {"import": ("-c", "import skillgap"), "help": ("-m", "skillgap", "--help"), "gap": GAP}
    for name, command in commands.items():
        started = time.perf_counter()
        place.run(*command)
        took[name] = 1e3 * (time.perf_counter() - started)
    if extra:
        place.run(*EXTRAS[extra])
    else:
        for lacking, command in LACKING.items():
            place.run(*command, says=f"pip install 'skillgap[{lacking}]'", code=1)
    figures = (len(place.packages()), f"{place.megabytes():.0f}", *(f"{each:.0f}" for each in took.values()))
    return f"| {place.run('-V').split()[1]} | {extra or '–'} | {' | '.join(map(str, figures))} |"


class Environment:
    """A new virtual environment with one thing installed, and what that needs."""

    def __init__(self, folder: Path, python: str, what: str) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        (self.folder / "people.csv").write_text("id,occupation\n1,29-1141.00\n")
        subprocess.run([python, "-m", "venv", self.folder / "env"], check=True)
        self.python = self.folder / "env" / "bin" / "python"
        subprocess.run(
            [self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", what], check=True
        )

    def run(self, *arguments: str, says: str = "", code: int = 0) -> str:
        """Run Python with an empty home and, as far as proxies are heeded, no network; return what it said."""
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **nowhere}
        ended = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode != code or says not in " ".join(ended.stdout.split()):
            raise SystemExit(f"{self.python} {' '.join(arguments)}: {ended.returncode}, {ended.stdout}")
        return ended.stdout

    def packages(self) -> list[Path]:
        """Return the installed distributions, without pip."""
        found = self.folder.glob("env/lib/python*/site-packages/*.dist-info")
        return [each for each in found if not each.name.startswith("pip-")]

    def megabytes(self) -> float:
        """Return what is installed, without pip."""
        files = (each for each in self.folder.glob("env/lib/python*/site-packages/**/*") if each.is_file())
        return sum(each.stat().st_size for each in files if "/pip" not in str(each.parent)) / 1e6


if __name__ == "__main__":
    main()
