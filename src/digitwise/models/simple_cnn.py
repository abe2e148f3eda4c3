"""The exercise's first network: one convolution, one pooling, one hidden layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; without normalisation, as the exercise has it."""
    return [
        kl.Conv2D(32, 3, activation="relu", dtype=dtype),  # (h-2, w-2, 32)
        kl.MaxPooling2D(dtype=dtype),
        kl.Flatten(dtype=dtype),
        kl.Dense(128, activation="relu", dtype=dtype),
    ]
