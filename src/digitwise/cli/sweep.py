"""``digitwise sweep``: many trainings near one recipe, judged by their validation errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import (
    DataOption,
    JsonFlag,
    LabelColumnOption,
    PatchOption,
    print_json,
    stage,
    steps,
    table,
)
from digitwise.cli.options import ClusterOption, DeviceOption, JobsOption, ThreadsOption, check_pool, pool_for
from digitwise.cli.train import DeterministicFlag, PrecisionOption, RecipeArgument, SeedOption
from digitwise.parts import require
from digitwise.progress import DownloadBar
from digitwise.recipes import find, is_file
from digitwise.recipes.space import WARP, in_short, in_words, library, space_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from digitwise.recipes.space import Trial
    from digitwise.training.sweep import Sweep, TrialRow

SHOWN = 10  # trials in the table that is printed,
COLUMNS = 4  # and choices; trials.csv has all


def sweep(
    recipe: RecipeArgument,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=A,B,…", help="Values of one choice, as in learning_rate=0.008,0.016; again for another."
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The recipe as it is and N-1 drawn near it (the seed decides), instead of a grid."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, help="After so long no other trial begins; those that run are finished."
        ),
    ] = None,
    data: DataOption = "mnist",
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    seed: SeedOption = 0,
    validation: Annotated[int | None, typer.Option(help="Images split off to validate with.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where it goes.  [default: results/sweep-RECIPE]")] = None,
    cluster: ClusterOption = None,
    jobs: JobsOption = None,
    threads: ThreadsOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    deterministic: DeterministicFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a recipe in many variants and make a run of the one with the fewest validation errors.

    Optuna proposes draws from the results of those before. A trial that does clearly worse than others did is
    stopped after a quarter or half of its training. The same command goes on with a sweep that was broken off. The
    trials never see the test set; the winner is tested once.
    """
    from digitwise.data import load
    from digitwise.training.live import LiveWatch

    class Trials(LiveWatch):
        """Trials have a line of their own when they are done."""

        def on_task_done(self, name: str) -> None:
            self.name = ""
            if (one := self.each.pop(name, None)) is not None:
                self.bar.remove_task(one.task)

    axes = [axis for given in grid or () for axis in given.split()]
    check_pool(cluster, jobs)
    library()
    require("training", "keras", "tensorflow")
    chosen = find(recipe).replace(epochs=epochs)
    space = space_of(chosen, trials, axes)  # bad values are refused before the data is read
    console = stage(as_json)
    dataset = load(data or "mnist", patch=patch, label_column=label_column, progress=DownloadBar(console))
    for note in dataset.notes:
        console.print(note, style="dim")
    chosen = chosen if is_file(recipe) else chosen.for_size(len(dataset.train))

    from digitwise.training.options import FitOptions
    from digitwise.workflows.train import sweep_run  # after the data: bad input is reported at once

    console.print(f"  trials of {chosen.name}: {space.n} ({', '.join(space.names)})")
    with pool_for(cluster, jobs, threads) as pool, Trials(steps(console), many=True) as watch:
        result = sweep_run(
            chosen,
            dataset,
            FitOptions(seed=seed, precision=precision, deterministic=deterministic),
            trials=trials,
            grid=axes,
            timeout=timeout,
            validation=validation,
            out=out,
            pool=pool,
            watch=watch,
            tell=lambda row: _tell_row(row, console),
        )
    if as_json:
        print_json(result.info | {"path": str(result.path)})
        return
    _tell(result, console)


def _tell_row(row: TrialRow, console: Console) -> None:
    result = row.result
    what = "" if result.errors is None else f"  {result.errors:,} validation errors, log-loss {result.log_loss:.4f},"
    console.print(
        f"  {_full_name(row.trial)}  {result.state}{what} {result.epochs} epochs, {result.seconds:.1f} s"
        f"{', earlier' if row.earlier else ''}"
    )


def _tell(result: Sweep, console: Console) -> None:
    console.print(_ranking(result.rows[:SHOWN]))
    info, name = result.info, _full_name(result.rows[0].trial)
    winner, n = info["winner"], info["data"]["validation"]
    test = winner["test"]
    low, high = test["interval_95"]
    console.print(f"\nThe winner, {name}: {winner['validation_errors']:,} errors of {n:,} to validate.")
    console.print(
        f"On the test set, which no trial has seen, it makes {test['errors']:,} errors of {test['n']:,}: "
        f"{test['error_rate']:.2%} (95 % interval {low:.2%} to {high:.2%})."
    )
    console.print(result.info["note"])
    console.print(f"Written to {result.path}: sweep.html, trials.csv, sweep.json, study.log, and the run best")


def _full_name(trial: Trial) -> str:
    return f"trial {trial.number}: {in_words(trial.changes)}"


def _ranking(rows: Sequence[TrialRow]) -> Table:
    """The first rows; with a column for each choice that varies, where there are few."""
    names = list(rows[0].trial.changes)
    names = names if len(names) <= COLUMNS else []
    columns = ["trial", "errors", "log-loss", "epochs", "seconds", "state"]
    columns += [name.removeprefix(WARP) for name in names]
    cells = []
    for row in rows:
        changes, result = row.trial.changes, row.result
        errors = "" if result.errors is None else f"{result.errors:,}"
        log_loss = "" if result.log_loss is None else f"{result.log_loss:.4f}"
        values = [in_short(changes[name]) for name in names]
        cells.append(
            (row.trial.number, errors, log_loss, result.epochs, f"{result.seconds:.1f}", result.state, *values)
        )
    return table(columns, cells, title="\nThe fewest validation errors first")
