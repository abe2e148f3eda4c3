"""A training, shown as it goes: a bar on a terminal, a line for each finished epoch anywhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

from digitwise.cli.console import steps
from digitwise.training.watch import Watch

BESIDE = 35  # characters for the bar of one of many trainings and what stands to its right,
LEAST = 40  # and those for its left on the narrowest terminal


class LiveWatch(Watch):
    """Shows a training on a console; a context manager, so that the bar goes whatever happens.

    Parameters
    ----------
    console : Console
        For the epochs' lines; the bar is shown only on a terminal.
    layers : bool
        Whether to print the network's layers first.
    many : bool
        Whether several trainings go on: each has a bar of its own, and a line once it is done; where there is no
        terminal, its name stands before each of its lines.
    """

    def __init__(self, console: Console, *, layers: bool = True, many: bool = False) -> None:
        self.console, self.layers, self.many = steps(console), layers, many
        self.each: dict[str, _OneOfMany] = {}
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.room = max(LEAST, console.width - BESIDE)
        self.task = self.bar.add_task("compiling", total=None, state="", visible=not many)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def on_task(self, name: str) -> Watch:
        """Give one of many trainings its bar; one that begins anew has it already."""
        if not self.many:
            return self
        if name not in self.each:
            self.each[name] = _OneOfMany(self, name)
        return self.each[name]

    def on_task_done(self, name: str) -> None:
        """Take its bar away, and say that it is done."""
        if (one := self.each.pop(name, None)) is not None:
            one.end()

    def on_scans(self, made: int, of: int) -> None:
        """Move the bar, and say when all are made."""
        self.bar.update(self.task, description="making scans", total=of, completed=made)
        if made == of:
            self.console.print(f"  {of:,} scans made")

    def on_member(self, member: int, members: int) -> None:
        """Say which network it is."""
        self.console.print(f"  network {member} of {members}")

    def on_fold(self, fold: int, folds: int) -> None:
        """Say which fold it is."""
        self.console.print(f"  fold {fold} of {folds}")

    def on_start(self, network: Any) -> None:
        """Print the network's layers."""
        for layer in network.layers if self.layers else ():
            shape = "×".join(str(side) for side in layer.output.shape[1:])
            self.console.print(
                f"  {type(layer).__name__.removeprefix('Fused'):20} {shape:>12} {layer.count_params():>9,}"
            )
        self.console.print(f"  {'parameters':33} {network.count_params():>9,}", style="bold")

    def on_resume(self, epochs: int) -> None:
        """Say where it goes on."""
        self.console.print(f"  resumed after epoch {epochs}")

    def on_finished_earlier(self) -> None:
        """Say so."""
        self.console.print("  finished earlier")

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Move the bar."""
        state = f"loss {loss:.4f}  accuracy {accuracy:.4f}"
        self.bar.update(self.task, description=f"epoch {epoch}", total=1.0, completed=share, state=state)

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Print the epoch's line."""
        self.console.print(f"  {_epoch(row, share)}")


def _epoch(row: dict[str, Any], share: float) -> str:
    return (
        f"epoch {row['epoch']:>2} {share:>5.0%}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
        f"validation loss {row['val_loss']:.4f}  accuracy {row['val_accuracy']:.4f}  {row['seconds']:.1f} s"
    )


class _OneOfMany(Watch):
    """Shows one of several trainings that go on at a time."""

    def __init__(self, whole: LiveWatch, name: str) -> None:
        self.whole, self.name, self.row, self.member = whole, name, "", ""
        self.task = whole.bar.add_task(self._in_short("compiling"), total=None, state="")

    def end(self) -> None:
        """Say how it ended."""
        self.whole.bar.remove_task(self.task)
        self._say(f"done{self.row}")

    def on_scans(self, made: int, of: int) -> None:
        """Move the bar."""
        self._move("making scans", of, made)

    def on_member(self, member: int, members: int) -> None:
        """Remember which network it is."""
        self.member = f", network {member} of {members}"

    def on_resume(self, epochs: int) -> None:
        """Say where it goes on."""
        self._say(f"resumed after epoch {epochs}")

    def on_finished_earlier(self) -> None:
        """Remember it."""
        self.row = " earlier"

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Move the bar."""
        self._move(f"epoch {epoch}", 1.0, share, f"loss {loss:.4f}")

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Print the epoch's line, where there is no bar."""
        self.row = f", validation loss {row['val_loss']:.4f}  accuracy {row['val_accuracy']:.4f}"
        if not self.whole.console.is_terminal:
            self._say(_epoch(row, share))

    def _move(self, what: str, total: float, done: float, state: str = "") -> None:
        self.whole.bar.update(self.task, description=self._in_short(what), total=total, completed=done, state=state)

    def _in_short(self, what: str) -> str:
        """What stands before the bar: the name gives way, so that on a narrow terminal there is a bar at all."""
        rest = f"{self.member}: {what}"
        room = max(1, self.whole.room - len(rest))
        name = self.name if len(self.name) <= room else f"{self.name[: room - 1]}…"
        return f"{name}{rest}"

    def _say(self, what: str) -> None:
        self.whole.console.print(f"  {self.name}{self.member}: {what}")


class CheckWatch(LiveWatch):
    """Shows checks and the trainings some of them need: one bar, and a line a stage where there is no terminal."""

    def __init__(self, console: Console, *, many: bool = False) -> None:
        super().__init__(console, layers=False, many=many)
        self.bar.update(self.task, visible=True)
        self.stage = ""

    def say(self, what: str, done: int = 0, of: int | None = None) -> None:
        """Name what is being done, and how far it is."""
        self.stage = what
        self.bar.update(self.task, description=what, completed=done, total=of, state="")
        if not self.console.is_terminal:
            self.console.print(f"  {what}", style="dim")

    def on_start(self, network: Any) -> None:
        """Do nothing: the network is not of interest here."""

    def on_fold(self, fold: int, folds: int) -> None:
        """Say which fold it is."""
        self.say(f"labels: training without fold {fold} of {folds}")

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Move the bar."""
        self.bar.update(self.task, total=1.0, completed=share)

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Nothing."""


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
