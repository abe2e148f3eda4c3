"""The kinds of scenes."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from digitwise.images import Float64
from digitwise.synthetic.scenes.canvas import SCENE, Canvas
from digitwise.synthetic.scenes.clutter import (
    clutter,
    frame,
    horizontal,
    intruders,
    pattern,
    prepare,
    printed_number,
    rule,
    some_level,
    some_text,
    text,
    vertical,
    word,
)
from digitwise.synthetic.scenes.writing import (
    Writing,
    digit,
    ending,
    letter,
    number,
    sign,
    some_height,
    some_writing,
    stroke,
)
from digitwise.synthetic.strokes import curve

CURRENCIES = ("$", "US$", "€", "Kr.", "R$", "£", "U$S", "Fr.")
SYMBOLS = "$€RKF"  # handwritten before an amount
GROUPING = "...,,-"  # separators of an amount's groups of digits, by frequency


def _begun(canvas: Canvas, high: float) -> Writing:
    """Draw a writing with digits up to ``high`` pixels, and prepare the paper."""
    w = some_writing(some_height(high=high, rng=canvas.rng), rng=canvas.rng)
    prepare(canvas, w)
    return w


def single(canvas: Canvas) -> None:
    """One digit, of any size."""
    rng, w = canvas.rng, _begun(canvas, 110)
    label = int(rng.integers(10))
    x, base = rng.uniform(30, 190 - min(w.height, 100) / 2), rng.uniform(w.height + 10, 250)
    if rng.random() < 0.06:
        printed_number(canvas, x, base, w.height, w.ink)
    else:
        digit(canvas, label, x, base, w)
    if rng.random() < 0.25:
        bands = [(0.0, base - w.height * 1.3), (base + w.height * 0.4, float(SCENE))]
        clutter(canvas, w, free=bands, chance=0.6)
    intruders(canvas, w)


def row(canvas: Canvas) -> None:
    """One number, with other things around it."""
    rng, w = canvas.rng, _begun(canvas, 90)
    digits = int(rng.integers(1, 13))
    base = rng.uniform(w.height + 8, SCENE - 8)
    start = rng.uniform(4, 60)
    if rng.random() < 0.12:
        other = w if rng.random() < 0.6 else dataclasses.replace(w, height=w.height * rng.uniform(1, 2.5))
        start += word(canvas, start, base, other) + w.height * rng.uniform(0.2, 1)
    elif rng.random() < 0.08:
        start += letter(canvas, start, base, w) + w.height * rng.uniform(0.05, 0.4)
    if rng.random() < 0.03:  # one that was crossed out, and its correction
        start = number(canvas, int(rng.integers(1, 4)), start, base, w, crossed=1.0) + w.height * rng.uniform(0.0, 0.6)
    if rng.random() < 0.06:
        end = _date(canvas, start, base, w)
    elif rng.random() < 0.05:
        end = printed_number(canvas, start, base, w.height, w.ink)
    else:
        end = number(canvas, digits, start, base, w)
    _underlined(canvas, start, end, base, w)
    bands = [(0.0, base - w.height * 1.6), (base + w.height * 0.7, float(SCENE))]
    clutter(canvas, w, free=bands, chance=0.35)
    intruders(canvas, w)


def _underlined(canvas: Canvas, start: float, end: float, base: float, w: Writing) -> None:
    """Draw one or two lines under a number, a frame or a ring around it, or nothing."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.3:
        y = base + w.height * rng.normal(0.05, 0.08)
        if rng.random() < 0.25:  # by hand
            stroke(canvas, [_dash(start, end, y + w.height * rng.uniform(0.0, 0.5), w, rng=rng)], w)
            return
        where = (-5.0, SCENE + 5.0) if rng.random() < 0.5 else (start - 5, end + 5)
        horizontal(canvas, y, w, x=where)
        if rng.random() < 0.3:
            horizontal(canvas, y + w.height * rng.uniform(0.08, 0.2), w, x=where)
    elif kind < 0.34:
        stroke(canvas, [_ring((start + end) / 2, base - w.height / 2, end - start, w.height, rng=rng)], w)
    elif kind > 0.8:
        left, top = start - w.height * rng.uniform(0.05, 0.5), base - w.height * rng.uniform(1.05, 1.6)
        right, bottom = end + w.height * rng.uniform(0.05, 0.5), base + w.height * rng.uniform(0.05, 0.4)
        frame(canvas, (left, top, right, bottom), w)


def _dash(start: float, end: float, y: float, w: Writing, *, rng: np.random.Generator) -> Float64:
    """Points (n, 2) of a line drawn by hand under a number or a part of it, in pixels."""
    left, right = np.array([start, end]) + rng.uniform(-0.4, 0.4, 2) * w.height
    x = np.linspace(left, right, 5)
    bend = rng.normal(0, 0.12) * w.height * np.linspace(-1, 1, 5) ** 2
    return curve(np.stack([x, y + bend + rng.normal(0, 0.02, 5) * w.height], axis=1))


def _ring(x: float, y: float, width: float, height: float, *, rng: np.random.Generator) -> Float64:
    """Points (n, 2) of an ellipse around a box with centre x, y, in pixels."""
    angle = rng.uniform(0, 2 * math.pi) + np.linspace(0, 2 * math.pi + rng.uniform(-0.3, 0.5), 24)
    radii = np.array([width, height]) * rng.uniform(0.65, 1.1) + rng.normal(0, 0.02, (24, 1)) * height
    return curve(np.array([x, y]) + radii * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def _date(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write two or three groups of digits with one sign between them; gives their end in pixels."""
    rng = canvas.rng
    drawn = str(rng.choice(list("/-.")))
    groups = int(rng.integers(2, 4))
    for k in range(groups):
        x = number(canvas, int(rng.choice((1, 2, 2, 4))), x, base, w, separators=0.0)
        if k < groups - 1:
            x += sign(canvas, drawn, x + w.height * rng.uniform(0.0, 0.1), base, w) + w.height * rng.uniform(0.0, 0.2)
    return x


def page(canvas: Canvas) -> None:
    """A page full of numbers, in lines."""
    rng, w = canvas.rng, _begun(canvas, 60)
    pitch = w.height * rng.uniform(1.25, 2.6)
    base = rng.uniform(0.2, 1.2) * w.height
    left = rng.uniform(-20, 60)
    words = rng.random() < 0.3
    ruled = rng.random() < 0.25
    while base < SCENE + w.height and canvas.room_for(12):
        x = left + rng.normal(0, 0.5) * w.height
        if words and rng.random() < 0.5:
            x += word(canvas, x, base, w) + w.height
        while x < SCENE and canvas.room_for(12):
            x = number(canvas, int(rng.integers(1, 12)), x, base, w, separators=0.06) + w.height * rng.uniform(0.6, 3)
        if ruled:
            horizontal(canvas, base + w.height * rng.normal(0.06, 0.04), w)
        base += pitch
    intruders(canvas, w)


def boxes(canvas: Canvas) -> None:
    """A form: a box or the tooth of a comb for each digit."""
    rng, w = canvas.rng, _begun(canvas, 80)
    pitch = w.height * rng.uniform(0.9, 1.8)
    tall = w.height * rng.uniform(1.05, 1.8)
    level, width = some_level(w, rng=rng), rng.uniform(0.6, max(1.0, 0.09 * w.height))
    y = rng.uniform(5, 60)
    comb = rng.random() < 0.15
    gap = rng.uniform(0.02, 0.3) * pitch if rng.random() < 0.3 else 0.0
    while y + tall < SCENE + 30 and canvas.room_for(14):
        start = rng.uniform(-10, 50)
        count = int(rng.integers(2, 12))
        base = y + tall / 2 + w.height / 2 + rng.normal(0, 0.05) * w.height
        for k in range(count):
            left, right = start + k * pitch, start + (k + 1) * pitch - gap
            _box(canvas, (left, right), (y, y + tall), comb, (width, level))
            if rng.random() < 0.88:
                label, wide = int(rng.integers(10)), 0.55 * w.height * w.aspect
                digit(canvas, label, (left + right) / 2 - wide / 2 + rng.normal(0, 0.07) * w.height, base, w)
        if rng.random() < 0.4:
            _label(canvas, start, y, w, level)
        y += tall + w.height * rng.uniform(0.4, 2.5)


def _box(canvas: Canvas, x: tuple[float, float], y: tuple[float, float], comb: bool, line: tuple[float, float]) -> None:
    """Draw a box, or with ``comb`` short sides and no top; ``line`` is the lines' width and level."""
    (left, right), (top, bottom) = x, y
    side = top + (bottom - top) * 0.6 if comb else top
    sides = [((left, side), (left, bottom)), ((right, side), (right, bottom)), ((left, bottom), (right, bottom))]
    if not comb:
        sides.append(((left, top), (right, top)))
    for begin, end in sides:
        rule(canvas, np.array(begin), np.array(end), *line)


def _label(canvas: Canvas, x: float, y: float, w: Writing, level: float) -> None:
    """Print a label over a row of boxes."""
    size = w.height * canvas.rng.uniform(0.3, 0.6)
    if size > 6:
        text(canvas, some_text(rng=canvas.rng), x, y - size * 1.3, size, level)


def table(canvas: Canvas) -> None:
    """A table with a number, a word or nothing in each cell."""
    rng, w = canvas.rng, _begun(canvas, 60)
    tall = w.height * rng.uniform(1.15, 3.5)
    y = rng.uniform(-0.8, 0.3) * tall
    columns = (np.cumsum(rng.uniform(1.2, 6.0, 12) * w.height) + rng.uniform(-60, 20)).tolist()
    ruled = rng.random() < 0.7
    for x in columns:
        if -5 < x < SCENE + 5:
            vertical(canvas, x, w)
            if rng.random() < 0.1:  # a double rule
                vertical(canvas, x + rng.uniform(2, 5), w)
    while y < SCENE + tall:
        if ruled:
            horizontal(canvas, y, w)
        base = y + tall * rng.uniform(0.6, 0.98)
        for left, right in itertools.pairwise(columns):
            if left <= SCENE and right >= 0 and canvas.room_for(10):
                _cell(canvas, left, right, base, w)
        y += tall
    intruders(canvas, w)


def _cell(canvas: Canvas, left: float, right: float, base: float, w: Writing) -> None:
    """Fill a cell of a table."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.7:
        fitting = 2 + int((right - left) / (0.65 * w.height))
        digits = min(max(1, int(rng.integers(1, fitting))), 6)
        number(canvas, digits, left + rng.uniform(0.0, 0.6) * w.height, base, w, separators=0.05)
    elif kind < 0.85:
        word(canvas, left + rng.uniform(0, 0.5) * w.height, base, w)


def cheque(canvas: Canvas) -> None:
    """An amount with currency, separators, an ending, security print and other print."""
    rng = canvas.rng
    w = some_writing(some_height(14, 90, rng=rng), rng=rng)
    if rng.random() < 0.75:
        pattern(canvas)
    canvas.settle()
    base = rng.uniform(w.height + 15, SCENE - 15)
    x = rng.uniform(0, 40)
    x = _amount(canvas, x + _currency(canvas, x, base, w), base, w)
    if rng.random() < 0.7:
        ending(canvas, x, base, w)
    if rng.random() < 0.4:
        horizontal(canvas, base + w.height * rng.uniform(0.0, 0.4), w)
    if rng.random() < 0.3:
        horizontal(canvas, base - w.height * rng.uniform(1.0, 1.6), w)
    bands = [(0.0, base - w.height * 1.5), (base + w.height * 0.5, float(SCENE))]
    clutter(canvas, w, free=bands, chance=0.4)
    intruders(canvas, w)


def _currency(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write what precedes an amount, if anything; gives its width in pixels."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.3:
        size = w.height * rng.uniform(0.4, 1.0)
        said = str(rng.choice(CURRENCIES))
        width = text(canvas, said, x, base - size, size, w.ink * rng.uniform(0.4, 1))
        return width + w.height * rng.uniform(0.02, 0.5)
    if kind < 0.5:
        among = SYMBOLS if rng.random() < 0.6 else ""
        return letter(canvas, x, base, w, among=among) + w.height * rng.uniform(0.0, 0.3)
    if kind < 0.62:
        return sign(canvas, str(rng.choice(list("=-"))), x, base, w) + w.height * 0.2
    return 0.0


def _amount(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write one to three groups of digits; gives their end in pixels."""
    rng = canvas.rng
    groups = int(rng.integers(1, 4))
    for k in range(groups):
        x = number(canvas, 3 if k else int(rng.integers(1, 5)), x, base, w, separators=0.0)
        if k < groups - 1:
            drawn = str(rng.choice(list(GROUPING)))
            x += sign(canvas, drawn, x, base, w) + w.height * rng.uniform(0.0, 0.25)
    return x


def nothing(canvas: Canvas) -> None:
    """Everything except digits."""
    rng, w = canvas.rng, _begun(canvas, 70)
    y = rng.uniform(0, 30)
    while y < SCENE:
        tall = w.height * rng.uniform(0.8, 2)
        clutter(canvas, w, free=[(y, y + tall)], chance=0.8)
        y += tall
    for _ in range(int(rng.integers(0, 5))):
        (horizontal if rng.random() < 0.5 else vertical)(canvas, rng.uniform(0, SCENE), w)
    intruders(canvas, w)
