"""A real answer, shortened, for the API's document; a test holds it against the starter data."""

from typing import Any

SKILL_GAP: dict[str, Any] = {}
