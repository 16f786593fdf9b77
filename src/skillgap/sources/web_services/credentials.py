"""Credentials and rate limit of O*NET Web Services; import-light, because the settings need it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from skillgap.errors import ConfigurationError
from skillgap.urls import masked_url

REQUESTS_PER_SECOND = 4.0
"""Below the 5 that the terms of service allow."""
_BASE_URLS = {"2.0": "https://api-v2.onetcenter.org", "1.9": "https://services.onetcenter.org/ws"}


@dataclass(frozen=True)
class Credentials:
    """Address and credentials of the Web Services."""

    version: Literal["2.0", "1.9"]
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    """HTTP headers with the credentials."""

    @classmethod
    def with_key(cls, api_key: str, *, base_url: str | None = None) -> Credentials:
        """Return credentials of API 2.0. Raises ConfigurationError."""
        key = api_key.strip()  # a key read from a file ends with a line break
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigurationError("the API key of O*NET Web Services has characters that are not valid in a key")
        return cls("2.0", _checked(base_url or _BASE_URLS["2.0"]), {"X-API-Key": key})

    @classmethod
    def with_password(cls, username: str, password: str, *, base_url: str | None = None) -> Credentials:
        """Return credentials of API 1.9. Raises ConfigurationError."""
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        return cls("1.9", _checked(base_url or _BASE_URLS["1.9"]), {"Authorization": f"Basic {token}"})


def _checked(base_url: str) -> str:
    """Return the URL without a trailing slash. It is stored and shown, so it must not contain a password or token."""
    try:
        parts = urlsplit(base_url)
        has_query = bool(parts.query or parts.fragment)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not has_query
    except ValueError:  # an invalid port, an incomplete IPv6 address
        is_usable = False
    if "@" in base_url:
        raise ConfigurationError(
            "the base URL of O*NET Web Services contains a user name or a password; set them separately"
        )
    if not is_usable:
        raise ConfigurationError(
            f"{masked_url(base_url)}: not a base URL of O*NET Web Services, like {_BASE_URLS['2.0']}"
        )
    return base_url.rstrip("/")
