"""Changes between releases: worked by hand, and recomputed from the reports of all pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.release_diff import REPEATED, compare_releases
from skillgap.errors import UnknownOccupation
from skillgap.models import GapChange, LevelChange
from skillgap.nodes.get_release_ratings import LOADED, get_release_ratings
from skillgap.onet.crosswalks import recoded
from skillgap.onet.releases import Release
from skillgap.sources.text_files import OnetData
from tests.analysis.builders import make_ratings
from tests.conftest import onet_zip

NURSES, ART_DIRECTORS = "29-1141.00", "27-1011.00"
ONE, TWO, THREE, FOUR = "11-0000.00", "12-0000.00", "13-0000.00", "14-0000.00"


@pytest.fixture(scope="module")
def releases(whole_29: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[Ratings]:
    folder = tmp_path_factory.mktemp("cache")
    return [get_release_ratings(whole_29, source, cache_dir=folder) for source in (str(onet_zip("26_1")), LOADED)]


def sure_gaps(current: str, target: str, ratings: Ratings) -> set[str]:
    report = identify_skill_gap(current, target, ratings)
    return {row.element_name for row in report.skill_gaps if row.distinguishable}


def test_changes_are_worked_by_hand():
    before = make_ratings({ONE: [2.0, 2.0], TWO: [2.0, 4.0], THREE: [1.0, 1.0]})
    after = make_ratings({ONE: [2.0, 2.0], TWO: [3.5, 4.12], FOUR: [1.0, 1.0]})
    found = compare_releases(before, after, with_pairs=True)
    assert (found.newly_rated, found.no_longer_rated, found.levels_changed) == ([FOUR], [THREE], 2)
    [moved] = found.beyond_noise  # 1.5 of 8 raters' levels; an eighth is noise
    assert moved == LevelChange(TWO, f"Title {TWO}", "2.A.0", "Skill 0", 2.0, 3.5, moved.p_value)
    assert moved.p_value < 0.001
    # One to Two and back: only Skill 0 changed sides with noise.
    assert (found.pairs_compared, found.pairs_changed) == (2, 1)
    assert found.gap_changes == [GapChange(ONE, TWO, ["Skill 0"], [])]
    assert compare_releases(after, before, with_pairs=True).gap_changes == [GapChange(ONE, TWO, [], ["Skill 0"])]


def test_only_elements_and_occupations_of_both_releases_are_compared():
    before = make_ratings({ONE: [2.0, None, 2.0], TWO: [2.0, None, None]})
    after = make_ratings({ONE: [2.0, None, 3.5, 1.0], TWO: [2.0, 1.0, 4.0, 1.0]})
    old, new = (
        replace(each, release=Release(number, None)).of_domain("skills")
        for each, number in ((before, "1.0"), (after, "2.0"))
    )
    found = compare_releases(old, new)
    assert (found.before, found.after, found.domain) == (old.release, new.release, "skills")
    # A level that appears or disappears has changed, one missing in both has not, and a new element does not count.
    assert found.levels_changed == 3
    assert [(each.onet_soc_code, each.element_id) for each in found.beyond_noise] == [(ONE, "2.A.2")]
    assert (found.pairs_compared, found.gap_changes) == (2, []), "not listed unless requested"


def test_pairs_are_those_of_the_requested_occupation():
    before = make_ratings({ONE: [2.0], TWO: [2.0], THREE: [2.0], FOUR: [2.0]})
    after = make_ratings({ONE: [2.0], TWO: [4.0], THREE: [2.0], FOUR: [5.0]})
    found = compare_releases(before, after, only=TWO)
    assert (found.levels_changed, [each.onet_soc_code for each in found.beyond_noise]) == (1, [TWO])
    assert found.gap_changes == [
        GapChange(ONE, TWO, ["Skill 0"], []),
        GapChange(TWO, FOUR, ["Skill 0"], []),
        GapChange(THREE, TWO, ["Skill 0"], []),
    ]
    assert (found.pairs_compared, found.pairs_changed) == (6, 3)
    # For an unchanged occupation, its pairs with changed ones.
    assert compare_releases(before, after, only=ONE).gap_changes == [
        GapChange(ONE, TWO, ["Skill 0"], []),
        GapChange(ONE, FOUR, ["Skill 0"], []),
    ]
    every = compare_releases(before, after)
    assert (every.pairs_compared, every.pairs_changed, every.gap_changes) == (10, 5, [])


def test_a_release_and_itself_differ_in_nothing(ratings: Ratings):
    found = compare_releases(ratings, ratings, with_pairs=True)
    assert (found.levels_changed, found.beyond_noise, found.pairs_compared, found.gap_changes) == (0, [], 0, [])
    assert (found.newly_rated, found.no_longer_rated) == ([], [])


def test_levels_that_changed_are_those_of_the_files(releases: list[Ratings], onet_26: OnetData, onet_29: OnetData):
    key = ["onet_soc_code", "element_id"]
    old, new = (
        data.tables["Skills"].query("scale_id == 'LV'").set_index(key)["data_value"] for data in (onet_26, onet_29)
    )
    both: pd.DataFrame = pd.concat([old, new], axis=1, join="inner", keys=["old", "new"])
    found = compare_releases(*releases)
    assert found.levels_changed == int((both["old"] != both["new"]).sum()) == 6_664
    assert len(found.newly_rated) == 6
    assert found.newly_rated == sorted(set(new.index.get_level_values(0)) - set(old.index.get_level_values(0)))
    assert found.no_longer_rated == found.gap_changes == []
    assert found.levels_untestable == 1_685
    assert len(found.beyond_noise) == 56
    assert (ART_DIRECTORS, "Troubleshooting") in {
        (each.onet_soc_code, each.element_name) for each in found.beyond_noise
    }
    assert (found.before.number, found.after.number) == ("26.1", "29.0")


def test_occupations_with_a_new_code_are_neither_gone_nor_new(releases: list[Ratings]):
    after = releases[1]
    back = {new: old for old, new in recoded().items()}
    before = after.with_codes({code: back[code] for code in after.codes if code in back})
    found = compare_releases(before, after)
    assert found.taxonomies == ("2010", "2019")
    assert found.recoded == {back[code]: code for code in after.codes if code in back}
    assert len(found.recoded) > 50
    assert (found.newly_rated, found.no_longer_rated, found.levels_changed) == ([], [], 0)
    code = next(iter(found.recoded.values()))
    assert compare_releases(before, after, only=code).recoded == {back[code]: code}
    assert (compare_releases(*releases).taxonomies, compare_releases(*releases).recoded) == (None, {})


def test_repeated_ratings_vary_less_than_independent_ones(releases: list[Ratings]):
    before, after = releases
    common = sorted(set(before.codes) & set(after.codes))
    old, new = (each.restricted_to(common, each.element_ids) for each in releases)
    was_repeated = (old.month != new.month) & (old.raters == 8) & (new.raters == 8)
    error = np.hypot(np.maximum(old.standard_error, 0.125), np.maximum(new.standard_error, 0.125))
    z = ((new.level - old.level) / error)[was_repeated & ~np.isnan(error)]
    assert len(z) == 7_350
    assert z.std() == pytest.approx(REPEATED, abs=0.01)


@pytest.mark.parametrize("code", [NURSES, ART_DIRECTORS])
def test_the_pairs_that_changed_are_those_whose_reports_differ(releases: list[Ratings], code: str):
    before, after = releases
    found = compare_releases(before, after, only=code)
    changed = {(each.from_onet_soc_code, each.to_onet_soc_code): each for each in found.gap_changes}
    level = {each: (before.data_value[before.rows[each]], after.data_value[after.rows[each]]) for each in before.codes}
    has_changed = {each for each, (old, new) in level.items() if not np.array_equal(old, new)}
    compared = 0
    for other in before.codes:
        if other == code or not {other, code} & has_changed:
            continue
        for pair in ((code, other), (other, code)):
            compared += 1
            old, new = (sure_gaps(*pair, each) for each in releases)
            change = changed.pop(pair, GapChange(*pair, [], []))
            assert (set(change.new), set(change.gone)) == (new - old, old - new), pair
    assert (changed, found.pairs_compared) == ({}, compared)


def test_an_occupation_of_neither_release_is_an_error(ratings: Ratings):
    with pytest.raises(UnknownOccupation):
        compare_releases(ratings, ratings, only="99-9999.00")
