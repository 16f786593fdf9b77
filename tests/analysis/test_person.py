"""A person's own levels: stated levels count as stated, unknown ones are neither gaps nor matches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.person import identify_person_gap, profile_template
from skillgap.analysis.ratings import Ratings
from skillgap.errors import InvalidCode, InvalidProfile, UnknownOccupation, UnratedOccupation
from skillgap.models import Anchor, LevelAnchors
from skillgap.models.person import OwnProfile
from tests.analysis.builders import make_ratings

NURSES, MANAGERS, DEVELOPERS = "29-1141.00", "11-9111.00", "15-1252.00"


@pytest.fixture
def small() -> Ratings:
    return make_ratings(
        {"11-0000.00": [2.0, 3.0, 4.0], "12-0000.00": [4.12, 3.5, 1.0]}, importance={"12-0000.00": [4.0, 2.0, 3.0]}
    )


def test_own_levels_are_worked_by_hand(small: Ratings):
    report = identify_person_gap(OwnProfile({"Skill 0": 3.0, "2.A.1": 5}), "12-0000.00", small)
    [gap], [surplus], [unknown] = report.skill_gaps, report.surplus_skills, report.unknown_skills
    # 4.12 stands for 4.125. Only the target is uncertain: its standard error 0.125, with 7 degrees of freedom.
    assert (gap.element_id, gap.from_data_value, gap.from_source, gap.gap) == ("2.A.0", 3.0, "own", 1.125)
    assert gap.standard_error == 0.125
    assert gap.p_value == pytest.approx(2 * stats.t.sf(1.125 / 0.125, 7), abs=1e-6)
    assert (gap.gap_upper - gap.gap) == pytest.approx(stats.t.ppf(0.975, 7) * 0.125, abs=1e-4)
    assert (surplus.element_id, surplus.gap) == ("2.A.1", -1.5)
    assert (unknown.element_id, unknown.data_value) == ("2.A.2", 1.0)
    # Over the known levels: (1.125 x 4 + 0 x 2) / (4 + 2)
    assert report.summary.weighted_shortfall == 0.75
    assert (report.summary.skills_compared, report.summary.shortfall_percentile, report.own_levels) == (2, None, 2)
    assert report.from_occupation is None


def test_a_skill_of_little_weight_has_all_the_weight_if_no_other_level_is_known():
    ratings = make_ratings({"12-0000.00": [4.0, 3.5]}, importance={"12-0000.00": [0.5, 2.0]})
    report = identify_person_gap(OwnProfile({"Skill 0": 3.0}), "12-0000.00", ratings)
    assert report.summary.weighted_shortfall == 1.0


def test_zero_is_a_level_and_null_is_unknown(small: Ratings):
    report = identify_person_gap(OwnProfile({"Skill 0": 0.0, "Skill 1": None}), "12-0000.00", small)
    assert [(row.element_id, row.gap) for row in report.skill_gaps] == [("2.A.0", 4.125)]
    assert [row.element_id for row in report.unknown_skills] == ["2.A.2", "2.A.1"]


@pytest.mark.parametrize("level", [3.88, 3.875, 3.8766667])
@pytest.mark.parametrize("n", [8, 28, 0])
def test_an_own_level_with_the_print_of_the_target_is_no_gap(level: float, n: int):
    ratings = make_ratings({"12-0000.00": [3.88, 4.12]}, n={"12-0000.00": [n, n]})
    report = identify_person_gap(OwnProfile({"2.A.0": level, "2.A.1": level}), "12-0000.00", ratings)
    [gap] = report.skill_gaps
    assert (gap.element_id, gap.from_data_value, gap.gap) == ("2.A.1", level, 0.25 if n == 8 else 0.24)
    assert report.surplus_skills == []


def test_without_own_levels_the_gap_is_that_of_the_occupation(ratings: Ratings):
    person = identify_person_gap(OwnProfile({}, "29-1141"), MANAGERS, ratings)
    pair = identify_skill_gap(NURSES, MANAGERS, ratings)
    assert (person.skill_gaps, person.surplus_skills, person.summary) == (
        pair.skill_gaps,
        pair.surplus_skills,
        pair.summary,
    )
    assert (person.from_occupation, person.unknown_skills) == (pair.from_occupation, [])


def test_one_own_level_changes_other_rows_only_in_their_label(ratings: Ratings):
    person = identify_person_gap(OwnProfile({"Writing": 1.0}, NURSES), MANAGERS, ratings)
    pair = identify_skill_gap(NURSES, MANAGERS, ratings)

    def others(rows: list) -> dict:
        label = {"distinguishable": False, "certainty": None, "gap_lower": None, "gap_upper": None}
        return {row.element_id: replace(row, **label) for row in rows if row.element_name != "Writing"}

    assert others(person.skill_gaps) == others(pair.skill_gaps)
    [writing] = [row for row in person.skill_gaps if row.element_name == "Writing"]
    assert (writing.from_data_value, writing.to_data_value, writing.gap) == (1.0, 4.0, 3.0)
    assert (writing.from_source, writing.from_standard_error, writing.from_date_updated) == ("own", None, None)
    assert writing.distinguishable
    assert ratings.printed(ratings.row(NURSES)).source[0] != "own"  # the shared figures are as they were


@given(levels=st.lists(st.one_of(st.none(), st.floats(0, 7)), min_size=3, max_size=3), more=st.floats(0, 7))
def test_a_higher_own_level_never_widens_a_gap(levels: list[float | None], more: float):
    ratings = make_ratings({"11-0000.00": [2.0, 3.0, 4.0], "12-0000.00": [4.12, 3.5, 1.0]})
    names = ratings.element_names
    own = dict(zip(names, levels, strict=True))
    better = {name: None if level is None else min(7.0, level + more) for name, level in own.items()}
    one, two = (identify_person_gap(OwnProfile(each), "12-0000.00", ratings) for each in (own, better))
    before, after = ({row.element_id: row.gap for row in report.skill_gaps} for report in (one, two))
    assert set(after) <= set(before)
    assert all(after[key] <= before[key] for key in after)
    if any(level is not None for level in levels):
        assert two.summary.weighted_shortfall <= one.summary.weighted_shortfall
    else:
        assert two.summary.weighted_shortfall is one.summary.weighted_shortfall is None
    known = {row.element_id for row in (*one.skill_gaps, *one.surplus_skills)}
    assert known.isdisjoint(row.element_id for row in one.unknown_skills)
    assert len(one.unknown_skills) == levels.count(None)


def test_every_invalid_field_is_named(small: Ratings):
    with pytest.raises(InvalidProfile) as caught:
        identify_person_gap(OwnProfile({"Skil 0": 1.0, "skill 1": 2.0, "2.A.1": 3.0}), "12-0000.00", small)
    assert caught.value.fields == {
        "levels.Skil 0": "no compared element has this name or id (domain all). Did you mean Skill 0?",
        "levels.2.A.1": "Skill 1 is given twice",
    }


def test_an_invalid_name_gets_a_suggestion(small: Ratings):
    same_names = replace(small, element_names=("Mathematics", "Writing", "Mathematics"))
    with pytest.raises(InvalidProfile) as caught:
        identify_person_gap(OwnProfile({"mathematics": 1.0, "q" * 99: 2.0}), "12-0000.00", same_names)
    assert caught.value.fields == {
        "levels.mathematics": "several elements have this name. Did you mean 2.A.0 or 2.A.2?",
        f"levels.{'q' * 60}": "no compared element has this name or id (domain all)",
    }


def test_an_own_level_has_no_figures_of_the_analysts():
    """Nobody rated it, so there is no error, flag or date; it has anchors, and the occupation is still shown."""
    levels = make_ratings(
        {NURSES: [2.0, 2.0], MANAGERS: [4.0, 4.0]},
        not_relevant={NURSES: [True, True]},
        recommend_suppress={NURSES: [True, True]},
        job_zones={NURSES: 3, MANAGERS: 5},
    )
    anchors = {"2.A.0": [Anchor(2, "two"), Anchor(5, "five")]}
    levels = replace(levels, anchors=anchors)
    for occupation in (NURSES, None):
        report = identify_person_gap(OwnProfile({"Skill 0": 3.0}, occupation), MANAGERS, levels)
        [own] = [row for row in report.skill_gaps if row.element_id == "2.A.0"]
        assert (own.from_data_value, own.from_source) == (3.0, "own")
        assert (own.from_not_relevant, own.from_recommend_suppress) == (False, False)
        assert (own.from_standard_error, own.from_lower, own.from_upper) == (None, None, None)
        assert own.from_anchors == LevelAnchors(*anchors["2.A.0"])
        assert report.summary.job_zone_step == (2 if occupation else None)
    [other, _] = identify_person_gap(OwnProfile({"Skill 0": 3.0}, NURSES), MANAGERS, levels).skill_gaps
    assert (other.from_not_relevant, other.from_recommend_suppress, other.from_source) == (True, True, "text")


def test_predictions_are_credited_where_they_are_compared(ratings: Ratings):
    credited = [
        identify_person_gap(OwnProfile({"Writing": 1.0}, occupation), target, ratings).provenance.predictions
        is not None
        for occupation, target in ((NURSES, MANAGERS), (DEVELOPERS, MANAGERS), (NURSES, DEVELOPERS), (None, MANAGERS))
    ]
    assert credited == [False, True, True, False]


def test_an_empty_profile_leaves_all_skills_unknown(small: Ratings):
    report = identify_person_gap(OwnProfile({"Skill 0": None}), "12-0000.00", small)
    assert (report.skill_gaps, report.surplus_skills, len(report.unknown_skills)) == ([], [], 3)
    assert (report.summary.weighted_shortfall, report.summary.shortfall_percentile) == (None, None)
    assert report.summary.unavailable["weighted_shortfall"] == (
        "None of the levels known for both sides counts in Title 12-0000.00, so no shortfall can be computed."
    )


@pytest.mark.parametrize(
    ("occupation", "target", "error"),
    [
        ("nurse", MANAGERS, InvalidCode),
        ("99-9999.00", MANAGERS, UnknownOccupation),
        (NURSES, "55-1011.00", UnratedOccupation),
        ("55-1011.00", MANAGERS, UnratedOccupation),
    ],
)
def test_invalid_occupations_raise_the_usual_errors(
    ratings: Ratings, occupation: str, target: str, error: type[Exception]
):
    with pytest.raises(error):
        identify_person_gap(OwnProfile({"Writing": 1.0}, occupation), target, ratings)


def test_the_template_names_every_skill_without_levels(ratings: Ratings):
    template = profile_template(ratings, NURSES)
    assert list(template.levels) == list(ratings.element_names)
    assert (set(template.levels.values()), template.occupation) == ({None}, NURSES)
    report = identify_person_gap(template, MANAGERS, ratings)
    assert report.own_levels == 0
    assert np.isclose(report.summary.weighted_shortfall, 0.4583)


def test_the_template_uses_ids_for_shared_names(small: Ratings):
    shared_names = replace(small, element_names=("Mathematics", "Writing", "Mathematics"))
    assert list(profile_template(shared_names, None).levels) == ["2.A.0", "Writing", "2.A.2"]
