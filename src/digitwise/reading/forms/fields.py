"""A form brought upright by a template, cut into its fields, and read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digitwise.decoding import Decoded
from digitwise.errors import DataError
from digitwise.images import Float64, UInt8
from digitwise.planes import Box, fitted, mapped, seen_through, shift
from digitwise.reading.finder import grey_of
from digitwise.reading.forms.sheet import sheet_of
from digitwise.reading.forms.spots import CORNERS, base_of, found_marks
from digitwise.reading.forms.template import Field, Template
from digitwise.reading.results import Digit, FieldReading, Line, Number, Page, together

RIM = 0.3  # heights of a field: the widest margin cut out with it
AGREED = 0.02  # of a sheet's size: largest distance between marks and their places by its edges
SMALLEST = 8  # pixels of the shorter side of a form


@dataclass(frozen=True, eq=False)
class FieldImage:
    """A field cut out of a form.

    Parameters
    ----------
    field : Field
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
        Upright, with a little of what surrounds the field.
    inner : tuple of float
        Left, top, right and bottom of the field in the pixels of that image.
    homography : ndarray of float64, shape (3, 3)
        From its pixels to those of the image as given.
    """

    field: Field
    image: UInt8
    inner: tuple[float, float, float, float]
    homography: Float64

    def corners_of(self, box: Sequence[float]) -> Float64:
        """Upper left, upper right, lower right and lower left of a box in the image as given, float64 (4, 2)."""
        left, top, right, bottom = box
        return mapped(self.homography, np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))


def aligned(image: UInt8, template: Template, *, turn: int = 0) -> tuple[UInt8, Float64]:
    """Align a form upright: by its marks if the template has some, else by the edges of its sheet.

    If no sheet is found, the image is the form.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    template : Template
    turn : int
        Quarters counter-clockwise that bring the image upright, as ``Page.turn`` has them. Not needed for marks
        without rotational symmetry.

    Returns
    -------
    (ndarray of uint8, ndarray of float64, shape (3, 3))
        The upright form, and the homography from its pixels to the image's.

    Raises
    ------
    DataError
        If the marks are not found, or in more than one way.
    """
    if min(image.shape[:2]) < SMALLEST:
        size = f"{image.shape[1]}×{image.shape[0]}"
        raise DataError(f"expected the image of a form, got {size} pixels; give a larger one")
    grey = grey_of(image)
    if template.marks:
        place = _by_marks(grey, template, turn)
        corners = mapped(place, CORNERS)
    else:
        found = sheet_of(grey, turn=turn)
        corners = _all_of(grey, turn) if found is None else found
        place = fitted(CORNERS, corners)
    height, width = _size(corners, image.size)
    homography = place @ np.diag([100 / width, 100 / height, 1.0])
    homography = homography / homography[2, 2]
    return seen_through(image, homography, (height, width)), homography


def _by_marks(grey: UInt8, template: Template, turn: int) -> Float64:
    """From per cent of the form to the image's pixels."""
    marks = np.array(template.marks)
    place, spots = found_marks(grey, marks, turn=turn)
    if place is None:
        wanted = f"the {len(marks)} marks of {template.name}"
        advice = "show the whole form, flat, sharp and in even light"
        raise DataError(f"expected {wanted}, got {spots} spots that may be marks, in no clear order; {advice}")
    return place if len(base_of(marks)) > 3 else _with_edges(grey, place, marks, turn)


def _with_edges(grey: UInt8, place: Float64, marks: Float64, turn: int) -> Float64:
    """Refine a place by three marks, which show no perspective, with the sheet's edges, if these agree."""
    corners = sheet_of(grey, turn=turn)
    if corners is None:
        return place
    spots = mapped(place, marks)
    ways = [fitted(CORNERS, np.roll(corners, -k, axis=0)) for k in range(4)]
    away = [float(np.linalg.norm(mapped(way, marks) - spots, axis=1).max()) for way in ways]
    k = int(np.argmin(away))
    size = float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).mean())
    if away[k] > AGREED * size:
        return place
    return fitted(np.concatenate([CORNERS, marks]), np.concatenate([np.roll(corners, -k, axis=0), spots]))


def _all_of(grey: UInt8, turn: int) -> Float64:
    """The corners of an image, beginning with the upper left one after the turn."""
    corners = CORNERS / 100 * np.array([grey.shape[1], grey.shape[0]])
    return np.roll(corners, -(turn % 4), axis=0)


def _size(corners: Float64, most: int) -> tuple[int, int]:
    """Height and width of the upright form: as large as in the image, up to about ``most`` pixels."""
    top, right, bottom, left = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    height, width = max(left, right), max(top, bottom)
    scale = min(1.0, math.sqrt(1.5 * most / (height * width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def cells(upright: UInt8, homography: Float64, template: Template) -> list[FieldImage]:
    """Cut the fields out of an upright form, each with a margin up to halfway to the next field.

    Parameters
    ----------
    upright, homography
        As ``aligned`` gives them.
    template : Template
    """
    boxes = np.array([field.box for field in template.fields])
    boxes[:, 2:] += boxes[:, :2]
    unit = np.array([upright.shape[1], upright.shape[0]] * 2) / 100
    boxes *= unit
    return [_cell(upright, homography, field, boxes, k) for k, field in enumerate(template.fields)]


def _cell(upright: UInt8, homography: Float64, field: Field, boxes: Float64, k: int) -> FieldImage:
    box = boxes[k]
    rims = _rims(box, np.delete(boxes, k, axis=0))
    height, width = upright.shape[:2]
    left, top = (math.floor(max(edge - rim, 0)) for edge, rim in zip(box[:2], rims[:2], strict=True))
    right, bottom = (
        math.ceil(min(edge + rim, side)) for edge, rim, side in zip(box[2:], rims[2:], (width, height), strict=True)
    )
    left, top = min(left, width - 1), min(top, height - 1)
    image = np.ascontiguousarray(upright[top : max(bottom, top + 1), left : max(right, left + 1)])
    inner = tuple(float(edge) for edge in box - [left, top, left, top])
    return FieldImage(field, image, (inner[0], inner[1], inner[2], inner[3]), homography @ shift(left, top))


def _rims(box: Float64, others: Float64) -> Float64:
    """Margins at the left, top, right and bottom of a field (4,): at most halfway to the next field."""
    rim = RIM * float(box[3] - box[1])
    grown = box + np.array([-rim, -rim, rim, rim])
    rims = np.full(4, rim)
    for side in range(4):
        across = [1, 3] if side % 2 == 0 else [0, 2]
        beside = (others[:, across[0]] < grown[across[1]]) & (others[:, across[1]] > grown[across[0]])
        near = box[side] - others[:, side + 2] if side < 2 else others[:, side - 2] - box[side]
        ahead = near[beside & (near > -1e-6)]
        if ahead.size:
            rims[side] = min(rim, max(float(ahead.min()) / 2, 0.0))
    return rims


def read_form(read: Callable[[UInt8, Field], Page], decoded: Decoded, template: Template, *, turn: int = 0) -> Page:
    """Read a form field by field.

    Parameters
    ----------
    read : callable
        Reads the numbers of a field: takes its image, uint8 (h, w) or (h, w, 3), and the field.
    decoded : Decoded
    template : Template
    turn : int
        As ``aligned`` takes it.

    Returns
    -------
    Page
        Its fields, and their numbers.

    Raises
    ------
    DataError
        As ``aligned`` does.
    """
    upright, homography = aligned(decoded.image, template, turn=turn)
    fields, lines, numbers = {}, [], []
    for cell in cells(upright, homography, template):
        page = read(cell.image, cell.field)
        place = _FieldPlace(cell, decoded)
        here = sorted((each for each in page.numbers if _holds(cell.inner, each.box)), key=lambda each: each.box[0])
        fields[cell.field.name] = _reading(page, here, cell, place.box(cell.inner))
        placed = [place.number(each) for each in here]
        numbers += placed
        lines += [Line.of([number.digits for number in placed])] * bool(placed)
    return Page(None, tuple(lines), _turn_of(homography), tuple(numbers), (), fields)


def _turn_of(homography: Float64) -> int:
    """Quarters counter-clockwise that bring the image nearest to upright."""
    (x, y), (right, down) = mapped(homography, np.array([[0.0, 0], [1, 0]]))
    return round(math.atan2(down - y, right - x) / (math.pi / 2)) % 4


@dataclass(frozen=True, eq=False)
class _FieldPlace:
    """From a field's image to the file's pixels."""

    cell: FieldImage
    decoded: Decoded

    def box(self, box: Sequence[float]) -> Box:
        x, y = self.cell.corners_of(box).T * self.decoded.scale + np.array([[edge] for edge in self.decoded.origin])
        return math.floor(x.min()), math.floor(y.min()), math.ceil(x.max()), math.ceil(y.max())

    def digit(self, digit: Digit) -> Digit:
        return replace(digit, box=self.box(digit.box))

    def number(self, number: Number) -> Number:
        return replace(number, box=self.box(number.box), digits=tuple(map(self.digit, number.digits)))


def _reading(page: Page, numbers: list[Number], cell: FieldImage, box: Box) -> FieldReading:
    """What is written inside the field; ink around it is ignored."""
    if not numbers:
        other = any(ink.kind != "rule" and _holds(cell.inner, ink.box) for ink in page.others)
        return FieldReading("", None, "unsure" if other else "blank", box)
    whole, known = together(numbers, ""), cell.field.known
    fitting = whole.written if known is None else known.fitting(whole.written)
    sure = whole.status == "read" and page.turn == 0 and _in_line(numbers) and fitting is not None
    text = fitting or (whole.written if cell.field.expect is None else whole.text)
    return FieldReading(text, whole.confidence, "read" if sure else "unsure", box)


def _holds(inner: tuple[float, float, float, float], box: Box) -> bool:
    """Whether the middle of a box lies in the field."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return inner[0] <= x <= inner[2] and inner[1] <= y <= inner[3]


def _in_line(numbers: list[Number]) -> bool:
    """Whether each number is beside the one before it, not above or below."""
    for one, other in pairwise(numbers):
        common = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
        lower = min(one.box[3] - one.box[1], other.box[3] - other.box[1])
        if common < 0.5 * lower or other.box[0] < (one.box[0] + one.box[2]) / 2:
            return False
    return True
