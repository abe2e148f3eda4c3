"""Finding every digit of an image: which size they have, which way up they stand, then a look at that size."""

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
from digitwise.reading.looks import (
    LOOKS,
    Look,
    height_of,
    is_news,
    other_height,
    scales,
    surest,
    turn_of,
    with_others,
)
from digitwise.reading.session import session_of

BUNDLED = "finder.onnx"
TALL = 36.0  # pixels to which digits are brought; the scenes it was trained on have them at that height most often
RIM = 24  # pixels of paper laid around, since a digit's surroundings tell what it is
MOST = 3_000_000  # pixels at most of the picture that is looked at
LEAST = 0.15  # score from which something is kept


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
        The size looked at, over the full size.
    seen : ndarray of uint8, shape (h, w)
        The picture that was looked at, without its rim.
    standing : float
        How probable it is that the turn is right; 1 where the picture stands as it is, or the turn was given.
    looks : tuple of Look
        At the upright image, in which its digits' size was looked for.
    """

    found: Found
    turn: int
    shape: tuple[int, ...]
    scale: float
    seen: UInt8
    standing: float = 1.0
    looks: tuple[Look, ...] = ()


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
        looks = self._looks(grey) if turn is None else ()
        quarters, standing = turn_of(looks) if turn is None else (turn % TURNS, 1.0)
        upright = np.ascontiguousarray(np.rot90(grey, quarters)) if quarters else grey
        if quarters or not looks:  # what was said of turned digits is no help
            looks = self._looks(upright)
        usual = height_of(surest(looks))
        if usual is None:
            scale = min(1.0, LOOKS[-1] / math.sqrt(grey.size))
            return Sight(surest(looks), quarters, upright.shape, scale, at_scale(upright, scale), standing, looks)
        found, scale, seen = self._digits(upright, usual, looks)
        for smaller in (True, False):
            height = other_height(looks, usual=usual, smaller=smaller)
            if height is not None and is_news(_scale(upright, height), scale):
                closer, its_scale, its_image = self._digits(upright, height, looks)
                found = with_others(found, closer, usual, smaller=smaller)
                scale, seen = (its_scale, its_image) if smaller else (scale, seen)
        return Sight(found, quarters, upright.shape, scale, seen, standing, looks)

    def turn(self, grey: UInt8) -> int:
        """The quarters counter-clockwise that bring an image, uint8 (h, w), upright."""
        return turn_of(self._looks(grey))[0]

    def _looks(self, grey: UInt8) -> tuple[Look, ...]:
        """Looks at an image in several sizes, to know that of its digits."""
        return tuple(self._look_at(grey, scale) for scale in scales(grey.size))

    def _digits(self, upright: UInt8, height: float, looks: tuple[Look, ...]) -> tuple[Found, float, UInt8]:
        """What is found of digits of a height in pixels, the scale looked at, and the image at that scale."""
        scale = _scale(upright, height)
        look = min(looks, key=lambda look: abs(math.log(look.scale / scale)))
        if is_news(look.scale, scale):
            look = self._look_at(upright, scale)
        return separate(look.found), look.scale, look.seen

    def _look_at(self, grey: UInt8, scale: float) -> Look:
        """One look at an image (h, w) brought to another size."""
        seen = at_scale(grey, scale)
        height, width = seen.shape
        rows, columns = (-(-(side + 2 * RIM) // MULTIPLE) * MULTIPLE for side in seen.shape)
        framed = np.full((rows, columns), padded_with(seen), np.uint8)
        framed[RIM : RIM + height, RIM : RIM + width] = seen
        maps: Float32 = self._session.run(None, {"pictures": framed[None]})[0][0]
        found = decoded(maps, least=LEAST)
        shrink = np.array([width / grey.shape[1], height / grey.shape[0]] * 2, np.float32)
        return Look(found.placed((found.boxes - RIM) / shrink), scale, seen)


@functools.cache
def bundled(threads: int = 1) -> Finder:
    """The finder in the package, loaded once."""
    return Finder(threads)


def _scale(upright: UInt8, height: float) -> float:
    """The scale that brings digits of a height in pixels to :data:`TALL`, or as near as the image allows."""
    return min(TALL / height, math.sqrt(MOST / upright.size))


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
