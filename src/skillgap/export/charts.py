"""Charts as Vega-Lite specifications. The browser draws them; for files, vl-convert does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from string import Template
from typing import Any, Literal

from skillgap.escaping import for_terminal
from skillgap.export.phrases import Report, certainty, name_of, start_of, verdict
from skillgap.extras import needs
from skillgap.models import SHORTFALL_BARS, Provenance, SkillGap, TargetView, WorkforceReport
from skillgap.onet.scales import HIGHEST_LEVEL

Theme = Literal["light", "dark", "page"]
Picture = Literal["svg", "png"]

COLORS: dict[Theme, dict[str, str]] = {
    "light": {
        "ink": "#1b1f24",
        "paper": "#ffffff",
        "line": "#d0d7de",
        "now": "#0a5fb4",
        "clear": "#c05f00",
        "likely": "#b8860b",
        "open": "#848d97",
        "unknown": "#8250df",
    },
    "dark": {
        "ink": "#e9edf1",
        "paper": "#14181c",
        "line": "#3d444d",
        "now": "#6cb6ff",
        "clear": "#f0a030",
        "likely": "#d9c06a",
        "open": "#7d8590",
        "unknown": "#b392f0",
    },
}
COLORS["page"] = {name: f"var(--{name})" for name in COLORS["light"]}
"""The stylesheet's variables, so that a chart in the page follows the theme and turns light on paper."""
MOST_ROWS = 40
"""Gaps drawn; the table has all of them."""
MOST_SKILLS = 20
"""Skills drawn for each target of a workforce."""
_NORMAL = 1.96
"""Standard errors between a level and O*NET's own 95% bounds."""
_CERTAINTY = {"not relevant": "open", "unknown": "cannot be judged"}
_FONT_MARGIN = 30
"""Pixels left of the longest name: fonts may be wider where the picture is shown than where it was drawn."""
_HEAD_HEIGHT = 110
"""Pixels for legend and axis, at most."""


def chart_of(report: Report, theme: Theme) -> dict[str, Any]:
    """Return the report's chart as a Vega-Lite specification with its data."""
    spec = specification(theme)
    rows = chart_rows(report)
    size = {"height": spec["height"]["step"] * len(rows), "padding": {**spec["padding"], "left": _FONT_MARGIN}}
    return {**spec, **size, "data": {**spec["data"], "values": rows}}


@lru_cache
def specification(theme: Theme, name: Literal["levels", "workforce", "errors"] = "levels") -> dict[str, Any]:
    """Return a Vega-Lite specification without data; `workforce` is a pair of them by name."""
    text = files("skillgap.export").joinpath(f"static/{name}.vl.json").read_text("utf-8")
    spec: dict[str, Any] = json.loads(Template(text).substitute(COLORS[theme]))
    return spec


def chart_rows(report: Report) -> list[dict[str, Any]]:
    """Return the data of the chart: one row per gap, in order, with both levels and their 95% intervals."""
    return [
        {
            "name": gap.element_name,
            **_side("current", gap.from_data_value, gap.from_standard_error, gap.from_lower, gap.from_upper),
            **_side("target", gap.to_data_value, gap.to_standard_error, gap.to_lower, gap.to_upper),
            "current_is_predicted": gap.from_source == "llm",
            "target_is_predicted": gap.to_source == "llm",
            "certainty": _CERTAINTY.get(certainty(gap), certainty(gap)),
            "label": _label(gap),
        }
        for gap in report.skill_gaps[:MOST_ROWS]
    ]


def chart_height(rows: int) -> int:
    """Return the largest height in pixels of a chart with this many rows."""
    step: int = specification("page")["height"]["step"]
    return _HEAD_HEIGHT + step * rows


def _side(
    side: str, level: float | None, error: float | None, lower: float | None, upper: float | None
) -> dict[str, float | None]:
    """Return a level with its interval: the prediction's own, or the one that follows from O*NET's standard error."""
    if lower is None and level is not None and error is not None:
        lower, upper = max(0.0, level - _NORMAL * error), min(HIGHEST_LEVEL, level + _NORMAL * error)
    return {side: level or 0.0, f"{side}_lower": lower, f"{side}_upper": upper}


def _label(gap: SkillGap) -> str:
    interval = "" if gap.gap_lower is None else f" ({gap.gap_lower:.2f} to {gap.gap_upper:.2f})"
    return f"{gap.gap:.3f}{interval}, {verdict(gap)}"


def credit(provenance: Provenance) -> str:
    """Return the source of a chart's figures, for a stand-alone picture."""
    release = f"O*NET {provenance.release}" if provenance.release else "O*NET Web Services"
    source = f"{release} (USDOL/ETA, CC BY 4.0), modified by skillgap"
    return f"{source}; data version {provenance.data_version}"


def standalone_chart(report: Report) -> dict[str, Any]:
    """Return the chart of levels with a title and the source of its figures."""
    spec = chart_of(report, "light")
    empty = [] if report.skill_gaps else ["There are no gaps to show."]
    title = {
        "text": f"From {start_of(report)}",
        "subtitle": [f"to {name_of(report.to_occupation)}", credit(report.provenance), *empty],
        "anchor": "start",
    }
    return {**spec, "title": title, "background": "white"}


def workforce_chart(report: WorkforceReport, theme: Theme) -> dict[str, Any]:
    """Return a Vega-Lite specification with, for each target, the skills people lack and a histogram of shortfalls."""
    return {
        "$schema": specification(theme)["$schema"],
        "background": COLORS[theme]["paper"],
        "padding": {"left": _FONT_MARGIN, "right": 8, "top": 8, "bottom": 8},
        "title": {
            "text": f"{report.people:,} people: skills they lack",
            "subtitle": credit(report.provenance),
            "anchor": "start",
            "color": COLORS[theme]["ink"],
            "subtitleColor": COLORS[theme]["ink"],
        },
        "vconcat": [_target_chart(view, theme) for view in report.targets],
        "config": specification(theme)["config"],
    }


def _target_chart(view: TargetView, theme: Theme) -> dict[str, Any]:
    skills = [
        {"name": skill.element_name, "group": group, "place": place, "share": people / view.people}
        for skill in view.skills[:MOST_SKILLS]
        for place, (group, people) in enumerate(
            (("lack it", skill.lacking), ("may lack it", skill.may_be_chance), ("level unknown", skill.unknown))
        )
        if people is not None
    ]
    shortfalls = [
        {"from": k / SHORTFALL_BARS, "to": (k + 1) / SHORTFALL_BARS, "people": people}
        for k, people in enumerate(view.shortfall_counts)
    ]
    parts = specification(theme, "workforce")
    title = {"text": f"To {view.to_occupation.title}", "anchor": "start"}
    return {
        "title": {**title, "color": COLORS[theme]["ink"]},
        "hconcat": [
            {**parts["skills"], "data": {"values": skills}},
            {**parts["shortfalls"], "data": {"values": shortfalls}},
        ],
    }


def error_chart(errors: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """Return a Vega-Lite specification of mean absolute errors, given as (model, folds, error), in the order given."""
    rows = [{"model": model, "folds": folds, "error": error} for model, folds, error in errors]
    common = {"background": COLORS["light"]["paper"], "config": specification("light")["config"]}
    return {**specification("light", "errors"), **common, "data": {"values": rows}}


def draw(spec: dict[str, Any], picture: Picture) -> bytes:
    """Return a chart as a picture.

    The first call takes a second and 150 MB that are never freed; a server uses `skillgap.export.renderer`. Raises
    ConfigurationError (vl-convert is not installed).
    """
    with needs("report"):
        import vl_convert

    spec = _escaped(spec)
    if picture == "png":
        return vl_convert.vegalite_to_png(spec, scale=2)
    return vl_convert.vegalite_to_svg(spec).encode()


def _escaped(value: Any) -> Any:
    """Return a specification with control characters escaped: XML cannot hold them, and vl-convert aborts on them."""
    if isinstance(value, str):
        return "\n".join(map(for_terminal, value.split("\n")))
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def browser_bundle() -> bytes:
    """Return the script that draws Vega-Lite charts in a browser as `window.vegaEmbed`. Takes two seconds."""
    with needs("report"):
        import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode()


def bundle_name() -> str:
    """Return the file name of `browser_bundle`, which contains the version of the library."""
    return f"charts-{version('vl-convert-python')}.js"
