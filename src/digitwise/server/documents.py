"""Outcomes as the documents that go into answers."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from digitwise.errors import DigitwiseError
from digitwise.images import UInt8
from digitwise.reading import rows
from digitwise.reading.results import Page
from digitwise.server.batch import DECIMALS, Outcome
from digitwise.server.sheets import Sheet


def reading_document(name: str | None, outcome: Outcome | Sheet, *, with_input: bool) -> dict[str, Any]:
    """One picture as what it was read as: one digit, or numbers."""
    if isinstance(outcome, Sheet):
        return page_document(name, outcome) | {"label": outcome.page.label, "probabilities": None}
    document: dict[str, Any] = {"name": name, "kind": "single", "label": None, "confidence": None, "status": "error"}
    if isinstance(outcome, DigitwiseError):
        return document | {"probabilities": None, "error": reason_of(outcome)} | ({"input": None} if with_input else {})
    document |= {"status": outcome.status, "label": outcome.label, "error": None}
    document["probabilities"] = outcome.probabilities or None
    if outcome.label is not None:
        document["confidence"] = outcome.probabilities[outcome.label]
    if with_input:
        document["input"] = _as_png(outcome.image)
    return document


def page_document(name: str | None, outcome: Sheet | DigitwiseError) -> dict[str, Any]:
    """One picture as numbers; width and height are those of the picture upright by its EXIF orientation."""
    head = {"name": name, "kind": "numbers"}
    if isinstance(outcome, DigitwiseError):
        nothing = {"text": None, "confidence": None, "width": None, "height": None}
        return head | nothing | _found(Page(None, ())) | {"status": "error", "error": reason_of(outcome)}
    page = outcome.page
    confidence = min((round(number.confidence, DECIMALS) for number in page.numbers), default=None)
    told = {"text": page.text, "confidence": confidence, "status": page.status, "error": None}
    return head | told | {"width": outcome.width, "height": outcome.height} | _found(page)


def _found(page: Page) -> dict[str, Any]:
    """What is on a page, each of the others with a confidence or null."""
    document = rows.page_document(page)
    return document | {"others": [{"confidence": None} | other for other in document["others"]]}


def reason_of(error: DigitwiseError) -> str:
    """Why a picture could not be read."""
    return str(error).removeprefix("the picture: ")


def _as_png(image: UInt8) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
