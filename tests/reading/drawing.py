"""Pages drawn for tests: scikit-learn's digits, enlarged, on paper of any kind."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from digitwise.reading.pages.numbers import read_page

HEIGHT = 40  # pixels of a digit


def _glyphs() -> list[np.ndarray]:
    """One well-formed digit of each kind in one piece, float32 (HEIGHT, about HEIGHT), 0 to 1."""
    from scipy.ndimage import label

    data = load_digits()
    found: dict[int, np.ndarray] = {}
    for picture, digit in zip(data.images, data.target, strict=True):
        large = np.asarray(Image.fromarray(np.uint8(picture * 15.9)).resize((48, 48), Image.Resampling.BICUBIC))
        ink = np.clip((large.astype(np.float32) - 100) / 60, 0, 1)
        if int(digit) not in found and label(ink > 0.3)[1] == 1:
            ys, xs = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
            found[int(digit)] = ink[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
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


def by_likeness(images: np.ndarray) -> np.ndarray:
    """A classifier without training: how alike pictures (n, 28, 28) are to the glyphs, float32 (n, 10)."""
    from digitwise.normalize import centred

    def unit(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(len(values), -1).astype(np.float32)
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1))

    known = unit(np.stack([centred(np.pad(glyph, 2)) for glyph in GLYPHS]))
    likeness = np.exp(30 * (unit(images) @ known.T - 1))  # (n, 10)
    rest = np.maximum(1 - likeness.max(axis=1, keepdims=True), 0) / 10  # what is like none is anything
    return np.asarray((likeness + rest) / (likeness + rest).sum(axis=1, keepdims=True), np.float32)


def text_of(lines: object) -> list[str]:
    """What was read, a text a line."""
    return ["".join(str(int(digit.probabilities.argmax())) for digit in line) for line in lines]  # type: ignore[attr-defined]


def find_digits(picture, probabilities):
    """The digits of a page that is the right way up, in lines."""
    return [list(line.digits) for line in read_page(picture, probabilities, turn=0).lines]
