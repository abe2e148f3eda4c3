"""Callbacks of a training, to follow or to stop it, which also come from other processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = tuple[str, tuple[Any, ...]]  # name and arguments of a method of Watch


class Stopped(Exception):  # noqa: N818 - no error
    """Raised by :meth:`Watch.on_epoch` to end the training there; the training raises it on."""


class Watch:
    """Callbacks of a training; subclasses override those they need."""

    def on_task(self, name: str) -> Watch:
        """Return the watch for one of several trainings, before it begins; several may run at the same time."""
        return self

    def on_task_done(self, name: str) -> None:
        """After one of several trainings."""

    def on_scans(self, made: int, of: int) -> None:
        """While scans of the training images are made: the number so far, and of all."""

    def on_member(self, member: int, members: int) -> None:
        """Before each network of an ensemble: its number, from 1, and their number."""

    def on_fold(self, fold: int, folds: int) -> None:
        """Before each training of a cross-validation: its number, from 1, and their number."""

    def on_start(self, network: Any) -> None:
        """Before the first step: the Keras network."""

    def on_resume(self, epochs: int) -> None:
        """After a checkpoint of so many epochs was loaded."""

    def on_finished_earlier(self) -> None:
        """When there is nothing to resume, because the run is complete."""

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Every few steps: the epoch, from 1; the share of the training done; the epoch's loss and accuracy so far."""

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """After each epoch: its row of the history, and the share of the training done.

        Raises
        ------
        Stopped
            To end the training here.
        """


def _sent(name: str) -> Any:
    """A method of :class:`Relay` that sends its call."""

    def method(self: Relay, *arguments: Any) -> None:
        self._send((name, arguments))

    return method


class Relay(Watch):
    """Sends each call as an event, except for networks, which cannot be pickled.

    Parameters
    ----------
    send : callable
        Takes an event; raises :class:`Stopped` at an epoch to end the training after it.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send

    on_scans = _sent("on_scans")
    on_member = _sent("on_member")
    on_fold = _sent("on_fold")
    on_resume = _sent("on_resume")
    on_finished_earlier = _sent("on_finished_earlier")
    on_steps = _sent("on_steps")
    on_epoch = _sent("on_epoch")


def passed_on(event: Event, watch: Watch) -> None:
    """Call a watch with an event."""
    name, arguments = event
    getattr(watch, name)(*arguments)


def answered(event: Event, watch: Watch) -> bool | None:
    """Call a watch with an event; after an epoch, return whether the training continues, for which it waits."""
    try:
        passed_on(event, watch)
    except Stopped:
        return False
    return True if event[0] == "on_epoch" else None
