"""From words to occupations."""

from __future__ import annotations

from collections.abc import Iterable

from skillgap.model import Occupation


def search_titles(words: str, occupations: Iterable[Occupation]) -> list[Occupation]:
    """Return the occupations whose title has all the words (or whose code begins with them), in their order."""
    wanted = words.casefold().split()
    return [
        each
        for each in occupations
        if all(word in each.title.casefold() or each.onet_soc_code.startswith(word) for word in wanted)
    ]
