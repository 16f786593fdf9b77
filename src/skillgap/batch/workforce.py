"""The workforce view of a file of people or positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.workforce import Workforce
from skillgap.batch.arrow import GapKernel
from skillgap.batch.columns import Columns, default_min_own_levels
from skillgap.batch.inputs import FilledColumns, Malformed, Sizes, open_people, resolve_target
from skillgap.batch.job import OnRows
from skillgap.batch.outputs import refuse_overwriting, rejected_rows
from skillgap.batch.rejects import Rejects, count_reasons
from skillgap.errors import BatchInputError
from skillgap.models import WorkforceReport

_MOST_PROPOSALS = 1_000
"""Limit for all targets together: the assignment weighs every proposed person against every target."""


def view_workforce(
    source: Path,
    ratings: Ratings,
    *,
    to: Sequence[str],
    proposals: int,
    id_column: str,
    occupation_column: str | None,
    outputs: Sequence[Path],
    on_rows: OnRows,
    min_own_levels: int | None = None,
    sizes: Sizes = Sizes(),  # noqa: B008 - frozen
) -> tuple[WorkforceReport, Columns]:
    """Return the skills that the people of a file lack for some targets, and the roles of the input's columns.

    `to` is either the column of the input that holds each row's target, or codes or titles of targets for everyone.
    Rows that cannot be compared are counted by reason and written to the rejects of the first of `outputs`; the caller
    writes the outputs themselves. A row without an occupation needs `min_own_levels` (default: half of the elements
    compared). Raises BatchInputError, UnknownOccupation, UnratedOccupation.
    """
    refuse_overwriting(source, *outputs)
    least = default_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    opened, columns = open_people(
        source,
        ratings,
        to[0] if len(to) == 1 else None,
        id_column=id_column,
        occupation_column=occupation_column,
        min_own_levels=least,
        sizes=sizes,
    )
    targets = None if columns.target else _target_indices(to, source, ratings)
    count = len(targets) if targets else 1
    if proposals * count > _MOST_PROPOSALS:
        raise BatchInputError(
            f"{proposals:,} proposals for each of {count} targets exceed {_MOST_PROPOSALS:,}; reduce --proposals"
        )
    kernel = GapKernel(ratings, columns, min_own_levels=least)
    filled = FilledColumns(columns)
    workforce = Workforce(ratings, targets, proposals=proposals)
    reasons: Counter[str] = Counter()
    rows = 0
    with ExitStack() as stack:
        rejects = Rejects(outputs[0] if outputs else None, stack)
        for part in opened.parts(columns.used):
            for batch in part:
                if isinstance(batch, Malformed):
                    rejected = [(None, batch.error)]
                    rows += 1
                else:
                    filled.add(batch)
                    people, ids, bad = kernel.read(batch)
                    workforce.add(people, ["" if key is None else str(key) for key in ids.to_pylist()])
                    rejected = rejected_rows(bad)
                    rows += batch.num_rows
                count_reasons(reasons, rejects.write(rejected))
                on_rows(rows, opened.rows)
    return workforce.report(dict(reasons.most_common())), columns.with_filled(filled.names)


def _target_indices(targets: Sequence[str], source: Path, ratings: Ratings) -> list[int]:
    """Return the rows in the ratings of occupations given by code or title, without duplicates."""
    return list(dict.fromkeys(ratings.row(resolve_target(target, source, ratings)) for target in targets))
