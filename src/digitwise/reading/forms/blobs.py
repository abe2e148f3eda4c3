"""Solid spots of an image, such as the marks of a form: dark on light or light on dark, in any light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from digitwise.images import Float64, Mask, UInt8

SIDE = 640  # pixels of the longer side to which an image is brought
LEVELS = 12  # grey levels at which it is cut
SMALLEST, LARGEST = 20, 0.014  # pixels, and share of the image: areas between which a spot may be a mark
SOLID = 0.86  # area by that of the ellipse with the same spread: 1 for a disc, 0.95 for a rectangle, less for letters
LONG = 2.2  # times as long as wide
CONTRAST = 0.25  # share of the lighter one's brightness by which a spot differs from what surrounds it
MOST = 20


@dataclass(frozen=True, eq=False)
class Blobs:
    """Spots, the clearest first.

    Parameters
    ----------
    centres : ndarray of float64, shape (n, 2)
        x and y in the image's pixels.
    areas : ndarray of float64, shape (n,)
        In pixels.
    light : ndarray of bool, shape (n,)
        Whether each is lighter than what surrounds it.
    """

    centres: Float64
    areas: Float64
    light: Mask

    def __len__(self) -> int:
        return len(self.areas)


def blobs_of(grey: UInt8) -> Blobs:
    """Find the solid spots of an image, uint8 (h, w).

    A spot parts from its surroundings at some grey level, whatever the light; so the image is cut at several.
    """
    small = within(grey, SIDE)
    low, high = np.percentile(small, (0.5, 99.5))
    found = [
        spot
        for level in np.linspace(low, high, LEVELS + 2)[1:-1]
        for light in (False, True)
        for spot in _spots(small, float(level), light=light)
    ]
    kept: list[tuple[float, ...]] = []
    for spot in sorted(found, reverse=True):
        if all(math.dist(spot[1:3], other[1:3]) > 0.5 * math.sqrt(max(spot[3], other[3])) for other in kept):
            kept.append(spot)
    table = np.array(kept[:MOST], np.float64).reshape(-1, 5)
    ratio = np.array([grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]])
    return Blobs(table[:, 1:3] * ratio, table[:, 3] * float(ratio.prod()), table[:, 4] > 0)


def within(grey: UInt8, side: int) -> UInt8:
    """An image (h, w) whose longer side is as long at most."""
    scale = min(1.0, side / max(grey.shape))
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.uint8)


def _spots(small: UInt8, level: float, *, light: bool) -> list[tuple[float, ...]]:
    """How clear, x, y, area and polarity of the solid spots that part from the rest at a grey level."""
    from scipy.ndimage import find_objects, label

    pieces, count = label(small > level if light else small < level)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)
    places = find_objects(pieces)
    fits = (areas >= SMALLEST) & (areas <= max(LARGEST * small.size, SMALLEST))
    found = []
    for number in np.flatnonzero(fits[1:]) + 1:
        spot = _measured(small, pieces, int(number), places[number - 1])
        if spot is not None:
            found.append((*spot, float(light)))
    return found


def _measured(small: UInt8, pieces: Any, number: int, place: tuple[slice, slice]) -> tuple[float, ...] | None:
    """How clear a piece is, its middle and its area; None where it is no solid spot."""
    tall, wide = (part.stop - part.start for part in place)
    own = pieces[place] == number
    if own.mean() < 0.4 or max(tall, wide) > 2.5 * min(tall, wide):
        return None
    ys, xs = np.nonzero(own)
    spread = np.cov(xs, ys, bias=True) + np.eye(2) / 12  # a pixel has an extent of its own
    small_way, long_way = np.linalg.eigvalsh(spread)
    solid = len(xs) / (4 * math.pi * math.sqrt(small_way * long_way))
    if solid < SOLID or long_way > LONG**2 * small_way:
        return None
    rows, columns = (slice(max(part.start - 3, 0), part.stop + 3) for part in place)
    around = small[rows, columns][pieces[rows, columns] != number].astype(np.float64)
    inner, outer = float(small[place][own].mean()), float(np.median(around)) if around.size else 0.0
    contrast = abs(inner - outer) / max(inner, outer, 1.0)
    if contrast < CONTRAST:
        return None
    clear = contrast * solid * math.sqrt(len(xs))
    return clear, place[1].start + float(xs.mean()) + 0.5, place[0].start + float(ys.mean()) + 0.5, float(len(xs))
