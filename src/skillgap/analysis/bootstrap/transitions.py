"""Stability of the ranks of similar occupations under rater noise and other weights.

As in `bootstrap.gap`, all occupations are rated again by equally large panels. Measures based on ratings, and the ranks
they give, are computed again for each draw; those based on texts, codes and interests stay fixed.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.analysis.memo import memoized
from skillgap.analysis.significance import middle_95
from skillgap.analysis.similarity.model import RATING_VECTORS, Rated, Similarity, cosine, units
from skillgap.analysis.weights import as_weight
from skillgap.models import TransitionStability, WeightChoice
from skillgap.onet.scales import HIGHEST_IMPORTANCE, HIGHEST_LEVEL

DRAWS = 50
_FIRST = 10
_HIGHEST = Rated(HIGHEST_LEVEL, HIGHEST_IMPORTANCE, HIGHEST_IMPORTANCE)  # type: ignore[arg-type]
_LOWEST = Rated(0.0, 1.0, 1.0)  # type: ignore[arg-type]
_SEED = 29

Floats = npt.NDArray[np.float32]


def transition_stability(row: int, others: IntArray, similarity: Similarity) -> list[TransitionStability]:
    """Return how the ranks of similar occupations vary. The first call per data version takes about a second."""
    noise = _noise(similarity)
    ranks = _ranks(noise.drawn(row), row)[:, others]
    lower, upper = middle_95(ranks)
    by_weight = {choice: _ranks(log_odds[row][None], row)[0, others] for choice, log_odds in noise.by_weight.items()}
    return [
        TransitionStability(
            rank_lower=int(lower[k]),
            rank_upper=int(upper[k]),
            first_ten_share=round(float((ranks[:, k] <= _FIRST).mean()), 3),
            rank_by_weight={choice: int(by_choice[k]) for choice, by_choice in by_weight.items()},
        )
        for k in range(len(others))
    ]


@memoized
def _noise(similarity: Similarity) -> _Noise:
    return _Noise(similarity)


class _Noise:
    """The draws shared by all occupations, and the reference they are ranked against. About 100 MB."""

    def __init__(self, similarity: Similarity) -> None:
        self._weights = {name: weights for name, weights in similarity.recipe.weights.items() if name in RATING_VECTORS}
        generator = np.random.default_rng(_SEED)
        drawn = [_drawn(similarity, generator) for _ in range(DRAWS + 1)]
        self._units = {
            name: np.stack([units(RATING_VECTORS[name](rated)).astype(np.float32) for rated in drawn[:-1]])
            for name in self._weights
        }
        self._reference = {name: _ascending(cosine(RATING_VECTORS[name](drawn[-1]))) for name in self._weights}
        self._fixed = similarity.log_odds.copy()
        for name in self._weights:
            self._fixed -= similarity.recipe.contribution(name, cosine(RATING_VECTORS[name](similarity.rated)))
        self.by_weight: dict[WeightChoice, Floats] = {}
        """Log odds of all pairs when skill levels are compared with each choice of weights."""
        rated, all_count = similarity.rated, np.ones(similarity.rated.level.shape, dtype=np.bool_)
        for choice in get_args(WeightChoice) if "skills" in similarity.recipe.inputs else ("none",):
            self.by_weight[choice] = similarity.log_odds
            if choice != "importance" and "skills" in self._weights:
                weighted = rated.level * as_weight(rated.importance, choice, counts=all_count)
                self.by_weight[choice] = (
                    similarity.log_odds
                    - similarity.recipe.contribution("skills", cosine(RATING_VECTORS["skills"](rated)))
                    + similarity.recipe.contribution("skills", cosine(weighted))
                )

    def drawn(self, row: int) -> Floats:
        """Return the log odds of one occupation with all others for each draw: (draws, occupations)."""
        total = np.repeat(self._fixed[row][None], DRAWS, axis=0)
        for name, weights in self._weights.items():
            drawn = self._units[name]
            cosines = np.einsum("bnd,bd->bn", drawn, drawn[:, row])
            for weight, term in zip(weights, (cosines, *self._log_ranks(name, cosines, row)), strict=True):
                total += np.float32(weight) * term
        return total

    def _log_ranks(self, name: str, cosines: Floats, row: int) -> tuple[Floats, Floats]:
        """Return -ln(rank) of each other occupation for this one, and of this one for each other.

        The latter rank is looked up in a separate reference draw, which contains as much noise.
        """
        count = cosines.shape[1]
        rank_of_other = -np.log(_ranks(cosines, row)).astype(np.float32)
        below = np.searchsorted(self._reference[name], cosines + _row_offsets(count)) - np.arange(count) * (count - 1)
        rank_by_other = -np.log(np.minimum(count - below, count - 1)).astype(np.float32)
        return rank_of_other, rank_by_other


def _ranks(values: npt.NDArray[np.floating], row: int) -> IntArray:
    """Return the rank of each occupation per draw, 1 for the highest value; `row` itself comes last."""
    others = values.copy()
    others[:, row] = -np.inf
    order = np.argsort(-others, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return ranks


def _ascending(cosines: FloatArray) -> FloatArray:
    """Return the rows, sorted and without the diagonal, concatenated to one ascending array."""
    count = len(cosines)
    others = cosines[~np.eye(count, dtype=np.bool_)].reshape(count, count - 1)
    ascending: FloatArray = (np.sort(others, axis=1) + _row_offsets(count)[:, None]).ravel()
    return ascending


def _row_offsets(count: int) -> FloatArray:
    """Return offsets that make concatenated sorted rows one sorted array, since cosines lie in [-1, 1]."""
    return 4.0 * np.arange(count, dtype=np.float64)


def _drawn(similarity: Similarity, generator: np.random.Generator) -> Rated:
    """Return ratings as other raters might have given them; those without a standard error stay fixed."""
    return Rated._make(
        np.clip(mean + np.nan_to_num(error) * generator.standard_normal(mean.shape), np.minimum(low, mean), high)
        for mean, error, low, high in zip(similarity.rated, similarity.errors, _LOWEST, _HIGHEST, strict=True)
    )
