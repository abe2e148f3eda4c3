"""Polarity and uneven light: values converted so that ink is lighter than its paper, and the paper is even."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Int64

STROKE = 0.4  # share of the longer side that no stroke of a single digit is wide
NARROWER = (0.12, 0.2, 0.28)  # shares tried in uneven light
WHOLE = 0.8  # of the contrast, that is left where strokes are
CLEAR = 3.0  # ratio of the value ranges on both sides of the paper's shade from which the larger is clearly the ink's
RING = 0.06  # share of the shorter side by which the ring lies within the border that tells paper from ink
BAND = 0.2  # share of a side from which a band of another shade may be paper of its own, and not a stroke
EDGE = 0.6  # share of the lines that jump at the same place, where such a band begins
FAR = 0.998  # share of the values that is left out at either end: thin ink may be less than a hundredth of all
STRONG = 0.98  # share of the values that lie below the strength of strokes; in uneven light the strongest are edges
FLAT = 0.05  # of the contrast: what the middle half of the pixels differ by on even paper
LEVEL = 0.4  # share of the variance that is left where light that grows evenly was most of it


def turned_light(values: Float32) -> tuple[Float32, Int64]:
    """Turn images so that their ink is lighter than their paper.

    Parameters
    ----------
    values : ndarray of float32, shape (n, h, w)

    Returns
    -------
    values : ndarray of float32, shape (n, h, w)
        Without bands of another shade and without a linear gradient of light.
    widths : ndarray of int64, shape (n,)
        The largest width of a stroke, in pixels.
    """
    ordered = np.sort(values.reshape(len(values), -1), axis=1)
    lowest, quarter, paper, high_quarter, highest = (part(ordered, share) for share in (1 - FAR, 0.25, 0.5, 0.75, FAR))
    darker, lighter = paper - lowest, highest - paper
    even = high_quarter - quarter < FLAT * (ordered[:, -1] - ordered[:, 0])
    is_light, is_dark = lighter > CLEAR * darker, darker > CLEAR * lighter
    turned = np.where((is_dark & ~is_light)[:, None, None], -values, values)
    widths = np.full(len(values), pixels(STROKE, values.shape))
    for place in np.flatnonzero(~(even & (is_light | is_dark))):  # a look at each: few images need one
        turned[place], widths[place] = _ink_light(values[place] if even[place] else _level(_one_shade(values[place])))
    return turned, widths


def strokes(values: Float32, size: int) -> Float32:
    """What stands out of the ground and is narrower than ``size`` pixels (a white top-hat), (…, h, w) to the same."""
    from scipy.ndimage import grey_opening

    return np.asarray(values - grey_opening(values, size=(1,) * (values.ndim - 2) + (size, size), mode="nearest"))


def part(ordered: Float32, share: float) -> Float32:
    """The values below which a share of each sorted row lies, not interpolated; (n, k) to (n,)."""
    return np.asarray(ordered[:, min(int(share * ordered.shape[1]), ordered.shape[1] - 1)])


def quantile(values: Float32, share: float) -> float:
    """The value below which a share of all values lies, not interpolated; on few values sorting is fastest."""
    return float(np.sort(values, axis=None)[min(int(share * values.size), values.size - 1)])


def pixels(share: float, shape: tuple[int, ...]) -> int:
    """A share of an image's longer side; at least 3."""
    return max(3, int(share * max(shape[-2:]) + 0.5))


def _ink_light(values: Float32) -> tuple[Float32, int]:
    """One image (h, w) turned so that its ink is the lighter shade, and how wide strokes may be.

    In uneven light the shades alone do not show which is the ink; then ink is what is away from the border, and the
    width is the narrowest that keeps strokes whole: wider shadows and fog are removed.
    """
    for each in (values, _levelled(values)):
        paper, lowest, highest = quantile(each, 0.5), quantile(each, 1 - FAR), quantile(each, FAR)
        darker, lighter = paper - lowest, highest - paper
        if lighter > CLEAR * darker:
            return each, pixels(STROKE, values.shape)
        if darker > CLEAR * lighter:
            return -each, pixels(STROKE, values.shape)
    either = [(turned, _narrowest(turned)) for turned in (values, -values)]
    narrow = min(width for _, width in either)  # what lies between strokes is wider than they are
    return max(either, key=lambda each: _keeps_away(strokes(each[0], narrow)))


def _keeps_away(found: Float32) -> float:
    """How strong strokes are, less what of them lies along the border; paper may stand above a ground with specks."""
    paper = quantile(found, 0.5)
    return quantile(found, STRONG) - paper - 2 * float(np.maximum(_ring(found) - paper, 0).mean())


def _ring(values: Float32) -> Float32:
    """The pixels a little inside the border, where a form's frame is not any more and a digit seldom is, (k,)."""
    deep = max(1, round(RING * min(values.shape)))
    inner = values[deep:-deep, deep:-deep] if min(values.shape) > 2 * deep + 2 else values
    return np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])


def _narrowest(values: Float32) -> int:
    """How wide light strokes are, some more for blots and crossings, in pixels."""
    shape = values.shape
    enough = WHOLE * quantile(strokes(values, pixels(STROKE, shape)), STRONG)
    whole = (share for share in NARROWER if quantile(strokes(values, pixels(share, shape)), STRONG) > enough)
    return pixels(min(1.4 * next(whole, STROKE), STROKE), shape)


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


def _level(values: Float32) -> Float32:
    """Take away light that grows from one side to the other, where that is most of what there is to see."""
    level = _levelled(values)
    return level if level.var() < LEVEL * values.var() else values


def _levelled(values: Float32) -> Float32:
    """Take away light that grows from one side to the other."""
    level = values
    for axis in (0, 1):
        half = max(1, values.shape[axis] // 2)
        medians = np.sort(values, axis=1 - axis).take(values.shape[1 - axis] // 2, axis=1 - axis)
        places = np.arange(len(medians), dtype=np.float32)
        if len(medians) > half:
            slope = quantile(medians[half:] - medians[:-half], 0.5) / half
            level = level - slope * (places[:, None] if axis == 0 else places)
    return level
