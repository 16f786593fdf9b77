"""TF-IDF: worked by hand, and equal to another implementation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from skillgap.analysis.similarity.tfidf import stems, text_similarity, tfidf, words


def test_words_are_lower_case_without_punctuation():
    assert words("C++/C# Developer (Sr.), Übersetzer_in") == ["c", "c", "developer", "sr", "übersetzer", "in"]


def test_stems_are_five_letters_and_single_letters_do_not_count():
    assert stems(["Nurses and a nurse", "nursing it"]) == {"nurse": 2, "and": 1, "nursi": 1, "it": 1}


def test_similarity_of_texts_is_worked_by_hand():
    # Three documents; `care` in two of them, the rest in one: idf(care) = 1 + ln(4/3), idf(other) = 1 + ln(4/2).
    common, rare = 1 + np.log(4 / 3), 1 + np.log(2)
    twice = 1 + np.log(2)
    one, two = np.array([common, rare * twice]), np.array([common, rare])
    expected = common**2 / (np.linalg.norm(one) * np.linalg.norm(two))
    similarity = text_similarity([stems(["care patient patient"]), stems(["care animal"]), stems([])])
    assert similarity[0, 1] == pytest.approx(expected)
    np.testing.assert_allclose(similarity.diagonal(), [1, 1, 0])
    assert similarity[0, 2] == 0


def test_vectors_equal_scikit_learns():
    texts = ["care for patients, care for animals", "repair engines", "", "animals and engines", "care"]
    other = TfidfVectorizer(
        sublinear_tf=True, tokenizer=lambda text: list(stems([text]).elements()), token_pattern=None
    )
    theirs = other.fit_transform(texts)
    np.testing.assert_allclose(
        text_similarity([stems([text]) for text in texts]), (theirs @ theirs.T).toarray(), atol=1e-12
    )
    assert tfidf([stems([text]) for text in texts]).nnz == theirs.nnz


def test_documents_without_words_are_rows_without_values():
    assert tfidf([Counter(), Counter()]).toarray().shape == (2, 0)
    only = tfidf([Counter(), Counter("b"), Counter()])
    np.testing.assert_array_equal(only.toarray(), [[0], [1], [0]])
