"""Makes the images that the pages of the docs read: ``python -m docs.samples FOLDER``.

The digits are those of scikit-learn, so nothing is downloaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SEED = 5
FORM = 1000, 1400  # pixels of a form
TEMPLATE = r"""marks = [[3, 3], [97, 3], [3, 97], [97, 97]]

[fields.amount]
box = [60, 10, 30, 8]
pattern = '\d+\.\d\d'

[fields.postcode]
box = [10, 20, 40, 6]
expect = 5
"""


def make(folder: Path) -> None:
    """Write the images, the folder ``scans`` of labelled ones, and the template of the form."""
    from benchmarks.made_pages import page_of
    from digitwise.data import load
    from digitwise.synthetic.scans import scan_of

    test = load("digits").test
    rng = np.random.default_rng(SEED)
    first = [np.flatnonzero(test.labels == label)[:3] for label in range(10)]
    for label, places in enumerate(first):
        (folder / "scans" / str(label)).mkdir(parents=True)
        for place in places.tolist():
            scan = Image.fromarray(scan_of(test.images[place], rng=rng))
            scan.save(folder / "scans" / str(label) / f"{place}.png")
    digits = [test.images[places[0]] for places in first]
    pasted(Image.new("L", (200, 240), 235), digits, "7", (50, 60)).save(folder / "seven.png")
    page = page_of(test.images[:24], test.labels[:24], rng=rng)
    Image.fromarray(page.image).save(folder / "photo.png")
    pasted(Image.new("L", (1200, 500), 240), digits, "250.00", (740, 70)).save(folder / "cheque.jpg")
    ledger = Image.new("L", (900, 600), 240)
    for row, cells in enumerate((("12.50", "3"), ("4.75", ""), ("", "71"))):
        for column, text in enumerate(cells):
            pasted(ledger, digits, text, (100 + 400 * column, 80 + 150 * row))
    ledger.save(folder / "ledger.jpg")
    form(digits).save(folder / "form.jpg")
    (folder / "form.toml").write_text(TEMPLATE, encoding="utf-8")


def form(digits: list[np.ndarray]) -> Image.Image:
    """A filled-in form with four marks."""
    sheet = Image.new("L", FORM, 245)
    pen = ImageDraw.Draw(sheet)
    for x, y in ((0.03, 0.03), (0.97, 0.03), (0.03, 0.97), (0.97, 0.97)):
        left, top = x * FORM[0], y * FORM[1]
        pen.rectangle((left - 12, top - 12, left + 12, top + 12), fill=15)
    pasted(sheet, digits, "48.20", (620, 150))
    return pasted(sheet, digits, "10115", (120, 290))


def pasted(
    sheet: Image.Image, digits: list[np.ndarray], text: str, at: tuple[int, int], *, side: int = 84
) -> Image.Image:
    """The sheet with a number on it, dark ink; ``at`` is its left and top in pixels."""
    left, top = at
    for sign in text:
        if sign == ".":
            place = (left + 4, top + side - 18, left + 14, top + side - 8)
            ImageDraw.Draw(sheet).ellipse(place, fill=30)
            left += side // 4
            continue
        ink = Image.fromarray(digits[int(sign)]).resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(30, (left, top), ink)
        left += side * 2 // 3
    return sheet


if __name__ == "__main__":
    make(Path(sys.argv[1]))
