"""The network of all recipes but the first two: a strided first convolution, three more, no hidden layer.

The stride brings the image down to 12x12 before anything wide is computed, and there a convolution of 64 channels or
more runs near the speed of the processor. 136,000 parameters at 28x28.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl

CHANNELS = (32, 64, 64, 128)


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; below 28 pixels a side the borders are padded, else little is left."""
    return strided(CHANNELS, side=side, dtype=dtype, batch_norm=batch_norm)


def strided(
    channels: tuple[int, int, int, int], *, side: int, dtype: str, batch_norm: Callable[..., Any]
) -> list[kl.Layer]:
    """A strided convolution and three more, with so many channels.

    The first layer goes without normalisation: on the large first maps it would cost most. Behind the pooling
    there are fewer values to normalise than before it.
    """
    padding = "valid" if side >= 28 else "same"
    first, second, third, fourth = channels

    def convolution(filters: int) -> kl.Layer:
        return kl.Conv2D(filters, 3, padding=padding, use_bias=False, dtype=dtype)

    return [
        kl.Conv2D(first, 5, strides=2, padding=padding, activation="relu", dtype=dtype),  # 28x28: (12, 12, first)
        convolution(second),  # (10, 10, second)
        *_normalised(dtype, batch_norm),
        convolution(third),  # (8, 8, third)
        kl.MaxPooling2D(dtype=dtype),  # (4, 4, third)
        *_normalised(dtype, batch_norm),
        convolution(fourth),  # (2, 2, fourth)
        *_normalised(dtype, batch_norm),
        kl.Flatten(dtype=dtype),
    ]


def _normalised(dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    return [batch_norm(dtype=dtype), kl.ReLU(dtype=dtype)]
