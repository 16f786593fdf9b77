"""Ratings of the database, as arrays; each function reads one snapshot."""

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
    """Return the levels of all occupations that have some. Source: the two views, and the other domains' tables."""
    return Ratings.from_rows(get_rating_rows(connection, domain), choice, domain)


def get_all_ratings(connection: Connection) -> dict[RatingsChoice, Ratings]:
    """Return the ratings of all domains by whose levels are used. Source: as of `get_ratings`."""
    return Ratings.by_choice(get_rating_rows(connection, "all"))


def get_skills_then_all(connection: Connection) -> Iterator[dict[RatingsChoice, Ratings]]:
    """Give what `get_all_ratings` returns, of skills first: no row is read twice. Source: as of `get_ratings`."""
    reader = RatingReader(connection)
    skills = Ratings.by_choice(reader.rows("skills"))
    yield {choice: ratings.of_domain("skills") for choice, ratings in skills.items()}
    yield Ratings.by_choice(reader.rows("all")) if reader.other_rows("all") else skills


def get_occupation_ratings(
    connection: Connection, onet_soc_code: str, choice: RatingsChoice = "onet+llm", domain: DomainChoice = "skills"
) -> Ratings:
    """Return the ratings of one occupation alone, with the names of all. Source: as of `get_ratings`."""
    return Ratings.from_rows(get_rating_rows(connection, domain, onet_soc_code=onet_soc_code), choice, domain)


def get_occupation_skills(
    connection: Connection,
    onet_soc_code: str,
    choice: RatingsChoice = "onet+llm",
    domain: DomainChoice = "skills",
) -> list[SkillRating]:
    """Return the skills of one occupation, most important first, predicted ones by level.

    Raises NoData, UnknownOccupation, UnratedOccupation. Source: as of `get_ratings`.
    """
    return get_occupation_ratings(connection, onet_soc_code, choice, domain).skills(onet_soc_code)


def get_profiles(connection: Connection) -> dict[str, Profile]:
    """Return the profile of every occupation of the text release, by code: its titles, tasks and other text facts."""
    return read_profiles(get_columns(connection, PROFILE_COLUMNS))
