"""Ratings of the database as arrays. Each function reads within one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from skillgap.analysis.ratings import Ratings
from skillgap.analysis.similarity.profiles import PROFILE_COLUMNS, Profile, read_profiles
from skillgap.models import RatingsChoice, SkillRating
from skillgap.onet.domains import DomainChoice
from skillgap.store.queries import get_columns
from skillgap.store.rating_rows import RatingReader, get_rating_rows


def get_ratings(connection: Connection, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills") -> Ratings:
    """Return the ratings of all occupations with levels. Source: the two views and the tables of the other domains."""
    return Ratings.from_rows(get_rating_rows(connection, domain), choice, domain)


def get_all_ratings(connection: Connection) -> dict[RatingsChoice, Ratings]:
    """Return the ratings of all domains, by choice of levels. Source: as in `get_ratings`."""
    return Ratings.by_choice(get_rating_rows(connection, "all"))


def get_skills_then_all(connection: Connection) -> Iterator[dict[RatingsChoice, Ratings]]:
    """Yield the ratings of skills, then those of all domains. No row is read twice. Source: as in `get_ratings`."""
    reader = RatingReader(connection)
    skills = Ratings.by_choice(reader.rows("skills"))
    yield {choice: ratings.of_domain("skills") for choice, ratings in skills.items()}
    yield Ratings.by_choice(reader.rows("all")) if reader.other_rows("all") else skills


def get_occupation_ratings(
    connection: Connection, onet_soc_code: str, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills"
) -> Ratings:
    """Return the ratings of one occupation only, with the names of all. Source: as in `get_ratings`."""
    return Ratings.from_rows(get_rating_rows(connection, domain, onet_soc_code=onet_soc_code), choice, domain)


def get_occupation_skills(
    connection: Connection,
    onet_soc_code: str,
    choice: RatingsChoice = "onet+llm",
    domain: DomainChoice = "skills",
) -> list[SkillRating]:
    """Return the skills of one occupation, most important first; predicted levels are sorted by level.

    Raises NoData, UnknownOccupation, UnratedOccupation. Source: as in `get_ratings`.
    """
    return get_occupation_ratings(connection, onet_soc_code, choice, domain).skills(onet_soc_code)


def get_profiles(connection: Connection) -> dict[str, Profile]:
    """Return the profile of every occupation of the text release, by code: its titles, tasks and other text facts."""
    return read_profiles(get_columns(connection, PROFILE_COLUMNS))
