"""Characters that are not seen, and act on whatever shows a text: a terminal, a log, a spreadsheet.

Unicode categories Cc (control characters, ESC among them), Cf (bidirectional overrides, zero-width and other invisible
formatting), Cs (half a character), Zl and Zp (line and paragraph separator).
"""

from __future__ import annotations

from unicodedata import category

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def find_unseen(text: str) -> int | None:
    """Return the position of the first unseen character, None where there is none."""
    if text.isprintable():
        return None
    return next((position for position, character in enumerate(text) if category(character) in _UNSEEN), None)


def printable(text: str) -> str:
    """Return a text with its unseen characters escaped (`\\x1b`), line ends excepted."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if character != "\n" and category(character) in _UNSEEN
        else character
        for character in text
    )
