"""The pieces of ink that belong to the digit of an image: without specks, neighbours, and frames of a form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float64, Int64, Mask
from digitwise.normalization.ink import EIGHT

SMALLEST = 4  # pixels: less is no digit
SPECK = (0.02, 0.1)  # shares of the digit's ink and extent below which a piece is a speck
NEAR = 0.25  # of the digit's extent: how far off a part of it may lie, as the bar of a 5
BESIDE = 0.12  # of the digit's extent, for a piece that is neither above nor below it
LINE = 0.08  # of a side: how thick a line along the border is at most, and how far within
INKED = 0.6  # share of a row that is ink where it belongs to such a line
THROUGH = 0.9, 0.04  # share of the columns that it covers, and how far from the ends of the side it may end
FRAME = 0.55  # share of a frame's ink that lies along its box
ALONG = 0.1  # of the box's sides, for that


@dataclass(frozen=True, eq=False)
class Pieces:
    """Connected pieces of ink, each array of shape (n,).

    Parameters
    ----------
    sizes : ndarray of int64
        Pixels.
    top, bottom, left, right : ndarray of int64
        Their boxes; bottom and right are one past the last pixel.
    """

    sizes: Int64
    top: Int64
    bottom: Int64
    left: Int64
    right: Int64

    @property
    def extent(self) -> Int64:
        """The longer side of each box."""
        return np.asarray(np.maximum(self.bottom - self.top, self.right - self.left))


def digit_in(ink: Mask) -> Mask | None:
    """The ink of the one digit that an image shows.

    The digit is the piece that is large and in the middle; parts of it may lie apart. A piece that the image's
    border cuts is a neighbour's, unless it lies above or below a digit that the border cuts too.

    Parameters
    ----------
    ink : ndarray of bool, shape (h, w)

    Returns
    -------
    ndarray of bool, shape (h, w), or None
        None if there are only specks.
    """
    names, pieces = _pieces(ink)
    if pieces is None:
        return None
    if len(pieces.sizes) == 1:
        return ink if pieces.sizes[0] >= SMALLEST and pieces.extent[0] >= 3 else None
    frames = _frames(names, pieces)
    h, w = ink.shape
    beside, over = (pieces.left == 0) | (pieces.right == w), (pieces.top == 0) | (pieces.bottom == h)
    main = int((_score(pieces, ink.shape) * np.where(beside, 0.35, 1) * np.where(over, 0.8, 1) * ~frames).argmax())
    if frames[main] or pieces.sizes[main] < SMALLEST or pieces.extent[main] < 3:
        return None
    kept = _parts(pieces, main) & ~frames & ~(beside & ~_covers(pieces, main, 0.5))
    if not (beside[main] or over[main]):
        kept &= ~(beside | over)
    kept[main] = True
    return np.asarray(np.concatenate([[False], kept])[names])


def within_lines(ink: Mask, *, segmented: bool) -> tuple[slice, slice] | None:
    """What lies within lines along the border, as of a form's cell or a paper's edge; None where there are none.

    A segmented image may be cut at the ink: where the other ink comes up to a side without a line, what looks like a
    line is the bar of a 7 or the foot of a 2.
    """
    cut = [(_line(rows), _line(rows[::-1])) for rows in (ink, ink.T)]
    if not any(np.ravel(cut)):
        return None
    (top, bottom), (left, right) = cut
    within = slice(top, ink.shape[0] - bottom), slice(left, ink.shape[1] - right)
    rest, lines = ink[within], (top, bottom, left, right)
    if segmented and rest.size:
        sides = rest[0], rest[-1], rest[:, 0], rest[:, -1]
        if any(side.any() and not line for side, line in zip(sides, lines, strict=True)):
            return None
    return within


def _line(rows: Mask) -> int:
    """How many rows, from the first on, to leave out for a line that begins within the first ones.

    The line runs through, from end to end: the foot of a 2 that was cut at the ink does not.
    """
    deep = max(2, round(LINE * len(rows)))
    shares = np.count_nonzero(rows[: 2 * deep + 1], axis=1) / rows.shape[1]
    inked = np.flatnonzero(shares[:deep] > INKED)
    if not inked.size:
        return 0
    after = np.flatnonzero(shares[inked[0] : inked[0] + deep + 1] < 0.3)
    if not after.size:
        return 0
    end = int(inked[0] + after[0] + 1)
    covered = np.flatnonzero(rows[:end].any(axis=0))
    near = max(1, round(THROUGH[1] * rows.shape[1]))
    through = covered[0] < near and covered[-1] >= rows.shape[1] - near
    return end if through and len(covered) >= THROUGH[0] * rows.shape[1] else 0


def _pieces(ink: Mask) -> tuple[Int64, Pieces | None]:
    from scipy.ndimage import find_objects, label

    names, count = label(ink, EIGHT)
    if not count:
        return names, None
    boxes = np.array([(y.start, y.stop, x.start, x.stop) for y, x in find_objects(names)])
    return names, Pieces(np.bincount(names.ravel())[1:], *boxes.T)


def _score(pieces: Pieces, shape: tuple[int, ...]) -> Float64:
    """How likely each piece is what the image is about: large, and in the middle."""
    y = (pieces.top + pieces.bottom) / (2 * shape[0]) - 0.5
    x = (pieces.left + pieces.right) / (2 * shape[1]) - 0.5
    return np.asarray(pieces.extent * np.sqrt(pieces.sizes) * np.exp(-(x**2) / 0.08 - y**2 / 0.16))


def _covers(pieces: Pieces, main: int, share: float) -> Mask:
    """Whether each piece lies above, below or in the main one, by such a share of the narrower one's width."""
    common = np.minimum(pieces.right, pieces.right[main]) - np.maximum(pieces.left, pieces.left[main])
    width = pieces.right - pieces.left
    return np.asarray(common >= share * np.minimum(width, width[main]))


def _parts(pieces: Pieces, main: int) -> Mask:
    """Whether each piece may be a part of the same digit as the main one."""
    extent = pieces.extent[main]
    large = (pieces.sizes >= SPECK[0] * pieces.sizes[main]) & (pieces.extent >= SPECK[1] * extent)
    right = np.maximum(pieces.left - pieces.right[main], pieces.left[main] - pieces.right).clip(0)
    down = np.maximum(pieces.top - pieces.bottom[main], pieces.top[main] - pieces.bottom).clip(0)
    tall = pieces.bottom - pieces.top > 0.3 * (pieces.bottom[main] - pieces.top[main])
    another = tall & ~_covers(pieces, main, 0.4)  # a whole digit that stands beside
    return np.asarray(large & ~another & (np.hypot(right, down) <= NEAR * extent) & (right <= BESIDE * extent))


def _frames(names: Int64, pieces: Pieces) -> Mask:
    """Whether each piece is a frame around another: all along its own box, with a large piece within."""
    found = np.zeros(len(pieces.sizes), bool)
    for i in np.flatnonzero(pieces.extent > 0.6 * pieces.extent.max()):
        top, bottom, left, right = pieces.top[i], pieces.bottom[i], pieces.left[i], pieces.right[i]
        within = (pieces.top > top) & (pieces.bottom < bottom) & (pieces.left > left) & (pieces.right < right)
        if not (within & (pieces.bottom - pieces.top > 0.35 * (bottom - top))).any():
            continue
        box = names[top:bottom, left:right] == i + 1
        y, x = max(1, round(ALONG * (bottom - top))), max(1, round(ALONG * (right - left)))
        found[i] = box.sum() - box[y:-y, x:-x].sum() > FRAME * pieces.sizes[i]
    return found
