"""What a report shows of itself in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillgap.export import charts
from skillgap.export.phrases import Report
from skillgap.files import atomic_write, check_ending


@dataclass(frozen=True)
class Chart:
    """A chart that a notebook draws; `altair.Chart.from_dict(chart.spec)` makes it one of Altair's."""

    spec: dict[str, Any]
    """Its Vega-Lite specification, with the data."""

    def save(self, file: Path | str) -> None:
        """Write the chart to a file, `.svg` or `.png`. Raises ConfigurationError (another ending)."""
        file = Path(file)
        check_ending(file, (".svg", ".png"))
        with atomic_write(file) as out:
            out.write(charts.draw(self.spec, "svg" if file.suffix == ".svg" else "png"))

    def _repr_svg_(self) -> str:
        return charts.draw(self.spec, "svg").decode()


def chart_of(report: Report) -> Chart:
    """Return a report's chart of levels, which says itself what it is of and where its figures come from."""
    return Chart(charts.standalone_chart(report))
