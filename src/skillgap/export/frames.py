"""Ratings, pairs and transitions as DataFrames, and written to files: for analysts.

Without ratings given, those of the database that the settings name are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
import pandas as pd

from skillgap.analysis.arrays import NO_MONTH, IntArray
from skillgap.analysis.missing import NEEDS, lacks, shortly
from skillgap.analysis.pairs import SummaryArrays, figures_from
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.analysis.transitions import find_transitions
from skillgap.config.settings import read_settings
from skillgap.errors import NoData
from skillgap.escaping import csv_cell
from skillgap.extras import needs
from skillgap.files import atomic_write, check_ending
from skillgap.models import GapChange, RatingsChoice, ReleaseChanges
from skillgap.onet.domains import DomainChoice
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import make_engine, read

OnBatch = Callable[[int, int], None]
"""Called with batches so far, and in all."""

SUFFIXES = (".csv", ".parquet", ".json")


def read_ratings(choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills") -> Ratings:
    """Return the ratings of the database that the settings name. Raises StoreError, NoData."""
    with read(make_engine(read_settings().url)) as connection:
        found = get_ratings(connection, choice, domain)
    if not found.codes:
        raise NoData()
    return found


def read_similarity() -> Similarity:
    """Return which occupations are near which, by the database that the settings name. Raises StoreError."""
    with read(make_engine(read_settings().url)) as connection:
        return compute_similarity(get_profiles(connection), get_ratings(connection, domain="all"))


def ratings_frame(ratings: Ratings | None = None) -> pd.DataFrame:
    """Return one row per occupation and element that has a level or an importance, in their order.

    Levels are points of scale LV (0-7), importances of IM (1-5), as O*NET prints them.
    """
    ratings = ratings or read_ratings()
    has = ~(np.isnan(ratings.data_value) & np.isnan(ratings.importance))
    rows, columns = np.nonzero(has)
    titles = [ratings.occupations[code].title for code in ratings.codes]
    numbers = {
        name: getattr(ratings, name)[has]
        for name in (
            *("data_value", "standard_error", "lower", "upper", "n", "importance", "importance_standard_error"),
            *("not_relevant", "recommend_suppress"),
        )
    }
    month = ratings.month[has]
    known = np.where(month == NO_MONTH, 0, month)
    dates = pd.to_datetime({"year": known // 12 + (known == 0) * 1970, "month": known % 12 + 1, "day": 1})
    return pd.DataFrame(
        {
            "onet_soc_code": np.array(ratings.codes)[rows],
            "title": np.array(titles)[rows],
            "element_id": np.array(ratings.element_ids)[columns],
            "element_name": np.array(ratings.element_names)[columns],
            "domain": np.array(ratings.element_domains)[columns],
            **numbers,
            "date_updated": dates.where(month != NO_MONTH),
            "source": np.array(ratings.sources)[ratings.source[has]],
        }
    )


def gap_matrix(ratings: Ratings | None = None, *, on_batch: OnBatch | None = None) -> pd.DataFrame:
    """Return one row per ordered pair of different occupations with levels, with the fields of GapSummary.

    `unavailable` names in a few words the inputs that missing figures need. Of 879 rated occupations: 771,762 rows,
    85 MB.
    """
    return pd.concat(pair_batches(ratings or read_ratings(), on_batch=on_batch), ignore_index=True)


def pair_batches(ratings: Ratings, *, on_batch: OnBatch | None = None) -> Iterator[pd.DataFrame]:
    """Give the rows of `gap_matrix`, one current occupation after the other."""
    codes = np.array(ratings.codes)
    zones = np.array([ratings.occupations[code].job_zone or np.nan for code in ratings.codes], dtype=np.float64)

    def batch(current: int) -> pd.DataFrame:
        others: IntArray = np.flatnonzero(np.arange(len(codes)) != current)
        away = zones[others] - zones[current]
        figures = SummaryArrays._make(column[others] for column in figures_from(current, ratings))
        lacking = lacks(figures, ~np.isnan(away), others, ratings)
        # Not astype("Int64"): it casts NaN, and pandas keeps that quiet in a way that threads undo for each other.
        columns = {
            name: pd.arrays.IntegerArray(np.nan_to_num(column).astype(np.int64), (lacking & NEEDS.get(name, 0)) > 0)
            if name in _WHOLE_OR_UNKNOWN
            else column
            for name, column in {**figures._asdict(), "job_zone_step": away}.items()
        }
        pair = {"from_onet_soc_code": codes[[current] * len(others)], "to_onet_soc_code": codes[others]}
        frame = pd.DataFrame({**pair, **columns})
        reasons, which = np.unique(lacking, return_inverse=True)
        return frame.assign(unavailable=np.array([shortly(each) for each in reasons.tolist()], dtype=object)[which])

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy and SciPy let go of the lock
        for done, frame in enumerate(pool.map(batch, range(len(codes))), start=1):
            yield frame
            if on_batch:
                on_batch(done, len(codes))


_WHOLE_OR_UNKNOWN = ("distinguishable_gaps", "distinguishable_surplus", "job_zone_step")
"""Columns of whole numbers that may be missing."""


def transitions_frame(
    ratings: Ratings | None = None, similarity: Similarity | None = None, *, limit: int = 20
) -> pd.DataFrame:
    """Return the nearest `limit` occupations of each, nearest first, with the fields of Transition and GapSummary."""
    ratings, similarity = ratings or read_ratings(), similarity or read_similarity()
    rows = [
        {
            "from_onet_soc_code": code,
            "to_onet_soc_code": each.occupation.onet_soc_code,
            "rank": each.rank,
            "score": each.score,
            "related_tier": each.related_tier,
            **vars(each.summary),
            "unavailable": "; ".join(dict.fromkeys(each.summary.unavailable.values())) or None,
        }
        for code in similarity.codes
        if code in ratings.rows
        for each in find_transitions(code, similarity, ratings, limit=limit)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({name: "Int64" for name in _WHOLE_OR_UNKNOWN if name in frame})


def gap_changes_frame(changes: ReleaseChanges) -> pd.DataFrame:
    """Return one row per pair whose distinguishable gaps are others in the second release; names joined by `; `."""
    columns = [field.name for field in fields(GapChange)]
    frame = pd.DataFrame([astuple(each) for each in changes.gap_changes], columns=columns)
    return frame.assign(**{name: frame[name].str.join("; ") for name in ("new", "gone")})


def write_frames(frames: Iterable[pd.DataFrame], file: Path) -> int:
    """Write frames of the same columns to one file, `.csv`, `.parquet` or `.json`, and return the number of rows.

    The file is there whole or not at all. Raises ConfigurationError (another suffix, or PyArrow is not installed).
    """
    check_ending(file, SUFFIXES)
    write = {".csv": _write_csv, ".parquet": _write_parquet, ".json": _write_json}[file.suffix]
    with atomic_write(file) as out:
        return write(frames, out)


def _write_csv(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    count = 0
    for frame in frames:
        text = _without_formulas(frame).to_csv(index=False, header=count == 0, lineterminator="\n")
        out.write(text.encode())
        count += len(frame)
    return count


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with formulas neutralised in its texts and column names."""
    texts = [name for name, kind in frame.dtypes.items() if kind.kind == "O"]
    hostile = [name for name in texts if any(csv_cell(text) is not text for text in frame[name].unique().tolist())]
    if hostile:
        frame = frame.copy()
        for name in hostile:
            frame[name] = frame[name].map(csv_cell)
    names = [csv_cell(name) for name in frame.columns]
    return frame if names == list(frame.columns) else frame.set_axis(names, axis="columns")


def _write_parquet(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    with needs("batch"):
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    count, waiting = 0, []
    for frame in frames:
        waiting.append(pa.Table.from_pandas(frame, preserve_index=False))
        count += len(frame)
    table = pa.concat_tables(waiting)
    with ParquetWriter(out, table.schema) as writer:
        writer.write_table(table)
    return count


def _write_json(frames: Iterable[pd.DataFrame], out: IO[bytes]) -> int:
    count = 0
    out.write(b"[")
    for frame in frames:
        names = list(frame.columns)
        rows = zip(*(_values(frame[name]) for name in names), strict=True)
        records = (orjson.dumps(dict(zip(names, values, strict=True)), default=_date) for values in rows)
        out.write((b",\n" if count else b"\n") + b",\n".join(records))
        count += len(frame)
    out.write(b"\n]\n")
    return count


def _date(value: Any) -> str:
    """Return the date of a pandas timestamp, as CSV has it."""
    if not isinstance(value, pd.Timestamp):
        raise TypeError
    return value.date().isoformat()


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as Python values, None for what is missing."""
    is_there = column.notna()
    return (column if is_there.all() else column.astype(object).where(is_there, None)).tolist()
