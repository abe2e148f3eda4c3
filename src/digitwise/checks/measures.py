"""Measurements of every image for all checks: plain numbers, and which images are the same.

Images are the same byte for byte or to the eye: moved by some pixels, or stored with loss. Every image gets a
descriptor that moving it does not change: low Fourier coefficients about its own centre of mass. Images whose
descriptors lie close are aligned and compared pixel by pixel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.checks.thresholds import ALIKE, DESCRIPTOR_RADIUS, FLOOR, INK, INKED_EDGE, SAME_INK
from digitwise.images import Float32, Int64, Mask, UInt8

BLOCK = 10_000  # images worked on at once, so that memory does not grow with the set
HALF_PLANE = [(u, v) for u in range(3) for v in range(-2, 3) if (u, v) > (0, 0)]  # the other half is its conjugate
PERIOD = 1.3  # sides a period
DIMENSIONS = 12  # of the descriptor that the tree is built on: the directions in which images differ most
PAIRS = 10_000_000  # compared pixel by pixel at most: beyond, only the closest
SMALLEST_RADIUS = DESCRIPTOR_RADIUS / 1_000
FAINTEST = 0.5  # mean grey value below which there is no ink to compare; the faintest of MNIST's has 4


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


@dataclass(frozen=True, eq=False)
class Likeness:
    """Groups of images, counted through all splits, that are the same.

    Parameters
    ----------
    exact, near : ndarray of int64, shape (n,)
        The number of each image's group; in ``near`` those of one exact group are together. Images without ink
        have groups of their own in ``near``: another check reports blank images.
    """

    exact: Int64
    near: Int64


def likeness(images: Sequence[UInt8], stored: Sequence[UInt8]) -> Likeness:
    """Group images.

    Parameters
    ----------
    images : sequence of ndarray of uint8, each (n, h, w)
        Grey and light on dark, of each split; all of one size.
    stored : sequence of ndarray of uint8
        The same images as they are stored, in colour perhaps, by which they are exactly the same or not.
    """
    _, exact = np.unique(np.concatenate([_digests(part) for part in stored]), return_inverse=True)
    every = _Images(images)
    crops, descriptors, centres, mass = _described(every)
    inked = mass > FAINTEST
    seen = np.flatnonzero(inked)
    _, first = np.unique(crops[seen], return_index=True)
    single = seen[first]  # of images that differ by their place only, one
    pairs = single[_close(descriptors[single])] if len(single) > 1 else np.empty((0, 2), np.int64)
    alike = pairs[_aligned(every, pairs, centres)]
    alike = alike[_same_ink(every, alike)]
    names = np.where(inked, crops, np.arange(len(crops), dtype=np.uint64))  # no ink, no likeness
    _, moved = np.unique(names, return_inverse=True)
    near = _components(len(exact), moved[alike], moved)
    return Likeness(exact.astype(np.int64), near)


class _Images:
    """The splits as one long array, without copying them together."""

    def __init__(self, parts: Sequence[UInt8]) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def blocks(self) -> Iterator[tuple[slice, UInt8]]:
        for start, part in zip(self.starts, self.parts, strict=False):
            for i in range(0, len(part), BLOCK):
                images = np.asarray(part[i : i + BLOCK])
                yield slice(int(start) + i, int(start) + i + len(images)), images

    def take(self, indices: Int64) -> Float32:
        """Some of the images, noise below ``FLOOR`` taken out, float32 (k, h, w)."""
        out = self.stored(indices).astype(np.float32)
        out[out < FLOOR] = 0
        return out

    def stored(self, indices: Int64) -> UInt8:
        """Some of the images, uint8 (k, h, w)."""
        out = np.empty((len(indices), *self.parts[0].shape[1:]), np.uint8)
        owner = np.searchsorted(self.starts, indices, side="right") - 1
        for number, part in enumerate(self.parts):
            own = owner == number
            out[own] = part[indices[own] - self.starts[number]]
        return out


def _digest(content: bytes | memoryview) -> int:
    """64 bits: two different images among a million share one once in 40 million sets."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _digests(stored: UInt8) -> NDArray[np.uint64]:
    """One number an image, equal for equal bytes."""
    found = np.empty(len(stored), np.uint64)
    for start in range(0, len(stored), BLOCK):
        block = np.ascontiguousarray(stored[start : start + BLOCK]).reshape(-1, stored[0].size)
        found[start : start + BLOCK] = [_digest(row.data) for row in block]
    return found


def _described(every: _Images) -> tuple[NDArray[np.uint64], Float32, Float32, Float32]:
    """Digests of the ink's box (n,), descriptors (n, 25), centres of mass (n, 2) and mean grey values (n,)."""
    n, (height, width) = len(every), every.parts[0].shape[1:]
    frequencies = np.array(HALF_PLANE, np.float32)  # (12, 2)
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float32)
    turn = 2 * np.pi / (PERIOD * max(height, width))
    angles = turn * (np.outer(y, frequencies[:, 0]) + np.outer(x, frequencies[:, 1]))  # (h * w, 12)
    waves = np.column_stack([np.cos(angles), np.sin(angles), np.ones_like(y), y, x]).astype(np.float32)
    k = len(frequencies)
    crops, centres = np.empty(n, np.uint64), np.empty((n, 2), np.float32)
    descriptors, mass = np.empty((n, 2 * k + 1), np.float32), np.empty(n, np.float32)
    for place, images in every.blocks():
        crops[place] = _crop_digests(images)
        values = images.reshape(len(images), -1).astype(np.float32)
        values[values < FLOOR] = 0
        sums = values @ waves
        total = sums[:, 2 * k]
        centres[place] = centre = sums[:, 2 * k + 1 :] / np.maximum(total, 1)[:, None]
        waved = sums[:, :k] + 1j * sums[:, k : 2 * k]
        centred = waved * np.exp(-1j * turn * (centre @ frequencies.T))
        descriptors[place] = np.column_stack([centred.real, centred.imag, total])
        mass[place] = total / (height * width)
    return crops, descriptors, centres, mass


def _crop_digests(images: UInt8) -> list[int]:
    rows, columns = np.asarray(images.any(axis=2)), np.asarray(images.any(axis=1))
    top, left = rows.argmax(axis=1), columns.argmax(axis=1)
    bottom, right = rows.shape[1] - rows[:, ::-1].argmax(axis=1), columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    return [
        _digest(image[t:b, le:r].tobytes() + bytes((int(b - t) % 256,)))
        for image, t, b, le, r in zip(images, top, bottom, left, right, strict=True)
    ]


def _close(descriptors: Float32) -> Int64:
    """Pairs of rows whose descriptors lie within the radius, int64 (m, 2)."""
    from scipy.spatial import cKDTree

    centred = descriptors - descriptors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    length = float(np.linalg.norm(descriptors, axis=1).mean())
    tree = cKDTree(centred @ directions[:, ::-1][:, :DIMENSIONS] / length)
    radius = DESCRIPTOR_RADIUS
    # Each image counts itself; a set of nearly equal images would fill the memory with pairs.
    while (tree.count_neighbors(tree, radius) - len(descriptors)) // 2 > PAIRS:
        radius /= 2
        if radius < SMALLEST_RADIUS:  # thousands are equal: each and its next will do
            order = np.lexsort(tree.data.T)
            return np.column_stack([order[:-1], order[1:]]).astype(np.int64)
    return np.asarray(tree.query_pairs(radius, output_type="ndarray"), np.int64).reshape(-1, 2)


def _aligned(every: _Images, pairs: Int64, centres: Float32) -> Mask:
    """Whether each pair is the same image once its centres lie on each other, bool (m,)."""
    from scipy.ndimage import uniform_filter

    found = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), BLOCK):
        own = pairs[start : start + BLOCK]
        a, b = every.take(own[:, 0]), every.take(own[:, 1])
        shifts = np.rint(centres[own[:, 0]] - centres[own[:, 1]]).astype(np.int64)
        for shift in np.unique(shifts, axis=0):
            same = (shifts == shift).all(axis=1)
            b[same] = np.roll(b[same], tuple(shift), axis=(1, 2))
        # What JPEG changes are single pixels; what makes two digits two is broader and outlives a blur.
        difference, own_blurred = uniform_filter(a - b, (0, 3, 3)), uniform_filter(a, (0, 3, 3))
        found[start : start + BLOCK] = _norm(difference) <= ALIKE * _norm(own_blurred)
    return found


def _same_ink(every: _Images, pairs: Int64) -> Mask:
    """Whether each pair has the same ink too, bool (m,).

    On visible paper faint strokes hardly count, so that different digits on like paper are alike. There the paper, a
    median over half of the image, is taken away before a pair is compared.
    """
    from scipy.ndimage import median_filter, uniform_filter

    found = np.ones(len(pairs), bool)
    own, place = np.unique(pairs, return_inverse=True)
    images = every.stored(own)
    paper = np.array([np.median(image) >= FLOOR for image in images], bool)
    papered = np.flatnonzero(paper[place.reshape(-1, 2)].all(axis=1))
    ink: dict[int, Float32] = {}
    for number in papered:
        for k in place.reshape(-1, 2)[number].tolist():
            if k not in ink:
                grey = images[k].astype(np.float32)
                ink[k] = uniform_filter(grey - median_filter(grey, max(images.shape[1:]) // 2 + 1), 3)
        a, b = (ink[k] for k in place.reshape(-1, 2)[number].tolist())
        found[number] = np.linalg.norm(a - b) <= SAME_INK * np.linalg.norm(a)
    return found


def _norm(images: Float32) -> Float32:
    return np.asarray(np.sqrt((images**2).sum(axis=(1, 2))), np.float32)


def _components(n: int, pairs: Int64, names: NDArray[np.int64]) -> Int64:
    """The connected groups of images, by pairs of the names that they share, int64 (n,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    size = int(names.max(initial=-1)) + 1
    ones = np.ones(len(pairs), bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups[names], np.int64).reshape(n)
