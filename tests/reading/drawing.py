"""Pages drawn for tests: scikit-learn's digits, enlarged, on paper of any kind."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

HEIGHT = 40  # pixels of a digit


def _glyphs() -> list[np.ndarray]:
    """One well-formed digit of each kind in one piece, float32 (HEIGHT, about HEIGHT), 0 to 1."""
    from scipy.ndimage import label

    data = load_digits()
    found: dict[int, np.ndarray] = {}
    for digit in range(10):
        of_kind = data.images[data.target == digit]
        usual = np.argsort(((of_kind - of_kind.mean(axis=0)) ** 2).sum(axis=(1, 2)))
        for image in of_kind[usual]:
            large = np.asarray(Image.fromarray(np.uint8(image * 15.9)).resize((48, 48), Image.Resampling.BICUBIC))
            ink = np.clip((large.astype(np.float32) - 100) / 60, 0, 1)
            if label(ink > 0.3)[1] == 1:
                ys, xs = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
                found[digit] = ink[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
                break
    return [found[digit] for digit in range(10)]


GLYPHS = _glyphs()


def write(ink: np.ndarray, text: str, left: int, top: int, *, gap: int = 14) -> list[tuple[int, int, int, int]]:
    """Write digits into ``ink`` (h, w), spaces as wide gaps; the box of each digit."""
    boxes = []
    for sign in text:
        if sign == " ":
            left += 3 * HEIGHT
            continue
        glyph = GLYPHS[int(sign)]
        high, wide = glyph.shape
        place = ink[top : top + high, left : left + wide]
        np.maximum(place, glyph, out=place)
        boxes.append((left, top, left + wide, top + high))
        left += wide + gap
    return boxes


def page(lines: tuple[str, ...] = ("31415", "92653"), *, shape: tuple[int, int] = (420, 620)) -> np.ndarray:
    """The ink of a page, float32 (h, w), 0 to 1: one text a line, 90 pixels apart."""
    ink = np.zeros(shape, np.float32)
    for i, text in enumerate(lines):
        write(ink, text, 80 + 15 * i, 80 + 90 * i)
    return ink


def photo(ink: np.ndarray, *, paper: object = 225.0, pen: object = 45.0, noise: float = 2.0) -> np.ndarray:
    """Ink (h, w) in a pen's shade or colour on paper's, with noise, uint8 (h, w) or (h, w, 3)."""
    ground, colour = np.asarray(paper, np.float32), np.asarray(pen, np.float32)
    amount = ink[..., None] if max(ground.ndim, colour.ndim) == 1 or ground.ndim == 3 else ink
    values = ground * (1 - amount) + colour * amount
    values = values + np.random.default_rng(0).normal(size=values.shape) * noise
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def table_image() -> np.ndarray:
    """A photo of three rows of three cells, the middle one empty."""
    ink = np.zeros((500, 700), np.float32)
    for row, texts in enumerate((("31", "475", "2"), ("7", "", "4435"), ("24", "77", "31"))):
        for column, text in enumerate(texts):
            write(ink, text, 60 + 220 * column, 60 + 110 * row)
    return photo(ink)
