"""The network of all recipes but the first two: a strided first convolution, three more, no hidden layer.

The stride brings the picture down to 12x12 before anything wide is computed, and there a convolution of 64 channels or
more runs near the speed of the processor. 136,000 parameters at 28x28.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; below 28 pixels a side the borders are padded, else little would be left.

    The first layer goes without normalisation: on the large first maps it would cost most. Behind the pooling
    there are fewer values to normalise than before it.
    """
    padding = "valid" if side >= 28 else "same"

    def convolution(filters: int) -> kl.Layer:
        return kl.Conv2D(filters, 3, padding=padding, use_bias=False, dtype=dtype)

    return [
        kl.Conv2D(32, 5, strides=2, padding=padding, activation="relu", dtype=dtype),  # 28x28: (12, 12, 32)
        convolution(64),  # (10, 10, 64)
        *_normalised(dtype, batch_norm),
        convolution(64),  # (8, 8, 64)
        kl.MaxPooling2D(dtype=dtype),  # (4, 4, 64)
        *_normalised(dtype, batch_norm),
        convolution(128),  # (2, 2, 128)
        *_normalised(dtype, batch_norm),
        kl.Flatten(dtype=dtype),
    ]


def _normalised(dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    return [batch_norm(dtype=dtype), kl.ReLU(dtype=dtype)]
