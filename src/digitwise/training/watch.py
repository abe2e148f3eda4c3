"""Who wants to see a training go on, subclasses this."""

from __future__ import annotations

from typing import Any

from digitwise.recipes import Recipe


class Watch:
    """Told about a training as it goes; by itself it does nothing."""

    def on_start(self, recipe: Recipe, network: Any, steps: int) -> None:
        """Before the first epoch: the recipe, the Keras network, the batches an epoch."""

    def on_resume(self, epochs: int) -> None:
        """After a checkpoint was taken up that many epochs in."""

    def on_finished_earlier(self) -> None:
        """When there is nothing to resume, because the run is whole."""

    def on_batch(self, epoch: int, step: int, logs: dict[str, Any]) -> None:
        """Every few batches: the epoch and batch, from 1, and the epoch's loss and accuracy so far."""

    def on_epoch(self, row: dict[str, Any]) -> None:
        """After each epoch: its row of the history."""
