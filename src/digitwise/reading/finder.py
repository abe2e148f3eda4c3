"""Finding every digit of a picture: which size they have, which way up they stand, then one look at that size."""

from __future__ import annotations

import functools
import importlib.resources
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitwise.images import Float32, UInt8
from digitwise.maps import MULTIPLE, TURNS, padded_with
from digitwise.reading.finding import Found, decoded, separate
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
    """

    found: Found
    turn: int
    shape: tuple[int, ...]
    scale: float
    seen: UInt8


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
        first = self._first(grey)
        quarters = _turn_of(first) if turn is None else turn % TURNS
        upright = np.ascontiguousarray(np.rot90(grey, quarters)) if quarters else grey
        height = _height(first, sideways=bool(quarters % 2))
        most = math.sqrt((LOOKS[-1] ** 2 if height is None else MOST) / grey.size)
        scale = min(1.0 if height is None else TALL / height, most)
        seen = at_scale(upright, scale)
        found = first.of(np.zeros(0, np.int64)) if height is None else separate(self._look_at(seen, upright.shape))
        return Sight(found, quarters, upright.shape, scale, seen)

    def turn(self, grey: UInt8) -> int:
        """The quarters counter-clockwise that bring a picture, uint8 (h, w), upright."""
        return _turn_of(self._first(grey))

    def _first(self, grey: UInt8) -> Found:
        """What has a say about size and turn: the surest digits of the look that shows most."""
        return max((_sure(self._look(grey, scale)) for scale in _scales(grey.size)), key=_evidence)

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


def _evidence(sure: Found) -> float:
    return float(np.square(sure.scores).sum())


def _height(sure: Found, *, sideways: bool) -> float | None:
    """The height of a typical digit, in pixels; None where there is none."""
    if not len(sure):
        return None
    sides = sure.boxes[:, 2:] - sure.boxes[:, :2]
    tall = sides[:, 0] if sideways else sides[:, 1]
    order = np.argsort(tall)
    weight = np.cumsum(sure.scores[order] ** 2)
    return float(max(tall[order][np.searchsorted(weight, weight[-1] / 2)], 2.0))


def _turn_of(sure: Found) -> int:
    """The quarters that most digits ask for; upright unless there is good reason."""
    if not len(sure):
        return 0
    votes = FEWER * (np.log(sure.turns + 1e-3) * sure.scores[:, None]).sum(axis=0)
    best = int(votes.argmax())
    return best if votes[best] - votes[0] > 1.0 else 0
