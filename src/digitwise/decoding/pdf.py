"""Pages of a PDF as images."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digitwise.decoding.opening import MAX_PIXELS, Decoded
from digitwise.decoding.values import decode_colour
from digitwise.errors import DataError, MissingPartError, one_line

DPI = 200  # pixels an inch: handwriting is some 40 pixels high
POINTS = 72  # a PDF's own units an inch

_PDFIUM = threading.Lock()  # the library is not safe to call from two threads


def open_pages(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, dpi: int = DPI, name: str | None = None
) -> Iterator[Decoded]:
    """Render the pages of a PDF, one after another.

    Parameters
    ----------
    source : str, Path or bytes
    max_pixels : int
        Of a page; a larger one is rendered at fewer pixels an inch.
    dpi : int
        Pixels an inch.
    name : str, optional
        What messages call it; by default the path.

    Yields
    ------
    Decoded

    Raises
    ------
    DataError
        If it is no PDF, a damaged one, or one with a password.
    MissingPartError
        If pypdfium2 is not installed.
    """
    name = name or (str(source) if isinstance(source, str | Path) else "the PDF")
    pdfium = _library()
    with _PDFIUM:
        document = _opened(pdfium, source, name)
        pages = len(document)
    try:
        if not pages:
            raise DataError(f"{name}: expected a PDF with pages, got none")
        for place in range(pages):
            with _PDFIUM:
                rendered = _rendered(pdfium, document, place, f"{name}, page {place + 1}", max_pixels, dpi)
            yield rendered
    finally:
        with _PDFIUM:
            document.close()


def _library() -> Any:
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingPartError("reading a PDF needs pypdfium2: pip install 'digitwise[pdf]'") from error
    return pypdfium2


def _opened(pdfium: Any, source: str | Path | bytes, name: str) -> Any:
    try:
        return pdfium.PdfDocument(source if isinstance(source, bytes) else Path(source))
    except (pdfium.PdfiumError, OSError) as error:
        reason = one_line(error)
        locked = "password" in reason.lower()
        raise DataError(
            f"{name}: " + ("the PDF has a password; take it off" if locked else f"damaged PDF: {reason}; replace it")
        ) from error


def _rendered(pdfium: Any, document: Any, place: int, name: str, max_pixels: int, dpi: int) -> Decoded:
    try:
        page = document[place]
        width, height = page.get_size()
        scale = dpi / POINTS
        scale *= min(1.0, math.sqrt(0.99 * max_pixels / max(width * height * scale**2, 1)))
        bitmap = page.render(scale=scale)
        image = decode_colour(bitmap.to_pil())
        bitmap.close()
        page.close()
    except (pdfium.PdfiumError, ValueError, RuntimeError) as error:
        raise DataError(f"{name}: damaged PDF: {one_line(error)}; replace it") from error
    return Decoded(image)
