"""Made pages of numbers as phone cameras and scanners give them, with the truth about their digits."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from digitwise.errors import DataError
from digitwise.images import Float32, Float64, Int64, UInt8
from digitwise.planes import mapped, seen_through, shift, turned
from digitwise.synthetic.camera import photographed, some_camera, to_uint8
from digitwise.synthetic.noise import smooth_noise
from digitwise.synthetic.paper import Stock, ground, light, rule, some_stock, specks
from digitwise.synthetic.pens import Writer, some_writer, stamp, written

TOUCHING = 0.03  # share of neighbours that touch
PER_LINE = 3, 13  # digits in a line: from, below
HEIGHTS = 14.0, 150.0  # pixels of a digit that a person can read
SMALLEST, LARGEST = (400, 600), (2000, 3000)  # shorter and longer side
Ruling = Literal["none", "ruled", "squared"]
DESKS = ((62, 42, 28), (104, 72, 46), (34, 34, 38), (40, 46, 66), (84, 84, 82))  # RGB: woods, black, cloth, stone
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Manner:
    """The layout habits of a writer; lengths in heights of a digit."""

    gap: float  # from digit to digit
    pitch: float  # from line to line
    unevenness: float  # spread of the digits' heights, as a share
    drift: float  # spread of the lines' slope, as a tangent
    groups: float  # probability of a wide gap after a digit


@dataclass(frozen=True, eq=False)
class PlacedDigit:
    """A digit's ink, and the position of its top left corner in pixels."""

    ink: Float32
    left: int
    top: int


@dataclass(frozen=True, eq=False)
class Layout:
    """The digits of a page, by line; the touching neighbours as places in reading order, (k, 2)."""

    lines: tuple[tuple[PlacedDigit, ...], ...]
    touching: Int64

    @property
    def digits(self) -> list[PlacedDigit]:
        """All digits in reading order."""
        return [digit for line in self.lines for digit in line]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of all ink."""
        boxes = np.array([(d.left, d.top, d.left + d.ink.shape[1], d.top + len(d.ink)) for d in self.digits])
        left, top = boxes[:, :2].min(axis=0).tolist()
        right, bottom = boxes[:, 2:].max(axis=0).tolist()
        return left, top, right, bottom


def some_manner(*, rng: np.random.Generator) -> Manner:
    """Draw a manner."""
    return Manner(
        gap=rng.uniform(0.15, 0.5),
        pitch=rng.uniform(1.5, 3.0),
        unevenness=rng.uniform(0.03, 0.12),
        drift=abs(rng.normal(0, 0.015)),
        groups=rng.choice((0.0, 0.0, 0.15)),
    )


def line_lengths(n: int, *, rng: np.random.Generator) -> list[int]:
    """Draw the lengths of lines for ``n`` digits."""
    lengths: list[int] = []
    while (left := n - sum(lengths)) > 0:
        lengths.append(min(left, int(rng.integers(*PER_LINE))))
    return lengths


def laid_out(
    digits: UInt8, lengths: list[int], height: float, writer: Writer, manner: Manner, *, rng: np.random.Generator
) -> Layout:
    """Write digits (n, h, w) line by line, ``height`` pixels high."""
    lines: list[tuple[PlacedDigit, ...]] = []
    touching: list[tuple[int, int]] = []
    place = 0
    for row, length in enumerate(lengths):
        start = height * abs(rng.normal(0, 0.7))
        base = height * (1 + manner.pitch * row)
        slope = rng.normal(0, manner.drift)
        line: list[PlacedDigit] = []
        for digit in digits[place : place + length]:
            own = dataclasses.replace(writer, turn=writer.turn + rng.normal(0, 2))
            ink = written(digit, height * np.clip(rng.normal(1, manner.unevenness), 0.7, 1.3), own, rng=rng)
            gap = height * max(0.1, manner.gap * rng.uniform(0.6, 1.5))
            touches = bool(line) and rng.random() < TOUCHING
            if rng.random() < manner.groups and not touches:
                gap += height * rng.uniform(0.7, 2.0)
            left = start if not line else line[-1].left + line[-1].ink.shape[1] + gap
            top = base + slope * (left - start) + rng.normal(0, 0.04) * height - len(ink)
            placed = PlacedDigit(ink, round(left), round(top))
            if touches:
                closer = pushed(line[-1], placed)
                touches = closer is not None
                placed = closer or placed
            if touches:
                touching.append((place + len(line) - 1, place + len(line)))
            line.append(placed)
        lines.append(tuple(line))
        place += length
    return Layout(tuple(lines), np.array(touching, np.int64).reshape(-1, 2))


def pushed(before: PlacedDigit, placed: PlacedDigit) -> PlacedDigit | None:
    """Move a digit left until its ink touches the one before; None where no row has ink of both."""
    top, bottom = max(before.top, placed.top), min(before.top + len(before.ink), placed.top + len(placed.ink))
    if bottom <= top:
        return None
    first = before.ink[top - before.top : bottom - before.top] > 0.5
    second = placed.ink[top - placed.top : bottom - placed.top] > 0.5
    rows = first.any(axis=1) & second.any(axis=1)
    if not rows.any():
        return None
    end = before.left + first.shape[1] - 1 - first[rows, ::-1].argmax(axis=1)
    begin = placed.left + second[rows].argmax(axis=1)
    return dataclasses.replace(placed, left=placed.left - int((begin - end).min()))


@dataclass(frozen=True, eq=False)
class MadePage:
    """A page and its truth.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w, 3)
        RGB.
    lines : tuple of str
        The digits of each line of the upright page, without spaces.
    boxes : ndarray of int64, shape (n, 4)
        Left, top, right and bottom (exclusive) of each digit in the image, in reading order.
    touching : ndarray of int64, shape (k, 2)
        The touching neighbours, as places in reading order.
    turn : {0, 90, 180, 270}
        Degrees, counter-clockwise, that make the image upright.
    tilt : float
        Degrees, counter-clockwise, of the upright page's skew.
    height : float
        Of a digit, in pixels.
    ruling : {"none", "ruled", "squared"}
    shadow, edge, dark : bool
        Whether there is a shadow, an edge of the paper in the image, ink lighter than the paper.
    """

    image: UInt8
    lines: tuple[str, ...]
    boxes: Int64
    touching: Int64
    turn: int
    tilt: float
    height: float
    ruling: Ruling
    shadow: bool
    edge: bool
    dark: bool


def page_of(digits: UInt8, labels: Int64, *, rng: np.random.Generator) -> MadePage:
    """Compose digits on a page.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, h, w)
        Light ink on a dark ground, n from 1.
    labels : ndarray of integers, shape (n,)
        0 to 9.
    rng : numpy.random.Generator
        A page has one pen, one writer and one paper.

    Returns
    -------
    MadePage
        Its shorter side 400 to 2,000 pixels, its longer one 600 to 3,000.

    Raises
    ------
    DataError
        If there are no digits, or too many for a page at the smallest height.
    """
    if not len(digits) or len(digits) != len(labels):
        raise DataError(f"digits: expected one or more and a label each, got {len(digits)} and {len(labels)} labels")
    stock = some_stock(rng=rng)
    writer = dataclasses.replace(some_writer(rng=rng, grain=stock.grain), turn=0.0)
    manner = some_manner(rng=rng)
    lengths = line_lengths(len(digits), rng=rng)
    dark = sum(stock.paper) < sum(stock.ink)
    paper = not dark and not stock.screen  # boards and screens have no rules and no desk around them
    ruling: Ruling = ("none", "none", "none", "ruled", "squared")[rng.integers(5) if paper else 0]
    tilt = 0.0 if stock.screen else float(np.clip(rng.normal(0, 2.5), -6, 6))
    edges = tuple(bool(e) for e in rng.random(4) < 0.6) if rng.random() < 0.45 and paper else (False,) * 4
    height = math.exp(rng.uniform(*np.log(HEIGHTS)))
    emptier = rng.uniform(1, 2.5) if rng.random() < 0.5 else 1.0  # more paper than the numbers need
    smallest = round(SMALLEST[0] * emptier), round(SMALLEST[1] * emptier)
    smallest = smallest if rng.random() < 0.5 else smallest[::-1]
    while True:
        layout = laid_out(digits, lengths, height, _readable(writer, height), manner, rng=rng)
        view = some_view(layout.box, height, tilt=tilt, edges=edges, smallest=smallest, rng=rng)
        excess = max(side / most for side, most in zip(sorted(view.size), LARGEST, strict=True))
        if excess <= 1:
            break
        if height <= HEIGHTS[0]:
            raise DataError(f"digits: expected as many as fit on a page, got {len(digits)}")
        height = max(HEIGHTS[0], height / excess * 0.97)
    shadow = bool(rng.random() < 0.3) and not stock.screen
    scene = _drawn(layout, view, stock, ruling, height, manner.pitch * height, rng=rng)
    image = to_uint8(scene)
    if not stock.screen:
        image = photographed(scene, light(view.size, shadow=shadow, rng=rng), some_camera(height, rng=rng), rng=rng)
    turn = int(rng.choice((0, 90, 180, 270), p=(0.7, 0.1, 0.1, 0.1)))
    return MadePage(
        image=np.ascontiguousarray(np.rot90(image, -turn // 90)),
        lines=_lines(labels, lengths),
        boxes=np.stack(turned(list(_boxes(layout, view).T), -turn // 90, view.size[::-1]), axis=1),
        touching=layout.touching,
        turn=turn,
        tilt=tilt,
        height=height,
        ruling=ruling,
        shadow=shadow,
        edge=any(edges),
        dark=dark,
    )


def _readable(writer: Writer, height: float) -> Writer:
    """The writer, with a pen wide enough to be seen at a height in pixels."""
    return (
        writer
        if writer.width is None
        else dataclasses.replace(writer, width=max(writer.width, min(0.11, 1.3 / height)))
    )


def _lines(labels: Int64, lengths: list[int]) -> tuple[str, ...]:
    ends = np.cumsum(lengths)
    return tuple(
        "".join(str(label) for label in labels[end - length : end]) for end, length in zip(ends, lengths, strict=True)
    )


def _drawn(
    layout: Layout, view: View, stock: Stock, ruling: Ruling, height: float, pitch: float, *, rng: np.random.Generator
) -> Float32:
    """The page in its view, in even light, float32 of shape (h, w, 3)."""
    left, top, right, bottom = (int(v) for v in view.paper)
    ink = np.zeros((bottom - top, right - left), np.float32)
    for placed in layout.digits:
        stamp(ink, placed.ink, placed.top - top, placed.left - left)
    page = ground(stock, ink.shape, height, rng=rng)
    if ruling == "ruled":  # numbers stand on or near the lines
        rule(page, pitch, top=height * (1 + abs(rng.normal(0, 0.06))) - top, squared=False, rng=rng)
    elif ruling == "squared":
        rule(page, height * rng.uniform(0.7, 1.4), top=rng.uniform(0, height), squared=True, rng=rng)
    if rng.random() < 0.2:
        specks(page, height, int(rng.integers(1, 15)), rng=rng)
    page += (np.array(stock.ink, np.float32) - page) * (ink * np.float32(stock.strength))[..., None]
    return view.image(to_uint8(page), some_desk(view.size, rng=rng))


def _boxes(layout: Layout, view: View) -> Int64:
    """The boxes of the digits' ink in the upright image, int64 of shape (n, 4)."""
    boxes = []
    for placed in layout.digits:
        y, x = np.nonzero(placed.ink > 0.3)
        places = view.seen(np.stack([x + placed.left + 0.5, y + placed.top + 0.5], axis=1))
        low, high = np.floor(places.min(axis=0) - 0.5), np.ceil(places.max(axis=0) + 0.5)
        boxes.append([*low, *high])
    return np.array(boxes).astype(np.int64)


@dataclass(frozen=True, eq=False)
class View:
    """A part of a plane as a camera sees it."""

    forth: Float64  # (3, 3): the homography from the page's pixels to the image's
    size: tuple[int, int]  # height and width of the image
    paper: Box  # left, top, right and bottom of the paper, in the page's pixels; it may reach beyond the image

    def seen(self, points: Float64) -> Float64:
        """Map points (n, 2), x and y, of the page to the image."""
        return mapped(self.forth, points)

    def image(self, page: UInt8, desk: Float32) -> Float32:
        """Show the page's raster (k, l, 3), which begins at the paper's corner, on a desk (h, w, 3)."""
        back = shift(-self.paper[0], -self.paper[1]) @ np.linalg.inv(self.forth)
        lit = seen_through(page, back, self.size, fill=0)
        there = seen_through(np.full(page.shape[:2], 255, np.uint8), back, self.size, fill=0)
        amount = there.astype(np.float32)[..., None] / 255
        if amount.min() == 1:
            return lit.astype(np.float32)
        return np.asarray(desk + (lit.astype(np.float32) - desk) * amount, np.float32)


def some_view(
    content: Box,
    height: float,
    *,
    tilt: float,
    edges: tuple[bool, ...],
    smallest: tuple[int, int],
    rng: np.random.Generator,
) -> View:
    """Draw a view of a page.

    Parameters
    ----------
    content : (float, float, float, float)
        Left, top, right and bottom of what must be in view.
    height : float
        Of a digit, in pixels.
    tilt : float
        Degrees, counter-clockwise.
    edges : tuple of bool
        At the left, top, right and bottom: whether the paper ends in the image.
    smallest : (int, int)
        The least height and width.
    rng : numpy.random.Generator
    """
    sign = np.array([-1, -1, 1, 1])
    paper: Float64 = np.array(content, np.float64) + sign * height * rng.uniform(0.5, 1.8, 4)
    missing = np.maximum(0, np.array(smallest)[::-1] - (paper[2:] - paper[:2]))  # width, height
    split = rng.uniform(0.3, 0.7, 2)
    paper += np.concatenate([-missing * split, missing * (1 - split)])
    forth = _tilted(paper, tilt) @ _from_the_side(paper, rng=rng)
    window = _bounds(forth, paper)
    window += sign * np.where(edges, rng.uniform(0.02, 0.1, 4) * (window[2:] - window[:2]).mean(), 0)
    window = np.asarray(np.where(sign < 0, np.floor(window), np.ceil(window)), np.float64)
    reach = _bounds(np.linalg.inv(forth).astype(np.float64), window) + sign * 2
    paper = np.where(edges, paper, np.where(sign < 0, np.minimum(reach, paper), np.maximum(reach, paper)))
    paper = np.asarray(np.where(sign < 0, np.floor(paper), np.ceil(paper)), np.float64)
    forth = shift(-window[0], -window[1]) @ forth
    size = int(window[3] - window[1]), int(window[2] - window[0])
    left, top, right, bottom = (float(v) for v in paper)
    return View(forth, size, (left, top, right, bottom))


def some_desk(shape: tuple[int, int], *, rng: np.random.Generator) -> Float32:
    """Draw the surface under the paper, float32 of shape (h, w, 3): grained wood, cloth or stone."""
    desk = np.empty((*shape, 3), np.float32)
    desk[:] = np.array(DESKS[rng.integers(len(DESKS))]) + rng.normal(0, 8)
    lying = rng.random() < 0.5
    rows = smooth_noise((shape[0], 1) if lying else (1, shape[1]), rng.uniform(3, 12), rng=rng)  # along the grain
    desk += (rng.uniform(0, 10) * rows + rng.uniform(1, 5) * smooth_noise(shape, rng.uniform(2, 6), rng=rng))[..., None]
    return desk


def _bounds(homography: Float64, box: Float64) -> Float64:
    """The bounding box of a mapped box."""
    corners = mapped(homography, np.array([[x, y] for x in box[::2] for y in box[1::2]]))
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _tilted(box: Float64, degrees: float) -> Float64:
    """A rotation about the centre of a box, as a homography."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    x, y = (box[:2] + box[2:]) / 2
    return np.asarray(turn @ shift(-x, -y), np.float64)


def _from_the_side(box: Float64, *, rng: np.random.Generator) -> Float64:
    """A slight perspective about the centre of a box, as a homography."""
    x, y = (box[:2] + box[2:]) / 2
    width, height = box[2:] - box[:2]
    far = rng.normal(0, 0.03, 2) / np.array([width, height])
    there = shift(-x, -y)
    return np.asarray(np.linalg.inv(there) @ np.array([[1, 0, 0], [0, 1, 0], [*far, 1]]) @ there, np.float64)
