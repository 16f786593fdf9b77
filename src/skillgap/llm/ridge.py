"""Kernel ridge regression of levels on O*NET's text and a language model's states.

The similarity of two occupations is a weighted sum of kernels: words (title, description, tasks), parts of words, other
titles, states, Job Zone and interests. The levels of an unrated occupation are a mean over the rated ones, weighted
towards similar occupations. Levels vary together, so they are rotated to their principal components. Each component has
its own ridge, chosen by leave-one-out error. Intervals come from the leave-one-out errors of the rated occupations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.significance import CONFIDENCE
from skillgap.analysis.similarity.profiles import Profile, interests_of, standardized
from skillgap.llm.profiler import Prediction
from skillgap.llm.training_data import title_and_description
from skillgap.onet.scales import HIGHEST_LEVEL

WEIGHTS = {"words": 0.6, "parts": 0.7, "titles": 0.3, "states": 0.2, "job_zone": 0.2, "interests": 0.8}
"""Weights of the kernels. Found by a random search over 26 settings on O*NET 29.0, rounded."""
_RIDGES = np.geomspace(0.01, 3.0, 12)


def combined_kernel(profiles: Sequence[Profile], states: FloatArray | None) -> FloatArray:
    """Return the similarity of all pairs of occupations: (occupations, occupations), 1 on the diagonal.

    `states` is (occupations, 576); None leaves the language model out. Ratings are not used.
    """
    return weighted_mean(kernels(profiles, states), WEIGHTS)


def kernels(profiles: Sequence[Profile], states: FloatArray | None) -> dict[str, FloatArray]:
    """Return the kernels with data, by their names in WEIGHTS."""
    texts = title_and_description(profiles)
    with_tasks = [f"{text} {' '.join(profile.tasks)}" for text, profile in zip(texts, profiles, strict=True)]
    parts = {
        "words": _tfidf(with_tasks, min_df=2, ngram_range=(1, 2), stop_words="english"),
        "parts": _tfidf(with_tasks, min_df=3, analyzer="char_wb", ngram_range=(3, 5)),
        "titles": _tfidf([" ".join(profile.alternate_titles) for profile in profiles], min_df=2),
        "job_zone": gaussian(np.array([[profile.job_zone or np.nan] for profile in profiles]), width=2.0),
    }
    if any(profile.interests for profile in profiles):
        parts["interests"] = gaussian(interests_of(profiles))
    if states is not None:
        parts["states"] = gaussian(standardized(states))
    return parts


def weighted_mean(parts: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Return the weighted mean of the kernels that are present."""
    used = {name: weight for name, weight in weights.items() if name in parts}
    total: FloatArray = sum((weight * parts[name] for name, weight in used.items()), np.zeros(()))
    mean: FloatArray = total / sum(used.values())
    return mean


def _tfidf(texts: Sequence[str], **options: object) -> FloatArray:
    try:
        vectors = TfidfVectorizer(sublinear_tf=True, **options).fit_transform(texts)
    except ValueError:  # no word is shared
        return np.eye(len(texts))
    kernel: FloatArray = (vectors @ vectors.T).toarray()
    np.fill_diagonal(kernel, 1.0)
    return kernel


def gaussian(values: FloatArray, width: float | None = None) -> FloatArray:
    """Return exp(-distance² / width); 0 for rows with a missing value. `width` is the median distance² by default."""
    is_missing = np.asarray(np.isnan(values).any(axis=1))
    present = np.where(is_missing[:, None], 0.0, values)
    squares = (present**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * present @ present.T, 0.0)
    if width is None:
        width = float(np.median(distances[np.ix_(~is_missing, ~is_missing)])) or 1.0
    kernel: FloatArray = np.exp(-distances / width)
    kernel[is_missing, :] = kernel[:, is_missing] = 0.0
    np.fill_diagonal(kernel, 1.0)
    return kernel


def predict(kernel: FloatArray, trained: np.ndarray, targets: np.ndarray, level: FloatArray) -> Prediction:
    """Predict the rows `targets` of the kernel from the rows `trained`, whose levels are given."""
    mean = level.mean(axis=0)
    _, _, rotation = np.linalg.svd(level - mean, full_matrices=False)
    components = (level - mean) @ rotation.T
    values, vectors = np.linalg.eigh(kernel[np.ix_(trained, trained)])
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
    across = kernel[np.ix_(targets, trained)]
    predicted = mean + (across @ weights) @ rotation
    # All elements share one model of the spread: the distance of an occupation from the training set.
    inverse = 1.0 / (values + _RIDGES[len(_RIDGES) // 2])
    spread_trained = 1.0 / (squares @ inverse)
    solved = ((across @ vectors) * inverse) @ vectors.T
    spread = 1.0 + _RIDGES[len(_RIDGES) // 2] - np.einsum("ij,ij->i", solved, across)
    scaled = (left_out @ rotation) / np.sqrt(spread_trained)[:, None]
    width = np.quantile(np.abs(scaled), CONFIDENCE, axis=0) * np.sqrt(np.maximum(spread, 1e-9))[:, None]
    error = np.sqrt((scaled**2).mean(axis=0)) * np.sqrt(np.maximum(spread, 1e-9))[:, None]
    return Prediction(
        level=np.clip(predicted, 0.0, HIGHEST_LEVEL),
        lower=np.clip(predicted - width, 0.0, HIGHEST_LEVEL),
        upper=np.clip(predicted + width, 0.0, HIGHEST_LEVEL),
        standard_error=error,
        weights=solved,
    )
