"""From a recipe and a data set to a run folder, or to several from as many seeds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from digitwise import outputs, runs, unfinished
from digitwise.data.streamed import AnyDataset, training_splits
from digitwise.errors import RecipeError, RunError
from digitwise.evaluation import evaluate_predictions
from digitwise.files import atomic_write
from digitwise.images import Dataset, Splits
from digitwise.normalization import form_of
from digitwise.recipes import Recipe
from digitwise.runs import Run
from digitwise.system import hardware, peak_memory, versions
from digitwise.temporaries import temporary_folder
from digitwise.training.additions import with_sets
from digitwise.training.backend import BACKEND, HOSTS, data_parallel
from digitwise.training.fit import Fitted, fit_networks, joined
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Pool
from digitwise.training.predict import features, predict
from digitwise.training.saving import save_model
from digitwise.training.watch import Watch

SPLIT_SEED = 0  # of the validation split: the same for all seeds of a training, so that their errors compare
LARGEST = 2**32 - 1  # seed that NumPy takes

Files = dict[str, bytes]  # of a run, by name


def train(
    recipe: Recipe,
    dataset: AnyDataset,
    options: FitOptions | None = None,
    *,
    out: str | Path | None = None,
    validation: int | None = None,
    resume: bool = False,
    distribute: bool = False,
    also: Sequence[Dataset] = (),
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> Run:
    """Train a recipe, evaluate it once on the test images, and save a run folder without its figures.

    Parameters, errors and the run are those of :func:`digitwise.train`, which loads the data.
    """
    options, watch = options or FitOptions(), watch or Watch()
    if distribute:
        _check_hosts(options, resume)
    splits = with_sets(training_splits(dataset, size=validation, seed=SPLIT_SEED), also)
    place = (Path(out) if out is not None else Path("results") / recipe.name).resolve()
    done = _finished(place, recipe, options, dataset, splits) if resume else None
    if done is not None:
        watch.on_finished_earlier()
        return done
    with unfinished.building(place, resume=resume) as partial:
        fitted = _fitted(
            recipe,
            splits,
            options,
            distribute=distribute,
            checkpoints=partial,
            resume=resume,
            watch=watch,
            pool=pool,
        )
        write_files(partial, recipe, dataset, splits, fitted, options, also=[each.source for each in also])
        return _settle(partial, place)


def assist(
    recipe: Recipe, dataset: AnyDataset, options: FitOptions, *, validation: int | None = None, watch: Watch
) -> None:
    """Compute this host's part of a training that the first host runs by :func:`train`, and write nothing."""
    _check_hosts(options, resume=False)
    splits = training_splits(dataset, size=validation, seed=SPLIT_SEED)
    _fitted(recipe, splits, options, distribute=True, watch=watch)


def _check_hosts(options: FitOptions, resume: bool) -> None:
    if os.environ.get(HOSTS) and (options.budget is not None or resume):
        raise RecipeError(
            "distribute: expected neither a budget nor an earlier checkpoint on several hosts, whose clocks and disks "
            "differ; give epochs"
        )


def _fitted(recipe: Recipe, splits: Splits, options: FitOptions, *, distribute: bool, **choices: Any) -> Fitted:
    """Train the networks, distributed or not, and join them on one device."""
    with data_parallel(min(recipe.batch_size, len(splits.train))) if distribute else nullcontext():
        networks = fit_networks(recipe, splits, options, **choices)
    return joined(recipe, splits.train, networks)


def record(
    recipe: Recipe, dataset: AnyDataset, splits: Splits, fitted: Fitted, options: FitOptions, place: Path
) -> Run:
    """Make a run of a trained model: its predictions on the validation and, once, on the test images.

    Parameters
    ----------
    recipe : Recipe
    dataset : Dataset or StreamedDataset
    splits : Splits
        Of its training images.
    fitted : Fitted
    options : FitOptions
    place : Path
        The run folder; an earlier run there is replaced when this one is complete.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        If ``place`` is something else than a run folder.
    """
    with unfinished.building(place, resume=False) as partial:
        write_files(partial, recipe, dataset, splits, fitted, options)
        return _settle(partial, place)


def write_files(
    partial: Path,
    recipe: Recipe,
    dataset: AnyDataset,
    splits: Splits,
    fitted: Fitted,
    options: FitOptions,
    *,
    also: Sequence[str] = (),
) -> None:
    """Write the files of a run into a folder that is not yet in its place; see :func:`record`."""
    predictions: dict[runs.Split, Any] = {
        "validation": predict(fitted.model, splits.validation),
        "test": predict(fitted.model, dataset.test),
    }
    results: dict[str, Any] = {split: evaluate_predictions(each).as_dict() for split, each in predictions.items()}
    hidden = features(fitted.model, dataset.test)
    save_model(fitted.model, partial)
    if dataset.patch is not None:
        atomic_write(partial / runs.PATCH, dataset.patch.text)
    asked = {"recipe": _plain(recipe), **options.as_dict(), "also": list(also)}
    unfinished.write(partial, asked | _info(dataset, splits, fitted, results), fitted.history, predictions, hidden)


def _settle(partial: Path, place: Path) -> Run:
    """Move a run's files to their place, and record that the test set was read."""
    run = unfinished.finish(partial, place)
    run.note_test_read("train: errors and figures of the finished model, for the record")
    return run


def _finished(place: Path, recipe: Recipe, options: FitOptions, dataset: AnyDataset, splits: Splits) -> Run | None:
    """The run at ``place`` if it has the same recipe, options and data, else None."""
    try:
        run = Run.open(place)
    except RunError:
        return None
    data, asked = run.info["data"], options.as_dict()
    sizes = len(splits.train), len(splits.validation)
    same_data = (data["fingerprint"], data["train"], data["validation"]) == (dataset.fingerprint, *sizes)
    if not same_data or any(run.info.get(key) != value for key, value in asked.items()):
        return None
    try:  # earlier versions had fewer choices
        return run if Recipe.from_dict(run.info["recipe"]) == recipe else None
    except (RecipeError, KeyError, TypeError):
        return None


def _plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as run.json has it."""
    return dict(json.loads(json.dumps(recipe.as_dict())))


def _form(dataset: AnyDataset, splits: Splits) -> dict[str, Any]:
    """The form of the images, known from those in memory; of streamed ones also their shards and the peak memory."""
    if isinstance(dataset, Dataset):
        return {"normalization": form_of(dataset.train.images)}
    stream = {"shards": len(dataset.train.parts), "peak_memory": peak_memory()}
    return {"normalization": form_of(splits.validation.images), "streamed": stream}


def _info(dataset: AnyDataset, splits: Splits, fitted: Fitted, results: dict[str, Any]) -> dict[str, Any]:
    return {
        "created": runs.now(),
        "parameters": fitted.model.count_params(),
        "networks": list(fitted.networks),
        "fit_seconds": round(fitted.fit_seconds, 2),
        "compile_seconds": round(fitted.compile_seconds, 2),
        "images_per_second": round(fitted.images / fitted.fit_seconds),
        "epochs": len(fitted.history),
        "best_epoch": fitted.best_epoch,
        "backend": BACKEND,
        "versions": versions(),
        "hardware": hardware(),
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "embedded": dataset.embedded,
            "notes": list(dataset.notes),
            "loaded": dict(dataset.loaded),
            "fingerprint": dataset.fingerprint,
            "image_shape": list(dataset.train.image_shape),
            "class_names": list(dataset.train.class_names),
            "train": len(splits.train),
            "validation": len(splits.validation),
            "test": len(dataset.test),
            "split_seed": SPLIT_SEED,
            **_form(dataset, splits),
            "patch": dataset.patch.sha256 if dataset.patch else None,
            "labels": {
                "validation": runs.label_print(splits.validation.labels),
                "test": runs.label_print(dataset.test.labels),
            },
        },
        "results": results,
    }


def train_seeds(
    recipe: Recipe,
    dataset: AnyDataset,
    seeds: Sequence[int],
    options: FitOptions | None = None,
    *,
    out: str | Path | None = None,
    validation: int | None = None,
    resume: bool = False,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> list[Run]:
    """Train a recipe once from each seed, to as many runs without figures.

    Parameters
    ----------
    recipe : Recipe
    dataset : Dataset or StreamedDataset
    seeds : sequence of int
    options : FitOptions, optional
        Of each training, but for the seed.
    out : str or Path, optional
        Folder for the runs, whose names are ``seed-<n>``; by default ``results/<recipe>-seeds``.
    validation : int, optional
        As for :func:`digitwise.train`.
    resume : bool
        Complete runs are returned as they are, others continue from their checkpoints.
    watch : Watch, optional
        For all trainings.
    pool : Pool, optional
        Where the trainings run, by default in this process, one after another. Where the disk is not shared no
        checkpoints are kept, and a run's files are sent when it is complete.

    Returns
    -------
    list of Run
        In the order of the seeds.

    Raises
    ------
    RecipeError
        If the seeds cannot be used, or the recipe cannot be trained within the budget.
    DataError
        If the data cannot be used.
    RunError
        If something else is in the place of a run, another training is going on there, or a checkpoint belongs to
        another training.
    """
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed <= LARGEST for seed in seeds):
        raise RecipeError(f"seeds: expected different ones from 0 to {LARGEST}, got {', '.join(map(str, seeds))}")
    options, pool, watch = options or FitOptions(), pool or Here(), watch or Watch()
    folder = (Path(out) if out is not None else Path("results") / f"{recipe.name}-seeds").resolve()
    places = {seed: folder / f"seed-{seed}" for seed in seeds}
    _check_places(folder, places.values())
    with outputs.claimed(folder, runs.RUN, inside=True):
        job = _SeedsJob(recipe, dataset, options, validation, places if pool.shares_disk else None, resume)
        done = _finished_seeds(job, places, watch) if resume else {}
        left = [seed for seed in seeds if seed not in done]
        try:
            for number, files in pool.run(_train_seed, job, left, [f"seed {seed}" for seed in left], watch):
                seed = left[number]
                done[seed] = Run.open(places[seed]) if files is None else _received(files, places[seed])
                watch.on_task_done(f"seed {seed}")
        except BaseException:
            for seed in left:  # a process that was ended could not do so itself
                unfinished.abandon(places[seed])
            raise
        return [done[seed] for seed in seeds]


@dataclass(frozen=True, eq=False)
class _SeedsJob:
    """What the trainings from several seeds have in common; there are no places where the disk is not shared."""

    recipe: Recipe
    dataset: AnyDataset
    options: FitOptions
    validation: int | None
    places: dict[int, Path] | None
    resume: bool


def _check_places(folder: Path, places: Iterable[Path]) -> None:
    found = "a run" if (folder / "run.json").exists() else "a file" if folder.is_file() else None
    if found:
        raise RunError(f"{folder}: expected a folder for several runs, got {found}; choose another out (--out)")
    for place in places:
        unfinished.check_place(place)


def _finished_seeds(job: _SeedsJob, places: dict[int, Path], watch: Watch) -> dict[int, Run]:
    """The runs that are complete already."""
    splits = training_splits(job.dataset, size=job.validation, seed=SPLIT_SEED)
    found = {}
    for seed, place in places.items():
        run = _finished(place, job.recipe, replace(job.options, seed=seed), job.dataset, splits)
        if run is not None:
            found[seed] = run
            watch.on_task(f"seed {seed}").on_finished_earlier()
            watch.on_task_done(f"seed {seed}")
    return found


def _train_seed(job: _SeedsJob, seed: int, watch: Watch) -> Files | None:
    """Train from a seed into the run's place; return the run's files where this machine does not share the disk."""
    recipe, dataset, options = job.recipe, job.dataset, replace(job.options, seed=seed)
    if job.places is not None:
        choices: dict[str, Any] = {"out": job.places[seed], "validation": job.validation, "resume": job.resume}
        train(recipe, dataset, options, **choices, watch=watch)
        return None
    splits = training_splits(dataset, size=job.validation, seed=SPLIT_SEED)
    fitted = _fitted(recipe, splits, options, distribute=False, watch=watch)
    with temporary_folder() as place:
        write_files(place, recipe, dataset, splits, fitted, options)
        return {file.name: file.read_bytes() for file in place.iterdir()}


def _received(files: Files, place: Path) -> Run:
    """Write a run that was trained on another machine; only here its read of the test set is recorded."""
    with unfinished.building(place, resume=False) as partial:
        for name in sorted(files, key=lambda name: name == "run.json"):  # last, as a folder with one is complete
            (partial / name).write_bytes(files[name])
        return _settle(partial, place)
