"""Find rows and columns of ratings by code, id, name or title; errors suggest similar ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """The occupations and elements that are the rows and columns of `Ratings`."""

    release: Release | None
    """The loaded text release."""
    web_services_release: Release | None
    """The release that O*NET Web Services served at the last fetch."""
    occupations: Mapping[str, Occupation]
    """Every occupation by code, rated or not, codes ascending."""
    codes: tuple[str, ...]
    """Codes of the occupations with levels, ascending; one per row."""
    element_ids: tuple[str, ...]
    """Ascending; one per column."""
    element_names: tuple[str, ...]
    domain: DomainChoice
    """The domain of the elements, or `all`."""

    @cached_property
    def element_domains(self) -> tuple[Domain, ...]:
        """The domain of each element."""
        return tuple(domain_of(element_id) for element_id in self.element_ids)

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each element by id and by unambiguous name, in lower case."""
        by_id = {element_id.casefold(): k for k, element_id in enumerate(self.element_ids)}
        names = {name.casefold(): k for k, name in enumerate(self.element_names) if not self.ids_of_name(name)}
        return by_id | names

    def ids_of_name(self, name: str) -> Sequence[str]:
        """Return the ids of the elements that share a name: Mathematics is a skill and a knowledge. Empty if unique."""
        return self._ids_by_name.get(name.strip().casefold(), ())

    @cached_property
    def _ids_by_name(self) -> Mapping[str, Sequence[str]]:
        ids_by_name: dict[str, list[str]] = {}
        for element_id, name in zip(self.element_ids, self.element_names, strict=True):
            ids_by_name.setdefault(name.casefold(), []).append(element_id)
        return {name: ids for name, ids in ids_by_name.items() if len(ids) > 1}

    def column(self, text: str) -> int:
        """Return the column of an element given by name or id. Raises UnknownElement with a suggestion."""
        column = self.columns.get(text.strip().casefold())
        if column is None and (ids := self.ids_of_name(text)):
            raise UnknownElement(f"several elements are called {text[:60]!r}{did_you_mean(ids)}")
        if column is None:
            where = "" if self.domain == "all" else f" of {self.domain}"
            raise UnknownElement(f"no element{where} is called {text[:60]!r}{did_you_mean([self.closest_name(text)])}")
        return column

    def closest_name(self, text: str, *, cutoff: float = 0.6) -> str:
        """Return the element name most similar to a text; empty if no similarity (0 to 1) reaches `cutoff`."""
        closest = extractOne(
            text[:60].casefold(), list(self.columns), scorer=OSA.normalized_similarity, score_cutoff=cutoff
        )
        return self.element_names[self.columns[closest[0]]] if closest else ""

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The title of each occupation, rated or not, by code."""
        return {code: occupation.title for code, occupation in self.occupations.items()}

    @cached_property
    def codes_by_title(self) -> Mapping[str, str]:
        """The code of each occupation by the `title_key` of its title."""
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
        raise UnratedOccupation(self._reason_without_levels(occupation), onet_soc_code=onet_soc_code)

    def check_levels(self) -> None:
        """Raise NoData if no occupation has levels: no release is loaded, or one without levels."""
        if not self.occupations:
            raise NoData()
        if self.codes:
            return
        if self.domain == "skills" and any(occupation.is_rated for occupation in self.occupations.values()):
            raise NoData("no predicted levels are stored; use the ratings onet+llm, or run `skillgap enrich`")
        domain = "any domain" if self.domain == "all" else self.domain.replace("_", " ")
        raise NoData(
            f"O*NET {self._release_text()} is loaded without levels of {domain}; "
            "`skillgap status` lists the missing data"
        )

    def _reason_without_levels(self, occupation: Occupation) -> str:
        """Explain why an occupation has no levels here, and what to do about it."""
        name = f"{occupation.onet_soc_code} ({occupation.title})"
        if self.domain not in ("skills", "all"):
            domain = self.domain.replace("_", " ")
            if not self.codes:
                return (
                    f"no {domain} ratings are loaded for {name} or any other occupation, and only skills can be "
                    "predicted; `skillgap status` lists the loaded data"
                )
            return f"O*NET {self._release_text()} has no {domain} ratings for {name}, so no gap can be computed"
        if occupation.is_rated:
            return (
                f"no levels are predicted for {name}, so no gap can be computed; "
                "analysts have rated it: use the ratings onet+llm"
            )
        fact = f"O*NET {self._release_text()} has no skill ratings for {name}, so no gap can be computed"
        if occupation.is_predicted:
            return f"{fact}; its levels are predicted: use the ratings onet+llm"
        if occupation.abstention:
            return f"{fact}, and its levels are not predicted: {occupation.abstention}"
        return fact if self.codes else f"{fact}; `skillgap status` lists the missing data"

    def occupation(self, onet_soc_code: str) -> Occupation:
        """Return an occupation, rated or not. Raises NoData, UnknownOccupation."""
        if not self.occupations:
            raise NoData()
        occupation = self.occupations.get(onet_soc_code)
        if occupation is None:
            family = [code for code in self.occupations if code[:7] == onet_soc_code[:7]]
            hint = f"; {onet_soc_code[:7]} has {', '.join(family)}" if family else self._similar_codes(onet_soc_code)
            raise UnknownOccupation(
                f"O*NET {self._release_text()} has no occupation {onet_soc_code}{hint}",
                onet_soc_code=onet_soc_code,
            )
        return occupation

    def _similar_codes(self, onet_soc_code: str) -> str:
        """Suggest up to three occupations whose codes differ in one digit or in the order of two adjacent ones."""
        similar = extract(onet_soc_code, list(self.occupations), scorer=OSA.distance, score_cutoff=1, limit=3)
        return did_you_mean([f"{code} ({self.titles[code]})" for code, *_ in similar])

    def _release_text(self) -> str:
        release = self.release or self.web_services_release
        return release.number if release else "data"


def did_you_mean(suggestions: Iterable[str]) -> str:
    """Return the end of an error message, `. Did you mean A, B or C?`; empty without suggestions."""
    names = [name for name in suggestions if name]
    if not names:
        return ""
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f". Did you mean {listed}?"


@lru_cache(maxsize=1_000)
def title_key(title: str) -> str:
    """Return a title in lower case with single spaces: spreadsheets add double, non-breaking and trailing ones."""
    return " ".join(title.split()).casefold()
