"""The test of two means against figures worked by hand, textbook procedures and simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sqlalchemy import Engine

from skillgap.analysis.significance import (
    compare_means,
    discoveries,
    find_distinguishable,
    least_standard_error,
    middle_95,
    shown_p,
)
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import read


def compare(difference: list[float], first: list[float], second: list[float]):
    n = np.full(len(difference), 8)
    return compare_means(np.array(difference), standard_errors=(np.array(first), np.array(second)), n=(n, n))


def test_the_error_of_a_difference_is_worked_by_hand():
    # sqrt(0.3² + 0.4²) = 0.5; t = 1.5 / 0.5 = 3; two-sided p of 3 with 14 degrees of freedom = 0.00955 (t table);
    # the 97.5 % quantile is 2.1448, so the interval is 1.5 ± 1.0724
    tested = compare([1.5], [0.3], [0.4])
    assert tested.standard_error == pytest.approx([0.5])
    assert tested.p_value == pytest.approx([0.00955], abs=5e-5)
    assert (tested.lower[0], tested.upper[0]) == pytest.approx((1.5 - 1.0724, 1.5 + 1.0724), abs=1e-4)
    assert tested.is_distinguishable.tolist() == [True]


def test_an_error_of_zero_counts_as_the_least_eight_raters_can_show():
    eight_ratings = [4, 4, 4, 4, 4, 4, 4, 5]
    assert np.std(eight_ratings, ddof=1) / np.sqrt(8) == pytest.approx(least_standard_error(np.array(8)))
    assert compare([1.0], [0.0], [0.0]).standard_error == pytest.approx([np.sqrt(2) / 8])


def test_p_values_are_those_of_scipys_t_test_from_the_ratings():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 8, (50, 8)), rng.integers(0, 8, (50, 8))
    expected = stats.ttest_ind(second, first, axis=1)
    tested = compare_means(
        second.mean(axis=1) - first.mean(axis=1),
        standard_errors=(stats.sem(first, axis=1), stats.sem(second, axis=1)),
        n=(np.full(50, 8), np.full(50, 8)),
    )
    assert tested.p_value == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert tested.lower == pytest.approx(interval.low)
    assert tested.upper == pytest.approx(interval.high)


@pytest.mark.parametrize("n", [(8, 3), (2, 8), (25, 2)])
def test_with_unequal_raters_p_values_are_those_of_welchs_t_test_from_the_ratings(n: tuple[int, int]):
    # Ratings are not rounded, so that no standard error is below the floor.
    rng = np.random.default_rng(2)
    first, second = rng.normal(3.0, 5.0, (50, n[0])), rng.normal(4.0, 9.0, (50, n[1]))
    errors = stats.sem(first, axis=1), stats.sem(second, axis=1)
    is_above = (errors[0] > 1 / n[0]) & (errors[1] > 1 / n[1])
    assert is_above.sum() > 40
    tested = compare_means(
        second.mean(axis=1) - first.mean(axis=1), standard_errors=errors, n=(np.full(50, n[0]), np.full(50, n[1]))
    )
    expected = stats.ttest_ind(second, first, axis=1, equal_var=False)
    assert tested.p_value[is_above] == pytest.approx(expected.pvalue[is_above])


def test_a_side_without_a_standard_error_is_not_tested():
    tested = compare([2.0, 2.0], [np.nan, 0.125], [0.125, 0.125])
    assert np.isnan(tested.p_value).tolist() == [True, False]
    assert tested.is_distinguishable.tolist() == [False, True]


def test_discoveries_of_the_example_of_benjamini_and_hochberg():
    # Benjamini and Hochberg (1995), section 4: 15 p values, 4 discoveries at 5 %
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert discoveries(np.array(p)).tolist() == [True] * 4 + [False] * 11


def test_a_p_value_equal_to_the_limit_of_its_rank_is_a_discovery():
    assert discoveries(np.array([0.0125, 0.9, 0.9, 0.9])).tolist() == [True, False, False, False]
    assert discoveries(np.array([0.013, 0.9, 0.9, 0.9])).tolist() == [False] * 4
    assert discoveries(np.array([0.013, 0.025, 0.9, 0.9])).tolist() == [True, True, False, False]


def test_no_rank_allows_more_than_a_single_test_does():
    # 5 % in one direction would let 0.026 pass, but its 95 % interval, 2.5 % on each side, includes 0.
    assert discoveries(np.array([0.026])).tolist() == [False]
    assert discoveries(np.array([0.025, 0.026])).tolist() == [True, False]


def test_p_values_are_shown_rounded_up_to_the_millionth():
    assert shown_p(np.array([0.0, 2e-7, 1e-6, 0.1234561, 1.0])).tolist() == [0.0, 1e-6, 1e-6, 0.123457, 1.0]


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=40))
def test_discoveries_are_found_one_by_one(p: list[float]):
    tests = sorted(x for x in p if x == x)
    limit = max((x for k, x in enumerate(tests, 1) if x <= min(0.05 * k / len(tests), 0.025)), default=-1.0)
    assert discoveries(np.array(p, dtype=float)).tolist() == [x <= limit for x in p]


def test_many_pairs_at_once_are_tested_like_single_ones():
    p = np.random.default_rng(2).uniform(0, 0.2, (20, 35))
    assert (discoveries(p) == np.array([discoveries(row) for row in p])).all()


def one_pair(chance: np.random.Generator, elements: int = 35) -> tuple[np.ndarray, dict[str, Any]]:
    """Differences, a third of them far from 0 in one direction, and what `compare_means` needs."""
    moved = np.where(chance.random(elements) < 0.33, chance.choice([-1.5, 1.5]), 0.0)
    errors = chance.uniform(0.0, 0.5, (2, elements))
    n = chance.choice([8, 8, 8, 20]), 8
    given = {"standard_errors": tuple(errors), "n": tuple(np.full(elements, k) for k in n)}
    return moved + chance.normal(0, 0.3, elements), given


def test_each_direction_has_discoveries_of_its_own():
    chance = np.random.default_rng(8)
    for _ in range(200):
        difference, given = one_pair(chance)
        tested = compare_means(difference, **given)
        assert tested.is_distinguishable.tolist() == by_p_values(difference, tested.p_value).tolist()


def test_sure_surpluses_do_not_make_a_gap_clear():
    # one-sided p of t = 2.3 with 14 degrees of freedom is 0.0186: more than 1/35 of 5 %, but less than 34/35 of it
    difference = np.array([2.3 * np.sqrt(2) / 8, *[-3.0] * 34])
    tested = compare(difference.tolist(), [0.125] * 35, [0.125] * 35)
    assert tested.p_value[0] / 2 == pytest.approx(0.0186, abs=1e-4)
    assert tested.is_distinguishable.tolist() == [False, *[True] * 34]


def test_the_interval_of_a_discovery_is_that_of_benjamini_and_yekutieli_and_excludes_zero():
    chance = np.random.default_rng(9)
    widened = 0
    for _ in range(200):
        difference, given = one_pair(chance)
        tested = compare_means(difference, **given)
        freedom = stats.t(given["n"][0] + given["n"][1] - 2)
        for is_side in (difference > 0, difference < 0):
            found = tested.is_distinguishable & is_side
            excludes_zero = np.where(difference > 0, tested.lower, -tested.upper) >= -1e-12
            assert excludes_zero[found].all()
            if given["n"][0][0] == 8:  # otherwise, the degrees of freedom differ by element
                half = freedom.isf(min(0.05 * found.sum() / 35, 0.025)) * tested.standard_error
                assert (tested.upper - difference)[found] == pytest.approx(half[found])
                widened += int(found.any())
                plain = freedom.isf(0.025) * tested.standard_error
                is_other = is_side & ~found
                assert (difference - tested.lower)[is_other] == pytest.approx(plain[is_other])
    assert widened > 50


@pytest.mark.parametrize(("moved", "least", "most"), [(0.0, 0.0, 0.05), (1.0, 0.9, 1.0)])
def test_rater_noise_is_rarely_distinguishable_and_a_whole_level_mostly_is(moved: float, least: float, most: float):
    """Simulated raters scatter by 0.4 about the true level, which gives 29.0's median spread once rounded (0.46)."""
    rng = np.random.default_rng(3)
    level = rng.uniform(2, 5, (4_000, 35))

    def rate(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ratings = np.clip(np.rint(rng.normal(truth[..., None], 0.4, (*truth.shape, 8))), 0, 7)
        return ratings.mean(axis=-1), stats.sem(ratings, axis=-1)

    (first, first_error), (second, second_error) = rate(level), rate(level + moved)
    n = np.full(level.shape, 8)
    found = compare_means(second - first, standard_errors=(first_error, second_error), n=(n, n)).is_distinguishable
    found &= second > first
    share = found.any(axis=1).mean() if moved == 0 else found.mean()  # any alarm among gaps; share of gaps found
    assert least <= share <= most


def by_p_values(difference: np.ndarray, p_value: np.ndarray) -> np.ndarray:
    """Which differences are discoveries among the one-sided tests of their direction."""
    above, below = (
        discoveries(np.where(side, p_value / 2, 1 - p_value / 2)) for side in (difference > 0, difference < 0)
    )
    return above | below


def test_without_p_values_the_same_differences_are_distinguishable(whole_29: Engine):
    with read(whole_29) as connection:
        every = get_ratings(connection, "onet", "all")
    chance = np.random.default_rng(4)
    for domain in ("skills", "knowledge", "all"):
        ratings = every.of_domain(domain)
        level = ratings.level.copy()
        level[chance.random(level.shape) < 0.02] = np.nan  # as many tests as there are levels
        distinguishable = 0
        for row in chance.integers(len(level), size=60):
            given = {
                "standard_errors": (ratings.standard_error[row], ratings.standard_error),
                "n": (ratings.raters[row], ratings.raters),
            }
            full = compare_means(level - level[row], **given)
            error, is_distinguishable = find_distinguishable(level - level[row], **given)
            np.testing.assert_array_equal(error, full.standard_error)
            np.testing.assert_array_equal(is_distinguishable, by_p_values(level - level[row], full.p_value))
            distinguishable += int(is_distinguishable.sum())
        assert distinguishable > 100_000


def test_with_unequal_raters_the_same_differences_are_distinguishable_from_partial_p_values():
    chance = np.random.default_rng(5)
    draws, elements = 400, 35
    level = chance.normal(0.0, 1.0, (draws, elements))
    level[chance.random(level.shape) < 0.1] = np.nan
    n = (np.where(chance.random(elements) < 0.4, 9_999, 8), chance.integers(2, 40, elements))
    errors = (np.where(n[0] == 8, chance.uniform(0, 0.6, elements), 0.0), chance.uniform(0, 0.6, elements))
    error, is_distinguishable = find_distinguishable(level, standard_errors=errors, n=n)
    found = compare_means(level, standard_errors=errors, n=n)
    assert (is_distinguishable == by_p_values(level, found.p_value)).all()
    assert (~np.isnan(error) == (found.p_value >= 0)).all()
    assert 0.1 < is_distinguishable.mean() < 0.9


def test_without_raters_nothing_is_distinguishable():
    nothing = np.zeros(3, dtype=np.int32)
    given = {"standard_errors": (np.full(3, 0.2), np.full(3, 0.2)), "n": (nothing, nothing)}
    error, is_distinguishable = find_distinguishable(np.array([1.0, 2.0, 3.0]), **given)
    assert np.isnan(error).all()
    assert not is_distinguishable.any()


def test_with_thousands_of_raters_the_same_differences_are_distinguishable():
    chance = np.random.default_rng(6)
    difference = chance.normal(0.0, 0.1, (200, 35))
    given = {
        "standard_errors": (np.full((200, 35), 0.03), np.full((200, 35), 0.02)),
        "n": (np.full((200, 35), 2_000), np.full((200, 35), 3_000)),
    }
    error, is_distinguishable = find_distinguishable(difference, **given)
    expected = by_p_values(difference, compare_means(difference, **given).p_value)
    np.testing.assert_array_equal(is_distinguishable, expected)
    assert not np.isnan(error).any()
    assert 0.2 < is_distinguishable.mean() < 0.8


def test_the_middle_95_percent_of_draws_end_at_observed_values():
    # 487 of 500 are 97.4 %, so the upper end is the next draw and no value between them.
    few_high, few_low = np.repeat([1, 6], [487, 13]), np.repeat([1, 6], [12, 488])
    assert middle_95(np.stack([few_high, few_low], axis=1)).tolist() == [[1, 6], [6, 6]]
    assert middle_95(np.repeat([1, 6], [13, 487])).tolist() == [1, 6]
