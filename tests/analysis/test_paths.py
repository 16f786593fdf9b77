"""Paths: compared with an independent search of all chains, and worked by hand."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.paths import find_paths
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.errors import UnknownOccupation, UnratedOccupation
from skillgap.service.ratings import get_all_ratings, get_profiles
from skillgap.store.engine import read
from tests.analysis.builders import make_ratings, near_by


@pytest.fixture(scope="module")
def all_29(whole_29: Engine) -> Ratings:
    with read(whole_29) as connection:
        return get_all_ratings(connection)["onet"]


@pytest.fixture(scope="module")
def similarity(whole_29: Engine, all_29: Ratings) -> Similarity:
    with read(whole_29) as connection:
        return compute_similarity(get_profiles(connection), all_29)


def codes_of(path: object) -> tuple[str, ...]:
    return tuple(step.occupation.onet_soc_code for step in path.steps)


def expected_shortfall(one: str, other: str, ratings: Ratings) -> float:
    """The weighted mean of the expected positive parts of normal differences, in plain Python."""
    normal, total = NormalDist(), 0.0
    a, b = ratings.rows[one], ratings.rows[other]
    for k, weight in enumerate(ratings.weight[b]):
        gap = ratings.level_or_zero[b, k] - ratings.level_or_zero[a, k]
        error = math.hypot(*(max(ratings.standard_error[row, k], 0.125) for row in (a, b)))
        total += weight * (gap * normal.cdf(gap / error) + error * normal.pdf(gap / error))
    return round(total / ratings.weight[b].sum(), 4)


def brute_force(
    start: str, end: str, similarity: Similarity, ratings: Ratings, neighbours: int
) -> list[tuple[float, int, float, tuple[str, ...]]]:
    """Return all chains of at most three moves by walking, with hardest move, moves and sum."""
    first = {
        code: {similarity.codes[other] for other in similarity.order[row, :neighbours]}
        for row, code in enumerate(similarity.codes)
    }
    similar = {
        code: {other for other in similarity.codes if other in first[code] or code in first[other]}
        for code in similarity.codes
    }
    known: dict[tuple[str, str], tuple[float, float]] = {}

    def move(one: str, other: str) -> tuple[float, float]:
        if (one, other) not in known:
            summary = identify_skill_gap(one, other, ratings).summary
            known[one, other] = (expected_shortfall(one, other, ratings), summary.weighted_shortfall)
        return known[one, other]

    found = []

    def walk(chain: tuple[str, ...]) -> None:
        if chain[-1] == end:
            moves = [move(*pair) for pair in pairwise(chain)]
            total = round(sum(weighted for _, weighted in moves), 4)
            found.append((max(expected for expected, _ in moves), len(moves), total, chain[1:]))
        elif len(chain) < 4:
            for other in sorted(similar[chain[-1]] - set(chain)):
                if len(chain) < 3 or other == end:
                    walk((*chain, other))

    walk((start,))
    return sorted(found)


def test_the_first_path_is_the_best_of_all_chains_by_another_search(similarity: Similarity, all_29: Ratings):
    skills, chance, reached = all_29.of_domain("skills"), random.Random(3), 0
    pairs = [("29-1141.00", "11-9111.00"), ("43-4051.00", "13-1071.00"), ("29-1141.00", "29-1171.00")]
    pairs += [tuple(chance.sample(similarity.codes, 2)) for _ in range(12)]
    for start, end in pairs:
        for neighbours in (5, 12):
            expected = brute_force(start, end, similarity, skills, neighbours)
            report = find_paths(start, end, similarity, skills, neighbors=neighbours, limit=8)
            assert report.chains_compared == len(expected)
            found = [
                (path.hardest_move, len(path.steps), path.total_shortfall, codes_of(path)) for path in report.paths
            ]
            assert found == expected[:8]
            reached += bool(expected)
    assert reached >= 5


def test_each_step_is_the_gap_of_its_pair(similarity: Similarity, all_29: Ratings):
    skills = all_29.of_domain("skills")
    report = find_paths("29-1141.00", "11-9111.00", similarity, skills)
    assert report.direct == identify_skill_gap("29-1141.00", "11-9111.00", skills).summary
    for path in report.paths:
        before = "29-1141.00"
        for step in path.steps:
            assert step.summary == identify_skill_gap(before, step.occupation.onet_soc_code, skills).summary
            assert step.expected_shortfall == expected_shortfall(before, step.occupation.onet_soc_code, skills)
            before = step.occupation.onet_soc_code
        assert before == "11-9111.00"
        assert path.hardest_move == max(step.expected_shortfall for step in path.steps)


def test_paths_are_worked_by_hand():
    # One skill at levels 1, 3, 5 and 6. From a to c: directly 4; through b at most 2; through b and d at most 3, and 5
    # in total, since the move from d down to c has no gap.
    ratings = make_ratings({"a": [1.0], "b": [3.0], "c": [5.0], "d": [6.0]})
    similarity = near_by([[0, 9, 8, 1], [9, 0, 8, 1], [8, 9, 0, 1], [1, 2, 9, 0]], ratings)
    report = find_paths("a", "c", similarity, ratings, neighbors=2)
    assert [(codes_of(path), path.hardest_move, path.total_shortfall) for path in report.paths] == [
        (("b", "c"), 2.0, 4.0),
        (("b", "d", "c"), 3.0, 5.0),
        (("c",), 4.0, 4.0),
    ]
    assert report.direct.distinguishable_shortfall == 4.0
    assert [step.summary for step in report.paths[1].steps] == [
        identify_skill_gap(*pair, ratings).summary for pair in pairwise("abdc")
    ]
    assert (report.from_occupation, report.to_occupation) == (ratings.occupations["a"], ratings.occupations["c"])
    assert (report.domain, report.neighbours, report.basis) == ("all", 2, similarity.basis)
    assert report.provenance == ratings.provenance
    assert [codes_of(path) for path in find_paths("a", "c", similarity, ratings, neighbors=2, limit=1).paths] == [
        ("b", "c")
    ]


def test_by_default_five_paths_through_the_twenty_most_similar_are_returned():
    # Twenty-two occupations between a and z, each more similar to both than they are to each other.
    codes = ["a", *(f"b{k:02d}" for k in range(22)), "z"]
    ratings = make_ratings({code: [1.0 + k / 8] for k, code in enumerate(codes)})
    score = np.zeros((24, 24))
    score[0, 1:23] = score[23, 1:23] = np.arange(22, 0, -1)
    score[1:23, 0] = score[1:23, 23] = -0.5
    report = find_paths("a", "z", near_by(score.tolist(), ratings), ratings)
    assert (report.neighbours, len(report.paths)) == (20, 5)
    assert {code for path in report.paths for code in codes_of(path)[:-1]} <= set(codes[1:21])


def test_similarity_in_one_direction_suffices_and_occupations_without_levels_are_avoided():
    ratings = make_ratings({"a": [1.0], "b": [3.0], "c": [5.0]})
    one_way = near_by([[0, 9, 1], [1, 0, 9], [9, 1, 0]], ratings)  # a-b, b-c, c-a, each nearest to but one of two
    assert [codes_of(path) for path in find_paths("a", "c", one_way, ratings, neighbors=1).paths] == [
        ("b", "c"),
        ("c",),
    ]
    without = ratings.restricted_to(["a", "c"], ratings.element_ids)
    assert [codes_of(path) for path in find_paths("a", "c", one_way, without, neighbors=1).paths] == [("c",)]


def test_figures_are_rounded_as_they_are_shown():
    # One skill of three has half the weight: shortfalls of thirds.
    ratings = make_ratings(
        {"a": [1.0, 1.0, 1.0], "b": [2.0, 1.0, 1.0], "c": [2.0, 3.0, 1.0]}, n={each: [50] * 3 for each in "abc"}
    )
    report = find_paths("a", "c", near_by([[0, 9, 1], [9, 0, 9], [1, 9, 0]], ratings), ratings, neighbors=1)
    assert [(codes_of(path), path.hardest_move, path.total_shortfall) for path in report.paths] == [
        (("b", "c"), 0.7137, 1.0)  # (2 + 2 x 0.1768 x 0.3989) / 3: two skills without a gap have errors
    ]


def test_without_similar_occupations_there_is_no_path_but_still_the_direct_move():
    ratings = make_ratings({"a": [1.0], "b": [3.0], "c": [5.0], "d": [6.0]})
    similarity = near_by([[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]], ratings)
    report = find_paths("a", "c", similarity, ratings, neighbors=1)
    assert (report.paths, report.chains_compared) == ([], 0)
    assert report.direct.weighted_shortfall == 4.0


def test_there_is_no_path_from_an_occupation_to_itself():
    ratings = make_ratings({"a": [1.0], "b": [3.0]})
    assert find_paths("a", "a", near_by([[0, 1], [1, 0]], ratings), ratings).paths == []


def test_occupations_without_levels_have_no_paths(similarity: Similarity, all_29: Ratings):
    for pair, error in ((("29-1141.00", "55-1011.00"), UnratedOccupation), (("0", "29-1141.00"), UnknownOccupation)):
        with pytest.raises(error):
            find_paths(*pair, similarity, all_29.of_domain("skills"))


def test_paths_in_another_domain_use_its_gaps(similarity: Similarity, all_29: Ratings):
    knowledge = all_29.of_domain("knowledge")
    report = find_paths("29-1141.00", "29-1171.00", similarity, knowledge)
    assert report.paths[0].steps[-1].summary.job_zone_step is not None
    assert report.domain == "knowledge"
    assert report.direct == identify_skill_gap("29-1141.00", "29-1171.00", knowledge).summary


def test_an_unknown_error_counts_as_the_usual_one(similarity: Similarity, all_29: Ratings):
    # Experts rated the managers, without standard errors: gaps that cannot be tested must not look easy.
    knowledge = all_29.of_domain("knowledge")
    report = find_paths("29-1141.00", "11-9111.00", similarity, knowledge, limit=20)
    assert (report.direct.skills_tested, report.direct.distinguishable_shortfall) == (0, None)
    untested = [
        step for path in report.paths for step in path.steps if not step.summary.skills_tested and step.summary.gaps
    ]
    assert untested
    assert all(step.expected_shortfall > step.summary.weighted_shortfall for step in untested)


def test_noise_makes_no_move_look_easy():
    # Both moves lead two levels up in one of two skills; the ratings of the second intermediate vary more.
    ratings = make_ratings(
        {"a": [1.0, 1.0], "b": [2.0, 1.0], "c": [2.0, 1.0], "d": [3.0, 1.0]},
        standard_error={"b": [0.2, 0.2], "c": [0.6, 0.6]},
    )
    similarity = near_by([[0, 9, 9, 1], [9, 0, 1, 9], [9, 1, 0, 9], [1, 9, 9, 0]], ratings)
    report = find_paths("a", "d", similarity, ratings, neighbors=2)
    assert [codes_of(path) for path in report.paths if len(path.steps) == 2] == [("b", "d"), ("c", "d")]
