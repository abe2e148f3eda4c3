"""The clock that matters on a GPU: without what is compiled once."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from digitwise.training.watch import Watch


class Stopwatch(Watch):
    """Seconds of training after compilation, summed over the networks of an ensemble.

    A network's clock begins when its first step is done and ends with its last one; it stands still during its first
    validation, which is compiled then, and holds the validations between later epochs.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: float | None = None

    def on_start(self, network: Any) -> None:
        """A new network, whose first step is compiled."""
        self._last = None

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Count the time since the last steps; the loss has come back from the device by now."""
        now = perf_counter()
        self.seconds += now - self._last if self._last is not None else 0.0
        self._last = now

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Leave the first validation out."""
        if row["epoch"] == 1:
            self._last = perf_counter()
