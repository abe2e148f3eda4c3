"""One trial of a sweep: a training and how many validation pictures it gets wrong; there is no test set here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from digitwise.errors import DataError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.images import Splits
from digitwise.recipes.space import Trial
from digitwise.training.fit import Part, fit_parts, joined
from digitwise.training.precision import Precision
from digitwise.training.predict import predict
from digitwise.training.watch import Watch

State = Literal["finished", "stopped", "diverged", "lost"]


@dataclass(frozen=True, eq=False)
class Common:
    """What all trials share.

    Parameters
    ----------
    splits : Splits
    seed : int
    precision : {"float32", "bfloat16"}
    deterministic : bool
    """

    splits: Splits
    seed: int
    precision: Precision
    deterministic: bool


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


def run_trial(common: Common, trial: Trial, watch: Watch) -> Outcome:
    """Train one trial and count its validation errors.

    Parameters
    ----------
    common : Common
    trial : Trial
    watch : Watch

    Returns
    -------
    Outcome

    Raises
    ------
    RecipeError
        If the pictures are none the recipe can be trained on.
    """
    parts = fit_parts(
        trial.recipe,
        common.splits,
        seed=common.seed,
        precision=common.precision,
        deterministic=common.deterministic,
        watch=watch,
    )
    fitted = joined(trial.recipe, common.splits.train, parts)
    epochs, seconds = len(fitted.history), round(fitted.fit_seconds, 2)
    try:
        answers = predict(fitted.model, common.splits.validation)
    except DataError:  # a network that has diverged answers with what is no probability
        return Outcome("diverged", None, None, epochs, seconds, [])
    log_loss = max(0.0, negative_log_likelihood(answers.probabilities, answers.labels))  # which may be -0.0
    return Outcome("finished", answers.errors, log_loss, epochs, seconds, parts)
