"""The ratings that requests are answered from: held in memory, replaced whole when a load has changed the data."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import get_args

import structlog
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.ratings import Ratings
from skillgap.api.answer_cache import StoredAnswers
from skillgap.errors import StoreError
from skillgap.model import RatingsChoice
from skillgap.store.engine import read
from skillgap.store.queries import ModelUsage, get_all_ratings, get_data_version, get_model_usage

_log = structlog.get_logger("skillgap.api")


@dataclass(frozen=True)
class Snapshot:
    """One data version with the answers already given from it. A request sees one snapshot from first to last."""

    all_ratings: Mapping[RatingsChoice, Ratings]
    answers: StoredAnswers
    model_usage: Sequence[ModelUsage] = ()

    @property
    def ratings(self) -> Ratings:
        """The analysts' levels, and predictions where they have rated nothing."""
        return self.all_ratings["onet+llm"]


class CurrentData:
    """Reads the database at start and when its data version changes; without it, the last snapshot stands."""

    def __init__(self, engine: Engine, *, answer_cache_bytes: int) -> None:
        self._engine = engine
        self._answer_cache_bytes = answer_cache_bytes
        self.snapshot = self._snapshot(dict.fromkeys(get_args(RatingsChoice), Ratings.empty()))
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
            for ratings in found.values():
                _warm_up(ratings)
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
            self.snapshot = self._snapshot(found, usage)
            gc.collect()
            gc.freeze()  # the ratings live long; the collector need not walk over them
            counts = {name: len(found[name].codes) for name in ("onet", "onet+llm")}
            _log.info(
                "data loaded",
                data_version=version,
                rated=counts["onet"],
                predicted=counts["onet+llm"] - counts["onet"],
                known=len(found["onet"].occupations),
            )
        self.confirmed_at = time.monotonic()

    def _snapshot(self, ratings: Mapping[RatingsChoice, Ratings], usage: Sequence[ModelUsage] = ()) -> Snapshot:
        version = ratings["onet"].data_version
        return Snapshot(ratings, StoredAnswers(version, most_bytes=self._answer_cache_bytes), usage)


def _warm_up(ratings: Ratings) -> None:
    """Compute what is computed once per data version, so that no request waits for it."""
    if ratings.codes:
        identify_skill_gap(ratings.codes[0], ratings.codes[-1], ratings)
