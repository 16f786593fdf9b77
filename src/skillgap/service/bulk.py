"""Bulk answers as columns: every rating, the gaps of every pair, and the transitions of every occupation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import NO_MONTH, BoolArray, IntArray
from skillgap.analysis.missing import NEEDS, brief_reason, missing_inputs
from skillgap.analysis.pairs import SummaryArrays, summaries_from
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.analysis.transitions import find_transitions
from skillgap.models import Transition

__all__ = ["OnBatch", "PairColumns", "Similarity", "all_transitions", "pair_columns", "rating_columns"]

Column = npt.NDArray[Any]
OnBatch = Callable[[int, int], None]
"""Called with the number of batches done and the number of all batches."""

_RATING_FIGURES = (
    *("data_value", "standard_error", "lower", "upper", "n", "importance", "importance_standard_error"),
    *("not_relevant", "recommend_suppress"),
)


def rating_columns(ratings: Ratings) -> dict[str, Column]:
    """Return one row per occupation and element that has a level or an importance, codes and element ids ascending.

    Levels are points of scale LV (0-7), importances of IM (1-5), as O*NET publishes them; missing figures are NaN,
    missing dates NaT.
    """
    has_rating = ~(np.isnan(ratings.data_value) & np.isnan(ratings.importance))
    rows, elements = np.nonzero(has_rating)
    titles = [ratings.occupations[code].title for code in ratings.codes]
    month = ratings.month[has_rating].astype(np.int64)
    dates = np.where(month == NO_MONTH, np.datetime64("NaT", "M"), (month - 12 * 1970).astype("datetime64[M]"))
    return {
        "onet_soc_code": np.array(ratings.codes)[rows],
        "title": np.array(titles)[rows],
        "element_id": np.array(ratings.element_ids)[elements],
        "element_name": np.array(ratings.element_names)[elements],
        "domain": np.array(ratings.element_domains)[elements],
        **{name: getattr(ratings, name)[has_rating] for name in _RATING_FIGURES},
        "date_updated": dates.astype("datetime64[us]"),
        "source": np.array(ratings.sources)[ratings.source[has_rating]],
    }


class PairColumns(NamedTuple):
    """Pairs of one current occupation and every other, target codes ascending."""

    codes: dict[str, Column]
    """`from_onet_soc_code` and `to_onet_soc_code`."""
    figures: dict[str, Column]
    """The fields of GapSummary except `unavailable`."""
    is_missing: dict[str, BoolArray]
    """For each figure that can be missing, by name: where it is missing. Its values there are meaningless."""
    unavailable: Column
    """The missing inputs in a few words, None if none is missing."""


def pair_columns(ratings: Ratings, *, on_batch: OnBatch | None = None) -> Iterator[PairColumns]:
    """Yield the gaps between every ordered pair of different occupations, one current occupation after the other."""
    codes = np.array(ratings.codes)
    zones = np.array([ratings.occupations[code].job_zone or np.nan for code in ratings.codes], dtype=np.float64)

    def compare(current: int) -> PairColumns:
        targets: IntArray = np.flatnonzero(np.arange(len(codes)) != current)
        step = zones[targets] - zones[current]
        figures = SummaryArrays._make(column[targets] for column in summaries_from(current, ratings))
        missing = missing_inputs(figures, ~np.isnan(step), targets, ratings)
        reasons, places = np.unique(missing, return_inverse=True)
        return PairColumns(
            codes={"from_onet_soc_code": codes[[current] * len(targets)], "to_onet_soc_code": codes[targets]},
            figures={**figures._asdict(), "job_zone_step": step},
            is_missing={name: (missing & needs) > 0 for name, needs in NEEDS.items()},
            unavailable=np.array([brief_reason(reason) for reason in reasons.tolist()], dtype=object)[places],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy and SciPy release the interpreter's lock
        for done, columns in enumerate(pool.map(compare, range(len(codes))), start=1):
            yield columns
            if on_batch:
                on_batch(done, len(codes))


def all_transitions(ratings: Ratings, similarity: Similarity, *, limit: int) -> Iterator[tuple[str, Transition]]:
    """Yield the code of each occupation with levels, with each of its `limit` most similar occupations."""
    for code in similarity.codes:
        if code in ratings.rows:
            for transition in find_transitions(code, similarity, ratings, limit=limit):
                yield code, transition
