"""Paths from one occupation to another through similar ones, minimizing the hardest move."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray, python_numbers
from skillgap.analysis.gap import summarize_gaps
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import expected_shortfalls, pair_of, shortfalls_of
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.models import GapSummary, Path, PathReport, PathStep


def find_paths(
    current: str, target: str, similarity: Similarity, ratings: Ratings, *, neighbors: int = 20, limit: int = 5
) -> PathReport:
    """Return the `limit` best paths of at most three moves, best first; none if no path exists.

    A move connects two occupations if one is among the `neighbors` most similar to the other. Its difficulty is its
    expected shortfall, because the best of many noisy moves looks easier than it is. Paths are ranked by their hardest
    move, then by the number of moves, the sum of the weighted shortfalls and the codes. Paths avoid occupations without
    any importance, because moves to them cannot be weighted. Raises NoData, UnknownOccupation, UnratedOccupation,
    MissingInput (the target has no importance).
    """
    start, end = (similarity.row(code, ratings) for code in (current, target))
    check_weights(ratings, ratings.row(target))
    graph = _Graph(similarity, ratings, neighbors)
    chains = [] if start == end else graph.chains(start, end)
    # The figures are rounded as shown, so that floating-point noise does not decide between equal paths.
    ranked = sorted(chains, key=lambda chain: (chain.hardest, len(chain.rows), chain.total, chain.rows))
    paths = [
        Path(
            hardest_move=chain.hardest,
            total_shortfall=chain.total,
            steps=[
                PathStep(ratings.occupations[graph.codes[after]], graph.summary(before, after), difficulty)
                for (before, after), difficulty in zip(pairwise(chain.rows), chain.difficulties, strict=True)
            ],
        )
        for chain in ranked[:limit]
    ]
    shown = {current, target, *(step.occupation.onet_soc_code for path in paths for step in path.steps)}
    return PathReport(
        from_occupation=ratings.occupations[current],
        to_occupation=ratings.occupations[target],
        domain=ratings.domain,
        weight=ratings.weighting,
        direct=graph.summary(start, end),
        paths=paths,
        chains_compared=len(chains),
        neighbours=neighbors,
        basis=similarity.basis,
        provenance=ratings.provenance_of(*map(ratings.row, sorted(shown))),
    )


@dataclass(frozen=True)
class _Chain:
    rows: tuple[int, ...]
    difficulties: tuple[float, ...]
    """Expected shortfall of each move."""
    total: float

    @property
    def hardest(self) -> float:
        return max(self.difficulties)


class _Graph:
    """Moves between similar occupations that have levels."""

    def __init__(self, similarity: Similarity, ratings: Ratings, neighbors: int) -> None:
        self.codes = similarity.codes
        self._rows = similarity.rows_in(ratings)
        self._ratings = ratings
        self._is_move: BoolArray = np.zeros((len(self.codes), len(self.codes)), dtype=np.bool_)
        np.put_along_axis(self._is_move, similarity.order[:, :neighbors].astype(np.intp), values=True, axis=1)
        self._is_move |= self._is_move.T
        has_levels = self._rows >= 0
        can_be_target = has_levels & ~np.isnan(ratings.weight_sum)[self._rows]
        self._is_move &= has_levels[:, None] & can_be_target[None, :]

    def summary(self, before: int, after: int) -> GapSummary:
        return summarize_gaps(int(self._rows[before]), self._rows[[after]], self._ratings)[0]

    def chains(self, start: int, end: int) -> list[_Chain]:
        """Return all chains of at most three moves that visit no occupation twice."""
        from_start, to_end = (
            np.flatnonzero(is_move & (np.arange(len(self.codes)) != other))
            for is_move, other in ((self._is_move[start], end), (self._is_move[:, end], start))
        )
        chains: list[_Chain] = []
        if self._is_move[start, end]:
            chains += self._costed(np.array([[start, end]]))
        both = np.intersect1d(from_start, to_end)
        if len(both):
            chains += self._costed(np.stack([np.full_like(both, start), both, np.full_like(both, end)], axis=1))
        first, second = np.nonzero(self._is_move[np.ix_(from_start, to_end)])
        if len(first):
            middle = [from_start[first], to_end[second]]
            chains += self._costed(np.stack([np.full_like(first, start), *middle, np.full_like(first, end)], axis=1))
        return chains

    def _costed(self, chains: IntArray) -> list[_Chain]:
        """Return chains, given as (chains, occupations), with the shortfalls of their moves."""
        before, after = self._rows[chains[:, :-1]], self._rows[chains[:, 1:]]
        moves, index = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1, return_inverse=True)
        pairs = pair_of(moves[0], moves[1], self._ratings)
        weighted, _ = shortfalls_of(pairs, moves[1], self._ratings)
        expected: FloatArray = np.round(expected_shortfalls(pairs, moves[1], self._ratings), 4)[index]
        totals: list[float] = np.round(weighted, 4)[index].reshape(before.shape).sum(axis=1).tolist()
        of_moves = python_numbers(expected.reshape(before.shape))
        return [
            _Chain(tuple(rows), tuple(difficulties), round(total, 4))
            for rows, difficulties, total in zip(chains.tolist(), of_moves, totals, strict=True)
            if total == total  # NaN: a move without a weighted skill that is known on both sides
        ]
