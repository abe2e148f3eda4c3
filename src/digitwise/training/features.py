"""What a network knows of an image before it decides: the values in front of its last layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.images import Float16, Float32, ImageSet

DIMENSIONS = 32  # kept of them: classes and shapes are told apart in far fewer
BATCH = 500


def hidden_values(model: Any, images: ImageSet) -> Float32:
    """What the layer before the last says of images, float32 (n, d).

    Of an ensemble it is its first network's, and the images are unmoved.
    """
    from digitwise.training.backend import keras

    network = next((layer for layer in model.layers if isinstance(layer, keras.Sequential)), model)
    before = keras.Model(network.inputs, network.layers[-1].input)
    parts = [
        np.asarray(before.predict_on_batch(to_input(images.images[start : start + BATCH])), np.float32)
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


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
