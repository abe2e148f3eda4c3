"""What reading gives: small values, and nothing of what they were made from but the digits' own pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from digitwise.images import UInt8

Status = Literal["read", "unsure", "blank", "error"]
UNSURE = "?"  # what stands in a line of text for a digit that is not read surely


@dataclass(frozen=True, slots=True)
class Reading:
    """One picture as one digit.

    Parameters
    ----------
    label : str or None
        The most probable class, also where the status is ``unsure``; None for a blank and for an error.
    confidence : float or None
        Its calibrated probability, in [0, 1].
    status : {"read", "unsure", "blank", "error"}
        ``unsure`` where the reading policy would not answer.
    top : tuple of (str, float)
        The three most probable classes with their probabilities, most probable first; empty without a label.
    path : str or None
        The file, where it was one.
    error : str or None
        Why it could not be read.
    """

    label: str | None
    confidence: float | None
    status: Status
    top: tuple[tuple[str, float], ...] = ()
    path: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit on a page.

    Parameters
    ----------
    label : str
        The most probable class.
    confidence : float
        Its calibrated probability.
    status : {"read", "unsure"}
    box : tuple of int
        Left, top, right and bottom in pixels of the picture, upright by its EXIF orientation but not turned further;
        right and bottom are the first outside.
    image : ndarray of uint8, shape (28, 28), optional
        What the model saw.
    """

    label: str
    confidence: float
    status: Status
    box: tuple[int, int, int, int]
    image: UInt8 | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of digits.

    Parameters
    ----------
    text : str
        The labels in reading order, ``?`` for unsure ones.
    digits : tuple of Digit
        In the same order.
    """

    text: str
    digits: tuple[Digit, ...]

    @classmethod
    def of(cls, digits: tuple[Digit, ...]) -> Line:
        """A line with the text that its digits make."""
        return cls("".join(digit.label if digit.status == "read" else UNSURE for digit in digits), digits)


@dataclass(frozen=True, slots=True)
class Page:
    """A photo or scan as lines of digits.

    Parameters
    ----------
    path : str or None
        The file, where it was one.
    lines : tuple of Line
        From top to bottom as the page is read; none where there are no digits.
    turn : int
        Quarters counter-clockwise by which the picture was turned to be read.
    """

    path: str | None
    lines: tuple[Line, ...]
    turn: int = 0

    @property
    def text(self) -> str:
        """All lines, a line break between two."""
        return "\n".join(line.text for line in self.lines)
