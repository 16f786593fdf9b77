"""O*NET's files as typed frames: the real releases, every shape a release has had, and every way a file can be bad."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from structlog.testing import capture_logs

from skillgap.errors import ReleaseDataError, ReleaseLayoutError, SourceError
from skillgap.onet.releases import Release
from skillgap.onet.tables import OPTIONAL_TABLES, REQUIRED_TABLES, TABLES, Column
from skillgap.sources.parsing import parser_of
from skillgap.sources.release_files import open_files
from skillgap.sources.releases import Archive
from skillgap.sources.text_files import OnetData, extract_onet_data
from tests.conftest import onet_zip
from tests.sources.conftest import (
    Tables,
    as_csv,
    as_text,
    drop_column,
    set_cell,
    small_tables,
    split_skills,
    write_folder,
    write_zip,
)

Extract = Callable[..., OnetData]

HEADERS = {
    "onet_soc_code": "O*NET-SOC Code",
    "element_id": "Element ID",
    "scale_id": "Scale ID",
    "element_name": "Element Name",
    "data_value": "Data Value",
    "n": "N",
    "standard_error": "Standard Error",
    "lower_ci_bound": "Lower CI Bound",
    "upper_ci_bound": "Upper CI Bound",
    "recommend_suppress": "Recommend Suppress",
    "not_relevant": "Not Relevant",
    "date_updated": "Date",
    "domain_source": "Domain Source",
}
NUMBERS = {"data_value", "n", "standard_error", "lower_ci_bound", "upper_ci_bound"}


def read_plainly(content: bytes) -> dict[str, list[Any]]:
    """Return the columns of a Skills file another way: split at tabs, nothing checked."""
    header, *rows = [line.split("\t") for line in re.split("\r\n|\n|\r", content.decode()) if line]
    return {name: [_plainly(name, row[header.index(title)]) for row in rows] for name, title in HEADERS.items()}


def _plainly(name: str, text: str) -> Any:
    if text in ("n/a", ""):
        return None
    if name == "date_updated":
        return datetime(int(text[3:]), int(text[:2]), 1)
    return float(text) if name in NUMBERS else text


def values(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {name: [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame}


def by_key(data: OnetData) -> OnetData:
    """Return the data with Skills in the order of 29.0, whichever file each row came from."""
    skills = data.tables["Skills"].sort_values(["onet_soc_code", "element_id", "scale_id"], ignore_index=True)
    return replace(data, tables={**data.tables, "Skills": skills})


def assert_same_tables(data: OnetData, other: OnetData) -> None:
    assert list(data.tables) == list(other.tables)
    for table, frame in data.tables.items():
        assert_frame_equal(frame, other.tables[table])


def assert_refused(extract: Extract, files: Mapping[str, bytes], file: str, *defects: str) -> None:
    """Assert that the report lists exactly these defects of this file."""
    with pytest.raises(ReleaseDataError) as caught:
        extract(files)
    count = f"{len(defects)} defect{'s' if len(defects) > 1 else ''}"
    assert str(caught.value) == "\n  ".join([f"{file}: {count}, nothing was written", *defects])


# -- real releases ----------------------------------------------------------------------------------------------------


@pytest.mark.release
@pytest.mark.parametrize(
    ("name", "release", "skills"),
    [
        ("29_0", Release("29.0", date(2024, 8, 1)), 61_530),
        ("26_1", Release("26.1", date(2021, 11, 1)), 61_110),
        ("30_3_layout", Release("29.0", date(2024, 8, 1)), 61_530),
    ],
)
def test_a_release_has_the_rows_of_its_data_dictionary(name: str, release: Release, skills: int):
    data = extract_onet_data(Archive(onet_zip(name), "here"))
    assert (data.release, data.origin) == (release, "here")
    assert {table: len(rows) for table, rows in data.tables.items()} == {
        "Occupations": 1016,
        "Elements": 627,
        "Scales": 29,
        "Skills": skills,
    }


@pytest.mark.release
@pytest.mark.parametrize(("name", "fixture"), [("29_0", "onet_29"), ("26_1", "onet_26")])
def test_every_cell_of_skills_is_that_of_the_raw_file(name: str, fixture: str, request: pytest.FixtureRequest):
    with zipfile.ZipFile(onet_zip(name)) as zipped:
        raw = read_plainly(zipped.read(f"db_{name}_text/Skills.txt"))
    extracted = values(request.getfixturevalue(fixture).tables["Skills"])
    assert list(extracted) == list(raw)
    for column, expected in raw.items():
        assert extracted[column] == expected, column


def test_columns_are_typed_as_the_database_has_them(onet_29: OnetData):
    dtypes = {
        table: {name: str(dtype) for name, dtype in rows.dtypes.items()} for table, rows in onet_29.tables.items()
    }
    assert dtypes["Occupations"] == {"onet_soc_code": "str", "title": "str", "description": "str"}
    assert dtypes["Elements"] == {"element_id": "str", "element_name": "str", "description": "str"}
    assert dtypes["Scales"] == {"scale_id": "str", "scale_name": "str", "minimum": "float64", "maximum": "float64"}
    assert {name: dtype for name, dtype in dtypes["Skills"].items() if dtype != "str"} == {
        "data_value": "float64",
        "n": "Int64",
        "standard_error": "float64",
        "lower_ci_bound": "float64",
        "upper_ci_bound": "float64",
        "date_updated": "datetime64[s]",
    }


def test_29_0_has_the_flags_counted_in_it(onet_29: OnetData):
    skills = onet_29.tables["Skills"]
    level = skills[skills["scale_id"] == "LV"]
    is_irrelevant = level["not_relevant"] == "Y"
    assert (is_irrelevant.sum(), (is_irrelevant & (level["data_value"] > 0)).sum()) == (3302, 1007)
    assert (skills["recommend_suppress"] == "Y").sum() == (level["recommend_suppress"] == "Y").sum() == 124
    assert skills.loc[skills["scale_id"] == "IM", "not_relevant"].isna().all()


def test_in_29_0_level_is_zero_exactly_where_importance_is_one(onet_29: OnetData):
    by_scale = onet_29.tables["Skills"].pivot(
        index=["onet_soc_code", "element_id"], columns="scale_id", values="data_value"
    )
    assert by_scale.index[by_scale["LV"] == 0].tolist() == by_scale.index[by_scale["IM"] == 1].tolist()
    assert (by_scale["LV"] == 0).sum() == 2295


def test_the_layout_of_30_3_gives_the_same_tables_as_29_0(onet_29: OnetData):
    data = extract_onet_data(Archive(onet_zip("30_3_layout"), "here"))
    assert_same_tables(by_key(data), onet_29)


def test_a_quote_in_a_field_is_data(onet_29: OnetData):
    elements = onet_29.tables["Elements"].set_index("element_id")
    assert elements.loc["1.A.3.a.4", "description"].endswith('over time without "giving out" or fatiguing.')
    assert elements.loc["5.E", "description"].startswith('Alternate or "lay titles" include')


def test_a_quote_that_opens_a_field_and_never_closes_is_data(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Occupation Data", 3, "Title", '"Fund" managers')
    set_cell(tables, "Occupation Data", 3, "Description", '"Plan')
    occupations = extract(as_text(tables)).tables["Occupations"]
    assert occupations.loc[1, ["title", "description"]].tolist() == ['"Fund" managers', '"Plan']
    assert len(occupations) == 4


def test_errors_of_26_1_have_two_decimals_and_those_of_29_0_four(onet_26: OnetData, onet_29: OnetData):
    first = ("11-1011.00", "2.A.1.a", "LV")
    errors = [
        data.tables["Skills"].set_index(["onet_soc_code", "element_id", "scale_id"]).loc[first, "standard_error"]
        for data in (onet_26, onet_29)
    ]
    assert errors == [0.16, 0.183]


# -- the shapes of a release ------------------------------------------------------------------------------------------


def in_folder(files: Mapping[str, bytes], path: Path) -> Archive:
    return write_folder(path / "db_29_0_text", files)


def in_zip(files: Mapping[str, bytes], path: Path) -> Archive:
    return write_zip(path / "db_29_0_text.zip", files)


def in_zip_with_folder(files: Mapping[str, bytes], path: Path) -> Archive:
    entries = {"db_29_0/": b"", "__MACOSX/db_29_0/._Skills.txt": b"\0"} | {f"db_29_0/{n}": c for n, c in files.items()}
    return write_zip(path / "any name.zip", entries)


SHAPES: dict[str, Callable[[Tables], dict[str, bytes]]] = {
    "LF": lambda tables: as_text(tables, newline="\n"),
    "CR": lambda tables: as_text(tables, newline="\r"),
    "BOM": lambda tables: as_text(tables, bom=True),
    "blank lines": lambda tables: {name: file + b"\r\n\r\n" for name, file in as_text(tables).items()},
    "no last line end": lambda tables: {name: file.rstrip() for name, file in as_text(tables).items()},
    "column order": lambda tables: as_text({name: [row[::-1] for row in rows] for name, rows in tables.items()}),
    "extra columns": lambda tables: as_text({name: [["x", *row, ""] for row in rows] for name, rows in tables.items()}),
    "padded header": lambda tables: as_text(
        {n: [[f" {h} " for h in rows[0]], *rows[1:]] for n, rows in tables.items()}
    ),
    "other files": lambda tables: (
        as_text(tables) | {"Abilities.txt": b"\xff", "x.pdf": b"", "Skills": b"", ".txt": b""}
    ),
    "lower case": lambda tables: {name.lower().replace(" ", "_"): file for name, file in as_text(tables).items()},
    "CSV": as_csv,
    "CSV, LF, no BOM": lambda tables: {
        name: file.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n") for name, file in as_csv(tables).items()
    },
    "text beside worthless CSV": lambda tables: as_text(tables) | {f"{name}.csv": b"worthless" for name in tables},
    "30.3": lambda tables: as_text(split_skills(tables)),
    "30.3 CSV": lambda tables: as_csv(split_skills(tables)),
}


@pytest.mark.parametrize("pack", [in_folder, in_zip, in_zip_with_folder])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_tables(shape: str, pack: Callable[..., Archive], tmp_path: Path, extract: Extract):
    data = extract_onet_data(pack(SHAPES[shape](small_tables()), tmp_path))
    assert_same_tables(by_key(data), extract(as_text(small_tables())))
    assert data.release.number == "29.0"


def test_a_small_release_is_extracted_value_by_value(extract: Extract):
    tables = extract(as_text(small_tables())).tables
    assert values(tables["Scales"]) == {
        "scale_id": ["AO", "IM", "LV"],
        "scale_name": ["Automation", "Importance", "Level"],
        "minimum": [1.0, 1.0, 0.0],
        "maximum": [5.0, 5.0, 7.0],
    }
    assert values(tables["Occupations"].iloc[[3]]) == {
        "onet_soc_code": ["35-2014.00"],
        "title": ["Cooks, Restaurant"],
        "description": ["Prepare, season, and cook dishes."],
    }
    assert {name: column[7] for name, column in values(tables["Skills"]).items()} == {
        "onet_soc_code": "11-3031.03",
        "element_id": "2.B.3.m",
        "scale_id": "LV",
        "element_name": "Quality Control Analysis",
        "data_value": 0.75,
        "n": 8,
        "standard_error": 0.5261,
        "lower_ci_bound": 0.0,
        "upper_ci_bound": 1.7812,
        "recommend_suppress": "Y",
        "not_relevant": "Y",
        "date_updated": datetime(2014, 7, 1),
        "domain_source": "Analyst",
    }


def test_quotes_commas_and_line_ends_in_a_csv_field_are_data(extract: Extract):
    tables, prose = small_tables(), 'Prepare, "season",\r\nand cook'
    set_cell(tables, "Occupation Data", 5, "Description", prose)
    files = as_csv(tables)
    assert b'"Cooks, Restaurant","Prepare, ""season"",\r\nand cook"' in files["occupation_data.csv"]
    assert extract(files, "db_31_0_csv").tables["Occupations"]["description"].tolist()[3] == prose


@pytest.mark.parametrize(
    ("read_me", "folder", "expected"),
    [
        ("O*NET 29.0 Database\r\nAugust 2024 Release\r\n", "any", Release("29.0", date(2024, 8, 1))),
        ("\ufeffO*NET® 30.1 Database\nDecember 2025 Release", "db_29_0_text", Release("30.1", date(2025, 12, 1))),
        ("O*NET 20.1 Database\r\nOctober 2015 Release\r\n", "any", Release("20.1", date(2015, 10, 1))),
        ("O*NET 29.0 Database", "any", Release("29.0", None)),
        ("O*NET 29.0 Database\nUndated Release", "any", Release("29.0", None)),
        ("O*NET 29.0 Database\nSummer 2024 Release", "any", Release("29.0", None)),
        ("Read me\nAugust 2024 Release", "db_31_0_csv", Release("31.0", date(2024, 8, 1))),
        ("", "db_31_0_csv", Release("31.0", None)),
        (None, "db_31_0_csv", Release("31.0", None)),
        (None, "my db_20_1 copy", Release("20.1", None)),
    ],
)
def test_number_and_month_come_from_the_read_me_else_the_number_from_the_folder(
    read_me: str | None, folder: str, expected: Release, extract: Extract
):
    files = as_text(small_tables())
    del files["Read Me.txt"]
    files["Skills.txt"] = re.sub(rb"\t\d\d/20\d\d\t", b"\t06/2010\t", files["Skills.txt"])
    if read_me is not None:
        files["Read Me.txt"] = read_me.encode()
    assert extract(files, folder).release == expected


def test_the_folder_one_stands_in_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(write_folder(tmp_path / "db_31_0_csv", as_csv(small_tables())).path)
    assert extract_onet_data(Archive(Path(), "here")).release.number == "31.0"


@pytest.mark.parametrize("folder", ["any", "backup_2024_08_17", "db_30_10_text", "31.0"])
def test_a_release_that_does_not_say_its_number_is_refused(folder: str, extract: Extract):
    with pytest.raises(ReleaseLayoutError) as caught:
        extract(as_csv(small_tables()), folder)
    assert str(caught.value) == (
        "here: unknown release number; expected 'O*NET 29.0 Database' in the first line of Read Me.txt, "
        "or a folder named like db_29_0_text"
    )


def test_columns_left_out_are_null_and_element_names_follow_from_the_ids(extract: Extract):
    tables = small_tables()
    drop_column(tables, "Occupation Data", "Description")
    drop_column(tables, "Content Model Reference", "Description")
    for header in ("Element Name", "Lower CI Bound", "Upper CI Bound"):
        drop_column(tables, "Skills", header)
    data, whole = extract(as_text(tables)), extract(as_text(small_tables()), "whole")
    for table, names in (
        ("Occupations", ["description"]),
        ("Elements", ["description"]),
        ("Scales", []),
        ("Skills", ["lower_ci_bound", "upper_ci_bound"]),
    ):
        assert data.tables[table][names].isna().all(axis=None)
        assert_frame_equal(data.tables[table].drop(columns=names), whole.tables[table].drop(columns=names))
        assert data.tables[table].dtypes.equals(whole.tables[table].dtypes)


@pytest.mark.parametrize("missing", ["n/a", ""])
@pytest.mark.parametrize(
    ("file", "header", "table", "name"),
    [
        ("Occupation Data", "Description", "Occupations", "description"),
        ("Content Model Reference", "Description", "Elements", "description"),
        *(("Skills", HEADERS[name], "Skills", name) for name in list(HEADERS)[5:]),
    ],
)
def test_a_missing_value_is_null_in_its_cell_only(
    missing: str, file: str, header: str, table: str, name: str, extract: Extract
):
    tables = small_tables()
    set_cell(tables, file, 3, header, missing)
    extracted = extract(as_text(tables)).tables[table]
    whole = extract(as_text(small_tables()), "whole").tables[table]
    assert pd.isna(extracted.loc[1, name])
    assert_frame_equal(extracted.drop(index=1), whole.drop(index=1))


def test_a_missing_element_name_is_that_of_the_content_model(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 3, "Element Name", "n/a")
    set_cell(tables, "Skills", 4, "Element Name", "Quality Control")
    names = extract(as_text(tables)).tables["Skills"]["element_name"].tolist()
    assert names[1:4] == ["Reading Comprehension", "Quality Control", "Quality Control Analysis"]


# -- files that are not a release -------------------------------------------------------------------------------------


def small_zip(path: Path, **given: Any) -> bytes:
    archive = write_zip(path / "db_29_0_text.zip", as_text(small_tables()), **given)
    return archive.path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_a_file_that_is_not_a_zip_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "db.zip").write_bytes(content)
    with pytest.raises(ReleaseLayoutError, match=r"^here: neither a release folder nor a readable zip \(.+\)$"):
        extract_onet_data(Archive(tmp_path / "db.zip", "here"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_zip_is_refused(share: float, tmp_path: Path):
    content = small_zip(tmp_path)
    (tmp_path / "db.zip").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ReleaseLayoutError, match=r"^here: neither a release folder nor a readable zip"):
        extract_onet_data(Archive(tmp_path / "db.zip", "here"))


def flip_stored_byte(zipped: bytes) -> bytes:
    return zipped.replace(b"Analyst", b"analyst", 1)


def break_deflate(zipped: bytes) -> bytes:
    start = zipped.index(b"Skills.txt") + len(b"Skills.txt")
    return zipped[:start] + b"\xff" + zipped[start + 1 :]  # block type 3, which there is not


def encrypt(zipped: bytes) -> bytes:
    flags = zipped.rindex(b"PK\x01\x02", 0, zipped.rindex(b"Skills.txt")) + 8  # in the central directory
    return zipped[:flags] + bytes([zipped[flags] | 1]) + zipped[flags + 1 :]


@pytest.mark.parametrize(
    ("damage", "compression", "reason"),
    [
        (flip_stored_byte, zipfile.ZIP_STORED, "Bad CRC-32"),
        (break_deflate, zipfile.ZIP_DEFLATED, "Error -3 while decompressing data"),
        (encrypt, zipfile.ZIP_DEFLATED, "is encrypted, password required"),
    ],
)
def test_a_member_that_cannot_be_unpacked_is_named(
    damage: Callable[[bytes], bytes], compression: int, reason: str, tmp_path: Path
):
    (tmp_path / "db.zip").write_bytes(damage(small_zip(tmp_path, compression=compression)))
    with pytest.raises(ReleaseLayoutError, match=rf"^here: Skills\.txt cannot be unpacked \(.*{reason}.*\)$"):
        extract_onet_data(Archive(tmp_path / "db.zip", "here"))


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/x", "..\\x", "\\x", "a\\..\\..\\x", "C:\\x", "C:x", "c:/x", "//host/x"]
)
def test_a_member_that_would_leave_its_folder_is_refused(name: str, tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()) | {name: b""})
    with pytest.raises(ReleaseLayoutError) as caught:
        extract_onet_data(archive)
    assert str(caught.value) == f"here: refused, a file in it would be unpacked outside its folder: {name!r}"


@pytest.mark.parametrize("name", [".", "./.", "a..b"])
def test_a_member_with_an_odd_name_is_passed_over(name: str, tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()) | {name: b""})
    assert len(extract_onet_data(archive).tables["Skills"]) == 12


def test_a_member_without_a_name_is_passed_over(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()))
    with zipfile.ZipFile(archive.path, "a") as zipped:
        zipped.writestr(zipfile.ZipInfo(""), b"")
    assert len(extract_onet_data(archive).tables["Skills"]) == 12


def test_a_member_declared_too_large_is_refused_unread(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()) | {"Abilities.txt": b"\0" * 2001})
    with pytest.raises(ReleaseLayoutError) as caught:
        extract_onet_data(archive, largest_file=2000)
    assert str(caught.value) == "here: refused, Abilities.txt unpacks to 2,001 bytes (at most 2,000)"


def test_a_member_larger_than_it_declares_is_not_unpacked(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()) | {"Skills.txt": b"\0" * 5_000_000})
    declared = struct.pack("<L", 5_000_000)
    content = archive.path.read_bytes()
    assert content.count(declared) == 2
    archive.path.write_bytes(content.replace(declared, struct.pack("<L", 1_000)))
    with pytest.raises(ReleaseLayoutError, match=r"^here: Skills\.txt cannot be unpacked"):
        extract_onet_data(archive)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path):
    files = as_text(small_tables())
    archive = write_folder(tmp_path / "db", files)
    [[skills]] = open_files(archive, largest_file=len(files["Skills.txt"])).parts("Skills")
    with (archive.path / "Skills.txt").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ReleaseLayoutError, match=r"^Skills\.txt: larger than [\d,]+ bytes"), skills.open() as stream:
        stream.read()


def test_a_member_of_the_largest_size_is_read(tmp_path: Path):
    files = {name: content.rstrip() for name, content in as_text(small_tables()).items()}
    archive = write_zip(tmp_path / "db.zip", files)
    skills = extract_onet_data(archive, largest_file=len(files["Skills.txt"])).tables["Skills"]
    assert skills["domain_source"].tolist() == ["Analyst"] * 12


@pytest.mark.parametrize(
    ("deleted", "wanted"),
    [
        (["Occupation Data"], "Occupation Data.txt"),
        (["Content Model Reference"], "Content Model Reference.txt"),
        (["Scales Reference"], "Scales Reference.txt"),
        (["Essential Skills"], "Skills.txt, nor Essential Skills.txt with Transferable Skills.txt"),
        (["Transferable Skills"], "Skills.txt, nor Essential Skills.txt with Transferable Skills.txt"),
        (
            ["Essential Skills", "Transferable Skills"],
            "Skills.txt, nor Essential Skills.txt with Transferable Skills.txt",
        ),
    ],
)
def test_a_missing_file_is_named_beside_those_found(deleted: list[str], wanted: str, extract: Extract):
    files = as_text({name: rows for name, rows in split_skills(small_tables()).items() if name not in deleted})
    with pytest.raises(ReleaseLayoutError) as caught:
        extract(files)
    assert str(caught.value) == f"here: no {wanted} (found {', '.join(sorted(files))}); is this an O*NET release?"


def test_a_folder_with_nothing_to_read_is_refused(extract: Extract):
    with pytest.raises(ReleaseLayoutError) as caught:
        extract({"picture.png": b""})
    assert str(caught.value) == ("here: no Occupation Data.txt (found no text or CSV file); is this an O*NET release?")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, *_: object, **__: object) -> None:
        if path.suffix == ".txt":
            raise PermissionError(13, "Permission denied", path.name)

    files = as_text(small_tables())
    archive = write_folder(tmp_path / "release", files)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(
        ReleaseLayoutError, match=r"^here: cannot be read \(.*Permission denied: '(Read Me|Occupation Data).txt'\)$"
    ):
        extract_onet_data(archive)


@pytest.mark.parametrize(
    ("content", "has"),
    [(b"", "empty"), (b"\xef\xbb\xbf", "empty"), (b"\r\n\r\n", "empty"), (None, "a header and no rows")],
)
@pytest.mark.parametrize("file", small_tables())
def test_a_file_without_rows_is_refused(file: str, content: bytes | None, has: str, extract: Extract):
    files = as_text(small_tables())
    files[f"{file}.txt"] = files[f"{file}.txt"].splitlines(keepends=True)[0] if content is None else content
    with pytest.raises(ReleaseLayoutError) as caught:
        extract(files)
    assert str(caught.value) == f"{file}.txt: {has}; is the download complete?"


def test_a_wrong_header_is_shown_beside_the_columns_missed(extract: Extract):
    tables = small_tables()
    tables["Scales Reference"][0] = ["Scale", "Scale Name", "Minimum", "Max"]
    with pytest.raises(ReleaseLayoutError) as caught:
        extract(as_text(tables))
    assert str(caught.value) == (
        "Scales Reference.txt: no column 'Scale ID', 'Maximum' (found ['Scale', 'Scale Name', 'Minimum', 'Max']); "
        "is this an O*NET text release?"
    )


# -- values that break the rules of their columns ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "header", "text", "defect"),
    [
        (3, "Data Value", "8", "'8.0', expected 0 to 7 (scale LV)"),
        (3, "Data Value", "7.01", "'7.01', expected 0 to 7 (scale LV)"),
        (3, "Data Value", "4.125", "'4.125', expected a number from -9 to 999 with at most 2 decimals"),
        (3, "Data Value", "-1", "'-1.0', expected 0 to 7 (scale LV)"),
        (2, "Data Value", "0.5", "'0.5', expected 1 to 5 (scale IM)"),
        (2, "Data Value", "high", "'high', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "4,12", "'4,12', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "nan", "'nan', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "1e0", "'1e0', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "٤", "'٤', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "n/a", "'n/a', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "", "'', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "N", "8.5", "'8.5', expected a whole number from 0 to 9999"),
        (2, "N", "8.", "'8.', expected a whole number from 0 to 9999"),
        (2, "N", "9" * 5000, f"'{'9' * 60}', expected a whole number from 0 to 9999"),
        (2, "Data Value", "4.1201", "'4.1201', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "Data Value", "4.", "'4.', expected a number from -9 to 999 with at most 2 decimals"),
        (2, "N", "-8", "'-8', expected a whole number from 0 to 9999"),
        (2, "N", "10000", "'10000', expected a whole number from 0 to 9999"),
        (2, "N", "²", "'²', expected a whole number from 0 to 9999"),
        (2, "Standard Error", "-0.1", "'-0.1', expected a number from 0 to 999 with at most 4 decimals"),
        (2, "Upper CI Bound", "high", "'high', expected a number from -99 to 999 with at most 4 decimals"),
        (2, "Recommend Suppress", "y", "'y', expected Y or N"),
        (2, "Not Relevant", "No", "'No', expected Y or N"),
        (2, "Date", "13/2023", "'13/2023', expected a month, MM/YYYY"),
        (2, "Date", "2023-08-02", "'2023-08-02', expected a month, MM/YYYY"),
        (2, "Date", "2023-13-01", "'2023-13-01', expected a month, MM/YYYY"),
        (2, "Date", "01/08/2023", "'01/08/2023', expected a month, MM/YYYY"),
        (2, "Date", "Agu-23", "'Agu-23', expected a month, MM/YYYY"),
        (2, "Date", "08/0000", "'08/0000', expected a month, MM/YYYY"),
        (2, "O*NET-SOC Code", "11-1011", "'11-1011', expected an O*NET-SOC code, NN-NNNN.NN"),
        (2, "O*NET-SOC Code", "n/a", "'n/a', expected an O*NET-SOC code, NN-NNNN.NN"),
        (2, "Element ID", "Reading", "'Reading', expected an element id like 2.A.1.a"),
        (2, "Element ID", "2.A.1.a.b.c.d.e.f.g.h", "'2.A.1.a.b.c.d.e.f.g.h', expected an element id like 2.A.1.a"),
        (2, "Scale ID", "LEVEL", "'LEVEL', expected a text of 1 to 3 characters"),
        (2, "Element Name", "x" * 151, f"'{'x' * 60}', expected a text of 1 to 150 characters"),
        (2, "Domain Source", "x" * 31, f"'{'x' * 31}', expected a text of 1 to 30 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_value_in_skills_is_named_with_its_place(
    line: int, header: str, text: str, defect: str, extract: Extract
):
    tables = small_tables()
    set_cell(tables, "Skills", line, header, text)
    assert_refused(extract, as_text(tables), "Skills.txt", f"line {line}, {header}: {defect}")


@pytest.mark.parametrize(
    ("file", "header", "text", "defect"),
    [
        ("Occupation Data", "Title", "n/a", "'n/a', expected a text of 1 to 150 characters"),
        ("Occupation Data", "Title", "", "'', expected a text of 1 to 150 characters"),
        ("Occupation Data", "Description", "x" * 1001, f"'{'x' * 60}', expected a text of 1 to 1000 characters"),
        ("Content Model Reference", "Element Name", "n/a", "'n/a', expected a text of 1 to 150 characters"),
        ("Scales Reference", "Minimum", "one", "'one', expected a number from -9 to 9 with at most 0 decimals"),
        ("Scales Reference", "Maximum", "1000", "'1000', expected a number from -9 to 999 with at most 0 decimals"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_value_elsewhere_is_named_with_its_place(
    file: str, header: str, text: str, defect: str, extract: Extract
):
    tables = small_tables()
    set_cell(tables, file, 4, header, text)
    assert_refused(extract, as_text(tables), f"{file}.txt", f"line 4, {header}: {defect}")


def test_all_defects_of_a_file_are_in_one_report_by_line(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 12, "N", "eight")
    set_cell(tables, "Skills", 3, "Not Relevant", "?")
    set_cell(tables, "Skills", 3, "Date", "?")
    assert_refused(
        extract,
        as_text(tables),
        "Skills.txt",
        "line 3, Date: '?', expected a month, MM/YYYY",
        "line 3, Not Relevant: '?', expected Y or N",
        "line 12, N: 'eight', expected a whole number from 0 to 9999",
    )


def test_lines_are_counted_in_the_file_blank_ones_included(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 3, "N", "eight")
    files = as_text(tables)
    files["Skills.txt"] = files["Skills.txt"].replace(b"\r\n", b"\r\n\r\n", 1)
    assert_refused(extract, files, "Skills.txt", "line 4, N: 'eight', expected a whole number from 0 to 9999")


def test_of_more_than_twenty_defects_the_first_twenty_are_shown_and_the_others_counted(extract: Extract):
    tables = small_tables()
    for line in range(2, 14):
        set_cell(tables, "Skills", line, "N", "x")
        set_cell(tables, "Skills", line, "Date", "x")
    with pytest.raises(ReleaseDataError) as caught:
        extract(as_text(tables))
    first, *shown, last = str(caught.value).split("\n")
    assert first == "Skills.txt: 24 defects, nothing was written"
    assert [line.split(":")[0] for line in shown] == [
        f"  line {n}, {name}" for n in range(2, 12) for name in ("Date", "N")
    ]
    assert last == "  and 4 more"
    assert len(caught.value.defects) == 24


def test_the_ends_of_what_a_column_takes_are_taken(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Scales Reference", 2, "Minimum", "-9")
    set_cell(tables, "Scales Reference", 2, "Maximum", "999")
    scales = extract(as_text(tables)).tables["Scales"].set_index("scale_id")
    assert scales.loc["AO", ["minimum", "maximum"]].tolist() == [-9, 999]
    for header, text in (("Minimum", "-10"), ("Maximum", "1000")):
        wrong = small_tables()
        set_cell(wrong, "Scales Reference", 2, header, text)
        least_most = "-9 to 9" if header == "Minimum" else "-9 to 999"
        said = f"line 2, {header}: '{text}', expected a number from {least_most} with at most 0 decimals"
        assert_refused(extract, as_text(wrong), "Scales Reference.txt", said)


@pytest.mark.parametrize("count", ["0", "9999"])
def test_every_number_of_raters_is_taken(count: str, extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 2, "N", count)
    assert extract(as_text(tables)).tables["Skills"]["n"][0] == int(count)


@pytest.mark.parametrize(("header", "text", "name", "value"), [
    ("N", "8.0", "n", 8),
    ("N", "8.000", "n", 8),
    ("N", "12.00", "n", 12),
    ("Data Value", "4.120", "data_value", 4.12),
    ("Data Value", "4.0000", "data_value", 4.0),
    ("Data Value", "4", "data_value", 4.0),
    ("Standard Error", "0.12500", "standard_error", 0.125),
    ("Lower CI Bound", "-0.00010", "lower_ci_bound", -0.0001),
])  # fmt: skip
def test_zeros_at_the_end_of_a_number_are_no_decimals(
    header: str, text: str, name: str, value: float, extract: Extract
):
    tables = small_tables()
    set_cell(tables, "Skills", 2, header, text)
    skills = extract(as_text(tables)).tables["Skills"]
    assert skills[name][0] == value
    assert str(skills["n"].dtype) == "Int64"


def test_a_table_with_defects_in_its_values_is_left_out_and_the_others_are_whole(extract: Extract):
    rows = "".join(f"15-1252.00\tTitle {number}\t{'AD' if number % 2 else chr(27)}\tx\n" for number in range(4000))
    titles = f"{ALTERNATE_TITLES[0]}\n{rows}".encode()
    anchors = b"Element ID\tElement Name\tScale ID\tAnchor Value\tAnchor Description\n9.Z\tNone\tLV\t2\tRead a sign\n"
    zones = b"O*NET-SOC Code\tJob Zone\tDate\tDomain Source\n11-1011.00\t5.0\t08/2023\tAnalyst\n"
    files = as_text(small_tables()) | {
        "Alternate Titles.txt": titles, "Level Scale Anchors.txt": anchors, "Job Zones.txt": zones
    }  # fmt: skip
    with capture_logs() as logs:
        data = extract(files, also=OPTIONAL_TABLES)
    assert_same_tables(
        replace(data, tables={name: data.tables[name] for name in REQUIRED_TABLES}), extract(as_text(small_tables()))
    )
    assert data.tables["JobZones"]["job_zone"].tolist() == [5]
    assert data.left_out == {
        "AlternateTitles": "Alternate Titles.txt: at least 1,000 defects: "
        + "; ".join(
            f"line {line}, Short Title: '\\x1b', expected a text without control or invisible characters "
            "(U+001B is number 1)"
            for line in (2, 4, 6)
        )
        + "; and 997 more",
        "LevelScaleAnchors": "Level Scale Anchors.txt: 1 defect: "
        "line 2: 9.Z (1 rows) is not in Content Model Reference",
    }
    assert [(log["log_level"], log["table"], log["reason"]) for log in logs] == [
        ("warning", table, reason) for table, reason in data.left_out.items()
    ]
    for table in data.left_out:
        assert data.tables[table].empty
        assert list(data.tables[table]) == [column.name for column in TABLES[table].columns]


# -- characters that are not seen ------------------------------------------------------------------------------------

UNSEEN = [chr(code) for code in (0, 7, 0x1B, 0x7F, 0x85, 0x9B, 0xAD, 0x61C, 0x200B, 0x200E, 0x2028, 0x2029)]
UNSEEN += [chr(code) for code in (0x202A, 0x202E, 0x2066, 0x2069, 0xFEFF)]


@pytest.mark.parametrize("character", [*UNSEEN, "\r", "\ud800"], ids=lambda character: f"U+{ord(character):04X}")
def test_no_column_of_any_table_takes_a_character_that_is_not_seen(character: str):
    taken = [
        (table, column.name) for table in TABLES for column in TABLES[table].columns if _takes(column, f"a{character}")
    ]
    assert taken == []


def test_names_take_neither_tabs_nor_line_ends_and_prose_takes_both():
    taken = {
        (name, column.name)
        for name, table in TABLES.items()
        for column in table.columns
        for text in ("a\tb", "a\nb", "a\r\nb")
        if _takes(column, text)
    }
    zone = {("JobZoneReference", name) for name in ("experience", "education", "job_training", "examples")}
    prose = {("Occupations", "description"), ("Elements", "description"), ("TaskStatements", "task")}
    assert taken == zone | prose | {("LevelScaleAnchors", "anchor_description")}


def _takes(column: Column, text: str) -> bool:
    try:
        parser_of(column.type)(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("pack", [as_text, as_csv])
@pytest.mark.parametrize("character", UNSEEN[1:], ids=lambda character: f"U+{ord(character):04X}")
def test_a_title_with_a_character_that_is_not_seen_is_refused_and_shown_escaped(
    pack: Callable[[Tables], dict[str, bytes]], character: str, extract: Extract
):
    tables = small_tables()
    set_cell(tables, "Occupation Data", 3, "Title", f"Chief{character}[2J")
    with pytest.raises(ReleaseDataError) as caught:
        extract(pack(tables), "db_29_0")
    [defect] = caught.value.defects
    assert defect.startswith("line 3, Title: 'Chief\\")
    assert defect.endswith(f"without control or invisible characters (U+{ord(character):04X} is number 6)")
    assert str(caught.value).replace("\n", "").isprintable()


def test_letters_of_every_script_are_taken(extract: Extract):
    tables, title = small_tables(), "Café Владелец 店主 ñ\xa0– “chief” 👩"
    set_cell(tables, "Occupation Data", 3, "Title", title)
    assert extract(as_text(tables)).tables["Occupations"]["title"][1] == title


ALTERNATE_TITLES = (
    "O*NET-SOC Code\tAlternate Title\tShort Title\tSource(s)",
    "15-1252.00\tApplication Developer\tn/a\t08,10",
    "15-1252.00\tApp Dev\tAD\tn/a",
    "35-2014.00\tX\t\t09",
)


def test_a_title_without_a_short_one_has_an_empty_one_and_tables_that_are_not_there_no_rows(extract: Extract):
    files = as_text(small_tables()) | {"Alternate Titles.txt": "\n".join(ALTERNATE_TITLES).encode()}
    with capture_logs() as logs:
        tables = extract(files, also=OPTIONAL_TABLES).tables
    assert logs == [], "a table that is not there is no fault"
    assert set(tables) == set(TABLES)
    assert {name for name in OPTIONAL_TABLES if len(tables[name])} == {"AlternateTitles"}
    titles = tables["AlternateTitles"]
    assert titles["alternate_title"].tolist() == ["Application Developer", "App Dev", "X"]
    assert titles["short_title"].tolist() == ["", "AD", ""]
    assert titles["sources"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("line", "defect"),
    [
        ("15-1252.00\tn/a\tAD\t08", "Alternate Title: 'n/a', expected a text of 1 to 250 characters"),
        ("15-1252.00\t\tAD\t08", "Alternate Title: '', expected a text of 1 to 250 characters"),
        (f"15-1252.00\tApp\t{'s' * 151}\t08", f"Short Title: '{'s' * 60}', expected a text of 1 to 150 characters"),
    ],
)
def test_a_wrong_title_is_named_with_its_place(line: str, defect: str, extract: Extract):
    files = as_text(small_tables()) | {"Alternate Titles.txt": "\n".join([*ALTERNATE_TITLES, line]).encode()}
    left_out = extract(files, also=OPTIONAL_TABLES).left_out
    assert left_out == {"AlternateTitles": f"Alternate Titles.txt: 1 defect: line 5, {defect}"}


def test_a_byte_that_is_not_utf_8_is_named_with_its_line_and_field(extract: Extract):
    files = as_text(small_tables())
    files["Occupation Data.txt"] = (
        files["Occupation Data.txt"].replace(b"Chief", b"Ch\xefef").replace(b"dishes", b"\x80")
    ) + b"\t\xff\r\n"
    assert_refused(
        extract,
        files,
        "Occupation Data.txt",
        "line 2, field 2: byte 0xef, expected UTF-8",
        "line 5, field 3: byte 0x80, expected UTF-8",
        "line 6, field 2: byte 0xff, expected UTF-8",
    )


def test_a_byte_that_is_not_utf_8_is_named_with_its_line_in_a_csv(extract: Extract):
    files = as_csv(small_tables())
    files["occupation_data.csv"] = files["occupation_data.csv"].replace(b"Cooks", b"C\xf6\xf6ks")
    assert_refused(extract, files, "occupation_data.csv", "line 5: byte 0xf6, expected UTF-8")


def test_a_row_cut_off_midway_is_named(extract: Extract):
    files = as_text(small_tables())
    files["Skills.txt"] = files["Skills.txt"][: files["Skills.txt"].rindex(b"\t3.0708")]
    # cut before the upper bound of the last but one row
    assert_refused(extract, files, "Skills.txt", "line 12: 8 fields, expected 13; is the file cut off?")


def test_a_csv_cut_off_in_quotes_is_named(extract: Extract):
    files = as_csv(small_tables())
    files["occupation_data.csv"] = files["occupation_data.csv"][: files["occupation_data.csv"].rindex(b", Restaurant")]
    assert_refused(extract, files, "occupation_data.csv", "line 5: unexpected end of data")


@pytest.mark.parametrize(("rows", "left"), [(11, 3), (10, 2), (9, 1)])
def test_a_file_cut_off_at_a_line_end_lacks_ratings_of_its_last_occupation(rows: int, left: int, extract: Extract):
    tables = small_tables()
    del tables["Skills"][1 + rows :]
    assert_refused(
        extract, as_text(tables), "Skills.txt", f"35-2014.00: {left} ratings, expected 4; is the file cut off?"
    )


def test_a_rating_that_every_occupation_lacks_is_missed(extract: Extract):
    tables = small_tables()
    tables["Skills"] = [row for row in tables["Skills"] if (row[1], row[3]) != ("2.B.3.m", "LV")]
    codes = ("11-1011.00", "11-3031.03", "35-2014.00")
    defects = [f"{code}: 3 ratings, expected 4; is the file cut off?" for code in codes]
    assert_refused(extract, as_text(tables), "Skills.txt", *defects)


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("Skills", "11-1011.00 2.A.1.a LV"),
        ("Occupation Data", "11-3031.03"),
        ("Content Model Reference", "2"),
        ("Scales Reference", "IM"),
    ],
)
def test_a_row_that_is_there_twice_is_named_by_its_key(file: str, key: str, extract: Extract):
    tables = small_tables()
    tables[file].append(tables[file][2])
    line = len(tables[file])
    assert_refused(extract, as_text(tables), f"{file}.txt", f"line {line}: {key} is a duplicate, expected once")


def test_an_unknown_scale_is_named(extract: Extract):
    tables = small_tables()
    for line in range(2, 14, 2):  # every IM, so that no occupation lacks a rating
        set_cell(tables, "Skills", line, "Scale ID", "XX")
    defects = [f"line {line}, Scale ID: 'XX', expected one of Scales Reference" for line in range(2, 14, 2)]
    assert_refused(extract, as_text(tables), "Skills.txt", *defects)


def test_codes_and_elements_that_other_files_lack_are_named_with_their_rows(extract: Extract):
    tables = small_tables()
    tables["Occupation Data"] = [row for row in tables["Occupation Data"] if row[0] not in ("11-1011.00", "35-2014.00")]
    tables["Content Model Reference"].pop()
    assert_refused(
        extract,
        as_text(tables),
        "Skills.txt",
        "line 2: 11-1011.00 (4 rows) is not in Occupation Data",
        "line 10: 35-2014.00 (4 rows) is not in Occupation Data",
        "line 4: 2.B.3.m (6 rows) is not in Content Model Reference",
    )


def test_an_element_that_half_of_the_occupations_lack_is_missing_there(extract: Extract):
    tables = small_tables()
    last = ["11-3031.03", "2.B.3.m", "Quality Control Analysis", "LV"]
    tables["Skills"] = [row for row in tables["Skills"] if row[0] != "35-2014.00" and row[:4] != last]
    assert_refused(extract, as_text(tables), "Skills.txt", "11-3031.03: 3 ratings, expected 4; is the file cut off?")


def test_an_anchor_stands_on_its_scale(extract: Extract):
    def files(anchor_value: int) -> dict[str, bytes]:
        header = "Element ID\tElement Name\tScale ID\tAnchor Value\tAnchor Description"
        anchor = f"2.A.1.a\tReading Comprehension\tLV\t{anchor_value}\tRead a sign"
        return as_text(small_tables()) | {"Level Scale Anchors.txt": f"{header}\n{anchor}".encode()}

    extract_all = partial(extract, also=OPTIONAL_TABLES)
    assert extract_all(files(7)).tables["LevelScaleAnchors"]["anchor_value"].tolist() == [7]
    said = "Level Scale Anchors.txt: 1 defect: line 2, Anchor Value: '8', expected 0 to 7 (scale LV)"
    assert extract_all(files(8)).left_out == {"LevelScaleAnchors": said}


@pytest.mark.parametrize(("header", "other"), [("Element ID", "2"), ("Scale ID", "AO")])
def test_one_wrong_id_does_not_make_every_occupation_look_incomplete(header: str, other: str, extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 7, header, other)
    pair = {"Element ID": "2 LV", "Scale ID": "2.A.1.a AO"}[header]
    assert_refused(
        extract,
        as_text(tables),
        "Skills.txt",
        f"line 7: {pair} is rated for few occupations, expected for all",
        "11-3031.03: 3 ratings, expected 4; is the file cut off?",
    )


def test_the_two_files_of_30_3_rate_the_same_occupations(extract: Extract):
    tables = split_skills(small_tables())
    tables["Essential Skills"] = [row for row in tables["Essential Skills"] if row[0] != "11-3031.03"]
    assert_refused(
        extract,
        as_text(tables),
        "Essential Skills.txt",
        "11-3031.03: no row here, but in Transferable Skills.txt",
    )


def test_the_two_files_of_30_3_rate_other_elements(extract: Extract):
    tables = split_skills(small_tables())
    tables["Transferable Skills"] += tables["Essential Skills"][1:]
    assert_refused(
        extract, as_text(tables), "Transferable Skills.txt", "2.A.1.a: rated here and in Essential Skills.txt"
    )


# -- whatever is in the files -----------------------------------------------------------------------------------------

CELL = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.text("0123456789./-nNaY \"'\t\r\n", max_size=7),
    st.sampled_from(["n/a", "", "IM", "LV", "AO", "2", "2.A.1.a", "11-1011.00", "15-1252.00", "12/2024", "5.00", "0"]),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.slow
@settings(deadline=None)
@given(line=st.integers(2, 13), header=st.sampled_from(list(HEADERS.values())), text=CELL)
def test_a_changed_cell_of_skills_is_read_as_it_stands_or_refused(scratch: Path, line: int, header: str, text: str):
    tables = small_tables()
    set_cell(tables, "Skills", line, header, text)
    files = as_text(tables)
    archive = write_folder(scratch, files)
    try:
        extracted = values(extract_onet_data(archive).tables["Skills"])
    except SourceError:
        return
    expected = read_plainly(files["Skills.txt"])
    names = {"2.A.1.a": "Reading Comprehension", "2.B.3.m": "Quality Control Analysis"}
    expected["element_name"] = [
        name or names[element_id]
        for name, element_id in zip(expected["element_name"], expected["element_id"], strict=True)
    ]
    assert extracted == expected


@pytest.mark.slow
@settings(deadline=None)
@given(file=st.sampled_from(["Read Me", *small_tables()]), as_csv_file=st.booleans(), data=st.data())
def test_arbitrary_bytes_in_a_file_are_refused_or_read(
    scratch: Path, file: str, as_csv_file: bool, data: st.DataObject
):
    files = as_text(small_tables())
    whole = files.pop(f"{file}.txt")
    at, inserted = data.draw(st.integers(0, len(whole))), data.draw(st.binary())
    content = data.draw(st.sampled_from([inserted, whole[:at] + inserted + whole[at + len(inserted) :]]))
    archive = write_zip(scratch / "db.zip", files | {f"{file}.{'csv' if as_csv_file else 'txt'}": content})
    try:
        data_read = extract_onet_data(archive)
    except SourceError:
        return
    assert len(data_read.tables["Skills"]) == 12


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_damaged_zip_is_refused_or_read(scratch: Path, data: st.DataObject):
    whole = bytearray(small_zip(scratch))
    directory = whole.index(b"PK\x01\x02")
    positions = st.one_of(st.integers(0, len(whole) - 1), st.integers(directory, len(whole) - 1))
    for position in data.draw(st.lists(positions, min_size=1, max_size=3)):
        whole[position] = data.draw(st.integers(0, 255))
    (scratch / "db_29_0_text.zip").write_bytes(whole)
    try:
        data_read = extract_onet_data(Archive(scratch / "db_29_0_text.zip", "here"))
    except SourceError:
        return
    assert len(data_read.tables["Skills"]) == 12


def test_texts_in_another_folder_of_the_zip_that_hold_no_table_are_passed_over(tmp_path: Path):
    tables = {f"db_29_0_text/{name}": content for name, content in as_text(small_tables()).items()}
    archive = write_zip(tmp_path / "release.zip", tables | {"db_29_0_text/docs/notes.txt": b"mine", "todo.csv": b"a,b"})
    assert len(extract_onet_data(archive).tables["Skills"]) == 12


def test_two_releases_in_one_zip_are_refused_by_their_folders(tmp_path: Path):
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for folder in ("db_28_3_text", "db_29_0_text"):
            zipped.writestr(f"{folder}/Skills.txt", "x")
    with pytest.raises(ReleaseLayoutError, match="more than one folder: db_28_3_text, db_29_0_text"):
        extract_onet_data(Archive(path, "both.zip"))
