"""Ratings, pairs and transitions as pandas data frames.

Functions called without ratings read the database of the settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pandas as pd

from skillgap.errors import NoData
from skillgap.export.writers import FRAME_SUFFIXES as SUFFIXES
from skillgap.export.writers import write_frames
from skillgap.models import PERCENTILES, GapChange, ReleaseChanges
from skillgap.service import Ratings, connect
from skillgap.service.bulk import OnBatch, Similarity, all_transitions, pair_columns, rating_columns

__all__ = [
    "SUFFIXES",
    "gap_changes_frame",
    "gap_matrix",
    "pair_batches",
    "ratings_frame",
    "transitions_frame",
    "write_frames",
]

_INTEGERS = ("distinguishable_gaps", "likely_gaps", "distinguishable_surplus", *PERCENTILES, "job_zone_step")
"""Columns of whole numbers that may be missing."""


def ratings_frame(ratings: Ratings | None = None) -> pd.DataFrame:
    """Return one row per occupation and element that has a level or an importance, codes and element ids ascending.

    Levels are points of scale LV (0-7), importances of IM (1-5), as O*NET publishes them. Missing figures are NaN,
    missing dates NaT. Raises StoreError, NoData (if no ratings are passed).
    """
    return pd.DataFrame(rating_columns(ratings or _read_ratings()))


def gap_matrix(ratings: Ratings | None = None, *, on_batch: OnBatch | None = None) -> pd.DataFrame:
    """Return one row per ordered pair of different occupations with levels, with the fields of GapSummary.

    `unavailable` names in a few words the inputs that missing figures need. The 879 rated occupations of O*NET 29.0
    make 771,762 rows, 85 MB. Raises StoreError, NoData (if no ratings are passed).
    """
    return pd.concat(pair_batches(ratings or _read_ratings(), on_batch=on_batch), ignore_index=True)


def pair_batches(ratings: Ratings, *, on_batch: OnBatch | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of `gap_matrix`, one current occupation after the other."""
    for pairs in pair_columns(ratings, on_batch=on_batch):
        # Not astype("Int64"): it casts NaN, and pandas hides the warning with a filter that is not safe in threads.
        integers = {
            name: pd.arrays.IntegerArray(np.nan_to_num(pairs.figures[name]).astype(np.int64), pairs.is_missing[name])
            for name in _INTEGERS
        }
        yield pd.DataFrame({**pairs.codes, **pairs.figures, **integers, "unavailable": pairs.unavailable})


def transitions_frame(
    ratings: Ratings | None = None, similarity: Similarity | None = None, *, limit: int = 20
) -> pd.DataFrame:
    """Return the `limit` most similar occupations of each, best first, with the fields of Transition and GapSummary.

    Raises StoreError, NoData (without ratings or similarity given).
    """
    ratings, similarity = ratings or _read_ratings(), similarity or _read_similarity()
    rows = [
        {
            "from_onet_soc_code": code,
            "to_onet_soc_code": transition.occupation.onet_soc_code,
            "rank": transition.rank,
            "score": transition.score,
            "related_tier": transition.related_tier,
            **vars(transition.summary),
            "unavailable": "; ".join(dict.fromkeys(transition.summary.unavailable.values())) or None,
        }
        for code, transition in all_transitions(ratings, similarity, limit=limit)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({name: "Int64" for name in _INTEGERS if name in frame})


def gap_changes_frame(changes: ReleaseChanges) -> pd.DataFrame:
    """Return one row per pair whose distinguishable gaps changed between two releases.

    Columns are the fields of GapChange; `new` and `gone` list names joined by `; `.
    """
    columns = [field.name for field in fields(GapChange)]
    frame = pd.DataFrame([vars(change) for change in changes.gap_changes], columns=columns)
    return frame.assign(**{name: frame[name].str.join("; ") for name in ("new", "gone")})


def _read_ratings() -> Ratings:
    with connect() as onet:
        ratings = onet.levels()
    if not ratings.codes:
        raise NoData()
    return ratings


def _read_similarity() -> Similarity:
    with connect() as onet:
        return onet.similarity()
