"""The workforce view of a file of people or positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.workforce import Workforce
from skillgap.batch.arrow import Columns, GapKernel, usual_min_own_levels
from skillgap.batch.local import (
    Filled,
    Malformed,
    OnRows,
    Rejects,
    count_reasons,
    open_people,
    refuse_overwriting,
    target_meant,
    used_columns,
    without_values,
)
from skillgap.errors import BatchInputError
from skillgap.models import WorkforceReport

_MOST_PROPOSALS = 1_000
"""Of all targets together: who is proposed for which is weighed all against all."""


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
) -> tuple[WorkforceReport, Columns]:
    """Return what the people of a file lack, and what its columns were taken for.

    `to` is a column of the input, which has each one's target, or occupations, with each of which all are compared. Who
    cannot be is counted, and listed beside the first of the outputs, which others write. A row without an occupation
    needs `min_own_levels` (default: half of the elements compared). Raises BatchInputError, UnknownOccupation,
    UnratedOccupation.
    """
    refuse_overwriting(source, *outputs)
    only = to[0] if len(to) == 1 else None
    least = usual_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    opened, columns = open_people(
        source, ratings, only, id_column=id_column, occupation_column=occupation_column, min_own_levels=least
    )
    targets = None if columns.target else _rows_of(to, source, ratings)
    count = len(targets) if targets else 1
    if proposals * count > _MOST_PROPOSALS:
        raise BatchInputError(
            f"{proposals:,} proposals for each of {count} targets are over {_MOST_PROPOSALS:,}; ask for fewer"
        )
    kernel = GapKernel(ratings, columns, min_own_levels=least)
    filled = Filled(columns)
    workforce = Workforce(ratings, targets, proposals=proposals)
    reasons: Counter[str] = Counter()
    rows = 0
    with ExitStack() as stack:
        rejects = Rejects(outputs[0] if outputs else None, stack)
        for part in opened.parts(used_columns(kernel)):
            for each in part:
                if isinstance(each, Malformed):
                    refused = [(None, each.error)]
                    rows += 1
                else:
                    filled.look(each)
                    people, ids, bad = kernel.read(each)
                    workforce.add(people, ["" if key is None else str(key) for key in ids.to_pylist()])
                    refused = list(zip(bad.column("id").to_pylist(), bad.column("error").to_pylist(), strict=True))
                    rows += each.num_rows
                count_reasons(reasons, rejects.write(refused))
                on_rows(rows, opened.rows)
    return workforce.report(dict(reasons.most_common())), without_values(columns, filled.names)


def _rows_of(targets: Sequence[str], source: Path, ratings: Ratings) -> list[int]:
    """Return the rows of occupations given by code or title, each once."""
    return list(dict.fromkeys(ratings.row(target_meant(each, source, ratings)) for each in targets))
