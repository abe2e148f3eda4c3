"""A flat sheet as a camera sees it: homographies, fitted, applied, and undone.

Places are x and y in pixels from the image's corner: the middle of the first pixel is at 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.images import Float64, UInt8

Box = tuple[int, int, int, int]  # left, top, right and bottom in pixels; right and bottom are the first outside
Edge = TypeVar("Edge", int, float, NDArray[Any])  # of a box, or of many


def fitted(points: Float64, places: Float64) -> Float64:
    """The homography that brings points to places, by least squares; an affine map for three.

    Parameters
    ----------
    points, places : ndarray of float64, shape (n, 2)
        Three or more, not on one line.

    Returns
    -------
    ndarray of float64, shape (3, 3)

    Examples
    --------
    >>> corners = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    >>> mapped(fitted(corners, 2 * corners + 3), np.array([[0.5, 0.5]])).round(6).tolist()
    [[4.0, 4.0]]
    """
    if len(points) <= 4:
        return np.asarray(fitted_all(points, places[None])[0])
    ours, theirs = _centring(points), _centring(places)
    (x, y), (u, v) = mapped(ours, points).T, mapped(theirs, places).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    first = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1)
    second = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1)
    solution = np.linalg.svd(np.concatenate([first, second]))[2][-1].reshape(3, 3)
    found = np.linalg.inv(theirs) @ solution @ ours
    return np.asarray(found / found[2, 2])


def fitted_all(points: Float64, places: Float64) -> Float64:
    """Exact homographies of four points (4, 2), or affine maps of three (3, 2), for many places (k, n, 2).

    Returns
    -------
    ndarray of float64, shape (k, 3, 3)
        Scaled so that the weight of the first point is positive.
    """
    found = _basis(places) @ np.linalg.inv(_basis(points[None])[0])
    sign = np.sign(found[:, 2] @ np.append(points[0], 1.0))
    return np.asarray(found * np.where(sign == 0, 1, sign)[:, None, None] / np.abs(found[:, 2:, 2:]).clip(1e-12))


def _basis(points: Float64) -> Float64:
    """What brings the unit vectors, and for four points their sum, to points (k, n, 2)."""
    ends = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=2).swapaxes(1, 2)  # (k, 3, n)
    if points.shape[1] == 3:
        return np.asarray(ends)
    weights = np.linalg.solve(ends[..., :3], ends[..., 3:])  # (k, 3, 1)
    return np.asarray(ends[..., :3] * weights.swapaxes(1, 2))


def _centring(points: Float64) -> Float64:
    """What brings points about the origin, at a distance of about one."""
    middle, size = points.mean(axis=0), float(np.abs(points - points.mean(axis=0)).mean())
    return np.array([[1 / size, 0, -middle[0] / size], [0, 1 / size, -middle[1] / size], [0, 0, 1]])


def mapped(homography: Float64, points: Float64) -> Float64:
    """Where points (n, 2) go; of many homographies (k, 3, 3), points (k, n, 2)."""
    ends = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.swapaxes(homography, -1, -2)
    return np.asarray(ends[..., :2] / ends[..., 2:])


def shift(x: float, y: float) -> Float64:
    """The homography that moves places by x and y."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def growth(homography: Float64, points: Float64) -> Float64:
    """By how much areas grow at points (n, 2), of many homographies (k, 3, 3): (k, n); negative where mirrored."""
    weights = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.swapaxes(homography[..., 2:, :], -1, -2)
    return np.asarray(np.linalg.det(homography)[..., None] / weights[..., 0] ** 3)


def turned(box: Sequence[Edge], quarters: int, size: tuple[Edge, Edge]) -> tuple[Edge, Edge, Edge, Edge]:
    """A box on an image of ``size`` (width, height) once it is turned counter-clockwise; of (0, 0), about the origin.

    Examples
    --------
    >>> turned((1, 2, 4, 3), 1, (10, 5))
    (2, 6, 3, 9)
    """
    left, top, right, bottom = box
    for _ in range(quarters % 4):
        left, top, right, bottom = top, size[0] - right, bottom, size[0] - left
        size = size[1], size[0]
    return left, top, right, bottom


def area(corners: Float64) -> Float64:
    """Of polygons (…, n, 2), negative where the corners go counter-clockwise."""
    x, y = corners[..., 0], corners[..., 1]
    return np.asarray((x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1)).sum(axis=-1) / 2)


def seen_through(image: UInt8, homography: Float64, size: tuple[int, int], fill: int | None = None) -> UInt8:
    """An image, uint8 (h, w) or (h, w, 3), as it lies under a sheet of ``size`` (height, width).

    Parameters
    ----------
    image : ndarray of uint8
    homography : ndarray of float64, shape (3, 3)
        From the sheet's pixels to the image's.
    size : (int, int)
    fill : int, optional
        What lies beyond the image; by default the median of it.
    """
    if np.allclose(homography, np.eye(3), atol=1e-12) and size == image.shape[:2]:
        return image
    if fill is None:
        beyond = np.median(image[:: max(1, len(image) // 100), :: max(1, image.shape[1] // 100)], axis=(0, 1))
        colour = tuple(int(value) for value in np.atleast_1d(beyond))
    else:
        colour = (fill,) * (1 if image.ndim == 2 else 3)
    data = (homography / homography[2, 2]).ravel()[:8].tolist()
    way = Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).transform(size[::-1], *way, fillcolor=colour))
