"""Batches: the same numbers as over HTTP, to the digit; no row lost; interrupted runs resume."""

from __future__ import annotations

import csv
import json
import math
import pickle
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.batch import BatchReport, GapKernel, Sizes, answer_file, find_columns, rejects_of
from skillgap.errors import BatchInputError, UnknownOccupation
from skillgap.models import GapSummary
from skillgap.service.ratings import get_all_ratings, get_profiles, get_ratings
from skillgap.store.engine import make_engine, read
from tests.api.serving import Service, serve

NURSE, MANAGER = "29-1141.00", "11-9111.00"
SUMMARY = [each.name for each in fields(GapSummary) if each.name != "unavailable"]
ROWS = 10_000
Answer = Callable[..., BatchReport]


@pytest.fixture
def answer(ratings: Ratings, tmp_path: Path) -> Answer:
    """Answer rows given as a table or CSV text, into `out.parquet` unless another name is given."""

    def answer(given: pa.Table | str | Path, **options: Any) -> BatchReport:
        source = tmp_path / ("in.parquet" if isinstance(given, pa.Table) else "in.csv")
        if isinstance(given, str):
            source.write_text(given)
        elif isinstance(given, pa.Table):
            pq.write_table(given, source, row_group_size=options.pop("row_group_size", None))
        usual = {"target": MANAGER, "nearest": 0, "similarity": None, "each": "row", "id_column": "id"}
        usual |= {"occupation_column": None, "scheduler": None, "on_rows": lambda *_: None}
        output = tmp_path / options.pop("output", "out.parquet")
        report, _ = answer_file(source, output, options.pop("ratings", ratings), **{**usual, **options})
        return report

    return answer


@pytest.fixture(scope="module")
def service(starter_database: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serve(tmp_path_factory.mktemp("service"), starter_database, answer_cache_mb="0") as running:
        yield running


def people(ratings: Ratings, count: int, seed: int) -> pa.Table:
    """Return rows of every kind: an occupation, own levels, both, with a target each."""
    chance = np.random.default_rng(seed)
    codes = np.array(ratings.codes)
    kind = np.arange(count) % 3
    occupation = np.where(kind == 1, None, codes[chance.integers(0, len(codes), count)])
    own = np.where(
        (kind != 0)[:, None] & (chance.random((count, 35)) < 0.4),
        np.round(chance.uniform(0, 7, (count, 35)), 2),
        np.nan,
    )
    own[kind == 1, :18] = np.round(
        chance.uniform(0, 7, (int((kind == 1).sum()), 18)), 2
    )  # as a row without an occupation needs
    levels = {name: pa.array(own[:, k], from_pandas=True) for k, name in enumerate(ratings.element_names)}
    wanted = codes[chance.integers(0, len(codes), count)]
    return pa.table(
        {"id": np.arange(count), "occupation": pa.array(occupation, pa.string()), "wants": wanted, **levels}
    )


def rows_of(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return found


def asked(client: httpx.Client, row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the API's answer for a row."""
    levels = {name: row[name] for name in names if row[name] is not None}
    if not levels:
        found = client.get("/skill-gap", params={"from": row["occupation"], "to": row["wants"]})
    else:
        profile = {"levels": levels, "occupation": row["occupation"]}
        found = client.post("/skill-gap", params={"to": row["wants"]}, json=profile)
    assert found.status_code == 200, found.text
    report: dict[str, Any] = orjson.loads(found.content)
    return report


# -- the same numbers -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_number_is_that_of_the_api(answer: Answer, service: Service, ratings: Ratings, tmp_path: Path):
    table = people(ratings, ROWS, seed=8)
    report = answer(table, target="wants")
    assert (report.rows, report.lines, report.rejected) == (ROWS, ROWS, Counter())
    found = {row["id"]: row for row in rows_of(tmp_path / "out.parquet")}
    with httpx.Client(base_url=service.url, headers={"Accept-Encoding": "identity"}) as client:
        for row in table.to_pylist():
            expected = asked(client, row, ratings.element_names)
            got = found[row["id"]]
            reasons = expected["summary"].pop("unavailable")
            assert {name: got[name] for name in SUMMARY} == expected["summary"], row
            assert {got[name] for name in reasons} <= {None}
            assert ("no Job Zone" in got["unavailable"]) == ("job_zone_step" in reasons)
            assert got["own_levels"] == expected.get("own_levels", 0)


def test_every_gap_is_that_of_the_api(answer: Answer, service: Service, ratings: Ratings, tmp_path: Path):
    table = people(ratings, 600, seed=9)
    answer(table, target="wants", each="gap")
    found: dict[int, list[dict[str, Any]]] = {}
    for line in rows_of(tmp_path / "out.parquet"):
        found.setdefault(line["id"], []).append(line)
    with httpx.Client(base_url=service.url, headers={"Accept-Encoding": "identity"}) as client:
        for row in table.to_pylist():
            gaps = asked(client, row, ratings.element_names)["skill_gaps"]
            lines = found.get(row["id"], [])
            assert [line["rank"] for line in lines] == list(range(1, len(gaps) + 1))
            for line, gap in zip(lines, gaps, strict=True):
                same = set(line) & set(gap)
                assert len(same) == 14
                assert {name: line[name] for name in same} == {name: gap[name] for name in same}


@pytest.mark.parametrize("weight", ["standard", "none"])
def test_weights_and_predictions_are_those_of_the_ratings(
    answer: Answer, ratings: Ratings, tmp_path: Path, weight: Any
):
    from skillgap.analysis.gap import identify_skill_gap

    levels = ratings.weighted_by(weight)
    answer("id,occupation\n1,15-1252.00\n", ratings=levels)
    (line,) = rows_of(tmp_path / "out.parquet")
    summary = identify_skill_gap("15-1252.00", MANAGER, levels).summary
    assert {**{name: line[name] for name in SUMMARY}, "unavailable": summary.unavailable} == vars(summary)
    assert line["unavailable"] == "no Job Zone"


@pytest.mark.slow
def test_nearest_targets_of_an_occupation_are_its_transitions(
    answer: Answer, whole: tuple[Ratings, Similarity], tmp_path: Path
):
    ratings, similarity = whole
    codes = ratings.codes[::40]
    answer(pa.table({"id": codes, "occupation": codes}), target=None, nearest=7, similarity=similarity, ratings=ratings)
    lines = rows_of(tmp_path / "out.parquet")
    for code in codes:
        near = find_transitions(code, similarity, ratings, where=TransitionFilter(), limit=7)
        got = [line for line in lines if line["id"] == code]
        assert [line["to_onet_soc_code"] for line in got] == [each.occupation.onet_soc_code for each in near]
        assert [line["score"] for line in got] == pytest.approx([each.score for each in near])


@pytest.mark.slow
def test_nearest_targets_of_own_levels_are_those_with_the_least_difference(
    answer: Answer, whole: tuple[Ratings, Similarity], tmp_path: Path
):
    ratings, similarity = whole
    chance = np.random.default_rng(3)
    own = chance.uniform(0, 7, (5, 3))
    table = pa.table({"id": range(5), **{ratings.element_names[k]: own[:, k] for k in range(3)}})
    answer(table, target=None, nearest=4, similarity=similarity, ratings=ratings, min_own_levels=3)
    lines = rows_of(tmp_path / "out.parquet")
    for row in range(5):
        alike = []
        for place, code in enumerate(ratings.codes):
            weight, asked = ratings.weight[place, :3].tolist(), ratings.level_or_zero[place, :3].tolist()
            squares = sum(w * (a - b) ** 2 for w, a, b in zip(weight, own[row].tolist(), asked, strict=True))
            alike.append((-1 + math.sqrt(squares / sum(weight)) / 7, code))
        got = [line["score"] for line in lines if line["id"] == row]
        assert got == pytest.approx([-each for each, _ in sorted(alike)[:4]], abs=6e-5)
        assert [line["rank"] for line in lines if line["id"] == row] == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def whole(starter_database: str) -> tuple[Ratings, Similarity]:
    engine = make_engine(starter_database)
    with read(engine) as connection:
        found, profiles = get_all_ratings(connection), get_profiles(connection)
    engine.dispose()
    return found["onet+llm"].of_domain("skills"), compute_similarity(profiles, found["onet+llm"])


# -- nothing is lost --------------------------------------------------------------------------------------------------

BAD = """id,occupation,wants,Writing,team
1,29-1141,11-9111.00,5,a
2,29-1141.00,99-9999.00,,b
3,55-1011.00,11-9111.00,3,c
4,,11-9111.00,3.5,d
5,,11-9111.00,,e
x,y
6,29-1141.00,11-9111.00,much,f
7,29-1141.00,,4,g
8,nurse,11-9111.00,4,h
9,29-1141.00,11-9111.00,7.5,i
"""


def rejects(file: Path) -> dict[str, str]:
    with file.open(newline="") as opened:
        return {row["id"]: row["error"] for row in csv.DictReader(opened)}


@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out"])
def test_rows_that_cannot_be_answered_are_kept_with_their_reasons(answer: Answer, tmp_path: Path, output: str):
    report = answer(BAD, target="wants", output=output, min_own_levels=1)
    assert (report.rows, report.lines, report.rejected.total()) == (10, 2, 8)
    made = tmp_path / output if "." in output else tmp_path / output / "part-00000.parquet"
    found = rejects(rejects_of(made))
    assert found["2"] == "wants: O*NET 29.0 has no occupation 99-9999.00"
    assert found["3"].startswith("occupation: O*NET 29.0 has no skill ratings for 55-1011.00")
    assert found["5"] == "neither an occupation nor an own level"
    assert found["6"] == "Writing: 'much' is not a number"
    assert found["7"] == "wants: empty"
    assert found["8"].startswith("occupation: 'nurse' is not an O*NET-SOC code")
    assert found["9"] == "Writing: 7.5 is outside 0 to 7"
    assert found[""] == "line 7: 2 fields instead of 5"
    assert report.rejected["a line with 2 fields instead of 5"] == 1
    if output == "out.csv":
        with made.open(newline="") as opened:
            assert [line["id"] for line in csv.DictReader(opened)] == ["1", "4"]
    else:
        assert [line["id"] for line in rows_of(made)] == ["1", "4"]


@pytest.mark.parametrize("each", ["row", "gap"])
def test_what_is_read_at_once_may_be_wrong_from_end_to_end(answer: Answer, tmp_path: Path, each: str):
    codes = ["99-9999.00", "99-9999.00", NURSE, NURSE, "99-9999.00", "99-9999.00", NURSE]
    report = answer(pa.table({"id": range(7), "occupation": codes}), each=each, sizes=Sizes(rows_per_batch=2))
    assert (report.rows, report.rejected.total()) == (7, 4)
    assert {row["id"] for row in rows_of(tmp_path / "out.parquet")} == {2, 3, 6}
    assert sorted(rejects(rejects_of(tmp_path / "out.parquet"))) == ["0", "1", "4", "5"]


def test_no_file_of_rejects_without_any(answer: Answer, tmp_path: Path):
    answer("id,occupation\n1,29-1141\n")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.csv", "out.parquet"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("who,occupation\n1,29-1141\n", "no column 'id', which identifies rows"),
        ("id,job\n1,29-1141\n", "no column 'occupation'.* and none named after an element"),
        (
            "id,occupation,Writting\n1,29-1141,3\n",
            r"column 'Writting' is not an element of skills\. Did you mean 'Writing'\?",
        ),
        ("id,Writing,2.A.1.c\n1,3,3\n", "two columns hold levels of Writing"),
        ("", "no header line"),
    ],
)
def test_an_input_that_cannot_be_used_is_an_error_that_says_what(answer: Answer, given: str, says: str, tmp_path: Path):
    with pytest.raises(BatchInputError, match=says):
        answer(given)
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_what_holds_no_codes_or_levels_is_named(answer: Answer):
    days = pa.array([date(2026, 1, 1)])
    with pytest.raises(BatchInputError, match=r"column 'Writing' has type date32\[day\], which cannot hold levels"):
        answer(pa.table({"id": [1], "occupation": [NURSE], "Writing": days}))
    with pytest.raises(BatchInputError, match=r"column 'occupation' has type list<.*, which cannot hold codes"):
        answer(pa.table({"id": [1], "occupation": [[NURSE]]}))


def test_categories_and_decimals_are_read_as_what_they_say(answer: Answer, tmp_path: Path):
    codes = pa.array([NURSE, NURSE]).dictionary_encode()
    answer(pa.table({"id": [1, 2], "occupation": codes, "Writing": pa.array([Decimal("2.5"), None])}))
    assert [row["own_levels"] for row in rows_of(tmp_path / "out.parquet")] == [1, 0]


def test_text_that_is_not_utf8_is_an_error_that_names_the_file(answer: Answer, tmp_path: Path):
    (tmp_path / "in.csv").write_bytes(
        b"id,occupation\n" + b"1,29-1141\n" * 3_000 + "J\u00f6rg,29-1141\n".encode("latin-1")
    )
    with pytest.raises(BatchInputError, match=r"in\.csv: not UTF-8 .* save it as UTF-8"):
        answer(tmp_path / "in.csv")
    assert not (tmp_path / "out.parquet").exists()


def test_an_output_never_replaces_the_input(answer: Answer, tmp_path: Path):
    text = f"id,occupation\n1,{NURSE}\n"
    with pytest.raises(BatchInputError, match="would replace the input"):
        answer(text, output="in.csv")
    assert (tmp_path / "in.csv").read_text() == text


def test_of_an_input_without_rows_there_is_an_output_without_rows(answer: Answer, tmp_path: Path):
    answer(f"id,occupation\n1,{NURSE}\n")
    columns = pq.read_schema(tmp_path / "out.parquet").names
    assert answer("id,occupation\n").lines == 0
    assert (pq.read_schema(tmp_path / "out.parquet").names, rows_of(tmp_path / "out.parquet")) == (columns, [])


def test_rejects_of_an_earlier_run_do_not_stay(answer: Answer, tmp_path: Path):
    answer("id,occupation\n1,99-9999.00\n")
    assert rejects_of(tmp_path / "out.parquet").exists()
    answer(f"id,occupation\n1,{NURSE}\n")
    assert not rejects_of(tmp_path / "out.parquet").exists()


def test_reasons_are_counted_without_end_but_not_kept_so(answer: Answer, tmp_path: Path):
    codes = [f"{k:05}" for k in range(3_000)]
    report = answer(pa.table({"id": range(3_000), "occupation": codes}))
    assert (len(report.rejected), report.rejected["other reasons"]) == (1_001, 2_000)
    assert len(rejects(rejects_of(tmp_path / "out.parquet"))) == 3_000


def test_an_empty_target_is_an_error(answer: Answer):
    with pytest.raises(UnknownOccupation):
        answer(f"id,occupation\n1,{NURSE}\n", target="")


def test_a_quote_that_is_never_closed_loses_nothing_in_silence(answer: Answer, tmp_path: Path):
    text = f'id,occupation,note\na,{NURSE},ok\nb,{NURSE},"oops\n' + f"c,{NURSE},\n" * 100
    with pytest.raises(BatchInputError, match=r"in\.csv, line 3: a quote opens there and is never closed"):
        answer(text)
    assert not (tmp_path / "out.parquet").exists()


def test_quoted_line_breaks_and_sloppy_quotes(answer: Answer, tmp_path: Path):
    report = answer(f'id,occupation,note\na,{NURSE},"one\ntwo"\nb,{NURSE},"x"y\nc,{NURSE},\n')
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == ["a", "c"]
    assert report.rejected == {"a line with ',' expected after '\"'": 1}


def test_ids_stay_as_they_are_written(answer: Answer, tmp_path: Path):
    answer(f"id,occupation\nNA,{NURSE}\nnull,{NURSE}\n007,{NURSE}\n")
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == ["NA", "null", "007"]


FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1", "'=1", "-5", "plain", " =1", "'quoted'"]


def cells_of(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as opened:
        return [row[0] for row in csv.reader(opened)][1:]


def test_no_id_is_a_formula_in_csv_and_each_comes_back_when_read(answer: Answer, tmp_path: Path):
    """In answers and in rejects: unchanged in Parquet, prefixed with a quote in CSV, which reading removes."""
    written = ["'=1+1", "'+cmd", "'-2+3", "'@SUM(A1)", "'\t=1", "'＝1", "''=1", "-5", "plain", "' =1", "'quoted'"]
    twice = pa.table({"id": FORMULAS * 2, "occupation": [NURSE] * len(FORMULAS) + ["99-9999"] * len(FORMULAS)})
    answer(twice, output="out.csv")
    assert cells_of(tmp_path / "out.csv") == written
    assert cells_of(tmp_path / "out.rejects.csv") == written
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([["id", "occupation"], *([each, NURSE] for each in cells_of(tmp_path / "out.rejects.csv"))])
    answer(tmp_path / "in.csv")
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == FORMULAS
    answer(tmp_path / "in.csv", output="again.csv")
    assert cells_of(tmp_path / "again.csv") == written


def test_numbers_in_csv_stay_numbers(answer: Answer, tmp_path: Path):
    answer(
        pa.table({"id": [-5, 7], "occupation": ["43-6013.00", NURSE], "to": [NURSE, "43-6013.00"]}),
        target="to",
        output="out.csv",
    )
    with (tmp_path / "out.csv").open(newline="") as file:
        steps = {row["id"]: row["job_zone_step"] for row in csv.DictReader(file)}
    assert set(steps) == {"-5", "7"}
    assert all(re.fullmatch(r"-?[0-9]*", step) for step in steps.values())


def test_reasons_that_quote_a_name_are_no_formula_either(answer: Answer, tmp_path: Path):
    answer("id,=job\n1,nurse\n", occupation_column="=job")
    with rejects_of(tmp_path / "out.parquet").open(newline="") as file:
        assert next(csv.DictReader(file))["error"].startswith("'=job: 'nurse' is not an O*NET-SOC code")


def test_columns_are_found_whatever_their_case(answer: Answer, tmp_path: Path):
    answer(f"ID, Occupation ,WRITING\n1,{NURSE},2\n")
    [row] = rows_of(tmp_path / "out.parquet")
    assert (row["from_onet_soc_code"], row["own_levels"], row["skills_compared"]) == (NURSE, 1, 35)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"occupation_column": "jobcode"}, "no column 'jobcode' of current occupations"),
        ({"output": "out.xlsx"}, "out.xlsx: name a file that ends in .csv or .parquet, or a folder"),
    ],
)
def test_a_slip_in_an_option_is_an_error(answer: Answer, options: dict[str, str], says: str):
    with pytest.raises(BatchInputError, match=re.escape(says)):
        answer(f"id,occupation,Writing\n1,{NURSE},2\n", **options)


def test_one_column_may_be_id_and_occupation(answer: Answer, tmp_path: Path):
    answer(f"occupation\n{NURSE}\n", id_column="occupation")
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == [NURSE]


def test_semicolons_are_named(answer: Answer):
    with pytest.raises(BatchInputError, match="separated by ';'; save the file with commas"):
        answer(f"id;occupation\n1;{NURSE}\n")


def test_text_levels_are_read_by_one_rule(answer: Answer, tmp_path: Path):
    """Independent of the values in other rows."""
    for others in (["4"], ["4", "x"]):
        levels = ["nan", "4_0", *others]
        report = answer(pa.table({"id": range(len(levels)), "Writing": levels}), min_own_levels=1)
        assert {"Writing: 'nan' is not a number", "Writing: '4_0' is not a number"} <= set(report.rejected)
        assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == [2]


def test_rejects_are_in_place_before_what_they_belong_to(answer: Answer, tmp_path: Path):
    (tmp_path / "out").mkdir()
    blocked = tmp_path / "out" / "_part-00000.rejects.csv"
    text = f"id,occupation\n1,99-9999.00\n2,{NURSE}\n"
    answer(text, output="out")
    assert blocked.exists()
    (tmp_path / "out" / "part-00000.parquet").unlink()
    blocked.unlink()
    blocked.mkdir()
    with pytest.raises(OSError, match="_part-00000"):
        answer(tmp_path / "in.csv", output="out")
    assert not (tmp_path / "out" / "part-00000.parquet").exists()


# -- an occupation, or enough own levels ------------------------------------------------------------------------------


def with_levels(ratings: Ratings, rows: dict[str, tuple[str, int]], occupation: str = "occupation") -> str:
    """Return CSV rows by id, each of an occupation and so many own levels."""
    lines = [",".join([key, code, *(["3"] * count + [""] * (35 - count))]) for key, (code, count) in rows.items()]
    return "\n".join([",".join(["id", occupation, *ratings.element_names]), *lines, ""])


TOO_FEW = "no occupation, and fewer than 18 own levels"


@pytest.mark.parametrize("output", ["out.parquet", "out"])
@pytest.mark.parametrize("as_table", [False, True])
def test_a_row_needs_an_occupation_or_half_of_the_levels(
    answer: Answer, ratings: Ratings, tmp_path: Path, output: str, as_table: bool
):
    text = with_levels(
        ratings, {"a": (NURSE, 0), "b": (NURSE, 1), "c": ("", 18), "d": ("", 17), "e": ("", 1), "f": ("", 0)}
    )
    header, *rows = csv.reader(text.splitlines())
    given = pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))) if as_table else text
    report = answer(given, output=output)
    made = tmp_path / output if "." in output else tmp_path / output / "part-00000.parquet"
    assert [row["id"] for row in rows_of(made)] == ["a", "b", "c"]
    assert rejects(rejects_of(made)) == {"d": TOO_FEW, "e": TOO_FEW, "f": "neither an occupation nor an own level"}
    assert report.rejected[TOO_FEW] == 2


def test_the_least_number_of_own_levels_can_be_chosen(answer: Answer, ratings: Ratings, tmp_path: Path):
    text = with_levels(ratings, {"a": ("", 3), "b": ("", 2), "c": ("", 0)})
    report = answer(text, min_own_levels=3)
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == ["a"]
    assert report.rejected["no occupation, and fewer than 3 own levels"] == 1
    assert answer(text, output="b.parquet", min_own_levels=1).lines == 2


def test_a_kernel_by_itself_needs_half_of_the_levels_too(ratings: Ratings):
    columns = find_columns(
        ["id", "occupation", "Writing"], ratings, id_column="id", occupation_column=None, target_column=None
    )
    batch = pa.RecordBatch.from_pydict({"id": [1], "occupation": pa.array([None], pa.string()), "Writing": [3.0]})
    assert GapKernel(ratings, columns, MANAGER)(batch).column("error").to_pylist() == [TOO_FEW]


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Job Code", ["x17", "x18"]),
        ("SOC", ["x", "y"]),
        ("O*NET-SOC Code", ["", ""]),
        ("occ_code", ["", ""]),
        ("PositionTitle", ["Chief", "Aide"]),
        ("ocupation", ["", ""]),
        ("Current Job", ["", ""]),
        ("f7", ["29-1141", "11-9111.00"]),
        ("f7", ["registered nurses", "Chief Executives"]),
        ("f7", ["29114100", ""]),
    ],
)
def test_a_column_that_looks_like_the_missing_one_is_suggested(
    answer: Answer, tmp_path: Path, name: str, values: list[str], as_table: bool
):
    """By its name or its values. Two columns of levels are too few to answer any row, so nothing is written."""
    names = ("id", name, "since", "Writing", "Speaking")
    rows = [("1", values[0], "20240101", "3", "4"), ("2", values[1], "20200301", "3", "")]
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    text = "\n".join(",".join(row) for row in (names, *rows))
    with pytest.raises(BatchInputError) as refused:
        answer(table if as_table else text)
    said = str(refused.value)
    assert "no column 'occupation'" in said
    assert f"{name!r} looks like it: --occupation" in said
    assert "a row needs 18 own levels (--min-own-levels)" in said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.parquet" if as_table else "in.csv"]


def test_a_suggested_column_of_titles_or_codes_can_be_used(answer: Answer, tmp_path: Path):
    text = "id,Job\n1,registered nurses\n2,29114100\n3,Wizard\n"
    with pytest.raises(BatchInputError, match="'Job' looks like it: --occupation Job"):
        answer(text)
    answer(text, occupation_column="Job")
    assert [row["from_onet_soc_code"] for row in rows_of(tmp_path / "out.parquet")] == [NURSE, NURSE]
    assert rejects(rejects_of(tmp_path / "out.parquet"))["3"].startswith("Job: 'Wizard' is not an O*NET-SOC code")


def test_a_wrong_name_of_the_occupation_column_gets_a_suggestion(answer: Answer):
    with pytest.raises(
        BatchInputError, match=r"no column 'jobcode' of .*; 'Job Code' looks like it: --occupation 'Job"
    ):
        answer("id,Job Code,note\n1,29-1141,x\n", occupation_column="jobcode")


def test_columns_that_differ_in_case_alone_are_an_error(answer: Answer):
    with pytest.raises(BatchInputError, match="column 'occupation' is ambiguous: 'Occupation' or 'OCCUPATION'"):
        answer(f"id,Occupation,OCCUPATION,Writing\n1,{NURSE},{MANAGER},3\n", min_own_levels=1)


def test_every_column_that_gives_nothing_is_named(ratings: Ratings, tmp_path: Path):
    (tmp_path / "in.csv").write_text(with_levels(ratings, {"a": ("x", 34), "b": ("y", 18)}, occupation="Job Code"))
    options: dict[str, Any] = {"target": MANAGER, "nearest": 0, "similarity": None, "each": "row", "id_column": "id"}
    _, columns = answer_file(
        tmp_path / "in.csv",
        tmp_path / "out.parquet",
        ratings,
        occupation_column=None,
        scheduler=None,
        on_rows=lambda *_: None,
        **options,
    )
    assert columns.unused == ["Job Code"]
    assert columns.suggestion == "'Job Code' looks like it: --occupation 'Job Code'"
    assert columns.empty == [ratings.element_names[34]]


def test_another_least_number_of_levels_is_another_run(answer: Answer, tmp_path: Path):
    text = f"id,occupation,Writing\n1,{NURSE},3\n"
    answer(text, output="parts")
    with pytest.raises(BatchInputError, match="has parts of another run"):
        answer(tmp_path / "in.csv", output="parts", min_own_levels=1)


# -- parts ------------------------------------------------------------------------------------------------------------


def test_a_run_that_was_cut_off_makes_the_parts_that_are_missing(answer: Answer, ratings: Ratings, tmp_path: Path):
    sizes = Sizes(rows_per_part=1_000)
    table = people(ratings, 4_500, seed=1)
    answer(table, target="wants", row_group_size=500, sizes=sizes)
    whole = pq.read_table(tmp_path / "out.parquet")

    answered = []

    def fail_in_the_third(rows: int, total: int | None) -> None:
        answered.append((rows, total))
        if rows > 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(table, target="wants", output="parts", row_group_size=500, on_rows=fail_in_the_third, sizes=sizes)
    parts = tmp_path / "parts"
    assert sorted(each.name for each in parts.glob("part*")) == ["part-00000.parquet", "part-00001.parquet"]
    assert answered[0] == (1_000, 4_500)
    kept = (parts / "part-00000.parquet").stat().st_mtime_ns
    (parts / ".part-00002.parquet.99999.part").write_bytes(b"half")  # as left by a killed run
    # the same file: a copy of it would be another input
    report, _ = answer_again(ratings, tmp_path, "wants", sizes=sizes)
    assert (report.parts_there, report.rows) == (2, 2_500)
    assert (parts / "part-00000.parquet").stat().st_mtime_ns == kept
    assert pq.read_table(parts).equals(whole)
    assert list(parts.glob(".*")) == []


def answer_again(ratings: Ratings, folder: Path, target: str, **options: Any) -> Any:
    usual = {"nearest": 0, "similarity": None, "each": "row", "id_column": "id", "occupation_column": None}
    usual |= {"scheduler": None, "on_rows": lambda *_: None}
    return answer_file(folder / "in.parquet", folder / "parts", ratings, target=target, **{**usual, **options})


def test_parts_of_another_run_are_not_mixed_in(answer: Answer, ratings: Ratings, tmp_path: Path):
    answer(people(ratings, 50, seed=1), target="wants", output="parts")
    with pytest.raises(BatchInputError, match=r"has parts of another run \(_batch.json"):
        answer_again(ratings, tmp_path, NURSE)
    manifest = json.loads((tmp_path / "parts" / "_batch.json").read_text())
    assert manifest["data_version"] == ratings.data_version
    (tmp_path / "parts" / "_batch.json").unlink()
    with pytest.raises(BatchInputError, match="is not empty"):
        answer_again(ratings, tmp_path, "wants")


def test_csv_and_parquet_give_the_same(answer: Answer, ratings: Ratings, tmp_path: Path):
    sizes = Sizes(rows_per_batch=40, rows_per_part=150)
    table = people(ratings, 700, seed=5)
    answer(table, target="wants", output="a.parquet", sizes=sizes)
    text = "\n".join(
        ",".join("" if value is None else f'"{value}"' for value in row)
        for row in zip(*table.to_pydict().values(), strict=True)
    )
    header = ",".join(f'"{name}"' for name in table.column_names)
    report = answer(f"{header}\n{text}\n", target="wants", output="b", sizes=sizes)
    assert report.rows == 700
    assert len(list((tmp_path / "b").glob("part-*.parquet"))) > 2
    ours, theirs = pq.read_table(tmp_path / "a.parquet"), pq.read_table(tmp_path / "b")
    assert theirs.column("id").to_pylist() == [str(each) for each in ours.column("id").to_pylist()]
    assert theirs.drop_columns("id").equals(ours.drop_columns("id"))


def test_an_input_without_rows_gives_a_file_without_lines(answer: Answer, tmp_path: Path):
    report = answer("id,occupation\n", output="out.parquet")
    assert (report.rows, report.lines) == (0, 0)


# -- the kernel elsewhere ---------------------------------------------------------------------------------------------


def test_a_pickled_kernel_maps_record_batches_by_itself(ratings: Ratings):
    table = people(ratings, 300, seed=2)
    columns = find_columns(
        table.column_names, ratings, id_column="id", occupation_column="occupation", target_column="wants"
    )
    kernel = GapKernel(ratings, columns)
    elsewhere = pickle.loads(pickle.dumps(kernel))  # noqa: S301 - our own
    whole = kernel(table.combine_chunks().to_batches()[0])
    assert whole.schema.names[:4] == ["id", "from_onet_soc_code", "to_onet_soc_code", "own_levels"]
    parts = [elsewhere(batch) for batch in table.to_batches(max_chunksize=70)]
    assert {part.schema for part in parts} == {whole.schema}
    assert pa.Table.from_batches(parts).equals(pa.Table.from_batches([whole]))


def test_figures_without_inputs_are_null_and_named(
    answer: Answer, levels_alone: Engine, no_errors: Engine, tmp_path: Path
):
    with read(levels_alone) as one, read(no_errors) as other:
        alone, untested = get_ratings(one), get_ratings(other)
    people = f"id,occupation,Writing\n1,{NURSE},\n2,{NURSE},4.5\n"
    answer(people, ratings=alone)
    for line in rows_of(tmp_path / "out.parquet"):
        assert (line["weighted_shortfall"], line["distinguishable_shortfall"], line["shortfall_percentile"]) == (
            None,
            None,
            None,
        )
        assert (line["unavailable"], line["distinguishable_gaps"] > 0) == ("no importance", True)
    answer(people, ratings=untested)
    for line in rows_of(tmp_path / "out.parquet"):
        assert (line["distinguishable_gaps"], line["distinguishable_shortfall"]) == (None, None)
        assert line["weighted_shortfall"] > 0
    answer(people, ratings=untested, each="gap")
    assert {line["distinguishable"] for line in rows_of(tmp_path / "out.parquet")} == {None}
