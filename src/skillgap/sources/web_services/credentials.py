"""Who asks O*NET Web Services, and how often: light enough for the settings to import."""

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
    """How to reach the Web Services, and as whom."""

    version: Literal["2.0", "1.9"]
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    """The credentials."""

    @classmethod
    def with_key(cls, api_key: str, *, base_url: str | None = None) -> Credentials:
        """Return access to API 2.0. Raises ConfigurationError, as `with_password` does."""
        key = api_key.strip()  # a file that it was read from ends with a line break
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigurationError("the API key of O*NET Web Services has characters that no key has")
        return cls("2.0", _checked(base_url or _BASE_URLS["2.0"]), {"X-API-Key": key})

    @classmethod
    def with_password(cls, username: str, password: str, *, base_url: str | None = None) -> Credentials:
        """Return access to API 1.9."""
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        return cls("1.9", _checked(base_url or _BASE_URLS["1.9"]), {"Authorization": f"Basic {token}"})


def _checked(base_url: str) -> str:
    """Return the URL without a slash at its end; it is stored and shown, so it must hold no password and no token."""
    try:
        parts = urlsplit(base_url)
        has_query = bool(parts.query or parts.fragment)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not has_query
    except ValueError:  # a port that is none, half an IPv6 address
        is_usable = False
    if "@" in base_url:
        raise ConfigurationError("the base URL of O*NET Web Services holds a user name or a password; set them apart")
    if not is_usable:
        raise ConfigurationError(
            f"{masked_url(base_url)}: not a base URL of O*NET Web Services, like {_BASE_URLS['2.0']}"
        )
    return base_url.rstrip("/")
