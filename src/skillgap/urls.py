"""Masking of passwords, tokens and keys in URLs, for display and storage."""

from __future__ import annotations

import re

MASK = "***"
_HARMLESS = frozenset({"end", "filter", "keyword", "sort", "start"})
"""Query parameters of O*NET Web Services that are safe to show. Any other may hold a token."""


def masked_url(url: str) -> str:
    """Return a URL with its user name, password, query values and fragment masked.

    Everything between the scheme and the last @ counts as user name and password, so that a password with an
    unencoded / or @ is masked completely. Masking is idempotent.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    _, at, address = rest.rpartition("@")
    place, *query = re.split(r"(?=[?#])", address, maxsplit=1)
    return f"{scheme}{mark}{MASK if at else ''}{at}{place}{''.join(map(_masked_query, query))}"


def _masked_query(query: str) -> str:
    """Mask the values of a query or fragment, including its leading ? or #."""
    return re.sub(r"([^?#&;=]+)(=[^#&;]*)?", _masked_part, query)


def _masked_part(part: re.Match[str]) -> str:
    name, value = part.groups()
    if name.lower() in _HARMLESS:
        return part[0]
    return f"{name}={MASK}" if value else MASK


def masked_urls(text: str) -> str:
    """Mask all URLs in a text."""
    return re.sub(r"[a-zA-Z][\w+.-]*://\S+", lambda url: masked_url(url[0]), text)
