"""Missing ratings are fetched when a gap needs them: once, within a time limit, without delaying other requests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import Connection, Engine, delete

from skillgap.analysis.similarity.profiles import Profile
from skillgap.api.app import create_api
from skillgap.api.cache import AnswerCache
from skillgap.api.metrics import ONET_REQUESTS
from skillgap.service.fetch_missing import OnDemand
from skillgap.service.ratings import get_profiles
from skillgap.service.snapshot import CurrentData
from skillgap.sources.text_files import OnetData
from skillgap.sources.web_services.credentials import Credentials
from skillgap.store.engine import make_engine, read, write
from skillgap.store.queries import count_rows, list_loads
from skillgap.store.schema import Occupations, Skills
from skillgap.store.tables import init_tables
from skillgap.testing.fake_onet_answers import FakeTables
from skillgap.testing.fake_onet_api import FakeOnetApi, Fault
from tests.api.serving import Service, eventually, serve

pytestmark = pytest.mark.programs

NURSE, MANAGER, DEVELOPER, CHIEF = "29-1141.00", "11-9111.00", "15-1252.00", "11-1011.00"
MILITARY = "55-1011.00"
"""Neither rated nor predicted."""


def settings(fake: FakeOnetApi, *, wait: float = 60.0) -> dict[str, str]:
    access = {"onet_api_url": fake.url, "onet_api_key": fake.key}
    return access | {"onet_requests_per_second": "100", "onet_wait_seconds": str(wait)}


@pytest.fixture
def without_nurses(own_starter: Engine) -> str:
    """URL of a database with the starter data, but no ratings of nurses and no chief executives at all."""
    with write(own_starter) as connection:
        connection.execute(delete(Skills).where(Skills.onet_soc_code.in_((NURSE, CHIEF))))
        connection.execute(delete(Occupations).where(Occupations.onet_soc_code == CHIEF))
    return str(own_starter.url)


def ask_many(service: Service, *paths: str) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=service.url, limits=limits, timeout=60) as client:
            return list(await asyncio.gather(*(client.get(path) for path in paths)))

    return asyncio.run(ask())


def gap(current: str, target: str) -> str:
    return f"/skill-gap?from={current}&to={target}"


def requests_for(fake: FakeOnetApi, code: str) -> list[str]:
    return [path for path in fake.requests if code in path]


def test_fifty_at_once_make_one_fetch_and_all_are_answered(
    without_nurses: str, tmp_path: Path, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake)) as service:
        answers = ask_many(service, *[gap(NURSE, MANAGER)] * 50)
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len(requests_for(fake, NURSE)) == 1
        body = answers[0].json()
        assert {row["from_source"] for row in body["skill_gaps"]} == {"api"}
        assert {row["to_source"] for row in body["skill_gaps"]} == {"text"}
        assert body["provenance"]["sources"] == ["api", "text"]
        assert "O*NET Web Services" in body["provenance"]["attribution"]
        # Stored: the same answer, under the ETag of the new data, and no request more.
        again = httpx.get(service.url + gap(NURSE, MANAGER), headers={"If-None-Match": answers[0].headers["etag"]})
        assert again.status_code == 304
        assert len(requests_for(fake, NURSE)) == 1
    engine = make_engine(without_nurses)
    with read(engine) as connection:
        assert count_rows(connection)["OnetApiSkillsData"] == 70
        assert [line.source for line in list_loads(connection)] == ["api", "llm", "text"]
    engine.dispose()


def test_the_gap_from_fetched_ratings_is_that_of_the_release(
    without_nurses: str, starter_database: str, tmp_path: Path, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake)) as service:
        [fetched] = ask_many(service, gap(NURSE, CHIEF))
    (tmp_path / "whole").mkdir()
    with serve(tmp_path / "whole", starter_database) as service:
        [whole] = ask_many(service, gap(NURSE, CHIEF))
    for part in ("skill_gaps", "surplus_skills"):
        for row, expected in zip(fetched.json()[part], whole.json()[part], strict=True):
            assert row == expected | {"from_source": "api", "to_source": "api"}


def test_the_gap_does_not_wait_for_the_rest_of_the_release(
    without_nurses: str, fake_tables: FakeTables, monkeypatch: pytest.MonkeyPatch
):
    engine = make_engine(without_nurses)
    current = CurrentData(engine)
    current.refresh()
    answered = Event()

    def held(connection: Connection) -> dict[str, Profile]:
        assert answered.wait(30)
        return get_profiles(connection)

    async def ask(fake: FakeOnetApi) -> httpx.Response:
        access = Credentials.with_key(fake.key, base_url=fake.url)
        on_demand = OnDemand(current, access, requests_per_second=100, longest_wait=60, on_requests=ONET_REQUESTS.inc)
        app = AnswerCache(
            create_api(current, reload_seconds=60, on_demand=on_demand), lambda: current.snapshot, most_bytes=0
        )
        transport = httpx.ASGITransport(app)
        async with on_demand.running(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(gap(NURSE, MANAGER))

    monkeypatch.setattr("skillgap.service.snapshot.get_profiles", held)
    with FakeOnetApi(fake_tables) as fake:
        answer = asyncio.run(ask(fake))
    assert (answer.status_code, current.snapshot.all_domains.done()) == (200, False)
    answered.set()
    assert NURSE in current.snapshot.all_domains.result(30)["onet"].rows
    engine.dispose()


def test_what_onet_does_not_have_either_is_asked_once_a_day(
    without_nurses: str, tmp_path: Path, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake)) as service:
        for code, problem in ((MILITARY, "unrated-occupation"), ("99-9999.00", "unknown-occupation")):
            for _ in range(3):
                [answer] = ask_many(service, gap(code, MANAGER))
                assert (answer.status_code, answer.json()["code"]) == (404, problem)
                assert "retry-after" not in answer.headers
            assert len(requests_for(fake, code)) == (problem == "unrated-occupation")
        for n in range(3):  # what O*NET has not rated is predicted
            [answer] = ask_many(service, gap(DEVELOPER, MANAGER))
            assert {row["from_source"] for row in answer.json()["skill_gaps"]} == {"llm"}
            if n == 0:
                asked = len(requests_for(fake, DEVELOPER))
        assert len(requests_for(fake, DEVELOPER)) == asked > 0
        assert ask_many(service, f"{gap(DEVELOPER, MANAGER)}&ratings=onet")[0].status_code == 404
        asked = len(fake.requests)
        for n in range(50):  # codes that nobody has cost nothing
            assert ask_many(service, gap(f"98-{n:04d}.00", MANAGER))[0].status_code == 404
        assert len(fake.requests) == asked


def test_a_slow_onet_ends_in_the_ordinary_404_and_the_fetch_goes_on(
    without_nurses: str, tmp_path: Path, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake, wait=0.5)) as service:
        fake.faults = [Fault("about", "hold")]
        slow, quick = ask_many(service, gap(NURSE, MANAGER), gap(MANAGER, DEVELOPER.replace("1252", "1251")))
        assert (slow.status_code, slow.json()["code"], slow.headers["retry-after"]) == (404, "unrated-occupation", "1")
        assert quick.status_code == 200
        fake.open_gate.set()
        eventually(lambda: httpx.get(service.url + gap(NURSE, MANAGER)).is_success)
        assert len(requests_for(fake, NURSE)) == 1


def test_an_outage_is_not_asked_again_at_once_and_slows_nobody_else(
    without_nurses: str, tmp_path: Path, fake_tables: FakeTables
):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake)) as service:
        fake.faults = [Fault("", "503", times=1000)]
        [first] = ask_many(service, gap(NURSE, MANAGER))
        assert (first.status_code, first.json()["code"]) == (404, "unrated-occupation")
        assert 0 < int(first.headers["retry-after"]) <= 60
        eventually(lambda: service.lines("fetch failed"))
        asked = len(fake.requests)
        answers = ask_many(service, gap(NURSE, MANAGER), gap(CHIEF, MANAGER), gap(MANAGER, "11-1021.00"))
        assert [answer.status_code for answer in answers] == [404, 404, 200]
        assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in answers[:2])
        assert len(fake.requests) == asked
        [warning] = service.lines("fetch failed")
        assert "HTTP 503" in warning["error"]
        assert fake.key not in service.log.read_text()


def test_a_flood_of_unknown_codes_does_not_queue(without_nurses: str, tmp_path: Path, fake_tables: FakeTables):
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake, wait=0.5)) as service:
        fake.faults = [Fault("about", "hold", times=1000)]
        answers = ask_many(service, *[gap(f"98-{n:04d}.00", MANAGER) for n in range(200)])
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert len(fake.requests) <= 20
        assert httpx.get(service.url + gap(MANAGER, "11-1021.00")).status_code == 200


def test_without_credentials_nothing_is_fetched(without_nurses: str, tmp_path: Path, fake_tables: FakeTables):
    with (
        FakeOnetApi(fake_tables) as fake,
        serve(tmp_path, without_nurses, onet_api_url=fake.url) as service,
    ):
        [answer] = ask_many(service, gap(NURSE, MANAGER))
        assert (answer.status_code, answer.json()["code"]) == (404, "unrated-occupation")
        assert "retry-after" not in answer.headers
        assert fake.requests == []


def test_an_empty_database_is_filled_by_its_questions(tmp_path: Path, fake_tables: FakeTables, starter: OnetData):
    url = f"sqlite:///{tmp_path}/skillgap.db"
    engine = make_engine(url)
    init_tables(engine)
    engine.dispose()
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, url, **settings(fake)) as service:
        [answer] = ask_many(service, gap(NURSE, MANAGER))
        assert answer.status_code == 200
        assert answer.json()["provenance"]["release"] is None
        assert answer.json()["provenance"]["web_services_release"] == "29.0"


def test_a_release_that_changed_since_the_survey_is_noticed(without_nurses: str, tmp_path: Path, starter: OnetData):
    with FakeOnetApi(FakeTables(starter)) as fake, serve(tmp_path, without_nurses, **settings(fake)) as service:
        assert ask_many(service, gap(MILITARY, MANAGER))[0].status_code == 404  # surveyed now
        fake.tables = FakeTables(starter, split=True).copy(release="30.3")
        [answer] = ask_many(service, gap(NURSE, MANAGER))
        assert (answer.status_code, answer.json()["provenance"]["web_services_release"]) == (200, "30.3")
        assert answer.json()["summary"]["skills_compared"] == 35


def test_a_locked_database_holds_up_neither_other_requests_nor_the_watch(
    without_nurses: str, tmp_path: Path, fake_tables: FakeTables
):
    engine = make_engine(without_nurses)
    with FakeOnetApi(fake_tables) as fake, serve(tmp_path, without_nurses, **settings(fake, wait=0.5)) as service:
        with write(engine):
            codes = [NURSE, CHIEF, DEVELOPER, "15-2051.00", "29-2043.00", "11-1031.00", "13-1082.00"]
            answers = ask_many(service, *(gap(code, MANAGER) for code in codes), gap(MANAGER, "11-1021.00"))
            assert [answer.status_code for answer in answers] == [404] * 2 + [200] * (len(codes) - 2) + [200]
            assert httpx.get(f"{service.url}/ready").is_success
        eventually(lambda: httpx.get(service.url + gap(NURSE, MANAGER)).is_success)
    engine.dispose()
