"""Predicting with a Keras model: probabilities, or the features before its last layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import DataError, ModelError, one_line
from digitwise.images import Float16, Float32, ImageSet
from digitwise.parts import imported
from digitwise.predictions import Predictions
from digitwise.progress import each_of
from digitwise.reading.foreign import LAYOUTS, Foreign, guarded

BATCH = 500
DIMENSIONS = 32  # of features; classes and shapes differ in far fewer

Predict = Callable[[Any], Any]  # a batch of inputs to a batch of probabilities


def predict(model: Any, images: ImageSet) -> Predictions:
    """Predict labelled images.

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
    return Predictions(images.labels, _outputs(model, images), images.class_names)


def foreign_of(model: Any, name: str) -> Foreign:
    """A Keras model of unknown origin, to be asked how it takes images; ``name`` is for messages.

    Of one that does not know its shapes, such as a subclass, they are found by asking too.

    Raises
    ------
    ModelError
        If it has other ends than one input and one output (n, k).
    """
    shapes: Any = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if None in shapes:
        return Foreign(name, None, None, guarded(model.predict_on_batch, name), layouts=LAYOUTS[1:])
    if not all(isinstance(shape, tuple) for shape in shapes) or len(shapes[1]) != 2:
        raise ModelError(f"{name}: expected one input of images and one output (n, k), got {shapes[0]} to {shapes[1]}")

    def ask(part: Float32) -> Float32:
        return np.asarray(model.predict_on_batch(part), np.float32)

    return Foreign(name, tuple(shapes[0][1:]), shapes[1][1], ask)


def saved_model_of(path: Path) -> Foreign:
    """A model in TensorFlow's SavedModel form, to be asked how it takes images.

    Opening one runs its program: only open one whose source you trust.

    Parameters
    ----------
    path : Path
        The folder with ``saved_model.pb``.

    Raises
    ------
    MissingPartError
        If TensorFlow is not installed.
    ModelError
        If it cannot be opened, or has other ends than one input and one output.
    """
    tf = imported("tensorflow", f"{path}: a SavedModel")
    try:
        signatures = tf.saved_model.load(str(path)).signatures
    except Exception as error:  # TensorFlow's share no base but this
        raise ModelError(f"{path}: cannot be loaded as a SavedModel: {one_line(error, 160)}") from error
    serve = next((signatures[name] for name in ("serving_default", "serve") if name in signatures), None)
    inputs = {} if serve is None else serve.structured_input_signature[1]
    outputs = {} if serve is None else serve.structured_outputs
    if serve is None or len(inputs) != 1 or len(outputs) != 1:
        got = "no serving signature" if serve is None else f"{len(inputs)} inputs and {len(outputs)} outputs"
        raise ModelError(f"{path}: expected one input of images and one output (n, k), got {got}")
    ((taken, spec),), ((given, told),) = inputs.items(), outputs.items()

    def ask(part: Any) -> Any:
        return serve(**{taken: tf.cast(part, spec.dtype)})[given].numpy()

    shape, classes = spec.shape, told.shape[-1] if told.shape.rank == 2 else None
    return Foreign(str(path), None if shape.rank is None else tuple(shape[1:]), classes, guarded(ask, str(path)))


def in_batches(predict: Predict, inputs: Any) -> Float32:
    """Return probabilities, float32 (n, n_classes), for inputs (n, ...) of ``predict``."""
    starts = each_of(range(0, len(inputs), BATCH), "predicting")
    parts = [predict(inputs[start : start + BATCH]) for start in starts]
    return np.concatenate(parts).astype(np.float32)


def hidden_values(model: Any, images: ImageSet) -> Float32:
    """Return what the last layer with weights takes, float32 (n, d); the mean over places where that are maps.

    Of an ensemble they are those of its first network, without shifts.
    """
    from digitwise.training.backend import keras

    network = next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    taken = next(layer for layer in reversed(network.layers) if layer.weights).input
    if len(taken.shape) > 2:
        taken = keras.ops.mean(taken, axis=tuple(range(1, len(taken.shape) - 1)))
    return _outputs(keras.Model(network.inputs, taken), images)


def features(model: Any, images: ImageSet) -> Float16:
    """Return the principal components of the outputs of the layer before the last.

    Parameters
    ----------
    model : keras.Model
        From :func:`digitwise.training.fit.fit`.
    images : ImageSet

    Returns
    -------
    ndarray of float16, shape (n, at most 32)
        The components of the largest variance first, on an arbitrary scale.
    """
    return _principal(hidden_values(model, images))


def _principal(values: Float32) -> Float16:
    from scipy.linalg import eigh  # unlike NumPy's, it can leave out the small ones

    centred = values - values.mean(axis=0)
    d = centred.shape[1]
    if not np.isfinite(centred).all():  # the training diverged
        return np.full((len(values), min(d, DIMENSIONS)), np.nan, np.float16)
    largest = max(0, d - DIMENSIONS), d - 1
    _, directions = eigh(centred.T @ centred, subset_by_index=largest, check_finite=False)  # the largest last
    found = centred @ directions[:, ::-1]
    return np.asarray(found / max(float(np.abs(found).max()), 1e-6), np.float16)


def _outputs(model: Any, images: ImageSet) -> Float32:
    return in_batches(lambda part: np.asarray(model.predict_on_batch(to_input(part)), np.float32), images.images)
