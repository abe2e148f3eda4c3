"""Decoding of files or their bytes to pixels, with limits before decoding and errors of one line.

NumPy and Pillow only; pages of a PDF by pypdfium2, an extra.
"""

from __future__ import annotations

from digitwise.decoding.modes import decode, decode_colour, decode_opened
from digitwise.decoding.opening import MAX_PIXELS, Decoded, open_image, open_pages

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}  # of images in a data set
READ_SUFFIXES = SUFFIXES | {".gif", ".webp", ".pbm", ".pgm", ".ppm", ".pdf"}  # looked for in a folder to be read

__all__ = [
    "MAX_PIXELS",
    "READ_SUFFIXES",
    "SUFFIXES",
    "Decoded",
    "decode",
    "decode_colour",
    "decode_opened",
    "open_image",
    "open_pages",
]
