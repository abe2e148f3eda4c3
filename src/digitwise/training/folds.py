"""Cross-validation: an answer about every training picture by a network that has not seen it."""

from __future__ import annotations

import numpy as np

from digitwise.data.splits import split_validation, stratified_folds
from digitwise.images import ImageSet, Predictions
from digitwise.recipes import Recipe
from digitwise.training.fit import fit
from digitwise.training.precision import Precision
from digitwise.training.predict import predict
from digitwise.training.watch import Watch


def out_of_fold(
    recipe: Recipe,
    pictures: ImageSet,
    *,
    folds: int = 5,
    seed: int = 0,
    precision: Precision | None = None,
    watch: Watch | None = None,
) -> Predictions:
    """Train once a fold on the other folds, and ask about the fold.

    Parameters
    ----------
    recipe : Recipe
    pictures : ImageSet
        Training pictures. Each training splits its own validation pictures off the other folds, so that nothing about
        the fold asked about steers it.
    folds : int
        2 or more.
    seed : int
        Of the folds and of the trainings.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    watch : Watch, optional
        Told about every training.

    Returns
    -------
    Predictions
        About all pictures, in their order.

    Raises
    ------
    DataError
        If there are too few pictures for so many folds.
    """
    watch = watch or Watch()
    dealt = stratified_folds(pictures.labels, folds, seed=seed)
    probabilities = np.empty((len(pictures), pictures.n_classes), np.float32)
    for fold in range(folds):
        watch.on_fold(fold + 1, folds)
        asked, others = (np.flatnonzero(mask).astype(np.int64) for mask in (dealt == fold, dealt != fold))
        splits = split_validation(pictures.take(others), seed=seed)
        fitted = fit(recipe, splits, seed=seed + fold, precision=precision, watch=watch)
        probabilities[asked] = predict(fitted.model, pictures.take(asked)).probabilities
    return Predictions(pictures.labels, probabilities, pictures.class_names)
