"""How far the certainty of gaps can be trusted: repeated ratings of O*NET, and simulation.

    python -m benchmarks.certainty RELEASE_A RELEASE_B [--draw FILE.svg]

Repeated ratings: occupations that O*NET rated again between the releases. RELEASE_B may be a workbook with the skill
ratings of a release (`Skills.xlsx`), read without the other tables of its release.
Simulation: panels of 8 whole ratings with the levels, the spread and the rounding of RELEASE_B.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import minimize
from scipy.special import ndtr

from benchmarks.release import load_release, read_workbook
from skillgap.analysis import agreement as agreed
from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.pairs import CERTAINTIES, certainties, pair_of, summarize_pairs
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import compare_means
from skillgap.analysis.similarity.profiles import Profile
from skillgap.export.charts import draw
from skillgap.onet.scales import HIGHEST_LEVEL, RATERS

_SEED = 24
_RANDOM_PAIRS = 6_000
_FOLDS = 5
_RESAMPLES = 200
_SIMULATED = 3_000
_LEAST_GAPS = 200
"""Gaps that a tenth needs to be reported."""
_SHIFTS = (0.5, 0.75, 1.0, 1.25, 1.5)


class Repeated(NamedTuple):
    """Ratings of the occupations that were rated again, before and after: the same occupations and elements."""

    before: Ratings
    after: Ratings


class Gaps(NamedTuple):
    """The gaps of pairs in the first release, concatenated, and what became of them."""

    current: IntArray
    target: IntArray
    gap: FloatArray
    standard_error: FloatArray
    expected: FloatArray
    """Agreement, unrounded."""
    word: IntArray
    """Index into CERTAINTIES."""
    later: FloatArray
    """The difference in the second release."""


class Tenth(NamedTuple):
    """The gaps of one tenth of the expected values."""

    pairs: str
    expected: float
    seen: float
    error: float
    """Standard error of `seen`, clustered by occupation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--draw", type=Path, help="write the picture of the reliability to an SVG file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _, profiles, first = load_release(arguments.first, Path(folder))
        if arguments.second.endswith(".xlsx"):
            second = read_workbook(Path(arguments.second), first)
        else:
            _, profiles, second = load_release(arguments.second, Path(folder))
    first, second = first.of_domain("skills"), second.of_domain("skills")
    repeated = find_repeated(first, second)
    if not repeated.before.codes:
        raise SystemExit("no occupation was rated again between these releases")
    print(f"{len(repeated.before.codes)} occupations were rated again\n")
    pairs = {"related": related_pairs(repeated.before, profiles), "random": random_pairs(repeated.before)}
    gaps = {name: gaps_of(repeated, *each) for name, each in pairs.items()}
    reliability = [
        row for name, each in gaps.items() for row in print_reliability(name, each, fitted_apart(gaps, name))
    ]
    print_persistence(gaps)
    print_clear_again(repeated, pairs)
    print_sums(repeated, pairs)
    figures = print_simulation(second, profiles)
    print_power(second)
    if arguments.draw:
        arguments.draw.write_bytes(draw(reliability_chart(reliability), "svg"))
    print(
        f"\nevaluate-certainty reliability_max={max(abs(row.seen - row.expected) for row in reliability):.4f} "
        f"fdr_shown={figures['shown']:.4f} coverage_clear={figures['coverage']:.4f} "
        f"fdr_downward={figures['downward']:.4f}"
    )


# -- repeated ratings -------------------------------------------------------------------------------------------------


def find_repeated(first: Ratings, second: Ratings) -> Repeated:
    """Return the occupations with errors in both releases whose ratings have another month in the second one."""
    common = sorted(set(first.codes) & set(second.codes))
    elements = sorted(set(first.element_ids) & set(second.element_ids))
    old, new = (ratings.restricted_to(common, elements) for ratings in (first, second))
    has_errors = ~np.isnan(old.standard_error).any(axis=1) & ~np.isnan(new.standard_error).any(axis=1)
    is_again = has_errors & (old.month != new.month).any(axis=1)
    codes = [code for code, again in zip(common, is_again.tolist(), strict=True) if again]
    before, after = (ratings.restricted_to(codes, elements) for ratings in (old, new))
    return Repeated(before, after)


def related_pairs(ratings: Ratings, profiles: Mapping[str, Profile]) -> tuple[IntArray, IntArray]:
    """Return the pairs that O*NET lists as related, as rows."""
    pairs = [
        (ratings.rows[code], ratings.rows[other])
        for code in ratings.codes
        for other in profiles[code].related
        if other in ratings.rows
    ]
    current, target = np.array(pairs).T
    return current, target


def random_pairs(ratings: Ratings, count: int = _RANDOM_PAIRS) -> tuple[IntArray, IntArray]:
    """Return random ordered pairs of different occupations, as rows."""
    rng, size = np.random.default_rng(_SEED), len(ratings.codes)
    current = rng.integers(size, size=count)
    return current, (current + rng.integers(1, size, size=count)) % size


def gaps_of(repeated: Repeated, current: IntArray, target: IntArray) -> Gaps:
    """Return the gaps of pairs in the first release and their later differences."""
    old, new = repeated
    pair = pair_of(current, target, old)
    is_gap = pair.gap > 0
    row, _ = np.nonzero(is_gap)
    margin = np.broadcast_to(old.margin, pair.gap.shape)
    return Gaps(
        current=current[row],
        target=target[row],
        gap=pair.gap[is_gap],
        standard_error=pair.standard_error[is_gap],
        expected=ndtr((pair.gap - margin) / np.sqrt(pair.panel_variance))[is_gap],
        word=certainties(pair, target, old)[is_gap].astype(np.intp),
        later=(new.level[target] - new.level[current])[is_gap],
    )


def fitted_apart(gaps: Mapping[str, Gaps], name: str) -> FloatArray:
    """Return the chances of one set of gaps with constants fitted to pairs of other occupations, fold by fold."""
    of = gaps[name]
    size = 1 + max(int(max(each.current.max(), each.target.max())) for each in gaps.values())
    fold = np.random.default_rng(_SEED).permutation(size) % _FOLDS
    chances = np.empty(len(of.gap))
    for k in range(_FOLDS):
        others = [
            (each.gap[kept], each.standard_error[kept], each.later[kept] > 0)
            for each in gaps.values()
            for kept in [(fold[each.current] != k) & (fold[each.target] != k)]
        ]
        is_tested = fold[of.current] == k
        chances[is_tested] = chance(fit(others), of.gap[is_tested], of.standard_error[is_tested])
    return chances


def chance(constants: FloatArray, gap: FloatArray, standard_error: FloatArray) -> FloatArray:
    """Return the agreement by margin, share of the squared error, and common variance of both sides."""
    margin, share, common = constants
    found: FloatArray = ndtr((gap - margin) / np.sqrt(np.maximum(share, 0) * standard_error**2 + max(common, 1e-6)))
    return found


def fit(samples: Sequence[tuple[FloatArray, FloatArray, BoolArray]]) -> FloatArray:
    """Return the constants that are most likely, each sample counting the same."""

    def unlikelihood(constants: FloatArray) -> float:
        total = 0.0
        for gap, standard_error, again in samples:
            found = np.clip(chance(constants, gap, standard_error), 1e-6, 1 - 1e-6)
            total -= np.where(again, np.log(found), np.log1p(-found)).mean()
        return total

    start = np.array([agreed.MARGIN_OF_EIGHTHS, agreed.SHARE_OF_ERROR, 2 * agreed.COMMON_VARIANCE])
    fitted: FloatArray = minimize(unlikelihood, start, method="Nelder-Mead", options={"maxiter": 200}).x
    return fitted


def print_reliability(name: str, gaps: Gaps, apart: FloatArray) -> list[Tenth]:
    """Print what was expected and what was seen, by tenths; return the tenths of constants fitted to others."""
    plain = ndtr(gaps.gap / (np.sqrt(2.0) * gaps.standard_error))
    again = gaps.later > 0
    print(f"{name} pairs, {len(gaps.gap):,} gaps\n")
    print(
        "| expected | gaps | seen | standard error | fitted apart: expected, seen | not clear: expected, seen | plain |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    is_unclear = gaps.word != CERTAINTIES.tolist().index("clear")
    rows: list[Tenth] = []
    for tenth in range(10):
        inside = in_tenth(gaps.expected, tenth)
        if inside.sum() < _LEAST_GAPS:
            continue
        error = clustered_error(gaps, again - gaps.expected, inside)
        expected, seen = float(gaps.expected[inside].mean()), float(again[inside].mean())
        outside = in_tenth(apart, tenth)
        if outside.sum() >= _LEAST_GAPS:
            stated, found = float(apart[outside].mean()), float(again[outside].mean())
            rows.append(Tenth(name, stated, found, clustered_error(gaps, again - apart, outside)))
        cells = (
            means(apart, again, in_tenth(apart, tenth)),
            means(gaps.expected, again, inside & is_unclear),
            means(plain, again, in_tenth(plain, tenth)),
        )
        print(f"| {expected:.3f} | {inside.sum():,} | {seen:.3f} | {error:.3f} | {' | '.join(cells)} |")
    print()
    return rows


def in_tenth(chances: FloatArray, tenth: int) -> BoolArray:
    inside: BoolArray = np.minimum(np.floor(chances * 10), 9) == tenth
    return inside


def means(expected: FloatArray, again: BoolArray, inside: BoolArray) -> str:
    return f"{expected[inside].mean():.3f}, {again[inside].mean():.3f}" if inside.sum() >= _LEAST_GAPS else "–"


def clustered_error(gaps: Gaps, surprise: FloatArray, inside: BoolArray) -> float:
    """Return the standard error of a mean over gaps, from resamples of the occupations."""
    rng = np.random.default_rng(_SEED)
    size = 1 + int(max(gaps.current.max(), gaps.target.max()))
    drawn = []
    for _ in range(_RESAMPLES):
        times = rng.poisson(1.0, size)
        weight = times[gaps.current[inside]] * times[gaps.target[inside]]
        drawn.append((weight * surprise[inside]).sum() / max(weight.sum(), 1))
    return float(np.std(drawn))


def print_persistence(gaps: Mapping[str, Gaps]) -> None:
    """Print what became of gaps, by word."""
    print("| pairs | gaps | number | same direction | equal | reversed |")
    print("|---|---|---:|---:|---:|---:|")
    for name, of in gaps.items():
        for index in (3, 2, 1):
            later = of.later[of.word == index]
            shares = [float(share.mean()) for share in (later > 0, later == 0, later < 0)]
            print(
                f"| {name} | {CERTAINTIES[index]} | {len(later):,} | {' | '.join(f'{each:.1%}' for each in shares)} |"
            )
    print()


def print_clear_again(repeated: Repeated, pairs: Mapping[str, tuple[IntArray, IntArray]]) -> None:
    """Print how many of the clear gaps are clear in the second release as well."""
    for name, (current, target) in pairs.items():
        before, after = (
            pair.is_distinguishable & (pair.gap > 0)
            for pair in (pair_of(current, target, ratings) for ratings in repeated)
        )
        print(f"of the clear gaps of {name} pairs, {(before & after).sum() / before.sum():.1%} are clear again")
    print()


def print_sums(repeated: Repeated, pairs: Mapping[str, tuple[IntArray, IntArray]]) -> None:
    """Print how the percentile of a shortfall moves, and the shortfall of an occupation to itself."""
    old, new = repeated
    print("| pairs | inside the interval | mean absolute move of the percentile |")
    print("|---|---:|---:|")
    for name, (current, target) in pairs.items():
        before, after = (summarize_pairs(pair_of(current, target, each), target, each) for each in repeated)
        later = after.shortfall_percentile
        inside = (before.shortfall_percentile_lower <= later) & (later <= before.shortfall_percentile_upper)
        print(f"| {name} | {inside.mean():.1%} | {np.abs(later - before.shortfall_percentile).mean():.1f} |")
    weight = new.known_weight / new.weight_sum[:, None]
    itself = (np.fmax(new.level - old.level, 0.0) * weight).sum(axis=1)
    everyone = np.arange(len(new.codes))
    noise = summarize_pairs(pair_of(everyone, everyone, new), everyone, new).noise_shortfall
    print(
        f"\nshortfall between two panels on one occupation: {itself.mean():.3f}; noise_shortfall: {noise.mean():.3f}\n"
    )


# -- simulation -------------------------------------------------------------------------------------------------------


def print_simulation(ratings: Ratings, profiles: Mapping[str, Profile]) -> dict[str, float]:
    """Print false gaps among those shown and the coverage of their intervals; return the worst of each."""
    whole = np.flatnonzero(~np.isnan(ratings.standard_error).any(axis=1))
    rated = ratings.restricted_to([ratings.codes[row] for row in whole.tolist()], ratings.element_ids)
    related, drawn = related_pairs(rated, profiles), random_pairs(rated)
    rise = (rated.level[drawn[1]] - rated.level[drawn[0]]).mean(axis=1)
    down = rise <= np.quantile(rise, 0.1)
    kinds = {"related": related, "random": drawn, "downward": (drawn[0][down], drawn[1][down])}
    print("| pairs | true nulls | clear gaps a pair | false among them | both directions together | coverage | plain |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    worst = {"shown": 0.0, "coverage": 1.0, "downward": 0.0}
    for name, (current, target) in kinds.items():
        for nulls in (0.3, 0.5, 1.0):
            found = simulate(rated, current, target, nulls)
            print(
                f"| {name} | {nulls:.0%} | {found['a pair']:.2f} | {found['false']:.1%} | {found['pooled']:.1%} | "
                f"{found['coverage']:.1%} | {found['plain']:.1%} |"
            )
            if nulls == 1.0:  # all gaps shown are false, so how many there are is what matters
                continue
            key = "downward" if name == "downward" else "shown"
            worst[key] = max(worst[key], found["false"])
            worst["coverage"] = min(worst["coverage"], found["coverage"])
    print()
    return worst


def simulate(ratings: Ratings, current: IntArray, target: IntArray, nulls: float) -> dict[str, float]:
    """Let two panels rate random ones of these pairs, with the same true level in a share of the skills."""
    rng = np.random.default_rng(_SEED)
    chosen = rng.integers(len(current), size=_SIMULATED)
    start, end = current[chosen], target[chosen]
    is_null = rng.random((_SIMULATED, len(ratings.element_ids))) < nulls
    mean = ratings.level[start], np.where(is_null, ratings.level[start], ratings.level[end])
    spread = deviation(ratings, start), np.where(is_null, deviation(ratings, start), deviation(ratings, end))
    truth = np.where(is_null, 0.0, true_mean(mean[1], spread[1]) - true_mean(mean[0], spread[0]))
    (first, first_error), (second, second_error) = (rate(rng, *each) for each in zip(mean, spread, strict=True))
    n = np.full(first.shape, RATERS)
    difference = second - first
    tested = compare_means(difference, standard_errors=(first_error, second_error), n=(n, n))
    shown = tested.is_distinguishable & (difference > 0)
    pooled = both_directions(tested.p_value) & (difference > 0)
    half = stats.t.ppf(0.975, 2 * RATERS - 2) * tested.standard_error
    covered = (tested.lower <= truth) & (truth <= tested.upper)
    covered_plainly = np.abs(difference - truth) <= half
    return {
        "a pair": shown.sum() / len(shown),
        "false": (shown & (truth <= 0)).sum() / shown.sum(),
        "pooled": (pooled & (truth <= 0)).sum() / pooled.sum(),
        "coverage": covered[shown].mean(),
        "plain": covered_plainly[shown].mean(),
    }


def both_directions(p_value: FloatArray) -> BoolArray:
    """Return the discoveries of version 0.1.0: two-sided tests, gaps and surpluses together."""
    tests = p_value.shape[1]
    ranked = np.sort(p_value, axis=1)
    passes = ranked <= 0.05 * np.arange(1, tests + 1) / tests
    found: BoolArray = p_value <= np.where(passes, ranked, -1.0).max(axis=1, keepdims=True)
    return found


def print_power(ratings: Ratings) -> None:
    """Print the share of true gaps that are clear, for a third of the skills shifted by the same amount."""
    rng = np.random.default_rng(_SEED)
    rows = np.flatnonzero(~np.isnan(ratings.standard_error).any(axis=1))
    start = rng.choice(rows, _SIMULATED)
    mean = np.clip(ratings.level[start], 0.0, HIGHEST_LEVEL - max(_SHIFTS))
    is_shifted = rng.random(mean.shape) < 1 / 3
    spread = deviation(ratings, start)
    n = np.full(mean.shape, RATERS)
    print("| true gap, levels | clear | both directions together |")
    print("|---:|---:|---:|")
    for shift in _SHIFTS:
        first, first_error = rate(rng, mean, spread)
        second, second_error = rate(rng, mean + shift * is_shifted, spread)
        tested = compare_means(second - first, standard_errors=(first_error, second_error), n=(n, n))
        is_gap = second > first
        shares = [
            (found & is_gap)[is_shifted].mean()
            for found in (tested.is_distinguishable, both_directions(tested.p_value))
        ]
        print(f"| {shift:g} | {shares[0]:.0%} | {shares[1]:.0%} |")


def deviation(ratings: Ratings, rows: IntArray) -> FloatArray:
    """Return the standard deviation of single ratings; where all agreed, a small one."""
    found: FloatArray = np.maximum(ratings.standard_error[rows], 0.06) * np.sqrt(RATERS)
    return found


def rate(rng: np.random.Generator, mean: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return means and standard errors of 8 whole ratings, as O*NET prints them and as they are compared."""
    ratings = rng.normal(mean[..., None], spread[..., None], (*mean.shape, RATERS))
    whole = np.clip(np.rint(ratings), 0, HIGHEST_LEVEL)
    return whole.mean(axis=-1), np.round(whole.std(axis=-1, ddof=1) / np.sqrt(RATERS), 2)


def true_mean(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the expected whole rating: the sum of the chances to reach each level from 1 to 7."""
    found: FloatArray = sum(
        (1.0 - ndtr((level - 0.5 - mean) / spread) for level in np.arange(1.0, HIGHEST_LEVEL + 1)), np.zeros_like(mean)
    )
    return found


# -- the picture ------------------------------------------------------------------------------------------------------


def reliability_chart(rows: Sequence[Tenth]) -> dict[str, object]:
    """Return a Vega-Lite specification: what was seen by what was expected, with intervals and the diagonal."""
    values = list(_with_ends(rows))
    scale = {"domain": [0.4, 1.0], "zero": False}
    x = {"field": "expected", "type": "quantitative", "scale": scale, "title": "agreement stated"}
    y = {"field": "seen", "type": "quantitative", "scale": scale, "title": "found again in the same direction"}
    color = {"field": "pairs", "type": "nominal"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "width": 360,
        "height": 360,
        "layer": [
            {
                "data": {"values": [{"a": 0.4, "b": 0.4}, {"a": 1.0, "b": 1.0}]},
                "mark": {"type": "line", "color": "#848d97", "strokeDash": [4, 4]},
                "encoding": {
                    "x": {"field": "a", "type": "quantitative", "scale": scale},
                    "y": {"field": "b", "type": "quantitative", "scale": scale},
                },
            },
            {
                "data": {"values": values},
                "mark": "rule",
                "encoding": {"x": x, "y": {**y, "field": "lower"}, "y2": {"field": "upper"}, "color": color},
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": color, "shape": color},
            },
        ],
    }


def _with_ends(rows: Sequence[Tenth]) -> Iterator[dict[str, float | str]]:
    for row in rows:
        yield {**row._asdict(), "lower": row.seen - 2 * row.error, "upper": min(row.seen + 2 * row.error, 1.0)}


if __name__ == "__main__":
    main()
