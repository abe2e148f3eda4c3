"""Scans of one digit, or of ink that is no digit: colour images as of a camera, and small bilevel images."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from PIL import Image

from digitwise.images import Float32, UInt8
from digitwise.synthetic.camera import photographed, some_camera, to_uint8
from digitwise.synthetic.glyphs import FONTS, LETTERS, LOOKALIKES, MARKS, WIDE_FONTS, drawn, printed
from digitwise.synthetic.paper import ground, light, rule, some_stock, specks
from digitwise.synthetic.pens import Writer, frame_of, some_writer, stamp, written
from digitwise.synthetic.strokes import cursive, curve, doodle, scribble

HEIGHTS = 18.0, 250.0  # pixels of a digit's longer side
CUT_OUT = 12.0, 36.0  # pixels of the longer side of a digit cropped to its ink
STRETCHED = 0.5  # share of these stretched to a square, or nearly
PLAIN = "".join(letter for letter in LETTERS if letter not in LOOKALIKES)
SHARES = {"letter": 0.33, "word": 0.12, "drawing": 0.12, "sign": 0.13, "pair": 0.18, "half": 0.12}
NOT_HALVED = 0.45  # width over height up to which a digit is a single stroke, as are its halves


def scan_of(digit: UInt8, *, rng: np.random.Generator, pool: UInt8 | None = None) -> UInt8:
    """Make a scan of a digit.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light ink on a dark ground.
    rng : numpy.random.Generator
        Most scans are moderately clean.
    pool : ndarray of uint8, shape (n, h, w), optional
        Digits that may be partly visible at the border, as neighbours.

    Returns
    -------
    ndarray of uint8, shape (k, l, 3)
        RGB, the digit 18 to 250 pixels high, or wide where it is wider.
    """
    stock = some_stock(rng=rng)
    writer = some_writer(rng=rng, grain=stock.grain)
    smallest, largest = np.log(HEIGHTS)
    height = math.exp(smallest + (largest - smallest) * rng.random() ** 1.2)  # more small ones, as cut from pages
    ink, (top, left) = _laid_out(written(digit, height, writer, rng=rng), height, rng=rng)
    if pool is not None and rng.random() < 0.3:
        _add_neighbours(ink, (top, left), height, writer, pool, rng=rng)
    scene = ground(stock, ink.shape, height, rng=rng)
    what = rng.random()
    if what < 0.07 and not stock.screen:
        rule(scene, height * rng.uniform(0.5, 1.6), top=rng.uniform(0, height), squared=rng.random() < 0.4, rng=rng)
    elif what < 0.1:
        _frame(scene, height, rng=rng)
    if rng.random() < 0.12:
        specks(scene, height, int(rng.integers(1, 5)), rng=rng)
    scene += (np.array(stock.ink, np.float32) - scene) * (ink * np.float32(stock.strength))[..., None]
    if stock.screen:
        return to_uint8(scene)
    lit = light(ink.shape, shadow=rng.random() < 0.12, rng=rng)
    return photographed(scene, lit, some_camera(height, rng=rng), rng=rng)


def cutout_of(digit: UInt8, *, rng: np.random.Generator) -> UInt8:
    """Make a small bilevel image, cropped to its ink, as UCI's Optdigits and Semeion store digits.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light ink on a dark ground.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (k, l)
        0 or 255, light on dark, the longer side 12 to 36 pixels.
    """
    ink = written(digit, CUT_OUT[1] * 2, some_writer(rng=rng), rng=rng)
    side = rng.uniform(*CUT_OUT)
    size = np.array(ink.shape) * (side / max(ink.shape))
    if rng.random() < STRETCHED:
        size = side * np.array([1.0, rng.uniform(0.75, 1.0)])
    height, width = np.maximum(np.rint(size), 1).astype(int)
    small = np.asarray(Image.fromarray(ink).resize((int(width), int(height)), Image.Resampling.BOX))
    return np.where(small > min(rng.uniform(0.25, 0.6), 0.9 * float(small.max())), 255, 0).astype(np.uint8)


def _laid_out(ink: Float32, height: float, *, rng: np.random.Generator) -> tuple[Float32, tuple[int, int]]:
    """The ink with a margin on each side, and its distances from the top and the left."""
    kind = rng.random()
    widest = 0.08 if kind < 0.12 else 0.35 if kind < 0.7 else 0.8 if kind < 0.93 else 1.6
    margins = rng.uniform(0.02, widest, 4) * height
    if rng.random() < 0.5:  # as cropped with care
        margins[:] = (margins + margins.mean() * 2) / 3
    above, below, left, right = (max(1, round(m)) for m in margins)
    return np.pad(ink, ((above, below), (left, right))), (above, left)


def _add_neighbours(
    ink: Float32, place: tuple[int, int], height: float, writer: Writer, pool: UInt8, *, rng: np.random.Generator
) -> None:
    """Add parts of other digits at the left or right, seldom above, in place; never on the digit itself."""
    top, left = place
    columns = ink.shape[1]
    own = np.flatnonzero(ink.max(axis=0) > 0)
    right = columns - 1 - own[-1] if len(own) else 0
    sides = [("left", left), ("right", right), ("above", top)]
    chosen = [sides[0], sides[1]] if rng.random() < 0.4 else [sides[int(rng.choice(3, p=(0.42, 0.42, 0.16)))]]
    for side, room in chosen:
        gap = max(2.0, height * rng.uniform(0.05, 0.2))
        if room < gap + 2:
            continue
        other = dataclasses.replace(writer, turn=writer.turn + rng.normal(0, 3))
        near = written(pool[rng.integers(len(pool))], height * rng.uniform(0.75, 1.2), other, rng=rng)
        view = min(int(room - gap), round(near.shape[0 if side == "above" else 1] * rng.uniform(0.1, 0.6)))
        if side == "above":
            stamp(ink, near[-max(view, 1) :], 0, left + int(rng.normal(0, height / 3)))
        else:
            y = top + int(rng.normal(0, height / 8))
            part = near[:, -max(view, 1) :] if side == "left" else near[:, : max(view, 1)]
            stamp(ink, part, y, 0 if side == "left" else columns - part.shape[1])


def _frame(scene: Float32, height: float, *, rng: np.random.Generator) -> None:
    """Draw a form's cell in place: straight lines near the border, on some sides."""
    width = max(1, round(height * rng.uniform(0.01, 0.04)))
    shade = np.float32(rng.uniform(30, 130) if scene.mean() > 110 else rng.uniform(150, 220))
    for side in range(4):
        if rng.random() < 0.3:
            continue
        at = rng.integers(0, max(1, round(0.03 * height)))
        across = scene if side < 2 else scene.transpose(1, 0, 2)
        across[at : at + width] = shade if side % 2 == 0 else across[at : at + width]
        if side % 2:
            across[len(across) - at - width : len(across) - at] = shade


def other_ink(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """Make ink that is no digit: a letter, a word, a doodle, some strokes, two joined digits, half a digit.

    Parameters
    ----------
    pool : ndarray of uint8, shape (n, h, w)
        Digits, light on dark, for pairs and halves.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (k, l)
        Light on dark, as :func:`scan_of` takes a digit.
    """
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    if kind == "letter":
        return _letter(rng)
    if kind == "word":
        return drawn(cursive(int(rng.integers(1, 4)), rng=rng))
    if kind == "drawing":
        return drawn(doodle(rng=rng) if rng.random() < 0.6 else scribble(rng=rng))
    if kind == "sign":  # one in many looks like a digit
        return drawn([curve(rng.uniform(0, 1, (int(rng.integers(3, 8)), 2))) for _ in range(rng.integers(1, 4))])
    return pair_of(pool, rng=rng) if kind == "pair" else half_of(pool, rng=rng)


def _letter(rng: np.random.Generator) -> UInt8:
    name = str(rng.choice(FONTS))
    return printed(str(rng.choice(list(PLAIN + (MARKS if name in FONTS[:WIDE_FONTS] else "")))), name)


def pair_of(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """Two digits side by side that touch or nearly touch, uint8 (h, k)."""
    left, right = (inked_part(pool[place]) for place in rng.integers(len(pool), size=2))
    height = max(len(left), len(right))
    parts = [np.pad(part, ((height - len(part), 0), (0, 0))) for part in (left, right)]
    common = min(int(rng.integers(-2, 4)), parts[0].shape[1], parts[1].shape[1])  # columns; below 0 a gap
    wide = np.zeros((height, parts[0].shape[1] + parts[1].shape[1] - common), np.uint8)
    wide[:, : parts[0].shape[1]] = parts[0]
    other = wide[:, wide.shape[1] - parts[1].shape[1] :]
    np.maximum(other, parts[1], out=other)
    return np.pad(wide, 4)


def half_of(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """The upper, lower, left or right half of a digit that is more than a stroke, uint8 (h, w)."""
    while True:
        digit = inked_part(pool[rng.integers(len(pool))])
        height, width = digit.shape
        if width > NOT_HALVED * height:
            break
    share = rng.uniform(0.4, 0.6)
    if rng.random() < 0.5:
        cut = round(height * share)
        half = digit[:cut] if rng.random() < 0.5 else digit[cut:]
    else:
        cut = round(width * share)
        half = digit[:, :cut] if rng.random() < 0.5 else digit[:, cut:]
    return np.pad(half, 4)


def inked_part(digit: UInt8) -> UInt8:
    """The image cropped to its ink; the whole image without ink."""
    top, left, bottom, right = frame_of(digit > 0) or (0, 0, *digit.shape)
    return digit[top:bottom, left:right]
