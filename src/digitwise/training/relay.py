"""A watch whose calls travel: what a training in another process is told to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digitwise.training.watch import Watch

Event = tuple[str, tuple[Any, ...]]  # a method of Watch, and what it is called with


class Relay(Watch):
    """Sends each call on as a name and arguments; networks, which cannot be sent, stay.

    Parameters
    ----------
    send : callable
        Takes an event.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send

    def on_scans(self, made: int, of: int) -> None:
        """See :class:`Watch`."""
        self._send(("on_scans", (made, of)))

    def on_member(self, member: int, members: int) -> None:
        """See :class:`Watch`."""
        self._send(("on_member", (member, members)))

    def on_fold(self, fold: int, folds: int) -> None:
        """See :class:`Watch`."""
        self._send(("on_fold", (fold, folds)))

    def on_resume(self, epochs: int) -> None:
        """See :class:`Watch`."""
        self._send(("on_resume", (epochs,)))

    def on_finished_earlier(self) -> None:
        """See :class:`Watch`."""
        self._send(("on_finished_earlier", ()))

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """See :class:`Watch`."""
        self._send(("on_steps", (epoch, share, loss, accuracy)))

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """See :class:`Watch`."""
        self._send(("on_epoch", (row, share)))


def passed_on(event: Event, watch: Watch) -> None:
    """Tell a watch here what was told there."""
    name, arguments = event
    getattr(watch, name)(*arguments)
