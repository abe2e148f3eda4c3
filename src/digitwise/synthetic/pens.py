"""A digit written anew: larger, with another pen and in another hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitwise.images import Float32, Mask, UInt8
from digitwise.synthetic.noise import resized, smooth_noise
from digitwise.synthetic.thinning import centre_line

STROKE = 100  # grey value, 0 to 255, from which an enlarged picture is stroke
WORK = 48, 80  # pixels: the heights between which strokes are worked on; smaller and larger ones are resampled


@dataclass(frozen=True)
class Hand:
    """One person with one pen.

    Parameters
    ----------
    width : float, optional
        Of the stroke, as a share of the digits' height; None leaves the strokes as they were written.
    slant, turn : float
        Shear to the right as a tangent; rotation in degrees, counter-clockwise.
    aspect : float
        Width over height, against what was written.
    pressure : float
        Spread of the stroke's width along it, as a share.
    fading : float
        Spread of the ink's strength along the stroke, as a share.
    grain : float
        How much the paper's grain shows in the ink, as of pencil and chalk, as a share.
    gaps : float
        Share of the stroke's length where the pen did not write.
    proportion : float
        The power of the height from the top: below 1 the upper part becomes smaller, as the loop of a long-legged 9.
    """

    width: float | None
    slant: float = 0.0
    turn: float = 0.0
    aspect: float = 1.0
    pressure: float = 0.0
    fading: float = 0.0
    grain: float = 0.0
    gaps: float = 0.0
    proportion: float = 1.0


def some_hand(*, rng: np.random.Generator, grain: float = 0.0) -> Hand:
    """A hand as it may come: half with thin pens, a third with the pen of the set, the others with a marker.

    The thickest stroke is a quarter of the digit's height wide.
    """
    kind = rng.random()
    if kind < 0.55:  # ballpoint, pencil, fineliner
        width: float | None = math.exp(rng.uniform(math.log(0.045), math.log(0.11)))
    elif kind < 0.85:
        width = None
    else:
        width = rng.uniform(0.11, 0.25)
    narrow = rng.random() < 0.3
    return Hand(
        width=width,
        slant=rng.normal(0, 0.12),
        turn=rng.normal(0, 4.0),
        aspect=rng.uniform(0.5, 0.8) if narrow else rng.uniform(0.8, 1.2),
        pressure=rng.uniform(0.0, 0.25 if width and width < 0.11 else 0.1),
        fading=rng.uniform(0.0, 0.25),
        grain=grain,
        gaps=rng.uniform(0.01, 0.04) if rng.random() < 0.12 else 0.0,
        proportion=math.exp(rng.normal(0, 0.25 if width else 0.1)),
    )


def written(digit: UInt8, height: float, hand: Hand, *, rng: np.random.Generator) -> Float32:
    """Write a digit in a hand.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light ink on a dark ground.
    height : float
        Pixels: what the longer side of the digit becomes; the other one follows, by ``hand.aspect`` too.
    hand : Hand
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (k, l)
        The ink on each pixel, 0 to 1, in a frame that it touches on all sides. Without ink 1x1 of 0.
    """
    work = min(max(height, WORK[0]), WORK[1])
    grey = enlarged(digit, work, hand)
    if grey is None:
        return np.zeros((1, 1), np.float32)
    grey = _proportioned(grey, hand.proportion)
    if hand.width is None:
        inside = (grey - STROKE) * (0.035 * work / 20)  # pixels from the outline; MNIST's edges rise in 1.4 pixels
    else:
        inside = _redrawn(grey > STROKE, hand.width * work, hand, rng=rng)
    scale = height / work
    if scale > 1:
        inside = resized(inside, (round(inside.shape[0] * scale), round(inside.shape[1] * scale))) * scale
    ink = np.clip(inside + 0.5, 0, 1)
    if hand.gaps or hand.fading or hand.grain:
        ink *= _strength(ink.shape, max(height, work), hand, rng=rng)
    if scale < 1:
        ink = np.clip(resized(ink, (max(1, round(ink.shape[0] * scale)), max(1, round(ink.shape[1] * scale)))), 0, 1)
    return _tight(ink)


def enlarged(digit: UInt8, height: float, hand: Hand) -> Float32 | None:
    """The digit's grey values, its longer side ``height`` pixels, in the hand's slant; None without ink."""
    ys, xs = np.flatnonzero(digit.max(axis=1) > STROKE), np.flatnonzero(digit.max(axis=0) > STROKE)
    if not len(ys):
        return None
    scale = height / max(np.ptp(ys) + 1, np.ptp(xs) + 1)
    turn = math.radians(hand.turn)
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    shape = np.array([[hand.aspect, -hand.slant], [0.0, 1.0]])
    forth = spin @ shape * scale  # from the digit's (x, y) to the picture's
    corners = forth @ np.array([[x, y] for x in (xs[0], xs[-1] + 1) for y in (ys[0], ys[-1] + 1)]).T
    pad = 0.12 * height
    left, top = corners.min(axis=1) - pad
    right, bottom = corners.max(axis=1) + pad
    back = np.linalg.inv(forth)
    offset = back @ np.array([left, top])
    data = (*back[0], offset[0], *back[1], offset[1])
    size = math.ceil(right - left), math.ceil(bottom - top)
    return np.array(
        Image.fromarray(digit.astype(np.float32)).transform(
            size, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
        )
    )


def _proportioned(grey: Float32, power: float) -> Float32:
    """The rows moved up or down, each to such a power of its height from the top of the ink."""
    inked = np.flatnonzero(grey.max(axis=1) > STROKE)
    if not len(inked):
        return grey
    top, height = inked[0], max(inked[-1] - inked[0], 1)
    share = (np.arange(len(grey)) - top) / height
    source = top + height * np.where((share > 0) & (share < 1), np.clip(share, 0, 1) ** power, share)
    above = np.clip(source.astype(int), 0, len(grey) - 2)
    part = np.clip(source - above, 0, 1).astype(np.float32)[:, None]
    return np.asarray(grey[above] * (1 - part) + grey[above + 1] * part)


def _redrawn(strokes: Mask, width: float, hand: Hand, *, rng: np.random.Generator) -> Float32:
    """How far inside a new stroke of ``width`` pixels each pixel lies; negative outside."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    away = gaussian_filter(distance_transform_edt(~centre_line(strokes)).astype(np.float32), 1.2)
    away = np.sqrt(np.maximum(away**2 - 0.9, 0))  # smoothing lifted the middle of the line by about a pixel
    half = width / 2 * (1 + hand.pressure * smooth_noise(strokes.shape, strokes.shape[0] / 3, rng=rng))
    return np.asarray(np.maximum(half, 0.7) - away, np.float32)


def _strength(shape: tuple[int, int], height: float, hand: Hand, *, rng: np.random.Generator) -> Float32:
    """How strongly the pen wrote at each place, 0 to 1."""
    strength = 1 - hand.fading * np.abs(smooth_noise(shape, max(2.0, height / 5), rng=rng))
    if hand.grain:
        strength -= hand.grain * np.maximum(smooth_noise(shape, max(1.2, height / 50), rng=rng), -0.5)
    if hand.gaps:
        spots = smooth_noise(shape, max(2.0, height / 12), rng=rng)
        strength *= np.clip((spots - np.quantile(spots, hand.gaps)) * 4, 0, 1)
    return np.asarray(np.clip(strength, 0, 1), np.float32)


def _tight(ink: Float32) -> Float32:
    """The frame of the ink."""
    ys, xs = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    if not len(ys):
        return np.zeros((1, 1), np.float32)
    return ink[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]


def with_stroke(digit: UInt8, factor: float) -> UInt8:
    """The digit with its strokes ``factor`` times as wide, where it stands; uint8 of shape (h, w), as given.

    Below 1 the strokes are worn down evenly, but never to less than half a pixel.
    """
    from scipy.ndimage import distance_transform_edt

    finer = 4
    grey = resized(digit.astype(np.float32), (digit.shape[0] * finer, digit.shape[1] * finer))
    strokes = grey > STROKE
    line = centre_line(strokes)
    if not line.any():
        return digit.copy()
    if factor >= 1:
        inside = (grey - STROKE) * 0.02  # pixels from the outline, near it
        inside = np.where(strokes, np.maximum(inside, 0.5), 0.5 - distance_transform_edt(~strokes))
        width = strokes.sum() / line.sum()
        inside += (factor - 1) * width / 2
    else:
        away = distance_transform_edt(~line)
        depth = distance_transform_edt(strokes)
        # On the way from the line to the outline, which is away + depth long, the new outline comes at the factor.
        inside = np.maximum(factor * (away + depth), finer / 4) - away
        inside = np.where(strokes, inside, -1)
    ink = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    return np.clip(np.rint(resized(ink, digit.shape) * 255), 0, 255).astype(np.uint8)
