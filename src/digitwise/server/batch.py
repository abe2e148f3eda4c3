"""Pictures of many requests read together: those of one size normalised in one go, all in one call of the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.decoding import open_picture
from digitwise.errors import DigitwiseError
from digitwise.images import UInt8
from digitwise.normalize.road import WORKING
from digitwise.reading.card import UNTOUCHED
from digitwise.reading.inputs import Prepared
from digitwise.reading.reader import SINGLE, Reader
from digitwise.reading.results import Status

SMALL = 400_000  # pixels of a picture that may hold up others: some milliseconds of work
DECIMALS = 6  # of a probability

Source = bytes | UInt8  # a file's content, or a picture as an array came


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the model says about one picture.

    Parameters
    ----------
    status : {"read", "unsure", "blank"}
    label : str or None
        The most probable class; None where it is blank.
    probabilities : dict of str to float
        Of each class, calibrated, rounded to a millionth; empty where it is blank.
    image : ndarray of uint8, shape (28, 28)
        What it saw.
    """

    status: Status
    label: str | None
    probabilities: dict[str, float]
    image: UInt8


Outcome = Seen | DigitwiseError


def read_together(reader: Reader, sources: Sequence[Source], *, max_pixels: int) -> list[Outcome]:
    """Read pictures, each with the outcome that it has alone.

    Parameters
    ----------
    reader : Reader
    sources : sequence of bytes or ndarray of uint8
    max_pixels : int
        A larger picture's outcome is a :class:`digitwise.errors.TooLargeError`.
    """
    outcomes: dict[int, Outcome] = {}
    pictures: dict[int, UInt8] = {}
    for place, source in enumerate(sources):
        try:
            pictures[place] = _decoded(source, max_pixels)
        except DigitwiseError as error:
            outcomes[place] = error
    prepared: dict[int, Prepared] = {}
    for places in _of_one_size(reader, sources, pictures):
        formed = _formed(
            reader, [pictures[place] for place in places], arrays=not isinstance(sources[places[0]], bytes)
        )
        for i, place in enumerate(places):
            prepared[place] = formed.one(i)
    outcomes.update(zip(prepared, answered(reader, list(prepared.values())), strict=True))
    return [outcomes[place] for place in range(len(sources))]


def _decoded(source: Source, max_pixels: int) -> UInt8:
    if not isinstance(source, bytes):
        return source
    return open_picture(source, max_pixels=max_pixels, at_least=SINGLE).picture


def _of_one_size(reader: Reader, sources: Sequence[Source], pictures: dict[int, UInt8]) -> list[list[int]]:
    """Places of pictures that can be normalised together; large ones, and those that are only fitted, alone."""
    groups: dict[object, list[int]] = defaultdict(list)
    normalized = reader.model.card.normalization != UNTOUCHED
    for place, picture in pictures.items():
        is_file = isinstance(sources[place], bytes)
        alone = max(picture.shape[:2]) > WORKING or (is_file and not normalized)
        groups[place if alone else (is_file, picture.shape)].append(place)
    return list(groups.values())


def _formed(reader: Reader, pictures: list[UInt8], *, arrays: bool) -> Prepared:
    if arrays or len(pictures) > 1:
        return reader.formed_stack(np.stack(pictures))
    return reader.formed(pictures[0])


def answered(reader: Reader, prepared: list[Prepared]) -> list[Seen]:
    """What the model says about pictures as it takes them, in one call."""
    if not prepared:
        return []
    together = Prepared.joined(prepared, classes=len(reader.class_names))
    answers = reader.answered(together)
    shares = answers.probabilities.astype(np.float64).round(DECIMALS).tolist()
    names = reader.class_names
    best = [names[place] for place in answers.probabilities.argmax(axis=1)]
    rows = zip(best, shares, answers.blank.tolist(), answers.sure.tolist(), together.images, strict=True)
    return [
        Seen("blank", None, {}, image)
        if blank
        else Seen("read" if sure else "unsure", label, dict(zip(names, each, strict=True)), image)
        for label, each, blank, sure, image in rows
    ]
