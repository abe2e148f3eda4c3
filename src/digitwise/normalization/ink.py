"""Ink in an image: removal of faults by camera and scanner, then the amount of ink of each pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Float64, Int64, Mask, UInt8
from digitwise.normalization.polarity import FAR, STRONG, part, quantile, strokes, turned_light

SMALLEST = 3  # pixels a side: below this there is nothing to tell ink from paper by
FAINTEST = 7.0  # grey levels: a contrast below this is none
SUREST = 3.6  # least contrast of ink in spreads of the paper; noise split in two by a threshold has 2.7
WEAK = 0.45  # of the threshold: pixels connected to ink count as ink from here
CLEAN = 0.02  # share of the pixels of an image of two values that may stand out of their neighbours
THICK = 0.3  # share of the rarer of two values from which the one in fewer pieces is the ink
NEARLY_HALF = 0.4  # share of the rarer kind of pixels from which it is not clear which of them is the ink
BILEVEL = 0.1, 0.85  # of the contrast from either end, and the share of pixels that lie there, in bilevel images
MARGIN = 0.15  # of the longer side: paper laid around these
EIGHT = np.ones((3, 3), bool)  # a pixel's neighbourhood, corners included
WITHIN = np.stack([np.zeros((3, 3), bool), EIGHT, np.zeros((3, 3), bool)])  # the same, of images in a stack
IMPULSE = 0.25  # share of the contrast by which a pixel stands out of all its neighbours but one, to be a fault
MANY = 0.04  # share of such pixels from which those that lie together are looked for too
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)  # a neighbourhood in which thin strokes hold the majority
NOISE = ((0.12, 1.0), (0.04, 0.7))  # noise from this share of the contrast on is looked through so wide a blur
SOFT = 0.3  # of the contrast: an edge that rises by less over a 28th of the side is out of focus
SHARPER = 1.5  # how much of what a blur takes away is put back
TYPICAL = 28  # pixels a side for which the widths of blurs are given


@dataclass(frozen=True, eq=False)
class Ink:
    """How much ink lies on each pixel.

    Parameters
    ----------
    amount : ndarray of float32, shape (h, w)
        0 for paper, 1 in the middle of a stroke; without noise and uneven light.
    mask : ndarray of bool, shape (h, w)
        Where there is ink.
    bilevel : bool
        Whether the image had two values only, as after segmentation; such images are often cut at the ink.
    """

    amount: Float32
    mask: Mask
    bilevel: bool = False


def find_ink(images: UInt8) -> list[Ink | None]:
    """Find the ink of small images, such as those of one digit, of either polarity.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        Of about a hundred pixels a side at most.

    Returns
    -------
    list of Ink or None
        None for an image without ink.

    Notes
    -----
    Bilevel images, as after segmentation, are often cut at the ink. They have no uneven light, and ink that touches
    the border is no shadow, so paper is added around them. With two values only, and no noise, one value is the ink.
    """
    found: list[Ink | None] = [None] * len(images)
    if not len(images) or min(images.shape[1:3]) < SMALLEST:
        return found
    plain = _of_two_values(images)
    for place in np.flatnonzero(plain).tolist():
        mask = _rarer(images[place])
        found[place] = Ink(mask.astype(np.float32), mask, bilevel=True)
    bilevel = _are_bilevel(images)
    margin = max(2, round(MARGIN * max(images.shape[1:3])))
    for places, rim in ((np.flatnonzero(~bilevel & ~plain), 0), (np.flatnonzero(bilevel & ~plain), margin)):
        if len(places):
            part = images if len(places) == len(images) else images[places]
            for place, ink in zip(places.tolist(), _found(part, rim), strict=True):
                found[place] = ink
    return found


def _of_two_values(images: UInt8) -> Mask:
    """Whether each image is grey, has two values, and hardly a pixel that stands out of its neighbours, bool (n,)."""
    if images.ndim != 3:
        return np.zeros(len(images), bool)
    flat = images.reshape(len(images), -1)
    low, high = flat.min(axis=1, keepdims=True), flat.max(axis=1, keepdims=True)
    two = (low != high).ravel() & np.all((flat == low) | (flat == high), axis=1)
    if two.any():
        values = images[two].astype(np.float32)
        changed = np.count_nonzero(without_impulses(values) != values, axis=(1, 2))
        two[two] = changed <= CLEAN * flat.shape[1]
    return np.asarray(two)


def _rarer(image: UInt8) -> Mask:
    """Where an image of two values (h, w) has its ink: what is rarer, or of two halves the one in fewer pieces."""
    from scipy.ndimage import label

    light = image == image.max()
    share = np.count_nonzero(light) / light.size
    if THICK <= share <= 1 - THICK:  # thick strokes, cut at the ink: the paper is in loops and corners
        pieces = label(light, EIGHT)[1], label(~light, EIGHT)[1]
        if pieces[0] != pieces[1]:
            return np.asarray(light if pieces[0] < pieces[1] else ~light)
    return np.asarray(light if share <= 0.5 else ~light)


def _are_bilevel(images: UInt8) -> Mask:
    """Whether each image is one of ink and paper only, as far as it is seen, bool (n,).

    Nearly all its pixels are as dark or as light as any, one kind is clearly the rarer one, and no side is half of that
    kind or more: beyond a paper's edge there is more than ink.
    """
    near, most = BILEVEL
    values = images if images.ndim == 3 else images.mean(axis=3)
    flat = values.reshape(len(values), -1)
    low, high = (each.astype(np.float32)[:, None] for each in (flat.min(axis=1), flat.max(axis=1)))
    ends = (flat <= low + near * (high - low)) | (flat >= high - near * (high - low))
    bilevel = np.count_nonzero(ends, axis=1) > most * flat.shape[1]
    if not bilevel.any():
        return np.asarray(bilevel)
    rarer = values > ((low + high) / 2)[:, None]
    share = rarer.mean(axis=(1, 2))
    rarer ^= (share > 0.5)[:, None, None]
    sides = rarer[:, 0], rarer[:, -1], rarer[:, :, 0], rarer[:, :, -1]
    beyond = np.logical_or.reduce([side.mean(axis=1) >= 0.5 for side in sides])
    return np.asarray(bilevel & (np.minimum(share, 1 - share) < NEARLY_HALF) & ~beyond)


def _in_margin(images: UInt8, rim: int) -> UInt8:
    """Images with ``rim`` pixels of their paper, which is their median, around them."""
    flat = images.reshape(len(images), -1, *images.shape[3:])
    n, height, width = images.shape[:3]
    wide = np.empty((n, height + 2 * rim, width + 2 * rim, *images.shape[3:]), np.uint8)
    wide[:] = np.median(flat, axis=1).astype(np.uint8).reshape(n, 1, 1, *images.shape[3:])
    wide[:, rim : rim + height, rim : rim + width] = images
    return wide


def _found(images: UInt8, rim: int) -> list[Ink | None]:
    """The ink of images, looked for with so many pixels of paper around them."""
    inner = np.s_[rim : rim + images.shape[1], rim : rim + images.shape[2]]
    if rim:
        images = _in_margin(images, rim)
    values, widths = turned_light(without_impulses(contrast_of(images)))
    above = _above_ground(values, widths)
    ordered = np.sort(above.reshape(len(above), -1), axis=1)
    contrast = np.maximum(np.maximum(part(ordered, STRONG), part(ordered, FAR) / 2), 1.0)  # thin ink has the second
    above = sharpened(without_noise(above, contrast), contrast)
    level = otsu(above)[:, None, None]
    sure: Mask = above >= level
    base, spread, strength = (each[:, None, None] for each in _kinds(above, sure))
    found = (strength >= np.maximum(FAINTEST, SUREST * spread)).ravel()
    weak = above >= base + np.maximum(WEAK * (level - base), 2 * spread)
    low = base + np.maximum(0.12 * strength, 1.5 * spread)
    reach = np.maximum(base + 0.95 * strength - low, 1e-6)  # where nothing was found it may be none
    amount = np.clip((above - low) / reach, 0, 1).astype(np.float32)
    masks = _reached(weak & found[:, None, None], sure)
    return [
        Ink(a[inner], m[inner]) if any_ink else None
        for a, m, any_ink in zip(amount, masks, np.any(masks, axis=(1, 2)).tolist(), strict=True)
    ]


def contrast_of(images: UInt8) -> Float32:
    """One number a pixel that tells ink from paper best, float32 (n, h, w), in grey levels; paper is near 0.

    Grey images lose their median: less than half is ink. Of colours the difference to the median colour is taken
    along the line on which the most different pixels lie: blue on yellow and red on green are told apart as well as
    black on white.
    """
    values = images.astype(np.float32)
    if values.ndim == 4:
        return np.stack([_along_ink(each) for each in values])
    ordered = np.sort(values.reshape(len(values), -1), axis=1)
    return np.asarray(values - part(ordered, 0.5)[:, None, None])


def otsu(values: Float32) -> Float64:
    """The level that parts the values of each image (n, h, w) into two kinds of least spread, float64 (n,).

    References
    ----------
    N. Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 9 (1979).
    """
    flat = values.reshape(len(values), -1)
    low, high = flat.min(axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)
    step = np.maximum(high - low, 1e-6) / 256
    places = np.minimum((flat - low[:, None]) / step[:, None], 255).astype(np.intp)
    places += 256 * np.arange(len(flat))[:, None]
    counts = np.bincount(places.ravel(), minlength=256 * len(flat)).reshape(-1, 256).astype(np.float64)
    below, mass = counts.cumsum(axis=1), (counts * np.arange(256)).cumsum(axis=1)
    n, total = below[:, -1:], mass[:, -1:]
    # From the lowest level on a pixel lies below, and to the highest one above.
    between = (total * below - n * mass)[:, :-1] ** 2 / np.maximum(below * (n - below), 1e-6)[:, :-1]
    return np.asarray(np.where(high > low, low + (between.argmax(axis=1) + 1) * step, high + 1))


def _along_ink(colours: Float32) -> Float32:
    """Contrast of one image (h, w, 3) to (h, w)."""
    colours -= np.median(colours, axis=(0, 1))
    flat = colours.reshape(-1, 3)
    far = np.abs(flat).sum(axis=1)
    strongest = flat[far >= quantile(far, 0.95)]
    line = np.linalg.eigh(strongest.T @ strongest)[1][:, -1]  # the last is of the largest eigenvalue
    line *= np.sign(line.sum()) or 1.0  # lighter stays lighter
    return np.asarray(colours @ (line / np.abs(line).sum()).astype(np.float32))


def _above_ground(values: Float32, widths: Int64) -> Float32:
    """How far each pixel stands out of the ground, those with strokes of one width together."""
    above = np.empty_like(values)
    for width in np.unique(widths):
        above[widths == width] = strokes(values[widths == width], int(width))
    return above


def _kinds(above: Float32, sure: Mask) -> tuple[Float64, Float64, Float64]:
    """The median of the paper, its robust spread, and how far the ink stands above it, (n,) each."""
    flat, ink = above.reshape(len(above), -1).astype(np.float64), sure.reshape(len(sure), -1)
    inked = np.count_nonzero(ink, axis=1)
    middle = (0.5 * (flat.shape[1] - inked)).astype(np.intp)[:, None]  # of the paper, once it is sorted before ink
    base = np.take_along_axis(np.sort(np.where(ink, np.inf, flat), axis=1), middle, axis=1)
    off = np.sort(np.where(ink, np.inf, np.abs(flat - base)), axis=1)
    spread = 1.48 * np.take_along_axis(off, middle, axis=1)
    mean = (flat * ink).sum(axis=1) / np.maximum(inked, 1)
    return base[:, 0], spread[:, 0], np.where(inked > 0, mean - base[:, 0], 0)


def _reached(weak: Mask, sure: Mask) -> Mask:
    """The pieces of weak ink that hold some sure ink: faint ends of strokes stay, faint dirt goes."""
    from scipy.ndimage import label

    names, count = label(weak, WITHIN)
    held = np.zeros(count + 1, bool)
    held[names[sure]] = True
    held[0] = False
    return np.asarray(held[names])


def without_impulses(values: Float32) -> Float32:
    """Remove pixels that differ from nearly all their neighbours: salt, pepper, hot pixels, dust.

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
    """Reduce noise by a blur, the wider the more noise; clean images are unchanged.

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
