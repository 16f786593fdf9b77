"""Charts: Vega-Lite specifications with their data, drawn by the browser and, for files, by vl-convert."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any, Literal

from skillgap.escaping import for_terminal
from skillgap.export.phrases import VERDICTS, Report, certainty, name_of, start_of
from skillgap.models import SHORTFALL_BARS, Provenance, SkillGap, TargetView, WorkforceReport
from skillgap.onet.scales import HIGHEST_LEVEL

Theme = Literal["light", "dark", "page"]
Picture = Literal["svg", "png"]

COLOURS: dict[Theme, dict[str, str]] = {
    "light": {
        "ink": "#1b1f24",
        "paper": "#ffffff",
        "line": "#d0d7de",
        "now": "#0a5fb4",
        "sure": "#c05f00",
        "noise": "#848d97",
        "open": "#8250df",
    },
    "dark": {
        "ink": "#e9edf1",
        "paper": "#14181c",
        "line": "#3d444d",
        "now": "#6cb6ff",
        "sure": "#f0a030",
        "noise": "#7d8590",
        "open": "#b392f0",
    },
}
COLOURS["page"] = {name: f"var(--{name})" for name in COLOURS["light"]}
"""Those of the stylesheet, by their names: a chart in the page follows its theme, and paper."""
MOST_ROWS = 40
"""Rows drawn; the table has them all."""
MOST_SKILLS = 20
"""Skills drawn of a workforce, likewise."""
_NORMAL = 1.96
"""Standard errors that O*NET's own 95 % bounds lie from a level."""
_GAP_IS = {"yes": "sure", "no": "may be chance", "not relevant": "may be chance", "unknown": "cannot be judged"}
_FOR_OTHER_FONTS = 30
"""Pixels left of the longest name: whoever shows a picture may have wider letters than whoever drew it."""
_HEAD_HEIGHT = 110
"""Pixels that legend and axis take at most."""


def chart_of(report: Report, theme: Theme) -> dict[str, Any]:
    """Return the report's chart as a Vega-Lite specification with its data."""
    spec = specification(theme)
    rows = chart_rows(report)
    size = {"height": spec["height"]["step"] * len(rows), "padding": {**spec["padding"], "left": _FOR_OTHER_FONTS}}
    return {**spec, **size, "data": {**spec["data"], "values": rows}}


@lru_cache
def specification(theme: Theme, name: Literal["levels", "workforce", "errors"] = "levels") -> dict[str, Any]:
    """Return a Vega-Lite specification without data, or two of them by name."""
    text = files("skillgap.web").joinpath(f"static/{name}.vl.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(Template(text).substitute(COLOURS[theme]))
    return found


def chart_rows(report: Report) -> list[dict[str, Any]]:
    """Return the data of the chart: a row per gap in their order, levels with the ends of their 95 % intervals."""
    return [
        {
            "name": gap.element_name,
            **_side("now", gap.from_data_value, gap.from_standard_error, gap.from_lower, gap.from_upper),
            **_side("asked", gap.to_data_value, gap.to_standard_error, gap.to_lower, gap.to_upper),
            "now_is_predicted": gap.from_source == "llm",
            "asked_is_predicted": gap.to_source == "llm",
            "gap_is": _GAP_IS[certainty(gap)],
            "says": _says(gap),
        }
        for gap in report.skill_gaps[:MOST_ROWS]
    ]


def chart_height(rows: int) -> int:
    """Return the pixels that a chart of so many rows needs at most."""
    step: int = specification("page")["height"]["step"]
    return _HEAD_HEIGHT + step * rows


def _side(
    side: str, level: float | None, error: float | None, lower: float | None, upper: float | None
) -> dict[str, float | None]:
    """Return a level with its interval: a prediction's own, else the one that O*NET's standard error gives."""
    if lower is None and level is not None and error is not None:
        lower, upper = max(0.0, level - _NORMAL * error), min(HIGHEST_LEVEL, level + _NORMAL * error)
    return {side: level or 0.0, f"{side}_lower": lower, f"{side}_upper": upper}


def _says(gap: SkillGap) -> str:
    interval = "" if gap.gap_lower is None else f" ({gap.gap_lower:.2f} to {gap.gap_upper:.2f})"
    return f"{gap.gap:.3f}{interval}, {VERDICTS[certainty(gap)]}"


def credit(provenance: Provenance) -> str:
    """Return where the figures of a chart come from, for a picture that stands alone."""
    release = f"O*NET {provenance.release}" if provenance.release else "O*NET Web Services"
    source = f"{release} (USDOL/ETA, CC BY 4.0), modified by skillgap"
    return f"{source}; data version {provenance.data_version}"


def standalone_chart(report: Report) -> dict[str, Any]:
    """Return the chart of levels, as one that says itself what it is of and where its figures come from."""
    spec = chart_of(report, "light")
    empty = [] if report.skill_gaps else ["There is no gap to show."]
    title = {
        "text": f"From {start_of(report)}",
        "subtitle": [f"to {name_of(report.to_occupation)}", credit(report.provenance), *empty],
        "anchor": "start",
    }
    return {**spec, "title": title, "background": "white"}


def workforce_chart(report: WorkforceReport, theme: Theme) -> dict[str, Any]:
    """Return, for each target, who lacks what, and how shortfalls are spread, as a Vega-Lite specification."""
    return {
        "$schema": specification(theme)["$schema"],
        "background": COLOURS[theme]["paper"],
        "padding": {"left": _FOR_OTHER_FONTS, "right": 8, "top": 8, "bottom": 8},
        "title": {
            "text": f"{report.people:,} people: who lacks what",
            "subtitle": credit(report.provenance),
            "anchor": "start",
            "color": COLOURS[theme]["ink"],
            "subtitleColor": COLOURS[theme]["ink"],
        },
        "vconcat": [_target_chart(each, theme) for each in report.targets],
        "config": specification(theme)["config"],
    }


def _target_chart(view: TargetView, theme: Theme) -> dict[str, Any]:
    skills = [
        {"name": skill.element_name, "who": who, "place": place, "share": people / view.people}
        for skill in view.skills[:MOST_SKILLS]
        for place, (who, people) in enumerate(
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
        "title": {**title, "color": COLOURS[theme]["ink"]},
        "hconcat": [
            {**parts["skills"], "data": {"values": skills}},
            {**parts["shortfalls"], "data": {"values": shortfalls}},
        ],
    }


def error_chart(errors: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """Return mean absolute errors, of models and folds in the order given, as a Vega-Lite specification."""
    rows = [{"model": model, "folds": folds, "error": error} for model, folds, error in errors]
    common = {"background": COLOURS["light"]["paper"], "config": specification("light")["config"]}
    return {**specification("light", "errors"), **common, "data": {"values": rows}}


def draw(spec: dict[str, Any], picture: Picture) -> bytes:
    """Return a chart as a picture. Takes a second the first time, and 150 MB: a server has it done elsewhere."""
    import vl_convert

    spec = _escaped(spec)
    if picture == "png":
        return vl_convert.vegalite_to_png(spec, scale=2)
    return vl_convert.vegalite_to_svg(spec).encode()


def _escaped(value: Any) -> Any:
    """Return a specification with control characters escaped: XML cannot hold them, and vl-convert aborts on one."""
    if isinstance(value, str):
        return "\n".join(map(for_terminal, value.split("\n")))
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def browser_bundle() -> bytes:
    """Return the script that draws Vega-Lite charts in a browser, `window.vegaEmbed`. Takes two seconds, as `draw`."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode()
