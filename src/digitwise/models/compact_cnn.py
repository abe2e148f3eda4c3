"""The improved network: three small convolutions and one hidden layer, 232,000 parameters at 28x28."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; below 14 pixels a side the borders are padded, else nothing would be left.

    Normalisation starts behind the first pooling: on the large first maps it costs most and helps least.
    """
    padding = "valid" if side >= 14 else "same"
    return [
        kl.Conv2D(24, 3, padding=padding, activation="relu", dtype=dtype),  # 28x28: (26, 26, 24)
        kl.MaxPooling2D(dtype=dtype),  # (13, 13, 24)
        *_normalised(kl.Conv2D(48, 3, padding=padding, use_bias=False, dtype=dtype), dtype, batch_norm),  # (11, 11, 48)
        *_normalised(kl.Conv2D(48, 3, padding=padding, use_bias=False, dtype=dtype), dtype, batch_norm),  # (9, 9, 48)
        kl.MaxPooling2D(dtype=dtype),  # (4, 4, 48)
        kl.Flatten(dtype=dtype),
        kl.Dropout(0.2, dtype=dtype),
        *_normalised(kl.Dense(256, use_bias=False, dtype=dtype), dtype, batch_norm),
    ]


def _normalised(layer: kl.Layer, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    return [layer, batch_norm(dtype=dtype), kl.ReLU(dtype=dtype)]
