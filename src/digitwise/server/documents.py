"""Outcomes as the documents that go into answers."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from digitwise.errors import DigitwiseError
from digitwise.images import UInt8
from digitwise.reading.results import Page
from digitwise.server.batch import DECIMALS, Outcome


def reading_document(
    name: str | None, outcome: Outcome, class_names: tuple[str, ...], *, with_input: bool
) -> dict[str, Any]:
    """One picture as one digit."""
    document: dict[str, Any] = {"name": name, "label": None, "confidence": None, "status": "error"}
    if isinstance(outcome, DigitwiseError):
        return document | {"probabilities": None, "error": reason_of(outcome)} | ({"input": None} if with_input else {})
    document["status"] = outcome.status
    probabilities = outcome.probabilities
    if probabilities:
        document |= {"label": class_names[outcome.best], "confidence": probabilities[outcome.best]}
    document["probabilities"] = dict(zip(class_names, probabilities, strict=True)) if probabilities else None
    document["error"] = None
    if with_input:
        document["input"] = _as_png(outcome.image)
    return document


def page_document(name: str | None, outcome: tuple[Page, int, int] | DigitwiseError) -> dict[str, Any]:
    """One picture as lines of digits; width and height are those of the picture upright by its EXIF orientation."""
    document: dict[str, Any] = {"name": name, "text": None, "turn": 0, "width": None, "height": None, "lines": []}
    if isinstance(outcome, DigitwiseError):
        return document | {"error": reason_of(outcome)}
    page, width, height = outcome
    lines = [
        {
            "text": line.text,
            "digits": [
                {
                    "label": digit.label,
                    "confidence": round(digit.confidence, DECIMALS),
                    "status": digit.status,
                    "box": list(digit.box),
                }
                for digit in line.digits
            ],
        }
        for line in page.lines
    ]
    return {
        "name": name,
        "text": page.text,
        "turn": page.turn,
        "width": width,
        "height": height,
        "lines": lines,
        "error": None,
    }


def reason_of(error: DigitwiseError) -> str:
    """Why a picture could not be read."""
    return str(error).removeprefix("the picture: ")


def _as_png(image: UInt8) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
