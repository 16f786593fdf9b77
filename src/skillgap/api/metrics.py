"""`/metrics` for Prometheus. Workers write their counts to files in one folder, and any worker can add them up."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, exposition, generate_latest, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from skillgap.service.snapshot import CurrentData

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

_MODEL_USAGE = {
    "requests": "Requests to language models whose replies are stored in the database.",
    "input_tokens": "Input tokens of requests to language models.",
    "output_tokens": "Output tokens of replies from language models.",
}

_REGISTRY = CollectorRegistry()
_REQUESTS = Counter("skillgap_requests", "Requests answered.", ["route", "status"], registry=_REGISTRY)
_SECONDS = Histogram(
    "skillgap_request_seconds", "Seconds until the answer.", ["route"], buckets=_BUCKETS, registry=_REGISTRY
)
ONET_REQUESTS = Counter("skillgap_onet_requests", "Requests sent to O*NET Web Services.", registry=_REGISTRY)
QUEUE_REFUSALS = Counter(
    "skillgap_queue_refusals", "Requests refused with 503 because a queue was full.", ["queue"], registry=_REGISTRY
)
LOST_LINES = Counter("skillgap_log_lines_lost", "Log lines that could not be written.", registry=_REGISTRY)


def count_request(scope: Scope, status: int, seconds: float) -> None:
    """Count an answered request by its route, because the number of paths is unlimited."""
    requests, histogram = _counters(getattr(scope.get("route"), "path", "other"), status)
    requests.inc()
    histogram.observe(seconds)


@cache
def _counters(route: str, status: int) -> tuple[Counter, Histogram]:
    return _REQUESTS.labels(route, status), _SECONDS.labels(route)


def exposition_of(current: CurrentData) -> bytes:
    """Return all metrics as text: counts of all workers, and the data of this one."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_REGISTRY)
    registry.register(_Data(current))
    return generate_latest(registry)


class _Data(Collector):
    def __init__(self, current: CurrentData) -> None:
        self._current = current

    def collect(self) -> Iterable[Metric]:
        current = self._current
        snapshot = current.snapshot
        info = GaugeMetricFamily(
            "skillgap_data_info", "The data that answers are computed from.", labels=["data_version", "release"]
        )
        info.add_metric([snapshot.data_version, snapshot.release.number if snapshot.release else ""], 1)
        yield info
        occupations = GaugeMetricFamily(
            "skillgap_occupations", "Occupations by the source of their levels.", labels=["levels"]
        )
        occupations.add_metric(["rated"], snapshot.rated)
        occupations.add_metric(["predicted"], snapshot.predicted)
        occupations.add_metric(["none"], len(snapshot.get_occupations()) - snapshot.rated - snapshot.predicted)
        yield occupations
        yield GaugeMetricFamily(
            "skillgap_database_readable",
            "Whether the last read of the database succeeded.",
            int(not current.store_error),
        )
        yield GaugeMetricFamily(
            "skillgap_ratings_age_seconds",
            "Seconds since the ratings in memory were last confirmed to match the database.",
            time.monotonic() - current.confirmed_at,
        )
        for name, text in _MODEL_USAGE.items():
            family = CounterMetricFamily(f"skillgap_llm_{name}", text, labels=["model"])
            for used in snapshot.model_usage:
                family.add_metric([used.model], getattr(used, name))
            yield family
