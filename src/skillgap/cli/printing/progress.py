"""Progress bars on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from skillgap.cli.printing.console import notes_console


class _RateColumn(ProgressColumn):
    """Requests per second, as limited by the configured rate."""

    def render(self, task: Task) -> Text:
        """Return the rate of requests, or an empty text for other tasks."""
        return Text(f"{task.speed:.1f}/s" if task.description == "requests" and task.speed else "")


class LoadProgress:
    """Progress bars by task. Nothing is printed if standard error is not a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def on_bytes(self, done: int, total: int | None) -> None:
        """Show a download."""
        self._update("download", done, total)

    def on_request(self, done: int, total: int) -> None:
        """Show completed requests."""
        self._update("requests", done, total)

    def on_text(self, done: int, total: int) -> None:
        """Show texts encoded by the language model."""
        self._update("texts", done, total)

    def on_reply(self, done: int, total: int) -> None:
        """Show replies of a language model."""
        self._update("replies", done, total)

    def on_batch(self, done: int, total: int) -> None:
        """Show occupations whose pairs have been written."""
        self._update("occupations", done, total)

    def on_people(self, done: int, total: int | None) -> None:
        """Show completed rows of a batch."""
        self._update("rows", done, total)

    def on_rows(self, table: str, done: int, total: int) -> None:
        """Show a table being written."""
        self._update(table, done, total)

    def _update(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


@contextmanager
def progress() -> Iterator[LoadProgress]:
    """Show progress on standard error while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), _RateColumn())
    console = notes_console()
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        yield LoadProgress(bars)
