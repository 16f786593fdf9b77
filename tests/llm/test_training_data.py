"""The text of an occupation: equal to the files, and without ratings."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest

from skillgap.analysis.similarity.profiles import Profile
from skillgap.llm.training_data import Levels
from tests.conftest import onet_zip

DEVELOPER, NURSE, MILITARY = "15-1252.00", "29-1141.00", "55-1011.00"


def lines(name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(onet_zip("29_0")) as zipped:
        [member] = [path for path in zipped.namelist() if path.endswith(f"/{name}.txt")]
        text = zipped.read(member).decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.release
@pytest.mark.parametrize("code", [DEVELOPER, NURSE])
def test_a_profile_is_what_the_files_say(profiles: dict[str, Profile], code: str):
    def of(name: str, column: str) -> list[str]:
        return [line[column] for line in lines(name) if line["O*NET-SOC Code"] == code]

    profile = profiles[code]
    assert [profile.title] == of("Occupation Data", "Title")
    assert [profile.description] == of("Occupation Data", "Description")
    assert list(profile.tasks) == of("Task Statements", "Task")
    assert list(profile.alternate_titles) == of("Alternate Titles", "Alternate Title")
    assert [str(profile.job_zone)] == of("Job Zones", "Job Zone")
    interests = [
        line["Data Value"] for line in lines("Interests") if (line["O*NET-SOC Code"], line["Scale ID"]) == (code, "OI")
    ]
    assert [f"{value:.2f}" for value in profile.interests] == interests
    assert profile.abstention is None


def test_44_unrated_occupations_can_be_predicted_and_the_others_say_why_not(
    profiles: dict[str, Profile], levels: Levels
):
    unrated = [profile for code, profile in profiles.items() if code not in levels.codes]
    assert len(unrated) == 137
    assert sum(profile.abstention is None for profile in unrated) == 44
    assert "no tasks and no Job Zone" in profiles[MILITARY].abstention
    assert all(profiles[code].abstention is None for code in levels.codes)


@pytest.mark.release
def test_levels_are_the_exact_eighths_of_the_file(levels: Levels):
    row = levels.codes.index(NURSE)
    values = [
        float(line["Data Value"])
        for line in lines("Skills")
        if (line["O*NET-SOC Code"], line["Scale ID"]) == (NURSE, "LV")
    ]
    assert np.abs(levels.level[row] - values).max() <= 0.005 + 1e-9
    assert np.array_equal(levels.level * 8, np.rint(levels.level * 8))
    assert levels.level.shape == (879, 35)
