"""Faults that a camera, a scanner or a bad line leaves in a picture, taken out as far as they can be."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32

IMPULSE = 0.25  # share of the contrast by which a pixel stands out of all its neighbours but one, to be a fault
MANY = 0.04  # share of such pixels from which those that lie together are looked for too
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)  # a neighbourhood in which thin strokes hold the majority
NOISE = ((0.12, 1.0), (0.04, 0.7))  # noise from this share of the contrast on is looked through so wide a blur
SOFT = 0.3  # of the contrast: an edge that rises by less over a 28th of the side is out of focus
SHARPER = 1.5  # how much of what a blur takes away is put back
TYPICAL = 28  # pixels a side for which the widths of blurs are given


def without_impulses(values: Float32) -> Float32:
    """Take out pixels that stand out of nearly all their neighbours: salt, pepper, hot pixels, dust.

    The end of a stroke has two neighbours of its own kind, and so has each pixel of a thin line; these stay.

    Parameters
    ----------
    values : ndarray of float32, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (h, w)

    References
    ----------
    T. Sun, Y. Neuvo, Detail-preserving median based filters in image processing, Pattern Recognition Letters 15 (1994).
    """
    limit = float(values.max() - values.min()) * IMPULSE
    if min(values.shape) < 3 or not limit:
        return values
    second_highest, second_lowest = _all_but_one(values)
    high, low = values > second_highest + limit, values < second_lowest - limit
    share = (np.count_nonzero(high) + np.count_nonzero(low)) / values.size
    if not share:
        return values
    mended = np.where(high, second_highest, np.where(low, second_lowest, values))
    if share <= MANY:
        return mended
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(mended, footprint=CROSS, mode="nearest"))


def _all_but_one(values: Float32) -> tuple[Float32, Float32]:
    """The second highest and the second lowest of each pixel's eight neighbours, (h, w) each."""
    h, w = values.shape
    wide = np.empty((h + 2, w + 2), np.float32)
    wide[1:-1, 1:-1] = values
    wide[0, 1:-1], wide[-1, 1:-1] = values[0], values[-1]
    wide[:, 0], wide[:, -1] = wide[:, 1], wide[:, -2]
    around = [wide[i : i + h, j : j + w] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    high, second_high = np.maximum(around[0], around[1]), np.minimum(around[0], around[1])
    low, second_low = second_high, high
    for other in around[2:]:
        second_high = np.maximum(second_high, np.minimum(high, other))
        high = np.maximum(high, other)
        second_low = np.minimum(second_low, np.maximum(low, other))
        low = np.minimum(low, other)
    return second_high, second_low


def without_noise(values: Float32, contrast: float) -> Float32:
    """Look through noise with a blur, the wider the more noise there is; a clean picture passes unchanged.

    The noise is what a pixel differs from the mean of its four neighbours by, in the median over all pixels: few of
    them lie on edges.
    """
    beside = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    rough = np.abs(values[1:-1, 1:-1] * 4 - beside).ravel()
    if not rough.size:
        return values
    noise = 1.48 * float(np.sort(rough)[rough.size // 2]) / 20**0.5  # 20 = 4² + 4 · 1²
    for share, sigma in NOISE:
        if noise >= share * contrast:
            from scipy.ndimage import gaussian_filter

            return np.asarray(gaussian_filter(values, sigma))
    return values


def sharpened(values: Float32, contrast: float) -> Float32:
    """Undo some of a blur where even the steepest edges are soft, so that closed loops open again."""
    scale = min(values.shape) / TYPICAL
    steps = (np.abs(values[1:] - values[:-1]), np.abs(values[:, 1:] - values[:, :-1]))
    edges = [float(np.sort(each, axis=None)[int(0.98 * each.size)]) for each in steps if each.size]
    steepest = max(edges, default=contrast)  # a single pixel has no edge
    if steepest * scale > SOFT * contrast:
        return values
    from scipy.ndimage import gaussian_filter

    return np.asarray(np.maximum(values + SHARPER * (values - gaussian_filter(values, 2 * scale)), 0))
