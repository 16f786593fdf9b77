"""Output of gap: a table with a bar of the levels, JSON, CSV or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

from rich.table import Table
from rich.text import Text

from skillgap.cli.printing.console import (
    MIN_NAME_WIDTH,
    answer_console,
    interval,
    plain_table,
    print_rows,
    write_json,
    write_line,
)
from skillgap.escaping import for_markdown
from skillgap.export import phrases
from skillgap.export.phrases import Report
from skillgap.models import GapStability, LevelAnchors, SkillGap, WeightChoice

_CELLS = 14
_CELLS_PER_LEVEL = 2
_MIN_WIDTH_WITH_BAR = 72
_FIGURES = 28
"""Width of the figures of a gap except the column Certainty."""
_SHOWN = ("clear", "likely")
"""Certainties of gaps that are not dimmed."""
_MIN_WIDTH_WITH_CHANCE = 52
_STABILITY = 12
"""Additional width of the stability columns."""


def print_report(report: Report) -> None:
    """Print the report as a table with a bar of the levels."""
    out = answer_console()
    out.print(Text.assemble("From  ", (phrases.start_of(report), "bold")))
    out.print(Text.assemble("To    ", (phrases.name_of(report.to_occupation), "bold")))
    out.print()
    out.print(phrases.in_one_sentence(report))
    if report.skill_gaps:
        out.print()
        out.print(_gap_table(report.skill_gaps, out.width))
        out.print(
            "█ current  ▓ clear or likely gap  ░ other gap  ± upper half of the 95 % interval  "
            "% chance that other raters find the gap too",
            style="dim",
        )
        if any(gap.stability for gap in report.skill_gaps):
            out.print(
                "If equally large panels rated again: Place is the 95 % interval of the rank among all elements (gaps "
                "that vanish rank last); Again is how often the gap is clear.",
                style="dim",
            )
    if meanings := list(_level_meanings(report.skill_gaps)):
        out.print()
        for line in meanings:
            out.print(line)
    if predicted := phrases.predictions_line(phrases.predicted(report), report.provenance.predictions):
        out.print()
        out.print(predicted)
    if not_compared := phrases.not_compared_line(report):
        out.print()
        out.print(not_compared)
    for reason in phrases.unavailable_lines(report.summary):
        out.print()
        out.print(reason)
    if clear := [row.element_name for row in report.surplus_skills if row.distinguishable]:
        out.print()
        out.print(f"Clearly above the target: {', '.join(clear)}.")
    out.print()
    out.print(phrases.source_line(report.provenance), style="dim")


def _gap_table(gaps: list[SkillGap], width: int) -> Table:
    """Return one row per gap. A narrow terminal drops the bar, then letters of the names, but no figures."""
    has_stability = any(gap.stability for gap in gaps)
    has_room = width >= _MIN_WIDTH_WITH_CHANCE + (_STABILITY if has_stability else 0)
    header = "Certainty" if has_room else "Sure"
    certainty = [_certainty(gap, has_room=has_room) for gap in gaps]
    figures = _FIGURES + max(map(len, (header, *certainty))) + (_STABILITY if has_stability else 0)
    has_bar = width >= _MIN_WIDTH_WITH_BAR + (_STABILITY if has_stability else 0)
    longest = max(MIN_NAME_WIDTH, min(33, width - (figures + _CELLS + 1 if has_bar else figures)))
    table = plain_table(header_style="bold")
    table.add_column("Skill", no_wrap=True, max_width=longest)
    table.add_column("Current", justify="right", no_wrap=True)
    table.add_column("Target", justify="right", no_wrap=True)
    if has_bar:
        table.add_column(f"0{'level':^{_CELLS - 2}}7", no_wrap=True)
    table.add_column("Gap", justify="right", no_wrap=True)
    table.add_column("±", justify="right", no_wrap=True)
    table.add_column(header, no_wrap=True)
    for header in ("Place", "Again") if has_stability else ():
        table.add_column(header, justify="right", no_wrap=True)
    for gap, word in zip(gaps, certainty, strict=True):
        table.add_row(
            gap.element_name,
            phrases.level(gap.from_data_value, gap.from_source),
            phrases.level(gap.to_data_value, gap.to_source),
            *([_bar(gap)] if has_bar else []),
            f"{gap.gap:.3f}",
            phrases.number(None if gap.gap_upper is None else gap.gap_upper - gap.gap),
            word,
            *([interval(gap.stability), _again(gap.stability)] if has_stability else []),
            style="" if gap.certainty in _SHOWN else "dim",
        )
    return table


def _certainty(gap: SkillGap, *, has_room: bool) -> str:
    """Return the certainty of a gap, with the chance that other raters find it if there is room."""
    return phrases.verdict(gap) if gap.certainty and has_room else phrases.certainty(gap)


def _bar(gap: SkillGap) -> Text:
    now = round((gap.from_data_value or 0.0) * _CELLS_PER_LEVEL)
    asked = round((gap.to_data_value or 0.0) * _CELLS_PER_LEVEL)
    fill, style = ("▓", "yellow") if gap.certainty in _SHOWN else ("░", "dim")
    return Text.assemble(("█" * now, "cyan"), (fill * (asked - now), style), "·" * (_CELLS - max(asked, now)))


def print_json(report: Report) -> None:
    """Print the answer of `GET /skill-gap`, indented."""
    write_json(report)


def _again(stability: GapStability | None) -> str:
    return phrases.percent_cell(100.0 * stability.distinguishable_share).replace(" ", "") if stability else ""


def print_csv(report: Report) -> None:
    """Print one line per gap: the codes of the pair, then the fields of SkillGap."""
    codes = [
        report.from_occupation.onet_soc_code if report.from_occupation else "",
        report.to_occupation.onet_soc_code,
    ]
    has_stability = any(gap.stability for gap in report.skill_gaps)
    names = [field.name for field in fields(SkillGap) if field.name != "stability"]
    moves = [field.name for field in fields(GapStability) if field.name != "rank_by_weight"] if has_stability else []
    weights = get_args(WeightChoice) if has_stability else ()

    def cells(gap: SkillGap) -> list[Any]:
        values = (getattr(gap, name) for name in names)
        texts = (phrases.meaning(value) if isinstance(value, LevelAnchors) else value for value in values)
        ranks = gap.stability.rank_by_weight if gap.stability else {}
        stability = (getattr(gap.stability, name, None) for name in moves)
        return [*codes, *texts, *stability, *(ranks.get(weight) for weight in weights)]

    header = ("from_onet_soc_code", "to_onet_soc_code", *names, *moves, *(f"rank_by_{weight}" for weight in weights))
    print_rows(header, map(cells, report.skill_gaps))


def print_markdown(report: Report) -> None:
    """Print the report as Markdown."""
    start, target = for_markdown(phrases.start_of(report)), for_markdown(phrases.name_of(report.to_occupation))
    write_line(f"**From** {start} **to** {target}")
    _write_paragraph(phrases.in_one_sentence(report))
    if report.skill_gaps:
        write_line()
        write_line("| Skill | Current | Target | Gap | 95 % interval | Importance | Certainty |")
        write_line("|---|---:|---:|---:|---|---:|---|")
    for gap in report.skill_gaps:
        interval = "" if gap.gap_lower is None else f"{gap.gap_lower:.2f} to {gap.gap_upper:.2f}"
        cells = (
            for_markdown(gap.element_name),
            phrases.level(gap.from_data_value, gap.from_source),
            phrases.level(gap.to_data_value, gap.to_source),
            f"{gap.gap:.3f}",
            interval,
            phrases.number(gap.importance),
            phrases.verdict(gap),
        )
        write_line(f"| {' | '.join(cells)} |")
    if line := phrases.predictions_line(phrases.predicted(report), report.provenance.predictions):
        _write_paragraph(line)
    for line in (phrases.not_compared_line(report), *phrases.unavailable_lines(report.summary)):
        if line:
            _write_paragraph(line)
    _write_paragraph(phrases.source_line(report.provenance))


def _write_paragraph(text: str) -> None:
    write_line()
    write_line(for_markdown(text))


def _level_meanings(gaps: list[SkillGap]) -> Iterator[Text]:
    """Yield the meaning of both levels of each clear gap, if anchors are loaded."""
    for gap in gaps:
        if gap.distinguishable and gap.to_anchors:
            yield Text.assemble(
                f"{gap.element_name}: current level {phrases.meaning(gap.from_anchors)}; "
                f"target level {phrases.meaning(gap.to_anchors)}"
            )
