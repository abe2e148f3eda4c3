"""Pieces of ink that hang together: what digits are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Int64, Mask
from digitwise.reading.pages.page import PageInk

Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are not in it

SURE = 10.0  # times the paper's noise: a part without a pixel that strong is noise itself
# Share of the contrast of the page's ink: rules, stains and a desk's grain are weaker, a pencil beside a pen is not.
FAINTEST = 0.27
LEAST_SIDE = 5  # pixels: what is smaller in both directions is no digit that could be read
ALONG = 0.15  # share of a part's pixels beside the edge of the paper: that edge itself, and no digit cut by it
LARGE = 0.3  # share of the page's longer side; so large a part must have some ink in its box
EMPTY = 0.12  # share of the box: less is a frame around the page, and no number whose digits touch
RIM = 1  # pixels about a part that belong to it: the soft edge of its strokes


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of ink.

    Parameters
    ----------
    left, top : int
        Where the first pixel of ``amount`` lies on the page as it is read.
    amount : ndarray of float32, shape (h, w)
        The ink in its box, 0 to 1; other parts' ink is 0.
    mask : ndarray of bool, shape (h, w)
        Which pixels are its own.
    """

    left: int
    top: int
    amount: Float32
    mask: Mask

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.mask.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.mask.shape[0])

    @property
    def right(self) -> int:
        """The column behind its last one."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row below its last one."""
        return self.top + self.height

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    def turned(self, quarters: int, page: tuple[int, int]) -> Part:
        """The part on the page turned by so many quarters counter-clockwise; ``page`` is (h, w) before."""
        left, top, _, _ = turned_box(self.box, quarters, page)
        return Part(left, top, np.rot90(self.amount, quarters), np.rot90(self.mask, quarters))


def turned_box(box: Box, quarters: int, page: tuple[int, int]) -> Box:
    """A box on the page turned by so many quarters counter-clockwise; ``page`` is (h, w) before."""
    height, width = page
    for _ in range(quarters % 4):
        left, top, right, bottom = box
        box = (top, width - right, bottom, width - left)
        height, width = width, height
    return box


def joined(parts: list[Part]) -> Part:
    """One part out of some."""
    boxes = np.array([part.box for part in parts])
    left, top = (int(v) for v in boxes[:, :2].min(axis=0))
    right, bottom = (int(v) for v in boxes[:, 2:].max(axis=0))
    amount = np.zeros((bottom - top, right - left), np.float32)
    mask = np.zeros(amount.shape, bool)
    for part in parts:
        rows = slice(part.top - top, part.top - top + part.height)
        columns = slice(part.left - left, part.left - left + part.width)
        amount[rows, columns] = np.maximum(amount[rows, columns], part.amount)
        mask[rows, columns] |= part.mask
    return Part(left, top, amount, mask)


def parts_of(ink: PageInk) -> list[Part]:
    """Take the ink apart where it does not hang together; noise is left out.

    Parameters
    ----------
    ink : PageInk

    Returns
    -------
    list of Part
    """
    from scipy.ndimage import find_objects, label

    names, count = label(ink.mask, np.ones((3, 3)))
    if not count:
        return []
    boxes = find_objects(names)
    large = np.flatnonzero(_kept(boxes)) + 1
    if not len(large):
        return []
    contrasts, strengths = _strongest(ink, names, count)
    contrasts, sure = contrasts[large - 1], strengths[large - 1] >= SURE
    if not sure.any():
        return []
    strong = large[sure & (contrasts >= FAINTEST * _usual(contrasts[sure]))]
    found = (_cut_out(ink, names, int(name), boxes[name - 1]) for name in strong)
    return [part for part in found if part is not None]


def _strongest(ink: PageInk, names: Int64, count: int) -> tuple[Float32, Float32]:
    """The highest contrast in each part, and the highest in terms of the noise about it, float32 (count,)."""
    at = np.flatnonzero(ink.mask)
    owner = names.ravel()[at]
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], np.arange(1, count + 1))
    contrast = ink.contrast.ravel()[at[order]]
    strength = contrast / ink.noise.ravel()[at[order]]
    return np.maximum.reduceat(contrast, first), np.maximum.reduceat(strength, first)


def _usual(contrasts: Float32) -> float:
    """The contrast of the page's ink: a median in which its square counts, since grain may be in the majority."""
    ordered = np.sort(np.asarray(contrasts, np.float64))
    weight = np.cumsum(ordered**2)
    return float(ordered[np.searchsorted(weight, weight[-1] / 2)])


def _kept(boxes: list[tuple[slice, slice]]) -> Mask:
    """Which boxes are large enough, bool (n,)."""
    sides = np.array([(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in boxes])
    return np.asarray(sides.max(axis=1) >= LEAST_SIDE)


def _cut_out(ink: PageInk, names: Int64, name: int, box: tuple[slice, slice]) -> Part | None:
    """One part with the soft edge of its strokes, None for the edge of the paper."""
    from scipy.ndimage import binary_dilation

    top, left = max(0, box[0].start - RIM), max(0, box[1].start - RIM)
    wide = np.s_[top : box[0].stop + RIM, left : box[1].stop + RIM]
    core = names[wide] == name
    beside = binary_dilation(~ink.paper[wide], iterations=2, border_value=0)
    if (core & beside).sum() > ALONG * core.sum():
        return None
    if max(core.shape) > LARGE * max(ink.mask.shape) and core.mean() < EMPTY:
        return None
    own = binary_dilation(core, np.ones((3, 3)), iterations=RIM) & ((names[wide] == name) | (names[wide] == 0))
    return Part(left, top, np.where(own, ink.amount[wide], np.float32(0)), core)
