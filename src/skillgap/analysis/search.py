"""From people's own words for a job to occupations.

Three questions are asked of all titles that O*NET has: is it one of them, or the beginning of one (as one types);
whose titles use these words, and parts of words; and, for words that no title has, which words are one slip away. What
the second says is the sum of two: a naive Bayes over words, pairs of words and parts of words, and a vote of the titles
most alike. How well that does: `benchmarks/search.py`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.lookup import title_key
from skillgap.analysis.similarity.profiles import Profile
from skillgap.analysis.similarity.tfidf import STEM, words
from skillgap.errors import InvalidCode, InvalidSearchText, UnknownOccupation
from skillgap.models import ListedOccupation, Match, Occupation, TitleKind
from skillgap.onet.codes import OnetSocCode, parse_code

LONGEST_TEXT = 200
"""Characters of a text that is searched for, in Unicode's form NFKC; the longest title of O*NET 29.0 has 128."""
MOST_WORDS = 30
"""Words of it, each counted once; the longest title has 17."""
_CODE = re.compile(r"[0-9][0-9.-]*")
_PART = 4
"""Letters of a part of a word."""
_PRIOR = 5.0
"""Words that each occupation is thought to have used besides its own, all alike."""
_VOTERS = 60
_VOTE_WEIGHT = 12.0
_VOTE_FLOOR = 0.02
_COMPLETIONS = 3
"""Words that one that is not typed to its end may mean."""
_SHORTEST_MENDED = 4
"""Letters of a word that a slip is looked for in."""
_TWO_SLIPS = 8
"""Letters of a word that may have two."""


class Title(NamedTuple):
    """One name of one occupation."""

    text: str
    row: int
    """Of the occupation."""
    kind: TitleKind


class Hit(NamedTuple):
    """An occupation found, and the title that it was found by."""

    onet_soc_code: str
    title: str
    kind: TitleKind
    match: Match

    def listed(self, occupations: Mapping[str, Occupation]) -> ListedOccupation:
        """Return the occupation with how it was found."""
        return ListedOccupation(occupations[self.onet_soc_code], self.title, self.kind, self.match)


class TitleIndex:
    """All titles, ready to be asked."""

    def __init__(self, titles: Iterable[tuple[str, str, TitleKind]], *, last: Collection[str] = ()) -> None:
        """Take (O*NET-SOC code, title, kind), each occupation's own title among them.

        Among equals, the occupations `last` come last.
        """
        given = sorted(titles)
        self.codes = tuple(sorted({code for code, _, _ in given}))
        rows = {code: row for row, code in enumerate(self.codes)}
        self._comes_last = np.array([code in last for code in self.codes])
        self._titles = [Title(text, rows[code], kind) for code, text, kind in given]
        self._ends = np.searchsorted([title.row for title in self._titles], np.arange(len(self.codes) + 1))
        spoken = [words(title.text) for title in self._titles]
        self._plain = sorted((" ".join(each), k) for k, each in enumerate(spoken))
        self._counts = Counter(word for each in spoken for word in set(each))
        self._words = sorted(self._counts)
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        """Words by their number of letters: slips change it by one each."""
        for word in self._words:
            self._by_length[len(word)].append(word)
        self._features: dict[str, int] = {}
        if self._titles:
            found = self._matrix(spoken)
            self._evidence, self._base = _naive_bayes(found, [title.row for title in self._titles], len(self.codes))
            self._postings, self._rarity = _postings(found, [_is_term(name) for name in self._features])

    def find(self, text: str, limit: int = 10, offset: int = 0) -> tuple[list[Hit], int]:
        """Return the occupations meant by a text, best first, and how many there are in all.

        Each is there once, with the title that speaks for it most. Raises InvalidSearchText.
        """
        text = normalised(text)
        if _CODE.fullmatch(text.strip()):
            return self._by_code(text.strip(), limit, offset)
        spoken = words(text)
        if not spoken or not self._titles:
            return [], 0
        if (count := len(set(spoken))) > MOST_WORDS:
            raise InvalidSearchText(f"{count} different words; at most {MOST_WORDS} are searched for")
        understood, match = self._understand(spoken)
        scores, alike = self._scores([*spoken, *understood])
        titles: dict[int, tuple[int, Match]] = {}
        plain = " ".join(spoken)
        for k in self._between(plain, plain, scores):
            titles.setdefault(self._titles[k].row, (k, "exact"))
        if match == "prefix":
            for k in self._between(plain, f"{plain}\U0010ffff", scores):
                titles.setdefault(self._titles[k].row, (k, "prefix"))
        best = np.maximum.reduceat(alike, self._ends[:-1])
        scores[(best <= 0) | np.isin(np.arange(len(scores)), list(titles))] = -np.inf
        rest = int(np.count_nonzero(scores > -np.inf))
        wanted = max(min(rest, offset + limit - len(titles)), 0)
        for row in np.argsort(-scores, kind="stable")[:wanted].tolist():
            first, end = self._ends[row : row + 2].tolist()
            titles[row] = (first + int(np.argmax(alike[first:end])), "similar" if match == "similar" else "words")
        hits = [self._hit(*each) for each in list(titles.values())[offset : offset + limit]]
        return hits, rest + len(titles) - wanted

    def _by_code(self, text: str, limit: int, offset: int) -> tuple[list[Hit], int]:
        """Return the occupations whose code begins with a text, dashed or not."""
        digits = re.sub("[^0-9]", "", text)
        found = [row for row, code in enumerate(self.codes) if re.sub("[^0-9]", "", code).startswith(digits)]
        own = {title.row: title for title in self._titles if title.kind == "title"}
        hits = [Hit(self.codes[row], own[row].text, "title", "code") for row in found[offset : offset + limit]]
        return hits, len(found)

    def _hit(self, k: int, match: Match) -> Hit:
        title = self._titles[k]
        return Hit(self.codes[title.row], title.text, title.kind, match)

    def _between(self, least: str, most: str, scores: FloatArray) -> list[int]:
        """Return the titles from one text to another: occupations' own first, then the likelier occupations'."""
        start, end = bisect_left(self._plain, (least, -1)), bisect_left(self._plain, (most, len(self._titles)))

        def order(k: int) -> tuple[bool, bool, float]:
            title = self._titles[k]
            return title.kind != "title", bool(self._comes_last[title.row]), -float(scores[title.row])

        return sorted((k for _, k in self._plain[start:end]), key=order)

    def _understand(self, spoken: Sequence[str]) -> tuple[list[str], Match]:
        """Return the words that are meant, and how they were found."""
        match: Match = "words"
        meant: list[str] = []
        mended = {word: self._mended(word) for word in set(spoken) if word not in self._counts}
        for place, word in enumerate(spoken):
            if word in self._counts:
                meant.append(word)
            elif place == len(spoken) - 1 and (completions := self._completions(word)):
                meant += completions
                match = "prefix"
            elif known := mended[word]:
                meant.append(known)
                match = "similar"
            else:
                meant.append(word)  # its parts may be known
        return meant, match

    def _completions(self, word: str) -> list[str]:
        start = bisect_left(self._words, word)
        end = bisect_left(self._words, f"{word}\U0010ffff")
        return sorted(self._words[start:end], key=lambda each: (-self._counts[each], each))[:_COMPLETIONS]

    def _mended(self, word: str) -> str | None:
        """Return the word of a title that is a slip or two away, the most common one of the nearest."""
        if len(word) < _SHORTEST_MENDED:
            return None
        slips = 1 if len(word) < _TWO_SLIPS else 2
        candidates = [*chain.from_iterable(self._by_length.get(len(word) + k, ()) for k in range(-slips, slips + 1))]
        found = extract(word, candidates, scorer=OSA.distance, score_cutoff=slips, limit=None)
        return min(found, key=lambda each: (each[1], -self._counts[each[0]], each[0]))[0] if found else None

    def _scores(self, meant: Sequence[str]) -> tuple[FloatArray, npt.NDArray[np.float32]]:
        """Return what the words say for each occupation, and how alike each title is to them."""
        known = sorted({self._features[name] for name in _features(meant) if name in self._features})
        says = len(known) * self._base
        alike = np.zeros(len(self._titles), dtype=np.float32)
        for matrix, weights, total in (
            (self._evidence, np.ones(len(known)), says),
            (self._postings, self._rarity[known], alike),
        ):
            for feature, weight in zip(known, weights.tolist(), strict=True):
                if weight:
                    there = slice(matrix.indptr[feature], matrix.indptr[feature + 1])
                    total[matrix.indices[there]] += weight * matrix.data[there]
        alike /= max(float(np.linalg.norm(self._rarity[known])), 1e-12)
        voters = np.argpartition(-alike, min(_VOTERS, len(alike) - 1))[:_VOTERS]
        owners = [self._titles[k].row for k in voters.tolist()]
        votes = np.bincount(owners, weights=alike[voters] ** 3, minlength=len(self.codes))
        return says + _VOTE_WEIGHT * np.log(votes + _VOTE_FLOOR), alike

    def _matrix(self, spoken: Sequence[Sequence[str]]) -> scipy.sparse.csr_array:
        """Return which features each title has, naming them: (titles, features)."""
        columns = [
            sorted({self._features.setdefault(name, len(self._features)) for name in _features(each)})
            for each in spoken
        ]
        ends = np.cumsum([0, *map(len, columns)])
        flat = np.fromiter(chain.from_iterable(columns), np.int32, count=int(ends[-1]))
        return scipy.sparse.csr_array((np.ones(len(flat)), flat, ends), shape=(len(spoken), len(self._features)))


def normalised(text: str) -> str:
    """Return a text in Unicode's form NFKC, in which a letter has one spelling. Raises InvalidSearchText.

    One character can stand for 18 there, so the length counts afterwards.
    """
    if len(text) <= LONGEST_TEXT:
        text = unicodedata.normalize("NFKC", text)
    if len(text) > LONGEST_TEXT:
        raise InvalidSearchText(f"{len(text):,} characters; at most {LONGEST_TEXT} are searched for")
    return text


def _features(spoken: Sequence[str]) -> Iterator[str]:
    """Name what tells occupations apart: words, stems, parts of words, pairs of words, and the last word."""
    for word in spoken:
        yield f"word {word}"
        yield f"stem {word[:STEM]}"
        whole = f"<{word}>"
        for start in range(max(1, len(whole) - _PART + 1)):
            yield f"part {whole[start : start + _PART]}"
    for first, second in pairwise(spoken):
        yield f"pair {first} {second}"
    if spoken:
        yield f"last {spoken[-1]}"


def _is_term(name: str) -> bool:
    return name.startswith(("word ", "stem "))


def _naive_bayes(
    found: scipy.sparse.csr_array, owners: Sequence[int], count: int
) -> tuple[scipy.sparse.csr_array, FloatArray]:
    """Return how much more a feature speaks for an occupation than one that it never uses, and what such a one says.

    (features, occupations) and (occupations,), as logarithms of odds.
    """
    used = (
        scipy.sparse.csr_array((np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(count, len(owners)))
        @ found
    )
    usual = np.asarray(used.sum(axis=0)).ravel() / used.sum()
    training_data = scipy.sparse.csr_array(used.T)
    expected = _PRIOR * np.repeat(usual, np.diff(training_data.indptr))
    training_data.data = np.log((training_data.data + expected) / expected)
    base: FloatArray = np.log(_PRIOR / (np.asarray(used.sum(axis=1)).ravel() + _PRIOR))
    return training_data, base


def _postings(found: scipy.sparse.csr_array, is_term: Sequence[bool]) -> tuple[scipy.sparse.csr_array, FloatArray]:
    """Return the TF-IDF of words and stems: (features, titles), each title of length 1; and their rarity."""
    titles = np.bincount(found.indices, minlength=found.shape[1])
    rarity: FloatArray = np.where(is_term, 1.0 + np.log((1.0 + found.shape[0]) / (1.0 + titles)), 0.0)
    weighed = found.copy()
    weighed.data = rarity[found.indices]
    lengths = np.sqrt(np.add.reduceat(weighed.data**2, weighed.indptr[:-1]))
    weighed.data = weighed.data / np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(weighed.indptr))
    weighed.eliminate_zeros()
    return scipy.sparse.csr_array(weighed.T.astype(np.float32)), rarity


def titles_of(
    occupations: Iterable[Occupation], profiles: Mapping[str, Profile]
) -> Iterator[tuple[str, str, TitleKind]]:
    """Return all titles that are known: (O*NET-SOC code, title, kind)."""
    for each in occupations:
        yield each.onet_soc_code, each.title, "title"
    for code, profile in profiles.items():
        yield from ((code, title, "alternate") for title in profile.alternate_titles)
        yield from ((code, title, "reported") for title in profile.reported_titles)


def index_titles(occupations: Collection[Occupation], profiles: Mapping[str, Profile]) -> TitleIndex:
    """Return the index of all titles that are known; among equals, occupations without levels come last."""

    without = {each.onet_soc_code for each in occupations if not (each.is_rated or each.is_predicted)}
    return TitleIndex(titles_of(occupations, profiles), last=without)


def find_code(text: str, titles: Mapping[str, str]) -> OnetSocCode:
    """Return the code meant by a code in any accepted form, or by an exact title (case and spaces do not matter).

    `titles` are by code. Raises UnknownOccupation, with titles like it, where it is neither.
    """
    text = text.strip()
    try:
        return parse_code(text)
    except InvalidCode:
        codes = {title_key(title): OnetSocCode(code) for code, title in titles.items()}
    code = codes.get(title_key(text))
    if code is not None:
        return code
    alike = extract(text.casefold()[:200], list(codes), scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=3)
    near = [f"{titles[codes[title]]} ({codes[title]})" for title, *_ in alike]
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UnknownOccupation(
        f"{text[:80]!r} is neither an O*NET-SOC code nor a title that is loaded{hint}", onet_soc_code=text[:80]
    )
