"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float64, Int64, Predictions


def confusion_matrix(predictions: Predictions, *, normalize: bool = False) -> Int64 | Float64:
    """Count given against predicted classes.

    Parameters
    ----------
    predictions : Predictions
    normalize : bool
        Give shares of the given class instead of counts; a class without pictures has zeros.

    Returns
    -------
    ndarray of int64 or float64, shape (n_classes, n_classes)
        Row: given; column: predicted.
    """
    k = len(predictions.class_names)
    counts = np.bincount(predictions.labels * k + predictions.predicted, minlength=k * k).reshape(k, k)
    if not normalize:
        return counts.astype(np.int64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), np.float64)


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, the first taken for the second ``count`` times."""

    given: str
    predicted: str
    count: int


def most_confused(predictions: Predictions, limit: int = 5) -> list[ConfusedPair]:
    """The most frequent confusions, most frequent first; fewer than ``limit`` if there are not that many."""
    counts = confusion_matrix(predictions).copy()
    np.fill_diagonal(counts, 0)
    names, k = predictions.class_names, len(predictions.class_names)
    order = np.argsort(-counts, axis=None, kind="stable")[:limit]
    return [
        ConfusedPair(names[cell // k], names[cell % k], int(counts.flat[cell])) for cell in order if counts.flat[cell]
    ]
