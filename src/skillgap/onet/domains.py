"""The rated domains of O*NET's Content Model, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Domain = Literal["skills", "knowledge", "abilities", "work_activities"]
"""A branch of the Content Model whose elements are rated by level and importance."""
DomainChoice = Literal[Domain, "all"]
"""A domain to compare, or all that are loaded."""


@dataclass(frozen=True)
class DomainInfo:
    """Facts and names of one domain."""

    name: Domain
    table: str
    """Name of its table in `onet.tables`."""
    elements: tuple[str, ...]
    """Branches of its elements: the first three characters of their ids."""
    singular: str
    """One element in a sentence: `ability`."""
    plural: str
    label: str
    """Its name in a list of choices."""


DOMAINS: tuple[DomainInfo, ...] = (
    DomainInfo("skills", "Skills", ("2.A", "2.B"), "skill", "skills", "skills"),
    DomainInfo("knowledge", "Knowledge", ("2.C",), "area of knowledge", "areas of knowledge", "knowledge"),
    DomainInfo("abilities", "Abilities", ("1.A",), "ability", "abilities", "abilities"),
    DomainInfo("work_activities", "WorkActivities", ("4.A",), "work activity", "work activities", "work activities"),
)
"""A new domain needs a row here, its name in `Domain`, a table in `onet.tables`, and a migration."""

DOMAIN_TABLES: dict[Domain, str] = {domain.name: domain.table for domain in DOMAINS}
"""The table of each domain's ratings."""
NOUNS: dict[str, tuple[str, str]] = {
    **{domain.name: (domain.singular, domain.plural) for domain in DOMAINS},
    "all": ("rating", "ratings"),
}
"""Singular and plural of what a choice compares."""
LABELS: dict[str, str] = {**{domain.name: domain.label for domain in DOMAINS}, "all": "all that are loaded"}
"""The name of each choice in a list of choices."""

_BY_PREFIX = {prefix: domain.name for domain in DOMAINS for prefix in domain.elements}


def domain_of(element_id: str) -> Domain:
    """Return the domain of a rated element by its branch of the Content Model; skills where no branch fits."""
    return _BY_PREFIX.get(element_id[:3], "skills")
