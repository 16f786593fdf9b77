"""The starter data: contents, provenance, and reproducibility."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from scripts import make_starter
from scripts.make_starter import write_starter

from skillgap.sources.predictions import read_predictions, write_predictions
from skillgap.sources.releases import STARTER, find_release
from skillgap.sources.text_files import OnetData
from tests.conftest import onet_zip

HERE = find_release(STARTER, cache_dir=Path()).path
same_zlib = pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses to other bytes")


def members(path: Path) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Return name, time and unpacked content of each file in a zip."""
    with zipfile.ZipFile(path) as zipped:
        return [(each.filename, each.date_time, zipped.read(each)) for each in zipped.infolist()]


def test_the_starter_is_small():
    assert HERE.stat().st_size < 600_000


def test_provenance_describes_the_starter(starter: OnetData):
    provenance = json.loads((HERE.parent / "provenance.json").read_text())
    assert provenance["sha256"] == hashlib.sha256(HERE.read_bytes()).hexdigest() == starter.sha256
    assert provenance["rows"] == {table: len(rows) for table, rows in starter.tables.items()}
    assert (provenance["release"], provenance["release_month"]) == ("29.0", "August 2024")
    assert starter.release.number == "29.0"
    assert f"{starter.release.date:%B %Y}" == "August 2024"


def test_the_starter_carries_the_credit_its_licence_asks_for():
    _, _, read_me = members(HERE)[0]
    credit = (
        "This page includes information from the O*NET 29.0 Database by the U.S. Department of Labor, Employment and "
        "Training Administration (USDOL/ETA). Used under the CC BY 4.0 license. O*NET® is a trademark of USDOL/ETA."
    )
    assert credit in read_me.decode()
    assert json.loads((HERE.parent / "provenance.json").read_text())["attribution"] == credit


def test_the_starter_has_no_prose(starter: OnetData):
    assert starter.tables["Occupations"]["description"].isna().all()
    assert starter.tables["Elements"]["description"].isna().all()
    assert not [name for name, _, content in members(HERE) if b"Description" in content]


def test_the_elements_of_the_starter_are_the_35_rated_ones(starter: OnetData):
    rated = starter.tables["Skills"]["element_id"].unique()
    assert starter.tables["Elements"]["element_id"].tolist() == sorted(rated)
    assert len(rated) == 35


def test_the_figures_of_the_starter_are_those_of_29_0(starter: OnetData, onet_29: OnetData):
    bounds = ["lower_ci_bound", "upper_ci_bound"]
    assert starter.tables["Skills"][bounds].isna().all(axis=None)
    assert_frame_equal(starter.tables["Skills"].drop(columns=bounds), onet_29.tables["Skills"].drop(columns=bounds))
    assert_frame_equal(starter.tables["Scales"], onet_29.tables["Scales"])
    assert_frame_equal(
        starter.tables["Occupations"].drop(columns="description"),
        onet_29.tables["Occupations"].drop(columns="description"),
    )


@same_zlib
def test_the_starter_made_again_from_29_0_has_the_same_bytes(onet_29: OnetData, tmp_path: Path):
    write_starter(replace(onet_29, origin=str(onet_zip("29_0"))), tmp_path)
    for name in ("starter.zip", "provenance.json"):
        assert (tmp_path / name).read_bytes() == (HERE.parent / name).read_bytes(), name


@pytest.mark.slow
def test_the_starter_made_from_the_starter_has_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(make_starter, "STARTER", tmp_path / "starter")
    make_starter.main(STARTER)
    assert members(tmp_path / "starter" / "starter.zip") == members(HERE)


@pytest.mark.slow
def test_the_starter_of_a_release_without_a_month_has_none(starter: OnetData, tmp_path: Path):
    write_starter(replace(starter, release=replace(starter.release, date=None)), tmp_path)
    _, _, read_me = members(tmp_path / "starter.zip")[0]
    assert read_me.splitlines()[1] == b"Undated Release"


def test_predictions_written_are_read_as_they_were(tmp_path: Path):
    shipped = read_predictions()
    data_version = json.loads((HERE.parent / "predictions.json").read_text())["data_version"]
    write_predictions(replace(shipped, scores=shipped.scores[::-1]), data_version=data_version, folder=tmp_path)
    assert read_predictions(tmp_path) == shipped
    assert (tmp_path / "predictions.json").read_bytes() == (HERE.parent / "predictions.json").read_bytes()
