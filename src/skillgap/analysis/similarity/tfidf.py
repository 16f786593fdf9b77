"""Texts as vectors: how much of what is said of one occupation is said of another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import FloatArray

STEM = 5
"""Letters of a word that count: `nurse`, `nurses` and `nursing` are near enough the same, and 5 did best of 4 to 6."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return _WORD.findall(text.casefold())


def stems(texts: Iterable[str]) -> Counter[str]:
    """Return how often each stem is in the texts; single letters are left out."""
    return Counter(word[:STEM] for text in texts for word in words(text) if len(word) > 1)


def alikeness(counts: Sequence[Counter[str]]) -> FloatArray:
    """Return the cosine of the TF-IDF vectors of all pairs of documents: (documents, documents).

    Frequencies count by 1 + ln; a word counts less the more documents have it. A document without words is like none.
    """
    found = tfidf(counts)
    alike: FloatArray = (found @ found.T).toarray()
    return alike


def tfidf(counts: Sequence[Counter[str]]) -> scipy.sparse.csr_array:
    """Return a row of length 1 per document, a column per word."""
    places: dict[str, int] = {}
    columns = [places.setdefault(word, len(places)) for document in counts for word in document]
    values = 1.0 + np.log(np.fromiter((n for document in counts for n in document.values()), np.float64))
    ends = np.cumsum([0, *map(len, counts)])
    documents = np.bincount(columns)
    values *= (1.0 + np.log((1.0 + len(counts)) / (1.0 + documents)))[columns]
    lengths = np.sqrt(np.add.reduceat(np.r_[values**2, 0.0], ends[:-1]))
    values /= np.repeat(lengths, np.diff(ends))
    return scipy.sparse.csr_array((values, columns, ends), shape=(len(counts), len(places)))
