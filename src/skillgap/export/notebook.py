"""Reports in a notebook: as a chart, as HTML and as a data frame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillgap.export import charts
from skillgap.export.phrases import Report
from skillgap.files import atomic_write, check_ending
from skillgap.models import LevelAnchors, SkillGap

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Chart:
    """A chart that a notebook draws; `altair.Chart.from_dict(chart.spec)` makes an Altair chart of it."""

    spec: dict[str, Any]
    """Vega-Lite specification with the data."""

    def save(self, file: Path | str) -> None:
        """Write the chart to an `.svg` or `.png` file. Raises ConfigurationError (another suffix)."""
        file = Path(file)
        check_ending(file, (".svg", ".png"))
        with atomic_write(file) as out:
            out.write(charts.draw(self.spec, "svg" if file.suffix == ".svg" else "png"))

    def _repr_svg_(self) -> str:
        return charts.draw(self.spec, "svg").decode()


def chart_of(report: Report) -> Chart:
    """Return a report's chart of levels, with a title and the source of its figures."""
    return Chart(charts.standalone_chart(report))


def html(report: Report) -> str:
    """Return a report's gaps as an HTML fragment, styled by the notebook that shows it."""
    from skillgap.export.html import notebook_html

    return notebook_html(report)


_DTYPES = {
    "str": "str",
    "str | None": "str",
    "Certainty | None": "str",
    "float": "float64",
    "float | None": "float64",
    "bool": "bool",
    "bool | None": "boolean",
    "LevelAnchors | None": "str",
}
_COLUMNS = {field.name: _DTYPES[str(field.type)] for field in fields(SkillGap) if field.name != "stability"}


def report_frame(report: Report) -> pd.DataFrame:
    """Return a data frame with one row per gap, then one per surplus skill (`gap` below 0), in the report's order.

    Columns are the codes of both occupations and the fields of SkillGap except `stability`. Levels and gaps are in
    level points (0-7), anchors are text. Missing values are NaN, or NA in `distinguishable`.
    """
    import pandas as pd

    rows = [*report.skill_gaps, *report.surplus_skills]
    current = report.from_occupation.onet_soc_code if report.from_occupation else None
    codes = {"from_onet_soc_code": current, "to_onet_soc_code": report.to_occupation.onet_soc_code}
    return pd.DataFrame(
        {name: pd.Series([code] * len(rows), dtype="str") for name, code in codes.items()}
        | {name: pd.Series([_value(row, name) for row in rows], dtype=dtype) for name, dtype in _COLUMNS.items()}
    )


def _value(gap: SkillGap, name: str) -> Any:
    value = getattr(gap, name)
    return value.in_words() if isinstance(value, LevelAnchors) else value
