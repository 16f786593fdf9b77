"""Similar occupations: the score recomputed independently, its fit to O*NET's own list, and filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.pairs import weighted_shortfalls
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import (
    MEASURES,
    Similarity,
    SimilarityInputs,
    compute_similarity,
    cosine,
    recipes,
    terms,
    units,
)
from skillgap.analysis.similarity.profiles import Profile
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.errors import UnknownOccupation, UnratedOccupation
from skillgap.service.ratings import get_all_ratings, get_profiles
from skillgap.store.engine import read
from tests.analysis.builders import make_ratings, near_by

NURSES, DEVELOPERS, MILITARY = "29-1141.00", "15-1252.00", "55-1011.00"


@pytest.fixture(scope="module")
def profiles(whole_29: Engine) -> dict[str, Profile]:
    with read(whole_29) as connection:
        return get_profiles(connection)


@pytest.fixture(scope="module")
def all_29(whole_29: Engine) -> Ratings:
    with read(whole_29) as connection:
        return get_all_ratings(connection)["onet"]


@pytest.fixture(scope="module")
def similarity(profiles: dict[str, Profile], all_29: Ratings) -> Similarity:
    return compute_similarity(profiles, all_29)


def test_without_occupations_there_is_no_similarity():
    similarity = compute_similarity({}, Ratings.empty())
    assert (similarity.codes, similarity.order.shape, similarity.basis.inputs) == ((), (0, 0), [])


def bare(profile: Profile) -> Profile:
    """Return the profile as in the starter data."""
    return titled(profile.onet_soc_code, profile.title)


def titled(code: str, title: str, job_zone: int | None = None) -> Profile:
    """Return a profile with a title only."""
    return Profile(code, title, "", (), (), (), (), job_zone, None, {})


def recall_at_10(similarity: Similarity, profiles: dict[str, Profile]) -> float:
    shares = []
    for row, code in enumerate(similarity.codes):
        listed = {
            other
            for other, tier in profiles[code].related.items()
            if tier.startswith("Primary") and other in similarity.rows
        }
        first = {similarity.codes[other] for other in similarity.order[row, :10]}
        shares.append(len(first & listed) / len(listed))
    return float(np.mean(shares))


def test_the_first_ten_include_as_many_of_onets_list_as_stated(similarity: Similarity, profiles: dict[str, Profile]):
    # Fitted to all lists, it may be a little better than cross-validated, but not worse.
    assert similarity.basis.name == "whole"
    found = recall_at_10(similarity, profiles)
    assert similarity.basis.recall_at_10 - 0.005 <= found <= similarity.basis.recall_at_10 + 0.02
    assert similarity.basis.recall_at_10 >= 0.66


def test_with_the_starters_columns_only_the_stated_recall_is_lower(all_29: Ratings, profiles: dict[str, Profile]):
    found = compute_similarity({code: bare(each) for code, each in profiles.items()}, all_29.of_domain("skills"))
    assert found.basis.inputs == ["skills", "SOC groups", "titles"]
    assert recall_at_10(found, profiles) == pytest.approx(found.basis.recall_at_10, abs=0.02)
    assert found.basis.recall_at_10 < 0.45


def test_onets_own_list_is_not_read(similarity: Similarity, profiles: dict[str, Profile], all_29: Ratings):
    without = {code: Profile(**{**vars(each), "related": {}}) for code, each in profiles.items()}
    np.testing.assert_array_equal(compute_similarity(without, all_29).log_odds, similarity.log_odds)


def test_a_score_is_the_sum_of_the_recipe(similarity: Similarity, profiles: dict[str, Profile], all_29: Ratings):
    known = SimilarityInputs(profiles, all_29)
    row, other = similarity.rows[NURSES], similarity.rows["29-1141.03"]
    total = similarity.recipe.intercept
    for name, weights in similarity.recipe.weights.items():
        matrix = MEASURES[name].compute(known)
        value = matrix[row, other]
        features = [value]
        if not MEASURES[name].is_categorical:
            # Its rank among the others in its row, and in its column.
            features += [
                -np.log(1 + np.count_nonzero(np.delete(matrix[row], row) > value)),
                -np.log(1 + np.count_nonzero(np.delete(matrix[:, other], other) > value)),
            ]
        total += float(np.dot(weights, features))
    assert similarity.scores(row)[other] == pytest.approx(1 / (1 + np.exp(-total)), rel=1e-3)


def test_ranks_are_worked_by_hand():
    matrix = np.array([[9.0, 0.5, 0.2], [0.5, 9.0, 0.9], [0.2, 0.9, 9.0]])
    value, rank, other_rank = terms(matrix, is_categorical=False)
    np.testing.assert_array_equal(value, matrix.astype(np.float32))
    ln2 = np.float32(-np.log(2))
    assert [rank[0, 1], rank[0, 2], rank[1, 0], rank[1, 2]] == [0, ln2, ln2, 0]
    assert [other_rank[1, 0], other_rank[2, 0]] == [0, ln2]  # in column 0, 1 comes before 2
    assert len(terms(matrix, is_categorical=True)) == 1


def test_measures_are_worked_by_hand():
    codes = ("11-1011.00", "11-1099.00", "11-1199.00", "41-1011.00")
    profiles = {
        code: titled(code, title, zone)
        for code, title, zone in zip(codes, ("Chief", "chiefs", "Clerk", "Chief clerk"), (2, 4, None, 5), strict=True)
    }
    known = SimilarityInputs(profiles, make_ratings({code: [1.0] for code in codes}))
    assert MEASURES["job zone"].compute(known).tolist() == [
        [0, -2, -1, -3],
        [-2, 0, -1, -1],
        [-1, -1, -1, -1],
        [-3, -1, -1, 0],
    ]
    assert MEASURES["major group"].compute(known)[:, 0].tolist() == [1, 1, 1, 0]
    assert MEASURES["minor group"].compute(known)[:, 0].tolist() == [1, 1, 0, 0]
    assert MEASURES["title"].compute(known)[0, :3].tolist() == [1, 1, 0]
    values = np.array([[0.3, 0.4], [3.0, 4.0], [0.4, -0.3], [0.0, 0.0]])
    np.testing.assert_allclose(units(values), [[0.6, 0.8], [0.6, 0.8], [0.8, -0.6], [0.0, 0.0]])
    matrix = cosine(values)
    np.testing.assert_allclose(matrix, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], atol=1e-15)


def test_two_occupations_are_similar_to_each_other_and_a_single_one_to_none():
    codes = ("11-1011.00", "41-1011.00")
    profiles = {code: titled(code, "Clerk") for code in codes}
    both = compute_similarity(profiles, make_ratings({code: [2.0] for code in codes}))
    assert (both.codes, both.order.tolist(), both.basis.name) == (codes, [[1], [0]], "skills and titles")
    alone = compute_similarity(profiles, make_ratings({codes[0]: [2.0]}))
    assert (alone.codes, alone.basis.name, alone.log_odds.shape, alone.order.shape) == ((), "nothing", (0, 0), (0, 0))


def test_the_order_is_by_score_and_excludes_the_occupation_itself(similarity: Similarity):
    assert similarity.order.shape == (879, 878)
    for row in range(0, 879, 50):
        assert sorted([*similarity.order[row].tolist(), row]) == list(range(879))
        scores = similarity.scores(row)[similarity.order[row]]
        assert (np.diff(scores) <= 0).all()


def test_every_recipe_declares_the_inputs_of_its_measures():
    assert [each.name for each in recipes()] == [
        *("whole", "without knowledge", "without importance", "independent", "skills and titles", "levels and titles")
    ]
    for each in recipes():
        needed = {needed for name in each.weights for needed in MEASURES[name].inputs}
        assert needed - ({"levels of skills"} if "skills" in needed else set()) == set(each.inputs)
    independent = next(each for each in recipes() if each.name == "independent")
    assert not {"tasks", "knowledge", "titles", "alternate titles"} & set(independent.inputs)


def test_missing_knowledge_is_the_mean_of_occupations_with_similar_texts(profiles: dict[str, Profile], all_29: Ratings):
    knows, columns = all_29.rows[NURSES], [each == "knowledge" for each in all_29.element_domains]
    levels = all_29.data_value.copy()
    levels[knows, columns] = np.nan
    whole, lacking = (SimilarityInputs(profiles, each) for each in (all_29, replace(all_29, data_value=levels)))
    row = whole.codes.index(NURSES)
    assert NURSES not in lacking.knowledge.codes
    found = lacking.rated.knowledge
    others = np.argsort(-whole.all_words[row], kind="stable")
    nearest = [other for other in others if other != row][:10]
    np.testing.assert_allclose(found[row], whole.rated.knowledge[nearest].mean(axis=0))
    assert np.corrcoef(found[row], whole.rated.knowledge[row])[0, 1] > 0.9


# -- transitions -------------------------------------------------------------------------------------------------------


def test_transitions_are_worked_by_hand():
    # Thirteen occupations, each half a level above the previous one, more similar the fewer lie between.
    codes = [f"{11 + k}-0000.00" for k in range(13)]
    ratings = make_ratings(
        {code: [k / 2] for k, code in enumerate(codes)}, job_zones={code: 1 + k % 5 for k, code in enumerate(codes)}
    )
    odds = [[4.0 - abs(a - b) / 4 for b in range(13)] for a in range(13)]
    similarity = replace(near_by(odds, ratings), related={codes[0]: {codes[2]: "Primary-Short"}})
    found = find_transitions(codes[0], similarity, ratings)
    assert [(each.rank, each.occupation.onet_soc_code) for each in found] == list(enumerate(codes[1:11], start=1))
    assert [each.score for each in found] == [round(1 / (1 + np.exp(k / 4 - 4.0)), 4) for k in range(1, 11)]
    assert [each.related_tier for each in found] == [None, "Primary-Short", *[None] * 8]
    assert [each.stability for each in found] == [None] * 10
    assert [each.summary.job_zone_step for each in found] == [1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
    assert [each.summary for each in found] == [identify_skill_gap(codes[0], b, ratings).summary for b in codes[1:11]]

    def ranks(**given: object) -> list[int]:
        return [each.rank for each in find_transitions(codes[0], similarity, ratings, where=TransitionFilter(**given))]

    assert ranks(job_zones={3}) == [2, 7, 12]
    assert ranks(major_group="20") == [9]
    percentile = found[4].summary.shortfall_percentile
    assert (ranks(most_percentile=percentile), ranks(most_percentile=percentile - 0.1)) == (
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4],
    )
    unknown = replace(similarity, codes=("99-9999.00", *codes[1:]))
    with pytest.raises(UnratedOccupation, match=r"no such occupation with rated or predicted levels$"):
        find_transitions(codes[0], unknown, ratings)


def test_transitions_show_the_gap_of_each_pair(similarity: Similarity, all_29: Ratings, profiles: dict[str, Profile]):
    skills = all_29.of_domain("skills")
    found = find_transitions(NURSES, similarity, skills, limit=25)
    assert [each.rank for each in found] == list(range(1, 26))
    for each in found:
        code = each.occupation.onet_soc_code
        assert each.summary == identify_skill_gap(NURSES, code, skills).summary
        assert each.related_tier == profiles[NURSES].related.get(code)
    assert {each.occupation.onet_soc_code for each in found[:3]} <= set(profiles[NURSES].related)
    knowledge = find_transitions(NURSES, similarity, all_29.of_domain("knowledge"), limit=3)
    assert [each.occupation for each in knowledge] == [each.occupation for each in found[:3]]
    assert knowledge[0].summary != found[0].summary


def test_filters_keep_the_rank(similarity: Similarity, all_29: Ratings):
    skills = all_29.of_domain("skills")
    every = find_transitions(NURSES, similarity, skills, limit=878)
    assert len(every) == 878

    def of(**given: object) -> list:
        return find_transitions(NURSES, similarity, skills, where=TransitionFilter(**given), limit=878)

    assert of(job_zones={4, 5}) == [each for each in every if each.occupation.job_zone in (4, 5)]
    assert of(major_group="11") == [each for each in every if each.occupation.onet_soc_code.startswith("11")]
    assert of(most_percentile=10.0) == [each for each in every if each.summary.shortfall_percentile <= 10.0]
    assert of(job_zones={5}, major_group="29", most_percentile=30) == [
        each
        for each in every
        if each.occupation.job_zone == 5
        and each.occupation.onet_soc_code.startswith("29")
        and each.summary.shortfall_percentile <= 30
    ]


@pytest.mark.slow
def test_only_rated_excludes_predictions(starter_ratings: Ratings, starter_profiles: dict[str, Profile]):
    similarity = compute_similarity(starter_profiles, starter_ratings)
    assert len(similarity.codes) == 923
    every = find_transitions(DEVELOPERS, similarity, starter_ratings, limit=922)
    rated = find_transitions(
        DEVELOPERS, similarity, starter_ratings, where=TransitionFilter(only_rated=True), limit=922
    )
    assert (len(every), len(rated)) == (922, 879)
    assert rated == [each for each in every if each.occupation.is_rated]


@pytest.fixture(scope="module")
def starter_ratings(starter_engine: Engine) -> Ratings:
    with read(starter_engine) as connection:
        return get_all_ratings(connection)["onet+llm"].of_domain("skills")


@pytest.fixture(scope="module")
def starter_profiles(starter_engine: Engine) -> dict[str, Profile]:
    with read(starter_engine) as connection:
        return get_profiles(connection)


def test_occupations_without_levels_have_no_transitions(similarity: Similarity, all_29: Ratings):
    with pytest.raises(UnratedOccupation):
        find_transitions(MILITARY, similarity, all_29.of_domain("skills"))
    with pytest.raises(UnknownOccupation):
        find_transitions("99-9999.00", similarity, all_29.of_domain("skills"))


def test_the_smallest_shortfall_does_not_mean_similar(all_29: Ratings, profiles: dict[str, Profile]):
    skills = all_29.of_domain("skills")
    shortfall = weighted_shortfalls(skills)
    np.fill_diagonal(shortfall, np.inf)
    order = np.argsort(shortfall, axis=1, kind="stable")[:, :-1].astype(np.int16)
    of = SimilarityInputs(profiles, all_29)
    by_effort = Similarity(skills.codes, -shortfall, order, recipes()[0], of.rated, of.errors, {})
    assert recall_at_10(by_effort, profiles) < 0.03
