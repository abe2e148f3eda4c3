"""Pictures that may hold more than one digit: read one by one, in a thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.decoding import Decoded, open_picture
from digitwise.errors import DigitwiseError
from digitwise.reading.answers import Single
from digitwise.reading.known import Known, Region
from digitwise.reading.reader import PAGE, Reader
from digitwise.reading.results import Page
from digitwise.server.batch import DECIMALS, Outcome, Seen, Source


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page, and the size of its picture upright by its EXIF orientation, in pixels."""

    page: Page
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of its images: the part to read, and how numbers look."""

    region: Region | None = None
    known: Known | None = None


def sheet_of(reader: Reader, asked: Asked, source: Source) -> Sheet | DigitwiseError:
    """A picture as numbers, whatever is on it."""
    try:
        decoded = _opened(reader, source)
        return _sheet(reader.page_of(_part(decoded, asked), known=asked.known), decoded)
    except DigitwiseError as error:
        return error


def sheet_or_digit_of(reader: Reader, asked: Asked, source: Source) -> Sheet | Outcome:
    """A picture as what it turns out to be: numbers, one digit, or nothing."""
    try:
        decoded = _opened(reader, source)
        found = reader.auto_of(_part(decoded, asked))
        return _sheet(found, decoded) if isinstance(found, Page) else _seen(reader, found)
    except DigitwiseError as error:
        return error


def statuses_of(sheet: Sheet | DigitwiseError) -> list[str]:
    """What became of each digit; of a page without one, of the page."""
    if isinstance(sheet, DigitwiseError):
        return ["error"]
    return [digit.status for line in sheet.page.lines for digit in line.digits] or [sheet.page.status]


def _opened(reader: Reader, source: Source) -> Decoded:
    if not isinstance(source, bytes):
        return Decoded(source)
    return open_picture(source, max_pixels=reader.max_pixels, at_least=PAGE)


def _part(decoded: Decoded, asked: Asked) -> Decoded:
    return decoded if asked.region is None else asked.region.of(decoded)


def _sheet(page: Page, decoded: Decoded) -> Sheet:
    height, width = (round(side * decoded.scale) for side in decoded.picture.shape[:2])
    return Sheet(page, width, height)


def _seen(reader: Reader, single: Single) -> Seen:
    """A digit with all probabilities and what the model saw."""
    reading = single.reading
    if reading.label is None:
        return Seen(reading.status, None, {}, single.image)
    shares = single.probabilities.astype(np.float64).round(DECIMALS).tolist()
    return Seen(reading.status, reading.label, dict(zip(reader.class_names, shares, strict=True)), single.image)
