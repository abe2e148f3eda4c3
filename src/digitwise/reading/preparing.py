"""From pixels to a model's input: normalized, or only fitted where the model was trained on pictures as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.decoding import Decoded
from digitwise.errors import DataError
from digitwise.fitting import fit_into, grey, is_dark_on_light
from digitwise.images import Float32, Mask, UInt8
from digitwise.normalize import SIDE, in_form, normalize, normalize_all
from digitwise.reading.results import Box

BLOCK = 4_096  # pictures looked at together: what is reckoned about them on the way stays small


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pictures as the model takes them.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    blank : ndarray of bool, shape (n,)
        Where no ink is found, so that the model is not asked.
    strange : ndarray of bool, shape (n,), optional
        Which were brought to the model's form; none where it is not given.
    opinions : ndarray of float32, shape (n, k), optional
        What else is known of each: probabilities of the classes.
    several : ndarray of bool, shape (n,), optional
        Which show more digits than one.
    """

    images: UInt8
    blank: Mask
    strange: Mask | None = None
    opinions: Float32 | None = None
    several: Mask | None = None

    def one(self, place: int) -> Prepared:
        """One of them."""
        here = slice(place, place + 1)
        opinions = None if self.opinions is None else self.opinions[here]
        several = None if self.several is None else self.several[here]
        return Prepared(self.images[here], self.blank[here], opinions=opinions, several=several)

    @classmethod
    def joined(cls, parts: Sequence[Prepared], *, classes: int) -> Prepared:
        """All of several, at least one; of some nothing else may be known."""
        images, blank = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "blank"))
        if all(part.opinions is None for part in parts):
            return cls(images, blank)
        each = [even(len(part.blank), classes) if part.opinions is None else part.opinions for part in parts]
        several = [np.zeros(len(part.blank), bool) if part.several is None else part.several for part in parts]
        return cls(images, blank, opinions=np.concatenate(each), several=np.concatenate(several))


def even(n: int, classes: int) -> Float32:
    """Probabilities where nothing is known, float32 (n, classes)."""
    return np.full((n, classes), 1 / classes, np.float32)


def normalized(picture: UInt8) -> Prepared:
    """One picture of any size in MNIST's form."""
    found = normalize(picture)
    strange = picture.shape != (SIDE, SIDE) or not in_form(picture[None])[0]
    return Prepared(found.image[None], np.array([found.blank]), np.array([strange]))


def normalized_stack(pictures: UInt8) -> Prepared:
    """Pictures (n, h, w) or (n, h, w, 3) in MNIST's form; those that have it already are not touched.

    Where all of them have it the array itself comes back, not a copy.
    """
    strange, blank = _looked_at(pictures)
    if not strange.any():
        return Prepared(pictures, blank)
    if pictures.shape[1:] == (SIDE, SIDE):
        images = pictures.copy()
        images[blank] = 0
    else:
        images = np.zeros((len(pictures), SIDE, SIDE), np.uint8)
    others = np.flatnonzero(strange & ~blank)
    images[others], blank[others] = normalize_all(pictures[others])
    return Prepared(images, blank, strange)


def _looked_at(pictures: UInt8) -> tuple[Mask, Mask]:
    """Which pictures are not in form, and which of those have but one value, bool (n,) each."""
    strange, even = np.ones(len(pictures), bool), np.zeros(len(pictures), bool)
    for start in range(0, len(pictures), BLOCK):
        here = slice(start, start + BLOCK)
        if pictures.shape[1:] == (SIDE, SIDE):
            strange[here] = ~in_form(pictures[here])
            places = start + np.flatnonzero(strange[here])
            even[places] = _are_even(pictures[places])
        else:
            even[here] = _are_even(pictures[here])
    return strange, even


def cut_out(decoded: Decoded, box: Box) -> UInt8:
    """A digit cut out with a quarter of its height around it."""
    x, y = decoded.origin
    left, top, right, bottom = (edge / decoded.scale for edge in (box[0] - x, box[1] - y, box[2] - x, box[3] - y))
    rim = 0.25 * (bottom - top)
    rows, columns = (
        slice(max(0, int(top - rim)), int(bottom + rim) + 1),
        slice(max(0, int(left - rim)), int(right + rim) + 1),
    )
    part: UInt8 = decoded.picture[rows, columns]
    return part


def fitted(picture: UInt8, shape: tuple[int, ...]) -> Prepared:
    """One picture scaled into a model's own size, light on dark where that is grey, and otherwise as it is."""
    if len(shape) == 2:
        image = fit_into(grey(picture), (shape[0], shape[1]))
        image = 255 - image if is_dark_on_light(image[None]) else image
    else:
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        image = fit_into(colour, (shape[0], shape[1]))
    return Prepared(image[None], _are_even(image[None]))


def as_they_are(pictures: UInt8, shape: tuple[int, ...]) -> Prepared:
    """Pictures that must have a model's own size.

    Raises
    ------
    DataError
        If they have another.
    """
    if pictures.shape[1:] != shape:
        expected, got = ("x".join(map(str, sides)) for sides in (shape, pictures.shape[1:]))
        raise DataError(f"the array: expected pictures of the model's own size {expected}, got {got}; bring them to it")
    return Prepared(pictures, _are_even(pictures))


def _are_even(pictures: UInt8) -> Mask:
    """Whether each picture has but one value, bool (n,)."""
    axes = tuple(range(1, pictures.ndim))
    return np.asarray(pictures.min(axis=axes, initial=255) == pictures.max(axis=axes, initial=0))
