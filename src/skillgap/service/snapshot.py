"""The ratings that requests are answered from: held in memory, replaced whole when a load has changed the data."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from typing import Any, get_args

import structlog
from sqlalchemy import Connection, Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import TitleIndex, find_code, index_titles
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.analysis.similarity.profiles import Profile
from skillgap.errors import NoData, SkillgapError, StoreError
from skillgap.models import Occupation, Provenance, RatingsChoice
from skillgap.onet.codes import OnetSocCode
from skillgap.onet.domains import DomainChoice
from skillgap.service.ratings import get_profiles, get_skills_then_all
from skillgap.store.engine import read
from skillgap.store.queries import ModelUsage, get_model_usage
from skillgap.store.rating_rows import get_data_version

_log = structlog.get_logger("skillgap.api")
_SECONDS_TO_TRY_AGAIN, _MOST_SECONDS_TO_TRY_AGAIN = 5.0, 300.0
"""Wait before a failed computation is retried: at first, and at most, as it doubles."""


@dataclass(frozen=True)
class Snapshot:
    """One data version. A request sees one snapshot from first to last."""

    skills: Mapping[RatingsChoice, Ratings]
    """Of skills, by whose levels are used."""
    all_domains: Future[Mapping[RatingsChoice, Ratings]]
    """Of all domains. It takes seconds longer than those of skills, and no gap of skills waits for it."""
    similarity: Future[Similarity]
    """Which occupations are near which, likewise."""
    titles: Future[TitleIndex]
    """What occupations are called, likewise."""
    replaced: Future[None]
    """Done once requests see a later one."""
    model_usage: Sequence[ModelUsage] = ()

    @property
    def ratings(self) -> Ratings:
        """Levels of skills: the analysts', and predictions where they have rated nothing."""
        return self.skills["onet+llm"]

    @property
    def data_version(self) -> str:
        """Version of the figures."""
        return self.skills["onet"].data_version

    def get_ratings(self, choice: RatingsChoice, domain: DomainChoice) -> Ratings:
        """Return the ratings of a domain; those of other domains than skills may have to be waited for."""
        if domain == "skills":
            return self.skills[choice]
        return self.all_domains.result()[choice].of_domain(domain)

    def get_occupation_ratings(
        self, occupation: str, choice: RatingsChoice, domain: DomainChoice
    ) -> tuple[OnetSocCode, Ratings]:
        """Return the code of an occupation given by code or title, and ratings that include its own."""
        ratings = self.get_ratings(choice, domain)
        return find_code(occupation, ratings.titles), ratings

    def get_similarity(self) -> Similarity:
        """Wait for the similarity of occupations."""
        return self.similarity.result()

    def get_titles(self) -> TitleIndex:
        """Wait for the index of titles."""
        return self.titles.result()

    def get_occupations(self) -> Mapping[str, Occupation]:
        """Return all occupations by code, codes ascending."""
        return self.ratings.occupations

    def get_provenance(self) -> Provenance:
        """Return the source of the titles."""
        return self.ratings.provenance

    def fail(self, error: Exception) -> None:
        """Have whoever waits for what is not there yet get an error."""
        for future in (self.all_domains, self.similarity, self.titles):
            if not future.done():
                future.set_exception(error)


class CurrentData:
    """Reads the database at start and when its data version changes; without it, the last snapshot stands."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.snapshot = _empty_snapshot()
        self._is_whole = True
        """Whether all of the snapshot's data could be read."""
        self._refreshing = Lock()
        self._is_first_done = Event()
        self.store_error: StoreError | None = None
        """Why the database could not be read last time; None when it could."""
        self.confirmed_at = time.monotonic()
        """When the ratings in memory were last seen to be those of the database; at first, when the process began."""

    def refresh(self) -> None:
        """Take over a new data version, if there is one. Blocks; on StoreError the old snapshot stays."""
        try:
            with self._refreshing:
                self._refresh()
                if not self.snapshot.data_version and not self.snapshot.titles.done():
                    _compute(self.snapshot, {})  # of no data
        finally:
            self._is_first_done.set()

    def wait_for_first(self) -> None:
        """Block until gaps of skills can be answered for the first time, or the database could not be read."""
        self._is_first_done.wait()

    def _refresh(self) -> None:
        try:
            with read(self._engine) as connection:
                version = get_data_version(connection)
                is_new = version != self.snapshot.ratings.data_version or not self._is_whole
                if is_new:
                    self._take_over(connection)
        except StoreError as error:
            if type(error) is not type(self.store_error):
                _log.warning("database not readable", error=str(error))
            self.store_error = error
            self._fail_what_is_missing(NoData("not all of this release could be read; it is tried again"))
            return
        except Exception as error:  # noqa: BLE001 - nobody awaits the watch: a fault of ours would end it unseen
            found = StoreError(f"its data could not be read ({error!r}); the log has more")
            if str(found) != str(self.store_error):
                _log.error("data not readable", exc_info=error)
            self.store_error = found
            self._fail_what_is_missing(self.store_error)
            return
        if self.store_error is not None:
            _log.info("database readable again")
        self.store_error = None
        if is_new:
            gc.collect()
            gc.freeze()  # the ratings live long; the collector need not walk over them
        self.confirmed_at = time.monotonic()

    def _fail_what_is_missing(self, error: SkillgapError) -> None:
        if not self._is_whole:  # what has been read is being computed, and needs no database
            self.snapshot.fail(error)

    def _take_over(self, connection: Connection) -> None:
        """Answer gaps of skills from the connection's data, then read the rest."""
        reading = get_skills_then_all(connection)
        skills = next(reading)
        before = self.snapshot.ratings.data_version
        if before:
            _warm_up_all(skills)
        self._is_whole = False
        replaced, self.snapshot = self.snapshot.replaced, _snapshot(skills, get_model_usage(connection))
        replaced.set_result(None)
        rated, shown = len(skills["onet"].codes), len(self.snapshot.ratings.codes)
        if self.snapshot.ratings.data_version != before:  # else its rest could not be read before
            _log.info(
                "data loaded",
                data_version=self.snapshot.ratings.data_version,
                rated=rated,
                predicted=shown - rated,
                known=len(self.snapshot.ratings.occupations),
            )
        if not before:  # the first snapshot is used at once: a request computes what has not been warmed up
            self._is_first_done.set()
            try:
                _warm_up_all(skills)
            except Exception:
                self.snapshot = _empty_snapshot()
                raise
        all_domains, profiles = next(reading), get_profiles(connection)
        self._is_whole = True
        self.snapshot.all_domains.set_result(all_domains)
        Thread(target=self._complete, args=(self.snapshot, profiles), daemon=True).start()

    def _complete(self, snapshot: Snapshot, profiles: Mapping[str, Profile]) -> None:
        """Compute what some requests wait for. Retry failed parts until a later data version replaces the snapshot."""
        seconds = _SECONDS_TO_TRY_AGAIN
        while failed := _compute(snapshot, profiles):
            with suppress(TimeoutError):
                snapshot.replaced.result(seconds)
            with self._refreshing:
                if snapshot.replaced.done():
                    return
                renewed: dict[str, Any] = {name: _computing() for name in failed}
                self.snapshot = snapshot = replace(snapshot, **renewed)
            seconds = min(2 * seconds, _MOST_SECONDS_TO_TRY_AGAIN)
        try:
            for each in snapshot.all_domains.result().values():
                for domain in get_args(DomainChoice):
                    _warm_up(each.of_domain(domain))
        except Exception as error:  # noqa: BLE001 - it would end this thread unseen; requests compute for themselves
            _log.error("not all domains are warmed up", exc_info=error)
        _give_back_freed_memory()


def _empty_snapshot() -> Snapshot:
    """Return the snapshot of a database without data; its index and similarity are not computed yet."""
    nothing: Mapping[RatingsChoice, Ratings] = dict.fromkeys(get_args(RatingsChoice), Ratings.empty())
    snapshot = _snapshot(nothing)
    snapshot.all_domains.set_result(nothing)
    return snapshot


def _snapshot(skills: Mapping[RatingsChoice, Ratings], usage: Sequence[ModelUsage] = ()) -> Snapshot:
    return Snapshot(
        skills=skills,
        all_domains=_computing(),
        similarity=_computing(),
        titles=_computing(),
        replaced=_computing(),
        model_usage=usage,
    )


def _computing() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # a client that leaves must not cancel it for the others
    return future


def _compute(snapshot: Snapshot, profiles: Mapping[str, Profile]) -> list[str]:
    """Compute the snapshot's missing parts and return the names of those that failed."""
    ratings = snapshot.all_domains.result()["onet+llm"]
    parts: dict[str, tuple[str, Callable[[], Any]]] = {
        "titles": ("titles", lambda: index_titles(list(ratings.occupations.values()), profiles)),
        "similarity": ("near occupations", lambda: compute_similarity(profiles, ratings)),
    }
    failed = []
    for name, (what, compute) in parts.items():
        future: Future[Any] = getattr(snapshot, name)
        if future.done():
            continue
        try:
            future.set_result(compute())
        except Exception as error:  # noqa: BLE001 - it would end this thread unseen, and keep requests waiting
            _log.error(f"{what} not computed", exc_info=error)
            future.set_exception(NoData(f"{what} could not be computed; it is tried again"))
            failed.append(name)
    return failed


def _give_back_freed_memory() -> None:
    """Return to the system what reading, and the snapshot before, have freed: glibc keeps it, and it grows."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):  # musl has none
        trim(0)


def _warm_up_all(skills: Mapping[RatingsChoice, Ratings]) -> None:
    for ratings in skills.values():
        _warm_up(ratings)


def _warm_up(ratings: Ratings) -> None:
    """Compute what is computed once per data version, so that no request waits for it."""
    if ratings.codes:
        identify_skill_gap(ratings.codes[0], ratings.codes[-1], ratings)
