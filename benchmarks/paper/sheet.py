"""One PNG of the images that were not read right, to look at kinds of failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.measure import Row
from digitwise.files import expanded
from digitwise.images import UInt8

TILE = 230, 120  # pixels of an image
CAPTION = 44  # pixels below it, for three lines of text
COLUMNS = 7
SURE, UNSURE = (190, 0, 0), (0, 0, 0)  # a sure reading that is wrong is red


@dataclass(frozen=True, eq=False)
class Failed:
    """A small image, and what is said below it."""

    image: Image.Image
    lines: tuple[str, ...]
    sure: bool


def failed_of(image: UInt8, row: Row) -> Failed:
    """A tile; small images are shown larger."""
    pillow = Image.fromarray(image).convert("RGB")
    scale = min(TILE[0] / pillow.width, TILE[1] / pillow.height, 4)
    size = max(1, round(pillow.width * scale)), max(1, round(pillow.height * scale))
    lines = (f"{row['name']} {row['seed']}", f"truth {row['truth']}", f"{row['reader']} {row['text'] or 'nothing'}")
    return Failed(pillow.resize(size, Image.Resampling.BILINEAR), lines, bool(row["sure"]))


def write_sheet(file: Path, failed: Sequence[Failed]) -> None:
    """Write the tiles, row by row; says how many there are."""
    width, height = TILE[0] + 10, TILE[1] + CAPTION + 10
    rows = max(1, -(-len(failed) // COLUMNS))
    sheet = Image.new("RGB", (width * COLUMNS, height * rows), (225, 225, 215))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, each in enumerate(failed):
        left, top = place % COLUMNS * width + 5, place // COLUMNS * height + 5
        sheet.paste(each.image, (left, top))
        for number, line in enumerate(each.lines):
            pen.text((left, top + TILE[1] + 14 * number), line[:38], SURE if each.sure else UNSURE, font)
    sheet.save(expanded(file))
    print(f"{file}: {len(failed)} images not read right")
