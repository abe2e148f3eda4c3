"""Faults that a camera, a scanner or a bad line leaves in an image, taken out as far as they can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from digitwise.images import Float32, Mask

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
    values : ndarray of float32, shape (n, h, w)

    Returns
    -------
    ndarray of float32, shape (n, h, w)

    References
    ----------
    T. Sun, Y. Neuvo, Detail-preserving median based filters in image processing, Pattern Recognition Letters 15 (1994).
    """
    limit = IMPULSE * (values.max(axis=(1, 2)) - values.min(axis=(1, 2)))[:, None, None]
    second_highest, second_lowest = _all_but_one(values)
    high, low = values > second_highest + limit, values < second_lowest - limit
    fixed = np.where(high, second_highest, np.where(low, second_lowest, values))
    many = np.count_nonzero(high | low, axis=(1, 2)) > MANY * values[0].size
    if many.any():
        from scipy.ndimage import median_filter

        fixed[many] = median_filter(fixed[many], footprint=CROSS[None], mode="nearest")
    return fixed


def _all_but_one(values: Float32) -> tuple[Float32, Float32]:
    """The second highest and the second lowest of each pixel's eight neighbours, (n, h, w) each."""
    h, w = values.shape[1:]
    wide = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = [wide[:, i : i + h, j : j + w] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    high, second_high = np.maximum(around[0], around[1]), np.minimum(around[0], around[1])
    low, second_low = second_high, high
    for other in around[2:]:
        second_high = np.maximum(second_high, np.minimum(high, other))
        high = np.maximum(high, other)
        second_low = np.minimum(second_low, np.maximum(low, other))
        low = np.minimum(low, other)
    return second_high, second_low


def without_noise(values: Float32, contrast: Float32) -> Float32:
    """Look through noise with a blur, the wider the more noise there is; clean images pass unchanged.

    The noise is what a pixel differs from the mean of its four neighbours by, in the median over all pixels: few of
    them lie on edges.

    Parameters
    ----------
    values : ndarray of float32, shape (n, h, w)
        At least 3 pixels a side.
    contrast : ndarray of float32, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, h, w)
    """
    beside = values[:, :-2, 1:-1] + values[:, 2:, 1:-1] + values[:, 1:-1, :-2] + values[:, 1:-1, 2:]
    rough = np.abs(values[:, 1:-1, 1:-1] * 4 - beside).reshape(len(values), -1)
    noise = 1.48 * np.sort(rough, axis=1)[:, rough.shape[1] // 2] / 20**0.5  # 20 = 4² + 4 · 1²
    sigma = np.select([noise >= share * contrast for share, _ in NOISE], [sigma for _, sigma in NOISE], 0.0)
    return _each(values, sigma > 0, lambda image, place: _blurred(image, float(sigma[place])))


def sharpened(values: Float32, contrast: Float32) -> Float32:
    """Undo some of a blur where even the steepest edges are soft, so that closed loops open again.

    Parameters
    ----------
    values : ndarray of float32, shape (n, h, w)
    contrast : ndarray of float32, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, h, w)
    """
    n, scale = len(values), min(values.shape[1:]) / TYPICAL
    steps = (np.abs(np.diff(values, axis=axis)).reshape(n, -1) for axis in (1, 2))
    steepest = np.maximum(*(np.sort(each, axis=1)[:, int(0.98 * each.shape[1])] for each in steps))
    soft = steepest * scale <= SOFT * contrast
    return _each(values, soft, lambda image, _: np.maximum(image + SHARPER * (image - _blurred(image, 2 * scale)), 0))


def _each(values: Float32, chosen: Mask, change: Callable[[Float32, int], Float32]) -> Float32:
    """The images with those chosen changed, one by one: there are few."""
    if not chosen.any():
        return values
    values = values.copy()
    for place in np.flatnonzero(chosen).tolist():
        values[place] = change(values[place], place)
    return values


def _blurred(image: Float32, sigma: float) -> Float32:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, sigma))
