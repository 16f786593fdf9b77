"""The ratings that requests are answered from: held in memory, replaced whole when a load has changed the data."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import get_args

import structlog
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.nearness import Nearness, find_nearness
from skillgap.analysis.profiles import Profile
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import TitleIndex, index_titles
from skillgap.api.answer_cache import StoredAnswers
from skillgap.errors import StoreError
from skillgap.model import DomainChoice, RatingsChoice
from skillgap.store.engine import read
from skillgap.store.queries import ModelUsage, get_all_ratings, get_data_version, get_model_usage, get_profiles

_log = structlog.get_logger("skillgap.api")


@dataclass(frozen=True)
class Snapshot:
    """One data version with the answers already given from it. A request sees one snapshot from first to last."""

    all_ratings: Mapping[RatingsChoice, Ratings]
    """Of all domains, by whose levels are used."""
    nearness: Future[Nearness]
    """Which occupations are near which. It takes seconds longer than the ratings, and nothing else waits for it."""
    titles: Future[TitleIndex]
    """What occupations are called, likewise."""
    answers: StoredAnswers
    model_usage: Sequence[ModelUsage] = ()

    @property
    def ratings(self) -> Ratings:
        """Levels of skills: the analysts', and predictions where they have rated nothing."""
        return self.of("onet+llm", "skills")

    def of(self, choice: RatingsChoice, domain: DomainChoice) -> Ratings:
        """Return the ratings of a domain."""
        return self.all_ratings[choice].of_domain(domain)


class CurrentData:
    """Reads the database at start and when its data version changes; without it, the last snapshot stands."""

    def __init__(self, engine: Engine, *, answer_cache_bytes: int) -> None:
        self._engine = engine
        self._answer_cache_bytes = answer_cache_bytes
        self.snapshot = self._snapshot(dict.fromkeys(get_args(RatingsChoice), Ratings.empty()), {})
        self._refreshing = Lock()
        self.store_error: StoreError | None = None
        """Why the database could not be read last time; None when it could."""
        self.confirmed_at = time.monotonic()
        """When the ratings in memory were last seen to be those of the database; at first, when the process began."""

    def refresh(self) -> None:
        """Take over a new data version, if there is one. Blocks; on StoreError the old snapshot stays."""
        with self._refreshing:
            self._refresh()

    def _refresh(self) -> None:
        try:
            with read(self._engine) as connection:
                version = get_data_version(connection)
                is_new = version != self.snapshot.ratings.data_version
                found = get_all_ratings(connection) if is_new else {}
                usage = get_model_usage(connection) if is_new else ()
                profiles = get_profiles(connection) if is_new else {}
            for ratings in found.values():
                _warm_up(ratings.of_domain("skills"))
        except StoreError as error:
            if self.store_error is None:
                _log.warning("database not readable", error=str(error))
            self.store_error = error
            return
        except Exception as error:  # noqa: BLE001 - nobody awaits the watch: a fault of ours would end it unseen
            if self.store_error is None:
                _log.error("data not readable", exc_info=error)
            self.store_error = StoreError(f"its data could not be read ({error!r}); the log has more")
            return
        if self.store_error is not None:
            _log.info("database readable again")
        self.store_error = None
        if is_new:
            self.snapshot = self._snapshot(found, profiles, usage)
            gc.collect()
            gc.freeze()  # the ratings live long; the collector need not walk over them
            rated, shown = len(self.snapshot.of("onet", "skills").codes), len(self.snapshot.ratings.codes)
            _log.info(
                "data loaded",
                data_version=version,
                rated=rated,
                predicted=shown - rated,
                known=len(found["onet"].occupations),
            )
        self.confirmed_at = time.monotonic()

    def _snapshot(
        self,
        ratings: Mapping[RatingsChoice, Ratings],
        profiles: Mapping[str, Profile],
        usage: Sequence[ModelUsage] = (),
    ) -> Snapshot:
        stored = StoredAnswers(ratings["onet"].data_version, most_bytes=self._answer_cache_bytes)
        snapshot = Snapshot(ratings, Future(), Future(), stored, usage)
        for future in (snapshot.nearness, snapshot.titles):
            future.set_running_or_notify_cancel()  # a client that leaves must not cancel it for the others
        Thread(target=_complete, args=(snapshot, profiles), daemon=True).start()
        return snapshot


def _complete(snapshot: Snapshot, profiles: Mapping[str, Profile]) -> None:
    """Compute what some requests wait for; should it fail, they are told, and no other request notices."""
    ratings = snapshot.all_ratings["onet+llm"]
    try:
        for each in snapshot.all_ratings.values():
            for domain in get_args(DomainChoice):
                _warm_up(each.of_domain(domain))
        snapshot.titles.set_result(index_titles(list(ratings.occupations.values()), profiles))
        snapshot.nearness.set_result(find_nearness(profiles, ratings))
    except Exception as error:  # noqa: BLE001 - nobody awaits this thread: a fault of ours would keep requests waiting
        _log.error("near occupations not computed", exc_info=error)
        for future in (snapshot.titles, snapshot.nearness):
            if not future.done():
                future.set_exception(error)


def _warm_up(ratings: Ratings) -> None:
    """Compute what is computed once per data version, so that no request waits for it."""
    if ratings.codes:
        identify_skill_gap(ratings.codes[0], ratings.codes[-1], ratings)
