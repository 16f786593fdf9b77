"""The profiler on O*NET 29.0: its predictions, its abstentions, and the reliability of sure gaps."""

from __future__ import annotations

import random

import numpy as np
import pytest

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import compare_means
from skillgap.errors import ConfigurationError, UnknownOccupation
from skillgap.llm.embedded import EMBEDDED, EmbeddedProfiler, find_embedded
from skillgap.llm.profiler import Scoring, llm_skill_profiler
from skillgap.llm.training_data import TrainingData, read_training_data
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.predictions import read_predictions
from skillgap.sources.releases import Archive
from skillgap.sources.text_files import OnetData, extract_onet_data
from tests.conftest import onet_zip

DEVELOPER, SCIENTIST, NURSE, MILITARY = "15-1252.00", "15-2051.00", "29-1141.00", "55-1011.00"
WORDS = EmbeddedProfiler("embedded:words", None)


@pytest.fixture(scope="module")
def training_data(whole_release: OnetData) -> TrainingData:
    return read_training_data(whole_release.tables)


@pytest.fixture(scope="module")
def scoring(training_data: TrainingData) -> Scoring:
    """All occupations of 29.0, without the language model."""
    return llm_skill_profiler(WORDS, training_data, list(training_data.profiles))


def test_every_occupation_is_scored_whole_or_abstained_from_with_the_reason(
    training_data: TrainingData, scoring: Scoring
):
    scored = {score.onet_soc_code for score in scoring.scores}
    assert (len(scored), len(scoring.abstentions), len(scoring.scores)) == (923, 93, 923 * 35)
    assert scored.isdisjoint(scoring.abstentions)
    assert "no tasks and no Job Zone" in scoring.abstentions[MILITARY]
    assert scoring.failures == {}
    for score in scoring.scores:
        assert 0 <= score.lower <= score.level <= score.upper <= 7
        assert score.level == round(score.level, 2)
    assert len(training_data.skills) == 35
    assert all(skill.description and skill.anchors for skill in training_data.skills)


def test_the_same_question_has_the_same_answer_whatever_else_is_asked(training_data: TrainingData, scoring: Scoring):
    alone = llm_skill_profiler(WORDS, training_data, [DEVELOPER, NURSE])
    among = [score for score in scoring.scores if score.onet_soc_code in (DEVELOPER, NURSE)]
    assert sorted(alone.scores, key=lambda score: score.onet_soc_code) == among
    assert alone.accuracy["random"].mae == scoring.accuracy["random"].mae


def test_an_explanation_names_rated_occupations_their_levels_and_how_far_they_count(
    training_data: TrainingData, scoring: Scoring
):
    [score] = [score for score in scoring.scores if (score.onet_soc_code, score.element_id) == (DEVELOPER, "2.A.1.a")]
    named = score.explanation.removeprefix("leans most on ")
    assert named.startswith("Computer Hardware Engineers (18%, level 4.50), ")
    row = training_data.levels.codes.index("17-2061.00")
    assert training_data.levels.level[row, training_data.levels.element_ids.index("2.A.1.a")] == 4.5


def test_a_rated_occupation_is_never_told_its_own_ratings(training_data: TrainingData, scoring: Scoring):
    row = training_data.levels.codes.index(NURSE)
    level = training_data.levels.level.copy()
    level[row] = 7.0 - level[row]
    other = TrainingData(
        training_data.profiles,
        training_data.skills,
        type(training_data.levels)(
            training_data.levels.codes, training_data.levels.element_ids, level, training_data.levels.standard_error
        ),
    )
    before = [score.level for score in scoring.scores if score.onet_soc_code == NURSE]
    after = [score.level for score in llm_skill_profiler(WORDS, other, [NURSE]).scores]
    assert before == after


def as_matrix(scoring: Scoring, training_data: TrainingData, field: str) -> np.ndarray:
    by_key = {(score.onet_soc_code, score.element_id): getattr(score, field) for score in scoring.scores}
    levels = training_data.levels
    return np.array([[by_key[code, element_id] for element_id in levels.element_ids] for code in levels.codes])


def test_the_standard_error_is_that_of_the_error(training_data: TrainingData, scoring: Scoring):
    away = (as_matrix(scoring, training_data, "level") - training_data.levels.level) / as_matrix(
        scoring, training_data, "standard_error"
    )
    assert away.std() == pytest.approx(1.0, abs=0.05)
    assert abs(away.mean()) < 0.05


@pytest.mark.parametrize("sides", ["one predicted", "both predicted"])
def test_a_sure_gap_from_predictions_is_seldom_a_gap_the_other_way(
    training_data: TrainingData, scoring: Scoring, sides: str
):
    said, error = (as_matrix(scoring, training_data, field) for field in ("level", "standard_error"))
    rated, rater_error = training_data.levels.level, training_data.levels.standard_error
    rng = random.Random(29)
    first, second = np.array([rng.sample(range(len(rated)), 2) for _ in range(4_000)]).T
    target, target_error = (said, error) if sides == "both predicted" else (rated, rater_error)
    gap = target[second] - said[first]
    eight = np.full(gap.shape, 8)
    sure = compare_means(gap, standard_errors=(error[first], target_error[second]), n=(eight, eight)).is_distinguishable
    assert sure.mean() > 0.1, "and such gaps are found"
    wrong = sure & (gap * (rated[second] - rated[first]) <= 0)
    assert wrong.sum() / sure.sum() < 0.005


def test_usual_weights_give_nearly_the_shortfall_of_the_real_ones(ratings: Ratings):
    onet = ratings.analysts
    usual = onet._usual_importance(onet)
    rng = random.Random(29)
    real, fitted = [], []
    for _ in range(2_000):
        a, b = rng.sample(range(len(onet.codes)), 2)
        gap = np.maximum(onet.level[b] - onet.level[a], 0)
        real.append(gap @ onet.weight[b] / onet.weight[b].sum())
        fitted.append(gap @ usual[b] / usual[b].sum())
    assert np.corrcoef(real, fitted)[0, 1] > 0.998
    assert abs(np.mean(real) - np.mean(fitted)) < 0.01


def test_unknown_occupations_and_models_and_thin_releases_are_refused(training_data: TrainingData):
    with pytest.raises(UnknownOccupation, match=r"the text release has no occupation 99-9999\.00"):
        llm_skill_profiler(WORDS, training_data, ["99-9999.00"])
    with pytest.raises(ConfigurationError, match="no model embedded:gpt; the embedded models are embedded:smollm2 and"):
        find_embedded("embedded:gpt", cache_dir=None)
    thin = extract_onet_data(Archive(onet_zip("26_1"), "26.1"), also=OPTIONAL_TABLES)
    with pytest.raises(ConfigurationError, match="nothing to fit a model to: load a complete release"):
        llm_skill_profiler(WORDS, read_training_data(thin.tables), [DEVELOPER])


# -- what the starter carries -----------------------------------------------------------------------------------------


def test_the_starter_carries_the_44_unrated_occupations_that_can_be_predicted(
    training_data: TrainingData, scoring: Scoring
):
    carried = read_predictions()
    by_key = {(row["onet_soc_code"], row["element_id"]): row for row in carried.scores}
    unrated = set(training_data.profiles) - set(training_data.levels.codes)
    assert {code for code, _ in by_key} == unrated - set(scoring.abstentions)
    assert len(by_key) == len(carried.scores) == 44 * 35
    assert {row["onet_soc_code"]: row["reason"] for row in carried.abstentions} == scoring.abstentions
    assert carried.model["model"] == EMBEDDED
    for folds in ("random", "grouped"):
        assert carried.model[f"mae_{folds}"] == pytest.approx(scoring.accuracy[folds].mae, abs=0.003)
    words = {(score.onet_soc_code, score.element_id): score for score in scoring.scores}
    away = [abs(row["level"] - words[key].level) for key, row in by_key.items()]
    assert np.mean(away) < 0.05, "the language model's states change little"
    assert max(away) < 0.5
