"""One image out of a file, bytes or a stream, or each page of a PDF; the first bytes tell the kind of file."""

from __future__ import annotations

import importlib
import io
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from digitwise import parts
from digitwise.decoding.modes import decode_colour
from digitwise.errors import DataError, TooLargeError, one_line
from digitwise.files import instead_of_data
from digitwise.images import UInt8

MAX_PIXELS = 50_000_000  # of one image, checked before decoding
MOST_SCANS = 100  # of a JPEG; ten are usual, and each costs as much as decoding the whole
MOST_TIMES_AS_LONG = 4_000  # as wide: no scan of digits is, and a rim around it would be without end
BYTES_A_PIXEL = 8  # of the largest file that is read from a stream: four channels of 16 bits, not compressed
FORMATS = "PNG, JPEG, BMP, TIFF, GIF, WebP or PPM"
LONGEST = 512  # bytes: enough to tell every kind, and what is saved in place of an image

# What Pillow calls a kind, which is also how its module begins. EPS, which would start another program, is not here.
STARTS = (
    (b"\x89PNG\r\n\x1a\n", "Png"),
    (b"\xff\xd8\xff", "Jpeg"),
    (b"BM", "Bmp"),
    (b"GIF87a", "Gif"),
    (b"GIF89a", "Gif"),
    (b"II*\0", "Tiff"),
    (b"MM\0*", "Tiff"),
    (b"II+\0", "Tiff"),
    (b"MM\0+", "Tiff"),
    (b"P4", "Ppm"),
    (b"P5", "Ppm"),
    (b"P6", "Ppm"),
)

Source = str | Path | bytes | BinaryIO
DPI = 200  # pixels an inch: handwriting is some 40 pixels high
POINTS = 72  # a PDF's own units an inch


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image as pixels.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    notes : tuple of str
        Facts that matter for results, such as more images in the file.
    scale : float
        Pixels of the file for each one here, at least 1: more if a JPEG was decoded at a reduced scale.
    origin : (int, int)
        Its left and top in pixels of the file, if it is a part.
    """

    image: UInt8
    notes: tuple[str, ...] = ()
    scale: float = 1.0
    origin: tuple[int, int] = (0, 0)


def open_image(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    at_least: int | None = None,
    name: str | None = None,
    decode: Callable[[Image.Image], UInt8] = decode_colour,
) -> Decoded:
    """Decode one image.

    Parameters
    ----------
    source : str, Path, bytes or binary stream
        PNG, JPEG, BMP, TIFF, GIF, WebP or PPM, detected by content.
    max_pixels : int
        A larger image is refused before it is decoded.
    at_least : int, optional
        Pixels of the longer side that are enough: a larger JPEG may be decoded at a half, a quarter or an eighth, which
        is faster.
    name : str, optional
        What messages call it; by default the path.
    decode : function of a PIL image to uint8 (h, w) or (h, w, 3)

    Returns
    -------
    Decoded

    Raises
    ------
    DataError
        If it cannot be read, is no image or a damaged one.
    TooLargeError
        If it has more pixels; nothing was decoded.
    """
    name = name or (str(source) if isinstance(source, str | Path) else "the image")
    with _quiet(max_pixels), _bytes_of(source, name, max_pixels) as file:
        start = file.read(LONGEST)
        kind = _kind_of(start)
        if kind is None:
            told = f"{name}: not an image: {_what_instead(start)}"
            raise DataError(told, path=name, argument="x", expected="an image", got=_what_instead(start))
        file.seek(0)
        if kind == "Jpeg":
            _refuse_scans(file, name)
        try:
            importlib.import_module(f"PIL.{kind}ImagePlugin")
            with Image.open(file, formats=[kind]) as image:
                return _decoded(image, name, max_pixels, at_least, decode)
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            size = re.search(r"\((\d+) pixels\)", str(error))
            raise TooLargeError(f"{name}: {_too_large(max_pixels, f'{int(size[1]):,}' if size else 'more')}") from error
        except UnidentifiedImageError as error:
            raise DataError(f"{name}: damaged image: its header makes no sense; replace it") from error
        except Exception as error:  # damaged files raise whatever their parsing meets
            raise DataError(f"{name}: damaged image: {one_line(error, 160)}; replace it") from error


def _decoded(
    image: Image.Image,
    name: str,
    max_pixels: int,
    at_least: int | None,
    decode: Callable[[Image.Image], UInt8],
) -> Decoded:
    if image.width * image.height > max_pixels:
        raise TooLargeError(f"{name}: {_too_large(max_pixels, f'{image.width}x{image.height}')}")
    refuse_long(image.width, image.height, name)
    notes = ("the first of several images in it",) if _is_animated(image) else ()
    whole = max(image.size)
    if at_least is not None and image.format in ("JPEG", "MPO"):
        share = at_least / whole
        image.draft(None, (max(1, round(image.width * share)), max(1, round(image.height * share))))
    values = decode(image)
    if not values.size:
        raise DataError(f"{name}: damaged image: it has no pixels; replace it")
    return Decoded(values, notes, whole / max(values.shape[:2]))


MARKER = re.compile(rb"\xff([^\0\xd0-\xd7\xff])")  # of a JPEG, but those amid a scan


def _refuse_scans(file: IO[bytes], name: str) -> None:
    """Refuse a JPEG of very many scans: of 20 megabytes there can be a million, each of all pixels anew."""
    content, scans, at = file.read(), 0, 0
    file.seek(0)
    while (found := MARKER.search(content, at)) and found[1] != b"\xd9":
        at = found.end()
        if found[1] not in b"\xd8\x01":  # these alone have no length
            at += max(2, int.from_bytes(content[at : at + 2], "big"))
        scans += found[1] == b"\xda"
        if scans > MOST_SCANS:
            wanted = f"a JPEG of at most {MOST_SCANS} scans"
            raise DataError.wanted(name, wanted, "more", "save it anew, not as a progressive one")


def refuse_long(width: int, height: int, name: str) -> None:
    """Refuse an image that is too long for its width.

    Raises
    ------
    DataError
    """
    if max(width, height) > MOST_TIMES_AS_LONG * max(1, min(width, height)):
        wanted = f"an image at most {MOST_TIMES_AS_LONG:,} times as long as wide"
        raise DataError.wanted(name, wanted, f"{width:,}x{height:,}", "cut it into parts")


def _is_animated(image: Image.Image) -> bool:
    """Whether more images follow; the others in a phone's JPEG are previews and depth maps."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


@contextmanager
def _bytes_of(source: Source, name: str, max_pixels: int) -> Iterator[IO[bytes]]:
    """A seekable stream."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, str | Path):
        try:
            file = Path(source).open("rb")  # noqa: SIM115  # closed below; an error in it is not one of opening
        except (OSError, ValueError) as error:  # a null byte in the name is a ValueError
            reason = getattr(error, "strerror", None) or str(error)
            told: dict[str, Any] = {"path": name, "expected": "a file", "got": reason}
            raise DataError(f"{name}: cannot be read: {reason}", **told) from error
        with file:
            yield file if file.seekable() else _held(file, name, max_pixels)
    else:
        yield _held(source, name, max_pixels)


def _held(stream: IO[bytes], name: str, max_pixels: int) -> io.BytesIO:
    most = max_pixels * BYTES_A_PIXEL + 2**20
    content = stream.read(most + 1)
    if len(content) > most:
        raise TooLargeError(f"{name}: {_too_large(max_pixels, f'more than {most:,} bytes')}")
    return io.BytesIO(content)


def _too_large(max_pixels: int, came: str) -> str:
    do = "scale it down or allow more (max_pixels=, --max-pixels)"
    return f"too large: expected at most {max_pixels:,} pixels, got {came}; {do}"


def _kind_of(start: bytes) -> str | None:
    """Pillow's name for the kind of image that begins with these bytes; None for what is no image."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    return next((kind for mark, kind in STARTS if start.startswith(mark)), None)


def is_pdf(start: bytes) -> bool:
    """Whether a file begins as a PDF does."""
    return start.startswith(b"%PDF-")


def _what_instead(start: bytes) -> str:
    """What a file that is no image contains, and what to do."""
    if not start:
        return "the file is empty; replace it"
    if start[4:8] == b"ftyp":
        return f"its content is {start[8:12].decode('latin-1').strip().upper()}; save it as JPEG or PNG"
    if instead := instead_of_data(start):
        return f"its content is {instead}"
    if is_pdf(start):
        return "its content is a PDF; give it to digitwise read, or save its pages as PNG"
    return f"its content is no {FORMATS}; replace it"


class _Scope:
    """Suppresses Pillow's warnings, and raises its pixel limit to ours.

    Shared by all decoding threads: filters and limit are global to the process, so the last thread resets them.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.filters = warnings.catch_warnings()  # one an entry: it cannot be entered twice
        self.limit: int | None = None

    def enter(self, max_pixels: int) -> None:
        with self.lock:
            if not self.inside:
                self.filters, self.limit = warnings.catch_warnings(), Image.MAX_IMAGE_PIXELS
                self.filters.__enter__()
                warnings.simplefilter("ignore")
            self.inside += 1
            if Image.MAX_IMAGE_PIXELS is not None:  # Pillow warns from here on and refuses from twice that
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.filters.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = self.limit


_SCOPE = _Scope()


@contextmanager
def _quiet(max_pixels: int) -> Iterator[None]:
    """Decode without warnings, up to ``max_pixels``; in any number of threads at once."""
    _SCOPE.enter(max_pixels)
    try:
        yield
    finally:
        _SCOPE.leave()


_PDFIUM = threading.Lock()  # the library is not safe to call from two threads


def open_pages(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, most: int | None = None, name: str | None = None
) -> Iterator[Decoded]:
    """Render the pages of a PDF, one after another.

    Parameters
    ----------
    source : str, Path or bytes
    max_pixels : int
        Of a page; a larger one is rendered at fewer than :data:`DPI` pixels an inch.
    most : int, optional
        Pages; a PDF with more is refused before one is rendered.
    name : str, optional
        What messages call it; by default the path.

    Yields
    ------
    Decoded

    Raises
    ------
    DataError
        If it is no PDF, a damaged one, or one with a password.
    TooLargeError
        If it has more pages.
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
            raise DataError.wanted(name, "a PDF with pages", "none")
        if most is not None and pages > most:
            raise TooLargeError.wanted(name, f"at most {most:,} pages", f"{pages:,}", "split it")
        for place in range(pages):
            with _PDFIUM:
                rendered = _rendered(pdfium, document, place, f"{name}, page {place + 1}", max_pixels)
            yield rendered
    finally:
        with _PDFIUM:
            document.close()


def _library() -> Any:
    return parts.imported("pypdfium2", "reading a PDF")


def _opened(pdfium: Any, source: str | Path | bytes, name: str) -> Any:
    try:
        return pdfium.PdfDocument(source if isinstance(source, bytes) else Path(source))
    except (pdfium.PdfiumError, OSError) as error:
        reason = one_line(error)
        locked = "password" in reason.lower()
        raise DataError(
            f"{name}: " + ("the PDF has a password; take it off" if locked else f"damaged PDF: {reason}; replace it")
        ) from error


def _rendered(pdfium: Any, document: Any, place: int, name: str, max_pixels: int) -> Decoded:
    try:
        page = document[place]
        width, height = page.get_size()
        scale = DPI / POINTS
        scale *= min(1.0, math.sqrt(0.99 * max_pixels / max(width * height * scale**2, 1)))
        bitmap = page.render(scale=scale)
        image = decode_colour(bitmap.to_pil())
        bitmap.close()
        page.close()
    except (pdfium.PdfiumError, ValueError, RuntimeError) as error:
        raise DataError(f"{name}: damaged PDF: {one_line(error)}; replace it") from error
    return Decoded(image)
