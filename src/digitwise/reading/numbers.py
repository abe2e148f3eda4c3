"""From the objects that the finder detects to numbers, their confidences, and the other ink on a page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.fitting import fit_into
from digitwise.images import Float32, Float64, Int64, Mask, UInt8
from digitwise.maps import SIGNS
from digitwise.normalization import SIDE
from digitwise.planes import Box, turned
from digitwise.reading import trust
from digitwise.reading.finder import TALL, Sight
from digitwise.reading.grid import lines_of
from digitwise.reading.known import Known
from digitwise.reading.objects import Objects
from digitwise.reading.results import UNSURE, Digit, Kind, Line, Number, Other, Page, Status

THERE = 0.5  # probability from which an object counts as a digit
DOUBT = 0.02  # probability from which a rejected object is reported, and lowers the confidence of the number beside
PASSED = 0.5  # probability that a vertical stroke which the finder did not detect is a digit
SIGN = 0.4  # score from which an object counts as a sign
PERHAPS = 0.1  # probability of a rejected digit from which it counts as one beside the others
LIKELY = 0.5  # confidence from which a number counts as matching what is known
WINDOW = 65  # pixels at the finder's scale: the mean of such a window is taken for the paper
STRENGTH = 0.45  # share of the digits' contrast from which a pixel is ink
FAINT = 18.0  # grey levels: less contrast is never ink
SMALL, LONG = 0.45, 6.0  # heights of a digit from which ink counts; times as long as wide from which it is a rule
STROKE = 0.6, 2.0  # heights of a digit between which a vertical stroke may be a 1
HAIR = 30  # times as long as thick: a line, not a digit
COVERED = 0.5  # share of a piece's pixels in digits' boxes from which it belongs to them
MOST = 5_000  # pieces reported at most, the largest first


def page_of(
    sight: Sight,
    *,
    path: str | None,
    least: float,
    unit: float = 1.0,
    origin: tuple[int, int] = (0, 0),
    known: Known | None = None,
    trusted: trust.Trust | None = None,
) -> Page:
    """Make a page of the objects found.

    Parameters
    ----------
    sight : Sight
    path : str, optional
        The file.
    least : float
        Confidence from which a number has status ``read``.
    unit : float
        Pixels of the original image for one of the image that was searched.
    origin : (int, int)
        Left and top of the searched image in the original one.
    known : Known, optional
        The form of the numbers.
    trusted : Trust, optional
        Calibrates the digits; by default the bundled one.
    """
    found = sight.found
    there, right = (trusted or trust.bundled()).of(trust.features(sight))
    digit = found.labels < 10
    kept = np.flatnonzero(digit & (there >= THERE))
    doubtful = np.flatnonzero(digit & (there < THERE) & (there >= DOUBT))
    lines = [[kept[piece] for piece in line] for line in lines_of(found.boxes[kept])]
    pieces = [piece for line in lines for piece in line]
    written = np.array([k for piece in pieces for k in _signs(found, piece)], np.int64)
    inks = others_of(sight, kept, np.concatenate([written, doubtful]))
    strokes = np.array([box for kind, box in inks if kind == "digit?"], np.float32).reshape(-1, 4)
    place = _Original(sight, unit, origin)
    numbers_of = _Numbers(found, there, right, doubtful, strokes, place, least, sight.standing)
    made = [numbers_of.line(line, known) for line in lines]
    numbers = tuple(number for line in made for number in line)
    rows = tuple(Line.of([number.digits for number in line]) for line in made)
    perhaps = dict(each for piece in pieces for each in _perhaps(found, piece))
    perhaps |= {k: float(there[k]) for k in doubtful.tolist()}
    left = [Other("digit?", place.box(found.boxes[k]), round(chance, 4)) for k, chance in perhaps.items()]
    return Page(path, rows, sight.turn, numbers, (*left, *(Other(kind, place.box(box)) for kind, box in inks)))


class _Original:
    """Maps from the upright image that was searched to the original image."""

    def __init__(self, sight: Sight, unit: float, origin: tuple[int, int]) -> None:
        self.size, self.turn, self.unit, self.sight = (sight.shape[1], sight.shape[0]), sight.turn, unit, sight
        self.origin = origin

    def image(self, edges: Float32) -> UInt8:
        """The digit as the finder saw it, uint8 (28, 28)."""
        left, top, right, bottom = np.rint(edges * self.sight.scale).astype(int).tolist()
        part = self.sight.seen[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        return fit_into(part, (SIDE, SIDE)) if part.size else np.zeros((SIDE, SIDE), np.uint8)

    def box(self, edges: Float32 | Sequence[float]) -> Box:
        """Left, top, right and bottom in whole pixels."""
        # Turn on counter-clockwise until the original orientation.
        left, top, right, bottom = turned([float(edge) for edge in edges], -self.turn, self.size)
        width, height = self.size if self.turn % 2 == 0 else self.size[::-1]
        left, right = _within(left, right, width, self.unit)
        top, bottom = _within(top, bottom, height, self.unit)
        x, y = self.origin
        return int(left) + x, int(top) + y, int(right) + x, int(bottom) + y


def _within(begin: float, end: float, side: float, unit: float) -> tuple[int, int]:
    """Both ends in whole pixels of the original image, at least one apart and in it."""
    most = round(side * unit)
    first = min(max(round(begin * unit), 0), most - 1)
    return first, min(max(round(end * unit), first + 1), most)


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Makes numbers from the objects found.

    Parameters
    ----------
    found : Objects
    there, right : ndarray of float64, shape (n,)
        The probability that each is a digit, and that its most probable class is right.
    doubtful : ndarray of int64
        Objects that were rejected, but may be digits.
    strokes : ndarray of float32, shape (k, 4)
        Boxes of ink that the finder did not detect, but that may be digits.
    place : _Original
    least : float
        Confidence from which a number is read.
    standing : float
        The probability that the image is upright.
    """

    found: Objects
    there: Float64
    right: Float64
    doubtful: Int64
    strokes: Float32
    place: _Original
    least: float
    standing: float

    def line(self, pieces: Sequence[Int64], known: Known | None) -> list[Number]:
        """The numbers of a line; neighbours that do not match what is known are also tried as one number."""
        if known is None:
            return [self._number(piece) for piece in pieces]
        fitting = [self._fitting(piece, known) for piece in pieces]
        made: list[Number] = []
        for fits, run in itertools.groupby(range(len(pieces)), lambda k: _is_likely(fitting[k])):
            places = list(run)
            joined = None if fits else self._fitting(np.concatenate([pieces[k] for k in places]), known)
            if joined is not None and len(places) > 1 and _is_likely(joined):
                made.append(joined)
            else:
                made += [fitting[k] or self._number(pieces[k], math.inf) for k in places]
        return made

    def _number(self, piece: Int64, least: float | None = None) -> Number:
        """A number of the most probable digits."""
        each = (self.there * self.right)[piece]
        missed = np.concatenate([self.there[self.doubtful], np.full(len(self.strokes), PASSED)])
        beside = _beside(self.found.boxes[piece], np.concatenate([self.found.boxes[self.doubtful], self.strokes]))
        confidence = self.standing * float(np.prod(each)) * float(np.prod(1 - missed[beside]))
        confidence *= math.prod(1 - chance for _, chance in _perhaps(self.found, piece))
        signs = [(k, SIGNS[self.found.labels[k]]) for k in _signs(self.found, piece)]
        digits = [(k, SIGNS[self.found.labels[k]]) for k in piece.tolist()]
        return self._made(digits, signs, each, confidence, self.least if least is None else least)

    def _fitting(self, piece: Int64, known: Known) -> Number | None:
        """The most probable number that matches what is known, where digits may be left out or added."""
        boxes = self.found.boxes
        objects = [(k, self._digit(k)) for k in piece.tolist()]
        objects += [(k, self._digit(k)) for k in self.doubtful[_beside(boxes[piece], boxes[self.doubtful])].tolist()]
        objects += [(k, self._sign(k)) for k in _signs(self.found, piece)]
        passed = self.strokes[_beside(boxes[piece], self.strokes)]
        middles = [float(boxes[k, 0] + boxes[k, 2]) for k, _ in objects] + (passed[:, 0] + passed[:, 2]).tolist()
        objects += [(-1, [("", 1 - PASSED), (UNSURE, PASSED)])] * len(passed)
        objects = [objects[k] for k in np.argsort(middles, kind="stable")]
        best = known.best([outcomes for _, outcomes in objects])
        if best is None:
            return None
        chosen = [(k, sign, dict(outcomes)[sign]) for (k, outcomes), sign in zip(objects, best[0], strict=True) if sign]
        digits = [(k, sign, chance) for k, sign, chance in chosen if sign in SIGNS[:10]]
        signs = [(k, sign) for k, sign, _ in chosen if sign not in SIGNS[:10]]
        if not digits:
            return None
        each = np.maximum([chance for _, _, chance in digits], best[1])
        return self._made([(k, sign) for k, sign, _ in digits], signs, each, best[1] * self.standing, self.least)

    def _digit(self, k: int) -> list[tuple[str, float]]:
        """The possible classes of a detected digit, with their probabilities."""
        there, right, classes, label = self.there[k], self.right[k], self.found.classes[k], int(self.found.labels[k])
        others = (1 - right) * classes / max(1 - float(classes[label]), 1e-9)
        others[label] = right
        return [("", 1 - there)] + [(sign, there * share) for sign, share in zip(SIGNS, others, strict=True)]

    def _sign(self, k: int) -> list[tuple[str, float]]:
        """The possible classes of a detected sign, with their probabilities."""
        score, classes = float(self.found.scores[k]), self.found.classes[k]
        return [("", 1 - score), *zip(SIGNS, (score * classes / float(classes.sum())).tolist(), strict=True)]

    def _made(
        self,
        digits: Sequence[tuple[int, str]],
        signs: list[tuple[int, str]],
        each: Float64,
        confidence: float,
        least: float,
    ) -> Number:
        """Make a number of digits and signs, each given by its index among the objects and its text."""
        piece = np.array([k for k, _ in digits], np.int64)
        boxes = self.found.boxes[piece]
        status: Status = "read" if confidence >= least else "unsure"
        each = each * self.standing
        clear = np.full(len(piece), True) if status == "read" else (each >= least) & (each > each.min())
        told = tuple(
            Digit(sign, float(p), "read" if certain else "unsure", self.place.box(box), self.place.image(box))
            for (_, sign), p, certain, box in zip(digits, each, clear, boxes, strict=True)
        )
        marks = [(k, digit.text) for (k, _), digit in zip(digits, told, strict=True)] + signs
        marks.sort(key=lambda mark: float(self.found.boxes[mark[0], 0] + self.found.boxes[mark[0], 2]))
        written, text = ("".join(sign for _, sign in some) for some in (marks, [(0, digit.text) for digit in told]))
        box = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        return Number(text, written, confidence, status, self.place.box(box), told)


def _signs(found: Objects, piece: Int64) -> list[int]:
    """The signs within a number and directly behind it."""
    boxes, height = found.boxes[piece], _tall(found, piece)
    signs = np.flatnonzero((found.labels >= 10) & (found.scores >= SIGN))
    x, y = found.middles[signs].T
    low, high = boxes[:, 1].min() - 0.2 * height, boxes[:, 3].max() + 0.3 * height
    near = (y > low) & (y < high) & (x > boxes[0, 0]) & (x < boxes[-1, 2] + 0.8 * height)
    return [int(k) for k in signs[near]]


def _perhaps(found: Objects, piece: Int64) -> list[tuple[int, float]]:
    """The signs of a number that may be digits, as a slash may be a slanted 1, with their probabilities."""
    tall = found.tall >= STROKE[0] * _tall(found, piece)
    chances = [(k, float(found.classes[k, :10].sum())) for k in _signs(found, piece) if tall[k]]
    return [(k, chance) for k, chance in chances if chance >= DOUBT]


def _tall(found: Objects, piece: Int64) -> float:
    """The height of a number's digits, in pixels."""
    return float(np.median(found.tall[piece]))


def _is_likely(number: Number | None) -> bool:
    return number is not None and number.confidence >= LIKELY


def _beside(number: Float32, boxes: Float32) -> Mask:
    """Which boxes (k, 4) are in the line of a number: within it or close to its ends, bool (k,)."""
    height = float(np.median(number[:, 3] - number[:, 1]))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (middles[:, 0] > number[:, 0].min() - height) & (middles[:, 0] < number[:, 2].max() + height)
    rows = (number[:, 1] + number[:, 3]) / 2
    nearest = np.abs(middles[:, :1] - (number[:, 0] + number[:, 2]) / 2).argmin(axis=1) if len(boxes) else []
    return np.asarray(inside & (np.abs(middles[:, 1] - rows[nearest]) < 0.6 * height))


def others_of(sight: Sight, digits: Int64, signs: Int64) -> list[tuple[Kind, Float32]]:
    """Find ink of a digit's size or more that is neither a digit nor a sign.

    Parameters
    ----------
    sight : Sight
    digits, signs : ndarray of int64
        Indices of the objects found.

    Returns
    -------
    list of (str, ndarray of float32, shape (4,))
        "digit?", "rule", "border" or "mark", and its box in the pixels of the upright image.
    """
    from scipy.ndimage import find_objects, label

    boxes = sight.found.boxes * np.float32(sight.scale)
    mask = ink_of(sight.seen, boxes[digits])
    taken = np.zeros(mask.shape, bool)
    for left, top, right, bottom in _grown(boxes[np.concatenate([digits, signs])]):
        taken[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    usual = min(TALL, min(mask.shape) / 2)  # without digits
    height = float(np.median(boxes[digits, 3] - boxes[digits, 1])) if len(digits) else usual
    pieces, _ = label(mask, np.ones((3, 3)))
    found: list[tuple[float, Kind, Float32]] = []
    for number, place in enumerate(find_objects(pieces), 1):
        tall, wide = (part.stop - part.start for part in place)
        if max(tall, wide) < SMALL * height:
            continue
        own = pieces[place] == number
        if taken[place][own].mean() >= COVERED:
            continue
        edges = np.array([place[1].start, place[0].start, place[1].stop, place[0].stop], np.float32)
        # A vertical stroke may be a 1; without digits for the size, it must be as thick as a pen's.
        sized = STROKE[0] < tall / height < STROKE[1] if len(digits) else own.sum() > tall * tall / HAIR
        kind = "digit?" if sized and tall > 2 * wide else _kind(edges, own, mask.shape)
        found.append((float(tall * wide), kind, edges / np.float32(sight.scale)))
    found.sort(key=lambda each: -each[0])
    return [(kind, edges) for _, kind, edges in found[:MOST]]


def ink_of(seen: UInt8, digits: Float32) -> Mask:
    """Which pixels are ink, bool (h, w), by the contrast of the digits in boxes (n, 4) to the paper."""
    from scipy.ndimage import uniform_filter

    values = seen.astype(np.float32)
    paper = uniform_filter(values, WINDOW, mode="nearest")
    away = values - paper
    inside = np.zeros(seen.shape, bool)
    for left, top, right, bottom in np.rint(digits).astype(int).tolist():
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    if inside.any():
        low, high = np.percentile(away[inside], (8, 92))
        light, strength = high > -low, max(-low, high)
    else:
        low, high = np.percentile(away, (0.5, 99.5))
        light, strength = high > -low, max(-low, high)
    least = max(STRENGTH * float(strength), FAINT)
    return np.asarray(away > least if light else away < -least)


def _grown(boxes: Float32) -> list[list[int]]:
    """Boxes with a tenth of their height around them, in whole pixels."""
    rim = 0.1 * (boxes[:, 3:] - boxes[:, 1:2]) + 1
    edges = np.concatenate([boxes[:, :2] - rim, boxes[:, 2:] + rim], axis=1)
    return [[int(edge) for edge in box] for box in np.rint(edges).tolist()]


def _kind(edges: Float32, own: Mask, shape: tuple[int, ...]) -> Kind:
    """The kind of a piece of ink by its shape and place."""
    tall, wide = own.shape
    thick = own.sum() / max(tall, wide)
    if max(tall, wide) > LONG * max(min(tall, wide), thick) or own.mean() < 0.08:
        return "rule"
    left, top, right, bottom = edges
    return "border" if left <= 1 or top <= 1 or right >= shape[1] - 1 or bottom >= shape[0] - 1 else "mark"


def is_more(other: Other) -> bool:
    """Whether this ink beside a digit makes the image a page; lines, and ink cut by the border, do not."""
    return other.kind == "mark" or (other.kind == "digit?" and (other.confidence or 1.0) >= PERHAPS)
