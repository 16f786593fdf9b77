"""What changed between two releases, and which of it is more than rater noise."""

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


def compare_releases(
    before: Ratings, after: Ratings, *, only: str | None = None, with_pairs: bool = False
) -> ReleaseChanges:
    """Return what changed from one release's ratings to another's, of all occupations, or of one (`only`, a code).

    Two ratings of one skill by other raters differ by chance, so a changed level counts as beyond noise by the test
    that compares occupations, over the levels of the occupation that changed. Pairs are those of occupations rated in
    both, one of which has a changed level; those that changed are listed `with_pairs`, or where one occupation is asked
    for. Without errors in both releases, nothing tells what is beyond noise: those figures are None.
    Raises UnknownOccupation, UnratedOccupation where `only` is in neither.
    """
    if only is not None and only not in before.rows:
        after.row(only)
    was, now = set(before.codes), set(after.codes)
    wanted = {only} if only else was | now
    common = sorted(was & now)
    elements = sorted(set(before.element_ids) & set(after.element_ids))
    old, new = (each.restricted_to(common, elements) for each in (before, after))
    is_asked = np.array([code in wanted for code in common], dtype=np.bool_)
    is_changed = (old.data_value != new.data_value) & ~(np.isnan(old.data_value) & np.isnan(new.data_value))
    has_changed = is_changed.any(axis=1)
    is_listed = with_pairs or only is not None
    can_test = before.has_errors and after.has_errors
    pairs = list(_changed_pairs(old, new, has_changed, is_asked, is_listed=is_listed)) if can_test else []
    return ReleaseChanges(
        before=before.release,
        after=after.release,
        domain=after.domain,
        newly_rated=sorted((now - was) & wanted),
        no_longer_rated=sorted((was - now) & wanted),
        levels_changed=int(np.count_nonzero(is_changed[is_asked])),
        beyond_noise=_beyond_noise(old, new, is_changed, is_asked) if can_test else None,
        pairs_compared=sum(compared for compared, _, _ in pairs),
        pairs_changed=sum(changed for _, changed, _ in pairs) if can_test else None,
        gap_changes=[change for _, _, listed in pairs for change in listed],
    )


def _beyond_noise(old: Ratings, new: Ratings, is_changed: BoolArray, is_asked: BoolArray) -> list[LevelChange]:
    """Return those changed levels of the occupations asked for that other raters alone do not explain."""
    found = compare_means(
        np.where(is_changed, new.level - old.level, np.nan),
        standard_errors=(old.standard_error, new.standard_error),
        n=(old.raters, new.raters),
    )
    beyond = np.nonzero(found.distinguishable & is_asked[:, None])
    return [
        LevelChange(
            onet_soc_code=new.codes[row],
            title=new.occupations[new.codes[row]].title,
            element_id=new.element_ids[k],
            element_name=new.element_names[k],
            before=float(old.data_value[row, k]),
            after=float(new.data_value[row, k]),
            p_value=float(shown_p(found.p_value[row, k])),
        )
        for row, k in zip(*(each.tolist() for each in beyond), strict=True)
    ]


def _changed_pairs(
    old: Ratings, new: Ratings, has_changed: BoolArray, is_asked: BoolArray, *, is_listed: bool
) -> Iterator[tuple[int, int, list[GapChange]]]:
    """Give, for each current occupation: pairs compared, those whose sure gaps are others now, and these if listed."""

    def of(current: int) -> tuple[int, int, list[GapChange]]:
        is_target = (has_changed | has_changed[current]) & (is_asked | is_asked[current])
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

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy and SciPy let go of the lock
        yield from pool.map(of, range(len(new.codes)))
