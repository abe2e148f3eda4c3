"""Printed letters, in the fonts that matplotlib brings: the same everywhere, unlike a system's."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import UInt8

FRAME, SIZE = 72, 40  # pixels: side of a printed letter's image, and size of its font


@functools.cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name, ``size`` pixels large."""
    return ImageFont.truetype(font_folder() / f"{name}.ttf", size)


@functools.cache
def font_folder() -> Path:
    """Where matplotlib's fonts lie."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def printed(letter: str, name: str) -> UInt8:
    """A letter in the middle of an image, uint8 (72, 72), light on dark."""
    image = Image.new("L", (FRAME, FRAME), 0)
    ImageDraw.Draw(image).text((FRAME // 2, FRAME // 2), letter, 255, font(name, SIZE), anchor="mm")
    return np.asarray(image)
