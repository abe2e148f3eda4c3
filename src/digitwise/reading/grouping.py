"""Digits to numbers and lines: who is whose neighbour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitwise.images import Float32, Int64

# In heights of a digit:
APART = 2.0  # the widest gap between neighbours of one row: boxes of forms are so far apart
BESIDE = 0.6  # how far up or down a neighbour's middle may lie
LIKE = 2.5  # how many times as high a neighbour may be
GAP = 0.75  # a wider gap parts numbers where most gaps of the row are narrow
EVEN = 2.2  # times the row's middle gap: what is narrower parts nothing, so that boxed digits stay one number
PAIR = 1.2  # the gap that parts a row of two


def lines_of(boxes: Float32) -> list[list[Int64]]:
    """The numbers of each line of boxes, float32 (n, 4), from top to bottom."""
    pieces = [piece for row in _rows(boxes) for piece in _parted(boxes, row)]
    middles, heights = ((boxes[:, 1] + boxes[:, 3]) / 2).tolist(), (boxes[:, 3] - boxes[:, 1]).tolist()
    lines: list[list[Int64]] = []
    for piece in sorted(pieces, key=lambda piece: float(boxes[piece[0], 0])):
        away = [_away(boxes, middles, heights, line[-1][-1], piece[0]) for line in lines]
        if away and min(away) < BESIDE:
            lines[int(np.argmin(away))].append(piece)
        else:
            lines.append([piece])
    return sorted(lines, key=lambda line: float(np.mean([middles[k] for k in np.concatenate(line)])))


def _away(boxes: Float32, middles: list[float], heights: list[float], last: int, first: int) -> float:
    """How far up or down the beginning of a number lies from the end of a line before it, in heights."""
    if boxes[last, 2] > boxes[first, 2]:
        return np.inf
    return float(abs(middles[last] - middles[first]) / max(heights[last], heights[first]))


def _rows(boxes: Float32) -> list[Int64]:
    """Chains of nearest neighbours, to and fro."""
    right = _nearest(boxes)
    mirrored = np.stack([-boxes[:, 2], boxes[:, 1], -boxes[:, 0], boxes[:, 3]], axis=1)
    left = _nearest(mirrored)
    follows = np.array([j if j >= 0 and left[j] == i else -1 for i, j in enumerate(right.tolist())], np.int64)
    rows = []
    for start in np.setdiff1d(np.arange(len(boxes)), follows[follows >= 0]).tolist():
        row = [start]
        while (following := int(follows[row[-1]])) >= 0:
            row.append(following)
        rows.append(np.array(row, np.int64))
    return rows


def _nearest(boxes: Float32) -> Int64:
    """The neighbour to the right of each box, -1 where there is none."""
    heights = boxes[:, 3] - boxes[:, 1]
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    found = np.full(len(boxes), -1, np.int64)
    for k in range(len(boxes)):
        larger, smaller = np.maximum(heights, heights[k]), np.minimum(heights, heights[k])
        gap, off = boxes[:, 0] - boxes[k, 2], np.abs(y - y[k])
        fits = (x > x[k]) & (off < BESIDE * larger) & (gap < APART * (larger + smaller) / 2) & (larger < LIKE * smaller)
        if fits.any():
            cost = np.where(fits, np.maximum(gap, -0.3 * smaller) + 1.5 * off, np.inf)
            found[k] = int(cost.argmin())
    return found


def _parted(boxes: Float32, row: Int64) -> Sequence[Int64]:
    """A row cut where gaps are wide."""
    if len(row) < 2:
        return [row]
    gaps = boxes[row[1:], 0] - boxes[row[:-1], 2]
    height = float(np.median(boxes[row, 3] - boxes[row, 1]))
    least = PAIR * height if len(row) == 2 else max(GAP * height, EVEN * float(np.median(gaps)))
    return np.split(row, np.flatnonzero(gaps > least) + 1)
