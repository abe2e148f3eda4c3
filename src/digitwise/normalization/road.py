"""Normalisation of the image of one digit to MNIST's form: size and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.images import Float32, Int64, Mask, UInt8
from digitwise.normalization.ink import Ink, find_ink
from digitwise.normalization.pieces import digit_in, within_lines
from digitwise.normalization.polarity import quantile
from digitwise.progress import each_of

VERSION = "ink-1"  # in the metadata of models trained on images of this form
SAMPLE, MOST = 2_000, 0.95  # images of a set that are examined, and the share of them that decides its form
SIDE, BOX, MIDDLE = 28, 20, 14  # of MNIST's images: the side, the digit's longer side, where its centre of mass lies
WORKING = 84  # pixels a side that an image is reduced to: three for each of the result
BLOCK = 64  # images processed together, which fit the cache
FAINT = 0.1  # ink below this does not count for the box
THIN, THINNEST = 1.7, 1.9  # stroke width in pixels of the box: below the first it is brought to the second
THICK, THICKEST = 6.0, 5.0  # 1 % of MNIST's digits have thicker strokes, 5 % thinner ones than those
FINE = 4  # strokes change by a part of a pixel: so many are made of each for it


@dataclass(frozen=True, eq=False)
class Normalized:
    """A normalised image.

    Parameters
    ----------
    image : ndarray of uint8, shape (28, 28)
        Light on dark, the digit's box 20 pixels long, its centre of mass in the middle; all 0 where it is blank.
    blank : bool
        Whether the image has no ink.
    """

    image: UInt8
    blank: bool


def normalize(image: UInt8) -> Normalized:
    """Bring the image of one digit to MNIST's form.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
        Any size and colours, dark on light or light on dark. One in MNIST's form already is unchanged.

    Returns
    -------
    Normalized

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits": box, centre of mass.
    """
    if image.shape == (SIDE, SIDE) and in_form(image[None])[0]:
        return Normalized(image, blank=False)
    small = _reduced(image)
    found = _digit(small, *find_ink(small[None]))
    if found is not None and small is not image and (close := _close_up(image, small.shape, found[1])) is not None:
        small = _reduced(close)
        found = _digit(small, *find_ink(small[None]))
    if found is None:
        return Normalized(np.zeros((SIDE, SIDE), np.uint8), blank=True)
    return Normalized(centred(*found), blank=False)


def normalize_all(images: UInt8) -> tuple[UInt8, Mask]:
    """Bring images of one size to MNIST's form; for small images several times as fast as one by one.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)

    Returns
    -------
    forms : ndarray of uint8, shape (n, 28, 28)
        Each the same that :func:`normalize` makes.
    blank : ndarray of bool, shape (n,)
    """
    n = len(images)
    forms, blank = np.zeros((n, SIDE, SIDE), np.uint8), np.zeros(n, np.bool_)
    done = in_form(images) if images.shape[1:] == (SIDE, SIDE) else blank.copy()
    forms[done] = images[done] if done.any() else 0
    others = np.flatnonzero(~done)
    if max(images.shape[1:3], default=0) > WORKING:
        for place in each_of(others, "normalising"):
            form = normalize(images[place])
            forms[place], blank[place] = form.image, form.blank
        return forms, blank
    for start in each_of(range(0, len(others), BLOCK), "normalising"):
        part = others[start : start + BLOCK]
        for place, ink in zip(part, find_ink(images[part]), strict=True):
            found = _digit(images[place], ink)
            blank[place] = found is None
            if found is not None:
                forms[place] = centred(*found)
    return forms, blank


def in_form(images: UInt8) -> Mask:
    """Whether each image, uint8 (n, 28, 28), has MNIST's form already, bool of shape (n,).

    All 70,000 of MNIST have it: ink that is 19 or 20 pixels long on pure black, white somewhere, its centre of mass
    in the middle.
    """
    ink = images > 0
    longest = np.maximum(_extent(np.any(ink, axis=2)), _extent(np.any(ink, axis=1)))
    fits = (longest >= BOX - 1) & (longest <= BOX)
    if not fits.any():
        return np.asarray(fits)
    down, across = images.sum(axis=2, dtype=np.float32), images.sum(axis=1, dtype=np.float32)
    mass = np.maximum(down.sum(axis=1), 1)
    places = np.arange(SIDE, dtype=np.float32)
    off = np.maximum(np.abs(down @ places / mass - MIDDLE), np.abs(across @ places / mass - MIDDLE))
    return np.asarray(fits & (off <= 0.6) & (images.max(axis=(1, 2)) >= 250))


def form_of(images: UInt8) -> str:
    """The version of the normalisation whose form a set's images have, uint8 (n, h, w) or (n, h, w, 3); else "none"."""
    sample = images[:: max(1, len(images) // SAMPLE)]
    return VERSION if sample.shape[1:] == (SIDE, SIDE) and in_form(sample).mean() >= MOST else "none"


def _extent(used: Mask) -> Int64:
    """From the first to the last used place of each row, (n, k) to (n,)."""
    return np.asarray(used.shape[1] - used[:, ::-1].argmax(axis=1) - used.argmax(axis=1))


def _reduced(image: UInt8) -> UInt8:
    """An image of at most ``WORKING`` pixels a side; the same object where it is no larger."""
    longest = max(image.shape[:2])
    if longest <= WORKING:
        return image
    height, width = (max(1, round(side * WORKING / longest)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def _digit(image: UInt8, ink: Ink | None) -> tuple[Float32, Mask] | None:
    """How much ink lies where, and which of it is the digit's; None for a blank."""
    if ink is None:
        return None
    within = within_lines(ink.mask, segmented=ink.bilevel)
    if within is None:
        mask = digit_in(ink.mask)
        return None if mask is None else (ink.amount, mask)
    part = image[within]  # looked at anew: a line is often of another shade than the digit
    inner = _digit(part, *find_ink(part[None]))
    return inner and (_put(inner[0], within, ink.mask.shape), _put(inner[1], within, ink.mask.shape))


def _put(values: NDArray[Any], place: tuple[slice, slice], shape: tuple[int, ...]) -> NDArray[Any]:
    """Values laid on an empty ground of ``shape``."""
    ground = np.zeros(shape, values.dtype)
    ground[place] = values
    return ground


def _close_up(image: UInt8, shape: tuple[int, ...], mask: Mask) -> UInt8 | None:
    """The part around a small digit, from the image itself; None where the digit fills the image anyway."""
    box = _box(mask)
    margin = max(4, round(0.4 * max(box[1] - box[0], box[3] - box[2])))
    top, left = max(box[0] - margin, 0), max(box[2] - margin, 0)
    bottom, right = min(box[1] + margin, mask.shape[0]), min(box[3] + margin, mask.shape[1])
    if max(bottom - top, right - left) > 0.75 * max(mask.shape):
        return None
    y, x = image.shape[0] / shape[0], image.shape[1] / shape[1]
    return image[int(top * y) : round(bottom * y), int(left * x) : round(right * x)]


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is set."""
    y, x = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(y[0]), int(y[-1]) + 1, int(x[0]), int(x[-1]) + 1


def centred(amount: Float32, mask: Mask | None = None) -> UInt8:
    """Put the ink of a digit into a 20x20 box, its centre of mass into the middle of 28x28.

    Parameters
    ----------
    amount : ndarray of float32, shape (h, w)
        0 for paper to 1 for ink.
    mask : ndarray of bool, shape (h, w), optional
        Which of the ink is the digit's; its soft edges, a pixel wide, are added.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        All 0 where there is no ink.
    """
    if mask is not None:
        amount = np.where(_grown(mask), amount, 0)
    ink = amount > FAINT
    if not ink.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    top, bottom, left, right = _box(ink)
    boxed = _boxed(_usual_stroke(amount[top:bottom, left:right]))
    height, width = boxed.shape
    mass = float(boxed.sum())
    y, x = boxed.sum(axis=1) @ np.arange(height) / mass, boxed.sum(axis=0) @ np.arange(width) / mass
    top = min(max(round(MIDDLE - y), 0), SIDE - height)
    left = min(max(round(MIDDLE - x), 0), SIDE - width)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = boxed
    return image


def _grown(mask: Mask) -> Mask:
    """A pixel more on all sides."""
    across = mask.copy()
    across[:, 1:] |= mask[:, :-1]
    across[:, :-1] |= mask[:, 1:]
    grown = across.copy()
    grown[1:] |= across[:-1]
    grown[:-1] |= across[1:]
    return grown


def _boxed(amount: Float32) -> UInt8:
    """Scaled so that the longer side has 20 pixels, the strokes about as light as MNIST's."""
    height, width = amount.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray((amount * 255).astype(np.uint8))
    boxed = np.asarray(image.resize(size, Image.Resampling.BICUBIC)).astype(np.float32)
    inked = boxed[boxed > 255 * FAINT]
    light = max(quantile(inked, 0.9), 64.0) if inked.size else 255.0
    return np.asarray(np.clip(boxed * (255 / light), 0, 255).round(), np.uint8)


def _usual_stroke(amount: Float32) -> Float32:
    """Thicken or thin strokes that are far from MNIST's width."""
    scale = BOX / max(amount.shape)
    width = stroke_width(amount) * scale  # in pixels of the box
    if THIN <= width <= THICK:
        return amount
    from scipy.ndimage import maximum_filter, minimum_filter

    fine = FINE * BOX / max(amount.shape)
    size = (max(1, round(amount.shape[1] * fine)), max(1, round(amount.shape[0] * fine)))
    amount = np.asarray(Image.fromarray(amount.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
    change = round(FINE * ((THINNEST if width < THIN else THICKEST) - width))
    if change < 0:
        thinner = minimum_filter(amount, footprint=_disc(1 - change))
        return np.asarray(thinner if thinner.max() > 0.5 else amount)
    loops = _loops(amount)
    for more in range(change, 0, -1):
        thicker = maximum_filter(np.pad(amount, more), footprint=_disc(1 + more))
        if _loops(thicker) >= loops:  # a narrow 8 whose loop fills up looks like a 9 with a long leg
            return np.asarray(thicker)
    return amount


def _loops(amount: Float32) -> int:
    """How many regions of paper the strokes enclose that are as large as a pixel of the box, or larger."""
    from scipy.ndimage import label

    names, _ = label(np.pad(amount < 0.5, 1, constant_values=True))
    return int(np.count_nonzero(np.bincount(names.ravel())[2:] >= FINE**2))  # after the strokes and the outside


def _disc(size: int) -> Mask:
    """A round neighbourhood, (size, size)."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.asarray(y**2 + x**2 <= (size / 2) ** 2)


def stroke_width(amount: Float32) -> float:
    """The mean width of the strokes in pixels: an outline runs along both of their sides."""
    down = np.abs(amount[1:] - amount[:-1]).sum() + amount[0].sum() + amount[-1].sum()
    across = np.abs(amount[:, 1:] - amount[:, :-1]).sum() + amount[:, 0].sum() + amount[:, -1].sum()
    return float(2 * amount.sum() / max((down + across) * np.pi / 4, 1e-6))  # |dx| + |dy| is 4/pi of its length
