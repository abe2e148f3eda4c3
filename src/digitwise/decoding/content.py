"""What kind of picture a file is, by its first bytes: suffixes lie."""

from __future__ import annotations

FORMATS = "PNG, JPEG, BMP, TIFF, GIF, WebP or PPM"
LONGEST = 16  # bytes: enough to tell every kind

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


def kind_of(start: bytes) -> str | None:
    """Pillow's name for the kind of picture that begins with these bytes; None for what is no picture."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    return next((kind for mark, kind in STARTS if start.startswith(mark)), None)


def is_pdf(start: bytes) -> bool:
    """Whether a file begins as a PDF does."""
    return start.startswith(b"%PDF-")


def what_instead(start: bytes) -> str:
    """What a file that is no picture holds, and what to do about it."""
    if not start:
        return "the file is empty; replace it"
    if start[4:8] == b"ftyp":
        return f"its content is {start[8:12].decode('latin-1').strip().upper()}; save it as JPEG or PNG"
    if is_pdf(start):
        return "its content is a PDF; give it to digitwise read, or save its pages as PNG"
    return f"its content is no {FORMATS}; replace it"
