"""What a reader says about an image, for every reader."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

UNSURE = "?"
KEPT = frozenset("0123456789" + UNSURE)  # a minus or a point is in no label


@dataclass(frozen=True)
class Answer:
    """All digits of an image as one string.

    Parameters
    ----------
    read : str
        The most probable digits in reading order, of all lines.
    text : str
        The same with ``?`` for those that the reader is not sure of.
    confidence : float
        Of the whole string, in [0, 1]; 0 where nothing was read.
    sure : bool
        Whether the string counts as called read: not empty, and nothing in it unsure.
    """

    read: str
    text: str
    confidence: float
    sure: bool


def answer_of(page: Any) -> Answer:
    """The answer in what ``Reader.read_numbers`` gives: its numbers where it has them, else its lines."""
    numbers = getattr(page, "numbers", None)
    parts = page.lines if numbers is None else numbers
    text = "".join(_text(part) for part in parts)
    digits = [digit for part in parts for digit in getattr(part, "digits", ())]
    digits = digits or [digit for line in page.lines for digit in line.digits]
    read = "".join(digit.label for digit in digits if digit.label in KEPT - {UNSURE})
    confidence = math.prod(_confidence(part) for part in parts) if parts else 0.0
    return Answer(read, text, confidence, bool(text) and UNSURE not in text)


def answer_of_texts(texts: list[tuple[str, float]]) -> Answer:
    """The answer of a reader of any text, (text, confidence) a line, that is never unsure: only digits are kept."""
    found = [("".join(sign for sign in text if "0" <= sign <= "9"), confidence) for text, confidence in texts]
    found = [(text, confidence) for text, confidence in found if text]
    read = "".join(text for text, _ in found)
    return Answer(read, read, math.prod(confidence for _, confidence in found) if found else 0.0, bool(read))


def _text(part: Any) -> str:
    """Of a line or number; one that is unsure as a whole has no sure digit."""
    text = "".join(sign for sign in part.text if sign in KEPT)
    unsure = getattr(part, "status", "read") != "read" and UNSURE not in text
    return UNSURE * len(text) if unsure else text


def _confidence(part: Any) -> float:
    """A number's own; of a line the product over its digits."""
    own = getattr(part, "confidence", None)
    return float(own) if own is not None else math.prod(float(digit.confidence) for digit in part.digits)
