"""Rows of O*NET Web Services, collected per table and typed like those of a release file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pandas as pd

from skillgap.errors import OnetApiProtocolError, OnetApiRefusal
from skillgap.onet.tables import TABLES, Column, Day, Month
from skillgap.sources.rows import typed_rows
from skillgap.sources.web_services.client import OnetApi

NO_DATA = httpx.codes.UNPROCESSABLE_ENTITY
NOT_THERE = (NO_DATA, httpx.codes.NOT_FOUND)
"""O*NET's status for a code that is unknown, or that has no data in the requested section."""

TimedRow = tuple[Any, datetime]
"""A row and the time it was fetched."""


async def rows_if_any(
    api: OnetApi,
    path: str,
    key: str,
    parameters: Sequence[tuple[str, str]] = (),
    *,
    none_if: Sequence[int] = NOT_THERE,
) -> list[TimedRow]:
    """Return the rows, or none if O*NET refuses with one of the statuses `none_if`."""
    try:
        return await api.rows(path, key, parameters)
    except OnetApiRefusal as error:
        if error.status not in none_if:
            raise
        return []


class Answers:
    """Rows of one table in the order received, each with its endpoint and time."""

    def __init__(self, name: str) -> None:
        self.name = name
        """For messages."""
        self._rows: list[Mapping[str, Any]] = []
        self._endpoints: list[str] = []
        self._times: list[datetime] = []

    def add(self, rows: Sequence[TimedRow], endpoint: str) -> None:
        """Add rows of one endpoint. Raises OnetApiProtocolError."""
        for row, time in rows:
            if not isinstance(row, dict):
                raise OnetApiProtocolError(f"{endpoint}: a row is {row!r:.60}, expected an object")
            self._rows.append(row)
            self._times.append(time)
        self._endpoints += [endpoint] * len(rows)

    def add_from(self, other: Answers, code: str) -> bool:
        """Add the rows of one occupation and return whether there were any."""
        before = len(self._rows)
        for row, endpoint, time in zip(other._rows, other._endpoints, other._times, strict=True):
            if row.get("onetsoc_code") == code:
                self.add([(row, time)], endpoint)
        return len(self._rows) > before

    def typed(self, table: str, missing: Counter[str]) -> pd.DataFrame:
        """Return the rows in the columns and types of a release file, counting absent fields in `missing`.

        Raises ReleaseDataError.
        """
        columns = [_api_column(column) for column in TABLES[table].columns]
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
    """Return a column in the form of the Web Services: under its SQL name, with dates as YYYY-MM-DD."""
    return replace(
        column,
        header=column.onet_name,
        type=Day() if isinstance(column.type, Month) else column.type,
        may_be_null=column.may_be_null and not column.filled_from,  # the other table is not fetched
    )


def _text(value: Any) -> str:
    """Return a JSON value as the text of a release file, for the same parsers."""
    if value is None:
        return "n/a"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | dict | list):
        raise OnetApiProtocolError(f"a value is {value!r:.60}, expected a text or a number")
    return str(value)
