"""Memory over many requests and many loads: `make soak` runs this for half an hour."""

from __future__ import annotations

import itertools
import os
import random
import re
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Literal

import httpx
from sqlalchemy import text

from skillgap.analysis.ratings import Ratings
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.store.engine import make_engine, write
from tests.api.serving import eventually, serve_by_command
from tests.faults.conftest import Noted
from tests.faults.load import load

SOAK_SECONDS = float(os.environ.get("SKILLGAP_TEST_SOAK_SECONDS", "0"))
"""How long to go on; at least the rounds below are run."""
WARM_ROUNDS, ROUNDS, REQUESTS_PER_ROUND = 10, 15, 1_200
MOST_GROWTH_MB = 20
"""What a heap may scatter; one domain kept per round (14 MB) would be ten times that."""


def test_memory_stays_flat_over_requests_and_loads(ratings: Ratings, tmp_path: Path, noted: Noted):
    """Each round begins with a new data version and asks thousands of different questions of it, good and bad."""
    url = f"sqlite:///{tmp_path}/skillgap.db"
    engine = make_engine(url)
    extract_load_text_files(engine, "starter", cache_dir=tmp_path)
    rng = random.Random(3)
    pairs = [rng.sample(ratings.codes, 2) for _ in range(20_000)]
    paths = [f"/skill-gap?from={current}&to={target}" for current, target in pairs]
    paths[::10] = [f"/occupations/{current}/skills" for current, _ in pairs[::10]]
    paths[1::10] = [f"/skill-gap?from={current}&to=99-{n:04}.00" for n, (current, _) in enumerate(pairs[1::10])]
    paths[2::10] = [f"/occupations?q={target}&offset={n}" for n, (_, target) in enumerate(pairs[2::10])]
    paths[3::100] = ["/metrics"] * len(paths[3::100])
    began = monotonic()
    used = []
    with serve_by_command(tmp_path, url, answer_cache_mb="8", log_level="warning") as service:
        [worker] = service.workers()
        with load(service.url, paths, connections=16) as seen:
            for number in itertools.count(1):
                with write(engine) as connection:
                    connection.execute(
                        text(
                            "INSERT INTO Loads (source, release_number, origin, started_at, finished_at, row_counts, "
                            "rows_changed) VALUES ('text', '29.0', 'test', '2026-01-01', '2026-01-01', '{}', 1)"
                        )
                    )
                version = f"{number + 2}-"
                eventually(lambda: httpx.get(f"{service.url}/ready").json()["data_version"].startswith(version))  # noqa: B023
                service.wait_for_all_data()
                seen.took_ms.clear()
                seen.wait_for(REQUESTS_PER_ROUND)
                used.append(memory_mb(worker, "VmRSS"))
                if number >= WARM_ROUNDS + ROUNDS and monotonic() - began >= SOAK_SECONDS:
                    break
        most = memory_mb(worker, "VmHWM")
    warm, late = median(used[WARM_ROUNDS : WARM_ROUNDS + 5]), median(used[-5:])
    assert seen.failures == []
    assert set(seen.statuses) == {200, 404}
    assert late - warm < MOST_GROWTH_MB, used
    noted(
        "memory over time",
        f"{seen.requests:,} requests and {len(used)} data versions in {(monotonic() - began) / 60:.0f} min",
        f"{warm:.0f} MB after the first rounds, {late:.0f} MB at the end, {most:.0f} MB at most",
    )


def memory_mb(pid: int, what: Literal["VmRSS", "VmHWM"]) -> float:
    """Return the current or the peak memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
