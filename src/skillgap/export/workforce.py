"""A workforce report as a file: JSON, a CSV table of missing skills, a workbook or a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import IO, Any

from skillgap.export import charts, phrases
from skillgap.export.report import sources
from skillgap.export.writers import Sheet, as_json, csv_writer, write_workbook
from skillgap.files import atomic_write, check_ending
from skillgap.models import Conversion, Feeder, Occupation, SkillLack, Spread, TargetView, WorkforceReport

# Columns of the tables: a field of the answer type, or a figure made of it, with the width in characters.
_TARGET = [("to_onet_soc_code", 18), ("to_title", 34)]
_SPREAD = [field.name for field in fields(Spread)]
_SKILL = [
    *(("element_id", 11), ("element_name", 34), ("importance", 11), ("to_data_value", 13)),
    *(("lacking", 9), ("share", 8), ("may_be_chance", 14), ("unknown", 9)),
]
_COUNTS = [
    *(("people", 9), ("without_sure_gap", 17), ("known_in_part", 14)),
    *(("untested", 9), ("incumbents", 11), ("cheapest_for", 13)),
]
_FEEDER = [("people", 9), ("without_sure_gap", 17), ("mean_cost", 11)]
_PERSON = [("own_levels", 11), ("cost", 9), ("weighted_shortfall", 18), ("unknown", 9)]
_LACKING = [*_TARGET, ("people", 9), *_SKILL, *((f"gap_{name}", 11) for name in _SPREAD)]


def write_workforce(report: WorkforceReport, file: Path, *, made: date) -> None:
    """Write a report in the format that the file's suffix names. Readers see the whole file or none.

    Raises ConfigurationError (another suffix, or the extra `report` is not installed).
    """
    check_ending(file, WRITERS)
    with atomic_write(file) as out:
        WRITERS[file.suffix](report, made, out)


def _write_json(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    out.write(as_json(report))


def _write_csv(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    with csv_writer([name for name, _ in _LACKING], out) as writer:
        writer.writerows(_lacking(report))


def _write_svg(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.workforce_chart(report, "light"), "svg"))


def _write_png(report: WorkforceReport, _: date, out: IO[bytes]) -> None:
    out.write(charts.draw(charts.workforce_chart(report, "light"), "png"))


def _write_xlsx(report: WorkforceReport, made: date, out: IO[bytes]) -> None:
    views = report.targets
    home = ("from_occupation", 34)
    sheets = [
        Sheet(
            "Targets",
            [*_TARGET, *_COUNTS, *((f"shortfall_{name}", 16) for name in _SPREAD)],
            [[*_target(view), *_values(view, _COUNTS), *_spread(view.shortfall)] for view in views],
        ),
        Sheet("Missing skills", _LACKING, list(_lacking(report))),
        Sheet(
            "Current occupations",
            [*_TARGET, home, *_FEEDER],
            [
                [*_target(view), _name(feeder.occupation), *_values(feeder, _FEEDER)]
                for view in views
                for feeder in view.feeders
            ],
        ),
        Sheet(
            "Retraining",
            [*_TARGET, ("id", 18), home, *_PERSON, ("lacking", 60)],
            [[*_target(view), *_conversion(person)] for view in views for person in view.conversions],
        ),
    ]
    facts = [
        ("People", report.people),
        ("With own levels", report.with_own_levels),
        ("Not comparable", sum(report.rejected.values())),
    ]
    write_workbook(sheets, [*facts, *sources(report.provenance, made)], out)


def _lacking(report: WorkforceReport) -> Iterator[list[Any]]:
    for view in report.targets:
        for skill in view.skills:
            yield [*_target(view), view.people, *_values(skill, _SKILL), *_spread(skill.gap)]


def _target(view: TargetView) -> tuple[str, str]:
    return view.to_occupation.onet_soc_code, view.to_occupation.title


def _conversion(person: Conversion) -> list[Any]:
    lacking = None if person.lacking is None else "; ".join(person.lacking)
    return [person.id, _name(person.from_occupation), *_values(person, _PERSON), lacking]


def _values(answer: TargetView | SkillLack | Feeder | Conversion, columns: Sequence[tuple[str, int]]) -> list[Any]:
    return [getattr(answer, name) for name, _ in columns]


def _spread(spread: Spread | None) -> list[float | None]:
    return [getattr(spread, name, None) for name in _SPREAD]


def _name(occupation: Occupation | None) -> str:
    return phrases.name_of(occupation) if occupation else phrases.OWN_LEVELS_ALONE


WRITERS = {".json": _write_json, ".csv": _write_csv, ".xlsx": _write_xlsx, ".svg": _write_svg, ".png": _write_png}
