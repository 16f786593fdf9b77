"""Look-up of ratings by code, name and id, and the errors for unknown ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skillgap.analysis.arrays import NO_MONTH
from skillgap.analysis.ratings import Ratings
from skillgap.errors import NoData, UnknownElement, UnknownOccupation, UnratedOccupation
from skillgap.models import Anchor, LevelAnchors, Occupation, Predictions
from skillgap.onet.releases import Release
from tests.analysis.builders import make_ratings

COOK, BAKER = "35-2014.00", "51-3011.00"
RELEASE = Release("29.0", None)
PREDICTIONS = Predictions("embedded:words", "kernels-1", "29.0", 879, 0.3, 0.33, -0.01, 0.95)


def small(**changes: Any) -> Ratings:
    """Return ratings of cooks only; bakers are listed without ratings."""
    ratings = make_ratings({COOK: [1.0, 2.0, 3.0]})
    baker = Occupation(BAKER, "Bakers", None, False, False, None, "text", None, None)
    return replace(ratings, occupations={**ratings.occupations, BAKER: baker}, release=RELEASE, **changes)


def with_baker(ratings: Ratings, **given: Any) -> Ratings:
    """Return the ratings with other facts about bakers."""
    baker = replace(ratings.occupations[BAKER], **given)
    return replace(ratings, occupations={**ratings.occupations, BAKER: baker})


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (small(), "O*NET 29.0 has no skill ratings for 51-3011.00 (Bakers), so no gap can be computed"),
        (
            replace(small(), release=None),
            "O*NET data has no skill ratings for 51-3011.00 (Bakers), so no gap can be computed",
        ),
        (
            replace(small(), release=None, web_services_release=Release("30.3", None)),
            "O*NET 30.3 has no skill ratings for 51-3011.00 (Bakers), so no gap can be computed",
        ),
        (
            with_baker(small(), is_predicted=True),
            "O*NET 29.0 has no skill ratings for 51-3011.00 (Bakers), so no gap can be computed; "
            "its levels are predicted: use the ratings onet+llm",
        ),
        (
            with_baker(small(), abstention="too thin"),
            "O*NET 29.0 has no skill ratings for 51-3011.00 (Bakers), so no gap can be computed, "
            "and its levels are not predicted: too thin",
        ),
        (
            with_baker(small(domain="skills"), is_rated=True),
            "no levels are predicted for 51-3011.00 (Bakers), so no gap can be computed; "
            "analysts have rated it: use the ratings onet+llm",
        ),
        (
            small(domain="work_activities"),
            "O*NET 29.0 has no work activities ratings for 51-3011.00 (Bakers), so no gap can be computed",
        ),
        (
            small(domain="work_activities", codes=()),
            "no work activities ratings are loaded for 51-3011.00 (Bakers) or any other occupation, and only skills "
            "can be predicted; `skillgap status` lists the loaded data",
        ),
    ],
)
def test_the_error_explains_why_an_occupation_has_no_levels(ratings: Ratings, message: str):
    with pytest.raises(UnratedOccupation) as raised:
        ratings.row(BAKER)
    assert (str(raised.value), raised.value.onet_soc_code) == (message, BAKER)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("51-3011.09", "O*NET 29.0 has no occupation 51-3011.09; 51-3011 has 51-3011.00"),
        ("99-9999.00", "O*NET 29.0 has no occupation 99-9999.00"),
        ("51-3101.00", "O*NET 29.0 has no occupation 51-3101.00. Did you mean 51-3011.00 (Bakers)?"),
        ("51-3012.00", "O*NET 29.0 has no occupation 51-3012.00. Did you mean 51-3011.00 (Bakers)?"),
        ("51-3102.00", "O*NET 29.0 has no occupation 51-3102.00"),
    ],
)
def test_an_unknown_occupation_is_reported_with_its_family(code: str, message: str):
    with pytest.raises(UnknownOccupation) as raised:
        small().row(code)
    assert (str(raised.value), raised.value.onet_soc_code) == (message, code)


def test_an_empty_database_is_reported():
    assert Ratings.empty().data_version == ""
    with pytest.raises(NoData):
        Ratings.empty().row(BAKER)


def test_elements_are_found_by_name_and_by_id():
    ratings = small(element_names=("Mathematics", "Writing", "Mathematics"))
    assert ratings.columns == {"2.a.0": 0, "2.a.1": 1, "2.a.2": 2, "writing": 1}
    assert [ratings.column(text) for text in ("2.A.0", " 2.a.2 ", "WRITING")] == [0, 2, 1]
    assert ratings.ids_of_name(" mathematics") == ["2.A.0", "2.A.2"]
    assert ratings.ids_of_name("Writing") == ()
    for text, message in (
        ("Mathematics", "several elements are called 'Mathematics'. Did you mean 2.A.0 or 2.A.2?"),
        ("Writting", "no element is called 'Writting'. Did you mean Writing?"),
        ("Welding", "no element is called 'Welding'"),
        ("x" * 100, f"no element is called '{'x' * 60}'"),
    ):
        with pytest.raises(UnknownElement) as raised:
            ratings.column(text)
        assert str(raised.value) == message


def test_a_shared_element_name_is_cut_to_sixty_letters_in_the_error():
    ratings = small(element_names=("y" * 70, "Writing", "y" * 70))
    with pytest.raises(UnknownElement) as raised:
        ratings.column("y" * 70)
    assert str(raised.value) == f"several elements are called '{'y' * 60}'. Did you mean 2.A.0 or 2.A.2?"


def test_the_closest_name_is_similar_enough_or_empty():
    ratings = small(element_names=("Speaking", "Writing", "Reading"))
    assert (ratings.closest_name("Speeking"), ratings.closest_name("qqqqqqqq")) == ("Speaking", "")
    # Four of seven letters match; the eight of "Speaking" are too few of sixty.
    assert (ratings.closest_name("Wrixyzg"), ratings.closest_name("Wrixyzg", cutoff=0.5)) == ("", "Writing")


def test_other_weights_are_those_of_the_analysts_ratings_too():
    ratings = make_ratings({"a": [1.0], "b": [4.0]}, importance={"a": [2.0], "b": [4.0]})
    both = replace(ratings, analysts=ratings)
    weighed = both.weighted_by("standard")
    assert (weighed.weight.tolist(), weighed.analysts.weight.tolist()) == ([[1.0], [3.0]], [[1.0], [3.0]])
    assert both.weighted_by("standard") is weighed
    assert ratings.weighted_by("standard").analysts is None


def test_skills_are_ordered_by_importance_then_level_with_irrelevant_ones_last():
    ratings = make_ratings(
        {"a": [1.0, 2.0, 5.0, 6.0, None]},
        importance={"a": [3.0, 3.0, 2.0, 4.0, np.nan]},
        not_relevant={"a": [False, False, False, True, False]},
    )
    assert [skill.element_id for skill in ratings.skills("a")] == ["2.A.1", "2.A.0", "2.A.2", "2.A.3"]


def test_predictions_fill_unrated_cells():
    rated = make_ratings({"a": [1.0, None, 3.0], "b": [4.0, 5.0, 6.0]}, month={"b": [24_000] * 3})
    predicted = replace(
        make_ratings({"a": [2.0, 2.5, 2.0], "c": [0.5, 1.5, 3.5]}, lower={"c": [0.25, 0.5, 1.0]}),
        element_ids=("2.A.0", "2.A.1", "2.B.0"),
        element_names=("Another name", "Skill 1", "A skill of predictions"),
        sources=("llm",),
        explanations={("a", "2.A.1"): "leans on b"},
        predictions=PREDICTIONS,
    )
    both = rated.filled_with(predicted)
    assert (both.codes, both.element_ids) == (("a", "b", "c"), ("2.A.0", "2.A.1", "2.A.2", "2.B.0"))
    assert both.element_names == ("Skill 0", "Skill 1", "Skill 2", "A skill of predictions")
    nan = np.nan
    np.testing.assert_array_equal(both.data_value, [[1, 2.5, 3, 2], [4, 5, 6, nan], [0.5, 1.5, nan, 3.5]])
    np.testing.assert_array_equal(both.lower[2], [0.25, 0.5, nan, 1.0])
    assert (both.n[:2].tolist(), both.month[1].tolist()) == ([[8] * 4, [8, 8, 8, 0]], [24_000] * 3 + [NO_MONTH])
    sources = [[both.sources[source] for source in row] for row in both.source]
    assert sources[0] == ["text", "llm", "text", "llm"]
    assert (sources[1][:3], [sources[2][k] for k in (0, 1, 3)]) == (["text"] * 3, ["llm"] * 3)
    assert (both.analysts, both.predictions, both.explanations) == (rated, PREDICTIONS, predicted.explanations)
    assert rated.filled_with(Ratings.empty()) is rated


def test_some_occupations_and_elements_of_all():
    ratings = make_ratings(
        {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "c": [0.0, 0.5, 7.0]},
        n={"c": [8, 7, 6]},
        importance={"c": [2, 3, 4]},
    )
    some = replace(ratings, analysts=ratings).restricted_to(["a", "c"], ["2.A.0", "2.A.2"])
    assert (some.codes, some.element_ids, some.element_names) == (
        ("a", "c"),
        ("2.A.0", "2.A.2"),
        ("Skill 0", "Skill 2"),
    )
    assert some.analysts is None
    assert some.data_value.tolist() == [[1.0, 3.0], [0.0, 7.0]]
    assert (some.n.tolist(), some.importance.tolist()) == ([[8, 8], [8, 6]], [[3.0, 3.0], [2.0, 4.0]])
    none = ratings.restricted_to([], [])
    assert (none.codes, none.element_ids, none.data_value.shape) == ((), (), (0, 0))
    assert np.array_equal(ratings.restricted_to("abc", ratings.element_ids).n, ratings.n)


def test_one_domain_of_all_has_its_own_sources_and_analysts():
    given = make_ratings({COOK: [1.0, 2.0], BAKER: [3.0, None]}, source={COOK: [0, 1], BAKER: [0, 1]})
    every = replace(given, element_ids=("2.A.1.a", "2.C.1.a"), sources=("web services", "text"))
    knowledge = replace(every, analysts=every).of_domain("knowledge")
    assert (knowledge.codes, knowledge.element_ids, knowledge.element_names) == ((COOK,), ("2.C.1.a",), ("Skill 1",))
    assert (knowledge.sources, knowledge.printed(0).source) == (("text",), ["text"])
    assert knowledge.analysts.element_ids == ("2.C.1.a",)
    assert every.of_domain("skills").of_domain("all").codes == (COOK, BAKER)


def test_missing_figures_are_printed_as_none():
    anchors = {"2.A.0": [Anchor(1, "one"), Anchor(4, "four")], "2.A.1": [Anchor(2, "two")]}
    ratings = replace(
        make_ratings({COOK: [3.0, None, 2.0]}, n={COOK: [8, 0, 15]}, month={COOK: [12 * 2023 + 7, NO_MONTH, 12 * 999]}),
        anchors=anchors,
    )
    printed = ratings.printed(0)
    assert printed.data_value == [3.0, None, 2.0]
    assert printed.n == [8, None, 15]
    assert printed.date_updated == ["2023-08", None, "0999-01"]
    assert printed.anchors == [LevelAnchors(*anchors["2.A.0"]), None, None]
