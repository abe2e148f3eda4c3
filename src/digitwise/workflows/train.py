"""Training to a whole run folder: what the training writes, and the figures of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from digitwise.data import load
from digitwise.data.streamed import AnyDataset, StreamedDataset
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.report.pages import write_sweep
from digitwise.report.render import draw_run
from digitwise.runs import Run
from digitwise.training import improve as improve_job
from digitwise.training import seeds as seeds_job
from digitwise.training import sweep as sweep_job
from digitwise.training.improve import Improvement
from digitwise.training.pool import Pool
from digitwise.training.precision import Precision
from digitwise.training.sweep import Sweep
from digitwise.training.train import train as train_recipe
from digitwise.training.watch import Watch


def train(
    recipe: str | Recipe,
    data: str | Path | AnyDataset = "mnist",
    *,
    seed: int = 0,
    out: str | Path | None = None,
    validation: int | None = None,
    budget: float | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    resume: bool = False,
    distribute: bool = False,
    also: Sequence[Dataset] = (),
    start_from: str | Path | None = None,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> Run:
    """Train a recipe, evaluate it once on the test images, and save all of it as a run folder.

    Parameters
    ----------
    recipe : str or Recipe
        A name gives the recipe as it suits the size of the data, see :meth:`Recipe.for_size` and
        :meth:`Recipe.long_enough`.
    data : str, Path, Dataset or StreamedDataset
        As for :func:`digitwise.load`; or a set whose training images stay in their shards, with the validation
        images put aside already, from :func:`~digitwise.data.streamed.open_streamed`.
    seed : int
        Of weights, order, augmentation and dropout. The validation split does not change with it.
    out : str or Path, optional
        The run folder, by default ``results/<recipe>``. An earlier run there is replaced when this one is whole.
    validation : int, optional
        Images to split off for validation; by default 5,000, or 15 % of a small set.
    budget : float, optional
        Seconds to fit in, give or take 10 %, instead of the recipe's number of epochs.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine.
    resume : bool
        Go on with an interrupted training of the same recipe, seed and data; a finished one is given back as it is.
    distribute : bool
        Deal each batch to all devices of the JAX backend. On several hosts this is for the first one; the others
        :func:`assist`.
    also : sequence of Dataset
        Sets of other writers, all of whose images are trained on besides, see
        :func:`~digitwise.training.also.with_sets`.
    start_from : str or Path, optional
        A trained network to go on from, see :func:`~digitwise.training.starting.start_from`.
    watch : Watch, optional
        Told about the progress.
    pool : Pool, optional
        Where the recipe's networks are trained, by default here, one after another.

    Returns
    -------
    Run

    Raises
    ------
    RecipeError
        If there is no such recipe, it cannot be trained within the budget, or the devices cannot share a batch evenly.
    DataError
        If the data cannot be used.
    RunError
        If ``out`` is something else than a run folder or holds more than digitwise wrote, another training is going on
        for it, or the checkpoint to resume is another training's.
    """
    dataset = data if isinstance(data, Dataset | StreamedDataset) else load(data)
    run = train_recipe(
        recipe,
        dataset,
        seed=seed,
        out=out,
        validation=validation,
        budget=budget,
        precision=precision,
        deterministic=deterministic,
        resume=resume,
        distribute=distribute,
        also=also,
        start_from=start_from,
        watch=watch,
        pool=pool,
    )
    draw_run(run, dataset)
    return run


def train_seeds(
    recipe: Recipe, dataset: AnyDataset, seeds: Sequence[int], out: Path | None, pool: Pool | None, **choices: Any
) -> list[Run]:
    """Train a recipe from several seeds to as many whole runs, see :func:`digitwise.training.seeds.train_seeds`."""
    runs = seeds_job.train_seeds(recipe, dataset, seeds, out, pool, **choices)
    for run in runs:
        draw_run(run, dataset)
    return runs


@wraps(sweep_job.sweep)
def sweep(recipe: str | Recipe, data: str | Path | Dataset = "mnist", **choices: Any) -> Sweep:  # noqa: D103  # wraps has it
    dataset = data if isinstance(data, Dataset) else load(data)
    result = sweep_job.sweep(recipe, dataset, **choices)
    draw_run(result.best, dataset)
    write_sweep(result.path, result.info, [row.plain for row in result.rows])
    return result


def improve(run: Run, dataset: Dataset, **choices: Any) -> Improvement:
    """Fix a run's recipe and train it to a whole run, see :func:`digitwise.training.improve.improve`."""
    result = improve_job.improve(run, dataset, **choices)
    if result.run is not None:
        draw_run(result.run, dataset)
    return result
