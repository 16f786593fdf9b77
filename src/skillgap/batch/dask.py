"""The same on a Dask cluster: each part of a Parquet input is read, answered and written by a worker.

Input and output must be where all workers see them. A part whose worker dies is done by another; a run that was cut off
goes on when it is started again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skillgap.batch.arrow import GapKernel
from skillgap.batch.local import (
    BatchReport,
    OnRows,
    ParquetInput,
    answer_part,
    folder_of,
    open_input,
    part_file,
    used_columns,
)
from skillgap.errors import BatchInputError, ConfigurationError
from skillgap.extras import needs
from skillgap.files import sweep


def run_on_dask(
    file: Path, folder: Path, kernel: GapKernel, *, scheduler: str, about: dict[str, Any], on_rows: OnRows
) -> BatchReport:
    """Answer a Parquet file into a folder on the cluster of a scheduler. Raises BatchInputError, ConfigurationError."""
    with needs("dask"):
        from distributed import Client, as_completed
    source = open_input(file)
    if not isinstance(source, ParquetInput):
        raise BatchInputError(f"{file}: on a cluster the input is Parquet, whose parts can be read one by one")
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"no Dask scheduler at {scheduler}: {error}") from error
    with client:
        folder_of(folder, about)
        parts = {part_file(folder, k).resolve(): groups for k, groups in enumerate(source.groups)}
        missing = {part: groups for part, groups in parts.items() if not part.exists()}
        report = BatchReport(parts_there=len(parts) - len(missing))
        shared = client.scatter(kernel, broadcast=True)
        # Not pure: what is done is a file, which a task that is sent again writes anew.
        tasks = [client.submit(_do, file.resolve(), *part, shared, pure=False) for part in missing.items()]
        for done in as_completed(tasks):
            report.add(done.result())
            on_rows(report.rows, source.rows)
    sweep(folder)
    return report


def _do(file: Path, part: Path, groups: list[int], kernel: GapKernel) -> BatchReport:
    return answer_part(ParquetInput(file).read(groups, used_columns(kernel)), part, kernel)
