"""Kernel ridge regression of levels on what is said of occupations: O*NET's own words, and a language model's states.

Two occupations are as alike as their words (title, description, tasks), word parts, other
titles, states, Job Zone and interests; the levels of an unrated occupation are a mean of all rated ones' that leans on
its likes. Levels vary together, so they are rotated to their principal components, each with a ridge of its own, chosen
by leave-one-out error. Intervals come from the leave-one-out errors of the rated occupations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.significance import CONFIDENCE
from skillgap.analysis.similarity.profiles import Profile, interests_of, standardized
from skillgap.llm.prediction import Prediction
from skillgap.llm.training_data import described
from skillgap.onet.scales import HIGHEST_LEVEL

WEIGHTS = {"words": 0.6, "parts": 0.7, "titles": 0.3, "states": 0.2, "job_zone": 0.2, "interests": 0.8}
"""Of the kernels in their sum; found on O*NET 29.0 by a random search over 26 settings, rounded."""
_RIDGES = np.geomspace(0.01, 3.0, 12)


def kernel(profiles: Sequence[Profile], states: FloatArray | None) -> FloatArray:
    """Return how alike all pairs of occupations are: (occupations, occupations), 1 on the diagonal.

    `states` is (occupations, 576), None leaves the language model out. Ratings play no part.
    """
    return combined(kernels(profiles, states), WEIGHTS)


def kernels(profiles: Sequence[Profile], states: FloatArray | None) -> dict[str, FloatArray]:
    """Return the parts of `kernel` that something is known for, by the names of WEIGHTS."""
    long = [f"{text} {' '.join(profile.tasks)}" for text, profile in zip(described(profiles), profiles, strict=True)]
    parts = {
        "words": _tfidf(long, min_df=2, ngram_range=(1, 2), stop_words="english"),
        "parts": _tfidf(long, min_df=3, analyzer="char_wb", ngram_range=(3, 5)),
        "titles": _tfidf([" ".join(profile.alternate_titles) for profile in profiles], min_df=2),
        "job_zone": gaussian(np.array([[profile.job_zone or np.nan] for profile in profiles]), width=2.0),
    }
    if any(profile.interests for profile in profiles):
        parts["interests"] = gaussian(interests_of(profiles))
    if states is not None:
        parts["states"] = gaussian(standardized(states))
    return parts


def combined(parts: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Return the weighted mean of those parts that are there."""
    used = {name: weight for name, weight in weights.items() if name in parts}
    total: FloatArray = sum((weight * parts[name] for name, weight in used.items()), np.zeros(()))
    alike: FloatArray = total / sum(used.values())
    return alike


def _tfidf(texts: Sequence[str], **given: object) -> FloatArray:
    try:
        found = TfidfVectorizer(sublinear_tf=True, **given).fit_transform(texts)
    except ValueError:  # no word is shared
        return np.eye(len(texts))
    alike: FloatArray = (found @ found.T).toarray()
    np.fill_diagonal(alike, 1.0)
    return alike


def gaussian(values: FloatArray, width: float | None = None) -> FloatArray:
    """Return exp(-distance² / width), the median distance² by default; 0 to what lacks a value."""
    lacks = np.asarray(np.isnan(values).any(axis=1))
    known = np.where(lacks[:, None], 0.0, values)
    squares = (known**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * known @ known.T, 0.0)
    if width is None:
        width = float(np.median(distances[np.ix_(~lacks, ~lacks)])) or 1.0
    alike: FloatArray = np.exp(-distances / width)
    alike[lacks, :] = alike[:, lacks] = 0.0
    np.fill_diagonal(alike, 1.0)
    return alike


def predict(alike: FloatArray, trained: np.ndarray, asked: np.ndarray, level: FloatArray) -> Prediction:
    """Predict the rows `asked` of the kernel `alike` from the rows `trained`, whose levels are given."""
    mean = level.mean(axis=0)
    _, _, rotation = np.linalg.svd(level - mean, full_matrices=False)
    components = (level - mean) @ rotation.T
    values, vectors = np.linalg.eigh(alike[np.ix_(trained, trained)])
    values, squares = np.maximum(values, 0.0), vectors**2
    rotated = vectors.T @ components
    best = np.full(components.shape[1], np.inf)
    weights, left_out = np.zeros_like(components), np.zeros_like(components)
    for ridge in _RIDGES:
        inverse = 1.0 / (values + ridge)
        weight = vectors @ (inverse[:, None] * rotated)
        errors = weight / (squares @ inverse)[:, None]
        error = (errors**2).mean(axis=0)
        better = error < best
        best[better], weights[:, better], left_out[:, better] = error[better], weight[:, better], errors[:, better]
    across = alike[np.ix_(asked, trained)]
    predicted = mean + (across @ weights) @ rotation
    # The same spread model for all elements: how far an occupation is from those trained on.
    inverse = 1.0 / (values + _RIDGES[len(_RIDGES) // 2])
    spread_trained = 1.0 / (squares @ inverse)
    solved = ((across @ vectors) * inverse) @ vectors.T
    spread = 1.0 + _RIDGES[len(_RIDGES) // 2] - np.einsum("ij,ij->i", solved, across)
    scaled = (left_out @ rotation) / np.sqrt(spread_trained)[:, None]
    width = np.quantile(np.abs(scaled), CONFIDENCE, axis=0) * np.sqrt(np.maximum(spread, 1e-9))[:, None]
    error = np.sqrt((scaled**2).mean(axis=0)) * np.sqrt(np.maximum(spread, 1e-9))[:, None]
    clipped = np.clip(predicted, 0.0, HIGHEST_LEVEL)
    return Prediction(
        level=clipped,
        lower=np.clip(predicted - width, 0.0, HIGHEST_LEVEL),
        upper=np.clip(predicted + width, 0.0, HIGHEST_LEVEL),
        standard_error=error,
        leaning=solved,
    )
