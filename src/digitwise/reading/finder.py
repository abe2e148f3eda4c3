"""Finding every digit of an image: which size they have, which way up they stand, then a look at that size."""

from __future__ import annotations

import functools
import importlib.resources
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitwise.fitting import grey as luma
from digitwise.images import Float32, Mask, UInt8
from digitwise.maps import MULTIPLE, TURNS, padded_with
from digitwise.reading.model import session_of
from digitwise.reading.objects import Objects, decoded, joined, separate

# Roots of the pixels of the images in which sizes are looked for: digits from 11 to 110 pixels high are known, so each
# look shows what the one before shows too small.
LOOKS = 64, 160, 400, 1_000
ENLARGED = 160  # an image with a smaller root is looked at twice as large, too
NEAR = 1.25  # times as large: a look that is no larger than that shows nothing new
SEEN = 0.35  # score from which a digit has a say about size and turn
FEWER = 0.25  # share of the votes' evidence that counts, since digits of one page are of one hand
UPRIGHT = 1.0  # logarithm of how much likelier an image stands upright than in any one other way
SMALLER = 0.45  # usual heights: digits that are lower, or as much higher, are hardly known in a look at the usual size
ENOUGH = 0.25  # evidence of digits of quite another size from which they get a look of their own: one as likely as not
BUNDLED = "finder.onnx"
TALL = 36.0  # pixels to which digits are brought; the scenes it was trained on have them at that height most often
RIM = 24  # pixels of paper laid around, since a digit's surroundings tell what it is
MOST = 3_000_000  # pixels at most of the image that is looked at
LEAST = 0.15  # score from which something is kept


@dataclass(frozen=True, eq=False)
class Look:
    """A look at a whole image.

    Parameters
    ----------
    found : Objects
        In the pixels of the image at its full size; objects that overlap are all in it.
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
        """The digits that have a say about size and turn."""
        found = separate(self.found)
        return found.of((found.scores > SEEN) & (found.labels < 10))


def scales(pixels: int) -> list[float]:
    """The scale of each look at an image of so many pixels."""
    root = math.sqrt(pixels)
    chosen = [2.0] if root < ENLARGED else []
    for look in LOOKS:
        scale = min(1.0, look / root)
        if not chosen or is_news(scale, chosen[-1]):
            chosen.append(scale)
    return chosen


def is_news(scale: float, other: float) -> bool:
    """Whether a look at one scale shows what one at another does not."""
    return max(scale, other) > NEAR * min(scale, other)


def surest(looks: Sequence[Look]) -> Objects:
    """What has a say about size and turn: the sure digits of the look with most evidence."""
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
    """The quarters counter-clockwise that most digits of all looks ask for, and how probable it is that they are right.

    An image is taken to stand upright unless there is good reason; then nothing else is said to be possible.
    """
    sure = joined([look.sure for look in looks])
    if not len(sure):
        return 0, 1.0
    votes = FEWER * (np.log(sure.turns + 1e-3) * sure.scores[:, None]).sum(axis=0)
    votes[0] += UPRIGHT
    best = int(votes.argmax())
    return best, 1.0 if best == 0 else float(1 / np.exp(votes - votes[best]).sum())


def other_height(looks: Sequence[Look], *, usual: float, smaller: bool) -> float | None:
    """The height of digits much smaller than the usual one, or much larger, in pixels; None where no look shows any."""
    told = surest(looks)
    hints = separate(joined([unlike(look.sure, told, usual, smaller=smaller) for look in looks]))
    return height_of(hints) if _evidence(hints) > ENOUGH else None


def unlike(found: Objects, told: Objects, usual: float, *, smaller: bool) -> Objects:
    """The digits much smaller than the usual height in pixels, or much larger.

    Left out is what lies in a much larger digit of those ``told``, as its loops do, and what lies around a smaller one.
    """
    chosen = found.of(_is_unlike(found, usual, smaller=smaller))
    tall, theirs = chosen.tall[:, None], told.tall
    nested = (tall < SMALLER * theirs) & _inside(chosen.boxes, told.boxes)
    nested |= (SMALLER * tall > theirs) & _inside(told.boxes, chosen.boxes).T
    return chosen.of(np.asarray(~nested.any(axis=1)))


def with_others(found: Objects, closer: Objects, usual: float, *, smaller: bool) -> Objects:
    """What was found, with the digits of quite another size that a look at theirs shows, and the signs beside them."""
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
    """Whether the middle of each of the boxes (n, 4) lies in each of the others (k, 4): bool (n, k)."""
    x, y = (boxes[:, None, :2] + boxes[:, None, 2:]).transpose(2, 0, 1) / 2
    left, top, right, bottom = others.T
    return np.asarray((x > left) & (x < right) & (y > top) & (y < bottom))


def _evidence(sure: Objects) -> float:
    return float(np.square(sure.scores).sum())


@dataclass(frozen=True, eq=False)
class Sight:
    """What was found in an image.

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
        How probable it is that the turn is right; 1 where the image stands as it is, or the turn was given.
    looks : tuple of Look
        At the upright image, in which its digits' size was looked for.
    """

    found: Objects
    turn: int
    shape: tuple[int, ...]
    scale: float
    seen: UInt8
    standing: float = 1.0
    looks: tuple[Look, ...] = ()


class Finder:
    """Marks the digits of an image. Safe to use from any number of threads.

    Parameters
    ----------
    threads : int
        For one look.
    """

    def __init__(self, threads: int = 1) -> None:
        content = (importlib.resources.files("digitwise.reading") / BUNDLED).read_bytes()
        self._session = session_of(content, "the bundled finder", threads=threads)

    def find(self, image: UInt8, *, turn: int | None = None) -> Sight:
        """Find the digits and signs of an image.

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w) or (h, w, 3)
            Of any size, ink of any shade on paper of another.
        turn : int, optional
            Quarters counter-clockwise that bring it upright; found where it is not given.
        """
        grey = grey_of(image)
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

    def turn(self, image: UInt8) -> int:
        """The quarters counter-clockwise that bring an image, as :meth:`find` takes it, upright."""
        return turn_of(self._looks(grey_of(image)))[0]

    def _looks(self, grey: UInt8) -> tuple[Look, ...]:
        """Looks at an image in several sizes, to know that of its digits."""
        return tuple(self._look_at(grey, scale) for scale in scales(grey.size))

    def _digits(self, upright: UInt8, height: float, looks: tuple[Look, ...]) -> tuple[Objects, float, UInt8]:
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
    """An image, uint8 (h, w) or (h, w, 3), as the finder takes it: the channel in which ink stands out most.

    Grey is what a luminance makes of it, but coloured ink on coloured paper may be as bright as the paper: then the
    channel with the widest spread is taken.
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
