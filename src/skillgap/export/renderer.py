"""Charts drawn in a process of their own: vl-convert holds the interpreter for a second and 150 MB for good.

Run as a module, it is that process.
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
from skillgap.export.charts import browser_bundle, draw
from skillgap.files import atomic_write
from skillgap.web.assets import Asset, bundle_address

_SECONDS = 30
_MOST_KEPT = 256
"""Pictures of some 30 kB."""
_log = structlog.get_logger("skillgap.api")


def encoded(spec: dict[str, Any]) -> bytes:
    """Return a chart's specification as the drawing process takes it."""
    return orjson.dumps(spec)


class Renderer:
    """Draws charts and keeps them; the browser's library in a folder, too, if it may.

    `svg` and `bundle` block for seconds: callers limit how many run at once.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._drawn: LRUCache[bytes, bytes] = LRUCache(_MOST_KEPT)
        self._looking = Lock()  # to look moves an entry to the end of those to be dropped
        self.made_bundle: Asset | None = None
        """The browser's chart library, once it has been made."""

    def drawn(self, chart: bytes) -> bytes | None:
        """Return a chart as SVG if it has been drawn before."""
        with self._looking:
            return self._drawn.get(_key(chart))

    def svg(self, chart: bytes) -> bytes:
        """Return a chart as SVG. Raises ChartFailed."""
        known = self.drawn(chart)  # whoever was before in the queue may have asked for the same
        if known is not None:
            return known
        drawn = _run("svg", chart)
        with self._looking:
            self._drawn[_key(chart)] = drawn
        return drawn

    def bundle(self) -> Asset:
        """Return the browser's chart library. Raises ChartFailed."""
        if self.made_bundle is None:
            self.made_bundle = Asset.of("charts.js", self._make_bundle())
        return self.made_bundle

    def _make_bundle(self) -> bytes:
        if self._folder and (file := _file_in(self._folder)).is_file():
            return file.read_bytes()
        made = _run("bundle", b"")
        if self._folder:
            try:
                _keep(self._folder, made)
            except OSError as error:  # a read-only file system: each process makes its own
                _log.info("chart library not kept", folder=str(self._folder), error=str(error))
        return made


def _key(chart: bytes) -> bytes:
    return blake2b(chart, digest_size=16).digest()


def _file_in(folder: Path) -> Path:
    return folder / Path(bundle_address()).name


def _keep(folder: Path, bundle: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(_file_in(folder)) as out:
        out.write(bundle)


def _run(what: Literal["svg", "bundle"], given: bytes) -> bytes:
    command = [sys.executable, "-m", "skillgap.export.renderer", what]
    try:
        ended = subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ChartFailed(f"a chart was not drawn within {_SECONDS} seconds") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace")[-500:]
        _log.error("chart not drawn", returncode=ended.returncode, said=said)
        raise ChartFailed("a chart could not be drawn; the log has more")
    return ended.stdout


def main() -> None:
    """Draw the chart on standard input; or, given a folder, put the browser's library there for whoever serves."""
    match sys.argv[1:]:
        case ["svg"]:
            sys.stdout.buffer.write(draw(orjson.loads(sys.stdin.buffer.read()), "svg"))
        case ["bundle"]:
            sys.stdout.buffer.write(browser_bundle())
        case ["bundle", folder]:
            _keep(Path(folder), browser_bundle())


if __name__ == "__main__":
    main()
