"""The trials of a sweep as Optuna proposes, judges and writes them down.

Trials are asked for one by one, while others run (ask and tell), so that each profits from what is known by then. After
a quarter and after half of its training, by share and not by epochs, in which trials may differ, a trial is held
against those that finished. Optuna keeps all of it in a journal of JSON lines, which is put into its file as a whole
by :mod:`digitwise.outputs`: a file that is changed in place, as SQLite's or Optuna's own, would pass for the owner's
when a sweep is cut off. Optuna's tools read it: ``JournalStorage(JournalFileBackend("study.log"))``.

References
----------
J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS (2011): the sampler, TPE.
T. Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD (2019).
F. Hutter, H. Hoos, K. Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance, ICML (2014): fANOVA.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from digitwise.recipes.space import Range, Space, Trial, library, whole
from digitwise.training.trial import Outcome, errors_after

RUNGS = (0.25, 0.5)  # shares of a training: later, little is saved
# A trial that does worse than so many percent of those that finished did by then is stopped: half would be too few,
# since errors say little of where a training leads while the learning rate is high. None is before so many finished.
WORSE_THAN, FIRST = 75, 4
ENOUGH = 4  # trials that finished, to tell what mattered
NAME = "sweep"


class Study:
    """The trials of one sweep.

    Parameters
    ----------
    space : Space
    seed : int
        With the number of a trial it decides what is proposed, given what came of those before.
    n : int
        Validation images.
    journal : str
        Of an earlier start: a trial that it had begun has its values again.

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
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would say that there is a study now
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
        """All that was written down, as it goes into a file."""
        return "".join(f"{line}\n" for line in self._journal.lines)

    def earlier(self) -> Iterator[tuple[Trial, Outcome]]:
        """The trials that an earlier start finished, and what came of them, the last word last."""
        for each in self._study.get_trials():
            if (found := each.user_attrs.get("outcome")) is not None:
                yield self.space.trial(each.user_attrs["trial"], each.params), Outcome(**found, parts=[])

    def ask(self, number: int) -> Trial:
        """Begin a trial, by its number from 1."""
        optuna = library()
        values = self._begun.get(number)
        if number <= len(self.space.known):
            values = {name: _stored(value) for name, value in self.space.known[number - 1].changes.items()}
        if values is not None:
            self._study.enqueue_trial(values)
        # A sampler of its own, so that it does not matter in how many starts the trials before were made.
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        asked = self._asked[number] = self._study.ask(self._axes)
        asked.set_user_attr("trial", number)
        return self.space.trial(number, asked.params)

    def is_poor(self, number: int, row: dict[str, Any], share: float) -> bool:
        """Take what a running trial has come to, at a share of its training; whether it shall be stopped there."""
        asked = self._asked[number]
        rung = max((round(100 * rung) for rung in RUNGS if rung <= share < 1), default=0)
        if not rung or rung in self._study.get_trials(deepcopy=False)[asked.number].intermediate_values:
            return False  # after that epoch nothing is saved, or a trial that lost its process has come here once more
        errors = errors_after(row, self.n)
        asked.report(self.n if errors is None else errors, rung)
        return bool(asked.should_prune())

    def tell(self, number: int, outcome: Outcome) -> None:
        """Take what came of a trial."""
        states = library().trial.TrialState
        asked = self._asked.pop(number)
        asked.set_user_attr("outcome", {name: value for name, value in vars(outcome).items() if name != "parts"})
        if outcome.finished:
            self._study.tell(asked, outcome.errors)
        else:
            self._study.tell(asked, state=states.FAIL if outcome.state == "lost" else states.PRUNED)

    def importances(self) -> dict[str, float]:
        """What share of the variance of the errors each name explains, the most first; empty where too few finished."""
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
    """A value as Optuna keeps it, which knows no pairs."""
    return whole(value) if isinstance(value, tuple) else value
