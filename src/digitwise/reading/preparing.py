"""From pixels to a model's input: normalized, or only fitted where the model was trained on pictures as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.errors import DataError
from digitwise.fitting import fit_into, grey, is_dark_on_light
from digitwise.images import Mask, UInt8
from digitwise.normalize import SIDE, in_form, normalize, normalize_all

BLOCK = 4_096  # pictures looked at together: what is reckoned about them on the way stays small


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pictures as the model takes them.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    blank : ndarray of bool, shape (n,)
        Where there is nothing but paper.
    """

    images: UInt8
    blank: Mask


def normalized(picture: UInt8) -> Prepared:
    """One picture of any size in MNIST's form."""
    found = normalize(picture)
    return Prepared(found.image[None], np.array([found.blank]))


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
    return Prepared(images, blank)


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
