"""Charts drawn in a process of their own: vl-convert holds the interpreter for a second and 150 MB for good.

Run as a module, it is that process.
"""

from __future__ import annotations

import asyncio
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import orjson
import structlog
from cachetools import LRUCache

from skillgap.errors import ChartFailed
from skillgap.files import whole_file
from skillgap.web.assets import Asset, bundle_address
from skillgap.web.charts import browser_bundle, draw

_SECONDS = 30
_MOST_KEPT = 256
"""Pictures of some 30 kB."""
_log = structlog.get_logger("skillgap.api")


class Renderer:
    """Draws one chart at a time, and keeps what was drawn; the browser's library in a folder, too, if it may."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._drawn: LRUCache[bytes, bytes] = LRUCache(_MOST_KEPT)
        self._one_at_a_time = asyncio.Lock()
        self._bundle: Asset | None = None

    async def svg(self, spec: dict[str, Any]) -> bytes:
        """Return a chart as SVG. Raises ChartFailed."""
        given = orjson.dumps(spec)
        key = blake2b(given, digest_size=16).digest()
        async with self._one_at_a_time:
            if key not in self._drawn:
                self._drawn[key] = await _run("svg", given)
            return self._drawn[key]

    async def bundle(self) -> Asset:
        """Return the browser's chart library. Raises ChartFailed."""
        async with self._one_at_a_time:
            if self._bundle is None:
                self._bundle = Asset.of("charts.js", await self._make_bundle())
            return self._bundle

    async def _make_bundle(self) -> bytes:
        if self._folder and (file := _file_in(self._folder)).is_file():
            return file.read_bytes()
        made = await _run("bundle", b"")
        if self._folder:
            try:
                _keep(self._folder, made)
            except OSError as error:  # a read-only file system: each process makes its own
                _log.info("chart library not kept", folder=str(self._folder), error=str(error))
        return made


def _file_in(folder: Path) -> Path:
    return folder / Path(bundle_address()).name


def _keep(folder: Path, bundle: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(_file_in(folder)) as out:
        out.write(bundle)


async def _run(what: Literal["svg", "bundle"], given: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "skillgap.web.renderer",
        what,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, said = await process.communicate(given)
    except BaseException as error:
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise ChartFailed(f"a chart was not drawn within {_SECONDS} seconds") from None
        raise
    if process.returncode:
        _log.error("chart not drawn", returncode=process.returncode, said=said.decode(errors="replace")[-500:])
        raise ChartFailed("a chart could not be drawn; the log has more")
    return out


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
