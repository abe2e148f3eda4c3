"""The fastest network: two convolutions, the first strided and pooled, and one hidden layer; 107,000 parameters.

16 channels are one vector register.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; below 28 pixels a side the borders are padded, else little would be left.

    One normalisation, where it is cheap and the learning rate needs it most.
    """
    padding = "valid" if side >= 28 else "same"
    return [
        kl.Conv2D(16, 5, strides=2, padding=padding, activation="relu", dtype=dtype),  # 28x28: (12, 12, 16)
        kl.MaxPooling2D(dtype=dtype),  # (6, 6, 16)
        kl.Conv2D(48, 3, padding=padding, use_bias=False, dtype=dtype),  # (4, 4, 48)
        batch_norm(dtype=dtype),
        kl.ReLU(dtype=dtype),
        kl.Flatten(dtype=dtype),
        kl.Dense(128, activation="relu", dtype=dtype),
    ]
