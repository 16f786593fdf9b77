"""Gaps with a predicted side: the model's error counts, ratings take precedence, rated pairs do not change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.errors import UnratedOccupation
from skillgap.models import Occupation, Predictions
from tests.analysis.builders import make_ratings

CLERK, NURSE, DEVELOPER, SCIENTIST, MILITARY = "11-0000.00", "12-0000.00", "15-0000.00", "15-2051.00", "55-0000.00"
MODEL = Predictions("some-model", "1", "29.0", 2, 0.3, 0.33, 0.0, 0.94)


def predicted(levels: dict[str, list[float | None]], *, error: float = 0.4) -> Ratings:
    width = len(next(iter(levels.values())))
    shape = {"n": 0, "importance": np.nan, "importance_standard_error": np.nan, "importance_n": 0}
    given = {name: dict.fromkeys(levels, [value] * width) for name, value in shape.items()}
    given["standard_error"] = dict.fromkeys(levels, [error] * width)
    for end, sign in (("lower", -2), ("upper", 2)):
        given[end] = {code: [np.nan if v is None else v + sign * error for v in row] for code, row in levels.items()}
    return replace(make_ratings(levels, **given), sources=("llm",), predictions=MODEL)


def both(onet: Ratings, llm: Ratings) -> Ratings:
    """Return the ratings filled with predictions, with occupations as the store returns them."""
    occupations = {
        code: Occupation(
            code, f"Title {code}", None, code in onet.codes, code not in onet.codes, None, "text", None, None
        )
        for code in sorted({*onet.codes, *llm.codes})
    }
    onet, llm = (replace(each, occupations=occupations) for each in (onet, llm))
    return onet.filled_with(replace(llm, analysts=onet))


RATED = {CLERK: [2.0, 3.0, 1.0], NURSE: [4.5, 3.5, 2.0]}


def test_a_gap_to_a_rated_target_has_both_errors_by_hand():
    ratings = both(make_ratings(RATED), predicted({DEVELOPER: [3.75, 3.4, 2.5]}))
    report = identify_skill_gap(DEVELOPER, NURSE, ratings)
    first = report.skill_gaps[0]
    assert (first.gap, first.from_data_value, first.from_source, first.to_source) == (0.75, 3.75, "llm", "text")
    assert (first.from_lower, first.from_upper, first.to_lower) == (2.95, 4.55, None)
    error = math.hypot(0.4, 0.125)
    assert first.standard_error == pytest.approx(error, abs=5e-5)
    assert first.p_value == pytest.approx(2 * stats.t.sf(0.75 / error, 14), abs=2e-6)
    assert first.gap_upper == pytest.approx(0.75 + stats.t.ppf(0.975, 14) * error, abs=5e-5)
    assert not first.distinguishable, "with a rater's error of 0.125 it would be"
    assert (
        identify_skill_gap(
            DEVELOPER, NURSE, both(make_ratings(RATED), predicted({DEVELOPER: [3.75, 3.4, 2.5]}, error=0.125))
        )
        .skill_gaps[0]
        .distinguishable
    )


def test_a_rated_pair_is_the_same_with_and_without_predictions():
    onet = make_ratings(RATED)
    with_predictions = both(onet, predicted({NURSE: [0.0, 0.0, 0.0], DEVELOPER: [7.0, 7.0, 7.0]}))
    alone, beside = (identify_skill_gap(CLERK, NURSE, ratings) for ratings in (onet, with_predictions))
    assert (alone.summary, alone.skill_gaps) == (beside.summary, beside.skill_gaps)


def test_the_model_is_named_where_either_side_has_a_prediction():
    ratings = both(make_ratings(RATED), predicted({DEVELOPER: [7.0, 7.0, 7.0]}))
    pairs = [(CLERK, NURSE), (CLERK, DEVELOPER), (DEVELOPER, CLERK)]
    named = [identify_skill_gap(*pair, ratings).provenance.predictions for pair in pairs]
    assert named == [None, MODEL, MODEL]


def test_a_prediction_has_source_llm_whatever_the_sources_of_ratings():
    onet = replace(make_ratings(RATED, source={NURSE: [1, 1, 1]}), sources=("text", "web services"))
    ratings = both(onet, predicted({DEVELOPER: [7.0, 7.0, 7.0]}))
    assert [ratings.printed(row).source for row in range(3)] == [["text"] * 3, ["web services"] * 3, ["llm"] * 3]


def test_a_prediction_fills_a_cell_that_analysts_left_out_and_no_other():
    onet = make_ratings({CLERK: [2.0, None, 1.0]})
    ratings = both(onet, predicted({CLERK: [6.0, 5.0, 6.0]}))
    np.testing.assert_array_equal(ratings.data_value, [[2.0, 5.0, 1.0]])
    assert [ratings.sources[i] for i in ratings.source[0]] == ["text", "llm", "text"]
    np.testing.assert_array_equal(ratings.n, [[8, 0, 8]])


def test_a_level_that_neither_has_stays_missing():
    ratings = both(make_ratings({CLERK: [2.0, None]}), predicted({DEVELOPER: [None, 3.0]}))
    np.testing.assert_array_equal(ratings.data_value, [[2.0, np.nan], [np.nan, 3.0]])
    np.testing.assert_array_equal(ratings.is_predicted, [[False, False], [False, True]])


def test_predicted_levels_have_the_average_weight_of_ratings_at_that_level():
    levels = {f"1{i}-0000.00": [level] for i, level in enumerate([0.0, 1.0, 2.0, 4.0])}
    importance = {code: [1.0 + 0.5 * row[0]] for code, row in levels.items()}
    not_relevant = {code: [row[0] == 0.0] for code, row in levels.items()}  # weighs 0
    onet = make_ratings(levels, importance=importance, not_relevant=not_relevant)
    ratings = both(onet, predicted({"20-0000.00": [3.0]}))
    line = np.polyfit([0.0, 1.0, 2.0, 4.0], [0.0, 1.5, 2.0, 3.0], 1)
    assert ratings.weight[-1, 0] == pytest.approx(np.polyval(line, 3.0))
    np.testing.assert_array_equal(ratings.weight[:-1], onet.weight)


def test_the_importance_of_a_predicted_level_stays_on_its_scale():
    # Through (1, 1) and (2, 5): at 1.25 it is 2, at 7 it would be 25, at 0 -3. If all levels are equal, the mean.
    onet = make_ratings({CLERK: [1.0, 2.0], NURSE: [2.0, 2.0]}, importance={CLERK: [1.0, 2.0], NURSE: [5.0, 3.0]})
    ratings = both(onet, predicted({DEVELOPER: [7.0, 6.0], SCIENTIST: [1.25, 2.0], MILITARY: [0.0, 0.0]}))
    assert ratings.counted_importance[2:].tolist() == [[5.0, 2.5], [2.0, 2.5], [0.0, 2.5]]


def test_without_predictions_nothing_is_copied():
    onet = make_ratings(RATED)
    assert onet.filled_with(Ratings.empty()) is onet


@pytest.mark.parametrize(
    ("occupation", "words"),
    [
        ({"is_predicted": True}, "its levels are predicted: use the ratings onet+llm"),
        ({"abstention": "too thin"}, "and its levels are not predicted: too thin"),
        ({"is_rated": True}, "no levels are predicted for 55-0000.00"),
    ],
)
def test_the_error_for_missing_levels_names_the_reason(occupation: dict[str, object], words: str):
    ratings = make_ratings(RATED)
    facts = {"is_rated": False, "is_predicted": False, "abstention": None, **occupation}
    unrated = Occupation(MILITARY, "Air Crew", None, **facts, source="text", as_of=None, job_zone=None)
    ratings = replace(ratings, occupations={**ratings.occupations, MILITARY: unrated})
    with pytest.raises(UnratedOccupation, match=r"55-0000\.00 \(Air Crew\), so no gap") as raised:
        ratings.row(MILITARY)
    assert words in str(raised.value)
