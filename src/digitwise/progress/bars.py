"""Bars by rich, on a terminal and in a notebook; importing it imports rich."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

PAUSE = 0.2  # seconds between two images of a bar in a notebook


class NotebookProgress(Progress):
    """A bar in a notebook, drawn by its display alone: rich's own there needs ipywidgets."""

    _drawn = 0.0
    _place: Any = None

    def start(self) -> None:
        """Show it, below what the cell has printed."""
        from IPython.display import display

        self._drawn, self._place = time.monotonic(), display(self, display_id=True)  # type: ignore[no-untyped-call]

    def update(self, *arguments: Any, **changes: Any) -> None:
        """Change a task; see :class:`rich.progress.Progress`."""
        super().update(*arguments, **changes)
        if self._place is not None and time.monotonic() - self._drawn > PAUSE:
            self._drawn = time.monotonic()
            self._place.update(self)

    def stop(self) -> None:
        """Take it away."""
        from IPython.display import HTML

        self._place.update(HTML(""))  # type: ignore[no-untyped-call]


def is_for_bars(console: Console) -> bool:
    """Whether a bar can be shown there: on a terminal and in a notebook."""
    return console.is_terminal or console.is_jupyter


def bar_on(console: Console, *columns: ProgressColumn, redirect: bool = True) -> Progress:
    """A bar on a console: a task's description, the bar, its ``state`` and these columns; it goes when it is stopped.

    Parameters
    ----------
    console : Console
    *columns : ProgressColumn
    redirect : bool
        Whether what others print to a terminal meanwhile appears above the bar. ``sys.stdout`` and ``sys.stderr`` are
        exchanged for that: not for a bar that is started in a thread, while others may exchange them.
    """
    on_terminal = sys.stdout is not None and sys.stdout.isatty()  # in a pipe or a file it stays there
    return (NotebookProgress if console.is_jupyter else Progress)(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        *columns,
        console=console,
        transient=True,
        redirect_stdout=redirect and on_terminal,
        redirect_stderr=redirect,
        disable=not is_for_bars(console),
    )
