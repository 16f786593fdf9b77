"""How reports show themselves in notebooks.

Charts, frames and HTML are made by packages that import the models, so a report cannot import them: it looks up a
`Display`, which `skillgap/__init__.py` sets. That module stands above all packages, and Python runs it before any of
them. A subclass with methods could not do this: reports are made by `analysis`, which knows no charts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Chart(Protocol):
    """A chart that a notebook draws."""

    @property
    def spec(self) -> dict[str, Any]:
        """Return its Vega-Lite specification, with the data."""

    def save(self, file: Path | str) -> None:
        """Write the chart to a file, `.svg` or `.png`. Raises ConfigurationError (another suffix)."""

    def _repr_svg_(self) -> str: ...


@dataclass(frozen=True)
class Display:
    """The functions that show a report."""

    chart: Callable[[Any], Chart]
    to_frame: Callable[[Any], pd.DataFrame]
    to_html: Callable[[Any], str]


_load: Callable[[], Display] | None = None


def displayed_by(load: Callable[[], Display]) -> None:
    """Set the function that returns the display; it is called when a report is first shown."""
    global _load
    _load = load


def _display() -> Display:
    if _load is None:
        raise RuntimeError("no display is set; `import skillgap` sets it")
    return _load()


class Displayed:
    """A report that can be shown as a chart, a frame or HTML."""

    def chart(self) -> Chart:
        """Return the chart of levels: a notebook draws it, `save` writes it."""
        return _display().chart(self)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with one row per gap, then one per surplus skill: the fields of SkillGap."""
        return _display().to_frame(self)

    def _repr_html_(self) -> str:
        return _display().to_html(self)
