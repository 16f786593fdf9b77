"""The release of an evaluation, loaded into a temporary database and read as the product reads it."""

from __future__ import annotations

import html
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.profiles import Profile
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import make_engine, read


def read_release() -> tuple[str, Mapping[str, Profile], Ratings]:
    """Return number, profiles and ratings (all domains) of the release on the command line, by default 29.0."""
    source = next((each for each in sys.argv[1:] if not each.startswith("-")), "29.0")
    with tempfile.TemporaryDirectory() as folder:
        return load_release(source, Path(folder))


def load_release(source: str, folder: Path) -> tuple[str, Mapping[str, Profile], Ratings]:
    """Return number, profiles and ratings (all domains) of a release, loaded into a new database in a folder."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        engine = make_engine(f"sqlite:///{own}/release.db")
        data, _ = extract_load_text_files(engine, source, cache_dir=Path(own))
        with read(engine) as connection:
            profiles, ratings = get_profiles(connection), get_ratings(connection, "onet", "all")
        engine.dispose()
    return data.release.number, profiles, ratings


def read_workbook(path: Path, titles_of: Ratings) -> Ratings:
    """Return the ratings of a workbook such as O*NET's `Skills.xlsx`; titles are those of other ratings."""
    header, *rows = workbook_rows(path)
    frame = pd.DataFrame(rows, columns=header).replace({"": None, "n/a": None})
    numbers = frame[["Data Value", "Standard Error", "N"]].apply(pd.to_numeric)
    return Ratings.from_frame(
        pd.DataFrame(
            {
                "onet_soc_code": frame["O*NET-SOC Code"],
                "element_id": frame["Element ID"],
                "element_name": frame["Element Name"],
                "scale_id": frame["Scale ID"],
                "data_value": numbers["Data Value"],
                "standard_error": numbers["Standard Error"],
                "n": numbers["N"],
                "not_relevant": frame["Not Relevant"],
                "recommend_suppress": frame["Recommend Suppress"],
                "date_updated": pd.to_datetime(frame["Date"], format="%m/%Y"),
            }
        ),
        {code: occupation.title for code, occupation in titles_of.occupations.items()},
    )


def workbook_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a workbook's first sheet as O*NET prints them: values with two decimals."""
    with zipfile.ZipFile(path) as zipped:
        shared = [html.unescape(text) for text in re.findall(r"<t[^>]*>([^<]*)</t>", _part(zipped, "sharedStrings"))]
        sheet = _part(zipped, "worksheets/sheet1")
    for row in re.findall(r"<row .*?</row>", sheet):
        cells = [""] * 15
        for column, kind, value in re.findall(r'<c r="([A-O])\d+"[^>]*?(t="s")?><v>([^<]*)</v>', row):
            text = shared[int(value)] if kind else value
            cells[ord(column) - ord("A")] = text if kind or column != "G" else f"{float(value):.2f}"
        yield cells


def _part(zipped: zipfile.ZipFile, name: str) -> str:
    return zipped.read(f"xl/{name}.xml").decode()
