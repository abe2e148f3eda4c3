"""Ink on paper: which of two shades is the ink, where it lies, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.normalize.repair import sharpened, without_impulses, without_noise

RING = 0.06  # share of the shorter side by which the ring lies within the border that tells paper from ink
STROKE = 0.4  # share of the longer side that no stroke of a single digit is wide
NARROWER = (0.12, 0.2, 0.28)  # shares tried in uneven light
WHOLE = 0.8  # of the contrast, that is left where strokes are
CLEAR = 3.0  # times that one side of the paper's shade reaches further than the other, to be the ink's without doubt
BAND = 0.2  # share of a side from which a band of another shade may be paper of its own, and not a stroke
EDGE = 0.6  # share of the lines that jump at the same place, where such a band begins
SMALLEST = 3  # pixels a side: below this there is nothing to tell ink from paper by
FAINTEST = 7.0  # grey levels: a contrast below this is none
SUREST = 3.6  # times the paper's own spread that ink stands above it; noise parted in two by its level has 2.7
WEAK = 0.45  # of the level that parts ink from paper: what hangs together with ink counts as ink from here
FLAT = 0.05  # of the contrast: what the middle half of the pixels differ by on even paper
LEVEL = 0.4  # share of the variance that is left where light that grows evenly was most of it
INK, SOME_INK = 0.6, 0.25  # shares of a piece at the border that stand out of what lies beyond: all ink, partly ink
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
    if min(picture.shape[:2]) < SMALLEST:
        return None
    values, width = _ink_light(_even(without_impulses(contrast_of(picture))))
    above = _strokes(values, width)
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
    mask = _without_shade(_reached(weak, mask), values, width, 0.5 * (level - base))
    return Ink(amount, mask) if mask.any() else None


def contrast_of(picture: UInt8) -> Float32:
    """One number a pixel that tells ink from paper best, float32 (h, w), in grey levels; paper is near 0.

    A grey picture (h, w) loses its median: less than half is ink. Of colours (h, w, 3) the difference to the median
    colour is taken along the line on which the most different pixels lie: blue on yellow and red on green are told
    apart as well as black on white.
    """
    values = picture.astype(np.float32)
    if values.ndim == 2:
        return np.asarray(values - quantile(values, 0.5))
    values -= np.median(values, axis=(0, 1))
    flat = values.reshape(-1, 3)
    far = np.abs(flat).sum(axis=1)
    strongest = flat[far >= quantile(far, 0.95)]
    line = np.linalg.eigh(strongest.T @ strongest)[1][:, -1]  # the last is of the largest eigenvalue
    line *= np.sign(line.sum()) or 1.0  # lighter stays lighter
    return np.asarray(values @ (line / np.abs(line).sum()).astype(np.float32))


def ring(values: Float32) -> Float32:
    """The pixels a little inside the border, where a form's frame is not any more and a digit seldom is, (k,)."""
    deep = max(1, round(RING * min(values.shape)))
    inner = values[deep:-deep, deep:-deep] if min(values.shape) > 2 * deep + 2 else values
    return np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])


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


def _level(values: Float32) -> Float32:
    """Take away light that grows from one side to the other, where that is most of what there is to see."""
    level = values
    for axis in (0, 1):
        half = max(1, values.shape[axis] // 2)
        medians = np.sort(values, axis=1 - axis).take(values.shape[1 - axis] // 2, axis=1 - axis)
        places = np.arange(len(medians), dtype=np.float32)
        if len(medians) > half:
            slope = quantile(medians[half:] - medians[:-half], 0.5) / half
            level = level - slope * (places[:, None] if axis == 0 else places)
    return level if level.var() < LEVEL * values.var() else values


def _even(values: Float32) -> Float32:
    """The same on paper of one shade, under light that does not grow to one side; most pictures are so already."""
    ordered = np.sort(values, axis=None)
    middle = ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]
    return values if middle < FLAT * (ordered[-1] - ordered[0]) else _level(_one_shade(values))


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


def _ink_light(values: Float32) -> tuple[Float32, int]:
    """The values turned so that ink is lighter than paper, and how wide strokes may be, in pixels.

    In uneven light the shades alone do not tell which is the ink; then it is what keeps away from the border. There
    the width is the narrowest that leaves strokes whole: shadows and fog are wider, and go.
    """
    paper, lowest, highest = quantile(values, 0.5), quantile(values, 0.02), quantile(values, 0.98)
    darker, lighter = paper - lowest, highest - paper
    if lighter > CLEAR * darker:
        return values, _pixels(STROKE, values)
    if darker > CLEAR * lighter:
        return -values, _pixels(STROKE, values)
    either = [(turned, _narrowest(turned)) for turned in (values, -values)]
    narrow = min(width for _, width in either)  # what lies between strokes is wider than they are
    return max(either, key=lambda each: _keeps_away(_strokes(each[0], narrow)))


def _keeps_away(strokes: Float32) -> float:
    """How strong strokes are, less what of them lies along the border; paper may stand above a ground with specks."""
    paper = quantile(strokes, 0.5)
    return quantile(strokes, 0.98) - paper - 2 * float(np.maximum(ring(strokes) - paper, 0).mean())


def _narrowest(values: Float32) -> int:
    """How wide light strokes are, some more for blots and crossings, in pixels."""
    enough = WHOLE * quantile(_strokes(values, _pixels(STROKE, values)), 0.98)
    whole = (share for share in NARROWER if quantile(_strokes(values, _pixels(share, values)), 0.98) > enough)
    return _pixels(min(1.4 * next(whole, STROKE), STROKE), values)


def _pixels(share: float, values: Float32) -> int:
    return max(3, int(share * max(values.shape) + 0.5))


def _strokes(values: Float32, size: int) -> Float32:
    """What stands out of the ground and is narrower than ``size`` pixels (a white top-hat)."""
    from scipy.ndimage import grey_opening

    return np.asarray(values - grey_opening(values, size=size, mode="nearest"))


def _without_shade(mask: Mask, values: Float32, width: int, level: float) -> Mask:
    """Leave out pieces at the border that are no ink but light that goes on beyond it, as a shadow's end does."""
    if not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()):
        return mask
    from scipy.ndimage import label

    beyond = width // 2 + 1
    pad = [(min(beyond, side - 1),) * 2 for side in values.shape]
    going_on = np.pad(values, pad, mode="reflect", reflect_type="odd")
    inner = tuple(slice(before, before + side) for (before, _), side in zip(pad, values.shape, strict=True))
    stands_out = mask & (_strokes(going_on, width)[inner] >= level)
    names, count = label(mask, EIGHT)
    share = np.bincount(names[stands_out], minlength=count + 1) / np.bincount(names.ravel(), minlength=count + 1)
    return np.asarray(mask & ((share >= INK)[names] | (stands_out & (share >= SOME_INK)[names])))


def _reached(weak: Mask, sure: Mask) -> Mask:
    """The pieces of weak ink that hold some sure ink: faint ends of strokes stay, faint dirt goes."""
    from scipy.ndimage import label

    names, count = label(weak, EIGHT)
    held = np.zeros(count + 1, bool)
    held[names[sure]] = True
    held[0] = False
    return np.asarray(held[names])
