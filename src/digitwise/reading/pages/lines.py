"""Lines of writing: which parts stand side by side, on a page that may lie askew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float64, Int64

STEEPEST = 0.36  # rise over run: 20 degrees
SLOPES = 121  # tried ones
SMALL = 0.35  # digit heights: lower parts do not say where a line is
APART = 0.55  # digit heights: parts whose middles are further off a line are in another
KNOWN = 4  # parts of a line that its own slope is taken from, at least
FREEDOM = 0.06  # rise over run by which a line may differ from the others, as in perspective


@dataclass(frozen=True)
class Row:
    """A line of writing.

    Parameters
    ----------
    members : tuple of int
        Indices of its parts, from left to right.
    height : float
        The usual height of its digits, pixels.
    slope : float
        Rise over run; positive goes down to the right.
    offset : float
        Where its middle is at the page's left edge, pixels from the top.
    """

    members: tuple[int, ...]
    height: float
    slope: float
    offset: float


def usual_height(boxes: Float64) -> float:
    """The height of a digit among parts of all sizes, pixels.

    Specks are many but small: in a median to which each part counts by its height they do not matter. What is
    much lower than that is left out of the median that is the answer, in which long 7s count no more than small 0s.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
        Left, top, right, bottom.
    """
    heights = np.sort(boxes[:, 3] - boxes[:, 1])
    weight = np.cumsum(heights)
    weighted = heights[np.searchsorted(weight, weight[-1] / 2)]
    return float(np.median(heights[heights >= SMALL * weighted]))


def rows_of(boxes: Float64) -> list[Row]:
    """Group parts to lines.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
        Left, top, right, bottom, pixels.

    Returns
    -------
    list of Row
        From top to bottom; parts much lower than a digit are in none.
    """
    if not len(boxes):
        return []
    height = usual_height(boxes)
    large = np.flatnonzero(boxes[:, 3] - boxes[:, 1] >= SMALL * height)
    x, y = boxes[large][:, [0, 2]].mean(axis=1), boxes[large][:, [1, 3]].mean(axis=1)
    slope = _common_slope(x, y, height)
    owner = _chained(x, y, slope, height)
    for _ in range(3):
        slopes, offsets = _fitted(x, y, owner, slope)
        owner = _nearest(x, y, slopes, offsets, owner, height)
    slopes, offsets = _fitted(x, y, owner, slope)
    order = np.argsort([(offsets + slopes * x.mean())[i] for i in range(len(offsets))])
    return [_row(boxes, large[owner == i], x[owner == i], slopes[i], offsets[i]) for i in order if np.any(owner == i)]


def _row(boxes: Float64, members: Int64, x: Float64, slope: float, offset: float) -> Row:
    """The line of the given parts, whose middles are at ``x``."""
    height = usual_height(boxes[members])
    return Row(tuple(int(i) for i in members[np.argsort(x)]), height, float(slope), float(offset))


def _common_slope(x: Float64, y: Float64, height: float) -> float:
    """The slope along which the middles of parts fall on fewest lines.

    As a page's skew is found from its projection profile: the squares of the counts are largest where lines are sharp.
    """
    best, best_score = 0.0, -1.0
    for slope in np.linspace(-STEEPEST, STEEPEST, SLOPES):
        level = (y - slope * x) / (0.25 * height)
        counts = np.bincount(np.round(level - level.min()).astype(np.intp) + 1, minlength=4).astype(np.float64)
        soft = np.convolve(counts, [0.5, 1, 0.5])
        score = float((soft**2).sum()) * (1 - 0.5 * abs(slope))  # few parts lie well on many slopes
        if score > best_score:
            best, best_score = float(slope), score
    return best


def _chained(x: Float64, y: Float64, slope: float, height: float) -> Int64:
    """Put each part, from left to right, on the line whose last parts are at its level, else on a new one."""
    level = y - slope * x
    owner = np.full(len(x), -1)
    ends: list[list[float]] = []
    for i in np.argsort(x):
        off = [abs(level[i] - np.mean(end[-3:])) for end in ends]
        line = int(np.argmin(off)) if off else -1
        if line < 0 or off[line] > APART * height:
            line = len(ends)
            ends.append([])
        ends[line].append(float(level[i]))
        owner[i] = line
    return owner


def _fitted(x: Float64, y: Float64, owner: Int64, slope: float) -> tuple[Float64, Float64]:
    """Slope and offset of each line, float64 (lines,)."""
    slopes, offsets = [], []
    for line in range(int(owner.max()) + 1):
        mine_x, mine_y = x[owner == line], y[owner == line]
        own = slope
        if len(mine_x) >= KNOWN:
            own = float(np.clip(_median_slope(mine_x, mine_y), slope - FREEDOM, slope + FREEDOM))
        slopes.append(own)
        offsets.append(float(np.median(mine_y - own * mine_x)) if len(mine_x) else np.inf)
    return np.array(slopes), np.array(offsets)


def _median_slope(x: Float64, y: Float64) -> float:
    """Theil's and Sen's slope: a long 7 does not tilt the line."""
    i, j = np.triu_indices(len(x), 1)
    run = x[j] - x[i]
    far = np.abs(run) >= 0.3 * np.ptp(x)
    return float(np.median((y[j] - y[i])[far] / run[far])) if far.any() and np.ptp(x) > 0 else 0.0


def _nearest(x: Float64, y: Float64, slopes: Float64, offsets: Float64, owner: Int64, height: float) -> Int64:
    """Move parts to the line they are nearest to, if that is a line with more parts than their own."""
    off = np.abs(y[:, None] - slopes * x[:, None] - offsets)  # (parts, lines)
    sizes = np.bincount(owner, minlength=len(offsets))
    cost = off + 0.1 * height / np.maximum(sizes, 1)
    cost[off > 1.3 * APART * height] = np.inf
    cost[np.arange(len(x)), owner] = np.minimum(cost[np.arange(len(x)), owner], 10 * height)
    return np.asarray(cost.argmin(axis=1))
