"""The gap between two occupations: worked by hand, recomputed independently from the raw files, and by its laws."""

from __future__ import annotations

import csv
import io
import math
import random
import zipfile
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from sqlalchemy import Engine

from benchmarks.all_gaps import all_gaps
from benchmarks.release import workbook_rows
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.means import exact_means
from skillgap.analysis.pairs import pair_of, weighted_shortfalls
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import compare_means
from skillgap.errors import NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import GapReport, GapSummary
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.service.ratings import get_ratings
from skillgap.sources import releases
from skillgap.store.engine import make_engine, read
from tests.analysis.builders import make_ratings
from tests.conftest import ONET_DIR, onet_zip


@pytest.fixture(scope="module")
def ratings(ratings: Ratings) -> Ratings:
    """The analysts' ratings of the starter, without its predictions."""
    return ratings.analysts


# -- worked by hand ---------------------------------------------------------------------------------------------------


def test_a_gap_is_worked_by_hand():
    # Skill 0: 2.88 -> 4.12 stands for 2.875 -> 4.125, so the gap is 1.25, not 1.24; skill 1: from 5 down to 3.5.
    # Shortfall: (1.25 x 4 + 0 x 2) / (4 + 2) = 0.8333
    ratings = make_ratings(
        {"11-0000.00": [2.88, 5.0], "12-0000.00": [4.12, 3.5]}, importance={"12-0000.00": [4.0, 2.0]}
    )
    report = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    [gap], [surplus] = report.skill_gaps, report.surplus_skills
    assert (gap.element_id, gap.from_data_value, gap.to_data_value, gap.gap) == ("2.A.0", 2.88, 4.12, 1.25)
    assert (gap.standard_error, gap.importance, gap.distinguishable) == (0.1768, 4.0, True)
    assert (gap.gap_lower, gap.gap_upper) == (0.8709, 1.6291)  # 1.25 ± 2.1448 x 0.17678
    assert gap.p_value == 6e-6  # t = 7.0711 with 14 degrees of freedom gives 5.6e-6, rounded up
    assert gap.from_date_updated == "2023-08"
    assert (surplus.element_id, surplus.gap) == ("2.A.1", -1.5)
    assert report.summary.weighted_shortfall == 0.8333
    assert (report.summary.gaps, report.summary.surplus, report.summary.skills_compared) == (1, 1, 2)


def test_a_summary_is_worked_by_hand():
    # A distinguishable gap of 2, an indistinguishable one of an eighth, no difference, and the same as surplus.
    ratings = make_ratings(
        {"11-0000.00": [1.0, 2.0, 3.0, 2.0, 4.0], "12-0000.00": [3.0, 2.125, 3.0, 1.875, 2.0]},
        importance={"11-0000.00": [3.0, 3.0, 3.0, 3.0, 4.3], "12-0000.00": [4.0, 5.0, 3.0, 2.0, 1.0]},
        job_zones={"11-0000.00": 2, "12-0000.00": 4},
    )
    report = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    assert report.summary == GapSummary(
        skills_compared=5,
        skills_tested=5,
        gaps=2,
        distinguishable_gaps=1,
        likely_gaps=0,
        surplus=2,
        distinguishable_surplus=1,
        weighted_shortfall=0.575,  # (2 x 4 + 0.125 x 5) / 15
        distinguishable_shortfall=0.5333,  # 8 / 15
        noise_shortfall=0.0705,  # an eighth times the root of 2, over the root of 2 pi, for each skill
        shortfall_percentile=50,  # the way back it is (0.125 x 3 + 2 x 4.3) / 16.3 = 0.5506
        shortfall_percentile_lower=0,  # the shortfall of other panels is 0.575 ± 1.96 x 0.0942
        shortfall_percentile_upper=100,
        job_zone_step=2,
    )
    assert [gap.scale_id for gap in report.skill_gaps] == ["LV", "LV"]


def test_order_is_distinguishable_gaps_first_then_importance_times_gap():
    ratings = make_ratings(
        {"11-0000.00": [1.0, 1.0, 1.0, 1.0], "12-0000.00": [2.0, 3.0, 4.0, 1.25]},
        importance={"12-0000.00": [5.0, 2.0, 1.5, 5.0]},  # importance x gap: 5, 4, 4.5, and 1.25 within noise
    )
    report = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    assert [gap.element_id for gap in report.skill_gaps] == ["2.A.0", "2.A.2", "2.A.1", "2.A.3"]
    assert [gap.distinguishable for gap in report.skill_gaps] == [True, True, True, False]


def test_a_skill_not_relevant_to_the_target_comes_last_and_never_counts():
    ratings = make_ratings(
        {"11-0000.00": [0.0, 1.0], "12-0000.00": [1.0, 1.25]},
        not_relevant={"12-0000.00": [True, False]},
        importance={"12-0000.00": [1.25, 3.0]},
    )
    report = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    assert [(gap.element_id, gap.distinguishable) for gap in report.skill_gaps] == [("2.A.1", False), ("2.A.0", False)]
    assert report.skill_gaps[1].to_not_relevant
    assert report.summary.weighted_shortfall == 0.25  # of skill 1 alone


def test_a_missing_level_counts_as_zero_and_is_never_distinguishable():
    ratings = make_ratings({"11-0000.00": [None, 2.0], "12-0000.00": [3.0, None]})
    report = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    [gap], [surplus] = report.skill_gaps, report.surplus_skills
    assert (gap.from_data_value, gap.gap, gap.p_value, gap.gap_lower, gap.distinguishable) == (
        None,
        3.0,
        None,
        None,
        None,
    )
    assert (surplus.to_data_value, surplus.gap, surplus.distinguishable) == (None, -2.0, None)
    assert report.summary.skills_compared == 0


def test_percentile_is_the_share_of_pairs_with_a_smaller_shortfall():
    # shortfalls of the six ordered pairs: 1->2 1, 1->3 2, 2->3 1, and 0 downwards
    ratings = make_ratings({"11-0000.00": [1.0], "12-0000.00": [2.0], "13-0000.00": [3.0]})
    percentiles = {
        pair: identify_skill_gap(*pair, ratings).summary.shortfall_percentile
        for pair in [("13-0000.00", "11-0000.00"), ("11-0000.00", "12-0000.00"), ("11-0000.00", "13-0000.00")]
    }
    assert list(percentiles.values()) == [0, 50, 83]


@pytest.mark.parametrize("eighths", range(57))
def test_the_eighth_behind_two_decimals_is_found(eighths: int):
    printed = float(round(Decimal(eighths) / 8, 2))  # half-even, as O*NET prints
    assert exact_means(np.array([printed]), np.array([8])) == eighths / 8


def test_values_that_eight_raters_cannot_give_are_left_alone():
    assert exact_means(np.array([2.88, 2.86, 2.88]), np.array([28, 8, 0])).tolist() == [2.88, 2.86, 2.88]


def test_all_levels_of_an_element_are_read_in_the_same_way_whatever_their_number_of_raters():
    # Most of those with a number of raters have 8, so all are read in eighths; 3.06 is no eighth and stays.
    ratings = make_ratings(
        {"11-0000.00": [3.88], "12-0000.00": [3.88], "13-0000.00": [4.12], "14-0000.00": [3.06]},
        n={"11-0000.00": [0], "14-0000.00": [0]},
        importance={"11-0000.00": [3.88], "12-0000.00": [3.88], "13-0000.00": [4.12]},
        importance_n={"11-0000.00": [0], "14-0000.00": [0]},
    )
    assert ratings.level[:, 0].tolist() == [3.875, 3.875, 4.125, 3.06]
    assert ratings.weight[:3, 0].tolist() == [3.875, 3.875, 4.125]


def test_incumbents_means_are_read_as_printed_though_one_panel_had_8():
    n = {"11-0000.00": [28], "12-0000.00": [8], "13-0000.00": [31], "14-0000.00": [19]}
    levels = {code: [level] for code, level in zip(n, (3.88, 4.12, 2.88, 4.38), strict=True)}
    assert make_ratings(levels, n=n).level[:, 0].tolist() == [3.88, 4.12, 2.88, 4.38]


@given(st.lists(st.tuples(st.integers(0, 700), st.sampled_from([0, 8, 28])), min_size=2, max_size=6))
@example([(388, 8), (388, 0), (412, 8)])
def test_exact_levels_are_in_the_order_of_their_prints(rated: list[tuple[int, int]]):
    codes = [f"1{k}-0000.00" for k in range(len(rated))]
    n = {code: [raters] for code, (_, raters) in zip(codes, rated, strict=True)}
    ratings = make_ratings({code: [each / 100] for code, (each, _) in zip(codes, rated, strict=True)}, n=n)
    printed, level = np.array([each for each, _ in rated]), ratings.level[:, 0]
    np.testing.assert_array_equal(np.sign(level[:, None] - level), np.sign(printed[:, None] - printed))
    assert np.abs(level - printed / 100).max() < 0.0051


def test_a_prediction_has_no_gap_to_a_rating_with_the_same_print():
    ratings = make_ratings(
        {"11-0000.00": [3.88, 2.0], "12-0000.00": [3.88, 2.0], "13-0000.00": [3.0, 4.0]},
        n={"12-0000.00": [0, 0]},
        lower={"12-0000.00": [3.0, 1.0]},
        upper={"12-0000.00": [4.5, 3.0]},
    )
    for pair in (("11-0000.00", "12-0000.00"), ("12-0000.00", "11-0000.00")):
        report = identify_skill_gap(*pair, ratings)
        assert (report.skill_gaps, report.surplus_skills) == ([], [])


# -- recomputed from the raw files another way ------------------------------------------------------------------------


EIGHTHS = {str(round(Decimal(k) / 8, 2)): k / 8 for k in range(57)}
"""By their print, half-even: 35 as 4.38, 33 as 4.12."""


@dataclass
class Cell:
    data_value: str
    error: str
    flag: str

    @property
    def level(self) -> float:
        """The eighth that is printed as the text, looked up instead of computed; else the number of the text."""
        return EIGHTHS.get(self.data_value, float(self.data_value))


def raw_cells(path: Path, *endings: str) -> dict[str, dict[str, dict[str, Cell]]]:
    """Return the cells of Skills, or of Essential and Transferable Skills, by scale, code and element.

    Names of other files may be given by their ends.
    """
    cells: dict[str, dict[str, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    with zipfile.ZipFile(path) as zipped:
        for name in zipped.namelist():
            if name.endswith(endings or "Skills.txt") and "Technology" not in name:
                for row in csv.DictReader(
                    io.TextIOWrapper(zipped.open(name), "utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE
                ):
                    cell = Cell(row["Data Value"], row["Standard Error"], row["Not Relevant"])
                    cells[row["Scale ID"]][row["O*NET-SOC Code"]][row["Element ID"]] = cell
    return cells


def recompute(cells: dict[str, dict[str, dict[str, Cell]]], current: str, target: str) -> dict[str, tuple]:
    """Return gap, error, p, label and flag of every skill that differs, in plain Python with a step-down search."""
    have, want = cells["LV"][current], cells["LV"][target]
    differences = {element: want[element].level - have[element].level for element in want}
    errors: dict[str, float] = {}
    for element in want:
        sides = (want[element].error, have[element].error)
        if "n/a" not in sides:
            errors[element] = math.sqrt(sum(max(float(side), 0.125) ** 2 for side in sides))
    distinguishable: set[str] = set()
    for sign in (1, -1):
        p_values = {e: stats.t.sf(sign * differences[e] / error, 14) for e, error in errors.items()}
        for rank in range(len(p_values), 0, -1):
            smallest = sorted(p_values, key=p_values.__getitem__)[:rank]
            if p_values[smallest[-1]] <= min(0.05 * rank / len(p_values), 0.025):
                distinguishable.update(smallest)
                break

    def chance(element: str) -> float | None:
        if element not in errors:
            return None
        spread = math.sqrt(0.67 * errors[element] ** 2 + 2 * 0.0197)
        return math.floor(1000 * NormalDist().cdf((abs(differences[element]) - 0.086) / spread)) / 1000

    def word(element: str) -> str | None:
        if element not in errors or want[element].flag == "Y":
            return None
        return "clear" if element in distinguishable else "likely" if (chance(element) or 0) >= 0.8 else "open"

    return {
        element: (
            round(difference, 4),
            round(errors[element], 4) if element in errors else None,
            element in distinguishable and want[element].flag != "Y" if element in errors else None,
            chance(element),
            word(element),
            want[element].flag == "Y",
        )
        for element, difference in differences.items()
        if difference
    }


def figures(report: GapReport) -> dict[str, tuple]:
    return {
        row.element_id: (
            row.gap,
            row.standard_error,
            row.distinguishable,
            row.agreement,
            row.certainty,
            row.to_not_relevant,
        )
        for row in [*report.skill_gaps, *report.surplus_skills]
    }


@pytest.fixture(scope="module")
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ratings]:
    """A release on disk, and the analysts' ratings of all its elements, read through a database."""
    folder = tmp_path_factory.mktemp("release")
    path = request.param() or write_release_29_3(folder)
    engine = make_engine(f"sqlite:///{folder}/skillgap.db")
    extract_load_text_files(engine, str(path), cache_dir=folder)
    with read(engine) as connection:
        ratings = get_ratings(connection, "onet", "all")
    engine.dispose()
    return path, ratings


def write_release_29_3(folder: Path) -> Path:
    """Write a text release with the Skills of the 29.3 workbook and the other tables that a gap needs from 29.0."""
    target, name = folder / "db_29_3_text.zip", "db_29_3_text"
    with zipfile.ZipFile(onet_zip("29_0")) as other, zipfile.ZipFile(target, "w") as zipped:
        for file in ("Occupation Data", "Content Model Reference", "Scales Reference"):
            zipped.writestr(f"{name}/{file}.txt", other.read(f"db_29_0_text/{file}.txt"))
        zipped.writestr(f"{name}/Read Me.txt", "O*NET 29.3 Database\nMay 2025 Release\n")
        header, *rows = workbook_rows(ONET_DIR / "excel_29_3" / "Skills.xlsx")
        kept = [k for k, column in enumerate(header) if column not in ("Title", "Scale Name")]
        lines = ["\t".join(row[k] or "n/a" for k in kept) for row in (header, *rows)]
        zipped.writestr(f"{name}/Skills.txt", "\r\n".join(lines) + "\r\n")
    return target


TEXT_RELEASES = [
    pytest.param(lambda: Path(releases.__file__).parent / "starter" / "starter.zip", id="starter"),
    *(pytest.param(lambda name=name: onet_zip(name), id=name) for name in ("29_0", "26_1", "30_3_layout")),
]
RELEASES = [*TEXT_RELEASES, pytest.param(lambda: None, id="29_3")]


@pytest.mark.release
@pytest.mark.parametrize("loaded", RELEASES, indirect=True)
def test_200_random_pairs_equal_a_recomputation_from_the_raw_file(loaded: tuple[Path, Ratings]):
    path, ratings = loaded
    ratings = ratings.of_domain("skills")
    cells = raw_cells(path)
    rng = random.Random(29)
    for _ in range(200):
        current, target = rng.sample(sorted(cells["LV"]), 2)
        assert figures(identify_skill_gap(current, target, ratings)) == recompute(cells, current, target)


@pytest.mark.release
@pytest.mark.parametrize("loaded", RELEASES, indirect=True)
def test_there_is_a_gap_exactly_where_the_target_prints_the_higher_level(loaded: tuple[Path, Ratings]):
    path, ratings = loaded
    printed = hundredths(path, ratings)
    for current, gaps in enumerate(all_gaps(ratings)):
        np.testing.assert_array_equal(gaps > 0, printed > printed[current], err_msg=ratings.codes[current])
    for current in range(0, len(ratings.codes), 40):
        gaps = pair_of(current, np.arange(len(ratings.codes)), ratings).gap
        np.testing.assert_array_equal(
            np.sign(gaps), np.sign(printed - printed[current]), err_msg=ratings.codes[current]
        )


def hundredths(path: Path, ratings: Ratings) -> np.ndarray:
    """Return the levels as the raw files print them, in hundredths, 0 where missing: (occupations, elements)."""
    cells = raw_cells(path, "Skills.txt", "Knowledge.txt")["LV"]
    found = np.zeros(ratings.data_value.shape, dtype=int)
    for row, code in enumerate(ratings.codes):
        for element_id, cell in cells[code].items():
            found[row, ratings.element_ids.index(element_id)] = round(100 * Decimal(cell.data_value))
    return found


@pytest.mark.release
@pytest.mark.parametrize("loaded", [TEXT_RELEASES[2]], indirect=True)
def test_26_1_has_no_gap_in_a_skill_with_equal_printed_levels(loaded: tuple[Path, Ratings]):
    path, ratings = loaded
    current, target = (raw_cells(path)["LV"][code]["2.B.1.e"].data_value for code in ("15-1211.00", "19-3091.00"))
    assert (current, target) == ("3.88", "3.88")
    report = identify_skill_gap("15-1211.00", "19-3091.00", ratings.of_domain("skills"))
    assert "Instructing" not in {row.element_name for row in [*report.skill_gaps, *report.surplus_skills]}
    assert report.summary.skills_compared == 35


def test_the_starter_gives_every_pair_the_gap_of_the_full_release(ratings: Ratings, full_ratings: Ratings):
    assert ratings.codes == full_ratings.codes
    for name in (
        "data_value",
        "standard_error",
        "n",
        "importance",
        "importance_standard_error",
        "importance_n",
        "not_relevant",
        "recommend_suppress",
        "month",
    ):
        np.testing.assert_array_equal(getattr(ratings, name), getattr(full_ratings, name), err_msg=name)
    rng = random.Random(1)
    for _ in range(300):
        pair = rng.sample(ratings.codes, 2)
        one, other = (identify_skill_gap(*pair, each) for each in (ratings, full_ratings))
        assert list(one.summary.unavailable) == ["job_zone_step"]
        assert replace(one.summary, job_zone_step=other.summary.job_zone_step, unavailable={}) == other.summary
        for rows, others in ((one.skill_gaps, other.skill_gaps), (one.surplus_skills, other.surplus_skills)):
            assert rows == [replace(row, from_anchors=None, to_anchors=None) for row in others]


@pytest.fixture(scope="module")
def full_ratings(whole_29: Engine) -> Ratings:
    with read(whole_29) as connection:
        return get_ratings(connection, "onet")


# -- what the product claims of 29.0 ----------------------------------------------------------------------------------


def share_not_distinguishable(ratings: Ratings, pairs: list[tuple[str, str]]) -> float:
    reports = [identify_skill_gap(*pair, ratings) for pair in pairs]
    gaps = sum(report.summary.gaps for report in reports)
    return 1 - sum(report.summary.distinguishable_gaps for report in reports) / gaps


@pytest.mark.slow
def test_41_percent_of_the_gaps_of_all_pairs_are_not_clear(ratings: Ratings):
    gaps = distinguishable = 0
    for level, error, n in zip(ratings.level, ratings.standard_error, ratings.n, strict=True):
        tested = compare_means(ratings.level - level, standard_errors=(error, ratings.standard_error), n=(n, ratings.n))
        is_gap = ratings.level > level
        gaps += is_gap.sum()
        distinguishable += (is_gap & tested.is_distinguishable & ~ratings.not_relevant).sum()
    assert 1 - distinguishable / gaps == pytest.approx(0.41, abs=0.01)


@pytest.mark.release
def test_67_percent_of_the_gaps_of_related_occupations_are_not_clear(ratings: Ratings):
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        lines = zipped.read("db_29_0_text/Related Occupations.txt").decode().splitlines()[1:]
    rated = set(ratings.codes)
    pairs = [tuple(line.split("\t")[:2]) for line in lines if set(line.split("\t")[:2]) <= rated]
    assert share_not_distinguishable(ratings, pairs) == pytest.approx(0.67, abs=0.01)


def test_a_random_pair_meets_83_percent_of_the_targets_level_points(ratings: Ratings):
    """Importance-weighted share of the target's level points that the current occupation reaches."""
    level, weight = ratings.level_or_zero, ratings.weight
    met = [
        (np.minimum(level, level[b]) @ weight[b] / (level[b] @ weight[b]))[np.arange(len(level)) != b].mean()
        for b in range(len(level))
    ]
    assert np.mean(met) == pytest.approx(0.83, abs=0.01)
    reached = [(level >= level[b])[np.arange(len(level)) != b].mean() for b in range(len(level))]
    assert np.mean(reached) == pytest.approx(0.54, abs=0.01), "of the skills"


# -- laws -------------------------------------------------------------------------------------------------------------

eighth_levels = st.lists(st.integers(0, 56).map(lambda k: float(round(Decimal(k) / 8, 2))), min_size=6, max_size=6)


@pytest.mark.slow
def test_an_occupation_has_no_gap_to_itself(ratings: Ratings):
    for code in ratings.codes:
        report = identify_skill_gap(code, code, ratings)
        assert report.skill_gaps == report.surplus_skills == []
        assert report.summary.weighted_shortfall == report.summary.shortfall_percentile == 0


@given(eighth_levels, eighth_levels)
def test_gaps_one_way_are_surplus_the_other_way(first: list[float], second: list[float]):
    ratings = make_ratings({"11-0000.00": first, "12-0000.00": second})
    there = identify_skill_gap("11-0000.00", "12-0000.00", ratings)
    back = identify_skill_gap("12-0000.00", "11-0000.00", ratings)
    assert {(r.element_id, r.gap, r.p_value, r.distinguishable) for r in there.skill_gaps} == {
        (r.element_id, -r.gap, r.p_value, r.distinguishable) for r in back.surplus_skills
    }


@given(eighth_levels, eighth_levels, st.integers(0, 5))
def test_raising_the_target_never_lowers_gap_or_shortfall(first: list[float], second: list[float], skill: int):
    raised = [min(7.0, level + 1.0) if k == skill else level for k, level in enumerate(second)]
    reports = [
        identify_skill_gap("11-0000.00", "12-0000.00", make_ratings({"11-0000.00": first, "12-0000.00": target}))
        for target in (second, raised)
    ]
    low, high = ({row.element_id: row.gap for row in report.skill_gaps} for report in reports)
    assert all(high[element] >= gap for element, gap in low.items())
    assert reports[1].summary.weighted_shortfall >= reports[0].summary.weighted_shortfall


@given(eighth_levels, eighth_levels)
def test_every_level_is_a_gap_a_surplus_or_equal(first: list[float], second: list[float]):
    report = identify_skill_gap("11-0000.00", "12-0000.00", make_ratings({"11-0000.00": first, "12-0000.00": second}))
    asked_more = {f"2.A.{k}" for k in range(6) if second[k] > first[k]}
    asked_less = {f"2.A.{k}" for k in range(6) if second[k] < first[k]}
    assert {row.element_id for row in report.skill_gaps} == asked_more
    assert {row.element_id for row in report.surplus_skills} == asked_less


def test_all_pairs_at_once_are_the_pairs_one_by_one(ratings: Ratings):
    gaps, shortfalls = all_gaps(ratings), weighted_shortfalls(ratings)
    rng = random.Random(7)
    for _ in range(200):
        a, b = rng.sample(range(len(ratings.codes)), 2)
        report = identify_skill_gap(ratings.codes[a], ratings.codes[b], ratings)
        by_element = {row.element_id: row.gap for row in report.skill_gaps}
        assert gaps[a, b].tolist() == [by_element.get(element, 0.0) for element in ratings.element_ids]
        assert round(shortfalls[a, b], 4) == report.summary.weighted_shortfall
    assert not gaps[np.arange(len(gaps)), np.arange(len(gaps))].any()


# -- no answer --------------------------------------------------------------------------------------------------------


def test_an_unrated_occupation_is_a_separate_error(ratings: Ratings):
    for pair in [("15-1252.00", "29-1141.00"), ("29-1141.00", "15-1252.00")]:
        with pytest.raises(
            UnratedOccupation, match=r"29\.0 has no skill ratings for 15-1252\.00 \(Software Developers\)"
        ):
            identify_skill_gap(*pair, ratings)


def test_an_unknown_occupation_names_those_of_its_group(ratings: Ratings):
    with pytest.raises(UnknownOccupation, match=r"no occupation 29-1141\.99; 29-1141 has 29-1141\.00, 29-1141\.01"):
        identify_skill_gap("29-1141.99", "29-1141.00", ratings)


def test_without_data_the_error_names_the_next_step():
    with pytest.raises(NoData, match="skillgap load starter"):
        identify_skill_gap("29-1141.00", "29-1141.01", Ratings.empty())
