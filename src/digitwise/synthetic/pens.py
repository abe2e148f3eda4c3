"""Rewrites a digit: larger, with another pen and in another handwriting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from digitwise.images import Float32, Mask, UInt8
from digitwise.synthetic.noise import resized, smooth_noise

STROKE = 100  # grey value, 0 to 255, from which a pixel of an enlarged image is stroke
WORK = 48, 80  # pixels: smallest and largest height at which strokes are drawn; others are resampled
AROUND = 7, 6, 3, 0, 1, 2, 5, 8  # bits of the neighbours, clockwise from above; bit 4 is the centre


@dataclass(frozen=True)
class Writer:
    """One person with one pen."""

    width: float | None  # of the stroke, as a share of the digits' height; None keeps the original strokes
    slant: float = 0.0  # shear to the right, as a tangent
    turn: float = 0.0  # rotation in degrees, counter-clockwise
    aspect: float = 1.0  # factor on width over height
    pressure: float = 0.0  # spread of the stroke's width along it, as a share
    fading: float = 0.0  # spread of the ink's strength along the stroke, as a share
    grain: float = 0.0  # visibility of the paper's grain in the ink, as with pencil and chalk, as a share
    gaps: float = 0.0  # share of the stroke's length where the pen did not write
    # power of the height from the top: below 1 the upper part becomes smaller, as in a 9 with a long leg
    proportion: float = 1.0


def some_writer(*, rng: np.random.Generator, grain: float = 0.0) -> Writer:
    """Draw a writer: half have thin pens, a third the pen of the data set, the others a marker.

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
    return Writer(
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


def written(digit: UInt8, height: float, writer: Writer, *, rng: np.random.Generator) -> Float32:
    """Write a digit as a writer does.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light ink on a dark ground.
    height : float
        Pixels of the longer side of the digit.
    writer : Writer
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (k, l)
        The ink, 0 to 1, cropped to its box; without ink 1x1 of 0.
    """
    work = min(max(height, WORK[0]), WORK[1])
    grey = enlarged(digit, work, writer)
    if grey is None:
        return np.zeros((1, 1), np.float32)
    grey = _proportioned(grey, writer.proportion)
    if writer.width is None:
        inside = (grey - STROKE) * (0.035 * work / 20)  # pixels from the outline; MNIST's edges rise in 1.4 pixels
    else:
        inside = _redrawn(grey > STROKE, writer.width * work, writer, rng=rng)
    scale = height / work
    if scale > 1:
        inside = resized(inside, (round(inside.shape[0] * scale), round(inside.shape[1] * scale))) * scale
    ink = np.clip(inside + 0.5, 0, 1)
    if writer.gaps or writer.fading or writer.grain:
        ink *= _strength(ink.shape, max(height, work), writer, rng=rng)
    if scale < 1:
        ink = np.clip(resized(ink, (max(1, round(ink.shape[0] * scale)), max(1, round(ink.shape[1] * scale)))), 0, 1)
    frame = frame_of(ink > 0.1)
    return np.zeros((1, 1), np.float32) if frame is None else ink[frame[0] : frame[2], frame[1] : frame[3]]


def enlarged(digit: UInt8, height: float, writer: Writer) -> Float32 | None:
    """The digit's grey values, ``height`` pixels high, slanted and turned as the writer does; None without ink."""
    frame = frame_of(digit > STROKE)
    if frame is None:
        return None
    top, left, bottom, right = frame
    scale = height / max(bottom - top, right - left)
    turn = math.radians(writer.turn)
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    shape = np.array([[writer.aspect, -writer.slant], [0.0, 1.0]])
    forth = spin @ shape * scale  # from the digit's (x, y) to the image's
    corners = forth @ np.array([[x, y] for x in (left, right) for y in (top, bottom)]).T
    pad = 0.12 * height
    begin, end = corners.min(axis=1) - pad, corners.max(axis=1) + pad
    back = np.linalg.inv(forth)
    offset = back @ begin
    data = (*back[0], offset[0], *back[1], offset[1])
    width, tall = (math.ceil(side) for side in end - begin)
    return np.array(
        Image.fromarray(digit.astype(np.float32)).transform(
            (width, tall), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
        )
    )


def _proportioned(grey: Float32, power: float) -> Float32:
    """Move the rows so that heights from the top of the ink become powers of themselves."""
    inked = np.flatnonzero(grey.max(axis=1) > STROKE)
    if not len(inked):
        return grey
    top, height = inked[0], max(inked[-1] - inked[0], 1)
    share = (np.arange(len(grey)) - top) / height
    source = top + height * np.where((share > 0) & (share < 1), np.clip(share, 0, 1) ** power, share)
    above = np.clip(source.astype(int), 0, len(grey) - 2)
    part = np.clip(source - above, 0, 1).astype(np.float32)[:, None]
    return np.asarray(grey[above] * (1 - part) + grey[above + 1] * part)


def _redrawn(strokes: Mask, width: float, writer: Writer, *, rng: np.random.Generator) -> Float32:
    """The distance of each pixel into a new stroke of ``width`` pixels; negative outside."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    away = gaussian_filter(distance_transform_edt(~centre_line(strokes)).astype(np.float32), 1.2)
    away = np.sqrt(np.maximum(away**2 - 0.9, 0))  # smoothing lifted the middle of the line by about a pixel
    half = width / 2 * (1 + writer.pressure * smooth_noise(strokes.shape, strokes.shape[0] / 3, rng=rng))
    return np.asarray(np.maximum(half, 0.7) - away, np.float32)


def _strength(shape: tuple[int, int], height: float, writer: Writer, *, rng: np.random.Generator) -> Float32:
    """The strength of the ink at each pixel, 0 to 1."""
    strength = 1 - writer.fading * np.abs(smooth_noise(shape, max(2.0, height / 5), rng=rng))
    if writer.grain:
        strength -= writer.grain * np.maximum(smooth_noise(shape, max(1.2, height / 50), rng=rng), -0.5)
    if writer.gaps:
        spots = smooth_noise(shape, max(2.0, height / 12), rng=rng)
        strength *= np.clip((spots - np.quantile(spots, writer.gaps)) * 4, 0, 1)
    return np.asarray(np.clip(strength, 0, 1), np.float32)


def frame_of(mask: Mask) -> tuple[int, int, int, int] | None:
    """Top, left, bottom and right (exclusive) of the true pixels of a mask (h, w); None without any."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) else None


def stamp(ink: Float32, part: Float32, y: int, x: int) -> None:
    """Lay one ink over the other, in place; parts outside are cut off."""
    rows, columns = ink.shape
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + part.shape[0], rows), min(x + part.shape[1], columns)
    if bottom > top and right > left:
        view = ink[top:bottom, left:right]
        np.maximum(view, part[top - y : bottom - y, left - x : right - x], out=view)


def with_stroke(digit: UInt8, factor: float) -> UInt8:
    """The digit with strokes ``factor`` times as wide, uint8 (h, w); at least half a pixel wide."""
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
        # away + depth is the distance from the line to the outline; the factor scales it.
        inside = np.maximum(factor * (away + depth), finer / 4) - away
        inside = np.where(strokes, inside, -1)
    ink = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    return np.clip(np.rint(resized(ink, digit.shape) * 255), 0, 255).astype(np.uint8)


def centre_line(mask: Mask) -> Mask:
    """Thin strokes to connected lines of one pixel; bool (h, w) to bool (h, w).

    References
    ----------
    T. Y. Zhang, C. Y. Suen, A Fast Parallel Algorithm for Thinning Digital Patterns, CACM 27 (1984).
    """
    line = np.pad(mask, 1).astype(np.uint8)
    inner = line[1:-1, 1:-1]
    while True:
        before = np.count_nonzero(inner)
        for stays in _stays():
            rows = (line[:, :-2] << 2 | line[:, 1:-1] << 1 | line[:, 2:]).astype(np.uint16)
            inner[:] = stays[rows[:-2] << 6 | rows[1:-1] << 3 | rows[2:]]
        if np.count_nonzero(inner) == before:
            return inner.astype(bool)


@cache
def _stays() -> tuple[UInt8, UInt8]:
    """For both half-steps and each of the 512 states of a pixel and its neighbours: 1 where it is ink and stays."""
    looks = (np.arange(512)[:, None] >> np.arange(9)) & 1  # (512, 9): the row above is bits 8, 7, 6
    ring = looks[:, AROUND]
    neighbours = ring.sum(axis=1)
    crossings = ((ring == 0) & (np.roll(ring, -1, axis=1) == 1)).sum(axis=1)
    outer = (neighbours >= 2) & (neighbours <= 6) & (crossings == 1)
    up, right, down, left = (ring[:, k] == 1 for k in (0, 2, 4, 6))
    first = outer & ~(up & right & down) & ~(right & down & left)
    second = outer & ~(up & right & left) & ~(up & down & left)
    ink = looks[:, 4] == 1
    return (ink & ~first).astype(np.uint8), (ink & ~second).astype(np.uint8)
