"""Many pictures moved at once, each by an affine map of its own."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Float64, UInt8


def warped(images: UInt8, maps: Float64, shifts: Float64 | None = None) -> UInt8:
    """Move pictures about their middle, bilinearly; outside is 0.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w)
    maps : ndarray of float64, shape (n, 2, 2)
        What places (x, y), counted from the middle, are multiplied by.
    shifts : ndarray of float64, shape (n, 2), optional
        What is added to them then, in pixels.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
    """
    n, height, width = images.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    y, x = np.mgrid[:height, :width]
    places = np.stack([x.ravel(), y.ravel()]) - middle[:, None]  # (2, h * w)
    if shifts is not None:
        places = places[None] - shifts[:, :, None]
    source = np.linalg.inv(maps) @ places + middle[:, None] + 1  # (n, 2, h * w), in pictures with a rim of 0
    source = np.clip(source, 0, [[width + 1 - 1e-6], [height + 1 - 1e-6]])
    whole = source.astype(np.intp)
    right, down = np.moveaxis((source - whole).astype(np.float32), 1, 0)  # (n, h * w)
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2))).reshape(-1)
    stride = width + 3
    start = (np.arange(n) * (height + 3) * stride)[:, None] + whole[:, 1] * stride + whole[:, 0]

    def at(step: int) -> Float32:
        return np.asarray(padded[start + step], np.float32)

    upper = at(0) * (1 - right) + at(1) * right
    lower = at(stride) * (1 - right) + at(stride + 1) * right
    mixed = np.rint(upper * (1 - down) + lower * down)
    return np.asarray(mixed, np.uint8).reshape(images.shape)
