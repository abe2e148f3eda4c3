"""The corners of a sheet of paper in a photo, lighter or darker than its surroundings."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float64, Mask, UInt8
from digitwise.planes import area
from digitwise.reading.forms.spots import up_of, within

SIDE, FINE = 320, 1600  # pixels of the longer side in which the sheet is looked for, and its edges
LEAST = 0.25, 0.35  # share of the image that a light sheet covers, and a dark one: a smaller one is a field of a form
WHOLE = 0.93  # share of its quadrilateral that a sheet fills
INK = 9  # pixels: strokes up to this width are removed from the paper
STEP = 14.0  # grey levels by which the inside of each edge differs from the outside
BAND = 0.03  # share of the longer side in which the edges are compared and looked for
POINTS = 80  # on an edge


def sheet_of(grey: UInt8, *, turn: int) -> Float64 | None:
    """Find the corners of a sheet all of whose edges are seen.

    Parameters
    ----------
    grey : ndarray of uint8, shape (h, w)
    turn : int
        Quarters counter-clockwise that bring the image upright.

    Returns
    -------
    ndarray of float64, shape (4, 2), or None
        Upper left, upper right, lower right, lower left corner in pixels; None where no sheet is seen.
    """
    small = within(grey, SIDE)
    best, most = None, STEP
    for light in (True, False):
        corners = _corners(_from_the_middle(small, light=light), LEAST[0 if light else 1])
        step = 0.0 if corners is None else _step(small, corners, light=light)
        if step > most:
            best, most = corners, step
    if best is None:
        return None
    ratio = np.array([grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]])
    return _ordered(_refined(grey, best * ratio), turn)


def _from_the_middle(small: UInt8, *, light: bool) -> Mask:
    """The region around the centre by watershed from the centre and the rim: a sheet, even with shadows on it."""
    from scipy.ndimage import grey_closing, grey_opening, morphological_gradient, watershed_ift

    plain = (grey_closing if light else grey_opening)(small, size=INK)  # without the ink
    steps = morphological_gradient(plain, size=3)
    seeds = np.zeros(small.shape, np.int16)
    height, width = small.shape
    seeds[round(0.4 * height) : round(0.6 * height) + 1, round(0.4 * width) : round(0.6 * width) + 1] = 1
    seeds[[0, -1]] = seeds[:, [0, -1]] = 2
    return np.asarray(watershed_ift(steps, seeds) == 1)


def _corners(mask: Mask, least: float) -> Float64 | None:
    """The corners (4, 2) of the largest piece, clockwise, where it is a quadrilateral that touches no rim."""
    from scipy.ndimage import binary_fill_holes, binary_opening, label

    pieces, count = label(binary_opening(mask, iterations=2))
    if not count:
        return None
    piece = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    if piece[0].any() or piece[-1].any() or piece[:, 0].any() or piece[:, -1].any():
        return None
    covered = int(binary_fill_holes(piece).sum())
    corners = _quadrilateral(piece) if covered > least * mask.size else None
    return corners if corners is not None and covered > WHOLE * abs(area(corners)) else None


def _quadrilateral(piece: Mask) -> Float64 | None:
    """The quadrilateral around a piece: its hull, without the edges whose removal adds least area."""
    from scipy.spatial import ConvexHull

    edges = piece & ~(np.roll(piece, 1, 0) & np.roll(piece, -1, 0) & np.roll(piece, 1, 1) & np.roll(piece, -1, 1))
    pixels = np.argwhere(edges)[:, ::-1].astype(np.float64)
    points = np.concatenate([pixels + corner for corner in ((0, 0), (0, 1), (1, 0), (1, 1))])
    corners = points[ConvexHull(points).vertices]
    while len(corners) > 4:
        options = [_without(corners, k) for k in range(len(corners))]
        k = int(np.argmin([np.inf if option is None else option[0] for option in options]))
        option = options[k]
        if option is None:
            return None
        corners[k] = option[1]
        corners = np.delete(corners, (k + 1) % len(corners), axis=0)
    return corners if len(corners) == 4 else None


def _without(corners: Float64, k: int) -> tuple[float, Float64] | None:
    """The added area and the new corner if edge k is removed; None if its neighbours do not meet beyond it."""
    before, begin, end, after = (corners[(k + step) % len(corners)] for step in (-1, 0, 1, 2))
    meeting = _meeting(before, begin, end, after)
    if meeting is None or (meeting - begin) @ (begin - before) < 0 or (meeting - end) @ (end - after) < 0:
        return None
    (a, b), (c, d) = begin - meeting, end - meeting
    return abs(float(a * d - b * c)) / 2, meeting


def _meeting(a: Float64, b: Float64, c: Float64, d: Float64) -> Float64 | None:
    """Where the lines through a and b, and c and d, meet."""
    system = np.stack([b - a, c - d], axis=1)
    if abs(float(np.linalg.det(system))) < 1e-9:
        return None
    return np.asarray(a + (b - a) * np.linalg.solve(system, c - a)[0])


def _across(image: UInt8, begin: Float64, end: Float64, middle: Float64, offsets: Float64) -> tuple[Float64, Float64]:
    """Values (points, offsets) across an edge, from outside to inside, and the way inwards."""
    way = np.array([begin[1] - end[1], end[0] - begin[0]]) / np.linalg.norm(end - begin)
    way = way if way @ (middle - begin) > 0 else -way
    along = begin + np.linspace(0.04, 0.96, POINTS)[:, None] * (end - begin)
    places = np.floor(along[:, None] + offsets[None, :, None] * way).astype(int)
    x, y = places[..., 0].clip(0, image.shape[1] - 1), places[..., 1].clip(0, image.shape[0] - 1)
    return image[y, x].astype(np.float64), way


def _step(small: UInt8, corners: Float64, *, light: bool) -> float:
    """By how many grey levels the inside of the least clear edge differs from the outside."""
    band = BAND * max(small.shape)
    offsets = np.concatenate([-np.linspace(0.3, 1, 6)[::-1], np.linspace(0.3, 1, 6)]) * band
    steps = []
    for k in range(4):
        values, _ = _across(small, corners[k], corners[(k + 1) % 4], corners.mean(axis=0), offsets)
        change = np.median(values[:, 6:], axis=1) - np.median(values[:, :6], axis=1)
        steps.append(float(np.percentile(change if light else -change, 20)))
    return min(steps)


def _refined(grey: UInt8, corners: Float64) -> Float64:
    """Corners where lines along the steepest change at each edge meet."""
    fine = within(grey, FINE)
    ratio = np.array([fine.shape[1] / grey.shape[1], fine.shape[0] / grey.shape[0]])
    rough = corners * ratio
    lines = [_line(fine, rough[k], rough[(k + 1) % 4], rough.mean(axis=0)) for k in range(4)]
    meetings = [_meeting(*lines[k - 1], *lines[k]) for k in range(4)]
    near = BAND * max(fine.shape)
    for k, meeting in enumerate(meetings):
        if meeting is not None and np.linalg.norm(meeting - rough[k]) < near:
            rough[k] = meeting
    return np.asarray(rough / ratio)


def _line(fine: UInt8, begin: Float64, end: Float64, middle: Float64) -> tuple[Float64, Float64]:
    """Two points of the line along an edge."""
    reach = 0.5 * BAND * max(fine.shape)
    offsets = np.arange(-reach, reach + 1)
    values, way = _across(fine, begin, end, middle, offsets)
    wide = max(2, len(offsets) // 12)
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    steps = (sums[:, 2 * wide :] - 2 * sums[:, wide:-wide] + sums[:, : -2 * wide]) / wide
    sign = np.sign(np.median(steps.sum(axis=1)))
    found = offsets[0] + (steps * sign).argmax(axis=1) + wide
    along = np.linspace(0.04, 0.96, POINTS)
    kept = np.full(POINTS, True)
    for _ in range(4):
        slope, start = np.polyfit(along[kept], found[kept], 1)
        away = np.abs(found - start - slope * along)
        kept = away <= max(1.5 * float(np.median(away)), 0.75)
    return begin + way * start, end + way * (start + slope)


def _ordered(corners: Float64, turn: int) -> Float64:
    """Corners clockwise, the upper left one first, as they are once the image is turned."""
    away = corners - corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
    turned = [np.roll(corners, -k, axis=0) for k in range(4)]
    ways = [(each[0] + each[1] - each[2] - each[3]) for each in turned]
    return turned[int(np.argmax([way @ up_of(turn) / np.linalg.norm(way) for way in ways]))]
