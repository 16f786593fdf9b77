"""A gap in plain words, compared with counts made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.export import phrases
from skillgap.models import Anchor, Certainty, GapReport, LevelAnchors

NURSE, MANAGER, DEVELOPER = "29-1141.00", "11-9111.00", "15-1252.00"


@pytest.fixture(scope="module")
def report(ratings: Ratings) -> GapReport:
    return identify_skill_gap(NURSE, MANAGER, ratings)


def first(report: GapReport) -> str:
    return phrases.in_plain_words(report)[0].removeprefix(
        "Medical and Health Services Managers need a higher level in "
    )


def test_the_first_sentence_counts_each_kind(report: GapReport):
    by_word = {word: [row for row in report.skill_gaps if row.certainty == word] for word in get_args(Certainty)}
    clear, likely, uncertain = by_word.values()
    assert [len(rows) for rows in by_word.values()] == [8, 2, 7]
    assert first(report) == "17 of 35 skills: 8 are clear, 2 are likely, 7 are open."
    assert first(replace(report, skill_gaps=clear[:1] + likely[:1])) == "2 of 35 skills: 1 is clear, 1 is likely."
    assert first(replace(report, skill_gaps=uncertain)) == "7 of 35 skills: none is clear, 7 are open."
    assert first(replace(report, skill_gaps=clear)) == "8 of 35 skills, and all of these gaps are clear."
    untested = {"p_value": None, "agreement": None, "certainty": None, "distinguishable": None}
    odd = [
        replace(uncertain[0], to_not_relevant=True, certainty=None),
        *(replace(each, **untested) for each in uncertain[1:3]),
    ]
    mixed = replace(report, skill_gaps=[*clear, *odd])
    assert first(mixed) == "11 of 35 skills: 8 are clear, 1 hardly matters there, 2 cannot be judged."
    assert first(replace(report, skill_gaps=odd)) == "3 of 35 skills: 1 hardly matters there, 2 cannot be judged."
    unknown = replace(report, skill_gaps=[replace(each, **untested) for each in uncertain])
    assert phrases.in_plain_words(unknown)[1].startswith("The error of these ratings is unknown")


def test_a_verdict_is_the_word_and_the_chance_in_whole_percents(report: GapReport):
    row = report.skill_gaps[-1]
    assert phrases.verdict(replace(row, certainty="likely", agreement=0.879)) == "likely 87%"
    assert phrases.verdict(replace(row, certainty="likely", agreement=0.29)) == "likely 29%"  # 0.29 * 100 is 28.999...
    assert phrases.verdict(replace(row, certainty="clear", agreement=0.999)) == "clear 99%"
    assert phrases.verdict(replace(row, certainty=None, agreement=None)) == "cannot be judged"
    assert phrases.verdict(replace(row, certainty=None, to_not_relevant=True)) == "hardly matters there"


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


def test_a_percentile_is_told_with_its_interval(report: GapReport):
    [said] = [words for words in phrases.in_plain_words(report) if "possible moves" in words]
    assert "51% (38 to 63%) of all possible moves" in said
    alone = replace(report.summary, shortfall_percentile_lower=None, shortfall_percentile_upper=None)
    [said] = [words for words in phrases.in_plain_words(replace(report, summary=alone)) if "possible moves" in words]
    assert "51% of all possible moves" in said


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
        (21, "an easier"),
        (60, "an ordinary"),
        (81, "a very hard"),
        (100, "a very hard"),
    ],
)
def test_a_move_is_called_by_its_percentile(report: GapReport, percentile: int, words: str):
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
    unknown = dict.fromkeys(("distinguishable_gaps", "likely_gaps", "noise_shortfall", "shortfall_percentile_lower"))
    untested = replace(report, summary=replace(report.summary, skills_tested=0, **unknown))
    said = phrases.in_one_sentence(untested)
    assert said.startswith("17 of 35 skills need a higher level; their certainty is unknown.")
    assert said.endswith("Weighted shortfall: 0.46 levels, more than in 51% of all pairs of occupations.")
    assert phrases.move(untested.summary) == "17 of unknown certainty; shortfall 0.46 levels"
    assert phrases.move(report.summary) == "8 clear, 2 likely, 7 open; shortfall 0.46 levels"
    partly = replace(report, summary=replace(report.summary, skills_tested=33))
    assert phrases.in_one_sentence(partly) == (
        "17 of 35 skills need a higher level: 8 clear, 2 likely, 7 open (2 skills without standard errors not tested). "
        "Weighted shortfall: 0.46 levels (0.10 would be rater noise alone), more than in 51% (38 to 63%) of all pairs "
        "of occupations."
    )


def test_a_move_takes_schooling_where_job_zones_are_known(report: GapReport):
    assert phrases.taking(replace(report.summary, job_zone_step=2)) == "; schooling and experience: much more"
    assert phrases.taking(replace(report.summary, job_zone_step=None)) == ""


def test_a_level_stands_between_examples_below_the_first_or_above_the_last():
    lower, upper = Anchor(2, "read a form"), Anchor(4, "read a contract")
    assert phrases.meaning(LevelAnchors(lower, upper)) == "between “read a form” (2) and “read a contract” (4)"
    assert phrases.meaning(LevelAnchors(None, lower)) == "below “read a form” (2)"
    assert phrases.meaning(LevelAnchors(upper, None)) == "“read a contract” (4) or above"
    assert phrases.meaning(None) == "no level"
