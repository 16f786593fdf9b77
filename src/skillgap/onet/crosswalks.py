"""O*NET-SOC codes of 2010 and 2019: successors, and the taxonomy of a release.

The pairs of codes are those of the crosswalk by the National Center for O*NET Development (CC BY 4.0), written by
`scripts/crosswalk_2010_to_2019.py`. O*NET uses the taxonomy of 2019 from release 25.1 on.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

Taxonomy = Literal["2010", "2019"]


@lru_cache(maxsize=1)
def successors() -> Mapping[str, tuple[str, ...]]:
    """Return the codes of 2019 that follow each code of 2010, ascending."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with files("skillgap.onet").joinpath("soc_2010_to_2019.csv").open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            found[line["code_2010"]].append(line["code_2019"])
    return {code: tuple(sorted(others)) for code, others in found.items()}


@lru_cache(maxsize=1)
def predecessors() -> Mapping[str, tuple[str, ...]]:
    """Return the codes of 2010 that each code of 2019 follows, ascending."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code, others in successors().items():
        for other in others:
            found[other].append(code)
    return {code: tuple(sorted(others)) for code, others in found.items()}


@lru_cache(maxsize=1)
def recoded() -> Mapping[str, str]:
    """Return the code of 2019 of each occupation of 2010 that only changed its code.

    It has one successor, which follows no other occupation.
    """
    return {
        code: others[0]
        for code, others in successors().items()
        if len(others) == 1 and others[0] != code and predecessors()[others[0]] == (code,)
    }


def taxonomy_of(codes: Iterable[str]) -> Taxonomy | None:
    """Return the taxonomy to which codes belong, by those that only one of them has; None if there are none."""
    old, new = successors().keys(), predecessors().keys()
    given = set(codes)
    only_old, only_new = len(given & (old - new)), len(given & (new - old))
    if only_old == only_new:
        return None
    return "2010" if only_old > only_new else "2019"
