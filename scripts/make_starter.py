"""Write the starter data from a release: `python scripts/make_starter.py RELEASE` (a path or a number).

The starter is a release in O*NET's own text layout without its larger parts: no descriptions, no confidence bounds, and
only the skills of the Content Model. It is loaded like any release.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from skillgap.config.settings import read_settings
from skillgap.onet.license import LICENSE_URL, MODIFICATION, attribution
from skillgap.onet.tables import TABLES
from skillgap.sources.releases import find_release, sha256_of
from skillgap.sources.text_files import OnetData, extract_onet_data

STARTER = Path(__file__).parents[1] / "src" / "skillgap" / "sources" / "starter"
ORDER = ("Occupations", "Elements", "Scales", "Skills")
LEFT_OUT = {
    "Occupations": ["description"],
    "Elements": ["description"],
    "Skills": ["element_name", "lower_ci_bound", "upper_ci_bound"],
}
DECIMALS = {"data_value": 2, "standard_error": 4, "minimum": 0, "maximum": 0}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same release gives the same bytes


def main(release: str) -> None:
    archive = find_release(release, cache_dir=read_settings().cache_dir)
    data = extract_onet_data(archive)
    write_starter(data, STARTER)
    size = (STARTER / "starter.zip").stat().st_size
    print(f"starter.zip: O*NET {data.release.number}, {size:,} bytes", file=sys.stderr)


def write_starter(data: OnetData, folder: Path) -> None:
    """Write starter.zip and provenance.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = dict(data.tables)
    skills = tables["Skills"]
    tables["Elements"] = tables["Elements"][tables["Elements"]["element_id"].isin(skills["element_id"])]
    month = f"{data.release.date:%B %Y}" if data.release.date else "Undated"
    with zipfile.ZipFile(folder / "starter.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        read_me = f"O*NET {data.release.number} Database\r\n{month} Release\r\n{attribution(data.release)}\r\n"
        zipped.writestr(_entry("starter/Read Me.txt"), read_me)
        for table in ORDER:
            zipped.writestr(_entry(f"starter/{TABLES[table].file}.txt"), _as_text(table, tables[table]))
    provenance = {
        "release": data.release.number,
        "release_month": month,
        "made_from": Path(data.origin).name,
        "made_from_sha256": data.sha256,
        "sha256": sha256_of(folder / "starter.zip"),
        "rows": {table: len(tables[table]) for table in ORDER},
        "left_out": {
            **LEFT_OUT,
            "files": "all files but " + ", ".join(TABLES[table].file for table in ORDER),
        },
        "elements": "only those that Skills rates",
        "licence": LICENSE_URL,
        "attribution": attribution(data.release),
        "modification": MODIFICATION,
    }
    (folder / "provenance.json").write_text(json.dumps(provenance, indent=2, ensure_ascii=False) + "\n")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _as_text(table: str, rows: pd.DataFrame) -> str:
    columns = [column for column in TABLES[table].columns if column.name not in LEFT_OUT.get(table, [])]
    texts = [_texts(column.name, rows[column.name]) for column in columns]
    lines = ["\t".join(column.header for column in columns), *map("\t".join, zip(*texts, strict=True))]
    return "\r\n".join(lines) + "\r\n"


def _texts(name: str, values: pd.Series[Any]) -> list[str]:
    if values.dtype.kind == "M":
        texts = values.dt.strftime("%m/%Y")
    elif name in DECIMALS:
        texts = values.map(f"{{:.{DECIMALS[name]}f}}".format)
    else:
        texts = values.astype("str")
    return [str(text) for text in texts.where(values.notna(), "n/a")]


if __name__ == "__main__":
    main(*sys.argv[1:])
