"""Finding every digit of a picture: which size they have, which way up they stand, then one look at that size."""

from __future__ import annotations

import functools
import importlib.resources
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitwise.images import Float32, Mask, UInt8
from digitwise.maps import MULTIPLE, TURNS, padded_with
from digitwise.reading.finding import Found, decoded, joined, separate
from digitwise.reading.session import session_of

BUNDLED = "finder.onnx"
TALL = 36.0  # pixels to which digits are brought; the scenes it was trained on have them at that height most often
# Roots of the pixels of the images in which sizes are looked for: digits from 11 to 110 pixels high are known, so each
# look shows what the one before shows too small.
LOOKS = 64, 160, 400, 1_000
ENLARGED = 160  # an image with a smaller root is looked at twice as large, too
NEAR = 1.25  # times as large: a look that is no larger than that shows nothing new
RIM = 24  # pixels of paper laid around, since a digit's surroundings tell what it is
MOST = 3_000_000  # pixels at most of the picture that is looked at
LEAST = 0.15  # score from which something is kept
SEEN = 0.35  # score from which a digit has a say about size and turn
SMALLER = 0.45  # heights of a typical digit: those smaller, and those as much larger, are hardly known at its size
UPRIGHT = 1.0  # logarithm of how much likelier an image stands upright than in another way
ENOUGH = 0.25  # evidence of digits of quite another size from which they get a look of their own: one as likely as not
FEWER = 0.25  # share of the votes' evidence that counts, since digits of one page are of one hand


@dataclass(frozen=True, eq=False)
class Sight:
    """What was found in a picture.

    Parameters
    ----------
    found : Found
        In the pixels of the upright picture at its full size; signs among them.
    turn : int
        Quarters counter-clockwise that bring the picture upright.
    shape : (int, int)
        Height and width of the upright picture.
    scale : float
        By how much it was enlarged to be looked at.
    seen : ndarray of uint8, shape (h, w)
        The picture that was looked at, without its rim.
    standing : float
        How probable it is that the turn is right; 1 where the picture stands as it is, or the turn was given.
    """

    found: Found
    turn: int
    shape: tuple[int, ...]
    scale: float
    seen: UInt8
    standing: float = 1.0


class Finder:
    """Marks the digits of a picture. Safe to use from any number of threads.

    Parameters
    ----------
    threads : int
        For one look.
    """

    def __init__(self, threads: int = 1) -> None:
        content = (importlib.resources.files("digitwise.reading") / BUNDLED).read_bytes()
        self._session = session_of(content, "the bundled finder", threads=threads)

    def find(self, grey: UInt8, *, turn: int | None = None) -> Sight:
        """Find the digits and signs of a picture.

        Parameters
        ----------
        grey : ndarray of uint8, shape (h, w)
            Of any size, ink of any shade on paper of another.
        turn : int, optional
            Quarters counter-clockwise that bring it upright; found where it is not given.
        """
        looks = self._looks(grey)
        first = max(looks, key=_evidence)
        quarters, standing = _turn_of(first) if turn is None else (turn % TURNS, 1.0)
        upright = np.ascontiguousarray(np.rot90(grey, quarters)) if quarters else grey
        sideways = bool(quarters % 2)
        height = _height(first, sideways=sideways)
        if height is None:
            scale = min(1.0, LOOKS[-1] / math.sqrt(grey.size))
            return Sight(first.of(np.zeros(0, np.int64)), quarters, upright.shape, scale, at_scale(upright, scale))
        found, scale, seen = self._digits(upright, height)
        for smaller in (True, False):
            hints = joined([_unlike(look, first, height, smaller=smaller, sideways=sideways) for look in looks])
            other = _height(hints, sideways=sideways)
            if other is not None and _evidence(hints) > ENOUGH:
                more, by, nearer = self._digits(upright, other)
                more = _unlike(more, found.of(found.scores > SEEN), height, smaller=smaller)
                found = separate(joined([found, more]))
                scale, seen = (by, nearer) if by > scale else (scale, seen)
        return Sight(found, quarters, upright.shape, scale, seen, standing)

    def turn(self, grey: UInt8) -> int:
        """The quarters counter-clockwise that bring a picture, uint8 (h, w), upright."""
        return _turn_of(max(self._looks(grey), key=_evidence))[0]

    def _looks(self, grey: UInt8) -> list[Found]:
        """The digits that have a say about size and turn, as each look at a picture shows them."""
        return [_sure(self._look(grey, scale)) for scale in _scales(grey.size)]

    def _digits(self, upright: UInt8, height: float) -> tuple[Found, float, UInt8]:
        """One look at digits of a height, in pixels: what is found, by how much the picture was enlarged, and that."""
        scale = min(TALL / height, math.sqrt(MOST / upright.size))
        seen = at_scale(upright, scale)
        return separate(self._look_at(seen, upright.shape)), scale, seen

    def _look(self, grey: UInt8, scale: float) -> Found:
        """One look at a picture brought to ``scale`` times its size; boxes are in the picture's own pixels."""
        return self._look_at(at_scale(grey, scale), grey.shape)

    def _look_at(self, seen: UInt8, shape: tuple[int, ...]) -> Found:
        """One look at a picture of ``shape`` that was brought to another size."""
        height, width = seen.shape
        rows, columns = (-(-(side + 2 * RIM) // MULTIPLE) * MULTIPLE for side in seen.shape)
        framed = np.full((rows, columns), padded_with(seen), np.uint8)
        framed[RIM : RIM + height, RIM : RIM + width] = seen
        maps: Float32 = self._session.run(None, {"pictures": framed[None]})[0][0]
        found = decoded(maps, least=LEAST)
        shrink = np.array([width / shape[1], height / shape[0]] * 2, np.float32)
        return found.placed((found.boxes - RIM) / shrink)


@functools.cache
def bundled(threads: int = 1) -> Finder:
    """The finder in the package, loaded once."""
    return Finder(threads)


def at_scale(grey: UInt8, scale: float) -> UInt8:
    """A picture (h, w) at ``scale`` times its size."""
    shape = max(4, round(grey.shape[0] * scale)), max(4, round(grey.shape[1] * scale))
    return grey if shape == grey.shape else resized(grey, shape)


def resized(grey: UInt8, shape: tuple[int, int]) -> UInt8:
    """A picture (h, w) in another size, smoothed where it gets smaller."""
    image = Image.fromarray(grey)
    step = int(min(grey.shape[0] / shape[0], grey.shape[1] / shape[1]) / 2)
    if step > 1:
        image = image.reduce(step)
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _scales(pixels: int) -> list[float]:
    """How much an image of so many pixels is enlarged for each look."""
    root = math.sqrt(pixels)
    scales = [2.0] if root < ENLARGED else []
    for look in LOOKS:
        scale = min(1.0, look / root)
        if not scales or max(scale, scales[-1]) > NEAR * min(scale, scales[-1]):
            scales.append(scale)
    return scales


def _sure(found: Found) -> Found:
    """The digits that have a say about size and turn."""
    found = separate(found)
    return found.of((found.scores > SEEN) & (found.labels < 10))


def _unlike(found: Found, told: Found, height: float, *, smaller: bool, sideways: bool = False) -> Found:
    """The digits much smaller, or much larger, than a height in pixels; none in one that was told, nor around one."""
    tall = _tall(found, sideways=sideways)
    unlike = (found.labels < 10) & ((tall < SMALLER * height) if smaller else (tall > height / SMALLER))
    less = tall[:, None] < SMALLER * _tall(told, sideways=sideways)
    more = SMALLER * tall[:, None] > _tall(told, sideways=sideways)
    nested = (less & _inside(found.boxes, told.boxes)) | (more & _inside(told.boxes, found.boxes).T)
    return found.of(unlike & ~nested.any(axis=1))


def _inside(boxes: Float32, others: Float32) -> Mask:
    """Whether the middle of each of the boxes (n, 4) lies in each of the others (k, 4): bool (n, k)."""
    x, y = (boxes[:, None, :2] + boxes[:, None, 2:]).transpose(2, 0, 1) / 2
    left, top, right, bottom = others.T
    return np.asarray((x > left) & (x < right) & (y > top) & (y < bottom))


def _tall(found: Found, *, sideways: bool) -> Float32:
    """The height of each object in pixels, float32 (n,), once the image is upright."""
    return found.boxes[:, 2] - found.boxes[:, 0] if sideways else found.boxes[:, 3] - found.boxes[:, 1]


def _evidence(sure: Found) -> float:
    return float(np.square(sure.scores).sum())


def _height(sure: Found, *, sideways: bool) -> float | None:
    """The height of a typical digit, in pixels; None where there is none."""
    if not len(sure):
        return None
    tall = _tall(sure, sideways=sideways)
    order = np.argsort(tall)
    weight = np.cumsum(sure.scores[order] ** 2)
    return float(max(tall[order][np.searchsorted(weight, weight[-1] / 2)], 2.0))


def _turn_of(sure: Found) -> tuple[int, float]:
    """The quarters that most digits ask for, and how probable it is that they are right.

    An image is taken to stand upright unless there is good reason.
    """
    if not len(sure):
        return 0, 1.0
    votes = FEWER * (np.log(sure.turns + 1e-3) * sure.scores[:, None]).sum(axis=0)
    votes[0] += UPRIGHT
    best = int(votes.argmax())
    return best, 1.0 if best == 0 else float(1 / np.exp(votes - votes[best]).sum())
