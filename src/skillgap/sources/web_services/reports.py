"""Reports of single occupations, for accounts that may not read the Database Services: importance without level."""

from __future__ import annotations

from typing import Any

from skillgap.errors import OnetApiProtocolError, OnetApiRefusal
from skillgap.onet.scales import HIGHEST_IMPORTANCE, LOWEST_IMPORTANCE, RATERS
from skillgap.sources.web_services.answers import NOT_THERE, Answers, TimedRow, rows_if_any
from skillgap.sources.web_services.client import OnetApi, gather_or_first_error

SCALES = (
    {"scale_id": "IM", "scale_name": "Importance", "minimum": 1, "maximum": 5},
    {"scale_id": "LV", "scale_name": "Level", "minimum": 0, "maximum": 7},
)
"""Rows of Scales, since reports name no scales."""


async def read_reports(api: OnetApi, codes: tuple[str, ...] | None) -> dict[str, Answers]:
    """Return Occupations and Skills from the reports of the given occupations, or of all.

    Raises OnetApiProtocolError and the errors of OnetApi.
    """
    if codes is None:
        listed = await api.rows("online/occupations", "occupation")
        codes = tuple(str(row.get("code")) for row, _ in listed)
    reports = await gather_or_first_error(_read_report(api, code) for code in codes)
    answers = {table: Answers(f"online/occupations ({table})") for table in ("Occupations", "Skills")}
    for code, (occupation, skills) in zip(codes, reports, strict=True):
        answers["Occupations"].add(occupation, f"online/occupations/{code}")
        answers["Skills"].add(skills, f"online/occupations/{code}/details/skills")
    return answers


async def _read_report(api: OnetApi, code: str) -> tuple[list[TimedRow], list[TimedRow]]:
    """Return the row of the occupation and the rows of its skills; none if O*NET has no such code."""
    endpoint = f"online/occupations/{code}"
    try:
        page = await api.get(endpoint)
    except OnetApiRefusal as error:
        if error.status not in NOT_THERE:
            raise
        return [], []
    if not isinstance(page.body, dict):
        raise OnetApiProtocolError(f"{api.origin}/{endpoint}: not a report")
    occupation = {"onetsoc_code": page.body.get("code")} | {
        name: page.body[name] for name in ("title", "description") if name in page.body
    }
    display = [("display", "long")] if api.access.version == "1.9" else []
    elements = await rows_if_any(api, f"{endpoint}/details/skills", "element", display)
    skills = [(_importance_row(code, element), time) for element, time in elements]
    return [(occupation, page.fetched_at)], skills


def _importance_row(code: str, element: Any) -> dict[str, Any]:
    """Return a skill of a report as a row of scale IM.

    Reports round importance to whole points of 0 to 100. The mean of 8 ratings is a multiple of 1/8, which is 3.125
    points, so the points determine the mean and thereby the value that release files print.
    """
    if not isinstance(element, dict):
        raise OnetApiProtocolError(f"{code}: a skill is {element!r:.60}, expected an object")
    score = element.get("score")
    points = element.get("importance", score.get("value") if isinstance(score, dict) else None)
    if not isinstance(points, int | float) or not 0 <= points <= 100:
        raise OnetApiProtocolError(f"{code}: importance of {element.get('id')} is {points!r}, expected 0 to 100")
    mean = LOWEST_IMPORTANCE + points / 100 * (HIGHEST_IMPORTANCE - LOWEST_IMPORTANCE)
    return {
        "onetsoc_code": code,
        "element_id": element.get("id"),
        "element_name": element.get("name"),
        "scale_id": "IM",
        "data_value": round(round(mean * RATERS) / RATERS, 2),
    }
