"""Many rows at once equal single reports, whatever the size of the parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skillgap.analysis.arrays import python_numbers
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.vectorized import NONE, People, bulk_gaps, bulk_similar, bulk_summaries
from tests.analysis.builders import alone, make_ratings, near_by

CODES = tuple(f"1{k}-0000.00" for k in range(6))


@pytest.fixture(params=[1, 4, 1_000])
def at_once(request: pytest.FixtureRequest) -> int:
    """Return the number of rows compared at a time."""
    return int(request.param)


def some_ratings() -> Ratings:
    chance = np.random.default_rng(4)
    levels: dict[str, list[float | None]] = {code: (chance.integers(0, 57, 4) / 8).tolist() for code in CODES}
    levels[CODES[2]][1] = None
    return make_ratings(levels, importance={code: (chance.integers(8, 41, 4) / 8).tolist() for code in CODES})


def some_people() -> People:
    """Return rows of every kind: an occupation, own levels, both."""
    chance = np.random.default_rng(5)
    own = np.where(chance.random((11, 4)) < 0.5, chance.integers(0, 57, (11, 4)) / 8, np.nan)
    own[::3] = np.nan
    own[1::3, 0] = 2.5
    occupation = np.where(np.arange(11) % 3 == 1, NONE, chance.integers(0, 6, 11))
    return People(occupation, chance.integers(0, 6, 11), own)


def test_gaps_are_those_of_each_report(at_once: int):
    ratings, people = some_ratings(), some_people()
    found = bulk_gaps(people, ratings, at_once=at_once)
    expected = [
        (k, rank, row.element_id, row.from_data_value, row.to_data_value, row.gap, row.importance, row.distinguishable)
        for k in range(11)
        for rank, row in enumerate(alone(ratings, people, k, CODES[people.target[k]]).skill_gaps, start=1)
    ]
    assert expected == [
        (row, rank, ratings.element_ids[element], None if np.isnan(level) else level, *figures)
        for row, rank, element, level, *figures in zip(
            *(
                getattr(found, name).tolist()
                for name in ("row", "rank", "element", "from_data_value", "to_data_value", "gap", "importance")
            ),
            python_numbers(found.distinguishable),
            strict=True,
        )
    ]
    assert {row for row, *_ in expected} >= {0, 5, 9}


def test_own_levels_with_the_print_of_the_target_are_no_gaps_in_bulk(at_once: int):
    ratings = make_ratings({"11-0000.00": [3.88], "12-0000.00": [3.88]}, n={"12-0000.00": [0]})
    own = np.array([[3.88], [3.875], [3.8766667], [np.nan], [3.5]])
    people = People(np.array([NONE, NONE, 0, 0, NONE]), np.ones(5, dtype=int), own)
    assert bulk_summaries(people, ratings, at_once=at_once).gaps.tolist() == [0, 0, 0, 0, 1]
    found = bulk_gaps(people, ratings, at_once=at_once)
    assert (found.row.tolist(), found.gap.tolist()) == ([4], [0.375])


def test_figures_are_those_of_each_report(at_once: int):
    ratings, people = some_ratings(), some_people()
    found = bulk_summaries(people, ratings, at_once=at_once)
    for k in range(11):
        summary = alone(ratings, people, k, CODES[people.target[k]]).summary
        for name, column in zip(found._fields, found, strict=True):
            value = None if np.isnan(column[k]) else column[k].item()
            assert value == getattr(summary, name), (k, name)


def test_without_rows_there_are_no_figures(at_once: int):
    nobody = some_people().take(slice(0, 0))
    assert {len(column) for column in bulk_gaps(nobody, some_ratings(), at_once=at_once)} == {0}
    assert {len(column) for column in bulk_summaries(nobody, some_ratings(), at_once=at_once)} == {0}


def test_the_most_similar_to_own_levels_are_worked_by_hand(at_once: int):
    # Weights 1 and 3 in every target: root mean squares sqrt(1 x 1/4), 1 and sqrt(3 x 4/4); of a single level, 2.
    ratings = make_ratings(
        {"a": [2.0, 2.0], "b": [3.0, 2.0], "c": [3.0, 3.0], "d": [2.0, 4.0]},
        importance={code: [1.0, 3.0] for code in "abcd"},
    )
    nowhere = near_by([[0, 3, 2, 1], [3, 0, 2, 1], [2, 3, 0, 1], [1, 2, 3, 0]], ratings)
    people = People(
        np.array([NONE, 1, NONE, 0]),
        np.zeros(4, dtype=np.intp),
        np.array([[2.0, 2.0], [2.0, 2.0], [np.nan, 4.0], [np.nan, np.nan]]),
    )
    nearest, scores = bulk_similar(people, 3, ratings, nowhere, at_once=at_once)
    assert nearest.tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 0], [1, 2, 3]], "nobody's own occupation"
    worked = [[0, 0.5, 1], [0, 1, np.sqrt(3)], [0, 1, 2]]
    np.testing.assert_array_equal(scores[:3], np.round(1 - np.array(worked) / 7, 4).astype(np.float32))
    np.testing.assert_array_equal(scores[3], np.round(nowhere.scores(0)[[1, 2, 3]], 4).astype(np.float32))
    assert (nearest.dtype, scores.dtype) == (np.int32, np.float32)
    # More than there are: all others are returned. Equally similar ones are ordered by code.
    every, _ = bulk_similar(people.take(slice(1, 3)), 9, ratings, nowhere, at_once=at_once)
    assert every.tolist() == [[0, 2, 3], [3, 2, 0]]


def test_a_longer_list_begins_with_a_shorter_one(ratings: Ratings):
    levels = ratings.of_domain("skills")
    own = np.full((3, len(levels.element_ids)), np.nan)
    own[:, 0] = 2.0, 3.5, 4.0  # one level, which many occupations have
    people = People(np.full(3, NONE), np.zeros(3, dtype=np.intp), own)
    nowhere = near_by(np.zeros((len(levels.codes), len(levels.codes))).tolist(), levels)
    longest, scores = bulk_similar(people, 900, levels, nowhere)
    assert (scores[:, 0] == scores[:, 1]).all()
    assert [bulk_similar(people, count, levels, nowhere)[0].tolist() for count in (1, 5, 30)] == [
        longest[:, :count].tolist() for count in (1, 5, 30)
    ]


def test_missing_similar_occupations_are_padded():
    ratings = make_ratings({"a": [2.0], "b": [3.0], "c": [4.0], "d": [5.0]})
    similarity = near_by([[0, 1, 3, 2], [1, 0, 2, 3], [3, 2, 0, 1], [2, 3, 1, 0]], ratings)
    some = replace(similarity, codes=("a", "b", "x", "y"))  # c and d have levels, but no similarity
    people = People(np.array([0, 2]), np.zeros(2, dtype=np.intp), None)
    nearest, scores = bulk_similar(people, 3, ratings, some)
    assert nearest.tolist() == [[1, NONE, NONE], [NONE] * 3]
    assert np.isnan(scores).tolist() == [[False, True, True], [True] * 3]
