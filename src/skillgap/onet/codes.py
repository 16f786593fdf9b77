"""O*NET-SOC codes: their forms and how to parse them."""

from __future__ import annotations

import re
from typing import NewType

from skillgap.errors import InvalidCode

OnetSocCode = NewType("OnetSocCode", str)


CODE_PATTERN = r"^[0-9]{2}-?[0-9]{4}(\.?[0-9]{2})?$"


_CODE = re.compile(r"([0-9]{2})-?([0-9]{4})(?:\.?([0-9]{2}))?")


def parse_code(text: str) -> OnetSocCode:
    """Return the code in dashed form: `15-1252.00` for `15-1252.00`, `15-1252` or `15125200`. Raises InvalidCode."""
    match = _CODE.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 40 else f"{text[:40]}… ({len(text)} characters)"
        raise InvalidCode(
            f"{shown!r} is not an O*NET-SOC code; write it like 15-1252.00, 15-1252 or 15125200",
            onet_soc_code=shown,
        )
    group, occupation, detail = match.groups()
    return OnetSocCode(f"{group}-{occupation}.{detail or '00'}")
