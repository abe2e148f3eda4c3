"""Numbers put together and cut apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitwise.reading.results import UNSURE, Box, Number, Status


def together(numbers: Sequence[Number], between: str = " ") -> Number:
    """Several numbers as one: sure where all are, with the probability that all are right.

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

    As sure as the whole: what may have been missed may have been in either part.
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
