"""Readings as plain values: documents for JSON, columns for tables, lines for people."""

from __future__ import annotations

from typing import Any

from digitwise.reading.jobs import Found
from digitwise.reading.results import Page, Reading, Status

COLUMNS = ("path", "page", "row", "label", "confidence", "status", "text", "error")


def document_of(found: Found, *, top: bool = False) -> dict[str, Any]:
    """One picture as ``--json`` and JSON lines have it."""
    where = {key: value for key, value in (("page", found.page), ("row", found.row)) if value is not None}
    result = found.result
    if isinstance(result, Page):
        lines = [
            {
                "text": line.text,
                "digits": [
                    {"label": digit.label, "confidence": round(digit.confidence, 6), "box": list(digit.box)}
                    for digit in line.digits
                ],
            }
            for line in result.lines
        ]
        return {"path": found.path, **where, "lines": lines}
    if found.of_lines:
        return {"path": found.path, **where, "lines": [], "status": result.status, "error": result.error}
    document: dict[str, Any] = {
        "path": found.path,
        **where,
        "label": result.label,
        "confidence": None if result.confidence is None else round(result.confidence, 6),
        "status": result.status,
    }
    if top:
        document["top"] = [{"label": label, "confidence": round(share, 6)} for label, share in result.top]
    return document | ({} if result.error is None else {"error": result.error})


def columns_of(found: Found) -> tuple[Any, ...]:
    """One picture as a row of ``COLUMNS``; the confidence of a page is that of its least sure digit."""
    result = found.result
    if isinstance(result, Page):
        digits = [digit for line in result.lines for digit in line.digits]
        confidence = min((round(digit.confidence, 6) for digit in digits), default=None)
        return found.path, found.page, found.row, None, confidence, status_of(result), result.text, None
    confidence = None if result.confidence is None else round(result.confidence, 6)
    return found.path, found.page, found.row, result.label, confidence, result.status, None, result.error


def status_of(result: Reading | Page) -> Status:
    """Of a page: blank without digits, read where all of them are."""
    if isinstance(result, Reading):
        return result.status
    digits = [digit for line in result.lines for digit in line.digits]
    if not digits:
        return "blank"
    return "read" if all(digit.status == "read" for digit in digits) else "unsure"


def reading_line(reading: Reading, *, top: bool = False) -> str:
    """A reading in words: ``7  99.8 %``, ``7  61.2 %  unsure``, ``blank`` or ``error  why``."""
    if reading.status == "error":
        return f"error  {reading.error}"
    if reading.status == "blank":
        return "blank"
    said = ", ".join(f"{label}  {_percent(share)}" for label, share in reading.top[: None if top else 1])
    return said + ("  unsure" if reading.status == "unsure" else "")


def _percent(share: float) -> str:
    """One decimal, and never a hundred: nothing is that sure."""
    return f"{min(share, 0.999):.1%}".replace("%", " %")
