"""Text that people type for an occupation."""

from __future__ import annotations

from skillgap.analysis.search import normalized

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")


def plain(text: str) -> str:
    """Return a typed text in Unicode form NFKC, with plain hyphens and no outer spaces.

    Raises InvalidSearchText (too long).
    """
    return normalized(text).translate(_DASHES).strip()
