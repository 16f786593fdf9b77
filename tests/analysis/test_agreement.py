"""The chance that another panel agrees: worked by hand, by its laws, and against ratings that were repeated."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from benchmarks import certainty
from skillgap.analysis.agreement import agreement, is_likely, panel_variance
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.models.person import OwnProfile
from skillgap.nodes.get_release_ratings import get_release_ratings
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import read
from tests.analysis.builders import make_ratings
from tests.conftest import onet_zip

A, B = "11-0000.00", "12-0000.00"
errors = st.floats(0.0, 1.5)


def chance(gap: float, first: float, second: float) -> float:
    """The agreement of two levels of 8 raters, unrounded."""
    spread = sum(0.67 * max(error, 0.125) ** 2 + 0.0197 for error in (first, second))
    return NormalDist().cdf((abs(gap) - 0.086) / math.sqrt(spread))


def found(gap: float, first: float, second: float) -> float:
    n, no = np.array([8]), np.array([False])
    variance = sum(panel_variance(np.array([error]), n, is_predicted=no) for error in (first, second))
    return float(agreement(np.array([gap]), variance, np.array([0.086]))[0])


def test_a_chance_is_worked_by_hand():
    # 0.67 x (0.3² + 0.4²) + 2 x 0.0197 = 0.2069, whose root is 0.45486; (1 - 0.086) / 0.45486 = 2.0094; Phi = 0.97775
    assert found(1.0, 0.3, 0.4) == 0.977


@given(st.floats(0.0, 7.0), errors, errors)
def test_it_is_the_formula_rounded_down(gap: float, first: float, second: float):
    assert found(gap, first, second) == pytest.approx(math.floor(1e3 * chance(gap, first, second)) / 1e3, abs=1.01e-3)
    assert found(gap, first, second) <= chance(gap, first, second) + 1e-9
    assert found(-gap, first, second) == found(gap, first, second), "of the mirrored surplus"


@given(errors, errors)
def test_without_a_gap_it_is_below_one_half(first: float, second: float):
    assert found(0.0, first, second) < 0.5


@given(st.integers(1, 56), st.integers(1, 56), errors, errors)
def test_it_rises_with_the_gap(one: int, other: int, first: float, second: float):
    smaller, larger = sorted((one, other))
    assert found(smaller / 8, first, second) <= found(larger / 8, first, second)
    assert chance(smaller / 8, first, second) < chance(larger / 8, first, second) or smaller == larger or larger > 20


@given(st.integers(1, 56), errors, st.floats(0.0, 1.0), errors)
def test_it_falls_with_either_error(eighths: int, error: float, more: float, other: float):
    gap = eighths / 8
    assert found(gap, error + more, other) <= found(gap, error, other)
    assert found(gap, other, error + more) <= found(gap, other, error)


@given(st.floats(-7.0, 7.0), st.floats(0.01, 4.0))
def test_likely_is_an_agreement_of_eight_tenths(gap: float, variance: float):
    exact = NormalDist().cdf((abs(gap) - 0.086) / math.sqrt(variance))
    if abs(exact - 0.8) > 1e-6:
        likely = is_likely(np.array([gap]), np.array([variance]), np.array([0.086]))
        assert bool(likely[0]) == (exact >= 0.8)


def test_incumbents_err_independently_and_predictions_alone():
    error, n = np.array([0.2, 0.2, 0.2]), np.array([8, 30, 8])
    variance = panel_variance(error, n, is_predicted=np.array([False, False, True]))
    assert variance == pytest.approx([0.67 * 0.04 + 0.0197, 0.08, 0.04])


def test_without_an_error_there_is_no_chance_and_no_word():
    ratings = make_ratings({A: [1.0, 1.0], B: [3.0, 2.0]}, standard_error={B: [np.nan, 0.2]})
    first, second = sorted(identify_skill_gap(A, B, ratings).skill_gaps, key=lambda gap: gap.element_id)
    assert (first.agreement, first.certainty) == (None, None)
    assert (second.agreement, second.certainty) == (0.999, "clear")


def test_own_levels_add_no_error():
    ratings = make_ratings({A: [1.0], B: [2.0]})
    [gap] = identify_person_gap(OwnProfile({"Skill 0": 1.5}), B, ratings).skill_gaps
    exact = NormalDist().cdf((0.5 - 0.086) / math.sqrt(0.67 * 0.125**2 + 0.0197))
    assert gap.agreement == math.floor(1e3 * exact) / 1e3


@pytest.mark.slow
def test_a_clear_gap_is_never_less_than_likely(ratings: Ratings):
    chosen = np.random.default_rng(24).integers(len(ratings.codes), size=(300, 2))
    words = set()
    for a, b in chosen.tolist():
        report = identify_skill_gap(ratings.codes[a], ratings.codes[b], ratings)
        for row in (*report.skill_gaps, *report.surplus_skills):
            words.add(row.certainty)
            if row.certainty == "clear":
                assert row.agreement >= 0.88
                assert row.gap_lower >= 0 or row.gap_upper <= 0
            elif row.certainty is not None:
                assert (row.certainty == "likely") == (row.agreement >= 0.8)
            else:
                assert row.to_not_relevant
        counts = [row.certainty for row in report.skill_gaps]
        assert report.summary.likely_gaps == counts.count("likely")
        assert report.summary.distinguishable_gaps == counts.count("clear")
    assert words == {"clear", "likely", "open", None}


@pytest.fixture(scope="module")
def repeated(whole_29: Engine, tmp_path_factory: pytest.TempPathFactory) -> certainty.Repeated:
    with read(whole_29) as connection:
        after = get_ratings(connection, "onet")
    before = get_release_ratings(whole_29, str(onet_zip("26_1")), cache_dir=tmp_path_factory.mktemp("cache"))
    return certainty.find_repeated(before, after)


@pytest.mark.parametrize("kind", ["related", "random"])
def test_what_is_stated_came_back_when_occupations_were_rated_again(
    repeated: certainty.Repeated, whole_29: Engine, kind: str
):
    """In each tenth with 200 gaps or more: within 0.03 or two standard errors clustered by occupation."""
    assert len(repeated.before.codes) == 210
    with read(whole_29) as connection:
        profiles = get_profiles(connection)
    pairs = {
        "related": lambda: certainty.related_pairs(repeated.before, profiles),
        "random": lambda: certainty.random_pairs(repeated.before),
    }[kind]()
    gaps = certainty.gaps_of(repeated, *pairs)
    again, tenths = gaps.later > 0, 0
    for tenth in range(10):
        for which in (np.ones_like(again), gaps.word != 3):  # all gaps, and those that are not clear
            inside = certainty.in_tenth(gaps.expected, tenth) & which
            if inside.sum() < 200:
                continue
            tenths += 1
            error = certainty.clustered_error(gaps, again - gaps.expected, inside)
            assert abs(again[inside].mean() - gaps.expected[inside].mean()) <= max(0.03, 2 * error), (tenth, error)
    assert tenths == 10


def test_percentiles_of_repeated_ratings_lie_within_their_intervals(repeated: certainty.Repeated):
    current, target = certainty.random_pairs(repeated.before)
    before, after = (
        certainty.summarize_pairs(certainty.pair_of(current, target, each), target, each) for each in repeated
    )
    later = after.shortfall_percentile
    inside = (before.shortfall_percentile_lower <= later) & (later <= before.shortfall_percentile_upper)
    assert 0.93 <= inside.mean() <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "downward"])
def test_few_of_the_gaps_shown_are_false_and_their_intervals_cover(ratings: Ratings, kind: str):
    current, target = certainty.random_pairs(ratings)
    if kind == "downward":
        rise = (ratings.level[target] - ratings.level[current]).mean(axis=1)
        current, target = (rows[rise <= np.quantile(rise, 0.1)] for rows in (current, target))
    simulated = certainty.simulate(ratings, current, target, 0.5)
    assert simulated["false"] <= (0.05 if kind == "random" else 0.06)
    assert simulated["coverage"] >= 0.93
