"""Accuracy of the similarity: every score against O*NET's Related Occupations, cross-validated.

    python -m benchmarks.transitions RELEASE [--write]

Recall@10 is the share of an occupation's primary related occupations (tiers Primary-Short and Primary-Long, ten at
most, rated ones only) among the first ten of a score. A fitted score never sees the list of the occupation it is
evaluated on: folds are ten random ones or, harder, SOC major groups. Intervals come from a bootstrap over occupations.
`--write` fits each recipe to all occupations, for the product.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import skillgap.analysis.similarity.model as product
from benchmarks.release import read_release
from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.pairs import weighted_shortfalls
from skillgap.analysis.similarity.model import MEASURES, SimilarityInputs, cosine, terms

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

RECIPES = {
    "whole": (
        *("skills", "major group", "minor group", "title", "description", "tasks", "titles", "words"),
        *("knowledge", "knowledge profile", "interests", "job zone"),
    ),
    "without knowledge": (
        *("skills", "major group", "minor group", "title", "description", "tasks", "titles", "words"),
        *("interests", "job zone"),
    ),
    "without importance": (
        *("levels", "major group", "minor group", "title", "description", "tasks", "titles", "words"),
        *("interests", "job zone"),
    ),
    "independent": (
        *("skills", "levels", "major group", "minor group", "description alone", "interests", "job zone"),
        "technology",
    ),
    "skills and titles": ("skills", "levels", "major group", "minor group", "title"),
    "levels and titles": ("levels", "major group", "minor group", "title"),
}
"""Best first. `independent` leaves out the sources of O*NET's list: tasks, knowledge and titles."""
ONLY_JUDGED = {
    "independent, without SOC groups": tuple(
        name for name in RECIPES["independent"] if name not in ("major group", "minor group")
    ),
    "independent, without descriptions": tuple(name for name in RECIPES["independent"] if name != "description alone"),
}
_FIRST = 10
_FOLDS = 10
_SEED = 29
_NEGATIVES = 0.2
"""Share of the unlisted pairs in a fit; the intercept is corrected for it."""
_BOOTSTRAPS = 2_000


def main() -> None:
    release, profiles, ratings = read_release()
    known = SimilarityInputs(profiles, ratings)
    rows = {code: i for i, code in enumerate(known.codes)}
    listed = np.zeros((len(rows), len(rows)), dtype=np.bool_)
    for profile in known.profiles:
        for code, tier in profile.related.items():
            if tier.startswith("Primary") and code in rows:
                listed[rows[profile.onet_soc_code], rows[code]] = True
    alike = {name: each.compute(known) for name, each in MEASURES.items()}
    found = {name: terms(each, is_categorical=MEASURES[name].is_categorical) for name, each in alike.items()}

    print(f"O*NET {release}: {len(rows)} occupations, {listed.sum():,} primary related ones among them\n")
    print("| score | inputs | recall@10 | 95 % interval |\n|---|---|---:|---|")
    baselines = {
        "chance": (np.random.default_rng(_SEED).random(listed.shape), "none"),
        "smallest shortfall": (-weighted_shortfalls(known.skills), "skills"),
        "cosine of level x importance": (alike["skills"], "skills"),
        "TF-IDF of tasks": (alike["tasks"], "tasks"),
        "TF-IDF of titles": (alike["titles"], "titles"),
        "TF-IDF of all words": (alike["words"], "titles, descriptions, tasks"),
        "TF-IDF of all words + 0.2 x cosine of knowledge": (
            alike["words"] + 0.2 * alike["knowledge profile"],
            "titles, descriptions, tasks, knowledge",
        ),
    }
    knowledge = known.rated.knowledge - known.rated.knowledge.mean(axis=0)
    correlation = cosine(knowledge - knowledge.mean(axis=1, keepdims=True))
    baselines["TF-IDF of words without stop words + 0.2 x correlation of knowledge"] = (
        _whole_words(known) + 0.2 * correlation,
        "titles, descriptions, tasks, knowledge",
    )
    for name, (score, inputs) in baselines.items():
        print(f"| {name} | {inputs} | {_told(recalls(score, listed))} |")
    groups = np.array([code[:2] for code in known.codes])
    random = np.random.default_rng(_SEED).permutation(len(rows)) % _FOLDS
    judged = {}
    for name, likenesses in {**RECIPES, **ONLY_JUDGED}.items():
        features = np.stack([part for each in likenesses for part in found[each]], axis=-1)
        judged[name] = recalls(cross_validated(features, listed, random), listed)
        print(f"| fitted: {name} | {', '.join(inputs_of(likenesses))} | {_told(judged[name])} |", flush=True)
        if name in ("whole", "independent"):
            other = recalls(cross_validated(features, listed, groups), listed)
            print(f"| fitted: {name}, folds of major groups | same | {_told(other)} |", flush=True)
    if "--write" in sys.argv:
        _write(found, listed, {name: values.mean() for name, values in judged.items()}, release)
    whole, independent = judged["whole"].mean(), judged["independent"].mean()
    print(f"\nevaluate-transitions recall10={whole:.4f} recall10_uncircular={independent:.4f}")


def _whole_words(known: SimilarityInputs) -> FloatArray:
    """Return the cosine of scikit-learn's TF-IDF of the full text of occupations."""
    texts = [
        " ".join([each.title, each.description, *each.tasks, *each.alternate_titles, *each.reported_titles])
        for each in known.profiles
    ]
    found = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)
    alike: FloatArray = (found @ found.T).toarray()
    return alike


def inputs_of(likenesses: tuple[str, ...]) -> list[str]:
    """Return the inputs that likenesses need, in the order of INPUTS; `skills` are levels with importances."""
    needed = {each for name in likenesses for each in MEASURES[name].inputs}
    if "skills" in needed:
        needed.discard("levels of skills")
    return [each for each in product.INPUTS if each in needed]


def recalls(score: FloatArray, listed: Bools) -> FloatArray:
    """Return the share of each occupation's list among the first ten."""
    score = score.astype(np.float64)
    np.fill_diagonal(score, -np.inf)
    first = np.argsort(-score, axis=1, kind="stable")[:, :_FIRST]
    found: FloatArray = np.take_along_axis(listed, first, axis=1).sum(axis=1) / listed.sum(axis=1)
    return found


def cross_validated(features: Floats, listed: Bools, folds: npt.NDArray[np.generic]) -> FloatArray:
    """Return the score of all pairs; each row comes from a fit to the other folds."""
    score = np.empty(listed.shape)
    for fold in np.unique(folds):
        is_judged = folds == fold
        weights, intercept = fit(features, listed, ~is_judged)
        score[is_judged] = features[is_judged] @ weights + intercept
    return score


def fit(features: Floats, listed: Bools, rows: Bools) -> tuple[FloatArray, float]:
    """Return weights and intercept of a logistic regression on the lists of some occupations."""
    is_other = ~np.eye(len(listed), dtype=np.bool_)[rows]
    x, y = features[rows][is_other], listed[rows][is_other]
    is_seen = y | (np.random.default_rng(_SEED).random(len(y)) < _NEGATIVES)
    x, y = x[is_seen].astype(np.float64), y[is_seen]
    mean, deviation = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    model = LogisticRegression(max_iter=300, tol=1e-3).fit((x - mean) / deviation, y)
    weights = model.coef_[0] / deviation
    return weights, float(model.intercept_[0] - mean @ weights + np.log(_NEGATIVES))


def _told(values: FloatArray) -> str:
    means = np.random.default_rng(_SEED).choice(values, (_BOOTSTRAPS, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.3f} | {low:.3f} to {high:.3f}"


def _write(found: Mapping[str, list[Floats]], listed: Bools, recall: Mapping[str, float], release: str) -> None:
    fitted = []
    for name, likenesses in RECIPES.items():
        features = np.stack([part for each in likenesses for part in found[each]], axis=-1)
        weights, intercept = fit(features, listed, np.ones(len(listed), dtype=np.bool_))
        given: Iterator[float] = (round(float(weight), 5) for weight in weights)
        fitted.append(
            {
                "name": name,
                "inputs": inputs_of(likenesses),
                "weights": {each: [next(given) for _ in found[each]] for each in likenesses},
                "intercept": round(intercept, 5),
                "release": release,
                "recall_at_10": round(recall[name], 3),
            }
        )
    file = Path(product.__file__).with_name("model.json")
    file.write_text(json.dumps(fitted, indent=1) + "\n")


if __name__ == "__main__":
    main()
