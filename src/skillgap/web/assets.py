"""Files that pages load: stylesheet, script, icon and charts.

The address of each names its content and never means anything else, so browsers may keep the file forever.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files

import orjson

from skillgap.export.charts import bundle_name, specification
from skillgap.export.html import stylesheet

ADDRESS = "/assets/"
_MEDIA_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
}
_STATIC = ("page.js", "icon.svg")


@dataclass(frozen=True)
class Asset:
    """A file, ready to send."""

    media_type: str
    body: bytes
    gzipped: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> Asset:
        """Make an asset from a file's name and content."""
        return cls(_MEDIA_TYPES[name.rpartition(".")[2]], body, gzip.compress(body, mtime=0))


@lru_cache
def static_assets() -> dict[str, Asset]:
    """Return all assets except the browser's chart library, by address."""
    folder = files("skillgap.web").joinpath("static")
    bodies = {name: folder.joinpath(name).read_bytes() for name in _STATIC}
    bodies["style.css"] = stylesheet().encode()
    bodies["levels.json"] = orjson.dumps(specification("page"))
    return {_address(name, body): Asset.of(name, body) for name, body in bodies.items()}


@lru_cache
def address_of(name: str) -> str:
    """Return the address of a file."""
    stem, _, suffix = name.rpartition(".")
    return next(
        address for address in static_assets() if address.startswith(f"{ADDRESS}{stem}-") and address.endswith(suffix)
    )


@lru_cache
def bundle_address() -> str:
    """Return the address of the browser's chart library. It names the library's release: making it takes 2 seconds."""
    return ADDRESS + bundle_name()


def bundle_asset(script: bytes) -> Asset:
    """Return the browser's chart library as an asset."""
    return Asset.of("charts.js", script)


def _address(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{ADDRESS}{stem}-{blake2b(body, digest_size=8).hexdigest()}.{suffix}"
