"""Memoized results are computed by one thread, and all threads get the same object."""

from __future__ import annotations

import gc
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from skillgap.analysis import memo, pairs
from skillgap.analysis import ratings as ratings_module
from skillgap.analysis.memo import cached_property, memoized, memoized_in
from skillgap.analysis.ratings import Ratings

THREADS = 6


def all_at_once(ask: Callable[[], Any]) -> list[Any]:
    """Return the results of threads that ask at the same moment."""
    start = threading.Barrier(THREADS, timeout=60)

    def one(_: int) -> Any:
        start.wait()
        return ask()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


class Counted:
    """Computes slowly, so that all threads arrive in the meantime."""

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.fails = False

    @cached_property
    def slow(self) -> object:
        """Docs."""
        self.computed.append("slow")
        threading.Event().wait(0.05)
        if self.fails:
            raise LookupError
        return object()

    @cached_property
    def nested(self) -> tuple[object, object]:
        self.computed.append("nested")
        return self.slow, once_of(self)


@memoized
def once_of(of: Counted) -> object:
    of.computed.append("once_of")
    threading.Event().wait(0.05)
    return object()


@pytest.mark.parametrize("ask", [lambda of: of.slow, once_of, lambda of: of.nested], ids=["property", "per", "nested"])
def test_many_threads_get_one_object_computed_once(ask: Callable[[Counted], object]):
    of = Counted()
    found = all_at_once(lambda: ask(of))
    assert {id(each) for each in found} == {id(found[0])}
    assert len(of.computed) == len(set(of.computed))


def test_a_chain_of_results_is_asked_for_from_both_ends_without_a_deadlock():
    of = Counted()
    asks = iter([lambda: of.nested, lambda: of.slow, lambda: once_of(of)] * 2)
    all_at_once(lambda: next(asks)())
    assert sorted(of.computed) == ["nested", "once_of", "slow"]


def test_another_key_does_not_wait():
    known: dict[str, int] = {}
    second_is_there = threading.Event()

    def first() -> int:
        assert second_is_there.wait(60)
        return 1

    def second() -> int:
        second_is_there.set()
        return 2

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(memoized_in, known, name, compute) for name, compute in (("a", first), ("b", second))]
        assert [each.result() for each in futures] == [1, 2]


def test_an_error_is_not_memoized():
    of = Counted()
    of.fails = True
    for _ in range(2):
        with pytest.raises(LookupError):
            _ = of.slow
    of.fails = False
    assert of.slow is of.slow
    assert of.computed == ["slow"] * 3


def test_nothing_is_left_of_the_locks_and_results_are_pickled(ratings: Ratings):
    of = Counted()
    all_at_once(lambda: of.nested)
    assert not memo._computing
    assert set(vars(of)) == {"computed", "fails", "slow", "nested"}
    assert Counted.slow.__doc__ == "Docs."
    assert ratings.level is ratings.level
    assert pickle.loads(pickle.dumps(ratings)).codes == ratings.codes  # noqa: S301 - our own bytes


def test_a_result_is_forgotten_with_its_object():
    ended = []

    class Result:
        def __del__(self) -> None:
            ended.append(self)

    compute = memoized(lambda _: Result())
    of = Counted()
    compute(of)
    assert not ended
    del of
    gc.collect()
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("owner", "name", "ask"),
    [
        (Ratings, "_only", lambda ratings: ratings.of_domain("knowledge")),
        (ratings_module, "replace", lambda ratings: ratings.weighted_by("standard")),
        (Ratings, "_print", lambda ratings: ratings.printed(0)),
        (ratings_module, "as_exact", lambda ratings: ratings.level),
        (pairs, "weighted_shortfalls", pairs._sorted_shortfalls),
    ],
)
def test_memoized_ratings_are_made_once(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, ask: Callable[[Ratings], object]
):
    fresh = replace(ratings, domain="all", analysts=None)
    calls, compute = [], getattr(owner, name)

    def slow(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        threading.Event().wait(0.05)
        return compute(*arguments, **named)

    monkeypatch.setattr(owner, name, slow)
    found = all_at_once(lambda: ask(fresh))
    assert {id(each) for each in found} == {id(found[0])}
    assert calls == [name]
