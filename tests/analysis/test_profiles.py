"""Profiles of occupations from the tables of a release."""

from __future__ import annotations

import numpy as np

from skillgap.analysis.similarity.profiles import PROFILE_COLUMNS, Profile, interests_of, read_profiles, standardized

COOK, BAKER, CLERK = "35-2014.00", "51-3011.00", "43-9061.00"

ROWS: dict[str, list[tuple[object, ...]]] = {
    "Occupations": [(COOK, "Cooks", "They cook."), (BAKER, "Bakers", None), (CLERK, "Clerks", "They file.")],
    "TaskStatements": [(COOK, "Cook."), (BAKER, "Bake."), (COOK, "Clean.")],
    "AlternateTitles": [(COOK, "Chef"), (COOK, "Fry Cook")],
    "SampleOfReportedTitles": [(BAKER, "Pastry Baker")],
    "TechnologySkills": [(CLERK, "Spreadsheets")],
    "JobZones": [(COOK, 2), (BAKER, 3)],
    "Interests": [
        (COOK, "1.B.1.b", "OI", 2.0),
        (COOK, "1.B.1.a", "OI", 6.0),
        (COOK, "1.B.1.g", "IH", 1.0),
        (BAKER, "1.B.1.a", "OI", 5.0),
        (BAKER, "1.B.1.b", "OI", None),
        (CLERK, "1.B.1.a", "OI", 3.0),
        (CLERK, "1.B.1.b", "OI", 4.0),
    ],
    "RelatedOccupations": [
        (COOK, CLERK, "Supplemental", 2),
        (COOK, BAKER, "Primary-Short", 1),
        (BAKER, COOK, "Primary-Long", 1),
    ],
}


def profiles() -> dict[str, Profile]:
    return read_profiles(
        {
            name: dict(zip(PROFILE_COLUMNS[name], map(list, zip(*rows, strict=True)), strict=True))
            for name, rows in ROWS.items()
        }
    )


def test_a_profile_combines_the_tables():
    found = profiles()
    assert list(found) == [COOK, BAKER, CLERK]
    cook, baker, clerk = found.values()
    assert (cook.title, cook.description, cook.tasks) == ("Cooks", "They cook.", ("Cook.", "Clean."))
    assert (cook.alternate_titles, cook.reported_titles, cook.technologies) == (("Chef", "Fry Cook"), (), ())
    assert (baker.description, baker.reported_titles, clerk.technologies) == ("", ("Pastry Baker",), ("Spreadsheets",))
    assert [each.job_zone for each in found.values()] == [2, 3, None]
    # Elements ascending. An occupation that lacks one has no interests; high points (scale IH) do not count.
    assert [each.interests for each in found.values()] == [(6.0, 2.0), None, (3.0, 4.0)]
    assert list(cook.related.items()) == [(BAKER, "Primary-Short"), (CLERK, "Supplemental")]
    assert (baker.related, clerk.related) == ({COOK: "Primary-Long"}, {})


def test_without_tasks_or_job_zone_nothing_can_be_predicted():
    cook, baker, clerk = profiles().values()
    assert (cook.abstention, baker.abstention) == (None, None)
    assert clerk.abstention == (
        "O*NET publishes no tasks and no Job Zone for it, and its description alone says too little"
    )


def test_interests_are_standardized_over_the_occupations_that_have_them():
    found = interests_of(list(profiles().values()))
    np.testing.assert_array_equal(found, [[1.0, -1.0], [np.nan, np.nan], [-1.0, 1.0]])
    spread = standardized(np.array([[2.0, 7.0, 0.25], [4.0, 7.0, 0.75]]))
    np.testing.assert_array_equal(spread, [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]])
