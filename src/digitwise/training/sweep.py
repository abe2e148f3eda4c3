"""A sweep: many trainings near one recipe; the one with the fewest validation errors becomes a run.

::

    results/sweep-augmented/
    ├── trials.csv            a row for each trial that is done
    ├── study.log             the same in Optuna's form, from which an interrupted sweep continues
    ├── sweep.json            recipe, varied names, seed, winner, importances
    ├── best.npz              the networks of the best trial so far, until the sweep is done
    └── best/                 the winner as a run folder, see digitwise.runs

The trials do not see the test set. The winner is evaluated on it once.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from digitwise import models, outputs, runs
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.files import atomic_json
from digitwise.images import Dataset, Splits
from digitwise.outputs import Kind
from digitwise.recipes import Recipe
from digitwise.recipes.space import Grid, Space, Trial, in_short, space_of
from digitwise.runs import Run
from digitwise.training.fit import joined
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Pool
from digitwise.training.train import SPLIT_SEED, record
from digitwise.training.trials import LOST, Study, TrialResult, TrialSetup, load_networks, run_trial, save_networks
from digitwise.training.watch import Relay, Stopped, Watch, passed_on

FORMAT = 1
SWEEP = Kind("sweep", "a sweep", RunError)
FILE = Kind("sweep", "an earlier one of this sweep", RunError, "place")  # a file that is added to it
BEST, TABLE, ABOUT, JOURNAL, WEIGHTS = "best", "trials.csv", "sweep.json", "study.log", "best.npz"
NOTE = (  # for a reader of the winner's numbers
    "The winner's validation errors are the smallest of {n} and so too few to expect again: they chose it. "
    "Its test errors chose nothing and are the honest figure."
)
RESULTS = ("validation_errors", "validation_log_loss", "epochs", "seconds")
MAY_DIFFER = {"created", "trials", "timeout"}  # in sweep.json, when an interrupted sweep continues


@dataclass(frozen=True, eq=False)
class TrialRow:
    """A trial and its result, without weights."""

    trial: Trial
    result: TrialResult
    earlier: bool = False  # before the sweep was interrupted

    @property
    def rank(self) -> tuple[int, float, int]:
        """The key that finished trials are sorted by: errors, log-loss, number."""
        assert self.result.errors is not None
        assert self.result.log_loss is not None
        return self.result.errors, self.result.log_loss, self.trial.number

    @property
    def plain(self) -> dict[str, Any]:
        """Plain values, as trials.csv and sweep.json have them."""
        result = self.result
        values = (result.errors, result.log_loss, result.epochs, result.seconds)
        return {
            "trial": self.trial.number,
            "state": result.state,
            **self.trial.changes,
            **dict(zip(RESULTS, values, strict=True)),
        }


@dataclass(frozen=True, eq=False)
class Sweep:
    """A finished sweep.

    Parameters
    ----------
    path : Path
    rows : tuple of TrialRow
        The finished trials, the best first; then the others by number.
    best : Run
        Of the winner.
    info : dict
        The content of sweep.json.

    Examples
    --------
    >>> import digitwise
    >>> done = digitwise.sweep("flash", "digits", trials=5)  # doctest: +SKIP
    >>> done.best.path  # doctest: +SKIP
    PosixPath('results/sweep-flash/best')
    """

    path: Path
    rows: tuple[TrialRow, ...]
    best: Run
    info: dict[str, Any]


def sweep(
    recipe: Recipe,
    dataset: Dataset,
    options: FitOptions | None = None,
    *,
    trials: int | None = None,
    grid: Grid | None = None,
    timeout: float | None = None,
    validation: int | None = None,
    out: str | Path | None = None,
    pool: Pool | None = None,
    watch: Watch | None = None,
    tell: Callable[[TrialRow], None] | None = None,
) -> Sweep:
    """Train a recipe in many variants, and make a run of the best one, without its figures.

    Parameters, errors and the sweep are those of :func:`digitwise.sweep`, which loads the data.
    """
    options, watch, tell = options or FitOptions(), watch or Watch(), tell or (lambda row: None)
    until = None if timeout is None else time.monotonic() + timeout
    space = space_of(recipe, trials, grid)
    _check_models(space)
    place = (Path(out) if out is not None else Path("results") / f"sweep-{recipe.name}").resolve()
    splits = split_validation(dataset.train, size=validation, seed=SPLIT_SEED)
    about = _about(space, dataset, splits, options) | {"timeout": timeout}
    with outputs.claimed(place, SWEEP):
        outputs.recover(place, SWEEP)
        outputs.check_folder(place, SWEEP)
        study = Study(space, options.seed, len(splits.validation), _earlier(place, about))
        state = _SweepState(place, about, study)
        for number in sorted(state.rows):
            tell(state.rows[number])
        tasks, again = itertools.tee(state.ask(until))
        names = (trial.name for trial in again)
        setup, judge = TrialSetup(splits, options), _Judge(state, watch)
        for number, result in (pool or Here()).run(run_trial, setup, tasks, names, judge, lost=LOST):
            trial = state.asked[number]
            watch.on_task_done(trial.name)
            tell(state.take(trial, result))
        return state.finish(dataset, splits, options)


def _check_models(space: Space) -> None:
    for trial in space.known:
        if trial.recipe.layers is None:
            models.check_name(trial.recipe.model)


def _about(space: Space, dataset: Dataset, splits: Splits, options: FitOptions) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": runs.now(),
        "recipe": space.recipe.as_dict(),
        "kind": space.kind,
        "space": space.names,
        "seed": options.seed,
        "precision": options.precision,
        "deterministic": options.deterministic,
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "train": len(splits.train),
            "validation": len(splits.validation),
            "split_seed": SPLIT_SEED,
        },
        "trials": space.n,
    }


def _earlier(place: Path, about: dict[str, Any]) -> str:
    """The journal of the same sweep, interrupted at this place; empty where there is none."""
    if not all((place / name).exists() for name in (JOURNAL, ABOUT)):
        return ""
    found = json.loads((place / ABOUT).read_text(encoding="utf-8"))
    asked = json.loads(json.dumps(about))
    same = all(found.get(name) == value for name, value in asked.items() if name not in MAY_DIFFER)
    return (place / JOURNAL).read_text(encoding="utf-8") if same and found["winner"] is None else ""


class _Judge(Watch):
    """Stops poor trials; passes all calls on to another watch."""

    def __init__(self, state: _SweepState, watch: Watch) -> None:
        self.state, self.watch = state, watch

    def on_task(self, name: str) -> Watch:
        trial = next(trial for trial in self.state.asked if trial.name == name)
        return _TrialJudge(trial, self.state.study, self.watch.on_task(name))


class _TrialJudge(Relay):
    """The watch of one trial; it judges the first network of an ensemble, as the others are no better or worse."""

    def __init__(self, trial: Trial, study: Study, watch: Watch) -> None:
        super().__init__(lambda event: passed_on(event, watch))
        self.trial, self.study, self.member = trial, study, 1

    def on_member(self, member: int, members: int) -> None:
        super().on_member(member, members)
        self.member = member

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        super().on_epoch(row, share)
        if self.member == 1 and self.study.is_poor(self.trial.number, row, share):
            raise Stopped


@dataclass(eq=False)
class _SweepState:
    """The sweep so far, on disk and in memory: all rows, and the weights of the best trial."""

    place: Path
    about: dict[str, Any]
    study: Study
    rows: dict[int, TrialRow] = field(default_factory=dict)
    best: TrialRow | None = None
    asked: list[Trial] = field(default_factory=list)  # since the sweep began or continued

    def __post_init__(self) -> None:
        """Load the rows of the interrupted sweep, but for lost trials and those better than the saved weights."""
        earlier = {trial.number: TrialRow(trial, result, earlier=True) for trial, result in self.study.earlier()}
        if not earlier:
            return
        number, networks = load_networks(self.place / WEIGHTS)
        if number in earlier:
            self.best = replace(earlier[number], result=replace(earlier[number].result, networks=networks))
        for number, row in earlier.items():
            if row.result.finished:
                kept = self.best is not None and row.rank >= self.best.rank
            else:
                kept = row.result.state != "lost"
            if kept:
                self.rows[number] = row

    def ask(self, until: float | None) -> Iterator[Trial]:
        """Yield the trials left, each proposed when it is asked for; after ``until`` only the first one."""
        for number in range(1, self.study.space.n + 1):
            if number in self.rows:
                continue
            if until is not None and self.asked and time.monotonic() >= until:
                return
            self.asked.append(self.study.ask(number))
            if self.rows:
                self._save()
            yield self.asked[-1]

    def take(self, trial: Trial, result: TrialResult) -> TrialRow:
        """Save the result of a trial."""
        if not self.rows:  # only now an earlier sweep here is replaced
            with outputs.new_folder(self.place, SWEEP) as new:
                atomic_json(new / ABOUT, {**self.about, "winner": None})
        row = TrialRow(trial, result.bare)
        self.rows[trial.number] = row
        self.study.tell(trial.number, row.result)
        self._save()
        if result.finished and (self.best is None or row.rank < self.best.rank):
            self.best = TrialRow(trial, result)
            with outputs.output_file(self.place / WEIGHTS, FILE) as temporary:
                save_networks(temporary, trial.number, result.networks)
        outputs.write(self.place / TABLE, FILE, self._table())
        return row

    def _save(self) -> None:
        outputs.write(self.place / JOURNAL, FILE, self.study.journal)

    def _table(self) -> str:
        table, rows = io.StringIO(), [self.rows[number].plain for number in sorted(self.rows)]
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: "" if value is None else in_short(value) for name, value in row.items()} for row in rows
        )
        return table.getvalue()

    def finish(self, dataset: Dataset, splits: Splits, options: FitOptions) -> Sweep:
        """Make a run of the winner."""
        if self.best is None:
            states = ", ".join(sorted({row.result.state for row in self.rows.values()}))
            raise RecipeError(
                f"no trial of {len(self.rows)} finished (all {states}): expected one that does; "
                f"try lower learning rates; {self.place / TABLE} has their results"
            )
        trial = self.best.trial
        fitted = joined(trial.recipe, splits.train, self.best.result.networks)
        best = record(trial.recipe, dataset, splits, fitted, options, self.place / BEST)
        ranked = sorted((row for row in self.rows.values() if row.result.finished), key=lambda row: row.rank)
        others = [row for number, row in sorted(self.rows.items()) if not row.result.finished]
        test = best.info["results"]["test"]
        winner = {
            **self.rows[trial.number].plain,
            "validation_error_rate": (self.best.result.errors or 0) / len(splits.validation),
            "test": {key: test[key] for key in ("n", "errors", "error_rate", "interval_95")},
            "run": BEST,
        }
        info = {
            **self.about,
            "trials": len(self.rows),
            "finished": len(ranked),
            "winner": winner,
            "importances": self.study.importances(),
            "note": NOTE.format(n=len(self.rows)),
        }
        outputs.write_plain(self.place / ABOUT, FILE, info)
        outputs.remove_file(self.place / WEIGHTS, FILE)
        return Sweep(self.place, (*ranked, *others), best, info)
