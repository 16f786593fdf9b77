"""A batch job: the input, the kernel that answers it, and the output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.batch.arrow import Each, GapKernel
from skillgap.batch.columns import default_min_own_levels
from skillgap.batch.inputs import SUFFIXES, Input, Sizes, open_people, resolve_target
from skillgap.batch.outputs import refuse_overwriting
from skillgap.errors import BatchInputError

OnRows = Callable[[int, int | None], None]
"""Called with the number of rows read so far, and of all rows if known."""


@dataclass(frozen=True)
class Job:
    """One run, the same in this process and on a cluster."""

    source: Path
    input: Input
    kernel: GapKernel
    output: Path
    """A file, or a folder of parts if its name has no ending."""
    manifest: dict[str, Any]
    """Identifies the run: a folder of parts is only resumed by a run with the same manifest."""
    sizes: Sizes


def plan_job(
    source: Path,
    output: Path,
    ratings: Ratings,
    *,
    target: str | None,
    nearest: int,
    similarity: Similarity | None,
    each: Each,
    id_column: str,
    occupation_column: str | None,
    min_own_levels: int | None,
    on_cluster: bool,
    sizes: Sizes,
) -> Job:
    """Check the options against the input and the ratings; nothing is written. See `batch.answer_file`."""
    refuse_overwriting(source, output)
    if output.suffix not in ("", *SUFFIXES) or (on_cluster and output.suffix):
        raise BatchInputError(
            f"{output}: name a file that ends in {' or '.join(SUFFIXES)}, or a folder, whose name has no ending; a "
            "cluster writes to a folder"
        )
    least = default_min_own_levels(ratings) if min_own_levels is None else min_own_levels
    opened, columns = open_people(
        source,
        ratings,
        target,
        id_column=id_column,
        occupation_column=occupation_column,
        min_own_levels=least,
        sizes=sizes,
    )
    ratings.check_levels()
    code = None
    if target is not None and not columns.target:
        code = resolve_target(target, source, ratings)
        ratings.row(code)
    state = source.stat()
    shared_target = code or columns.target
    manifest = {
        "input": [source.name, state.st_size, state.st_mtime_ns],
        "data_version": ratings.data_version,
        "options": [shared_target, each, nearest, ratings.domain, ratings.weighting, list(ratings.sources), least],
        "columns": columns.used,
    }
    kernel = GapKernel(ratings, columns, code, each, nearest, similarity, least)
    return Job(source, opened, kernel, output, manifest, sizes)
