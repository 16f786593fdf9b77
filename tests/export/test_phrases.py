"""A gap in plain words, compared with counts made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.export import phrases
from skillgap.models import Anchor, GapReport, LevelAnchors

NURSE, MANAGER, DEVELOPER = "29-1141.00", "11-9111.00", "15-1252.00"


@pytest.fixture(scope="module")
def report(ratings: Ratings) -> GapReport:
    return identify_skill_gap(NURSE, MANAGER, ratings)


def first(report: GapReport) -> str:
    return phrases.in_plain_words(report)[0].removeprefix(
        "Medical and Health Services Managers need a higher level in "
    )


def test_the_first_sentence_counts_each_kind(report: GapReport):
    sure, chance = report.skill_gaps[:8], report.skill_gaps[8:]
    assert first(report) == "17 of 35 skills: 8 are sure, 9 may be chance."
    assert first(replace(report, skill_gaps=sure[:1] + chance[:1])) == "2 of 35 skills: 1 is sure, 1 may be chance."
    assert first(replace(report, skill_gaps=chance)) == "9 of 35 skills: none is sure, 9 may be chance."
    assert first(replace(report, skill_gaps=sure)) == "8 of 35 skills, and all of these gaps are sure."
    odd = [
        replace(chance[0], to_not_relevant=True),
        *(replace(each, p_value=None) for each in chance[1:3]),
    ]
    mixed = replace(report, skill_gaps=[*sure, *odd])
    assert first(mixed) == "11 of 35 skills: 8 are sure, 1 hardly matters there, 2 cannot be judged."
    only = [replace(each, to_not_relevant=True) for each in odd[:1]] + odd[1:]
    assert first(replace(report, skill_gaps=only)) == "3 of 35 skills: 1 hardly matters there, 2 cannot be judged."
    unknown = replace(report, skill_gaps=[replace(each, p_value=None, distinguishable=False) for each in chance])
    assert phrases.in_plain_words(unknown)[1].startswith("The error of these ratings is unknown")


@pytest.mark.parametrize(
    ("value", "sentence", "cell"),
    [
        (0, "0%", "0%"),
        (0.04, "under 1%", "<1%"),
        (0.6, "1%", "1%"),
        (51.3, "51%", "51%"),
        (99.4, "99%", "99%"),
        (99.8, "over 99%", ">99%"),
        (100, "100%", "100%"),
    ],
)
def test_a_percentage_reads_0_or_100_for_none_or_all_alone(value: float, sentence: str, cell: str):
    assert (phrases.percent(value), phrases.percent_cell(value)) == (sentence, cell)
    assert phrases.percent(99.96, decimals=1) == "over 99.9%"
    assert phrases.percent_cell(0.04, decimals=1) == "<0.1%"


def test_a_percentile_of_99_8_is_not_told_as_all_moves(report: GapReport):
    hard = replace(report, summary=replace(report.summary, shortfall_percentile=99.8))
    [said] = [words for words in phrases.in_plain_words(hard) if "possible moves" in words]
    assert "over 99% of all possible moves" in said
    assert "100" not in said


def test_nothing_missing_is_said_so(ratings: Ratings):
    same = identify_skill_gap(NURSE, NURSE, ratings)
    assert phrases.in_plain_words(same) == [
        "Nothing is missing: Registered Nurses do not need a higher level in any skill."
    ]


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (0, "an easy"),
        (20, "an easy"),
        (20.1, "an easier"),
        (60, "an ordinary"),
        (80.1, "a very hard"),
        (100, "a very hard"),
    ],
)
def test_a_move_is_called_by_its_percentile(report: GapReport, percentile: float, words: str):
    told = phrases.in_plain_words(replace(report, summary=replace(report.summary, shortfall_percentile=percentile)))
    assert f"Considering skills only, this is {words} move" in told[2]
    none = replace(report, summary=replace(report.summary, shortfall_percentile=None))
    assert "alone" not in " ".join(phrases.in_plain_words(none))


@pytest.mark.parametrize(
    ("step", "words"),
    [(None, ""), (0, "about as much"), (1, "more"), (2, "much more"), (-1, "less"), (-3, "much less")],
)
def test_job_zone_steps_in_words(step: int | None, words: str):
    assert phrases.preparation(step) == words


def test_where_nothing_can_be_compared_or_told_it_is_said_so(report: GapReport):
    none = replace(report.summary, skills_compared=0)
    empty = replace(report, skill_gaps=[], surplus_skills=[], summary=none)
    assert phrases.in_plain_words(empty) == ["No level is known on both sides, so there is nothing to compare."]
    assert phrases.in_one_sentence(empty) == "No level is known on both sides, so there is nothing to compare."
    untested = replace(report, summary=replace(report.summary, skills_tested=0, distinguishable_gaps=None))
    said = phrases.in_one_sentence(untested)
    assert said.startswith("17 of 35 skills need a higher level; it is not known which of them are beyond rater noise.")
    assert said.endswith("Weighted shortfall: 0.46 levels, more than in 51.3% of all pairs of occupations.")
    assert phrases.move(untested.summary) == "17 gaps, not known to be sure or not (0.46)"
    partly = replace(report, summary=replace(report.summary, skills_tested=33))
    assert "8 of them beyond rater noise (2 skills without standard errors not tested). " in (
        phrases.in_one_sentence(partly)
    )


def test_what_may_be_chance_has_the_reason_that_goes_with_the_levels(report: GapReport, ratings: Ratings):
    assert phrases.noise(report) == "the people who rated the occupations disagree by"
    predicted = identify_skill_gap(NURSE, DEVELOPER, ratings)
    assert phrases.noise(predicted) == "the raters disagree, or the prediction is off, by"


def test_a_move_takes_schooling_where_job_zones_are_known(report: GapReport):
    assert phrases.taking(replace(report.summary, job_zone_step=2)) == "; schooling and experience: much more"
    assert phrases.taking(replace(report.summary, job_zone_step=None)) == ""


def test_a_level_stands_between_examples_below_the_first_or_above_the_last():
    lower, upper = Anchor(2, "read a form"), Anchor(4, "read a contract")
    assert phrases.meaning(LevelAnchors(lower, upper)) == "between “read a form” (2) and “read a contract” (4)"
    assert phrases.meaning(LevelAnchors(None, lower)) == "below “read a form” (2)"
    assert phrases.meaning(LevelAnchors(upper, None)) == "“read a contract” (4) or above"
    assert phrases.meaning(None) == "no level"
