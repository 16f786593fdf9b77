"""Calibration: removes a known bias, intervals have their coverage, no occupation is calibrated on itself."""

from __future__ import annotations

import numpy as np
import pytest

from skillgap.llm.calibration import calibrate, calibrate_out_of_fold


def simulated(rng: np.random.Generator, occupations: int, noise: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return raw and true levels: raw = 1.6 too high, spread too far, with a separate offset for each skill."""
    offset = rng.normal(0, 0.3, size=20)
    level = np.clip(rng.normal(3, 1, size=(occupations, 20)), 0.5, 6)
    raw = (level - 1.0 + offset + rng.normal(0, noise, size=level.shape)) / 0.6 + 0.3
    return raw, level


def test_slope_and_offsets_are_found_and_intervals_cover_95_percent():
    rng = np.random.default_rng(3)
    raw, level = simulated(rng, 260)
    found = calibrate(raw[:60], level[:60], raw[60:])
    true = level[60:]
    assert np.abs(raw[60:] - true).mean() > 0.9
    # The best line leaves what noise in the raw level leaves: r² of the slope, about 0.37 of 0.4.
    assert np.abs(found.level - true).mean() < 0.33
    assert abs((found.level - true).mean()) < 0.05
    covered = ((true >= found.lower) & (true <= found.upper)).mean()
    assert 0.93 < covered < 0.97
    assert ((found.level - true) / found.standard_error).std() == pytest.approx(1.0, abs=0.06)


def test_nobody_is_calibrated_by_himself():
    raw, level = simulated(np.random.default_rng(4), 30)
    codes = [f"{11 + i % 6}-{i:04}.00" for i in range(30)]
    before = calibrate_out_of_fold(raw, level, codes)
    changed = level.copy()
    changed[7] = 7 - changed[7]
    after = calibrate_out_of_fold(raw, changed, codes)
    for folds in ("random", "grouped"):
        np.testing.assert_array_equal(before[folds].level[7], after[folds].level[7])
        assert not np.array_equal(before[folds].level, after[folds].level)


def test_what_was_not_said_stays_unknown_and_does_not_count():
    raw, level = simulated(np.random.default_rng(5), 40)
    holed = raw.copy()
    holed[3, 4] = holed[5] = np.nan
    found = calibrate(holed[:30], level[:30], holed[[3, 31]])
    assert np.isnan(found.level[0, 4])
    assert np.isnan(found.standard_error[0, 4])
    assert np.isfinite(found.level[1]).all()
    other = level.copy()
    other[5] = 0.0
    np.testing.assert_array_equal(calibrate(holed[:30], other[:30], holed[31:32]).level, found.level[1:])


def test_levels_stay_on_the_scale():
    raw, level = simulated(np.random.default_rng(6), 30)
    found = calibrate(raw, level, np.full((1, 20), 40.0))
    assert (found.level == 7).all()
    assert (found.upper == 7).all()


def test_a_model_that_always_says_the_same_gets_the_means():
    level = np.random.default_rng(7).normal(3, 0.3, size=(80, 5))
    found = calibrate(np.full((80, 5), 5.0), level, np.full((1, 5), 5.0))
    np.testing.assert_allclose(found.level[0], level.mean(axis=0), atol=0.05)
