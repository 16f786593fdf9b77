"""How reports display themselves in notebooks.

`export` makes charts, frames and HTML, and imports `models`, so a report cannot import it. Instead it looks up a
`Display`, which `skillgap/__init__.py` sets before any other module is imported. A subclass with these methods would
not do: `analysis` creates the reports, and it knows nothing of charts.

`import skillgap` imports this module, so it must stay light.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


class Chart(Protocol):
    """A chart that notebooks draw."""

    @property
    def spec(self) -> dict[str, Any]:
        """Vega-Lite specification of the chart, with its data."""

    def save(self, file: Path | str) -> None:
        """Write the chart to a `.svg` or `.png` file. Raises ConfigurationError (another suffix)."""

    def _repr_svg_(self) -> str: ...


class Display(NamedTuple):
    """The functions that display a report."""

    chart: Callable[[Any], Chart]
    to_frame: Callable[[Any], pd.DataFrame]
    to_html: Callable[[Any], str]


_load: Callable[[], Display] | None = None


def displayed_by(load: Callable[[], Display]) -> None:
    """Set the function that returns the display. It is called whenever a report is displayed."""
    global _load
    _load = load


def _display() -> Display:
    if _load is None:
        raise RuntimeError("no display is set; `import skillgap` sets it")
    return _load()


class Displayed:
    """A report that displays itself as a chart, a frame or HTML."""

    def chart(self) -> Chart:
        """Return a chart of the levels. Notebooks draw it, and `save` writes it to a file."""
        return _display().chart(self)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with one row per gap, then one per surplus skill: the fields of SkillGap."""
        return _display().to_frame(self)

    def _repr_html_(self) -> str:
        return _display().to_html(self)
