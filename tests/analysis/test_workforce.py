"""Workforce figures equal those of single people, whatever the batches; proposals are the cheapest."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.vectorized import NONE, People
from skillgap.analysis.workforce import Workforce
from skillgap.models import GapReport, PersonGapReport, WorkforceReport
from tests.analysis.builders import alone, make_ratings

NURSE, MANAGER, CASHIER, DEVELOPER = "29-1141.00", "11-9111.00", "41-2011.00", "15-1252.00"
TARGETS = (MANAGER, "13-1071.00", "15-1232.00")


def population(ratings: Ratings, count: int, seed: int) -> People:
    """Return people of every kind: an occupation, own levels, both; few occupations, so that many are equal."""
    chance = np.random.default_rng(seed)
    some = np.array([ratings.row(code) for code in (NURSE, CASHIER, DEVELOPER, "47-2111.00", "19-3033.00")])
    kind = np.arange(count) % 3
    occupation = np.where(kind == 1, NONE, some[chance.integers(0, len(some), count)])
    own = np.where(
        (kind != 0)[:, None] & (chance.random((count, 35)) < 0.4), chance.integers(0, 57, (count, 35)) / 8, np.nan
    )
    own[kind == 1, 0] = 3.5
    target = np.array([ratings.row(code) for code in TARGETS])[chance.integers(0, len(TARGETS), count)]
    return People(occupation, target, own)


def counted(
    ratings: Ratings, people: People, *, at_once: int = 10_000, proposals: int = 5, own_target: bool = False
) -> WorkforceReport:
    targets = None if own_target else [ratings.row(code) for code in TARGETS]
    counts = Workforce(ratings, targets, proposals=proposals)
    count = len(people.target)
    for start in range(0, count, at_once):
        rows = np.arange(start, min(start + at_once, count))
        counts.add(people.take(rows), [f"p{k}" for k in rows.tolist()])
    return counts.report({})


def in_part(report: GapReport | PersonGapReport) -> bool:
    return bool(getattr(report, "unknown_skills", ()))


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(1, int(np.ceil(share * len(ordered)))) - 1]


def test_counts_are_those_of_each_person_alone(ratings: Ratings):
    people = population(ratings, 240, seed=1)
    report = counted(ratings, people, at_once=70)
    assert (report.people, report.with_own_levels) == (240, 160)
    assert [view.to_occupation.onet_soc_code for view in report.targets] == list(TARGETS)
    for view in report.targets:
        each = [alone(ratings, people, k, view.to_occupation.onet_soc_code) for k in range(240)]
        shortfalls = [one.summary.weighted_shortfall for one in each]
        assert view.people == 240
        assert view.without_sure_gap == sum(one.summary.distinguishable_gaps == 0 and not in_part(one) for one in each)
        assert view.known_in_part == sum(map(in_part, each))
        assert view.shortfall.mean == pytest.approx(np.mean(shortfalls), abs=1e-4)
        for name, share in (("p10", 0.1), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p90", 0.9)):
            assert getattr(view.shortfall, name) == pytest.approx(quantile(shortfalls, share), abs=0.0026)
        bars = [sum(k / 10 <= value < (k + 1) / 10 for value in shortfalls) for k in range(len(view.shortfall_counts))]
        assert view.shortfall_counts == bars
        assert sum(bars) == 240
        assert len(view.skills) == 35
        assert [skill.lacking for skill in view.skills] == sorted((s.lacking for s in view.skills), reverse=True)
        for skill in view.skills:
            rows = [row for one in each for row in one.skill_gaps if row.element_id == skill.element_id]
            gaps = [row.gap for row in rows if row.distinguishable]
            unknown = sum(
                skill.element_id in {row.element_id for row in getattr(one, "unknown_skills", ())} for one in each
            )
            assert (skill.lacking, skill.may_be_chance) == (len(gaps), len(rows) - len(gaps))
            assert skill.share == round(len(gaps) / 240, 4)
            assert skill.unknown == unknown
            if gaps:
                assert skill.gap is not None
                assert skill.gap.mean == pytest.approx(np.mean(gaps), abs=1e-4)
                assert skill.gap.median == pytest.approx(quantile(gaps, 0.5), abs=0.0026)


def test_feeders_add_up(ratings: Ratings):
    people = population(ratings, 240, seed=2)
    for view in counted(ratings, people, at_once=100).targets:
        assert sum(each.people for each in view.feeders) == 240
        assert [each.mean_cost for each in view.feeders] == sorted(each.mean_cost for each in view.feeders)
        for each in view.feeders:
            row = ratings.row(each.occupation.onet_soc_code) if each.occupation else NONE
            members = np.flatnonzero(people.occupation == row)
            reports = [alone(ratings, people, k, view.to_occupation.onet_soc_code) for k in members.tolist()]
            assert each.people == len(members)
            assert each.without_sure_gap == sum(
                one.summary.distinguishable_gaps == 0 and not in_part(one) for one in reports
            )
            assert each.mean_cost == pytest.approx(
                np.mean([one.summary.distinguishable_shortfall for one in reports]), abs=1e-4
            )


@pytest.mark.parametrize("at_once", [1, 7])
def test_many_at_a_time_are_computed_in_parts(ratings: Ratings, at_once: int):
    people = population(ratings, 60, seed=8)
    counts = Workforce(ratings, [ratings.row(code) for code in TARGETS], proposals=5)
    counts.add(people, [f"p{k}" for k in range(60)], at_once=at_once)
    assert counts.report({}) == counted(ratings, people)


@pytest.mark.parametrize("own_target", [False, True])
def test_batches_do_not_change_the_report(ratings: Ratings, own_target: bool):
    people = population(ratings, 150, seed=3)
    whole = counted(ratings, people, own_target=own_target)
    for at_once in (1, 7, 149):
        assert counted(ratings, people, at_once=at_once, own_target=own_target) == whole


def test_people_with_their_own_target_are_counted_only_there(ratings: Ratings):
    people = population(ratings, 120, seed=4)
    report = counted(ratings, people, own_target=True, proposals=3)
    assert {view.to_occupation.onet_soc_code for view in report.targets} == set(TARGETS)
    assert sum(view.people for view in report.targets) == 120
    for view in report.targets:
        members = np.flatnonzero(people.target == ratings.row(view.to_occupation.onet_soc_code)).tolist()
        reports = {f"p{k}": alone(ratings, people, k, view.to_occupation.onet_soc_code) for k in members}
        ranked = sorted(
            reports.values(),
            key=lambda one: (in_part(one), one.summary.distinguishable_shortfall, one.summary.weighted_shortfall),
        )
        assert [each.cost for each in view.conversions] == [one.summary.distinguishable_shortfall for one in ranked[:3]]
        assert view.people == view.cheapest_for == len(members)
        for each in view.conversions:
            assert each.cost == reports[each.id].summary.distinguishable_shortfall
            assert each.unknown == len(getattr(reports[each.id], "unknown_skills", ()))


@pytest.mark.parametrize("seed", range(12))
def test_no_other_proposals_have_a_lower_total_cost(ratings: Ratings, seed: int):
    """Compared with every way to propose two people for each of three targets, nobody twice."""
    people = population(ratings, 8, seed=seed)
    report = counted(ratings, people, at_once=3, proposals=2)
    reports = [[alone(ratings, people, k, code) for code in TARGETS] for k in range(8)]
    cost: Any = np.array(
        [[one.summary.distinguishable_shortfall + 10 * in_part(one) for one in row] for row in reports]
    )
    ways = (
        cost[list(first), 0].sum() + cost[list(second), 1].sum() + cost[list(third), 2].sum()
        for first in itertools.combinations(range(8), 2)
        for second in itertools.combinations(sorted(set(range(8)) - set(first)), 2)
        for third in itertools.combinations(sorted(set(range(8)) - set(first) - set(second)), 2)
    )
    proposed = [each for view in report.targets for each in view.conversions]
    assert len({each.id for each in proposed}) == len(proposed) == 6
    assert sum(each.cost + 10 * (each.unknown > 0) for each in proposed) == pytest.approx(min(ways), abs=1e-4)


def test_proposals_stay_optimal_with_many_candidates(ratings: Ratings):
    """Only the cheapest of 400 people are kept while streaming; the proposals are as if all had been kept."""
    people = population(ratings, 400, seed=9)
    few = counted(ratings, people, at_once=50, proposals=4)
    everyone = counted(ratings, people, at_once=400, proposals=4)
    assert few == everyone
    for view in few.targets:
        for each in view.conversions:
            report = alone(ratings, people, int(each.id[1:]), view.to_occupation.onet_soc_code)
            assert each.lacking == [row.element_name for row in report.skill_gaps if row.distinguishable]
            assert each.weighted_shortfall == report.summary.weighted_shortfall


def test_fewer_people_than_proposals_are_all_proposed_once(ratings: Ratings):
    report = counted(ratings, population(ratings, 4, seed=5), proposals=5)
    assert sorted(each.id for view in report.targets for each in view.conversions) == ["p0", "p1", "p2", "p3"]


def test_a_view_is_worked_by_hand():
    # One person with own levels, and three of one occupation, whose gaps are 2, 1 and none in the third skill.
    codes = ("11-0000.00", "12-0000.00", "13-0000.00")
    ratings = make_ratings(
        {codes[0]: [2.0, 3.0, 4.0], codes[1]: [4.0, 4.0, 7.0], codes[2]: [4.0, 4.0, 4.0]},
        importance={codes[2]: [4.0, 3.0, 2.0]},
    )
    people = People(
        np.array([NONE, 0, 0, 0, 1, 2]),
        np.full(6, 2),
        np.array([[0.0, 4.0, np.nan]] + [[np.nan] * 3] * 5),
    )
    counts = Workforce(ratings, [2], proposals=5)
    counts.add(people, list("dabcef"))
    [view] = counts.report({}).targets
    assert (view.people, view.incumbents, view.known_in_part, view.untested) == (6, 1, 1, 0)
    assert [
        (skill.element_id, skill.importance, skill.to_data_value, skill.lacking, skill.may_be_chance, skill.unknown)
        for skill in view.skills
    ] == [("2.A.0", 4.0, 4.0, 4, 0, 0), ("2.A.1", 3.0, 4.0, 3, 0, 0), ("2.A.2", 2.0, 4.0, 0, 0, 1)]
    # Three of (2 x 4 + 1 x 3) / 9, one of 4 x 4 / 7 over the known levels, two of 0.
    assert view.shortfall.mean == round((3 * 1.2222 + 2.2857) / 6, 4)
    assert view.shortfall_counts == [2, *[0] * 11, 3, *[0] * 9, 1]
    assert [(each.people, each.mean_cost, each.without_sure_gap) for each in view.feeders] == [
        (1, 0.0, 1),
        (1, 0.0, 1),
        (3, 1.2222, 0),
        (1, 2.2857, 0),
    ]
    occupations = ratings.occupations
    assert [(each.id, each.from_occupation, each.cost, each.unknown, each.lacking) for each in view.conversions] == [
        ("e", occupations[codes[1]], 0.0, 0, []),
        *((one, occupations[codes[0]], 1.2222, 0, ["Skill 0", "Skill 1"]) for one in "abc"),
        ("d", None, 2.2857, 1, ["Skill 0"]),
    ]


def test_the_widest_possible_gap_is_counted():
    ratings = make_ratings({"11-0000.00": [0.0], "12-0000.00": [7.0]})
    counts = Workforce(ratings, [1], proposals=1)
    counts.add(People(np.zeros(2, dtype=np.intp), np.ones(2, dtype=np.intp), None), ["a", "b"])
    [view] = counts.report({}).targets
    assert (view.shortfall.p90, view.skills[0].gap.median, view.shortfall_counts) == (7.0, 7.0, [*[0] * 70, 2])


def test_ties_are_ordered_by_group_size_and_skills_by_weight():
    ratings = make_ratings(
        {"11-0000.00": [2.0, 2.0], "12-0000.00": [2.0, 2.0], "13-0000.00": [4.0, 4.0]},
        importance={"13-0000.00": [2.0, 4.0]},
    )
    counts = Workforce(ratings, [2], proposals=1)
    counts.add(People(np.array([0, 1, 1]), np.full(3, 2), None), ["a", "b", "c"])
    [view] = counts.report({}).targets
    assert [each.occupation.onet_soc_code for each in view.feeders] == ["12-0000.00", "11-0000.00"]
    assert [skill.element_id for skill in view.skills] == ["2.A.1", "2.A.0"]


def test_untested_people_and_incumbents_add_up_over_batches(ratings: Ratings):
    untold = replace(ratings, standard_error=np.full_like(ratings.standard_error, np.nan), analysts=None)
    people = People(
        np.array([ratings.row(code) for code in (NURSE, MANAGER, CASHIER)]), np.zeros(3, dtype=np.intp), None
    )
    first, *_ = counted(untold, people, at_once=1).targets
    assert (first.untested, first.incumbents) == (3, 1)


def test_an_empty_population_has_no_view(ratings: Ratings):
    report = counted(ratings, population(ratings, 0, seed=6))
    assert (report.people, report.targets) == (0, [])


def test_incumbents_are_counted_and_not_proposed(ratings: Ratings):
    rows = [ratings.row(code) for code in (MANAGER, MANAGER, NURSE, CASHIER)]
    people = People(np.array(rows), np.zeros(4, dtype=np.int64), None)
    first, *_ = counted(ratings, people, proposals=3).targets
    assert (first.incumbents, first.people, first.without_sure_gap) == (2, 4, 2)
    assert {"p0", "p1"}.isdisjoint(each.id for each in first.conversions)
    counts = Workforce(ratings, [ratings.row(MANAGER)], proposals=3)
    counts.add(people, ["p0", "p1", "p2", "p3"])
    [view] = counts.report({}).targets
    assert [each.id for each in view.conversions] == ["p2", "p3"]


def test_untestable_gaps_do_not_count_as_no_gap(ratings: Ratings):
    untold = replace(ratings, standard_error=np.full_like(ratings.standard_error, np.nan), analysts=None)
    people = People(np.array([ratings.row(NURSE)]), np.zeros(1, dtype=np.int64), None)
    first, *_ = counted(untold, people).targets
    assert (first.untested, first.without_sure_gap, first.feeders[0].without_sure_gap) == (1, None, None)
    assert {(skill.lacking, skill.share) for skill in first.skills} == {(None, None)}
    counts = [skill.may_be_chance for skill in first.skills]
    assert counts == sorted(counts, reverse=True)
    assert max(counts) == 1
