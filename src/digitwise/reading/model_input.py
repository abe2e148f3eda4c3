"""Images as the model takes them, and the finder's opinion of each that was brought to its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.errors import DataError
from digitwise.fitting import fit_into, grey, is_dark_on_light
from digitwise.images import Float32, Mask, UInt8
from digitwise.normalize import SIDE, in_form, normalize, normalize_all
from digitwise.reading import finder, trust
from digitwise.reading.model import Model

BLOCK = 4_096  # images looked at together: what is reckoned about them on the way stays small
LOOKED_AT = 400  # pixels of the longer side: the digit of an image of one digit is large in it
MIDDLE = 0.22  # of the sides: standard deviation of where the digit that is meant lies
CLASSES = 10
LARGE, LIKELY = 0.6, 0.5  # share of the meant digit's height, and probability, from which another is a digit beside it


@dataclass(frozen=True, eq=False)
class Prepared:
    """Images as the model takes them.

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


def normalized(image: UInt8) -> Prepared:
    """One image of any size in MNIST's form."""
    found = normalize(image)
    strange = image.shape != (SIDE, SIDE) or not in_form(image[None])[0]
    return Prepared(found.image[None], np.array([found.blank]), np.array([strange]))


def normalized_stack(images: UInt8) -> Prepared:
    """Images (n, h, w) or (n, h, w, 3) in MNIST's form; those that have it already are not touched.

    Where all of them have it the array itself comes back, not a copy.
    """
    strange, blank = _looked_at(images)
    if not strange.any():
        return Prepared(images, blank)
    if images.shape[1:] == (SIDE, SIDE):
        formed = images.copy()
        formed[blank] = 0
    else:
        formed = np.zeros((len(images), SIDE, SIDE), np.uint8)
    others = np.flatnonzero(strange & ~blank)
    formed[others], blank[others] = normalize_all(images[others])
    return Prepared(formed, blank, strange)


def _looked_at(images: UInt8) -> tuple[Mask, Mask]:
    """Which images are not in form, and which of those have but one value, bool (n,) each."""
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
    """One image scaled into a model's own size, light on dark where that is grey, and otherwise as it is."""
    if len(shape) == 2:
        scaled = fit_into(grey(image), (shape[0], shape[1]))
        scaled = 255 - scaled if is_dark_on_light(scaled[None]) else scaled
    else:
        colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        scaled = fit_into(colour, (shape[0], shape[1]))
    return Prepared(scaled[None], _are_even(scaled[None]))


def as_they_are(images: UInt8, shape: tuple[int, ...]) -> Prepared:
    """Images that must have a model's own size.

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
    """What the finder says of those images that are strange to a model.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    strange : ndarray of bool, shape (n,)
        At least one of them.
    model : Model
        In whose threads the finder looks.
    sight : Sight, optional
        What the finder saw of a single image, if it looked; of one that does not stand upright that is no help.

    Returns
    -------
    (ndarray of float32, shape (n, 10); ndarray of bool, shape (n,))
        The probability of each class, all alike where it was not asked; and where it sees more digits than one.
    """
    opinions, several = even(len(images), CLASSES), np.zeros(len(images), bool)
    if sight is not None and sight.turn == 0:
        opinions[0], several[0] = opinion_of(sight)
        return opinions, several
    asked = np.flatnonzero(strange)
    threads = model.threads if len(asked) == 1 else 1
    found = model.side_by_side(lambda place: opinion_on(images[place], threads=threads), asked)
    for place, said in zip(asked, found, strict=True):
        opinions[place], several[place] = said
    return opinions, several


def opinion_on(image: UInt8, *, threads: int) -> tuple[Float32, bool]:
    """What is said of one image, by one look more: see :func:`opinion_of`.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    threads : int
    """
    grey = finder.grey_of(image)
    small = np.ascontiguousarray(finder.at_scale(grey, min(1.0, LOOKED_AT / max(grey.shape))))
    return opinion_of(finder.bundled(threads).find(small, turn=0))


def opinion_of(sight: finder.Sight) -> tuple[Float32, bool]:
    """The probability of each class, float32 (10,), of the digit that is most likely meant: large and in the middle.

    As far as it is not sure that there is a digit, all classes are as likely. Told besides: whether another digit that
    is nearly as large is whole in view, so that the image is not one of one digit.
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
