"""How fast whole workforces are answered: on one core, beside plain pandas, beside reading and writing alone, on Dask.

    python -m benchmarks.batch RELEASE [--rows N] [--dask]

People with 35 own levels each, and one target, in a Parquet file; `skillgap batch` as users run it, in a process of its
own held to one core, its start included. *pandas*: the same summary the plain way, long rows merged with the target's,
p values, Benjamini-Hochberg by group, on as many rows as take some seconds. *io*: the input read and the output written
by PyArrow alone. With `--dask`, the same on a cluster of one and of two worker processes on this machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from benchmarks.http import free_port
from skillgap.analysis.ratings import Ratings
from skillgap.batch import Sizes
from skillgap.nodes.pipelines import extract_load_text_files
from skillgap.service.ratings import get_ratings
from skillgap.store.engine import make_engine, read

_TARGET = "11-9111.00"
_TARGETS = (_TARGET, "13-1071.00", "15-1232.00")
_SEED = 29
_PANDAS_ROWS = 20_000
_GROUP = 131_072
_NEAREST = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("release")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dask", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/skillgap.db"
        engine = make_engine(url)
        extract_load_text_files(engine, given.release, cache_dir=folder)
        with read(engine) as connection:
            ratings = get_ratings(connection)
        engine.dispose()
        source = folder / "people.parquet"
        _write_people(source, given.rows, ratings)
        if given.dask:
            _measure_dask(source, folder, url, given.rows)
        else:
            _measure(source, folder, url, given.rows, ratings)


def _measure(source: Path, folder: Path, url: str, rows: int, ratings: Ratings) -> None:
    one_core = {next(iter(os.sched_getaffinity(0)))}
    seconds, peak = _run("batch", source, folder / "gaps.parquet", url, ["--to", _TARGET], one_core)
    near = _run("batch", source, folder / "near.parquet", url, ["--nearest", str(_NEAREST)], one_core)
    view = _run("workforce", source, folder / "view.json", url, [f"--to={each}" for each in _TARGETS], one_core)
    os.sched_setaffinity(0, one_core)
    started = time.perf_counter()
    _copy(source, folder / "gaps.parquet", folder / "copy.parquet")
    io = time.perf_counter() - started
    few = pq.read_table(source).slice(0, _PANDAS_ROWS).to_pandas()
    started = time.perf_counter()
    plain = _plain_pandas(few, ratings)
    pandas_rate = _PANDAS_ROWS / (time.perf_counter() - started)
    ours = pq.read_table(folder / "gaps.parquet").slice(0, _PANDAS_ROWS).to_pandas()
    assert (plain["distinguishable_gaps"].to_numpy() == ours["distinguishable_gaps"].to_numpy()).all()
    assert np.allclose(plain["weighted_shortfall"], ours["weighted_shortfall"], atol=1e-4)
    print(f"{rows:,} rows: {seconds:.2f} s, {peak:.0f} MB; reading and writing alone {io:.2f} s; ", end="")
    print(f"pandas {pandas_rate:,.0f} rows/s; nearest {_NEAREST}: {near[0]:.1f} s, {near[1]:.0f} MB; ", end="")
    print(f"workforce of {len(_TARGETS)} targets: {view[0]:.1f} s, {view[1]:.0f} MB")
    print(
        f"bench-batch rows_per_second={rows / seconds:.0f} peak_mb={peak:.0f} ratio_to_io={seconds / io:.2f} "
        f"ratio_to_pandas={rows / seconds / pandas_rate:.1f}"
    )


def _measure_dask(source: Path, folder: Path, url: str, rows: int) -> None:
    here, _ = _run("batch", source, folder / "here", url, ["--to", _TARGET], os.sched_getaffinity(0))
    print(f"{rows:,} rows in parts, here: {here:.1f} s")
    for workers in (1, 2):
        with _cluster(folder, workers) as address:
            options = ["--to", _TARGET, "--engine", "dask", "--scheduler", address]
            seconds, _ = _run("batch", source, folder / f"there-{workers}", url, options, os.sched_getaffinity(0))
        print(
            f"{workers} worker{'s' if workers > 1 else ''}: {seconds:.1f} s, {here / seconds:.2f} times as fast as here"
        )


def _write_people(file: Path, rows: int, ratings: Ratings) -> None:
    chance = np.random.default_rng(_SEED)
    writer = None
    for start in range(0, rows, _GROUP):
        count = min(_GROUP, rows - start)
        own = np.round(chance.uniform(0, 7, (count, len(ratings.element_ids))) * 8) / 8
        levels = {name: own[:, k] for k, name in enumerate(ratings.element_names)}
        table = pa.table({"id": np.arange(start, start + count), **levels})
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _run(what: str, source: Path, output: Path, url: str, options: list[str], cores: set[int]) -> tuple[float, float]:
    """Return seconds and peak MB of a command on the given cores."""
    command = [sys.executable, "-m", "skillgap", what, str(source), "-o", str(output), *options]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, "SKILLGAP_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - started, _mb(usage)


def _mb(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss * 1_024 / 1e6


def _copy(source: Path, answers: Path, output: Path) -> None:
    """Read the input, and write what was answered, by PyArrow alone."""
    with pq.ParquetFile(source) as opened:
        for _ in opened.iter_batches(Sizes().rows_per_batch):
            pass
    table = pq.read_table(answers)
    with pq.ParquetWriter(output, table.schema) as writer:
        for batch in table.to_batches(Sizes().rows_per_batch):
            writer.write_batch(batch)


def _plain_pandas(people: pd.DataFrame, ratings: Ratings) -> pd.DataFrame:
    """Return two columns of the summary the plain way."""
    b = ratings.rows[_TARGET]
    target = pd.DataFrame(
        {
            "skill": ratings.element_names,
            "level": ratings.level[b],
            "error": np.maximum(ratings.standard_error[b], 1 / ratings.raters[b]),
            "n": ratings.raters[b],
            "weight": ratings.weight[b],
            "not_relevant": ratings.not_relevant[b],
        }
    )
    long = people.melt(id_vars="id", var_name="skill", value_name="own").merge(target, on="skill")
    long["gap"] = long["level"] - long["own"]
    own = 1 / 9_999
    error = np.hypot(own, long["error"])
    freedom = (own**2 + long["error"] ** 2) ** 2 / (own**4 / 9_998 + long["error"] ** 4 / (long["n"] - 1))
    long["p"] = 2 * stats.t.cdf(-long["gap"].abs() / error, freedom)
    long = long.sort_values("p")
    rank = long.groupby("id").cumcount() + 1
    tests = long.groupby("id")["p"].transform("size")
    passes = long["p"].where(long["p"] * tests <= 0.05 * rank)
    long["sure"] = (long["p"] <= passes.groupby(long["id"]).transform("max")) & ~long["not_relevant"]
    long["asked"] = long["gap"].clip(lower=0) * long["weight"]
    long["sure_gap"] = long["sure"] & (long["gap"] > 0)
    found = long.groupby("id").agg(
        distinguishable_gaps=("sure_gap", "sum"), asked=("asked", "sum"), weight=("weight", "sum")
    )
    return found.assign(weighted_shortfall=(found["asked"] / found["weight"]).round(4)).sort_index()


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[str]:
    """Run a Dask scheduler and workers of one thread each on this machine until the block ends."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m"]
    scheduler = [*dask, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [*dask, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    with (folder / "cluster.log").open("ab") as log:
        started = [
            subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            for command in (scheduler, *[worker] * workers)
        ]
        try:
            from distributed import Client

            with Client(address) as client:
                client.wait_for_workers(workers, timeout=60)
            yield address
        finally:
            for process in started:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
