"""The kernel of batches: Arrow record batches of people or positions in, their gaps out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.missing import NEEDS, brief_reason, missing_inputs
from skillgap.analysis.pairs import CERTAINTIES
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.analysis.vectorized import NONE, People, bulk_gaps, bulk_similar, bulk_summaries
from skillgap.batch.columns import Columns, default_min_own_levels, occupation_code
from skillgap.errors import BatchInputError, OccupationError
from skillgap.models import PERCENTILES
from skillgap.onet.codes import parse_code
from skillgap.onet.scales import HIGHEST_LEVEL

Each = Literal["row", "gap"]
Problems = list[str | None]
"""Why each row cannot be answered, None if it can."""


@dataclass(frozen=True)
class GapKernel:
    """Answer record batches of people or positions. Can be pickled and runs on any engine that maps record batches.

    A row that cannot be answered stays in the output, with the reason in `error` and nulls elsewhere.
    """

    ratings: Ratings
    columns: Columns
    target: str | None = None
    """Code of the target of all rows; None if a column holds targets, or similar occupations are ranked."""
    each: Each = "row"
    """Whether an output line is a row of the input or one of its gaps."""
    nearest: int = 0
    """Number of similar occupations to rank for each row instead of computing gaps; 0 for none."""
    similarity: Similarity | None = None
    """Needed to rank similar occupations."""
    min_own_levels: int | None = None
    """Own levels that a row without an occupation needs; None for `default_min_own_levels`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the answers of a record batch, followed by the rows without an answer."""
        people, ids, rejected = self.read(batch)
        answers = self._answers(people, ids)
        if not rejected.num_rows:
            return answers
        nulls = {field.name: pa.nulls(rejected.num_rows, field.type) for field in answers.schema}
        columns = nulls | {"id": rejected.column("id"), "error": rejected.column("error")}
        rest = pa.RecordBatch.from_arrays(list(columns.values()), schema=answers.schema)
        return pa.Table.from_batches([answers, rest]).combine_chunks().to_batches()[0]

    def read(self, batch: pa.RecordBatch) -> tuple[People, pa.Array, pa.RecordBatch]:
        """Return the rows that can be answered, their ids, and `id` and `error` of the other rows."""
        people, problems = self._people(batch)
        is_good = np.array([problem is None for problem in problems], dtype=np.bool_)
        good, bad = np.flatnonzero(is_good), np.flatnonzero(~is_good)
        ids = batch.column(self.columns.id)
        if pa.types.is_nested(ids.type) or pa.types.is_binary(ids.type):
            ids = _cast(ids, self.columns.id, pa.string(), "ids")
        errors = pa.array([problems[k] for k in bad.tolist()], pa.string())
        rejected = pa.RecordBatch.from_arrays([ids.take(pa.array(bad)), errors], names=["id", "error"])
        return people.take(good), ids.take(pa.array(good)), rejected

    # -- reading ------------------------------------------------------------------------------------------------------

    def _people(self, batch: pa.RecordBatch) -> tuple[People, Problems]:
        """Return all rows as numbers, and their problems."""
        problems: Problems = [None] * batch.num_rows
        columns = self.columns
        occupation = np.full(batch.num_rows, NONE, dtype=np.int64)
        if columns.occupation:
            occupation = self._indices(batch, columns.occupation, problems, is_optional=bool(columns.levels))
        if columns.target:
            target = self._indices(batch, columns.target, problems, is_optional=False)
        else:
            target = np.full(batch.num_rows, self.ratings.row(self.target) if self.target else NONE, dtype=np.int64)
        people = People(occupation, target, self._own_levels(batch, problems) if columns.levels else None)
        least = default_min_own_levels(self.ratings) if self.min_own_levels is None else self.min_own_levels
        counts = people.own_levels
        too_few = f"no occupation, and fewer than {least} own levels"
        for k in np.flatnonzero((occupation == NONE) & (counts < max(least, 1))).tolist():
            problems[k] = problems[k] or (too_few if counts[k] else "neither an occupation nor an own level")
        return people, problems

    def _indices(
        self, batch: pa.RecordBatch, name: str, problems: Problems, *, is_optional: bool
    ) -> npt.NDArray[np.int64]:
        """Return the rows of a column's codes or exact titles in the ratings; each distinct text is looked up once."""
        texts = pc.utf8_trim_whitespace(_cast(batch.column(name), name, pa.string(), "codes"))
        encoded = pc.dictionary_encode(pc.fill_null(texts, ""))
        empty = None if is_optional else f"{name}: empty"
        lookups = [self._index(text, name) if text else (NONE, empty) for text in encoded.dictionary.to_pylist()]
        which = np.asarray(encoded.indices)
        has_problem = np.array([problem is not None for _, problem in lookups], dtype=np.bool_)
        for k in np.flatnonzero(has_problem[which]).tolist():
            problems[k] = problems[k] or lookups[which[k]][1]
        indices: npt.NDArray[np.int64] = np.array([index for index, _ in lookups], dtype=np.int64)[which]
        return indices

    def _index(self, text: str, name: str) -> tuple[int, str | None]:
        """Return the row of an occupation in the ratings, or NONE and the reason."""
        try:
            return self.ratings.row(parse_code(occupation_code(text, self.ratings))), None
        except OccupationError as error:
            return NONE, f"{name}: {error}"

    def _own_levels(self, batch: pa.RecordBatch, problems: Problems) -> FloatArray:
        """Return own levels, NaN for none: (rows, elements)."""
        own = np.full((batch.num_rows, len(self.ratings.element_ids)), np.nan)
        for name, element in self.columns.levels.items():
            own[:, element] = levels = _numbers(batch.column(name), name, problems)
            for k in np.flatnonzero((levels < 0) | (levels > HIGHEST_LEVEL)).tolist():
                problems[k] = problems[k] or f"{name}: {levels[k]:g} is outside 0 to {HIGHEST_LEVEL:g}"
        return own

    # -- answering ----------------------------------------------------------------------------------------------------

    def _answers(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        if self.nearest:
            return self._nearest(people, ids)
        if (people.target == NONE).any():
            raise ValueError("gaps need a target")
        return self._gaps(people, ids) if self.each == "gap" else self._summaries(people, ids)

    def _keys(self, people: People, ids: pa.Array) -> dict[str, pa.Array]:
        """Return the columns that identify a row."""
        codes = pa.array([*self.ratings.codes, None], pa.string())  # NONE takes the last
        return {
            "id": ids,
            "from_onet_soc_code": codes.take(pa.array(people.occupation % len(codes))),
            "to_onet_soc_code": codes.take(pa.array(people.target % len(codes))),
            "own_levels": pa.array(people.own_levels, pa.int32()),
        }

    def _summaries(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        summaries = bulk_summaries(people, self.ratings)
        step = self._job_zones[people.target] - self._job_zones[people.occupation]
        missing = missing_inputs(summaries, ~np.isnan(step), people.target, self.ratings)
        columns = {
            name: pa.array(values, mask=(missing & NEEDS[name]) > 0) if name in NEEDS else _column(values)
            for name, values in {**summaries._asdict(), "job_zone_step": step}.items()
        }
        for name in (*PERCENTILES, "job_zone_step"):
            columns[name] = pc.cast(columns[name], pa.int32())
        reasons = pa.array([brief_reason(inputs) for inputs in missing.tolist()], pa.string())
        return _record_batch({**self._keys(people, ids), **columns, "unavailable": reasons})

    def _gaps(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        gaps = bulk_gaps(people, self.ratings)
        keys = {name: column.take(pa.array(gaps.row)) for name, column in self._keys(people, ids).items()}
        element = pa.array(gaps.element)
        elements = {
            "element_id": pa.array(self.ratings.element_ids, pa.string()).take(element),
            "element_name": pa.array(self.ratings.element_names, pa.string()).take(element),
        }
        columns = {name: _column(column) for name, column in gaps._asdict().items() if name not in ("row", "element")}
        columns["distinguishable"] = pc.cast(columns["distinguishable"], pa.bool_())
        columns["certainty"] = pa.array(CERTAINTIES.tolist(), pa.string()).take(columns["certainty"])
        return _record_batch(keys | elements | columns)

    def _nearest(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        if self.similarity is None:
            raise ValueError("ranking similar occupations requires `similarity`")
        nearest, scores = bulk_similar(people, self.nearest, self.ratings, self.similarity)
        row, place = np.nonzero(nearest != NONE)
        keys = {name: column.take(pa.array(row)) for name, column in self._keys(people, ids).items()}
        codes = pa.array(self.ratings.codes, pa.string())
        return _record_batch(
            {
                **keys,
                "to_onet_soc_code": codes.take(pa.array(nearest[row, place])),
                "rank": pa.array(place + 1, pa.int32()),
                "score": pa.array(scores[row, place], pa.float32()),
            }
        )

    @property
    def _job_zones(self) -> FloatArray:
        """Job Zone of each occupation in the ratings, NaN for none; NONE takes the last, also NaN."""
        zones = (self.ratings.occupations[code].job_zone for code in self.ratings.codes)
        return np.array([*(np.nan if zone is None else zone for zone in zones), np.nan])


def _numbers(column: pa.Array, name: str, problems: Problems) -> FloatArray:
    """Return a column as numbers, NaN if empty or not a number; the latter is added to `problems`."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        text = pc.if_else(pc.equal(text, ""), None, text)
        try:
            column = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            return np.array([_number(value, name, k, problems) for k, value in enumerate(text.to_pylist())])
    values: FloatArray = np.asarray(_cast(column, name, pa.float64(), "levels").fill_null(np.nan), dtype=np.float64)
    for k in np.flatnonzero(np.isnan(values) & np.asarray(column.is_valid())).tolist():
        problems[k] = problems[k] or f"{name}: 'nan' is not a number"
    return values


def _number(text: str | None, name: str, row: int, problems: Problems) -> float:
    try:
        value = np.nan if text is None or "_" in text else float(text)
    except ValueError:
        value = np.nan
    if text is not None and np.isnan(value):
        problems[row] = problems[row] or f"{name}: {text[:40]!r} is not a number"
    return value


def _cast(column: pa.Array, name: str, kind: pa.DataType, content: str) -> pa.Array:
    try:
        return pc.cast(column, kind)
    except pa.ArrowException as error:
        raise BatchInputError(f"column {name!r} has type {column.type}, which cannot hold {content}") from error


def _column(values: npt.NDArray[Any]) -> pa.Array:
    """Return an array as a column, null for NaN."""
    return pa.array(values, from_pandas=values.dtype.kind == "f")


def _record_batch(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Return a record batch with an empty column `error`."""
    names = {**columns, "error": pa.nulls(len(columns["id"]), pa.string())}
    return pa.RecordBatch.from_arrays(list(names.values()), names=list(names))
