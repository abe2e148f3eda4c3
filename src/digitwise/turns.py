"""What can be done to images that lie wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError

UInt8 = NDArray[np.uint8]

# In Pillow's words; rotations are counter-clockwise.
TURNS: dict[str, Callable[[UInt8], UInt8]] = {
    "rotate-90": lambda images: np.rot90(images, 1, axes=(1, 2)),
    "rotate-180": lambda images: images[:, ::-1, ::-1],
    "rotate-270": lambda images: np.rot90(images, -1, axes=(1, 2)),
    "mirror": lambda images: images[:, :, ::-1],
    "flip": lambda images: images[:, ::-1],
    "transpose": lambda images: images.swapaxes(1, 2),
    "transverse": lambda images: images[:, ::-1, ::-1].swapaxes(1, 2),
}


def turn_of(name: str) -> Callable[[UInt8], UInt8]:
    """One of :data:`TURNS`.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    if name not in TURNS:
        wanted = f"one of {', '.join(TURNS)}"
        raise DataError(f"turn: expected {wanted}, got {name!r}", argument="turn", expected=wanted, got=name)
    return TURNS[name]
