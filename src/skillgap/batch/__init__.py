"""Skill gaps of whole workforces: a file of people or positions in, a line per row or per gap out.

One kernel computes them, an Arrow record batch in and one out: `GapKernel`. It runs in this process, on Dask, and on
any engine that maps record batches (Spark's `mapInArrow`, Ray Data's `map_batches`). Needs PyArrow, extra `batch`.
"""

from __future__ import annotations

from pathlib import Path

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity
from skillgap.batch.arrow import Each, GapKernel
from skillgap.batch.columns import Columns, find_columns
from skillgap.batch.dask import run_on_dask
from skillgap.batch.inputs import Sizes
from skillgap.batch.job import OnRows, plan_job
from skillgap.batch.local import run_here
from skillgap.batch.outputs import BatchReport
from skillgap.batch.rejects import rejects_of
from skillgap.batch.workforce import view_workforce

__all__ = [
    "BatchReport",
    "Columns",
    "GapKernel",
    "Sizes",
    "answer_file",
    "find_columns",
    "rejects_of",
    "view_workforce",
]


def answer_file(
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
    scheduler: str | None,
    on_rows: OnRows,
    min_own_levels: int | None = None,
    sizes: Sizes = Sizes(),  # noqa: B008 - frozen
) -> tuple[BatchReport, Columns]:
    """Answer a file of people or positions; return the counts of the run and the roles of the input's columns.

    `target` is a column of the input, or the code or title of the target of all rows. Without it, the `nearest` most
    similar occupations are ranked for each row. `scheduler` is the address of a Dask scheduler; None computes in this
    process. A row without an occupation needs `min_own_levels` (default: half of the elements compared). Raises
    BatchInputError, UnknownOccupation, UnratedOccupation, ConfigurationError.
    """
    job = plan_job(
        source,
        output,
        ratings,
        target=target,
        nearest=nearest,
        similarity=similarity,
        each=each,
        id_column=id_column,
        occupation_column=occupation_column,
        min_own_levels=min_own_levels,
        on_cluster=scheduler is not None,
        sizes=sizes,
    )
    if scheduler is None:
        report = run_here(job, on_rows=on_rows)
    else:
        report = run_on_dask(job, scheduler=scheduler, on_rows=on_rows)
    columns = job.kernel.columns
    return report, columns if report.parts_there else columns.with_filled(report.filled)
