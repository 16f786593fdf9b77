"""The class `Skillgap`, which answers all questions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from sqlalchemy import Engine

from skillgap.analysis.gap import identify_skill_gap
from skillgap.analysis.paths import find_paths
from skillgap.analysis.person import identify_person_gap, profile_template
from skillgap.analysis.ratings import Ratings
from skillgap.analysis.release_diff import compare_releases
from skillgap.analysis.search import find_code
from skillgap.analysis.similarity.model import Similarity
from skillgap.analysis.transitions import TransitionFilter, find_transitions
from skillgap.errors import NoData
from skillgap.models import (
    GapReport,
    LevelMeaning,
    ListedOccupation,
    OccupationDetails,
    OccupationList,
    OccupationSkills,
    PathReport,
    PersonGapReport,
    RatingsChoice,
    ReleaseDiff,
    Status,
    TransitionReport,
    WeightChoice,
    WorkforceReport,
)
from skillgap.models.person import OwnProfile
from skillgap.nodes.status import get_status
from skillgap.onet.codes import parse_code
from skillgap.onet.domains import DomainChoice
from skillgap.service.data import Data, Database
from skillgap.store.engine import read

if TYPE_CHECKING:
    from skillgap.sources.releases import OnBytes


class ReleaseSource(NamedTuple):
    """The source of release files."""

    cache_dir: Path
    download_url: Callable[[], str]
    """Returns the URL that releases are downloaded from. Raises ConfigurationError."""


class Skillgap:
    """Answers questions about occupations, each from one data version.

    Occupations are given by O*NET-SOC code in any accepted form (`29-1141`, `29-1141.00`, `29114100`) or by O*NET's
    exact title, in any case. `ratings` selects the levels: analysts' ratings (`onet`), predictions (`llm`), or ratings
    with predictions where there are none (`onet+llm`). Answers are frozen types of `skillgap.models` and include their
    provenance. All questions may raise UnknownOccupation, UnratedOccupation, NoData and StoreError, in addition to the
    errors named for each.
    """

    def __init__(
        self,
        data: Callable[[], Data],
        *,
        database: Database | None = None,
        files: ReleaseSource | None = None,
    ) -> None:
        """Take a function that returns the data for a question.

        `status` and `diff` need the database itself, and `diff` the source of release files.
        """
        self._data = data
        self._database = database
        self._files = files

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        if self._database:
            self._database.close()

    def gap(
        self,
        current: str,
        target: str,
        *,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
        stability: bool = False,
    ) -> GapReport:
        """Return the skill gap between two occupations.

        `weight` is the weight of each gap in the order and the shortfall. `stability` adds the stability of the ranking
        under rater noise and other weights (about 20 ms).
        """
        levels = self.levels(domain=domain, ratings=ratings, weight=weight)
        return identify_skill_gap(_code(current, levels), _code(target, levels), levels, stability=stability)

    def person_gap(
        self,
        profile: OwnProfile,
        target: str,
        *,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
        stability: bool = False,
    ) -> PersonGapReport:
        """Return the skill gap between a person and an occupation. Raises InvalidProfile."""
        levels = self.levels(domain=domain, ratings=ratings, weight=weight)
        return identify_person_gap(profile, _code(target, levels), levels, stability=stability)

    def profile_template(self, occupation: str | None = None, *, domain: DomainChoice = "skills") -> OwnProfile:
        """Return a profile to fill in, with every element by name and no levels."""
        levels = self.levels(domain=domain)
        return profile_template(levels, _code(occupation, levels) if occupation else None)

    def occupation(self, occupation: str) -> OccupationDetails:
        """Return one occupation."""
        levels = self.levels()
        return OccupationDetails(levels.occupation(_code(occupation, levels)), levels.provenance)

    def occupations(self, *, limit: int | None = None, offset: int = 0) -> OccupationList:
        """Return a page of all occupations, codes ascending. Without a limit, the page has all after the offset."""
        data = self._data()
        occupations = list(data.get_occupations().values())
        end = None if limit is None else offset + limit
        items = [ListedOccupation(occupation, None, None, None) for occupation in occupations[offset:end]]
        return OccupationList(items, len(occupations), data.get_provenance())

    def search(self, text: str, *, limit: int = 10, offset: int = 0) -> OccupationList:
        """Return the occupations that match a text, the best match first. Raises InvalidSearchText."""
        data = self._data()
        hits, total = data.get_titles().find(text, limit, offset)
        occupations = data.get_occupations()
        return OccupationList([hit.listed(occupations) for hit in hits], total, data.get_provenance())

    def skills(
        self, occupation: str, *, domain: DomainChoice = "skills", ratings: RatingsChoice = "onet+llm"
    ) -> OccupationSkills:
        """Return the skills of an occupation, most important first; predicted levels are sorted by level."""
        code, levels = self._data().get_occupation_ratings(occupation, ratings, domain)
        return OccupationSkills(levels.occupation(code), levels.skills(code), levels.provenance_of(levels.row(code)))

    def transitions(
        self,
        occupation: str,
        *,
        job_zones: Collection[int] = (),
        major_group: str | None = None,
        max_shortfall_percentile: float = 100.0,
        only_rated: bool = False,
        limit: int = 10,
        offset: int = 0,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
        stability: bool = False,
    ) -> TransitionReport:
        """Return the occupations most similar to one that pass the filters, each with a summary of its gap.

        Raises UnknownJobZone, MissingInput (a filter needs data that are not loaded).
        """
        data = self._data()
        similarity = data.get_similarity()  # first, because it reads the ratings of all domains
        levels = data.get_ratings(ratings, domain).weighted_by(weight)
        code = _code(occupation, levels)
        where = TransitionFilter(job_zones, major_group, max_shortfall_percentile, only_rated)
        ranked = find_transitions(code, similarity, levels, where=where, limit=offset + limit, stability=stability)
        transitions = ranked[offset:]
        rows = [levels.row(transition.occupation.onet_soc_code) for transition in transitions]
        return TransitionReport(
            occupation=levels.occupation(code),
            transitions=transitions,
            basis=similarity.basis,
            domain=levels.domain,
            weight=levels.weighting,
            provenance=levels.provenance_of(levels.row(code), *rows),
        )

    def paths(
        self,
        current: str,
        target: str,
        *,
        neighbors: int = 20,
        limit: int = 5,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
    ) -> PathReport:
        """Return paths of at most three moves between similar occupations, ranked by their hardest move, easiest first.

        A move connects two occupations if one is among the `neighbors` most similar to the other. Raises
        MissingInput (no importance of the target).
        """
        data = self._data()
        similarity = data.get_similarity()
        levels = data.get_ratings(ratings, domain).weighted_by(weight)
        return find_paths(
            _code(current, levels), _code(target, levels), similarity, levels, neighbors=neighbors, limit=limit
        )

    def explain_level(self, element: str, level: float) -> LevelMeaning:
        """Return the meaning of a level (scale LV, 0-7) of an element given by name or id. Raises UnknownElement."""
        levels = self.levels(domain="all")
        column = levels.column(element)
        around = levels.anchors_around(column, level)
        element_id, name = levels.element_ids[column], levels.element_names[column]
        words = around.in_words() if around else "the loaded release has no examples of levels"
        return LevelMeaning(
            element_id=element_id,
            element_name=name,
            level=level,
            in_words=f"{name}, level {level:g}: {words}",
            around=around,
            scale=list(levels.anchors.get(element_id, ())),
            provenance=levels.provenance,
        )

    def workforce(
        self,
        people: Mapping[str, str],
        targets: Sequence[str],
        *,
        proposals: int = 10,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
    ) -> WorkforceReport:
        """Return the skills a population lacks for some targets, and whom to retrain for which target.

        `people` maps each person's id to the current occupation. For files of people, with their own levels and with
        rows that cannot be compared, use `batch.workforce`. Raises MissingInput (no importance of a target).
        """
        from skillgap.analysis.vectorized import NONE, People
        from skillgap.analysis.workforce import Workforce

        levels = self.levels(domain=domain, ratings=ratings, weight=weight)
        target_rows = list(dict.fromkeys(levels.row(_code(target, levels)) for target in targets))
        rows = {text: levels.row(_code(text, levels)) for text in set(people.values())}
        current = np.array([rows[text] for text in people.values()], dtype=np.intp)
        no_target = np.full(len(current), NONE, dtype=np.intp)  # `Workforce` compares everybody with all its targets
        workforce = Workforce(levels, target_rows, proposals=proposals)
        workforce.add(People(occupation=current, target=no_target, own=None), list(people))
        return workforce.report({})

    def diff(
        self,
        before: str,
        after: str,
        *,
        occupation: str | None = None,
        with_pairs: bool = False,
        domain: DomainChoice = "skills",
        on_bytes: OnBytes | None = None,
    ) -> ReleaseDiff:
        """Return the changes between two releases, of all occupations or of one given by code.

        A release is a release number, a folder, a zip, `starter`, or `loaded` for the ratings in the database. Nothing
        is written. Changed pairs are listed if `with_pairs` is true or for one occupation. Raises SourceError.
        """
        old, new = (self._release(source, domain, on_bytes) for source in (before, after))
        only = parse_code(occupation) if occupation else None
        changes = compare_releases(old, new, only=only, with_pairs=with_pairs)
        return ReleaseDiff(changes, new.titles, new.provenance)

    def _release(self, source: str, domain: DomainChoice, on_bytes: OnBytes | None) -> Ratings:
        from skillgap.nodes.get_release_ratings import LOADED, get_release_ratings

        engine = self._engine() if source == LOADED else None
        if self._files is None:
            raise _no_database()
        return get_release_ratings(
            engine,
            source,
            domain,
            cache_dir=self._files.cache_dir,
            download_url=self._files.download_url,
            on_bytes=on_bytes,
        )

    def _engine(self) -> Engine:
        if self._database is None:
            raise _no_database()
        return self._database.engine

    def job_zone_name(self, zone: int | None) -> str | None:
        """Return the release's name of a Job Zone, None if not loaded."""
        return None if zone is None else self.levels().job_zone_names.get(zone)

    def status(self) -> Status:
        """Return the loaded and the missing data."""
        with read(self._engine()) as connection:
            return get_status(connection)

    def similarity(self) -> Similarity:
        """Return the similarity of all occupations, for computations in bulk."""
        return self._data().get_similarity()

    def levels(
        self,
        *,
        domain: DomainChoice = "skills",
        ratings: RatingsChoice = "onet+llm",
        weight: WeightChoice = "importance",
    ) -> Ratings:
        """Return the ratings as arrays, for computations in bulk. Empty if nothing is loaded."""
        return self._data().get_ratings(ratings, domain).weighted_by(weight)


def _no_database() -> NoData:
    return NoData("this needs a database, but this service answers from a snapshot in memory")


def _code(text: str, levels: Ratings) -> str:
    """Return the code that a text stands for. `levels.occupation` and `levels.row` raise if nothing has this code."""
    return find_code(text, levels.titles)
