"""Cross-validation: an answer about every training image by a network that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.data.splits import split_validation, stratified_folds
from digitwise.images import Float32, ImageSet, Int64, Predictions
from digitwise.recipes import Recipe
from digitwise.training.fit import fit
from digitwise.training.loops import on_accelerator
from digitwise.training.pool import Here, Pool
from digitwise.training.precision import Precision, best_precision
from digitwise.training.predict import predict
from digitwise.training.watch import Watch


def out_of_fold(
    recipe: Recipe,
    images: ImageSet,
    *,
    folds: int = 5,
    seed: int = 0,
    precision: Precision | None = None,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> Predictions:
    """Train once a fold on the other folds, and ask about the fold.

    Parameters
    ----------
    recipe : Recipe
    images : ImageSet
        Training images. Each training splits its own validation images off the other folds, so that nothing about
        the fold asked about steers it.
    folds : int
        2 or more.
    seed : int
        Of the folds and of the trainings.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    watch : Watch, optional
        Told about every training.
    pool : Pool, optional
        Where the trainings run, by default here, one after another.

    Returns
    -------
    Predictions
        About all images, in their order.

    Raises
    ------
    DataError
        If there are too few images for so many folds.
    """
    return cross_validations(recipe, images, [seed], folds=folds, precision=precision, watch=watch, pool=pool)[0]


def cross_validations(
    recipe: Recipe,
    images: ImageSet,
    seeds: Sequence[int],
    *,
    folds: int = 5,
    precision: Precision | None = None,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> list[Predictions]:
    """Cross-validate from several seeds, all trainings at once; see :func:`out_of_fold`.

    Returns
    -------
    list of Predictions
        Of each seed.
    """
    watch = watch or Watch()
    dealt = {seed: stratified_folds(images.labels, folds, seed=seed) for seed in seeds}
    shared = _Shared(recipe, images, folds, dealt, precision or best_precision(accelerator=on_accelerator()))
    tasks = [(seed, fold) for seed in seeds for fold in range(folds)]
    rounds = [f"round {number} of {len(seeds)}, " if len(seeds) > 1 else "" for number in range(1, len(seeds) + 1)]
    names = [f"{which}fold {fold + 1} of {folds}" for which in rounds for fold in range(folds)]
    answers = {seed: np.empty((len(images), images.n_classes), np.float32) for seed in seeds}
    for number, given in (pool or Here()).run(_fold, shared, tasks, names, watch):
        seed, fold = tasks[number]
        answers[seed][dealt[seed] == fold] = given
        watch.on_task_done(names[number])
    return [Predictions(images.labels, answers[seed], images.class_names) for seed in seeds]


@dataclass(frozen=True, eq=False)
class _Shared:
    """What all folds have in common; ``dealt`` has the fold of each image, for each seed."""

    recipe: Recipe
    images: ImageSet
    folds: int
    dealt: dict[int, Int64]
    precision: Precision


def _fold(shared: _Shared, task: tuple[int, int], watch: Watch) -> Float32:
    """Train on the other folds, and give the probabilities of the fold's images, (n, classes)."""
    seed, fold = task
    watch.on_fold(fold + 1, shared.folds)
    inside = shared.dealt[seed] == fold
    asked, others = (np.flatnonzero(mask).astype(np.int64) for mask in (inside, ~inside))
    splits = split_validation(shared.images.take(others), seed=seed)
    fitted = fit(shared.recipe, splits, seed=seed + fold, precision=shared.precision, watch=watch)
    return predict(fitted.model, shared.images.take(asked)).probabilities
