"""The snapshot of the data in memory that requests are answered from. A changed data version replaces it as a whole."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Any, Literal, get_args

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
from skillgap.onet.releases import Release
from skillgap.service.ratings import get_profiles, get_skills_then_all
from skillgap.store.engine import make_engine, read
from skillgap.store.queries import ModelUsage, get_model_usage
from skillgap.store.rating_rows import get_data_version

_log = structlog.get_logger("skillgap.api")
_SECONDS_TO_TRY_AGAIN, _MOST_SECONDS_TO_TRY_AGAIN = 5.0, 300.0
"""First and longest wait before a failed computation is retried. The wait doubles each time."""

Part = Literal["all_domains", "similarity", "titles"]
"""A part of a snapshot that is computed after the snapshot is in use."""


@dataclass(frozen=True)
class Snapshot:
    """One data version. A request uses one snapshot from start to end."""

    skills: Mapping[RatingsChoice, Ratings]
    """Ratings of skills by choice of levels."""
    all_domains: Future[Mapping[RatingsChoice, Ratings]]
    """Ratings of all domains. They take seconds longer, and gaps of skills do not wait for them."""
    similarity: Future[Similarity]
    """Similarity of occupations, computed later as well."""
    titles: Future[TitleIndex]
    """Index of titles, computed later as well."""
    replaced: Future[None]
    """Done once requests use a later snapshot."""
    model_usage: Sequence[ModelUsage] = ()

    @property
    def ratings(self) -> Ratings:
        """Ratings of skills, with predictions where analysts rated nothing."""
        return self.skills["onet+llm"]

    @property
    def data_version(self) -> str:
        """Identifies the data version."""
        return self.skills["onet"].data_version

    @property
    def release(self) -> Release | None:
        """O*NET release loaded from text files."""
        return self.ratings.release

    @property
    def has_levels(self) -> bool:
        """Whether any occupation has levels of skills."""
        return bool(self.ratings.codes)

    @property
    def rated(self) -> int:
        """Number of occupations whose skills analysts have rated."""
        return len(self.skills["onet"].codes)

    @property
    def predicted(self) -> int:
        """Number of occupations that have predicted levels only."""
        return len(self.ratings.codes) - self.rated

    def check_levels(self) -> None:
        """Raise NoData if no occupation has levels."""
        self.ratings.check_levels()

    def unrated(self, codes: Collection[str]) -> set[str]:
        """Return the codes whose skills analysts have not rated."""
        return set(codes).difference(self.skills["onet"].rows)

    def future(self, part: Part) -> Future[Any]:
        """Return the future of a part that is computed after the snapshot is in use."""
        future: Future[Any] = getattr(self, part)
        return future

    def has(self, part: Part) -> bool:
        """Whether a part has been computed."""
        future = self.future(part)
        return future.done() and not future.exception()

    def loaded_domains(self) -> tuple[str, ...]:
        """Return the domains that have ratings; skills only until all domains have been read."""
        if not self.has("all_domains"):
            return ("skills",)
        return tuple(dict.fromkeys(self.all_domains.result()["onet+llm"].element_domains))

    def get_ratings(self, choice: RatingsChoice, domain: DomainChoice) -> Ratings:
        """Return the ratings of a domain. Waits for domains other than skills."""
        if domain == "skills":
            return self.skills[choice]
        return self.all_domains.result()[choice].of_domain(domain)

    def get_occupation_ratings(
        self, occupation: str, choice: RatingsChoice, domain: DomainChoice
    ) -> tuple[OnetSocCode, Ratings]:
        """Return the code of an occupation given by code or title, and ratings that include the occupation's."""
        ratings = self.get_ratings(choice, domain)
        return find_code(occupation, ratings.titles), ratings

    def get_similarity(self) -> Similarity:
        """Return the similarity of occupations, when it has been computed."""
        return self.similarity.result()

    def get_titles(self) -> TitleIndex:
        """Return the index of titles, when it has been computed."""
        return self.titles.result()

    def get_occupations(self) -> Mapping[str, Occupation]:
        """Return all occupations by code, codes ascending."""
        return self.ratings.occupations

    def get_provenance(self) -> Provenance:
        """Return the provenance of the titles."""
        return self.ratings.provenance

    def fail(self, error: Exception) -> None:
        """Fail the parts that have not been computed."""
        for future in (self.all_domains, self.similarity, self.titles):
            if not future.done():
                future.set_exception(error)


class CurrentData:
    """Reads the database at start and when its data version changes. If it is down, the last snapshot stays in use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        nothing: Mapping[RatingsChoice, Ratings] = dict.fromkeys(get_args(RatingsChoice), Ratings.empty())
        self.snapshot = _snapshot(nothing)
        self.snapshot.all_domains.set_result(nothing)
        _compute(self.snapshot, {})
        self._is_whole = True
        """Whether all data of the snapshot have been read."""
        self._refreshing = Lock()
        self.first_read: Future[None] = _computing()
        """Done once requests can be answered, or reading has failed."""
        self.store_error: StoreError | None = None
        """Error of the last read, None if it succeeded."""
        self.confirmed_at = time.monotonic()
        """Time of the last confirmation that the ratings in memory match the database; initially the process start."""

    @classmethod
    def connect(cls, url: str) -> CurrentData:
        """Return the data of the database at a URL; nothing is read before the first refresh."""
        return cls(make_engine(url))

    @property
    def engine(self) -> Engine:
        """The engine of the database."""
        return self._engine

    def refresh(self) -> None:
        """Read a new data version, if there is one. Blocks. On StoreError, the old snapshot stays in use."""
        with self._refreshing:
            try:
                self._refresh()
            finally:
                self._end_first_read()

    def _end_first_read(self) -> None:
        if not self.first_read.done():
            self.first_read.set_result(None)

    def _refresh(self) -> None:
        try:
            with read(self._engine) as connection:
                version = get_data_version(connection)
                is_new = version != self.snapshot.data_version or not self._is_whole
                if is_new:
                    self._take_over(connection)
        except StoreError as error:
            if type(error) is not type(self.store_error):
                _log.warning("database not readable", error=str(error))
            self.store_error = error
            self._fail_what_is_missing(NoData("not all of this release could be read; the service is trying again"))
            return
        except Exception as error:  # noqa: BLE001 - a bug would end the watch unnoticed
            store_error = StoreError(f"the data could not be read ({error!r}); the log has the traceback")
            if str(store_error) != str(self.store_error):
                _log.error("data not readable", exc_info=error)
            self.store_error = store_error
            self._fail_what_is_missing(self.store_error)
            return
        if self.store_error is not None:
            _log.info("database readable again")
        self.store_error = None
        if is_new:
            gc.collect()
            gc.freeze()  # spare the collector the long-lived ratings
        self.confirmed_at = time.monotonic()

    def _fail_what_is_missing(self, error: SkillgapError) -> None:
        if not self._is_whole:  # otherwise the parts are being computed, without the database
            self.snapshot.fail(error)

    def _take_over(self, connection: Connection) -> None:
        """Put the ratings of skills into use, then read the rest."""
        reading = get_skills_then_all(connection)
        skills = next(reading)
        is_first = not self.first_read.done()
        if not is_first:
            _warm_up_all(skills)
        self._is_whole = False
        before = self.snapshot.data_version
        replaced, self.snapshot = self.snapshot.replaced, _snapshot(skills, get_model_usage(connection))
        replaced.set_result(None)
        if is_first:  # so that the service starts sooner; its first request may compute this itself
            self._end_first_read()
            _warm_up_all(skills)
        if self.snapshot.data_version != before:  # equal if the rest of this version could not be read before
            _log.info(
                "data loaded",
                data_version=self.snapshot.data_version,
                rated=self.snapshot.rated,
                predicted=self.snapshot.predicted,
                known=len(self.snapshot.ratings.occupations),
            )
        all_domains, profiles = next(reading), get_profiles(connection)
        self._is_whole = True
        self.snapshot.all_domains.set_result(all_domains)
        Thread(target=self._complete, args=(self.snapshot, profiles), daemon=True).start()

    def _complete(self, snapshot: Snapshot, profiles: Mapping[str, Profile]) -> None:
        """Compute the parts that some requests wait for. Retry failed parts until the snapshot is replaced."""
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
            for ratings in snapshot.all_domains.result().values():
                for domain in get_args(DomainChoice):
                    _warm_up(ratings.of_domain(domain))
        except Exception as error:  # noqa: BLE001 - requests compute for themselves
            _log.error("not all domains warmed up", exc_info=error)
        _give_back_freed_memory()


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
    future.set_running_or_notify_cancel()  # a client that disconnects must not cancel it for others
    return future


def _compute(snapshot: Snapshot, profiles: Mapping[str, Profile]) -> list[Part]:
    """Compute the snapshot's missing parts and return the names of those that failed."""
    ratings = snapshot.all_domains.result()["onet+llm"]
    parts: dict[Part, Callable[[], Any]] = {
        "titles": lambda: index_titles(list(ratings.occupations.values()), profiles),
        "similarity": lambda: compute_similarity(profiles, ratings),
    }
    failed: list[Part] = []
    for name, compute in parts.items():
        future = snapshot.future(name)
        if future.done():
            continue
        try:
            future.set_result(compute())
        except Exception as error:  # noqa: BLE001 - requests would wait forever
            _log.error(f"{name} not computed", exc_info=error)
            future.set_exception(NoData(f"{name} could not be computed; the service is trying again"))
            failed.append(name)
    return failed


def _give_back_freed_memory() -> None:
    """Return freed memory to the system, because glibc keeps it and the process would grow with each load."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):  # musl has none
        trim(0)


def _warm_up_all(skills: Mapping[RatingsChoice, Ratings]) -> None:
    for ratings in skills.values():
        _warm_up(ratings)


def _warm_up(ratings: Ratings) -> None:
    """Compute the figures that every data version needs once, so that no request waits for them."""
    if ratings.codes:
        identify_skill_gap(ratings.codes[0], ratings.codes[-1], ratings)
