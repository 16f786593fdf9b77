"""The regression: recovers known levels, never sees the ratings it predicts, and is accurate on O*NET's ratings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from skillgap.analysis.similarity.profiles import Profile
from skillgap.llm import encoder
from skillgap.llm.encoder import encode
from skillgap.llm.evaluation import evaluate, group_folds, random_folds
from skillgap.llm.ridge import combined_kernel, kernels, predict
from skillgap.llm.training_data import Levels, TrainingData, read_levels, title_and_description
from skillgap.sources.text_files import OnetData

# -- the kernel and the regression ------------------------------------------------------------------------------------


def test_a_kernel_is_symmetric_has_ones_on_its_diagonal_and_no_negative_eigenvalue(profiles: dict[str, Profile]):
    some = list(profiles.values())[:200]  # among them occupations without tasks, Job Zone and interests
    alike = combined_kernel(some, None)
    np.testing.assert_allclose(alike, alike.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(alike), 1.0)
    assert np.linalg.eigvalsh(alike).min() > -1e-9


def test_a_release_without_interests_says_nothing_by_them(profiles: dict[str, Profile]):
    without = [replace(profile, interests=None) for profile in list(profiles.values())[:60]]
    assert kernels(without, None).keys() == {"words", "parts", "titles", "job_zone"}


def test_like_occupations_are_more_alike(profiles: dict[str, Profile]):
    codes = ["29-1141.00", "29-2061.00", "47-2181.00"]  # registered nurses, practical nurses, roofers
    alike = combined_kernel([profiles[code] for code in profiles], None)
    nurse, practical, roofer = (list(profiles).index(code) for code in codes)
    assert alike[nurse, practical] > 2 * alike[nurse, roofer]


def test_levels_that_follow_from_the_kernel_are_recovered():
    rng = np.random.default_rng(3)
    places = rng.normal(size=(150, 2))
    alike = np.exp(-((places[:, None] - places[None]) ** 2).sum(-1) / 4)
    level = np.stack([3 + np.sin(places[:, 0]), 3 + 0.5 * places[:, 1]], axis=1)
    trained, asked = np.arange(120), np.arange(120, 150)
    found = predict(alike, trained, asked, level[trained])
    assert np.abs(found.level - level[asked]).mean() < 0.05
    weighted = level[trained].mean(axis=0) + found.weights @ (level[trained] - level[trained].mean(axis=0))
    assert np.abs(weighted - found.level).mean() < 0.1, "what it leans on makes up the prediction"


def test_an_occupation_like_no_other_gets_the_mean_and_a_wide_interval():
    alike = np.eye(40)
    alike[:39, :39] = 0.9
    np.fill_diagonal(alike, 1.0)
    level = np.random.default_rng(1).normal(3, 0.5, size=(40, 3))
    trained = np.arange(38)
    alone, usual = (predict(alike, trained, np.array([row]), level[trained]) for row in (39, 38))
    np.testing.assert_allclose(alone.level[0], level[trained].mean(axis=0))
    assert (alone.upper - alone.lower > usual.upper - usual.lower).all()


def test_levels_stay_on_the_scale():
    alike = np.eye(30) * 0.5 + 0.5
    level = np.clip(np.random.default_rng(2).normal(6.9, 0.2, size=(30, 4)), 0, 7)
    found = predict(alike, np.arange(29), np.array([29]), level[:29])
    for values in (found.level, found.lower, found.upper):
        assert values.min() >= 0
        assert values.max() <= 7


# -- how good it is ---------------------------------------------------------------------------------------------------


def test_folds_part_all_and_groups_stay_together(levels: Levels):
    random, groups = random_folds(len(levels.codes)), group_folds(levels.codes)
    assert np.bincount(random).tolist() == [88] * 9 + [87]
    by_group = {}
    for code, fold in zip(levels.codes, groups, strict=True):
        by_group.setdefault(code[:2], set()).add(fold)
    assert all(len(folds) == 1 for folds in by_group.values())
    assert len(set(groups)) == len(by_group) == 22


def test_the_baselines_and_the_goal_on_29_0(profiles: dict[str, Profile], levels: Levels):
    scores = {(score.model, score.folds): score for score in evaluate(TrainingData(profiles, (), levels))}
    expected = {  # measured in another program
        ("mean of the skill", "random"): 0.686,
        ("mean of the skill", "grouped"): 0.714,
        ("mean of the skill in the Job Zone", "random"): 0.502,
        ("mean of the skill in the Job Zone", "grouped"): 0.529,
        ("mean of O*NET's related occupations", "random"): 0.348,
        ("mean of O*NET's related occupations", "grouped"): 0.440,
    }
    for key, mae in expected.items():
        assert scores[key].mae == pytest.approx(mae, abs=0.002)
    best = [scores["embedded:words", folds] for folds in ("random", "grouped")]
    assert [score.mae for score in best] < [0.305, 0.335]
    for score in best:
        assert abs(score.bias) < 0.02
        assert 0.93 < score.coverage < 0.97
        assert score.within_skill > 0.84


def test_ratings_of_the_asked_play_no_part(profiles: dict[str, Profile], levels: Levels):
    rated = [profiles[code] for code in levels.codes]
    alike = combined_kernel(rated, None)
    fold = random_folds(len(rated)) == 0
    trained, asked = np.flatnonzero(~fold), np.flatnonzero(fold)
    found = predict(alike, trained, asked, levels.level[trained])
    errors = []
    for row in range(3):  # predicted one at a time, from the same trained ones, it is the same
        one = predict(alike, trained, asked[row : row + 1], levels.level[trained])
        np.testing.assert_allclose(one.level[0], found.level[row])
        errors.append(np.abs(one.level[0] - levels.level[asked[row]]).mean())
    assert min(errors) > 0.05, "an out-of-fold value never equals the rating"


def test_in_time_what_29_0_rated_anew_is_predicted_from_26_1(
    profiles: dict[str, Profile], levels: Levels, onet_26: OnetData
):
    before = read_levels(onet_26.tables)
    newly = sorted(set(levels.codes) - set(before.codes))
    assert len(newly) == 6
    codes = [*before.codes, *newly]
    alike = combined_kernel([profiles[code] for code in codes], None)
    trained, asked = np.arange(len(before.codes)), np.arange(len(before.codes), len(codes))
    found = predict(alike, trained, asked, before.level)
    rated = levels.level[[levels.codes.index(code) for code in newly]]
    error = np.abs(found.level - rated).mean()
    assert error < 0.42
    assert error < 0.6 * np.abs(before.level.mean(axis=0) - rated).mean()
    assert ((rated >= found.lower) & (rated <= found.upper)).mean() > 0.85


# -- the language model -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_thread")
def test_the_model_reads_texts_and_its_states_are_kept(
    profiles: dict[str, Profile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    some = [replace(profiles[code], description="") for code in ("29-1141.00", "29-2061.00", "47-2181.00")]
    steps: list[tuple[int, int]] = []
    with capture_logs() as said:
        states = encode(title_and_description(some), cache_dir=tmp_path, on_text=lambda *step: steps.append(step))
    assert [line["texts"] for line in said] == [3], "minutes, where they are hundreds"
    assert (states.shape, steps) == ((3, 576), [(1, 3), (2, 3), (3, 3)])
    again = encode(title_and_description(some)[::-1], cache_dir=tmp_path / "elsewhere")
    np.testing.assert_array_equal(again[::-1], states)
    assert len({state.tobytes() for state in states}) == 3
    monkeypatch.setattr(encoder, "model_file", lambda: pytest.fail("what was encoded is kept"))
    with capture_logs() as said:
        np.testing.assert_array_equal(encode(title_and_description(some), cache_dir=tmp_path), states)
    assert said == []


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_text_longer_than_the_model_reads_is_cut(tmp_path: Path):
    long = "manage budgets and people " * 400
    assert np.isfinite(encode([long], cache_dir=tmp_path)).all()
