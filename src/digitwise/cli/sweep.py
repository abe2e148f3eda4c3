"""``digitwise sweep``: many trainings near one recipe, judged by their validation errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import DataOption, JsonFlag, PatchOption, print_json, stage, table
from digitwise.cli.options import ClusterOption, JobsOption, ThreadsOption
from digitwise.cli.pools import check_pool, pool_for
from digitwise.cli.train import PrecisionOption, SeedOption
from digitwise.errors import RecipeError
from digitwise.recipes import RECIPES, Recipe, find

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from digitwise.recipes.space import Space, Trial
    from digitwise.training.pool import Pool
    from digitwise.training.sweep import Row, Sweep

SHOWN = 10  # trials in the table that is printed,
COLUMNS = 4  # and choices; trials.csv has all


def sweep(
    recipe: Annotated[str, typer.Argument(help=f"{', '.join(RECIPES)}.")],
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
    data: DataOption = "mnist",
    patch: PatchOption = None,
    seed: SeedOption = 0,
    validation: Annotated[int | None, typer.Option(help="Pictures split off to validate with.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where it goes.  [default: results/sweep-RECIPE]")] = None,
    cluster: ClusterOption = None,
    jobs: JobsOption = None,
    threads: ThreadsOption = None,
    precision: PrecisionOption = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same seed gives the same weights, bit for bit.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a recipe in many variants and make a run of the one with the fewest validation errors.

    On a cluster poor trials are stopped early (Ray Tune, ASHA); otherwise each is trained to its end, one after another
    or as --jobs says. The trials never see the test set; the winner is tested once.
    """
    from digitwise.cli.live import DownloadBar, LiveWatch
    from digitwise.data import load

    class Trials(LiveWatch):
        """Trials have a line of their own when they are done."""

        def on_task_done(self, name: str) -> None:
            if (one := self.each.pop(name, None)) is not None:
                self.bar.remove_task(one.task)

    if bool(grid) == (trials is not None):
        raise RecipeError("sweep: expected either --grid NAME=A,B,… or --trials N, which draws near the recipe")
    check_pool(cluster, jobs)
    chosen = find(recipe).replace(epochs=epochs)
    _space(chosen, grid, trials, seed)  # bad values are told before the data is read
    console = stage(as_json)
    dataset = load(data or "mnist", patch=patch, progress=DownloadBar(console))
    for note in dataset.notes:
        console.print(note, style="dim")
    chosen = chosen.for_size(len(dataset.train))
    space = _space(chosen, grid, trials, seed)

    from digitwise.workflows.train import sweep as sweep_recipe  # after the data: bad input is told at once

    console.print(f"  trials of {chosen.name}: {len(space.trials)} ({', '.join(space.names)})")
    with _pool(cluster, jobs, threads) as pool, Trials(console, many=True) as watch:
        result = sweep_recipe(
            chosen,
            space,
            dataset,
            seed=seed,
            validation=validation,
            out=out,
            pool=pool,
            precision=precision,
            deterministic=deterministic,
            watch=watch,
            tell=lambda row: _tell_row(row, console),
        )
    if as_json:
        print_json(result.info | {"path": str(result.path)})
        return
    _tell(result, console)


def _space(recipe: Recipe, grid: list[str] | None, trials: int | None, seed: int) -> Space:
    from digitwise.recipes import space

    axes = [axis for given in grid or () for axis in given.split()]
    return space.draws(recipe, trials, seed=seed) if trials is not None else space.grid(recipe, axes)


@contextmanager
def _pool(cluster: str | None, jobs: int | None, threads: int | None) -> Iterator[Pool]:
    if cluster is None:
        with pool_for(None, jobs, threads) as pool:
            yield pool
        return
    from digitwise.cluster.connect import connected
    from digitwise.cluster.sweep import Tuned

    with connected(cluster) as ray:
        yield Tuned(ray, threads or 1)


def _tell_row(row: Row, console: Console) -> None:
    result = row.outcome
    what = "" if result.errors is None else f"  {result.errors:,} validation errors, log-loss {result.log_loss:.4f},"
    console.print(f"  {_full_name(row.trial)}  {result.state}{what} {result.epochs} epochs, {result.seconds:.1f} s")


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
    console.print(f"Written to {result.path}: trials.csv, sweep.json, and the run best")


def _full_name(trial: Trial) -> str:
    from digitwise.recipes.space import in_words

    return f"trial {trial.number}: {in_words(trial.changes)}"


def _ranking(rows: Sequence[Row]) -> Table:
    """The first rows; with a column for each choice that varies, where there are few."""
    from digitwise.recipes.space import WARP, in_short

    names = list(rows[0].trial.changes)
    names = names if len(names) <= COLUMNS else []
    columns = ["trial", "errors", "log-loss", "epochs", "seconds", "state"]
    columns += [name.removeprefix(WARP) for name in names]
    cells = []
    for row in rows:
        changes, result = row.trial.changes, row.outcome
        errors = "" if result.errors is None else f"{result.errors:,}"
        log_loss = "" if result.log_loss is None else f"{result.log_loss:.4f}"
        values = [in_short(changes[name]) for name in names]
        cells.append(
            (row.trial.number, errors, log_loss, result.epochs, f"{result.seconds:.1f}", result.state, *values)
        )
    return table(columns, cells, title="\nThe fewest validation errors first")
