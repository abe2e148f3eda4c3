"""The network of the bundled model: the compact one with fewer channels where they cost most, to read faster.

122,000 parameters at 28x28.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers as kl

from digitwise.models.compact_cnn import strided

CHANNELS = (32, 48, 64, 128)


def layers(*, side: int, dtype: str, batch_norm: Callable[..., Any]) -> list[kl.Layer]:
    """The layers between input and softmax; below 28 pixels a side the borders are padded, else little is left."""
    return strided(CHANNELS, side=side, dtype=dtype, batch_norm=batch_norm)
