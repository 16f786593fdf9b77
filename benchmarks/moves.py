"""Similar occupations and gaps compared with observed job changes.

    python -m benchmarks.moves MOVES GROUPS [RELEASE]

MOVES is a CSV file of job changes (`origin`, `destination`, `moves`) between occupational groups, GROUPS maps O*NET-SOC
codes to groups (`onet_soc_code`, `group`). The score of a destination is the mean, over the occupations of the origin,
of the best score of one of its occupations. A figure of gaps is the mean over all pairs of occupations.

Recall@10 is the share of a group's ten most frequent destinations among the first ten of a score. The explained share
is that of the deviance of a Poisson model that the totals of origins and destinations leave: moves are proportional to
exp(slope x figure), within the totals. Moves within a group are left out. Intervals resample the origins.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from benchmarks.release import load_release
from skillgap.analysis.arrays import FloatArray, IntArray
from skillgap.analysis.pairs import summaries_from
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import MEASURES, Similarity, SimilarityInputs, compute_similarity

_FIRST = 10
_RESAMPLES = 100
_SEED = 24
_ROUNDS = 60
"""Of fitting the totals of origins and destinations in turn."""


class Moves(NamedTuple):
    """Job changes between groups that have occupations."""

    counts: FloatArray
    """(groups, groups), 0 on the diagonal."""
    groups: tuple[str, ...]
    group_of: Mapping[str, int]
    """Index of the group by O*NET-SOC code."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moves", type=Path)
    parser.add_argument("groups", type=Path)
    parser.add_argument("release", nargs="?", default="")
    arguments = parser.parse_args()
    moves = read_moves(arguments.moves, arguments.groups)
    with tempfile.TemporaryDirectory() as folder:
        release, profiles, ratings = load_release(arguments.release or "29.0", Path(folder))
    similarity, known = compute_similarity(profiles, ratings), SimilarityInputs(profiles, ratings)
    alike = {name: MEASURES[name].compute(known) for name in ("skills", "words")}
    listed = np.zeros_like(alike["skills"])
    rows = {code: row for row, code in enumerate(known.codes)}
    for profile in known.profiles:
        for place, code in enumerate(profile.related):
            if code in rows:
                listed[rows[profile.onet_soc_code], rows[code]] = 1.0 / (1 + place)
    near = best_by_group(moves, similarity.codes, scores(similarity))
    elsewhere = moves.counts.sum(axis=0) - moves.counts
    ranked = {
        "ranking of similar occupations": near,
        "O*NET's related occupations": best_by_group(moves, known.codes, listed),
        "TF-IDF of all words": best_by_group(moves, known.codes, alike["words"]),
        "cosine of level x importance": best_by_group(moves, known.codes, alike["skills"]),
        "moves to the destination from elsewhere": elsewhere,
        "ranking x moves from elsewhere": near * elsewhere,
        "random": np.random.default_rng(_SEED).random(near.shape),
    }
    print(f"O*NET {release}; {moves.counts.sum():,.0f} moves between {len(moves.groups)} groups\n")
    print("| score | recall@10 | 95 % interval |\n|---|---:|---|")
    found = {name: print_recall(name, recalls(moves.counts, score)) for name, score in ranked.items()}
    print("\n| figure | explained share of the deviance | 95 % interval |\n|---|---:|---|")
    skills = ratings.of_domain("skills")
    shares = {
        name: print_share(name, moves.counts, mean_by_group(moves, skills.codes, figure))
        for name, figure in gap_figures(skills).items()
    }
    print(
        f"\nevaluate-moves recall10={found['ranking of similar occupations']:.4f} "
        f"explained_clear={shares['clear gaps']:.4f} explained_shortfall={shares['weighted shortfall']:.4f}"
    )


def read_moves(moves: Path, groups: Path) -> Moves:
    """Read both files. Groups without an occupation, and moves from or to them, are left out."""
    with groups.open(encoding="utf-8") as lines:
        group_of = {line["onet_soc_code"]: line["group"] for line in csv.DictReader(lines)}
    names = tuple(sorted(set(group_of.values())))
    rows = {name: row for row, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    with moves.open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["origin"] in rows and line["destination"] in rows:
                counts[rows[line["origin"]], rows[line["destination"]]] += float(line["moves"])
    np.fill_diagonal(counts, 0.0)
    return Moves(counts, names, {code: rows[name] for code, name in group_of.items()})


def scores(similarity: Similarity) -> FloatArray:
    """Return the scores of all pairs of occupations, in the order of the similarity's codes."""
    return np.stack([similarity.scores(row) for row in range(len(similarity.codes))]).astype(np.float64)


def best_by_group(moves: Moves, codes: Sequence[str], score: FloatArray) -> FloatArray:
    """Return the score of each pair of groups: the mean of the best ones. NaN without occupations."""
    return _by_group(moves, codes, score, lambda each: float(each.max(axis=1).mean()))


def mean_by_group(moves: Moves, codes: Sequence[str], figure: FloatArray) -> FloatArray:
    """Return the mean of a figure of pairs of occupations by pair of groups; NaN without a pair."""
    return _by_group(moves, codes, figure, lambda each: float(np.nanmean(each)))


def _by_group(moves: Moves, codes: Sequence[str], figure: FloatArray, of: Callable[[FloatArray], float]) -> FloatArray:
    members: list[list[int]] = [[] for _ in moves.groups]
    for row, code in enumerate(codes):
        if code in moves.group_of:
            members[moves.group_of[code]].append(row)
    found = np.full((len(members), len(members)), np.nan)
    for origin, own in enumerate(members):
        for destination, others in enumerate(members):
            if origin != destination and own and others:
                found[origin, destination] = of(figure[np.ix_(own, others)])
    return found


def gap_figures(ratings: Ratings) -> dict[str, FloatArray]:
    """Return figures of the gaps from each occupation (rows) to each other one."""
    found = [summaries_from(row, ratings) for row in range(len(ratings.codes))]
    return {
        "clear gaps": np.stack([each.distinguishable_gaps for each in found]).astype(np.float64),
        "all gaps": np.stack([each.gaps for each in found]).astype(np.float64),
        "weighted shortfall": np.stack([each.weighted_shortfall for each in found]),
    }


def recalls(counts: FloatArray, score: FloatArray) -> FloatArray:
    """Return the recall@10 of each origin that has moves to ten groups or more."""
    first, frequent = (_first(each) for each in (score, counts))
    hits = np.array([len(np.intersect1d(one, other)) for one, other in zip(first, frequent, strict=True)])
    found: FloatArray = (hits / _FIRST)[np.count_nonzero(counts, axis=1) >= _FIRST]
    return found


def _first(figure: FloatArray) -> IntArray:
    values = np.nan_to_num(figure, nan=-np.inf)
    np.fill_diagonal(values, -np.inf)
    return np.argsort(-values, axis=1, kind="stable")[:, :_FIRST]


def explained(counts: FloatArray, figure: FloatArray) -> float:
    """Return the share of the deviance beyond the totals that a figure explains, with the best slope."""
    is_known = ~np.isnan(figure) & ~np.eye(len(counts), dtype=np.bool_)
    spread = figure[is_known].std()
    scaled = np.where(is_known, (figure - figure[is_known].mean()) / spread, 0.0)

    def left(slope: float) -> float:
        return _deviance(counts, _with_totals(counts, np.where(is_known, np.exp(slope * scaled), 0.0)), is_known)

    found = minimize_scalar(left, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-3})
    return float(1.0 - found.fun / left(0.0))


def _with_totals(counts: FloatArray, start: FloatArray) -> FloatArray:
    """Return expected counts proportional to `start`, with the totals of origins and destinations of the counts."""
    counts = np.where(start > 0, counts, 0.0)
    out, into = counts.sum(axis=1), counts.sum(axis=0)
    column = np.ones(len(counts))
    for _ in range(_ROUNDS):
        row = out / np.maximum(start @ column, 1e-300)
        column = into / np.maximum(row @ start, 1e-300)
    expected: FloatArray = row[:, None] * start * column
    return expected


def _deviance(counts: FloatArray, expected: FloatArray, is_known: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
    return float(2.0 * (logs - (counts - expected))[is_known].sum())


def print_recall(name: str, values: FloatArray) -> float:
    rng = np.random.default_rng(_SEED)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(1_000)]
    lower, upper = np.quantile(means, (0.025, 0.975))
    print(f"| {name} | {values.mean():.3f} | {lower:.3f} to {upper:.3f} |")
    return float(values.mean())


def print_share(name: str, counts: FloatArray, figure: FloatArray) -> float:
    share = explained(counts, figure)
    lower, upper = np.quantile(resampled(counts, lambda each: explained(each, figure)), (0.025, 0.975))
    print(f"| {name} | {share:.1%} | {lower:.1%} to {upper:.1%} |", flush=True)
    return share


def resampled(counts: FloatArray, of: Callable[[FloatArray], float]) -> list[float]:
    """Return a figure of counts whose origins count a random number of times."""
    rng = np.random.default_rng(_SEED)
    return [of(counts * rng.poisson(1.0, len(counts))[:, None]) for _ in range(_RESAMPLES)]


if __name__ == "__main__":
    main()
