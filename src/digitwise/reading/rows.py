"""Readings as plain values: documents for JSON, columns for tables, lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitwise.reading.jobs import Found
from digitwise.reading.results import Digit, Page, Reading, Status
from digitwise.reading.tables import table_of

COLUMNS = ("path", "page", "row", "label", "confidence", "status", "text", "error")
FORM_COLUMNS = ("path", "page", "status", "error")  # and the form's fields


def document_of(found: Found, *, top: bool = False) -> dict[str, Any]:
    """One picture as ``--json`` and JSON lines have it."""
    where = {key: value for key, value in (("page", found.page), ("row", found.row)) if value is not None}
    result = found.result
    if isinstance(result, Page):
        return {
            "path": found.path,
            **where,
            "label": result.label,
            **page_document(result),
            "status": status_of(result),
        }
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


def page_document(page: Page) -> dict[str, Any]:
    """A page's lines, numbers and what else is on it."""
    lines = [{"text": line.text, "digits": [_digit(digit) for digit in line.digits]} for line in page.lines]
    numbers = [
        {
            "text": number.text,
            "written": number.written,
            "confidence": round(number.confidence, 6),
            "status": number.status,
            "box": list(number.box),
        }
        for number in page.numbers
    ]
    others = [
        {"kind": other.kind, "box": list(other.box)}
        | ({} if other.confidence is None else {"confidence": round(other.confidence, 6)})
        for other in page.others
    ]
    document = {"lines": lines, "numbers": numbers, "others": others, "turn": page.turn, "table": _table(page)}
    if page.fields is not None:
        document["fields"] = {
            name: {
                "text": field.text,
                "confidence": None if field.confidence is None else round(field.confidence, 6),
                "status": field.status,
                "box": list(field.box),
            }
            for name, field in page.fields.items()
        }
    return document


def _table(page: Page) -> list[list[str]] | None:
    """The cells of a page's table, row by row; None where it is none."""
    table = None if page.fields is not None else table_of(page)
    return None if table is None else [list(row) for row in table.text]


def _digit(digit: Digit) -> dict[str, Any]:
    return {
        "label": digit.label,
        "confidence": round(digit.confidence, 6),
        "status": digit.status,
        "box": list(digit.box),
    }


def columns_of(found: Found) -> tuple[Any, ...]:
    """One picture as a row of ``COLUMNS``; the confidence of a page is that of its least sure number.

    A page of one digit has that as its label too.
    """
    result = found.result
    if isinstance(result, Page):
        confidence = min((round(number.confidence, 6) for number in result.numbers), default=None)
        return found.path, found.page, found.row, result.label, confidence, status_of(result), result.text, None
    confidence = None if result.confidence is None else round(result.confidence, 6)
    return found.path, found.page, found.row, result.label, confidence, result.status, None, result.error


def form_columns_of(found: Found, fields: Sequence[str]) -> tuple[Any, ...]:
    """One form as a row of ``FORM_COLUMNS`` and its fields."""
    result = found.result
    if not isinstance(result, Page) or result.fields is None:
        error = result.error if isinstance(result, Reading) else None
        return found.path, found.page, status_of(result), error, *[None] * len(fields)
    return found.path, found.page, status_of(result), None, *(result.fields[name].text for name in fields)


def status_of(result: Reading | Page) -> Status:
    """Of a page: read where all numbers are, blank without ink of a digit's size, else unsure; of a form by fields."""
    if isinstance(result, Reading):
        return result.status
    if result.fields is not None:
        statuses = {field.status for field in result.fields.values()}
        return "unsure" if "unsure" in statuses else "read" if "read" in statuses else "blank"
    if not result.numbers:
        return "unsure" if result.has_ink else "blank"
    return "read" if all(number.status == "read" for number in result.numbers) else "unsure"


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
