"""Evaluate how accurately levels can be derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from skillgap.extras import needs
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.releases import DOWNLOAD_URL, DownloadUrl, OnBytes, find_release
from skillgap.sources.text_files import extract_onet_data
from skillgap.store.engine import read
from skillgap.store.queries import get_tables
from skillgap.store.tables import init_tables

if TYPE_CHECKING:
    import pandas as pd

    from skillgap.llm.profiler import Accuracy, Profiler


def evaluate_profilers(
    engine: Engine,
    source: str | None,
    profilers: Sequence[Profiler] = (),
    *,
    cache_dir: Path,
    download_url: DownloadUrl = lambda: DOWNLOAD_URL,
    on_bytes: OnBytes | None = None,
) -> list[Accuracy]:
    """Return the accuracy of the baselines, the embedded models and `profilers` on rated occupations.

    The occupations are those of a release (`source`), or of the database if `source` is None. Raises SourceError,
    LLMError, NoData, ConfigurationError (a package of the extra `llm` is missing, or there is nothing to fit a model
    to).
    """
    with needs("llm"):
        from skillgap.llm.calibration import CalibratedProfiler
        from skillgap.llm.embedded import EmbeddedProfiler
        from skillgap.llm.evaluation import evaluate
        from skillgap.llm.training_data import check_training_data, read_training_data

    init_tables(engine)  # replies are stored in it
    if source is None:
        with read(engine) as connection:
            tables: Mapping[str, pd.DataFrame] = get_tables(connection)
    else:
        archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
        tables = extract_onet_data(archive, also=OPTIONAL_TABLES).tables
    training_data = read_training_data(tables)
    check_training_data(training_data)
    rated = [training_data.profiles[code] for code in training_data.levels.codes]
    encoders = [each.encode for each in profilers if isinstance(each, EmbeddedProfiler) and each.encode]
    results = list(evaluate(training_data, encoders[0](rated) if encoders else None))
    for profiler in profilers:
        if isinstance(profiler, CalibratedProfiler):
            results += profiler.evaluate(training_data)
    return results
