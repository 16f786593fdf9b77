"""`make evaluate-moves` on a small made table with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import moves

CODES = ("11-0000.00", "12-0000.00", "13-0000.00", "14-0000.00")


def table(folder: Path) -> moves.Moves:
    (folder / "moves.csv").write_text("origin,destination,moves\na,b,30\na,a,9\nb,a,5\nb,c,7\nz,a,100\n")
    groups = [f"{code},{group}" for code, group in zip(CODES, "aabc", strict=True)]
    (folder / "groups.csv").write_text("\n".join(["onet_soc_code,group", *groups, ""]))
    return moves.read_moves(folder / "moves.csv", folder / "groups.csv")


def test_moves_within_a_group_and_of_groups_without_occupations_are_left_out(tmp_path: Path):
    found = table(tmp_path)
    assert found.groups == ("a", "b", "c")
    assert found.counts.tolist() == [[0, 30, 0], [5, 0, 7], [0, 0, 0]]


def test_figures_of_groups_are_worked_by_hand(tmp_path: Path):
    score = np.array([[0.0, 9.0, 0.2, 0.4], [9.0, 0.0, 0.6, 0.0], [0.1, 0.3, 0.0, 0.5], [0.7, 0.8, 0.9, 0.0]])
    best = moves.best_by_group(table(tmp_path), CODES, score)
    mean = moves.mean_by_group(table(tmp_path), CODES, score)
    # from a, two occupations, to b, one: (0.2 + 0.6) / 2; from b to a: the better of 0.1 and 0.3
    assert best[0, 1] == mean[0, 1] == pytest.approx(0.4)
    assert (best[1, 0], mean[1, 0]) == pytest.approx((0.3, 0.2))
    assert np.isnan(best.diagonal()).all()


def test_recall_is_the_share_of_the_ten_most_frequent_destinations():
    counts = np.tile(np.arange(1.0, 22.0), (21, 1))
    np.fill_diagonal(counts, 0.0)
    assert moves.recalls(counts, counts).tolist() == [1.0] * 21
    # The ten most frequent of 20 others are never among the ten least frequent.
    assert moves.recalls(counts, -counts).tolist() == [0.0] * 21
    counts[0, 5:] = 0.0  # too few destinations
    assert len(moves.recalls(counts, counts)) == 20


def test_a_figure_explains_the_moves_that_it_made_and_no_others():
    rng = np.random.default_rng(1)
    figure, other = rng.normal(size=(2, 30, 30))
    size = np.exp(rng.normal(size=30))
    counts = 1e4 * np.outer(size, size[::-1]) * np.exp(-0.8 * figure)
    np.fill_diagonal(counts, 0.0)
    assert moves.explained(counts, figure) > 0.999
    assert moves.explained(counts, other) < 0.02
    figure[0, 1] = np.nan  # left out
    assert moves.explained(counts, figure) > 0.999
