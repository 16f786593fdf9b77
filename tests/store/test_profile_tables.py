"""Texts and facts about occupations are stored as they are in the files."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, func, select

from skillgap.errors import ReleaseDataError
from skillgap.nodes.status import get_status
from skillgap.onet.tables import OPTIONAL_TABLES, REQUIRED_TABLES, TABLES
from skillgap.sources.releases import Archive
from skillgap.sources.rows import check_rows, no_rows
from skillgap.sources.text_files import OnetData, extract_onet_data
from skillgap.store.engine import read
from skillgap.store.schema import Base
from tests.conftest import onet_zip
from tests.store.small_releases import cells, load


def stored_rows(engine: Engine, name: str) -> Counter[tuple[Any, ...]]:
    """Return how often each row is stored."""
    table = Base.metadata.tables[name]
    with read(engine) as connection:
        rows = connection.execute(select(*(table.c[column.name] for column in TABLES[name].columns))).all()
    return Counter(map(tuple, rows))


def test_every_row_of_29_0_is_stored_and_a_release_that_lacks_the_files_takes_them_away(
    blank: Engine, whole_release: OnetData
) -> None:
    load(blank, whole_release)
    expected = cells(replace(whole_release, tables={name: whole_release.tables[name] for name in OPTIONAL_TABLES}))
    for name in OPTIONAL_TABLES:
        assert stored_rows(blank, name) == Counter(expected[name]), name
    assert load(blank, whole_release).rows_changed == 0

    changed = whole_release.tables["AlternateTitles"].assign(sources="99")
    report = load(blank, replace(whole_release, tables={**whole_release.tables, "AlternateTitles": changed}))
    assert report.rows_changed == len(changed)

    lacking = {name: no_rows(name) for name in OPTIONAL_TABLES}
    load(blank, replace(whole_release, tables={**whole_release.tables, **lacking}))
    with read(blank) as connection:
        for name in OPTIONAL_TABLES:
            assert connection.scalar(select(func.count()).select_from(Base.metadata.tables[name])) == 0


def test_titles_that_differ_in_case_accent_or_short_title_alone_are_all_there(
    blank: Engine, whole_release: OnetData
) -> None:
    titles = whole_release.tables["AlternateTitles"]
    assert titles.duplicated(["onet_soc_code", "alternate_title"]).sum() == 2
    others = [
        titles.head(20).assign(alternate_title=f(titles["alternate_title"].head(20))) for f in (_upper, _accented)
    ]
    more = pd.concat([titles, *others], ignore_index=True)
    load(blank, replace(whole_release, tables={**whole_release.tables, "AlternateTitles": more}))
    assert stored_rows(blank, "AlternateTitles").total() == len(titles) + 40


def _upper(titles: pd.Series) -> pd.Series:
    return titles.str.upper()


def _accented(titles: pd.Series) -> pd.Series:
    return titles.str.replace("e", "é")


def test_the_names_of_30_3_fill_the_same_tables(tmp_path: Path, whole_release: OnetData, blank: Engine) -> None:
    folder = tmp_path / "db_30_3_text"
    with zipfile.ZipFile(onet_zip("30_3_layout")) as zipped:
        zipped.extractall(tmp_path)
    (tmp_path / "db_30_3_layout_text").rename(folder)
    # 30.3 renamed three files, some of their columns, and sorts software by elements instead of commodities.
    renamed = {
        "Alternate Titles": ("Job Titles", {"Alternate Title": "Job Title"}),
        "Interests": ("Career Interest Types", {}),
        "Technology Skills": (
            "Software Skills",
            {"Example": "Workplace Example", "Commodity Code": "Element ID", "Commodity Title": "Element Name"},
        ),
    }
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        for old, (new, columns) in renamed.items():
            header, *lines = zipped.read(f"db_29_0_text/{old}.txt").decode().splitlines()
            names = "\t".join(columns.get(name, name) for name in header.split("\t"))
            (folder / f"{new}.txt").write_text("\r\n".join([names, *lines, ""]), newline="")
    data = extract_onet_data(Archive(folder, str(folder)), also=OPTIONAL_TABLES)
    for table in ("AlternateTitles", "Interests", "TechnologySkills"):
        pd.testing.assert_frame_equal(data.tables[table], whole_release.tables[table])
    load(blank, data)
    with read(blank) as connection:
        rows = get_status(connection).tables
    assert [rows[name] for name in ("AlternateTitles", "TechnologySkills", "JobZoneReference")] == [55_120, 32_470, 5]
    assert rows["Knowledge"] == rows["TaskStatements"] == 0


def test_an_optional_file_in_columns_that_are_not_known_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "db_29_0_text"
    folder.mkdir()
    (folder / "Occupation Data.txt").write_text("O*NET-SOC Code\tTitle\n11-1011.00\tChief Executives\n")
    (folder / "Content Model Reference.txt").write_text("Element ID\tElement Name\n2.A.1.a\tReading Comprehension\n")
    (folder / "Scales Reference.txt").write_text(
        "Scale ID\tScale Name\tMinimum\tMaximum\nIM\tImportance\t1\t5\nLV\tLevel\t0\t7\n"
    )
    header = "O*NET-SOC Code\tElement ID\tScale ID\tData Value\tN\tStandard Error\tRecommend Suppress\tNot Relevant"
    line = "11-1011.00\t2.A.1.a\t{}\t4.00\t8\t0.0000\tN\tn/a\t08/2023\tAnalyst\n"
    (folder / "Skills.txt").write_text(f"{header}\tDate\tDomain Source\n{line.format('IM')}{line.format('LV')}")
    (folder / "Job Zones.txt").write_text("O*NET-SOC Code\tZone of Jobs\n11-1011.00\t5\n")
    data = extract_onet_data(Archive(folder, str(folder)), also=OPTIONAL_TABLES)
    assert data.tables["JobZones"].empty
    assert len(data.tables["Skills"]) == 2
    said = "".join(capsys.readouterr())
    assert "Job Zones.txt: no column 'Job Zone'" in said


def test_any_optional_table_may_be_left_out_and_the_others_are_stored(
    tmp_path: Path, whole_release: OnetData, blank: Engine
) -> None:
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        zipped.extractall(tmp_path)
    folder = tmp_path / "db_29_0_text"
    broken_files: dict[Path, str] = {}
    there = [name for name in OPTIONAL_TABLES if len(whole_release.tables[name])]
    for broken in (set(there[::2]), set(there[1::2])):
        for table in broken:
            file = folder / f"{TABLES[table].file}.txt"
            whole = file.read_text()
            file.write_text(whole.replace("\n", "\n\x1b", 1))
            broken_files[file] = whole
        data = extract_onet_data(Archive(folder, str(folder)), also=OPTIONAL_TABLES)
        assert set(data.left_out) == broken
        load(blank, data)
        with read(blank) as connection:
            rows = get_status(connection).tables
        for table in (*REQUIRED_TABLES, *there):
            assert rows[table] == (0 if table in broken else len(whole_release.tables[table])), table
        while broken_files:
            file, whole = broken_files.popitem()
            file.write_text(whole)


def test_an_anchor_outside_its_scale_is_a_defect(whole_release: OnetData) -> None:
    anchors = whole_release.tables["LevelScaleAnchors"].head(3).assign(anchor_value=[2, 8, 4])
    with pytest.raises(ReleaseDataError, match=r"Anchor Value: '8', expected 0 to 7 \(scale LV\)"):
        check_rows("Level Scale Anchors.txt", "LevelScaleAnchors", anchors, whole_release.tables)


def test_a_related_occupation_that_is_none_is_a_defect(whole_release: OnetData) -> None:
    related = (
        whole_release.tables["RelatedOccupations"]
        .head(3)
        .assign(related_onet_soc_code=["11-1021.00", "99-9999.00", "x"])
    )
    with pytest.raises(ReleaseDataError, match=r"99-9999.00 \(1 rows\) is not in Occupation Data"):
        check_rows("Related Occupations.txt", "RelatedOccupations", related, whole_release.tables)
