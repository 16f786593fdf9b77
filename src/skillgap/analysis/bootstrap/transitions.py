"""How much of the rank of near occupations is rater noise, and how much the choice of weights.

As in `stability`, panels as large rate all occupations anew. What comes from texts, codes and interests stays as it is;
the likenesses that are made of ratings, and the places that they give, are computed again for each draw.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.analysis.memo import memoized
from skillgap.analysis.significance import middle_95
from skillgap.analysis.similarity.model import OF_RATINGS, Rated, Similarity, cosine, units
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
    """Return how the ranks of near occupations move. The first question of a data version takes about a second."""
    noise = _noise(similarity)
    ranks = _ranks(noise.drawn(row), row)[:, others]
    lower, upper = middle_95(ranks)
    by_weight = {choice: _ranks(of[row][None], row)[0, others] for choice, of in noise.by_weight.items()}
    return [
        TransitionStability(
            rank_lower=int(lower[k]),
            rank_upper=int(upper[k]),
            first_ten_share=round(float((ranks[:, k] <= _FIRST).mean()), 3),
            rank_by_weight={choice: int(of[k]) for choice, of in by_weight.items()},
        )
        for k in range(len(others))
    ]


@memoized
def _noise(similarity: Similarity) -> _Noise:
    return _Noise(similarity)


class _Noise:
    """What all occupations have in common: draws, and what they are compared with. About 100 MB."""

    def __init__(self, similarity: Similarity) -> None:
        self._weights = {name: weights for name, weights in similarity.recipe.weights.items() if name in OF_RATINGS}
        chance = np.random.default_rng(_SEED)
        drawn = [_drawn(similarity, chance) for _ in range(DRAWS + 1)]
        self._units = {
            name: np.stack([units(OF_RATINGS[name](each)).astype(np.float32) for each in drawn[:-1]])
            for name in self._weights
        }
        self._reference = {name: _ascending(cosine(OF_RATINGS[name](drawn[-1]))) for name in self._weights}
        self._fixed = similarity.log_odds.copy()
        for name in self._weights:
            self._fixed -= similarity.recipe.weighed(name, cosine(OF_RATINGS[name](similarity.rated)))
        self.by_weight: dict[WeightChoice, Floats] = {}
        """Log odds of all pairs where levels of skills are compared by other weights."""
        rated, everything = similarity.rated, np.ones(similarity.rated.level.shape, dtype=np.bool_)
        for choice in get_args(WeightChoice) if "skills" in similarity.recipe.inputs else ("none",):
            self.by_weight[choice] = similarity.log_odds
            if choice != "importance" and "skills" in self._weights:
                other = rated.level * as_weight(rated.importance, choice, counts=everything)
                self.by_weight[choice] = (
                    similarity.log_odds
                    - similarity.recipe.weighed("skills", cosine(OF_RATINGS["skills"](rated)))
                    + similarity.recipe.weighed("skills", cosine(other))
                )

    def drawn(self, row: int) -> Floats:
        """Return the log odds of one occupation with all, for each draw: (draws, occupations)."""
        total = np.repeat(self._fixed[row][None], DRAWS, axis=0)
        for name, weights in self._weights.items():
            drawn = self._units[name]
            alike = np.einsum("bnd,bd->bn", drawn, drawn[:, row])
            for weight, part in zip(weights, (alike, *self._places(name, alike, row)), strict=True):
                total += np.float32(weight) * part
        return total

    def _places(self, name: str, alike: Floats, row: int) -> tuple[Floats, Floats]:
        """Return -ln of the place that the occupation gives each other, and of the place that each other gives it.

        The latter is looked up among the likenesses of a draw of its own, which has as much noise.
        """
        count = alike.shape[1]
        given = -np.log(_ranks(alike, row)).astype(np.float32)
        below = np.searchsorted(self._reference[name], alike + _apart(count)) - np.arange(count) * (count - 1)
        taken = -np.log(np.minimum(count - below, count - 1)).astype(np.float32)
        return given, taken


def _ranks(values: npt.NDArray[np.floating], row: int) -> IntArray:
    """Return the rank of each occupation, 1 for the highest value, for each draw; `row` itself comes last."""
    others = values.copy()
    others[:, row] = -np.inf
    order = np.argsort(-others, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return ranks


def _ascending(alike: FloatArray) -> FloatArray:
    """Return each row without its diagonal, ascending, one behind the other: all in one ascending array."""
    count = len(alike)
    others = alike[~np.eye(count, dtype=np.bool_)].reshape(count, count - 1)
    found: FloatArray = (np.sort(others, axis=1) + _apart(count)[:, None]).ravel()
    return found


def _apart(count: int) -> FloatArray:
    """Return what keeps rows of cosines apart."""
    return 4.0 * np.arange(count, dtype=np.float64)


def _drawn(similarity: Similarity, chance: np.random.Generator) -> Rated:
    """Return ratings as other raters might have given them; without an error, as they are."""
    return Rated._make(
        np.clip(mean + np.nan_to_num(error) * chance.standard_normal(mean.shape), np.minimum(low, mean), high)
        for mean, error, low, high in zip(similarity.rated, similarity.errors, _LOWEST, _HIGHEST, strict=True)
    )
