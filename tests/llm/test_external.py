"""Predictions of the starter against ratings from outside the release that they were made from."""

from __future__ import annotations

import pytest

from benchmarks.external import accuracies


def test_predictions_hold_on_ratings_of_other_releases():
    found = accuracies()
    same, first = found["same"], found["first rated"]
    assert (same.occupations, found["broader"].occupations, first.occupations) == (13, 11, 6)
    assert same.mae == pytest.approx(0.303, abs=0.01)
    assert same.inside == pytest.approx(0.938, abs=0.01)
    assert first.mae == pytest.approx(0.325, abs=0.01)
    assert first.inside == pytest.approx(0.967, abs=0.01)
    assert first.bias == pytest.approx(0.08, abs=0.01)
    for each in found.values():
        assert each.mae_interval[0] < each.mae < each.mae_interval[1]
        assert each.mae < 0.4
