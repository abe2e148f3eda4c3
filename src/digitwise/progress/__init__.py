"""The bar of a call from Python: one, on a terminal or in a notebook, quiet elsewhere and where the call is short.

A public function opens it by :func:`showing`. What works inside goes over its parts by :func:`each_of` and need not
know whether there is a bar: outside of such a call, as in a server's threads, nothing is shown. A public function that
is called by another one moves the bar of that.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

DELAY = 0.5  # seconds of a call before its bar is shown
STEP = 0.1  # seconds between two moves of a bar
MEGABYTE = 1_000_000

Part = TypeVar("Part")
_alone = threading.Lock()  # held by the one bar that is shown
_current: ContextVar[_Bar | None] = ContextVar("bar")  # of the call that goes on; None where it shows none


@contextmanager
def showing(progress: bool | None, what: str, *, console: Console | None = None, timed: bool = True) -> Iterator[None]:
    """Show a bar while a call goes on.

    Parameters
    ----------
    progress : bool, optional
        By default the bar is shown on standard error if that is a terminal, and in a notebook; with True also where it
        is neither, with False never. Inside of another call there is the bar of that, or none.
    what : str
        What is being done, until :func:`each_of` or :func:`say` tells more.
    console : Console, optional
        Where the bar is shown, whatever call this is inside of, instead of standard error.
    timed : bool
        Whether a bar is drawn also while the work says nothing for long. That takes a thread, too much for calls that
        are over in a millisecond.

    Examples
    --------
    >>> with showing(None, "counting"):
    ...     sum(each_of(range(100), "counting"))
    4950
    """
    if progress is not False and console is None and _is_inside():
        say(what)
        yield
        return
    bar = None if progress is False else _Bar(progress, what, console, timed=timed)
    token = _current.set(bar)
    try:
        yield
    finally:
        _current.reset(token)
        if bar is not None:
            bar.close()


def silently() -> AbstractContextManager[None]:
    """Show no bar for the calls inside."""
    return showing(False, "")


def each_of(parts: Iterable[Part], what: str, of: int | None = None) -> Iterable[Part]:
    """Go over parts of the work; the bar of the call, if any, moves with them.

    Parameters
    ----------
    parts : iterable
        Returned as they are where there is no bar, or other parts move it.
    what : str
        What is being done.
    of : int, optional
        Their number, where it is not their length.
    """
    bar, number = _current.get(None), len(parts) if of is None and isinstance(parts, Sized) else of
    if bar is None or bar.taken or number in (0, 1):
        return parts
    return bar.over(parts, what, number)


def say(what: str) -> None:
    """Say on the bar of the call, if any, what is being done."""
    bar = _current.get(None)
    if bar is not None and not bar.taken:
        bar.say(what)


def _is_inside() -> bool:
    """Whether a call goes on, with a bar or without."""
    try:
        _current.get()
    except LookupError:
        return False
    return True


class _Bar:
    """The bar of one call, which is drawn once that has taken a while."""

    def __init__(self, progress: bool | None, what: str, console: Console | None, *, timed: bool) -> None:
        self.progress, self.console = progress, console
        self.taken = False  # by parts that are gone over: parts of these do not move it
        self.state: dict[str, Any] = {"description": what, "completed": 0, "total": None, "state": ""}
        self.drawn: Progress | None = None
        self.decided = False  # whether it is drawn
        self.lock = threading.RLock()
        self.due = time.monotonic() + DELAY
        self.timer = threading.Timer(DELAY, self.draw) if timed and self.may_be_seen() else None
        if self.timer is not None:
            self.timer.daemon = True
            self.timer.start()

    def may_be_seen(self) -> bool:
        """Whether there may be a terminal or a notebook; rich, which knows, is not imported for that."""
        if self.progress or self.console is not None or "IPython" in sys.modules:
            return True
        if "TTY_COMPATIBLE" in os.environ or "FORCE_COLOR" in os.environ:
            return True
        try:
            return sys.stderr.isatty()
        except (AttributeError, ValueError):  # there is none, or it is closed
            return False

    def draw(self) -> None:
        """Draw it, where it can be seen and is the only one."""
        with self.lock:
            if self.decided:
                return
            self.decided = True
            if not self.may_be_seen():
                return
            from rich.console import Console
            from rich.progress import TaskProgressColumn, TimeRemainingColumn

            from digitwise.progress.bars import bar_on, is_for_bars

            console = self.console or Console(stderr=True, force_terminal=self.progress or None)
            if not is_for_bars(console) or not _alone.acquire(blocking=False):
                return
            self.drawn = bar_on(console, TaskProgressColumn(), TimeRemainingColumn(), redirect=False)
            self.drawn.add_task(**self.state)
            self.drawn.start()

    def say(self, what: str, done: int = 0, of: int | None = None, state: str = "") -> None:
        """Name what is being done, and how far it is."""
        with self.lock:
            other, self.state = self.state, {"description": what, "completed": done, "total": of, "state": state}
            if not self.decided and time.monotonic() >= self.due:
                self.draw()
            if self.drawn is None:
                return
            if other["description"] != what:  # with a pace and a total of its own
                self.drawn.remove_task(self.drawn.task_ids[0])
                self.drawn.add_task(**self.state)
            self.drawn.update(self.drawn.task_ids[0], **self.state)

    def over(self, parts: Iterable[Part], what: str, of: int | None) -> Iterator[Part]:
        """Move with parts."""
        done = 0
        self.taken = True
        self.say(what, done, of)
        said = time.monotonic()
        try:
            for part in parts:
                yield part
                done += 1
                if (now := time.monotonic()) - said >= STEP:
                    said = now
                    self.say(what, done, of)
        finally:
            self.say(what, done, of)
            self.taken = False

    def close(self) -> None:
        """Take it away."""
        if self.timer is not None:
            self.timer.cancel()
        with self.lock:
            self.decided = True
            if self.drawn is None:
                return
            try:
                self.drawn.stop()
            finally:
                self.drawn = None
                _alone.release()


class DownloadBar:
    """Shows a download, with the interface that pooch expects, on the bar of the call or on one of its own.

    Parameters
    ----------
    console : Console, optional
        For a bar of its own.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console, self.done = console, 0
        self.own: _Bar | None = None
        self._total: float | None = None

    @property
    def total(self) -> float | None:
        """Bytes expected."""
        return self._total

    @total.setter
    def total(self, size: float | None) -> None:
        self._total, self.done = size, 0
        if self.console is not None and self.own is None:
            self.own = _Bar(None, "fetching", self.console, timed=False)
        self.update(0)

    def update(self, size: int) -> None:
        """Advance by a number of bytes."""
        self.done += size
        bar = self.own or _current.get(None)
        if bar is not None and not bar.taken:
            of = int(self.total) if self.total else None
            told = f"{self.done / MEGABYTE:.1f}" + (f" of {of / MEGABYTE:.1f} MB" if of else " MB")
            bar.say("fetching", self.done, of, told)

    def reset(self) -> None:
        """Start from nothing."""
        self.done = 0

    def close(self) -> None:
        """Take its own bar away."""
        if self.own is not None:
            self.own.close()
            self.own = None
