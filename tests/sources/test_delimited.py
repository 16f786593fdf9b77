"""Files that a spreadsheet, pandas or Python has saved again are read like O*NET's own."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from skillgap.errors import ReleaseDataError
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.text_files import OnetData
from tests.conftest import onet_zip
from tests.sources.conftest import as_text, set_cell, small_tables

Extract = Callable[..., OnetData]
Writer = Callable[[list[list[str]]], bytes]


def read_me_and_tables() -> tuple[bytes, dict[str, list[list[str]]]]:
    """Return Read Me.txt and the rows of every other file of 29.0, split at tabs."""
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        files = {name.rpartition("/")[2]: zipped.read(name) for name in zipped.namelist() if name.endswith(".txt")}
    read_me = files.pop("Read Me.txt")
    return read_me, {name: [line.split("\t") for line in file.decode().splitlines()] for name, file in files.items()}


def by_csv(**given: object) -> Writer:
    def write(rows: list[list[str]]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, **{"dialect": "excel-tab", **given}).writerows(rows)  # type: ignore[arg-type]
        return out.getvalue().encode()

    return write


def by_excel(rows: list[list[str]]) -> bytes:
    """Write tab-separated text as Excel does: fields with a comma are wrapped as well."""

    def cell(text: str) -> str:
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if set(text) & set('",\t\r\n') else text

    return "".join("\t".join(map(cell, row)) + "\r\n" for row in rows).encode()


def by_pandas(**given: object) -> Writer:
    def write(rows: list[list[str]]) -> bytes:
        original = "\n".join("\t".join(row) for row in rows)
        frame = pd.read_csv(io.StringIO(original), sep="\t")
        out: str = frame.to_csv(**{"sep": "\t", "index": False, **given})  # type: ignore[call-overload]
        return out.encode()

    return write


def months_as(form: str, write: Writer) -> Writer:
    """Write dates as a program does that has read `08/2023` as a date; `form` as in strftime."""

    def cell(text: str) -> str:
        is_month = re.fullmatch(r"[0-9]{2}/[0-9]{4}", text)
        return datetime.strptime(text, "%m/%Y").strftime(form).removeprefix("0") if is_month else text

    return lambda rows: write([[cell(text) for text in row] for row in rows])


WRITERS: dict[str, Writer] = {
    "csv, excel-tab": by_csv(),
    "csv, everything quoted": by_csv(quoting=csv.QUOTE_ALL),
    "csv, numbers unquoted": by_csv(quoting=csv.QUOTE_NONNUMERIC),
    "Excel": by_excel,
    "Excel, months as it shows them": months_as("%b-%y", by_excel),
    "Excel, months with four digits": months_as("%b-%Y", by_excel),
    "a spreadsheet, months without a leading zero": months_as("%m/%Y", by_excel),
    "pandas, dates": months_as("%Y-%m-%d", by_csv(delimiter=",")),
    "pandas, times": months_as("%Y-%m-%d %H:%M:%S", by_csv(delimiter=",")),
    "pandas, tabs": by_pandas(),
    "pandas, tabs, index": by_pandas(index=True),
    "pandas, tabs, everything quoted": by_pandas(quoting=csv.QUOTE_ALL, index=True),
    "pandas, tabs, text quoted": by_pandas(quoting=csv.QUOTE_NONNUMERIC),
    "pandas, commas, index": by_pandas(sep=",", index=True),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_29_0_saved_again_gives_the_same_tables(writer: str, extract: Extract, whole_release: OnetData):
    read_me, tables = read_me_and_tables()
    files = {name: WRITERS[writer](rows) for name, rows in tables.items()}
    if WRITERS[writer] is by_excel:
        assert b'\t"Plan, direct, or coordinate' in files["Occupation Data.txt"]
        assert b'"Say ""please"" and ""thank you"" in a foreign language"' in files["Level Scale Anchors.txt"]
    data = extract({"Read Me.txt": read_me} | files, also=OPTIONAL_TABLES)
    assert (data.left_out, data.warnings) == ({}, ())
    for table, rows in whole_release.tables.items():
        assert_frame_equal(data.tables[table], rows)


@pytest.mark.parametrize("sep", ["\t", ","])
def test_29_0_saved_by_pandas_as_csv_files_gives_the_same_tables(sep: str, extract: Extract, whole_release: OnetData):
    read_me, tables = read_me_and_tables()
    write = by_pandas(sep=sep)
    files = {f"{name.removesuffix('.txt').lower().replace(' ', '_')}.csv": write(rows) for name, rows in tables.items()}
    data = extract({"Read Me.txt": read_me} | files, also=OPTIONAL_TABLES)
    for table, rows in whole_release.tables.items():
        assert_frame_equal(data.tables[table], rows)


# Titles of the small release, whose descriptions have commas.
GENUINE = {
    "wrapped": ['"Chief" Executives', '"Fund Managers"', "Software Developers", "Cooks"],
    "wrapped alone": ["Chief Executives", '"Fund Managers"', "Software Developers", "Cooks"],
    "wrapped, with a comma": ["Chief Executives", '"Cooks, Restaurant"', "Software Developers", "Cooks"],
    "open and closed far apart": ['"Chief', "Fund Managers", "Software Developers", 'Cooks"'],
    "inches": ["Chief Executives", 'Fund 5" Managers', "Software Developers", "Cooks"],
}


@pytest.mark.parametrize("kind", GENUINE)
def test_quotation_marks_of_a_genuine_file_are_data_and_so_they_are_once_it_is_saved_again(kind: str, extract: Extract):
    tables = small_tables()
    for line, title in enumerate(GENUINE[kind], start=2):
        set_cell(tables, "Occupation Data", line, "Title", title)
    for number, write in enumerate([None, by_csv(), by_excel, by_csv(quoting=csv.QUOTE_ALL)]):
        files = as_text(tables)
        if write:
            files["Occupation Data.txt"] = write(tables["Occupation Data"])
        data = extract(files, f"release {number}")
        assert data.tables["Occupations"]["title"].tolist() == GENUINE[kind]
        assert data.warnings == ()


def test_wrapped_fields_with_commas_are_those_of_a_spreadsheet_if_no_bare_field_has_one(extract: Extract):
    tables = small_tables()
    files = as_text(tables) | {"Occupation Data.txt": by_excel(tables["Occupation Data"])}
    assert b'\t"Cooks, Restaurant"\t"Prepare, season, and cook dishes."' in files["Occupation Data.txt"]
    titles = extract(files).tables["Occupations"]["title"].tolist()
    assert titles == ["Chief Executives", "Investment Fund Managers", "Software Developers", "Cooks, Restaurant"]


def test_a_file_quoted_in_some_lines_alone_keeps_its_quotation_marks_and_is_warned_of(extract: Extract):
    tables = small_tables()
    files = as_text(tables)
    files["Content Model Reference.txt"] += b'2.B.9\t"A ""new"" one"\tNew\r\n'
    data = extract(files)
    assert data.tables["Elements"]["element_name"].tolist()[-1] == '"A ""new"" one"'
    assert data.warnings == (
        'Content Model Reference.txt: quotation marks are read as data, but line 6 has a field like "a ""b"" c". '
        "If a spreadsheet has saved some of its lines, use the original file",
    )


def test_tabs_and_line_ends_in_quoted_fields_are_part_of_a_description(extract: Extract):
    tables, prose = small_tables(), 'Prepare,\tseason\n"and"\r\ncook'
    set_cell(tables, "Occupation Data", 3, "Description", prose)
    files = as_text(tables) | {"Occupation Data.txt": by_csv()(tables["Occupation Data"])}
    occupations = extract(files).tables["Occupations"]
    assert occupations["description"][1] == prose
    assert occupations["title"].tolist()[2:] == ["Software Developers", "Cooks, Restaurant"]


def test_tabs_and_line_ends_in_a_quoted_title_are_refused_where_the_record_begins(extract: Extract):
    tables = small_tables()
    set_cell(tables, "Occupation Data", 3, "Description", "two\nlines")
    set_cell(tables, "Occupation Data", 5, "Title", "Cooks,\tRestaurant")
    files = as_text(tables) | {"Occupation Data.txt": by_csv()(tables["Occupation Data"])}
    with pytest.raises(ReleaseDataError) as caught:
        extract(files)
    assert caught.value.defects == (
        "line 6, Title: 'Cooks,\\tRestaurant', expected a text without control or invisible characters "
        "(U+0009 is number 7)",
    )


def test_a_quotation_mark_that_never_closes_is_named_in_a_file_quoted_throughout(extract: Extract):
    tables = small_tables()
    quoted = by_csv(quoting=csv.QUOTE_ALL)(tables["Occupation Data"])
    files = as_text(tables) | {"Occupation Data.txt": quoted.replace(b'Chief Executives"', b"Chief Executives")}
    with pytest.raises(ReleaseDataError, match=r"Occupation Data\.txt: \d defects?, nothing was written\n  line 2: "):
        extract(files)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_the_unicode_text_of_a_spreadsheet_is_refused_in_one_line(encoding: str, extract: Extract):
    files = as_text(small_tables())
    files["Skills.txt"] = files["Skills.txt"].decode().encode(encoding)
    with pytest.raises(ReleaseDataError) as caught:
        extract(files)
    assert str(caught.value) == (
        "Skills.txt: 1 defect, nothing was written\n"
        "  line 1: UTF-16 or binary, expected UTF-8; save it as text in UTF-8 (not Unicode Text)"
    )


def test_two_columns_of_one_name_are_refused(extract: Extract):
    tables = small_tables()
    tables["Occupation Data"] = [[*row, row[1]] for row in tables["Occupation Data"]]
    with pytest.raises(Exception, match=r"^Occupation Data\.txt: two columns 'Title'; delete one of them$"):
        extract(as_text(tables))
