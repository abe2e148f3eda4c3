"""A sweep: many trainings near one recipe, of which that with the fewest validation errors becomes a run.

::

    results/sweep-augmented/
    ├── trials.csv            one row a trial, from the first that is done on
    ├── sweep.json            recipe, what was varied, seed, winner
    └── best/                 the winner as a run folder, see digitwise.runs

The trials do not see the test set. The winner is asked about it once, when it has won.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitwise import models, outputs, runs
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.files import atomic_json
from digitwise.images import Dataset, Splits
from digitwise.outputs import Kind
from digitwise.recipes import Recipe
from digitwise.recipes.space import Space, Trial, in_short
from digitwise.runs import Run
from digitwise.training.fit import joined
from digitwise.training.outcome import Outcome
from digitwise.training.pool import Here, Pool
from digitwise.training.precision import Precision
from digitwise.training.train import SPLIT_SEED, choices_of, record
from digitwise.training.trial import Common, run_trial
from digitwise.training.watch import Watch

FORMAT = 1
SWEEP = Kind("sweep", "a sweep", RunError)
PART = Kind("sweep", "an earlier one of this sweep", RunError, "place")  # a file in it that comes later
BEST, TABLE, ABOUT = "best", "trials.csv", "sweep.json"
RESULTS = ("validation_errors", "validation_log_loss", "epochs", "seconds")


@dataclass(frozen=True, eq=False)
class Row:
    """A trial and what came of it, without its weights."""

    trial: Trial
    outcome: Outcome

    @property
    def plain(self) -> dict[str, Any]:
        """As it stands in trials.csv and sweep.json."""
        result, losses = self.outcome, (self.outcome.errors, self.outcome.log_loss)
        values = (*losses, result.epochs, result.seconds)
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
    rows : tuple of Row
        Those that finished first, the best first; then the others by number.
    best : Run
        The winner.
    info : dict
        The content of sweep.json.
    """

    path: Path
    rows: tuple[Row, ...]
    best: Run
    info: dict[str, Any]


def sweep(
    recipe: Recipe,
    space: Space,
    dataset: Dataset,
    *,
    seed: int = 0,
    validation: int | None = None,
    out: str | Path | None = None,
    pool: Pool | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    watch: Watch | None = None,
    tell: Callable[[Row], None] | None = None,
) -> Sweep:
    """Train all trials on the same pictures from the same seed, and make a run of the one with the least errors.

    Parameters
    ----------
    recipe : Recipe
        The recipe that the trials lie near, for the record.
    space : Space
        The trials.
    dataset : Dataset
        The trials get its training pictures, the winner is asked about its test pictures once.
    seed : int
        Of weights, order, augmentation and dropout, the same for all trials.
    validation : int, optional
        Pictures to split off for validation; by default 5,000, or 15 % of a small set.
    out : str or Path, optional
        By default ``results/sweep-<recipe>``. An earlier sweep there is replaced once the first trial is done.
    pool : Pool, optional
        Where the trainings run, by default here, one after another. One that stops poor trials early may be given.
    precision : {"float32", "bfloat16"}, optional
        By default what this machine's processor is fast at, for all trials.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine.
    watch : Watch, optional
        Told about all trainings.
    tell : callable, optional
        Told each trial's row when it is done.

    Returns
    -------
    Sweep

    Raises
    ------
    RecipeError
        If a trial's network does not exist, it cannot be trained on these pictures, or no trial finished.
    DataError
        If the data cannot be used.
    RunError
        If ``out`` is something else than a sweep or holds more than digitwise wrote, or another is going on there.
    """
    _check_models(space)
    place = (Path(out) if out is not None else Path("results") / f"sweep-{recipe.name}").resolve()
    splits = split_validation(dataset.train, size=validation, seed=SPLIT_SEED)
    choices = choices_of(seed, budget=None, precision=precision, deterministic=deterministic)
    about = _about(recipe, space, dataset, splits, choices)
    kept = _Kept(place, about)
    names = [trial.name for trial in space.trials]
    watch = watch or Watch()
    common = Common(splits, seed, choices["precision"], deterministic)
    with outputs.claimed(place, SWEEP):
        check_place(place)
        for number, outcome in (pool or Here()).run(run_trial, common, space.trials, names, watch):
            watch.on_task_done(names[number])
            row = kept.take(space.trials[number], outcome)
            if tell is not None:
                tell(row)
        return kept.finish(dataset, splits, choices)


def check_place(out: Path) -> None:
    """Make sure that a sweep may take the place ``out``.

    Raises
    ------
    RunError
        If there is something else than a sweep, or one that holds more than digitwise wrote.
    """
    outputs.recover(out, SWEEP)
    outputs.check_folder(out, SWEEP)


def _check_models(space: Space) -> None:
    for trial in space.trials:
        if trial.recipe.model not in models.MODELS:
            raise RecipeError(f"model: expected one of {', '.join(models.MODELS)}, got {trial.recipe.model!r}")


def _about(recipe: Recipe, space: Space, dataset: Dataset, splits: Splits, choices: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": runs.now(),
        "recipe": recipe.as_dict(),
        "kind": space.kind,
        "space": space.names,
        **{name: value for name, value in choices.items() if name != "budget"},  # which trials cannot have
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "train": len(splits.train),
            "validation": len(splits.validation),
            "split_seed": SPLIT_SEED,
        },
        "trials": len(space.trials),
    }


@dataclass(eq=False)
class _Kept:
    """What a sweep has so far, on disk and in memory: all rows, and the weights of the best alone."""

    place: Path
    about: dict[str, Any]
    rows: dict[int, Row] = field(default_factory=dict)
    best: Row | None = None

    def take(self, trial: Trial, outcome: Outcome) -> Row:
        """Write down what came of a trial."""
        if not self.rows:  # the sweep that lay here was whole until now
            with outputs.new_folder(self.place, SWEEP) as new:
                atomic_json(new / ABOUT, {**self.about, "winner": None})
        row = Row(trial, outcome.bare)
        self.rows[trial.number] = row
        if outcome.finished and (self.best is None or _rank(row) < _rank(self.best)):
            self.best = Row(trial, outcome)
        outputs.write(self.place / TABLE, PART, self._table())
        return row

    def _table(self) -> str:
        table, rows = io.StringIO(), [self.rows[number].plain for number in sorted(self.rows)]
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: "" if value is None else in_short(value) for name, value in row.items()} for row in rows
        )
        return table.getvalue()

    def finish(self, dataset: Dataset, splits: Splits, choices: dict[str, Any]) -> Sweep:
        """Make a run of the winner."""
        if self.best is None:
            states = ", ".join(sorted({row.outcome.state for row in self.rows.values()}))
            raise RecipeError(
                f"no trial of {len(self.rows)} finished (all {states}): expected one that does; "
                f"try lower learning rates; {self.place / TABLE} has what became of them"
            )
        trial = self.best.trial
        fitted = joined(trial.recipe, splits.train, self.best.outcome.parts)
        best = record(trial.recipe, dataset, splits, fitted, choices, self.place / BEST)
        ranked = sorted((row for row in self.rows.values() if row.outcome.finished), key=_rank)
        others = [row for number, row in sorted(self.rows.items()) if not row.outcome.finished]
        test = best.info["results"]["test"]
        winner = {
            **self.rows[trial.number].plain,
            "validation_error_rate": (self.best.outcome.errors or 0) / len(splits.validation),
            "test": {key: test[key] for key in ("n", "errors", "error_rate", "interval_95")},
            "run": BEST,
        }
        info = {**self.about, "finished": len(ranked), "winner": winner, "note": note(len(self.rows))}
        outputs.write_plain(self.place / ABOUT, PART, info)
        return Sweep(self.place, (*ranked, *others), best, info)


def note(n: int) -> str:
    """What a reader of the winner's numbers must know."""
    return (
        f"The winner's validation errors are the smallest of {n} and so too few to expect again: they chose it. "
        f"Its test errors chose nothing and are the honest figure."
    )


def _rank(row: Row) -> tuple[int, float, int]:
    return row.outcome.rank(row.trial.number)
