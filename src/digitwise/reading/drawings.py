"""Images to check a reading: boxes on the photo, and the digits as the model saw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from digitwise.drawing import axes_for
from digitwise.errors import DataError
from digitwise.images import UInt8
from digitwise.outputs import Kind
from digitwise.planes import turned
from digitwise.reading.inputs import file_of, to_draw_on
from digitwise.reading.results import UNSURE, Digit, Page, around

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWINGS = Kind("drawing", "an earlier drawing of digitwise read", option="place")
READ, UNREAD = (0, 90, 200), (220, 70, 0)  # blue and orange: distinguishable for the colour-blind, and no usual ink
OTHER = (140, 140, 140)  # what is not read
HALO = (255, 255, 255)
LEGIBLE = 28  # pixels: a digit that is lower is enlarged with its image
LARGEST = 4_000  # pixels a side up to which an image is enlarged
ENLARGED = 4  # pixels a side for one of the model's input
TRACED = 1_000  # pixels of the longer side of a stand-in, at most
CAPTION, GAP = 13, 10  # pixels: font size, space between two
COLUMNS = 10
PLOTTED, NARROWEST = 8.0, 1.5  # inches of a plot's longer side, and of its shorter one at least


def overlay(image: UInt8, page: Page, scale: float = 1.0) -> Image.Image:
    """Draw boxes and readings on an image.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    page : Page
        Read from it.
    scale : float
        Pixels of the page's boxes for one of the image.

    Returns
    -------
    PIL.Image.Image
        RGB; turned as it was read, enlarged where the digits would be too small to label. What is read surely is
        blue, the rest orange with a question mark; other ink has a grey box, what may be a digit an orange one.
    """
    drawn = Image.fromarray(np.rot90(image, page.turn)).convert("RGB")
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    digits = [replace(digit, box=turned(digit.box, page.turn, size)) for line in page.lines for digit in line.digits]
    height = float(np.median([digit.box[3] - digit.box[1] for digit in digits])) / scale if digits else LEGIBLE
    zoom = max(1, min(math.ceil(LEGIBLE / max(height, 1)), LARGEST // max(drawn.size)))
    if zoom > 1:
        drawn = drawn.resize((drawn.width * zoom, drawn.height * zoom), Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(drawn)
    for other in page.others:
        edges = [edge * zoom / scale for edge in turned(other.box, page.turn, size)]
        canvas.rectangle(edges, outline=UNREAD if other.kind == "digit?" else OTHER, width=max(1, zoom))
    for digit in digits:
        _mark(canvas, digit, zoom / scale, max(12, round(0.55 * height * zoom)))
    return drawn


def plotted(page: Page, ax: Axes | None, image: object) -> Axes:
    """The overlay on axes; see :meth:`~digitwise.reading.results.Page.plot`."""
    decoded = file_of(page.path) if image is None else to_draw_on(image)
    if decoded is None:
        raise DataError.wanted(
            page.path or "page",
            "the image that was read, to draw on it",
            "none" if page.path is None else "no such file any more",
            "give it: plot(image=…), or overlay(image), which without an image draws what the model saw",
            path=page.path,
            argument="image",
        )
    height, width = (round(side * decoded.scale) for side in decoded.image.shape[:2])
    width, height = (height, width) if page.turn % 2 else (width, height)
    shrink = PLOTTED / max(width, height)
    with axes_for(ax, max(NARROWEST, width * shrink), max(NARROWEST, height * shrink)) as axes:
        axes.imshow(overlay(decoded.image, page, decoded.scale), extent=(0, width, height, 0))
        axes.set_axis_off()
    return axes


def traced(page: Page) -> tuple[UInt8, float]:
    """What the model saw of each digit, on white at the digit's place: a stand-in for an image that is not at hand.

    Parameters
    ----------
    page : Page

    Returns
    -------
    (ndarray of uint8 of shape (h, w), float)
        The image, and the pixels of the page's boxes for one of it.
    """
    digits = [digit for number in page.numbers for digit in number.digits]
    boxes = [digit.box for digit in digits] + [other.box for other in page.others]
    right, bottom = around(boxes)[2:] if boxes else (LEGIBLE, LEGIBLE)
    scale = max(1.0, max(right, bottom) / TRACED)
    drawn = Image.new("L", (math.ceil(right / scale) + GAP, math.ceil(bottom / scale) + GAP), 255)
    for digit in digits:
        left, top, *end = (round(edge / scale) for edge in digit.box)
        size = max(1, end[0] - left), max(1, end[1] - top)
        if digit.image is not None:
            seen = Image.fromarray(np.rot90(digit.image, -page.turn)).convert("L")
            drawn.paste(ImageOps.fit(seen, size), (left, top))  # without the margin that made it a square
    return np.asarray(drawn), scale


def _mark(canvas: ImageDraw.ImageDraw, digit: Digit, zoom: float, size: int) -> None:
    """A box with the reading on it; below it where there is no room above."""
    left, top, right, bottom = (edge * zoom for edge in digit.box)
    sure = digit.status == "read"
    colour, text = (READ, digit.label) if sure else (UNREAD, digit.label + UNSURE)
    width = max(1, size // 12)
    canvas.rectangle((left - width, top - width, right + width, bottom + width), outline=colour, width=width)
    above = top - 4 * width > size
    place = ((left + right) / 2, top - 4 * width if above else bottom + 4 * width)
    canvas.text(
        place,
        text,
        fill=colour,
        font=ImageFont.load_default(size),
        anchor="ms" if above else "mt",
        stroke_width=max(1, size // 10),
        stroke_fill=HALO,
    )


def contact_sheet(images: Sequence[UInt8], captions: Sequence[str]) -> Image.Image:
    """Draw the inputs of the model, enlarged, each with a caption below it.

    Parameters
    ----------
    images : sequence of ndarray of uint8, shape (h, w) or (h, w, 3)
        All of one shape.
    captions : sequence of str
        Lines parted by line breaks; what is too long for the column is cut.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    height, width = (side * ENLARGED for side in images[0].shape[:2])
    lines = max(caption.count("\n") + 1 for caption in captions)
    cell = (width + GAP, height + lines * (CAPTION + 3) + GAP)
    columns = min(COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), HALO)
    canvas, font = ImageDraw.Draw(sheet), ImageFont.load_default(CAPTION)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = place % columns * cell[0] + GAP, place // columns * cell[1] + GAP
        sheet.paste(Image.fromarray(image).convert("RGB").resize((width, height), Image.Resampling.NEAREST), (x, y))
        for number, line in enumerate(caption.split("\n")):
            canvas.text((x, y + height + 3 + number * (CAPTION + 3)), _fitting(line, font, width), (0, 0, 0), font)
    return sheet


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    """Shorten a text at its beginning, since file names of one folder differ at the end."""
    while font.getlength(text) > width and len(text) > 1:
        text = "…" + text[2:]
    return text
