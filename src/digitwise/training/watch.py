"""Who wants to see a training go on, subclasses this."""

from __future__ import annotations

from typing import Any


class Watch:
    """Told about a training as it goes; by itself it does nothing."""

    def on_task(self, name: str) -> Watch:
        """Before one of several trainings, which may go on side by side: who is told about this one."""
        return self

    def on_task_done(self, name: str) -> None:
        """After one of several trainings."""

    def on_scans(self, made: int, of: int) -> None:
        """While scans of the training pictures are made: how many, and how many there will be."""

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
        """After each epoch: its row of the history, and the share of the training done."""
