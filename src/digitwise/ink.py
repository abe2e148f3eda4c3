"""Ink on paper: which of two shades is the ink, where it lies, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.repair import sharpened, without_impulses, without_noise

RIM = 0.02  # share of the shorter side that counts as the border, where the paper is looked for
STROKE = 0.4  # share of the shorter side that no stroke of a single digit is wide
CLEAR = 3.0  # times that one side of the paper's shade reaches further than the other, to be the ink's without doubt
BAND = 0.2  # share of a side from which a band of another shade may be paper of its own, and not a stroke
EDGE = 0.6  # share of the lines that jump at the same place, where such a band begins
FAINTEST = 7.0  # grey levels: a contrast below this is none
SUREST = 3.6  # times the paper's own spread that ink stands above it; noise parted in two by its level has 2.7
WEAK = 0.45  # of the level that parts ink from paper: what hangs together with ink counts as ink from here
EIGHT = np.ones((3, 3), bool)  # a pixel's neighbourhood, corners included


@dataclass(frozen=True, eq=False)
class Ink:
    """How much ink lies on each pixel.

    Parameters
    ----------
    amount : ndarray of float32, shape (h, w)
        0 for paper, 1 in the middle of a stroke; noise and uneven light taken away.
    mask : ndarray of bool, shape (h, w)
        Where there is ink.
    """

    amount: Float32
    mask: Mask


def find_ink(picture: UInt8) -> Ink | None:
    """Find the ink of a small picture, such as that of one digit, whatever is light and whatever is dark.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
        Of about a hundred pixels a side at most.

    Returns
    -------
    Ink or None
        None where there is nothing but paper.
    """
    above = _above_paper(_one_shade(without_impulses(contrast_of(picture))))
    contrast = max(quantile(above, 0.98), 1.0)
    above = sharpened(without_noise(above, contrast), contrast)
    level = otsu(above)
    mask = above >= level
    paper = above[~mask]
    if not paper.size or paper.size == mask.size:
        return None
    base = quantile(paper, 0.5)
    spread = 1.48 * quantile(np.abs(paper - base), 0.5)
    strength = float(above[mask].mean()) - base
    if strength < max(FAINTEST, SUREST * spread):
        return None
    weak = above >= base + max(WEAK * (level - base), 2 * spread)
    low = base + max(0.12 * strength, 1.5 * spread)
    amount = np.clip((above - low) / (base + 0.95 * strength - low), 0, 1)
    return Ink(amount, _reached(weak, mask))


def contrast_of(picture: UInt8) -> Float32:
    """One number a pixel that tells ink from paper best, float32 (h, w), in grey levels; paper is near 0.

    A grey picture (h, w) loses its border's median. Of colours (h, w, 3) the difference to the border's colour is
    taken along the line on which the most different pixels lie: blue on yellow and red on green are told apart as
    well as black on white.
    """
    values = picture.astype(np.float32)
    if values.ndim == 2:
        return np.asarray(values - quantile(rim(values), 0.5))
    values -= np.median(rim(values), axis=0)
    flat = values.reshape(-1, 3)
    far = np.abs(flat).sum(axis=1)
    strongest = flat[far >= quantile(far, 0.95)]
    line = np.linalg.eigh(strongest.T @ strongest)[1][:, -1]  # the last is of the largest eigenvalue
    line *= np.sign(line.sum()) or 1.0  # lighter stays lighter
    return np.asarray(values @ (line / np.abs(line).sum()).astype(np.float32))


def rim(values: Float32) -> Float32:
    """The pixels along the border, (k,) or (k, 3)."""
    wide = max(1, round(RIM * min(values.shape[:2])))
    colours = values.shape[2:]
    sides = (values[:wide], values[-wide:], values[wide:-wide, :wide], values[wide:-wide, -wide:])
    return np.concatenate([side.reshape(-1, *colours) for side in sides])


def quantile(values: Float32, share: float) -> float:
    """The value below which a share of the values lies, not interpolated; on few values sorting is fastest."""
    return float(np.sort(values, axis=None)[min(int(share * values.size), values.size - 1)])


def otsu(values: Float32) -> float:
    """The level that parts values into two kinds of least spread.

    References
    ----------
    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 9 (1979).
    """
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return high + 1.0
    steps = np.minimum((values - low) * (256 / (high - low)), 255).astype(np.intp)
    counts = np.bincount(steps.ravel(), minlength=256)
    below = np.cumsum(counts)[:-1].astype(np.float64)
    mass = np.cumsum(counts * np.arange(256))[:-1].astype(np.float64)
    n, total = values.size, float(mass[-1] + counts[-1] * 255)
    between = (total * below - n * mass) ** 2 / (below * (n - below))  # both kinds have a pixel at every level
    return low + (int(between.argmax()) + 1) * (high - low) / 256


def _one_shade(values: Float32) -> Float32:
    """Bring bands of another shade, as beyond a paper's edge, to the shade of the rest, ink up in each."""
    limit = 0.5 * float(values.max() - values.min())
    for axis in (0, 1):
        steps = np.abs(values[1:] - values[:-1] if axis == 0 else values[:, 1:] - values[:, :-1]) > limit
        share = np.count_nonzero(steps, axis=1 - axis) / values.shape[1 - axis]
        edges = np.flatnonzero(share > EDGE) + 1
        if not edges.size or np.diff([0, *edges, values.shape[axis]]).min() < BAND * values.shape[axis]:
            continue
        values = np.concatenate([_ink_up(band) for band in np.split(values, edges, axis=axis)], axis=axis)
    return values


def _ink_up(band: Float32) -> Float32:
    """A band with its paper at 0 and its ink above."""
    band = band - quantile(band, 0.5)
    return band if band.max() >= -band.min() else -band


def _above_paper(values: Float32) -> Float32:
    """How far each pixel stands above the paper near it, on the side where the ink is.

    Where the shades do not tell which side that is, it is the one whose strokes keep away from the border.
    """
    paper, lowest, highest = quantile(rim(values), 0.5), quantile(values, 0.02), quantile(values, 0.98)
    darker, lighter = paper - lowest, highest - paper
    if lighter > CLEAR * darker:
        return _strokes(values)
    if darker > CLEAR * lighter:
        return _strokes(-values)
    either = (_strokes(values), _strokes(-values))
    return max(either, key=lambda strokes: quantile(strokes, 0.98) - 2 * float(rim(strokes).mean()))


def _strokes(values: Float32) -> Float32:
    """What stands out of the ground and is no wider than a stroke (a white top-hat)."""
    from scipy.ndimage import grey_opening

    size = max(3, round(STROKE * min(values.shape)))
    return np.asarray(values - grey_opening(values, size=size, mode="nearest"))


def _reached(weak: Mask, sure: Mask) -> Mask:
    """The pieces of weak ink that hold some sure ink: faint ends of strokes stay, faint dirt goes."""
    from scipy.ndimage import label

    names, count = label(weak, EIGHT)
    held = np.zeros(count + 1, bool)
    held[names[sure]] = True
    held[0] = False
    return np.asarray(held[names])
