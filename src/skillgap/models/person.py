"""A person's profile: own levels of skills, with an occupation for the rest.

Pydantic checks profiles, and takes long to import; therefore `skillgap.models` does not import this module.
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
    """Refuse too many levels at once: else the validator would name what is wrong with each."""
    if isinstance(levels, dict) and len(levels) > _MOST_LEVELS:
        raise PydanticCustomError(
            "too_many_levels", "at most {most} levels, and not {count}", {"most": _MOST_LEVELS, "count": len(levels)}
        )
    return levels


OwnLevel = Annotated[float, Field(strict=True, ge=0, le=HIGHEST_LEVEL, allow_inf_nan=False)]


@dataclass(frozen=True)
class OwnProfile:
    """What a person can do: own levels of some skills, and an occupation that the rest may be taken from."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    levels: Annotated[dict[str, OwnLevel | None], Field(max_length=_MOST_LEVELS), BeforeValidator(_bounded)]
    """Levels (0-7, scale LV) by O*NET element id or name; null is unknown, as is what is left out."""
    occupation: (
        Annotated[str, AfterValidator(_code), WithJsonSchema({"type": "string", "pattern": CODE_PATTERN})] | None
    ) = None
    """O*NET-SOC code of the occupation whose levels stand in for those that are not given; null for none."""
