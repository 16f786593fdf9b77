"""Search occupations by the words people use for a job.

A query is matched in three ways against all titles that O*NET lists: as a title or the beginning of one (while the user
types), by its words and parts of words, and, for words that occur in no title, by words one or two typos away. The
score of a word match is the sum of a naive Bayes model over words, word pairs and parts of words, and a vote of the
most similar titles. `benchmarks/search.py` measures the quality.
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
from skillgap.analysis.lookup import did_you_mean, title_key
from skillgap.analysis.similarity.profiles import Profile
from skillgap.analysis.similarity.tfidf import STEM, words
from skillgap.errors import InvalidCode, InvalidSearchText, UnknownOccupation
from skillgap.models import ListedOccupation, Match, Occupation, TitleKind
from skillgap.onet.codes import OnetSocCode, parse_code

LONGEST_TEXT = 200
"""Longest query in characters after Unicode normalization (NFKC). The longest title of O*NET 29.0 has 128."""
MOST_WORDS = 30
"""Most distinct words of a query. The longest title has 17."""
_CODE = re.compile(r"[0-9][0-9.-]*")
_PART = 4
"""Letters of a part of a word."""
_PRIOR = 5.0
"""Dirichlet prior: pseudo-count of features per occupation, distributed as in all titles."""
_VOTE_FLOOR = 0.02
_COMPLETIONS = 3
"""Most completions of an unfinished word."""
_SHORTEST_CORRECTED = 4
"""Letters of the shortest word that is corrected."""
_TWO_TYPOS = 8
"""Letters from which a word may have two typos instead of one."""


class Title(NamedTuple):
    """One title of one occupation."""

    text: str
    row: int
    """Row of the occupation in the index."""
    kind: TitleKind


class Hit(NamedTuple):
    """A matched occupation with the title that matched best."""

    onet_soc_code: str
    title: str
    kind: TitleKind
    match: Match

    def listed(self, occupations: Mapping[str, Occupation]) -> ListedOccupation:
        """Return the hit with its full occupation."""
        return ListedOccupation(occupations[self.onet_soc_code], self.title, self.kind, self.match)


class TitleIndex:
    """Search index of all titles."""

    def __init__(
        self,
        titles: Iterable[tuple[str, str, TitleKind]],
        *,
        last: Collection[str] = (),
        voters: int = 60,
        vote_weight: float = 12.0,
    ) -> None:
        """Index (O*NET-SOC code, title, kind) rows; each occupation needs a row of kind `title`.

        Among equal matches, the occupations `last` come last. The `voters` most similar titles vote for their
        occupations, and the log of the votes is multiplied by `vote_weight`.
        """
        rows_of_titles = sorted(titles)
        self.codes = tuple(sorted({code for code, _, _ in rows_of_titles}))
        rows = {code: row for row, code in enumerate(self.codes)}
        self._voters, self._vote_weight = voters, vote_weight
        self._comes_last = np.array([code in last for code in self.codes])
        self._titles = [Title(text, rows[code], kind) for code, text, kind in rows_of_titles]
        self._ends = np.searchsorted([title.row for title in self._titles], np.arange(len(self.codes) + 1))
        title_words = [words(title.text) for title in self._titles]
        self._plain = sorted((" ".join(title), k) for k, title in enumerate(title_words))
        self._counts = Counter(word for title in title_words for word in set(title))
        self._words = sorted(self._counts)
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        """Words by their number of letters: one typo changes it by at most one."""
        for word in self._words:
            self._by_length[len(word)].append(word)
        self._columns: dict[str, int] = {}
        if self._titles:
            matrix = self._feature_matrix(title_words)
            self._evidence, self._base = _naive_bayes(matrix, [title.row for title in self._titles], len(self.codes))
            self._postings, self._rarity = _postings(matrix, [_is_term(name) for name in self._columns])

    def find(self, text: str, limit: int = 10, offset: int = 0) -> tuple[list[Hit], int]:
        """Return a page of matching occupations, best first, and the total number of matches.

        Each occupation occurs once, with its best title. Raises InvalidSearchText.
        """
        text = normalized(text)
        if _CODE.fullmatch(text.strip()):
            return self._by_code(text.strip(), limit, offset)
        query = words(text)
        if not query or not self._titles:
            return [], 0
        if (count := len(set(query))) > MOST_WORDS:
            raise InvalidSearchText(f"{count} different words; at most {MOST_WORDS} are allowed")
        understood, match = self.understand(query)
        scores, similarity = self.scores([*query, *understood])
        titles: dict[int, tuple[int, Match]] = {}
        plain = " ".join(query)
        for k in self._between(plain, plain, scores):
            titles.setdefault(self._titles[k].row, (k, "exact"))
        if match == "prefix":
            for k in self._between(plain, f"{plain}\U0010ffff", scores):
                titles.setdefault(self._titles[k].row, (k, "prefix"))
        best = np.maximum.reduceat(similarity, self._ends[:-1])
        scores[(best <= 0) | np.isin(np.arange(len(scores)), list(titles))] = -np.inf
        rest = int(np.count_nonzero(scores > -np.inf))
        wanted = max(min(rest, offset + limit - len(titles)), 0)
        for row in np.argsort(-scores, kind="stable")[:wanted].tolist():
            first, end = self._ends[row : row + 2].tolist()
            titles[row] = (
                first + int(np.argmax(similarity[first:end])),
                "similar" if match == "similar" else "words",
            )
        hits = [self._hit(k, how) for k, how in list(titles.values())[offset : offset + limit]]
        return hits, rest + len(titles) - wanted

    def _by_code(self, text: str, limit: int, offset: int) -> tuple[list[Hit], int]:
        """Find occupations by the beginning of their code, with or without dash and dot."""
        digits = re.sub("[^0-9]", "", text)
        rows = [row for row, code in enumerate(self.codes) if re.sub("[^0-9]", "", code).startswith(digits)]
        own = {title.row: title for title in self._titles if title.kind == "title"}
        hits = [Hit(self.codes[row], own[row].text, "title", "code") for row in rows[offset : offset + limit]]
        return hits, len(rows)

    def _hit(self, k: int, match: Match) -> Hit:
        title = self._titles[k]
        return Hit(self.codes[title.row], title.text, title.kind, match)

    def _between(self, least: str, most: str, scores: FloatArray) -> list[int]:
        """Return the titles from `least` to `most`: O*NET's own titles first, then by the occupation's score."""
        start, end = bisect_left(self._plain, (least, -1)), bisect_left(self._plain, (most, len(self._titles)))

        def order(k: int) -> tuple[bool, bool, float]:
            title = self._titles[k]
            return title.kind != "title", bool(self._comes_last[title.row]), -float(scores[title.row])

        return sorted((k for _, k in self._plain[start:end]), key=order)

    def understand(self, query: Sequence[str]) -> tuple[list[str], Match]:
        """Return the query's words, completed or corrected where no title has them, and how they match."""
        match: Match = "words"
        understood: list[str] = []
        corrections = {word: self.correction(word) for word in set(query) if word not in self._counts}
        for place, word in enumerate(query):
            if word in self._counts:
                understood.append(word)
            elif place == len(query) - 1 and (completions := self.completions(word)):
                understood += completions
                match = "prefix"
            elif correction := corrections[word]:
                understood.append(correction)
                match = "similar"
            else:
                understood.append(word)  # parts of it may occur in titles
        return understood, match

    def completions(self, word: str) -> list[str]:
        """Return up to three title words that begin with `word`, most common first."""
        start = bisect_left(self._words, word)
        end = bisect_left(self._words, f"{word}\U0010ffff")
        return sorted(self._words[start:end], key=lambda match: (-self._counts[match], match))[:_COMPLETIONS]

    def correction(self, word: str) -> str | None:
        """Return the title word with the fewest typos from `word`, the most common among equals; None without one.

        Words of 4 to 7 letters may have one typo, longer ones two.
        """
        if len(word) < _SHORTEST_CORRECTED:
            return None
        typos = 1 if len(word) < _TWO_TYPOS else 2
        candidates = [*chain.from_iterable(self._by_length.get(len(word) + k, ()) for k in range(-typos, typos + 1))]
        matches = extract(word, candidates, scorer=OSA.distance, score_cutoff=typos, limit=None)
        if not matches:
            return None
        return min(matches, key=lambda candidate: (candidate[1], -self._counts[candidate[0]], candidate[0]))[0]

    def scores(self, query: Sequence[str]) -> tuple[FloatArray, npt.NDArray[np.float32]]:
        """Return the score of each occupation (log odds plus votes), and the cosine similarity of each title."""
        columns = sorted({self._columns[name] for name in features(query) if name in self._columns})
        log_odds = len(columns) * self._base
        similarity = np.zeros(len(self._titles), dtype=np.float32)
        for matrix, weights, total in (
            (self._evidence, np.ones(len(columns)), log_odds),
            (self._postings, self._rarity[columns], similarity),
        ):
            for column, weight in zip(columns, weights.tolist(), strict=True):
                if weight:
                    entries = slice(matrix.indptr[column], matrix.indptr[column + 1])
                    total[matrix.indices[entries]] += weight * matrix.data[entries]
        similarity /= max(float(np.linalg.norm(self._rarity[columns])), 1e-12)
        voters = np.argpartition(-similarity, min(self._voters, len(similarity) - 1))[: self._voters]
        owners = [self._titles[k].row for k in voters.tolist()]
        votes = np.bincount(owners, weights=similarity[voters] ** 3, minlength=len(self.codes))
        return log_odds + self._vote_weight * np.log(votes + _VOTE_FLOOR), similarity

    def _feature_matrix(self, title_words: Sequence[Sequence[str]]) -> scipy.sparse.csr_array:
        """Return which features each title has, (titles, features), and number the features."""
        columns = [
            sorted({self._columns.setdefault(name, len(self._columns)) for name in features(title)})
            for title in title_words
        ]
        ends = np.cumsum([0, *map(len, columns)])
        flat = np.fromiter(chain.from_iterable(columns), np.int32, count=int(ends[-1]))
        return scipy.sparse.csr_array((np.ones(len(flat)), flat, ends), shape=(len(title_words), len(self._columns)))


def normalized(text: str) -> str:
    """Return a text in Unicode form NFKC, where each letter has one spelling. Raises InvalidSearchText.

    The length is checked again afterwards, since one character can expand to 18.
    """
    if len(text) <= LONGEST_TEXT:
        text = unicodedata.normalize("NFKC", text)
    if len(text) > LONGEST_TEXT:
        raise InvalidSearchText(f"{len(text):,} characters; at most {LONGEST_TEXT} are allowed")
    return text


def features(query: Sequence[str]) -> Iterator[str]:
    """Yield the features of a text: its words, their stems and parts, pairs of words, and the last word."""
    for word in query:
        yield f"word {word}"
        yield f"stem {word[:STEM]}"
        whole = f"<{word}>"
        for start in range(max(1, len(whole) - _PART + 1)):
            yield f"part {whole[start : start + _PART]}"
    for first, second in pairwise(query):
        yield f"pair {first} {second}"
    if query:
        yield f"last {query[-1]}"


def _is_term(name: str) -> bool:
    return name.startswith(("word ", "stem "))


def _naive_bayes(
    matrix: scipy.sparse.csr_array, owners: Sequence[int], count: int
) -> tuple[scipy.sparse.csr_array, FloatArray]:
    """Return the log odds that each feature adds for each occupation, and those of a feature it never uses.

    Shapes: sparse (features, occupations) and (occupations,).
    """
    used = (
        scipy.sparse.csr_array((np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(count, len(owners)))
        @ matrix
    )
    share = np.asarray(used.sum(axis=0)).ravel() / used.sum()
    evidence = scipy.sparse.csr_array(used.T)
    expected = _PRIOR * np.repeat(share, np.diff(evidence.indptr))
    evidence.data = np.log((evidence.data + expected) / expected)
    base: FloatArray = np.log(_PRIOR / (np.asarray(used.sum(axis=1)).ravel() + _PRIOR))
    return evidence, base


def _postings(matrix: scipy.sparse.csr_array, is_term: Sequence[bool]) -> tuple[scipy.sparse.csr_array, FloatArray]:
    """Return TF-IDF of words and stems, sparse (features, titles) with unit-length titles, and the IDF by feature."""
    titles = np.bincount(matrix.indices, minlength=matrix.shape[1])
    rarity: FloatArray = np.where(is_term, 1.0 + np.log((1.0 + matrix.shape[0]) / (1.0 + titles)), 0.0)
    weighted = matrix.copy()
    weighted.data = rarity[matrix.indices]
    lengths = np.sqrt(np.add.reduceat(weighted.data**2, weighted.indptr[:-1]))
    weighted.data = weighted.data / np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(weighted.indptr))
    weighted.eliminate_zeros()
    return scipy.sparse.csr_array(weighted.T.astype(np.float32)), rarity


def titles_of(
    occupations: Iterable[Occupation], profiles: Mapping[str, Profile]
) -> Iterator[tuple[str, str, TitleKind]]:
    """Yield all known titles as (O*NET-SOC code, title, kind)."""
    for occupation in occupations:
        yield occupation.onet_soc_code, occupation.title, "title"
    for code, profile in profiles.items():
        yield from ((code, title, "alternate") for title in profile.alternate_titles)
        yield from ((code, title, "reported") for title in profile.reported_titles)


def index_titles(occupations: Collection[Occupation], profiles: Mapping[str, Profile]) -> TitleIndex:
    """Return the index of all known titles. Among equal matches, occupations without levels come last."""
    without_levels = {each.onet_soc_code for each in occupations if not (each.is_rated or each.is_predicted)}
    return TitleIndex(titles_of(occupations, profiles), last=without_levels)


def find_code(text: str, titles: Mapping[str, str]) -> OnetSocCode:
    """Resolve a code in any accepted form, or an exact title (ignoring case and spacing), to an O*NET-SOC code.

    `titles` are by code. Raises UnknownOccupation with up to three similar titles.
    """
    text = text.strip()
    try:
        return parse_code(text)
    except InvalidCode:
        codes = {title_key(title): OnetSocCode(code) for code, title in titles.items()}
    code = codes.get(title_key(text))
    if code is not None:
        return code
    similar = extract(text.casefold()[:200], list(codes), scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=3)
    suggestions = [f"{titles[codes[title]]} ({codes[title]})" for title, *_ in similar]
    raise UnknownOccupation(
        f"{text[:80]!r} is neither an O*NET-SOC code nor a loaded title{did_you_mean(suggestions)}",
        onet_soc_code=text[:80],
    )
