"""What the finder says of an image of one digit: a second opinion, from a network that has seen other things."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading import finder, trust
from digitwise.reading.inputs import even
from digitwise.reading.model import Model

LOOKED_AT = 400  # pixels of the longer side: the digit of an image of one digit is large in it
MIDDLE = 0.22  # of the sides: standard deviation of where the digit that is meant lies
CLASSES = 10
LARGE, LIKELY = 0.6, 0.5  # share of the meant digit's height, and probability, from which another is a digit beside it


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
