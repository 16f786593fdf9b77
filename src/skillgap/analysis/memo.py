"""Results computed once per object, also when several threads ask first."""

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
"""The lock of each result that is being computed, and how many threads hold it or wait for it.

Locks are kept here, not with the results: objects that hold results are pickled."""


def memoized(compute: Callable[[Of], Result]) -> Callable[[Of], Result]:
    """Memoise a function per weakly referenced argument; threads that ask at the same time compute it once.

    The result must not refer to the argument, which would then never be freed. An exception is not kept.
    """
    known: WeakKeyDictionary[Of, Result] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(of: Of) -> Result:
        return memoized_in(known, of, lambda: compute(of))

    return remembered


def memoized_in(known: MutableMapping[Key, Result], key: Key, compute: Callable[[], Result]) -> Result:
    """Return the result of a key, computed and put into `known` by one thread if it is missing.

    Other keys do not wait for it. Results may be nested, as long as none needs itself.
    """
    found: Result = known.get(key, _MISSING)
    if found is _MISSING:
        with _alone((id(known), key)):
            found = known.get(key, _MISSING)
            if found is _MISSING:
                found = known[key] = compute()
    return found


class cached_property(Generic[Of, Result]):  # noqa: N801 - named for what it replaces
    """`functools.cached_property`, computed by one thread per object.

    That of Python 3.11 has one lock for all objects, that of later versions has none.
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
        """Compute the result; from then on it is found in the object's own dictionary, before this is called."""
        if of is None:
            return self
        known: dict[str, Result] = of.__dict__
        return memoized_in(known, self._name, lambda: self._compute(of))


@contextmanager
def _alone(key: Hashable) -> Iterator[None]:
    """Let one thread at a time do the work of a key."""
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
