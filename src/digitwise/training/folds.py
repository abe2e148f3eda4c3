"""Cross-validation: a prediction for every training image by a network that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitwise.data.splits import split_validation, stratified_folds
from digitwise.images import Float32, ImageSet, Int64
from digitwise.predictions import Predictions
from digitwise.recipes import Recipe
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Pool
from digitwise.training.predict import predict
from digitwise.training.watch import Watch


def cross_validations(
    recipe: Recipe,
    images: ImageSet,
    rounds: Sequence[FitOptions],
    *,
    folds: int = 5,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> list[Predictions]:
    """Cross-validate a recipe once or several times: train on all folds but one, and predict that one.

    Parameters
    ----------
    recipe : Recipe
    images : ImageSet
        Training images. Each training splits its own validation images off the other folds, so that nothing about
        the predicted fold steers it.
    rounds : sequence of FitOptions
        Of each cross-validation. The seed decides the folds and the trainings.
    folds : int
        2 or more.
    watch : Watch, optional
        For all trainings.
    pool : Pool, optional
        Where the trainings run, by default in this process, one after another.

    Returns
    -------
    list of Predictions
        Of each round, for all images, in their order.

    Raises
    ------
    DataError
        If there are too few images for so many folds.
    """
    watch = watch or Watch()
    fold_of = [stratified_folds(images.labels, folds, seed=options.seed) for options in rounds]
    job = _CrossValidation(recipe, images, rounds, folds, fold_of)
    tasks = [(number, fold) for number in range(len(rounds)) for fold in range(folds)]
    names = [
        f"round {number + 1} of {len(rounds)}, fold {fold + 1} of {folds}"
        if len(rounds) > 1
        else f"fold {fold + 1} of {folds}"
        for number, fold in tasks
    ]
    probabilities = [np.empty((len(images), images.n_classes), np.float32) for _ in rounds]
    for task, predicted in (pool or Here()).run(_predict_fold, job, tasks, names, watch):
        number, fold = tasks[task]
        probabilities[number][fold_of[number] == fold] = predicted
        watch.on_task_done(names[task])
    return [Predictions(images.labels, each, images.class_names) for each in probabilities]


@dataclass(frozen=True, eq=False)
class _CrossValidation:
    """What all trainings have in common; ``fold_of`` has the fold of each image, for each round."""

    recipe: Recipe
    images: ImageSet
    rounds: Sequence[FitOptions]
    folds: int
    fold_of: list[Int64]


def _predict_fold(job: _CrossValidation, task: tuple[int, int], watch: Watch) -> Float32:
    """Train on the other folds; return the probabilities of the fold's images, (n, n_classes)."""
    number, fold = task
    watch.on_fold(fold + 1, job.folds)
    inside, options = job.fold_of[number] == fold, job.rounds[number]
    left_out, others = (np.flatnonzero(mask).astype(np.int64) for mask in (inside, ~inside))
    splits = split_validation(job.images.take(others), seed=options.seed)
    fitted = fit(job.recipe, splits, replace(options, seed=options.seed + fold), watch=watch)
    return predict(fitted.model, job.images.take(left_out)).probabilities
