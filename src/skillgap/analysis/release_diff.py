"""Compare two releases: changed levels and gaps, and which changes exceed rater noise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from skillgap.analysis.arrays import BoolArray, IntArray
from skillgap.analysis.pairs import distinguishable_gaps
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import compare_means, shown_p
from skillgap.models import GapChange, LevelChange, ReleaseChanges
from skillgap.onet import crosswalks


def compare_releases(
    before: Ratings, after: Ratings, *, only: str | None = None, with_pairs: bool = False
) -> ReleaseChanges:
    """Return the differences between the ratings of two releases, for all occupations or for one (`only`, a code).

    Ratings by different raters differ by chance. A changed level therefore counts as beyond noise only if it passes the
    test that compares occupations, applied to the changed levels of its occupation, with the error of a rating that is
    repeated. A level without an error in one of the releases cannot be tested. Between the taxonomies of 2010 and 2019,
    occupations that only changed their code are compared under the new one. Pairs are ordered pairs of
    occupations rated in both releases, at least one of them with a changed level. Changed pairs are listed if
    `with_pairs` or `only` is given. Figures that need standard errors are None if a release has none.
    Raises UnknownOccupation, UnratedOccupation if neither release has ratings of `only`.
    """
    change = _taxonomies(before, after)
    recoded = {}
    if change == ("2010", "2019"):
        recoded = {old: new for old, new in crosswalks.recoded().items() if old in before.rows and new in after.rows}
        before = before.with_codes(recoded)
    if only is not None and only not in before.rows:
        after.row(only)
    old_codes, new_codes = set(before.codes), set(after.codes)
    wanted = {only} if only else old_codes | new_codes
    common = sorted(old_codes & new_codes)
    elements = sorted(set(before.element_ids) & set(after.element_ids))
    old, new = (ratings.restricted_to(common, elements) for ratings in (before, after))
    is_wanted = np.array([code in wanted for code in common], dtype=np.bool_)
    is_changed = (old.data_value != new.data_value) & ~(np.isnan(old.data_value) & np.isnan(new.data_value))
    has_changed = is_changed.any(axis=1)
    is_listed = with_pairs or only is not None
    can_test = before.has_errors and after.has_errors
    pairs = list(_changed_pairs(old, new, has_changed, is_wanted, is_listed=is_listed)) if can_test else []
    return ReleaseChanges(
        before=before.release,
        after=after.release,
        domain=after.domain,
        taxonomies=change,
        recoded=recoded if only is None else {old: new for old, new in recoded.items() if new == only},
        newly_rated=sorted((new_codes - old_codes) & wanted),
        no_longer_rated=sorted((old_codes - new_codes) & wanted),
        levels_changed=int(np.count_nonzero(is_changed[is_wanted])),
        levels_untestable=int(np.count_nonzero((is_changed & ~_can_test(old, new))[is_wanted])),
        beyond_noise=_beyond_noise(old, new, is_changed, is_wanted) if can_test else None,
        pairs_compared=sum(compared for compared, _, _ in pairs),
        pairs_changed=sum(changed for _, changed, _ in pairs) if can_test else None,
        gap_changes=[change for _, _, listed in pairs for change in listed],
    )


def _taxonomies(before: Ratings, after: Ratings) -> tuple[crosswalks.Taxonomy, crosswalks.Taxonomy] | None:
    """Return the taxonomies of both releases if they differ."""
    old, new = (crosswalks.taxonomy_of(ratings.occupations) for ratings in (before, after))
    return (old, new) if old and new and old != new else None


REPEATED = 0.763
"""Standard deviation of level changes between 26.1 and 29.0, in standard errors of the difference.

Below 1, because O*NET shows analysts the earlier ratings when they rate an occupation again."""


def _can_test(old: Ratings, new: Ratings) -> BoolArray:
    """Return which levels have an error in both releases."""
    can_test: BoolArray = ~np.isnan(old.standard_error) & ~np.isnan(new.standard_error)
    return can_test & (old.raters > 0) & (new.raters > 0)


def _beyond_noise(old: Ratings, new: Ratings, is_changed: BoolArray, is_wanted: BoolArray) -> list[LevelChange]:
    """Return the changed levels of the wanted occupations that differ by more than rater noise."""
    tests = compare_means(
        np.where(is_changed, (new.level - old.level) / REPEATED, np.nan),  # as if the errors were smaller
        standard_errors=(old.standard_error, new.standard_error),
        n=(old.raters, new.raters),
    )
    beyond = np.nonzero(tests.is_distinguishable & is_wanted[:, None])
    return [
        LevelChange(
            onet_soc_code=new.codes[row],
            title=new.occupations[new.codes[row]].title,
            element_id=new.element_ids[k],
            element_name=new.element_names[k],
            before=float(old.data_value[row, k]),
            after=float(new.data_value[row, k]),
            p_value=float(shown_p(tests.p_value[row, k])),
        )
        for row, k in zip(*(indices.tolist() for indices in beyond), strict=True)
    ]


def _changed_pairs(
    old: Ratings, new: Ratings, has_changed: BoolArray, is_wanted: BoolArray, *, is_listed: bool
) -> Iterator[tuple[int, int, list[GapChange]]]:
    """Yield per current occupation: pairs compared, pairs with changed distinguishable gaps, and their list."""

    def changed(current: int) -> tuple[int, int, list[GapChange]]:
        is_target = (has_changed | has_changed[current]) & (is_wanted | is_wanted[current])
        is_target[current] = False
        targets: IntArray = np.flatnonzero(is_target)
        before, after = (distinguishable_gaps(current, targets, ratings) for ratings in (old, new))
        differs = np.flatnonzero((before != after).any(axis=1))
        listed = [
            GapChange(
                new.codes[current],
                new.codes[targets[row]],
                [new.element_names[k] for k in np.flatnonzero(after[row] & ~before[row])],
                [new.element_names[k] for k in np.flatnonzero(before[row] & ~after[row])],
            )
            for row in (differs.tolist() if is_listed else ())
        ]
        return len(targets), len(differs), listed

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy and SciPy release the GIL
        yield from pool.map(changed, range(len(new.codes)))
