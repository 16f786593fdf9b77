"""Find JSON in the replies of language models, which surround it with prose, fences and thoughts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?</\1>"  # whole
    r"|\A.*</(?:think|thinking|thought|reasoning)>"  # opened in the prompt, as by some chat templates
    r"|<(?:think|thinking|thought|reasoning)>.*",  # cut off
    re.IGNORECASE | re.DOTALL,
)
"""Thoughts, which may contain drafts of the answer."""
_BEGINS_OBJECT = re.compile(r'\{\s*["}]|\[\s*[{\[\]]')
"""The beginning of an object or a list of objects; any other brace or bracket is prose."""


def find_by_id(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the value that a reply gives for each id.

    `names` maps ids to names. The values may be in one JSON object, in several, in a list, or in wrappers such as
    `{"levels": {...}}`. Other keys are ignored, invalid JSON is never repaired. Raises ValueError with the reason: no
    valid JSON, or two different values for one id or key.
    """
    values, wrong = _json_values(_THOUGHT.sub("", text))
    found: dict[str, Any] = {}
    for element_id, value in _by_id(values, _Ids(names)):
        if element_id in found and found[element_id] != value:
            raise ValueError(f"two different answers for {element_id}; give one JSON object")
        found[element_id] = value
    if not found:
        raise ValueError(wrong or "no JSON object with the ids of the skills")
    return found


def _json_values(text: str) -> tuple[list[Any], str]:
    """Return the outermost JSON objects and lists of a text, and the error of the first invalid one."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
    values, wrong, place, fence = [], "", 0, -1
    while begins := _BEGINS_OBJECT.search(text, place):
        start = begins.start()
        if fence < start:
            fence = _next_fence(text, start)
        place = _end_of(text, start, fence)
        try:
            # Cut out, because an error of the decoder counts the lines of all the text before it.
            value, _ = decoder.raw_decode(text[start:place])
        except json.JSONDecodeError as error:  # its parts are not answers by themselves
            wrong = wrong or f"no valid JSON: {error.msg} at character {start + error.pos + 1} of {len(text)}"
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None
        else:
            values.append(value)
    return values, wrong


def _next_fence(text: str, start: int) -> int:
    """Return the position of the next fence, or the end of the text. No JSON string has a line break."""
    fence = text.find("\n```", start)
    return len(text) if fence < 0 else fence


def _end_of(text: str, start: int, end: int) -> int:
    """Return the end of the object or list that begins at `start`; `end` if it was cut off."""
    depth, in_string, place = 0, False, start
    while place < end:
        character = text[place]
        if in_string:
            place += character == "\\"  # and the character after it
            in_string = character != '"'
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return end


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise ValueError(f"the key {key[:60]!r} has two different values")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


class _Ids:
    """Ids as models write them: the id, the id with the name as in the prompt, or the name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._ids = {each.casefold(): each for each in names}
        written = [name.casefold() for name in names.values()]
        self._ids |= {name.casefold(): each for each, name in names.items() if written.count(name.casefold()) == 1}
        self._ids |= {f"{each} {name}".casefold(): each for each, name in names.items()}

    def of(self, text: object) -> str | None:
        """Return the id that a key or value names; None if it names none."""
        if not isinstance(text, str):
            return None
        plain = " ".join(text.replace(":", " ").split()).casefold()
        return self._ids.get(plain)


def _by_id(value: Any, ids: _Ids) -> Iterator[tuple[str, Any]]:
    """Yield each id with its value: keyed by the id, or an object with a level and a field that names the id."""
    if isinstance(value, list):
        for each in value:
            yield from _by_id(each, ids)
    elif isinstance(value, dict):
        named = {found for field in value.values() if (found := ids.of(field))}
        if len(named) == 1 and "level" in value:
            yield named.pop(), value
            return
        for key, inner in value.items():
            if element_id := ids.of(key):
                yield element_id, inner
            else:
                yield from _by_id(inner, ids)
