"""One trial of a sweep: a training and how many validation images it gets wrong; there is no test set here."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from digitwise.errors import DataError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.images import Splits
from digitwise.recipes.space import Trial
from digitwise.training.fit import Part, fit_parts, joined
from digitwise.training.precision import Precision
from digitwise.training.predict import predict
from digitwise.training.watch import Event, Relay, Stopped, Watch, passed_on

State = Literal["finished", "stopped", "diverged", "lost"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    state : {"finished", "stopped", "diverged", "lost"}
        Stopped: early, as one that does worse than others did by then. Diverged: its numbers are no numbers any more.
        Lost: with its process or machine, or by a surprise, again and again.
    errors : int, optional
        Validation images classified wrongly; of a stopped trial after its last epoch. None where there is no answer.
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


LOST = Outcome("lost", None, None, 0, 0.0, [])


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


def run_trial(common: Common, trial: Trial, watch: Watch) -> Outcome:
    """Train one trial and count its validation errors.

    Parameters
    ----------
    common : Common
    trial : Trial
    watch : Watch
        May stop it.

    Returns
    -------
    Outcome

    Raises
    ------
    RecipeError
        If the images are none the recipe can be trained on.
    """
    rows: list[dict[str, Any]] = []

    def tell(event: Event) -> None:
        if event[0] == "on_epoch":
            rows.append(event[1][0])
        passed_on(event, watch)

    choices: dict[str, Any] = {"precision": common.precision, "deterministic": common.deterministic}
    try:
        parts = fit_parts(trial.recipe, common.splits, seed=common.seed, **choices, watch=Relay(tell))
    except Stopped:
        return _stopped(rows, len(common.splits.validation))
    fitted = joined(trial.recipe, common.splits.train, parts)
    epochs, seconds = len(fitted.history), round(fitted.fit_seconds, 2)
    try:
        answers = predict(fitted.model, common.splits.validation)
    except DataError:  # a network that has diverged answers with what is no probability
        return Outcome("diverged", None, None, epochs, seconds, [])
    log_loss = max(0.0, negative_log_likelihood(answers.probabilities, answers.labels))  # which may be -0.0
    return Outcome("finished", answers.errors, log_loss, epochs, seconds, parts)


def errors_after(row: dict[str, Any], n: int) -> int | None:
    """Validation errors, of ``n`` images, after the epoch of a row of the history; None if it has diverged by then."""
    return round((1 - row["val_accuracy"]) * n) if math.isfinite(row["val_loss"]) else None


def _stopped(rows: list[dict[str, Any]], n: int) -> Outcome:
    """What comes of a trial that was stopped after the last of these epochs."""
    seconds, errors = round(sum(row["seconds"] for row in rows), 2), errors_after(rows[-1], n)
    if errors is None:
        return Outcome("diverged", None, None, len(rows), seconds, [])
    return Outcome("stopped", errors, rows[-1]["val_loss"], len(rows), seconds, [])


def save_parts(file: Path, number: int, parts: list[Part]) -> None:
    """Write a trial's networks to a temporary name, so that the best so far is there when a sweep goes on."""
    about = [{**vars(part), "weights": len(part.weights)} for part in parts]
    arrays = [array for part in parts for array in part.weights]
    np.savez(file, *arrays, about=np.array(json.dumps({"trial": number, "parts": about})))


def load_parts(file: Path) -> tuple[int, list[Part]]:
    """The number of a trial and its networks as :func:`save_parts` wrote them; 0 and none where there is no file."""
    if not file.exists():
        return 0, []
    with np.load(file, allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        arrays = iter([archive[f"arr_{place}"] for place in range(len(archive.files) - 1)])
    parts = [Part(**{**part, "weights": [next(arrays) for _ in range(part["weights"])]}) for part in about["parts"]]
    return about["trial"], parts
