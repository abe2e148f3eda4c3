"""Reading the images of requests, as one digit or as numbers, and the documents of the results.

Small images of many requests are read together: images of one size are normalised together, and all go through the
model in one call. Images that may hold more than one digit are read one by one.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.decoding import Decoded, open_image
from digitwise.displays import as_png
from digitwise.errors import DigitwiseError
from digitwise.images import UInt8
from digitwise.normalization.road import WORKING
from digitwise.reading import rows
from digitwise.reading.answers import Single
from digitwise.reading.known import Known, Region
from digitwise.reading.model import UNTOUCHED
from digitwise.reading.model_input import Prepared
from digitwise.reading.reader import PAGE, SINGLE, Reader
from digitwise.reading.results import Page, Status

DECIMALS = 6  # of a probability

Source = bytes | UInt8  # a file's content, or an image as an array came


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One image read as one digit.

    Parameters
    ----------
    status : {"read", "unsure", "blank"}
    label : str or None
        The most probable class; None where it is blank.
    probabilities : dict of str to float
        Of each class, calibrated, rounded to a millionth; empty if it is blank.
    image : ndarray of uint8, shape (28, 28)
        The model's input.
    """

    status: Status
    label: str | None
    probabilities: dict[str, float]
    image: UInt8


Outcome = Seen | DigitwiseError


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page, and the size of its image upright by its EXIF orientation, in pixels."""

    page: Page
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a request: the part of each image to read, and the form of the numbers."""

    region: Region | None = None
    known: Known | None = None


def read_together(reader: Reader, sources: Sequence[Source], *, max_pixels: int) -> list[Outcome]:
    """Read images together; each outcome is the same as alone.

    Parameters
    ----------
    reader : Reader
    sources : sequence of bytes or ndarray of uint8
    max_pixels : int
        A larger image's outcome is a :class:`digitwise.errors.TooLargeError`.
    """
    outcomes: dict[int, Outcome] = {}
    images: dict[int, UInt8] = {}
    for place, source in enumerate(sources):
        try:
            images[place] = _decoded(source, max_pixels, SINGLE).image
        except DigitwiseError as error:
            outcomes[place] = error
    prepared: dict[int, Prepared] = {}
    for places in _of_one_size(reader, sources, images):
        arrays = not isinstance(sources[places[0]], bytes)
        formed = _formed(reader, [images[place] for place in places], arrays=arrays)
        for i, place in enumerate(places):
            prepared[place] = formed.one(i)
    outcomes.update(zip(prepared, _answered(reader, list(prepared.values())), strict=True))
    return [outcomes[place] for place in range(len(sources))]


def _decoded(source: Source, max_pixels: int, at_least: int) -> Decoded:
    if not isinstance(source, bytes):
        return Decoded(source)
    return open_image(source, max_pixels=max_pixels, at_least=at_least)


def _of_one_size(reader: Reader, sources: Sequence[Source], images: dict[int, UInt8]) -> list[list[int]]:
    """Group images that can be normalised together; large ones, and those that are only scaled, are alone."""
    groups: dict[object, list[int]] = defaultdict(list)
    normalized = reader.model.card.normalization != UNTOUCHED
    for place, image in images.items():
        is_file = isinstance(sources[place], bytes)
        alone = max(image.shape[:2]) > WORKING or (is_file and not normalized)
        groups[place if alone else (is_file, image.shape)].append(place)
    return list(groups.values())


def _formed(reader: Reader, images: list[UInt8], *, arrays: bool) -> Prepared:
    if arrays or len(images) > 1:
        return reader.formed_stack(np.stack(images))
    return reader.formed(images[0])


def _answered(reader: Reader, prepared: list[Prepared]) -> list[Seen]:
    """Answers about prepared images by one call of the model."""
    if not prepared:
        return []
    together = Prepared.joined(prepared, classes=len(reader.class_names))
    answers = reader.answered(together)
    names, shares = reader.class_names, _rounded(answers.probabilities)
    best = [names[place] for place in answers.probabilities.argmax(axis=1)]
    told = zip(best, shares, answers.blank.tolist(), answers.sure.tolist(), together.images, strict=True)
    return [
        Seen("blank", None, {}, image)
        if blank
        else Seen("read" if sure else "unsure", label, dict(zip(names, each, strict=True)), image)
        for label, each, blank, sure, image in told
    ]


def _rounded(probabilities: NDArray[Any]) -> list[Any]:
    found: list[Any] = probabilities.astype(np.float64).round(DECIMALS).tolist()
    return found


def sheet_of(reader: Reader, asked: Asked, source: bytes | Decoded, max_pixels: int) -> Sheet | DigitwiseError:
    """Read an image, or a page of a PDF, as numbers."""
    try:
        decoded, part = _opened(asked, source, max_pixels)
        return _sheet(reader.page_of(part, known=asked.known), decoded)
    except DigitwiseError as error:
        return error


def sheet_or_digit_of(reader: Reader, asked: Asked, source: bytes | Decoded, max_pixels: int) -> Sheet | Outcome:
    """Read an image, or a page of a PDF, as what it shows: numbers, one digit, or nothing."""
    try:
        decoded, part = _opened(asked, source, max_pixels)
        found = reader.auto_of(part)
        return _sheet(found, decoded) if isinstance(found, Page) else _seen(reader, found)
    except DigitwiseError as error:
        return error


def digit_of(reader: Reader, page: Decoded, _: int) -> Outcome:
    """Read a page of a PDF as one digit."""
    try:
        return _seen(reader, reader.single_of(page.image))
    except DigitwiseError as error:
        return error


def statuses_of(outcome: Sheet | Outcome) -> list[str]:
    """The status of each digit; of a page without digits, that of the page."""
    if isinstance(outcome, Sheet):
        return [digit.status for line in outcome.page.lines for digit in line.digits] or [outcome.page.status]
    return [outcome.status if isinstance(outcome, Seen) else "error"]


def _opened(asked: Asked, source: bytes | Decoded, max_pixels: int) -> tuple[Decoded, Decoded]:
    """An image, and the part of it to read."""
    decoded = source if isinstance(source, Decoded) else _decoded(source, max_pixels, PAGE)
    return decoded, decoded if asked.region is None else asked.region.of(decoded)


def _sheet(page: Page, decoded: Decoded) -> Sheet:
    height, width = (round(side * decoded.scale) for side in decoded.image.shape[:2])
    return Sheet(page, width, height)


def _seen(reader: Reader, single: Single) -> Seen:
    """A digit with all probabilities and the model's input."""
    reading = single.reading
    if reading.label is None:
        return Seen(reading.status, None, {}, single.image)
    shares = dict(zip(reader.class_names, _rounded(single.probabilities), strict=True))
    return Seen(reading.status, reading.label, shares, single.image)


def reading_document(
    name: str | None, page: int | None, outcome: Outcome | Sheet, *, with_input: bool
) -> dict[str, Any]:
    """The document of one image, or of a page of a PDF: one digit, or numbers."""
    if isinstance(outcome, Sheet):
        return page_document(name, page, outcome) | {"label": outcome.page.label, "probabilities": None}
    nothing = {"label": None, "confidence": None, "status": "error"}
    document: dict[str, Any] = {"name": name, "page": page, "kind": "single"} | nothing
    if isinstance(outcome, DigitwiseError):
        return document | {"probabilities": None, "error": reason_of(outcome)} | ({"input": None} if with_input else {})
    document |= {"status": outcome.status, "label": outcome.label, "error": None}
    document["probabilities"] = outcome.probabilities or None
    if outcome.label is not None:
        document["confidence"] = outcome.probabilities[outcome.label]
    if with_input:
        document["input"] = base64.b64encode(as_png(outcome.image)).decode("ascii")
    return document


def page_document(name: str | None, page: int | None, outcome: Sheet | DigitwiseError) -> dict[str, Any]:
    """The document of one sheet; width and height are those of the image upright by its EXIF orientation."""
    head = {"name": name, "page": page, "kind": "numbers"}
    if isinstance(outcome, DigitwiseError):
        nothing = {"text": None, "confidence": None, "width": None, "height": None}
        return head | nothing | _found(Page(None, ())) | {"status": "error", "error": reason_of(outcome)}
    sheet = outcome.page
    confidence = min((round(number.confidence, DECIMALS) for number in sheet.numbers), default=None)
    told = {"text": sheet.text, "confidence": confidence, "status": sheet.status, "error": None}
    return head | told | {"width": outcome.width, "height": outcome.height} | _found(sheet)


def _found(page: Page) -> dict[str, Any]:
    """The content of a page; each of the others has a confidence or null."""
    document = rows.page_document(page)
    return document | {"others": [{"confidence": None} | other for other in document["others"]]}


def reason_of(error: DigitwiseError) -> str:
    """Why an image could not be read."""
    return str(error).removeprefix("the image: ").removeprefix("the PDF: ")
