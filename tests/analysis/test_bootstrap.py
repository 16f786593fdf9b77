"""Stability of rankings under rater noise and other weights: by hand, by formula, and by rating everything again."""

from __future__ import annotations

import gc
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from sqlalchemy import Engine

from skillgap.analysis.bootstrap import transitions
from skillgap.analysis.bootstrap.gap import DRAWS
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Rated, Similarity, compute_similarity
from skillgap.analysis.similarity.profiles import Profile
from skillgap.analysis.transitions import find_transitions
from skillgap.models import GapStability, TransitionStability
from skillgap.models.person import OwnProfile
from skillgap.service.ratings import get_all_ratings, get_profiles, get_ratings
from skillgap.store.engine import read
from tests.analysis.builders import make_ratings, near_by

NURSES, MANAGERS = "29-1141.00", "11-9111.00"
CURRENT, TARGET = "11-0000.00", "12-0000.00"


def about(share: float) -> object:
    """Return the range of a share of draws: four standard deviations around it."""
    return pytest.approx(share, abs=4 * np.sqrt(max(share * (1 - share), 0.002) / DRAWS))


def stability_of(ratings: Ratings) -> list[GapStability]:
    return [gap.stability for gap in identify_skill_gap(CURRENT, TARGET, ratings, stability=True).skill_gaps]


# -- weights -----------------------------------------------------------------------------------------------------------


def test_other_weights_are_worked_by_hand():
    ratings = make_ratings(
        {CURRENT: [1.0, 1.0, 3.0], TARGET: [3.0, 4.0, 3.0]}, importance={TARGET: [4.0, 2.0, 1.0], CURRENT: [3.0] * 3}
    )
    found = {
        weight: identify_skill_gap(CURRENT, TARGET, ratings.weighted_by(weight))
        for weight in ("importance", "standard", "none")
    }
    # Gaps 2, 3 and 0: weights 4, 2, 1; minus one, 3, 1, 0; or equal.
    assert {weight: report.summary.weighted_shortfall for weight, report in found.items()} == {
        "importance": 2.0,
        "standard": 2.25,
        "none": pytest.approx(5 / 3, abs=5e-5),
    }
    orders = {weight: [row.element_id for row in report.skill_gaps] for weight, report in found.items()}
    assert orders == {"importance": ["2.A.0", "2.A.1"], "standard": ["2.A.0", "2.A.1"], "none": ["2.A.1", "2.A.0"]}
    assert [report.weight for report in found.values()] == ["importance", "standard", "none"]
    [first, second] = stability_of(ratings)
    assert first.rank_by_weight == {"importance": 1, "standard": 1, "none": 2}
    assert second.rank_by_weight == {"importance": 2, "standard": 2, "none": 1}


def test_skills_that_are_not_relevant_count_for_nothing_by_any_weight():
    ratings = make_ratings(
        {CURRENT: [1.0, 0.0], TARGET: [2.0, 1.0]}, not_relevant={TARGET: [False, True]}, importance={TARGET: [2.0, 1.5]}
    )
    for weight in ("importance", "standard", "none"):
        assert identify_skill_gap(CURRENT, TARGET, ratings.weighted_by(weight)).summary.weighted_shortfall == 1.0


def test_rank_by_weight_is_the_place_in_the_report_by_that_weight(ratings: Ratings):
    report = identify_skill_gap(NURSES, MANAGERS, ratings, stability=True)
    for weight in ("importance", "standard", "none"):
        other = identify_skill_gap(NURSES, MANAGERS, ratings.weighted_by(weight))
        places = {row.element_id: place for place, row in enumerate(other.skill_gaps, start=1)}
        assert places == {row.element_id: row.stability.rank_by_weight[weight] for row in report.skill_gaps}
    assert [row.stability.rank for row in report.skill_gaps] == list(range(1, 18))


# -- gaps --------------------------------------------------------------------------------------------------------------


def test_shares_of_one_skill_are_those_of_the_normal_distribution():
    for level in (2.25, 2.5, 3.0):
        ratings = make_ratings({CURRENT: [2.0], TARGET: [level]}, standard_error={CURRENT: [0.3], TARGET: [0.4]})
        [found] = stability_of(ratings)
        error, away = 0.5, level - 2.0
        assert found.gap_share == about(stats.norm.sf(-away / error))
        assert found.distinguishable_share == about(stats.norm.sf((stats.t.ppf(0.975, 14) * error - away) / error))
        assert (found.rank, found.rank_lower, found.rank_upper) == (1, 1, 1)
        assert found.first_five_share == found.gap_share


def test_the_rank_of_two_distinguishable_gaps_follows_from_their_difference():
    for away in (0.0, 0.25, 2.0):
        ratings = make_ratings({CURRENT: [0.5, 0.5], TARGET: [4.5, 4.5 - away]}).weighted_by("none")
        first, second = stability_of(ratings)
        changes_places = stats.norm.sf(away / np.sqrt(4 * 0.125**2))
        assert (first.rank_upper, second.rank_lower) == ((2, 1) if changes_places > 0.025 else (1, 2))
        assert (first.rank_lower, second.rank_upper) == (1, 2)


def test_errors_are_floored_as_in_the_test():
    # Eight raters who agree on both sides: drawn with an error of 1/8, not 0.
    ratings = make_ratings({CURRENT: [2.0], TARGET: [2.125]}, standard_error={CURRENT: [0.0], TARGET: [0.0]})
    [found] = stability_of(ratings)
    assert found.gap_share == about(stats.norm.sf(-0.125 / np.hypot(0.125, 0.125)))


def test_without_error_ranks_do_not_move():
    # So many raters that flooring hardly matters: seven gaps, five of them among the first five.
    ratings = make_ratings(
        {CURRENT: [1.0] * 7 + [3.0, 3.0], TARGET: [2.0 + k / 2 for k in range(7)] + [3.0, 2.0]},
        n={CURRENT: [1_000_000] * 9, TARGET: [1_000_000] * 9},
        standard_error={CURRENT: [0.0] * 9, TARGET: [0.0] * 9},
        importance_standard_error={TARGET: [0.0] * 9},
        importance_n={TARGET: [1_000_000] * 9},
    )
    for place, found in enumerate(stability_of(ratings), start=1):
        assert (found.rank, found.rank_lower, found.rank_upper) == (place, place, place)
        assert (found.gap_share, found.first_five_share) == (1.0, float(place <= 5))


def test_drawn_levels_stay_on_their_scale():
    # At an end of the scale, half of the draws are clipped to it. If both levels are clipped, there is no gap;
    # otherwise there is one if the level further from the end is further from it in the draw too. Both ends behave
    # alike.
    share, _ = quad(lambda away: stats.norm.pdf(away, 0.25, 2.0) * stats.norm.cdf(away, 0.0, 2.0), 0.0, 30.0)
    for low, high in ((0.0, 0.25), (6.75, 7.0)):
        ratings = make_ratings({CURRENT: [low], TARGET: [high]}, standard_error={CURRENT: [2.0], TARGET: [2.0]})
        [found] = stability_of(ratings)
        assert found.gap_share == about(share)


@pytest.mark.parametrize(
    ("other_gap", "places"),
    [(1.0, (1, 1)), (2.0, (1, 2)), (7.0, (2, 2))],  # weighed 3, 6 and 21, where the first weighs 4 at least, 20 at most
)
def test_drawn_importance_stays_on_its_scale(other_gap: float, places: tuple[int, int]):
    many = [1_000_000] * 2
    ratings = make_ratings(
        {CURRENT: [1.0, 0.0], TARGET: [5.0, other_gap]},
        n={CURRENT: many, TARGET: many},
        standard_error={CURRENT: [0.0] * 2, TARGET: [0.0] * 2},
        importance={TARGET: [1.0, 3.0]},
        importance_standard_error={TARGET: [3.0, 0.0]},
        importance_n={TARGET: many},
    )
    gaps = identify_skill_gap(CURRENT, TARGET, ratings, stability=True).skill_gaps
    [first] = [gap.stability for gap in gaps if gap.element_id == "2.A.0"]
    assert (first.rank_lower, first.rank_upper) == places


def test_own_levels_do_not_move(ratings: Ratings):
    small = make_ratings({TARGET: [3.0]}, standard_error={TARGET: [0.4]})
    [gap] = identify_person_gap(OwnProfile({"Skill 0": 2.5}), TARGET, small, stability=True).skill_gaps
    assert gap.stability.gap_share == about(stats.norm.sf(-0.5 / 0.4))
    person = identify_person_gap(OwnProfile({}, NURSES), MANAGERS, ratings, stability=True)
    assert person.skill_gaps == identify_skill_gap(NURSES, MANAGERS, ratings, stability=True).skill_gaps


def test_without_standard_errors_there_is_no_stability(whole_29: Engine):
    with read(whole_29) as connection:
        knowledge = get_all_ratings(connection)["onet"].of_domain("knowledge")
    report = identify_skill_gap(NURSES, MANAGERS, knowledge, stability=True)  # experts rated the managers
    assert {row.stability for row in report.skill_gaps} == {None}


def test_it_adds_to_a_report_and_changes_nothing_else(ratings: Ratings):
    plain, with_stability = (identify_skill_gap(NURSES, MANAGERS, ratings, stability=each) for each in (False, True))
    assert (
        {row.stability for row in plain.skill_gaps}
        == {row.stability for row in with_stability.surplus_skills}
        == {None}
    )
    assert (
        replace(with_stability, skill_gaps=[replace(row, stability=None) for row in with_stability.skill_gaps]) == plain
    )
    assert identify_skill_gap(NURSES, MANAGERS, ratings, stability=True) == with_stability, (
        "the same question, the same answer"
    )


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_it_is_in_proportion_for_any_pair(ratings: Ratings, data: st.DataObject):
    pair = data.draw(st.lists(st.sampled_from(ratings.codes), min_size=2, max_size=2, unique=True))
    rows = identify_skill_gap(*pair, ratings, stability=True).skill_gaps
    for place, row in enumerate(rows, start=1):
        found = row.stability
        assert found.rank == place
        assert 1 <= found.rank_lower <= found.rank_upper <= 35
        assert 0 <= found.distinguishable_share <= found.gap_share <= 1
        assert found.first_five_share <= found.gap_share
        assert not row.to_not_relevant or found.distinguishable_share == 0
    assert sum(row.stability.first_five_share for row in rows) <= 5.01


# -- similar occupations -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def starter_profiles(starter_engine: Engine) -> dict[str, Profile]:
    with read(starter_engine) as connection:
        return get_profiles(connection)


@pytest.fixture(scope="module")
def similarity(ratings: Ratings, starter_profiles: dict[str, Profile]) -> Similarity:
    return compute_similarity(starter_profiles, ratings)


def moves(similarity: Similarity, ratings: Ratings, limit: int = 12) -> list[tuple[int, TransitionStability]]:
    found = find_transitions(NURSES, similarity, ratings, limit=limit, stability=True)
    return [(each.rank, each.stability) for each in found]


@pytest.mark.slow
def test_without_error_no_rank_moves(similarity: Similarity, ratings: Ratings):
    still = replace(similarity, errors=Rated._make(np.zeros_like(each) for each in similarity.errors))
    for rank, found in moves(still, ratings, limit=50):
        assert found.rank_lower == found.rank_upper
        # Single precision, which differs by processor, may swap occupations that a distant one finds equally similar.
        assert abs(found.rank_lower - rank) <= rank // 10
        assert found.first_ten_share == float(found.rank_lower <= 10)


@pytest.mark.slow
def test_ranks_vary_as_when_everything_is_rated_again(
    similarity: Similarity, ratings: Ratings, starter_profiles: dict[str, Profile]
):
    chance = np.random.default_rng(7)
    row = similarity.rows[NURSES]
    first = similarity.order[row, :10].tolist()
    stays = []
    for _ in range(12):
        anew = {
            name: np.clip(mean + np.maximum(error, 0.125) * chance.standard_normal(mean.shape), low, high)
            for name, mean, error, low, high in (
                ("data_value", ratings.data_value, ratings.standard_error, 0, 7),
                ("importance", ratings.importance, ratings.importance_standard_error, 1, 5),
            )
        }
        # Without a number of raters, so that drawn values are not read as eighths.
        none = np.zeros_like(ratings.n)
        drawn = compute_similarity(starter_profiles, replace(ratings, **anew, n=none, importance_n=none))
        stays.append(len(set(drawn.order[row, :10].tolist()) & set(first)))
    shares = [found.first_ten_share for rank, found in moves(similarity, ratings) if rank <= 10]
    assert sum(shares) == pytest.approx(np.mean(stays), abs=0.8)
    assert any(0 < share < 1 for share in shares)


def test_ratings_are_drawn_with_their_errors_within_their_scales():
    shape, chance = (200, 40), np.random.default_rng(1)
    middle, low, high = np.full(shape, 3.5), np.full(shape, 0.0), np.full(shape, 7.0)
    similarity = near_by([[0.0]], make_ratings({"a": [1.0]}))

    def drawn(rated: Rated, error: float) -> Rated:
        errors = Rated(*[np.full(shape, error)] * 3)
        return transitions._drawn(replace(similarity, rated=rated, errors=errors), chance)

    free = drawn(Rated(middle, middle, middle), 0.25)
    for each in free:
        assert each.std(axis=0) == pytest.approx(0.25, abs=0.06), "each occupation has a draw of its own"
        assert each.mean() == pytest.approx(3.5, abs=0.01)
    assert abs(np.corrcoef(free.level.ravel(), free.importance.ravel())[0, 1]) < 0.05
    at_the_end = drawn(Rated(low, high - 2.0, middle), 1.0)
    for each, end in ((at_the_end.level, 0.0), (at_the_end.importance, 5.0)):
        assert (each == end).mean() == pytest.approx(0.5, abs=0.03), "values beyond the scale are clipped to its end"
    above = drawn(Rated(high, low + 1.0, low + 1.0), 1.0)
    assert (above.level.max(), above.importance.min(), above.knowledge.min()) == (7.0, 1.0, 1.0)
    # Unrated importance is 0, below its scale, and stays 0.
    assert (drawn(Rated(low, low, low), np.nan).importance == 0.0).all()


@pytest.mark.slow
def test_ranks_by_other_weights_compare_skills_with_those_weights(
    similarity: Similarity, ratings: Ratings, starter_profiles: dict[str, Profile]
):
    # With one importance for all, the cosine of level x importance is that of the levels alone.
    equal_importance = replace(ratings, importance=np.full_like(ratings.importance, 2.0), analysts=None)
    other = compute_similarity(starter_profiles, equal_importance)
    order = [other.codes[k] for k in other.order[other.rows[NURSES]]]
    for each in find_transitions(NURSES, similarity, ratings, limit=20, stability=True):
        by_weight = each.stability.rank_by_weight
        assert by_weight["none"] == order.index(each.occupation.onet_soc_code) + 1
        assert by_weight["importance"] == each.rank


@pytest.mark.slow
def test_results_of_old_data_are_freed_with_them(starter_engine: Engine, starter_profiles: dict[str, Profile]):
    with read(starter_engine) as connection:
        old = get_ratings(connection)
    similarity = compute_similarity(starter_profiles, old)
    identify_skill_gap(NURSES, MANAGERS, old, stability=True)
    find_transitions(NURSES, similarity, old, stability=True)
    alive = [ref(old), ref(old.analysts), ref(similarity)]
    del old, similarity
    gc.collect()
    assert [each() for each in alive] == [None, None, None]
