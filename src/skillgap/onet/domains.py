"""The rated domains of O*NET's Content Model."""

from __future__ import annotations

from typing import Literal

Domain = Literal["skills", "knowledge", "abilities", "work_activities"]
"""A branch of O*NET's Content Model whose elements are rated by level and importance."""


DomainChoice = Literal["skills", "knowledge", "abilities", "work_activities", "all"]
"""Which elements to compare."""


DOMAIN_TABLES: dict[Domain, str] = {
    "skills": "Skills",
    "knowledge": "Knowledge",
    "abilities": "Abilities",
    "work_activities": "WorkActivities",
}
"""The table of each domain's ratings."""


_DOMAINS: dict[str, Domain] = {"2.C": "knowledge", "1.A": "abilities", "4.A": "work_activities"}


def domain_of(element_id: str) -> Domain:
    """Return the domain of a rated element by its branch of the Content Model; 2.A and 2.B are skills."""
    return _DOMAINS.get(element_id[:3], "skills")
