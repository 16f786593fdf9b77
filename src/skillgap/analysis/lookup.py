"""Rows and columns of ratings, found by code, id, name or title; the errors name what may be meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract, extractOne

from skillgap.analysis.memo import cached_property
from skillgap.errors import NoData, UnknownElement, UnknownOccupation, UnratedOccupation
from skillgap.models import Occupation
from skillgap.onet.domains import Domain, DomainChoice, domain_of
from skillgap.onet.releases import Release


@dataclass(frozen=True, eq=False, kw_only=True)
class Lookup:
    """Occupations and elements: the rows and columns of `Ratings`."""

    release: Release | None
    """The text release that is loaded."""
    web_services_release: Release | None
    """What O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    codes: tuple[str, ...]
    """Occupations with levels, ascending: one per row."""
    element_ids: tuple[str, ...]
    """Ascending: one per column."""
    element_names: tuple[str, ...]
    domain: DomainChoice
    """Which elements are there, of those that are loaded."""

    @cached_property
    def element_domains(self) -> tuple[Domain, ...]:
        """The domain of each element."""
        return tuple(domain_of(element_id) for element_id in self.element_ids)

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each element, by name and by id, in lower case."""
        by_id = {element_id.casefold(): k for k, element_id in enumerate(self.element_ids)}
        names = {name.casefold(): k for k, name in enumerate(self.element_names) if not self.ids_of_name(name)}
        return by_id | names

    def ids_of_name(self, name: str) -> Sequence[str]:
        """Return the ids of the elements of a name, where several have it: Mathematics is a skill and a knowledge."""
        return self._ids_by_name.get(name.strip().casefold(), ())

    @cached_property
    def _ids_by_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for element_id, name in zip(self.element_ids, self.element_names, strict=True):
            found.setdefault(name.casefold(), []).append(element_id)
        return {name: ids for name, ids in found.items() if len(ids) > 1}

    def column(self, text: str) -> int:
        """Return the column of an element given by name or id. Raises UnknownElement, with a name like it."""
        found = self.columns.get(text.strip().casefold())
        if found is None and (ids := self.ids_of_name(text)):
            raise UnknownElement(f"{text[:60]} may be {' or '.join(ids)}; give the id")
        if found is None:
            near = self.near_name(text)
            where = "" if self.domain == "all" else f" of {self.domain}"
            raise UnknownElement(f"no element{where} is called {text[:60]!r}{near and f'. Did you mean {near}?'}")
        return found

    def near_name(self, text: str, *, alike: float = 0.6) -> str:
        """Return the name of the element most like a text, empty where none is so much alike."""
        near = extractOne(
            text[:60].casefold(), list(self.columns), scorer=OSA.normalized_similarity, score_cutoff=alike
        )
        return self.element_names[self.columns[near[0]]] if near else ""

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The title of each occupation, with levels or without, by code."""
        return {code: each.title for code, each in self.occupations.items()}

    @cached_property
    def codes_by_title(self) -> Mapping[str, str]:
        """The code of each title, by its `title_key`."""
        return {title_key(title): code for code, title in self.titles.items()}

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each occupation with levels."""
        return {code: row for row, code in enumerate(self.codes)}

    def row(self, onet_soc_code: str) -> int:
        """Return the row of an occupation with levels. Raises NoData, UnknownOccupation, UnratedOccupation."""
        row = self.rows.get(onet_soc_code)
        if row is not None:
            return row
        occupation = self.occupation(onet_soc_code)
        raise UnratedOccupation(self._why_not(occupation), onet_soc_code=onet_soc_code)

    def check_levels(self) -> None:
        """Raise NoData if no occupation has levels: nothing is loaded, or a release without them."""
        if not self.occupations:
            raise NoData()
        if self.codes:
            return
        if self.domain == "skills" and any(occupation.is_rated for occupation in self.occupations.values()):
            raise NoData("no levels are predicted; ask for the ratings onet+llm, or run `skillgap enrich`")
        of = "any domain" if self.domain == "all" else self.domain.replace("_", " ")
        raise NoData(
            f"O*NET {self._release_text()} is loaded without levels of {of}; `skillgap status` shows what is missing"
        )

    def _why_not(self, occupation: Occupation) -> str:
        """Return why an occupation has no levels here, and the way out."""
        name = f"{occupation.onet_soc_code} ({occupation.title})"
        if self.domain not in ("skills", "all"):
            what = self.domain.replace("_", " ")
            if not self.codes:
                way_out = "`skillgap status` shows what is loaded; predictions are of skills alone"
                return f"no {what} ratings are there to compare, of {name} or any other occupation; {way_out}"
            return f"O*NET {self._release_text()} has no {what} ratings for {name}, so no gap can be computed"
        if occupation.is_rated:
            return (
                f"no levels are predicted for {name}, so no gap can be computed; "
                "analysts have rated it: ask for the ratings onet+llm"
            )
        fact = f"O*NET {self._release_text()} has no skill ratings for {name}, so no gap can be computed"
        if occupation.is_predicted:
            return f"{fact}; predicted levels are there: ask for the ratings onet+llm"
        if occupation.abstention:
            return f"{fact}; nor is it predicted: {occupation.abstention}"
        return fact if self.codes else f"{fact}; `skillgap status` shows what is missing"

    def occupation(self, onet_soc_code: str) -> Occupation:
        """Return an occupation, rated or not. Raises NoData, UnknownOccupation."""
        if not self.occupations:
            raise NoData()
        occupation = self.occupations.get(onet_soc_code)
        if occupation is None:
            family = [code for code in self.occupations if code[:7] == onet_soc_code[:7]]
            near = f"; {onet_soc_code[:7]} has {', '.join(family)}" if family else self._a_slip_away(onet_soc_code)
            raise UnknownOccupation(
                f"O*NET {self._release_text()} has no occupation {onet_soc_code}{near}",
                onet_soc_code=onet_soc_code,
            )
        return occupation

    def _a_slip_away(self, onet_soc_code: str) -> str:
        """Ask whether occupations are meant whose codes differ by one digit, or by two that changed places."""
        alike = extract(onet_soc_code, list(self.occupations), scorer=OSA.distance, score_cutoff=1, limit=3)
        named = [f"{code} ({self.titles[code]})" for code, *_ in alike]
        return f". Did you mean {' or '.join(named)}?" if named else ""

    def _release_text(self) -> str:
        release = self.release or self.web_services_release
        return release.number if release else "data"


@lru_cache(maxsize=1_000)
def title_key(title: str) -> str:
    """Return a title in lower case with single spaces: spreadsheets leave double, non-breaking and trailing ones."""
    return " ".join(title.split()).casefold()
