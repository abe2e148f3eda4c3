"""Images as the model takes them, and the finder's opinion of each that was not in that form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.errors import DataError
from digitwise.fitting import fit_into, grey, is_dark_on_light
from digitwise.images import Float32, Mask, UInt8
from digitwise.normalization import SIDE, in_form, normalize, normalize_all
from digitwise.progress import each_of
from digitwise.reading import finder, trust
from digitwise.reading.model import Model

BLOCK = 4_096  # images processed together, to bound the memory of intermediate results
LOOKED_AT = 400  # pixels of the longer side for the finder: the digit fills most of such an image
MIDDLE = 0.22  # of the sides: standard deviation of the centre of the intended digit
CLASSES = 10
LARGE, LIKELY = 0.6, 0.5  # share of the intended digit's height, and probability, from which another digit counts


@dataclass(frozen=True, eq=False)
class Prepared:
    """Images as the model takes them.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    blank : ndarray of bool, shape (n,)
        Images without ink, which are not given to the model.
    strange : ndarray of bool, shape (n,), optional
        Images that were not in the model's form, except those of a single value.
    opinions : ndarray of float32, shape (n, k), optional
        Probabilities of the classes by the finder.
    several : ndarray of bool, shape (n,), optional
        Images with more digits than one.
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
        """Join one or more; those without opinions get equal probabilities."""
        images, blank = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "blank"))
        if all(part.opinions is None for part in parts):
            return cls(images, blank)
        each = [even(len(part.blank), classes) if part.opinions is None else part.opinions for part in parts]
        several = [np.zeros(len(part.blank), bool) if part.several is None else part.several for part in parts]
        return cls(images, blank, opinions=np.concatenate(each), several=np.concatenate(several))


def even(n: int, classes: int) -> Float32:
    """Equal probabilities, float32 (n, classes)."""
    return np.full((n, classes), 1 / classes, np.float32)


def normalized(image: UInt8) -> Prepared:
    """One image of any size in MNIST's form."""
    found = normalize(image)
    strange = image.min() < image.max() and (image.shape != (SIDE, SIDE) or not in_form(image[None])[0])
    return Prepared(found.image[None], np.array([found.blank]), np.array([strange]))


def normalized_stack(images: UInt8) -> Prepared:
    """Images (n, h, w) or (n, h, w, 3) in MNIST's form; those in that form already are unchanged.

    If all of them are, the array itself is returned, not a copy.
    """
    strange, blank = _looked_at(images)
    if not strange.any():
        return Prepared(images, blank)
    if images.shape[1:] == (SIDE, SIDE):
        formed = images.copy()
        formed[blank] = 0
    else:
        formed = np.zeros((len(images), SIDE, SIDE), np.uint8)
    strange &= ~blank
    others = np.flatnonzero(strange)
    formed[others], blank[others] = normalize_all(images[others])
    return Prepared(formed, blank, strange)


def _looked_at(images: UInt8) -> tuple[Mask, Mask]:
    """Whether each image is not in MNIST's form, and whether such an image is of one value, bool (n,) each."""
    strange, even = np.ones(len(images), bool), np.zeros(len(images), bool)
    for start in range(0, len(images), BLOCK):
        here = slice(start, start + BLOCK)
        if images.shape[1:] == (SIDE, SIDE):
            strange[here] = ~in_form(images[here])
            places = start + np.flatnonzero(strange[here])
            even[places] = _are_even(images[places])
        else:
            even[here] = _are_even(images[here])
    return strange, even


def fitted(image: UInt8, shape: tuple[int, ...]) -> Prepared:
    """One image scaled to a model's own size; for grey models also turned to light on dark."""
    if len(shape) == 2:
        scaled = fit_into(grey(image), (shape[0], shape[1]))
        scaled = 255 - scaled if is_dark_on_light(scaled[None]) else scaled
    else:
        colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        scaled = fit_into(colour, (shape[0], shape[1]))
    return Prepared(scaled[None], _are_even(scaled[None]))


def as_they_are(images: UInt8, shape: tuple[int, ...]) -> Prepared:
    """Images of a model's own size, unchanged.

    Raises
    ------
    DataError
        If they have another.
    """
    if images.shape[1:] != shape:
        expected, got = ("x".join(map(str, sides)) for sides in (shape, images.shape[1:]))
        raise DataError(f"the array: expected images of the model's own size {expected}, got {got}; bring them to it")
    return Prepared(images, _are_even(images))


def _are_even(images: UInt8) -> Mask:
    """Whether each image has but one value, bool (n,)."""
    axes = tuple(range(1, images.ndim))
    return np.asarray(images.min(axis=axes, initial=255) == images.max(axis=axes, initial=0))


def opinions_of(images: UInt8, strange: Mask, model: Model, sight: finder.Sight | None) -> tuple[Float32, Mask]:
    """Ask the finder about images that are not in a model's form.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    strange : ndarray of bool, shape (n,)
        Images that are not in the form; at least one.
    model : Model
        The finder runs in its threads.
    sight : Sight, optional
        What the finder saw of a single image, if known; used only if that is upright.

    Returns
    -------
    (ndarray of float32, shape (n, 10); ndarray of bool, shape (n,))
        The probability of each class, equal where the finder did not run; and whether it sees several digits.
    """
    opinions, several = even(len(images), CLASSES), np.zeros(len(images), bool)
    if sight is not None and sight.turn == 0:
        opinions[0], several[0] = opinion_of(sight)
        return opinions, several
    asked = np.flatnonzero(strange)
    threads = model.threads if len(asked) == 1 else 1
    found = model.side_by_side(lambda place: opinion_on(images[place], threads=threads), asked)
    for place, said in zip(asked, each_of(found, "finding digits", len(asked)), strict=True):
        opinions[place], several[place] = said
    return opinions, several


def opinion_on(image: UInt8, *, threads: int) -> tuple[Float32, bool]:
    """Run the finder on one image, see :func:`opinion_of`.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    threads : int
    """
    grey = finder.grey_of(image)
    small = np.ascontiguousarray(finder.at_scale(grey, min(1.0, LOOKED_AT / max(grey.shape))))
    return opinion_of(finder.bundled(threads).find(small, turn=0))


def opinion_of(sight: finder.Sight) -> tuple[Float32, bool]:
    """The class probabilities, float32 (10,), of the digit that is most likely intended: large and in the middle.

    To the extent that there may be no digit, all classes are equally likely. Also returned: whether another digit,
    nearly as large, is fully in view, so that the image does not show one digit.
    """
    digits = sight.found.labels < CLASSES
    found = sight.found.of(digits)
    nothing: Float32 = even(1, CLASSES)[0]
    if not len(found):
        return nothing, False
    height, width = sight.shape
    boxes = found.boxes / np.array([width, height] * 2, np.float32)
    away = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    tall = np.minimum(boxes[:, 3] - boxes[:, 1], 1)
    meant = int((found.scores * tall * np.exp(-np.square(away / MIDDLE).sum(axis=1) / 2)).argmax())
    theirs, rights = (each[digits] for each in trust.bundled().of(trust.features(sight)))
    there, right = float(theirs[meant]), float(rights[meant])
    edge = np.array([1 / width, 1 / height], np.float32)
    whole = np.all(boxes[:, :2] >= edge, axis=1) & np.all(boxes[:, 2:] <= 1 - edge, axis=1)
    beside = whole & (theirs > LIKELY) & (boxes[:, 3] - boxes[:, 1] > LARGE * (boxes[meant, 3] - boxes[meant, 1]))
    beside[meant] = False
    label, classes = int(found.labels[meant]), found.classes[meant, :CLASSES].copy()
    classes[label] = 0
    classes *= (1 - right) / max(float(classes.sum()), 1e-9)
    classes[label] = right
    return np.asarray(there * classes + (1 - there) * nothing, np.float32), bool(beside.any())
