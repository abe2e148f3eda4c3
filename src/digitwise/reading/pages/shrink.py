"""Pictures brought to the size that is worked at, and small maps brought back to it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from digitwise.images import Float32, Mask, UInt8

WORKING_SIDE = 2000  # pixels: a page of 60 lines still has strokes of two pixels and digits of twenty


def to_working_size(picture: UInt8, side: int = WORKING_SIDE) -> tuple[UInt8, float]:
    """Shrink a picture whose longer side is above ``side``.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
    side : int
        Pixels.

    Returns
    -------
    (ndarray of uint8, float)
        The picture, and its pixels for one pixel of the original, at most 1.
    """
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Whole-number reduction first is several times faster, and a box is what a coarser sensor would have summed.
    shrunk = Image.fromarray(picture).resize(size, Image.Resampling.BOX, reducing_gap=1.5)
    return np.asarray(shrunk), scale


def cells(values: Float32, size: int) -> Float32:
    """Cut (h, w) into square cells, edges repeated to fill the last ones: (rows, size, columns, size)."""
    height, width = values.shape
    padded = np.pad(values, ((0, -height % size), (0, -width % size)), mode="edge")
    return padded.reshape(padded.shape[0] // size, size, padded.shape[1] // size, size)


def spread_out(coarse: Float32, size: int, shape: tuple[int, int]) -> Float32:
    """Interpolate one value a cell of ``size`` pixels to every pixel, float32 of ``shape`` (h, w)."""
    rows, columns = coarse.shape
    image = Image.fromarray(np.ascontiguousarray(coarse, np.float32))
    large = image.resize((columns * size, rows * size), Image.Resampling.BILINEAR)
    return np.asarray(large)[: shape[0], : shape[1]]


def stretched(mask: Mask, shape: tuple[int, int]) -> Mask:
    """The nearest pixel's value of a small mask for every pixel of ``shape`` (h, w)."""
    rows = np.minimum((np.arange(shape[0]) + 0.5) * (mask.shape[0] / shape[0]), mask.shape[0] - 1).astype(np.intp)
    columns = np.minimum((np.arange(shape[1]) + 0.5) * (mask.shape[1] / shape[1]), mask.shape[1] - 1).astype(np.intp)
    return np.asarray(mask[rows][:, columns])
