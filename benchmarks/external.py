"""Predicted levels against ratings from outside the release that they were made from.

    python -m benchmarks.external

The starter's predictions for occupations that O*NET 29.0 has not rated, against analysts' ratings of the same job under
an earlier code, of a broader predecessor, and of occupations that O*NET 30.0 rated for the first time
(`outside_ratings.csv`, made by `scripts/outside_ratings.py`). Intervals resample the occupations.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import skillgap

_OUTSIDE = Path(__file__).with_name("outside_ratings.csv")
_PREDICTIONS = Path(skillgap.__file__).parent / "sources" / "starter" / "predictions.csv"
_KEY = ["onet_soc_code", "element_id"]
_RESAMPLES = 2_000
_SEED = 24


class Accuracy(NamedTuple):
    """How close predictions are to ratings from outside."""

    occupations: int
    mae: float
    """Mean absolute error, level points."""
    mae_interval: tuple[float, float]
    """95 % interval."""
    inside: float
    """Share of the ratings inside the 95 % interval of the prediction."""
    bias: float
    """Mean of predicted minus rated, level points."""
    bias_interval: tuple[float, float]


def main() -> None:
    found = accuracies()
    print("| ratings | occupations | mean absolute error | 95 % interval | inside | bias | 95 % interval |")
    print("|---|---:|---:|---|---:|---:|---|")
    for relation, each in found.items():
        (low, high), (least, most) = each.mae_interval, each.bias_interval
        print(
            f"| {relation} | {each.occupations} | {each.mae:.3f} | {low:.3f} to {high:.3f} | {each.inside:.1%} | "
            f"{each.bias:+.3f} | {least:+.3f} to {most:+.3f} |"
        )
    same, first = found["same"], found["first rated"]
    print(
        f"\nevaluate-external external_mae={same.mae:.4f} external_inside={same.inside:.4f} "
        f"first_rated_mae={first.mae:.4f} first_rated_inside={first.inside:.4f} first_rated_bias={first.bias:.4f}"
    )


def accuracies() -> dict[str, Accuracy]:
    """Return the accuracy by relation of the rated occupation to the predicted one."""
    rated = pd.read_csv(_OUTSIDE).melt(["relation", "onet_soc_code"], var_name="element_id", value_name="rated")
    both = rated.merge(pd.read_csv(_PREDICTIONS), on=_KEY).dropna(subset="rated")
    both["error"] = both["level"] - both["rated"]
    both["inside"] = both["rated"].between(both["lower_ci_bound"], both["upper_ci_bound"])
    return {str(relation): _accuracy(of) for relation, of in both.groupby("relation")}


def _accuracy(of: pd.DataFrame) -> Accuracy:
    by_occupation = of.groupby("onet_soc_code")["error"]
    means = np.stack([by_occupation.agg(lambda error: error.abs().mean()), by_occupation.mean()])
    rng = np.random.default_rng(_SEED)
    drawn = means[:, rng.integers(means.shape[1], size=(_RESAMPLES, means.shape[1]))].mean(axis=-1)
    intervals = np.quantile(drawn, (0.025, 0.975), axis=1).T.tolist()
    return Accuracy(
        occupations=means.shape[1],
        mae=float(of["error"].abs().mean()),
        mae_interval=tuple(intervals[0]),
        inside=float(of["inside"].mean()),
        bias=float(of["error"].mean()),
        bias_interval=tuple(intervals[1]),
    )


if __name__ == "__main__":
    main()
