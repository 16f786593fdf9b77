"""Batch jobs on a Dask cluster: a worker reads, answers and writes each part of a Parquet input.

All workers must see input and output under the same paths. If a worker dies, another one takes over its part. An
interrupted job resumes when it is run again.
"""

from __future__ import annotations

from pathlib import Path

from skillgap.batch.arrow import GapKernel
from skillgap.batch.inputs import ParquetInput, Sizes
from skillgap.batch.job import Job, OnRows
from skillgap.batch.local import answer_part
from skillgap.batch.outputs import BatchReport, claim_folder, part_file
from skillgap.errors import BatchInputError, ConfigurationError
from skillgap.extras import needs
from skillgap.files import sweep


def run_on_dask(job: Job, *, scheduler: str, on_rows: OnRows) -> BatchReport:
    """Answer a Parquet input into a folder on a scheduler's cluster. Raises BatchInputError, ConfigurationError."""
    with needs("dask"):
        from distributed import Client, as_completed
    if not isinstance(job.input, ParquetInput):
        raise BatchInputError(f"{job.source}: a cluster needs a Parquet input, whose parts can be read separately")
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"no Dask scheduler at {scheduler}: {error}") from error
    with client:
        claim_folder(job.output, job.manifest)
        parts = {part_file(job.output, k).resolve(): groups for k, groups in enumerate(job.input.groups)}
        missing = {file: groups for file, groups in parts.items() if not file.exists()}
        report = BatchReport(parts_there=len(parts) - len(missing))
        kernel = client.scatter(job.kernel, broadcast=True)
        # Not pure: the result is a file, which a task that is sent again must write again.
        tasks = [
            client.submit(_answer, job.source.resolve(), job.sizes, *part, kernel, pure=False)
            for part in missing.items()
        ]
        for task in as_completed(tasks):
            report.add(task.result())
            on_rows(report.rows, job.input.rows)
    sweep(job.output)
    return report


def _answer(source: Path, sizes: Sizes, file: Path, groups: list[int], kernel: GapKernel) -> BatchReport:
    return answer_part(ParquetInput(source, sizes).read(groups, kernel.columns.used), file, kernel)
