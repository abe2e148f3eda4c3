"""Network architectures by name, one a file; :func:`build` makes one for a given picture size and class count."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MODELS = {
    "simple-cnn": "digitwise.models.simple_cnn",
    "compact-cnn": "digitwise.models.compact_cnn",
}


def build(
    name: str,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    dtype: str = "float32",
    batch_norm: Callable[..., Any] | None = None,
) -> keras.Sequential:
    """Build an untrained network.

    Parameters
    ----------
    name : str
        A key of :data:`MODELS`.
    input_shape : (int, int, int)
        Height, width, channels; pictures are float32 in [0, 1].
    n_classes : int
        Length of the softmax that comes out, always float32.
    dtype : str
        Keras dtype policy of all layers but the last: ``float32`` or ``mixed_bfloat16``.
    batch_norm : callable, optional
        Makes a batch normalisation layer; by default ``keras.layers.BatchNormalization``.

    Returns
    -------
    keras.Sequential
        Its weights have the same order whatever ``dtype`` and ``batch_norm`` are.
    """
    import keras

    layers = importlib.import_module(MODELS[name]).layers
    norm = batch_norm or keras.layers.BatchNormalization
    head = keras.layers.Dense(n_classes, activation="softmax", dtype="float32", name="probabilities")
    body = layers(side=min(input_shape[:2]), dtype=dtype, batch_norm=norm)
    return keras.Sequential([keras.Input(input_shape), *body, head], name=name.replace("-", "_"))
