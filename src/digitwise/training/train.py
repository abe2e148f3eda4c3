"""From a recipe and a data set to a run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from digitwise import runs
from digitwise.data.streamed import AnyDataset, training_splits
from digitwise.errors import RecipeError, RunError
from digitwise.evaluation import evaluate_predictions
from digitwise.files import atomic_write
from digitwise.images import Dataset, Splits
from digitwise.normalize import form_of
from digitwise.recipes import Recipe, find
from digitwise.runs import Run
from digitwise.system import hardware, peak_memory, versions
from digitwise.training.also import with_sets
from digitwise.training.backend import BACKEND
from digitwise.training.distribution import HOSTS, data_parallel
from digitwise.training.fit import Fitted, Part, fit_parts, joined
from digitwise.training.loops import on_accelerator
from digitwise.training.pool import Pool
from digitwise.training.precision import Precision, best_precision
from digitwise.training.predict import features, predict
from digitwise.training.saving import save_model
from digitwise.training.watch import Watch

SPLIT_SEED = 0  # of the validation split: the same for all seeds of a training, so that their errors compare


def train(
    recipe: str | Recipe,
    dataset: AnyDataset,
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
    """Train a recipe, evaluate it once on the test images, and save all but the figures as a run folder.

    Parameters, errors and the run are as of :func:`digitwise.train`; the set has been loaded.
    """
    if distribute and os.environ.get(HOSTS) and (budget is not None or resume):
        raise RecipeError(
            "distribute: expected neither a budget nor an earlier checkpoint on several hosts, whose clocks and disks "
            "differ; give epochs"
        )
    if isinstance(recipe, str):
        n = len(dataset.train)
        recipe = find(recipe).for_size(n).long_enough(n)
    splits = with_sets(training_splits(dataset, size=validation, seed=SPLIT_SEED), also)
    place = (Path(out) if out is not None else Path("results") / recipe.name).resolve()
    watch = watch or Watch()
    choices = choices_of(seed, budget=budget, precision=precision, deterministic=deterministic)
    done = finished(place, recipe, choices, dataset, splits) if resume else None
    if done is not None:
        watch.on_finished_earlier()
        return done
    with runs.building(place, resume=resume) as partial:
        checkpoints: dict[str, Any] = {"checkpoints": partial, "resume": resume, "start_from": start_from}
        parts = _parts(recipe, splits, distribute=distribute, **choices, **checkpoints, watch=watch, pool=pool)
        fitted = joined(recipe, splits.train, parts)
        begun = {"also": [each.source for each in also], "start_from": start_from and str(start_from)}
        write_files(partial, recipe, dataset, splits, fitted, choices | begun)
        return settle(partial, place)


def assist(
    recipe: Recipe,
    dataset: AnyDataset,
    *,
    seed: int = 0,
    validation: int | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    watch: Watch | None = None,
) -> None:
    """Compute this host's part of a training that another host asked for by :func:`train`; it writes all there is."""
    splits = training_splits(dataset, size=validation, seed=SPLIT_SEED)
    choices = choices_of(seed, budget=None, precision=precision, deterministic=deterministic)
    _parts(recipe, splits, distribute=True, **choices, watch=watch)


def _parts(recipe: Recipe, splits: Splits, *, distribute: bool, **choices: Any) -> list[Part]:
    """Train the networks, on all devices if so asked; what is made of them afterwards is one device's."""
    with data_parallel(min(recipe.batch_size, len(splits.train))) if distribute else nullcontext():
        return fit_parts(recipe, splits, **choices)


def choices_of(seed: int, *, budget: float | None, precision: Precision | None, deterministic: bool) -> dict[str, Any]:
    """What a training is asked for beside the recipe, as :func:`fit` takes it and run.json keeps it."""
    precision = precision or best_precision(accelerator=on_accelerator())
    return {"seed": seed, "budget": budget, "precision": precision, "deterministic": deterministic}


def record(
    recipe: Recipe, dataset: AnyDataset, splits: Splits, fitted: Fitted, choices: dict[str, Any], place: Path
) -> Run:
    """Make a run of a trained model: its answers about the validation and, once, about the test images.

    Parameters
    ----------
    recipe : Recipe
    dataset : Dataset or StreamedDataset
    splits : Splits
        Of its training images.
    fitted : Fitted
    choices : dict
        From :func:`choices_of`.
    place : Path
        The run folder; an earlier run there is replaced when this one is whole.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        If ``place`` is something else than a run folder.
    """
    with runs.building(place, resume=False) as partial:
        write_files(partial, recipe, dataset, splits, fitted, choices)
        return settle(partial, place)


def write_files(
    partial: Path, recipe: Recipe, dataset: AnyDataset, splits: Splits, fitted: Fitted, choices: dict[str, Any]
) -> None:
    """Write the files of a run into a folder that is not yet its place; see :func:`record`."""
    answers: dict[runs.Split, Any] = {
        "validation": predict(fitted.model, splits.validation),
        "test": predict(fitted.model, dataset.test),
    }
    results: dict[str, Any] = {split: evaluate_predictions(given).as_dict() for split, given in answers.items()}
    hidden = features(fitted.model, dataset.test)
    save_model(fitted.model, partial)
    if dataset.patch is not None:
        atomic_write(partial / runs.PATCH, dataset.patch.text)
    info = {"recipe": _plain(recipe), **choices, **_info(dataset, splits, fitted, results)}
    runs.write(partial, info, fitted.history, answers, hidden)


def settle(partial: Path, place: Path) -> Run:
    """Put the files of a run in their place, and write down that the test set was looked at."""
    run = runs.finish(partial, place)
    run.note_test_read("train: errors and figures of the finished model, for the record")
    return run


def finished(place: Path, recipe: Recipe, choices: dict[str, Any], dataset: AnyDataset, splits: Splits) -> Run | None:
    """The run at ``place``, if it came of the same recipe, choices and data; else None."""
    try:
        run = Run.open(place)
    except RunError:
        return None
    data, asked = run.info["data"], {"recipe": _plain(recipe), **choices}
    sizes = len(splits.train), len(splits.validation)
    same_data = (data["fingerprint"], data["train"], data["validation"]) == (dataset.fingerprint, *sizes)
    return run if same_data and all(run.info.get(key) == value for key, value in asked.items()) else None


def _plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as it comes back from run.json."""
    return dict(json.loads(json.dumps(recipe.as_dict())))


def _kept_or_streamed(dataset: AnyDataset, splits: Splits) -> dict[str, Any]:
    """What form the images have, judged by those in memory; how many shards they stayed in, and what that took."""
    if isinstance(dataset, Dataset):
        return {"normalization": form_of(dataset.train.images)}
    stream = {"shards": len(dataset.train.parts), "peak_memory": peak_memory()}
    return {"normalization": form_of(splits.validation.images), "streamed": stream}


def _info(dataset: AnyDataset, splits: Splits, fitted: Fitted, results: dict[str, Any]) -> dict[str, Any]:
    return {
        "created": runs.now(),
        "parameters": fitted.model.count_params(),
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
            "fingerprint": dataset.fingerprint,
            "image_shape": list(dataset.train.image_shape),
            "class_names": list(dataset.train.class_names),
            "train": len(splits.train),
            "validation": len(splits.validation),
            "test": len(dataset.test),
            "split_seed": SPLIT_SEED,
            **_kept_or_streamed(dataset, splits),
            "patch": dataset.patch.sha256 if dataset.patch else None,
            "labels": {
                "validation": runs.label_print(splits.validation.labels),
                "test": runs.label_print(dataset.test.labels),
            },
        },
        "results": results,
    }
