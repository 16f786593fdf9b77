"""Gaps of many people or positions at once: the same figures as of one, to the digit.

A row is a person or a position: an occupation, own levels, or both, and a target. What rests on occupations alone is
computed once per pair of occupations, however many people share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import (
    LevelVector,
    Pair,
    SummaryArrays,
    compare_in_full,
    compare_sides,
    figures,
    level_vector,
    order_of,
    pair_of,
)
from skillgap.analysis.person import CERTAIN
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import shown, shown_p
from skillgap.analysis.similarity.model import Similarity
from skillgap.onet.scales import HIGHEST_LEVEL

NONE = -1
"""In the place of an occupation's row: there is none."""
AT_ONCE = 4_096
"""Rows compared at once: their arrays stay in the processor's cache."""
AT_ONCE_WITH_ALL = 1_024
"""Rows compared at once with all occupations."""
_PER_PLACE = 1e-9
"""What a place in the order of codes counts beside a score: of thousands, less than scores of four decimals differ."""


class People(NamedTuple):
    """Rows to be compared, each with at least one of an occupation and an own level."""

    occupation: IntArray
    """Row of the current occupation in the ratings, or NONE: (rows,)."""
    target: IntArray
    """Row of the target: (rows,)."""
    own: FloatArray | None
    """Own levels, NaN where there is none: (rows, elements); None where nobody has any."""

    def take(self, rows: IntArray | BoolArray | slice) -> People:
        """Return some of the rows."""
        return People(self.occupation[rows], self.target[rows], None if self.own is None else self.own[rows])

    @property
    def own_levels(self) -> IntArray:
        """How many own levels each has."""
        if self.own is None:
            return np.zeros(len(self.target), dtype=np.intp)
        found: IntArray = (self.own == self.own).sum(axis=1)
        return found

    @property
    def has_own(self) -> BoolArray:
        """Who has own levels."""
        found: BoolArray = self.own_levels > 0
        return found


def bulk_figures(people: People, ratings: Ratings, *, at_once: int = AT_ONCE) -> SummaryArrays:
    """Return the figures of each row, unknown percentiles as NaN; `at_once` rows are compared at a time."""
    has_own = people.has_own
    nobody = people.take(slice(0, 0))
    kinds = figures(compare_people(nobody, ratings), nobody.target, ratings)
    out = SummaryArrays._make(np.zeros(len(has_own), dtype=column.dtype) for column in kinds)
    parts = (
        *_of_pairs(people, np.flatnonzero(~has_own), ratings, at_once),
        *_of_own(people, has_own, ratings, at_once),
    )
    for rows, found in parts:
        for column, values in zip(out, found, strict=True):
            column[rows] = values
    return out


def _of_pairs(
    people: People, rows: IntArray, ratings: Ratings, at_once: int
) -> Iterator[tuple[IntArray, SummaryArrays]]:
    """Give the figures of rows without own levels, each pair of occupations computed once."""
    count = len(ratings.codes)
    pairs, which = np.unique(people.occupation[rows] * count + people.target[rows], return_inverse=True)
    if not len(pairs):
        return
    parts = []
    for start in range(0, len(pairs), at_once):
        current, target = np.divmod(pairs[start : start + at_once], count)
        parts.append(figures(pair_of(current, target, ratings), target, ratings))
    yield rows, SummaryArrays._make(np.concatenate(column)[which] for column in zip(*parts, strict=True))


def _of_own(
    people: People, has_own: BoolArray, ratings: Ratings, at_once: int
) -> Iterator[tuple[IntArray, SummaryArrays]]:
    """Give the figures of rows with own levels."""
    rows = np.flatnonzero(has_own)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        part = people.take(some)
        yield some, figures(compare_people(part, ratings), part.target, ratings)


def compare_people(people: People, ratings: Ratings) -> Pair:
    """Compare each row with its target."""
    return compare_sides(side_of_people(people, ratings), level_vector(ratings, people.target))


def side_of_people(people: People, ratings: Ratings) -> LevelVector:
    """Return the levels of rows: own ones without error, the rest from the occupation, or unknown.

    A level that is missing counts as 0 between occupations, and as unknown of a person.
    """
    has_none = (people.occupation == NONE)[:, None]
    level, error, raters = (
        np.where(has_none, nothing, each[people.occupation])
        for each, nothing in ((ratings.level, np.nan), (ratings.standard_error, np.nan), (ratings.raters, 0))
    )
    to_subtract = level
    if people.own is not None:
        is_own = people.own == people.own
        np.copyto(level, ratings.exact_level(people.own), where=is_own)
        np.copyto(error, 0.0, where=is_own)
        np.copyto(raters, CERTAIN, where=is_own)
    if not (has_own := people.has_own).all():
        to_subtract = np.where(has_own[:, None], level, ratings.comparable_level[people.occupation])
    return LevelVector(level, to_subtract, error, raters.astype(np.int32), np.zeros(level.shape, dtype=np.bool_))


class Gaps(NamedTuple):
    """The gaps of many rows, one behind the other, each row's in the order of a report."""

    row: IntArray
    element: IntArray
    rank: IntArray
    from_data_value: FloatArray
    to_data_value: FloatArray
    gap: FloatArray
    importance: FloatArray
    standard_error: FloatArray
    gap_lower: FloatArray
    gap_upper: FloatArray
    p_value: FloatArray
    distinguishable: FloatArray
    """1 or 0, NaN where it cannot be tested."""
    to_not_relevant: BoolArray


def bulk_gaps(people: People, ratings: Ratings, *, at_once: int = AT_ONCE) -> Gaps:
    """Return all gaps of all rows, as `skill_gaps` of a report has them; NaN where it has null."""
    starts = range(0, max(len(people.target), 1), at_once)
    parts = [_gaps(people.take(slice(start, start + at_once)), start, ratings) for start in starts]
    return Gaps._make(np.concatenate(column) for column in zip(*parts, strict=True))


def _gaps(people: People, first: int, ratings: Ratings) -> Gaps:
    current, target = side_of_people(people, ratings), level_vector(ratings, people.target)
    pair, tests = compare_in_full(current, target)
    order = order_of(pair, target, ratings.weight[people.target])
    is_gap = np.take_along_axis(pair.gap, order, axis=1) > 0
    row, place = np.nonzero(is_gap)
    element = order[row, place]
    printed = np.where((people.occupation == NONE)[:, None], np.nan, ratings.data_value[people.occupation])
    if people.own is not None:
        np.copyto(printed, people.own, where=people.own == people.own)
    error, lower, upper = (shown(each[row, element]) for each in tests[:3])
    at = people.target[row], element
    return Gaps(
        row=row + first,
        element=element,
        rank=is_gap.cumsum(axis=1)[row, place],
        from_data_value=printed[row, element],
        to_data_value=ratings.data_value[at],
        gap=pair.gap[row, element],
        importance=ratings.importance[at],
        standard_error=error,
        gap_lower=lower,
        gap_upper=upper,
        p_value=shown_p(tests.p_value[row, element]),
        distinguishable=np.where(pair.is_tested[row, element], pair.is_distinguishable[row, element], np.nan),
        to_not_relevant=ratings.not_relevant[at],
    )


def bulk_nearest(
    people: People, count: int, ratings: Ratings, similarity: Similarity, *, at_once: int = AT_ONCE_WITH_ALL
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the nearest targets of each row, nearest first, as rows of the ratings, with their scores.

    Both (rows, count), NONE and NaN where there are fewer. Of an occupation alone they are those of `find_transitions`;
    of own levels, which nothing but levels is known of, those whose levels are most alike (see `_alike`), since a
    fitted score needs texts. Raises MissingInput if nobody's own levels can be weighed.
    """
    has_own = people.has_own
    count = min(count, len(ratings.codes) - 1)
    nearest = np.full((len(has_own), count), NONE, dtype=np.int32)
    scores = np.full((len(has_own), count), np.nan, dtype=np.float32)
    alone = np.flatnonzero(~has_own)
    order, chances = _nearest_of_occupations(count, ratings, similarity)
    nearest[alone], scores[alone] = order[people.occupation[alone]], chances[people.occupation[alone]]
    rows = np.flatnonzero(has_own)
    if len(rows) and np.isnan(ratings.weight_sum).all():
        check_weights(ratings, *range(len(ratings.codes)))
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        part = people.take(some)
        level = side_of_people(part, ratings).level
        if part.own is not None:  # a likeness has no use for prints: own levels count with all their decimals
            np.copyto(level, part.own, where=part.own == part.own)
        alike = _alike(level, ratings)
        has_occupation = part.occupation != NONE
        alike[np.flatnonzero(has_occupation), part.occupation[has_occupation]] = -np.inf
        # Rounded as they are shown, and of equal ones the first code: then a longer list begins with a shorter one.
        shown_scores = np.round(alike, 4)
        rank = np.arange(alike.shape[1]) * _PER_PLACE - shown_scores
        first = np.argpartition(rank, count - 1, axis=1)[:, :count]
        sequence = np.argsort(np.take_along_axis(rank, first, axis=1), axis=1)
        nearest[some] = np.take_along_axis(first, sequence, axis=1)
        scores[some] = np.take_along_axis(shown_scores, nearest[some], axis=1)
        is_none = np.isneginf(scores[some])
        nearest[some] = np.where(is_none, NONE, nearest[some])
        scores[some] = np.where(is_none, np.nan, scores[some])
    return nearest, scores


def _alike(level: FloatArray, ratings: Ratings) -> FloatArray:
    """Return how alike levels are to those of each occupation, over what is known: (rows, occupations), 1 if the same.

    It falls by a seventh for each level point of the root mean square difference, weighed by what the target finds
    important; -inf where nothing known weighs anything there. On O*NET 29.0 it finds more of the related
    occupations than a cosine, the more so the fewer levels are known (recall among ten: 0.211 and 0.209 with all,
    0.113 and 0.085 with a quarter of them).
    """
    weight, asked = ratings.known_weight, ratings.level_or_zero
    known, own = (level == level).astype(np.float64), np.nan_to_num(level)
    squares = (own * own) @ weight.T - 2.0 * (own @ (weight * asked).T) + known @ (weight * asked * asked).T
    compared = known @ weight.T
    means = np.maximum(squares, 0.0) / np.maximum(compared, 1e-12)
    found: FloatArray = 1.0 - np.sqrt(means) / HIGHEST_LEVEL
    return np.where(compared > 0, found, -np.inf)


def _nearest_of_occupations(
    count: int, ratings: Ratings, similarity: Similarity
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the nearest occupations of each that have levels in these ratings, and their scores."""
    nearest = np.full((len(ratings.codes), count), NONE, dtype=np.int32)
    scores = np.full((len(ratings.codes), count), np.nan, dtype=np.float32)
    places = similarity.places_in(ratings)
    for row, place in enumerate(places.tolist()):
        if place != NONE:
            order = similarity.order[row]
            found = order[places[order] != NONE][:count]
            nearest[place, : len(found)] = places[found]
            scores[place, : len(found)] = np.round(similarity.scores(row)[found], 4)
    return nearest, scores
