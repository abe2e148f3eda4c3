"""Lines of digits on paper, and the same with more around them: a margin, a frame, a rule, a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]  # left, top, right and bottom
WORDS = ("Total", "Name", "Betrag", "kg", "No.", "Sum", "paid", "Euro", "Datum", "am")
ROOM = 6  # heights of paper on each side of a line, most of it out of view


@dataclass(frozen=True)
class Strip:
    """A line of digits on more paper than is in view.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
        From 0 to 1.
    noise : ndarray of float32, shape (h, w)
        Grey levels.
    paper, pen : float
        Grey levels.
    labels : str
    boxes : tuple of Box
        Of the digits.
    view : tuple of int
        Left, top, right and bottom of what is in view.
    height : int
        Of a digit.
    """

    ink: np.ndarray
    noise: np.ndarray
    paper: float
    pen: float
    labels: str
    boxes: tuple[Box, ...]
    view: tuple[int, int, int, int]
    height: int

    @property
    def image(self) -> np.ndarray:
        """What is in view, uint8."""
        left, top, right, bottom = self.view
        values = self.paper + (self.pen - self.paper) * self.ink + self.noise
        return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)[top:bottom, left:right]

    def seen(self, box: Box) -> Box:
        """A box in the pixels of what is in view."""
        x, y = self.view[:2]
        return box[0] - x, box[1] - y, box[2] - x, box[3] - y

    def wider(self, sides: tuple[float, float, float, float]) -> Strip:
        """More of the paper in view, in heights to each side."""
        moved = [round(side * self.height) for side in sides]
        left, top, right, bottom = self.view
        high, wide = self.ink.shape
        view = (
            max(left - moved[0], 0),
            max(top - moved[1], 0),
            min(right + moved[2], wide),
            min(bottom + moved[3], high),
        )
        return replace(self, view=view)

    def inked(self, *boxes: tuple[int, int, int, int]) -> Strip:
        """With filled boxes of ink."""
        ink = self.ink.copy()
        for left, top, right, bottom in boxes:
            ink[max(top, 0) : bottom, max(left, 0) : right] = 1
        return replace(self, ink=ink)


def strip(glyphs: list[np.ndarray], labels: str, *, rng: np.random.Generator, height: int | None = None) -> Strip:
    """A line of glyphs, each float32 (h, w) cut at its ink, of any size, spacing, shades and noise."""
    tall = int(rng.integers(16, 71)) if height is None else height
    gap, room = rng.uniform(0.12, 0.5) * tall, ROOM * tall
    parts = [_scaled(glyph, tall * rng.uniform(0.88, 1.12)) for glyph in glyphs]
    total = sum(part.shape[1] for part in parts) + round(gap) * len(parts)
    ink = np.zeros((2 * room + round(1.5 * tall), 2 * room + total), np.float32)
    left, boxes = float(room), []
    for part in parts:
        high, wide = part.shape
        top, x = room + round(tall * rng.uniform(-0.06, 0.06)), round(left)
        ink[top : top + high, x : x + wide] = np.maximum(ink[top : top + high, x : x + wide], part)
        boxes.append((x, top, x + wide, top + high))
        left += wide + gap
    paper, pen = (float(rng.uniform(low, high)) for low, high in ((185, 250), (10, 100)))
    if rng.random() < 0.15:
        paper, pen = 255 - paper, 255 - pen
    edge = [round(tall * rng.uniform(0.3, 1.2)) for _ in range(4)]
    ends = np.array(boxes)
    low, high = ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)
    view = int(low[0]) - edge[0], int(low[1]) - edge[1], int(high[0]) + edge[2], int(high[1]) + edge[3]
    noise = rng.normal(0, rng.uniform(0, 7), ink.shape).astype(np.float32)
    return Strip(ink, noise, paper, pen, labels, tuple(boxes), view, tall)


def _scaled(glyph: np.ndarray, height: float) -> np.ndarray:
    size = max(2, round(glyph.shape[1] * height / glyph.shape[0])), max(2, round(height))
    return np.clip(np.asarray(Image.fromarray(glyph).resize(size, Image.Resampling.BICUBIC)), 0, 1)


def margin(strip: Strip, rng: np.random.Generator) -> Strip:
    """More paper around it."""
    return strip.wider(tuple(rng.uniform(0.2, 4, 4)))


def frame(strip: Strip, rng: np.random.Generator) -> Strip:
    """A frame where the image ended, and paper around that."""
    left, top, right, bottom = strip.view
    thick = _thick(strip, rng)
    sides = [
        (left - thick, top - thick, right + thick, top),
        (left - thick, bottom, right + thick, bottom + thick),
        (left - thick, top, left, bottom),
        (right, top, right + thick, bottom),
    ]
    return strip.inked(*sides).wider(tuple(rng.uniform(0.3, 2, 4)))


def under(strip: Strip, rng: np.random.Generator) -> Strip:
    """A rule under it."""
    y = round(max(box[3] for box in strip.boxes) + strip.height * rng.uniform(0.15, 0.6))
    return _ruled(strip, y, rng)


def over(strip: Strip, rng: np.random.Generator) -> Strip:
    """A rule over it."""
    y = round(min(box[1] for box in strip.boxes) - strip.height * rng.uniform(0.15, 0.6)) - _thick(strip, rng)
    return _ruled(strip, y, rng)


def across(strip: Strip, rng: np.random.Generator) -> Strip:
    """A standing rule through the margin on one side, from edge to edge of the image."""
    wide = strip.wider(tuple(rng.uniform(1, 2.5, 4)))
    _, top, _, bottom = wide.view
    thick, away = _thick(strip, rng), round(strip.height * rng.uniform(0.2, 0.9))
    ends = strip.boxes[0][0] - away - thick, strip.boxes[-1][2] + away
    x = round(ends[int(rng.integers(2))])
    return wide.inked((x, top, x + thick, bottom))


def word(strip: Strip, rng: np.random.Generator) -> Strip:
    """A printed word beside it, over it or under it."""
    text = WORDS[int(rng.integers(len(WORDS)))]
    size = max(9, round(strip.height * rng.uniform(0.6, 1.8)))
    font = ImageFont.load_default(size)
    box = [round(edge) for edge in font.getbbox(text)]
    shape = box[3] - box[1] + 2, box[2] - box[0] + 2
    drawn = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(drawn).text((1 - box[0], 1 - box[1]), text, fill=255, font=font)
    part = np.asarray(drawn, np.float32) / 255
    ends = np.array(strip.boxes)
    (x0, y0), (x1, y1) = ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)
    away = round(strip.height * rng.uniform(0.4, 1.5))
    places = (
        (x0 - away - shape[1], y1 - shape[0]),
        (x1 + away, y1 - shape[0]),
        (x0, y0 - away - shape[0]),
        (x0, y1 + away),
    )
    x, y = (int(edge) for edge in places[int(rng.integers(len(places)))])
    ink = strip.ink.copy()
    part = part[max(-y, 0) :, max(-x, 0) :]
    x, y = max(x, 0), max(y, 0)
    place = ink[y : y + part.shape[0], x : x + part.shape[1]]
    np.maximum(place, part[: place.shape[0], : place.shape[1]], out=place)
    view = (
        max(min(strip.view[0], x - strip.height // 2), 0),
        max(min(strip.view[1], y - strip.height // 2), 0),
        min(max(strip.view[2], x + part.shape[1] + strip.height // 2), ink.shape[1]),
        min(max(strip.view[3], y + part.shape[0] + strip.height // 2), ink.shape[0]),
    )
    return replace(strip, ink=ink, view=view)


def _thick(strip: Strip, rng: np.random.Generator) -> int:
    return int(rng.integers(1, max(2, round(0.12 * strip.height)) + 1))


def _ruled(strip: Strip, y: int, rng: np.random.Generator) -> Strip:
    """With a lying rule, as long as the line of digits or across the image."""
    wide = strip.wider((1, 1, 1, 1))
    past = round(strip.height * rng.uniform(0, 0.5))
    ends = (wide.view[0], wide.view[2]) if rng.random() < 0.4 else (strip.boxes[0][0] - past, strip.boxes[-1][2] + past)
    return wide.inked((int(ends[0]), y, int(ends[1]), y + _thick(strip, rng)))


RELATIONS: dict[str, Callable[[Strip, np.random.Generator], Strip]] = {
    each.__name__: each for each in (margin, frame, under, over, across, word)
}
