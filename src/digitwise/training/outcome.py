"""What comes of a trial of a sweep; no Keras, so that who passes it on does not wait for it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from digitwise.training.fit import Part

State = Literal["finished", "stopped", "diverged", "lost"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    state : {"finished", "stopped", "diverged", "lost"}
        Stopped: early, as one that does worse than others did by then. Diverged: its numbers are no numbers any more.
        Lost: with its machines, again and again.
    errors : int, optional
        Validation pictures classified wrongly; of a stopped trial after its last epoch. None where there is no answer.
    log_loss : float, optional
        The mean negative log-likelihood of the validation labels, in nats.
    epochs : int
    seconds : float
        That the training took.
    parts : list of Part
        What the networks came to; empty unless finished.
    """

    state: State
    errors: int | None
    log_loss: float | None
    epochs: int
    seconds: float
    parts: list[Part]

    @property
    def finished(self) -> bool:
        """Whether it can win."""
        return self.state == "finished"

    @property
    def bare(self) -> Outcome:
        """The same without weights."""
        return dataclasses.replace(self, parts=[])

    def rank(self, number: int) -> tuple[int, float, int]:
        """Trial ``number``'s place among those that finished, the least first: errors, log-loss, number."""
        if self.errors is None or self.log_loss is None:
            raise ValueError(f"trial {number} is {self.state}: there is nothing to rank it by")
        return self.errors, self.log_loss, number
