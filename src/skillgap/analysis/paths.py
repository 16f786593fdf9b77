"""How to get from one occupation to another in moves to near ones, the hardest of them as easy as can be."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skillgap.analysis.arrays import BoolArray, IntArray
from skillgap.analysis.gap import summarise_gaps
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import pair_of, shortfalls_of
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.models import GapSummary, Path, PathReport, PathStep


def find_paths(
    current: str, target: str, similarity: Similarity, ratings: Ratings, *, neighbours: int = 20, limit: int = 5
) -> PathReport:
    """Return the chains of at most three moves whose hardest move is easiest, and next to them the best others.

    A move goes between occupations of which one is among the `neighbours` nearest of the other. It is as hard as its
    distinguishable shortfall. All chains are compared: by the hardest move, then the number of moves, then the sum of
    their weighted shortfalls, then codes. None is returned where no chain leads there. Occupations without any
    importance are no stations, since no move to them can be weighed. Raises NoData, UnknownOccupation,
    UnratedOccupation, MissingInput (no importance of the target).
    """
    start, end = (similarity.row(code, ratings) for code in (current, target))
    check_weights(ratings, ratings.row(target))
    graph = _Graph(similarity, ratings, neighbours)
    chains = [] if start == end else graph.chains(start, end)
    # Rounded as it is shown: moves that look alike are alike, whatever floating point adds.
    ranked = sorted(chains, key=lambda each: (each.hardest, len(each.rows), each.total, each.rows))
    paths = [
        Path(
            hardest_move=chain.hardest,
            total_shortfall=chain.total,
            steps=[
                PathStep(ratings.occupations[graph.codes[after]], graph.summary(before, after))
                for before, after in pairwise(chain.rows)
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
        neighbours=neighbours,
        basis=similarity.basis,
        provenance=ratings.provenance_of(*map(ratings.row, sorted(shown))),
    )


@dataclass(frozen=True)
class _Chain:
    rows: tuple[int, ...]
    hardest: float
    total: float


class _Graph:
    """The moves between near occupations that have levels."""

    def __init__(self, similarity: Similarity, ratings: Ratings, neighbours: int) -> None:
        self.codes = similarity.codes
        self._places = similarity.places_in(ratings)
        self._ratings = ratings
        self._is_near: BoolArray = np.zeros((len(self.codes), len(self.codes)), dtype=np.bool_)
        np.put_along_axis(self._is_near, similarity.order[:, :neighbours].astype(np.intp), values=True, axis=1)
        self._is_near |= self._is_near.T
        has_levels = self._places >= 0
        is_reached = has_levels & ~np.isnan(ratings.weight_sum)[self._places]
        self._is_near &= has_levels[:, None] & is_reached[None, :]

    def summary(self, before: int, after: int) -> GapSummary:
        return summarise_gaps(int(self._places[before]), self._places[[after]], self._ratings)[0]

    def chains(self, start: int, end: int) -> list[_Chain]:
        """Return every chain of at most three moves that visits no occupation twice."""
        away, into = (
            np.flatnonzero(near & (np.arange(len(self.codes)) != other))
            for near, other in ((self._is_near[start], end), (self._is_near[:, end], start))
        )
        found: list[_Chain] = []
        if self._is_near[start, end]:
            found += self._costed(np.array([[start, end]]))
        both = np.intersect1d(away, into)
        if len(both):
            found += self._costed(np.stack([np.full_like(both, start), both, np.full_like(both, end)], axis=1))
        first, second = np.nonzero(self._is_near[np.ix_(away, into)])
        if len(first):
            middle = [away[first], into[second]]
            found += self._costed(np.stack([np.full_like(first, start), *middle, np.full_like(first, end)], axis=1))
        return found

    def _costed(self, chains: IntArray) -> list[_Chain]:
        """Return chains, given as (chains, occupations), with what their moves ask for."""
        before, after = self._places[chains[:, :-1]], self._places[chains[:, 1:]]
        moves, which = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1, return_inverse=True)
        pairs = pair_of(moves[0], moves[1], self._ratings)
        asked, sure = (
            np.round(each, 4)[which].reshape(before.shape) for each in shortfalls_of(pairs, moves[1], self._ratings)
        )
        return [
            _Chain(tuple(rows), hardest, round(total, 4))
            for rows, hardest, total in zip(
                chains.tolist(), sure.max(axis=1).tolist(), asked.sum(axis=1).tolist(), strict=True
            )
            if total == total  # a move between occupations of which nothing weighed is known on both sides
        ]
