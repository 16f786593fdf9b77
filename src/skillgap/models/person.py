"""Profile of a person: own skill levels, and an occupation for the others.

Pydantic validates profiles. It is slow to import, so `skillgap.models` does not import this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from skillgap.errors import InvalidCode
from skillgap.onet.codes import CODE_PATTERN, parse_code
from skillgap.onet.scales import HIGHEST_LEVEL


def _code(text: str) -> str:
    try:
        return parse_code(text)
    except InvalidCode as error:
        raise PydanticCustomError("onet_soc_code", "{reason}", {"reason": str(error)}) from None


_MOST_LEVELS = 500


def _bounded(levels: object) -> object:
    """Reject too many levels before the validator reports an error for each."""
    if isinstance(levels, dict) and len(levels) > _MOST_LEVELS:
        raise PydanticCustomError(
            "too_many_levels",
            "at most {most} levels are allowed, not {count}",
            {"most": _MOST_LEVELS, "count": len(levels)},
        )
    return levels


OwnLevel = Annotated[float, Field(strict=True, ge=0, le=HIGHEST_LEVEL, allow_inf_nan=False)]


@dataclass(frozen=True)
class OwnProfile:
    """A person's own levels of some skills, and an occupation that supplies the others."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    levels: Annotated[dict[str, OwnLevel | None], Field(max_length=_MOST_LEVELS), BeforeValidator(_bounded)]
    """Levels (scale LV, 0-7) by O*NET element id or name. Null or omitted skills are unknown."""
    occupation: (
        Annotated[str, AfterValidator(_code), WithJsonSchema({"type": "string", "pattern": CODE_PATTERN})] | None
    ) = None
    """O*NET-SOC code of the occupation that supplies the levels not given; null for none."""
