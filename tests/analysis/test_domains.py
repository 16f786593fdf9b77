"""Knowledge, abilities and work activities work like skills, each with its own errors and numbers of raters."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import Engine

from benchmarks.all_gaps import all_gaps
from skillgap.analysis.gap import identify_skill_gap, summarize_gaps
from skillgap.analysis.pairs import shortfalls_from, weighted_shortfalls
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.significance import compare_means, least_standard_error
from skillgap.errors import UnknownOccupation, UnratedOccupation
from skillgap.models import Anchor, LevelAnchors
from skillgap.nodes.extract_load_text_files import extract_load_text_files
from skillgap.onet.domains import DOMAIN_TABLES, domain_of
from skillgap.service.ratings import get_all_ratings, get_occupation_skills, get_ratings
from skillgap.store.engine import make_engine, read
from tests.conftest import onet_zip

CHIEFS, NURSES, MANAGERS, DEVELOPERS = "11-1011.00", "29-1141.00", "11-9111.00", "15-1252.00"


@pytest.fixture(scope="module")
def all_29(whole_29: Engine) -> Ratings:
    with read(whole_29) as connection:
        return get_all_ratings(connection)["onet"]


def knowledge_rows() -> dict[tuple[str, str, str], dict[str, str]]:
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        text = zipped.read("db_29_0_text/Knowledge.txt").decode()
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {(row["O*NET-SOC Code"], row["Element ID"], row["Scale ID"]): row for row in rows}


def test_every_rating_of_the_knowledge_file_is_in_its_domain(all_29: Ratings):
    knowledge, rows = all_29.of_domain("knowledge"), knowledge_rows()
    assert knowledge.data_value.shape == (879, 33)
    for i, code in enumerate(knowledge.codes):
        for k, element_id in enumerate(knowledge.element_ids):
            level, importance = (rows[code, element_id, scale] for scale in ("LV", "IM"))
            error = level["Standard Error"]
            assert knowledge.data_value[i, k] == float(level["Data Value"])
            assert knowledge.importance[i, k] == float(importance["Data Value"])
            assert knowledge.n[i, k] == (0 if level["N"] == "n/a" else int(level["N"]))
            assert knowledge.not_relevant[i, k] == (level["Not Relevant"] == "Y")
            assert np.array_equal(knowledge.standard_error[i, k], np.nan if error == "n/a" else float(error), True)


def test_the_domains_divide_all_elements(all_29: Ratings):
    skills, knowledge = all_29.of_domain("skills"), all_29.of_domain("knowledge")
    assert sorted((*skills.element_ids, *knowledge.element_ids)) == list(all_29.element_ids)
    assert set(map(domain_of, skills.element_ids)) == {"skills"}
    assert all_29.of_domain("all") is all_29
    assert all_29.of_domain("skills") is skills
    assert domain_of("1.A.1.a.1") == "abilities"
    assert domain_of("4.A.2.a.4") == "work_activities"


def test_skills_are_the_same_whichever_way_they_are_read(whole_29: Engine, all_29: Ratings):
    with read(whole_29) as connection:
        alone = get_ratings(connection, "onet")
    one, other = (identify_skill_gap(NURSES, MANAGERS, each) for each in (alone, all_29.of_domain("skills")))
    assert one == other


def test_gaps_of_all_domains_are_those_of_each_apart_from_the_correction_for_more_tests(all_29: Ratings):
    found = {
        each: identify_skill_gap(CHIEFS, NURSES, all_29.of_domain(each)) for each in ("skills", "knowledge", "all")
    }
    gaps = {each: {row.element_id: row.gap for row in report.skill_gaps} for each, report in found.items()}
    assert gaps["all"] == gaps["skills"] | gaps["knowledge"]
    assert {row.domain for row in found["all"].skill_gaps} == {"skills", "knowledge"}
    assert found["all"].domain == "all"
    assert [found[each].summary.skills_compared for each in found] == [35, 33, 68]
    assert found["all"].domains_compared == ["skills", "knowledge"]


def test_a_domain_that_one_side_lacks_is_not_compared(all_29: Ratings):
    # Only skills are predicted: counting 33 knowledge areas as 0 would invent as many gaps.
    level = all_29.data_value.copy()
    level[all_29.row(NURSES), [domain == "knowledge" for domain in all_29.element_domains]] = np.nan
    partly = replace(all_29, data_value=level)
    for current, target in ((NURSES, MANAGERS), (MANAGERS, NURSES)):
        found, skills = (identify_skill_gap(current, target, each) for each in (partly, all_29.of_domain("skills")))
        assert found.domains_compared == ["skills"]
        assert {row.domain for row in (*found.skill_gaps, *found.surplus_skills)} == {"skills"}
        assert (found.skill_gaps, found.surplus_skills) == (skills.skill_gaps, skills.surplus_skills)
        unknown = dict.fromkeys(("shortfall_percentile", "shortfall_percentile_lower", "shortfall_percentile_upper"))
        assert found.summary == replace(skills.summary, **unknown, unavailable=found.summary.unavailable)
        assert found.summary.unavailable.keys() == unknown.keys()
    a, b = partly.rows[NURSES], partly.rows[MANAGERS]
    [summary] = summarize_gaps(a, np.array([b]), partly)
    assert summary == identify_skill_gap(NURSES, MANAGERS, partly).summary
    expected = identify_skill_gap(NURSES, MANAGERS, all_29.of_domain("skills")).summary.weighted_shortfall
    assert weighted_shortfalls(partly)[a, b].round(4) == shortfalls_from(a, partly)[b].round(4) == expected
    assert np.isfinite(all_gaps(partly)).all()


def test_knowledge_is_tested_with_its_own_errors_and_numbers_of_raters(all_29: Ratings):
    rows = knowledge_rows()
    report = identify_skill_gap(CHIEFS, NURSES, all_29.of_domain("knowledge"))
    for gap in (*report.skill_gaps, *report.surplus_skills):
        sides = [rows[code, gap.element_id, "LV"] for code in (CHIEFS, NURSES)]
        value, error, n = ([float(side[name]) for side in sides] for name in ("Data Value", "Standard Error", "N"))
        deviation = [max(e, 1 / k) * np.sqrt(k) for e, k in zip(error, n, strict=True)]
        theirs = stats.ttest_ind_from_stats(
            value[1], deviation[1], n[1], value[0], deviation[0], n[0], equal_var=n[0] == n[1]
        )
        assert gap.p_value == pytest.approx(theirs.pvalue, abs=1.1e-6)


def test_without_errors_on_both_sides_nothing_is_distinguishable(all_29: Ratings):
    # Experts rated the managers' knowledge, and O*NET publishes no standard errors for experts.
    report = identify_skill_gap(NURSES, MANAGERS, all_29.of_domain("knowledge"))
    summary = report.summary
    assert (summary.gaps, summary.skills_compared, summary.skills_tested, summary.distinguishable_gaps) == (
        23,
        33,
        0,
        None,
    )
    assert {(row.p_value, row.standard_error, row.distinguishable) for row in report.skill_gaps} == {(None, None, None)}


def test_the_least_error_is_one_rater_one_point_off():
    for n in (2, 8, 28, 99):
        ratings = [3.0] * (n - 1) + [4.0]
        assert np.std(ratings, ddof=1) / np.sqrt(n) == pytest.approx(least_standard_error(np.array(n)))
    assert np.isnan(least_standard_error(np.array(0)))


def test_an_error_without_a_number_of_raters_is_no_test():
    found = compare_means(
        np.array([3.0, 3.0]),
        standard_errors=(np.array([0.2, 0.2]), np.array([0.2, 0.2])),
        n=(np.array([0, 8]), np.array([28, 28])),
    )
    assert np.isnan(found.p_value[0])
    assert found.is_distinguishable.tolist() == [False, True]


@pytest.mark.parametrize("domain", ["abilities", "work_activities"])
def test_a_domain_that_is_not_loaded_is_an_error(all_29: Ratings, domain: str):
    with pytest.raises(UnratedOccupation, match=f"no {domain.replace('_', ' ')} ratings are loaded"):
        identify_skill_gap(CHIEFS, NURSES, all_29.of_domain(domain))
    with pytest.raises(UnknownOccupation):
        identify_skill_gap("99-9999.00", CHIEFS, all_29.of_domain(domain))


def test_an_occupation_without_knowledge_ratings_is_an_error(all_29: Ratings):
    with pytest.raises(UnratedOccupation, match=r"has no knowledge ratings for 15-1252\.00 \(Software Developers\)"):
        identify_skill_gap(CHIEFS, DEVELOPERS, all_29.of_domain("knowledge"))


def test_the_knowledge_of_one_occupation_equals_that_among_all(whole_29: Engine, all_29: Ratings):
    with read(whole_29) as connection:
        found = get_occupation_skills(connection, NURSES, domain="knowledge")
    assert found == all_29.of_domain("knowledge").skills(NURSES)
    assert found[0].element_name == "Medicine and Dentistry" or found[0].importance >= found[1].importance
    assert len(found) == 33


@pytest.mark.release
def test_other_domains_load_like_skills(tmp_path: Path):
    # The test release has no Abilities and Work Activities, so skills under other ids replace them.
    folder = tmp_path / "db_29_0_text"
    folder.mkdir()
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        for name in ("Occupation Data", "Scales Reference", "Skills", "Read Me"):
            (folder / f"{name}.txt").write_bytes(zipped.read(f"db_29_0_text/{name}.txt"))
        model = zipped.read("db_29_0_text/Content Model Reference.txt").decode()
    skills = (folder / "Skills.txt").read_text()
    header, *lines = skills.splitlines()
    ids = sorted({line.split("\t")[1] for line in lines})
    for name, prefix in (("Abilities", "1.A"), ("Work Activities", "4.A")):
        moved = {old: f"{prefix}.9.{k:02}" for k, old in enumerate(ids)}
        model += "".join(f"{new}\t{name} {new}\tText\r\n" for new in moved.values())
        cells = [line.split("\t") for line in lines]
        text = "\n".join("\t".join([row[0], moved[row[1]], "n/a", *row[3:]]) for row in cells)
        (folder / f"{name}.txt").write_text(f"{header}\n{text}\n")
    (folder / "Content Model Reference.txt").write_text(model)
    engine = make_engine(f"sqlite:///{tmp_path}/skillgap.db")
    extract_load_text_files(engine, str(folder), cache_dir=tmp_path)
    with read(engine) as connection:
        found = get_all_ratings(connection)["onet"]
    skills_found = found.of_domain("skills")
    for domain in ("abilities", "work_activities"):
        other = found.of_domain(domain)
        np.testing.assert_array_equal(other.data_value, skills_found.data_value)
        one, two = (identify_skill_gap(CHIEFS, NURSES, each) for each in (skills_found, other))
        assert (one.summary, [row.gap for row in one.skill_gaps]) == (two.summary, [row.gap for row in two.skill_gaps])
        assert two.skill_gaps[0].element_name.startswith(DOMAIN_TABLES[domain][:4])
    assert found.data_value.shape == (879, 105)


# -- what a level means ------------------------------------------------------------------------------------------------


def test_the_anchors_around_every_level_of_29_0(all_29: Ratings):
    anchors: dict[str, list[Anchor]] = defaultdict(list)
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        text = zipped.read("db_29_0_text/Level Scale Anchors.txt").decode()
    for row in csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE):
        anchors[row["Element ID"]].append(Anchor(int(row["Anchor Value"]), row["Anchor Description"]))
    for code in (CHIEFS, NURSES, "51-2092.00"):
        for skill in all_29.skills(code):
            level = all_29.level[all_29.row(code), all_29.element_ids.index(skill.element_id)]
            below = [each for each in anchors[skill.element_id] if each.anchor_value <= level]
            above = [each for each in anchors[skill.element_id] if each.anchor_value > level]
            expected = LevelAnchors(
                max(below, key=lambda each: each.anchor_value, default=None),
                min(above, key=lambda each: each.anchor_value, default=None),
            )
            assert skill.anchors == expected, skill
