"""Which files of a folder or zip are a release's: names, files of two releases, and limits of size."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from skillgap.errors import ReleaseDataError, ReleaseLayoutError
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.releases import Archive
from skillgap.sources.text_files import OnetData, extract_onet_data
from tests.conftest import onet_zip
from tests.sources.conftest import (
    READ_ME,
    as_csv,
    as_text,
    set_cell,
    small_tables,
    split_skills,
    write_folder,
    write_zip,
)

Extract = Callable[..., OnetData]

INTERESTS = (
    b"O*NET-SOC Code\tElement ID\tElement Name\tScale ID\tData Value\tDate\tDomain Source\n"
    b"11-1011.00\t2.A.1.a\tReading Comprehension\tIM\t1.30\t11/2023\tMachine Learning\n"
)
JOB_ZONES = b"O*NET-SOC Code\tJob Zone\tDate\tDomain Source\n11-1011.00\t5\t08/2024\tAnalyst\n"


def changed_skills() -> bytes:
    """Return Skills.txt with another level."""
    tables = small_tables()
    set_cell(tables, "Skills", 3, "Data Value", "5.00")
    return as_text(tables)["Skills.txt"]


def refusal(extract: Extract, files: dict[str, bytes], **given: object) -> str:
    with pytest.raises(ReleaseLayoutError) as caught:
        extract(files, **given)
    return str(caught.value)


def level(data: OnetData) -> float:
    return float(data.tables["Skills"]["data_value"][1])


# -- files of two releases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["Essential Skills", "Transferable Skills"], ["Essential Skills"]])
def test_the_old_skills_beside_the_new_ones_are_refused_by_name(names: list[str], extract: Extract):
    new = as_text(split_skills(small_tables()))
    files = as_text(small_tables()) | {f"{name}.txt": new[f"{name}.txt"] for name in names}
    both = f"Skills.txt beside {' and '.join(f'{name}.txt' for name in names)}"
    assert refusal(extract, files) == (
        f"here: {both}: a release has this table under one of these names. Files of two releases are mixed; "
        "delete those of the other release"
    )


def test_an_optional_table_under_its_old_and_its_new_name_is_left_out(extract: Extract):
    files = as_text(small_tables()) | {"Interests.txt": INTERESTS, "Career Interest Types.txt": INTERESTS}
    data = extract(files, also=OPTIONAL_TABLES)
    assert (len(data.tables["Skills"]), len(data.tables["Interests"])) == (12, 0)
    assert data.left_out["Interests"].startswith("here: Interests.txt beside Career Interest Types.txt")


@pytest.mark.parametrize("other", ["skills.csv", "skills.txt", "SKILLS.TXT", "Skills_.txt"])
def test_two_files_of_one_name_with_other_rows_are_refused(other: str, extract: Extract):
    content = as_csv(small_tables())["skills.csv"].replace(b"4.62", b"4.50") if other == "skills.csv" else None
    said = refusal(extract, as_text(small_tables()) | {other: content or changed_skills()})
    assert all(name in said for name in ("Skills.txt", other)), said
    assert said.endswith(
        "both contain the same table, and their rows differ; delete the file that does not belong to this release"
    )


def test_two_files_of_one_name_with_the_same_rows_are_one_table(extract: Extract):
    files = as_text(small_tables())
    lines = files["Skills.txt"].splitlines(keepends=True)
    in_another_order = b"".join([lines[0], *lines[:0:-1]])
    data = extract(files | {"skills.csv": as_csv(small_tables())["skills.csv"], "SKILLS.txt": in_another_order})
    assert len(data.tables["Skills"]) == 12


def test_a_second_file_of_the_same_columns_with_defects_is_a_contradiction(extract: Extract):
    broken = as_csv(small_tables())["skills.csv"].replace(b"4.62", b"high")
    said = refusal(extract, as_text(small_tables()) | {"skills.csv": broken})
    assert said.startswith(
        "Skills.txt beside skills.csv: both contain the same table, and skills.csv: 1 defect: line 3, "
    )


def test_of_two_files_of_one_name_one_that_is_no_table_is_passed_over_with_a_warning(extract: Extract):
    data = extract(as_csv(small_tables()) | {"Read Me.txt": READ_ME, "Skills.txt": b"worthless"})
    assert len(data.tables["Skills"]) == 12
    assert [warning.partition("no column")[0] for warning in data.warnings] == [
        "not read, beside another file of its name: Skills.txt: "
    ]


def test_a_member_that_is_twice_in_a_zip_is_refused(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", as_text(small_tables()))
    with zipfile.ZipFile(archive.path, "a") as zipped, pytest.warns(UserWarning, match="Duplicate name"):
        zipped.writestr("Skills.txt", changed_skills())
    with pytest.raises(
        ReleaseLayoutError, match=r"^Skills\.txt beside Skills\.txt: both contain the same table, and their ro"
    ):
        extract_onet_data(archive)


def test_two_read_mes_of_two_releases_are_refused(extract: Extract):
    files = as_text(small_tables()) | {"readme.txt": b"O*NET 30.3 Database\nMay 2026 Release\n"}
    assert refusal(extract, files) == (
        "here: two releases are named: 29.0 in Read Me.txt, 30.3 in readme.txt; delete one of the files"
    )


def test_a_read_me_of_ones_own_does_not_hide_that_of_the_release(extract: Extract):
    files = as_text(small_tables()) | {"README.txt": b"my files"}
    assert extract(files).release.date == date(2024, 8, 1)


@pytest.mark.parametrize("split", [False, True])
def test_skills_dated_later_than_the_release_are_refused(split: bool, extract: Extract):
    tables = small_tables()
    set_cell(tables, "Skills", 6, "Date", "08/2024")  # the month of the release
    set_cell(tables, "Skills", 7, "Date", "09/2024")
    set_cell(tables, "Skills", 11, "Date", "08/2026")
    file, count, line = ("Essential Skills", 2, 7) if split else ("Skills", 2, 11)
    if split:
        line = next(
            number for number, row in enumerate(split_skills(tables)["Essential Skills"], 1) if "08/2026" in row
        )
    with pytest.raises(ReleaseDataError) as caught:
        extract(as_text(split_skills(tables) if split else tables))
    assert str(caught.value).endswith(
        f"{file}.txt: 1 defect, nothing was written\n  line {line}, Date: '08/2026', the latest of {count} rows, "
        "expected at most 08/2024, the month of O*NET 29.0 in Read Me.txt; are files of two releases mixed? "
        "Load the files of one release"
    )


def test_an_optional_table_dated_later_than_the_release_is_left_out(extract: Extract):
    files = as_text(small_tables()) | {"Job Zones.txt": JOB_ZONES.replace(b"08/2024", b"09/2024")}
    data = extract(files, also=OPTIONAL_TABLES)
    assert (len(data.tables["Skills"]), len(data.tables["JobZones"])) == (12, 0)
    assert "line 2, Date: '09/2024'" in data.left_out["JobZones"]
    files["Job Zones.txt"] = JOB_ZONES
    assert len(extract(files, "sound", also=OPTIONAL_TABLES).tables["JobZones"]) == 1


@pytest.mark.release
@pytest.mark.parametrize("name", ["29_0", "26_1", "30_3_layout"])
def test_a_true_release_loads_without_a_doubt(name: str):
    data = extract_onet_data(Archive(onet_zip(name), "here"), also=OPTIONAL_TABLES)
    assert (data.left_out, data.warnings) == ({}, ())


@pytest.mark.release
def test_skills_of_29_0_in_a_folder_of_26_1_are_refused(tmp_path: Path):
    for name in ("26_1", "29_0"):
        with zipfile.ZipFile(onet_zip(name)) as zipped:
            for member in zipped.namelist():
                if name == "26_1" or member.endswith("/Skills.txt"):
                    (tmp_path / Path(member).name).write_bytes(zipped.read(member))
    with pytest.raises(ReleaseDataError, match=r"'08/2024', the latest of [\d,]+ rows, expected at most 11/2021"):
        extract_onet_data(Archive(tmp_path, "mixed"))


def test_a_release_without_a_month_is_warned_of_dates_later_than_its_number_allows(extract: Extract):
    files = as_csv(small_tables())  # dated up to 08/2023: a month after 27.3, the last of 27, at the earliest
    assert extract(files, "db_28_0_csv").warnings == ()
    [warning] = extract(files, "db_27_3_csv").warnings
    assert warning.startswith("Skills: dated up to 08/2023, later than any O*NET 27 release; no Read Me.txt has ")


def test_a_file_under_its_old_name_in_a_newer_release_is_warned_of(extract: Extract):
    files = as_text(small_tables()) | {"Read Me.txt": b"O*NET 30.3 Database\nMay 2026 Release\n"}
    [warning] = extract(files).warnings
    assert warning.startswith("Skills.txt: this name was used before 30.3, but it is loaded as O*NET 30.3")
    new = as_text(split_skills(small_tables())) | {"Read Me.txt": files["Read Me.txt"]}
    assert extract(new, "new").warnings == ()


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["skills.TXT", "SKILLS.txt", "Skills .txt", "skills_.txt", "-Skills.Txt"])
def test_a_name_that_differs_in_case_spaces_hyphens_or_underscores_is_read(name: str, extract: Extract):
    files = as_text(small_tables())
    files[name] = files.pop("Skills.txt")
    assert len(extract(files).tables["Skills"]) == 12


def test_the_members_of_a_zip_may_be_parted_by_backslashes(tmp_path: Path):
    archive = write_zip(
        tmp_path / "db.zip", {f"db_29_0\\{name}": file for name, file in as_text(small_tables()).items()}
    )
    assert len(extract_onet_data(archive).tables["Skills"]) == 12


NEAR = {
    "Skils.txt": "Skills",
    "Skills (1).txt": "Skills",
    "Skills - Copy.txt": "Skills",
    "Copy of Skills.csv": "Skills",
    "skills_29_0.txt": "Skills",
    "Skills.txt.txt": "Skills",
    "Knowlege.txt": "Knowledge",
    "Job Zone.txt": "Job Zones",
    "Ocupation Data.csv": "Occupation Data",
}


@pytest.mark.parametrize("name", NEAR)
def test_a_file_whose_name_is_almost_that_of_a_table_is_warned_of(name: str, extract: Extract):
    data = extract(as_text(small_tables()) | {name: changed_skills()})
    assert data.warnings == (f"{name} is not read; expected {NEAR[name]}.txt. If it is that file, rename it",)
    assert level(data) == 4.62


def test_a_missing_table_is_told_with_the_file_whose_name_is_almost_its_own(extract: Extract):
    files = as_text(small_tables())
    files["Skils.txt"] = files.pop("Skills.txt")
    assert refusal(extract, files).endswith(
        "Skils.txt is not read; expected Skills.txt. If it is that file, rename it."
    )


def test_a_table_with_another_ending_is_warned_of(extract: Extract):
    files = as_text(small_tables()) | {"Knowledge.xlsx": b"PK", "Skills.xlsx": b"PK"}
    assert extract(files, also=OPTIONAL_TABLES).warnings == (
        "Knowledge.xlsx is not read; expected Knowledge.txt or a CSV file of that name",
    )


OTHER_FILES = """Task Categories; Emerging Tasks; Skills to Work Context; Interests Illustrative Activities; Work Styles
Work Values; Work Context; Work Context Categories; Task Ratings; Tasks to DWAs; Tools Used; DWA Reference
IWA Reference; Education, Training, and Experience; Skills to Work Activities; Abilities to Work Context
Occupation Level Metadata
Career Interest Type Keywords; Specific Interest Areas; Training and Experience; Education Categories
UNSPSC Reference; Essential Skills to Work Context; Transferable Skills to Work Activities; Work Styles to Work Context
RIASEC Keywords"""


def test_the_other_files_of_a_release_are_not_warned_of(extract: Extract):
    names = [name.strip() for name in re.split(r"[;\n]", OTHER_FILES)]
    assert extract(as_text(small_tables()) | {f"{name}.txt": b"x" for name in names}).warnings == ()


def test_a_name_with_control_characters_is_shown_escaped(tmp_path: Path):
    files = as_text(small_tables()) | {"\x1b[2J\u202e.txt": b"x", "Skills\x85.txt": changed_skills()}
    archive = Archive(write_zip(tmp_path / "db.zip", files).path, "an\x1b[2J origin")
    with pytest.raises(ReleaseLayoutError) as caught:
        extract_onet_data(archive)
    assert str(caught.value).startswith("Skills.txt beside Skills\\x85.txt: both contain the same table")
    del files["Skills\x85.txt"], files["Skills.txt"]
    with pytest.raises(ReleaseLayoutError) as caught:
        extract_onet_data(Archive(write_zip(tmp_path / "db.zip", files).path, "an\x1b[2J origin"))
    assert str(caught.value).startswith("an\\x1b[2J origin: no Skills.txt")
    assert "\\x1b[2J\\u202e.txt" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_origin_with_control_characters_is_kept_escaped(tmp_path: Path):
    archive = write_folder(tmp_path / "a\x1b[31mb", as_text(small_tables()))
    assert extract_onet_data(Archive(archive.path, str(archive.path))).origin == f"{tmp_path}/a\\x1b[31mb"


# -- limits -----------------------------------------------------------------------------------------------------------

MOST_MEGABYTES = 300
"""Of a process that extracts a release, whatever is in it; importing takes about 130 of them."""

EXTRACT = f"""
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
from skillgap.errors import SourceError
from skillgap.sources.text_files import extract_onet_data
from skillgap.sources.releases import Archive
try:
    extract_onet_data(Archive(Path(sys.argv[1]), "here"))
except SourceError as error:
    print(error)
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
assert int(peak) < {MOST_MEGABYTES} * 1024, f"{{int(peak) // 1024}} MB"
"""


def said_in_a_process(path: Path) -> str:
    """Return the error of extracting a release in a separate process limited to 300 MB."""
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT, str(path)], capture_output=True, text=True, env=os.environ, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


HUGE = {
    "two-byte lines": (
        b"",
        b"a\n",
        "Skills.txt: at least 1,000 defects, nothing was written\n  line 2: 1 fields, expected",
    ),
    "empty lines": (b"", b"\r\n", "Skills.txt: more than 1,000,000 lines; is this an O*NET file?"),
    "one line": (b"", b"ab", "Skills.txt: 1 defect, nothing was written\n  line 2: longer than 65,536 characters"),
    "one quoted field": (
        b'"',
        b"a\n",
        "Skills.txt: 1 defect, nothing was written\n  line 2: no end within 65,536 char",
    ),
    "tabs": (b"", b"\t\n", "Skills.txt: at least 1,000 defects, nothing was written\n  line 2: 2 fields, expected 13"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", HUGE)
def test_a_small_zip_with_250_megabytes_ends_in_one_error_with_little_memory(kind: str, tmp_path: Path):
    start, repeated, said = HUGE[kind]
    is_csv = kind == "one quoted field"
    files = as_csv(small_tables()) | {"Read Me.txt": READ_ME} if is_csv else as_text(small_tables())
    name = "skills.csv" if is_csv else "Skills.txt"
    header = files.pop(name).splitlines(keepends=True)[0]
    archive = write_zip(tmp_path / "db.zip", files)
    block = repeated * 500_000
    with zipfile.ZipFile(archive.path, "a", zipfile.ZIP_DEFLATED) as zipped, zipped.open(name, "w") as member:
        member.write(header + start)
        for _ in range(250):
            member.write(block)
    assert archive.path.stat().st_size < 4_000_000
    assert said_in_a_process(archive.path).startswith(said.replace("Skills.txt", name))


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Skills.txt", "Knowledge.txt", "Work Context.txt"])
def test_a_file_of_6_gigabytes_in_a_folder_is_refused_unread(name: str, tmp_path: Path):
    write_folder(tmp_path, as_text(small_tables()))
    sparse(tmp_path / name, 6 * 10**9)
    assert said_in_a_process(tmp_path) == (f"here: refused, {name} has 6,000,000,000 bytes (at most 268,435,456)\n")


@pytest.mark.slow
def test_files_too_large_together_are_refused_unread(tmp_path: Path):
    write_folder(tmp_path, as_text(small_tables()))
    for name in ("Knowledge", "Abilities", "Work Activities"):
        sparse(tmp_path / f"{name}.txt", 200 * 10**6)
    said = said_in_a_process(tmp_path)
    assert re.match(r"here: refused, its tables have 600,00\d,\d{3} bytes \(at most 536,870,912\)\n$", said)


@pytest.mark.slow
def test_a_zip_too_large_is_refused_unread(tmp_path: Path):
    sparse(tmp_path / "db.zip", 6 * 10**9)
    said = said_in_a_process(tmp_path / "db.zip")
    assert said == "here: refused, it has 6,000,000,000 bytes (at most 536,870,912)\n"


@pytest.mark.slow
def test_more_files_than_a_release_can_have_are_refused(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", {f"{number}.txt": b"" for number in range(1001)})
    assert said_in_a_process(archive.path) == "here: refused, more than 1,000 text and CSV files\n"


@pytest.mark.slow
def test_a_zip_with_a_list_of_files_without_end_is_refused_unread(tmp_path: Path):
    archive = write_zip(tmp_path / "db.zip", {f"{'x' * 60_000}{number}.pdf": b"" for number in range(80)})
    said = said_in_a_process(archive.path)
    assert re.match(r"here: refused, its list of files has 4,80\d,\d{3} bytes \(at most 4,194,304\)\n$", said)


def test_at_most_a_thousand_defects_are_collected(extract: Extract):
    header = "O*NET-SOC Code\tTitle\tDescription\n"
    for wrong, count in ((999, "999 defects"), (1000, "at least 1,000 defects"), (70_000, "at least 1,000 defects")):
        files = as_text(small_tables()) | {"Occupation Data.txt": (header + "x\tTitle\tn/a\n" * wrong).encode()}
        with pytest.raises(ReleaseDataError) as caught:
            extract(files)
        assert str(caught.value).startswith(f"Occupation Data.txt: {count}, nothing was written\n  line 2, O*NET-SOC")
        assert len(caught.value.defects) == min(wrong, 1000)
