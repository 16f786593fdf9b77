"""Changes of ratings by a load."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.release_diff import compare_releases
from skillgap.store.loads import LoadReport
from skillgap.store.rating_rows import get_rating_rows


class RatingsBeforeAndAfter:
    """Analysts' skill ratings before and after a load that changes them."""

    def __init__(self) -> None:
        self._ratings: list[Ratings] = []

    def read(self, connection: Connection) -> None:
        """Read the ratings; a load calls this before it writes and after. An empty database is skipped."""
        if not self._ratings or self._ratings[0].codes:
            self._ratings.append(Ratings.from_rows(get_rating_rows(connection), "onet"))

    def add_changes(self, report: LoadReport) -> LoadReport:
        """Return the report with the changes beyond rater noise, if there are ratings to compare."""
        if len(self._ratings) < 2:
            return report
        return replace(report, changes=compare_releases(*self._ratings))
