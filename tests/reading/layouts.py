"""Tables of numbers made without an image: boxes with exact truth, tilted, bent, jittered."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from digitwise.reading.results import Digit, Line, Number, Page

HEIGHT = 40.0


@dataclass(frozen=True)
class Layout:
    """How a table is laid out; lengths in heights of a digit."""

    rows: int = 8
    columns: int = 4
    empty: float = 0.2
    degrees: float = 0.0
    bow: float = 0.0  # how far the middle of a line lies off its ends
    fan: float = 0.0  # by how much the last row's slope differs from the first's
    align: str = "right"
    lengths: tuple[int, int] = (1, 6)
    pitch: float = 1.8
    gutter: float = 2.0
    jitter: float = 0.1
    title: bool = False
    span: bool = False  # one row has a number across two columns
    several: bool = False  # two cells have two numbers
    turn: int = 0


def made(layout: Layout, seed: int) -> tuple[Page, tuple[tuple[str, ...], ...]]:
    """A page, and the text of its cells without the rows and columns that came out empty."""
    rng = np.random.default_rng(seed)
    truth, numbers = [["" for _ in range(layout.columns)] for _ in range(layout.rows)], []
    most = layout.lengths[1] * 0.75 + (2.5 if layout.several else 0)
    spanning = (int(rng.integers(1, layout.rows)), int(rng.integers(layout.columns - 1))) if layout.span else None
    twice = set(rng.choice(layout.rows * layout.columns, 2, replace=False).tolist()) if layout.several else set()
    for row in range(layout.rows):
        for column in range(layout.columns):
            left, y = column * (most + layout.gutter), row * layout.pitch
            if spanning == (row, column):
                wide = 2 * most + layout.gutter
                numbers.append(_number(rng, round(wide / 0.78), left, left + wide, y, "left", layout))
                truth[row][column] = numbers[-1][0]
            elif spanning == (row, column - 1):
                continue
            elif row * layout.columns + column in twice:
                numbers.append(_number(rng, 2, left, left + most, y, "left", layout))
                gap = numbers[-1][1][-1][2] + 1.0
                numbers.append(_number(rng, 2, gap, left + most, y, "left", layout))
                truth[row][column] = f"{numbers[-2][0]} {numbers[-1][0]}"
            elif rng.random() >= layout.empty:
                length = int(rng.integers(layout.lengths[0], layout.lengths[1] + 1))
                numbers.append(_number(rng, length, left, left + most, y, layout.align, layout))
                truth[row][column] = numbers[-1][0]
    if layout.title:
        left = rng.uniform(0, (layout.columns - 1) * (most + layout.gutter))
        numbers.append(_number(rng, 4, left, left + 4, -2.2 * layout.pitch, "left", layout))
    width, high = layout.columns * (most + layout.gutter), layout.rows * layout.pitch
    bent = [(text, [_bent(box, width, high, layout) for box in boxes]) for text, boxes in numbers]
    return _page(bent, layout.turn), _without_empty(truth)


def _number(rng, length, left, right, y, align, layout):
    """Digits and their boxes, in heights."""
    widths, gaps = rng.uniform(0.4, 0.65, length), rng.uniform(0.05, 0.2, length)
    total = float((widths + gaps).sum() - gaps[-1])
    x = {"left": left, "right": right - total, "centre": (left + right - total) / 2}.get(align)
    x = left + rng.uniform(0, max(right - left - total, 0)) if x is None else x
    x, y = x + rng.normal(0, 1.5 * layout.jitter), y + rng.normal(0, layout.jitter)
    boxes = []
    for width, gap in zip(widths, gaps, strict=True):
        high, off = rng.uniform(0.85, 1.15), rng.normal(0, layout.jitter / 2)
        boxes.append((x, y + off - high / 2, x + width, y + off + high / 2))
        x += width + gap
    return "".join(map(str, rng.integers(0, 10, length))), boxes


def _bent(box, width, high, layout):
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    angle = math.radians(layout.degrees)
    y_new = y + layout.bow * (1 - (2 * x / width - 1) ** 2) + layout.fan * (x - width / 2) * (y / high - 0.5)
    x_new = x * math.cos(angle) - y_new * math.sin(angle)
    y_new = x * math.sin(angle) + y_new * math.cos(angle)
    wide, tall = (right - left) / 2, (bottom - top) / 2
    return tuple(HEIGHT * edge for edge in (x_new - wide, y_new - tall, x_new + wide, y_new + tall))


def _page(numbers, turn):
    """A page of numbers whose boxes lie in the image as given, each number a line of its own."""
    every = np.array([box for _, boxes in numbers for box in boxes])
    shift = np.array([every[:, 0].min(), every[:, 1].min()] * 2) - 50
    width, height = every[:, 2].max() - shift[0] + 50, every[:, 3].max() - shift[1] + 50
    made = []
    for text, boxes in numbers:
        placed = [_given(np.array(box) - shift, turn, width, height) for box in boxes]
        digits = tuple(Digit(sign, 0.99, "read", box) for sign, box in zip(text, placed, strict=True))
        around = tuple(int(f(edge)) for f, edge in zip((min, min, max, max), zip(*placed, strict=True), strict=True))
        made.append(Number(text, text, 0.98, "read", around, digits))
    return Page(None, tuple(Line.of([number.digits]) for number in made), turn, tuple(made))


def _given(box, turn, width, height):
    left, top, right, bottom = box
    for _ in range(-turn % 4):
        left, top, right, bottom = top, width - right, bottom, width - left
        width, height = height, width
    return tuple(round(float(edge)) for edge in (left, top, right, bottom))


def _without_empty(truth):
    rows = [row for row in truth if any(row)]
    columns = [k for k in range(len(truth[0])) if any(row[k] for row in rows)]
    return tuple(tuple(row[k] for k in columns) for row in rows)
