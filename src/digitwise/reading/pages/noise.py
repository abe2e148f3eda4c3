"""How noisy the paper is from place to place: what ink has to stand out of."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Mask
from digitwise.reading.pages.light import continued
from digitwise.reading.pages.shrink import cells

WINDOW = 0.15  # share of the shorter side about a place in which its noise is looked for
QUIET = 30  # percentile of the cells' spread about a place that are taken to hold no ink
LARGER = 9  # pixels: the side of a block of cells, at least
WIDE_WINDOW = 0.5  # as WINDOW, for blocks
QUIETEST = 10  # as QUIET, for blocks
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
    fine = _quiet(contrast, cell, on_paper, WINDOW, QUIET)
    # Grain as large as a cell, such as a carpet's, is seen across several; ink is in more of these, so fewer count.
    blocks = max(2, -(-LARGER // cell))
    coarse = _quiet(contrast, blocks * cell, on_paper[::blocks, ::blocks], WIDE_WINDOW, QUIETEST)
    coarse = coarse.repeat(blocks, axis=0).repeat(blocks, axis=1)[: fine.shape[0], : fine.shape[1]]
    return np.maximum(np.maximum(fine, coarse), LEAST_NOISE)


def _quiet(contrast: Float32, cell: int, on_paper: Mask, share: float, percentile: float) -> Float32:
    """The spread within the quieter cells in a window about each, float32 (rows, columns)."""
    from scipy.ndimage import gaussian_filter, percentile_filter

    spread = continued(cells(contrast, cell).std(axis=(1, 3)), on_paper)
    # Every other cell is enough of them.
    window = max(3, round(share * min(spread.shape) / 2)) | 1
    quiet = percentile_filter(spread[::2, ::2], percentile, size=window, mode="nearest")
    quiet = gaussian_filter(quiet, window / 8, mode="nearest").repeat(2, axis=0).repeat(2, axis=1)
    return np.asarray(quiet[: spread.shape[0], : spread.shape[1]])
