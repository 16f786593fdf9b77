"""The kernel: record batches of people or positions in, their gaps out.

A row that cannot be answered stays in the output with the reason in `error`.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.lookup import title_key
from skillgap.analysis.missing import NEEDS, brief_reason, missing_inputs
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.analysis.vectorized import NONE, People, bulk_gaps, bulk_similar, bulk_summaries
from skillgap.errors import BatchInputError, InvalidCode, OccupationError
from skillgap.onet.codes import parse_code
from skillgap.onet.scales import HIGHEST_LEVEL

Each = Literal["row", "gap"]
_ALIKE = 0.75
"""How alike the name of a column must be to that of an element to be taken for a slip."""


@dataclass(frozen=True)
class Columns:
    """Which column of the input is what."""

    id: str
    occupation: str | None
    """Codes of current occupations; None where there are only own levels."""
    target: str | None
    """Codes of targets; None where all have one, or are to be found."""
    levels: Mapping[str, int]
    """Own levels: column to element."""
    unused: Sequence[str] = ()
    suggestion: str = ""
    """Which unused columns may hold the current occupations, and the option that says so; empty if none does."""
    empty: Sequence[str] = ()
    """Columns of own levels in which no row has a value; known once an input has been read."""


def find_columns(
    names: Sequence[str],
    ratings: Ratings,
    *,
    id_column: str,
    occupation_column: str | None,
    target_column: str | None,
    sample: Mapping[str, Sequence[str]] | None = None,
    min_own_levels: int | None = None,
) -> Columns:
    """Return the role of each column of an input, by its name; case and surrounding blanks do not matter.

    `occupation_column` defaults to the column named `occupation`, which is optional. Where it is missing, `sample`, the
    first values of each column, helps to suggest another. Raises BatchInputError, also where neither an occupation nor
    `min_own_levels` (default: `usual_min_own_levels`) can be known of any row.
    """
    if duplicate := [name for name, count in Counter(names).items() if count > 1]:
        raise BatchInputError(f"two columns are named {duplicate[0]!r}")
    shown = ", ".join(name[:60] for name in names)
    key = column_called(id_column, names)
    if key is None:
        raise BatchInputError(f"no column {id_column!r}, which tells rows apart (found {shown}); see --id")
    occupation = column_called(occupation_column or "occupation", names)
    candidates: Sequence[str] = ()
    if occupation is None:
        others = [name for name in names if name not in (key, target_column)]
        candidates = occupation_candidates(others, ratings, sample or {})
    if occupation_column and occupation is None:
        raise BatchInputError(
            f"no column {occupation_column!r} of current occupations (found {shown}){_after(candidates)}"
        )
    roles = {key, occupation, target_column}
    found = {name: ratings.columns.get(name.strip().casefold()) for name in names if name not in roles}
    levels = {name: column for name, column in found.items() if column is not None}
    if doubled := [name for name, count in Counter(levels.values()).items() if count > 1]:
        raise BatchInputError(f"two columns hold levels of {ratings.element_names[doubled[0]]}")
    if occupation is None and not levels:
        raise BatchInputError(
            f"neither a column 'occupation' (see --occupation) nor one named like an element, such as "
            f"{ratings.element_names[0]!r} or {ratings.element_ids[0]!r} (found {shown}){_after(candidates)}"
        )
    used = {*roles, *levels}
    unused = [name for name in names if name not in used]
    for name in unused:
        if ids := ratings.ids_of_name(name):
            raise BatchInputError(f"column {name!r} may be {' or '.join(ids)}; name it by its id")
        if meant := ratings.closest_name(name, cutoff=_ALIKE):
            raise BatchInputError(f"column {name!r} is no element of {ratings.domain}; is {meant!r} meant?")
    least = usual_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    if occupation is None and len(levels) < least:
        raise BatchInputError(
            f"no column 'occupation' (found {shown}){_after(candidates)}. Without an occupation a row needs {least} "
            f"own levels (--min-own-levels), and the columns named like an element are only {len(levels)}"
        )
    return Columns(key, occupation, target_column, levels, unused, _suggestion(candidates))


def column_called(name: str, names: Sequence[str]) -> str | None:
    """Return the column of a name: exactly that name, else the one that differs in case and surrounding blanks only.

    Raises BatchInputError where several do.
    """
    if name in names:
        return name
    like = [each for each in names if each.strip().casefold() == name.strip().casefold()]
    if len(like) > 1:
        raise BatchInputError(f"column {name!r} may be {' or '.join(map(repr, like))}; rename one of them")
    return like[0] if like else None


def usual_min_own_levels(ratings: Ratings) -> int:
    """Return how many own levels a row without an occupation needs by default: half of the elements compared.

    The figures of fewer say little about the row, and nothing tells that the rest is missing.
    """
    return (len(ratings.element_ids) + 1) // 2


def occupation_candidates(names: Sequence[str], ratings: Ratings, sample: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns that may hold the current occupations, the likeliest first, at most three.

    First come those whose values are mostly known codes or exact titles, then those with a usual name for it.
    """
    names = [name for name in names if name.strip().casefold() not in ratings.columns]
    shares = {name: _share_of_occupations(sample.get(name, ()), ratings) for name in names}
    by_values = sorted((name for name in names if shares[name] >= _MOSTLY), key=lambda name: -shares[name])
    by_name = [name for name in names if name not in by_values and _is_name_of_occupation(name)]
    return [*by_values, *by_name][:3]


_MOSTLY = 0.5
_OCCUPATION_NAMES = frozenset(
    f"{start}{end}"
    for start in (
        *("job", "position", "role", "profession", "occupation", "occupational", "occ"),
        *("soc", "onet", "onetsoc"),
    )
    for end in ("", "s", "code", "codes", "id", "title", "name", "number", "no", "key")
) | {"title", "work", "jobsoc", "joboccupation", "jobrole", "jobprofile", "currentoccupation"}
"""Usual names of a column of current occupations, reduced to their letters."""
_LIKE_OCCUPATION = 0.8
"""Similarity of a column's name to `occupation` from which it counts as a typo of it."""


def _is_name_of_occupation(name: str) -> bool:
    letters = "".join(each for each in name.casefold() if each.isalpha())
    for prefix in ("current", "present", "employee", "from", "my"):
        letters = letters.removeprefix(prefix)
    return letters in _OCCUPATION_NAMES or OSA.normalized_similarity(letters, "occupation") >= _LIKE_OCCUPATION


def _share_of_occupations(values: Sequence[str], ratings: Ratings) -> float:
    """Return which share of the values that are not empty is the code or the title of an occupation."""
    counts = Counter(text for value in values if (text := value.strip()))
    known = sum(count for text, count in counts.items() if occupation_code(text, ratings) in ratings.occupations)
    return known / counts.total() if counts else 0.0


def occupation_code(text: str, ratings: Ratings) -> str:
    """Return the code of an occupation given by code or exact title. Any other text is returned."""
    try:
        return parse_code(text)
    except InvalidCode:
        return ratings.codes_by_title.get(title_key(text), text)


def _suggestion(candidates: Sequence[str]) -> str:
    """Return a sentence that suggests columns of current occupations; empty without candidates."""
    if not candidates:
        return ""
    names = ", ".join(repr(name) for name in candidates)
    options = " or ".join(f"--occupation {shlex.quote(name)}" for name in candidates)
    return f"{names} {'look' if len(candidates) > 1 else 'looks'} like it: {options}"


def _after(candidates: Sequence[str]) -> str:
    """Return the suggestion as the rest of a sentence."""
    return f"; {_suggestion(candidates)}" if candidates else ""


@dataclass(frozen=True)
class GapKernel:
    """Answers record batches of people or positions; can be pickled, and called from anywhere."""

    ratings: Ratings
    columns: Columns
    target: str | None = None
    """Code of the target that all have; None where a column has it, or where the nearest are asked for."""
    each: Each = "row"
    """Whether a line of the output is a row of the input or one of its gaps."""
    nearest: int = 0
    """How many near targets to rank for each row, in the place of gaps; 0 for none."""
    similarity: Similarity | None = None
    min_own_levels: int | None = None
    """How many own levels a row without an occupation needs; None for `usual_min_own_levels`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the answers of a record batch, those that have none with the reason in `error`."""
        people, ids, refused = self.read(batch)
        found = self._answers(people, ids)
        if not refused.num_rows:
            return found
        names, count = found.schema.names, refused.num_rows
        rows = [
            refused.column(name) if name in ("id", "error") else pa.nulls(count, found.schema.field(name).type)
            for name in names
        ]
        more = pa.RecordBatch.from_arrays(rows, schema=found.schema)
        table = pa.Table.from_batches([found, more]).combine_chunks()
        return table.to_batches()[0]

    def read(self, batch: pa.RecordBatch) -> tuple[People, pa.Array, pa.RecordBatch]:
        """Return the rows that can be answered, their ids, and `id` and `error` of the others."""
        people, wrong = self._people(batch)
        is_good = np.array([each is None for each in wrong], dtype=np.bool_)
        good, bad = np.flatnonzero(is_good), np.flatnonzero(~is_good)
        ids = batch.column(self.columns.id)
        if pa.types.is_nested(ids.type) or pa.types.is_binary(ids.type):
            ids = _cast(ids, self.columns.id, pa.string(), "ids")
        errors = pa.array([wrong[k] for k in bad.tolist()], pa.string())
        refused = pa.RecordBatch.from_arrays([ids.take(pa.array(bad)), errors], names=["id", "error"])
        return people.take(good), ids.take(pa.array(good)), refused

    def _people(self, batch: pa.RecordBatch) -> tuple[People, list[str | None]]:
        """Return the rows as numbers, and of each what is wrong with it."""
        wrong: list[str | None] = [None] * batch.num_rows
        of = self.columns
        occupation = np.full(batch.num_rows, NONE, dtype=np.int64)
        if of.occupation:
            occupation = self._rows_of(batch.column(of.occupation), of.occupation, wrong, may_lack=bool(of.levels))
        if of.target:
            target = self._rows_of(batch.column(of.target), of.target, wrong, may_lack=False)
        else:
            target = np.full(batch.num_rows, self.ratings.row(self.target) if self.target else NONE, dtype=np.int64)
        own = self._own_levels(batch, wrong) if of.levels else None
        people = People(occupation, target, own)
        least = usual_min_own_levels(self.ratings) if self.min_own_levels is None else self.min_own_levels
        counts = people.own_levels
        too_few = f"no occupation, and fewer than {least} own levels"
        for k in np.flatnonzero((occupation == NONE) & (counts < max(least, 1))).tolist():
            wrong[k] = wrong[k] or (too_few if counts[k] else "neither an occupation nor an own level")
        return people, wrong

    def _rows_of(
        self, column: pa.Array, name: str, wrong: list[str | None], *, may_lack: bool
    ) -> npt.NDArray[np.int64]:
        """Return the rows in the ratings of codes or exact titles, each distinct text looked up once."""
        encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(_cast(column, name, pa.string(), "codes")))
        found, reasons = [], []
        for text in encoded.dictionary.to_pylist():
            row, reason = NONE, None
            if not text:
                reason = None if may_lack else f"{name}: nothing is there"
            else:
                try:
                    row = self.ratings.row(parse_code(occupation_code(text, self.ratings)))
                except OccupationError as error:
                    reason = f"{name}: {error}"
            found.append(row)
            reasons.append(reason)
        indices = np.asarray(encoded.indices.fill_null(len(found)))
        found.append(NONE)
        reasons.append(None if may_lack else f"{name}: nothing is there")
        if any(reasons):
            for k in np.flatnonzero(np.array([each is not None for each in reasons])[indices]).tolist():
                wrong[k] = wrong[k] or reasons[indices[k]]
        rows: npt.NDArray[np.int64] = np.array(found, dtype=np.int64)[indices]
        return rows

    def _own_levels(self, batch: pa.RecordBatch, wrong: list[str | None]) -> FloatArray:
        own = np.full((batch.num_rows, len(self.ratings.element_ids)), np.nan)
        for name, element in self.columns.levels.items():
            own[:, element] = values = _numbers(batch.column(name), name, wrong)
            for k in np.flatnonzero((values < 0) | (values > HIGHEST_LEVEL)).tolist():
                wrong[k] = wrong[k] or f"{name}: {values[k]:g} is no level from 0 to {HIGHEST_LEVEL:g}"
        return own

    def _answers(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        if self.nearest:
            return self._nearest(people, ids)
        if (people.target == NONE).any():
            raise ValueError("gaps need a target")
        return self._gaps(people, ids) if self.each == "gap" else self._summaries(people, ids)

    def _who(self, people: People, ids: pa.Array) -> dict[str, pa.Array]:
        codes = pa.array([*self.ratings.codes, None], pa.string())
        return {
            "id": ids,
            "from_onet_soc_code": codes.take(pa.array(people.occupation % len(codes))),
            "to_onet_soc_code": codes.take(pa.array(people.target % len(codes))),
            "own_levels": pa.array(people.own_levels, pa.int32()),
        }

    def _summaries(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        figures = bulk_summaries(people, self.ratings)
        step = self._zones[people.target] - self._zones[people.occupation]
        lacking = missing_inputs(figures, ~np.isnan(step), people.target, self.ratings)
        columns = {
            name: pa.array(values, mask=(lacking & NEEDS[name]) > 0) if name in NEEDS else _column(values)
            for name, values in {**figures._asdict(), "job_zone_step": step}.items()
        }
        columns["job_zone_step"] = pc.cast(columns["job_zone_step"], pa.int32())
        reasons = pa.array([brief_reason(each) for each in lacking.tolist()], pa.string())
        return _record_batch({**self._who(people, ids), **columns, "unavailable": reasons})

    def _gaps(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        gaps = bulk_gaps(people, self.ratings)
        who = {name: column.take(pa.array(gaps.row)) for name, column in self._who(people, ids).items()}
        element_ids, names = (
            pa.array(each, pa.string()) for each in (self.ratings.element_ids, self.ratings.element_names)
        )
        element = pa.array(gaps.element)
        columns = {name: _column(column) for name, column in gaps._asdict().items() if name not in ("row", "element")}
        columns["distinguishable"] = pc.cast(columns["distinguishable"], pa.bool_())
        return _record_batch(
            {**who, "element_id": element_ids.take(element), "element_name": names.take(element)} | columns
        )

    def _nearest(self, people: People, ids: pa.Array) -> pa.RecordBatch:
        if self.similarity is None:
            raise ValueError("nearest targets need the nearness")
        nearest, scores = bulk_similar(people, self.nearest, self.ratings, self.similarity)
        row, place = np.nonzero(nearest != NONE)
        who = {name: column.take(pa.array(row)) for name, column in self._who(people, ids).items()}
        codes = pa.array(self.ratings.codes, pa.string())
        return _record_batch(
            {
                **who,
                "to_onet_soc_code": codes.take(pa.array(nearest[row, place])),
                "rank": pa.array(place + 1, pa.int32()),
                "score": pa.array(scores[row, place], pa.float32()),
            }
        )

    @property
    def _zones(self) -> FloatArray:
        """Job Zone of each occupation in the ratings, NaN for none; the last is that of nobody."""
        zones = (self.ratings.occupations[code].job_zone for code in self.ratings.codes)
        return np.array([*(np.nan if zone is None else zone for zone in zones), np.nan])


def _numbers(column: pa.Array, name: str, wrong: list[str | None]) -> FloatArray:
    """Return a column as numbers, NaN where it is empty; what is no number is told of its row."""
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
            return np.array([_number(each, name, k, wrong) for k, each in enumerate(text.to_pylist())])
    values: FloatArray = np.asarray(_cast(column, name, pa.float64(), "levels").fill_null(np.nan), dtype=np.float64)
    for k in np.flatnonzero(np.isnan(values) & np.asarray(column.is_valid())).tolist():
        wrong[k] = wrong[k] or f"{name}: 'nan' is no number"
    return values


def _cast(column: pa.Array, name: str, kind: pa.DataType, what: str) -> pa.Array:
    try:
        return pc.cast(column, kind)
    except pa.ArrowException as error:
        raise BatchInputError(f"column {name!r} is of type {column.type}, which holds no {what}") from error


def _number(text: str | None, name: str, row: int, wrong: list[str | None]) -> float:
    try:
        value = np.nan if text is None or "_" in text else float(text)
    except ValueError:
        value = np.nan
    if text is not None and np.isnan(value):
        wrong[row] = wrong[row] or f"{name}: {text[:40]!r} is no number"
    return value


def _column(values: npt.NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Return an array as a column, null where it is NaN."""
    if values.dtype.kind == "f":
        column = pa.array(values, from_pandas=True)
        return pc.cast(column, kind) if kind else column
    return pa.array(values)


def _record_batch(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Return a record batch with no reason for an error."""
    count = len(columns["id"])
    every = {**columns, "error": pa.nulls(count, pa.string())}
    return pa.RecordBatch.from_arrays(list(every.values()), names=list(every))
