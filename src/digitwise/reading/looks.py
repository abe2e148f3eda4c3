"""Looks at a whole image in several sizes: what they say of the size of its digits, and which way up it stands."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.finding import Found, joined, separate

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


@dataclass(frozen=True, eq=False)
class Look:
    """A look at a whole image.

    Parameters
    ----------
    found : Found
        In the pixels of the image at its full size; objects that overlap are all in it.
    scale : float
        The size looked at, over the full size.
    seen : ndarray of uint8, shape (h, w)
        The image at that size.
    """

    found: Found
    scale: float
    seen: UInt8

    @functools.cached_property
    def sure(self) -> Found:
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


def surest(looks: Sequence[Look]) -> Found:
    """What has a say about size and turn: the sure digits of the look with most evidence."""
    return max((look.sure for look in looks), key=_evidence)


def height_of(sure: Found) -> float | None:
    """The usual height of digits, in pixels; None where there are none."""
    if not len(sure):
        return None
    tall = _tall(sure)
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


def unlike(found: Found, told: Found, usual: float, *, smaller: bool) -> Found:
    """The digits much smaller than the usual height in pixels, or much larger.

    Left out is what lies in a much larger digit of those ``told``, as its loops do, and what lies around a smaller one.
    """
    chosen = found.of(_is_unlike(found, usual, smaller=smaller))
    tall, theirs = _tall(chosen)[:, None], _tall(told)
    nested = (tall < SMALLER * theirs) & _inside(chosen.boxes, told.boxes)
    nested |= (SMALLER * tall > theirs) & _inside(told.boxes, chosen.boxes).T
    return chosen.of(np.asarray(~nested.any(axis=1)))


def with_others(found: Found, closer: Found, usual: float, *, smaller: bool) -> Found:
    """What was found, with the digits of quite another size that a look at theirs shows, and the signs beside them."""
    told = found.of((found.scores > SEEN) & (found.labels < 10))
    digits = unlike(closer, told, usual, smaller=smaller)
    signs = closer.of(closer.labels >= 10)
    rim = _tall(digits)[:, None] * np.array([-1, 0, 1, 0], np.float32)  # a sign stands within a height of its digit
    beside = _inside(signs.boxes, digits.boxes + rim).any(axis=1)
    again = _is_unlike(found, usual, smaller=smaller) & _inside(found.boxes, digits.boxes).any(axis=1)
    return separate(joined([found.of(np.asarray(~again)), digits, signs.of(np.asarray(beside))]))


def _is_unlike(found: Found, usual: float, *, smaller: bool) -> Mask:
    tall = _tall(found)
    return np.asarray((found.labels < 10) & (tall < SMALLER * usual if smaller else SMALLER * tall > usual))


def _inside(boxes: Float32, others: Float32) -> Mask:
    """Whether the middle of each of the boxes (n, 4) lies in each of the others (k, 4): bool (n, k)."""
    x, y = (boxes[:, None, :2] + boxes[:, None, 2:]).transpose(2, 0, 1) / 2
    left, top, right, bottom = others.T
    return np.asarray((x > left) & (x < right) & (y > top) & (y < bottom))


def _tall(found: Found) -> Float32:
    """The height of each object in pixels, float32 (n,)."""
    return found.boxes[:, 3] - found.boxes[:, 1]


def _evidence(sure: Found) -> float:
    return float(np.square(sure.scores).sum())
