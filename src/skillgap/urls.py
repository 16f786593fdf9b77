"""URLs as they are shown and stored: without passwords, tokens and keys."""

from __future__ import annotations

import re

MASK = "***"
_HARMLESS = frozenset({"end", "filter", "keyword", "sort", "start"})
"""Query parameters of O*NET Web Services that messages keep. Any other may be a token."""


def masked_url(url: str) -> str:
    """Return a URL with its user name, password, query values and fragment masked.

    Everything between the scheme and the last @ counts as user name and password: one with a / or an @ that was not
    percent-encoded is masked whole. Masking twice changes nothing.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    _, at, address = rest.rpartition("@")
    place, *query = re.split(r"(?=[?#])", address, maxsplit=1)
    return f"{scheme}{mark}{MASK if at else ''}{at}{place}{''.join(map(_masked_query, query))}"


def _masked_query(query: str) -> str:
    """Mask the parts of a query or fragment, its first character included."""
    return re.sub(r"([^?#&;=]+)(=[^#&;]*)?", _masked_part, query)


def _masked_part(part: re.Match[str]) -> str:
    name, value = part.groups()
    if name.lower() in _HARMLESS:
        return part[0]
    return f"{name}={MASK}" if value else MASK


def masked_urls(text: str) -> str:
    """Return a text with the URLs in it masked."""
    return re.sub(r"[a-zA-Z][\w+.-]*://\S+", lambda url: masked_url(url[0]), text)
