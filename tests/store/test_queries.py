"""Queries return the raw rows, and each kind of missing data has its own error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, delete, update

from skillgap.analysis.arrays import NO_MONTH
from skillgap.analysis.ratings import Ratings
from skillgap.errors import NoData, UnknownOccupation, UnratedOccupation
from skillgap.models import Occupation, Predictions, SkillRating
from skillgap.nodes.status import get_status
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_all_ratings, get_occupation_skills, get_ratings
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read, write
from skillgap.store.queries import count_rows, get_titles, list_loads, list_unrated_occupations
from skillgap.store.rating_rows import get_data_version
from skillgap.store.schema import Base, Loads, Skills
from skillgap.store.tables import init_tables
from tests.store.small_releases import (
    ACTIVE_MODEL,
    CHIEFS,
    CLERKS,
    DEVELOPERS,
    FETCHED,
    LISTENING,
    NURSES,
    READING,
    RELEASE_A,
    RELEASE_B,
    WRITING,
    add,
    api_skill,
    cells,
    llm_score,
    load,
)

Row = Mapping[str, Any]
SKILL_COLUMNS = list(RELEASE_A.tables["Skills"].columns)


def ratings_of(engine: Engine) -> Ratings:
    with read(engine) as connection:
        return get_ratings(connection)


def data_version(engine: Engine) -> str:
    with read(engine) as connection:
        return get_data_version(connection)


def skills_of(engine: Engine, onet_soc_code: str) -> list[SkillRating]:
    with read(engine) as connection:
        return get_occupation_skills(connection, onet_soc_code)


def assert_equals_pivot(ratings: Ratings, rows: Iterable[Row]) -> None:
    """Compare every cell of every array with the raw row of its occupation, element and scale."""
    by_key = {(row["onet_soc_code"], row["element_id"], row["scale_id"]): row for row in rows}
    levels = {key[0] for key, row in by_key.items() if key[2] == "LV" and row["data_value"] is not None}
    assert ratings.codes == tuple(sorted(levels))
    assert ratings.element_ids == tuple(sorted({key[1] for key in by_key if key[0] in levels}))

    def pivot(scale_id: str, field: str, missing: Any) -> list[list[Any]]:
        cells = [
            [by_key.get((code, element, scale_id), {}).get(field) for element in ratings.element_ids]
            for code in ratings.codes
        ]
        return [[missing if value is None else value for value in row] for row in cells]

    def months(days: list[list[Any]]) -> list[list[Any]]:
        return [[day if day == NO_MONTH else day.year * 12 + day.month - 1 for day in row] for row in days]

    np.testing.assert_array_equal(ratings.data_value, pivot("LV", "data_value", np.nan))
    np.testing.assert_array_equal(ratings.standard_error, pivot("LV", "standard_error", np.nan))
    np.testing.assert_array_equal(ratings.n, pivot("LV", "n", 0))
    np.testing.assert_array_equal(ratings.importance, pivot("IM", "data_value", np.nan))
    np.testing.assert_array_equal(ratings.importance_standard_error, pivot("IM", "standard_error", np.nan))
    np.testing.assert_array_equal(ratings.importance_n, pivot("IM", "n", 0))
    np.testing.assert_array_equal(ratings.not_relevant, np.array(pivot("LV", "not_relevant", "N")) == "Y")
    np.testing.assert_array_equal(ratings.recommend_suppress, np.array(pivot("LV", "recommend_suppress", "N")) == "Y")
    np.testing.assert_array_equal(ratings.month, months(pivot("LV", "date_updated", NO_MONTH)))


def raw_rows(data: OnetData) -> list[Row]:
    return [dict(zip(SKILL_COLUMNS, row, strict=True)) for row in cells(data)["Skills"]]


# -- get_ratings --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ratings_29(engine_29: Engine) -> Ratings:
    return ratings_of(engine_29)


def test_the_ratings_of_29_0_equal_the_raw_rows(ratings_29: Ratings, onet_29: OnetData) -> None:
    assert ratings_29.data_value.shape == (879, 35)
    assert len(ratings_29.occupations) == 1016
    assert ratings_29.release == Release("29.0", date(2024, 8, 1))
    assert (ratings_29.sources, set(ratings_29.source.flat)) == (("text",), {0})
    assert_equals_pivot(ratings_29, raw_rows(onet_29))


@pytest.mark.parametrize("data", [RELEASE_A, RELEASE_B], ids=["a", "b"])
def test_ratings_equal_the_raw_rows_also_where_fields_are_missing(blank: Engine, data: OnetData) -> None:
    load(blank, data)
    assert_equals_pivot(ratings_of(blank), raw_rows(data))


def test_a_rating_that_is_not_there_is_nan_and_one_without_level_does_not_count(loaded: Engine) -> None:
    chiefs, nurses = Skills.onet_soc_code == CHIEFS, Skills.onet_soc_code == NURSES
    with loaded.begin() as connection:
        connection.execute(delete(Skills).where(chiefs, Skills.element_id == READING, Skills.scale_id == "LV"))
        connection.execute(delete(Skills).where(chiefs, Skills.element_id == LISTENING, Skills.scale_id == "IM"))
        connection.execute(update(Skills).where(nurses, Skills.scale_id == "LV").values(data_value=None))
    ratings = ratings_of(loaded)
    assert ratings.codes == (CHIEFS,)
    np.testing.assert_array_equal(ratings.data_value, [[np.nan, 4.88]])
    np.testing.assert_array_equal(ratings.importance, [[4.0, np.nan]])
    np.testing.assert_array_equal(ratings.n, [[0, 8]])
    np.testing.assert_array_equal(ratings.month, [[NO_MONTH, 12 * 2014 + 6]])
    assert {code: each.is_rated for code, each in ratings.occupations.items()} == {
        CHIEFS: True,
        DEVELOPERS: False,
        NURSES: False,
    }


def test_ratings_name_the_source_of_each_cell(loaded: Engine) -> None:
    occupation = {"onet_soc_code": CHIEFS, "title": "Chiefs", **FETCHED}
    newer = api_skill(CHIEFS, LISTENING, data_value=6.0, date_updated=date(2024, 8, 1))
    add(loaded, {"OnetApiOccupationData": [occupation], "OnetApiSkillsData": [newer]})
    ratings = ratings_of(loaded)
    assert ratings.sources == ("api", "text")
    np.testing.assert_array_equal(ratings.source, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(ratings.data_value, [[4.62, 6.0], [1.25, 4.0]])


def test_predictions_stand_where_analysts_have_rated_nothing_and_never_else(loaded: Engine) -> None:
    before = ratings_of(loaded)
    said = {"explanation": "leans", "scored_at": datetime(2026, 11, 24)}
    scores = [
        llm_score(DEVELOPERS, READING, level=3.51, uncertainty=0.4321, lower_ci_bound=2.5, upper_ci_bound=4.5, **said),
        llm_score(CHIEFS, READING, level=6.9, uncertainty=0.5, lower_ci_bound=5.9, upper_ci_bound=7.0, **said),
    ]
    model = {**ACTIVE_MODEL, "release_number": "28.3", "occupations_judged": 2, "mae_grouped": 0.3306}
    abstention = {"onet_soc_code": NURSES, "model": "smollm2", "prompt_version": "1", "reason": "too thin"}
    add(loaded, {"LLMModels": [model], "LLMSkillScores": scores, "LLMAbstentions": [abstention]})
    with read(loaded) as connection:
        found = get_all_ratings(connection)
        assert list_unrated_occupations(connection) == [(DEVELOPERS, "Software Developers")]
    onet, llm, both = found["onet"], found["llm"], found["onet+llm"]

    assert (onet.codes, onet.sources, onet.predictions) == (before.codes, ("text",), None)
    np.testing.assert_array_equal(onet.data_value, before.data_value)
    assert (llm.codes, llm.element_ids, llm.sources) == ((CHIEFS, DEVELOPERS), (READING,), ("llm",))
    np.testing.assert_array_equal(llm.data_value, [[6.9], [3.51]])
    np.testing.assert_array_equal(llm.standard_error, [[0.5], [0.4321]])
    assert np.isnan(llm.importance).all()

    assert (both.codes, both.element_ids) == ((CHIEFS, DEVELOPERS, NURSES), (READING, LISTENING))
    np.testing.assert_array_equal(both.data_value, [[4.62, 4.88], [3.51, np.nan], [1.25, 4.0]])
    np.testing.assert_array_equal(both.is_predicted, [[False, False], [True, False], [False, False]])
    np.testing.assert_array_equal(both.lower, [[np.nan, np.nan], [2.5, np.nan], [np.nan, np.nan]])
    assert [[both.sources[i] for i in row] for row in both.source] == [["text"] * 2, ["llm", "text"], ["text"] * 2]
    assert both.predictions == llm.predictions == Predictions("smollm2", "1", "28.3", 2, None, 0.3306, None, None)
    assert both.analysts is onet
    [skill] = both.skills(DEVELOPERS)
    assert skill == SkillRating(
        *(READING, "Reading Comprehension", "skills", 3.51, 0.4321, 2.5, 4.5, None, None, None, False, False),
        *("2026-11", "llm", "leans", None),
    )
    states = {code: (each.is_rated, each.is_predicted, each.abstention) for code, each in both.occupations.items()}
    assert states == {CHIEFS: (True, False, None), DEVELOPERS: (False, True, None), NURSES: (True, False, "too thin")}
    assert both.provenance.sources == ["llm", "text"]
    assert onet.provenance.predictions is None


def test_a_model_that_is_not_active_predicts_nothing(loaded: Engine) -> None:
    add(
        loaded, {"LLMModels": [{**ACTIVE_MODEL, "is_active": None}], "LLMSkillScores": [llm_score(DEVELOPERS, READING)]}
    )
    with read(loaded) as connection:
        found = get_all_ratings(connection)
    assert found["onet+llm"] is found["onet"]
    assert found["llm"].codes == ()


def test_occupations_carry_title_description_source_and_date(loaded: Engine) -> None:
    fetched = {"onet_soc_code": CLERKS, "title": "Clerks", **FETCHED}
    add(loaded, {"OnetApiOccupationData": [fetched]})
    occupations = ratings_of(loaded).occupations
    assert list(occupations) == [CHIEFS, DEVELOPERS, NURSES, CLERKS]
    assert occupations[DEVELOPERS] == Occupation(
        DEVELOPERS, "Software Developers", None, False, False, None, "text", "2024-05-01", None
    )
    assert occupations[CLERKS] == Occupation(CLERKS, "Clerks", None, False, False, None, "api", "2024-09-01", None)


def test_ratings_before_the_first_load_are_empty(blank: Engine) -> None:
    ratings = ratings_of(blank)
    assert (ratings.codes, ratings.occupations, ratings.release, ratings.data_version) == ((), {}, None, "")
    assert ratings.data_value.shape == (0, 0)


# -- get_occupation_skills ----------------------------------------------------------------------------------------


def test_skills_come_by_importance_with_not_relevant_ones_last(shared: Engine) -> None:
    known = {"domain": "skills", "lower": None, "upper": None, "source": "text", "explanation": None, "anchors": None}
    listening = SkillRating(
        LISTENING,
        "Active Listening",
        data_value=4.88,
        standard_error=0.227,
        n=8,
        importance=4.12,
        importance_standard_error=0.125,
        not_relevant=False,
        recommend_suppress=False,
        date_updated="2014-07",
        **known,
    )
    reading = {"element_id": READING, "element_name": "Reading Comprehension"}
    assert skills_of(shared, CHIEFS) == [
        listening,
        replace(
            listening, **reading, data_value=4.62, standard_error=0.183, importance=4.0, importance_standard_error=0
        ),
    ]
    listening = replace(
        listening,
        data_value=4.0,
        standard_error=0.0,
        importance=3.75,
        importance_standard_error=0.164,
        date_updated="2018-08",
    )
    assert skills_of(shared, NURSES) == [
        listening,
        replace(
            listening,
            **reading,
            data_value=1.25,
            standard_error=0.491,
            n=7,
            importance=2.38,
            importance_standard_error=0.183,
            not_relevant=True,
            recommend_suppress=True,
        ),
    ]


def test_what_a_rating_lacks_is_none(loaded: Engine) -> None:
    load(loaded, RELEASE_B)
    reading, listening = skills_of(loaded, DEVELOPERS)
    assert astuple(reading) == (
        READING,
        *["Reading Comprehension", "skills", 3.88],
        *[None, None, None, None, 3.62],
        *[None, False, False, None, "text", None, None],
    )
    assert (listening.element_id, listening.importance) == (LISTENING, 3.38)


def test_the_skills_of_one_occupation_equal_those_among_all(engine_29: Engine, ratings_29: Ratings) -> None:
    for code in (ratings_29.codes[0], "29-1141.00", ratings_29.codes[-1]):
        found = skills_of(engine_29, code)
        assert found == ratings_29.skills(code)
        assert len(found) == 35


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (DEVELOPERS, UnratedOccupation, r"O\*NET 28\.3 has no skill ratings for 15-1252\.00 \(Software Developers\)"),
        ("99-9999.00", UnknownOccupation, r"O\*NET 28\.3 has no occupation 99-9999\.00$"),
        ("29-1141.03", UnknownOccupation, r"no occupation 29-1141\.03; 29-1141 has 29-1141\.00"),
        ("' OR 1=1 --", UnknownOccupation, "no occupation ' OR 1=1"),
    ],
)
def test_a_question_without_ratings_for_an_answer_has_its_own_error(
    shared: Engine, code: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        skills_of(shared, code)


def test_skills_before_the_first_load_name_the_command_that_loads(blank: Engine) -> None:
    with pytest.raises(NoData, match="run `skillgap load starter`"):
        skills_of(blank, CHIEFS)


# -- what the database holds --------------------------------------------------------------------------------------


def test_29_0_leaves_137_occupations_unrated(engine_29: Engine, onet_29: OnetData) -> None:
    with read(engine_29) as connection:
        unrated, titles = list_unrated_occupations(connection), get_titles(connection)
    assert len(unrated) == 137
    assert ("15-1252.00", "Software Developers") in unrated
    assert unrated == sorted(unrated)
    rated = set(onet_29.tables["Skills"]["onet_soc_code"])
    assert {code for code, _ in unrated} == titles.keys() - rated


def test_the_data_version_moves_with_the_data_only(blank: Engine) -> None:
    assert data_version(blank) == ""
    load(blank, RELEASE_A)
    first = data_version(blank)
    assert first != ""
    load(blank, RELEASE_A)
    assert data_version(blank) == first == ratings_of(blank).data_version
    load(blank, RELEASE_B)
    assert data_version(blank) not in ("", first)


def test_the_data_version_of_a_database_made_anew_never_comes_back(blank: Engine) -> None:
    load(blank, RELEASE_A)
    with write(blank) as connection:
        connection.execute(update(Loads).values(finished_at=datetime(2026, 11, 1)))
    first = data_version(blank)
    with write(blank) as connection:
        connection.execute(delete(Loads))
    load(blank, RELEASE_B)
    assert first == "1-20261101T000000Z"
    assert data_version(blank) not in ("", first)


@pytest.mark.parametrize("table", ["Skills", "Loads"])
def test_recreating_a_table_moves_the_data_version_and_keeps_the_release(loaded: Engine, table: str) -> None:
    first = data_version(loaded)
    init_tables(loaded, recreate=[table])
    ratings = ratings_of(loaded)
    assert ratings.data_version not in ("", first)
    assert (ratings.release, len(ratings.codes)) == (RELEASE_A.release, 0 if table == "Skills" else 2)
    with read(loaded) as connection:
        last = list_loads(connection)[0]
    assert (last.origin, last.source, last.sha256) == (f"init-db --recreate {table}", "text", None)
    assert last.row_counts == {"Occupations": 3, "Scales": 3, "Elements": 3, "Skills": 0 if table == "Skills" else 8}
    assert last.rows_changed == (8 if table == "Skills" else 1)


def test_recreating_what_no_load_filled_is_no_change(loaded: Engine) -> None:
    first = data_version(loaded)
    init_tables(loaded, recreate=["LLMAbstentions", "LLMSkillScores", "LLMModels", "OnetApiSkillsData"])
    assert data_version(loaded) == first


def test_elements_are_those_of_rated_occupations_under_the_text_names(loaded: Engine) -> None:
    occupation = {"onet_soc_code": CLERKS, "title": "Clerks", **FETCHED}
    rows = [api_skill(CLERKS, WRITING, "IM")]  # importance alone rates nobody
    chiefs = {"onet_soc_code": CHIEFS, "title": "Chiefs", **FETCHED}
    newer = [api_skill(CHIEFS, READING, date_updated=date(2026, 1, 1), element_name="Z, not the text's name")]
    add(loaded, {"OnetApiOccupationData": [occupation, chiefs], "OnetApiSkillsData": rows + newer})
    ratings = ratings_of(loaded)
    assert ratings.element_ids == (READING, LISTENING)
    assert ratings.element_names == ("Reading Comprehension", "Active Listening")
    assert ratings.sources == ("api", "text")


def test_the_release_is_that_of_the_last_text_load_also_where_it_changed_nothing(loaded: Engine) -> None:
    load(loaded, replace(RELEASE_A, release=Release("29.0", None)))
    assert ratings_of(loaded).release == Release("29.0", None)


FILLED = {"Occupations", "Scales", "Elements", "Skills", "OnetApiOccupationData", "OnetApiSkillsData", "Loads"}


def test_status_tells_what_the_database_holds(loaded: Engine) -> None:
    load(loaded, RELEASE_B)
    occupation = {"onet_soc_code": CLERKS, "title": "Clerks", **FETCHED}
    add(loaded, {"OnetApiOccupationData": [occupation], "OnetApiSkillsData": [api_skill(CLERKS, READING, "IM")]})
    with read(loaded) as connection:
        status = get_status(connection)
        assert status.tables == count_rows(connection)
    last = status.loads[0]
    assert status.data_version == f"{last.load_id}-{last.finished_at:%Y%m%dT%H%M%SZ}"
    assert status.release == Release("29.0", date(2024, 8, 1))
    assert status.occupations == 3
    assert status.unrated == [(CLERKS, "Clerks")]
    assert status.tables == {
        "Occupations": 3,
        "Scales": 3,
        "Elements": 3,
        "Skills": 8,
        "OnetApiOccupationData": 1,
        "OnetApiSkillsData": 1,
        "Loads": 2,
        **dict.fromkeys(set(Base.metadata.tables) - FILLED, 0),
    }
    assert status.sources == {"api": 1, "text": 8}
    assert [record.release_number for record in status.loads] == ["29.0", "28.3"]


def test_status_of_a_database_without_data(blank: Engine) -> None:
    with read(blank) as connection:
        status = get_status(connection)
    assert (status.data_version, status.release, status.occupations, status.unrated) == ("", None, 0, [])
    assert (set(status.tables.values()), status.sources, status.loads) == ({0}, {}, [])
