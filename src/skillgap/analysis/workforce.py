"""What a population lacks for some targets, and who should be retrained for which.

People go by in groups. What is kept is counts, and of the people only those who may be proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded on first use

from skillgap.analysis.arrays import BoolArray, FloatArray, IntArray
from skillgap.analysis.missing import check_weights
from skillgap.analysis.pairs import Pair, level_vector, order_of, shortfalls_of
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import shown
from skillgap.analysis.vectorized import AT_ONCE, NONE, People, compare_people
from skillgap.models import SHORTFALL_BARS, Conversion, Feeder, SkillLack, Spread, TargetView, WorkforceReport
from skillgap.onet.scales import HIGHEST_LEVEL

_STEPS = 200
"""Of a level point, in which gaps are counted: eighths and hundredths are whole numbers of them."""
_UNITS = 10_000
"""Of a level point, in which figures are summed."""
_DECIDES_TIES = 1e-6
"""What a shortfall counts beside a cost, which has four decimals."""
_NEVER = 1e3
"""Cost of converting somebody to the occupation that is theirs already."""
_KNOWN_IN_PART = 10.0
"""Level points that somebody with unknown levels counts besides: more than any cost, since what is unknown costs 0."""


class Workforce:
    """Counts a population, in which each person is compared with each of some targets, or with the own one."""

    def __init__(self, ratings: Ratings, targets: Sequence[int] | None, *, proposals: int) -> None:
        """Begin with nobody.

        `targets` are rows of the ratings, None where people have their own. For each, `proposals` people are proposed.
        Raises MissingInput, here or for the target of somebody added, if its importances are missing.
        """
        check_weights(ratings, *(targets or ()))
        self._ratings = ratings
        self._proposals = proposals
        self._targets = targets
        self._groups: dict[tuple[int, ...], _Group] = {}
        self._people = self._with_own_levels = 0

    def add(self, people: People, ids: Sequence[str], *, at_once: int = AT_ONCE) -> None:
        """Count people in, `at_once` at a time."""
        for start in range(0, len(ids), at_once):
            rows = slice(start, start + at_once)
            self._add(people.take(rows), ids[rows])

    def _add(self, people: People, ids: Sequence[str]) -> None:
        self._people += len(ids)
        self._with_own_levels += int(people.has_own.sum())
        if self._targets is not None:
            self._group(tuple(self._targets)).add(people, ids)
            return
        for target in np.unique(people.target).tolist():
            rows = np.flatnonzero(people.target == target)
            self._group((target,)).add(people.take(rows), [ids[k] for k in rows.tolist()])

    def _group(self, targets: tuple[int, ...]) -> _Group:
        if targets not in self._groups:
            check_weights(self._ratings, *targets)
            self._groups[targets] = _Group(targets, self._ratings, self._proposals)
        return self._groups[targets]

    def report(self, rejected: dict[str, int]) -> WorkforceReport:
        """Return what was counted, with who could not be, by reason."""
        return WorkforceReport(
            people=self._people,
            with_own_levels=self._with_own_levels,
            rejected=rejected,
            domain=self._ratings.domain,
            weight=self._ratings.weighting,
            targets=[view for targets in sorted(self._groups) for view in self._groups[targets].views()],
            provenance=self._ratings.provenance,
        )


class _Group:
    """People who are all compared with the same targets."""

    def __init__(self, targets: tuple[int, ...], ratings: Ratings, proposals: int) -> None:
        self._targets = targets
        self._ratings = ratings
        self._proposals = proposals
        self._tallies = [_Tally(ratings) for _ in targets]
        self._candidates: _Candidates | None = None

    def add(self, people: People, ids: Sequence[str]) -> None:
        """Count people in; those without own levels are compared once per occupation."""
        first, which, counts = _distinct(people)
        distinct = people.take(first)
        costs, shortfalls, unknown = np.empty((3, len(first), len(self._targets)))
        for k, (target, tally) in enumerate(zip(self._targets, self._tallies, strict=True)):
            facing = distinct._replace(target=np.full(len(first), target))
            pair = compare_people(facing, self._ratings)
            asked, cost = (shown(each) for each in shortfalls_of(pair, facing.target, self._ratings))
            cost = np.nan_to_num(cost)  # what is unknown costs nothing, and comes behind what is known
            tally.add(pair, asked, cost, facing, counts)
            costs[:, k], shortfalls[:, k] = cost, np.nan_to_num(asked)
            unknown[:, k] = np.isnan(pair.gap).sum(axis=1)
        for tally, is_least in zip(self._tallies, (costs == costs.min(axis=1, keepdims=True)).T, strict=True):
            tally.cheapest_for += int(counts[is_least].sum())
        is_there = distinct.occupation[:, None] == np.array(self._targets)
        costs = np.where(is_there, _NEVER, costs)
        more = _Candidates(people, list(ids), costs[which], shortfalls[which], unknown[which])
        known = self._candidates.joined_by(more) if self._candidates else more
        # Of the nearest to a target, so many at most can be wanted elsewhere.
        self._candidates = known.nearest(self._proposals * len(self._targets))

    def views(self) -> Iterator[TargetView]:
        """Give what was counted for each target."""
        if self._candidates is None:
            return
        proposed = self._candidates.proposed(self._proposals)
        for k, (target, tally) in enumerate(zip(self._targets, self._tallies, strict=True)):
            conversions = self._candidates.conversions(proposed[k], k, target, self._ratings)
            yield tally.view(target, conversions, self._ratings)


def _distinct(people: People) -> tuple[IntArray, IntArray, IntArray]:
    """Return rows that differ, which of them each row is like, and how many are like each."""
    own = np.flatnonzero(people.has_own)
    key = people.occupation.copy()
    key[own] = -2 - own
    _, first, which, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return first, which, counts


class _Tally:
    """Counts of one target."""

    def __init__(self, ratings: Ratings) -> None:
        elements, occupations = len(ratings.element_ids), len(ratings.codes) + 1
        self.people = self.cheapest_for = self._known_in_part = self._incumbents = self._untested = 0
        self._lacking, self._may_be_chance, self._unknown, self._tested = np.zeros((4, elements), dtype=np.int64)
        self._gaps = np.zeros((elements, int(HIGHEST_LEVEL) * _STEPS + 1), dtype=np.int64)
        self._gap_sums = np.zeros(elements, dtype=np.int64)
        self._shortfalls = np.zeros(int(HIGHEST_LEVEL) * _STEPS + 1, dtype=np.int64)
        self._bars = np.zeros(int(HIGHEST_LEVEL) * SHORTFALL_BARS + 1, dtype=np.int64)
        self._shortfall_sum = 0
        # By occupation; the last is none.
        self._from = np.zeros(occupations, dtype=np.int64)
        self._without = np.zeros(occupations, dtype=np.int64)
        self._testable = np.zeros(occupations, dtype=np.int64)
        self._cost_sums = np.zeros(occupations, dtype=np.int64)

    def add(self, pair: Pair, shortfall: FloatArray, cost: FloatArray, people: People, counts: IntArray) -> None:
        """Count rows in, each as many times as there are people like it."""
        occupation = people.occupation
        is_gap = pair.gap > 0
        lacks = is_gap & pair.is_distinguishable
        self.people += int(counts.sum())
        self._lacking += counts @ lacks
        self._tested += counts @ pair.is_tested
        self._may_be_chance += counts @ (is_gap & ~lacks)
        self._unknown += counts @ (is_unknown := np.isnan(pair.gap))
        in_part, untested = is_unknown.any(axis=1), ~pair.is_tested.any(axis=1)
        self._known_in_part += int(counts @ in_part)
        self._untested += int(counts @ untested)
        self._incumbents += int(counts @ (occupation == people.target))
        row, element = np.nonzero(lacks)
        gap = pair.gap[row, element]
        np.add.at(self._gaps, (element, _steps(gap)), counts[row])
        np.add.at(self._gap_sums, element, _units(gap) * counts[row])
        has_one = ~np.isnan(shortfall)
        known, of_known = shortfall[has_one], counts[has_one]
        np.add.at(self._shortfalls, _steps(known), of_known)
        np.add.at(self._bars, np.floor(known * SHORTFALL_BARS + 1e-9).astype(np.int64), of_known)
        self._shortfall_sum += int(_units(known) @ of_known)
        np.add.at(self._from, occupation, counts)
        np.add.at(self._without, occupation, counts * ~(lacks.any(axis=1) | in_part | untested))
        np.add.at(self._testable, occupation, counts * ~untested)
        np.add.at(self._cost_sums, occupation, counts * _units(cost))

    def view(self, target: int, conversions: list[Conversion], ratings: Ratings) -> TargetView:
        """Return what was counted of a target."""
        occupations = [ratings.occupations[code] for code in ratings.codes]
        printed = ratings.printed(target)
        bars = np.trim_zeros(self._bars, "b")
        skills = [
            SkillLack(
                element_id=ratings.element_ids[k],
                element_name=ratings.element_names[k],
                importance=printed.importance[k],
                to_data_value=printed.data_value[k],
                lacking=int(self._lacking[k]) if self._tested[k] else None,
                share=_share(int(self._lacking[k]), self.people) if self._tested[k] else None,
                may_be_chance=int(self._may_be_chance[k]),
                unknown=int(self._unknown[k]),
                gap=_spread(self._gaps[k], self._gap_sums[k]) if self._lacking[k] else None,
            )
            for k in np.lexsort((-ratings.known_weight[target], -self._may_be_chance, -self._lacking)).tolist()
        ]
        feeders = [
            Feeder(
                occupation=occupations[row] if row < len(occupations) else None,
                people=int(self._from[row]),
                without_sure_gap=int(self._without[row]) if self._testable[row] else None,
                mean_cost=_mean(self._cost_sums[row], self._from[row]),
            )
            for row in np.flatnonzero(self._from).tolist()
        ]
        return TargetView(
            to_occupation=occupations[target],
            people=self.people,
            without_sure_gap=int(self._without.sum()) if self._testable.any() else None,
            known_in_part=self._known_in_part,
            untested=self._untested,
            incumbents=self._incumbents,
            cheapest_for=self.cheapest_for,
            shortfall=_spread(self._shortfalls, self._shortfall_sum) if self._shortfalls.any() else None,
            shortfall_counts=bars.tolist(),
            skills=skills,
            feeders=sorted(feeders, key=lambda each: (each.mean_cost, -each.people)),
            conversions=conversions,
        )


@dataclass(frozen=True)
class _Candidates:
    """People who may be proposed, in the order they came in."""

    people: People
    ids: list[str]
    costs: FloatArray
    """(people, targets)"""
    shortfalls: FloatArray
    unknown: FloatArray
    """How many levels are."""

    def joined_by(self, more: _Candidates) -> _Candidates:
        """Return these and more behind them."""
        own = None
        if self.people.own is not None and more.people.own is not None:
            own = np.concatenate((self.people.own, more.people.own))
        occupation, target = (np.concatenate(each) for each in zip(self.people[:2], more.people[:2], strict=True))
        both = ((self.costs, more.costs), (self.shortfalls, more.shortfalls), (self.unknown, more.unknown))
        return _Candidates(People(occupation, target, own), self.ids + more.ids, *map(np.concatenate, both))

    def nearest(self, count: int) -> _Candidates:
        """Return those who are among the nearest to any target."""
        first = np.argsort(self._ranked_by, axis=0, kind="stable")[:count]
        rows = np.unique(first)
        ids = [self.ids[k] for k in rows.tolist()]
        figures = (each[rows] for each in (self.costs, self.shortfalls, self.unknown))
        return _Candidates(self.people.take(rows), ids, *figures)

    @property
    def _ranked_by(self) -> FloatArray:
        found: FloatArray = self.costs + _DECIDES_TIES * self.shortfalls + _KNOWN_IN_PART * (self.unknown > 0)
        return found

    def proposed(self, count: int) -> list[npt.NDArray[np.intp]]:
        """Return who is proposed for each target, nearest first: nobody twice, the sum of the costs least."""
        cost = self._ranked_by
        rows, seats = scipy.optimize.linear_sum_assignment(np.repeat(cost, count, axis=1))
        of_target = (rows[(seats // count == k) & (self.costs[rows, k] < _NEVER)] for k in range(cost.shape[1]))
        return [chosen[np.argsort(cost[chosen, k], kind="stable")] for k, chosen in enumerate(of_target)]

    def conversions(self, rows: npt.NDArray[np.intp], k: int, target: int, ratings: Ratings) -> list[Conversion]:
        """Return proposals for the target at place k, with what each person lacks."""
        people = self.people.take(rows)._replace(target=np.full(len(rows), target))
        pair = compare_people(people, ratings)
        order = order_of(pair, level_vector(ratings, people.target), ratings.weight[people.target])
        lacks: BoolArray = pair.is_distinguishable & (pair.gap > 0)
        is_tested: BoolArray = np.asarray(pair.is_tested.any(axis=1))
        own = people.own_levels.tolist()
        return [
            Conversion(
                id=self.ids[row],
                from_occupation=None if occupation == NONE else ratings.occupations[ratings.codes[occupation]],
                own_levels=own[place],
                cost=float(self.costs[row, k]),
                weighted_shortfall=float(self.shortfalls[row, k]),
                unknown=int(self.unknown[row, k]),
                lacking=[ratings.element_names[each] for each in order[place].tolist() if lacks[place, each]]
                if is_tested[place]
                else None,
            )
            for place, (row, occupation) in enumerate(zip(rows.tolist(), people.occupation.tolist(), strict=True))
        ]


def _steps(points: FloatArray) -> IntArray:
    found: IntArray = np.rint(points * _STEPS).astype(np.intp)
    return found


def _units(points: FloatArray) -> npt.NDArray[np.int64]:
    """Return figures of four decimals as whole numbers: their sums are the same in any order."""
    found: npt.NDArray[np.int64] = np.rint(points * _UNITS).astype(np.int64)
    return found


def _mean(total: int, count: int) -> float:
    """Return the mean of a sum of units, in level points."""
    return round(int(total) / int(count) / _UNITS, 4)


def _share(count: int, people: int) -> float:
    """Return a share with four decimals, 0 and 1 for nobody and everybody alone."""
    if count in (0, people):
        return float(count > 0)
    return min(max(round(count / people, 4), 0.0001), 0.9999)


def _spread(counts: npt.NDArray[np.int64], total: int) -> Spread:
    """Return the spread of what was counted in steps. A share p of people has the quantile or less."""
    people = int(counts.sum())
    reached = np.cumsum(counts)
    quantiles = (
        int(np.searchsorted(reached, max(1, np.ceil(share * people)))) / _STEPS for share in (0.1, 0.25, 0.5, 0.75, 0.9)
    )
    return Spread(_mean(total, people), *quantiles)
