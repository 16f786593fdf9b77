"""Write the starter's predictions from a release: `python scripts/make_predictions.py RELEASE` (a path or a number).

The release is loaded into a separate database and enriched there with the default embedded model.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime

from skillgap.cli import printing
from skillgap.config.settings import read_settings
from skillgap.llm.embedded import EMBEDDED, find_embedded
from skillgap.nodes.pipelines import enrich_skill_data, extract_load_text_files
from skillgap.sources.predictions import PredictedLevels, write_predictions
from skillgap.store.engine import make_engine, read
from skillgap.store.queries import get_scores


def main(release: str) -> None:
    cache_dir = read_settings().data.cache_dir
    with tempfile.TemporaryDirectory() as folder, printing.progress() as bars:
        engine = make_engine(f"sqlite:///{folder}/skillgap.db")
        data, _ = extract_load_text_files(engine, release, cache_dir=cache_dir)
        profiler = find_embedded(EMBEDDED, cache_dir=cache_dir, on_text=bars.on_text)
        enrich_skill_data(engine, profiler)
        with read(engine) as connection:
            model, scores, abstentions = get_scores(connection)
        engine.dispose()
    predicted = PredictedLevels(model, scores, abstentions, datetime.now(UTC))
    write_predictions(predicted, data_version=f"O*NET {data.release.number}")
    figures = f"MAE {model['mae_random']} random, {model['mae_grouped']} grouped"
    print(f"{len(scores):,} levels by {model['model']}: {figures}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
