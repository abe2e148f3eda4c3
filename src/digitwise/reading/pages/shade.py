"""The one shade of grey in which the inks of a page stand out most from its paper."""

from __future__ import annotations

import numpy as np
from PIL import Image

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.pages.shrink import stretched

SAMPLED_SIDE = 700  # pixels: enough of every pen is met
BLUR_CELLS = 9  # width of the window, in cells, in which the paper's colour is the median
CELL = 8  # pixels


def shade_of(picture: UInt8, paper: Mask) -> Float32:
    """Mix the channels by how much ink darkens (or lightens) each of them.

    Uneven light scales all mixtures alike, so it can be divided out afterwards. A mixture with negative weights
    could not be divided, so channels on which ink goes the other way are left out.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
    paper : ndarray of bool, shape (rows, columns)
        A small map of the paper.

    Returns
    -------
    ndarray of float32, shape (h, w)
        0 to 255.
    """
    if picture.ndim == 2:
        return picture.astype(np.float32)
    step = -(-max(picture.shape[:2]) // SAMPLED_SIDE)
    weights = _weights(picture[::step, ::step], paper)
    return np.asarray(picture.astype(np.float32) @ weights, np.float32)


def _weights(sample: UInt8, paper: Mask) -> Float32:
    """One weight a channel, float32 (3,), summing to one."""
    change = _change(sample)[stretched(paper, sample.shape[:2])]  # (k, 3)
    if not len(change):
        return np.full(3, 1 / 3, np.float32)
    size = np.abs(change).sum(axis=1)
    strongest = change[size >= 0.5 * np.quantile(size, 0.998)]
    # The second moment about 0, not the mean: two pens of different colours share the line between them.
    line = np.linalg.eigh(strongest.T @ strongest)[1][:, -1]
    weights = max(np.maximum(line, 0), np.maximum(-line, 0), key=lambda side: float(np.sum(side**2)))
    return np.asarray(weights / weights.sum(), np.float32)


def _change(sample: UInt8) -> Float32:
    """How each channel differs from the paper about it, relative to it, float32 (h, w, 3)."""
    from scipy.ndimage import median_filter

    height, width = sample.shape[:2]
    size = (max(1, width // CELL), max(1, height // CELL))
    coarse = np.asarray(Image.fromarray(sample).resize(size, Image.Resampling.BOX))
    calm = median_filter(coarse, size=(BLUR_CELLS, BLUR_CELLS, 1), mode="nearest")
    around = np.asarray(Image.fromarray(calm).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    return np.asarray((sample - around) / (around + 16), np.float32)
