"""Asking a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import DataError
from digitwise.images import Float32, ImageSet, Predictions

BATCH = 500

Predict = Callable[[Any], Any]  # a batch of inputs to a batch of probabilities


def predict(model: Any, images: ImageSet) -> Predictions:
    """Ask a model about labelled images.

    Parameters
    ----------
    model : keras.Model
        Float32 (n, h, w, c) in [0, 1] to probabilities (n, n_classes).
    images : ImageSet

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        If the model was made for another image size or number of classes.
    """
    expected, classes = tuple(model.input_shape[1:]), model.output_shape[-1]
    if expected != images.image_shape or classes != images.n_classes:
        raise DataError(
            f"the model takes {expected} images of {classes} classes, "
            f"the data has {images.image_shape} of {images.n_classes}"
        )
    parts: list[Float32] = [
        np.asarray(model.predict_on_batch(to_input(images.images[start : start + BATCH])), np.float32)
        for start in range(0, len(images), BATCH)
    ]
    return Predictions(images.labels, np.concatenate(parts), images.class_names)


def in_batches(predict: Predict, inputs: Any) -> Float32:
    """Probabilities, float32 (n, n_classes), for inputs (n, ...) of whatever kind ``predict`` takes."""
    parts = [predict(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)]
    return np.concatenate(parts).astype(np.float32)
