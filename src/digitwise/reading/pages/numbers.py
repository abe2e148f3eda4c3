"""Numbers on a page: from a picture to lines of read digits."""

from __future__ import annotations

from dataclasses import dataclass

from digitwise.images import Float32, UInt8
from digitwise.reading.pages.choice import Chosen, Probabilities
from digitwise.reading.pages.orientation import best_turn
from digitwise.reading.pages.page import page_ink
from digitwise.reading.pages.parts import Box, parts_of, turned_box
from digitwise.reading.pages.segment import digits_of, scaled


@dataclass(frozen=True, eq=False)
class PageDigit:
    """A digit on a page.

    Parameters
    ----------
    box : (int, int, int, int)
        Left, top, right, bottom in the pixels of the picture as it was given, not turned; right and bottom are not
        in it.
    image : ndarray of uint8, shape (28, 28)
        What the classifier saw.
    probabilities : ndarray of float32, shape (classes,)
        What it answered.
    """

    box: Box
    image: UInt8
    probabilities: Float32


@dataclass(frozen=True, eq=False)
class PageLine:
    """A line of digits, from left to right as the page is read."""

    digits: tuple[PageDigit, ...]


@dataclass(frozen=True, eq=False)
class NumberPage:
    """A page that was read.

    Parameters
    ----------
    lines : tuple of PageLine
        From top to bottom as the page is read; none on a blank page.
    turn : int
        Quarters counter-clockwise that bring the picture upright.
    """

    lines: tuple[PageLine, ...]
    turn: int


def read_page(picture: UInt8, probabilities: Probabilities, *, turn: int | None = None) -> NumberPage:
    """Find and read the numbers on a photographed or scanned page.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
        Any size, ink of any colour on paper of another.
    probabilities : callable
        The classifier: uint8 (n, 28, 28) to float32 (n, classes). It is asked a few times, for many digits at once.
    turn : int, optional
        Quarters counter-clockwise that bring the picture upright; found where it is not given.

    Returns
    -------
    NumberPage
    """
    ink = page_ink(picture)
    parts = parts_of(ink)
    height, width = ink.mask.shape
    quarters = best_turn(parts, (height, width)) if turn is None else turn % 4
    turned = [part.turned(quarters, (height, width)) for part in parts]
    upright = (width, height) if quarters % 2 else (height, width)

    def placed(digit: Chosen) -> PageDigit:
        box = turned_box(digit.part.box, -quarters, upright)
        return PageDigit(scaled(box, ink.scale), digit.image, digit.probabilities)

    lines = digits_of(turned, probabilities)
    return NumberPage(tuple(PageLine(tuple(placed(digit) for digit in line)) for line in lines), quarters)
