"""Find every digit of an image: estimate their size and orientation first, then look at that size."""

from __future__ import annotations

import functools
import importlib.resources
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitwise.decoding.opening import refuse_long
from digitwise.fitting import grey as luma
from digitwise.images import Float32, Mask, UInt8
from digitwise.maps import MULTIPLE, TURNS, padded_with
from digitwise.reading.objects import Objects, decoded, joined, separate
from digitwise.reading.sessions import session_of

# Roots of the pixels of the images in which sizes are looked for: digits from 11 to 110 pixels high are known, so each
# look shows what the one before shows too small.
LOOKS = 64, 160, 400, 1_000
ENLARGED = 160  # an image with a smaller root is looked at twice as large, too
NEAR = 1.25  # times as large: a look that is no larger than that shows nothing new
SEEN = 0.35  # score from which a digit counts for size and orientation
FEWER = 0.25  # weight of the votes, since the digits of one page, by one writer, are not independent
UPRIGHT = 1.0  # logarithm of the prior odds that an image is upright rather than in one other orientation
SMALLER = 0.45  # usual heights: digits smaller than this, or larger by as much, are rarely found at the usual scale
ENOUGH = 0.25  # evidence of digits of another size that is worth a look at that size: one digit as likely as not
BUNDLED = "finder.onnx"
TALL = 36.0  # pixels: height to which digits are scaled, the most frequent one in the training scenes
RIM = 24  # pixels of paper added around the image, since the network uses a digit's surroundings
MOST = 3_000_000  # pixels at most of the image that is looked at
LEAST = 0.15  # score from which something is kept


@dataclass(frozen=True, eq=False)
class Look:
    """What the network finds in a whole image at one scale.

    Parameters
    ----------
    found : Objects
        In pixels of the image at full size; overlapping objects are not removed yet.
    scale : float
        The size looked at, over the full size.
    seen : ndarray of uint8, shape (h, w)
        The image at that size.
    """

    found: Objects
    scale: float
    seen: UInt8

    @functools.cached_property
    def sure(self) -> Objects:
        """The digits that count for size and orientation."""
        found = separate(self.found)
        return found.of((found.scores > SEEN) & (found.labels < 10))


def scales(pixels: int) -> list[float]:
    """The scales of the looks at an image with a number of pixels."""
    root = math.sqrt(pixels)
    chosen = [2.0] if root < ENLARGED else []
    for look in LOOKS:
        scale = min(1.0, look / root)
        if not chosen or is_news(scale, chosen[-1]):
            chosen.append(scale)
    return chosen


def is_news(scale: float, other: float) -> bool:
    """Whether two scales differ enough that a second look finds other digits."""
    return max(scale, other) > NEAR * min(scale, other)


def surest(looks: Sequence[Look]) -> Objects:
    """The sure digits of the look with the most evidence."""
    return max((look.sure for look in looks), key=_evidence)


def height_of(sure: Objects) -> float | None:
    """The usual height of digits, in pixels; None where there are none."""
    if not len(sure):
        return None
    tall = sure.tall
    order = np.argsort(tall)
    weight = np.cumsum(sure.scores[order] ** 2)
    return float(max(tall[order][np.searchsorted(weight, weight[-1] / 2)], 2.0))


def turn_of(looks: Sequence[Look]) -> tuple[int, float]:
    """The orientation in quarters counter-clockwise, by the votes of the digits of all looks, and its probability.

    Upright is preferred; then its probability is taken to be 1.
    """
    sure = joined([look.sure for look in looks])
    if not len(sure):
        return 0, 1.0
    votes = FEWER * (np.log(sure.turns + 1e-3) * sure.scores[:, None]).sum(axis=0)
    votes[0] += UPRIGHT
    best = int(votes.argmax())
    return best, 1.0 if best == 0 else float(1 / np.exp(votes - votes[best]).sum())


def other_height(looks: Sequence[Look], *, usual: float, smaller: bool) -> float | None:
    """The height in pixels of digits that are much smaller or much larger than usual; None without evidence for any."""
    told = surest(looks)
    hints = separate(joined([unlike(look.sure, told, usual, smaller=smaller) for look in looks]))
    return height_of(hints) if _evidence(hints) > ENOUGH else None


def unlike(found: Objects, told: Objects, usual: float, *, smaller: bool) -> Objects:
    """The digits that are much smaller or much larger than the usual height in pixels.

    Those inside a much larger digit of ``told``, such as its loops, or around a much smaller one are left out.
    """
    chosen = found.of(_is_unlike(found, usual, smaller=smaller))
    tall, theirs = chosen.tall[:, None], told.tall
    nested = (tall < SMALLER * theirs) & _inside(chosen.boxes, told.boxes)
    nested |= (SMALLER * tall > theirs) & _inside(told.boxes, chosen.boxes).T
    return chosen.of(np.asarray(~nested.any(axis=1)))


def with_others(found: Objects, closer: Objects, usual: float, *, smaller: bool) -> Objects:
    """Add digits of another size, found by a closer look, and the signs beside them."""
    told = found.of((found.scores > SEEN) & (found.labels < 10))
    digits = unlike(closer, told, usual, smaller=smaller)
    signs = closer.of(closer.labels >= 10)
    rim = digits.tall[:, None] * np.array([-1, 0, 1, 0], np.float32)  # a sign stands within a height of its digit
    beside = _inside(signs.boxes, digits.boxes + rim).any(axis=1)
    again = _is_unlike(found, usual, smaller=smaller) & _inside(found.boxes, digits.boxes).any(axis=1)
    return separate(joined([found.of(np.asarray(~again)), digits, signs.of(np.asarray(beside))]))


def _is_unlike(found: Objects, usual: float, *, smaller: bool) -> Mask:
    tall = found.tall
    return np.asarray((found.labels < 10) & (tall < SMALLER * usual if smaller else SMALLER * tall > usual))


def _inside(boxes: Float32, others: Float32) -> Mask:
    """Whether the centre of each box (n, 4) lies in each of the others (k, 4), bool (n, k)."""
    x, y = (boxes[:, None, :2] + boxes[:, None, 2:]).transpose(2, 0, 1) / 2
    left, top, right, bottom = others.T
    return np.asarray((x > left) & (x < right) & (y > top) & (y < bottom))


def _evidence(sure: Objects) -> float:
    return float(np.square(sure.scores).sum())


@dataclass(frozen=True, eq=False)
class Sight:
    """All objects found in an image.

    Parameters
    ----------
    found : Objects
        In the pixels of the upright image at its full size; signs among them.
    turn : int
        Quarters counter-clockwise that bring the image upright.
    shape : (int, int)
        Height and width of the upright image.
    scale : float
        The size looked at, over the full size.
    seen : ndarray of uint8, shape (h, w)
        The image that was looked at, without its rim.
    standing : float
        The probability that the turn is right; 1 for an upright image, or if the turn was given.
    looks : tuple of Look
        Looks at the upright image by which the size of its digits was estimated.
    """

    found: Objects
    turn: int
    shape: tuple[int, ...]
    scale: float
    seen: UInt8
    standing: float = 1.0
    looks: tuple[Look, ...] = ()


class Finder:
    """Finds the digits of an image. Thread-safe.

    Parameters
    ----------
    threads : int
        For one look.
    content : bytes, optional
        An ONNX model of ``digitwise.exporting.finder``, by default the bundled one.
    """

    def __init__(self, threads: int = 1, content: bytes | None = None) -> None:
        content = content or (importlib.resources.files("digitwise.reading") / BUNDLED).read_bytes()
        self._session = session_of(content, "the bundled finder", threads=threads, bundled=True)

    def find(self, image: UInt8, *, turn: int | None = None) -> Sight:
        """Find the digits and signs of an image.

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w) or (h, w, 3)
            Of any size, ink of any shade on paper of another.
        turn : int, optional
            Quarters counter-clockwise that bring it upright; found where it is not given.

        Raises
        ------
        DataError
            If it is far too long for its width, see :data:`digitwise.decoding.opening.MOST_TIMES_AS_LONG`.
        """
        grey = grey_of(image)
        looks = self._looks(grey) if turn is None else ()
        quarters, standing = turn_of(looks) if turn is None else (turn % TURNS, 1.0)
        upright = np.ascontiguousarray(np.rot90(grey, quarters)) if quarters else grey
        if quarters or not looks:  # looks at turned digits do not help
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

    def turn(self, image: UInt8) -> int:
        """The quarters counter-clockwise that bring an image, as :meth:`find` takes it, upright."""
        return turn_of(self._looks(grey_of(image)))[0]

    def _looks(self, grey: UInt8) -> tuple[Look, ...]:
        """Look at an image at several scales, to estimate the size of its digits."""
        refuse_long(grey.shape[1], grey.shape[0], "the image")
        return tuple(self._look_at(grey, scale) for scale in scales(grey.size))

    def _digits(self, upright: UInt8, height: float, looks: tuple[Look, ...]) -> tuple[Objects, float, UInt8]:
        """Objects found at the scale for digits of a height in pixels, that scale, and the image at it."""
        scale = _scale(upright, height)
        look = min(looks, key=lambda look: abs(math.log(look.scale / scale)))
        if is_news(look.scale, scale):
            look = self._look_at(upright, scale)
        return separate(look.found), look.scale, look.seen

    def _look_at(self, grey: UInt8, scale: float) -> Look:
        """Run the network on an image (h, w) at a scale."""
        seen = at_scale(grey, scale)
        height, width = seen.shape
        rows, columns = (-(-(side + 2 * RIM) // MULTIPLE) * MULTIPLE for side in seen.shape)
        framed = np.full((rows, columns), padded_with(seen), np.uint8)
        framed[RIM : RIM + height, RIM : RIM + width] = seen
        maps: Float32 = self._session.run(None, {self._session.get_inputs()[0].name: framed[None]})[0][0]
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
    """An image (h, w) at ``scale`` times its size."""
    shape = max(4, round(grey.shape[0] * scale)), max(4, round(grey.shape[1] * scale))
    return grey if shape == grey.shape else resized(grey, shape)


def resized(grey: UInt8, shape: tuple[int, int]) -> UInt8:
    """An image (h, w) in another size, smoothed where it gets smaller."""
    image = Image.fromarray(grey)
    step = int(min(grey.shape[0] / shape[0], grey.shape[1] / shape[1]) / 2)
    if step > 1:
        image = image.reduce(step)
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def grey_of(image: UInt8) -> UInt8:
    """An image, uint8 (h, w) or (h, w, 3), as one channel, uint8 (h, w): the one with the most contrast.

    That is the luminance, unless one colour channel has much more contrast: coloured ink on coloured paper may be as
    bright as the paper.
    """
    if image.ndim == 2:
        return image
    luminance = luma(image)
    step = max(1, int(np.sqrt(luminance.size / 50_000)))
    small = image[::step, ::step].reshape(-1, 3)
    spans = np.subtract(*np.percentile(small, (99, 1), axis=0))
    own = np.subtract(*np.percentile(luminance[::step, ::step], (99, 1)))
    best = int(spans.argmax())
    return np.ascontiguousarray(image[..., best]) if spans[best] > 2 * own + 10 else luminance
