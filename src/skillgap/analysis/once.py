"""What is computed once for an object, and forgotten with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

Of = TypeVar("Of")
Result = TypeVar("Result")


def once_per(compute: Callable[[Of], Result]) -> Callable[[Of], Result]:
    """Return a function that remembers its result as long as its argument lives.

    Old data versions must not be kept by what was computed from them; the result must not refer to the argument.
    """
    known: WeakKeyDictionary[Of, Result] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(of: Of) -> Result:
        found = known.get(of)
        if found is None:
            found = known[of] = compute(of)
        return found

    return remembered
