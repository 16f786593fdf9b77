"""Who asks O*NET Web Services, and how often: light enough for the settings to import."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

REQUESTS_PER_SECOND = 4.0
"""Below the 5 that the terms of service allow."""
_BASE_URLS = {"2.0": "https://api-v2.onetcenter.org", "1.9": "https://services.onetcenter.org/ws"}


@dataclass(frozen=True)
class Access:
    """How to reach the Web Services, and as whom."""

    version: Literal["2.0", "1.9"]
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    """The credentials."""

    @classmethod
    def with_key(cls, api_key: str, *, base_url: str | None = None) -> Access:
        """Return access to API 2.0."""
        return cls("2.0", (base_url or _BASE_URLS["2.0"]).rstrip("/"), {"X-API-Key": api_key})

    @classmethod
    def with_password(cls, username: str, password: str, *, base_url: str | None = None) -> Access:
        """Return access to API 1.9."""
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        return cls("1.9", (base_url or _BASE_URLS["1.9"]).rstrip("/"), {"Authorization": f"Basic {token}"})
