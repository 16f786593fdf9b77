"""The release of an evaluation: loaded into a separate database and read as the product reads it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.profiles import Profile
from skillgap.nodes.pipelines import extract_load_text_files
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import make_engine, read


def read_release() -> tuple[str, Mapping[str, Profile], Ratings]:
    """Return number, profiles, and ratings of all domains of the release on the command line, by default 29.0."""
    source = next((each for each in sys.argv[1:] if not each.startswith("-")), "29.0")
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/release.db")
        data, _ = extract_load_text_files(engine, source, cache_dir=Path(folder))
        with read(engine) as connection:
            profiles, ratings = get_profiles(connection), get_ratings(connection, "onet", "all")
        engine.dispose()
    return data.release.number, profiles, ratings
