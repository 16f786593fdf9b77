"""O*NET's tables from its Web Services, typed and checked like those of a release file.

The Database Services (`database/rows/{table}`) give every column of the files, 2,000 rows a page. Where they refuse,
the reports of each occupation (`online/occupations/{code}`) are read instead, which have importances and no levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import httpx
import numpy as np
import pandas as pd
import structlog

from skillgap.errors import (
    OnetApiProtocolError,
    OnetApiRefusal,
    UnknownOccupation,
)
from skillgap.onet.releases import Release
from skillgap.onet.scales import RATERS
from skillgap.sources.rows import COLUMNS, Column, check_rows, typed_rows
from skillgap.sources.web_services.client import OnetApi, ResponseCache, together

_TABLES: dict[str, tuple[tuple[str, ...], ...]] = {
    # table: the layouts it has had; a layout is the list of its ids in the Database Services
    "Occupations": (("occupation_data",),),
    "Scales": (("scales_reference",),),
    "Skills": (("skills",), ("essential_skills", "transferable_skills")),
}
_IMPORTANCE_ENDS = (1.0, 5.0)
"""Of scale IM."""
_SCALES = (
    {"scale_id": "IM", "scale_name": "Importance", "minimum": 1, "maximum": 5},
    {"scale_id": "LV", "scale_name": "Level", "minimum": 0, "maximum": 7},
)
"""For reports, which name no scales."""
_DATABASE_SERVICES_REFUSE = (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND)
"""To an account that may read the reports alone; 401 would be the answer there as well."""
_NO_DATA = httpx.codes.UNPROCESSABLE_ENTITY
_NOTHING_THERE = (_NO_DATA, httpx.codes.NOT_FOUND)
"""O*NET's answers for a code that is unknown, or has no data in the section asked for."""


@dataclass(frozen=True)
class OnetApiData:
    """What O*NET Web Services said, in the columns and types of a release file."""

    release: Release
    """The release that was served; its date is not told."""
    api_version: str
    origin: str
    """The base URL."""
    tables: Mapping[str, pd.DataFrame]
    """Occupations, Scales, Skills."""
    fetched: Mapping[str, pd.DataFrame]
    """For each row of Occupations and Skills: `source_endpoint`, `api_version`, `fetched_at`."""
    codes: tuple[str, ...] | None
    """The occupations that were asked for; None where all were."""
    from_reports: bool
    """Whether reports stood in for the Database Services, which this account cannot read: they have no levels."""
    missing: Mapping[str, int]
    """Fields that answers lacked, and in how many rows; they are null."""
    requests: int
    """Requests sent."""

    @property
    def is_whole(self) -> bool:
        """Whether what is absent is absent at O*NET: not so where reports stood in, or answers lacked fields."""
        return not self.from_reports and not self.missing


@dataclass(frozen=True)
class ServiceCatalog:
    """What has to be known before the rows of occupations are asked for; it changes with the release alone."""

    release: Release
    layouts: Mapping[str, tuple[str, ...]] | None
    """The ids that hold Occupations and Skills; None where the Database Services refuse."""
    scales: _Answers
    occupations: _Answers | None = None
    """All occupations, where they were asked for beforehand."""


async def fetch_catalog(api: OnetApi, *, with_occupations: bool = False) -> ServiceCatalog:
    """Ask which release is served, in which tables, with which scales. Raises as `extract_onet_api_data`.

    `with_occupations` asks for all titles at once, so that an unknown code costs no request later.
    """
    release = Release(await api.release(), None)
    scales = _Answers("scales")
    try:
        ids = await _tables(api)
        layouts = {table: _layout(api, table, ids) for table in _TABLES}
        for endpoint in map(_endpoint, layouts["Scales"]):
            scales.add(await api.rows(endpoint, "row"), endpoint)
    except OnetApiRefusal as error:
        if error.status not in _DATABASE_SERVICES_REFUSE:
            raise
        _log().warning("the Database Services refuse, reading the report of each occupation", reason=str(error))
        scales.add([(scale, datetime.min) for scale in _SCALES], "")
        return ServiceCatalog(release, None, scales)
    catalog = ServiceCatalog(release, layouts, scales)
    return replace(catalog, occupations=await _read_table(api, catalog, "Occupations")) if with_occupations else catalog


async def extract_onet_api_data(
    api: OnetApi, *, codes: Sequence[str] = (), pages: ResponseCache | None = None, resume: bool = False
) -> OnetApiData:
    """Return occupations, scales and skills of O*NET Web Services: all of them, or of the given occupations.

    Answers are kept in `pages`, to be cleared once they are stored; with `resume`, those of a broken run are taken from
    it, if they are of the release served now. Raises CredentialsRefused, OnetApiRefusal, OnetApiUnavailable,
    OnetApiProtocolError, ReleaseDataError, UnknownOccupation.
    """
    catalog = await fetch_catalog(api)  # anew each time: the release may have changed since the broken run
    if pages:
        if not resume:
            pages.clear()
        api.pages = pages.of(catalog.release.number)
    return await extract_occupations(api, catalog, codes)


async def extract_occupations(api: OnetApi, catalog: ServiceCatalog, codes: Sequence[str]) -> OnetApiData:
    """Return the rows of the given occupations, of all where none is given. Raises as `extract_onet_api_data`."""
    asked = tuple(dict.fromkeys(codes)) or None
    if catalog.layouts is None:
        answers = await _read_reports(api, asked)
    else:
        answers = await _read_database_services(api, asked, catalog)
    return _checked(api, catalog, asked, answers | {"Scales": catalog.scales})


def _checked(
    api: OnetApi, catalog: ServiceCatalog, codes: tuple[str, ...] | None, answers: Mapping[str, _Answers]
) -> OnetApiData:
    missing: Counter[str] = Counter()
    tables: dict[str, pd.DataFrame] = {}
    for table in _TABLES:
        rows = answers[table].typed(table, missing)
        check_rows(answers[table].name, table, rows, tables, unit="row")
        tables[table] = rows.reset_index(drop=True)
    if unknown := sorted(set(codes or ()) - set(tables["Occupations"]["onet_soc_code"])):
        raise UnknownOccupation(
            f"O*NET Web Services (release {catalog.release.number}) have no occupation {', '.join(unknown)}",
            onet_soc_code=unknown[0],
        )
    if codes is None and (empty := [table for table in _TABLES if tables[table].empty]):
        raise OnetApiProtocolError(f"{api.origin}: not one row of {', '.join(empty)}")
    for name, count in missing.items():
        _log().warning("field not in the answers, stored as null", field=name, rows=count)
    return OnetApiData(
        release=catalog.release,
        api_version=api.access.version,
        origin=api.origin,
        tables=tables,
        fetched={name: answers[name].fetched(api.access.version) for name in ("Occupations", "Skills")},
        codes=codes,
        from_reports=catalog.layouts is None,
        missing=dict(missing),
        requests=api.requests,
    )


def _log() -> Any:
    return structlog.get_logger("skillgap.sources")


async def _tables(api: OnetApi) -> set[str]:
    """Return the ids of the tables that the Database Services have."""
    body = (await api.get("database")).body
    listed = body.get("table") if isinstance(body, dict) else body
    if not isinstance(listed, list) or not all(isinstance(each, dict) and "table_id" in each for each in listed):
        raise OnetApiProtocolError(f"{api.origin}/database: not a list of tables")
    return {each["table_id"] for each in listed}


# -- reading ------------------------------------------------------------------------------------------------------


def _layout(api: OnetApi, table: str, ids: Set[str]) -> tuple[str, ...]:
    """Return the ids that hold a table, by the first layout that is there whole."""
    for layout in _TABLES[table]:
        if ids >= set(layout):
            return layout
    wanted = ", nor ".join(" with ".join(layout) for layout in _TABLES[table])
    raise OnetApiProtocolError(f"{api.origin}/database: no table {wanted} (found {', '.join(sorted(ids))})")


def _endpoint(table_id: str) -> str:
    return f"database/rows/{table_id}"


async def _read_database_services(
    api: OnetApi, codes: tuple[str, ...] | None, catalog: ServiceCatalog
) -> dict[str, _Answers]:
    if codes is None:
        return {table: await _read_table(api, catalog, table) for table in ("Occupations", "Skills")}
    layouts = catalog.layouts or {}
    occupations, skills = (_Answers(_endpoint("+".join(layouts[table]))) for table in ("Occupations", "Skills"))
    for code in codes:
        if catalog.occupations is None:
            endpoint = _endpoint(*layouts["Occupations"])
            occupations.add(await _rows_of(api, endpoint, code), endpoint)
        elif not occupations.add_from(catalog.occupations, code):
            continue  # nobody has skills of it
        parts = {endpoint: await _rows_of(api, endpoint, code) for endpoint in map(_endpoint, layouts["Skills"])}
        if any(parts.values()) and not all(parts.values()):
            without = ", ".join(endpoint for endpoint, rows in parts.items() if not rows)
            raise OnetApiProtocolError(f"{api.origin}: {code} has skills, but none in {without}")
        for endpoint, rows in parts.items():
            skills.add(rows, endpoint)
    return {"Occupations": occupations, "Skills": skills}


async def _read_table(api: OnetApi, catalog: ServiceCatalog, table: str) -> _Answers:
    """Return all rows of a table, as many as its pages say in `total`, or else the table's description."""
    layout = (catalog.layouts or {})[table]
    answers = _Answers(_endpoint("+".join(layout)))
    for table_id in layout:
        endpoint = _endpoint(table_id)
        rows, total = await api.counted_rows(endpoint, "row")
        if total is None:
            await _check_count(api, table_id, len(rows))
        answers.add(rows, endpoint)
    return answers


async def _check_count(api: OnetApi, table_id: str, count: int) -> None:
    """Compare rows with the number in a table's description; log a warning if there is none.

    In the list of tables, `rows` is the address of the rows; only the description has their number.
    """
    try:
        body = (await api.get(f"database/info/{table_id}")).body
    except OnetApiRefusal:
        body = None
    described = body.get("rows") if isinstance(body, dict) else None
    if not isinstance(described, int):
        _log().warning("O*NET does not tell how many rows a table has, not checked", table=table_id, rows=count)
    elif described != count:
        raise OnetApiProtocolError(
            f"{api.origin}/{_endpoint(table_id)}: {count} rows, but the table has {described}; run again"
        )


async def _rows_of(api: OnetApi, endpoint: str, code: str) -> list[tuple[Any, datetime]]:
    """Return the rows of one occupation; 422 is O*NET's answer where it has none."""
    rows = await _rows_if_any(api, endpoint, "row", [("filter", f"onetsoc_code.eq.{code}")], (_NO_DATA,))
    if others := {str(row.get("onetsoc_code")) for row, _ in rows if isinstance(row, dict)} - {code}:
        raise OnetApiProtocolError(f"{api.origin}/{endpoint}: rows of {min(others)}, asked for {code}")
    return rows


async def _read_reports(api: OnetApi, codes: tuple[str, ...] | None) -> dict[str, _Answers]:
    """Read the report of each occupation: title and description, and the importances of its skills."""
    if codes is None:
        listed = await api.rows("online/occupations", "occupation")
        codes = tuple(str(row.get("code")) for row, _ in listed)
    reports = await together(_read_report(api, code) for code in codes)
    answers = {table: _Answers(f"online/occupations ({table})") for table in ("Occupations", "Skills")}
    for code, (occupation, skills) in zip(codes, reports, strict=True):
        answers["Occupations"].add(occupation, f"online/occupations/{code}")
        answers["Skills"].add(skills, f"online/occupations/{code}/details/skills")
    return answers


async def _read_report(api: OnetApi, code: str) -> tuple[list[tuple[Any, datetime]], list[tuple[Any, datetime]]]:
    endpoint = f"online/occupations/{code}"
    try:
        page = await api.get(endpoint)
    except OnetApiRefusal as error:
        if error.status not in _NOTHING_THERE:
            raise
        return [], []
    if not isinstance(page.body, dict):
        raise OnetApiProtocolError(f"{api.origin}/{endpoint}: not a report")
    occupation = {"onetsoc_code": page.body.get("code")} | {
        name: page.body[name] for name in ("title", "description") if name in page.body
    }
    display = [("display", "long")] if api.access.version == "1.9" else []
    elements = await _rows_if_any(api, f"{endpoint}/details/skills", "element", display)
    skills = [(_importance_row(code, element), time) for element, time in elements]
    return [(occupation, page.fetched_at)], skills


async def _rows_if_any(
    api: OnetApi, path: str, key: str, parameters: list[tuple[str, str]], none: tuple[int, ...] = _NOTHING_THERE
) -> list[tuple[Any, datetime]]:
    """Return the rows; none where O*NET answers that it has none, which it does with the status of an error."""
    try:
        return await api.rows(path, key, parameters)
    except OnetApiRefusal as error:
        if error.status not in none:
            raise
        return []


def _importance_row(code: str, element: Any) -> dict[str, Any]:
    """Return a row of scale IM.

    Reports give importance as whole points of 0-100. The mean of 8 ratings is an eighth, an eighth is 3.125 points,
    so the eighth that was meant is certain, and with it the value as the files print it.
    """
    if not isinstance(element, dict):
        raise OnetApiProtocolError(f"{code}: a skill is {element!r:.60}, expected an object")
    score = element.get("score")
    points = element.get("importance", score.get("value") if isinstance(score, dict) else None)
    if not isinstance(points, int | float) or not 0 <= points <= 100:
        raise OnetApiProtocolError(f"{code}: importance of {element.get('id')} is {points!r}, expected 0 to 100")
    least, most = _IMPORTANCE_ENDS
    eighths = round((least + points / 100 * (most - least)) * RATERS)
    return {
        "onetsoc_code": code,
        "element_id": element.get("id"),
        "element_name": element.get("name"),
        "scale_id": "IM",
        "data_value": round(eighths / RATERS, 2),
    }


# -- rows to frames -----------------------------------------------------------------------------------------------


class _Answers:
    """Rows of one table, in the order they came, each with its endpoint and time."""

    def __init__(self, name: str) -> None:
        self.name = name
        """For messages."""
        self._rows: list[Mapping[str, Any]] = []
        self._endpoints: list[str] = []
        self._times: list[datetime] = []

    def add(self, rows: Sequence[tuple[Any, datetime]], endpoint: str) -> None:
        for row, time in rows:
            if not isinstance(row, dict):
                raise OnetApiProtocolError(f"{endpoint}: a row is {row!r:.60}, expected an object")
            self._rows.append(row)
            self._times.append(time)
        self._endpoints += [endpoint] * len(rows)

    def add_from(self, other: _Answers, code: str) -> bool:
        """Add the rows of one occupation, and tell whether there were any."""
        before = len(self._rows)
        for row, endpoint, time in zip(other._rows, other._endpoints, other._times, strict=True):
            if row.get("onetsoc_code") == code:
                self.add([(row, time)], endpoint)
        return len(self._rows) > before

    def typed(self, table: str, missing: Counter[str]) -> pd.DataFrame:
        """Return the rows in the columns and types of a release file; raise ReleaseDataError."""
        columns = [_api_column(column) for column in COLUMNS[table]]
        for column in columns:
            if column.may_be_null and (absent := sum(column.header not in row for row in self._rows)):
                missing[column.name] += absent
        texts = {column.header: tuple(_text(row.get(column.header)) for row in self._rows) for column in columns}
        return typed_rows(self.name, columns, texts, list(range(1, len(self._rows) + 1)), unit="row")

    def fetched(self, api_version: str) -> pd.DataFrame:
        """Return `source_endpoint`, `api_version` and `fetched_at` of the rows."""
        return pd.DataFrame(
            {
                "source_endpoint": pd.Series(self._endpoints, dtype="str"),
                "api_version": pd.Series([api_version] * len(self._rows), dtype="str"),
                "fetched_at": pd.Series(self._times, dtype="datetime64[s]"),
            }
        )


def _api_column(column: Column) -> Column:
    """Return a column as the Web Services have it: by its SQL name, dates as YYYY-MM-DD."""
    name = "onetsoc_code" if column.name == "onet_soc_code" else column.name
    may_be_null = column.may_be_null and column.name != "element_name"  # no other table of theirs has it
    return column._replace(
        header=name, parse=_date if column.name == "date_updated" else column.parse, may_be_null=may_be_null
    )


def _date(text: str) -> np.datetime64:
    try:
        return np.datetime64(date.fromisoformat(text), "s")
    except ValueError:
        raise ValueError("a date, YYYY-MM-DD") from None


def _text(value: Any) -> str:
    """Return a JSON value as a release file has it, to be parsed by the same rules."""
    if value is None:
        return "n/a"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | dict | list):
        raise OnetApiProtocolError(f"a value is {value!r:.60}, expected a text or a number")
    return str(value)
