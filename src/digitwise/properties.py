"""Properties of a digit that people can name: slant, stroke width, ink, holes and others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from digitwise.images import Float64, Mask, UInt8

INK = 96  # grey value, 0 to 255, from which a pixel belongs to the strokes
SPECK = 3  # pixels: what is smaller is no part and no hole


@dataclass(frozen=True)
class Property:
    """A property of single images.

    Parameters
    ----------
    name : str
    unit : str
        What its numbers are; empty for counts and ratios.
    much, little : str
        How to say that an image has much or little of it, as in "digits *slanted right*".
    kind : {"measure", "count"}
        Counts are whole numbers.
    """

    name: str
    unit: str
    much: str
    little: str
    kind: Literal["measure", "count"] = "measure"


PROPERTIES = (
    Property("slant", "°", "slanted right", "slanted left"),
    Property("stroke_width", "px", "with thick strokes", "with thin strokes"),
    Property("ink", "%", "with much ink", "with little ink"),
    Property("height_to_width", "", "tall and narrow", "low and wide"),
    Property("size", "px", "large", "small"),
    Property("offset", "px", "off the centre", "at the centre"),
    Property("contrast", "%", "of high contrast", "of low contrast"),
    Property("parts", "", "in several parts", "in one part", "count"),
    Property("holes", "", "with holes", "without holes", "count"),
    Property("open_loops", "", "with a loop left open", "without open loops", "count"),
)


def properties(images: UInt8) -> dict[str, Float64]:
    """Measure the properties of images with light ink on a dark ground.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
        Colours are averaged.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        By the names of :data:`PROPERTIES`: ``slant`` in degrees, right is positive; ``stroke_width``, ``size`` (the
        longer side of the ink's box) and ``offset`` (of the ink's centre of mass from the middle) in pixels; ``ink``
        and ``contrast`` (brightest ink against the ground) in percent; counts of ``parts``, ``holes`` and
        ``open_loops`` (holes that appear when the strokes become a pixel thicker on each side). An image without
        ink has zeros.
    """
    from scipy.ndimage import binary_dilation, generate_binary_structure

    grey = images.mean(axis=3) if images.ndim == 4 else images
    light = grey.astype(np.float32) / 255  # (n, h, w)
    ink: Mask = np.asarray(grey >= INK)
    height, width = ink.shape[1:]
    found = ink.any(axis=(1, 2))
    mass = np.maximum(light.sum(axis=(1, 2)), 1e-6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    middle_y, middle_x = ((light * axis).sum(axis=(1, 2)) / mass for axis in (y, x))
    dy, dx = y - middle_y[:, None, None], x - middle_x[:, None, None]
    lean = (light * dx * dy).sum(axis=(1, 2)) / np.maximum((light * dy * dy).sum(axis=(1, 2)), 1e-6)
    outline = sum(np.abs(np.diff(light, axis=axis, prepend=0, append=0)).sum(axis=(1, 2)) for axis in (1, 2))
    box_height, box_width = _extent(ink, across=2), _extent(ink, across=1)
    flat = grey.reshape(len(grey), -1)
    ring = generate_binary_structure(2, 2)[None]
    holes = _pieces(~ink, _within(1), touching_border=False)
    thicker = binary_dilation(ink, ring)
    measured = {
        "slant": -np.degrees(np.arctan(lean)),
        # An outline runs along both sides of a stroke; |dx| + |dy| is 4/pi of its length on average.
        "stroke_width": 2 * mass / np.maximum(outline * np.pi / 4, 1e-6),
        "ink": 100 * light.mean(axis=(1, 2)),
        "height_to_width": box_height / np.maximum(box_width, 1),
        "size": np.maximum(box_height, box_width),
        "offset": np.hypot(middle_y - (height - 1) / 2, middle_x - (width - 1) / 2),
        "contrast": (np.percentile(flat, 98, axis=1) - np.median(flat, axis=1)) / 2.55,
        "parts": _pieces(ink, _within(2)),
        "holes": holes,
        "open_loops": np.maximum(_pieces(~thicker, _within(1), touching_border=False) - holes, 0),
    }
    return {name: np.where(found, values, 0).astype(np.float64) for name, values in measured.items()}


def _extent(ink: Mask, *, across: int) -> Float64:
    """From the first to the last row or column with ink, (n, h, w) to (n,)."""
    used = np.asarray(ink.any(axis=across))
    first, last = used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
    return np.where(used.any(axis=1), last - first, 0).astype(np.float64)


def _within(connectivity: int) -> Mask:
    """Neighbours in the same image only: of a side (1) or of a corner too (2)."""
    from scipy.ndimage import generate_binary_structure

    structure = np.zeros((3, 3, 3), bool)
    structure[1] = generate_binary_structure(2, connectivity)
    return structure


def _pieces(mask: Mask, structure: Mask, *, touching_border: bool = True) -> Float64:
    """How many connected pieces each image has, specks left out; (n, h, w) to (n,)."""
    from scipy.ndimage import label

    names, count = label(mask, structure)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    counted = sizes >= SPECK
    counted[0] = False
    if not touching_border:
        for edge in (names[:, 0], names[:, -1], names[:, :, 0], names[:, :, -1]):
            counted[np.unique(edge)] = False
    owner = np.zeros(count + 1, np.int64)
    owner[names.ravel()] = np.repeat(np.arange(len(mask)), mask[0].size)
    return np.bincount(owner[counted], minlength=len(mask)).astype(np.float64)
