"""Questions asked of the service: the same answers as the functions of analysis give, by code or title."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from sqlalchemy import Engine, text

import skillgap
from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.paths import find_paths
from skillgap.analysis.person import identify_person_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.errors import NoData, UnknownOccupation
from skillgap.models import Provenance, SkillGap
from skillgap.models.person import OwnProfile
from skillgap.service import Skillgap
from skillgap.service.data import Database
from skillgap.service.ratings import get_all_ratings, get_occupation_skills, get_profiles
from skillgap.service.snapshot import CurrentData
from skillgap.store.engine import make_engine, read

NURSE, MANAGER = "29-1141.00", "11-9111.00"


@pytest.fixture(scope="module", params=["lazy", "snapshot"])
def onet(request: pytest.FixtureRequest, starter_database: str) -> Iterator[Skillgap]:
    """The service over a database read as needed, and over a snapshot in memory."""
    if request.param == "lazy":
        with skillgap.connect(starter_database) as connected:
            yield connected
        return
    engine = make_engine(starter_database)
    current = CurrentData(engine)
    current.refresh()
    yield Skillgap(lambda: current.snapshot)
    engine.dispose()


@pytest.fixture(scope="module")
def similarity(starter_database: str) -> Similarity:
    engine = make_engine(starter_database)
    with read(engine) as connection:
        return compute_similarity(get_profiles(connection), get_all_ratings(connection)["onet+llm"])


def same(answer: Any, expected: Any) -> bool:
    return orjson.dumps(answer) == orjson.dumps(expected)


@pytest.mark.slow
def test_a_gap_is_the_one_of_analysis(onet: Skillgap, ratings: Ratings):
    assert same(onet.gap(NURSE, MANAGER), identify_skill_gap(NURSE, MANAGER, ratings))
    weighted = ratings.weighted_by("none")
    stable = onet.gap(NURSE, MANAGER, weight="none", stability=True)
    assert same(stable, identify_skill_gap(NURSE, MANAGER, weighted, stability=True))


@pytest.mark.slow
@pytest.mark.parametrize("nurse", ["29-1141", "29-1141.00", "29114100", "Registered Nurses", " registered nurses "])
def test_an_occupation_is_a_code_in_any_form_or_a_title(onet: Skillgap, nurse: str):
    assert onet.gap(nurse, MANAGER).from_occupation.onet_soc_code == NURSE
    assert onet.skills(nurse).occupation.onet_soc_code == NURSE
    assert onet.transitions(nurse, limit=1).occupation.onet_soc_code == NURSE


def test_a_person_is_compared_as_in_analysis(onet: Skillgap, ratings: Ratings):
    profile = OwnProfile({"Writing": 5.0}, NURSE)
    assert same(onet.person_gap(profile, MANAGER), identify_person_gap(profile, MANAGER, ratings))


@pytest.mark.slow
def test_transitions_are_those_of_analysis(onet: Skillgap, ratings: Ratings, similarity: Similarity):
    where = TransitionFilter(only_rated=True)
    expected = find_transitions(NURSE, similarity, ratings, where=where, limit=8)
    assert same(onet.transitions(NURSE, only_rated=True, limit=8).transitions, expected)
    assert same(onet.transitions(NURSE, only_rated=True, limit=3, offset=5).transitions, expected[5:])


@pytest.mark.slow
def test_paths_are_those_of_analysis(onet: Skillgap, ratings: Ratings, similarity: Similarity):
    assert same(onet.paths(NURSE, MANAGER, limit=3), find_paths(NURSE, MANAGER, similarity, ratings, limit=3))


def test_skills_are_those_of_the_store(onet: Skillgap, starter_database: str):
    engine = make_engine(starter_database)
    with read(engine) as connection:
        assert same(onet.skills(NURSE).skills, get_occupation_skills(connection, NURSE))
    engine.dispose()


def test_search_and_the_list_of_occupations_are_paged(onet: Skillgap):
    assert onet.search("registered nurse").items[0].occupation.onet_soc_code == NURSE
    whole = onet.occupations()
    assert len(whole.items) == whole.total > 900
    assert onet.occupations(limit=2, offset=3).items == whole.items[3:5]


def test_every_answer_has_its_provenance(onet: Skillgap):
    answers = [
        onet.gap(NURSE, MANAGER),
        onet.person_gap(OwnProfile({"Writing": 5.0}), MANAGER),
        onet.skills(NURSE),
        onet.transitions(NURSE),
        onet.paths(NURSE, MANAGER),
        onet.search("nurse"),
        onet.occupation(NURSE),
        onet.occupations(limit=1),
        onet.explain_level("Writing", 3.5),
        onet.workforce({"ann": NURSE}, [MANAGER]),
    ]
    for answer in answers:
        assert isinstance(answer.provenance, Provenance)
        assert answer.provenance.release
        assert "O*NET" in answer.provenance.attribution


def test_a_workforce_is_counted_by_titles_and_codes(onet: Skillgap):
    report = onet.workforce({"ann": "Registered Nurses", "bo": "15-1252"}, [MANAGER], proposals=2)
    assert report.people == 2
    assert {conversion.id for conversion in report.targets[0].conversions} == {"ann", "bo"}


@pytest.mark.slow
def test_an_unknown_title_names_titles_near_it(onet: Skillgap):
    with pytest.raises(UnknownOccupation, match="Did you mean Registered Nurses"):
        onet.gap("Registered Nurse", MANAGER)


def test_no_answer_mixes_two_data_versions(own_starter: Engine):
    data = Database(lambda: own_starter).current()
    before = data.data_version
    assert data.get_occupations()[NURSE].title == "Registered Nurses"
    with own_starter.begin() as connection:  # a load, in the middle of a question
        connection.execute(
            text("UPDATE Occupations SET title = 'Aardvark Nurses' WHERE onet_soc_code = :code"), {"code": NURSE}
        )
        connection.execute(text("UPDATE Loads SET finished_at = '2031-01-02 03:04:05'"))
    found = Skillgap(lambda: data).search("aardvark nurses")
    assert [hit.occupation.title for hit in found.items][:1] == ["Aardvark Nurses"]
    assert found.provenance.data_version == data.data_version != before


@pytest.mark.slow
def test_the_status_and_a_release_compared_with_itself(starter_database: str):
    with skillgap.connect(starter_database) as onet:
        assert onet.status().release.number == onet.gap(NURSE, MANAGER).provenance.release
        assert onet.diff("loaded", "loaded").changes.levels_changed == 0


def test_a_snapshot_has_no_status(starter_database: str):
    with pytest.raises(NoData, match="needs a database"):
        Skillgap(lambda: CurrentData(make_engine(starter_database)).snapshot).status()


@pytest.mark.slow
def test_the_embedded_database_is_given_the_starter_on_first_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("SKILLGAP_DATABASE_URL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with skillgap.connect() as onet:
        assert onet.gap("Registered Nurses", "11-9111.00").skill_gaps[0].element_name == "Operations Analysis"
    with skillgap.connect(load_starter=lambda *_: pytest.fail("it is loaded already")) as onet:
        assert onet.occupations(limit=1).total > 900


def test_a_report_is_a_frame_a_chart_and_html(onet: Skillgap):
    report = onet.gap(NURSE, MANAGER)
    frame = report.to_frame()
    assert list(frame.columns)[2:] == [field.name for field in fields(SkillGap) if field.name != "stability"]
    assert list(frame.element_name) == [gap.element_name for gap in (*report.skill_gaps, *report.surplus_skills)]
    assert frame.gap.dtype == float
    assert report.chart().spec["title"]["text"]
    assert "Operations Analysis" in report._repr_html_()
    empty = onet.gap(NURSE, NURSE).to_frame()
    assert isinstance(empty, pd.DataFrame)
    assert empty.empty
