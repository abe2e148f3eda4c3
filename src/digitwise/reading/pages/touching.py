"""Where a piece of ink may be two digits that touch: straight cuts and winding ones through its thinnest places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float64, Int64, Mask
from digitwise.normalize import stroke_width
from digitwise.reading.pages.parts import Part

SLANTS = (-0.45, -0.2, 0.0, 0.2, 0.45)  # run over rise of straight cuts: writing leans, mostly to the right
MARGIN = 0.12  # digit heights at either end in which no cut is tried
BETWEEN = 0.12  # digit heights of a stroke that lie between two cuts, at least
EACH_HEIGHT = 6.0  # cuts kept for one digit height of width
SIDEWAYS = 0.3  # pixels of ink that a pixel to the side costs a winding cut as much as
BENT = 0.2  # strokes that a winding cut is dearer: a straight one through the same place leaves digits smoother


@dataclass(frozen=True, eq=False)
class Cut:
    """A cut from the top to the bottom.

    Parameters
    ----------
    columns : ndarray of int64, shape (h,)
        The last column of each row that lies to its left.
    thickness : float
        Pixels of ink on it.
    """

    columns: Int64
    thickness: float


def cuts_of(part: Part, height: float) -> list[Cut]:
    """The cuts worth trying, from left to right, none of which cross in ink.

    Parameters
    ----------
    part : Part
    height : float
        The usual height of a digit on its line, pixels.

    Returns
    -------
    list of Cut
    """
    stroke = stroke_width(part.mask.astype(np.float32))
    tried = [(cut.thickness + abs(slant), cut) for slant in SLANTS for cut in _thinnest(part.mask, slant, height)]
    tried += [(cut.thickness + BENT * stroke, cut) for cut in _winding(part.mask, height)]
    ink = np.pad(part.mask.cumsum(axis=1), ((0, 0), (1, 0)))
    kept: list[Cut] = []
    for _, cut in sorted(tried, key=lambda pair: pair[0]):
        if len(kept) < max(2, round(EACH_HEIGHT * part.width / height)) and all(
            _apart(cut, other, ink, BETWEEN * height * stroke) for other in kept
        ):
            kept.append(cut)
    return sorted(kept, key=lambda cut: float(cut.columns.mean()))


def _apart(one: Cut, other: Cut, ink: Int64, least: float) -> bool:
    """Whether there is enough ink between two cuts, and none on the wrong side; ``ink`` is counted from the left."""
    rows = np.arange(len(ink))
    between = ink[rows, _bounded(one, ink) + 1] - ink[rows, _bounded(other, ink) + 1]
    forth, back = int(between[between > 0].sum()), int(-between[between < 0].sum())
    return min(forth, back) == 0 and max(forth, back) >= least


def _bounded(cut: Cut, ink: Int64) -> Int64:
    """Its columns within the part's box, -1 where it lies to the left of it."""
    return np.clip(cut.columns, -1, ink.shape[1] - 2)


def _thinnest(mask: Mask, slant: float, height: float) -> list[Cut]:
    """Straight cuts of one slant at which the ink on them is least, about them."""
    rows, columns = np.nonzero(mask)
    middle = (mask.shape[0] - 1) / 2
    along = columns + slant * (rows - middle)
    first = along.min()
    counts = np.bincount(np.round(along - first).astype(np.intp)).astype(np.float64)
    margin = max(1, round(MARGIN * height))
    inside = counts[margin : len(counts) - margin]
    lean = slant * (np.arange(mask.shape[0]) - middle)
    return [
        Cut(np.floor(first + margin + i - lean).astype(np.int64), float(inside[i]))
        for i in _minima(inside)
        if margin + i <= np.ptp(along) - margin
    ]


def _winding(mask: Mask, height: float) -> list[Cut]:
    """Cuts that go round ink where they can: the cheapest ones through each place of the middle row.

    The seams of an image, as in S. Avidan, A. Shamir, Seam Carving for Content-Aware Image Resizing, SIGGRAPH 2007.
    """
    middle = mask.shape[0] // 2
    above, ways_up = _cheapest(mask[: middle + 1])
    below, ways_down = _cheapest(mask[: middle - 1 if middle else None : -1])
    costs = above + below - mask[middle]
    margin = max(1, round(MARGIN * height))
    found = []
    for i in _minima(costs[margin : len(costs) - margin]):
        columns = np.r_[_traced(ways_up, margin + i), _traced(ways_down, margin + i)[-2::-1]]
        found.append(Cut(columns, float(mask[np.arange(len(columns)), columns].sum())))
    return found


def _cheapest(mask: Mask) -> tuple[Float64, Int64]:
    """The least cost (w,) of a way from the first row to each place of the last, and the steps taken, (h, w)."""
    cost = mask[0].astype(np.float64)
    ways = np.zeros(mask.shape, np.int64)
    columns = np.arange(mask.shape[1])
    for row in range(1, len(mask)):
        wide = np.pad(cost, 1, constant_values=np.inf)
        options = np.stack([wide[:-2] + SIDEWAYS, cost, wide[2:] + SIDEWAYS])
        ways[row] = options.argmin(axis=0)
        cost = options[ways[row], columns] + mask[row]
    return cost, ways - 1


def _traced(ways: Int64, column: int) -> Int64:
    """The columns of the cheapest way to a place of the last row, int64 (h,)."""
    columns = [column]
    for row in range(len(ways) - 1, 0, -1):
        columns.append(columns[-1] + int(ways[row, columns[-1]]))
    return np.array(columns[::-1], np.int64)


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
    columns = np.arange(part.width)
    piece = np.zeros(part.mask.shape, np.int64)
    for cut in cuts:
        piece += columns > cut.columns[:, None]
    return piece
