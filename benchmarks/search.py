"""Accuracy of the search for job titles: titles outside the index, typos, and half-typed titles.

    python -m benchmarks.search RELEASE

2,000 alternate titles are held out of the index (another 2,000, held out to choose the weights, stay out). A title is
found if an occupation that O*NET lists it for is first (top-1) or among the first five (top-5). Intervals come from a
bootstrap over titles.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.release import read_release
from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.search import TitleIndex, index_titles, titles_of
from skillgap.analysis.similarity.tfidf import words

Find = Callable[[str], Sequence[str]]

_HELD_OUT = 2_000
_SEED = 29
_BOOTSTRAPS = 2_000


def main() -> None:
    release, profiles, ratings = read_release()
    occupations = list(ratings.occupations.values())
    every = list(titles_of(occupations, profiles))
    meant: dict[str, set[str]] = defaultdict(set)
    for code, title, kind in every:
        if kind != "title":
            meant[title.casefold()].add(code)
    own = {title.casefold() for _, title, kind in every if kind == "title"}
    alternate = sorted({title.casefold() for _, title, kind in every if kind == "alternate"} - own)
    order = np.random.default_rng(_SEED).permutation(len(alternate))
    judged = [alternate[k] for k in order[:_HELD_OUT]]
    unseen = {*judged, *(alternate[k] for k in order[_HELD_OUT : 2 * _HELD_OUT])}
    seen = [each for each in every if each[1].casefold() not in unseen or each[2] == "title"]
    without = {each.onet_soc_code for each in occupations if not (each.is_rated or each.is_predicted)}
    started = time.perf_counter()
    index = TitleIndex(seen, last=without)
    built = time.perf_counter() - started
    whole = index_titles(occupations, profiles)

    print(f"O*NET {release}: {len(every):,} titles of {len(occupations):,} occupations, {len(judged):,} held")
    print(f"out; the index is built in {built:.1f} s\n")
    print("| query | titles | top-1 | top-5 | 95 % interval of top-5 | ms p50 | p95 | p99 |")
    print("|---|---:|---:|---:|---|---:|---:|---:|")
    find: Find = lambda text: [hit.onet_soc_code for hit in index.find(text, 5)[0]]  # noqa: E731
    find_all: Find = lambda text: [hit.onet_soc_code for hit in whole.find(text, 5)[0]]  # noqa: E731
    top1, top5, p95 = _judge("held-out titles", judged, meant, find)
    _judge("held-out titles, by shared words only", judged, meant, _by_shared_words(seen))
    typos = _with_typos(meant)
    _judge("known titles with one typo", list(typos), typos, find_all)
    half: dict[str, set[str]] = defaultdict(set)
    for each in occupations:
        half[each.title[: max(3, len(each.title) // 2)].casefold()].add(each.onet_soc_code)
    _judge("first half of occupation titles", list(half), half, find_all)
    _judge("occupation titles", [each.title for each in occupations], _own(every), find_all)
    print(f"\nevaluate-search top1={top1:.4f} top5={top5:.4f} p95_ms={p95:.2f}")


def _judge(name: str, asked: Sequence[str], meant: dict[str, set[str]], find: Find) -> tuple[float, float, float]:
    first, among, seconds = [], [], []
    for text in asked:
        started = time.perf_counter()
        codes = find(text)
        seconds.append(time.perf_counter() - started)
        first.append(bool(set(codes[:1]) & meant[text]))
        among.append(bool(set(codes[:5]) & meant[text]))
    draws = np.random.default_rng(_SEED).choice(np.array(among, dtype=np.float64), (_BOOTSTRAPS, len(among)))
    low, high = np.quantile(draws.mean(axis=1), (0.025, 0.975))
    p50, p95, p99 = (1e3 * float(each) for each in np.quantile(seconds, (0.5, 0.95, 0.99)))
    top1, top5 = float(np.mean(first)), float(np.mean(among))
    times = f"{p50:.2f} | {p95:.2f} | {p99:.2f}"
    print(f"| {name} | {len(asked):,} | {top1:.3f} | {top5:.3f} | {low:.3f} to {high:.3f} | {times} |", flush=True)
    return top1, top5, p95


def _by_shared_words(titles: Sequence[tuple[str, str, str]]) -> Find:
    """Return the baseline: a title scores by the rarity of the words it shares with the query."""
    places: dict[str, list[int]] = defaultdict(list)
    for k, (_, title, _) in enumerate(titles):
        for word in set(words(title)):
            places[word].append(k)
    lengths = np.array([max(len(set(words(title))), 1) for _, title, _ in titles])

    def find(text: str) -> list[str]:
        likeness: FloatArray = np.zeros(len(titles))
        for word in set(words(text)):
            likeness[places.get(word, [])] += np.log(len(titles) / len(places.get(word, [0])))
        best = np.argsort(-likeness / np.sqrt(lengths), kind="stable")[:200]
        return list(dict.fromkeys(titles[k][0] for k in best if likeness[k] > 0))

    return find


def _with_typos(meant: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return known titles with one letter of one word inserted, dropped, changed, or swapped with the next."""
    chance = random.Random(_SEED)
    found: dict[str, set[str]] = defaultdict(set)
    for title in chance.sample(sorted(meant), _HELD_OUT):
        parts = title.split()
        long = [k for k, part in enumerate(parts) if len(part) >= 4 and part.isalpha()]
        if not long:
            continue
        k = chance.choice(long)
        word, place, letter = parts[k], chance.randrange(len(parts[k])), chance.choice("abcdefghijklmnopqrstuvwxyz")
        before, at, after = word[:place], word[place], word[place + 1 :]
        parts[k] = chance.choice(
            [before + letter + at + after, before + after, before + letter + after, before + after[:1] + at + after[1:]]
        )
        if (mistyped := " ".join(parts)) not in meant:
            found[mistyped] |= meant[title]
    return found


def _own(every: Sequence[tuple[str, str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for code, title, kind in every:
        if kind == "title":
            found[title].add(code)
    return found


if __name__ == "__main__":
    main()
