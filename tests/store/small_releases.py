"""Two small releases in the extractor's types, how to load them, and what a database holds afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, insert, select

from skillgap.onet.releases import Release
from skillgap.onet.tables import TABLES
from skillgap.sources.parsing import dtype_of
from skillgap.sources.text_files import OnetData
from skillgap.store.engine import read
from skillgap.store.loads import LoadReport, load_release
from skillgap.store.schema import Base
from skillgap.store.table_sync import ROWS_PER_BATCH, OnRows

CHIEFS, DEVELOPERS, NURSES, CLERKS = "11-1011.00", "15-1252.00", "29-1141.00", "43-4051.00"
READING, LISTENING, WRITING = "2.A.1.a", "2.A.1.b", "2.A.1.c"

_RATINGS_A = f"""
    {CHIEFS}  {READING}   IM 4.00   8 0.0   4.00 4.00  N n/a 2014-07-01 Analyst
    {CHIEFS}  {READING}   LV 4.62   8 0.183 4.27 4.98  N N   2014-07-01 Analyst
    {CHIEFS}  {LISTENING} IM 4.12   8 0.125 3.88 4.37  N n/a 2014-07-01 Analyst
    {CHIEFS}  {LISTENING} LV 4.88   8 0.227 4.43 5.32  N N   2014-07-01 Analyst
    {NURSES}  {READING}   IM 2.38   8 0.183 2.02 2.73  N n/a 2018-08-01 Analyst
    {NURSES}  {READING}   LV 1.25   7 0.491 0.29 2.21  Y Y   2018-08-01 Analyst
    {NURSES}  {LISTENING} IM 3.75   8 0.164 3.43 4.07  N n/a 2018-08-01 Analyst
    {NURSES}  {LISTENING} LV 4.0    8 0.0   4.0  4.0   N N   2018-08-01 Analyst
"""
# Chief executives: reading level and the date of its importance changed. Developers are rated now, with all that may
# be missing missing. Nurses are gone, clerks are new and not rated.
_RATINGS_B = f"""
    {CHIEFS}     {READING}   IM 4.00   8   0.0   4.00 4.00 N   n/a 2023-08-01 Analyst
    {CHIEFS}     {READING}   LV 4.75   8   0.183 4.27 4.98 N   N   2014-07-01 Analyst
    {CHIEFS}     {LISTENING} IM 4.12   8   0.125 3.88 4.37 N   n/a 2014-07-01 Analyst
    {CHIEFS}     {LISTENING} LV 4.88   8   0.227 4.43 5.32 N   N   2014-07-01 Analyst
    {DEVELOPERS} {READING}   IM 3.62   n/a n/a   n/a  n/a  n/a n/a n/a        n/a
    {DEVELOPERS} {READING}   LV 3.88   n/a n/a   n/a  n/a  n/a n/a n/a        n/a
    {DEVELOPERS} {LISTENING} IM 3.38   n/a n/a   n/a  n/a  n/a n/a n/a        n/a
    {DEVELOPERS} {LISTENING} LV 3.5    n/a n/a   n/a  n/a  n/a n/a n/a        n/a
"""
_NAMES = {READING: "Reading Comprehension", LISTENING: "Active Listening", WRITING: "Writing"}


def _frame(table: str, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = TABLES[table].columns
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    return frame.astype({column.name: dtype_of(column.type) for column in columns})


def _skills(text: str) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for line in text.strip().splitlines():
        code, element_id, scale_id, *rest = (None if field == "n/a" else field for field in line.split())
        value, n, *errors = (None if field is None else float(field) for field in rest[:5])
        rows.append((code, element_id, scale_id, _NAMES[str(element_id)], value, n, *errors, *rest[5:]))
    return _frame("Skills", rows)


_IMPORTANCE, _LEVEL = ("IM", "Importance", 1, 5), ("LV", "Level", 0, 7)

RELEASE_A = OnetData(
    release=Release("28.3", date(2024, 5, 1)),
    origin="a.zip",
    sha256="a" * 64,
    tables={
        "Occupations": _frame(
            "Occupations",
            [
                (CHIEFS, "Chief Executives", "Determine and formulate policies."),
                (DEVELOPERS, "Software Developers", None),
                (NURSES, "Registered Nurses", "Assess patients’ health; «soins»."),
            ],
        ),
        "Scales": _frame("Scales", [("CX", "Context", 1, 5), _IMPORTANCE, _LEVEL]),
        "Elements": _frame(
            "Elements",
            [
                (READING, _NAMES[READING], "Understanding written sentences."),
                (LISTENING, _NAMES[LISTENING], None),
                (WRITING, _NAMES[WRITING], None),
            ],
        ),
        "Skills": _skills(_RATINGS_A),
    },
)
RELEASE_B = OnetData(
    release=Release("29.0", date(2024, 8, 1)),
    origin="b.zip",
    sha256="b" * 64,
    tables={
        "Occupations": _frame(
            "Occupations",
            [
                (CHIEFS, "Chief Executives", "Determine and formulate policies."),
                (DEVELOPERS, "Software Developers", "Research, design, and develop."),
                (CLERKS, "Customer Service Representatives", None),
            ],
        ),
        "Scales": _frame("Scales", [_IMPORTANCE, ("LV", "Level of Skill", 0, 7), ("RT", "Relevance of Task", 0, 100)]),
        "Elements": _frame(
            "Elements",
            [
                ("2.A", "Basic Skills", None),
                (READING, _NAMES[READING], None),
                (LISTENING, _NAMES[LISTENING], None),
            ],
        ),
        "Skills": _skills(_RATINGS_B),
    },
)
"""Every table has rows new, changed and gone against RELEASE_A."""


def changed(data: OnetData, **tables: pd.DataFrame) -> OnetData:
    """Return a release with some tables replaced."""
    return replace(data, tables={**data.tables, **tables})


def many_occupations(rated: int) -> OnetData:
    """Return a release of 150 occupations, of which the first are rated."""
    codes = [f"11-{number:04d}.00" for number in range(150)]
    occupations = pd.DataFrame({"onet_soc_code": codes, "title": codes, "description": None}, dtype="str")
    one = RELEASE_A.tables["Skills"].iloc[:4].drop(columns="onet_soc_code")
    skills = pd.concat([one.assign(onet_soc_code=code) for code in codes[:rated]], ignore_index=True)
    skills = skills[RELEASE_A.tables["Skills"].columns].astype(RELEASE_A.tables["Skills"].dtypes)
    return changed(RELEASE_A, Occupations=occupations, Skills=skills)


def load(
    engine: Engine, data: OnetData, *, on_rows: OnRows | None = None, rows_per_batch: int = ROWS_PER_BATCH
) -> LoadReport:
    return load_release(
        engine,
        data.tables,
        release=data.release,
        origin=data.origin,
        sha256=data.sha256,
        rows_per_batch=rows_per_batch,
        on_rows=on_rows,
    )


def cells(data: OnetData) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of a release as the database should give them: dates, and None for missing."""
    return {name: sorted(map(_plain, data.tables[name].itertuples(index=False))) for name in data.tables}


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        None if value is pd.NA or value != value else value.date() if isinstance(value, pd.Timestamp) else value
        for value in row
    )


def stored(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of the text tables, columns in the order of the release's frames."""
    with read(engine) as connection:
        return stored_on(connection)


def stored_on(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for name in RELEASE_A.tables:
        table = Base.metadata.tables[name]
        columns = (table.c[column.name] for column in TABLES[name].columns)
        found[name] = sorted(tuple(row) for row in connection.execute(select(*columns)))
    return found


# -- rows of the other sources ------------------------------------------------------------------------------------

FETCHED = {"source_endpoint": "/online/occupations", "api_version": "2.0", "fetched_at": datetime(2024, 9, 1, 12, 30)}
ACTIVE_MODEL = {"model": "smollm2", "prompt_version": "1", "is_active": 1}


def api_skill(code: str, element_id: str, scale_id: str = "LV", **values: object) -> dict[str, object]:
    row = {"onet_soc_code": code, "element_id": element_id, "scale_id": scale_id, "element_name": "API name"}
    return {**row, "data_value": 2.0, **FETCHED, **values}


def llm_score(code: str, element_id: str, **values: object) -> dict[str, object]:
    row = {"onet_soc_code": code, "element_id": element_id, "scale_id": "LV", "level": 3.5, "uncertainty": 0.5}
    row |= {"lower_ci_bound": 2.5, "upper_ci_bound": 4.5}
    return {**row, "model": "smollm2", "prompt_version": "1", "scored_at": datetime(2024, 9, 2), **values}


def add(engine: Engine, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Insert rows as they are, tables in the order given."""
    with engine.begin() as connection:
        for name, records in rows.items():
            for record in records:  # one by one: they need not fill the same columns
                connection.execute(insert(Base.metadata.tables[name]).values(record))
