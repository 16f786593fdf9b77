"""A workforce view as a file: all of it, what is lacked as a table, a spreadsheet, or a chart."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import astuple, fields
from datetime import date
from pathlib import Path
from typing import IO, Any

import orjson

from skillgap.escaping import CsvWriter
from skillgap.export import charts, phrases
from skillgap.export.report import sources
from skillgap.export.spreadsheet import Sheet, write_book
from skillgap.files import atomic_write, check_ending
from skillgap.models import Occupation, Spread, WorkforceReport

_SPREAD = [each.name for each in fields(Spread)]
_TARGET = [("to_onet_soc_code", 18), ("to_title", 34)]
_LACKING = [
    *_TARGET,
    *(("people", 9), ("element_id", 11), ("element_name", 34), ("importance", 11), ("to_data_value", 13)),
    *(("lacking", 9), ("share", 8), ("may_be_chance", 14), ("unknown", 9)),
    *((f"gap_{name}", 11) for name in _SPREAD),
]


def write_workforce(report: WorkforceReport, file: Path, *, made: date) -> None:
    """Write a view, whole or not at all, as the file's name says. Raises ConfigurationError (another ending)."""
    check_ending(file, WRITERS)
    with atomic_write(file) as out:
        WRITERS[file.suffix](report, made, out)


def _write_json(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    out.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _write_csv(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    writer = CsvWriter(text)
    writer.writerow([name for name, _ in _LACKING])
    writer.writerows(_lacking(report))
    text.detach()


def _lacking(report: WorkforceReport) -> Iterator[list[Any]]:
    for view in report.targets:
        for skill in view.skills:
            yield [
                *(view.to_occupation.onet_soc_code, view.to_occupation.title, view.people),
                *(skill.element_id, skill.element_name, skill.importance, skill.to_data_value),
                *(skill.lacking, skill.share, skill.may_be_chance, skill.unknown),
                *(astuple(skill.gap) if skill.gap else [None] * len(_SPREAD)),
            ]


def _write_picture(report: WorkforceReport, picture: charts.Picture, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.workforce_chart(report, "light"), picture))


def _write_svg(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    _write_picture(report, "svg", out)


def _write_png(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    _write_picture(report, "png", out)


def _write_xlsx(report: WorkforceReport, made: date, out: IO[bytes]) -> None:
    counts = [
        ("people", 9),
        ("without_sure_gap", 17),
        ("known_in_part", 14),
        ("untested", 9),
        ("incumbents", 11),
        ("cheapest_for", 13),
    ]
    spread = [(f"shortfall_{name}", 16) for name in _SPREAD]
    feeders = [*_TARGET, ("from_occupation", 34), ("people", 9), ("without_sure_gap", 17), ("mean_cost", 11)]
    proposals = [
        ("id", 18),
        ("from_occupation", 34),
        ("own_levels", 11),
        ("cost", 9),
        ("weighted_shortfall", 18),
        ("unknown", 9),
    ]
    targets, homes, proposed = [], [], []
    for view in report.targets:
        target = (view.to_occupation.onet_soc_code, view.to_occupation.title)
        figures = (
            view.people,
            view.without_sure_gap,
            view.known_in_part,
            view.untested,
            view.incumbents,
            view.cheapest_for,
        )
        spread_of = astuple(view.shortfall) if view.shortfall else [None] * len(_SPREAD)
        targets.append((*target, *figures, *spread_of))
        homes += [
            (*target, _name(each.occupation), each.people, each.without_sure_gap, each.mean_cost)
            for each in view.feeders
        ]
        proposed += [
            (
                *(*target, each.id, _name(each.from_occupation), each.own_levels, each.cost, each.weighted_shortfall),
                each.unknown,
                None if each.lacking is None else "; ".join(each.lacking),
            )
            for each in view.conversions
        ]
    sheets = [
        Sheet("Targets", [*_TARGET, *counts, *spread], targets),
        Sheet("Who lacks what", _LACKING, list(_lacking(report))),
        Sheet("Where people come from", feeders, homes),
        Sheet("Whom to retrain", [*_TARGET, *proposals, ("lacking", 60)], proposed),
    ]
    facts = [
        ("People", report.people),
        ("With own levels", report.with_own_levels),
        ("Not comparable", sum(report.rejected.values())),
    ]
    write_book(out, sheets, [*facts, *sources(report.provenance, made)])


def _name(occupation: Occupation | None) -> str:
    return phrases.name_of(occupation) if occupation else phrases.OWN_LEVELS_ALONE


WRITERS = {".json": _write_json, ".csv": _write_csv, ".xlsx": _write_xlsx, ".svg": _write_svg, ".png": _write_png}
