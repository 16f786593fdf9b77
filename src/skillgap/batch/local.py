"""Batch jobs in this process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from skillgap.batch.arrow import GapKernel
from skillgap.batch.inputs import FilledColumns, Malformed, Part
from skillgap.batch.job import Job, OnRows
from skillgap.batch.outputs import BatchReport, Output, claim_folder, part_file
from skillgap.files import sweep


def run_here(job: Job, *, on_rows: OnRows) -> BatchReport:
    """Answer the input into a file or, part by part, into a folder.

    Files appear complete or not at all. A folder keeps its complete parts: running the job again writes the missing
    ones. Raises BatchInputError.
    """
    report = BatchReport()

    def count(more: BatchReport) -> None:
        report.add(more)
        on_rows(report.rows, job.input.rows)

    columns = job.kernel.columns.used
    if job.output.suffix:
        with ExitStack() as stack:
            out = Output(job.output, job.kernel, stack)
            for part in job.input.parts(columns):
                _answer(part, out, job.kernel, count)
            out.begin()
        return report
    claim_folder(job.output, job.manifest)
    for k, part in enumerate(job.input.parts(columns)):
        if part_file(job.output, k).exists():
            report.parts_there += 1
        else:
            answer_part(part, part_file(job.output, k), job.kernel, count)
    sweep(job.output)
    return report


def answer_part(
    part: Part, file: Path, kernel: GapKernel, count: Callable[[BatchReport], None] = lambda _: None
) -> BatchReport:
    """Answer a part into a file, which appears complete or not at all. `count` gets the counts of each step."""
    report = BatchReport()

    def count_both(more: BatchReport) -> None:
        report.add(more)
        count(more)

    with ExitStack() as stack:
        out = Output(file, kernel, stack)
        _answer(part, out, kernel, count_both)
        out.begin()
    return report


def _answer(part: Part, out: Output, kernel: GapKernel, count: Callable[[BatchReport], None]) -> None:
    filled = FilledColumns(kernel.columns)
    for batch in part:
        if isinstance(batch, Malformed):
            report = BatchReport(rows=1)
            out.reject([(None, batch.error)], report)
        else:
            report = out.write(kernel(batch))
            report.rows = batch.num_rows
            filled.add(batch)
            report.filled = filled.names
        count(report)
