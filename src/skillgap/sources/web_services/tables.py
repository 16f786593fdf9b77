"""O*NET's tables from its Web Services, typed and checked like those of a release file.

The Database Services (`database/rows/{table}`) give every column of the files, 2,000 rows a page. If they refuse the
account, the reports of each occupation are read instead, which have importance and no level.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import pandas as pd
import structlog

from skillgap.errors import OnetApiProtocolError, OnetApiRefusal, UnknownOccupation
from skillgap.onet.releases import Release
from skillgap.onet.tables import TABLES
from skillgap.sources.rows import check_rows
from skillgap.sources.web_services import reports
from skillgap.sources.web_services.answers import NO_DATA, Answers, TimedRow, rows_if_any
from skillgap.sources.web_services.client import OnetApi
from skillgap.sources.web_services.response_cache import ResponseCache

FETCHED_TABLES = ("Occupations", "Scales", "Skills")
_DATABASE_SERVICES_REFUSE = (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND)
"""Statuses for an account that may only read reports. It is not 401: reports would answer 401 as well."""


@dataclass(frozen=True)
class OnetApiData:
    """Rows of O*NET Web Services in the columns and types of a release file."""

    release: Release
    """The release served. The Web Services do not give its date."""
    api_version: str
    origin: str
    """The base URL."""
    tables: Mapping[str, pd.DataFrame]
    """Occupations, Scales, Skills."""
    fetched: Mapping[str, pd.DataFrame]
    """`source_endpoint`, `api_version` and `fetched_at` of each row of Occupations and Skills."""
    codes: tuple[str, ...] | None
    """The requested occupations; None for all."""
    from_reports: bool
    """Read from reports, because the account may not read the Database Services: there are no levels."""
    missing: Mapping[str, int]
    """Fields absent from answers, with the number of rows; they are null."""
    requests: int
    """Requests sent."""

    @property
    def is_whole(self) -> bool:
        """Whether rows that are absent here are absent at O*NET: not if read from reports or with fields missing."""
        return not self.from_reports and not self.missing


@dataclass(frozen=True)
class ServiceCatalog:
    """The release, tables and scales that are served; it changes only with the release."""

    release: Release
    layouts: Mapping[str, tuple[str, ...]] | None
    """The ids that together hold each of FETCHED_TABLES; None if the Database Services refuse."""
    scales: Answers
    occupations: Answers | None = None
    """All occupations, if they were fetched in advance."""


async def fetch_catalog(api: OnetApi, *, with_occupations: bool = False) -> ServiceCatalog:
    """Fetch the release number, the layout of each table, and the scales. Raises as `extract_onet_api_data`.

    `with_occupations` also fetches all titles, so that unknown codes cost no request later.
    """
    release = Release(await api.release(), None)
    scales = Answers("scales")
    try:
        ids = await _table_ids(api)
        layouts = {table: _layout(api, table, ids) for table in FETCHED_TABLES}
        for endpoint in map(_endpoint, layouts["Scales"]):
            scales.add(await api.rows(endpoint, "row"), endpoint)
    except OnetApiRefusal as error:
        if error.status not in _DATABASE_SERVICES_REFUSE:
            raise
        _log().warning("no access to the Database Services; reading the report of each occupation", reason=str(error))
        scales.add([(scale, datetime.min) for scale in reports.SCALES], "")
        return ServiceCatalog(release, None, scales)
    catalog = ServiceCatalog(release, layouts, scales)
    return replace(catalog, occupations=await _read_table(api, catalog, "Occupations")) if with_occupations else catalog


async def extract_onet_api_data(
    api: OnetApi, *, codes: Sequence[str] = (), pages: ResponseCache | None = None, resume: bool = False
) -> OnetApiData:
    """Return occupations, scales and skills from O*NET Web Services, of the given occupations or of all.

    Answers are kept in `pages`, to be cleared once their rows are stored. With `resume`, answers of an interrupted run
    are reused if the same release is still served. Raises CredentialsRefused, OnetApiRefusal, OnetApiUnavailable,
    OnetApiProtocolError, ReleaseDataError, UnknownOccupation.
    """
    catalog = await fetch_catalog(api)  # never from `pages`: the release may have changed since the interrupted run
    if pages:
        if not resume:
            pages.clear()
        api.pages = pages.of(catalog.release.number)
    return await extract_occupations(api, catalog, codes)


async def extract_occupations(api: OnetApi, catalog: ServiceCatalog, codes: Sequence[str]) -> OnetApiData:
    """Return the rows of the given occupations, or of all if `codes` is empty. Raises as `extract_onet_api_data`."""
    requested = tuple(dict.fromkeys(codes)) or None
    if catalog.layouts is None:
        answers = await reports.read_reports(api, requested)
    else:
        answers = await _read_database_services(api, requested, catalog)
    return _checked(api, catalog, requested, answers | {"Scales": catalog.scales})


def _checked(
    api: OnetApi, catalog: ServiceCatalog, codes: tuple[str, ...] | None, answers: Mapping[str, Answers]
) -> OnetApiData:
    missing: Counter[str] = Counter()
    tables: dict[str, pd.DataFrame] = {}
    for table in FETCHED_TABLES:
        rows = answers[table].typed(table, missing)
        check_rows(answers[table].name, table, rows, tables, unit="row")
        tables[table] = rows.reset_index(drop=True)
    if unknown := sorted(set(codes or ()) - set(tables["Occupations"]["onet_soc_code"])):
        raise UnknownOccupation(
            f"O*NET Web Services (release {catalog.release.number}) have no occupation {', '.join(unknown)}",
            onet_soc_code=unknown[0],
        )
    if codes is None and (empty := [table for table in FETCHED_TABLES if tables[table].empty]):
        raise OnetApiProtocolError(f"{api.origin}: no rows of {', '.join(empty)}")
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


# -- Database Services ------------------------------------------------------------------------------------------------


async def _table_ids(api: OnetApi) -> set[str]:
    """Return the ids of all tables of the Database Services."""
    body = (await api.get("database")).body
    tables = body.get("table") if isinstance(body, dict) else body
    if not isinstance(tables, list) or not all(isinstance(table, dict) and "table_id" in table for table in tables):
        raise OnetApiProtocolError(f"{api.origin}/database: not a list of tables")
    return {table["table_id"] for table in tables}


def _layout(api: OnetApi, table: str, ids: Set[str]) -> tuple[str, ...]:
    """Return the ids that hold a table: the first layout whose ids all exist."""
    layouts = [layout.web_services for layout in TABLES[table].layouts]
    for layout in layouts:
        if ids >= set(layout):
            return layout
    wanted = ", nor ".join(" with ".join(layout) for layout in layouts)
    raise OnetApiProtocolError(f"{api.origin}/database: no table {wanted} (found {', '.join(sorted(ids))})")


def _endpoint(table_id: str) -> str:
    return f"database/rows/{table_id}"


async def _read_database_services(
    api: OnetApi, codes: tuple[str, ...] | None, catalog: ServiceCatalog
) -> dict[str, Answers]:
    if codes is None:
        return {table: await _read_table(api, catalog, table) for table in ("Occupations", "Skills")}
    layouts = catalog.layouts or {}
    occupations, skills = (Answers(_endpoint("+".join(layouts[table]))) for table in ("Occupations", "Skills"))
    for code in codes:
        if catalog.occupations is None:
            endpoint = _endpoint(*layouts["Occupations"])
            occupations.add(await _rows_of(api, endpoint, code), endpoint)
        elif not occupations.add_from(catalog.occupations, code):
            continue  # an unknown code has no skills to request
        parts = {endpoint: await _rows_of(api, endpoint, code) for endpoint in map(_endpoint, layouts["Skills"])}
        if any(parts.values()) and not all(parts.values()):
            without = ", ".join(endpoint for endpoint, rows in parts.items() if not rows)
            raise OnetApiProtocolError(f"{api.origin}: {code} has skills, but none in {without}")
        for endpoint, rows in parts.items():
            skills.add(rows, endpoint)
    return {"Occupations": occupations, "Skills": skills}


async def _read_table(api: OnetApi, catalog: ServiceCatalog, table: str) -> Answers:
    """Return all rows of a table, their number checked against `total` of the pages or the table's description."""
    layout = (catalog.layouts or {})[table]
    answers = Answers(_endpoint("+".join(layout)))
    for table_id in layout:
        endpoint = _endpoint(table_id)
        rows, total = await api.counted_rows(endpoint, "row")
        if total is None:
            await _check_count(api, table_id, len(rows))
        answers.add(rows, endpoint)
    return answers


async def _check_count(api: OnetApi, table_id: str, count: int) -> None:
    """Compare the number of rows with the table's description; log a warning if it gives none.

    The list of tables does not have the number: its `rows` is the address of the rows.
    """
    try:
        body = (await api.get(f"database/info/{table_id}")).body
    except OnetApiRefusal:
        body = None
    described = body.get("rows") if isinstance(body, dict) else None
    if not isinstance(described, int):
        _log().warning("row count not checked: O*NET publishes none", table=table_id, rows=count)
    elif described != count:
        raise OnetApiProtocolError(
            f"{api.origin}/{_endpoint(table_id)}: {count} rows, but the table has {described}; run again"
        )


async def _rows_of(api: OnetApi, endpoint: str, code: str) -> list[TimedRow]:
    """Return the rows of one occupation; O*NET answers 422 if it has none."""
    rows = await rows_if_any(api, endpoint, "row", [("filter", f"onetsoc_code.eq.{code}")], none_if=[NO_DATA])
    if others := {str(row.get("onetsoc_code")) for row, _ in rows if isinstance(row, dict)} - {code}:
        raise OnetApiProtocolError(f"{api.origin}/{endpoint}: rows of {min(others)}, expected {code}")
    return rows
