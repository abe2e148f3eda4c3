"""From what the finder marks to numbers, how sure each is, and what else the ink is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitwise.fitting import fit_into, grey
from digitwise.images import Float32, Float64, Int64, Mask, UInt8
from digitwise.maps import SIGNS
from digitwise.normalize import SIDE
from digitwise.reading import trust
from digitwise.reading.finder import Sight
from digitwise.reading.finding import Found
from digitwise.reading.grouping import lines_of
from digitwise.reading.ink import others_of
from digitwise.reading.results import Box, Digit, Line, Number, Other, Page, Status

THERE = 0.5  # probability from which a digit is taken to be there
DOUBT = 0.02  # probability from which what was left out is named, and makes the number beside it less sure
PASSED = 0.5  # how likely a standing stroke that the finder passed over is a digit: as likely as not
SIGN = 0.4  # score from which there is a sign


def page_of(
    sight: Sight, *, path: str | None, least: float, unit: float = 1.0, trusted: trust.Trust | None = None
) -> Page:
    """Put together what was found.

    Parameters
    ----------
    sight : Sight
    path : str, optional
        The file.
    least : float
        Confidence from which a number is read.
    unit : float
        Pixels of the original picture for one of the picture that was searched.
    trusted : Trust, optional
        How sure digits are; by default as the package has it.
    """
    found = sight.found
    there, right = (trusted or trust.bundled()).of(trust.features(found, sight.seen, sight.scale))
    digit = found.labels < 10
    kept = np.flatnonzero(digit & (there >= THERE))
    doubtful = np.flatnonzero(digit & (there < THERE) & (there >= DOUBT))
    lines = [[kept[piece] for piece in line] for line in lines_of(found.boxes[kept])]
    inks = others_of(sight, kept, np.concatenate([np.flatnonzero(~digit), doubtful]))
    strokes = np.array([box for kind, box in inks if kind == "digit?"], np.float32).reshape(-1, 4)
    missed = _Missed(np.concatenate([found.boxes[doubtful], strokes]), [*there[doubtful], *[PASSED] * len(strokes)])
    place = _Place(sight, unit)
    made = [[_number(found, piece, there * right, missed, place, least) for piece in line] for line in lines]
    numbers = tuple(number for line in made for number in line)
    rows = tuple(Line.of(tuple(digit for number in line for digit in number.digits)) for line in made)
    left = [Other("digit?", place.box(found.boxes[k]), round(float(there[k]), 4)) for k in doubtful]
    return Page(path, rows, sight.turn, numbers, (*left, *(Other(kind, place.box(box)) for kind, box in inks)))


class _Missed:
    """What may be digits but is not read: boxes, float32 (n, 4), and how likely each is one."""

    def __init__(self, boxes: Float32, chances: Sequence[float]) -> None:
        self.boxes, self.chances = boxes, np.array(chances, np.float64)

    def none_beside(self, number: Float32) -> float:
        """The probability that no digit was left out beside a number of boxes (k, 4)."""
        return float(np.prod(1 - self.chances[_beside(number, self.boxes)]))


class _Place:
    """From the upright picture that was searched to the picture as it was given."""

    def __init__(self, sight: Sight, unit: float) -> None:
        self.size, self.turn, self.unit, self.sight = (sight.shape[1], sight.shape[0]), sight.turn, unit, sight

    def image(self, edges: Float32) -> UInt8:
        """What the finder saw of a digit, uint8 (28, 28)."""
        left, top, right, bottom = np.rint(edges * self.sight.scale).astype(int).tolist()
        part = self.sight.seen[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        return fit_into(part, (SIDE, SIDE)) if part.size else np.zeros((SIDE, SIDE), np.uint8)

    def box(self, edges: Float32 | Sequence[float]) -> Box:
        """Left, top, right and bottom in whole pixels."""
        left, top, right, bottom = (float(edge) for edge in edges)
        width, height = self.size
        for _ in range(-self.turn % 4):  # the picture was turned counter-clockwise; go on until it is back
            left, top, right, bottom = top, width - right, bottom, width - left
            width, height = height, width
        left, right = _within(left, right, width, self.unit)
        top, bottom = _within(top, bottom, height, self.unit)
        return int(left), int(top), int(right), int(bottom)


def _within(begin: float, end: float, side: float, unit: float) -> tuple[int, int]:
    """Both ends in whole pixels of the original picture, at least one apart and in it."""
    most = round(side * unit)
    first = min(max(round(begin * unit), 0), most - 1)
    return first, min(max(round(end * unit), first + 1), most)


def _number(found: Found, piece: Int64, sure: Float64, missed: _Missed, place: _Place, least: float) -> Number:
    """One number of digits, from left to right, each with the probability that it is right."""
    each = sure[piece]
    confidence = float(np.prod(each)) * missed.none_beside(found.boxes[piece])
    status: Status = "read" if confidence >= least else "unsure"
    clear = np.full(len(piece), True) if status == "read" else (each >= least) & (each > each.min())
    digits = tuple(
        Digit(
            SIGNS[found.labels[k]],
            float(p),
            "read" if certain else "unsure",
            place.box(found.boxes[k]),
            place.image(found.boxes[k]),
        )
        for k, p, certain in zip(piece, each, clear, strict=True)
    )
    box = np.concatenate([found.boxes[piece, :2].min(axis=0), found.boxes[piece, 2:].max(axis=0)])
    written = _written(found, piece, [digit.text for digit in digits])
    return Number("".join(digit.text for digit in digits), written, confidence, status, place.box(box), digits)


def _beside(number: Float32, boxes: Float32) -> Mask:
    """Which boxes (k, 4) stand in a number's line, in it or close to its ends."""
    height = float(np.median(number[:, 3] - number[:, 1]))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (middles[:, 0] > number[:, 0].min() - height) & (middles[:, 0] < number[:, 2].max() + height)
    rows = (number[:, 1] + number[:, 3]) / 2
    nearest = np.abs(middles[:, :1] - (number[:, 0] + number[:, 2]) / 2).argmin(axis=1) if len(boxes) else []
    return np.asarray(inside & (np.abs(middles[:, 1] - rows[nearest]) < 0.6 * height))


def _written(found: Found, piece: Int64, texts: Sequence[str]) -> str:
    """The number with the signs in it and right behind it."""
    boxes = found.boxes[piece]
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    signs = np.flatnonzero((found.labels >= 10) & (found.scores >= SIGN))
    x = (found.boxes[signs, 0] + found.boxes[signs, 2]) / 2
    y = (found.boxes[signs, 1] + found.boxes[signs, 3]) / 2
    low, high = boxes[:, 1].min() - 0.2 * height, boxes[:, 3].max() + 0.3 * height
    near = (y > low) & (y < high) & (x > boxes[0, 0]) & (x < boxes[-1, 2] + 0.8 * height)
    marks = [(float(a), SIGNS[found.labels[k]]) for a, k in zip(x[near], signs[near], strict=True)]
    marks += [(float(box[0] + box[2]) / 2, text) for box, text in zip(boxes, texts, strict=True)]
    return "".join(text for _, text in sorted(marks, key=lambda mark: mark[0]))


def grey_of(picture: UInt8) -> UInt8:
    """A picture, uint8 (h, w) or (h, w, 3), as the finder takes it: the channel in which ink stands out most.

    Grey is what a luminance makes of it, but coloured ink on coloured paper may be as bright as the paper: then the
    channel with the widest spread is taken.
    """
    if picture.ndim == 2:
        return picture
    luminance = grey(picture)
    step = max(1, int(np.sqrt(luminance.size / 50_000)))
    small = picture[::step, ::step].reshape(-1, 3)
    spans = np.subtract(*np.percentile(small, (99, 1), axis=0))
    own = np.subtract(*np.percentile(luminance[::step, ::step], (99, 1)))
    best = int(spans.argmax())
    return np.ascontiguousarray(picture[..., best]) if spans[best] > 2 * own + 10 else luminance
