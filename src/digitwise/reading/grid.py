"""Group boxes into lines, rows and columns, on pages that may be tilted, bent, or seen at an angle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitwise.images import Float32, Float64, Int64, Mask

# In heights of a digit:
APART = 2.0  # the widest gap between neighbours of one row: boxes of forms are so far apart
BESIDE = 0.6  # the largest vertical distance between centres of neighbours in a row
LIKE = 2.5  # the largest ratio of heights of neighbours
GAP = 0.75  # a wider gap separates numbers if most gaps of the row are narrow
EVEN = 2.2  # times the row's median gap: narrower gaps separate nothing, so that boxed digits stay one number
PAIR = 1.2  # the gap that separates a row of two
STEEPEST = 0.13  # slope of a line up to which it is looked for: about 7.5 degrees
STEP = 0.002  # between two slopes that are tried
CELL = 0.1  # the resolution of overlaps
OWN = 0.03  # how far the slope of the digits within numbers is off, at least
BEND = 16.0  # so that steepness 0.1 along an arc is 1.6 heights of a digit from the middle to the ends
SHOWN = 3  # a narrow gap parts columns where one of so many rows shows it
STEPS = 4  # times that rows are made and their common shape is fitted
NEAR = 0.45  # distances of two rows that the parts of one may lie apart, where that is more
OVER = 0.3  # share of the narrower box from which two boxes stand above each other
WIDE = 1.5  # heights of a digit: a gap that parts columns even where few rows show it


def lines_of(boxes: Float32) -> list[list[Int64]]:
    """Group boxes, float32 (n, 4), into lines from top to bottom, each a list of numbers: indices of their boxes."""
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
    """The vertical distance between the end of a line and the start of a number to its right, in heights."""
    if boxes[last, 2] > boxes[first, 2]:
        return np.inf
    return float(abs(middles[last] - middles[first]) / max(heights[last], heights[first]))


def _rows(boxes: Float32) -> list[Int64]:
    """Chains of boxes that are each other's nearest neighbour to the right and to the left."""
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
    """Cut a row at wide gaps."""
    if len(row) < 2:
        return [row]
    gaps = boxes[row[1:], 0] - boxes[row[:-1], 2]
    height = float(np.median(boxes[row, 3] - boxes[row, 1]))
    least = PAIR * height if len(row) == 2 else max(GAP * height, EVEN * float(np.median(gaps)))
    return np.split(row, np.flatnonzero(gaps > least) + 1)


def level_rows(boxes: Float64, heights: Float64, own: tuple[float, float]) -> tuple[Int64, Float64]:
    """Find the rows of upright boxes; lines may be tilted, bent, or seen at an angle.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
        Left, top, right and bottom in pixels.
    heights : ndarray of float64, shape (n,)
        Of a digit of each, in pixels.
    own : (float, float)
        Slope of the digits within numbers, and its standard error.

    Returns
    -------
    (ndarray of int64, shape (n,), ndarray of float64, shape (n,))
        The row of each box, from top to bottom; and its vertical centre in pixels once the page is levelled.
    """
    unit = float(np.median(heights))
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2 / unit, (boxes[:, 1] + boxes[:, 3]) / 2 / unit
    x, y = x - x.mean(), y - y.mean()
    tilt = x * _slope(x, y - 0.5, y + 0.5, own)
    arc = BEND * (x / max(float(np.abs(x).max()), 1.0)) ** 2
    arc = arc * _slope(arc, y - tilt - 0.5, y - tilt + 0.5, (0.0, OWN))
    levels = y - arc - x * _slope(x, y - arc - 0.5, y - arc + 0.5, own)
    rows = _grouped(levels, boxes, BESIDE)
    for _ in range(STEPS):
        levels = _levelled(x, y, rows)
        middles = np.bincount(rows, levels) / np.bincount(rows)
        usual = float(np.median(np.diff(middles))) if len(middles) > 1 else BESIDE
        rows = _grouped(levels, boxes, max(BESIDE, NEAR * usual))
    return rows, levels * unit


def level_columns(boxes: Float64, rows: Int64, levels: Float64, unit: float) -> tuple[Int64, Mask]:
    """Find the columns of boxes whose rows are known.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
    rows : ndarray of int64, shape (n,)
    levels : ndarray of float64, shape (n,)
        Their vertical centres on the levelled page.
    unit : float
        The height of a digit, in pixels.

    Returns
    -------
    (ndarray of int64, shape (n,), ndarray of bool, shape (n,))
        The column of each box, from the left; and whether the box also spans others.
    """
    lows, highs, y = boxes[:, 0] / unit, boxes[:, 2] / unit, levels / unit
    lean = _slope(y - y.mean(), lows, highs, (0.0, STEEPEST))
    lows, highs = lows - lean * (y - y.mean()), highs - lean * (y - y.mean())
    cuts = _cuts(lows, highs, rows)
    edges = np.array([-np.inf, *cuts, np.inf])
    common = np.minimum(highs[:, None], edges[1:]) - np.maximum(lows[:, None], edges[:-1])  # (n, columns)
    share = np.maximum(common, 0) / (highs - lows)[:, None]
    first = (share >= OVER * share.max(axis=1, keepdims=True)).argmax(axis=1)
    spans = (share > OVER).sum(axis=1) > 1
    return np.where(spans, first, share.argmax(axis=1)), spans


def _slope(along: Float64, lows: Float64, highs: Float64, own: tuple[float, float]) -> float:
    """The slope that, removed from the intervals, makes them overlap most.

    In a table of two columns a shift by a whole row fits as well; there ``own`` decides.
    """
    slopes = np.arange(-STEEPEST, STEEPEST + STEP, STEP)
    sharp = [np.log(_sharpness(lows - slope * along, highs - slope * along)) for slope in slopes]
    doubt = 0.5 * ((slopes - own[0]) / max(own[1], OWN)) ** 2
    return float(slopes[int(np.argmax(8 * np.array(sharp) - doubt))])


def _sharpness(lows: Float64, highs: Float64) -> float:
    """The sum over all places of the squared number of intervals that cover it."""
    begin, end = (np.rint(each / CELL).astype(int) for each in (lows, highs))
    low, size = begin.min(), end.max() - begin.min() + 1
    cover = np.cumsum(np.bincount(begin - low, minlength=size) - np.bincount(end - low, minlength=size))
    return float(np.square(cover, dtype=np.float64).sum() + 1)


def _grouped(levels: Float64, boxes: Float64, near: float) -> Int64:
    """The row of each box: merge the two nearest rows as long as they are near and no boxes are above each other."""
    groups = [[int(k)] for k in np.argsort(levels, kind="stable")]
    means = levels[[group[0] for group in groups]]
    gaps = np.diff(means)
    while len(gaps) and gaps.min() < near:
        k = int(gaps.argmin())
        if _collide(boxes[groups[k]], boxes[groups[k + 1]]):
            gaps[k] = np.inf
            continue
        groups[k : k + 2] = [groups[k] + groups[k + 1]]
        means = np.delete(means, k + 1)
        means[k] = levels[groups[k]].mean()
        blocked = np.isinf(np.delete(gaps, k))
        gaps = np.where(blocked, np.inf, np.diff(means))
    rows = np.zeros(len(levels), np.int64)
    for row, group in enumerate(groups):
        rows[group] = row
    return rows


def _collide(some: Float64, others: Float64) -> bool:
    """Whether a box of one row is above a box of the other."""
    common = np.minimum(some[:, None, 2], others[None, :, 2]) - np.maximum(some[:, None, 0], others[None, :, 0])
    narrower = np.minimum((some[:, 2] - some[:, 0])[:, None], (others[:, 2] - others[:, 0])[None])
    return bool((common > OVER * narrower).any())


def _levelled(x: Float64, y: Float64, rows: Int64) -> Float64:
    """Vertical centres without the tilt, bend and fan that all rows share, fitted by least squares."""
    shapes = np.stack([x, x**2, x * y], axis=1)
    count = np.bincount(rows)

    def within(values: Float64) -> Float64:
        return np.asarray(values - (np.bincount(rows, values) / count)[rows])

    inner = np.stack([within(shape) for shape in shapes.T], axis=1)
    scale = np.sqrt(np.square(shapes).mean(axis=0)) + 1e-9
    ridge = np.diag([0.02, 0.3, 0.3]) * len(x) ** 0.5  # few boxes are taken to be level
    system = np.concatenate([inner / scale, ridge / 10])
    found = np.linalg.lstsq(system, np.concatenate([within(y), np.zeros(3)]), rcond=None)[0]
    return np.asarray(y - shapes / scale @ found)


def _cuts(lows: Float64, highs: Float64, rows: Int64) -> list[float]:
    """The edges between columns: gaps seen in more rows than boxes cross them; the weakest are removed first."""
    valleys = _valleys(lows, highs)
    while valleys:
        edges = [-np.inf, *((low + high) / 2 for low, high in valleys), np.inf]
        shown = [_shown(lows, highs, rows, edges[k : k + 3]) for k in range(len(valleys))]
        gains = [_gain(*each, high - low) for each, (low, high) in zip(shown, valleys, strict=True)]
        weakest = int(np.argmin(gains))
        if gains[weakest] > 0:
            break
        del valleys[weakest]
    return [(low + high) / 2 for low, high in valleys]


def _shown(lows: Float64, highs: Float64, rows: Int64, edges: list[float]) -> tuple[int, int, int, float | None]:
    """Evidence for the middle edge.

    Rows with boxes on both sides, rows with a box on either side, boxes across it, and the median gap in a row.
    """
    before, cut, after = edges
    left, right = (highs <= cut) & (highs > before), (lows >= cut) & (lows < after)
    both = np.intersect1d(rows[left], rows[right])
    gaps = [lows[right & (rows == row)].min() - highs[left & (rows == row)].max() for row in both]
    either = len(np.union1d(rows[left], rows[right]))
    return len(both), either, int(((lows < cut) & (highs > cut)).sum()), float(np.median(gaps)) if gaps else None


def _gain(both: int, either: int, across: int, gap: float | None, valley: float) -> float:
    """Above 0 if an edge separates columns, and not the numbers of one cell."""
    width = valley if gap is None else gap
    strength = both - across
    if width >= WIDE:
        return strength + 0.5
    return min(strength - 1.5, SHOWN * both / max(either, 1) - 1)


def _valleys(lows: Float64, highs: Float64) -> list[tuple[float, float]]:
    """Stretches that fewer intervals cover than the places at both ends."""
    places = np.unique(np.concatenate([lows, highs]))
    cover = np.searchsorted(np.sort(lows), places[:-1], "right") - np.searchsorted(np.sort(highs), places[:-1], "right")
    falls, rises = np.diff(cover, prepend=0) < 0, np.diff(cover, append=0) > 0
    return [(float(places[k]), float(places[k + 1])) for k in np.flatnonzero(falls & rises)]
