"""A sweep: many trainings near one recipe, of which that with the fewest validation errors becomes a run.

::

    results/sweep-augmented/
    ├── trials.csv            one row a trial, from the first that is done on
    ├── study.log             the same as Optuna keeps it, to go on from
    ├── sweep.json            recipe, what was varied, seed, winner, what mattered
    ├── best.npz              the networks of the best trial so far, while the sweep goes on
    └── best/                 the winner as a run folder, see digitwise.runs

The trials do not see the test set. The winner is asked about it once, when it has won.
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
from digitwise.data import load
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.files import atomic_json
from digitwise.images import Dataset, Splits
from digitwise.outputs import Kind
from digitwise.recipes import Recipe, find
from digitwise.recipes.space import Grid, Space, Trial, in_short, library, space_of
from digitwise.runs import Run
from digitwise.training.fit import joined
from digitwise.training.pool import Here, Pool
from digitwise.training.precision import Precision
from digitwise.training.study import Study
from digitwise.training.train import SPLIT_SEED, choices_of, record
from digitwise.training.trial import LOST, Common, Outcome, load_parts, run_trial, save_parts
from digitwise.training.watch import Relay, Stopped, Watch, passed_on

FORMAT = 1
SWEEP = Kind("sweep", "a sweep", RunError)
PART = Kind("sweep", "an earlier one of this sweep", RunError, "place")  # a file in it that comes later
BEST, TABLE, ABOUT, JOURNAL, WEIGHTS = "best", "trials.csv", "sweep.json", "study.log", "best.npz"
RESULTS = ("validation_errors", "validation_log_loss", "epochs", "seconds")
OF_A_START = {"created", "trials", "timeout"}  # in sweep.json; all else must be the same to go on


@dataclass(frozen=True, eq=False)
class Row:
    """A trial and what came of it, without its weights."""

    trial: Trial
    outcome: Outcome
    earlier: bool = False  # by a start that broke off

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
    recipe: str | Recipe,
    data: str | Path | Dataset = "mnist",
    *,
    trials: int | None = None,
    grid: Grid | None = None,
    timeout: float | None = None,
    seed: int = 0,
    validation: int | None = None,
    out: str | Path | None = None,
    pool: Pool | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    watch: Watch | None = None,
    tell: Callable[[Row], None] | None = None,
) -> Sweep:
    """Train a recipe in many variants, and make a run of the one with the fewest validation errors.

    All are trained on the same images from the same seed. A trial that does clearly worse than others did is stopped
    after a quarter or after half of its training. The same sweep that broke off goes on where it was.

    Parameters
    ----------
    recipe : str or Recipe
        A name gives the recipe as it suits the size of the data, see :meth:`Recipe.for_size`.
    data : str, Path or Dataset
        As for :func:`digitwise.load`. The trials get its training images, the winner is asked about its test images
        once.
    trials : int, optional
        The recipe as it is, and so many less one near it, see :func:`digitwise.recipes.space.draws`; ten at random, the
        others where trials so far made few errors (TPE). One after another, the same seed gives the same trials, as far
        as their trainings give the same errors, see ``deterministic``.
    grid : mapping of str to sequence, optional
        Instead of ``trials``: all combinations of these values, see :func:`digitwise.recipes.space.grid`.
    timeout : float, optional
        Seconds after which no other trial begins; those that run are trained to their end.
    seed : int
        Of weights, order, augmentation and dropout, the same for all trials; and of what is drawn.
    validation : int, optional
        Images to split off for validation; by default 5,000, or 15 % of a small set.
    out : str or Path, optional
        By default ``results/sweep-<recipe>``. An earlier sweep there is replaced once the first trial is done, unless
        it is the same one, broken off.
    pool : Pool, optional
        Where the trainings run, by default here, one after another.
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
    MissingPartError
        If Optuna is not installed.
    RecipeError
        If both or neither of ``trials`` and ``grid`` are given, or they cannot be used; a trial's network does not
        exist, it cannot be trained on these images, or no trial finished.
    DataError
        If the data cannot be used.
    RunError
        If ``out`` is something else than a sweep or holds more than digitwise wrote, or another is going on there.

    Example
    -------
    >>> import digitwise
    >>> done = digitwise.sweep("flash", "digits", grid={"batch_size": [32, 64]})  # doctest: +SKIP
    >>> done.best.info["results"]["test"]["errors"]  # doctest: +SKIP
    9
    """
    library()  # which is told before the data is read
    until = None if timeout is None else time.monotonic() + timeout
    dataset = data if isinstance(data, Dataset) else load(data)
    recipe = find(recipe).for_size(len(dataset.train)) if isinstance(recipe, str) else recipe
    space = space_of(recipe, trials, grid)
    _check_models(space)
    place = (Path(out) if out is not None else Path("results") / f"sweep-{recipe.name}").resolve()
    splits = split_validation(dataset.train, size=validation, seed=SPLIT_SEED)
    choices = choices_of(seed, budget=None, precision=precision, deterministic=deterministic)
    about = _about(space, dataset, splits, choices) | {"timeout": timeout}
    common = Common(splits, seed, choices["precision"], deterministic)
    watch, tell = watch or Watch(), tell or (lambda row: None)
    with outputs.claimed(place, SWEEP):
        check_place(place)
        study = Study(space, seed, len(splits.validation), _earlier(place, about))
        kept = _Kept(place, about, study)
        for number in sorted(kept.rows):
            tell(kept.rows[number])
        tasks, again = itertools.tee(kept.ask(until))
        names = (trial.name for trial in again)
        judged = _Judged(kept, watch)
        for number, outcome in (pool or Here()).run(run_trial, common, tasks, names, judged, lost=LOST):
            trial = kept.asked[number]
            watch.on_task_done(trial.name)
            tell(kept.take(trial, outcome))
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
    for trial in space.known:
        if trial.recipe.model not in models.MODELS:
            raise RecipeError(f"model: expected one of {', '.join(models.MODELS)}, got {trial.recipe.model!r}")


def _about(space: Space, dataset: Dataset, splits: Splits, choices: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": runs.now(),
        "recipe": space.recipe.as_dict(),
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
        "trials": space.n,
    }


def _earlier(place: Path, about: dict[str, Any]) -> str:
    """The journal of the same sweep that broke off at a place; empty where there is none."""
    if not all((place / name).exists() for name in (JOURNAL, ABOUT)):
        return ""
    found = json.loads((place / ABOUT).read_text(encoding="utf-8"))
    asked = json.loads(json.dumps(about))
    same = all(found.get(name) == value for name, value in asked.items() if name not in OF_A_START)
    return (place / JOURNAL).read_text(encoding="utf-8") if same and found["winner"] is None else ""


class _Judged(Watch):
    """Stops trials that do poorly; tells another watch everything."""

    def __init__(self, kept: _Kept, watch: Watch) -> None:
        self.kept, self.watch = kept, watch

    def on_task(self, name: str) -> Watch:
        trial = next(trial for trial in self.kept.asked if trial.name == name)
        return _OfTrial(trial, self.kept.study, self.watch.on_task(name))


class _OfTrial(Relay):
    """The watch of one trial. Later networks of an ensemble do as well as the first: that alone is judged."""

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
class _Kept:
    """What a sweep has so far, on disk and in memory: all rows, and the weights of the best alone."""

    place: Path
    about: dict[str, Any]
    study: Study
    rows: dict[int, Row] = field(default_factory=dict)
    best: Row | None = None
    asked: list[Trial] = field(default_factory=list)  # by this start

    def __post_init__(self) -> None:
        """Take up what an earlier start left; what was lost, or beats the one whose weights it left, begins anew."""
        earlier = {trial.number: Row(trial, outcome, earlier=True) for trial, outcome in self.study.earlier()}
        if not earlier:
            return
        number, parts = load_parts(self.place / WEIGHTS)
        if number in earlier:
            self.best = replace(earlier[number], outcome=replace(earlier[number].outcome, parts=parts))
        for number, row in earlier.items():
            if row.outcome.finished:
                kept = self.best is not None and _rank(row) >= _rank(self.best)
            else:
                kept = row.outcome.state != "lost"
            if kept:
                self.rows[number] = row

    def ask(self, until: float | None) -> Iterator[Trial]:
        """The trials that are left, each decided when it is asked for; after some time none but the first."""
        for number in range(1, self.study.space.n + 1):
            if number in self.rows:
                continue
            if until is not None and self.asked and time.monotonic() >= until:
                return
            self.asked.append(self.study.ask(number))
            if self.rows:
                self._save()
            yield self.asked[-1]

    def take(self, trial: Trial, outcome: Outcome) -> Row:
        """Write down what came of a trial."""
        if not self.rows:  # the sweep that lay here was whole until now
            with outputs.new_folder(self.place, SWEEP) as new:
                atomic_json(new / ABOUT, {**self.about, "winner": None})
        row = Row(trial, outcome.bare)
        self.rows[trial.number] = row
        self.study.tell(trial.number, row.outcome)
        self._save()
        if outcome.finished and (self.best is None or _rank(row) < _rank(self.best)):
            self.best = Row(trial, outcome)
            with outputs.output_file(self.place / WEIGHTS, PART) as temporary:
                save_parts(temporary, trial.number, outcome.parts)
        outputs.write(self.place / TABLE, PART, self._table())
        return row

    def _save(self) -> None:
        outputs.write(self.place / JOURNAL, PART, self.study.journal)

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
        info = {
            **self.about,
            "trials": len(self.rows),
            "finished": len(ranked),
            "winner": winner,
            "importances": self.study.importances(),
            "note": note(len(self.rows)),
        }
        outputs.write_plain(self.place / ABOUT, PART, info)
        outputs.remove_file(self.place / WEIGHTS, PART)
        return Sweep(self.place, (*ranked, *others), best, info)


def note(n: int) -> str:
    """What a reader of the winner's numbers must know."""
    return (
        f"The winner's validation errors are the smallest of {n} and so too few to expect again: they chose it. "
        f"Its test errors chose nothing and are the honest figure."
    )


def _rank(row: Row) -> tuple[int, float, int]:
    return row.outcome.rank(row.trial.number)
