"""A training, shown as it goes: a bar on a terminal or in a notebook, and, for the command line, lines of text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from rich.console import Console
from rich.progress import TimeElapsedColumn

from digitwise.progress import silently
from digitwise.progress.bars import bar_on, is_for_bars
from digitwise.training.watch import Watch

BESIDE = 35  # characters for the bar of one of many trainings and what stands to its right,
LEAST = 40  # and those for its left on the narrowest terminal
MEASURED = 1.0  # seconds of steps from which the rest is estimated
WORTH_SAYING = 10.0  # seconds of a training below which nobody needs to know before


class Forecast:
    """Estimates how long a training takes from its first steps; those that compile do not count."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None  # time and share after the first steps

    def seconds(self, share: float) -> float | None:
        """The time from start to end, without compiling, after a share of the training; None while it is not known."""
        now = time.monotonic()
        if self.first is None:
            self.first = now, share
        began, before = self.first
        if now - began < MEASURED or share <= before:
            return None
        return (now - began) / (share - before)


def duration(seconds: float) -> str:
    """A time in words: ``40 s``, ``2 min 40 s``, ``1 h 5 min``."""
    if seconds < 100:
        return f"{round(seconds)} s"
    minutes, rest = divmod(round(seconds / 10) * 10, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _device() -> str:
    from digitwise.training.backend import on_accelerator

    return "this GPU" if on_accelerator() else "this processor"


class LiveWatch(Watch):
    """Shows a training on a console; a context manager, so that the bar goes whatever happens.

    Parameters
    ----------
    console : Console
        For the epochs' lines; the bar is shown only on a terminal and in a notebook.
    layers : bool
        Whether to print the network's layers first.
    many : bool
        Whether several trainings go on: each has a bar of its own, and a line once it is done; where there is no
        terminal, its name stands before each of its lines.
    quiet : bool
        Whether there is only the bar, without any line.
    """

    def __init__(self, console: Console, *, layers: bool = True, many: bool = False, quiet: bool = False) -> None:
        self.console, self.layers, self.many, self.quiet = console, layers, many, quiet
        self.each: dict[str, _OneOfMany] = {}
        self.bar = bar_on(console, TimeElapsedColumn())
        self.room, self.name = max(LEAST, console.width - BESIDE), ""
        self.pace: Forecast | None = None
        self.task = self.bar.add_task("compiling", total=None, state="", visible=not many)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def tell(self, text: str, **look: Any) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(text, **look)

    def on_task(self, name: str) -> Watch:
        """Give one of many trainings its bar; one that begins anew has it already."""
        if not self.many:
            self.name = f"{name}: "
            return self
        if name not in self.each:
            self.each[name] = _OneOfMany(self, name)
        return self.each[name]

    def on_task_done(self, name: str) -> None:
        """Take its bar away, and say that it is done."""
        self.name = ""
        if (one := self.each.pop(name, None)) is not None:
            one.end()

    def on_scans(self, made: int, of: int) -> None:
        """Move the bar, and say when all are made."""
        self.bar.update(self.task, description="making scans", total=of, completed=made)
        if made == of:
            self.tell(f"  {of:,} scans made")

    def on_member(self, member: int, members: int) -> None:
        """Say which network it is."""
        self.name = f"network {member} of {members}: "
        self.tell(f"  network {member} of {members}")

    def on_fold(self, fold: int, folds: int) -> None:
        """Say which fold it is."""
        self.tell(f"  fold {fold} of {folds}")

    def on_start(self, network: Any) -> None:
        """Print the network's layers."""
        for layer in network.layers if self.layers else ():
            shape = "×".join(str(side) for side in getattr(layer.output, "shape", ())[1:])
            kind = type(layer).__name__.removeprefix("Fused")
            self.tell(f"  {kind:20} {shape:>12} {layer.count_params():>9,}")
        self.tell(f"  {'parameters':33} {network.count_params():>9,}", style="bold")
        self.pace = Forecast()

    def on_resume(self, epochs: int) -> None:
        """Say where it goes on."""
        self.tell(f"  resumed after epoch {epochs}")

    def on_finished_earlier(self) -> None:
        """Say so."""
        self.tell("  finished earlier")

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Move the bar; once, when the pace is known, say how long it will take."""
        if self.pace is not None and (seconds := self.pace.seconds(share)) is not None:
            self.pace = None
            if seconds >= WORTH_SAYING:
                self.tell(f"  about {duration(seconds)} for this network on {_device()}")
        state = f"loss {loss:.4f}  accuracy {accuracy:.4f}"
        self.bar.update(self.task, description=f"{self.name}epoch {epoch}", total=1.0, completed=share, state=state)

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Print the epoch's line."""
        self.tell(f"  {_epoch(row, share)}")


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
        self.whole.tell(f"  {self.name}{self.member}: {what}")


class CheckWatch(LiveWatch):
    """Shows checks and the trainings some of them need: one bar, and a line a stage where there is no terminal."""

    def __init__(self, console: Console, *, many: bool = False, quiet: bool = False) -> None:
        super().__init__(console, layers=False, many=many, quiet=quiet)
        self.bar.update(self.task, visible=True)
        self.stage = ""

    def say(self, what: str, done: int = 0, of: int | None = None) -> None:
        """Name what is being done, and how far it is."""
        self.stage = what
        self.bar.update(self.task, description=what, completed=done, total=of, state="")
        if not self.console.is_terminal:
            self.tell(f"  {what}", style="dim")

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


Shown = TypeVar("Shown", bound=LiveWatch)


@contextmanager
def progress_bar(kind: type[Shown], progress: bool | None, *, many: bool = False) -> Iterator[Shown | None]:
    """One bar for a call from Python, on standard error; None where it is not to be seen.

    Parameters
    ----------
    kind : LiveWatch or CheckWatch
    progress : bool, optional
        By default it is shown on a terminal and in a notebook; with True also where standard error is neither, with
        False never.
    many : bool
        As for :class:`LiveWatch`.
    """
    console = Console(stderr=True, force_terminal=progress or None)
    with silently():  # what is called inside has no bar of its own
        if progress is False or not is_for_bars(console):
            yield None
            return
        with kind(console, many=many, quiet=True) as watch:
            yield watch
