"""From words to occupations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from skillgap.errors import InvalidCode, UnknownOccupation
from skillgap.model import Occupation, OnetSocCode, parse_code


def search_titles(words: str, occupations: Iterable[Occupation]) -> list[Occupation]:
    """Return the occupations whose title has all the words (or whose code begins with them), in their order."""
    wanted = words.casefold().split()
    return [
        each
        for each in occupations
        if all(word in each.title.casefold() or each.onet_soc_code.startswith(word) for word in wanted)
    ]


def find_code(text: str, titles: Mapping[str, str]) -> OnetSocCode:
    """Return the code meant by a code in any accepted form, or by an exact title (case does not matter).

    `titles` are by code. Raises UnknownOccupation, with titles like it, where it is neither.
    """
    try:
        return parse_code(text)
    except InvalidCode:
        codes = {title.casefold(): OnetSocCode(code) for code, title in titles.items()}
    code = codes.get(text.strip().casefold())
    if code is not None:
        return code
    near = [f"{titles[codes[match]]} ({codes[match]})" for match in get_close_matches(text.casefold(), codes)]
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UnknownOccupation(
        f"{text[:80]!r} is neither an O*NET-SOC code nor a title that is loaded{hint}", onet_soc_code=text[:80]
    )
