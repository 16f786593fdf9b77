"""The kernel on Spark and Ray: `make engines` runs this in a separate environment.

Spark needs a Java runtime. Both run on this machine, in worker processes that receive the pickled kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillgap.analysis.ratings import Ratings
from skillgap.batch import GapKernel, answer_file, find_columns
from tests.batch.test_batch import people

ROWS = 20_000

# Warnings of the engines themselves: about pandas 3 in Spark, which is not used here, and about defaults of Ray.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),
]


@pytest.fixture(scope="module")
def source(ratings: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of people, one of whom has an unknown target."""
    table = people(ratings, ROWS, seed=4)
    wants = table.column("wants").to_pylist()
    wants[7] = "99-9999.00"
    file = tmp_path_factory.mktemp("engines") / "people.parquet"
    pq.write_table(
        table.set_column(table.schema.names.index("wants"), "wants", pa.array(wants)), file, row_group_size=3_000
    )
    return file


@pytest.fixture(scope="module")
def kernel(source: Path, ratings: Ratings) -> GapKernel:
    names = pq.read_schema(source).names
    columns = find_columns(names, ratings, id_column="id", occupation_column="occupation", target_column="wants")
    return GapKernel(ratings, columns)


@pytest.fixture(scope="module")
def expected(source: Path, ratings: Ratings) -> list[dict[str, Any]]:
    """The answers of this process, ordered by id."""
    output = source.with_name("here.parquet")
    usual: dict[str, Any] = {"nearest": 0, "similarity": None, "each": "row", "id_column": "id"}
    answer_file(
        source,
        output,
        ratings,
        target="wants",
        occupation_column="occupation",
        scheduler=None,
        on_rows=lambda *_: None,
        **usual,
    )
    rows: list[dict[str, Any]] = pq.read_table(output).to_pylist()
    assert len(rows) == ROWS - 1
    return sorted(rows, key=lambda row: int(row["id"]))


def answers(table: pa.Table) -> list[dict[str, Any]]:
    """Return the answers of an engine, ordered by id, without the one rejected row."""
    rows = sorted(table.to_pylist(), key=lambda row: int(row["id"]))
    [refused] = [row for row in rows if row["error"]]
    assert (refused["id"], refused["error"]) == (7, "wants: O*NET 29.0 has no occupation 99-9999.00")
    return [{name: value for name, value in row.items() if name != "error"} for row in rows if not row["error"]]


def test_spark_answers_the_same(
    source: Path, kernel: GapKernel, expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    try:
        frame = session.read.parquet(str(source)).repartition(4)
        empty = kernel(pa.RecordBatch.from_pylist([], schema=pq.read_schema(source)))
        done = frame.mapInArrow(lambda batches: map(kernel, batches), from_arrow_schema(empty.schema))
        assert answers(done.toArrow()) == expected
    finally:
        session.stop()


@pytest.fixture
def ray_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield ray.data
    ray.shutdown()


def test_ray_answers_the_same(source: Path, kernel: GapKernel, expected: list[dict[str, Any]], ray_data: Any):
    def answer(table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(map(kernel, table.to_batches()))

    done = ray_data.read_parquet(str(source)).repartition(4).map_batches(answer, batch_format="pyarrow")
    tables = list(done.iter_batches(batch_format="pyarrow", batch_size=None))
    assert len(tables) > 1
    assert answers(pa.concat_tables(tables)) == expected
