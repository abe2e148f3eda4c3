"""Plain numbers of every image, taken once, block by block, for all checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.checks.thresholds import INK, INKED_EDGE
from digitwise.images import Float32, Int64, Mask, UInt8

BLOCK = 10_000  # images worked on at once, so that memory does not grow with the set


@dataclass(frozen=True, eq=False)
class Measures:
    """Plain numbers of every image, arrays of shape (n,).

    Parameters
    ----------
    lowest, highest : ndarray of uint8
    ground : ndarray of float32
        The median of the border.
    white : ndarray of float32
        Share of pixels at 250 and above.
    y, x : ndarray of float32
        The ink's centre of mass, in pixels.
    height, width : ndarray of int64
        The ink's box, in pixels.
    edge : ndarray of int64
        Pixels of the border that are ink.
    """

    lowest: UInt8
    highest: UInt8
    ground: Float32
    white: Float32
    y: Float32
    x: Float32
    height: Int64
    width: Int64
    edge: Int64


def blocks(n: int) -> Iterator[slice]:
    """Slices of at most ``BLOCK`` that cover ``range(n)``."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def measured(images: UInt8) -> tuple[NDArray[Any], ...]:
    """The columns of :class:`Measures` for grey, light-on-dark images, uint8 (n, h, w)."""
    n, height, width = images.shape
    flat = images.reshape(n, -1)
    border = np.concatenate([images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1)
    rows, columns = images.sum(axis=2, dtype=np.float32), images.sum(axis=1, dtype=np.float32)  # (n, h), (n, w)
    mass = np.maximum(rows.sum(axis=1), 1)
    ground = np.median(border, axis=1).astype(np.float32)
    ink = images >= ground[:, None, None] + INK
    return (
        flat.min(axis=1),
        flat.max(axis=1),
        ground,
        (flat >= 250).mean(axis=1, dtype=np.float32),
        rows @ np.arange(height, dtype=np.float32) / mass,
        columns @ np.arange(width, dtype=np.float32) / mass,
        _length(ink.any(axis=2)),
        _length(ink.any(axis=1)),
        (border >= INKED_EDGE).sum(axis=1),
    )


def extents(pixels: NDArray[Any]) -> tuple[Float32, Float32, Mask]:
    """The lowest and highest finite value of each image, and whether all are finite."""
    flat = pixels.reshape(len(pixels), -1)
    if flat.dtype.kind != "f":
        return flat.min(axis=1).astype(np.float32), flat.max(axis=1).astype(np.float32), np.ones(len(flat), bool)
    finite = np.isfinite(flat)
    low = np.where(finite, flat, np.inf).min(axis=1)
    high = np.where(finite, flat, -np.inf).max(axis=1)
    some = finite.any(axis=1)
    return np.where(some, low, 0).astype(np.float32), np.where(some, high, 0).astype(np.float32), finite.all(axis=1)


def _length(used: Mask) -> Int64:
    """From the first to the last True of each row, (n, k) to (n,)."""
    last = used.shape[1] - used[:, ::-1].argmax(axis=1)
    return np.where(used.any(axis=1), last - used.argmax(axis=1), 0).astype(np.int64)
