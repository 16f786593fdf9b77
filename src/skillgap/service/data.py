"""The data behind answers: a snapshot in memory, or a database from which each question reads what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Protocol

from sqlalchemy import Connection, Engine

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.search import TitleIndex, find_code, index_titles
from skillgap.analysis.similarity.model import Similarity, compute_similarity
from skillgap.models import Occupation, Provenance, RatingsChoice
from skillgap.onet.codes import OnetSocCode
from skillgap.onet.domains import DomainChoice
from skillgap.service.ratings import get_all_ratings, get_occupation_ratings, get_profiles, get_ratings
from skillgap.store.engine import read
from skillgap.store.queries import get_titles
from skillgap.store.rating_rows import get_data_version

_TITLES: tuple[RatingsChoice, DomainChoice] = ("onet+llm", "skills")
"""The ratings whose occupations are listed and searched."""


class Data(Protocol):
    """One data version, the source of the answers of `Skillgap`."""

    @property
    def data_version(self) -> str:
        """Identifies the data version."""

    def get_ratings(self, choice: RatingsChoice, domain: DomainChoice) -> Ratings:
        """Return the ratings of a domain."""

    def get_occupation_ratings(
        self, occupation: str, choice: RatingsChoice, domain: DomainChoice
    ) -> tuple[OnetSocCode, Ratings]:
        """Return the code of an occupation given by code or title, and ratings that include the occupation's."""

    def get_similarity(self) -> Similarity:
        """Return the similarity of occupations."""

    def get_titles(self) -> TitleIndex:
        """Return the index of titles."""

    def get_occupations(self) -> Mapping[str, Occupation]:
        """Return all occupations by code, codes ascending."""

    def get_provenance(self) -> Provenance:
        """Return the provenance of the titles."""


class LazyData:
    """One data version of a database. Each part is read on first use and kept."""

    def __init__(self, engine: Engine, data_version: str) -> None:
        self._engine = engine
        self._data_version = data_version
        self._ratings: dict[tuple[RatingsChoice, DomainChoice], Ratings] = {}
        self._all: Mapping[RatingsChoice, Ratings] | None = None
        self._similarity: Similarity | None = None
        self._titles: TitleIndex | None = None
        self._lock = RLock()

    @property
    def data_version(self) -> str:
        """Identifies the data version."""
        return self._data_version

    def get_ratings(self, choice: RatingsChoice, domain: DomainChoice) -> Ratings:
        """Return the ratings of a domain. Raises StoreError."""
        with self._lock:
            if self._all:
                return self._all[choice].of_domain(domain)
            if (choice, domain) not in self._ratings:
                with self._read() as connection:
                    self._ratings[choice, domain] = get_ratings(connection, choice, domain)
            return self._ratings[choice, domain]

    def get_occupation_ratings(
        self, occupation: str, choice: RatingsChoice, domain: DomainChoice
    ) -> tuple[OnetSocCode, Ratings]:
        """Return the code of an occupation given by code or title, and the ratings of this occupation only.

        Raises StoreError, UnknownOccupation.
        """
        with read(self._engine) as connection:
            code = find_code(occupation, get_titles(connection))
            return code, get_occupation_ratings(connection, code, choice, domain)

    def get_similarity(self) -> Similarity:
        """Return the similarity of occupations, which requires the ratings of all domains. Raises StoreError."""
        with self._lock:
            if self._similarity is None:
                with self._read() as connection:
                    self._all, profiles = get_all_ratings(connection), get_profiles(connection)
                self._similarity = compute_similarity(profiles, self._all["onet+llm"])
            return self._similarity

    def get_titles(self) -> TitleIndex:
        """Return the index of titles. Raises StoreError."""
        with self._lock:
            if self._titles is None:
                with self._read() as connection:
                    if not self._all and _TITLES not in self._ratings:
                        self._ratings[_TITLES] = get_ratings(connection, *_TITLES)
                    profiles = get_profiles(connection)
                self._titles = index_titles(list(self.get_occupations().values()), profiles)
            return self._titles

    def get_occupations(self) -> Mapping[str, Occupation]:
        """Return all occupations by code, codes ascending. Raises StoreError."""
        return self.get_ratings(*_TITLES).occupations

    def get_provenance(self) -> Provenance:
        """Return the provenance of the titles. Raises StoreError."""
        return self.get_ratings(*_TITLES).provenance

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """Open a transaction. What was read of an earlier data version is forgotten, so that no answer mixes two."""
        with read(self._engine) as connection:
            version = get_data_version(connection)
            if version != self._data_version:
                self._data_version = version
                self._ratings.clear()
                self._all = self._similarity = self._titles = None
            yield connection


class Database:
    """A database that is read on demand, and again when its data version has changed."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        """Take a function that returns the engine. It is called on first use."""
        self._make_engine = engine
        self._made: Engine | None = None
        self._data: LazyData | None = None
        self._lock = RLock()

    @property
    def engine(self) -> Engine:
        """The engine, created on first use."""
        with self._lock:
            if self._made is None:
                self._made = self._make_engine()
            return self._made

    def current(self) -> LazyData:
        """Return the data of the current data version. Raises StoreError."""
        with read(self.engine) as connection:
            version = get_data_version(connection)
        with self._lock:
            if self._data is None or self._data.data_version != version:
                self._data = LazyData(self.engine, version)
            return self._data

    def close(self) -> None:
        """Close the connections. A later question opens new ones."""
        with self._lock:
            if self._made is not None:
                self._made.dispose()
