"""What pages are made with besides HTML: stylesheet, script, icon, chart, each at an address that its content names.

An address never means anything else, so browsers keep what is there for ever.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files

import orjson

from skillgap.export.charts import specification

ADDRESS = "/assets/"
_MEDIA_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
}
_STATIC = ("style.css", "page.js", "icon.svg")
_CHART = "levels.json"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    media_type: str
    body: bytes
    gzipped: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> Asset:
        """Take a file's name and bytes."""
        return cls(_MEDIA_TYPES[name.rpartition(".")[2]], body, gzip.compress(body, mtime=0))


def static_text(name: str) -> str:
    """Return a file of the package's own."""
    return files("skillgap.web").joinpath("static", name).read_text("utf-8")


@lru_cache
def static_assets() -> dict[str, Asset]:
    """Return everything but the browser's chart library, by address."""
    bodies = {name: static_text(name).encode() for name in _STATIC}
    bodies[_CHART] = orjson.dumps(specification("page"))
    return {_address(name, body): Asset.of(name, body) for name, body in bodies.items()}


@lru_cache
def address_of(name: str) -> str:
    """Return the address of a file by its name."""
    stem, _, ending = name.rpartition(".")
    return next(each for each in static_assets() if each.startswith(f"{ADDRESS}{stem}-") and each.endswith(ending))


@lru_cache
def bundle_address() -> str:
    """Return the address of the browser's chart library, which its release names: making it takes two seconds."""
    return f"{ADDRESS}charts-{version('vl-convert-python')}.js"


def _address(name: str, body: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{ADDRESS}{stem}-{blake2b(body, digest_size=8).hexdigest()}.{ending}"
