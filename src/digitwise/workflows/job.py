"""The whole exercise: the data drawn, its models trained and compared, and a page about all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.render import draw_data, render_index
from digitwise.runs import Run
from digitwise.training.options import FitOptions
from digitwise.training.watch import Watch
from digitwise.workflows.compare import compared
from digitwise.workflows.train import train_run


class Job(NamedTuple):
    """What the exercise made: its runs, in the order of the recipes, and a sentence on each pair worth comparing."""

    runs: list[Run]
    verdicts: tuple[str, ...]


def run_job(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    out: Path,
    options: FitOptions,
    *,
    resume: bool = False,
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
    watch : Watch, optional
        For all trainings, one after another.
    tell : callable, optional
        Called with each run when it is complete.

    Raises
    ------
    RecipeError, DataError, RunError
        As for :func:`digitwise.train`.
    """
    watch = watch or Watch()
    draw_data(dataset, out / "data")
    runs = []
    for recipe in recipes:
        each = watch.on_task(recipe.name)
        run = train_run(recipe, dataset, options, out=out / recipe.name, resume=resume, watch=each)
        watch.on_task_done(recipe.name)
        tell(run)
        runs.append(run)
    later = compared([Evaluation.of_run(run) for run in runs[1:]], [run.name for run in runs[1:]])
    render_index(runs, dataset, later.verdicts, out / "index.html")
    return Job(runs, later.verdicts)
