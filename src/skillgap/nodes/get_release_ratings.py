"""Get the ratings of a release without loading it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from skillgap.analysis.ratings import Ratings
from skillgap.errors import NoData
from skillgap.onet.domains import DOMAIN_TABLES, DomainChoice
from skillgap.sources.releases import DOWNLOAD_URL, DownloadUrl, OnBytes, find_release
from skillgap.sources.text_files import extract_onet_data
from skillgap.store.engine import read
from skillgap.store.rating_rows import get_rating_rows

LOADED = "loaded"
"""The source that means the ratings in the database."""


def get_release_ratings(
    engine: Engine | None,
    source: str,
    domain: DomainChoice = "skills",
    *,
    cache_dir: Path,
    download_url: DownloadUrl = lambda: DOWNLOAD_URL,
    on_bytes: OnBytes | None = None,
) -> Ratings:
    """Return the analysts' ratings of a release, or those in the database for the source `loaded`.

    Nothing is loaded. Only `loaded` needs the engine. Raises SourceError, StoreError, NoData (no ratings of the
    domain).
    """
    reason = ""
    if source == LOADED:
        if engine is None:
            raise NoData(f"{source}: this needs a database")
        with read(engine) as connection:
            ratings = Ratings.from_rows(get_rating_rows(connection, domain), "onet", domain)
    else:
        archive = find_release(source, cache_dir=cache_dir, download_url=download_url, on_bytes=on_bytes)
        data = extract_onet_data(archive, also=[table for table in DOMAIN_TABLES.values() if table != "Skills"])
        rated = [data.tables[table] for table in DOMAIN_TABLES.values() if not data.tables[table].empty]
        occupations = data.tables["Occupations"]
        titles = dict(zip(occupations["onet_soc_code"], occupations["title"], strict=True))
        ratings = Ratings.from_frame(pd.concat(rated, ignore_index=True), titles, release=data.release)
        ratings = ratings.of_domain(domain)
        if domain != "all" and DOMAIN_TABLES[domain] in data.left_out:
            reason = f" ({data.left_out[DOMAIN_TABLES[domain]]})"
    if not ratings.codes:
        raise NoData(f"{source}: no {domain.replace('_', ' ')} ratings to compare{reason}")
    return ratings
