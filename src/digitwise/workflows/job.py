"""The whole exercise: the data drawn, its models trained and compared, and a page about all of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from digitwise import unfinished
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.reporting.render import draw_data, render_index
from digitwise.runs import Run
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Pool
from digitwise.training.watch import Watch
from digitwise.workflows.compare import compare
from digitwise.workflows.train import train_run


class Job(NamedTuple):
    """What the exercise made: its runs, in the order of the recipes, and a sentence on each pair worth comparing."""

    runs: list[Run]
    verdicts: list[str]


def run_job(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    out: Path,
    options: FitOptions,
    *,
    resume: bool = False,
    pool: Pool | None = None,
    watch: Watch | None = None,
    tell: Callable[[Run], None] = lambda _: None,
) -> Job:
    """Draw the data, train each recipe to a run in ``out``, compare the runs, and write ``index.html``.

    Parameters
    ----------
    recipes : sequence of Recipe
        The first one is the exercise's first model, with which no other is compared.
    dataset : Dataset
    out : Path
        Holds a run folder for each recipe, ``data`` and ``index.html`` afterwards.
    options : FitOptions
        Of each training.
    resume : bool
        Complete runs are returned as they are, others continue from their checkpoints.
    pool : Pool, optional
        Where the trainings run, by default in this process, one after another; it shares this machine's disk.
    watch : Watch, optional
        For all trainings.
    tell : callable, optional
        Called with each run when it is complete.

    Raises
    ------
    RecipeError, DataError, RunError
        As for :func:`digitwise.train`.
    """
    pool, watch = pool or Here(), watch or Watch()
    draw_data(dataset, out / "data")
    places = [out / recipe.name for recipe in recipes]
    shared = _Shared(dataset, out, options, resume)
    try:
        for number, _ in pool.run(_train, shared, recipes, [recipe.name for recipe in recipes], watch):
            watch.on_task_done(recipes[number].name)
            tell(Run.open(places[number]))
    except BaseException:
        for place in places:  # a process that was ended could not do so itself
            unfinished.abandon(place)
        raise
    runs = [Run.open(place) for place in places]
    verdicts = [compare(a, b).verdict(a.name, b.name) for a, b in itertools.combinations(runs[1:], 2)]
    render_index(runs, dataset, verdicts, out / "index.html")
    return Job(runs, verdicts)


@dataclass(frozen=True, eq=False)
class _Shared:
    dataset: Dataset
    out: Path
    options: FitOptions
    resume: bool


def _train(shared: _Shared, recipe: Recipe, watch: Watch) -> None:
    choices = {"out": shared.out / recipe.name, "resume": shared.resume}
    train_run(recipe, shared.dataset, shared.options, **choices, watch=watch)
