"""Boxes to rows and columns: where a page of numbers is level, and what stands below and beside what."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float64, Int64, Mask

STEEPEST = 0.13  # slope of a line up to which it is looked for: about 7.5 degrees
STEP = 0.002  # between two slopes that are tried
OWN = 0.03  # how far the slope of the digits within numbers is off, at least
BEND = 16.0  # so that steepness 0.1 along an arc is 1.6 heights of a digit from the middle to the ends
SHOWN = 3  # a narrow gap parts columns where one of so many rows shows it
STEPS = 4  # times that rows are made and their common shape is fitted
BESIDE = 0.6  # heights of a digit that the middles of a row's parts may lie apart
NEAR = 0.45  # or so many distances of two rows, where that is more
OVER = 0.3  # share of the narrower box from which two boxes stand above each other
WIDE = 1.5  # heights of a digit: a gap that parts columns even where few rows show it


def level_rows(boxes: Float64, heights: Float64, own: tuple[float, float]) -> tuple[Int64, Float64]:
    """Find the rows of upright boxes, whose lines may be tilted, bent, or seen from the side.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
        Left, top, right and bottom in pixels.
    heights : ndarray of float64, shape (n,)
        Of a digit of each, in pixels.
    own : (float, float)
        The slope that digits within numbers show, and its standard error.

    Returns
    -------
    (ndarray of int64, shape (n,), ndarray of float64, shape (n,))
        The row of each, from top to bottom; and its middle in pixels, as if the page were level.
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
        Their middles, as if the page were level.
    unit : float
        The height of a digit, in pixels.

    Returns
    -------
    (ndarray of int64, shape (n,), ndarray of bool, shape (n,))
        The column of each, from the left; and whether it reaches into others, too.
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
    """The slope of what is taken off the intervals along the way, so that they lie on each other most.

    A row more or less at the far end of a table of two columns looks alike; ``own`` decides there.
    """
    slopes = np.arange(-STEEPEST, STEEPEST + STEP, STEP)
    sharp = [np.log(_sharpness(lows - slope * along, highs - slope * along)) for slope in slopes]
    doubt = 0.5 * ((slopes - own[0]) / max(own[1], OWN)) ** 2
    return float(slopes[int(np.argmax(8 * np.array(sharp) - doubt))])


def _sharpness(lows: Float64, highs: Float64, cell: float = 0.1) -> float:
    """The sum of squares of how many intervals cover each place."""
    begin, end = np.rint(lows / cell).astype(int), np.rint(highs / cell).astype(int)
    low, size = begin.min(), end.max() - begin.min() + 1
    cover = np.cumsum(np.bincount(begin - low, minlength=size) - np.bincount(end - low, minlength=size))
    return float(np.square(cover, dtype=np.float64).sum() + 1)


def _grouped(levels: Float64, boxes: Float64, near: float) -> Int64:
    """The row of each: the two nearest become one as long as they are near, and nothing stands above another part."""
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
    """Whether a box of one row stands above one of another."""
    common = np.minimum(some[:, None, 2], others[None, :, 2]) - np.maximum(some[:, None, 0], others[None, :, 0])
    narrower = np.minimum((some[:, 2] - some[:, 0])[:, None], (others[:, 2] - others[:, 0])[None])
    return bool((common > OVER * narrower).any())


def _levelled(x: Float64, y: Float64, rows: Int64) -> Float64:
    """The heights of middles less the tilt, bend and fan that all rows have in common, fitted by least squares."""
    shapes = np.stack([x, x**2, x * y], axis=1)
    count = np.bincount(rows)

    def within(values: Float64) -> Float64:
        return np.asarray(values - (np.bincount(rows, values) / count)[rows])

    inner = np.stack([within(shape) for shape in shapes.T], axis=1)
    scale = np.sqrt(np.square(shapes).mean(axis=0)) + 1e-9
    ridge = np.diag([0.02, 0.3, 0.3]) * len(x) ** 0.5  # what few boxes do not show is taken to be level
    system = np.concatenate([inner / scale, ridge / 10])
    found = np.linalg.lstsq(system, np.concatenate([within(y), np.zeros(3)]), rcond=None)[0]
    return np.asarray(y - shapes / scale @ found)


def _cuts(lows: Float64, highs: Float64, rows: Int64) -> list[float]:
    """Where columns part: gaps that more rows show than boxes cross; the weakest goes first."""
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
    """What speaks for and against the middle edge.

    Rows with something close on both sides, rows with something on either, boxes across, and the usual gap in a row.
    """
    before, cut, after = edges
    left, right = (highs <= cut) & (highs > before), (lows >= cut) & (lows < after)
    both = np.intersect1d(rows[left], rows[right])
    gaps = [lows[right & (rows == row)].min() - highs[left & (rows == row)].max() for row in both]
    either = len(np.union1d(rows[left], rows[right]))
    return len(both), either, int(((lows < cut) & (highs > cut)).sum()), float(np.median(gaps)) if gaps else None


def _gain(both: int, either: int, across: int, gap: float | None, valley: float) -> float:
    """Above 0 where an edge parts columns, and not the numbers of a cell."""
    width = valley if gap is None else gap
    strength = both - across
    if width >= WIDE:
        return strength + 0.5
    return min(strength - 1.5, SHOWN * both / max(either, 1) - 1)


def _valleys(lows: Float64, highs: Float64) -> list[tuple[float, float]]:
    """Stretches that fewer intervals cover than what lies at both ends of them."""
    places = np.unique(np.concatenate([lows, highs]))
    cover = np.searchsorted(np.sort(lows), places[:-1], "right") - np.searchsorted(np.sort(highs), places[:-1], "right")
    falls, rises = np.diff(cover, prepend=0) < 0, np.diff(cover, append=0) > 0
    return [(float(places[k]), float(places[k + 1])) for k in np.flatnonzero(falls & rises)]
