"""Memoization of results per object, safe for threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import wraps
from threading import Lock, RLock
from typing import Any, Generic, TypeVar, overload
from weakref import WeakKeyDictionary

Of = TypeVar("Of")
Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

_MISSING: Any = object()
_guard = Lock()
_computing: dict[Hashable, tuple[RLock, int]] = {}
"""The lock of each result being computed, and the number of threads that hold or await it.

Locks are kept here and not with the results, because objects with results are pickled."""


def memoized(compute: Callable[[Of], Result]) -> Callable[[Of], Result]:
    """Memoize a function per weakly referenced argument; concurrent threads compute a result once.

    The result must not refer to the argument, which would then never be freed. Exceptions are not memoized.
    """
    results: WeakKeyDictionary[Of, Result] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(of: Of) -> Result:
        return memoized_in(results, of, lambda: compute(of))

    return remembered


def memoized_in(results: MutableMapping[Key, Result], key: Key, compute: Callable[[], Result]) -> Result:
    """Return the result of a key; if it is missing, one thread computes it and stores it in `results`.

    Other keys are not blocked. A computation may use other results, but not its own.
    """
    result: Result = results.get(key, _MISSING)
    if result is _MISSING:
        with _alone((id(results), key)):
            result = results.get(key, _MISSING)
            if result is _MISSING:
                result = results[key] = compute()
    return result


class cached_property(Generic[Of, Result]):  # noqa: N801 - a drop-in replacement
    """`functools.cached_property` with one lock per object.

    In Python 3.11 it has one lock for all objects, in later versions none.
    """

    def __init__(self, compute: Callable[[Of], Result]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[Of], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, of: None, owner: type[Of]) -> cached_property[Of, Result]: ...
    @overload
    def __get__(self, of: Of, owner: type[Of]) -> Result: ...
    def __get__(self, of: Of | None, owner: type[Of]) -> cached_property[Of, Result] | Result:
        """Compute and store the result. Later look-ups find it in the object's dictionary without calling this."""
        if of is None:
            return self
        results: dict[str, Result] = of.__dict__
        return memoized_in(results, self._name, lambda: self._compute(of))


@contextmanager
def _alone(key: Hashable) -> Iterator[None]:
    """Hold the lock of a key."""
    with _guard:
        lock, users = _computing.get(key) or (RLock(), 0)
        _computing[key] = lock, users + 1
    try:
        with lock:
            yield
    finally:
        with _guard:
            lock, users = _computing[key]
            if users == 1:
                del _computing[key]
            else:
                _computing[key] = lock, users - 1
