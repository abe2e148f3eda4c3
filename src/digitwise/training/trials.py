"""The trials of a sweep: proposed, judged and stored by Optuna, and trained; there is no test set here.

Trials are asked for one by one, while others run (ask and tell), so that each profits from the results so far. After
a quarter and after half of its training, by share and not by epochs, in which trials may differ, a trial is compared
with those that finished. Optuna stores all of it in a journal of JSON lines, which :mod:`digitwise.outputs` writes as a
whole: a file changed in place, as SQLite's or Optuna's own, would be taken for the user's when a sweep is interrupted.
Optuna's tools read it: ``JournalStorage(JournalFileBackend("study.log"))``.

References
----------
J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS (2011): the sampler, TPE.
T. Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD (2019).
F. Hutter, H. Hoos, K. Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance, ICML (2014): fANOVA.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from digitwise.errors import DataError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.images import Splits
from digitwise.recipes.space import Range, Space, Trial, library, whole
from digitwise.training.fit import TrainedNetwork, fit_networks, joined
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.watch import Event, Relay, Stopped, Watch, passed_on

RUNGS = (0.25, 0.5)  # shares of a training; stopping later saves little
# A trial with more errors than this percentage of the finished trials had at that share is stopped. Half would be too
# few: while the learning rate is high, errors predict little. None is stopped before FIRST trials have finished.
WORSE_THAN, FIRST = 75, 4
ENOUGH = 4  # finished trials, from which importances are computed
NAME = "sweep"

State = Literal["finished", "stopped", "diverged", "lost"]


@dataclass(frozen=True, eq=False)
class TrialResult:
    """The result of a trial.

    Parameters
    ----------
    state : {"finished", "stopped", "diverged", "lost"}
        Stopped: early, since it made more errors than others had by then. Diverged: its loss became infinite or NaN.
        Lost: its process or machine ended, or it failed unexpectedly, on every try.
    errors : int, optional
        Validation images classified wrongly; of a stopped trial after its last epoch. None where there are no
        predictions.
    log_loss : float, optional
        The mean negative log-likelihood of the validation labels, in nats.
    epochs : int
    seconds : float
        Length of the training.
    networks : list of TrainedNetwork
        Empty unless finished.
    """

    state: State
    errors: int | None
    log_loss: float | None
    epochs: int
    seconds: float
    networks: list[TrainedNetwork]

    @property
    def finished(self) -> bool:
        """Whether it can win."""
        return self.state == "finished"

    @property
    def bare(self) -> TrialResult:
        """The same without weights."""
        return replace(self, networks=[])


LOST = TrialResult("lost", None, None, 0, 0.0, [])


@dataclass(frozen=True, eq=False)
class TrialSetup:
    """What all trials of a sweep have in common."""

    splits: Splits
    options: FitOptions


def run_trial(setup: TrialSetup, trial: Trial, watch: Watch) -> TrialResult:
    """Train one trial and count its validation errors.

    Parameters
    ----------
    setup : TrialSetup
    trial : Trial
    watch : Watch
        May stop it.

    Returns
    -------
    TrialResult

    Raises
    ------
    RecipeError
        If the recipe cannot be trained on these images.
    """
    rows: list[dict[str, Any]] = []

    def tell(event: Event) -> None:
        if event[0] == "on_epoch":
            rows.append(event[1][0])
        passed_on(event, watch)

    try:
        networks = fit_networks(trial.recipe, setup.splits, setup.options, watch=Relay(tell))
    except Stopped:
        return _stopped(rows, len(setup.splits.validation))
    fitted = joined(trial.recipe, setup.splits.train, networks)
    epochs, seconds = len(fitted.history), round(fitted.fit_seconds, 2)
    try:
        predicted = predict(fitted.model, setup.splits.validation)
    except DataError:  # the outputs of a diverged network are no probabilities
        return TrialResult("diverged", None, None, epochs, seconds, [])
    log_loss = max(0.0, negative_log_likelihood(predicted.probabilities, predicted.labels))  # which may be -0.0
    return TrialResult("finished", predicted.errors, log_loss, epochs, seconds, networks)


def errors_after(row: dict[str, Any], n: int) -> int | None:
    """Validation errors of ``n`` images after the epoch of a row of the history; None if the training has diverged."""
    return round((1 - row["val_accuracy"]) * n) if math.isfinite(row["val_loss"]) else None


def _stopped(rows: list[dict[str, Any]], n: int) -> TrialResult:
    """The result of a trial that was stopped after the last of these epochs."""
    seconds, errors = round(sum(row["seconds"] for row in rows), 2), errors_after(rows[-1], n)
    if errors is None:
        return TrialResult("diverged", None, None, len(rows), seconds, [])
    return TrialResult("stopped", errors, rows[-1]["val_loss"], len(rows), seconds, [])


def save_networks(file: Path, number: int, networks: list[TrainedNetwork]) -> None:
    """Write a trial's networks, so that an interrupted sweep continues with the best so far."""
    about = [{**vars(each), "weights": len(each.weights)} for each in networks]
    arrays = [array for each in networks for array in each.weights]
    np.savez(file, *arrays, about=np.array(json.dumps({"trial": number, "parts": about})))


def load_networks(file: Path) -> tuple[int, list[TrainedNetwork]]:
    """Read a trial's number and networks as :func:`save_networks` wrote them; 0 and none where there is no file."""
    if not file.exists():
        return 0, []
    with np.load(file, allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        arrays = iter([archive[f"arr_{place}"] for place in range(len(archive.files) - 1)])
    networks = [
        TrainedNetwork(**{**each, "weights": [next(arrays) for _ in range(each["weights"])]}) for each in about["parts"]
    ]
    return about["trial"], networks


class Study:
    """The trials of one sweep.

    Parameters
    ----------
    space : Space
    seed : int
        Decides what is proposed, with the number of a trial and the results before it.
    n : int
        Number of validation images.
    journal : str
        Of an interrupted sweep; trials that had begun get the same values again.

    Raises
    ------
    MissingPartError
        If Optuna is not installed.
    """

    def __init__(self, space: Space, seed: int, n: int, journal: str = "") -> None:
        optuna = library()
        self.space, self.seed, self.n = space, seed, n
        self._journal = _Journal(journal)
        self._axes = {name: _distribution(axis) for name, axis in space.axes.items()}
        self._asked: dict[int, Any] = {}
        self._begun: dict[int, dict[str, Any]] = {}
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would log that a study was created
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(self._journal),
            study_name=NAME,
            load_if_exists=True,
            pruner=optuna.pruners.PercentilePruner(WORSE_THAN, n_startup_trials=FIRST, n_min_trials=FIRST),
        )
        optuna.logging.set_verbosity(verbosity)
        for earlier in self._study.get_trials():
            self._begun[earlier.user_attrs["trial"]] = earlier.params
            if earlier.state == optuna.trial.TrialState.RUNNING:
                self._study.tell(earlier.number, state=optuna.trial.TrialState.FAIL)

    @property
    def journal(self) -> str:
        """The journal as it is written to a file."""
        return "".join(f"{line}\n" for line in self._journal.lines)

    def earlier(self) -> Iterator[tuple[Trial, TrialResult]]:
        """Yield the trials that the interrupted sweep finished and their results, the latest last."""
        for each in self._study.get_trials():
            if (found := each.user_attrs.get("outcome")) is not None:
                yield self.space.trial(each.user_attrs["trial"], each.params), TrialResult(**found, networks=[])

    def ask(self, number: int) -> Trial:
        """Begin a trial, by its number from 1."""
        optuna = library()
        values = self._begun.get(number)
        if number <= len(self.space.known):
            values = {name: _stored(value) for name, value in self.space.known[number - 1].changes.items()}
        if values is not None:
            self._study.enqueue_trial(values)
        # Each trial has its own sampler, so that a sweep proposes the same values whether it was interrupted or not.
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        asked = self._asked[number] = self._study.ask(self._axes)
        asked.set_user_attr("trial", number)
        return self.space.trial(number, asked.params)

    def is_poor(self, number: int, row: dict[str, Any], share: float) -> bool:
        """Report a running trial's epoch at a share of its training; return whether to stop it there."""
        asked = self._asked[number]
        rung = max((round(100 * rung) for rung in RUNGS if rung <= share < 1), default=0)
        if not rung or rung in self._study.get_trials(deepcopy=False)[asked.number].intermediate_values:
            return False  # no time left to save, or a trial that lost its process is here again
        errors = errors_after(row, self.n)
        asked.report(self.n if errors is None else errors, rung)
        return bool(asked.should_prune())

    def tell(self, number: int, result: TrialResult) -> None:
        """Store the result of a trial."""
        states = library().trial.TrialState
        asked = self._asked.pop(number)
        asked.set_user_attr("outcome", {name: value for name, value in vars(result).items() if name != "networks"})
        if result.finished:
            self._study.tell(asked, result.errors)
        else:
            self._study.tell(asked, state=states.FAIL if result.state == "lost" else states.PRUNED)

    def importances(self) -> dict[str, float]:
        """The share of the errors' variance that each name explains, the largest first; empty if too few finished."""
        optuna = library()
        done = self._study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        if len(done) < ENOUGH or len({each.value for each in done}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return {
            name: round(share, 4)
            for name, share in optuna.importance.get_param_importances(self._study, evaluator=evaluator).items()
        }


class _Journal:
    """A backend of Optuna's JournalStorage, in memory."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines[log_number_from:]]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.lines += [json.dumps(log, separators=(",", ":")) for log in logs]


def _distribution(axis: list[Any] | Range) -> Any:
    distributions = library().distributions
    if isinstance(axis, Range):
        return distributions.FloatDistribution(axis.low, axis.high, log=axis.log)
    return distributions.CategoricalDistribution([_stored(value) for value in axis])


def _stored(value: Any) -> Any:
    """A value as Optuna stores it, which has no pairs."""
    return whole(value) if isinstance(value, tuple) else value
