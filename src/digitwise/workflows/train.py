"""Training to a complete run folder: the files of the training, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, overload

from digitwise.data import load
from digitwise.data.streamed import AnyDataset, StreamedDataset
from digitwise.errors import RecipeError
from digitwise.images import Dataset
from digitwise.models.own import OwnNetwork, described
from digitwise.recipes import Recipe, find, for_data, is_file
from digitwise.recipes.space import Grid, library
from digitwise.reporting.pages import write_sweep
from digitwise.reporting.render import draw_run
from digitwise.runs import Run
from digitwise.training import sweep as sweep_job
from digitwise.training import train as train_job
from digitwise.training.live import LiveWatch, progress_bar
from digitwise.training.options import FitOptions, Precision
from digitwise.training.pool import Here, Pool
from digitwise.training.sweep import Sweep, TrialRow
from digitwise.training.watch import Watch


@overload
def train(recipe: str | Path | Recipe, data: object = "mnist", *, seeds: None = None, **choices: Any) -> Run: ...
@overload
def train(recipe: str | Path | Recipe, data: object = "mnist", *, seeds: int, **choices: Any) -> list[Run]: ...
def train(  # type: ignore[misc]  # the other choices are those named here
    recipe: str | Path | Recipe,
    data: object = "mnist",
    *,
    model: OwnNetwork | None = None,
    seed: int = 0,
    seeds: int | None = None,
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
    progress: bool | None = None,
    pool: Pool | None = None,
) -> Run | list[Run]:
    """Train a recipe, evaluate it once on the test images, and save it as a run folder.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A name gives the recipe adapted to the size of the data, see :meth:`Recipe.for_size` and
        :meth:`Recipe.long_enough`. One's own, as a value or by the path of its TOML file, is taken as it is.
    data : str, Path, object or StreamedDataset
        As for :func:`digitwise.load`; or a set whose training images stay in their shards and whose validation images
        are split off already, from :func:`~digitwise.data.streamed.open_streamed`.
    model : callable, keras.Model or str, optional
        A network of one's own instead of the recipe's: a function of the input shape (height, width, channels) and the
        number of classes that gives a Keras model, a Keras model, or ``net.py:function``. It takes images float32 in
        [0, 1] and gives probabilities or logits (n, k). Its weights are drawn from the seed, its optimizer and loss
        are the recipe's; ``start_from`` takes trained weights. A batch normalisation of Keras' default momentum, 0.99,
        is trained with 0.9, as our trainings have hundreds of steps.
    seed : int
        Decides weights, order, augmentation and dropout, but not the validation split.
    seeds : int, optional
        Train as many times, from ``seed`` and the seeds after it, to run folders ``seed-<n>`` in ``out``, by default
        ``results/<recipe>-seeds``.
    out : str or Path, optional
        The run folder, by default ``results/<recipe>``. An earlier run there is replaced when this one is complete.
    validation : int, optional
        Number of images to split off for validation; by default 5,000, or 15 % of a small set.
    budget : float, optional
        Length of the training in seconds, within 10 %, instead of the recipe's number of epochs.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine.
    resume : bool
        Continue an interrupted training of the same recipe, options and data; a finished one is returned as it is.
    distribute : bool
        Split each batch between all devices of the JAX backend. On several hosts this is for the first one; the others
        call :func:`digitwise.training.train.assist`.
    also : sequence of Dataset
        Sets of other writers, all of whose images are trained on too, see
        :func:`~digitwise.training.additions.with_sets`.
    start_from : str or Path, optional
        A trained network to start from, see :func:`~digitwise.training.saving.start_from`.
    watch : Watch, optional
        Its methods are called as the training goes on.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook, where no watch is given.
    pool : Pool, optional
        Where the recipe's networks are trained, by default in this process, one after another.

    Returns
    -------
    Run, or with ``seeds`` a list of them

    Raises
    ------
    RecipeError
        If there is no such recipe or precision, it cannot be trained within the budget, a budget is combined with
        ``deterministic``, the devices cannot share a batch evenly, or ``model`` cannot be trained on this data.
    DataError
        If the data cannot be used.
    RunError
        If ``out`` is something else than a run folder or holds more than digitwise wrote, another training writes to
        it, or the checkpoint to resume belongs to another training.

    Examples
    --------
    >>> import digitwise, keras  # doctest: +SKIP
    >>> def net(input_shape, n_classes):
    ...     layers = [keras.layers.Flatten(), keras.layers.Dense(n_classes, activation="softmax")]
    ...     return keras.Sequential([keras.Input(input_shape), *layers])
    >>> digitwise.train("flash", "digits", model=net).info["recipe"]["model"]  # doctest: +SKIP
    'net'
    """
    if budget is not None and not 0 < budget < float("inf"):  # before the data is read
        raise RecipeError.wanted("budget", "seconds above 0", f"{budget:g}", argument="budget")
    if seeds is not None and seeds < 1:
        raise RecipeError.wanted("seeds", "1 or more", seeds, argument="seeds")
    if seeds is not None and (also or distribute):
        given = "also" if also else "distribute"
        raise RecipeError.wanted(given, "it without seeds", "both", argument=given)
    options = FitOptions(seed, budget, precision, deterministic, start_from)
    progress = False if watch else progress
    dataset = data if isinstance(data, StreamedDataset) else load(data, progress=progress)
    recipe = with_network(for_data(recipe, len(dataset.train)), model, dataset)
    choices: dict[str, Any] = {"resume": resume, "pool": pool}
    with progress_bar(LiveWatch, progress, many=_is_many(pool)) as bar:
        if seeds is not None:
            each = range(seed, seed + seeds)
            choices |= {"out": out, "validation": validation, "watch": watch or bar}
            return train_seeds(recipe, dataset, each, options, **choices)
        choices |= {"distribute": distribute, "also": also}
        return train_run(recipe, dataset, options, out=out, validation=validation, watch=watch or bar, **choices)


def with_network(recipe: Recipe, model: OwnNetwork | None, dataset: AnyDataset) -> Recipe:
    """The recipe with a network of one's own, if any, for this data, and named after both.

    Raises
    ------
    RecipeError
        If the network cannot be trained, see :func:`digitwise.models.own.described`.
    """
    if model is None:
        return recipe
    name, layers = described(model, dataset.train.image_shape, dataset.train.n_classes)
    purpose = f"{recipe.purpose}; with {name}, a network from outside"
    return recipe.replace(name=f"{recipe.name}-{name}", purpose=purpose, model=name, other_models=(), layers=layers)


def _is_many(pool: Pool | None) -> bool:
    """Whether trainings go on side by side."""
    return pool is not None and not isinstance(pool, Here)


def train_run(recipe: Recipe, dataset: AnyDataset, options: FitOptions, **choices: Any) -> Run:
    """Train a recipe to a complete run, see :func:`digitwise.training.train.train`."""
    run = train_job.train(recipe, dataset, options, **choices)
    draw_run(run, dataset)
    return run


def train_seeds(
    recipe: Recipe, dataset: AnyDataset, seeds: Sequence[int], options: FitOptions, **choices: Any
) -> list[Run]:
    """Train a recipe from several seeds to complete runs, see :func:`digitwise.training.train.train_seeds`."""
    runs = train_job.train_seeds(recipe, dataset, seeds, options, **choices)
    for run in runs:
        draw_run(run, dataset)
    return runs


def sweep(
    recipe: str | Path | Recipe,
    data: object = "mnist",
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
    progress: bool | None = None,
    tell: Callable[[TrialRow], None] | None = None,
) -> Sweep:
    """Train a recipe in many variants, and make a run of the one with the fewest validation errors.

    All are trained on the same images from the same seed. A trial with clearly more errors than others had is stopped
    after a quarter or half of its training. The same sweep, interrupted, continues where it was.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A name gives the recipe adapted to the size of the data, see :meth:`Recipe.for_size`. One's own, as a value or
        by the path of its TOML file, is taken as it is.
    data : str, Path or object
        As for :func:`digitwise.load`. The trials get its training images; the winner is evaluated on its test images
        once.
    trials : int, optional
        Number of trials: the recipe itself, and others near it, see :func:`digitwise.recipes.space.draws`; ten at
        random, the others where trials so far made few errors (TPE). Run one after another, the same seed gives the
        same trials if their trainings give the same errors, see ``deterministic``.
    grid : mapping of str to sequence, optional
        Instead of ``trials``: all combinations of these values, see :func:`digitwise.recipes.space.grid`.
    timeout : float, optional
        Seconds after which no other trial begins; those that run are finished.
    seed : int
        Decides weights, order, augmentation and dropout, the same for all trials, and the draws.
    validation : int, optional
        Number of images to split off for validation; by default 5,000, or 15 % of a small set.
    out : str or Path, optional
        By default ``results/sweep-<recipe>``. An earlier sweep there is replaced once the first trial is done, unless
        it is the same one, interrupted.
    pool : Pool, optional
        Where the trainings run, by default in this process, one after another.
    precision : {"float32", "bfloat16"}, optional
        By default what this machine's processor is fast at, for all trials.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine.
    watch : Watch, optional
        Its methods are called as the trainings go on.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook, where no watch is given.
    tell : callable, optional
        Called with each trial's row when it is done.

    Returns
    -------
    Sweep

    Raises
    ------
    MissingPartError
        If Optuna is not installed.
    RecipeError
        If not exactly one of ``trials`` and ``grid`` is given, it cannot be used, there is no such network or
        precision, a trial cannot be trained on these images, or no trial finished.
    DataError
        If the data cannot be used.
    RunError
        If ``out`` is something else than a sweep or holds more than digitwise wrote, or another sweep writes to it.

    Examples
    --------
    >>> import digitwise
    >>> done = digitwise.sweep("flash", "digits", grid={"batch_size": [32, 64]})  # doctest: +SKIP
    >>> done.best.info["results"]["test"]["errors"]  # doctest: +SKIP
    9
    """
    library()  # a missing Optuna is reported before the data is read
    options = FitOptions(seed, None, precision, deterministic)
    progress = False if watch else progress
    dataset = load(data, progress=progress)
    if not isinstance(recipe, Recipe):
        found = find(recipe)
        recipe = found if is_file(recipe) else found.for_size(len(dataset.train))
    choices: dict[str, Any] = {"trials": trials, "grid": grid, "timeout": timeout, "pool": pool}
    with progress_bar(LiveWatch, progress, many=_is_many(pool)) as bar:
        choices["watch"] = watch or bar
        return sweep_run(recipe, dataset, options, validation=validation, out=out, tell=tell, **choices)


def sweep_run(recipe: Recipe, dataset: Dataset, options: FitOptions, **choices: Any) -> Sweep:
    """Sweep a recipe to a complete folder, see :func:`digitwise.training.sweep.sweep`."""
    result = sweep_job.sweep(recipe, dataset, options, **choices)
    draw_run(result.best, dataset)
    write_sweep(result.path, result.info, [row.plain for row in result.rows])
    return result
