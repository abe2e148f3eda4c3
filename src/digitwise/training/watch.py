"""Who wants to see a training go on, or to stop it, subclasses this; its calls travel from other processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = tuple[str, tuple[Any, ...]]  # a method of Watch, and what it is called with


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """Raised by :meth:`Watch.on_epoch` to end the training there; it comes out of the training."""


class Watch:
    """Told about a training as it goes; by itself it does nothing."""

    def on_task(self, name: str) -> Watch:
        """Before one of several trainings, which may go on side by side: who is told about this one."""
        return self

    def on_task_done(self, name: str) -> None:
        """After one of several trainings."""

    def on_scans(self, made: int, of: int) -> None:
        """While scans of the training images are made: how many, and how many there will be."""

    def on_member(self, member: int, members: int) -> None:
        """Before each network of an ensemble: its number, from 1, and how many there are."""

    def on_fold(self, fold: int, folds: int) -> None:
        """Before each training of a cross-validation: its number, from 1, and how many there are."""

    def on_start(self, network: Any) -> None:
        """Before the first step: the Keras network."""

    def on_resume(self, epochs: int) -> None:
        """After a checkpoint was taken up that many epochs in."""

    def on_finished_earlier(self) -> None:
        """When there is nothing to resume, because the run is whole."""

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Every few steps: the epoch, from 1; the share of the training done; the epoch's loss and accuracy so far."""

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """After each epoch: its row of the history, and the share of the training done.

        Raises
        ------
        Stopped
            If the training shall end here.
        """


class Relay(Watch):
    """Sends each call on as a name and arguments; networks, which cannot be sent, stay.

    Parameters
    ----------
    send : callable
        Takes an event; raises :class:`Stopped` where it is an epoch to end the training after.
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


def answered(event: Event, watch: Watch) -> bool | None:
    """Tell a watch; whether the training goes on, where the event is an epoch, after which it waits to hear that."""
    try:
        passed_on(event, watch)
    except Stopped:
        return False
    return True if event[0] == "on_epoch" else None
