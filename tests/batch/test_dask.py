"""Batches on a real Dask cluster of two worker processes, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow.csv import write_csv

from benchmarks.http import free_port
from skillgap.analysis.ratings import Ratings
from skillgap.batch import Sizes, answer_file
from skillgap.errors import BatchInputError, ConfigurationError
from tests.api.serving import eventually
from tests.batch.test_batch import people

USUAL: dict[str, Any] = {
    "target": "wants",
    "nearest": 0,
    "similarity": None,
    "each": "row",
    "id_column": "id",
    "occupation_column": None,
}
PARTS = 24
WORKERS = 2


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run a scheduler and two workers on this machine until the block ends."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    commands = [[*dask, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], *[worker] * WORKERS]
    with (folder / "cluster.log").open("wb") as log:
        started = [
            subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) for command in commands
        ]
        try:
            yield address, started[1:]
        finally:
            for process in started:
                process.kill()  # terminating a worker that waits for its scheduler takes long
            for process in started:
                process.wait(30)


@pytest.mark.slow
def test_two_workers_give_what_one_process_gives_and_one_that_dies_loses_nothing(ratings: Ratings, tmp_path: Path):
    rows = 2_000
    table = people(ratings, PARTS * rows, seed=4)
    source = tmp_path / "in.parquet"
    pq.write_table(table, source, row_group_size=rows)
    options = {
        **USUAL,
        "min_own_levels": 26,
        "sizes": Sizes(rows_per_part=rows),
    }  # a third of the rows need them, and some have fewer
    expected, _ = answer_file(source, tmp_path / "here", ratings, scheduler=None, on_rows=lambda *_: None, **options)
    done: list[int] = []
    with cluster(tmp_path) as (address, workers):
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(WORKERS, timeout=60)

        def kill_one_midway(rows: int, total: int | None) -> None:
            done.append(rows)
            assert total == len(table)
            if len(done) == 3:
                workers[0].kill()
                eventually(lambda: workers[0].poll() is not None)

        report, _ = answer_file(
            source, tmp_path / "there", ratings, scheduler=address, on_rows=kill_one_midway, **options
        )
    assert workers[0].returncode == -9
    assert (report.rows, report.lines, report.parts_there) == (len(table), expected.lines, 0)
    assert report.rejected == expected.rejected
    assert report.rejected["no occupation, and fewer than 26 own levels"] == len(table) - report.lines > 0
    here, there = (sorted((tmp_path / name).glob("part-*")) for name in ("here", "there"))
    assert [each.name for each in here] == [each.name for each in there]
    assert len(here) == PARTS
    for ours, theirs in zip(here, there, strict=True):
        assert pq.read_table(ours).equals(pq.read_table(theirs))
    assert not list((tmp_path / "there").glob("*.part"))


@pytest.mark.parametrize(
    ("name", "scheduler", "error", "says"),
    [
        ("people.csv", "tcp://127.0.0.1:1", BatchInputError, "people.csv: a cluster needs a Parquet input"),
        ("people.parquet", "foo://bar", ConfigurationError, "no Dask scheduler at foo://bar"),
    ],
)
def test_what_cannot_be_sent_to_a_cluster_is_said(
    ratings: Ratings, tmp_path: Path, name: str, scheduler: str, error: type[Exception], says: str
):
    table = people(ratings, 3, seed=1)
    (pq.write_table if name.endswith("parquet") else write_csv)(table, tmp_path / name)
    with pytest.raises(error, match=says):
        answer_file(tmp_path / name, tmp_path / "out", ratings, scheduler=scheduler, on_rows=lambda *_: None, **USUAL)
