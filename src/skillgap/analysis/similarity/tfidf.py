"""TF-IDF vectors of texts, and the similarity of texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import FloatArray

STEM = 5
"""Letters of a stem: `nurse`, `nurses` and `nursing` share one. 5 performed best of 4 to 6."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.casefold())


def stems(texts: Iterable[str]) -> Counter[str]:
    """Count the stems in the texts, without single letters."""
    return Counter(word[:STEM] for text in texts for word in words(text) if len(word) > 1)


def text_similarity(counts: Sequence[Counter[str]]) -> FloatArray:
    """Return the cosine similarity of the TF-IDF vectors of all pairs of documents: (documents, documents).

    A frequency n counts as 1 + ln n, and words in many documents count less. A document without words has similarity 0.
    """
    vectors = tfidf(counts)
    similarity: FloatArray = (vectors @ vectors.T).toarray()
    return similarity


def tfidf(counts: Sequence[Counter[str]]) -> scipy.sparse.csr_array:
    """Return TF-IDF vectors: one row of length 1 per document, one column per word."""
    places: dict[str, int] = {}
    columns = [places.setdefault(word, len(places)) for document in counts for word in document]
    values = 1.0 + np.log(np.fromiter((n for document in counts for n in document.values()), np.float64))
    ends = np.cumsum([0, *map(len, counts)])
    documents = np.bincount(columns)
    values *= (1.0 + np.log((1.0 + len(counts)) / (1.0 + documents)))[columns]
    lengths = np.sqrt(np.add.reduceat(np.r_[values**2, 0.0], ends[:-1]))
    values /= np.repeat(lengths, np.diff(ends))
    return scipy.sparse.csr_array((values, columns, ends), shape=(len(counts), len(places)))
