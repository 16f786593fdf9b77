"""The rows of a release and the documents that O*NET Web Services make of them, without HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd

from skillgap.onet.releases import Release
from skillgap.onet.tables import REQUIRED_TABLES, TABLES, Table
from skillgap.sources.text_files import OnetData
from skillgap.sources.web_services.client import LARGEST_PAGE

Version = Literal["2.0", "1.9"]
Row = dict[str, Any]
Query = Sequence[tuple[str, str]]
_DEFAULT_PAGE = 20


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class FakeTables:
    """The required tables of a release as the Database Services have them: joined, missing values null, ISO dates."""

    def __init__(self, data: OnetData, *, split: bool | None = None) -> None:
        """Take a release; `split` chooses the first or the last layout of its tables, by default that of its number."""
        self.release = data.release
        self.rows: dict[str, list[Row]] = {}
        """Rows by table id."""
        whole = {name: _rows(TABLES[name], data.tables[name]) for name in REQUIRED_TABLES}
        self.titles = {row["onetsoc_code"]: row["title"] for row in whole["Occupations"]}
        scale_names = {row["scale_id"]: row["scale_name"] for row in whole["Scales"]}
        whole["Skills"] = [_joined(row, self.titles, scale_names) for row in whole["Skills"]]
        for name, rows in whole.items():
            table = TABLES[name]
            layout = table.layout_of(data.release.number) if split is None else table.layouts[-1 if split else 0]
            prefixes = layout.elements or ("",)
            for table_id, prefix in zip(layout.web_services, prefixes, strict=True):
                self.rows[table_id] = [row for row in rows if not prefix or row["element_id"].startswith(prefix)]
        self.occupations = {row["onetsoc_code"]: row for row in whole["Occupations"]}
        self.importances: dict[str, list[Row]] = {}
        for row in whole["Skills"]:
            if row["scale_id"] == "IM":
                self.importances.setdefault(row["onetsoc_code"], []).append(row)

    def copy(self, *, release: str | None = None) -> FakeTables:
        """Return a copy whose `rows` may be replaced, labeled with another release if one is given."""
        other = copy(self)
        other.rows = dict(self.rows)
        if release:
            other.release = Release(release, None)
        return other


def _rows(table: Table, frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as JSON objects."""
    columns = {}
    for column in table.columns:
        values = frame[column.name]
        plain = values.dt.strftime("%Y-%m-%d") if values.dtype.kind == "M" else values
        columns[column.onet_name] = [None if pd.isna(value) else _json_number(value) for value in plain.astype(object)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json_number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _joined(row: Row, titles: dict[str, str], scale_names: dict[str, str]) -> Row:
    """Return a rating with the title and the names that the Database Services add, in their order."""
    return {
        "onetsoc_code": row["onetsoc_code"],
        "title": titles[row["onetsoc_code"]],
        "element_id": row["element_id"],
        "element_name": row["element_name"],
        "scale_id": row["scale_id"],
        "scale_name": scale_names[row["scale_id"]],
        **row,
    }


@dataclass(frozen=True)
class FakeAnswers:
    """Answers of one version of the API. Every method raises Refused where O*NET answers with an error status."""

    tables: FakeTables
    version: Version
    url: str
    """The base URL, for links."""
    has_database_services: bool = True
    ignores_start: bool = False
    """Every page is the first one: a fault."""

    def of(self, path: str, query: Query) -> Any:
        """Return the document at a path below the base URL."""
        match path.split("/"):
            case ["about"]:
                return self._about()
            case ["database", *rest]:
                return self._database(rest, path, query)
            case ["online", *rest]:
                return self._online(rest, path, query)
        raise Refused(404, "no such path")

    def _about(self) -> Row:
        name = f"O*NET {self.tables.release.number} Database"
        if self.version == "1.9":
            return {"api_version": "1.9", "taxonomy": "O*NET-SOC 2019", "database": name}
        return {"api_version": "2.0", "taxonomy": {"name": "O*NET-SOC 2019"}, "database": {"name": name}}

    # -- Database Services --------------------------------------------------------------------------------------------

    def _database(self, rest: list[str], path: str, query: Query) -> Any:
        if not self.has_database_services:
            raise Refused(403, "not for this account")
        match rest:
            case []:
                tables = [self._described(table) for table in self.tables.rows]
                return tables if self.version == "2.0" else {"table": tables}
            case ["rows", table]:
                described = {"table_id": table} if self.version == "1.9" else {}
                filters = [value for name, value in query if name == "filter"]
                return described | self._page(path, query, "row", self._filtered(self._table(table), filters))
            case ["info", table]:
                rows = self._table(table)
                columns = [{"column_id": name} for name in rows[0]]
                return {**self._described(table), "rows": len(rows), "column": columns}
        raise Refused(404, "no such path")

    def _table(self, table: str) -> list[Row]:
        rows = self.tables.rows.get(table)
        if rows is None:
            raise Refused(422, f"The table {table} does not exist.")
        return rows

    def _described(self, table: str) -> Row:
        return {
            "info": f"{self.url}/database/info/{table}",
            "rows": f"{self.url}/database/rows/{table}",
            "table_id": table,
            "title": table.replace("_", " ").title(),
        }

    def _filtered(self, rows: list[Row], filters: list[str]) -> list[Row]:
        for text in filters:
            column, operator, value = (*text.split(".", 2), "", "")[:3]
            if operator != "eq" or not rows or column not in rows[0]:
                raise Refused(422, f"The filter {text!r} is not valid.")
            rows = [row for row in rows if str(row[column]).lower() == value.lower()]
        if filters and not rows:
            raise Refused(422, "There are no rows that match.")
        return rows

    # -- occupations --------------------------------------------------------------------------------------------------

    def _online(self, rest: list[str], path: str, query: Query) -> Any:
        match rest:
            case ["occupations"]:
                return self._page(path, query, "occupation", [self._listed(code) for code in self.tables.titles])
            case ["search"]:
                return self._page(path, query, "occupation", self._found(dict(query)))
            case ["occupations", code]:
                return self._report(code)
            case ["occupations", code, "details", "skills"]:
                return self._page(path, query, "element", self._elements(code))
        raise Refused(404, "no such path")

    def _listed(self, code: str) -> Row:
        href = f"{self.url}/online/occupations/{code}/"
        tags = {"bright_outlook": False, "green": False} if self.version == "1.9" else {}
        return {"href": href, "code": code, "title": self.tables.titles[code], "tags": tags}

    def _found(self, parameters: dict[str, str]) -> list[Row]:
        if "keyword" not in parameters:
            raise Refused(422, 'The required parameter "keyword" was not provided.')
        word = parameters["keyword"].lower()
        return [self._listed(code) for code, title in self.tables.titles.items() if word in title.lower()]

    def _report(self, code: str) -> Row:
        occupation = self.tables.occupations.get(code)
        if occupation is None:
            raise Refused(422, f"{code} is not a valid O*NET-SOC code.")
        return {"code": code, "title": occupation["title"], "description": occupation["description"], "tags": {}}

    def _elements(self, code: str) -> list[Row]:
        rows = self.tables.importances.get(code)
        if rows is None:
            raise Refused(422, f"There are no skills for {code}.")
        elements = []
        for row in rows:
            points = int((row["data_value"] - 1) / 4 * 100 + 0.5)
            score = {"score": {"value": points}} if self.version == "1.9" else {"importance": points}
            elements.append({"id": row["element_id"], "name": row["element_name"], **score})
        return elements

    # -- pages --------------------------------------------------------------------------------------------------------

    def _page(self, path: str, query: Query, key: str, rows: list[Row]) -> Row:
        start, end = _window(dict(query), len(rows))
        if self.ignores_start:
            start, end = 1, end - start + 1
        end = min(end, len(rows))
        body: Row = {"start": start, "end": end, "total": len(rows), key: rows[start - 1 : end]}
        if end < len(rows):
            # Other parameters stay: without its filters, the next page would be one of other rows.
            others = [(name, value) for name, value in query if name not in ("start", "end")]
            window = [("start", str(end + 1)), ("end", str(min(2 * end - start + 1, len(rows))))]
            following = f"{self.url}/{path}?{urlencode([*others, *window])}"
            body |= {"link": [{"href": following, "rel": "next"}]} if self.version == "1.9" else {"next": following}
        return body


def _window(parameters: dict[str, str], count: int) -> tuple[int, int]:
    """Return the first and last row that a request asks for. Raises Refused."""
    try:
        start = int(parameters.get("start", 1))
        end = int(parameters.get("end", start + _DEFAULT_PAGE - 1))
    except ValueError:
        raise Refused(422, "start and end are numbers.") from None
    if not 1 <= start <= max(count, 1) or not start <= end < start + LARGEST_PAGE:
        raise Refused(422, f"A page has 1 to {LARGEST_PAGE} rows of {count}.")
    return start, end
