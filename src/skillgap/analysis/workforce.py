"""Gaps of a population to target occupations, and proposals of whom to retrain for which.

People are processed in batches that are folded into counts. Only candidates for proposals are kept, so memory does not
grow with the population.
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
"""Histogram bins per level point; 200 makes eighths and hundredths exact."""
_UNITS = 10_000
"""Integer units per level point for sums, so that sums do not depend on the order."""
_DECIDES_TIES = 1e-6
"""Weight of a shortfall relative to a cost: it only decides between costs equal to four decimals."""
_NEVER = 1e3
"""Cost that excludes converting people to the occupation they already have."""
_PARTLY_KNOWN = 10.0
"""Penalty in level points for unknown levels, which cost nothing: more than any cost."""


class Workforce:
    """Accumulates a population. Each person is compared with all targets, or with a target of their own."""

    def __init__(self, ratings: Ratings, targets: Sequence[int] | None, *, proposals: int) -> None:
        """Start with an empty population.

        `targets` are rows of the ratings, or None if each person has a target. `proposals` people are proposed per
        target. Raises MissingInput, here or in `add`, if a target has no importance.
        """
        check_weights(ratings, *(targets or ()))
        self._ratings = ratings
        self._proposals = proposals
        self._targets = targets
        self._groups: dict[tuple[int, ...], _Group] = {}
        self._people = self._with_own_levels = 0

    def add(self, people: People, ids: Sequence[str], *, at_once: int = AT_ONCE) -> None:
        """Add people, `at_once` at a time."""
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
        """Return the report. `rejected` counts the people who could not be compared, by reason."""
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
    """People compared with the same targets."""

    def __init__(self, targets: tuple[int, ...], ratings: Ratings, proposals: int) -> None:
        self._targets = targets
        self._ratings = ratings
        self._proposals = proposals
        self._tallies = [_Tally(ratings) for _ in targets]
        self._candidates: _Candidates | None = None

    def add(self, people: People, ids: Sequence[str]) -> None:
        """Add people; those without own levels are compared once per occupation."""
        first, index, counts = _distinct(people)
        distinct = people.take(first)
        costs, shortfalls, unknown = np.empty((3, len(first), len(self._targets)))
        for k, (target, tally) in enumerate(zip(self._targets, self._tallies, strict=True)):
            compared = distinct._replace(target=np.full(len(first), target))
            pair = compare_people(compared, self._ratings)
            shortfall, cost = (shown(points) for points in shortfalls_of(pair, compared.target, self._ratings))
            cost = np.nan_to_num(cost)  # unknown levels cost nothing; `_ranking_cost` puts these people last
            tally.add(pair, shortfall, cost, compared, counts)
            costs[:, k], shortfalls[:, k] = cost, np.nan_to_num(shortfall)
            unknown[:, k] = np.isnan(pair.gap).sum(axis=1)
        for tally, is_least in zip(self._tallies, (costs == costs.min(axis=1, keepdims=True)).T, strict=True):
            tally.cheapest_for += int(counts[is_least].sum())
        is_incumbent = distinct.occupation[:, None] == np.array(self._targets)
        costs = np.where(is_incumbent, _NEVER, costs)
        added = _Candidates(people, list(ids), costs[index], shortfalls[index], unknown[index])
        candidates = self._candidates.joined_by(added) if self._candidates else added
        # At most this many of the cheapest people for a target can be assigned to other targets.
        self._candidates = candidates.cheapest(self._proposals * len(self._targets))

    def views(self) -> Iterator[TargetView]:
        """Yield the view of each target."""
        if self._candidates is None:
            return
        proposed = self._candidates.proposed(self._proposals)
        for k, (target, tally) in enumerate(zip(self._targets, self._tallies, strict=True)):
            conversions = self._candidates.conversions(proposed[k], k, target, self._ratings)
            yield tally.view(target, conversions, self._ratings)


def _distinct(people: People) -> tuple[IntArray, IntArray, IntArray]:
    """Return one row per distinct person, the index of each row among them, and how often each occurs."""
    own = np.flatnonzero(people.has_own)
    key = people.occupation.copy()
    key[own] = -2 - own
    _, first, index, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return first, index, counts


class _Tally:
    """Counts for one target."""

    def __init__(self, ratings: Ratings) -> None:
        elements, occupations = len(ratings.element_ids), len(ratings.codes) + 1
        self.people = self.cheapest_for = self._partly_known = self._incumbents = self._untested = 0
        self._lacking, self._may_be_chance, self._unknown, self._tested = np.zeros((4, elements), dtype=np.int64)
        self._gaps = np.zeros((elements, int(HIGHEST_LEVEL) * _STEPS + 1), dtype=np.int64)
        self._gap_sums = np.zeros(elements, dtype=np.int64)
        self._shortfalls = np.zeros(int(HIGHEST_LEVEL) * _STEPS + 1, dtype=np.int64)
        self._bars = np.zeros(int(HIGHEST_LEVEL) * SHORTFALL_BARS + 1, dtype=np.int64)
        self._shortfall_sum = 0
        # By occupation; the last entry is for people without one.
        self._from = np.zeros(occupations, dtype=np.int64)
        self._without = np.zeros(occupations, dtype=np.int64)
        self._testable = np.zeros(occupations, dtype=np.int64)
        self._cost_sums = np.zeros(occupations, dtype=np.int64)

    def add(self, pair: Pair, shortfall: FloatArray, cost: FloatArray, people: People, counts: IntArray) -> None:
        """Add distinct rows, each `counts` times."""
        occupation = people.occupation
        is_gap = pair.gap > 0
        is_lacking = is_gap & pair.is_distinguishable
        self.people += int(counts.sum())
        self._lacking += counts @ is_lacking
        self._tested += counts @ pair.is_tested
        self._may_be_chance += counts @ (is_gap & ~is_lacking)
        self._unknown += counts @ (is_unknown := np.isnan(pair.gap))
        is_partly_known, untested = is_unknown.any(axis=1), ~pair.is_tested.any(axis=1)
        self._partly_known += int(counts @ is_partly_known)
        self._untested += int(counts @ untested)
        self._incumbents += int(counts @ (occupation == people.target))
        row, element = np.nonzero(is_lacking)
        gap = pair.gap[row, element]
        np.add.at(self._gaps, (element, _steps(gap)), counts[row])
        np.add.at(self._gap_sums, element, _units(gap) * counts[row])
        is_known = ~np.isnan(shortfall)
        known, people_known = shortfall[is_known], counts[is_known]
        np.add.at(self._shortfalls, _steps(known), people_known)
        np.add.at(self._bars, np.floor(known * SHORTFALL_BARS + 1e-9).astype(np.int64), people_known)
        self._shortfall_sum += int(_units(known) @ people_known)
        np.add.at(self._from, occupation, counts)
        np.add.at(self._without, occupation, counts * ~(is_lacking.any(axis=1) | is_partly_known | untested))
        np.add.at(self._testable, occupation, counts * ~untested)
        np.add.at(self._cost_sums, occupation, counts * _units(cost))

    def view(self, target: int, conversions: list[Conversion], ratings: Ratings) -> TargetView:
        """Return the view of the target."""
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
            known_in_part=self._partly_known,
            untested=self._untested,
            incumbents=self._incumbents,
            cheapest_for=self.cheapest_for,
            shortfall=_spread(self._shortfalls, self._shortfall_sum) if self._shortfalls.any() else None,
            shortfall_counts=bars.tolist(),
            skills=skills,
            feeders=sorted(feeders, key=lambda feeder: (feeder.mean_cost, -feeder.people)),
            conversions=conversions,
        )


@dataclass(frozen=True)
class _Candidates:
    """People who may be proposed, in the order they were added."""

    people: People
    ids: list[str]
    costs: FloatArray
    """(people, targets), like the next two arrays."""
    shortfalls: FloatArray
    unknown: FloatArray
    """Number of unknown levels."""

    def joined_by(self, more: _Candidates) -> _Candidates:
        """Return these candidates followed by more."""
        own = None
        if self.people.own is not None and more.people.own is not None:
            own = np.concatenate((self.people.own, more.people.own))
        occupation, target = (np.concatenate(arrays) for arrays in zip(self.people[:2], more.people[:2], strict=True))
        both = ((self.costs, more.costs), (self.shortfalls, more.shortfalls), (self.unknown, more.unknown))
        return _Candidates(People(occupation, target, own), self.ids + more.ids, *map(np.concatenate, both))

    def cheapest(self, count: int) -> _Candidates:
        """Return the people among the `count` cheapest for any target."""
        first = np.argsort(self._ranking_cost, axis=0, kind="stable")[:count]
        rows = np.unique(first)
        ids = [self.ids[k] for k in rows.tolist()]
        figures = (array[rows] for array in (self.costs, self.shortfalls, self.unknown))
        return _Candidates(self.people.take(rows), ids, *figures)

    @property
    def _ranking_cost(self) -> FloatArray:
        cost: FloatArray = self.costs + _DECIDES_TIES * self.shortfalls + _PARTLY_KNOWN * (self.unknown > 0)
        return cost

    def proposed(self, count: int) -> list[npt.NDArray[np.intp]]:
        """Return the rows proposed for each target, cheapest first. Each row is proposed once, at the least total
        cost."""
        cost = self._ranking_cost
        rows, seats = scipy.optimize.linear_sum_assignment(np.repeat(cost, count, axis=1))
        assigned = (rows[(seats // count == k) & (self.costs[rows, k] < _NEVER)] for k in range(cost.shape[1]))
        return [chosen[np.argsort(cost[chosen, k], kind="stable")] for k, chosen in enumerate(assigned)]

    def conversions(self, rows: npt.NDArray[np.intp], k: int, target: int, ratings: Ratings) -> list[Conversion]:
        """Return the proposals for the k-th target, with the skills each person lacks."""
        people = self.people.take(rows)._replace(target=np.full(len(rows), target))
        pair = compare_people(people, ratings)
        order = order_of(pair, level_vector(ratings, people.target), ratings.weight[people.target])
        is_lacking: BoolArray = pair.is_distinguishable & (pair.gap > 0)
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
                lacking=[
                    ratings.element_names[element] for element in order[place].tolist() if is_lacking[place, element]
                ]
                if is_tested[place]
                else None,
            )
            for place, (row, occupation) in enumerate(zip(rows.tolist(), people.occupation.tolist(), strict=True))
        ]


def _steps(points: FloatArray) -> IntArray:
    steps: IntArray = np.rint(points * _STEPS).astype(np.intp)
    return steps


def _units(points: FloatArray) -> npt.NDArray[np.int64]:
    """Return figures of four decimals as integers, whose sums do not depend on the order."""
    units: npt.NDArray[np.int64] = np.rint(points * _UNITS).astype(np.int64)
    return units


def _mean(total: int, count: int) -> float:
    """Return a mean in level points from a sum of units."""
    return round(int(total) / int(count) / _UNITS, 4)


def _share(count: int, people: int) -> float:
    """Return a share rounded to four decimals; 0 and 1 are reserved for nobody and everybody."""
    if count in (0, people):
        return float(count > 0)
    return min(max(round(count / people, 4), 0.0001), 0.9999)


def _spread(counts: npt.NDArray[np.int64], total: int) -> Spread:
    """Return the spread of a histogram in steps. A share p of people are at or below quantile p."""
    people = int(counts.sum())
    reached = np.cumsum(counts)
    quantiles = (
        int(np.searchsorted(reached, max(1, np.ceil(share * people)))) / _STEPS for share in (0.1, 0.25, 0.5, 0.75, 0.9)
    )
    return Spread(_mean(total, people), *quantiles)
