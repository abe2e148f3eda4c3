"""Pages without any digit: noise, halftone, moiré, music, print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, UInt8
from digitwise.synthetic.noise import smooth_noise

SHAPE = 1_400, 1_000  # of a page
PAGES = 4  # of each kind
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral")
TEXT = (
    "The parish register of births and deaths was kept with great care by the clerk . Sphinx of black quartz , judge "
    "my vow . Pack my box with five dozen liquor jugs . All sums are in pounds , to be paid in full at the end of the "
    "month . Signed before us , Oslo , in the hall of records . Bills lost or soiled will be sold again"
)


def page_without_digits(kind: str, seed: int) -> tuple[UInt8, str]:
    """A page, uint8 (h, w), and its truth, which is nothing."""
    rng = np.random.default_rng([3, list(KINDS).index(kind), seed])
    return KINDS[kind](rng), ""


def _noise(rng: np.random.Generator) -> UInt8:
    """Of a grain from one pixel to eight, weak or strong."""
    field = smooth_noise(SHAPE, float(rng.choice((1, 2, 4, 8))), rng=rng)
    return _grey(128 + rng.uniform(20, 90) * field)


def _halftone(rng: np.random.Generator) -> UInt8:
    """A grey image as a press prints it: dots on a turned grid, larger where it is darker."""
    dots = _wave(rng.uniform(5, 14), np.pi / 4, rng) + _wave(rng.uniform(5, 14), -np.pi / 4, rng)
    return _grey(255 * (dots / 2 > 0.6 * smooth_noise(SHAPE, 300, rng=rng)))


def _moire(rng: np.random.Generator) -> UInt8:
    """Two gratings that are nearly one."""
    period, angle = rng.uniform(4, 9), rng.uniform(0, np.pi)
    other = _wave(period * rng.uniform(0.92, 1.08), angle + rng.uniform(0.02, 0.15), rng)
    return _grey(170 + 60 * _wave(period, angle, rng) * other)


def _wave(period: float, angle: float, rng: np.random.Generator) -> Float32:
    """A sine across the page, -1 to 1."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    along = x * np.cos(angle) + y * np.sin(angle)
    return np.asarray(np.sin(2 * np.pi * along / period + rng.uniform(0, 6)), np.float32)


def _music(rng: np.random.Generator) -> UInt8:
    """Staves of five lines, bars, and notes with stems and flags."""
    page = Image.new("L", SHAPE[::-1], 250)
    pen = ImageDraw.Draw(page)
    space = int(rng.integers(9, 16))
    for top in range(80, SHAPE[0] - 8 * space, 9 * space):
        for line in range(5):
            pen.line((60, top + line * space, SHAPE[1] - 60, top + line * space), 40, 2)
        for x in range(100, SHAPE[1] - 80, 4 * space):
            if rng.random() < 0.2:
                pen.line((x, top, x, top + 4 * space), 40, 2)
            else:
                _note(pen, x, top + int(rng.integers(-1, 10)) * space // 2, space, rng)
    return np.asarray(page)


def _note(pen: ImageDraw.ImageDraw, x: int, y: int, space: int, rng: np.random.Generator) -> None:
    """Full or hollow, its stem up or down, some with a flag."""
    half = space // 2
    pen.ellipse((x - half - 2, y - half, x + half + 2, y + half), 20 if rng.random() < 0.6 else None, 20, 2)
    up = 1 if rng.random() < 0.5 else -1
    stem, end = x + up * (half + 1), y - up * 3 * space
    pen.line((stem, y, stem, end), 20, 2)
    if rng.random() < 0.3:
        pen.line((stem, end, stem + space, end + up * space), 20, 3)


def _print(rng: np.random.Generator) -> UInt8:
    """Words in one of matplotlib's fonts, from small print to a heading."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    height = int(rng.integers(16, 48))
    font = ImageFont.truetype(folder / f"{rng.choice(FONTS)}.ttf", height)
    page = Image.new("L", SHAPE[::-1], 250)
    pen = ImageDraw.Draw(page)
    for top in range(80, SHAPE[0] - 2 * height, round(1.5 * height)):
        words = " ".join(rng.choice(TEXT.split(), 1_800 // height))
        while pen.textlength(words, font) > SHAPE[1] - 120:
            words = words.rpartition(" ")[0]
        pen.text((60, top), words, 20, font)
    return np.asarray(page)


def _grey(values: np.ndarray) -> UInt8:
    return np.asarray(values.clip(0, 255), np.uint8)


KINDS: dict[str, Callable[[np.random.Generator], UInt8]] = {
    "noise": _noise,
    "halftone": _halftone,
    "moiré": _moire,
    "music": _music,
    "print": _print,
}
