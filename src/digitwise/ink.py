"""Ink on paper: which of two colours is the ink, where it lies, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8

RIM = 0.02  # share of the shorter side that counts as the border, where the paper is looked for
PATCH = 0.15  # share of a side from which a band of another shade may be paper of its own, and not a stroke
STROKE = 0.45  # share of the shorter side that no stroke of a single digit is wide
IMPULSE = 0.25  # share of the contrast by which a pixel stands out of all its neighbours, to be a fault
FAINTEST = 7.0  # grey levels: a contrast below this is none
SUREST = 4.0  # how many times the paper's own spread ink stands above it, at least
SMOOTHED = 0.8  # pixels, standard deviation: what noise is looked through


@dataclass(frozen=True, eq=False)
class Ink:
    """How much ink lies on each pixel.

    Parameters
    ----------
    amount : ndarray of float32, shape (h, w)
        0 for paper, about 1 in the middle of a stroke; noise and uneven light taken away.
    mask : ndarray of bool, shape (h, w)
        Where there is ink.
    """

    amount: Float32
    mask: Mask


def contrast_of(picture: UInt8) -> Float32:
    """One number a pixel that tells ink from paper best, float32 (h, w), in grey levels; paper is near 0.

    A grey picture (h, w) loses its border's median. Of colours (h, w, 3) the difference to the border's colour is
    taken along the line on which the most different pixels lie: blue on yellow and red on green are told apart as
    well as black on white.
    """
    values = picture.astype(np.float32)
    paper = np.median(rim(values), axis=0)
    values -= paper
    if values.ndim == 2:
        return values
    flat = values.reshape(-1, 3)
    far = np.abs(flat).sum(axis=1)
    strongest = flat[far >= np.quantile(far[:: max(1, len(far) // 20_000)], 0.95)]
    line = np.linalg.eigh(strongest.T @ strongest)[1][:, -1]  # the last is of the largest eigenvalue
    line *= np.sign(line.sum()) or 1.0  # lighter stays lighter
    return np.asarray(values @ (line / np.abs(line).sum()).astype(np.float32))


def rim(values: Float32) -> Float32:
    """The pixels along the border, (k,) or (k, 3)."""
    wide = max(1, round(RIM * min(values.shape[:2])))
    colours = values.shape[2:]
    sides = (values[:wide], values[-wide:], values[wide:-wide, :wide], values[wide:-wide, -wide:])
    return np.concatenate([side.reshape(-1, *colours) for side in sides])


def find_ink(picture: UInt8) -> Ink | None:
    """Find the ink of a small picture, such as that of one digit, whatever is light and whatever is dark.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
        At most some hundred pixels a side: the work grows with the area times nothing, the windows with the side.

    Returns
    -------
    Ink or None
        None where there is nothing but paper.
    """
    from scipy.ndimage import gaussian_filter

    values = without_impulses(contrast_of(picture))
    above = _above_paper(values)
    level = otsu(above)
    paper = above[above < level]
    if not paper.size or paper.size == above.size:
        return None
    spread = float(paper.std())
    mask = above >= level
    strength = float(above[mask].mean()) - float(paper.mean())
    if strength < 3 * spread:  # noisy: look again through a blur
        above = gaussian_filter(above, SMOOTHED)
        level = otsu(above)
        mask = above >= level
        paper = above[~mask]
        spread = float(paper.std())
        strength = float(above[mask].mean()) - float(paper.mean())
    if strength < FAINTEST or strength < SUREST * 0.6 * spread:
        return None
    low, high = float(paper.mean()) + 0.15 * strength, float(paper.mean()) + 0.95 * strength
    amount = np.clip((above - low) / (high - low), 0, 1)
    return Ink(amount, mask)


def without_impulses(values: Float32) -> Float32:
    """Take out single pixels that stand out of nearly all their neighbours: salt, pepper, hot pixels.

    The end of a stroke has two neighbours of its own kind, a pixel of a thin line too.
    """
    from scipy.ndimage import rank_filter

    if min(values.shape) < 3:
        return values
    contrast = float(values.max() - values.min()) * IMPULSE
    second_highest = rank_filter(values, -3, size=3, mode="nearest")
    second_lowest = rank_filter(values, 2, size=3, mode="nearest")
    hit = (values > second_highest + contrast) | (values < second_lowest - contrast)
    if not hit.any():
        return values
    from scipy.ndimage import median_filter

    # of the others
    kept = np.where(hit, np.nan, values)
    filled = median_filter(values, size=3, mode="nearest")
    return np.where(hit, filled, values)


def _above_paper(values: Float32) -> Float32:
    """How far each pixel stands above the paper near it, on the side where the ink is."""
    from scipy.ndimage import gaussian_filter, grey_opening

    flat = _one_shade(values)
    up = flat if _ink_is_light(flat) else -flat
    size = max(3, round(STROKE * min(up.shape)))
    paper = grey_opening(gaussian_filter(up, 1.0), size=size, mode="nearest")
    paper = gaussian_filter(paper, size / 4, mode="nearest")
    return np.asarray(up - paper, np.float32)


def _ink_is_light(values: Float32) -> bool:
    """Whether the ink is lighter than the paper, which is what lies along the border."""
    paper = np.median(rim(values))
    lowest, highest = np.quantile(values, [0.02, 0.98])
    return bool(highest - paper >= paper - lowest)


def _one_shade(values: Float32) -> Float32:
    """Bring bands of another shade, as behind a paper's edge, to the shade of the rest."""
    for axis in (0, 1):
        side = values.shape[axis]
        if side < 8:
            continue
        steps = np.diff(values, axis=axis)
        size = 0.5 * (values.max() - values.min())
        share = (np.abs(steps) > size).mean(axis=1 - axis)
        edges = [0, *(np.flatnonzero(share > 0.85) + 1), side]
        if len(edges) == 2:
            continue
        if np.diff(edges).min() < PATCH * side:
            continue
        bands = []
        for start, stop in zip(edges, edges[1:]):
            band = values[start:stop] if axis == 0 else values[:, start:stop]
            band = band - np.median(band)
            low, high = band.min(), band.max()
            bands.append(band if high >= -low else -band)
        values = np.concatenate(bands, axis=axis)
    return values


def otsu(values: Float32) -> float:
    """The level that parts values into two kinds of least spread.

    References
    ----------
    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 9 (1979).
    """
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return high + 1.0
    places = ((values - low) * (255 / (high - low))).astype(np.intp)
    counts = np.bincount(places.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    mass = np.cumsum(counts * np.arange(256))
    n, total = below[-1], mass[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (total * below - n * mass) ** 2 / (below * (n - below))
    best = int(np.nanargmax(between[:-1]))
    return low + (best + 1) * (high - low) / 255
