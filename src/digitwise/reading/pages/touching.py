"""Where a piece of ink may be two digits that touch: straight cuts through its thinnest places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float64, Int64, Mask
from digitwise.reading.pages.parts import Part

SLANTS = (-0.45, -0.2, 0.0, 0.2, 0.45)  # run over rise of the cuts: writing leans, mostly to the right
MARGIN = 0.12  # digit heights at either end in which no cut is tried
SPACING = 0.12  # digit heights between cuts
EACH_HEIGHT = 4.0  # cuts kept for one digit height of width


@dataclass(frozen=True)
class Cut:
    """A straight cut.

    Parameters
    ----------
    x : float
        Where it crosses the middle row of the part, pixels from its left.
    slant : float
        Pixels to the left for one down.
    thickness : float
        Pixels of ink on it.
    """

    x: float
    slant: float
    thickness: float


def cuts_of(part: Part, height: float) -> list[Cut]:
    """The cuts worth trying, from left to right, none of which cross.

    Parameters
    ----------
    part : Part
    height : float
        The usual height of a digit on its line, pixels.

    Returns
    -------
    list of Cut
    """
    tried = sorted((cut for slant in SLANTS for cut in _thinnest(part.mask, slant, height)), key=_cost)
    kept: list[Cut] = []
    for cut in tried:
        if len(kept) < max(2, round(EACH_HEIGHT * part.width / height)) and all(
            _apart(cut, other, part.height, SPACING * height) for other in kept
        ):
            kept.append(cut)
    return sorted(kept, key=lambda cut: cut.x)


def _cost(cut: Cut) -> float:
    """Thin and upright first."""
    return cut.thickness + abs(cut.slant)


def _apart(one: Cut, other: Cut, height: int, least: float) -> bool:
    """Whether two cuts keep their distance from the top to the bottom of the part."""
    gaps = [(one.x - one.slant * dy) - (other.x - other.slant * dy) for dy in (-height / 2, height / 2)]
    return min(map(abs, gaps)) >= least / 2 and abs(one.x - other.x) >= least and gaps[0] * gaps[1] > 0


def _thinnest(mask: Mask, slant: float, height: float) -> list[Cut]:
    """Cuts of one slant at which the ink on them is least, about them."""
    rows, columns = np.nonzero(mask)
    middle = (mask.shape[0] - 1) / 2
    along = columns + slant * (rows - middle)
    first, last = along.min(), along.max()
    counts = np.bincount(np.round(along - first).astype(np.intp)).astype(np.float64)
    margin = max(1, round(MARGIN * height))
    inside = counts[margin : len(counts) - margin]
    return [
        Cut(float(first + margin + i), slant, float(inside[i]))
        for i in _minima(inside)
        if first + margin <= first + margin + i <= last - margin
    ]


def _minima(counts: Float64) -> Int64:
    """The middles of the lowest stretches, int64 (k,)."""
    if not len(counts):
        return np.zeros(0, np.int64)
    steps = np.flatnonzero(np.diff(counts)) + 1
    starts, stops = np.r_[0, steps], np.r_[steps, len(counts)]
    levels = counts[starts]
    left, right = np.r_[np.inf, levels[:-1]], np.r_[levels[1:], np.inf]
    low = (levels <= left) & (levels <= right)
    return np.asarray((starts[low] + stops[low] - 1) // 2, np.int64)


def pieces_of(part: Part, cuts: list[Cut]) -> Int64:
    """Which piece each pixel of the part's box is in, counted from the left, int64 (h, w)."""
    rows = np.arange(part.height)[:, None] - (part.height - 1) / 2
    columns = np.arange(part.width)[None, :]
    piece = np.zeros(part.mask.shape, np.int64)
    for cut in cuts:
        piece += columns > cut.x - cut.slant * rows
    return piece
