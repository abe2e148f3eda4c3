"""The results of reading: plain values, and of the images only those of the digits; how they show in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitwise.images import UInt8
from digitwise.planes import Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

Status = Literal["read", "unsure", "blank", "error"]
Kind = Literal["digit?", "mark", "rule", "border"]
UNSURE = "?"  # an unsure digit in text
SHOWN = 5  # numbers that its repr tells
LISTED = 50  # numbers that a page shows in a notebook
NUMBER_COLUMNS = ("text", "written", "status", "confidence", "left", "top", "right", "bottom")


@dataclass(frozen=True, slots=True)
class Reading:
    """One image as one digit.

    Parameters
    ----------
    label : str or None
        The most probable class, also where the status is ``unsure``; None for a blank and for an error.
    confidence : float or None
        Its calibrated probability, in [0, 1].
    status : {"read", "unsure", "blank", "error"}
        ``unsure`` if the reading policy rejects the answer.
    top : tuple of (str, float)
        The three most probable classes with their probabilities, most probable first; empty without a label.
    path : str or None
        The file, where it was one.
    error : str or None
        Why it could not be read.

    Examples
    --------
    >>> import digitwise
    >>> reading = digitwise.Reader().read(digitwise.load("digits").test.images[1])
    >>> reading.label, reading.status
    ('9', 'read')
    """

    label: str | None
    confidence: float | None
    status: Status
    top: tuple[tuple[str, float], ...] = ()
    path: str | None = None
    error: str | None = None

    def frame(self) -> Any:
        """The most probable classes as a pandas frame: a row each, with its probability.

        Raises
        ------
        MissingPartError
            If pandas is not installed.
        """
        from digitwise.parts import imported

        return imported("pandas", "a frame").DataFrame(list(self.top), columns=["class", "probability"])

    def _repr_html_(self) -> str:
        from digitwise import displays
        from digitwise.reading.inputs import file_of

        rows = [(name, f"{share:.1%}") for name, share in self.top]
        told = self.error or (self.status if self.label is None else f"{self.label}, {self.status}")
        seen = file_of(self.path)
        return displays.block(
            displays.paragraph(told if self.path is None else f"{self.path}: {told}"),
            "" if seen is None else displays.image(seen.image, told, 2 * displays.SMALL),
            displays.table(("class", "probability"), rows) if rows else "",
        )


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
        Left, top, right and bottom in pixels of the image, upright by its EXIF orientation but not turned further;
        right and bottom are the first outside.
    image : ndarray of uint8, shape (28, 28), optional
        What the model saw.
    """

    label: str
    confidence: float
    status: Status
    box: Box
    image: UInt8 | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The label, or ``?`` where it is unsure."""
        return self.label if self.status == "read" else UNSURE


@dataclass(frozen=True, slots=True)
class Number:
    """Digits that belong together.

    Parameters
    ----------
    text : str
        The digits from left to right, ``?`` for unsure ones.
    written : str
        The same with the signs among them and behind them, as in ``25.810`` and ``5.170=``.
    confidence : float
        The calibrated probability that all of it is right and nothing is missing.
    status : {"read", "unsure"}
    box : tuple of int
        As of a digit.
    digits : tuple of Digit
        In the same order.
    """

    text: str
    written: str
    confidence: float
    status: Status
    box: Box
    digits: tuple[Digit, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Ink of a digit's size or more that is not read.

    Parameters
    ----------
    kind : {"digit?", "mark", "rule", "border"}
        Ink that may be a digit; letters, words and drawings; lines and frames; ink cut by the image's border.
    box : tuple of int
        As of a digit.
    confidence : float, optional
        The probability that it is a digit, of a "digit?".
    """

    kind: Kind
    box: Box
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of digits.

    Parameters
    ----------
    text : str
        The labels in reading order, ``?`` for unsure ones, a space between two numbers.
    digits : tuple of Digit
        In the same order.
    """

    text: str
    digits: tuple[Digit, ...]

    @classmethod
    def of(cls, numbers: Sequence[tuple[Digit, ...]]) -> Line:
        """Make a line of numbers, each given by its digits."""
        text = " ".join("".join(digit.text for digit in number) for number in numbers)
        return cls(text, tuple(digit for number in numbers for digit in number))


@dataclass(frozen=True, slots=True)
class FieldReading:
    """What is written in a field of a form.

    Parameters
    ----------
    text : str
        With its signs, ``?`` for an unsure digit; of a field that expects a number of digits the digits only.
    confidence : float or None
        The calibrated probability that all of it is right; None where there is no digit.
    status : {"read", "unsure", "blank"}
        Also unsure if it does not match the template.
    box : tuple of int
        Of the field, as of a digit.
    """

    text: str
    confidence: float | None
    status: Status
    box: Box


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """A photo or scan read as lines of digits.

    Parameters
    ----------
    path : str or None
        The file, where it was one.
    lines : tuple of Line
        From top to bottom as the page is read; none where there are no digits.
    turn : int
        Quarters counter-clockwise by which the image was turned to be read.
    numbers : tuple of Number
        Those of the lines, in the same order.
    others : tuple of Other
        What else is on the page.
    fields : mapping of str to FieldReading, optional
        For a form read by a template: fields by name, in the template's order; lines and numbers are those of fields.

    Examples
    --------
    >>> import digitwise
    >>> digitwise.Reader().read_numbers(np.zeros((90, 160), np.uint8))
    Page(0 numbers, blank)
    """

    path: str | None
    lines: tuple[Line, ...]
    turn: int = 0
    numbers: tuple[Number, ...] = ()
    others: tuple[Other, ...] = ()
    fields: Mapping[str, FieldReading] | None = None

    def __repr__(self) -> str:
        what = f"{len(self.numbers):,} numbers" if self.fields is None else f"{len(self.fields):,} fields"
        told = " | ".join(number.written for number in self.numbers[:SHOWN])
        more = " | …" if len(self.numbers) > SHOWN else ""
        where = "" if self.path is None else f", {self.path!r}"
        return f"Page({what}, {self.status}{f': {told}{more}' if told else ''}{where})"

    @property
    def status(self) -> Status:
        """``read`` if all numbers (or fields) are, ``blank`` without ink of a digit's size, else ``unsure``."""
        if self.fields is not None:
            statuses = {field.status for field in self.fields.values()}
            return "unsure" if "unsure" in statuses else "read" if "read" in statuses else "blank"
        if not self.numbers:
            return "unsure" if self.has_ink else "blank"
        return "read" if all(number.status == "read" for number in self.numbers) else "unsure"

    @property
    def has_ink(self) -> bool:
        """Whether there is ink of a digit's size or more that is neither read nor a line or frame."""
        return any(other.kind != "rule" for other in self.others)

    @property
    def label(self) -> str | None:
        """The digit, if it is the only one on the page and there is no sign; otherwise, and for a form, None."""
        digits = [digit for number in self.numbers for digit in number.digits]
        alone = len(digits) == 1 and self.fields is None and self.numbers[0].written in (digits[0].label, UNSURE)
        return digits[0].label if alone else None

    @property
    def text(self) -> str:
        """All lines, a line break between two."""
        return "\n".join(line.text for line in self.lines)

    def overlay(self, image: Any = None) -> Image:
        """Draw the boxes and what was read on the image.

        Parameters
        ----------
        image : str, Path, bytes, PIL image or array, optional
            What was read; by default the file at ``path``.

        Returns
        -------
        PIL.Image.Image
            RGB. What is read surely is blue, the rest orange. Without an image, or if the file has gone, digits are
            drawn as the model saw them.

        Raises
        ------
        DataError
            If the given image cannot be decoded.
        """
        from digitwise.reading.drawings import overlay, traced
        from digitwise.reading.inputs import file_of, to_draw_on

        decoded = file_of(self.path) if image is None else to_draw_on(image)
        shown, scale = traced(self) if decoded is None else (decoded.image, decoded.scale)
        return overlay(shown, self, scale)

    def plot(self, ax: Axes | None = None, *, image: Any = None) -> Axes:
        """Draw the image with boxes and what was read, as :meth:`overlay` does, on matplotlib's axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default of a new figure. Its units are those of the boxes, unless the image was turned to be read.
        image : str, Path, bytes, PIL image or array, optional
            What was read; by default the file at ``path``.

        Raises
        ------
        DataError
            If the given image cannot be decoded, or none is given and there is no file, or no longer.
        """
        from digitwise.reading.drawings import plotted

        return plotted(self, ax, image)

    def frame(self) -> Any:
        """The numbers as a pandas frame, one row each, with its box in pixels.

        Raises
        ------
        MissingPartError
            If pandas is not installed.
        """
        from digitwise.parts import imported

        rows = [(n.text, n.written, n.status, n.confidence, *n.box) for n in self.numbers]
        return imported("pandas", "a frame").DataFrame(rows, columns=NUMBER_COLUMNS)

    def _repr_html_(self) -> str:
        from digitwise import displays

        columns, what = ("number", "status", "confidence"), "numbers"
        rows = [(number.written, str(number.status), f"{number.confidence:.1%}") for number in self.numbers]
        if self.fields is not None:
            columns, what = ("field", "text", "status"), "fields"
            rows = [(name, field.text, str(field.status)) for name, field in self.fields.items()]
        told = f"{len(rows):,} {what}, {self.status}"
        return displays.block(
            displays.paragraph(told if self.path is None else f"{self.path}: {told}"),
            displays.image(self.overlay(), "the page with boxes and readings drawn on it"),
            displays.table(columns, rows[:LISTED]) if rows else "",
            displays.paragraph(f"and {len(rows) - LISTED:,} more") if len(rows) > LISTED else "",
        )


def together(numbers: Sequence[Number], between: str = " ") -> Number:
    """Join numbers: ``read`` if all are, with the probability that all are right.

    Parameters
    ----------
    numbers : sequence of Number
        From left to right, at least one.
    between : str
        What stands between two in the text.

    Examples
    --------
    >>> one, two = (Number(text, text, 0.9, "read", (0, 0, 9, 9), ()) for text in ("12", "34"))
    >>> together([one, two]).text
    '12 34'
    """
    status: Status = "read" if all(number.status == "read" for number in numbers) else "unsure"
    digits = tuple(digit for number in numbers for digit in number.digits)
    text, written = (between.join(getattr(number, name) for number in numbers) for name in ("text", "written"))
    confidence = float(np.prod([number.confidence for number in numbers]))
    return Number(text, written, confidence, status, around([number.box for number in numbers]), digits)


def part_of(number: Number, begin: int, end: int) -> Number:
    """The digits of a number from ``begin`` to before ``end``, and the signs behind each.

    The confidence is that of the whole number: a missed digit may have been in either part.
    """
    digits = number.digits[begin:end]
    text = "".join(digit.text for digit in digits)
    written, seen = "", 0
    for sign in number.written:
        seen += sign.isdigit() or sign == UNSURE
        written += sign if begin < seen <= end else ""
    return replace(number, text=text, written=written, box=around([digit.box for digit in digits]), digits=digits)


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them, one or more."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
