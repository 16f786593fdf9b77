"""Figures with missing inputs are null with a reason, never 0; the others do not change."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.missing import NEEDS
from skillgap.analysis.pairs import percentiles, weighted_shortfalls
from skillgap.analysis.paths import find_paths
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.release_diff import compare_releases
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.analysis.vectorized import NONE, People, bulk_similar
from skillgap.analysis.workforce import Workforce
from skillgap.errors import MissingInput, UnknownJobZone, UnratedOccupation
from skillgap.models import GapSummary
from skillgap.models.person import OwnProfile
from skillgap.nodes.status import get_status
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_profiles, get_ratings
from skillgap.store.engine import read
from tests.analysis.builders import make_ratings, near_by
from tests.conftest import changed_release, loaded

NURSE, MANAGER, DEVELOPER = "29-1141.00", "11-9111.00", "15-1252.00"
PERCENTILES = ["shortfall_percentile", "shortfall_percentile_lower", "shortfall_percentile_upper"]
SHORTFALLS = ["weighted_shortfall", "distinguishable_shortfall", "noise_shortfall", *PERCENTILES]
NO_IMPORTANCE = (
    "No importance of skills is loaded (scale IM). Load a release with its IM rows. The weight `none` needs no "
    "importance (command line, HTTP and Python)."
)
A, B, C = "11-0000.00", "12-0000.00", "13-0000.00"


def read_from(engine: Engine) -> tuple[Ratings, Similarity]:
    with read(engine) as connection:
        return get_ratings(connection), compute_similarity(
            get_profiles(connection), get_ratings(connection, domain="all")
        )


@pytest.fixture(scope="module")
def alone(levels_alone: Engine) -> tuple[Ratings, Similarity]:
    return read_from(levels_alone)


@pytest.fixture(scope="module")
def untested(no_errors: Engine) -> tuple[Ratings, Similarity]:
    return read_from(no_errors)


@pytest.fixture(scope="module")
def whole(whole_29: Engine) -> tuple[Ratings, Similarity]:
    return read_from(whole_29)


def nulls(summary: GapSummary) -> list[str]:
    """Return the null fields; each has a reason, and no other field has one."""
    found = [each.name for each in fields(GapSummary) if getattr(summary, each.name) is None]
    assert sorted(summary.unavailable) == sorted(found)
    assert all(reason.endswith(".") for reason in summary.unavailable.values())
    return found


# -- no importance -------------------------------------------------------------------------------------------------


def test_without_importance_a_gap_lacks_only_the_shortfall(
    alone: tuple[Ratings, Similarity], whole: tuple[Ratings, Similarity]
):
    found, full = (identify_skill_gap(NURSE, MANAGER, ratings) for ratings, _ in (alone, whole))
    assert (full.summary.weighted_shortfall, full.summary.shortfall_percentile) == (0.4583, 51)
    assert nulls(found.summary) == SHORTFALLS
    assert set(found.summary.unavailable.values()) == {NO_IMPORTANCE}
    assert replace(found.summary, unavailable={}, **{name: getattr(full.summary, name) for name in SHORTFALLS}) == (
        full.summary
    )
    rows, of = ({row.element_id: row for row in report.skill_gaps} for report in (found, full))
    assert {key: replace(row, importance=of[key].importance) for key, row in rows.items()} == of
    # In the order of importance x gap the first is Operations Analysis, 2.125; by gap alone this one.
    assert [row.gap for row in found.skill_gaps if row.distinguishable] == sorted(
        (row.gap for row in full.skill_gaps if row.distinguishable), reverse=True
    )
    assert not any(row.to_not_relevant for row in found.skill_gaps)


def test_the_weight_none_needs_no_importance(alone: tuple[Ratings, Similarity], whole: tuple[Ratings, Similarity]):
    found, full = (identify_skill_gap(NURSE, MANAGER, each.weighted_by("none")).summary for each, _ in (alone, whole))
    assert found == full
    assert nulls(found) == []
    report = identify_skill_gap(NURSE, MANAGER, whole[0])
    relevant = sum(not skill.not_relevant for skill in whole[0].skills(MANAGER))
    assert found.weighted_shortfall == round(sum(row.gap for row in report.skill_gaps) / relevant, 4)


@pytest.mark.parametrize("weight", ["importance", "standard"])
def test_no_pair_without_weights_has_a_shortfall(alone: tuple[Ratings, Similarity], weight: Any):
    ratings = alone[0].weighted_by(weight)
    assert np.isnan(weighted_shortfalls(ratings)).all()
    for target in ratings.codes[::97]:
        assert nulls(identify_skill_gap(NURSE, target, ratings).summary) == SHORTFALLS


def test_predictions_do_not_invent_missing_importance():
    onet = make_ratings({A: [1.0, 2.0], B: [3.0, 4.0]}, importance={A: [np.nan, 3.0], B: [np.nan, 4.0]})
    predicted = make_ratings(
        {C: [2.0, 5.0]}, importance={C: [np.nan] * 2}, lower={C: [1.0, 4.0]}, upper={C: [3.0, 6.0]}
    )
    occupations = {**onet.occupations, **predicted.occupations}
    both = replace(onet, occupations=occupations).filled_with(replace(predicted, sources=("llm",)))
    both = replace(both, analysts=replace(onet, occupations=occupations))
    assert np.isnan(both.weight[both.rows[C]]).tolist() == [True, False]
    summary = identify_skill_gap(A, C, both).summary
    assert (summary.weighted_shortfall, nulls(summary)) == (3.0, [*PERCENTILES, "job_zone_step"])
    assert "The importance of Skill 0 in Title 13-0000.00 is unknown." in summary.unavailable["shortfall_percentile"]


def test_a_missing_importance_is_left_out_and_named():
    importance = {A: [3.0, 4.0, 2.0], B: [np.nan, 4.0, 2.0], C: [3.0, 4.0, 2.0]}
    ratings = make_ratings({A: [1.0, 1.0, 1.0], B: [3.0, 2.0, 1.0], C: [2.0, 1.0, 2.0]}, importance=importance)
    summary = identify_skill_gap(A, B, ratings).summary
    # The gap of 2 in Skill 0 is left out and not given weight 0: 4 x 1 of 4 + 2.
    assert summary.weighted_shortfall == round(4 / 6, 4)
    assert nulls(summary) == [*PERCENTILES, "job_zone_step"]
    assert summary.unavailable["shortfall_percentile"] == (
        "The importance of Skill 0 in Title 12-0000.00 is unknown. The shortfall covers the other "
        "elements, so it has no percentile."
    )
    assert [row.element_name for row in identify_skill_gap(A, B, ratings).skill_gaps] == ["Skill 1", "Skill 0"]
    other = identify_skill_gap(A, C, ratings).summary
    assert (other.weighted_shortfall, nulls(other)) == (round(5 / 9, 4), ["job_zone_step"])


def test_an_occupation_without_importance_does_not_borrow_it():
    importance = {A: [3.0, 4.0], B: [np.nan, np.nan], C: [3.0, 4.0]}
    ratings = make_ratings({A: [1.0, 1.0], B: [3.0, 2.0], C: [2.0, 1.0]}, importance=importance)
    to_it, from_it = (identify_skill_gap(*pair, ratings).summary for pair in ((A, B), (B, C)))
    assert nulls(to_it) == [*SHORTFALLS, "job_zone_step"]
    assert to_it.unavailable["weighted_shortfall"].startswith(
        "No importance of the ratings of Title 12-0000.00 is known."
    )
    assert nulls(from_it) == ["job_zone_step"]
    # Of the six pairs, the four to A and C have a shortfall: 0 (B to C, C to A, B to A) and 3/7 (A to C).
    assert identify_skill_gap(A, C, ratings).summary.shortfall_percentile == 75


def test_without_a_counting_skill_the_shortfall_is_not_0():
    ratings = make_ratings({A: [1.0, 1.0], B: [3.0, 2.0]}, not_relevant={B: [True, False]})
    person = identify_person_gap(OwnProfile({"Skill 0": 1.0}), B, ratings).summary
    assert (person.skills_compared, person.gaps) == (1, 1)
    assert set(nulls(person)) == {*SHORTFALLS, "job_zone_step"}
    assert "counts in Title 12-0000.00" in person.unavailable["weighted_shortfall"]


def test_similar_occupations_are_ranked_by_the_loaded_inputs(
    alone: tuple[Ratings, Similarity], whole: tuple[Ratings, Similarity]
):
    ratings, similarity = alone
    assert (similarity.basis.name, similarity.basis.inputs[0]) == ("without importance", "levels of skills")
    assert np.isfinite(similarity.log_odds[~np.eye(len(similarity.codes), dtype=np.bool_)]).all()
    assert all(row not in order for row, order in enumerate(similarity.order[:50].tolist()))
    found = find_transitions(NURSE, similarity, ratings, limit=20, stability=True)
    assert [nulls(each.summary) for each in found] == [SHORTFALLS] * 20
    assert {tuple(each.stability.rank_by_weight) for each in found if each.stability} == {("none",)}
    full = find_transitions(NURSE, whole[1], whole[0], limit=20)
    assert (
        len({each.occupation.onet_soc_code for each in found} & {each.occupation.onet_soc_code for each in full}) > 12
    )


def test_paths_and_workforce_are_refused_without_a_shortfall(alone: tuple[Ratings, Similarity]):
    ratings, similarity = alone
    with pytest.raises(MissingInput, match="No importance of skills is loaded"):
        find_paths(NURSE, MANAGER, similarity, ratings)
    with pytest.raises(MissingInput, match="No importance of skills is loaded"):
        Workforce(ratings, [ratings.row(MANAGER)], proposals=3)
    with pytest.raises(MissingInput, match="No importance of skills is loaded"):
        find_transitions(NURSE, similarity, ratings, where=TransitionFilter(most_percentile=50))
    own = np.full((1, 35), np.nan)
    own[0, 0] = 3.0
    person = People(np.array([NONE]), np.array([NONE]), own)
    with pytest.raises(MissingInput, match="No importance of skills is loaded"):
        bulk_similar(person, 5, ratings, similarity)
    nearest, _ = bulk_similar(person, 5, ratings.weighted_by("none"), similarity)
    assert NONE not in nearest
    report = find_paths(NURSE, MANAGER, similarity, ratings.weighted_by("none"))
    assert report.weight == "none"
    assert report.paths[0].total_shortfall == pytest.approx(
        sum(step.summary.weighted_shortfall for step in report.paths[0].steps), abs=1e-4
    )


def test_no_path_leads_through_an_occupation_without_weights():
    codes = [f"1{k}-0000.00" for k in range(4)]
    levels = {code: [float(k)] for k, code in enumerate(codes)}
    ratings = make_ratings(levels, importance={codes[1]: [np.nan]})
    similarity = near_by([[1.0] * 4] * 4, ratings)
    report = find_paths(codes[0], codes[3], similarity, ratings)
    assert {step.occupation.onet_soc_code for path in report.paths for step in path.steps} == {codes[2], codes[3]}
    with pytest.raises(MissingInput, match=f"Title {codes[1]}"):
        find_paths(codes[0], codes[1], similarity, ratings)


def test_stability_covers_the_available_weights(alone: tuple[Ratings, Similarity]):
    moved = [row.stability for row in identify_skill_gap(NURSE, MANAGER, alone[0], stability=True).skill_gaps]
    assert [each.rank for each in moved if each] == list(range(1, 18))
    assert {tuple(each.rank_by_weight) for each in moved if each} == {("none",)}


# -- no errors, no levels, no pairs ---------------------------------------------------------------------------------


def test_without_errors_nothing_is_labeled_distinguishable_or_not(
    untested: tuple[Ratings, Similarity], whole: tuple[Ratings, Similarity]
):
    found, full = (identify_skill_gap(NURSE, MANAGER, ratings) for ratings, _ in (untested, whole))
    counts = ["distinguishable_gaps", "likely_gaps", "distinguishable_surplus"]
    assert nulls(found.summary) == [*counts, "distinguishable_shortfall", "noise_shortfall", *PERCENTILES[1:]]
    assert "No standard errors of skills are loaded" in found.summary.unavailable["distinguishable_gaps"]
    rows = (*found.skill_gaps, *found.surplus_skills)
    assert {(row.distinguishable, row.agreement, row.certainty) for row in rows} == {(None, None, None)}
    assert (found.summary.weighted_shortfall, found.summary.shortfall_percentile) == (0.4583, 51)
    assert sorted(row.gap for row in found.skill_gaps) == sorted(row.gap for row in full.skill_gaps)


def test_releases_without_errors_have_no_changes_beyond_noise(
    untested: tuple[Ratings, Similarity], whole: tuple[Ratings, Similarity]
):
    found = compare_releases(whole[0], untested[0], with_pairs=True)
    assert (found.levels_changed, found.beyond_noise, found.pairs_changed, found.gap_changes) == (0, None, None, [])


def test_a_percentile_is_0_or_100_only_for_no_pair_or_every_pair():
    # Of 60 x 59 pairs, one is easiest and one hardest; rounded, the next ones would read 0 and 100.
    ratings = make_ratings({f"{k:02}-0000.00": [k / 9] for k in range(60)})
    ordered = np.sort(weighted_shortfalls(ratings)[~np.eye(60, dtype=np.bool_)])
    least = ordered[ordered > 0][0]
    assert percentiles(np.array([0.0, least, ordered[-1], 9.9]), ratings).tolist() == [0.0, 50.0, 99.0, 100.0]
    spread = make_ratings({f"{k:02}-0000.00": [7.0 - k / 9] if k else [0.0] for k in range(60)})
    lowest = np.sort(weighted_shortfalls(spread).ravel())
    assert (percentiles(lowest[lowest > 0], spread) > 0).all()


@pytest.mark.release
def test_a_release_with_importance_only_reports_missing_levels(tmp_path):
    release = changed_release(tmp_path, lambda row: row if row["Scale ID"] == "IM" else None)
    with loaded(release, tmp_path) as engine, read(engine) as connection:
        ratings, status = get_ratings(connection), get_status(connection)
    assert [each.disables for each in status.missing if each.input == "levels of skills"] == [
        "every gap: nothing can be compared"
    ]
    with pytest.raises(UnratedOccupation, match="`skillgap status` lists the missing data"):
        identify_skill_gap(NURSE, MANAGER, ratings)


# -- Job Zones -------------------------------------------------------------------------------------------------------


def test_a_job_zone_that_the_release_does_not_use_is_an_error():
    zones = {A: 2, B: 3, C: 5}
    ratings = replace(
        make_ratings({A: [1.0], B: [2.0], C: [3.0]}, job_zones=zones),
        release=Release("30.2", None),
        job_zone_names={2: "Job Zone 1-2: Little to Some Preparation Needed"},
    )
    similarity = near_by([[1.0] * 3] * 3, ratings)
    with pytest.raises(UnknownJobZone) as error:
        find_transitions(B, similarity, ratings, where=TransitionFilter(job_zones={1, 2}))
    assert str(error.value) == (
        "O*NET 30.2 has no occupation in Job Zone 1; its Job Zones are 2 (Job Zone 1-2: Little to Some Preparation "
        "Needed), 3, 5"
    )
    transitions = find_transitions(B, similarity, ratings, where=TransitionFilter(job_zones={2}))
    assert [each.occupation.onet_soc_code for each in transitions] == [A]


def test_without_job_zones_the_filter_is_an_error(ratings: Ratings):
    with pytest.raises(MissingInput, match="No Job Zones are loaded"):
        find_transitions(
            NURSE,
            near_by([[1.0] * len(ratings.codes)] * len(ratings.codes), ratings),
            ratings,
            where=TransitionFilter(job_zones={4}),
        )
    summary = identify_skill_gap(NURSE, MANAGER, ratings).summary
    assert summary.unavailable == {
        "job_zone_step": "No Job Zones are loaded. A release has them in its file Job Zones."
    }


# -- missing inputs of a database ------------------------------------------------------------------------------------


def test_status_lists_missing_inputs_and_the_features_they_disable(
    levels_alone: Engine, no_errors: Engine, whole_29: Engine
):
    def missing(engine: Engine) -> dict[str, tuple[int, int]]:
        with read(engine) as connection:
            found = get_status(connection).missing
        assert all(each.disables for each in found)
        return {each.input: (each.missing, each.of) for each in found}

    usual = missing(whole_29)
    assert usual["Abilities"] == (0, 0)
    assert not [name for name in usual if name.endswith(" of skills")]
    # 30,765 levels of skills, 3,302 of them Not Relevant.
    assert missing(levels_alone)["importance of skills"] == (27_463, 27_463)
    assert missing(no_errors)["standard errors of skills"] == (30_765, 30_765)
    assert missing(no_errors).keys() - usual.keys() == {"standard errors of skills"}


def test_every_nullable_figure_has_declared_needs():
    nullable = {each.name for each in fields(GapSummary) if "None" in str(each.type)}
    assert nullable == set(NEEDS)
