"""Solid spots of an image in any light, and the place of a form by the spots that are its marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
from PIL import Image

from digitwise.images import Float64, Int64, Mask, UInt8
from digitwise.planes import area, fitted, fitted_all, growth, mapped

SIDE = 640  # pixels of the longer side to which an image is brought
LEVELS = 12  # grey levels at which it is cut
SMALLEST, LARGEST = 20, 0.014  # pixels, and share of the image: areas between which a spot may be a mark
SOLID = 0.86  # area over that of the ellipse of equal spread: 1 for a disc, 0.95 for a rectangle, less for letters
LONG = 2.2  # times as long as wide
CONTRAST = 0.25  # share of the lighter one's brightness by which a spot differs from what surrounds it
MOST = 20
CORNERS = np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])  # per cent of the form, clockwise
ALIKE = 2.2  # times as wide: spots that differ more are not marks of one form
BEYOND = 0.06  # share of the image's sides by which the form may extend beyond it
LEAST = 0.1  # share of the image that the form covers
NEAR = 0.02  # of the form's size: how far a mark may lie from where the others put it
SIZES, ASKEW, FANNED = 0.15, 12.0, 0.8  # usual spread of the marks' log sizes, degrees off square, log of growth
OFF = 0.005  # of the form's size: how far a mark usually lies off, on paper that is not quite flat
DIFFERENT = 0.03  # of the form's size: corners further apart are those of another place
ODD = -2.0  # log-likelihood below which a place is rejected
TIE = 1.0  # log-likelihood within which a place counts as likely as the best


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

    The light may be uneven, so the image is thresholded at several grey levels.
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
    """Reduce an image (h, w) to a longer side of at most ``side``."""
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


def found_marks(grey: UInt8, marks: Float64, *, turn: int) -> tuple[Float64 | None, int]:
    """Find a form by its marks.

    Parameters
    ----------
    grey : ndarray of uint8, shape (h, w)
    marks : ndarray of float64, shape (n, 2)
        Centres in per cent of the form, three or more.
    turn : int
        Quarters counter-clockwise that bring the image upright, for marks that look the same when turned.

    Returns
    -------
    (ndarray of float64, shape (3, 3), or None, int)
        From per cent of the form to the image's pixels, None where no place or more than one fits; and how many
        spots may be marks.
    """
    blobs = blobs_of(grey)
    base = base_of(marks)
    chosen = _assignments(blobs, marks[base])
    if not len(chosen):
        return None, len(blobs)
    maps = fitted_all(marks[base], blobs.centres[chosen])
    fits = _possible(maps, grey.shape)
    places = _completed(maps[fits], chosen[fits], base, marks, blobs)
    best = _best(places, marks, blobs, grey.shape, turn) if len(places.off) else None
    if best is None or len(base) == 3:
        return (None if best is None else places.maps[best]), len(blobs)
    return fitted(marks, blobs.centres[places.spots[best]]), len(blobs)


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Where the form may lie: homographies (k, 3, 3), spots by mark (k, n), the worst one's distance in form sizes."""

    maps: Float64
    spots: Int64
    off: Float64


def base_of(marks: Float64) -> Int64:
    """Four marks (n, 2) of which no three lie on a line, spread as widely as possible; else three."""

    def spread(choice: tuple[int, ...]) -> float:
        return min(
            abs(float(np.linalg.det(np.c_[marks[list(three)], np.ones(3)]))) for three in combinations(choice, 3)
        )

    sizes = [4, 3] if len(marks) > 3 else [3]
    best = [max(combinations(range(len(marks)), size), key=spread) for size in sizes]
    return np.array(best[0] if spread(best[0]) > 400 else best[-1])


def _assignments(blobs: Blobs, marks: Float64) -> Int64:
    """Spots (k, n) that may be marks (n, 2): alike in size and shade, and the same way round."""
    size = len(marks)
    groups = np.array(list(combinations(range(len(blobs)), size)), np.int64).reshape(-1, size)
    areas, light = blobs.areas[groups], blobs.light[groups]
    alike = (areas.max(axis=1) < ALIKE**2 * areas.min(axis=1)) & (light == light[:, :1]).all(axis=1)
    orders = np.array(list(permutations(range(size))))
    chosen = groups[alike][:, orders].reshape(-1, size)
    same_way = (_ways(blobs.centres[chosen]) == _ways(marks[None])).all(axis=1)
    return np.asarray(chosen[same_way])


def _ways(points: Float64) -> Int64:
    """Which way round each three of points (k, n, 2) lie."""
    ways = []
    for a, b, c in combinations(range(points.shape[1]), 3):
        (x, y), (u, v) = (points[:, b] - points[:, a]).T, (points[:, c] - points[:, a]).T
        ways.append(np.sign(x * v - y * u))
    return np.stack(ways, axis=1).astype(np.int64)


def _possible(maps: Float64, shape: tuple[int, ...]) -> Mask:
    """Whether each map is a possible view of the form by a camera."""
    height, width = shape[:2]
    weights = np.c_[CORNERS, np.ones(4)] @ maps[:, 2].T  # (4, k)
    with np.errstate(all="ignore"):
        corners = mapped(maps, CORNERS)  # (k, 4, 2)
    x, y = corners[..., 0] / width, corners[..., 1] / height
    inside = ((x > -BEYOND) & (x < 1 + BEYOND) & (y > -BEYOND) & (y < 1 + BEYOND)).all(axis=1)
    return np.asarray((weights > 0).all(axis=0) & inside & (area(corners) > LEAST * height * width))


def _completed(maps: Float64, chosen: Int64, base: Int64, marks: Float64, blobs: Blobs) -> _Candidates:
    """The places in which every mark has a spot of its own."""
    every = np.zeros((len(chosen), len(marks)), np.int64)
    every[:, base] = chosen
    worst = np.zeros(len(chosen))
    size = np.sqrt(np.abs(area(mapped(maps, CORNERS)))) if len(maps) else np.zeros(0)
    for other in np.setdiff1d(np.arange(len(marks)), base):
        away = np.linalg.norm(mapped(maps, marks[[other]]) - blobs.centres[None], axis=2)  # (k, blobs)
        away[blobs.light[None] != blobs.light[chosen[:, :1]]] = np.inf
        every[:, other] = away.argmin(axis=1)
        worst = np.maximum(worst, away.min(axis=1, initial=np.inf) / size)
    distinct = np.array([len(set(row)) == len(marks) for row in every.tolist()], bool)
    fits = distinct & (worst < NEAR)
    return _Candidates(maps[fits], every[fits], worst[fits])


def _best(places: _Candidates, marks: Float64, blobs: Blobs, shape: tuple[int, ...], turn: int) -> int | None:
    """The index of the most likely place; None if another is as likely, or none is possible."""
    maps = places.maps
    usual = _scores(maps, places.spots, marks, blobs) - (places.off / OFF) ** 2
    scores = usual + 2 * np.log(area(mapped(maps, CORNERS)) / math.prod(shape[:2]))
    scores[usual < ODD] = -np.inf
    if not np.isfinite(scores).any():
        return None
    likely = np.flatnonzero(scores > scores.max() - TIE)
    best = likely[int(np.argmax(_upwards(maps[likely], turn)))]
    sets = {frozenset(row) for row in places.spots[likely].tolist()}
    corners = mapped(maps[likely], CORNERS)
    size = math.sqrt(float(area(corners).max()))
    # Turned, the same place has the same corners in another order.
    apart = np.linalg.norm(corners[:, :, None] - mapped(maps[best], CORNERS), axis=3).min(axis=2).max()
    if len(sets) > 1 and apart > DIFFERENT * size:
        return None
    return int(best)


def _scores(maps: Float64, chosen: Int64, marks: Float64, blobs: Blobs) -> Float64:
    """Log-likelihoods: forms are usually seen from the front, square, with marks of one size; 0 at best."""
    sizes = np.log(blobs.areas[chosen] / growth(maps, marks)) / 2
    middle = mapped(maps, np.array([[50.0, 50], [51, 50], [50, 51]]))
    along, down = middle[:, 1] - middle[:, 0], middle[:, 2] - middle[:, 0]
    cosine = (along * down).sum(axis=1) / np.linalg.norm(along, axis=1) / np.linalg.norm(down, axis=1)
    askew = np.degrees(np.arcsin(np.clip(cosine, -1, 1)))
    fan = np.ptp(np.log(growth(maps, CORNERS)), axis=1)
    return np.asarray(-((sizes.std(axis=1) / SIZES) ** 2) - (askew / ASKEW) ** 2 - (fan / FANNED) ** 2)


def _upwards(maps: Float64, turn: int) -> Float64:
    """Cosine between the form's up direction and that of the turned image, -1 to 1."""
    ends = mapped(maps, np.array([[50.0, 51], [50, 49]]))
    way = ends[:, 1] - ends[:, 0]
    return np.asarray(way @ up_of(turn) / np.linalg.norm(way, axis=1))


def up_of(turn: int) -> Float64:
    """The up direction (x, y) in an image that ``turn`` quarters counter-clockwise bring upright."""
    return np.array([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)][turn % 4])
