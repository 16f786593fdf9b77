"""Draws charts in a separate process: vl-convert blocks the interpreter for a second and never frees its 150 MB.

Running this module starts that process.
"""

from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import orjson
import structlog
from cachetools import LRUCache

from skillgap.errors import ChartFailed
from skillgap.export.charts import browser_bundle, bundle_name, draw
from skillgap.files import atomic_write

_SECONDS = 30
_MOST_KEPT = 256
"""Charts kept in memory, about 30 kB each."""
_log = structlog.get_logger("skillgap.api")


def encoded(spec: dict[str, Any]) -> bytes:
    """Return a chart's specification as the drawing process reads it."""
    return orjson.dumps(spec)


class Renderer:
    """Draws charts and caches them; also caches the browser's chart library, in `folder` if that is writable.

    `svg` and `bundle` block for seconds, so callers limit how many run at once.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._drawn: LRUCache[bytes, bytes] = LRUCache(_MOST_KEPT)
        self._lock = Lock()  # reading an LRU cache reorders it
        self._bundle: bytes | None = None
        """The browser's chart library, once `bundle` has made it."""

    def drawn(self, chart: bytes) -> bytes | None:
        """Return a chart as SVG if it is cached."""
        with self._lock:
            return self._drawn.get(_key(chart))

    def svg(self, chart: bytes) -> bytes:
        """Return a chart as SVG. Raises ChartFailed."""
        cached = self.drawn(chart)  # a request earlier in the queue may have drawn the same chart
        if cached is not None:
            return cached
        drawn = _run("svg", chart)
        with self._lock:
            self._drawn[_key(chart)] = drawn
        return drawn

    def bundle(self) -> bytes:
        """Return the browser's chart library, a script. Raises ChartFailed."""
        if self._bundle is None:
            self._bundle = self._make_bundle()
        return self._bundle

    def _make_bundle(self) -> bytes:
        if self._folder and (file := _file_in(self._folder)).is_file():
            return file.read_bytes()
        made = _run("bundle", b"")
        if self._folder:
            try:
                _keep(self._folder, made)
            except OSError as error:  # a read-only file system; each process makes its own copy
                _log.info("chart library not cached", folder=str(self._folder), error=str(error))
        return made


def _key(chart: bytes) -> bytes:
    return blake2b(chart, digest_size=16).digest()


def _file_in(folder: Path) -> Path:
    return folder / bundle_name()


def _keep(folder: Path, bundle: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(_file_in(folder)) as out:
        out.write(bundle)


def _run(task: Literal["svg", "bundle"], chart: bytes) -> bytes:
    command = [sys.executable, "-m", "skillgap.export.renderer", task]
    try:
        ended = subprocess.run(command, input=chart, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ChartFailed(f"drawing the chart took longer than {_SECONDS} seconds") from None
    if ended.returncode:
        stderr = ended.stderr.decode(errors="replace")[-500:]
        _log.error("chart not drawn", returncode=ended.returncode, stderr=stderr)
        raise ChartFailed("the chart could not be drawn; see the log for details")
    return ended.stdout


def main() -> None:
    """Draw the chart given on standard input, or print the browser's chart library, or save it in a folder."""
    match sys.argv[1:]:
        case ["svg"]:
            sys.stdout.buffer.write(draw(orjson.loads(sys.stdin.buffer.read()), "svg"))
        case ["bundle"]:
            sys.stdout.buffer.write(browser_bundle())
        case ["bundle", folder]:
            _keep(Path(folder), browser_bundle())


if __name__ == "__main__":
    main()
