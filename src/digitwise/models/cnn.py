"""The convolutional networks: for each, the layers between input and softmax.

Each function takes ``side``, the shorter side of the images in pixels, the dtype policy of the layers, and what makes a
batch normalisation layer. Where images are smaller than 28 pixels a side the borders are padded, else little is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl

LEAN = 32, 32, 64, 128  # channels
COMPACT = 32, 64, 64, 128
NARROW = 32, 48, 64, 128
DEEP = 32, 64, 64, 96, 96, 128


def simple(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The exercise's first network: one convolution, one pooling, one hidden layer; no normalisation, no padding."""
    return [
        kl.Conv2D(32, 3, activation="relu", dtype=dtype),  # (h-2, w-2, 32)
        kl.MaxPooling2D(dtype=dtype),
        kl.Flatten(dtype=dtype),
        kl.Dense(128, activation="relu", dtype=dtype),
    ]


def flash(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The fastest: two convolutions, the first strided and pooled, and one hidden layer; 107,000 parameters.

    16 channels are one vector register. The one normalisation is where it is cheap and the learning rate needs it most.
    """
    padding = _padding(side)
    return [
        kl.Conv2D(16, 5, strides=2, padding=padding, activation="relu", dtype=dtype),  # 28x28: (12, 12, 16)
        kl.MaxPooling2D(dtype=dtype),  # (6, 6, 16)
        kl.Conv2D(48, 3, padding=padding, use_bias=False, dtype=dtype),  # (4, 4, 48)
        *_normalised(dtype, batch_norm),
        kl.Flatten(dtype=dtype),
        kl.Dense(128, activation="relu", dtype=dtype),
    ]


def lean(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The network of the exercise's recipes: a strided convolution and three more, no hidden layer; 108,000 parameters.

    The stride brings the image down to 12x12 before anything wide is computed. There, where each channel costs most, 32
    channels make no more errors than compact's 64 in five to seven epochs, with 55 % of the multiplications.
    """
    return _strided(LEAN, side, dtype, batch_norm)


def compact(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """Lean with more channels, for recipes that train for longer; 136,000 parameters."""
    return _strided(COMPACT, side, dtype, batch_norm)


def narrow(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The bundled model's: compact with fewer channels where they cost most, to read faster; 122,000 parameters."""
    return _strided(NARROW, side, dtype, batch_norm)


def deep(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """Six convolutions without a stride, pooled once after the first; 318,000 parameters.

    For members of an ensemble beside compact, whose errors are others. An epoch takes about three times as long.
    """
    padding = _padding(side)
    first, *others = DEEP
    layers = [
        kl.Conv2D(first, 3, padding=padding, activation="relu", dtype=dtype),  # 28x28: (26, 26, first)
        kl.MaxPooling2D(dtype=dtype),  # (13, 13, first)
    ]
    for filters in others:  # (11, 11), (9, 9), (7, 7), (5, 5), (3, 3)
        layers += [kl.Conv2D(filters, 3, padding=padding, use_bias=False, dtype=dtype), *_normalised(dtype, batch_norm)]
    return [*layers, kl.Flatten(dtype=dtype)]


def _strided(channels: tuple[int, ...], side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """A strided convolution and three more.

    The first layer has no normalisation: on the large first maps it would cost most. Behind the pooling there are
    fewer values to normalise than before it.
    """
    padding = _padding(side)
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


def _padding(side: int) -> str:
    return "valid" if side >= 28 else "same"


def _normalised(dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    return [batch_norm(dtype=dtype), kl.ReLU(dtype=dtype)]
