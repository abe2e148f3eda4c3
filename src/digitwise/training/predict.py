"""Asking a Keras model: for probabilities, or for what it knows of an image before it decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import DataError
from digitwise.images import Float16, Float32, ImageSet, Predictions

BATCH = 500
DIMENSIONS = 32  # kept of the values in front of the last layer: classes and shapes are told apart in far fewer

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
    return Predictions(images.labels, _asked(model, images), images.class_names)


def in_batches(predict: Predict, inputs: Any) -> Float32:
    """Probabilities, float32 (n, n_classes), for inputs (n, ...) of whatever kind ``predict`` takes."""
    parts = [predict(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)]
    return np.concatenate(parts).astype(np.float32)


def hidden_values(model: Any, images: ImageSet) -> Float32:
    """What the layer before the last says of images, float32 (n, d).

    Of an ensemble it is its first network's, and the images are unmoved.
    """
    from digitwise.training.backend import keras

    network = next((layer for layer in model.layers if isinstance(layer, keras.Sequential)), model)
    before = keras.Model(network.inputs, network.layers[-1].input)
    return _asked(before, images)


def features(model: Any, images: ImageSet) -> Float16:
    """Ask the layer before the last about images, and keep what they differ in most.

    Parameters
    ----------
    model : keras.Model
        As :func:`digitwise.training.fit.fit` gives it.
    images : ImageSet

    Returns
    -------
    ndarray of float16, shape (n, at most 32)
        The directions in which these images differ most (principal components), the largest first.
    """
    return _principal(hidden_values(model, images))


def _principal(values: Float32) -> Float16:
    centred = values - values.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # (d, d), the largest last
    found = centred @ directions[:, ::-1][:, :DIMENSIONS]
    return np.asarray(found / max(float(np.abs(found).max()), 1e-6), np.float16)  # the scale means nothing


def _asked(model: Any, images: ImageSet) -> Float32:
    return in_batches(lambda part: np.asarray(model.predict_on_batch(to_input(part)), np.float32), images.images)
