"""What is said of a gap in plain words, against counts made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skillgap import wording
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.model import GapReport

NURSE, MANAGER = "29-1141.00", "11-9111.00"


@pytest.fixture(scope="module")
def report(ratings: Ratings) -> GapReport:
    return identify_skill_gap(NURSE, MANAGER, ratings)


def first(report: GapReport) -> str:
    return wording.in_plain_words(report)[0].removeprefix(
        "Medical and Health Services Managers need a higher level in "
    )


def test_the_first_sentence_counts_each_kind(report: GapReport):
    sure, chance = report.skill_gaps[:8], report.skill_gaps[8:]
    assert first(report) == "17 of 35 skills: 8 are sure, 9 may be chance."
    assert first(replace(report, skill_gaps=sure[:1] + chance[:1])) == "2 of 35 skills: 1 is sure, 1 may be chance."
    assert first(replace(report, skill_gaps=chance)) == "9 of 35 skills: none is sure, 9 may be chance."
    assert first(replace(report, skill_gaps=sure)) == "8 of 35 skills, and each of these differences is sure."
    odd = [
        replace(chance[0], to_not_relevant=True),
        *(replace(each, p_value=None) for each in chance[1:3]),
    ]
    mixed = replace(report, skill_gaps=[*sure, *odd])
    assert first(mixed) == "11 of 35 skills: 8 are sure, 1 hardly matters there, 2 cannot be judged."
    only = [replace(each, to_not_relevant=True) for each in odd[:1]] + odd[1:]
    assert first(replace(report, skill_gaps=only)) == "3 of 35 skills: 1 hardly matters there, 2 cannot be judged."
    unknown = replace(report, skill_gaps=[replace(each, p_value=None, distinguishable=False) for each in chance])
    assert wording.in_plain_words(unknown)[1].startswith("O*NET does not say how far these ratings can be off")


def test_nothing_missing_is_said_so(ratings: Ratings):
    same = identify_skill_gap(NURSE, NURSE, ratings)
    assert wording.in_plain_words(same) == ["Nothing is missing: Registered Nurses need no skill at a higher level."]


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
    told = wording.in_plain_words(replace(report, summary=replace(report.summary, shortfall_percentile=percentile)))
    assert f"In skills alone, {words} move" in told[2]
    none = replace(report, summary=replace(report.summary, shortfall_percentile=None))
    assert "alone" not in " ".join(wording.in_plain_words(none))


@pytest.mark.parametrize(
    ("step", "words"),
    [(None, ""), (0, "about as much"), (1, "more"), (2, "much more"), (-1, "less"), (-3, "much less")],
)
def test_job_zone_steps_in_words(step: int | None, words: str):
    assert wording.preparation(step) == words
