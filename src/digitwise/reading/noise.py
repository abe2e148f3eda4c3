"""How noisy the paper is from place to place: what ink has to stand out of."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Mask
from digitwise.reading.light import continued
from digitwise.reading.shrink import cells

WINDOW = 0.15  # share of the shorter side about a place in which its noise is looked for
QUIET = 30  # percentile of the cells' spread about a place that are taken to hold no ink
LEAST_NOISE = 0.006  # a scan without noise still has steps of grey


def noise_of(contrast: Float32, cell: int, on_paper: Mask) -> Float32:
    """Measure the spread of the paper about each cell.

    Parameters
    ----------
    contrast : ndarray of float32, shape (h, w)
        As it will be compared with the noise: smoothing leaves less of the camera's noise, but all of a texture.
    cell : int
        Side of a cell, pixels.
    on_paper : ndarray of bool, shape (rows, columns)
        Which cells are on the paper.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    from scipy.ndimage import gaussian_filter, percentile_filter

    spread = continued(cells(contrast, cell).std(axis=(1, 3)), on_paper)
    # Every other cell is enough of them.
    window = max(3, round(WINDOW * min(spread.shape) / 2)) | 1
    quiet = percentile_filter(spread[::2, ::2], QUIET, size=window, mode="nearest")
    quiet = gaussian_filter(quiet, window / 8, mode="nearest").repeat(2, axis=0).repeat(2, axis=1)
    return np.maximum(quiet[: spread.shape[0], : spread.shape[1]], LEAST_NOISE)
