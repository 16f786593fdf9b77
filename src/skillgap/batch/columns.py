"""Columns of an input: find what each one holds, by its name."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import OSA

from skillgap.analysis.lookup import title_key
from skillgap.analysis.ratings import Ratings
from skillgap.errors import BatchInputError, InvalidCode
from skillgap.onet.codes import parse_code

_TYPO_OF_ELEMENT = 0.75
"""Similarity to the name of an element from which an unused column is refused as a typo of it."""
_TYPO_OF_OCCUPATION = 0.8
"""Similarity to `occupation` from which a column is suggested as a typo of it."""
_MOSTLY = 0.5
"""Share of codes and exact titles from which a column is suggested as that of the occupations."""
_OCCUPATION_NAMES = frozenset(
    f"{start}{end}"
    for start in (
        *("job", "position", "role", "profession", "occupation", "occupational", "occ"),
        *("soc", "onet", "onetsoc"),
    )
    for end in ("", "s", "code", "codes", "id", "title", "name", "number", "no", "key")
) | {"title", "work", "jobsoc", "joboccupation", "jobrole", "jobprofile", "currentoccupation"}
"""Usual names of a column of current occupations, letters only."""


@dataclass(frozen=True)
class Columns:
    """The roles of an input's columns, by name."""

    id: str
    occupation: str | None
    """Codes or exact titles of current occupations; None if the input has own levels only."""
    target: str | None
    """Codes or exact titles of targets; None if all rows share one, or similar occupations are ranked."""
    levels: Mapping[str, int]
    """Own levels: index of the element by column name."""
    unused: Sequence[str] = ()
    suggestion: str = ""
    """The unused columns that may hold current occupations, with the option that selects them; empty if none may."""
    empty: Sequence[str] = ()
    """Columns of own levels without any value; known once the input has been read."""

    @property
    def used(self) -> list[str]:
        """The columns to read, each once."""
        return list(dict.fromkeys(name for name in (self.id, self.occupation, self.target, *self.levels) if name))

    def with_filled(self, filled: Collection[str]) -> Columns:
        """Return the columns with `empty` set to those of own levels that are not in `filled`."""
        return replace(self, empty=[name for name in self.levels if name not in filled])


def find_columns(
    names: Sequence[str],
    ratings: Ratings,
    *,
    id_column: str,
    occupation_column: str | None,
    target_column: str | None,
    sample: Mapping[str, Sequence[str]] | None = None,
    min_own_levels: int | None = None,
) -> Columns:
    """Return the role of each column of an input. Case and surrounding spaces of names are ignored.

    `occupation_column` defaults to the column `occupation`, which is optional. If it is missing, `sample`, the first
    values of each column, helps to suggest another. Raises BatchInputError, also if no row could have an occupation or
    `min_own_levels` (default: `default_min_own_levels`).
    """
    if duplicates := [name for name, count in Counter(names).items() if count > 1]:
        raise BatchInputError(f"two columns are named {duplicates[0]!r}; rename one of them")
    listed = f"found: {', '.join(name[:60] for name in names)}"
    key = match_column(id_column, names)
    if key is None:
        raise BatchInputError(f"no column {id_column!r}, which identifies rows ({listed}); name it with --id")
    occupation = match_column(occupation_column or "occupation", names)
    candidates: Sequence[str] = ()
    if occupation is None:
        others = [name for name in names if name not in (key, target_column)]
        candidates = occupation_candidates(others, ratings, sample or {})
    suggestion = _suggestion(candidates)
    hint = f"; {suggestion}" if suggestion else ""
    if occupation_column and occupation is None:
        raise BatchInputError(f"no column {occupation_column!r} of current occupations ({listed}){hint}")
    roles = {key, occupation, target_column}
    levels = _level_columns([name for name in names if name not in roles], ratings)
    if occupation is None and not levels:
        raise BatchInputError(
            f"no column 'occupation' (choose one with --occupation), and none named after an element, such as "
            f"{ratings.element_names[0]!r} or {ratings.element_ids[0]!r} ({listed}){hint}"
        )
    unused = [name for name in names if name not in roles and name not in levels]
    _refuse_near_elements(unused, ratings)
    least = default_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    if occupation is None and len(levels) < least:
        raise BatchInputError(
            f"no column 'occupation' ({listed}){hint}. Without an occupation a row needs {least} own levels "
            f"(--min-own-levels), and only {len(levels)} columns are named after an element"
        )
    return Columns(key, occupation, target_column, levels, unused, suggestion)


def match_column(name: str, names: Sequence[str]) -> str | None:
    """Return the column with exactly this name, otherwise the one that differs only in case and surrounding spaces.

    Raises BatchInputError if several do.
    """
    if name in names:
        return name
    matches = [column for column in names if column.strip().casefold() == name.strip().casefold()]
    if len(matches) > 1:
        raise BatchInputError(f"column {name!r} is ambiguous: {' or '.join(map(repr, matches))}; rename one of them")
    return matches[0] if matches else None


def default_min_own_levels(ratings: Ratings) -> int:
    """Return how many own levels a row without an occupation needs by default: half of the elements compared.

    With fewer, the figures describe too small a part of the row, and nothing in them shows it.
    """
    return (len(ratings.element_ids) + 1) // 2


def _level_columns(names: Sequence[str], ratings: Ratings) -> dict[str, int]:
    """Return the columns named after an element, with the element's index. Raises BatchInputError for duplicates."""
    indices = {name: ratings.columns.get(name.strip().casefold()) for name in names}
    levels = {name: index for name, index in indices.items() if index is not None}
    if duplicates := [index for index, count in Counter(levels.values()).items() if count > 1]:
        raise BatchInputError(f"two columns hold levels of {ratings.element_names[duplicates[0]]}")
    return levels


def _refuse_near_elements(names: Sequence[str], ratings: Ratings) -> None:
    """Raise BatchInputError for an unused column that was probably meant as an element."""
    for name in names:
        if ids := ratings.ids_of_name(name):
            raise BatchInputError(f"column {name!r} is ambiguous: {' or '.join(ids)}; use the element id as its name")
        if near := ratings.closest_name(name, cutoff=_TYPO_OF_ELEMENT):
            raise BatchInputError(f"column {name!r} is not an element of {ratings.domain}. Did you mean {near!r}?")


# -- the column of current occupations --------------------------------------------------------------------------------


def occupation_candidates(names: Sequence[str], ratings: Ratings, sample: Mapping[str, Sequence[str]]) -> list[str]:
    """Return up to three columns that may hold the current occupations, the most likely first.

    Columns whose values are mostly codes or exact titles come before columns with a usual name for them.
    """
    names = [name for name in names if name.strip().casefold() not in ratings.columns]
    shares = {name: _share_of_occupations(sample.get(name, ()), ratings) for name in names}
    by_values = sorted((name for name in names if shares[name] >= _MOSTLY), key=lambda name: -shares[name])
    by_name = [name for name in names if name not in by_values and _is_occupation_name(name)]
    return [*by_values, *by_name][:3]


def _is_occupation_name(name: str) -> bool:
    letters = "".join(character for character in name.casefold() if character.isalpha())
    for prefix in ("current", "present", "employee", "from", "my"):
        letters = letters.removeprefix(prefix)
    return letters in _OCCUPATION_NAMES or OSA.normalized_similarity(letters, "occupation") >= _TYPO_OF_OCCUPATION


def _share_of_occupations(values: Sequence[str], ratings: Ratings) -> float:
    """Return the share of non-empty values that are the code or exact title of an occupation."""
    counts = Counter(text for value in values if (text := value.strip()))
    hits = sum(count for text, count in counts.items() if occupation_code(text, ratings) in ratings.occupations)
    return hits / counts.total() if counts else 0.0


def occupation_code(text: str, ratings: Ratings) -> str:
    """Return the code for a code or exact title; any other text is returned unchanged."""
    try:
        return parse_code(text)
    except InvalidCode:
        return ratings.codes_by_title.get(title_key(text), text)


def _suggestion(candidates: Sequence[str]) -> str:
    """Return a sentence that suggests columns of current occupations; empty without candidates."""
    if not candidates:
        return ""
    names = ", ".join(repr(name) for name in candidates)
    options = " or ".join(f"--occupation {shlex.quote(name)}" for name in candidates)
    return f"{names} {'look' if len(candidates) > 1 else 'looks'} like it: {options}"
