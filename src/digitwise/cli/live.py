"""A download, shown as it goes."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from digitwise.cli.console import steps


class DownloadBar:
    """A progress bar of a download, by rich, with the interface that pooch expects."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("fetching"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=steps(console),
            transient=True,
        )
        self.task = self.bar.add_task("fetching", total=None)
        self._total: float | None = None

    @property
    def total(self) -> float | None:
        """Bytes expected."""
        return self._total

    @total.setter
    def total(self, size: float | None) -> None:
        self._total = size
        self.bar.start()
        self.bar.update(self.task, total=size)

    def update(self, size: int) -> None:
        """Advance by a number of bytes."""
        self.bar.advance(self.task, size)

    def reset(self) -> None:
        """Start from nothing."""
        self.bar.reset(self.task)

    def close(self) -> None:
        """Take the bar away."""
        self.bar.stop()
